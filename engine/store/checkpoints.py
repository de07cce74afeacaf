"""Checkpoints: how long each dialogue's history was, and its root, each time somebody was told."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, select, text
from sqlalchemy.exc import OperationalError

from engine.errors import BadValue
from engine.fingerprint import PROGRAMME, Fingerprint
from engine.merkle import Growing
from engine.store.database import Database
from engine.store.dialect import insert_missing
from engine.store.tables import actions, checkpoints, dialogues, events

STREAMED = {"yield_per": 5000}

PATIENCE_S = 3
"""How long to wait for those who are writing events; others wait behind us meanwhile."""

_C = checkpoints.c


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The first `size` events of a dialogue (None: the programme), the last of them, the root."""

    dialogue_id: int | None
    size: int
    last_event_id: int
    root: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class Reckoned:
    """The history of a dialogue (None: of the programme) up to an event, not yet written down."""

    dialogue_id: int | None
    tree: Growing
    last_event_id: int


def fingerprint(connection: Connection, dialogue_id: int | None, now: datetime) -> str:
    """
    The fingerprint of a dialogue (None: of the programme) with everything up to now.

    Writes a checkpoint if something happened since the last one. Call it in a short transaction of
    its own: on PostgreSQL it waits for those who write events, and they wait until it ends.
    """
    return _sealed(connection, dialogue_id, _settled_by_waiting(connection), now)


def reckoned(connection: Connection) -> list[Reckoned]:
    """
    What is new since the last checkpoints: of the programme, and of every dialogue.

    For a `snapshot`, since after months it takes long; `keep` then writes it down in a moment.
    """
    last, found = last_event(connection), []
    for dialogue_id, _code in _codes(connection):
        tree, last_id, new = _extended(connection, dialogue_id, last)
        if new:
            found.append(Reckoned(dialogue_id, tree, last_id))
    return found


def keep(connection: Connection, found: Iterable[Reckoned], now: datetime) -> None:
    """Write checkpoints, but for those that somebody else wrote meanwhile."""
    for one in found:
        same = select(_C.id).where(_of(one.dialogue_id), _C.size == one.tree.size)
        if connection.scalar(same) is None:
            _write(connection, one, one.tree.root(), now)


@contextmanager
def snapshot(database: Database, *, settled: bool = True) -> Iterator[Connection]:
    """
    A transaction that only reads and sees one state, however long it takes.

    It is `settled` if what it sees is the beginning of everything that will ever be seen, as
    fingerprints need it. On PostgreSQL a transaction may take the number of an event and be seen
    later than one that took a higher number; so it begins when none is under way, and lets them go
    on at once.
    """
    if database.sqlite:
        with database.read() as connection:
            yield connection
        return
    engine = database.engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.connect() as connection:
        moment = connection.begin_nested()
        if settled and not _alone(connection, "SHARE"):
            reason = "somebody has been writing for long; try again in a minute"
            raise BadValue("database", database.shown, reason)
        connection.execute(select(1))  # from here on it sees what is there now
        moment.rollback()
        yield connection


def last_event(connection: Connection) -> int:
    """The number of the last event that can be seen, 0 before the first."""
    return connection.scalar(select(func.max(events.c.id))) or 0


def fingerprint_unwritten(connection: Connection, dialogue_id: int | None) -> str:
    """The fingerprint for whoever may not write, in a `snapshot`; nothing is kept."""
    tree, _last, _new = _extended(connection, dialogue_id, last_event(connection))
    return _text(connection, dialogue_id, tree.size, tree.root())


def fingerprints_unwritten(
    connection: Connection, dialogue_id: int | None = None
) -> dict[str, str]:
    """The fingerprints of the programme and of every dialogue (or of one), in a `snapshot`."""
    return {
        code.upper(): fingerprint_unwritten(connection, own)
        for own, code in codes(connection).items()
        if dialogue_id in {None, own}
    }


def fingerprint_at(connection: Connection, dialogue_id: int | None, at: datetime) -> str:
    """The fingerprint of the newest checkpoint not later than that instant; "" if there is none."""
    row = connection.execute(
        select(_C.size, _C.root)
        .where(_of(dialogue_id), _C.at <= at)
        .order_by(_C.size.desc())
        .limit(1)
    ).first()
    return _text(connection, dialogue_id, row.size, row.root) if row else ""


def kept_checkpoints(connection: Connection) -> list[Checkpoint]:
    """Every checkpoint, the smallest first."""
    rows = connection.execute(
        select(_C.dialogue_id, _C.size, _C.last_event_id, _C.root, _C.at).order_by(_C.size)
    )
    return [Checkpoint(*row) for row in rows]


def log_of(
    connection: Connection, last_event_id: int, dialogue_id: int | None = None
) -> Iterator[Row[Any]]:
    """The events up to that one as (id, dialogue, action, seq, hash), in the order of the log."""
    query = (
        select(events.c.id, actions.c.dialogue_id, events.c.action_id, events.c.seq, events.c.hash)
        .outerjoin(actions, actions.c.id == events.c.action_id)
        .where(events.c.id <= last_event_id)
        .order_by(events.c.id)
    )
    if dialogue_id is not None:
        query = query.where(actions.c.dialogue_id == dialogue_id)
    yield from connection.execute(query, execution_options=STREAMED)


def codes(connection: Connection) -> dict[int | None, str]:
    """What fingerprints call each dialogue, and the programme under None."""
    return dict(_codes(connection))


def names_of(connection: Connection) -> dict[int | None, str]:
    """The names of the dialogues."""
    return dict(connection.execute(select(dialogues.c.id, dialogues.c.name)).tuples().all())


def fingerprints_at(
    connection: Connection, at: datetime, dialogue_id: int | None = None
) -> dict[str, str]:
    """The fingerprints of the newest checkpoints not later than that instant, by code."""
    found = {
        code.upper(): fingerprint_at(connection, own, at)
        for own, code in codes(connection).items()
        if dialogue_id in {None, own}
    }
    return {code: said for code, said in found.items() if said}


def _sealed(connection: Connection, dialogue_id: int | None, last: int, now: datetime) -> str:
    tree, last_id, new = _extended(connection, dialogue_id, last)
    root = tree.root()
    if new:
        _write(connection, Reckoned(dialogue_id, tree, last_id), root, now)
    return _text(connection, dialogue_id, tree.size, root)


def _write(connection: Connection, found: Reckoned, root: bytes, now: datetime) -> None:
    row = {
        "dialogue_id": found.dialogue_id, "size": found.tree.size, "root": root, "at": now,
        "last_event_id": found.last_event_id, "peaks": b"".join(found.tree.peaks),
    }  # fmt: skip
    # Two audits may come to the same at the same moment, and what they write is the same.
    insert_missing(connection, checkpoints, [row], ["dialogue_id", "size"])


def _extended(
    connection: Connection, dialogue_id: int | None, last: int
) -> tuple[Growing, int, bool]:
    """The tree of the newest checkpoint with the events since, and the number of the last one."""
    kept = connection.execute(
        select(_C.size, _C.peaks, _C.last_event_id)
        .where(_of(dialogue_id))
        .order_by(_C.size.desc())
        .limit(1)
    ).first()
    tree = Growing.resumed(kept.size, kept.peaks) if kept else Growing()
    last_id = kept.last_event_id if kept else 0
    since = select(events.c.id, events.c.hash).where(events.c.id > last_id, events.c.id <= last)
    if dialogue_id is not None:
        since = since.join(actions, actions.c.id == events.c.action_id).where(
            actions.c.dialogue_id == dialogue_id
        )
    before = tree.size
    rows = connection.execute(since.order_by(events.c.id), execution_options=STREAMED)
    for row in rows:
        tree.add(row.hash)
        last_id = row.id
    return tree, last_id, tree.size > before


def _settled_by_waiting(connection: Connection) -> int:
    """The last event before which no other can appear; while that is open, the last known so."""
    if connection.dialect.name != "sqlite":
        attempt = connection.begin_nested()
        if not _alone(connection, "SHARE ROW EXCLUSIVE"):
            attempt.rollback()
            return connection.scalar(select(func.max(_C.last_event_id))) or 0
        attempt.commit()
    return last_event(connection)


def _alone(connection: Connection, mode: str) -> bool:
    """Wait until nobody writes events, and keep others from it until the savepoint ends."""
    connection.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE_S}s'"))
    try:
        connection.execute(text(f"LOCK TABLE events IN {mode} MODE"))
    except OperationalError:
        return False
    return True


def _codes(connection: Connection) -> Iterable[tuple[int | None, str]]:
    rows = connection.execute(select(dialogues.c.id, dialogues.c.code).order_by(dialogues.c.id))
    return [(None, PROGRAMME), *rows.tuples()]


def _text(connection: Connection, dialogue_id: int | None, size: int, root: bytes) -> str:
    return str(Fingerprint.of(codes(connection)[dialogue_id], size, root))


def _of(dialogue_id: int | None) -> ColumnElement[bool]:
    if dialogue_id is None:
        return _C.dialogue_id.is_(None)
    return _C.dialogue_id == dialogue_id
