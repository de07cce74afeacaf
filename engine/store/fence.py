"""A fence around the record in a database: nobody writes to it, whatever program it is."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection, Table, func, select
from sqlalchemy.exc import OperationalError

from engine.store.api_tables import webhooks
from engine.store.custody import Move, custody, remember_move
from engine.store.database import Database
from engine.store.outbox_tables import MessageStatus, messages
from engine.store.schema import target_metadata
from engine.store.sending import BELIEVABLE, OPEN_MESSAGE

ENTRANCES = ("INSERT", "UPDATE", "DELETE")


def record_tables() -> list[Table]:
    """Every table of the record, those that are pointed to first."""
    return [table for table in target_metadata.sorted_tables if table is not custody]


def put_fence(connection: Connection, sentence: str) -> None:
    """
    Refuse every write with that sentence, from the end of this transaction on.

    On PostgreSQL it waits for those who are writing; what they wrote is seen by what is asked next.
    """
    take_fence(connection)
    for statement in _built(connection.dialect.name, sentence.replace("'", "''")):
        connection.exec_driver_sql(
            statement.replace("%", "%%") if _server(connection) else statement
        )


def close_off(database: Database, leaving: Move, *, now: datetime, clock_now: datetime) -> str:
    """
    Put the fence up if nobody has anything in hand; else say who is waited for.

    On PostgreSQL somebody may take things in hand while the fence waits to be put up: so it is
    looked twice.
    """
    try:
        with database.write() as connection:
            busy = in_hand(connection, clock_now)
            if not busy:
                put_fence(connection, leaving.sentence)
                busy = in_hand(connection, clock_now)
            if not busy:
                remember_move(connection, leaving, now)
                return ""
            connection.rollback()
            return f"{busy} that workers have in hand"
    except OperationalError:  # a lock that was not given in time, or two who waited for each other
        return "somebody who is writing"


def take_fence(connection: Connection) -> None:
    """Let everybody write again."""
    for table in record_tables():
        if _server(connection):
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS fence ON {table.name}")
            continue
        for entrance in ENTRANCES:
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {_trigger(table, entrance)}")
    if _server(connection):
        connection.exec_driver_sql("DROP FUNCTION IF EXISTS record_fence()")


def in_hand(connection: Connection, clock_now: datetime) -> int:
    """Messages and webhooks that workers have in their hands; each lease ends by itself."""
    m, w = messages.c, webhooks.c
    until = clock_now + BELIEVABLE
    counts = (
        select(func.count())
        .select_from(messages)
        .where(
            OPEN_MESSAGE,
            m.status == MessageStatus.CLAIMED.value,
            m.leased_until_at.between(clock_now, until),
        ),
        select(func.count())
        .select_from(webhooks)
        .where(w.claimed_by != "", w.leased_until_at.between(clock_now, until)),
    )
    return sum(connection.scalar(query) or 0 for query in counts)


def _built(dialect: str, words: str) -> Iterator[str]:
    if dialect == "sqlite":
        for table in record_tables():
            for entrance in ENTRANCES:
                yield (
                    f"CREATE TRIGGER {_trigger(table, entrance)} BEFORE {entrance} "
                    f"ON {table.name} BEGIN SELECT RAISE(ABORT, '{words}'); END"
                )
        return
    yield (
        "CREATE FUNCTION record_fence() RETURNS trigger LANGUAGE plpgsql AS "
        f"$fence$ BEGIN RAISE EXCEPTION USING MESSAGE = '{words}'; END $fence$"
    )
    for table in record_tables():
        yield (
            f"CREATE TRIGGER fence BEFORE {' OR '.join(ENTRANCES)} ON {table.name} "
            "FOR EACH STATEMENT EXECUTE FUNCTION record_fence()"
        )


def _trigger(table: Table, entrance: str) -> str:
    return f"fence_{table.name}_{entrance.lower()}"


def _server(connection: Connection) -> bool:
    return connection.dialect.name != "sqlite"
