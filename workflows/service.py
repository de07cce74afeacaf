"""The parts that run together: the stories, Prefect around them, and the timetable."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Final

from apscheduler.jobstores.base import JobLookupError

from config.wiring import Services
from engine.errors import EngineError
from engine.shard import Shard
from engine.store.auditing import beat
from engine.store.database import Database
from engine.store.revision import UNFIT, check_again
from notifications.envelope import Envelope, Result
from notifications.mailer import Mailer
from notifications.texting import Texter, TextMessage
from workflows.audit import Audited, audit
from workflows.collect import Collected, collect_batch
from workflows.collect import remember as read
from workflows.deliver import NO_MAIL, Delivered, Work, remember, workers
from workflows.digest_round import AT_ONCE, Rounded, send_digests
from workflows.doctor import databases_word, explained
from workflows.hooks import Hooked, send_batch
from workflows.orchestrator import Orchestrator, Standing
from workflows.sweep import BATCH, Sweeper, Swept
from workflows.timetable import TIMETABLE, Entry, Story, Tally, build_scheduler

log = logging.getLogger("alkawari.service")

KEPT_RUNS: Final = 60
"""How many runs are remembered for whoever looks; Prefect keeps the rest."""

CATCHES_UP_S: Final = 300.0
"""The longest that the watchdog waits for that after a start."""

TIMETABLE_STOPS_S, PREFECT_STOPS_S = 4.0, 3.0
"""The longest that a stop may wait for each; together with the web face less than 10 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a story; `direct` says why Prefect did not orchestrate it, `error` what failed."""

    story: str
    at: datetime
    took_s: float
    counts: Mapping[str, object]
    direct: str = ""
    error: str = ""


class Service:
    """
    Everything of `alkawari up` but its face.

    `home` is Prefect's folder. `tick` is what the timetable calls for an entry, `told` by default.
    The clock of `services` is the one by which every story goes. `give_up` is called when the
    database is for others by now, with the sentence in `unfit`.
    """

    def __init__(
        self,
        services: Services,
        home: Path,
        zone: tzinfo = UTC,
        *,
        entries: tuple[Entry, ...] = TIMETABLE,
        tick: Callable[[str], object] | None = None,
        give_up: Callable[[], None] = lambda: None,
    ) -> None:
        self.services = services
        self.unfit: EngineError | None = None
        self._give_up = give_up
        self.started_at = services.clock.now()
        self._stopping = threading.Event()
        self._caught_up = threading.Event()
        self._turns = threading.Lock()
        self._running: set[str] = set()
        self._asked: set[str] = set()
        self._runs: deque[Run] = deque(maxlen=KEPT_RUNS)
        self._last: dict[str, Run] = {}
        self._orchestrator = Orchestrator(home, stories(services, self._stopping), services.clock)
        if services.new_inbox is None:
            entries = tuple(entry for entry in entries if entry.story != "collect")
        self._timetable = build_scheduler(tick or self.told, entries=entries, zone=zone)
        self.sweeps_every = next(
            (e.every for e in entries if e.story == "sweep" and e.every), timedelta(days=1)
        )

    @property
    def standing(self) -> Standing:
        """How Prefect's part stands."""
        return self._orchestrator.standing

    @property
    def runs(self) -> tuple[Run, ...]:
        """The last runs, newest first."""
        return tuple(reversed(self._runs.copy()))

    def last(self, story: str) -> Run | None:
        """The last run of a story since the start."""
        return self._last.get(story)

    def start(self) -> None:
        """Begin; neither the first sweep nor the caller waits for Prefect."""
        self._orchestrator.start()
        self._timetable.start()

    def wait_for_prefect(self, within: float) -> bool:
        """Wait until it is known whether Prefect works."""
        return self._orchestrator.wait_ready(within)

    def run(self, story: str) -> Mapping[str, object]:
        """Tell a story once and remember how it went; raises what the story raises."""
        at, began = self.services.clock.now(), monotonic()
        before = self.standing.last_fallback
        counts: Mapping[str, object] = {}
        error = ""
        try:
            counts = self._orchestrator.run(story)
        except Exception as failed:
            error = type(failed).__name__
            raise
        finally:
            after = self.standing.last_fallback
            direct = after.reason if after and after is not before and after.story == story else ""
            run = Run(
                story=story, at=at, took_s=monotonic() - began, counts=counts,
                direct=direct, error=error,
            )  # fmt: skip
            self._last[story] = run
            self._runs.append(run)
            if {"sweep", "deliver"} <= self._last.keys():
                self._caught_up.set()
        return counts

    def told(self, story: str) -> None:
        """
        A tick: what a sweep queued need not wait for the next tick of the deliverer.

        The watchdog looks when the first sweep and delivery have made good the time off.
        """
        if story == "audit":
            self._caught_up.wait(CATCHES_UP_S)
        with self._turns:
            self._running.add(story)
        try:
            self._until_nothing_is_asked(story)
        except UNFIT as unfit:
            self.unfit = unfit
            self._give_up()
        except Exception as error:
            if not databases_word(error):
                raise
            # It may be away for a while: a sentence each time, and no stack of calls.
            log.warning("%s stopped, and goes on at its next time: %s", story, explained(error))
        finally:
            with self._turns:
                self._running.discard(story)
                self._asked.discard(story)

    def soon(self, story: str) -> None:
        """Let a story run now instead of at its next tick, or again if it is running."""
        with self._turns:
            if story in self._running:
                self._asked.add(story)
                return
        try:
            self._timetable.scheduler.modify_job(story, next_run_time=datetime.now(UTC))
        except JobLookupError:
            log.debug("%s is not on the timetable", story)

    def _until_nothing_is_asked(self, story: str) -> None:
        while True:
            counts = self.run(story)
            if story == "sweep" and counts.get("notices"):
                self.soon("deliver")
            with self._turns:
                if story not in self._asked or self._stopping.is_set():
                    self._running.discard(story)
                    return
                self._asked.discard(story)

    def stop(self) -> tuple[str, ...]:
        """
        Timetable, then Prefect; what is left undone is due again at the next start.

        Returns the stories that did not end in time: their threads end with the process.
        """
        self._stopping.set()
        self._caught_up.set()
        self._orchestrator.halt()
        left = self._timetable.stop(TIMETABLE_STOPS_S)
        if left:
            log.warning("Stopped in the middle of %s; it goes on at the next start.", list(left))
        self._orchestrator.stop(PREFECT_STOPS_S)
        return left


def stories(
    services: Services, stopping: threading.Event, shard: Shard | None = None
) -> tuple[Story, ...]:
    """
    The stories of the timetable; once `stopping` is set, no further message is begun.

    With `shard` the sweep looks at that share only. A story counts what its run did: what runs
    beside itself in one process is told from stories of its own.
    """
    told = (
        _sweep(services, shard),
        _deliver(services, stopping),
        _collect(services),
        _digest(services),
        _hooks(services, stopping),
        _audit(services),
    )
    return tuple(_checked(services.database, story) for story in told)


def _checked(database: Database, story: Story) -> Story:
    """A story that begins no batch on a database that is for others by now."""

    def batch(now: datetime, limit: int) -> Tally:
        check_again(database)
        return story.batch(now, limit)

    return replace(story, batch=batch)


def _sweep(services: Services, shard: Shard | None) -> Story:
    total = Swept()
    sweeper: Sweeper | None = None

    def batch(now: datetime, limit: int) -> Swept:
        nonlocal total, sweeper
        sweeper = sweeper or Sweeper(services, now, shard=shard)
        sweeper.now = now
        done = sweeper.batch(limit)
        total += done
        return done

    def afterwards() -> None:
        nonlocal total, sweeper
        ran, total, sweeper = total, Swept(), None
        with services.database.write() as connection:
            beat(connection, "sweep", services.clock.now(), ran.as_dict())
        services.database.checkpoint()

    return Story(name="sweep", batch=batch, limit=BATCH, afterwards=afterwards)


def _deliver(services: Services, stopping: threading.Event) -> Story:
    total = Delivered()
    new_mailer = services.new_mailer
    if new_mailer is not None:
        services = replace(services, new_mailer=lambda: _Interruptible(new_mailer(), stopping))
    new_texter = services.new_texter
    if new_texter is not None:
        services = replace(
            services, new_texter=lambda: _InterruptibleTexter(new_texter(), stopping)
        )
    works = workers(services)

    def batch(now: datetime, limit: int) -> Delivered:
        nonlocal total

        def one(work: Work) -> Delivered:
            try:
                return work(now, limit)
            except _Stopping:
                return Delivered()

        done = _side_by_side([partial(one, work) for work in works])
        if services.new_mailer is None:
            done += Delivered(channel_down=NO_MAIL)
        total += done
        return done

    def afterwards() -> None:
        nonlocal total
        ran, total = total, Delivered()
        remember(services, ran, services.clock.now())

    return Story(name="deliver", batch=batch, afterwards=afterwards)


def _collect(services: Services) -> Story:
    total = Collected()

    def batch(now: datetime, limit: int) -> Collected:
        nonlocal total
        done = collect_batch(services, now, limit=limit)
        total += done
        return done

    def afterwards() -> None:
        nonlocal total
        ran, total = total, Collected()
        read(services, ran, services.clock.now())

    limit = services.settings.inbox.at_once
    return Story(name="collect", batch=batch, limit=limit, afterwards=afterwards)


def _digest(services: Services) -> Story:
    total = Rounded()

    def batch(now: datetime, limit: int) -> Rounded:
        nonlocal total
        done = send_digests(services, now, limit)
        total += done
        return done

    def afterwards() -> None:
        nonlocal total
        ran, total = total, Rounded()
        with services.database.write() as connection:
            beat(connection, "digest", services.clock.now(), ran.as_dict())

    return Story(name="digest", batch=batch, limit=AT_ONCE, in_task=1, afterwards=afterwards)


def _hooks(services: Services, stopping: threading.Event) -> Story:
    total = Hooked()

    def batch(now: datetime, _limit: int) -> Hooked:
        nonlocal total
        done = send_batch(services, now, stopping=stopping.is_set)
        total += done
        return done

    def afterwards() -> None:
        nonlocal total
        ran, total = total, Hooked()
        with services.database.write() as connection:
            beat(connection, "hooks", services.clock.now(), ran.as_dict())

    return Story(name="hooks", batch=batch, in_task=50, afterwards=afterwards)


def _audit(services: Services) -> Story:
    return Story(name="audit", batch=lambda now, _limit: _Looked(audit(services, now)))


@dataclass(frozen=True, slots=True)
class _Looked:
    """An audit as a tally: looks do not add up, the newest one counts."""

    audited: Audited

    @property
    def handled(self) -> int:
        return self.audited.handled

    def as_dict(self) -> Mapping[str, object]:
        return self.audited.as_dict()

    def __add__(self, other: "_Looked") -> "_Looked":
        return other


class _Stopping(Exception):
    """The program ends; the message that was next stays under its lease and leaves later."""


class _Interruptible:
    """A mailer that begins no message once the program is stopping."""

    def __init__(self, mailer: Mailer, stopping: threading.Event) -> None:
        self._mailer, self._stopping = mailer, stopping

    def deliver(self, envelope: Envelope) -> Result:
        if self._stopping.is_set():
            raise _Stopping
        return self._mailer.deliver(envelope)

    def close(self) -> None:
        self._mailer.close()


class _InterruptibleTexter:
    """The same for texts."""

    def __init__(self, texter: Texter, stopping: threading.Event) -> None:
        self._texter, self._stopping = texter, stopping

    def deliver(self, message: TextMessage) -> Result:
        if self._stopping.is_set():
            raise _Stopping
        return self._texter.deliver(message)


def _side_by_side(works: Sequence[Callable[[], Delivered]]) -> Delivered:
    """
    Each work in a thread of its own.

    Daemon threads and not a pool: at the end the interpreter waits for a pool, however long a mail
    server hangs.
    """
    if len(works) == 1:
        return works[0]()
    done: list[Delivered] = []
    failed: list[Exception] = []

    def one(work: Callable[[], Delivered]) -> None:
        try:
            done.append(work())
        except Exception as error:  # noqa: BLE001 - raised again below, in the caller's thread
            failed.append(error)

    threads = [
        threading.Thread(target=one, args=(work,), name="deliver", daemon=True) for work in works
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return sum(done, Delivered())
