"""Which of two databases holds the record when it moves from one to the other."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import Column, Connection, String, Table, insert, inspect, select, update

from engine.errors import RecordElsewhere
from engine.store.columns import METADATA, BigId, UtcInstant, word


class Custody(StrEnum):
    """
    What a database is to a record that moves.

    The old one: `announced` lets workers finish what they have in hand and begin nothing;
    `leaving` lets nobody write; `left` holds what was there before; `released` has its record back.
    The new one: `arriving` holds a part; `arrived` holds the record; `abandoned` holds a copy that
    nobody may use.
    """

    ANNOUNCED = "announced"
    LEAVING = "leaving"
    LEFT = "left"
    RELEASED = "released"
    ARRIVING = "arriving"
    ARRIVED = "arrived"
    ABANDONED = "abandoned"


custody = Table(
    "custody",
    METADATA,
    Column("id", BigId, primary_key=True),
    # The same in both databases: what was begun is gone on with, and no other copy is taken for it.
    Column("key", String(32), nullable=False, unique=True),
    Column("state", word(Custody, "state"), nullable=False),
    # The other database, without its password.
    Column("other", String(400), nullable=False),
    Column("began_at", UtcInstant, nullable=False),
    Column("at", UtcInstant, nullable=False),
    Column("fingerprint", String(200), nullable=False, server_default=""),
    sqlite_autoincrement=True,
)

_SAID: Final = {
    Custody.ANNOUNCED: "This record is moving to {}: wait for `alkawari migrate-to`, or call it "
    "off with its --undo.",
    Custody.LEAVING: "This record is moving to {}: run `alkawari migrate-to` to its end, or call "
    "it off with its --undo.",
    Custody.LEFT: "This record has moved to {}: set database_url to that; nothing leaves from "
    "here any more.",
    Custody.ARRIVING: "This database holds only a part of the record in {}: run "
    "`alkawari migrate-to` there to its end.",
    Custody.ABANDONED: "This database holds a copy, since given up, of the record in {}: use "
    "that one.",
}
"""The sentences; a database that is none of these holds its record, whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One move of the record, as one of its two databases remembers it."""

    key: str
    state: Custody
    other: str
    began_at: datetime
    fingerprint: str = ""

    @property
    def sentence(self) -> str:
        """Why the record cannot be used here; "" where it can."""
        return _SAID.get(self.state, "").format(self.other)


def refuse_elsewhere(connection: Connection) -> None:
    """Raise RecordElsewhere unless this database holds its record, whole."""
    row = connection.execute(_NEWEST).first()
    if row is not None and row.state in _SAID:
        raise RecordElsewhere(Move(**row._mapping).sentence)  # noqa: SLF001 - a public name


def newest_move(connection: Connection) -> Move | None:
    """The last move that this database was part of, if there was one."""
    if not inspect(connection).has_table(custody.name):
        return None
    row = connection.execute(_NEWEST).first()
    return Move(**row._mapping) if row else None  # noqa: SLF001 - a public name


def remember_move(connection: Connection, move: Move, now: datetime) -> None:
    """Write down a move, or how far it has come."""
    values = {"state": move.state, "other": move.other, "at": now, "fingerprint": move.fingerprint}
    mine = update(custody).where(custody.c.key == move.key)
    if not connection.execute(mine.values(**values)).rowcount:
        connection.execute(insert(custody).values(key=move.key, began_at=move.began_at, **values))


_C = custody.c
_NEWEST: Final = (
    select(_C.key, _C.state, _C.other, _C.began_at, _C.fingerprint).order_by(_C.id.desc()).limit(1)
)
