"""How much may leave in a minute: every worker, on whatever machine, reserves from one row."""

from datetime import datetime

from sqlalchemy import Connection, select, update

from engine.store.dialect import insert_missing
from engine.store.outbox_tables import paces
from engine.store.sending import BELIEVABLE


def reserve(
    connection: Connection, name: str, minute_at: datetime, wanted: int, per_minute: int
) -> int:
    """
    Take up to `wanted` places of a minute, at most what is left of `per_minute`; returns how many.

    A worker whose clock is a little behind counts against the minute in which others are already. A
    minute further ahead was named by a clock that was wrong.
    """
    insert_missing(
        connection, paces, [{"name": name, "minute_at": minute_at, "taken": 0}], ["name"]
    )
    mine = paces.c.name == name
    row = connection.execute(
        select(paces.c.minute_at, paces.c.taken).where(mine).with_for_update()
    ).one()
    ahead = minute_at < row.minute_at <= minute_at + BELIEVABLE
    minute_at = row.minute_at if ahead else minute_at
    taken = row.taken if row.minute_at == minute_at else 0
    granted = max(0, min(wanted, per_minute - taken))
    if granted:
        connection.execute(
            update(paces).where(mine).values(minute_at=minute_at, taken=taken + granted)
        )
    return granted


def put_back(connection: Connection, name: str, minute_at: datetime, unused: int) -> None:
    """Give places back that were not used, while it is still their minute."""
    connection.execute(
        update(paces)
        .where(paces.c.name == name, paces.c.minute_at == minute_at)
        .values(taken=paces.c.taken - unused)
    )
