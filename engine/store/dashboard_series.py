"""Where the actions of a part of the programme stood over time, from the history, in one query."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, cast, func, literal, select

from engine.action import State
from engine.digest import Point
from engine.store.dashboard_lists import OPEN, Part, within
from engine.store.figures import instants
from engine.store.tables import actions, events, parties

A, E = actions.c, events.c


def states_over_time(connection: Connection, part: Part, last_at: datetime) -> tuple[Point, ...]:
    """
    The states at the ends of the last weeks or months, and at the last instant, from the history.

    Each event that sets a state counts one into it and one out of the state before; the sums until
    a day are what stood then.
    """
    state, scope = _state_set(connection), (OPEN, *within(part))
    changes = (
        select(E.action_id, E.seq, E.at, state.label("state"))
        .join(actions, A.id == E.action_id)
        .join(parties, parties.c.id == A.responsible_id)
        .where(E.at <= last_at, E.payload.contains('"state":'), state.is_not(None), *scope)
        .subquery()
    )
    first_at = connection.scalar(select(func.min(changes.c.at)))
    if first_at is None:
        return ()
    days = instants(first_at, last_at)
    before = func.lag(changes.c.state).over(
        partition_by=changes.c.action_id, order_by=changes.c.seq
    )
    span = case(*((changes.c.at <= at, place) for place, at in enumerate(days)))
    moved = select(span.label("span"), changes.c.state, before.label("before")).subquery()
    rows = connection.execute(
        select(moved.c.span, moved.c.state, moved.c.before, func.count()).group_by(
            moved.c.span, moved.c.state, moved.c.before
        )
    ).all()
    found = []
    for place, at in enumerate(days):
        standing = Counter[str]()
        for span_of, entered, left, number in rows:
            if span_of <= place:
                standing[entered] += number
                if left is not None:
                    standing[left] -= number
        by_state = {one.value: standing[one.value] for one in State if standing[one.value]}
        found.append(Point(on=at.astimezone(UTC).date(), by_state=by_state))
    return tuple(found)


def _state_set(connection: Connection) -> ColumnElement[Any]:
    """The state that an event set; NULL for one that set none."""
    if connection.dialect.name == "sqlite":
        return func.json_extract(E.payload, literal("$.set.state"))
    from sqlalchemy.dialects.postgresql import JSONB  # noqa: PLC0415 - 40 ms that SQLite need not pay

    said: ColumnElement[Any] = cast(E.payload, JSONB)[("set", "state")].astext
    return said
