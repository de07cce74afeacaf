"""The figures as tables whose numbers lead to their lists, and as pictures drawn by the page."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urlencode

from engine.action import Level, State
from engine.conditions import Condition
from engine.digest import TOLD, Figures, Place, Share
from engine.party import Side
from notifications.digest_charts import ages_said, charts
from notifications.digest_picture import Chart
from notifications.digest_terms import COLOURS, Speech
from notifications.language import percent
from web.face_words import word

REPORTED, VERIFIED, LATE = "#56b4e9", "#0072b2", "#e69f00"
WIDE: Final = 100
TALL: Final = 40
MOST_DIALOGUES: Final = 16
"""So many lines keep the page small; which of them is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A number; `share` beside it, `link` to the list behind it, `drawn` as a bar."""

    number: float
    link: str = ""
    share: str = ""
    drawn: str = ""
    colour: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A piece of a picture: a path in its colour, and what it means."""

    path: str
    colour: str
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a table; `bar` divides the whole among its places."""

    label: str
    cells: tuple[Cell, ...]
    link: str = ""
    bar: tuple[Piece, ...] = ()
    last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table with its heading; the first of `head` is over the labels."""

    name: str
    title: str
    head: tuple[str, ...]
    lines: tuple[Line, ...]
    colours: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A number that is seen at a glance."""

    label: str
    cell: Cell
    colour: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OverTime:
    """The columns of the picture over time, with its first and last day and what it shows."""

    alt: str
    first: str
    last: str
    pieces: tuple[Piece, ...]
    width: int
    height: int = TALL


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """
    Where numbers lead: the list with the filters of the page and those of the number.

    `lists` is off for a past day, of which there is no list.
    """

    kept: Mapping[str, str] = field(default_factory=dict)
    lists: bool = True

    def to(self, number: float, **asked: str) -> str:
        """The list behind a number; nothing for none."""
        if not self.lists or not number:
            return ""
        return "/actions?" + urlencode({**self.kept, **asked, "counted": "1"})

    def figures(self, **asked: str) -> str:
        """The same page for a part."""
        return "/dashboard?" + urlencode({**self.kept, **asked})


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """All that the page shows."""

    tiles: tuple[Tile, ...]
    tables: tuple[Table, ...]
    over_time: OverTime | None
    legend: tuple[tuple[str, str], ...]


def view_of(
    figures: Figures,
    speech: Speech,
    links: Links,
    unreachable: int | None,
    most: int = MOST_DIALOGUES,
) -> View:
    """The figures for one reader's page, with so many dialogues at most."""
    used = [place for place in COLOURS if figures.every.places[place]]
    short = speech.short_places()
    tables = [
        _states(figures, speech, links),
        _levels(figures, speech, links),
        _by_side(figures, speech, links, used),
        _by_dialogue(figures, speech, links, used, most),
        _conditions(figures, speech, links, unreachable),
        _ages(figures, speech, links),
    ]
    drawn = charts(figures, speech)
    return View(
        tiles=_tiles(figures, speech, links),
        tables=tuple(table for table in tables if table.lines),
        over_time=_over_time(figures, drawn["over-time"], speech) if "over-time" in drawn else None,
        legend=tuple((short[place], COLOURS[place]) for place in used),
    )


def _tiles(figures: Figures, speech: Speech, links: Links) -> tuple[Tile, ...]:
    names, every = speech.short_places(), figures.every
    shown = [place for place in COLOURS if every.places[place] or place is Place.CONFIRMED]
    return tuple(
        Tile(
            label=names[place],
            cell=Cell(
                number=every.places[place],
                link=links.to(every.places[place], place=place.value),
                share=_percent(every.places[place], figures.total, speech),
            ),
            colour=COLOURS[place],
        )
        for place in shown
    )


def _states(figures: Figures, speech: Speech, links: Links) -> Table:
    gettext, total = speech.gettext, figures.total
    lines = [
        Line(
            label=label, cells=(_part(figures.by_state[state], total, speech, links, state=state),)
        )
        for state, label in speech.states().items()
        if figures.by_state[state]
    ]
    notes = [gettext("Shares are rounded and need not add up to 100%.")]
    if figures.apart is not None:
        label = gettext("Confidential, counted only here")
        share = _percent(figures.apart, total, speech)
        lines.append(Line(label=label, cells=(Cell(number=figures.apart, share=share),)))
    if figures.frame.whole:
        notes.append(
            gettext(
                "Confidential actions stand in the total and nowhere else, "
                "and only if there are at least three of them."
            )
        )
    link = links.to(total) if figures.apart is None else ""
    lines.append(Line(label=gettext("Together"), cells=(Cell(number=total, link=link),), last=True))
    return Table(
        name="states", title=gettext("Where the actions stand"), notes=tuple(notes),
        head=(gettext("State"), gettext("Actions")), lines=tuple(lines),
    )  # fmt: skip


def _levels(figures: Figures, speech: Speech, links: Links) -> Table:
    gettext, named, levels = speech.gettext, speech.levels(), figures.levels
    most = max(1, *(number for level in Level for number in levels[level].values()))
    lines = [
        Line(
            label=named[level],
            cells=tuple(
                Cell(
                    number=levels[level][sort],
                    link=links.to(levels[level][sort], **{sort: level.value}),
                    drawn=_bar(0, WIDE * levels[level][sort] / most),
                    colour=colour,
                )
                for sort, colour in (("reported", REPORTED), ("verified", VERIFIED))
            ),
        )
        for level in Level
    ]
    sums = [sum(levels[level][sort] for level in Level) for sort in ("reported", "verified")]
    lines.append(
        Line(
            label=gettext("Together"),
            cells=tuple(Cell(number=number) for number in sums),
            last=True,
        )
    )
    note = gettext(
        "Reported is what those say who took it on, confirmed what another party saw. "
        "Not counted here: what is not agreed yet, and what was replaced, withdrawn or closed."
    )
    return Table(
        name="levels", title=gettext("How much is there: reported and confirmed"), notes=(note,),
        head=(gettext("Level"), gettext("Reported"), gettext("Confirmed")),
        lines=tuple(lines) if any(sums) else (),
    )  # fmt: skip


Beside = tuple[str, Callable[[Share], int], Mapping[str, str]]
"""A column beside the places: its head, its number, and the filter behind it."""


def _by_side(figures: Figures, speech: Speech, links: Links, used: Sequence[Place]) -> Table:
    gettext, sides = speech.gettext, speech.sides()
    note = gettext(
        "Each share is of the actions of that side. An action that several parties took on "
        "is counted with the first of them. What is past its day is not always late by its "
        "own party: it may wait for another action."
    )
    shares = [(sides[Side(share.name)], share, {"side": share.name}) for share in figures.by_side]
    return _shares(
        Table(name="sides", title=gettext("By side, by the same measure"), notes=(note,),
              head=(gettext("Side"),), lines=()),
        shares, figures.every, speech, links, used,
    )  # fmt: skip


def _by_dialogue(
    figures: Figures, speech: Speech, links: Links, used: Sequence[Place], most: int
) -> Table:
    gettext = speech.gettext
    notes = [gettext("Each share is of the actions of that dialogue, large or small.")]
    latest = sorted(figures.by_dialogue, key=lambda share: -share.places[Place.PAST_DAY])
    shown = {share.name for share in latest[:most]}
    if left := len(figures.by_dialogue) - len(shown):
        notes.append(
            speech.ngettext(
                "%(num)s more dialogue, with fewer past the day, is in the files.",
                "%(num)s more dialogues, with fewer past the day, are in the files.",
                left,
            )
        )
    shares = [(s.name, s, {"dialogue": s.name}) for s in figures.by_dialogue if s.name in shown]
    return _shares(
        Table(name="dialogues", title=gettext("By dialogue"), notes=tuple(notes),
              head=(gettext("Dialogue"),), lines=()),
        shares, figures.every, speech, links, used,
    )  # fmt: skip


def _shares(
    table: Table,
    shares: Sequence[tuple[str, Share, Mapping[str, str]]],
    every: Share,
    speech: Speech,
    links: Links,
    used: Sequence[Place],
) -> Table:
    """Each line by the same measure; a column in which nothing is, is left out."""
    language, names = speech.language, speech.short_places()
    known: tuple[Beside, ...] = (
        (word(language, Condition.DUE_SOON), lambda s: s.due_soon, {"condition": "due_soon"}),
        (word(language, State.BLOCKED), lambda s: s.blocked, {"state": "blocked"}),
        (word(language, Condition.WAITING), lambda s: s.waiting, {"condition": "waiting"}),
        (word(language, Condition.STALLED), lambda s: s.stalled, {"condition": "stalled"}),
    )
    beside = [column for column in known if column[1](every)]
    head = (
        *table.head, speech.gettext("All"), *(names[place] for place in used),
        *(said for said, _count, _asked in beside), speech.gettext("reminders each"),
    )  # fmt: skip
    lines = tuple(_line(*share, speech, links, used, beside) for share in shares)
    colours = tuple(COLOURS[place] for place in used)
    return replace(table, head=head, lines=lines, colours=colours)


def _line(
    label: str,
    share: Share,
    own: Mapping[str, str],
    speech: Speech,
    links: Links,
    used: Sequence[Place],
    beside: Sequence[Beside],
) -> Line:
    total, at, bar = share.total, 0.0, []
    for place in used:
        wide = WIDE * share.places[place] / total if total else 0
        if wide:
            bar.append(Piece(path=_bar(at, wide), colour=COLOURS[place]))
        at += wide
    asked: list[tuple[int, Mapping[str, str]]] = [
        *((share.places[place], {"place": place.value}) for place in used),
        *((count(share), found) for _said, count, found in beside),
    ]
    return Line(
        label=label,
        link=links.figures(**own),
        bar=tuple(bar),
        cells=(
            Cell(number=total, link=links.to(total, **own)),
            *(_part(number, total, speech, links, **{**own, **found}) for number, found in asked),
            Cell(number=round(share.reminders / total, 1) if total else 0),
        ),
    )


def _conditions(figures: Figures, speech: Speech, links: Links, unreachable: int | None) -> Table:
    counts: dict[Condition, int] = {c: figures.conditions[c] for c in TOLD}
    if unreachable is not None:
        counts[Condition.UNREACHABLE] = unreachable
    lines = (
        Line(
            label=word(speech.language, condition),
            cells=(_part(n, figures.every.total, speech, links, condition=condition.value),),
        )
        for condition, n in counts.items()
    )
    gettext = speech.gettext
    return Table(
        name="conditions", title=gettext("What needs a look"),
        head=(gettext("Condition"), gettext("Actions")), lines=tuple(lines),
        notes=(gettext("One action can be in several of these lines, or in none."),),
    )  # fmt: skip


def _ages(figures: Figures, speech: Speech, links: Links) -> Table:
    gettext, most = speech.gettext, max(1, *figures.ages.values())
    lines = [
        Line(
            label=said,
            cells=(
                Cell(
                    number=figures.ages[name], link=links.to(figures.ages[name], age=name),
                    drawn=_bar(0, WIDE * figures.ages[name] / most), colour=LATE,
                ),
            ),
        )
        for name, said in ages_said(speech).items()
    ]  # fmt: skip
    total = sum(figures.ages.values())
    link = links.to(total, condition=Condition.STALLED.value)
    together = Line(label=gettext("Together"), cells=(Cell(number=total, link=link),), last=True)
    return Table(
        name="ages", title=gettext("What stands still, and for how long"),
        head=(gettext("Working days"), gettext("Actions")),
        lines=(*lines, together) if total else (),
    )  # fmt: skip


def _over_time(figures: Figures, chart: Chart, speech: Speech) -> OverTime:
    """Columns of layers, those of the digest's picture, in the direction of reading."""
    count = len(chart.places)
    top = max(1, *(sum(layer.values[at] for layer in chart.layers) for at in range(count)))
    base, pieces = [0.0] * count, []
    for layer in chart.layers:
        path = ""
        for at, value in enumerate(layer.values):
            tall, left = TALL * value / top, 10 * (count - 1 - at if speech.from_right else at)
            if value:
                path += f"M{left + 1} {TALL - base[at] - tall:.2f}h8v{tall:.2f}h-8z"
            base[at] += tall
        label = speech.pair(layer.label, speech.number(layer.values[-1]))
        pieces.append(Piece(path=path, colour=layer.colour, label=label))
    return OverTime(
        alt=chart.alt,
        first=speech.day(figures.series[0].on),
        last=speech.day(figures.series[-1].on),
        pieces=tuple(pieces),
        width=10 * count,
    )


def _part(number: int, total: int, speech: Speech, links: Links, **asked: str) -> Cell:
    return Cell(
        number=number, link=links.to(number, **asked), share=_percent(number, total, speech)
    )


def _percent(part: int, whole: int, speech: Speech) -> str:
    return percent(speech.language, part / whole) if part and whole else ""


def _bar(left: float, wide: float) -> str:
    return f"M{left:.2f} 0h{wide:.2f}v1h-{wide:.2f}z" if wide else ""


def rows_of(tables: Iterable[Table]) -> Iterable[tuple[str, str, str, float]]:
    """Every number on the page with the table, line and column where it stands."""
    for table in tables:
        for line in table.lines:
            for head, cell in zip(table.head[1:], line.cells, strict=False):
                yield table.title, line.label, head, cell.number
