"""The sweep's part of the store: what is due now, what was said of it, and what was decided."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from engine.action import Action
from engine.case import Decision, Said
from engine.ladder import Ladder
from engine.ladder_text import dump_ladder
from engine.store.dialect import insert_missing
from engine.store.directory import Directory
from engine.store.outbox_tables import NoticeStatus, notices
from engine.store.records import action_from, chain_rows, select_actions
from engine.store.tables import actions, events, ladders, occurrences

SWEEPER = "sweep"

REACHED = frozenset({NoticeStatus.SENT, NoticeStatus.POSTED})

_LOOK_AGAIN = (
    update(actions)
    .where(actions.c.id == bindparam("b_id"))
    .values(next_check_at=bindparam("next_check_at"))
)
_DECIDED = (
    update(actions)
    .where(actions.c.id == bindparam("b_id"))
    .values(
        next_check_at=bindparam("next_check_at"),
        version=bindparam("version"),
        head_hash=bindparam("head_hash"),
        ladder_id=bindparam("ladder_id"),
    )
)


def claim_due(
    connection: Connection, now: datetime, limit: int, after_id: int | None = None
) -> list[Action]:
    """
    The actions to look at now, at most `limit`, locked against other sweepers.

    With `after_id` nothing is locked: the next page of a pass that writes nothing.
    """
    query = select_actions().where(actions.c.next_check_at <= now).limit(limit)
    if after_id is None:
        query = query.order_by(actions.c.next_check_at).with_for_update(
            skip_locked=True, key_share=True
        )
    else:
        query = query.where(actions.c.id > after_id).order_by(actions.c.id)
    return [action_from(row) for row in connection.execute(query)]


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
    quiet: list[dict[str, Any]] = []
    loud: list[dict[str, Any]] = []
    event_rows: list[dict[str, Any]] = []
    notice_rows: list[dict[str, Any]] = []
    for outcome in outcomes:
        decision, action = outcome.decision, outcome.action
        if not decision.events and not decision.changes:
            quiet.append({"b_id": action.id, "next_check_at": outcome.next_check_at})
            continue
        rows, version, head = chain_rows(
            action.id, action.version, action.head_hash, decision.events, now, SWEEPER
        )
        event_rows += rows
        ladder_id = action.ladder_id
        if decision.opens:
            ladder_id = frozen(connection, outcome.ladder, directory)
        step = {
            "b_id": action.id,
            "next_check_at": outcome.next_check_at,
            "version": version,
            "head_hash": head,
            "ladder_id": ladder_id,
        }
        if decision.changes:
            _write_changes(connection, action, decision, step)
            done.moved += "state" in decision.changes
        else:
            loud.append(step)
        notice_rows += _notice_rows(action, decision, now)
        done.by_rung.update(notice.rung for notice in decision.notices)
    if quiet:
        connection.execute(_LOOK_AGAIN, quiet)
    if loud:
        connection.execute(_DECIDED, loud)
    if event_rows:
        connection.execute(insert(events), event_rows)
    insert_missing(connection, notices, notice_rows, ["key"])
    done.notices = len(notice_rows)
    return done


def frozen(connection: Connection, ladder: Ladder, directory: Directory) -> int:
    """The id of this ladder's frozen copy, written if it is the first run that uses it."""
    known = next((key for key, kept in directory.ladders.items() if kept == ladder), None)
    if known is not None:
        return known
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
    connection: Connection, action: Action, decision: Decision, step: dict[str, Any]
) -> None:
    values = {name: value for name, value in step.items() if name != "b_id"} | decision.changes
    if "state" in decision.changes:
        values["state_version"] = step["version"]
    connection.execute(update(actions).where(actions.c.id == action.id).values(**values))
    settled = [
        {"action_id": action.id, "due_on": due_on, "outcome": outcome,
         "settled_on": due_on}
        for due_on, outcome in decision.occurrences
    ]  # fmt: skip
    insert_missing(connection, occurrences, settled, ["action_id", "due_on"])


def _notice_rows(action: Action, decision: Decision, now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "key": notice.key,
            "action_id": action.id,
            "person_id": notice.person_id,
            "about_id": notice.about_id,
            "kind": notice.kind,
            "rung": notice.rung,
            "cause": notice.cause,
            "status": _first_status(notice.posted, notice.release),
            "urgency": notice.urgency,
            "created_at": now,
            "due_at": now,
            "closed_at": now if notice.posted and not notice.release else None,
        }
        for notice in decision.notices
    ]


def _first_status(posted: bool, release: bool) -> NoticeStatus:
    if release:
        return NoticeStatus.UNRELEASED
    return NoticeStatus.POSTED if posted else NoticeStatus.PENDING
