"""A whole record written into an empty database, as an export holds it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Column, Connection, Date, LargeBinary, Table, insert, select, text, update

from engine.errors import BadValue
from engine.history import payload_text
from engine.store.columns import METADATA, UtcInstant
from engine.store.exporting import LEFT_OUT
from engine.store.outbox_tables import NoticeStatus
from engine.store.searching import complete_words
from engine.store.tables import actions, dialogues, people

PIECE: Final = 1_000


def is_empty(connection: Connection) -> bool:
    """Whether nothing was taken in yet."""
    tables = (dialogues, people, actions)
    return all(connection.execute(select(t.c.id).limit(1)).first() is None for t in tables)


def restore(connection: Connection, record: Mapping[str, Any]) -> dict[str, int]:
    """
    Write every row of an export; returns how many of each table.

    BadValue for a row that no export of this version holds. A row that points to another of its
    own table is completed afterwards, when that other is there.
    """
    written: dict[str, int] = {}
    for table in METADATA.sorted_tables:
        given = record.get(table.name)
        if table.name in LEFT_OUT or not given:
            continue
        rows = [_row(table, row) for row in _checked(table, given)]
        later = [column.name for column in table.columns if _is_own(column)]
        for start in range(0, len(rows), PIECE):
            piece = rows[start : start + PIECE]
            connection.execute(insert(table), [row | dict.fromkeys(later) for row in piece])
        for name in later:
            for row in rows:
                if row.get(name) is not None:
                    connection.execute(
                        update(table).where(table.c.id == row["id"]).values({name: row[name]})
                    )
        _count_on(connection, table)
        written[table.name] = len(rows)
    complete_words(connection)
    return written


def _checked(table: Table, given: object) -> Sequence[Mapping[str, Any]]:
    if not isinstance(given, list) or not all(isinstance(row, dict) for row in given):
        raise BadValue(table.name, "…", "is no list of rows: no export holds that")
    return given


def _row(table: Table, given: Mapping[str, Any]) -> dict[str, Any]:
    """Values of the columns' types; what the export adds for readers is left out."""
    try:
        row = {
            column.name: _value(column, given[column.name])
            for column in table.columns
            if column.name in given
        }
    except (ValueError, TypeError) as error:
        raise BadValue(table.name, given.get("id"), f"this row cannot be read ({error})") from None
    if table.name == "notices" and row.get("status") == NoticeStatus.BUNDLED:
        row["status"] = NoticeStatus.PENDING  # the message that it was in stayed behind
    return row


def _value(column: Column[Any], value: Any) -> Any:  # noqa: ANN401 - whatever a column holds
    if value is None:
        return None
    if isinstance(value, (dict, list)):
        return payload_text(value) if isinstance(value, dict) else value
    if isinstance(column.type, UtcInstant):
        return datetime.fromisoformat(value)
    if isinstance(column.type, Date):
        return date.fromisoformat(value)
    if isinstance(column.type, LargeBinary):
        return bytes.fromhex(value)
    return value


def _is_own(column: Column[Any]) -> bool:
    """Whether it points to another row of the same table."""
    return any(key.column.table is column.table for key in column.foreign_keys)


def _count_on(connection: Connection, table: Table) -> None:
    """PostgreSQL numbers rows by a sequence, which must go on behind the highest number."""
    if connection.dialect.name != "postgresql" or "id" not in table.columns:
        return
    connection.execute(
        text(
            f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), "
            f"(SELECT max(id) FROM {table.name}))"
        )
    )
