"""Where the databases of a benchmark are: files of SQLite, or a PostgreSQL of our own."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from measure import ROOT
from sqlalchemy import make_url, text

from engine.store.database import Database

sys.path.insert(0, str(ROOT / "tests"))

import postgres


class Ground(Protocol):
    """A place that makes databases and copies of them."""

    name: str

    def new(self) -> str: ...

    def copy(self, url: str) -> str: ...

    def drop(self, url: str) -> None: ...


@dataclass(slots=True)
class Files:
    """SQLite files in one folder."""

    folder: Path
    name: str = "SQLite"
    _count: int = field(default=0)

    def new(self) -> str:
        """The URL of a file that is not there yet."""
        self._count += 1
        return f"sqlite:///{self.folder / f'{self._count}.db'}"

    def copy(self, url: str) -> str:
        """A copy of a database that nobody has open."""
        other = self.new()
        shutil.copyfile(_file(url), _file(other))
        # A copy that is still on its way to the disk would be paid for by the first commits.
        with Path(_file(other)).open("rb") as copied:
            os.fsync(copied.fileno())
        return other

    def drop(self, url: str) -> None:
        """Remove a database."""
        for ending in ("", "-wal", "-shm"):
            Path(f"{_file(url)}{ending}").unlink(missing_ok=True)


@dataclass(slots=True)
class Cluster:
    """Databases on a PostgreSQL server that waits for its disk, as one in earnest does."""

    server: postgres.Server
    name: str = "PostgreSQL"

    def new(self) -> str:
        """The URL of an empty database."""
        return self.server.create()

    def copy(self, url: str) -> str:
        """A copy of a database that nobody is connected to, with a checkpoint just done."""
        other = self.server.create(template=make_url(url).database or "")
        database = Database(other)
        with database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("CHECKPOINT"))
        database.close()
        return other

    def drop(self, url: str) -> None:
        """Remove a database."""
        self.server.drop(url)


def _file(url: str) -> str:
    return make_url(url).database or ""


@contextmanager
def files() -> Iterator[Files]:
    """A folder for SQLite, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="alkawari-bench-") as folder:
        yield Files(Path(folder))


@contextmanager
def cluster() -> Iterator[Cluster | None]:
    """A server of our own, or None where there are no binaries."""
    try:
        binaries = postgres.find_binaries()
    except postgres.Unavailable as reason:
        print(f"(without PostgreSQL: {reason})", file=sys.stderr)
        yield None
        return
    # The tests put theirs into memory; figures from there would flatter us.
    postgres._fast_folder = lambda: None  # noqa: SLF001
    with postgres.running(binaries) as server:
        database = Database(server.url.render_as_string(hide_password=False))
        with database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                connection.execute(text(f"ALTER SYSTEM SET {setting} = on"))
            connection.execute(text("ALTER SYSTEM SET max_wal_size = '4GB'"))
            connection.execute(text("ALTER SYSTEM SET autovacuum = off"))
            connection.execute(text("SELECT pg_reload_conf()"))
        database.close()
        yield Cluster(server)
