"""A whole record copied into another database, row by row, so that a break costs one batch."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    Enum,
    Integer,
    Row,
    Select,
    String,
    Table,
    bindparam,
    delete,
    func,
    insert,
    inspect,
    select,
    text,
    tuple_,
    type_coerce,
    update,
)
from sqlalchemy.exc import DBAPIError

from engine.errors import BadValue
from engine.store.custody import custody
from engine.store.database import Database
from engine.store.fence import record_tables

BATCH: Final = 2_000
"""Rows in one transaction; the largest hold a mail each, so this is some 20 MB."""

Progress = Callable[[int], None]
Key = tuple[Any, ...]


def answers(database: Database) -> bool:
    """Whether it can be asked; a file that is not there can."""
    try:
        if database.exists():
            with database.read() as connection:
                connection.execute(select(1))
    except DBAPIError:
        return False
    return True


def amount(connection: Connection, table: Table) -> int:
    """How many rows a table has."""
    return connection.scalar(select(func.count()).select_from(table)) or 0


def holds_rows(connection: Connection) -> bool:
    """Whether any table of a record is there and has a row."""
    there = set(inspect(connection).get_table_names())
    return any(
        connection.execute(select(text("1")).select_from(table).limit(1)).first()
        for table in record_tables()
        if table.name in there
    )


def strangers(connection: Connection) -> list[str]:
    """Tables of somebody else in this database, by name."""
    ours = {table.name for table in record_tables()} | {custody.name, "alembic_version"}
    return sorted(set(inspect(connection).get_table_names()) - ours)


def copy_file(source: Database, path: Path) -> None:
    """Copy an SQLite database as it is at one moment; those who write to it do not wait."""
    raw = source.engine.raw_connection()
    try:
        with closing(sqlite3.connect(path)) as copy:
            driver: Any = raw.driver_connection
            driver.backup(copy)
    finally:
        raw.close()


def copy_table(reading: Connection, target: Database, table: Table, progress: Progress) -> int:
    """
    Copy the rows that are not there yet, in the order of their keys; returns how many.

    What the source holds must not change between a break and the next call.
    """
    copied = 0
    after = None
    with target.write() as writing:
        if _numbered(table):
            after = _last_key(writing, table)
        else:
            writing.execute(delete(table))  # a handful of rows, whose order depends on the database
    own = [index for index, column in enumerate(table.columns) if _is_own(column)]
    for rows in _batches(reading, table, after):
        with target.write() as writing:
            _insert(writing, table, [_without(row, own) for row in rows])
        copied += len(rows)
        progress(copied)
    for index in own:
        _complete(reading, target, table, list(table.columns)[index])
    return copied


def number_on(reading: Connection, target: Database, table: Table) -> None:
    """Let the target number rows from where the source stood: no number is given out twice."""
    if "id" not in table.columns:
        return
    last = _last_number(reading, table)
    if last is None:
        return
    with target.write() as writing:
        if not target.sqlite:
            writing.execute(
                text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :last)"),
                {"name": table.name, "last": last},
            )
        elif table.dialect_options["sqlite"]["autoincrement"]:
            values = {"name": table.name, "last": last}
            writing.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), values)
            writing.execute(text("INSERT INTO sqlite_sequence VALUES (:name, :last)"), values)


def first_difference(reading: Connection, other: Connection, table: Table) -> str:
    """Where two databases differ in a table, row by row; "" if nowhere."""
    pairs = zip_longest_batches(_batches(reading, table, None), _batches(other, table, None))
    for mine, theirs in pairs:
        if not _numbered(table):
            mine, theirs = sorted(mine), sorted(theirs)  # noqa: PLW2901 - as above
        if mine != theirs:
            return _named(table, mine, theirs)
    return ""


def zip_longest_batches(
    mine: Iterator[list[Key]], theirs: Iterator[list[Key]]
) -> Iterator[tuple[list[Key], list[Key]]]:
    """Batch beside batch, and an empty one where a side has come to its end."""
    while True:
        pair = next(mine, []), next(theirs, [])
        if pair == ([], []):
            return
        yield pair


def _named(table: Table, mine: Sequence[Key], theirs: Sequence[Key]) -> str:
    there = set(theirs)
    odd = next((row for row in mine if row not in there), None) or next(
        row for row in theirs if row not in set(mine)
    )
    names = [column.name for column in table.columns]
    key = ", ".join(str(odd[names.index(c.name)]) for c in table.primary_key.columns)
    return f"{table.name} {key}"


def _batches(reading: Connection, table: Table, after: Key | None) -> Iterator[list[Key]]:
    key = list(table.primary_key.columns)
    places = [list(table.columns).index(column) for column in key]
    while True:
        rows = [tuple(row) for row in reading.execute(_from(table, key, after))]
        if not rows:
            return
        yield rows
        after = tuple(rows[-1][place] for place in places)


def _from(table: Table, key: Sequence[Column[Any]], after: Key | None) -> Select[Any]:
    query = select(*(_plain(column) for column in table.columns)).order_by(*key).limit(BATCH)
    if after is None:
        return query
    if len(key) == 1:
        return query.where(key[0] > after[0])
    return query.where(tuple_(*key) > after)


def _plain(column: Column[Any]) -> Any:  # noqa: ANN401 - a column or an expression of it
    """A word is copied as it stands: to look each one up in its list takes a third of the time."""
    return type_coerce(column, String) if isinstance(column.type, Enum) else column


def _insert(writing: Connection, table: Table, rows: Sequence[Key]) -> None:
    try:
        if writing.dialect.name == "postgresql":
            _stream(writing, table, rows)
        else:
            names = [column.name for column in table.columns]
            writing.execute(insert(table), [dict(zip(names, row, strict=True)) for row in rows])
    except Exception as error:
        inner = getattr(error, "orig", None) or error
        if not isinstance(error, DBAPIError) and "psycopg" not in type(error).__module__:
            raise
        reason = str(inner).strip().splitlines()[0]
        where = f"rows {rows[0][0]} to {rows[-1][0]}"
        raise BadValue(table.name, where, f"cannot be written there ({reason})") from None


def _stream(writing: Connection, table: Table, rows: Sequence[Key]) -> None:
    """PostgreSQL takes a stream of rows several times as fast as statements."""
    quote = writing.dialect.identifier_preparer.quote
    columns = ", ".join(quote(column.name) for column in table.columns)
    driver: Any = writing.connection.driver_connection
    with (
        driver.cursor() as cursor,
        cursor.copy(f"COPY {quote(table.name)} ({columns}) FROM STDIN") as stream,
    ):
        for row in rows:
            stream.write_row(row)


def _complete(reading: Connection, target: Database, table: Table, column: Column[Any]) -> None:
    """Point rows to others of their own table, now that all of them are there."""
    statement = (
        update(table)
        .where(table.c.id == bindparam("b_id"))
        .values({column.name: bindparam("b_other")})
    )
    last = 0
    while True:
        found: Sequence[Row[Any]] = reading.execute(
            select(table.c.id, column)
            .where(column.is_not(None), table.c.id > last)
            .order_by(table.c.id)
            .limit(BATCH)
        ).all()
        if not found:
            return
        with target.write() as writing:
            writing.execute(statement, [{"b_id": own, "b_other": other} for own, other in found])
        last = found[-1][0]


def _last_key(connection: Connection, table: Table) -> Key | None:
    key = list(table.primary_key.columns)
    row = connection.execute(
        select(*key).order_by(*(column.desc() for column in key)).limit(1)
    ).first()
    return tuple(row) if row else None


def _last_number(connection: Connection, table: Table) -> int | None:
    """The highest number that was ever given out; None before the first."""
    if connection.dialect.name == "postgresql":
        sequence = connection.scalar(
            text("SELECT pg_get_serial_sequence(:name, 'id')"), {"name": table.name}
        )
        if sequence is None:
            return None
        row = connection.execute(text(f"SELECT last_value, is_called FROM {sequence}")).one()
        return row.last_value if row.is_called else None
    remembered: int | None = None
    if table.dialect_options["sqlite"]["autoincrement"]:
        remembered = connection.scalar(
            text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": table.name}
        )
    return remembered or connection.scalar(select(func.max(table.c.id)))


def _numbered(table: Table) -> bool:
    return all(isinstance(column.type, Integer) for column in table.primary_key.columns)


def _is_own(column: Column[Any]) -> bool:
    """Whether it points to another row of the same table."""
    return any(key.column.table is column.table for key in column.foreign_keys)


def _without(row: Key, own: Sequence[int]) -> Key:
    if not own:
        return row
    return tuple(None if index in own else value for index, value in enumerate(row))
