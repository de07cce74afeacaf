"""The world of the demonstration: its programme, its people, its clock, and what happens."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from config.plan import SAMPLE_PROGRAMME
from config.settings import DeliveryPart, MailPart, Settings
from config.story import SAMPLE_STORY, StoryStep, read_story
from config.wiring import Services, build
from engine.clock import SystemClock
from engine.errors import BadValue, EngineError
from engine.store.records import find_action
from engine.store.schema import upgrade
from web.demo_clock import STORY_AT, DemoClock, Leap, first_instant, stops
from web.demo_story import act, happens_at
from web.mailbox import Mailbox, PostOffice
from workflows import record
from workflows.intake import take_in
from workflows.record import Asked
from workflows.service import Service
from workflows.timetable import Entry

log = logging.getLogger("alkawari.demo")

TIMETABLE: Final = (
    Entry(story="sweep", every=timedelta(minutes=1), why="whoever looks on wants to see it run"),
    Entry(story="deliver", every=timedelta(minutes=1), why="as in real life"),
    Entry(story="audit", every=timedelta(minutes=15), why="as in real life, but more often"),
)

KEPT_DEEDS: Final = 200
STOP_S = 2.0


@dataclass(frozen=True, slots=True)
class Happened:
    """A step of the story that was tried; `refused` is what the life cycle said, or nothing."""

    at: datetime
    step: StoryStep
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Journey:
    """The clock is being put forward."""

    from_at: datetime
    until_at: datetime

    def share_done(self, now: datetime) -> int:
        """How much of the way lies behind, in percent."""
        return min(100, round(100 * ((now - self.from_at) / (self.until_at - self.from_at))))


class World:
    """One demonstration in a folder of its own; empty until `begin`."""

    def __init__(self, folder: Path, public_url: str = "") -> None:
        self.clock = DemoClock(first_instant(SystemClock().now()))
        self.start_on = self.clock.now().date()
        self.mailbox = Mailbox(self.clock)
        self.happened: deque[Happened] = deque(maxlen=KEPT_DEEDS)
        self.journey: Journey | None = None
        self.again = False
        self.on_again: Callable[[], None] = lambda: None
        self._post = PostOffice(self.mailbox)
        self._post.start()
        self.services: Services = build(_settings(folder, self._post, public_url), clock=self.clock)
        upgrade(self.services.database)
        self.service = Service(
            self.services, folder / "prefect", entries=TIMETABLE, tick=self._tick
        )
        self._steps = deque(read_story(SAMPLE_STORY.read_text(encoding="utf-8")))
        self._working = threading.Lock()
        self._setting_out = threading.Lock()
        self._ending = threading.Event()
        self._traveller: threading.Thread | None = None

    def begin(self) -> None:
        """Populate it, and start the timetable."""
        self.populate()
        self.service.start()

    def populate(self) -> None:
        """Take in the programme, and let the story's first day happen."""
        taken = take_in(
            self.services, SAMPLE_PROGRAMME, None, self.clock.now(), start=self.start_on
        )
        if taken.errors:
            raise BadValue("the sample programme", SAMPLE_PROGRAMME.name, taken.errors[0].reason)
        self._story()

    def stop(self) -> tuple[str, ...]:
        """End everything; a journey ends at its next stop. Returns what did not end in time."""
        self._ending.set()
        if self._traveller is not None:
            self._traveller.join(STOP_S)
        left = self.service.stop()
        if self.journey is not None:
            left = (*left, "journey")
        self._post.stop()
        self.services.database.close()
        return left

    def leap(self, leap: Leap, patience_s: float = 1.0) -> bool:
        """
        Put the clock forward, with everything that happens on the way; False while it is moving.

        Waits a moment for the end, so that a short journey is over when the page is shown.
        """
        with self._setting_out:
            if self.journey is not None or self._ending.is_set():
                return False
            now = self.clock.now()
            self.journey = Journey(now, now + leap.length)
            self._traveller = threading.Thread(
                target=self._travel, args=(self.journey,), name="demo-journey", daemon=True
            )
            self._traveller.start()
        self._traveller.join(patience_s)
        return True

    def start_again(self) -> None:
        """Have all of this thrown away and made anew: clock, mails, flows, what was done."""
        self.again = True
        self._ending.set()
        self.on_again()

    def release(self, ref: str) -> str:
        """A coordinator of that dialogue lets the sensitive rung leave; returns the reference."""
        with self.services.database.read() as connection:
            action = find_action(connection, ref)
            directory = self.services.directory(connection)
            directory.ensure([action])
            coordinators = directory.circle(action).coordinators
        if not coordinators:
            raise BadValue("release", action.ref, "its dialogue has no coordinator")
        asked = Asked(ref=action.ref, by=coordinators[0].key)
        record.release(self.services, asked, self.clock.now())
        if self.journey is None:
            self._run("deliver")
        return action.ref

    def _tick(self, story: str) -> None:
        if self.journey is None:
            self._story()
            counts = self._run(story)
            if story == "sweep" and counts.get("notices"):
                self._run("deliver")

    def _travel(self, journey: Journey) -> None:
        try:
            for at in stops(journey.from_at, journey.until_at):
                if self._ending.is_set():
                    return
                self.clock.put_forward(at)
                self._story()
                for story in ("sweep", "deliver"):
                    self._run_on(story)
        finally:
            self.journey = None

    def _run(self, story: str) -> Mapping[str, object]:
        with self._working:
            return self.service.run(story)

    def _run_on(self, story: str) -> None:
        try:
            self._run(story)
        except Exception:  # as on the timetable: the next run tries again
            log.exception("%s failed while the clock was put forward", story)

    def _story(self) -> None:
        with self._working:
            now = self.clock.now()
            hour = STORY_AT.replace(tzinfo=UTC)
            while self._steps and happens_at(self._steps[0], self.start_on, hour) <= now:
                self._act(self._steps.popleft(), now)

    def _act(self, step: StoryStep, now: datetime) -> None:
        refused = ""
        try:
            act(self.services, step, self.start_on, now)
        except EngineError as error:
            refused = str(error)
            log.warning("story line %d (%s %s): %s", step.line, step.do, step.ref, refused)
        self.happened.appendleft(Happened(now, step, refused))


def _settings(folder: Path, post: PostOffice, public_url: str) -> Settings:
    """
    Settings of the demonstration alone.

    Built without reading the environment: a database address that stands there is somebody's own.
    """
    mail = MailPart.model_construct(
        host=post.host, port=post.port, security="none",
        sender="reminders@alkawari.example", sender_name="Alkawari",
    )  # fmt: skip
    return Settings.model_construct(
        programme="Alkawari demonstration",
        data_folder=folder,
        public_url=public_url,
        mail=mail,
        delivery=DeliveryPart(),
    )
