"""
A worker: takes what the Prefect server hands out, and tells it as a flow run in this process.

Reminders do not wait for the server. A story that it has not handed out in time is told here
without it; a run whose worker died is taken away from it and begun anew.
"""

import logging
import os
import random
import signal
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from types import FrameType
from typing import Final
from uuid import UUID, uuid4

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun

from config.settings import Settings
from config.wiring import Services, build
from engine.errors import BadValue, EngineError
from engine.shard import Shard
from engine.store.revision import UNFIT, check
from workflows import flows
from workflows.lost_runs import BEAT_S, Claims
from workflows.meanwhile import Meanwhile
from workflows.orchestrator import drain_events
from workflows.server_client import connected
from workflows.service import stories
from workflows.timetable import Telling

log = logging.getLogger("alkawari.worker")

LOOK_S: Final = 2.0
"""How often a worker with nothing to do asks for work; each run in hand makes it ask later."""

WATCH_S: Final = 15.0
"""How often, on average, it is looked at most whether the stories are told at all."""

BEGINS_S: Final = 60.0
"""The longest that a run may take from being taken in hand to its first batch."""

DRAIN_S: Final = 50.0
"""The longest that a stop waits: a mail server may take 42 s for its word on one message."""

EVENTS_S: Final = 3.0
MOST_CANCELLED: Final = 50
"""Of what was missed so much is cancelled at a time; a heartbeat must not wait for more."""


@dataclass(slots=True)
class Hand:
    """One run under way here; `run` is None for one that the server knows nothing of."""

    story: str
    run: FlowRun | None
    telling: "SteadyTelling"
    halted: threading.Event
    thread: threading.Thread | None = None
    cancelled: bool = False
    since_s: float = field(default_factory=monotonic)

    @property
    def busy(self) -> bool:
        """Told here and now; not one whose beginning Prefect holds up, for whatever reason."""
        return self.telling.begun or monotonic() - self.since_s < BEGINS_S


class SteadyTelling(Telling):
    """
    A telling whose batches are whole, whatever Prefect does to the thread of the flow.

    When the server is away for minutes, Prefect stops the run by an exception thrown into its
    thread. In a thread of its own the batch, and the message in it, is finished first.
    """

    begun = False

    def step(self) -> None:
        self.begun = True
        raised: list[Exception] = []

        def one() -> None:
            try:
                super(SteadyTelling, self).step()
            except Exception as error:  # noqa: BLE001 - raised again below, in the flow
                raised.append(error)

        thread = threading.Thread(target=one, name=f"batch-{self.story.name}", daemon=True)
        thread.start()
        thread.join()
        if raised:
            raise raised[0]


@dataclass(slots=True)
class Contact:
    """When the server was last heard, and what was said about its silence."""

    last_s: float = field(default_factory=monotonic)
    away: str = ""

    def made(self) -> None:
        """It answered."""
        if self.away:
            log.warning("The Prefect server answers again.")
        self.last_s, self.away = monotonic(), ""

    def lost(self, sentence: str) -> None:
        """It did not; said once for each reason."""
        if sentence != self.away:
            log.warning("%s It is tried again, and reminders go on without it.", sentence)
        self.away = sentence

    @property
    def silent_s(self) -> float:
        return monotonic() - self.last_s


class Worker:
    """
    Takes up to `limit` runs at once, one at a look, so that idle workers get the next.

    Its threads are daemons: what a killed worker had in hand dies with it, which is how others
    know that it may be taken over. `unfit` says why it stopped by itself.
    """

    def __init__(self, services: Services, *, limit: int, name: str) -> None:
        self.services, self.name = services, name
        self.stopping = threading.Event()
        self.unfit: EngineError | None = None
        self._settings = services.settings
        self._limit = limit
        self._hands: dict[UUID, Hand] = {}
        self._changing = threading.Lock()
        self._contact = Contact()
        self._claims = Claims(self._settings.prefect.pool, name)
        self._meanwhile = Meanwhile(services, self._settings.prefect.away_after_s)
        self._beat_at_s = self._watch_at_s = 0.0

    def run(self) -> None:
        """Until `stopping` is set; then waits for what is under way, and gives back the rest."""
        while not self.stopping.is_set():
            self._serve()
        self._end()

    def _serve(self) -> None:
        """Look for work until the server is lost or the worker is to stop."""
        try:
            with connected(self._settings) as client:
                while not self.stopping.is_set():
                    self._look(client)
                    self._contact.made()
                    self._watch()
                    self.stopping.wait(self._pause_s())
        except EngineError as error:
            self._contact.lost(str(error))
        except Exception as error:
            log.exception("what was not foreseen; the worker goes on")
            self._contact.lost(f"Prefect could not be used ({type(error).__name__}).")
        self._watch()
        self.stopping.wait(LOOK_S)

    def _pause_s(self) -> float:
        busy = len(self._hands)
        return LOOK_S * (1 + busy) * random.uniform(0.7, 1.3)  # noqa: S311 - only spreads looks

    def _look(self, client: SyncPrefectClient) -> None:
        if monotonic() - self._beat_at_s >= BEAT_S:
            self._claims.beat(client)
            self._beat_at_s = monotonic()
            with self._changing:
                in_hand = {hand.run.id for hand in self._hands.values() if hand.run}
            self._claims.take_over(client, in_hand)
            self._heed_cancelling(client)
        if len(self._hands) >= self._limit:
            return
        for run in self._claims.due(client, MOST_CANCELLED):
            if self._may_begin(run) and self._claims.claim(client, run):
                self._begin(run)
                return

    def _may_begin(self, run: FlowRun) -> bool:
        if self._claims.story_of(run) != "audit":
            return True
        return self._meanwhile.caught_up(datetime.now(UTC))

    def _begin(self, run: FlowRun) -> None:
        name = self._claims.story_of(run)
        shard = str(run.parameters.get("shard") or "")
        hand = self._new_hand(name, Shard.parse(shard) if shard else None, run)
        self._start(hand, lambda: self._orchestrated(hand, run))

    def _directly(self, story: str) -> None:
        hand = self._new_hand(story, None, None)
        self._start(hand, hand.telling.go_on)

    def _new_hand(self, name: str, shard: Shard | None, run: FlowRun | None) -> Hand:
        # Stories of its own: they count what one run does, and two of a name may run at once.
        found = {story.name: story for story in stories(self.services, self.stopping, shard)}
        halted = threading.Event()
        telling = SteadyTelling(found[name], self.services.clock, halted)
        return Hand(story=name, run=run, telling=telling, halted=halted)

    def _start(self, hand: Hand, tell: Callable[[], object]) -> None:
        key = hand.run.id if hand.run else uuid4()

        def told() -> None:
            try:
                tell()
            except UNFIT as unfit:
                self.unfit = unfit
                self.stopping.set()
            except Exception:
                log.exception("%s failed; it is told again at its next time", hand.story)
            finally:
                with self._changing:
                    self._hands.pop(key, None)

        with self._changing:
            self._hands[key] = hand
        hand.thread = threading.Thread(target=told, name=f"run-{hand.story}", daemon=True)
        hand.thread.start()

    def _orchestrated(self, hand: Hand, run: FlowRun) -> None:
        """Through Prefect; what it keeps from being told is told without it."""
        lost: BaseException | None = None
        try:
            flows.tell(hand.telling, run)
        except BaseException as error:  # noqa: BLE001 - judged by what was told
            lost = error
        if hand.telling.error is not None:
            raise hand.telling.error
        if hand.cancelled:
            with connected(self._settings) as client:
                self._claims.cancelled(client, run)
        elif not hand.telling.done:
            why = type(lost).__name__ if lost else "the run was not let begin"
            log.warning("Prefect could not be used (%s); %s goes on without it.", why, hand.story)
            hand.telling.go_on()

    def _heed_cancelling(self, client: SyncPrefectClient) -> None:
        with self._changing:
            ours = {hand.run.id: hand for hand in self._hands.values() if hand.run}
        for run in self._claims.unfinished(client, ending=True) if ours else ():
            if run.id in ours:
                ours[run.id].cancelled = True
                ours[run.id].halted.set()

    def _watch(self) -> None:
        """Tell what should have been told, and was not."""
        if monotonic() < self._watch_at_s:
            return
        # Not all workers at the same moment: the first one tells, and the others see it.
        every_s = min(WATCH_S, self._settings.prefect.away_after_s / 2)
        self._watch_at_s = monotonic() + every_s * random.uniform(0.5, 1.5)  # noqa: S311
        with self._changing:
            busy = {hand.story for hand in self._hands.values() if hand.busy}
        busy |= set() if self._contact.away else self._claims.under_way
        try:
            overdue = self._meanwhile.overdue(datetime.now(UTC), self._contact.silent_s, busy)
        except Exception as error:  # noqa: BLE001 - whatever a driver raises; it is tried again
            log.warning(
                "The database does not answer (%s); it is tried again.", type(error).__name__
            )
            return
        for story in overdue:
            self._directly(story)

    def _end(self) -> None:
        with self._changing:
            hands = list(self._hands.values())
        for hand in hands:
            hand.halted.set()
        if hands:
            names = sorted(hand.story for hand in hands)
            log.warning("Stopping; waiting for %s.", ", ".join(names))
        until = monotonic() + DRAIN_S
        for hand in hands:
            while hand.thread and hand.thread.is_alive() and monotonic() < until:
                hand.thread.join(BEAT_S)
                self._say_farewell(beat=True)
        self._say_farewell(beat=False)

    def _say_farewell(self, *, beat: bool) -> None:
        """Others must neither take over what is still ending, nor wait for what will not."""
        if self._contact.away:
            return
        with self._changing:
            left = [hand.run for hand in self._hands.values() if hand.run]
        try:
            with connected(self._settings) as client:
                if beat:
                    self._claims.beat(client)
                else:
                    self._claims.give_back(client, left)
        except Exception as error:  # noqa: BLE001 - it goes on or ends all the same
            log.info("the Prefect server was not told (%s)", type(error).__name__)


def run_worker(settings: Settings, *, limit: int, name: str) -> None:
    """
    Serve until SIGTERM or SIGINT, then end the process: exit 0, within about a minute.

    Exit 1, with the sentence, when the database has meanwhile become one for others.
    """
    if not settings.database_url:
        raise BadValue(
            "database_url", "", "workers share a database: set it, or run `alkawari up` alone"
        )
    services = build(settings)
    check(services.database)
    if services.new_mailer is None:
        log.warning("No mail server is set (mail.host): reminders wait in the outbox.")
    worker = Worker(services, limit=limit, name=_own_name(name))

    def heard(_number: int, _frame: FrameType | None) -> None:
        worker.stopping.set()

    # Set here, also where a shell has them ignored for what it starts in the background.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, heard)
    log.warning("Worker %s serves pool %s.", worker.name, settings.prefect.pool)
    worker.run()
    drain_events(EVENTS_S)
    services.database.close()
    log.warning("Stopped. %s", worker.unfit or "")
    logging.shutdown()
    # Prefect's own threads would have the interpreter wait for a server that is away.
    os._exit(1 if worker.unfit else 0)


def _own_name(given: str) -> str:
    """One to a process: a worker that was started again has none of the runs of the one before."""
    host = given or socket.gethostname().partition(".")[0]
    return f"{host}-{os.getpid()}-{uuid4().hex[:6]}".replace("/", "-").replace("%", "-")
