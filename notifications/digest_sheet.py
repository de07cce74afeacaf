"""A digest in words, and laid out: as text, and as HTML for a mail or a file."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from jinja2 import Template

from notifications.digest_picture import Chart
from notifications.layout import TEMPLATES
from notifications.mark_up import WIDTH, filled, html_templates, inlined

FOLDER: Final = "digest"


@dataclass(frozen=True, slots=True)
class Heading:
    text: str
    sort: str = "heading"


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph; `weight` is `plain`, `lead` or `quiet`."""

    text: str
    weight: str = "plain"
    sort: str = "words"


@dataclass(frozen=True, slots=True)
class Lines:
    """A list."""

    lines: tuple[str, ...]
    sort: str = "lines"


@dataclass(frozen=True, slots=True)
class Tiles:
    """A few numbers that can be read from afar: number, word, colour; the text part has them."""

    tiles: tuple[tuple[str, str, str], ...]
    sort: str = "tiles"


@dataclass(frozen=True, slots=True)
class Grid:
    """
    A table: `words` columns of words, the others numbers; `total`: the last row is the sum.

    `stacked`: the word of a row stands above its numbers, since there is no room beside them on a
    telephone. `colours`: HTML shows these instead of the heads of the number columns (a legend
    stands above). `notes`: a line below each row, or an empty one.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: bool = False
    words: int = 1
    stacked: bool = False
    colours: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    sort: str = "grid"


@dataclass(frozen=True, slots=True)
class Legend:
    """What each colour means; the text part has the words where they are needed."""

    entries: tuple[tuple[str, str], ...]
    sort: str = "legend"


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart; `told`: its numbers stand in a table beside it, so the text part leaves it out."""

    chart: Chart
    told: bool = False
    sort: str = "picture"


Block = Heading | Words | Lines | Tiles | Legend | Grid | Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A digest in the words of one language."""

    language: str
    direction: str
    title: str
    subtitle: str
    blocks: tuple[Block, ...]
    foot: tuple[str, ...]

    @property
    def charts(self) -> tuple[Chart, ...]:
        return tuple(block.chart for block in self.blocks if isinstance(block, Picture))


def as_text(sheet: Sheet) -> str:
    """The digest where there is no HTML; it says everything that the pictures show."""
    parts = [f"{sheet.title}\n{sheet.subtitle}"]
    for block in sheet.blocks:
        match block:
            case Heading(text):
                parts.append(f"{text}\n{'-' * min(len(text), WIDTH)}")
            case Words(text):
                parts.append(filled(text))
            case Lines(lines):
                parts.append("\n".join(filled(f"- {line}", hang="  ") for line in lines))
            case Grid():
                parts.append(_grid_text(block))
            case Picture(chart, told=False):
                parts.append(filled(chart.alt))
            case _:
                pass
    return "\n\n".join([*parts, "--", *map(filled, sheet.foot)]) + "\n"


def as_html(sheet: Sheet, sources: Mapping[str, str]) -> str:
    """The digest as mail programs show it; `sources` are the addresses of the pictures by name."""
    return inlined(_template().render(sheet=sheet, sources=sources))


def as_file(sheet: Sheet, pictures: Mapping[str, bytes]) -> str:
    """The digest as one file that needs no other."""
    return as_html(
        sheet,
        {
            name: f"data:image/png;base64,{b64encode(data).decode('ascii')}"
            for name, data in pictures.items()
        },
    )


def _grid_text(grid: Grid) -> str:
    """The first columns as wide as they must be, numbers to the right; wide tables row by row."""
    rows = [grid.head, *grid.rows]
    widths = [max(len(row[at]) for row in rows) for at in range(len(grid.head))]
    notes = grid.notes or ("",) * len(grid.rows)
    if sum(widths) + 2 * len(widths) > WIDTH:
        return "\n".join(_row_by_itself(grid, row) for row in grid.rows)
    lines = [_aligned(grid.head, widths, grid.words)]
    for row, note in zip(grid.rows, notes, strict=True):
        lines.append(_aligned(row, widths, grid.words))
        if note:
            lines.append(filled(f"  {note}", hang="  "))
    return "\n".join(lines)


def _row_by_itself(grid: Grid, row: tuple[str, ...]) -> str:
    pairs = zip(grid.head[1:], row[1:], strict=True)
    return filled(f"- {row[0]}: " + ", ".join(f"{name} {cell}" for name, cell in pairs), hang="  ")


def _aligned(row: tuple[str, ...], widths: Sequence[int], words: int) -> str:
    cells = (
        cell.ljust(width) if at < words else cell.rjust(width)
        for at, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join(cells).rstrip()


@lru_cache
def _template() -> Template:
    return html_templates(TEMPLATES).get_template(f"{FOLDER}/frame.html")
