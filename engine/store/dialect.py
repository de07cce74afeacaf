"""The few statements that SQLite and PostgreSQL spell differently."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_missing(
    connection: Connection, table: Table, rows: Sequence[dict[str, Any]], unique: Sequence[str]
) -> None:
    """Insert the rows whose `unique` columns are not there yet; leave the others as they are."""
    if not rows:
        return
    own = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = own.insert(table).on_conflict_do_nothing(index_elements=list(unique))
    connection.execute(statement, list(rows))
