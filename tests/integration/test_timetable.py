"""The timetable: what is due comes at once, once, and never beside itself."""

import threading
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from queue import Queue
from zoneinfo import ZoneInfo

import pytest
from apscheduler.events import EVENT_JOB_MAX_INSTANCES, EVENT_SCHEDULER_SHUTDOWN

from engine.clock import FixedClock
from workflows.timetable import TIMETABLE, Entry, Story, Telling, Timetable, build_scheduler

PATIENCE_S = 20
HOUR = timedelta(hours=1)
CLOCK = FixedClock(datetime(2026, 3, 2, 9, 0, tzinfo=UTC))


@dataclass(frozen=True)
class Counted:
    handled: int = 0

    def as_dict(self) -> dict[str, object]:
        return {"handled": self.handled}

    def __add__(self, other: "Counted") -> "Counted":
        return Counted(self.handled + other.handled)


def entry(story: str = "sweep", every: timedelta = HOUR) -> Entry:
    return Entry(story=story, every=every, why="a test looks at it")


def idle(timetable: Timetable) -> None:
    assert timetable._threads.wait_idle(PATIENCE_S) == ()


@pytest.fixture
def running():
    """Builds timetables and stops them."""
    built = []

    def build(run, *entries, **options):
        timetable = build_scheduler(run, entries=entries, **options)
        built.append(timetable)
        timetable.start()
        return timetable

    yield build
    for timetable in built:
        timetable.stop()


def test_every_line_of_the_timetable_has_a_reason():
    assert {line.story for line in TIMETABLE} >= {"sweep", "deliver", "audit"}
    assert all(line.why for line in TIMETABLE)


def test_an_entry_comes_either_every_so_often_or_by_cron():
    with pytest.raises(ValueError, match="either every or cron"):
        Entry(story="sweep", every=HOUR, cron="0 8 * * *", why="both")
    with pytest.raises(ValueError, match="either every or cron"):
        Entry(story="sweep", why="neither")


def test_a_start_runs_every_story_at_once(running):
    told: Queue[str] = Queue()
    running(told.put, entry("sweep"), entry("deliver"))
    assert {told.get(timeout=PATIENCE_S), told.get(timeout=PATIENCE_S)} == {"sweep", "deliver"}


def test_a_cron_line_is_read_in_the_programmes_time_zone(running):
    zone = ZoneInfo("Asia/Kathmandu")
    line = Entry(story="digest", cron="30 8 * * *", why="before the day's first window")
    told: Queue[str] = Queue()
    timetable = running(told.put, line, zone=zone)
    told.get(timeout=PATIENCE_S)
    due = timetable.scheduler.get_job("digest").next_run_time
    assert (due.astimezone(zone).hour, due.astimezone(zone).minute) == (8, 30)
    assert (due.astimezone(UTC).hour, due.astimezone(UTC).minute) == (2, 45)


def test_ticks_missed_during_an_outage_become_one(running):
    told: Queue[str] = Queue()
    timetable = running(told.put, entry("sweep", timedelta(minutes=1)))
    told.get(timeout=PATIENCE_S)
    idle(timetable)
    job = timetable.scheduler.get_job("sweep")
    job.modify(next_run_time=datetime.now(UTC) - timedelta(days=30))
    assert told.get(timeout=PATIENCE_S) == "sweep"
    assert timetable.stop() == ()
    assert told.empty()


def test_a_story_never_runs_beside_itself(running):
    begun, go_on, refused = threading.Event(), threading.Event(), threading.Event()
    at_once: Counter[str] = Counter()

    def slow(story: str) -> None:
        at_once[story] += 1
        begun.set()
        assert go_on.wait(PATIENCE_S)

    timetable = running(slow, entry())
    timetable.scheduler.add_listener(lambda _event: refused.set(), EVENT_JOB_MAX_INSTANCES)
    assert begun.wait(PATIENCE_S)
    timetable.scheduler.get_job("sweep").modify(next_run_time=datetime.now(UTC))
    assert refused.wait(PATIENCE_S)
    assert at_once == {"sweep": 1}
    go_on.set()


def test_a_slow_story_keeps_no_other_waiting(running):
    delivered, go_on = threading.Event(), threading.Event()

    def run(story: str) -> None:
        if story == "deliver":
            delivered.set()
        else:
            go_on.wait(PATIENCE_S)

    running(run, entry("sweep"), entry("deliver"))
    assert delivered.wait(PATIENCE_S)
    go_on.set()


def test_a_story_that_fails_is_run_again_at_its_next_tick(running, caplog):
    told: Queue[str] = Queue()

    def fails(story: str) -> None:
        told.put(story)
        raise OSError("the disk is full")

    timetable = running(fails, entry("sweep", timedelta(seconds=1)))
    assert [told.get(timeout=PATIENCE_S), told.get(timeout=PATIENCE_S)] == ["sweep", "sweep"]
    timetable.stop()
    assert "the disk is full" in caplog.text


def test_a_stop_waits_for_the_story_that_is_running(running):
    begun, stopping, finished = threading.Event(), threading.Event(), threading.Event()

    def run(_story: str) -> None:
        begun.set()
        if stopping.wait(PATIENCE_S):
            finished.set()

    timetable = running(run, entry())
    timetable.scheduler.add_listener(lambda _event: stopping.set(), EVENT_SCHEDULER_SHUTDOWN)
    assert begun.wait(PATIENCE_S)
    assert timetable.stop(within=PATIENCE_S) == ()
    assert finished.is_set()


def test_a_stop_does_not_wait_for_ever_and_names_what_still_runs(running):
    begun, go_on = threading.Event(), threading.Event()

    def hangs(_story: str) -> None:
        begun.set()
        go_on.wait(PATIENCE_S)

    timetable = running(hangs, entry())
    assert begun.wait(PATIENCE_S)
    assert timetable.stop(within=0.05) == ("sweep",)
    go_on.set()


def test_a_clock_that_was_set_back_does_not_put_reminders_off(running, caplog):
    told: Queue[str] = Queue()
    timetable = running(told.put, entry("sweep", timedelta(minutes=5)), entry("audit"))
    assert {told.get(timeout=PATIENCE_S), told.get(timeout=PATIENCE_S)} == {"sweep", "audit"}
    idle(timetable)
    assert timetable.resync() == []

    # What a clock that is set back an hour leaves behind: a tick an hour too far away.
    job = timetable.scheduler.get_job("sweep")
    job.modify(next_run_time=job.next_run_time + HOUR)
    assert timetable.resync() == ["sweep"]
    assert told.get(timeout=PATIENCE_S) == "sweep"
    assert "The clock was set back" in caplog.text


def test_batches_go_on_until_nothing_is_left():
    left = [500, 500, 120, 0]
    told = Telling(Story(name="sweep", batch=lambda _now, _limit: Counted(left.pop(0))), CLOCK)
    assert told.go_on() == 4
    assert told.done
    assert told.counts == {"handled": 1120}


def test_a_run_ends_at_its_cap_and_leaves_the_rest_to_the_next_tick():
    tidied = []
    story = Story(
        name="sweep",
        batch=lambda _now, limit: Counted(limit),
        limit=7,
        most=3,
        afterwards=lambda: tidied.append("tidied"),
    )
    told = Telling(story, CLOCK)
    assert told.go_on(most=2) == 2
    assert not told.done
    assert told.go_on() == 1
    assert told.done
    assert told.counts == {"handled": 21}
    assert tidied == ["tidied"]


def test_a_program_that_is_stopping_begins_no_further_batch():
    halted = threading.Event()

    def batch(_now: datetime, _limit: int) -> Counted:
        halted.set()
        return Counted(1)

    told = Telling(Story(name="sweep", batch=batch), CLOCK, halted)
    assert told.go_on() == 1
    assert told.done


def test_a_batch_that_failed_and_then_worked_is_no_failure():
    answers = [OSError("locked"), Counted(3), Counted(0)]

    def batch(_now: datetime, _limit: int) -> Counted:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    told = Telling(Story(name="sweep", batch=batch), CLOCK)
    with pytest.raises(OSError, match="locked"):
        told.go_on()
    assert isinstance(told.error, OSError)
    assert told.go_on() == 2
    assert told.error is None
