"""How much memory `alkawari up` takes with all its processes: idle, and while it sweeps."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep

import httpx
from ground import Files
from measure import ALKAWARI, Fact, Process
from plenty import fill, make_due, realistic, record
from sqlalchemy import func, select, update

from engine.clock import SystemClock
from engine.store.database import Database
from engine.store.outbox_tables import notices
from engine.store.schema import upgrade
from engine.store.tables import actions

SETTLED_S = 30
"""So long it must not have grown: Prefect's own server part goes on loading after pages answer."""

LONGEST_S = 900


def up(files: Files, total: int, due: int) -> Iterator[Fact]:
    """Idle with an empty database, then with `total` actions of which its sweep finds `due`."""
    figure = "memory of `alkawari up`, all its processes (proportional set size)"
    with _running(files.folder / "empty", _empty(files)) as watched:
        yield Fact(figure=figure, what="idle", said=f"{_settled_mb(watched):.0f} MB")
    url = _filled(files, total, due)
    with _running(files.folder / "full", url) as watched:
        began = monotonic()
        while _noticed(url) < due:
            if monotonic() - began > LONGEST_S:
                raise RuntimeError(f"after {LONGEST_S} s {_noticed(url)} of {due} are decided")
            sleep(1)
        _settled_mb(watched)  # the sweep may be over before Prefect's part is loaded
        said = f"{watched.most_mb:.0f} MB"
        yield Fact(figure=figure, what=f"most while it swept {due:,} of {total:,}", said=said)


@dataclass(slots=True)
class Watched:
    """A process and those that it started."""

    pid: int
    most_mb: float = 0.0

    def now_mb(self) -> float:
        """What they take now; pages that they share count once."""
        return sum(_share_kb(pid) for pid in _family(self.pid)) / 1024

    def watch(self, over: Event) -> None:
        """Keep the most of it until `over`."""
        while not over.wait(0.5):
            self.most_mb = max(self.most_mb, self.now_mb())


def _settled_mb(watched: Watched) -> float:
    most, since = 0.0, monotonic()
    while monotonic() - since < SETTLED_S:
        sleep(1)
        now = watched.now_mb()
        if now > most * 1.01:
            most, since = now, monotonic()
    return now


@contextmanager
def _running(folder: Path, url: str) -> Iterator[Watched]:
    folder.mkdir()
    environment = {"ALKAWARI_DATA_FOLDER": str(folder), "ALKAWARI_DATABASE_URL": url}
    with subprocess.Popen(
        [ALKAWARI, "up", "--port", "0"],
        env=Process(environment=environment).inherited(),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        over, watched = Event(), Watched(process.pid)
        watcher = Thread(target=watched.watch, args=(over,))
        watcher.start()
        try:
            _ready(process)
            yield watched
        finally:
            over.set()
            watcher.join()
            process.send_signal(signal.SIGTERM)
            try:
                process.communicate(timeout=120)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def _ready(process: "subprocess.Popen[str]") -> None:
    """Wait until it answers at the address that it says it listens on."""
    for line in process.stdout or ():
        if "http://" in line:
            base = "http://" + line.partition("http://")[2].split()[0].rstrip("/.,")
            httpx.get(f"{base}/healthz", timeout=60).raise_for_status()
            return
    raise RuntimeError("`alkawari up` ended without saying where it listens")


def _empty(files: Files) -> str:
    url = files.new()
    database = Database(url)
    upgrade(database)
    database.close()
    return url


def _filled(files: Files, total: int, due: int) -> str:
    """`up` goes by the real clock: what is due is so today, whatever day that is."""
    # With histories that verify: the audit of `up` reads them, and would tell of each that did not.
    url, size = files.new(), replace(realistic(total), events=0)
    database = Database(url)
    fill(database, size)
    make_due(database, size, due)
    now = SystemClock().now()
    with database.write() as connection:
        was_due = actions.c.due_on == select(func.min(actions.c.due_on)).scalar_subquery()
        week_ago = now.date() - timedelta(days=7)
        values = {"due_on": week_ago, "next_check_at": now - timedelta(hours=1)}
        connection.execute(update(actions).where(was_due).values(**values))
    record(database)
    database.close()
    return url


def _noticed(url: str) -> int:
    database = Database(url)
    with database.read() as connection:
        found = connection.scalar(select(func.count(notices.c.action_id.distinct())))
    database.close()
    return found or 0


def _family(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in task.read_text().split():
                found += _family(int(child))
    return found


def _share_kb(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0
