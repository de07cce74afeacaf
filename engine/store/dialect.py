"""The few statements that SQLite and PostgreSQL spell differently."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.sql.dml import Insert


@lru_cache(maxsize=64)
def insert_if_new(dialect: str, table: Table, unique: tuple[str, ...]) -> Insert:
    """
    An insert that leaves a row as it is whose `unique` columns are there already.

    One object for the life of the process, so that its translation can be kept.
    """
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - 40 ms that SQLite need not pay

        return postgresql.insert(table).on_conflict_do_nothing(index_elements=list(unique))
    from sqlalchemy.dialects import sqlite  # noqa: PLC0415 - nor PostgreSQL for this one

    return sqlite.insert(table).on_conflict_do_nothing(index_elements=list(unique))


def insert_missing(
    connection: Connection, table: Table, rows: Sequence[dict[str, Any]], unique: Sequence[str]
) -> None:
    """Insert the rows whose `unique` columns are not there yet; leave the others as they are."""
    if rows:
        statement = insert_if_new(connection.dialect.name, table, tuple(unique))
        connection.execute(statement, list(rows))
