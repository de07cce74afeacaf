"""Places of a drawing: order, distance and size, whatever waits for whatever."""

from itertools import pairwise
from random import Random

from web.dependency_drawing import Box, draw
from web.layout import depths, place


def many(number: int, seed: int) -> list[tuple[int, int]]:
    dice = Random(seed)  # noqa: S311 - a programme for a test
    return sorted(
        {(n, dice.randrange(max(1, n - 12), n)) for n in range(2, number) for _ in range(2)}
    )


def test_each_stands_behind_everything_that_it_waits_for() -> None:
    for seed in range(20):
        edges = many(60, seed)
        boxes = place(edges).boxes
        assert all(boxes[needed][0] < boxes[waiter][0] for waiter, needed in edges)


def test_no_box_stands_on_another_and_all_are_within() -> None:
    for seed in range(20):
        placed = place(many(60, seed))
        for column in range(placed.columns):
            rows = sorted(row for at, row in placed.boxes.values() if at == column)
            assert all(below - above >= 0.99 for above, below in pairwise(rows))
        assert all(0 <= row <= placed.rows - 1 for _column, row in placed.boxes.values())


def test_a_line_leads_from_box_to_box_one_column_at_a_time() -> None:
    edges = many(60, 3)
    placed = place(edges)
    for (waiter, needed), points in placed.lines.items():
        assert points[0] == placed.boxes[needed]
        assert points[-1] == placed.boxes[waiter]
        assert [column for column, _row in points] == list(range(points[0][0], points[-1][0] + 1))


def test_parts_that_do_not_touch_stand_one_under_the_other() -> None:
    boxes = place([(2, 1), (3, 1), (5, 4)]).boxes

    assert max(boxes[n][1] for n in (1, 2, 3)) + 1 <= min(boxes[n][1] for n in (4, 5))


def test_depth_is_the_longest_way() -> None:
    assert depths([(2, 1), (3, 2), (3, 1)]) == {1: 0, 2: 1, 3: 2}


def test_a_circle_that_should_not_be_there_breaks_nothing() -> None:
    assert place([(1, 2), (2, 1), (3, 4)]).boxes.keys() == {3, 4}
    assert place([(1, 2), (2, 1)]).boxes == {}


def test_a_drawing_is_turned_around_for_who_reads_from_the_right() -> None:
    boxes = {n: Box(ref=f"A-{n}", state="agreed", word="agreed") for n in (1, 2)}
    left = draw([(2, 1)], boxes, (), rtl=False)
    right = draw([(2, 1)], boxes, (), rtl=True)

    assert left.index("A-1") < left.index("A-2")
    assert left != right
    assert 'class="unmet"' in left
    assert 'class="met"' in draw([(2, 1)], boxes, {1}, rtl=False)


def test_words_of_others_are_text_and_nothing_else() -> None:
    boxes = {1: Box(ref="<x>&", state="agreed", word="<b>"), 2: Box(ref="", state="", word="<i>")}
    drawn = draw([(2, 1)], boxes, (), rtl=False)

    assert "<x>" not in drawn
    assert "<b>" not in drawn
    assert "<i>" not in drawn
