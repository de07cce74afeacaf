"""The past: what the history says of any instant, as values or in the place of the tables."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    MetaData,
    NullPool,
    Select,
    Table,
    and_,
    case,
    create_engine,
    func,
    insert,
    literal,
    literal_column,
    null,
    or_,
    select,
    text,
)

from engine.action import Action
from engine.history import Event
from engine.replay import Past, Replay
from engine.store.columns import METADATA
from engine.store.database import Database
from engine.store.outbox_tables import NoticeStatus, notices
from engine.store.records import ACTION_FIELDS
from engine.store.tables import (
    action_parties,
    actions,
    confirmations,
    dependencies,
    dialogues,
    events,
    occurrences,
)
from engine.store.writing import write_many

_EVENT = (events.c.action_id, events.c.seq, events.c.kind, events.c.at, events.c.by,
          events.c.payload, events.c.hash)  # fmt: skip

STREAMED = {"yield_per": 2000}

_COPIED = (*ACTION_FIELDS, "plan_digest")
_ACTIONS, _NEEDS, _SHARES = insert(actions), insert(dependencies), insert(action_parties)


def is_past(connection: Connection, at: datetime) -> bool:
    """
    Whether the history can speak of that instant: it had begun, and went on after it.

    Before anything was recorded the history has nothing to say: then the present rows are looked at
    as if it were then, which is what a plan taken in today and asked about last spring needs.
    """
    first_at = connection.scalar(select(events.c.at).order_by(events.c.id).limit(1))
    if first_at is None or at < first_at:
        return False
    # A letter that left later is no event of its own, but changes what had been said by then.
    later = (
        select(events.c.id).where(events.c.at > at),
        select(notices.c.id).where(notices.c.closed_at > at),
    )
    return any(connection.scalar(query.limit(1)) is not None for query in later)


def past_at(
    connection: Connection, at: datetime, dialogue_id: int | None = None
) -> dict[int, Past]:
    """
    Every action as it stood at that instant, by id, from the events alone.

    Where a clock was set back in between, an action stands as after its last event not later.
    """
    last = _last_seq(at)
    query = (
        select(events.c.action_id, events.c.seq, events.c.hash, events.c.payload)
        .join(last, and_(last.c.action_id == events.c.action_id, events.c.seq <= last.c.seq))
        .order_by(events.c.action_id, events.c.seq)
    )
    found: dict[int, Past] = {}
    replay = Replay(0)
    for action_id, seq, head, payload in connection.execute(query, execution_options=STREAMED):
        if action_id != replay.action_id:
            _keep(found, replay, dialogue_id)
            replay = Replay(action_id)
        replay.take(seq, head, payload)
    _keep(found, replay, dialogue_id)
    return found


def actions_at(
    connection: Connection, at: datetime, dialogue_id: int | None = None
) -> dict[int, Action]:
    """Every action as it stood at that instant, by id, from the events alone."""
    return {
        action_id: past.action for action_id, past in past_at(connection, at, dialogue_id).items()
    }


def events_between(
    connection: Connection, since: datetime, until: datetime, dialogue_id: int | None = None
) -> tuple[Event, ...]:
    """What happened after `since` and not after `until`, in the order in which it was recorded."""
    query = select(*_EVENT).where(events.c.at > since, events.c.at <= until).order_by(events.c.id)
    if dialogue_id is not None:
        query = query.join(actions, actions.c.id == events.c.action_id).where(
            actions.c.dialogue_id == dialogue_id
        )
    return tuple(Event(*row) for row in connection.execute(query))


@contextmanager
def reading(database: Database, at: datetime | None = None) -> Iterator[Connection]:
    """
    A transaction that only reads, in which everything stands as it stood at that instant.

    If nothing happened later (or without an instant) it is an ordinary one. Else temporary tables
    made from the history stand in front of the real ones, so that every query answers for then;
    they are gone with the transaction.
    """
    with database.read() as connection:
        if at is None or not is_past(connection, at):
            yield connection
            return
    with _of_its_own(database) as connection:
        _stand_in_front(connection, at)
        yield connection


@contextmanager
def _of_its_own(database: Database) -> Iterator[Connection]:
    if database.sqlite:
        with database.read() as connection:
            yield connection
        return
    # A statement that the server prepared before would go on asking the real tables.
    engine = create_engine(
        database.url,
        poolclass=NullPool,
        connect_args={"options": "-c timezone=UTC", "prepare_threshold": None},
    )
    with engine.connect() as connection:
        yield connection


def _last_seq(at: datetime) -> Any:  # noqa: ANN401 - a subquery, whose type says nothing
    return (
        select(events.c.action_id, func.max(events.c.seq).label("seq"))
        .where(events.c.at <= at)
        .group_by(events.c.action_id)
        .subquery()
    )


def _keep(found: dict[int, Past], replay: Replay, dialogue_id: int | None) -> None:
    if replay.version and dialogue_id in {None, replay.columns.get("dialogue_id")}:
        found[replay.action_id] = replay.past()


def _stand_in_front(connection: Connection, at: datetime) -> None:
    past = past_at(connection, at)
    schema = "main" if connection.dialect.name == "sqlite" else _own_schema(connection)
    for table in (actions, dependencies, action_parties):
        real = _real(table, schema)
        connection.execute(text(f"CREATE TEMPORARY TABLE {table.name} AS {_sql(connection, real)}"))
    _fill(connection, past)
    views: Sequence[tuple[Table, Select[Any]]] = (
        (events, _events_then(schema)),
        (notices, _notices_then(schema, at)),
        (dialogues, _dialogues_then(schema)),
        (confirmations, _days_then(confirmations, "confirmed_on", schema, at)),
        (occurrences, _days_then(occurrences, "settled_on", schema, at)),
    )
    told = {actions, dependencies, action_parties, *(table for table, _query in views)}
    rest = [
        _instants_then(table, schema, at) for table in METADATA.sorted_tables if table not in told
    ]
    for table, query in (*views, *filter(None, rest)):
        connection.execute(text(f"CREATE TEMPORARY VIEW {table.name} AS {_sql(connection, query)}"))


def _fill(connection: Connection, past: dict[int, Past]) -> None:
    ids = {then.action.ref: action_id for action_id, then in past.items()}
    rows = [
        (*(getattr(then.action, name) for name in ACTION_FIELDS), None) for then in past.values()
    ]
    write_many(connection, _ACTIONS, _COPIED, rows)
    needs = [
        (action_id, ids[ref])
        for action_id, then in past.items()
        for ref in then.depends_on
        if ref in ids
    ]
    write_many(connection, _NEEDS, ("action_id", "needs_id"), needs)
    shares = [
        (action_id, party_id)
        for action_id, then in past.items()
        for party_id in then.co_responsible
    ]
    write_many(connection, _SHARES, ("action_id", "party_id"), shares)
    where = "temp." if connection.dialect.name == "sqlite" else ""
    for name, on in (("id", "actions (id)"), ("ref", "actions (ref)"),
                     ("needs", "dependencies (action_id)")):  # fmt: skip
        connection.execute(text(f"CREATE INDEX {where}then_{name} ON {on}"))


def _real(table: Table, schema: str) -> Select[Any]:
    """The real table, without its rows."""
    copied = table.to_metadata(MetaData(), schema=schema)
    return select(copied).where(literal_column("1") == literal_column("0"))


def _events_then(schema: str) -> Select[Any]:
    real = events.to_metadata(MetaData(), schema=schema)
    then = actions.alias("then")
    return select(real).join(
        then, and_(then.c.id == real.c.action_id, real.c.seq <= then.c.version)
    )


def _notices_then(schema: str, at: datetime) -> Select[Any]:
    """What had been decided; what was still under way then is pending, or waits for a release."""
    real = notices.to_metadata(MetaData(), schema=schema)
    closed: ColumnElement[bool] = and_(real.c.closed_at.is_not(None), real.c.closed_at <= at)
    waits = or_(real.c.status == NoticeStatus.UNRELEASED.value, real.c.released_at > at)
    then = {
        "status": case(
            (closed, real.c.status),
            (waits, literal(NoticeStatus.UNRELEASED.value)),
            else_=literal(NoticeStatus.PENDING.value),
        ),
        "closed_at": case((closed, real.c.closed_at), else_=null()),
        "outcome": case((closed, real.c.outcome), else_=literal("")),
        "message_id": case((closed, real.c.message_id), else_=null()),
    }
    columns = [then.get(column.name, column).label(column.name) for column in real.columns]
    return select(*columns).where(real.c.created_at <= at)


def _dialogues_then(schema: str) -> Select[Any]:
    """The dialogues that had an action."""
    real = dialogues.to_metadata(MetaData(), schema=schema)
    return select(real).where(real.c.id.in_(select(actions.c.dialogue_id)))


def _instants_then(table: Table, schema: str, at: datetime) -> tuple[Table, Select[Any]] | None:
    """What was written by then, of a table whose rows say when they were written."""
    column = next((name for name in ("at", "created_at") if name in table.c), None)
    if column is None:
        return None
    real = table.to_metadata(MetaData(), schema=schema)
    return table, select(real).where(real.c[column] <= at)


def _days_then(table: Table, day: str, schema: str, at: datetime) -> Select[Any]:
    real = table.to_metadata(MetaData(), schema=schema)
    kept = real.c.action_id.in_(select(actions.c.id))
    return select(real).where(kept, real.c[day] <= at.date())


def _own_schema(connection: Connection) -> str:
    return str(connection.scalar(select(func.current_schema())))


def _sql(connection: Connection, query: Select[Any]) -> str:
    compiled = query.compile(connection, compile_kwargs={"literal_binds": True})
    return str(compiled)
