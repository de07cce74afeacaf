"""Call tasks: telephone calls that coordinators are asked to make, and the calls they logged."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    String,
    and_,
    cast,
    exists,
    literal,
    or_,
    select,
    update,
)

from engine.action import OWED, Action, State
from engine.case import causes
from engine.store.dialect import insert_missing
from engine.store.outbox_tables import NoticeStatus, notices
from engine.store.tables import actions

OPEN = (NoticeStatus.PENDING, NoticeStatus.BUNDLED, NoticeStatus.SENT, NoticeStatus.POSTED,
        NoticeStatus.HELD)  # fmt: skip

_OWED = actions.alias("owed")


@dataclass(frozen=True, slots=True)
class CallTask:
    """A call that somebody was asked to make and nobody has logged yet."""

    id: int
    rung: str
    cause: str
    about_id: int | None


def open_calls() -> ColumnElement[bool]:
    """Call tasks nobody has logged, of actions still owed, and not of a run that has ended."""
    n = notices.c
    owed = _OWED
    this_run = literal("e") + cast(owed.c.episode, String)
    still_owed = exists(
        select(owed.c.id).where(
            owed.c.id == n.action_id,
            owed.c.state.in_([state.value for state in OWED | {State.IN_FORCE}]),
            or_(n.cause.not_like("e%"), n.cause == this_run),
        )
    )
    return and_(
        n.kind == "call_task",
        n.outcome != "called",
        n.status.in_([status.value for status in OPEN]),
        still_owed,
    )


def open_call(connection: Connection, action: Action) -> CallTask | None:
    """The newest call task of an action that is open and still has its reason."""
    table = notices.c
    row = connection.execute(
        select(table.id, table.rung, table.cause, table.about_id)
        .where(
            table.action_id == action.id,
            table.kind == "call_task",
            table.cause.in_(causes(action)),
            table.outcome != "called",
            table.status.in_([status.value for status in OPEN]),
        )
        .order_by(table.id.desc())
        .limit(1)
    ).first()
    return CallTask(*row) if row else None


def settle_task(connection: Connection, action: Action, task: CallTask, now: datetime) -> None:
    """
    The call was made: nobody is asked for it any more, not even by what has yet to leave.

    Nor for the calls of lower rungs in the same run, which were not made.
    """
    table = notices.c
    same = (
        (table.action_id == action.id)
        & (table.kind == "call_task")
        & (table.cause == task.cause)
        & (table.id <= task.id)
    )
    unsaid = table.status.in_([NoticeStatus.PENDING.value, NoticeStatus.HELD.value])
    connection.execute(
        update(notices).where(same, unsaid).values(status=NoticeStatus.STRUCK, closed_at=now)
    )
    connection.execute(update(notices).where(same).values(outcome="called"))


def count_call(
    connection: Connection,
    action: Action,
    cause: str,
    about_id: int,
    rung: str,
    now: datetime,
    today: date,
) -> None:
    """A call that reached the party stands where the written reminder would have stood."""
    row = {
        "key": f"{action.id}:{cause}:called:{rung}:{about_id}:{today}",
        "action_id": action.id,
        "person_id": about_id,
        "about_id": None,
        "kind": "call",
        "rung": rung,
        "cause": cause,
        "status": NoticeStatus.SENT,
        "urgency": 0,
        "created_at": now,
        "due_at": now,
        "closed_at": now,
        "outcome": "called",
    }
    insert_missing(connection, notices, [row], ["key"])
