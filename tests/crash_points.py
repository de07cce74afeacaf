"""A programme of 200 people on a real database, run by the real command, to be broken."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from postgres import Server
from smtp_server import SmtpServer
from sqlalchemy import text

from cli.main import main
from config.settings import MailPart, Settings
from config.wiring import Services, build
from engine.store.database import Database
from engine.store.schema import upgrade

COMMAND = Path(sys.executable).with_name("alkawari")
PEOPLE = 200
SENDER = "reminders@programme.example"
COORDINATOR = "coordinator@hall.example"
AGREED = "2026-05-01T08:00:00+00:00"
DUE = "2026-05-04"
# A Thursday, three working days after the due date: R1 is reached for everybody, nothing else.
NOW = "2026-05-07T10:00:00+00:00"
PATIENCE_S = 90

# Read when pytest starts, before the environment is cleaned.
SEED = os.environ.get("ALKAWARI_FAULT_SEED") or str(random.SystemRandom().randrange(10**9))


def dice(name: str) -> random.Random:
    """Chance for one test: the same seed and name always throw the same."""
    return random.Random(f"{SEED}:{name}")  # noqa: S311 - chance, not secrets


def address(number: int) -> str:
    """The address of the focal point of that number, counted from 1."""
    return f"p{number:03d}@parties.example"


EVERYBODY = frozenset(address(number) for number in range(1, PEOPLE + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """
    What a programme is made of: so many people with so many actions each, all due on one day.

    `swept`: the sweep of NOW has run, so that everybody's R1 waits in the outbox.
    """

    people: int = PEOPLE
    each: int = 1
    agreed: str = AGREED
    due: str = DUE
    timezone: str = "UTC"
    rest_days: str = "sat,sun"
    swept: bool = True


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> dict[str, Any]:
        """Its JSON."""
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def sentence(self) -> str:
        """The last line on stderr; what stands above it is the log."""
        return self.err.strip().splitlines()[-1] if self.err.strip() else ""


@dataclass(frozen=True, slots=True)
class Ledger:
    """Who should have been told and who was: `repeated` are copies with one same Message-ID."""

    expected: int
    told: int
    never: int
    twice: int
    repeated: int

    @property
    def clean(self) -> bool:
        """Everybody once: nobody forgotten, nobody told twice, no copy."""
        return (self.never, self.twice, self.repeated) == (0, 0, 0)


@dataclass(slots=True)
class Programme:
    """A database in a folder of its own, and the settings that commands on it run with."""

    folder: Path
    url: str
    settings: dict[str, str] = field(default_factory=dict)
    prefix: list[str] = field(default_factory=list)

    @property
    def sqlite(self) -> bool:
        return self.url.startswith("sqlite")

    def mail_to(self, server: SmtpServer, **more: object) -> None:
        """Send to that server from now on; `lease_s=1` becomes ALKAWARI_DELIVERY__LEASE_S."""
        self.settings |= {
            "ALKAWARI_MAIL__HOST": server.host,
            "ALKAWARI_MAIL__PORT": str(server.port),
            "ALKAWARI_MAIL__SECURITY": "none",
            "ALKAWARI_MAIL__SENDER": SENDER,
        }
        for name, value in more.items():
            part = "MAIL" if name.endswith("timeout_s") else "DELIVERY"
            self.settings[f"ALKAWARI_{part}__{name.upper()}"] = str(value)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command; whoever starts it waits for it or kills it."""
        environment = {**os.environ, "ALKAWARI_DATABASE_URL": self.url, **self.settings}
        return subprocess.Popen(
            [*self.prefix, COMMAND, *arguments],
            cwd=self.folder, env=environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *arguments: str) -> Ran:
        """Run a command to its end, as a process of its own."""
        return ended(self.start(*arguments))

    def here(self, *arguments: str) -> Ran:
        """Run a command in this process, where none has to die: it starts ten times faster."""
        out, err, code = StringIO(), StringIO(), 0
        with (
            pytest.MonkeyPatch.context() as patch,
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            patch.chdir(self.folder)
            patch.setattr(sys, "argv", ["alkawari", *arguments])
            for name, value in {"ALKAWARI_DATABASE_URL": self.url, **self.settings}.items():
                patch.setenv(name, value)
            try:
                main()
            except SystemExit as end:
                code = int(end.code or 0)
        return Ran(code, out.getvalue(), err.getvalue())

    def sweep(self, at: str = NOW) -> Ran:
        return self.here("sweep", "--json", "--as-of", at)

    def deliver(self, at: str = NOW) -> Ran:
        return self.here("deliver", "--json", "--as-of", at)

    def start_deliver(self, at: str = NOW) -> subprocess.Popen[str]:
        return self.start("deliver", "--json", "--as-of", at)

    def deliver_until_quiet(self, at: str = NOW) -> None:
        """Deliver until nothing is left in anybody's hands; leases run on the real clock."""
        for _ in range(40):
            done = self.deliver(at)
            assert done.code == 0, done.err
            if not done.said["leased"] and not done.said["sent"]:
                return
            time.sleep(0.2)
        raise AssertionError("the outbox did not become quiet")

    @contextmanager
    def opened(self, server: SmtpServer | None = None) -> Iterator[Services]:
        """The services, to run stories in this process where no process has to die."""
        mail = MailPart()
        if server is not None:
            mail = MailPart(host=server.host, port=server.port, security="none", sender=SENDER)
        services = build(Settings(database_url=self.url, mail=mail))
        try:
            yield services
        finally:
            services.database.close()

    def ask(self, statement: str, **values: object) -> list[tuple[Any, ...]]:
        """The rows that a statement brings; what it changes is kept."""
        database = Database(self.url)
        try:
            with database.write() as connection:
                result = connection.execute(text(statement), values)
                return [tuple(row) for row in result] if result.returns_rows else []
        finally:
            database.close()

    def count(self, table: str, where: str = "1=1") -> int:
        return int(self.ask(f"SELECT count(*) FROM {table} WHERE {where}")[0][0])

    def statuses(self, table: str = "notices") -> dict[str, int]:
        """How many rows stand at which status."""
        rows = self.ask(f"SELECT status, count(*) FROM {table} GROUP BY 1")
        return {str(name): int(count) for name, count in rows}


def ended(child: subprocess.Popen[str]) -> Ran:
    """What a command that was started answered, once it has ended."""
    try:
        out, err = child.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        raise
    return Ran(child.returncode, out, err)


def kill(child: subprocess.Popen[str]) -> bool:
    """Kill it as a power cut would; False if it had come to its end before that."""
    child.send_signal(signal.SIGKILL)
    _out, err = child.communicate(timeout=PATIENCE_S)
    assert child.returncode in {0, -signal.SIGKILL}, err
    return child.returncode == -signal.SIGKILL


def wait_until(true: Callable[[], bool], child: subprocess.Popen[str]) -> None:
    """Wait for something to become true while a child runs, or for the child's end."""
    give_up = time.monotonic() + PATIENCE_S
    while not true() and child.poll() is None:
        assert time.monotonic() < give_up, "waited in vain"
        time.sleep(0.001)


def taken(server: SmtpServer) -> int:
    """How many messages the server has taken so far."""
    return server.log.read_bytes().count(b"\n") if server.log.exists() else 0


def ledger(server: SmtpServer, expected: frozenset[str] = EVERYBODY) -> Ledger:
    """What was received, held against who should have been told once."""
    letters: dict[str, set[str]] = {}
    copies: Counter[str] = Counter()
    for letter in server.received():
        if letter["rcpt"] in expected:
            letters.setdefault(letter["rcpt"], set()).add(letter["message_id"])
            copies[letter["message_id"]] += 1
    return Ledger(
        expected=len(expected),
        told=len(letters),
        never=len(expected - letters.keys()),
        twice=sum(len(ids) > 1 for ids in letters.values()),
        repeated=sum(copies.values()) - len(copies),
    )


def copies_are_equal(server: SmtpServer) -> bool:
    """Whether all messages of one Message-ID are the same bytes."""
    seen: dict[str, set[str]] = {}
    for letter in server.received():
        seen.setdefault(letter["message_id"], set()).add(letter["sha256"])
    return all(len(prints) == 1 for prints in seen.values())


def plan(layout: Layout) -> str:
    """The plan file of a layout."""
    columns = (
        "ref,dialogue,timezone,rest_days,action,responsible,responsible_email,verifier,"
        "coordinator_email,due"
    )
    rows = [
        f'FLT-{person:03d}-{number},Fault Town,{layout.timezone},"{layout.rest_days}",'
        f"Step {number} of party {person},Party {person:03d},{address(person)},Town hall,"
        f"{COORDINATOR},{layout.due}"
        for person in range(1, layout.people + 1)
        for number in range(1, layout.each + 1)
    ]
    return "\n".join([columns, *rows]) + "\n"


def lay_out(layout: Layout, url: str, folder: Path) -> None:
    """Make the database of a layout."""
    from workflows.intake import take_in
    from workflows.sweep import sweep

    database = Database(url)
    upgrade(database)
    database.close()
    file = folder / "plan.csv"
    file.write_text(plan(layout), "utf-8")
    services = build(Settings(database_url=url))
    try:
        assert not take_in(services, file, None, datetime.fromisoformat(layout.agreed)).errors
        if layout.swept:
            sweep(services, datetime.fromisoformat(NOW))
    finally:
        services.database.close()


@dataclass(slots=True)
class Moulds:
    """Databases made once in a session, from which each test gets a copy of its own."""

    folder: Path
    server: Server | None = None
    made: dict[tuple[str, Layout], str] = field(default_factory=dict)

    def sqlite(self, layout: Layout, folder: Path) -> str:
        mould = self.made.get(("sqlite", layout))
        if mould is None:
            mould = str(self.folder / f"mould-{len(self.made)}.db")
            lay_out(layout, f"sqlite:///{mould}", self.folder)
            self.made["sqlite", layout] = mould
        copy = folder / "alkawari.db"
        for path in Path(mould).parent.glob(f"{Path(mould).name}*"):  # with its write-ahead log
            shutil.copy(path, f"{copy}{path.name.removeprefix(Path(mould).name)}")
        return f"sqlite:///{copy}"

    def postgres(self, layout: Layout, server: Server) -> str:
        mould = self.made.get(("postgresql", layout))
        if mould is None:
            mould = server.create()
            lay_out(layout, mould, self.folder)
            self.made["postgresql", layout] = mould
        return server.create(template=mould.rpartition("/")[2])


@contextmanager
def locked_elsewhere(url: str) -> Iterator[None]:
    """Another program holds the database's write lock (SQLite), or every table (PostgreSQL)."""
    database = Database(url)
    try:
        with database.write() as connection:
            if not database.sqlite:
                connection.execute(text("LOCK TABLE messages, notices IN ACCESS EXCLUSIVE MODE"))
            yield
    finally:
        database.close()


def hang_up_on_clients(url: str) -> int:
    """End every connection to a PostgreSQL database from the server's side; how many there were."""
    plain = url.replace("+psycopg", "")
    with psycopg.connect(plain, autocommit=True) as connection:
        done = connection.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
    return int(done[0]) if done else 0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table that is printed at the end."""

    fault: str
    database: str
    kills: int
    never: int
    twice: int
    repeated: int
    of: int
    note: str = ""
