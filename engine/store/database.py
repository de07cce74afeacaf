"""How a database is opened: one set of rules for SQLite and for PostgreSQL."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from engine.errors import BadValue, RecordElsewhere

__all__ = ["Connection", "Database"]

SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    # An action's history is evidence: a commit that was confirmed survives a power cut.
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    # For each connection, and `up` has several: measured, a sweep is no slower than with 64 MB.
    "PRAGMA cache_size=-16384",
    "PRAGMA journal_size_limit=67108864",
    # The checkpoint runs between transactions (`Database.checkpoint`), never inside a commit of the
    # sweep, which it would make several times longer.
    "PRAGMA wal_autocheckpoint=20000",
)
BUSY_TIMEOUT_S = 15

UNHEARD_S = 60
"""
A PostgreSQL that has not been heard of for so long is given up, and it gives us up.

Where packets vanish, systems by themselves wait for a quarter of an hour, or for two hours.
"""


class Database:
    """
    An open database. `read()` and `write()` are the only ways in; each is one transaction.

    On SQLite a write takes the write lock at its start, so that it can wait for its turn instead of
    failing in the middle; a read takes none.
    """

    def __init__(self, url: str) -> None:
        self.url = _parsed(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite(self.url) if self.sqlite else _postgresql(self.url)

    @property
    def shown(self) -> str:
        """The address without its password, for people and logs."""
        return _shown(self.url)

    def exists(self) -> bool:
        """Whether there is a database file; a server's database is taken to be there."""
        return not self.sqlite or Path(self.url.database or "").is_file()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that may change rows; committed at the end, rolled back on an error."""
        try:
            with self.engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            refused = str(error.orig).partition("\n")[0]
            if refused.startswith(RecordElsewhere.BEGINNINGS):  # the fence of a record that moves
                raise RecordElsewhere(refused) from None
            raise

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads; never waits for a writer."""
        with self.engine.connect().execution_options(readonly=True) as connection:
            yield connection

    def checkpoint(self) -> None:
        """Move SQLite's write-ahead log into the database file; nothing elsewhere."""
        if self.sqlite:
            raw = self.engine.raw_connection()
            try:
                raw.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            finally:
                raw.close()

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise BadValue(
            "database_url", _WORD.sub(r"\1***@", url),
            "not an address; write sqlite:///FILE or postgresql://…",
        ) from None  # fmt: skip
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise BadValue("database_url", _shown(parsed), "name a file: the workers share it")
        return parsed
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    raise BadValue("database_url", _shown(parsed), "use SQLite (sqlite:///FILE) or PostgreSQL")


_WORD = re.compile(r"(:)[^:@/]*@")
"""A password in what is no address."""


def _shown(url: URL) -> str:
    hidden = [name for name in url.query if "password" in name]
    return url.difference_update_query(hidden).render_as_string(hide_password=True)


def _sqlite(url: URL) -> Engine:
    folder = Path(url.database or "").resolve().parent
    if not folder.is_dir():
        raise BadValue("database_url", str(url), f"the folder {folder} does not exist; make it")
    engine = create_engine(
        url,
        connect_args={"timeout": BUSY_TIMEOUT_S},
        pool_size=8,
        hide_parameters=True,  # what people wrote must not stand in the log of an error
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - a driver's connection
        connection.isolation_level = None  # BEGIN is ours, see below
        cursor = connection.cursor()
        for pragma in SQLITE_PRAGMAS:
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        readonly = connection.get_execution_options().get("readonly")
        connection.exec_driver_sql("BEGIN" if readonly else "BEGIN IMMEDIATE")

    return engine


def _postgresql(url: URL) -> Engine:
    return create_engine(
        url,
        pool_pre_ping=True,
        hide_parameters=True,  # as above
        connect_args={
            # Compiling its queries (jit) took half a second of a `status` of 100,000 actions.
            "options": "-c timezone=UTC -c jit=off -c lock_timeout=15s"
            f" -c idle_in_transaction_session_timeout=60s -c tcp_user_timeout={UNHEARD_S}s",
            "connect_timeout": 10,
            "keepalives_idle": UNHEARD_S // 3,
            "keepalives_interval": UNHEARD_S // 6,
            "keepalives_count": 4,
            "tcp_user_timeout": UNHEARD_S * 1000,  # libpq counts in milliseconds
        },
    )
