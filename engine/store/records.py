"""Rows made into values, and changes of values written back as one event each."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Connection,
    Dialect,
    Select,
    bindparam,
    func,
    insert,
    select,
    type_coerce,
    update,
)
from sqlalchemy.types import NULLTYPE

from engine.action import Action, State
from engine.errors import StaleVersion, UnknownThing
from engine.history import GENESIS, Event, link, payload_text
from engine.replay import columns_set, with_set
from engine.search import folded
from engine.store.tables import action_words, actions, commitments, events

ACTION_FIELDS = tuple(field.name for field in fields(Action))
ACTION_COLUMNS = tuple(actions.c[name] for name in ACTION_FIELDS)
EVENT_COLUMNS = ("action_id", "seq", "kind", "at", "by", "payload", "hash")


# A frozen value of forty fields takes three times as long to make by its constructor.
_PUT = tuple(Action.__dict__[name].__set__ for name in ACTION_FIELDS)
_AS_SENT = tuple(type_coerce(column, NULLTYPE).label(column.key) for column in ACTION_COLUMNS)


def action_from(row: Sequence[Any]) -> Action:
    """The action in a row that was selected as ACTION_COLUMNS."""
    action = object.__new__(Action)
    for put, value in zip(_PUT, row, strict=True):
        put(action, value)
    return action


def select_actions() -> Select[Any]:
    """The start of every query that reads whole actions."""
    return select(*ACTION_COLUMNS)


def read_actions(
    connection: Connection, query: Select[Any], given: Mapping[str, object] | None = None
) -> list[Action]:
    """
    The actions of a query that began as `select_actions`, `given` its parameters.

    Columns are read as the driver sends them, and a value that comes again (a day, a state) is
    turned once: for thousands of actions that costs a third of the usual way, row by row.
    """
    as_sent = query.with_only_columns(*_AS_SENT, maintain_column_froms=True)
    return actions_of(connection, connection.execute(as_sent, given or {}).all())


def actions_of(connection: Connection, rows: Sequence[Sequence[Any]]) -> list[Action]:
    """The actions in rows of ACTION_COLUMNS that are as the driver sends them."""
    columns: list[Sequence[Any]] = []
    for sent, turn in zip(zip(*rows, strict=True), _readers(connection.dialect), strict=False):
        if turn is None:
            columns.append(sent)
        else:
            known = {value: turn(value) for value in set(sent)}
            columns.append([known[value] for value in sent])
    return [action_from(row) for row in zip(*columns, strict=True)]


@lru_cache(maxsize=4)
def _readers(dialect: Dialect) -> tuple[Callable[[Any], Any] | None, ...]:
    """How a value of each column is turned into what an action holds."""
    kinds: list[Any] = [column.type.dialect_impl(dialect) for column in ACTION_COLUMNS]
    return tuple(kind.result_processor(dialect, None) for kind in kinds)


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
    return read_actions(connection, select_actions().where(actions.c.id.in_(action_ids)))


def append(
    connection: Connection,
    action: Action,
    changes: Mapping[str, object],
    *,
    kind: str,
    at: datetime,
    by: str,
    payload: Mapping[str, object],
    ties: Mapping[str, object] | None = None,
) -> Action:
    """
    Change an action and record it as its next event, or raise StaleVersion and change nothing.

    The event names every column that it sets, and the `ties` that the caller sets elsewhere.
    Returns the action as it now stands.
    """
    written = dict(changes)
    seq = action.version + 1
    if "state" in written and written["state"] != action.state:
        written["state_version"] = seq
    said = columns_set(written, action) | dict(ties or {})
    if "commitment_id" in said or said.get("state") is State.AGREED:
        said["text_hash"] = _words(connection, written.get("commitment_id", action.commitment_id))
    text = payload_text(with_set(payload, said))
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
    if "title" in written:
        words = update(action_words).where(action_words.c.action_id == action.id)
        connection.execute(words.values(title=folded(str(written["title"]))))
    connection.execute(
        insert(events).values(
            action_id=action.id, seq=seq, kind=kind, at=at, by=by, payload=text, hash=digest
        )
    )
    return replace(action, **written)  # type: ignore[arg-type]


def _words(connection: Connection, commitment_id: object) -> bytes | None:
    """The hash that freezes a commitment's words."""
    query = select(commitments.c.text_hash).where(commitments.c.id == commitment_id)
    return connection.scalar(query)


def chain_rows(
    action_id: int,
    version: int,
    head: bytes,
    entries: Sequence[tuple[str, Mapping[str, object]]],
    at: datetime,
    by: str,
    said: Mapping[str, object],
) -> tuple[list[tuple[object, ...]], int, bytes]:
    """
    EVENT_COLUMNS that continue a chain, with the version and head that the action then has.

    The last event names the columns that all of them set together.
    """
    if said and not entries:
        raise ValueError(f"columns changed without an event: {', '.join(said)}")
    rows: list[tuple[object, ...]] = []
    last = version + len(entries)
    for kind, payload in entries:
        version += 1
        text = payload_text(with_set(payload, said) if version == last else payload)
        head = link(head, action_id, version, kind, at, by, text)
        rows.append((action_id, version, kind, at, by, text, head))
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


def language_of(connection: Connection, action: Action) -> str:
    """The language in which an action was agreed."""
    query = select(commitments.c.language).where(commitments.c.id == action.commitment_id)
    return str(connection.scalar(query))


def newest_event_at(connection: Connection) -> datetime | None:
    """The instant of the latest event on record."""
    newest: datetime | None = connection.scalar(select(func.max(events.c.at)))
    return newest


UPDATE_BY_ID = update(actions).where(actions.c.id == bindparam("b_id"))

__all__ = [
    "ACTION_COLUMNS",
    "EVENT_COLUMNS",
    "GENESIS",
    "UPDATE_BY_ID",
    "action_from",
    "actions_by_id",
    "actions_of",
    "append",
    "chain_rows",
    "find_action",
    "history_of",
    "language_of",
    "newest_event_at",
    "read_actions",
    "select_actions",
]
