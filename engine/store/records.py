"""Rows made into values, and changes of values written back as one event each."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, insert, select, update

from engine.action import Action
from engine.errors import StaleVersion, UnknownThing
from engine.history import GENESIS, Event, link, payload_text
from engine.store.tables import actions, events

ACTION_FIELDS = tuple(field.name for field in fields(Action))
ACTION_COLUMNS = tuple(actions.c[name] for name in ACTION_FIELDS)


def action_from(row: Row[Any]) -> Action:
    """The action in a row that was selected as ACTION_COLUMNS."""
    return Action(**dict(zip(ACTION_FIELDS, row, strict=True)))


def select_actions() -> Select[Any]:
    """The start of every query that reads whole actions."""
    return select(*ACTION_COLUMNS)


def find_action(connection: Connection, ref: str, *, lock: bool = False) -> Action:
    """The action of that reference, any case; UnknownThing if there is none."""
    query = select_actions().where(actions.c.ref == ref)
    if lock:
        query = query.with_for_update()
    row = connection.execute(query).first()
    if row is None:
        exact = connection.scalar(
            select(actions.c.ref).where(func.lower(actions.c.ref) == ref.lower())
        )
        if exact is not None:
            return find_action(connection, exact, lock=lock)
        known = connection.scalars(select(actions.c.ref).order_by(actions.c.ref).limit(5))
        raise UnknownThing("action", ref, known)
    return action_from(row)


def actions_by_id(connection: Connection, action_ids: Collection[int]) -> list[Action]:
    """These actions, in no particular order."""
    if not action_ids:
        return []
    rows = connection.execute(select_actions().where(actions.c.id.in_(action_ids)))
    return [action_from(row) for row in rows]


def append(
    connection: Connection,
    action: Action,
    changes: Mapping[str, object],
    *,
    kind: str,
    at: datetime,
    by: str,
    payload: Mapping[str, object],
) -> Action:
    """
    Change an action and record it as its next event, or raise StaleVersion and change nothing.

    Returns the action as it now stands.
    """
    written = dict(changes)
    seq = action.version + 1
    if "state" in written and written["state"] != action.state:
        written["state_version"] = seq
    text = payload_text(payload)
    digest = link(action.head_hash, action.id, seq, kind, at, by, text)
    written |= {"version": seq, "head_hash": digest}
    done = connection.execute(
        update(actions)
        .where(actions.c.id == action.id, actions.c.version == action.version)
        .values(**written)
    )
    if done.rowcount != 1:
        newest = connection.scalar(select(actions.c.version).where(actions.c.id == action.id))
        raise StaleVersion(action.ref, action.version, newest or 0)
    connection.execute(
        insert(events).values(
            action_id=action.id, seq=seq, kind=kind, at=at, by=by, payload=text, hash=digest
        )
    )
    return replace(action, **written)  # type: ignore[arg-type]


def chain_rows(
    action_id: int,
    version: int,
    head: bytes,
    entries: Sequence[tuple[str, Mapping[str, object]]],
    at: datetime,
    by: str,
) -> tuple[list[dict[str, object]], int, bytes]:
    """Event rows that continue a chain, with the version and head that the action then has."""
    rows: list[dict[str, object]] = []
    for kind, payload in entries:
        version += 1
        text = payload_text(payload)
        head = link(head, action_id, version, kind, at, by, text)
        rows.append(
            {"action_id": action_id, "seq": version, "kind": kind, "at": at, "by": by,
             "payload": text, "hash": head}
        )  # fmt: skip
    return rows, version, head


def history_of(connection: Connection, action_id: int) -> tuple[Event, ...]:
    """Every event of one action, oldest first."""
    table = events.c
    rows = connection.execute(
        select(
            table.action_id, table.seq, table.kind, table.at, table.by, table.payload, table.hash
        )
        .where(table.action_id == action_id)
        .order_by(table.seq)
    )
    return tuple(Event(*row) for row in rows)


UPDATE_BY_ID = update(actions).where(actions.c.id == bindparam("b_id"))

__all__ = [
    "ACTION_COLUMNS",
    "GENESIS",
    "UPDATE_BY_ID",
    "action_from",
    "actions_by_id",
    "append",
    "chain_rows",
    "find_action",
    "history_of",
    "select_actions",
]
