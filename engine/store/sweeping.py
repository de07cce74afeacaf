"""The sweep's part of the store: what is due now, what was said of it, and what was decided."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Integer, bindparam, func, insert, select, update

from engine.action import Action
from engine.case import Decision, Said
from engine.ladder import Ladder
from engine.ladder_text import dump_ladder
from engine.replay import columns_set
from engine.shard import Shard
from engine.store.acting import tell_dependents
from engine.store.columns import UtcInstant
from engine.store.dialect import insert_if_new, insert_missing
from engine.store.directory import Directory
from engine.store.outbox_tables import NoticeStatus, notices
from engine.store.records import (
    ACTION_FIELDS,
    EVENT_COLUMNS,
    actions_of,
    chain_rows,
    read_actions,
    select_actions,
)
from engine.store.tables import actions, events, ladders, occurrences
from engine.store.turns import Queue, by_turns
from engine.store.writing import write_many

SWEEPER = "sweep"

REACHED = frozenset({NoticeStatus.SENT, NoticeStatus.POSTED})

_LOOK_AGAIN = (
    update(actions)
    .where(actions.c.id == bindparam("b_id"))
    .values(next_check_at=bindparam("b_next"))
)
_DECIDED = (
    update(actions)
    .where(actions.c.id == bindparam("b_id"))
    .values(
        next_check_at=bindparam("b_next"),
        version=bindparam("b_version"),
        head_hash=bindparam("b_head"),
        ladder_id=bindparam("b_ladder"),
    )
)
_HAPPENED = insert(events)
_NOTICE_COLUMNS = (
    "key", "action_id", "dialogue_id", "person_id", "about_id", "kind", "rung", "cause", "status",
    "urgency", "created_at", "due_at", "closed_at",
)  # fmt: skip
_STEP = ("b_id", "b_next", "b_version", "b_head", "b_ladder")


def claim_due(
    connection: Connection,
    now: datetime,
    limit: int,
    after_id: int | None = None,
    *,
    shard: Shard | None = None,
) -> list[Action]:
    """
    The actions to look at now, at most `limit`, locked against other sweepers.

    While there are more than that, and where a `shard` is asked for, dialogues take turns. With
    `after_id` nothing is locked: the next page of a pass that writes nothing.
    """
    if after_id is not None:
        page = select_actions().where(_DUE, actions.c.id > after_id).order_by(actions.c.id)
        return read_actions(connection, page.limit(limit), {"now": now})
    if shard or _more_than(connection, now, limit):
        rows = by_turns(connection, _LOOKED_AT, now, limit, shard)
        return actions_of(connection, sorted(rows))  # by id, as they lie in the database
    return read_actions(connection, _OLDEST, {"now": now, "most": limit})


_DUE = actions.c.next_check_at <= bindparam("now", type_=UtcInstant)
_MOST = bindparam("most", type_=Integer)
_OLDEST = (
    select_actions()
    .where(_DUE)
    .order_by(actions.c.next_check_at)
    .limit(_MOST)
    .with_for_update(skip_locked=True, key_share=True)
)
_LOOKED_AT = Queue(
    table=actions, names=ACTION_FIELDS, ready=_DUE, order=(actions.c.next_check_at,), lock=True
)
_COUNTED = select(func.count()).select_from(
    select(actions.c.next_check_at)
    .where(_DUE)
    .order_by(actions.c.next_check_at)
    .limit(_MOST)
    .subquery()
)


def _more_than(connection: Connection, now: datetime, limit: int) -> bool:
    """Whether more actions are due than that; counted in the index, and no further."""
    return (connection.scalar(_COUNTED, {"now": now, "most": limit + 1}) or 0) > limit


def longest_due(connection: Connection) -> datetime | None:
    """Since when the action that waits longest is to be looked at; None: nothing ever is."""
    since: datetime | None = connection.scalar(select(func.min(actions.c.next_check_at)))
    return since


def said_about(
    connection: Connection, batch: Sequence[Action], directory: Directory
) -> dict[int, tuple[Said, ...]]:
    """What was said before about each of these actions."""
    homes = {action.id: action.dialogue_id for action in batch}
    found: dict[int, list[Said]] = defaultdict(list)
    columns = notices.c
    rows = connection.execute(
        select(
            columns.action_id,
            columns.cause,
            columns.rung,
            columns.person_id,
            columns.status,
            columns.closed_at,
            columns.about_id,
        ).where(columns.action_id.in_(homes))
    )
    for action_id, cause, rung, person_id, status, closed_at, about_id in rows:
        reached = status in REACHED and closed_at is not None
        day = directory.today(homes[action_id], closed_at) if reached else None
        found[action_id].append(Said(cause, rung, person_id, day, about_id))
    return {action_id: tuple(entries) for action_id, entries in found.items()}


@dataclass(slots=True)
class Outcome:
    """One action, what was decided about it, and when to look at it again."""

    action: Action
    decision: Decision
    next_check_at: datetime | None
    ladder: Ladder


@dataclass(slots=True)
class Written:
    """What a batch wrote."""

    moved: int = 0
    notices: int = 0
    by_rung: Counter[str] = field(default_factory=Counter)


def write(
    connection: Connection, outcomes: Sequence[Outcome], directory: Directory, now: datetime
) -> Written:
    """Write a batch of decisions: moves, events and notices, in the caller's one transaction."""
    done = Written()
    moved: list[int] = []
    quiet: list[tuple[Any, ...]] = []
    loud: list[tuple[Any, ...]] = []
    event_rows: list[tuple[Any, ...]] = []
    notice_rows: list[tuple[Any, ...]] = []
    rungs: list[str] = []
    for outcome in outcomes:
        decision, action = outcome.decision, outcome.action
        if not decision.events and not decision.changes:
            quiet.append((action.id, outcome.next_check_at))
            continue
        ladder_id = action.ladder_id
        if decision.opens:
            ladder_id = frozen(connection, outcome.ladder, directory)
        changes = {"ladder_id": ladder_id, **decision.changes}
        if "state" in decision.changes:
            changes["state_version"] = action.version + len(decision.events)
        rows, version, head = chain_rows(
            action.id, action.version, action.head_hash, decision.events, now, SWEEPER,
            columns_set(changes, action),
        )  # fmt: skip
        event_rows += rows
        if decision.changes:
            values = {
                "next_check_at": outcome.next_check_at,
                "version": version,
                "head_hash": head,
                **changes,
            }
            _write_changes(connection, action, decision, values)
            if "state" in decision.changes:
                moved.append(action.id)
        else:
            loud.append((action.id, outcome.next_check_at, version, head, ladder_id))
        notice_rows += _notice_rows(action, decision, now)
        rungs += [notice.rung for notice in decision.notices]
    write_many(connection, _LOOK_AGAIN, _STEP[:2], quiet)
    write_many(connection, _DECIDED, _STEP, loud)
    write_many(connection, _HAPPENED, EVENT_COLUMNS, event_rows)
    for action_id in moved:
        # Only now: an action of the same batch may be among those that wait for it.
        tell_dependents(connection, directory, action_id, now)
    _queue(connection, notice_rows)
    done.notices, done.moved, done.by_rung = len(notice_rows), len(moved), Counter(rungs)
    return done


def queue(connection: Connection, action: Action, decision: Decision, now: datetime) -> None:
    """Write the notices that somebody's own decision brings, beside the sweep's."""
    _queue(connection, _notice_rows(action, decision, now))


def _queue(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    # What was decided before is there already, and stays as it is.
    said = insert_if_new(connection.dialect.name, notices, ("key",))
    write_many(connection, said, _NOTICE_COLUMNS, rows)


def frozen(connection: Connection, ladder: Ladder, directory: Directory) -> int:
    """The id of this ladder's frozen copy, written if it is the first run that uses it."""
    for key, kept in directory.ladders.items():
        if kept is ladder or kept == ladder:
            return key
    text = dump_ladder(ladder)
    digest = hashlib.sha256(text.encode()).digest()
    insert_missing(
        connection, ladders, [{"sha256": digest, "name": ladder.name, "text": text}], ["sha256"]
    )
    ladder_id = connection.scalar(select(ladders.c.id).where(ladders.c.sha256 == digest))
    assert ladder_id is not None  # noqa: S101 - it was inserted or was there
    directory.ladders[ladder_id] = ladder
    return int(ladder_id)


def checked_later(now: datetime) -> datetime:
    """When to look again at an action that could not be decided about: not before tomorrow."""
    return now + timedelta(days=1)


def _write_changes(
    connection: Connection, action: Action, decision: Decision, values: dict[str, Any]
) -> None:
    connection.execute(update(actions).where(actions.c.id == action.id).values(**values))
    settled = [
        {"action_id": action.id, "due_on": due_on, "outcome": outcome,
         "settled_on": due_on}
        for due_on, outcome in decision.occurrences
    ]  # fmt: skip
    insert_missing(connection, occurrences, settled, ["action_id", "due_on"])


def _notice_rows(action: Action, decision: Decision, now: datetime) -> list[tuple[Any, ...]]:
    return [
        (
            notice.key,
            action.id,
            action.dialogue_id,
            notice.person_id,
            notice.about_id,
            notice.kind,
            notice.rung,
            notice.cause,
            _first_status(notice.posted, notice.release),
            notice.urgency,
            now,
            now,
            now if notice.posted and not notice.release else None,
        )
        for notice in decision.notices
    ]


def _first_status(posted: bool, release: bool) -> NoticeStatus:
    if release:
        return NoticeStatus.UNRELEASED
    return NoticeStatus.POSTED if posted else NoticeStatus.PENDING
