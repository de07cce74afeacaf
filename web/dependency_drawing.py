"""A drawing of what waits for what, as SVG: boxes that lead on, lines between them, no script."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Final
from urllib.parse import quote

from web.layout import Edge, place

WIDE, HIGH = 172, 46
ACROSS, DOWN = 222, 58
MARGIN: Final = 4
INSET: Final = 14
EDGE: Final = 6
FIRST_LINE: Final = 19
LONGEST_REF: Final = 13


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """What stands in a box; one without `ref` is of an action that the reader may not see."""

    ref: str
    state: str
    word: str
    late: str = ""


def draw(
    edges: Sequence[Edge], boxes: Mapping[int, Box], met: Collection[int], *, rtl: bool
) -> str:
    """The drawing; what has to be there first stands where reading begins."""
    placed = place(edges)
    width = (placed.columns - 1) * ACROSS + WIDE + 2 * MARGIN
    height = round((placed.rows - 1) * DOWN + HIGH + 2 * MARGIN)

    def corner(column: int, row: float) -> tuple[int, int]:
        left = MARGIN + column * ACROSS
        return (width - WIDE - left if rtl else left), round(MARGIN + row * DOWN)

    paths: dict[bool, list[str]] = {True: [], False: []}
    for (_waiter, needed), points in placed.lines.items():
        way = [corner(*point) for point in points]
        paths[needed in met].append(_path(way, rtl=rtl))
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    opened = f'<svg class="graph" {size} role="group" aria-labelledby="h-drawing">'
    parts = [opened, _shapes(rtl=rtl)]
    for there, name in ((True, "met"), (False, "unmet")):
        if paths[there]:
            parts.append(f'<path class="{name}" d="{"".join(paths[there])}"/>')
    start = WIDE - INSET if rtl else INSET
    for node, (column, row) in sorted(placed.boxes.items(), key=lambda item: item[1]):
        x, y = corner(column, row)
        parts.append(_box(boxes[node], x + start, y + FIRST_LINE, rtl=rtl))
    return "".join([*parts, "</svg>"])


def _shapes(*, rtl: bool) -> str:
    """The box, drawn once and used by each; it is put where its first words begin."""
    left, top = (INSET - WIDE if rtl else -INSET), -FIRST_LINE
    side = left + WIDE - EDGE if rtl else left
    return (
        f'<defs><g id="b"><rect class="gbox" x="{left}" y="{top}" width="{WIDE}" height="{HIGH}"'
        f' rx="7"/><rect class="gside" x="{side}" y="{top}" width="{EDGE}" height="{HIGH}"'
        ' rx="3"/></g></defs>'
    )


def _path(corners: Sequence[tuple[int, int]], *, rtl: bool) -> str:
    """A line from the far side of one box to the near side of the next, through every column."""
    ahead = -1 if rtl else 1
    x, y = corners[0]
    text = f"M{x if rtl else x + WIDE} {y + HIGH // 2}"
    gap, bend = ahead * (ACROSS - WIDE), ahead * (ACROSS - WIDE) // 2
    for at, ((_x1, y1), (_x2, y2)) in enumerate(pairwise(corners)):
        if at:  # a column that it only passes
            text += f"h{ahead * WIDE}"
        down = y2 - y1
        text += f"c{bend} 0 {gap - bend} {down} {gap} {down}" if down else f"h{gap}"
    return text


def _box(box: Box, x: int, y: int, *, rtl: bool) -> str:
    where = f'transform="translate({x} {y})"'
    if not box.ref:
        text = f'<text y="8">{escape(box.word)}</text>'
        return f'<g class="hidden" {where}><use href="#b"/>{text}</g>'
    ref = box.ref if len(box.ref) <= LONGEST_REF else box.ref[: LONGEST_REF - 1] + "…"
    far = WIDE - INSET - 8
    late = f'<text class="late" x="{-far if rtl else far}">{escape(box.late)}</text>'
    return (
        f'<a href="/actions/{quote(box.ref)}" class="s-{box.state}" {where}><use href="#b"/>'
        f"<text>{escape(ref)}</text>{late if box.late else ''}"
        f'<text y="17">{escape(box.word)}</text></a>'
    )
