"""Figures that are kept for moments: who waits for their counting, and who does not."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import MONDAY, Programme, a_programme, a_row, at, day

from engine.store.dashboard_lists import Part
from web.dashboard_kept import LONGEST_S, Kept

NOW = at(MONDAY)


class Stopwatch:
    """Time that passes only when it is looked at, `step` seconds each time."""

    def __init__(self) -> None:
        self.at, self.step = 0.0, 0.0

    def __call__(self) -> float:
        self.at += self.step
        return self.at


@pytest.fixture
def programme(tmp_path: Path, sqlite_url: str) -> Iterator[Programme]:
    made = a_programme(sqlite_url, tmp_path)
    made.plan(a_row(ref="SAA-01", due=day(20)), now=NOW)
    yield made
    made.close()


def one_more(programme: Programme) -> None:
    programme.plan(a_row(ref="SAA-02", due=day(25)), now=at(MONDAY, 11))


def counted() -> None:
    for thread in threading.enumerate():
        if thread.name == "figures":
            thread.join(60)


def total(kept: Kept) -> int:
    return kept.figures(Part(), NOW)[0].total


def test_what_is_counted_quickly_is_counted_at_once(programme):
    watch = Stopwatch()
    kept = Kept(programme.services, watch)
    assert total(kept) == 1
    one_more(programme)
    watch.at += 1
    assert total(kept) == 2


def test_nobody_waits_for_what_takes_long_and_the_next_one_has_it(programme):
    watch = Stopwatch()
    kept = Kept(programme.services, watch)
    watch.step = 0.2
    assert total(kept) == 1
    one_more(programme)
    watch.step = 0
    watch.at += 10
    assert total(kept) == 1
    counted()
    assert total(kept) == 2


def test_figures_of_a_minute_ago_are_shown_to_nobody(programme):
    watch = Stopwatch()
    kept = Kept(programme.services, watch)
    watch.step = 0.2
    assert total(kept) == 1
    one_more(programme)
    watch.at += LONGEST_S + 1
    assert total(kept) == 2
