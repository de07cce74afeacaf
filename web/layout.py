"""Where the boxes of a drawing stand: columns by depth, few crossings, none on another."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

Edge = tuple[int, int]
"""Who waits, and for whom."""

SWEEPS: Final = 4
SLOT: Final = 0.55
"""How much of a row a line takes that only passes a column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """
    Columns and rows of what is drawn; `lines` lead from what is needed to who waits for it.

    Each point of a line is a column and a row; the first and the last are boxes.
    """

    columns: int
    rows: float
    boxes: Mapping[int, tuple[int, float]]
    lines: Mapping[Edge, tuple[tuple[int, float], ...]]


def place(edges: Sequence[Edge]) -> Placed:
    """
    A place for each box, always behind everything that it waits for.

    Parts that have nothing to do with each other stand one under the other, the largest first.
    """
    boxes: dict[int, tuple[int, float]] = {}
    lines: dict[Edge, tuple[tuple[int, float], ...]] = {}
    down, columns = 0.0, 0
    for part in _parts(edges):
        part_boxes, part_lines, height = _place_part(part)
        for node, (column, row) in part_boxes.items():
            boxes[node] = (column, row + down)
            columns = max(columns, column + 1)
        for edge, points in part_lines.items():
            lines[edge] = tuple((column, row + down) for column, row in points)
        down += height
    return Placed(columns=columns, rows=down, boxes=boxes, lines=lines)


def depths(edges: Iterable[Edge]) -> dict[int, int]:
    """How many steps each stands behind the first that has to be there."""
    needs: dict[int, set[int]] = defaultdict(set)
    waiters: dict[int, set[int]] = defaultdict(set)
    for waiter, needed in edges:
        needs[waiter].add(needed)
        waiters[needed].add(waiter)
    missing = {node: len(needs[node]) for node in {*needs, *waiters}}
    found = dict.fromkeys((node for node, number in missing.items() if not number), 0)
    ready = sorted(found)
    while ready:
        following = []
        for node in ready:
            for waiter in sorted(waiters[node]):
                found[waiter] = max(found.get(waiter, 0), found[node] + 1)
                missing[waiter] -= 1
                if not missing[waiter]:
                    following.append(waiter)
        ready = following
    return found


def _drawn_up(depth: dict[int, int], edges: Sequence[Edge]) -> dict[int, int]:
    """What waits for nothing stands right before the first that waits for it: lines stay short."""
    waits = {waiter for waiter, _needed in edges}
    first: dict[int, int] = {}
    for waiter, needed in edges:
        if needed not in waits and waiter in depth:
            first[needed] = min(first.get(needed, depth[waiter]), depth[waiter])
    return depth | {node: at - 1 for node, at in first.items()}


def _parts(edges: Sequence[Edge]) -> list[list[Edge]]:
    """The edges by what hangs together."""
    leader: dict[int, int] = {}

    def lead(node: int) -> int:
        while leader.setdefault(node, node) != node:
            leader[node] = leader[leader[node]]
            node = leader[node]
        return node

    for one, other in edges:
        leader[lead(one)] = lead(other)
    found: dict[int, list[Edge]] = defaultdict(list)
    for edge in edges:
        found[lead(edge[0])].append(edge)
    return sorted(found.values(), key=lambda part: (-len(part), part))


def _place_part(
    edges: Sequence[Edge],
) -> tuple[dict[int, tuple[int, float]], dict[Edge, tuple[tuple[int, float], ...]], float]:
    depth = _drawn_up(depths(edges), edges)
    if not depth:  # nothing but a circle, which the engine refuses: nothing is drawn of it
        return {}, {}, 0.0
    # A line over several columns gets a place in each, so that it does not run through boxes.
    steps: dict[Edge, list[object]] = {}
    column_of: dict[object, int] = dict(depth.items())
    for waiter, needed in edges:
        if waiter not in depth or needed not in depth:
            continue
        between = [(waiter, needed, at) for at in range(depth[needed] + 1, depth[waiter])]
        column_of |= {passing: passing[2] for passing in between}
        steps[waiter, needed] = [needed, *between, waiter]
    before: dict[object, list[object]] = defaultdict(list)
    after: dict[object, list[object]] = defaultdict(list)
    for path in steps.values():
        for one, other in pairwise(path):
            before[other].append(one)
            after[one].append(other)
    columns: list[list[object]] = [[] for _ in range(max(column_of.values()) + 1)]
    for node in sorted(column_of, key=str):
        columns[column_of[node]].append(node)
    _untangle(columns, before, after)
    row = _rows(columns, before)
    height = max(row.values()) + 1
    boxes = {node: (depth[node], row[node]) for node in depth}
    lines = {
        edge: tuple((column_of[node], row[node]) for node in path) for edge, path in steps.items()
    }
    return boxes, lines, height


def _untangle(
    columns: list[list[object]],
    before: Mapping[object, list[object]],
    after: Mapping[object, list[object]],
) -> None:
    """Put each beside its neighbours, forwards and backwards, a few times."""
    for sweep in range(SWEEPS):
        forwards = sweep % 2 == 0
        neighbours = before if forwards else after
        for column in columns if forwards else reversed(columns):
            order = {node: at for other in columns for at, node in enumerate(other)}
            column.sort(key=lambda node: _middle(node, neighbours, order))


def _middle(
    node: object, neighbours: Mapping[object, list[object]], order: Mapping[object, float]
) -> float:
    beside = neighbours.get(node, ())
    return sum(order[one] for one in beside) / len(beside) if beside else order[node]


def _rows(
    columns: list[list[object]], before: Mapping[object, list[object]]
) -> dict[object, float]:
    """How far down each stands: level with what it waits for, as nearly as there is room."""
    row: dict[object, float] = {}
    for column in columns:
        free = 0.0
        wishes: list[float] = []
        for node in column:
            beside = [row[one] for one in before.get(node, ())]
            # What waits for nothing here stays beside what stands above it.
            wishes.append(sum(beside) / len(beside) if beside else max([free, *wishes[-1:]]))
            free += _size(node)
        row |= dict(zip(column, _apart(wishes, [_size(node) for node in column]), strict=True))
    top = min(row.values())
    return {node: round(at - top, 2) for node, at in row.items()}


def _size(node: object) -> float:
    return 1.0 if isinstance(node, int) else SLOT


def _apart(wishes: Sequence[float], sizes: Sequence[float]) -> list[float]:
    """The places nearest to the wishes at which nothing stands on another, in the same order."""
    # Without their sizes the places only have to grow: neighbours that do not are put together.
    blocks: list[tuple[float, int]] = []
    taken = 0.0
    for wish, size in zip(wishes, sizes, strict=True):
        mean, count = wish - taken, 1
        while blocks and blocks[-1][0] > mean:
            other, many = blocks.pop()
            mean, count = (other * many + mean * count) / (many + count), many + count
        blocks.append((mean, count))
        taken += size
    places, taken = [], 0.0
    flat = [mean for mean, count in blocks for _ in range(count)]
    for at, size in zip(flat, sizes, strict=True):
        places.append(at + taken)
        taken += size
    return places
