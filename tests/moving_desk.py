"""A record on one database, an empty one beside it, and what tests do with both."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from builders import MONDAY, Programme, a_programme, a_row, at, day
from postgres import Server
from sqlalchemy import (
    Boolean,
    Date,
    Enum,
    Integer,
    LargeBinary,
    Table,
    select,
    text,
    update,
)

from engine.action import State
from engine.clock import SystemClock
from engine.store.checkpoints import fingerprint
from engine.store.columns import UtcInstant
from engine.store.custody import newest_move
from engine.store.database import Database
from engine.store.outbox_tables import MessageStatus, messages

NOW = at(MONDAY)
THEN = datetime(2026, 6, 1, 9, 0, 0, 123456, tzinfo=UTC)
WAYS = ("sqlite to postgresql", "postgresql to sqlite")
PASSWORD = "hunter2"


@dataclass(frozen=True)
class Pair:
    """Two databases: the record is in `old`; `new` is empty."""

    old: str
    new: str


@dataclass
class Moulds:
    """A programme made once on each database, from which tests get copies."""

    folder: Path
    made: dict[str, str] = field(default_factory=dict)

    def sqlite(self, folder: Path) -> str:
        if "sqlite" not in self.made:
            self.made["sqlite"] = str(self.folder / "mould.db")
            live(f"sqlite:///{self.made['sqlite']}", self.folder)
        shutil.copy(self.made["sqlite"], folder / "one.db")
        return f"sqlite:///{folder / 'one.db'}"

    def postgres(self, server: Server) -> str:
        if "postgresql" not in self.made:
            self.made["postgresql"] = server.create()
            live(self.made["postgresql"], self.folder)
        return server.create(template=self.made["postgresql"].rpartition("/")[2])


def live(url: str, folder: Path) -> None:
    """A programme with some weeks behind it: moved, told, answered and fingerprinted."""
    programme = a_programme(url, folder)
    programme.plan(
        a_row(),
        a_row(ref="SAA-02", responsible="Town hall", verifier="Elders", due=day(-30)),
        a_row(ref="SAA-03", responsible="Elders", depends_on=["SAA-01"], due=day(20)),
        now=at(day(-35)),
    )
    programme.run(at(day(-20)))
    programme.move("SAA-01", State.REPORTED_DONE, "chief", at(day(-3)), note="it stands open")
    programme.run(NOW)
    assert len(programme.postbox.taken) > 2
    with programme.services.database.write() as connection:
        fingerprint(connection, None, NOW)
    programme.services.database.checkpoint()
    programme.close()


def elsewhere(programme: Programme, url: str) -> Programme:
    """The same people, letters and settings over another database."""
    services = replace(programme.services, database=Database(url))
    return replace(programme, services=services)


def lease(database: Database, length: timedelta | None) -> None:
    """Put a message into somebody's hands, or let it go."""
    values: dict[str, Any] = {"status": MessageStatus.SENT, "leased_until_at": None}
    if length is not None:
        until = SystemClock().now() + length
        values = {"status": MessageStatus.CLAIMED, "leased_until_at": until}
    with database.write() as connection:
        first = select(messages.c.id).order_by(messages.c.id).limit(1).scalar_subquery()
        connection.execute(update(messages).where(messages.c.id == first).values(**values))


def stop_at(place: str) -> Callable[[str], None]:
    """Break off as soon as that is told."""

    def tell(words: str) -> None:
        if words.startswith(place):
            raise KeyboardInterrupt

    return tell


def moves_of(database: Database) -> Any:
    with database.read() as connection:
        return newest_move(connection)


def rows(database: Database, table: Table) -> list[Any]:
    with database.read() as connection:
        return sorted(map(tuple, connection.execute(select(table))), key=repr)


def own_columns(table: Table) -> list[str]:
    return [
        column.name
        for column in table.columns
        if any(key.column.table is table for key in column.foreign_keys)
    ]


def move_sequence(connection: Any, table: Table, last: int) -> None:
    if "id" in table.columns:
        connection.execute(
            text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :last)"),
            {"name": table.name, "last": last},
        )


def a_whole_row(table: Table, number: int) -> dict[str, Any]:
    """A row in which every column has a value, none of them a default."""
    return {column.name: a_value(table, column, number) for column in table.columns}


def a_value(table: Table, column: Any, number: int) -> Any:
    special = {
        ("calendar_days", "change"): "move",
        ("occurrences", "outcome"): "missed",
        ("dependencies", "needs_id"): 3 - number,
    }
    if (table.name, column.name) in special:
        return special[table.name, column.name]
    if column.name in own_columns(table):
        return None
    kind = column.type
    if isinstance(kind, Enum):
        return kind.enums[-number]
    if isinstance(kind, Boolean):
        return number == 2
    if isinstance(kind, Integer):
        return number
    if isinstance(kind, Date):
        return date(2028, 2, 27 + number)
    if isinstance(kind, UtcInstant):
        return THEN + timedelta(microseconds=number)
    if isinstance(kind, LargeBinary):
        return bytes([0, 255, 10, 92, number]) * 6 + bytes([number, 0])
    length = getattr(kind, "length", None) or 200
    return f"{number}\\N\t'%s\n\"é\N{ARABIC LETTER ALEF}\N{PARTY POPPER}"[:length]
