"""Hands on the brake: which actions, dialogues or days are on hold."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, func, insert, or_, select, true, update

from engine.store.outbox_tables import NoticeStatus, holds, notices, sensitive_days
from engine.store.tables import actions, dialogues, people

HELD: Final = "held"
RESUMED: Final = "resumed"
"""The events in the history of an action whose messages were held, and may leave again."""


@dataclass(frozen=True, slots=True)
class Hold:
    """
    A period in which messages wait; without dialogue and action: of the whole programme.

    `only_escalations`: what does not go up may leave all the same.
    """

    id: int
    dialogue_id: int | None
    action_id: int | None
    from_on: date
    until_on: date | None
    reason: str
    only_escalations: bool = False

    def covers(self, dialogue_id: int, action_id: int, today: date) -> bool:
        """Whether a message about that action must wait on that day."""
        if today < self.from_on or (self.until_on is not None and today > self.until_on):
            return False
        if self.action_id is not None:
            return self.action_id == action_id
        return self.dialogue_id is None or self.dialogue_id == dialogue_id


def holds_in_force(connection: Connection) -> tuple[Hold, ...]:
    """Every hold that nobody has lifted."""
    table = holds.c
    rows = connection.execute(
        select(
            table.id,
            table.dialogue_id,
            table.action_id,
            table.from_on,
            table.until_on,
            table.reason,
        ).where(table.lifted_at.is_(None))
    )
    return tuple(Hold(*row) for row in rows)


def newest_hold(connection: Connection) -> int:
    """A number that grows with each hold or sensitive day that is put; 0 before the first."""
    last = connection.scalar(select(func.max(holds.c.id))) or 0
    quiet: int = connection.scalar(select(func.max(sensitive_days.c.id))) or 0
    return last + quiet


def put_hold(
    connection: Connection,
    *,
    dialogue_id: int | None,
    action_id: int | None,
    from_on: date,
    until_on: date | None,
    by: str,
    reason: str,
    now: datetime,
) -> bool:
    """Begin a hold; False if the same person has put the same one, and it holds yet."""
    h = holds.c
    same = select(h.id).where(
        h.lifted_at.is_(None),
        _same(h.dialogue_id, dialogue_id),
        _same(h.action_id, action_id),
        h.from_on == from_on,
        _same(h.until_on, until_on),
        h.by == by,
        h.reason == reason,
    )
    if connection.scalar(same.limit(1)) is not None:
        return False
    connection.execute(
        insert(holds).values(
            dialogue_id=dialogue_id,
            action_id=action_id,
            from_on=from_on,
            until_on=until_on,
            by=by,
            reason=reason,
            put_at=now,
        )
    )
    return True


def lift_holds(
    connection: Connection,
    *,
    dialogue_id: int | None,
    action_id: int | None,
    now: datetime,
    by: str = "",
    reason: str = "",
    number: int | None = None,
) -> int:
    """
    End the holds of exactly that scope, or only the one of that `number` among them.

    What waited may leave again if it is still true, and if no other hold keeps it back.
    """
    table = holds.c
    # An action is of one dialogue: whether its hold names that too does not matter.
    home = true() if action_id is not None else _same(table.dialogue_id, dialogue_id)
    only = true() if number is None else table.id == number
    done = connection.execute(
        update(holds)
        .where(table.lifted_at.is_(None), home, _same(table.action_id, action_id), only)
        .values(lifted_at=now, lifted_by=by, lifted_for=reason)
    )
    waiting = update(notices).where(notices.c.status == NoticeStatus.HELD.value)
    if action_id is not None:
        waiting = waiting.where(notices.c.action_id == action_id)
    elif dialogue_id is not None:
        of_dialogue = select(actions.c.id).where(actions.c.dialogue_id == dialogue_id)
        waiting = waiting.where(notices.c.action_id.in_(of_dialogue))
    connection.execute(waiting.values(status=NoticeStatus.PENDING, due_at=now))
    return done.rowcount


def holds_lifted(connection: Connection, since: datetime) -> list[Row[Any]]:
    """The holds that were lifted after an instant, the latest first."""
    h = holds.c
    query = (
        select(holds, actions.c.ref, dialogues.c.name.label("dialogue"), people.c.function)
        .outerjoin(actions, actions.c.id == h.action_id)
        .outerjoin(dialogues, dialogues.c.id == h.dialogue_id)
        .outerjoin(people, people.c.key == h.lifted_by)
        .where(h.lifted_at > since)
        .order_by(h.lifted_at.desc(), h.id.desc())
    )
    return list(connection.execute(query))


def holds_between(
    connection: Connection, dialogue_id: int, first: date, last: date
) -> list[Row[Any]]:
    """The holds in force on any of these days: of a dialogue, its actions, and the programme's."""
    h = holds.c
    query = (
        select(holds, actions.c.ref, dialogues.c.timezone, people.c.function)
        .select_from(holds)
        .join(dialogues, dialogues.c.id == dialogue_id)
        .outerjoin(actions, actions.c.id == h.action_id)
        .outerjoin(people, people.c.key == h.by)
        .where(
            h.lifted_at.is_(None),
            h.from_on <= last,
            or_(h.until_on.is_(None), h.until_on >= first),
            or_(
                actions.c.dialogue_id == dialogue_id,
                h.action_id.is_(None) & (h.dialogue_id == dialogue_id),
                h.action_id.is_(None) & h.dialogue_id.is_(None),
            ),
        )
        .order_by(h.from_on, h.id)
    )
    return list(connection.execute(query))


def _same(column: ColumnElement[Any], value: int | date | None) -> ColumnElement[bool]:
    return column.is_(None) if value is None else column == value
