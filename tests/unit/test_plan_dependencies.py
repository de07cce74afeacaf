from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from engine.dependencies import find_circle


def test_a_chain_has_no_circle():
    assert find_circle({"C": ["B"], "B": ["A"], "A": []}) is None


def test_a_circle_is_named_from_end_to_end():
    assert find_circle({"X": ["A"], "A": ["B"], "B": ["C"], "C": ["A"]}) == ("A", "B", "C", "A")


def test_an_action_that_waits_for_itself_is_the_smallest_circle():
    assert find_circle({"A": ["A"]}) == ("A", "A")


def test_two_ways_to_one_action_are_no_circle():
    assert find_circle({"A": ["B", "C"], "B": ["D"], "C": ["D"]}) is None


def test_a_chain_of_100_000_actions_is_walked_to_its_end():
    chain = {f"A{at}": [f"A{at + 1}"] for at in range(100_000)}

    assert find_circle(chain) is None

    path = find_circle(chain | {"A100000": ["A0"]})
    assert path is not None
    assert len(path) == 100_002


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=25))
def test_a_circle_is_found_exactly_where_somebody_reaches_themselves(pairs):
    edges: dict[str, list[str]] = {}
    for waiting, awaited in pairs:
        edges.setdefault(str(waiting), []).append(str(awaited))

    circle = find_circle(edges)

    if circle is None:
        assert not any(_reaches(edges, node, node) for node in edges)
    else:
        assert circle[0] == circle[-1]
        assert len(set(circle)) == len(circle) - 1
        assert all(b in edges[a] for a, b in pairwise(circle))


def _reaches(edges: dict[str, list[str]], start: str, goal: str) -> bool:
    seen: set[str] = set()
    front = list(edges.get(start, []))
    while front:
        here = front.pop()
        if here == goal:
            return True
        if here not in seen:
            seen.add(here)
            front += edges.get(here, [])
    return False
