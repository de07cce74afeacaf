"""What is told without the Prefect server, because nobody told it in time."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from builders import MONDAY, Programme, a_programme, a_row, at

from engine.store.auditing import beat
from workflows.meanwhile import CATCHES_UP, Meanwhile
from workflows.timetable import Entry

START = at(MONDAY)
AWAY_S, ANSWERS_S = 61.0, 1.0
EVERY = {"deliver": 1, "sweep": 5, "audit": 60}
ENTRIES = [
    Entry(story=story, every=timedelta(minutes=every), why="a test")
    for story, every in EVERY.items()
]


@pytest.fixture
def programme(sqlite_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(sqlite_url, tmp_path)
    yield made
    made.close()


@pytest.fixture
def meanwhile(programme: Programme) -> Meanwhile:
    return Meanwhile(programme.services, 60.0, ENTRIES)


def told(programme: Programme, when: datetime, *stories: str) -> None:
    with programme.services.database.write() as connection:
        for story in stories:
            beat(connection, story, when, {})


def after(**time: float) -> datetime:
    return START + timedelta(**time)


def test_a_worker_that_just_began_gives_the_server_its_time(meanwhile: Meanwhile) -> None:
    assert meanwhile.overdue(START, ANSWERS_S, ()) == ()
    assert meanwhile.overdue(after(minutes=3), ANSWERS_S, ()) == ()


def test_what_the_server_left_out_three_times_is_told(programme, meanwhile, caplog) -> None:
    told(programme, START, *EVERY)
    meanwhile.overdue(START, ANSWERS_S, ())
    assert meanwhile.overdue(after(minutes=4), ANSWERS_S, ()) == ("deliver",)
    assert meanwhile.overdue(after(minutes=16), ANSWERS_S, ()) == ("deliver", "sweep")
    assert "has not handed out deliver, or not each of its shares, for long" in caplog.text


def test_while_the_server_is_away_the_timetable_is_kept(programme, meanwhile) -> None:
    told(programme, START, *EVERY)
    assert meanwhile.overdue(after(seconds=59), AWAY_S, ()) == ()
    assert meanwhile.overdue(after(seconds=60), AWAY_S, ()) == ("deliver",)
    assert meanwhile.overdue(after(minutes=5), AWAY_S, ()) == ("deliver", "sweep")


def test_a_share_of_the_dialogues_that_nobody_sweeps_is_swept(programme, meanwhile, caplog) -> None:
    programme.plan(a_row(), now=START)
    meanwhile.overdue(START, ANSWERS_S, ())
    told(programme, after(minutes=15), *EVERY)  # by the sweeper of another share
    assert meanwhile.overdue(after(minutes=15), ANSWERS_S, ()) == ()
    assert meanwhile.overdue(after(minutes=16), ANSWERS_S, ()) == ("sweep",)
    assert "has not handed out sweep, or not each of its shares, for long" in caplog.text
    programme.sweep(after(minutes=16))
    assert meanwhile.overdue(after(minutes=17), ANSWERS_S, ()) == ()


def test_what_another_worker_told_is_not_told_again(programme, meanwhile) -> None:
    told(programme, START, *EVERY)
    told(programme, after(minutes=5), "deliver", "sweep")
    assert meanwhile.overdue(after(minutes=5, seconds=10), AWAY_S, ()) == ()


def test_what_is_under_way_is_not_begun_beside_itself(programme, meanwhile) -> None:
    told(programme, START, *EVERY)
    assert meanwhile.overdue(after(minutes=5), AWAY_S, {"sweep"}) == ("deliver",)


def test_the_watchdog_looks_when_the_time_off_was_made_good(programme, meanwhile) -> None:
    told(programme, START - timedelta(days=3), *EVERY)
    assert not meanwhile.caught_up(START)
    assert meanwhile.overdue(START, AWAY_S, ()) == ("deliver", "sweep")
    told(programme, START, "deliver", "sweep")
    assert meanwhile.caught_up(after(minutes=1))
    assert meanwhile.overdue(after(minutes=1), AWAY_S, ()) == ("deliver", "audit")


def test_the_watchdog_does_not_wait_for_ever(meanwhile) -> None:
    assert not meanwhile.caught_up(START)
    assert meanwhile.caught_up(START + CATCHES_UP + timedelta(seconds=1))


def test_an_entry_by_the_clock_is_due_at_its_next_hour(programme) -> None:
    daily = Entry(story="audit", cron="0 6 * * *", why="a test")
    meanwhile = Meanwhile(programme.services, 60.0, [daily])
    told(programme, START.replace(hour=7), "audit")
    assert meanwhile.overdue(START.replace(hour=23), AWAY_S, ()) == ()
    next_day = START.replace(hour=6, minute=0) + timedelta(days=1)
    assert meanwhile.overdue(next_day, AWAY_S, ()) == ("audit",)
