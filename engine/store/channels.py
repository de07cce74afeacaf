"""What is known of each channel, shared by every worker: whether it is worth trying."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from engine.store.dialect import insert_missing
from engine.store.outbox_tables import channels

EMAIL = "email"
SMS = "sms"


def channel_state(connection: Connection, name: str) -> dict[str, Any]:
    """The columns of a channel other than its name; empty for one that never failed."""
    row = connection.execute(select(channels).where(channels.c.name == name)).first()
    return {key: value for key, value in row._mapping.items() if key != "name"} if row else {}  # noqa: SLF001 - SQLAlchemy's public name for it


def keep_channel(
    connection: Connection,
    name: str,
    *,
    failures: int,
    losses: int,
    opened_at: datetime | None,
    probe_at: datetime | None,
    reason: str,
) -> None:
    """Remember how a channel fares."""
    values = {
        "failures": failures,
        "losses": losses,
        "opened_at": opened_at,
        "probe_at": probe_at,
        "reason": reason[:300],
    }
    insert_missing(connection, channels, [{"name": name, **values}], ["name"])
    connection.execute(update(channels).where(channels.c.name == name).values(**values))
