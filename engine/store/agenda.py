"""What an agenda needs besides the actions: what was brought to the committee, asked and moved."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, func, select

from engine.action import Action
from engine.case import causes
from engine.party import Side
from engine.store.outbox_tables import NoticeStatus, notices
from engine.store.tables import actions, dependencies, events, parties

_ENDS_THE_ASKING = frozenset({
    "more_time_declined", "rescheduled", "reported_done", "sent_back", "resolved", "reopened",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class DayAsked:
    """Days in the history of an action: earlier due dates, and the one asked for, if one is."""

    earlier: tuple[date, ...] = ()
    asked: date | None = None


def brought_to_committee(connection: Connection, found: Collection[Action]) -> frozenset[int]:
    """Those of these actions that stand on the board for the committee, for a reason still true."""
    by_id = {action.id: action for action in found}
    n = notices.c
    rows = connection.execute(
        select(n.action_id, n.cause).where(
            n.kind == "agenda",
            n.status.in_([NoticeStatus.POSTED.value, NoticeStatus.SENT.value]),
            n.action_id.in_(by_id),
        )
    )
    return frozenset(row.action_id for row in rows if row.cause in causes(by_id[row.action_id]))


def days_of(connection: Connection, action_ids: Collection[int]) -> Mapping[int, DayAsked]:
    """Earlier due dates of these actions, oldest first, and the dates that wait for a decision."""
    kinds = (*_ENDS_THE_ASKING, "more_time_asked")
    rows = connection.execute(
        select(events.c.action_id, events.c.kind, events.c.payload)
        .where(events.c.action_id.in_(action_ids), events.c.kind.in_(kinds))
        .order_by(events.c.action_id, events.c.seq)
    )
    found: dict[int, DayAsked] = {}
    for action_id, kind, payload in rows:
        before, said = found.get(action_id, DayAsked()), json.loads(payload)
        earlier = before.earlier
        if kind == "rescheduled" and said.get("from"):
            earlier = (*earlier, date.fromisoformat(said["from"]))
        asked = date.fromisoformat(said["until"]) if kind == "more_time_asked" else None
        found[action_id] = DayAsked(earlier, asked)
    return found


def waited_for(connection: Connection, action_ids: Collection[int]) -> Mapping[int, list[str]]:
    """The references of what each of these actions waits for, met or not."""
    rows = connection.execute(
        select(dependencies.c.action_id, actions.c.ref)
        .join(actions, actions.c.id == dependencies.c.needs_id)
        .where(dependencies.c.action_id.in_(action_ids))
        .order_by(actions.c.ref)
    )
    found: dict[int, list[str]] = {}
    for action_id, ref in rows:
        found.setdefault(action_id, []).append(ref)
    return found


def last_session_on(connection: Connection, dialogue_id: int, before: date) -> date | None:
    """The day of the last session before that day: something was agreed in it."""
    a = actions.c
    found: date | None = connection.scalar(
        select(func.max(a.agreed_on)).where(a.dialogue_id == dialogue_id, a.agreed_on < before)
    )
    return found


def sides_of(connection: Connection, dialogue_id: int) -> tuple[Side, ...]:
    """The sides that sit at the table of a dialogue, in the order of the words."""
    p = parties.c
    rows = connection.scalars(select(p.side).where(p.dialogue_id == dialogue_id).distinct())
    there = set(rows)
    return tuple(side for side in Side if side in there)
