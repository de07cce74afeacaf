"""Sensitive days as rows, and as holds that end by themselves."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, insert, select, update

from engine.errors import UnknownThing
from engine.sensitive import Quiet, SensitiveDay
from engine.store.holds import Hold
from engine.store.outbox_tables import NoticeStatus, notices, sensitive_days
from engine.store.tables import actions, dialogues

AROUND: Final = timedelta(days=400)
"""So far from today the times at which sensitive days come are looked at: a year and a span."""

_KEEPS_QUIET: Final = -1
"""The number of a hold that nobody put: it is of a sensitive day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptQuiet:
    """A sensitive day on record, with its number and its dialogue."""

    id: int
    dialogue_id: int
    dialogue: str
    timezone: str
    day: SensitiveDay
    removed_at: datetime | None = None
    removed_by: str = ""
    removed_for: str = ""


def sensitive_of(
    connection: Connection, dialogue_ids: Collection[int] | None = None, *, ended: bool = False
) -> list[KeptQuiet]:
    """
    The sensitive days of these dialogues (None: of all), by their day.

    Those that somebody took out only with `ended`.
    """
    c = sensitive_days.c
    query = (
        select(sensitive_days, dialogues.c.name.label("dialogue"), dialogues.c.timezone)
        .join(dialogues, dialogues.c.id == c.dialogue_id)
        .order_by(c.from_on, c.id)
    )
    if not ended:
        query = query.where(c.removed_at.is_(None))
    if dialogue_ids is not None:
        query = query.where(c.dialogue_id.in_(dialogue_ids))
    return [
        KeptQuiet(
            id=row.id,
            dialogue_id=row.dialogue_id,
            dialogue=row.dialogue,
            timezone=row.timezone,
            day=SensitiveDay(
                name=row.name,
                from_on=row.from_on,
                until_on=row.until_on,
                by=row.by,
                reason=row.reason,
                yearly=row.yearly,
                what=row.what,
            ),
            removed_at=row.removed_at,
            removed_by=row.removed_by,
            removed_for=row.removed_for,
        )
        for row in connection.execute(query)
    ]


def quiet_holds(connection: Connection, today: date) -> tuple[Hold, ...]:
    """Each time around `today` at which a dialogue is kept quiet, as a hold that ends by itself."""
    return tuple(
        Hold(
            id=_KEEPS_QUIET,
            dialogue_id=kept.dialogue_id,
            action_id=None,
            from_on=begins,
            until_on=ends,
            reason=f"{kept.day.name}: {kept.day.reason}",
            only_escalations=kept.day.what is Quiet.ESCALATIONS,
        )
        for kept in sensitive_of(connection)
        for begins, ends in kept.day.spans(today - AROUND, today + AROUND)
    )


def keep_quiet(
    connection: Connection, dialogue_id: int, day: SensitiveDay, *, anew: bool = False
) -> int | None:
    """
    Put a sensitive day on record; returns its number, or None if it is on record already.

    One that was taken out does not come back by the same plan, only where it is given `anew`.
    """
    c = sensitive_days.c
    query = select(c.id).where(
        c.dialogue_id == dialogue_id,
        c.from_on == day.from_on,
        c.until_on == day.until_on,
        c.name == day.name,
        c.yearly == day.yearly,
        c.what == day.what,
    )
    if anew:
        query = query.where(c.removed_at.is_(None))
    if connection.scalar(query) is not None:
        return None
    values = {
        "dialogue_id": dialogue_id,
        "name": day.name,
        "from_on": day.from_on,
        "until_on": day.until_on,
        "yearly": day.yearly,
        "what": day.what,
        "by": day.by,
        "reason": day.reason,
    }
    return int(
        connection.scalars(insert(sensitive_days).returning(sensitive_days.c.id), [values]).one()
    )


def end_quiet(connection: Connection, number: int, by: str, reason: str, now: datetime) -> None:
    """Take a sensitive day out again; it stays on record. UnknownThing if there is none."""
    c = sensitive_days.c
    done = connection.execute(
        update(sensitive_days)
        .where(c.id == number, c.removed_at.is_(None))
        .values(removed_at=now, removed_by=by, removed_for=reason)
    )
    if not done.rowcount:
        known = [str(kept.id) for kept in sensitive_of(connection)]
        raise UnknownThing("sensitive day", number, known)


def wake(connection: Connection, dialogue_id: int, now: datetime) -> None:
    """Look again at what waits to be said about a dialogue: what kept it back may be gone."""
    n = notices.c
    of_dialogue = select(actions.c.id).where(actions.c.dialogue_id == dialogue_id)
    connection.execute(
        update(notices)
        .where(n.status == NoticeStatus.PENDING.value, n.due_at > now, n.action_id.in_(of_dialogue))
        .values(due_at=now)
    )
