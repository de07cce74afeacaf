"""
Reminders go on whatever becomes of Prefect, and nothing that it leaves behind stays unfinished.

The stories are told by child processes (this file, run as a script): they can be killed, and each
imports Prefect afresh. A child prints a line for each thing that happens, and then what it saw.
"""

import contextlib
import fcntl
import json
import logging
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.clock import FixedClock, SystemClock
from workflows.orchestrator import Orchestrator, Phase, environment
from workflows.timetable import Entry, Story, build_scheduler

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120
STOP_WITHIN_S = 10
"""What `alkawari up` promises after SIGTERM."""


class Child:
    """This file run as a script, in a process group of its own."""

    def __init__(self, scenario: str, home: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__, scenario, str(home)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def line(self) -> str:
        return self.process.stdout.readline().strip()

    def report(self, within: float = PATIENCE_S) -> dict:
        """Waits for the end; the last line that it printed, and its log."""
        out, log = self.process.communicate(timeout=within)
        assert self.process.returncode == 0, log
        lines = out.strip().splitlines()
        return {**json.loads(lines[-1]), "log": log}

    def stopped(self) -> list[str]:
        """Waits as long as a stop may take; the lines that it still printed."""
        out, log = self.process.communicate(timeout=STOP_WITHIN_S)
        assert self.process.returncode == 0, log
        return out.strip().splitlines()


@pytest.fixture
def child() -> Iterator[Callable[[str, Path], Child]]:
    born: list[Child] = []

    def bear(scenario: str, home: Path) -> Child:
        born.append(Child(scenario, home))
        return born[-1]

    yield bear
    for one in born:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(one.process.pid, signal.SIGKILL)
        one.process.communicate()


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home as a first start leaves it: a fresh one costs every test several seconds."""
    home = tmp_path_factory.mktemp("migrated") / "home"
    assert Child("once", home).report()["phase"] == "ready"
    return home


@pytest.fixture
def home(migrated: Path, tmp_path: Path) -> Path:
    return shutil.copytree(migrated, tmp_path / "home")


@dataclass(frozen=True)
class Counted:
    handled: int = 0

    def as_dict(self) -> Mapping[str, object]:
        return {"handled": self.handled}

    def __add__(self, other: "Counted") -> "Counted":
        return Counted(self.handled + other.handled)


def three_batches(told: list[int]) -> Story:
    """Two batches of work and the empty one that ends it."""

    def batch(_now: datetime, _limit: int) -> Counted:
        told.append(len(told))
        return Counted(0 if len(told) == 3 else 10)

    return Story(name="sweep", batch=batch)


def test_a_story_runs_when_prefect_was_never_started(tmp_path, caplog):
    told: list[int] = []
    clock = FixedClock(datetime(2026, 3, 2, 9, 0, tzinfo=UTC))
    orchestrator = Orchestrator(tmp_path, [three_batches(told)], clock)
    assert orchestrator.run("sweep") == {"handled": 20}
    assert told == [0, 1, 2]
    standing = orchestrator.standing
    assert (standing.phase, standing.orchestrated, standing.direct) == (Phase.OFF, 0, 1)
    assert standing.last_fallback.at == clock.at
    assert "Prefect was not started: sweep goes on without orchestration." in caplog.text
    orchestrator.stop()


def test_what_a_story_raises_is_raised_and_counted(tmp_path):
    def batch(_now: datetime, _limit: int) -> Counted:
        raise OSError("the disk is full")

    orchestrator = Orchestrator(tmp_path, [Story(name="sweep", batch=batch)], SystemClock())
    with pytest.raises(OSError, match="the disk is full"):
        orchestrator.run("sweep")
    assert (orchestrator.standing.direct, orchestrator.standing.failed) == (0, 1)


def test_a_program_that_is_stopping_begins_no_story(tmp_path):
    told: list[int] = []
    orchestrator = Orchestrator(tmp_path, [three_batches(told)], SystemClock())
    orchestrator.halt()
    assert orchestrator.run("sweep") == {}
    assert told == []


def test_a_home_that_cannot_be_made_does_not_stop_reminders(tmp_path, child):
    (tmp_path / "home").write_text("a file where the folder should be")
    seen = child("once", tmp_path / "home").report()
    assert seen["phase"] == "failed"
    assert seen["told"] == [0, 1, 2]
    assert "Stories run without it." in seen["log"]


def test_a_second_process_on_the_same_home_works_without_prefect(tmp_path, child):
    home = tmp_path / "home"
    home.mkdir()
    with (home / "in-use-by").open("w") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        first.write("4711")
        first.flush()
        seen = child("once", home).report()
    assert seen["reason"] == f"Prefect's folder {home} is in use by process 4711"
    assert seen["told"] == [0, 1, 2]
    assert not (home / "prefect.db").exists()


def test_the_way_to_ourselves_leads_through_no_proxy(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "intranet.example")
    made = environment(tmp_path, 4200)
    assert made["NO_PROXY"] == made["no_proxy"] == "intranet.example,127.0.0.1"


@pytest.mark.prefect
def test_a_damaged_record_of_runs_does_not_stop_reminders(tmp_path, child):
    home = tmp_path / "home"
    home.mkdir()
    (home / "prefect.db").write_bytes(b"this is not a database" * 500)
    seen = child("once", home).report()
    assert seen["phase"] == "failed"
    assert "delete the folder" in seen["reason"]
    assert seen["told"] == [0, 1, 2]


@pytest.mark.prefect
def test_a_run_that_loses_prefect_half_way_is_finished_and_repeats_nothing(home, child):
    losing = child("lost", home)
    assert losing.line() == "STOPPING"
    seen = losing.report(within=STOP_WITHIN_S)
    assert seen["told"] == [0, 1, 2]
    assert seen["counts"] == {"handled": 20}
    assert seen["after"] == {"orchestrated": 0, "direct": 1}
    assert "sweep was done, and is not recorded there." in seen["log"]
    assert "EventsWorker" not in seen["log"]
    assert seen["next_reason"] == "Prefect's server part ended unexpectedly"
    assert seen["next_told"] == [0, 1, 2]


@pytest.mark.prefect
def test_an_api_that_nobody_answers_at_does_not_stop_reminders(home, child):
    calling = child("unanswered", home)
    assert calling.line() == "STOPPING"
    seen = calling.report(within=STOP_WITHIN_S)
    assert seen["told"] == [0, 1, 2]
    assert seen["after"] == {"orchestrated": 0, "direct": 1}
    assert "sweep goes on without orchestration." in seen["log"]


@pytest.mark.prefect
def test_a_killed_process_leaves_no_process_and_no_run_behind(home, child):
    killed = child("hangs", home)
    assert killed.line() == "BEGUN"
    port = int(killed.line().partition(" ")[2])
    os.kill(killed.process.pid, signal.SIGKILL)
    killed.process.wait(PATIENCE_S)
    assert killed.process.returncode == -signal.SIGKILL
    with pytest.raises(ProcessLookupError):
        os.killpg(killed.process.pid, 0)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    assert states(home)["RUNNING"] == 1

    seen = child("once", home).report()
    assert seen["phase"] == "ready"
    assert "1 runs that a killed process left behind are marked Crashed." in seen["log"]
    after = states(home)
    assert after["CRASHED"] == 1
    assert "RUNNING" not in after


@pytest.mark.prefect
def test_a_stop_lets_the_running_story_finish(home, child):
    serving = child("serve", home)
    assert [serving.line(), serving.line()] == ["BEGUN", "RUNNING"]
    serving.process.send_signal(signal.SIGTERM)
    assert serving.stopped() == ["ASKED", "FINISHED", "stories still running: []"]
    assert states(home) == {"COMPLETED": 2}


@pytest.mark.prefect
def test_a_stop_while_prefect_still_starts_takes_no_longer(tmp_path, child):
    starting = child("serve", tmp_path / "home")
    assert starting.line() == "BEGUN"
    starting.process.send_signal(signal.SIGTERM)
    assert starting.stopped() == ["ASKED", "stories still running: []"]


def states(home: Path) -> dict[str, int]:
    with contextlib.closing(sqlite3.connect(home / "prefect.db")) as database:
        return dict(database.execute("select state_type, count(*) from flow_run group by 1"))


# The child: from here on nothing is run by pytest.


def say(line: str) -> None:
    print(line, flush=True)


def once(home: Path) -> dict:
    """Start, tell a story, stop."""
    told: list[int] = []
    orchestrator = Orchestrator(home, [three_batches(told)], SystemClock())
    orchestrator.start()
    orchestrator.wait_ready(PATIENCE_S)
    orchestrator.run("sweep")
    standing = orchestrator.standing
    orchestrator.stop()
    return {"phase": standing.phase, "reason": standing.reason, "told": told}


def lost(home: Path) -> dict:
    """The server part ends while a story runs through it."""
    told: list[int] = []
    story = three_batches(told)

    def batch(now: datetime, limit: int) -> Counted:
        if len(told) == 1:
            assert orchestrator._server.stop(PATIENCE_S)
        return story.batch(now, limit)

    losing = Story(name="sweep", batch=batch, in_task=1)
    orchestrator = Orchestrator(home, [losing], SystemClock())
    orchestrator.start()
    assert orchestrator.wait_ready(PATIENCE_S), orchestrator.standing
    counts = orchestrator.run("sweep")
    seen = {"counts": dict(counts), "told": list(told), "after": counted(orchestrator)}
    told.clear()
    orchestrator.run("sweep")
    seen |= {"next_told": told, "next_reason": orchestrator.standing.last_fallback.reason}
    say("STOPPING")
    orchestrator.stop()
    return seen


def unanswered(home: Path) -> dict:
    """The server part lives, and answers nobody any more."""
    told: list[int] = []
    orchestrator = Orchestrator(home, [three_batches(told)], SystemClock())
    orchestrator.start()
    assert orchestrator.wait_ready(PATIENCE_S), orchestrator.standing
    server = orchestrator._server._server
    server.servers[0].get_loop().call_soon_threadsafe(server.servers[0].close)
    orchestrator._server._listener.close()
    orchestrator.run("sweep")
    say("STOPPING")
    orchestrator.stop()
    return {"told": told, "after": counted(orchestrator)}


def hangs(home: Path) -> dict:
    """A story that never ends, told through Prefect."""

    def batch(_now: datetime, _limit: int) -> Counted:
        say("BEGUN")
        say(f"port {orchestrator._server._listener.getsockname()[1]}")
        threading.Event().wait()
        return Counted()

    orchestrator = Orchestrator(home, [Story(name="sweep", batch=batch)], SystemClock())
    orchestrator.start()
    assert orchestrator.wait_ready(PATIENCE_S), orchestrator.standing
    orchestrator.run("sweep")
    return {}


def serve(home: Path) -> dict:
    """What `alkawari up` does with both: until SIGTERM, and then in this order."""
    asked = threading.Event()

    def on_sigterm(_signal, _frame) -> None:
        say("ASKED")
        asked.set()

    def sweep(_now: datetime, _limit: int) -> Counted:
        say("RUNNING")
        asked.wait(PATIENCE_S)
        say("FINISHED")
        return Counted(1)

    signal.signal(signal.SIGTERM, on_sigterm)
    orchestrator = Orchestrator(home, [Story(name="sweep", batch=sweep)], SystemClock())
    orchestrator.start()
    say("BEGUN")
    timetable = build_scheduler(
        lambda story: orchestrator.wait_ready(PATIENCE_S) and orchestrator.run(story),
        entries=(Entry(story="sweep", cron="0 0 1 1 *", why="only the first tick matters"),),
    )
    timetable.start()
    asked.wait(PATIENCE_S)
    orchestrator.halt()
    left = timetable.stop(within=5)
    orchestrator.stop(within=4)
    say(f"stories still running: {list(left)}")
    return {}


def counted(orchestrator: Orchestrator) -> dict[str, int]:
    standing = orchestrator.standing
    return {"orchestrated": standing.orchestrated, "direct": standing.direct}


SCENARIOS = {act.__name__: act for act in (once, lost, unanswered, hangs, serve)}

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    seen = SCENARIOS[sys.argv[1]](Path(sys.argv[2]))
    if seen:
        say(json.dumps(seen))
