"""Which story runs when, and why then."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, Protocol, Self

from apscheduler.executors.base import BaseExecutor, run_job
from apscheduler.job import Job
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from engine.clock import Clock

log = logging.getLogger("alkawari.timetable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """
    One line of the timetable: a story, `every` so often or by `cron`, and the reason.

    Of `every` and `cron` exactly one is given. `cron` is read in the programme's time zone;
    `every` knows no zone, so that a night of summer time neither skips nor doubles it.
    """

    story: str
    every: timedelta | None = None
    cron: str = ""
    why: str

    def __post_init__(self) -> None:
        if (self.every is None) == (not self.cron):
            raise ValueError(f"{self.story}: give either every or cron")


TIMETABLE: Final = (
    Entry(
        story="deliver",
        every=timedelta(minutes=1),
        why="a message leaves when its window opens, and a greylisted one is soon tried again",
    ),
    Entry(
        story="sweep",
        every=timedelta(minutes=5),
        why="days are what the ladder counts; five minutes is at once, and idle ones cost nothing",
    ),
    Entry(
        story="digest",
        every=timedelta(minutes=15),
        why="asked often, so that one that was missed or failed is made good soon",
    ),
    Entry(
        story="collect",
        every=timedelta(minutes=3),
        why="an answer is on record before its writer, or a coordinator, looks for it",
    ),
    Entry(
        story="hooks",
        every=timedelta(minutes=1),
        why="programs that listen hear of an event about when people do",
    ),
    Entry(
        story="audit",
        every=timedelta(hours=1),
        why="a sender that stopped at night is known before the first window of the morning",
    ),
)

WATCH_EVERY_S: Final = 30.0
"""How often the machine's clock is compared with what is waiting, in seconds."""


class Tally(Protocol):
    """What a story did; tallies add up. `handled` is 0 when nothing was left to do."""

    @property
    def handled(self) -> int: ...
    def as_dict(self) -> Mapping[str, object]: ...
    def __add__(self, other: Self, /) -> Self: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """
    A story as the timetable sees it: batches, until one finds nothing to do.

    `batch` gets the instant and the most things it may take up (`limit`), and must be safe to
    repeat. `in_task` batches make one task in Prefect; a run ends after `most` batches and the
    next tick goes on. The defaults put 10,000 things into a task and 50 tasks into a run, so
    that the records of the largest run stay under 1 MB (10 kB a task run, measured).
    `afterwards` is called once at the end of a run.
    """

    name: str
    batch: Callable[[datetime, int], Tally]
    limit: int = 500
    in_task: int = 20
    most: int = 1_000
    afterwards: Callable[[], object] | None = None


class Telling:
    """One run of one story; it can change hands between batches and repeats none."""

    def __init__(self, story: Story, clock: Clock, halted: threading.Event | None = None) -> None:
        self.story = story
        self.batches = 0
        self.total: Tally | None = None
        self.error: Exception | None = None
        self._clock = clock
        self._halted = halted or threading.Event()
        self._nothing_left = False

    @property
    def done(self) -> bool:
        """Nothing is left, the batches of one run are used up, or the program is stopping."""
        return self._nothing_left or self.batches >= self.story.most or self._halted.is_set()

    @property
    def counts(self) -> dict[str, object]:
        """All batches together, by the names that the story gives its counts."""
        return {} if self.total is None else dict(self.total.as_dict())

    def step(self) -> None:
        """Tell the next batch. Raises what the story raises, and keeps it in `error`."""
        try:
            tally = self.story.batch(self._clock.now(), self.story.limit)
            self.batches += 1
            self.total = tally if self.total is None else self.total + tally
            self._nothing_left = tally.handled == 0
            if self.done and self.story.afterwards:
                self.story.afterwards()
        except Exception as error:
            self.error = error
            raise
        self.error = None

    def go_on(self, most: int | None = None) -> int:
        """Tell what is left of it, or at most so many batches; returns how many were told."""
        before = self.batches
        while not self.done and (most is None or self.batches - before < most):
            self.step()
        return self.batches - before


class Timetable:
    """The running timetable; the first tick of every entry comes at once."""

    def __init__(
        self, run: Callable[[str], object], entries: tuple[Entry, ...], zone: tzinfo
    ) -> None:
        self._entries = {entry.story: entry for entry in entries}
        self._zone = zone
        self._threads = _DaemonThreads()
        self._stopped = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="clock-watch", daemon=True)
        self.scheduler = BackgroundScheduler(
            timezone=zone,
            executors={"default": self._threads},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        for entry in entries:
            self.scheduler.add_job(
                run,
                _trigger(entry, zone),
                args=(entry.story,),
                id=entry.story,
                name=entry.story,
                next_run_time=datetime.now(UTC),
            )

    def start(self) -> None:
        self.scheduler.start()
        self._watcher.start()

    def stop(self, within: float = 5.0) -> tuple[str, ...]:
        """
        Begin nothing more, and wait at most `within` seconds for what is running.

        Returns the stories that are still running: what they leave undone is due again at the next
        start. While one is stuck in a mail server the interpreter cannot end in order, so a process
        with stories left over ends by `os._exit`.
        """
        self._stopped.set()
        if self.scheduler.running:
            self.scheduler.shutdown(wait=False)
        return self._threads.wait_idle(within)

    def resync(self) -> list[str]:
        """
        Bring forward what a clock that was set back has put off.

        A tick is never further away than its entry says. One that is was reckoned on a clock
        that ran ahead, and would keep reminders waiting for as long as the clock was wrong.
        Returns the stories brought forward.
        """
        now = datetime.now(UTC)
        late = [job for job in self.scheduler.get_jobs() if self._is_put_off(job, now)]
        for job in late:
            job.modify(next_run_time=now)
            log.warning("The clock was set back; %s runs now instead of waiting for it.", job.id)
        return [job.id for job in late]

    def _is_put_off(self, job: Job, now: datetime) -> bool:
        entry = self._entries[job.id]
        if entry.every is None:
            latest = _trigger(entry, self._zone).get_next_fire_time(None, now)
        else:
            latest = now + entry.every
        return bool(job.next_run_time and latest and job.next_run_time > latest)

    def _watch(self) -> None:
        while not self._stopped.wait(WATCH_EVERY_S):
            self.resync()


def build_scheduler(
    run: Callable[[str], object],
    *,
    entries: tuple[Entry, ...] = TIMETABLE,
    zone: tzinfo = UTC,
) -> Timetable:
    """
    A timetable that calls `run` with the name of each story that is due.

    Ticks that were missed become one; a story never runs beside itself. Nothing is stored:
    what is due stands in the database, and every start looks at once.
    """
    return Timetable(run, entries, zone)


def next_after(entry: Entry, at: datetime, zone: tzinfo) -> datetime:
    """When a story is due again that was told at that instant."""
    if entry.every is not None:
        return at + entry.every
    found: datetime = _trigger(entry, zone).get_next_fire_time(at, at + timedelta(seconds=1))
    return found


def _trigger(entry: Entry, zone: tzinfo) -> CronTrigger | IntervalTrigger:
    if entry.every is None:
        return CronTrigger.from_crontab(entry.cron, timezone=zone)
    return IntervalTrigger(seconds=int(entry.every.total_seconds()), timezone=UTC)


class _DaemonThreads(BaseExecutor):  # type: ignore[misc]  # APScheduler ships no types
    """
    A daemon thread for each tick.

    APScheduler's own pool would keep the process alive for as long as a story hangs.
    """

    def __init__(self) -> None:
        super().__init__()
        self._idle = threading.Condition()
        self._running: list[str] = []

    def wait_idle(self, within: float) -> tuple[str, ...]:
        with self._idle:
            self._idle.wait_for(lambda: not self._running, timeout=within)
            return tuple(self._running)

    def _do_submit_job(self, job: Job, run_times: list[datetime]) -> None:
        with self._idle:
            self._running.append(job.id)
        threading.Thread(
            target=self._tell, args=(job, run_times), name=f"tick-{job.id}", daemon=True
        ).start()

    def _tell(self, job: Job, run_times: list[datetime]) -> None:
        try:
            self._run_job_success(job.id, run_job(job, "default", run_times, self._logger.name))
        finally:
            with self._idle:
                self._running.remove(job.id)
                self._idle.notify_all()
