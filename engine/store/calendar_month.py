"""What stands in a month of a dialogue: due dates that somebody may see, and sessions."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, func, select

from engine.action import LIVE, State
from engine.permission import Deed, Member
from engine.store.seen import seen
from engine.store.tables import actions, sessions

A = actions.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """An action that is due on a day; `title` is None for who may not read it."""

    ref: str
    state: State
    due_on: date
    title: str | None


@dataclass(frozen=True, slots=True)
class DueDay:
    """The first actions that are due on a day, and how many there are in all."""

    dues: tuple[Due, ...]
    number: int


def due_between(
    connection: Connection,
    member: Member,
    dialogue_id: int,
    first: date,
    last: date,
    most: int,
) -> dict[date, DueDay]:
    """What is due on each of these days, at most so many of a day, of what they may see."""
    listed = (
        select(
            A.ref,
            A.state,
            A.due_on,
            A.title,
            seen(member, Deed.READ_TITLE, [dialogue_id]).label("titled"),
            func.row_number().over(partition_by=A.due_on, order_by=A.id).label("place"),
            func.count().over(partition_by=A.due_on).label("number"),
        )
        .where(
            A.dialogue_id == dialogue_id,
            A.due_on.between(first, last),
            A.state.in_([state.value for state in LIVE]),
            seen(member, Deed.LIST, [dialogue_id]),
        )
        .subquery()
    )
    c = listed.c
    found: dict[date, DueDay] = {}
    rows = connection.execute(select(listed).where(c.place <= most).order_by(c.due_on, c.place))
    for row in rows:
        due = Due(
            ref=row.ref, state=row.state, due_on=row.due_on,
            title=row.title if row.titled else None,
        )  # fmt: skip
        before = found.get(row.due_on, DueDay((), row.number))
        found[row.due_on] = DueDay((*before.dues, due), row.number)
    return found


def sessions_between(
    connection: Connection, dialogue_id: int, first: date, last: date
) -> list[Row[Any]]:
    """The sessions of a dialogue on these days."""
    s = sessions.c
    query = (
        select(s.id, s.held_on)
        .where(s.dialogue_id == dialogue_id, s.held_on.between(first, last))
        .order_by(s.held_on)
    )
    return list(connection.execute(query))
