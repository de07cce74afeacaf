"""
The rehearsal: if nobody acts, who is told what, when, and in which language.

The same sweep and the same rules of delivery as always, on a throw-away copy, with a clock that
leaps from one thing to do to the next. Only two parts stand in for others: letters are not put
into words, and the mail server takes everything.
"""

import secrets
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from config.wiring import Services
from engine.errors import BadValue, UnknownThing
from engine.ladder import Ladder
from engine.party import Channel, Person
from engine.sensitive import Quiet
from engine.store.copying import throw_away_copy
from engine.store.database import Connection, Database
from engine.store.directory import Directory
from engine.store.holds import holds_in_force
from engine.store.listing import all_dialogue_ids, dialogue_ids, dialogue_names
from engine.store.outbox import Waiting
from engine.store.outbox_tables import NoticeStatus
from engine.store.rehearsing import (
    Spoken,
    look_ahead,
    runs_under_way,
    spoken_anew,
    spoken_since,
    unsaid,
    use_ladder,
)
from engine.store.sending import Claimed, Draft
from engine.store.sensitive import sensitive_of
from notifications.compose import written_in
from notifications.envelope import Outcome, Phase, Result
from workflows.bundling import Bundler
from workflows.deliverer import Worker
from workflows.sweep import Sweeper

LONGEST = timedelta(days=3 * 366)
"""Feasts further ahead are guesses, and so would the rehearsal be."""

AT_ONCE = 500
"""Persons or actions in one transaction of the copy, where nobody waits for its end."""

STUCK_AFTER = 10_000
"""Steps at one instant after which something asks for itself again and again: a bug of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """
    What to rehearse: until the end of a day, perhaps with another ladder.

    `ladder` is for the runs that have not begun; with `all_runs` also for those that have.
    `dialogue` narrows what is shown and where the ladder holds, not what is played: people have one
    message a day whatever the number of their dialogues.
    """

    until_on: date
    ladder: Ladder | None = None
    all_runs: bool = False
    dialogue: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """
    One person told one thing.

    `to` is the address, or the person's key where nothing travels. `waits_for` is `release` for a
    rung that is only told once a coordinator lets it leave: then nothing travels. `day` and `hour`
    are those of the person, and `off` says why nobody should be written to on it; empty on a
    working day.
    """

    at: datetime
    to: str
    action: str
    rung: str
    channel: str
    language: str
    person: str
    function: str
    dialogue: str
    day: date
    hour: str = ""
    waits_for: str = ""
    off: str = ""
    escalates: bool = False

    def as_dict(self) -> dict[str, object]:
        """The JSON of one line; the first six keys are those that scripts rely on."""
        return {
            "at": self.at.isoformat(),
            "to": self.to,
            "action": self.action,
            "rung": self.rung,
            "channel": self.channel,
            "language": self.language,
            "person": self.person,
            "function": self.function,
            "dialogue": self.dialogue,
            "waits_for": self.waits_for,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """What a rehearsal found: every line by time, what was not told and why, and what it met."""

    since: datetime
    until_on: date
    lines: tuple[Line, ...]
    unsaid: tuple[tuple[NoticeStatus, str, int], ...] = ()
    holds: tuple[str, ...] = ()
    quiet: tuple[str, ...] = ()
    runs_under_way: int = 0
    steps: int = 0
    ladder: str = ""


def rehearse(
    services: Services,
    wanted: Wanted,
    now: datetime,
    *,
    progress: Callable[[int], None] = lambda _n: None,
) -> Rehearsed:
    """Play it forward from `now` to the end of the last day; the real database is only read."""
    end = _end_of(wanted.until_on, services)
    if not now < end <= now + LONGEST:
        reason = f"give a day from today on, at most {LONGEST.days} days ahead"
        raise BadValue("--until", wanted.until_on.isoformat(), reason)
    with throw_away_copy(services.database) as copy:
        shown = _scope(copy, wanted.dialogue)
        played = replace(services, database=copy)
        with copy.write() as connection:
            begun, before = runs_under_way(connection), spoken_since(connection, now)
            if wanted.ladder:
                use_ladder(connection, wanted.ladder, shown, all_runs=wanted.all_runs)
        if wanted.ladder and not shown:
            played = replace(played, ladder=wanted.ladder)
        steps = _Play(played, progress).until(now, end)
        with copy.read() as connection:
            return Rehearsed(
                since=now,
                until_on=wanted.until_on,
                lines=_lines(played, connection, now, before, shown),
                unsaid=tuple(unsaid(connection, now, shown)),
                holds=tuple(
                    hold.reason
                    for hold in holds_in_force(connection)
                    if not shown or hold.dialogue_id in {None, *shown}
                ),
                quiet=tuple(_quiet(connection, shown, now.date(), wanted.until_on)),
                runs_under_way=begun,
                steps=steps,
                ladder=played.ladder.name if wanted.ladder is None else wanted.ladder.name,
            )


def _end_of(day: date, services: Services) -> datetime:
    zone = ZoneInfo(services.settings.timezone)
    return datetime.combine(day + timedelta(days=1), time(), zone).astimezone(ZoneInfo("UTC"))


def _scope(copy: Database, dialogue: str) -> frozenset[int]:
    """The dialogues of that name; empty for all."""
    if not dialogue:
        return frozenset()
    with copy.read() as connection:
        found = dialogue_ids(connection, dialogue)
        if not found:
            raise UnknownThing("dialogue", dialogue, dialogue_names(connection))
    return frozenset(found)


def _quiet(
    connection: Connection, shown: Collection[int], since: date, until_on: date
) -> Iterator[str]:
    """Each sensitive day that comes while it is played, in words."""
    for kept in sensitive_of(connection, shown or None):
        for begins, ends in kept.day.spans(since, until_on):
            days = f"{begins}" if begins == ends else f"{begins} to {ends}"
            kept_back = "no escalation" if kept.day.what is Quiet.ESCALATIONS else "nothing"
            yield f"{kept.dialogue}, {days}: {kept.day.name} ({kept_back} leaves)"


class _Play:
    """One run forward: sweep and delivery in turn, at every instant at which either has work."""

    def __init__(self, services: Services, progress: Callable[[int], None]) -> None:
        self._services, self._progress = services, progress
        self._worker = _Taker(services, bundler=NotingBundler)
        self._examined = 0
        self._sweeper: Sweeper | None = None

    def until(self, now: datetime, end: datetime) -> int:
        """Go on until just before `end`; returns the number of steps."""
        at, steps, here = now, 0, 0
        while True:
            with self._services.database.read() as connection:
                ahead = look_ahead(connection)
            if ahead.next_at is None or ahead.next_at >= end:
                return steps
            steps += 1
            here = here + 1 if ahead.next_at <= at else 0
            if here > STUCK_AFTER:
                raise RuntimeError(f"the rehearsal does not get beyond {at.isoformat()}")
            at = max(at, ahead.next_at)
            if ahead.sweep_at and ahead.sweep_at <= at:
                self._sweep(at)
            else:
                self._deliver(at)

    def _sweep(self, at: datetime) -> None:
        # Nobody changes the plan or the people of a copy: what was read for one instant is still
        # true at the next, but for the addresses that delivery found to be wrong.
        if self._sweeper is None:
            self._sweeper = Sweeper(self._services, at)
        self._sweeper.now = at
        while examined := self._sweeper.batch(AT_ONCE).examined:
            self._examined += examined
            self._progress(self._examined)

    def _deliver(self, at: datetime) -> None:
        while (done := self._worker.batch(at, limit=AT_ONCE)).handled:
            if done.rejected:
                self._sweeper = None


class NotingBundler(Bundler):
    """Decides as always, but notes who is told what instead of putting it into words."""

    def draft(
        self, person: Person, notices: Sequence[Waiting], today: date, mime_id: str = ""
    ) -> Draft:
        texted = person.written_by is Channel.SMS
        return Draft(
            person_id=person.id,
            day=today,
            mime_id=mime_id or f"<{secrets.token_hex(12)}@rehearsal.invalid>",
            sender="",
            recipient=self.recipient(person, notices[0]),
            subject="",
            body=b"-",
            notice_ids=tuple(notice.id for notice in notices),
            channel=Channel.SMS if texted else Channel.EMAIL,
        )


class _Taker(Worker):
    """A worker for every channel at once that hands everything over to nobody."""

    channel = "rehearsal"

    def hand_over(self, message: Claimed) -> Result:
        del message
        return Result(outcome=Outcome.SENT, phase=Phase.DOT, code=250, text="rehearsed")

    @property
    def _texts(self) -> None:
        return None


def _lines(
    services: Services,
    connection: Connection,
    since: datetime,
    before: frozenset[int],
    shown: Collection[int],
) -> tuple[Line, ...]:
    directory = services.directory(connection)
    directory.ensure_dialogues(set(all_dialogue_ids(connection)))
    told: list[tuple[Line, Spoken]] = []
    together: dict[int | None, list[Spoken]] = defaultdict(list)
    for page in spoken_anew(connection, since, before):
        directory.ensure([spoken.action for spoken in page])
        directory.ensure_people({spoken.person_id for spoken in page})
        for spoken in page:
            together[spoken.message_id].append(spoken)
            if not shown or spoken.action.dialogue_id in shown:
                told.append((_line(directory, spoken), spoken))
    languages: dict[int | None, str] = {
        message_id: _language(directory, said)
        for message_id, said in together.items()
        if message_id
    }
    found = (
        replace(line, language=languages.get(spoken.message_id, line.language))
        for line, spoken in told
    )
    return tuple(sorted(found, key=lambda line: (line.at, line.to, line.action, line.rung)))


def _line(directory: Directory, spoken: Spoken) -> Line:
    action, person = spoken.action, directory.people[spoken.person_id]
    home = directory.home_of.get(person.party_id or 0) or action.dialogue_id
    zone = person.timezone or directory.dialogues[home].timezone
    there = spoken.at.astimezone(ZoneInfo(zone))
    day = there.date()
    sent = spoken.status is NoticeStatus.SENT
    waits = spoken.status is NoticeStatus.UNRELEASED
    return Line(
        at=spoken.at,
        to=spoken.recipient if sent else person.key,
        action=action.ref,
        rung=spoken.rung,
        channel="" if waits else spoken.channel if sent else Channel.PAGE,
        language=person.language,
        person=person.key,
        function=person.function,
        dialogue=directory.dialogues[action.dialogue_id].name,
        day=day,
        hour=f"{there:%H:%M}",
        waits_for="release" if waits else "",
        off=directory.calendars[home].why_off(day) if sent else "",
        escalates=spoken.rung in directory.ladder_for(action).upward,
    )


def _language(directory: Directory, said: Sequence[Spoken]) -> str:
    """The language of one message: one that has words for all that is said in it."""
    first = min(said, key=lambda spoken: (-spoken.urgency, spoken.id))
    person = directory.people[first.person_id]
    fallback = directory.dialogues[first.action.dialogue_id].languages[0]
    return written_in(person.language, fallback, {spoken.kind for spoken in said})
