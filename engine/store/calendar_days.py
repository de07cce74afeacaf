"""What a dialogue changes in its calendar, as rows: put, taken back, never lost."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, insert, select, update

from engine.calendar import DayOverride
from engine.errors import UnknownThing
from engine.store.sensitive import wake
from engine.store.tables import actions, calendar_days, dialogues


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedDay:
    """A change of a calendar on record; who took it back, and when, if somebody did."""

    id: int
    dialogue_id: int
    dialogue: str
    given: DayOverride
    put_at: datetime | None
    removed_at: datetime | None
    removed_by: str
    removed_for: str


def changed_days(
    connection: Connection,
    dialogue_ids: Collection[int] | None = None,
    *,
    since: date | None = None,
    until: date | None = None,
) -> list[ChangedDay]:
    """The changes of these dialogues (None: of all) that touch these days, by their day."""
    c = calendar_days.c
    query = (
        select(calendar_days, dialogues.c.name.label("dialogue"))
        .join(dialogues, dialogues.c.id == c.dialogue_id)
        .order_by(c.day, c.id)
    )
    if dialogue_ids is not None:
        query = query.where(c.dialogue_id.in_(dialogue_ids))
    found = [
        ChangedDay(
            id=row.id,
            dialogue_id=row.dialogue_id,
            dialogue=row.dialogue,
            given=DayOverride(
                day=row.day, change=row.change, to=row.moved_to, name=row.name, by=row.by,
                reason=row.reason,
            ),
            put_at=row.put_at,
            removed_at=row.removed_at,
            removed_by=row.removed_by,
            removed_for=row.removed_for,
        )
        for row in connection.execute(query)
    ]  # fmt: skip
    return [one for one in found if _touches(one.given, since, until)]


def put_change(
    connection: Connection, dialogue_id: int, given: DayOverride, now: datetime
) -> int | None:
    """Put a change on record; returns its number, or None if the same stands there already."""
    c = calendar_days.c
    same = select(c.id).where(
        c.dialogue_id == dialogue_id,
        c.day == given.day,
        c.change == given.change,
        c.moved_to.is_(None) if given.to is None else c.moved_to == given.to,
        c.name == given.name,
        c.removed_at.is_(None),
    )
    if connection.scalar(same) is not None:
        return None
    values = {
        "dialogue_id": dialogue_id,
        "day": given.day,
        "change": given.change,
        "moved_to": given.to,
        "name": given.name,
        "by": given.by,
        "reason": given.reason,
        "put_at": now,
    }
    return int(
        connection.scalars(insert(calendar_days).returning(calendar_days.c.id), [values]).one()
    )


def take_back(connection: Connection, number: int, by: str, reason: str, now: datetime) -> int:
    """Let a change hold no longer; it stays on record. Returns its dialogue."""
    c = calendar_days.c
    done = connection.execute(
        update(calendar_days)
        .where(c.id == number, c.removed_at.is_(None))
        .values(removed_at=now, removed_by=by, removed_for=reason)
    )
    if not done.rowcount:
        known = [str(one.id) for one in changed_days(connection) if one.removed_at is None]
        raise UnknownThing("changed day", number, known)
    return int(connection.scalars(select(c.dialogue_id).where(c.id == number)).one())


def look_again(connection: Connection, dialogue_id: int, now: datetime) -> None:
    """
    Have the sweep and the deliverer look at a dialogue anew: its days are other ones.

    What was reckoned before a day became a working day would else be said too late.
    """
    a = actions.c
    connection.execute(
        update(actions)
        .where(a.dialogue_id == dialogue_id, a.next_check_at > now)
        .values(next_check_at=now)
    )
    wake(connection, dialogue_id, now)


def _touches(given: DayOverride, since: date | None, until: date | None) -> bool:
    days = [day for day in (given.day, given.to) if day is not None]
    return any((since is None or since <= d) and (until is None or d <= until) for d in days)
