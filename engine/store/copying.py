"""A throw-away copy of what decisions look at, so that time can be played forward in it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    Select,
    Table,
    event,
    insert,
    literal,
    select,
    true,
    update,
)

from engine.store.columns import METADATA
from engine.store.database import Database
from engine.store.outbox_tables import MessageSort, MessageStatus, messages
from engine.store.tables import actions, commitments, confirmations, people

LEFT_BEHIND: Final = frozenset(
    {
        # A chain goes on from the head that stands in the action; what was before is not asked.
        "events",
        "deliveries",
        "heartbeats",
        # Nobody answers in a rehearsal, and no token may lie about in a copy.
        "links",
        "sign_ins",
        "web_sessions",
        "answers",
        "evidence",
        "inbound",
        "mailboxes",
        "subscriptions",
        "digests",
        # Nor may another program be told of what is only played.
        "api_keys",
        "api_requests",
        "webhooks",
        "feeds",
        "custody",
        # Nobody searches in a copy, which has no titles either.
        "action_words",
        # Whether the mail server works today says nothing about the weeks to come.
        "channels",
        "paces",
    }
)
"""Tables that are empty in a copy: nothing that is decided depends on their rows."""

UNREAD: Final[Mapping[Column[Any], Any]] = {
    messages.c.body: b"-",
    messages.c.subject: "",
    actions.c.title: "-",
    actions.c.evidence: "",
    actions.c.notes: "",
    commitments.c.text: "-",
    confirmations.c.method: "",
    confirmations.c.seen: "",
    people.c.name: "",
}
"""Words that no decision reads, and what stands for them: a copy holds no more than it must."""

CHUNK: Final = 5_000
"""Rows read and written at once."""

_QUICK: Final = (
    "PRAGMA synchronous=OFF",  # a copy that a power cut damages is thrown away all the same
    "PRAGMA journal_mode=MEMORY",
    "PRAGMA foreign_keys=OFF",  # rows come table by table, and some name later ones
    "PRAGMA temp_store=MEMORY",
)


@contextmanager
def throw_away_copy(source: Database) -> Iterator[Database]:
    """
    A copy in a folder of its own that only this user can read; it is gone at the end.

    It is as of one instant, whatever is written to `source` meanwhile, and `source` is only read.
    """
    with TemporaryDirectory(prefix="alkawari-copy-") as folder:
        copy = Database(f"sqlite:///{Path(folder) / 'copy.db'}")
        event.listen(copy.engine, "connect", _prepare)
        try:
            METADATA.create_all(copy.engine)
            _fill(source, copy)
            yield copy
        finally:
            copy.close()


def _prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - a driver's connection
    cursor = connection.cursor()
    for pragma in _QUICK:
        cursor.execute(pragma)
    cursor.close()


def _fill(source: Database, copy: Database) -> None:
    with source.read() as reading, copy.write() as writing:
        if not source.sqlite:
            # Else every statement would see its own instant.
            reading.execution_options(isolation_level="REPEATABLE READ")
        for table in METADATA.sorted_tables:
            if table.name not in LEFT_BEHIND:
                _copy(reading, writing, table)
        _free_from_workers(writing)


def _copy(reading: Connection, writing: Connection, table: Table) -> None:
    names = [column.name for column in table.columns]
    rows = reading.execution_options(yield_per=CHUNK).execute(_wanted(table))
    for part in rows.partitions():
        writing.execute(insert(table), [dict(zip(names, row, strict=True)) for row in part])


def _wanted(table: Table) -> Select[Any]:
    columns = [
        literal(UNREAD[column]).label(column.name) if column in UNREAD else column
        for column in table.columns
    ]
    # Digests under way are not rehearsed.
    kept = messages.c.sort == MessageSort.REMINDER.value if table is messages else true()
    return select(*columns).where(kept)


def _free_from_workers(writing: Connection) -> None:
    """A message that a worker has in hand just now is tried again in the copy: nobody else does."""
    writing.execute(
        update(messages)
        .where(messages.c.status == MessageStatus.CLAIMED.value)
        .values(status=MessageStatus.UNKNOWN, leased_until_at=None, claimed_by="")
    )
