"""What is kept back now, and by what: holds with their notices, and rungs that need a release."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, select

from engine.action import Action
from engine.case import causes
from engine.consent import Asking
from engine.sensitive import Quiet
from engine.snooze import Rest
from engine.store.directory import Directory
from engine.store.holds import Hold
from engine.store.outbox_tables import NoticeStatus, holds, notices
from engine.store.records import actions_by_id
from engine.store.releases import asked_of
from engine.store.sensitive import KeptQuiet, sensitive_of
from engine.store.tables import actions, dialogues, events, people


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A notice that waits, and since when; persons stand here by their function."""

    action: str
    action_id: int
    dialogue: str
    dialogue_id: int
    rung: str
    kind: str
    to: str
    person: str
    decided_at: datetime
    due_at: datetime
    cause: str

    def as_dict(self) -> Mapping[str, object]:
        """Plain values for JSON."""
        return {
            "action": self.action,
            "dialogue": self.dialogue,
            "rung": self.rung,
            "kind": self.kind,
            "to": self.to,
            "person": self.person,
            "decided_at": self.decided_at.isoformat(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Brake:
    """
    A hold that nobody has lifted, with what it keeps back today.

    `sensitive`: a day of its dialogue's own, which ends by itself and is no hold to be lifted.
    `number`: by which this one is lifted. `function`: what whoever put it is, empty for a name
    that no person has. `since_on`: the day on which it began to keep things back.
    """

    dialogue: str
    action: str
    from_on: date
    until_on: date | None
    by: str
    reason: str
    in_force: bool
    kept: tuple[Kept, ...]
    since_on: date
    number: int = 0
    sensitive: bool = False
    function: str = ""

    @property
    def scope(self) -> str:
        """`programme`, `dialogue` or `action`."""
        return "action" if self.action else "dialogue" if self.dialogue else "programme"

    def as_dict(self) -> Mapping[str, object]:
        """The JSON of one hold."""
        return {
            "scope": self.scope,
            "dialogue": self.dialogue,
            "action": self.action,
            "from_on": self.from_on.isoformat(),
            "until_on": self.until_on.isoformat() if self.until_on else None,
            "by": self.by,
            "reason": self.reason,
            "in_force": self.in_force,
            "sensitive": self.sensitive,
            "held": [kept.as_dict() for kept in self.kept],
        }


def brakes(directory: Directory, now: datetime) -> list[Brake]:
    """
    Every hold that nobody has lifted, oldest first, with the notices that it keeps back.

    One that is over, or has not begun, keeps nothing back; what is struck in the end because it is
    no longer true still stands here, since that is only asked when it would leave. The sensitive
    days of today come last.
    """
    connection, h = directory.connection, holds.c
    rows = connection.execute(
        select(h.id, h.dialogue_id, h.action_id, h.from_on, h.until_on, h.reason, h.by,
               h.put_at, actions.c.ref, dialogues.c.name, dialogues.c.timezone,
               people.c.function)
        .outerjoin(actions, actions.c.id == h.action_id)
        .outerjoin(dialogues, dialogues.c.id == h.dialogue_id)
        .outerjoin(people, people.c.key == h.by)
        .where(h.lifted_at.is_(None))
        .order_by(h.from_on, h.id)
    ).all()  # fmt: skip
    quiet = sensitive_of(connection)
    if not rows and not quiet:
        return []
    waiting = kept_waiting(connection)
    homes = {kept.dialogue_id for kept in waiting} | {row.dialogue_id for row in rows}
    homes |= {kept.dialogue_id for kept in quiet}
    directory.ensure_dialogues({home for home in homes if home})
    found = []
    for row in rows:
        hold = Hold(*row[:6])
        today = directory.today(row.dialogue_id, now) if row.dialogue_id else now.date()
        begun = today >= hold.from_on
        found.append(
            Brake(
                dialogue=row.name or "",
                action=row.ref or "",
                from_on=hold.from_on,
                until_on=hold.until_on,
                by=row.by,
                reason=hold.reason,
                in_force=begun and (hold.until_on is None or today <= hold.until_on),
                kept=tuple(
                    kept for kept in waiting
                    if hold.covers(kept.dialogue_id, kept.action_id,
                                   directory.today(kept.dialogue_id, now))
                ),
                since_on=since_on(hold.from_on, row.put_at, row.timezone),
                number=row.id,
                function=row.function or "",
            )
        )  # fmt: skip
    return found + [one for kept in quiet if (one := _sensitive(directory, kept, waiting, now))]


def since_on(from_on: date, put_at: datetime | None, timezone: str | None) -> date:
    """The day since which messages wait: a hold that works at once may begin the day before."""
    if put_at is None:
        return from_on
    return max(from_on, put_at.astimezone(ZoneInfo(timezone or "UTC")).date())


def _sensitive(
    directory: Directory, kept: KeptQuiet, waiting: Sequence[Kept], now: datetime
) -> Brake | None:
    """A sensitive day as a brake, if it is today."""
    span = kept.day.on(directory.today(kept.dialogue_id, now))
    if span is None:
        return None
    return Brake(
        dialogue=kept.dialogue,
        action="",
        from_on=span[0],
        until_on=span[1],
        by=kept.day.by,
        reason=f"{kept.day.name}: {kept.day.reason}",
        in_force=True,
        kept=kept_quiet(directory, kept, waiting),
        since_on=span[0],
        sensitive=True,
    )


def kept_quiet(directory: Directory, quiet: KeptQuiet, waiting: Sequence[Kept]) -> tuple[Kept, ...]:
    """Of what waits what a sensitive day keeps back while it lasts."""
    own = [kept for kept in waiting if kept.dialogue_id == quiet.dialogue_id]
    if quiet.day.what is Quiet.ESCALATIONS:
        about = {a.id: a for a in actions_by_id(directory.connection, {k.action_id for k in own})}
        directory.ensure(about.values())
        own = [k for k in own if k.rung in directory.ladder_for(about[k.action_id]).upward]
    return tuple(own)


def whole_holds(connection: Connection) -> list[Row[Any]]:
    """The holds of a whole dialogue, or of all of them, that nobody has lifted."""
    h = holds.c
    query = (
        select(h.dialogue_id, h.from_on, h.until_on, h.reason, dialogues.c.name,
               dialogues.c.timezone, h.by, h.put_at, people.c.function)
        .outerjoin(dialogues, dialogues.c.id == h.dialogue_id)
        .outerjoin(people, people.c.key == h.by)
        .where(h.lifted_at.is_(None), h.action_id.is_(None))
        .order_by(h.id)
    )  # fmt: skip
    return list(connection.execute(query))


def rests_of(connection: Connection, action: Action) -> tuple[Rest, ...]:
    """The rests from reminders that were taken in the present run of the ladder."""
    e = events.c
    payloads = connection.scalars(
        select(e.payload).where(e.action_id == action.id, e.kind == "snoozed").order_by(e.seq)
    )
    said = [json.loads(payload) for payload in payloads]
    return tuple(
        Rest(from_on=date.fromisoformat(one["from"]), until_on=date.fromisoformat(one["until"]))
        for one in said
        if one["run"] == action.episode
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AsksRelease:
    """A notice that waits for a release: whose word is missing, and until when it is waited for."""

    kept: Kept
    asking: Asking
    asked_at: datetime
    lapses_on: date

    def as_dict(self) -> Mapping[str, object]:
        """The JSON of one that waits."""
        return {
            **self.kept.as_dict(),
            **self.asking.as_dict(),
            "asked_at": self.asked_at.isoformat(),
            "lapses_on": self.lapses_on.isoformat(),
        }


def unreleased(directory: Directory, days: int) -> list[AsksRelease]:
    """
    What waits for a release, oldest first.

    It is waited for twice `days` working days; on the day after them it is struck.
    """
    connection = directory.connection
    found = _kept(connection, NoticeStatus.UNRELEASED)
    actions_of = {a.id: a for a in actions_by_id(connection, {k.action_id for k in found})}
    directory.ensure(actions_of.values())
    # What waits since a run of the ladder that is over is struck when somebody looks at it.
    found = [kept for kept in found if kept.cause in causes(actions_of[kept.action_id])]
    asking = {
        (action.id, each.rung): each
        for action in actions_of.values()
        for each in asked_of(
            connection, directory, action,
            sorted({kept.rung for kept in found if kept.action_id == action.id}),
        )
    }  # fmt: skip
    return [
        AsksRelease(
            kept=kept,
            asking=asking[kept.action_id, kept.rung],
            asked_at=kept.due_at,
            lapses_on=directory.calendars[kept.dialogue_id].plus(
                directory.today(kept.dialogue_id, kept.due_at), 2 * days + 1
            ),
        )
        for kept in found
    ]


def kept_waiting(connection: Connection) -> list[Kept]:
    """Whatever waits to be said, oldest first."""
    return _kept(connection, NoticeStatus.PENDING, NoticeStatus.HELD)


def _kept(connection: Connection, *statuses: NoticeStatus) -> list[Kept]:
    n = notices.c
    rows = connection.execute(
        select(n.rung, n.kind, n.created_at, n.due_at, n.cause, actions.c.id, actions.c.ref,
               actions.c.dialogue_id, dialogues.c.name, people.c.function, people.c.key)
        .join(actions, actions.c.id == n.action_id)
        .join(dialogues, dialogues.c.id == actions.c.dialogue_id)
        .join(people, people.c.id == n.person_id)
        .where(n.status.in_([status.value for status in statuses]))
        .order_by(n.created_at, n.id)
    )  # fmt: skip
    return [
        Kept(
            action=row.ref,
            action_id=row.id,
            dialogue=row.name,
            dialogue_id=row.dialogue_id,
            rung=row.rung,
            kind=row.kind,
            to=row.function,
            person=row.key,
            decided_at=row.created_at,
            due_at=row.due_at,
            cause=row.cause,
        )
        for row in rows
    ]
