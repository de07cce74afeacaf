"""What a storm kills: loops of our commands, PostgreSQL, the mail server, the wire between them."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Event, Lock, Thread

import ground as _ground  # noqa: F401 - finds the tests' modules
import postgres
import psycopg
from measure import ALKAWARI
from sqlalchemy import make_url

DURABLE = (
    "fsync = on", "full_page_writes = on", "synchronous_commit = on", "max_connections = 200",
    "max_wal_size = 256MB",
)  # fmt: skip
STARTS_S = 90.0
OTHERS = "Prefect server"
"""A program that is not ours: how it ends is its own affair."""


@dataclass(slots=True)
class Book:
    """What happened, counted; shared by all threads."""

    kills: Counter[str] = field(default_factory=Counter)
    runs: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    odd: list[str] = field(default_factory=list)
    role_of: dict[int, str] = field(default_factory=dict)
    """Of every process that was started, by its number."""

    lock: Lock = field(default_factory=Lock)

    def ended(self, role: str, code: int, said: str) -> None:
        """Remember the end of a command: done, killed, or refused with its sentence."""
        last = said.strip().splitlines()[-1] if said.strip() else ""
        with self.lock:
            if code in {0, -signal.SIGTERM}:
                self.runs[role] += 1
            elif role == OTHERS:
                self.refusals[f"{role} ended with {code}"] += 1
            elif code != -signal.SIGKILL:
                self.refusals[f"{role}: {last[:110]}"] += 1
                if code != 1 or "Traceback" in said or not last.endswith((".", "?")):
                    self.odd.append(f"{role} ended with {code}: {said[-1500:]}")


class Loop(Thread):
    """One of our commands, begun again whenever it has ended; its sort can be killed."""

    def __init__(
        self, role: str, number: int, command: list[str], environment: Mapping[str, str],
        folder: Path, book: Book, pause: Callable[[], float], program: Path = ALKAWARI,
    ) -> None:  # fmt: skip
        super().__init__(name=f"{role}-{number}", daemon=True)
        self.role, self._command, self._pause = role, command, pause
        self._environment = environment
        self._program, self._folder = program, folder / self.name
        self._folder.mkdir()
        self._book, self._over, self._lock = book, Event(), Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        while not self._over.wait(self._pause()):
            self.once(self._command)

    def once(self, command: list[str]) -> int:
        """Run one command to its end, whoever brings that about."""
        log = self._folder / "stderr"
        with log.open("wb") as file:
            with self._lock:
                if self._over.is_set():
                    return -signal.SIGTERM
                self._process = process = subprocess.Popen(
                    [self._program, *command], cwd=self._folder,
                    env={**os.environ, **self._environment},
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=file,
                    start_new_session=True,
                )  # fmt: skip
                self._book.role_of[process.pid] = self.role
            code = process.wait()
        self._book.ended(self.role, code, log.read_text("utf-8", "replace"))
        return code

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self, how: signal.Signals = signal.SIGKILL) -> bool:
        """Send a signal to the command and all that it started; False if there was none."""
        with self._lock:
            if not self.alive or self._process is None:
                return False
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, how)
            return True

    def end(self, *, now: bool = False) -> None:
        """Begin nothing more; `now`: stop what runs, as an operator would."""
        self._over.set()
        if now:
            self.kill(signal.SIGTERM)


@dataclass(slots=True)
class Cluster:
    """A PostgreSQL of its own, durable, whose processes can be killed."""

    server: postgres.Server
    binaries: Path
    data: Path
    url: str
    disk: Path | None = None
    """A file system of its own, if it has one, which can be filled."""

    @property
    def port(self) -> int:
        return int(self.server.url.port or 0)

    def ask(self, statement: str, url: str = "") -> list[tuple[object, ...]]:
        """Rows of the programme's database, or of another one; [] while it is down."""
        plain = make_url(url or self.url).set(drivername="postgresql")
        try:
            with psycopg.connect(
                plain.render_as_string(hide_password=False), connect_timeout=5
            ) as connection:
                return connection.execute(statement.encode()).fetchall()
        except psycopg.OperationalError:
            return []

    def kill_backend(self, chance: Random) -> bool:
        """SIGKILL one of the processes that serve our commands: the whole server starts over."""
        found = self.ask(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
            " AND pid <> pg_backend_pid() ORDER BY state = 'active' DESC, pid"
        )
        if not found:
            return False
        pid = int(str(chance.choice(found)[0]))
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            return True
        return False

    def restart(self, chance: Random) -> None:
        """End the whole server, politely or not, and start it again."""
        how = chance.choice(["fast", "immediate", "SIGKILL"])
        if how == "SIGKILL":
            os.kill(int((self.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        else:
            self._control("-m", how, "-w", "stop")
        self._start_again()

    def fill_disk(self, seconds: float) -> bool:
        """No room on its disk for so long; False if the disk is not its own."""
        if self.disk is None:
            return False
        filler = self.disk / "filler"
        with filler.open("wb") as file:
            # What is freed meanwhile is taken as well.
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                free = shutil.disk_usage(self.disk).free
                if free:
                    with contextlib.suppress(OSError):
                        os.posix_fallocate(file.fileno(), file.tell(), free)
                        file.seek(free, os.SEEK_CUR)
                time.sleep(0.05)
        filler.unlink()
        # A server that cannot write its log gives up; whoever made room starts it again.
        self._start_again()
        return True

    def _start_again(self) -> None:
        give_up = time.monotonic() + STARTS_S
        while not self._started():
            # What a killed server leaves behind takes a moment to notice that it is alone.
            if time.monotonic() > give_up:
                raise RuntimeError("PostgreSQL did not come back")
            time.sleep(0.3)

    def _started(self) -> bool:
        if self.ask("SELECT 1"):
            return True
        return self._control("-l", str(self.data.parent / "log"), "-o", f"-p {self.port}", "-w",
                             "start")  # fmt: skip

    def _control(self, *arguments: str) -> bool:
        try:
            postgres._run(self.binaries / "pg_ctl", "-D", self.data, *arguments)  # noqa: SLF001
        except subprocess.CalledProcessError:
            return False
        return True


@contextmanager
def cluster(disk: Path | None = None) -> Iterator[Cluster]:
    """A server whose commits survive a crash, on a disk of its own if given, and a database."""
    binaries = postgres.find_binaries()
    # Not in memory by default, where waiting for a disk costs nothing.
    postgres._fast_folder = lambda: disk  # noqa: SLF001
    postgres.SETTINGS += "\n".join(DURABLE) + "\n"
    with postgres.running(binaries) as server:
        plain = server.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain) as connection:
            row = connection.execute("SHOW data_directory").fetchone()
        data = Path(str(row[0])) if row else Path()
        yield Cluster(server=server, binaries=binaries, data=data, url=server.create(), disk=disk)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path | None]:
    """A file system of that size, where this user may mount one; else None."""
    folder.mkdir()
    options = f"size={megabytes}m,mode=755"
    command = ["mount", "-t", "tmpfs", "-o", options, "alkawari-storm", str(folder)]
    mounted = os.geteuid() == 0 and (
        subprocess.run(command, check=False, capture_output=True).returncode == 0
    )
    try:
        yield folder if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", folder], check=True)


def free_port() -> int:
    """A port that nobody has now."""
    return postgres._free_port()  # noqa: SLF001
