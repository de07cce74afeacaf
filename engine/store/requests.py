"""What other programs asked for under a name of their own: done once, answered alike each time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select
from sqlalchemy.exc import OperationalError

from engine.store.api_tables import api_requests
from engine.store.database import Database
from engine.store.dialect import insert_if_new

DatabaseFault = OperationalError
"""The database is busy, full or gone; what was asked for can be asked again."""

R = api_requests.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Replied:
    """What was answered; `version` is that of the action afterwards, if it was about one."""

    fingerprint: bytes
    status: int
    version: int | None
    body: str


def find_reply(connection: Connection, key_id: int, name: str) -> Replied | None:
    """The answer to the request of that name, if it was made before."""
    row = connection.execute(
        select(R.fingerprint, R.status, R.version, R.body).where(
            R.api_key_id == key_id, R.name == name
        )
    ).first()
    if row is None:
        return None
    fingerprint, status, version, body = row
    return Replied(fingerprint=fingerprint, status=status, version=version, body=body)


def claim_name(
    connection: Connection, key_id: int, name: str, fingerprint: bytes, now: datetime
) -> bool:
    """
    Take the name for this request; False if it is taken.

    On PostgreSQL it waits for another transaction that is taking it: then that one's answer is
    there. On SQLite only one writes at a time anyway.
    """
    row = {"api_key_id": key_id, "name": name, "fingerprint": fingerprint, "status": 0,
           "version": None, "body": "", "at": now}  # fmt: skip
    statement = insert_if_new(connection.dialect.name, api_requests, ("api_key_id", "name"))
    return connection.execute(statement.returning(R.id), row).first() is not None


def keep_reply(connection: Connection, key_id: int, name: str, replied: Replied) -> None:
    """Remember what was answered, in the transaction that did it."""
    connection.execute(
        api_requests.update()
        .where(R.api_key_id == key_id, R.name == name)
        .values(status=replied.status, version=replied.version, body=replied.body)
    )


def forget_requests(connection: Connection, before: datetime) -> int:
    """Remove what nobody will repeat any more; returns how many."""
    return int(connection.execute(delete(api_requests).where(R.at < before)).rowcount)


class Joined(Database):
    """
    A database whose transactions are all part of one that is open already.

    What a story writes and what was answered to the request are then committed together, or
    neither: a request repeated after a crash is done once.
    """

    def __init__(self, whole: Database, connection: Connection) -> None:
        self.url, self.sqlite, self.engine = whole.url, whole.sqlite, whole.engine
        self._connection = connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Everything in it counts, or nothing of it."""
        with self._connection.begin_nested():
            yield self._connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """What the open transaction sees."""
        yield self._connection

    def checkpoint(self) -> None:
        """Not in the middle of a transaction."""
