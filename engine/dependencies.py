"""Which action waits for which, and whether any of them waits for itself."""

from collections.abc import Iterator, Mapping, Sequence


def find_circle(edges: Mapping[str, Sequence[str]]) -> tuple[str, ...] | None:
    """
    One circle among `edges` (an action → what it waits for), or None when there is none.

    The path begins and ends with the same reference: `("A", "B", "A")`; an action that waits for
    itself gives `("A", "A")`. A reference that is waited for need not be a key. Time and memory
    grow linearly with nodes and edges, whatever the depth of the chain.
    """
    settled: set[str] = set()
    for start in edges:
        if start not in settled and (circle := _circle_from(start, edges, settled)):
            return circle
    return None


def _circle_from(
    start: str, edges: Mapping[str, Sequence[str]], settled: set[str]
) -> tuple[str, ...] | None:
    # A chain may be longer than Python's recursion limit, so the way down is kept by hand; a
    # dict, because it must answer both "in which order" and "is it on the way".
    way: dict[str, Iterator[str]] = {start: iter(edges.get(start, ()))}
    while way:
        here = next(reversed(way))
        for awaited in way[here]:
            if awaited in way:
                path = tuple(way)
                return (*path[path.index(awaited) :], awaited)
            if awaited not in settled:
                way[awaited] = iter(edges.get(awaited, ()))
                break
        else:
            settled.add(here)
            way.popitem()  # `del` would leave gaps for `reversed` to step over
    return None
