"""
One life of the orchestrator, with the network watched: what Prefect was told, and who was called.

The life is led by a child process (this file, run as a script), because Prefect reads its settings
once and for all when it is imported.
"""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import pytest

from engine.clock import SystemClock
from workflows.orchestrator import NEEDLESS_SERVICES, Orchestrator
from workflows.timetable import Story

pytestmark = pytest.mark.prefect

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120
SECRET = "Chief Amadou Example, stadium entrance"


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What the child saw, and what it printed."""
    folder = tmp_path_factory.mktemp("life")
    strange = {
        "PREFECT_API_URL": "http://192.0.2.1:4200/api",
        "PREFECT_API_KEY": "somebody-elses",
        "HTTP_PROXY": "http://192.0.2.2:3128",
        "http_proxy": "http://192.0.2.2:3128",
    }
    child = subprocess.run(
        [sys.executable, __file__, str(folder / "home"), str(folder / "report.json")],
        env={**os.environ, **strange, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert child.returncode == 0, child.stderr
    report = json.loads((folder / "report.json").read_text())
    log = (folder / "home" / "program.log").read_text()
    return {**report, "printed": child.stdout + child.stderr, "log": log}


def test_a_run_is_recorded_with_its_batches_as_tasks(life):
    swept = [run for run in life["runs"] if run["flow"] == "sweep" and run["state"] == "COMPLETED"]
    # 3 batches of work and the empty one that ends it, two batches to a task
    assert [run["tasks"] for run in swept] == [["COMPLETED", "COMPLETED"]]


def test_a_run_leaves_a_table_of_what_it_did(life):
    assert {"what": "handled", "count": 1200} in life["artifacts"]["sweep"]
    assert {"what": "by_rung E1", "count": 4} in life["artifacts"]["sweep"]


def test_two_stories_run_at_the_same_time(life):
    assert life["side_by_side"] == ["audit", "deliver"]
    told = {run["flow"] for run in life["runs"] if run["state"] == "COMPLETED"}
    assert told == {"sweep", "deliver", "audit"}


def test_a_story_that_fails_is_tried_three_times_and_marked_failed(life):
    assert life["attempts_of_the_failing"] == 3
    assert life["failing_raised"] == f"ValueError: {SECRET}"
    assert "FAILED" in [run["state"] for run in life["runs"] if run["flow"] == "deliver"]


def test_no_text_of_the_programme_gets_into_prefect(life):
    assert life["secret_kept"] is False
    assert life["error_kept"] is True


def test_runs_are_counted_for_the_readiness_page(life):
    standing = life["standing"]
    assert standing["phase"] == "ready"
    assert (standing["orchestrated"], standing["direct"], standing["failed"]) == (3, 1, 1)


def test_nothing_but_this_machine_is_called(life):
    assert life["calls_to_others"] == []
    assert life["calls_to_ourselves"] > 10


def test_settings_of_somebody_elses_prefect_are_not_inherited(life):
    assert life["api_url"].startswith("http://127.0.0.1:")
    assert life["api_key"] is None
    assert life["home"].endswith("/home")


def test_the_api_asks_strangers_for_a_password(life):
    assert life["stranger_gets"] == 401


def test_only_the_services_that_runs_need_are_on(life):
    assert life["services"] == ["TaskRunRecorder"]
    assert set(life["perpetual"]) == {"schedule_vacuum_tasks", "schedule_orphan_vacuum_tasks"}
    assert life["kept_for_s"] == 3 * 24 * 3600


def test_every_variable_that_we_set_is_one_that_prefect_reads(life):
    assert life["variables_unknown_to_prefect"] == []
    assert f"PREFECT_SERVER_SERVICES_{NEEDLESS_SERVICES[0].upper()}_ENABLED" in life["variables"]


def test_prefect_takes_no_signal_handler_and_no_log_handler(life):
    assert life["handler_kept"] == {"before": True, "in_a_run": True, "after": True}
    assert life["log_handlers_kept"] is True


def test_prefect_says_nothing_on_the_terminal(life):
    assert life["printed"] == ""


def test_the_log_says_in_plain_words_that_a_run_was_not_orchestrated(life):
    assert "Prefect is still starting: audit goes on without orchestration." in life["log"]


# The child: from here on nothing is run by pytest.


@dataclass(frozen=True)
class Counted:
    handled: int = 0
    batches: int = 1

    def as_dict(self) -> Mapping[str, object]:
        return {"handled": self.handled, "title": SECRET, "by_rung": {"E1": self.batches}}

    def __add__(self, other: "Counted") -> "Counted":
        return Counted(self.handled + other.handled, self.batches + other.batches)


class Watched:
    """Lets this machine be called and nothing else, and keeps count of both."""

    def __init__(self) -> None:
        self.others: list[str] = []
        self.ourselves = 0
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple) -> None:
        if event in {"socket.connect", "socket.sendto"}:
            where = arguments[1]
        elif event in {"socket.getaddrinfo", "socket.gethostbyname"}:
            where = arguments
        else:
            return
        host = where[0] if isinstance(where, tuple) else where
        if host in {"127.0.0.1", "localhost", "::1", None, ""}:
            self.ourselves += 1
            return
        self.others.append(f"{event} {where!r}")
        raise PermissionError(f"nobody may be called, and {where!r} was")


def live(home: Path, report: Path) -> None:
    network = Watched()
    home.mkdir()
    ours = logging.FileHandler(home / "program.log")
    logging.basicConfig(level=logging.INFO, handlers=[ours])

    def handler(_signal, _frame) -> None: ...

    signal.signal(signal.SIGTERM, handler)
    seen: dict = {"handler_kept": {"before": signal.getsignal(signal.SIGTERM) is handler}}
    left = [500, 500, 200, 0]
    attempts, together = [], threading.Barrier(2)

    def sweep(_now: datetime, _limit: int) -> Counted:
        seen["handler_kept"]["in_a_run"] = signal.getsignal(signal.SIGTERM) is handler
        return Counted(left.pop(0))

    def audit(_now: datetime, _limit: int) -> Counted:
        if len(attempts) > 0:
            together.wait(PATIENCE_S)
        return Counted(1)

    def deliver(_now: datetime, _limit: int) -> Counted:
        attempts.append(None)
        if len(attempts) <= 3:
            raise ValueError(SECRET)
        together.wait(PATIENCE_S)
        return Counted(1)

    stories = [
        Story(name="sweep", batch=sweep, in_task=2),
        Story(name="deliver", batch=deliver, most=1),
        Story(name="audit", batch=audit, most=1),
    ]
    orchestrator = Orchestrator(home, stories, SystemClock())
    orchestrator.start()
    orchestrator.run("audit")
    assert orchestrator.wait_ready(PATIENCE_S), orchestrator.standing

    orchestrator.run("sweep")
    try:
        orchestrator.run("deliver")
    except ValueError as error:
        seen["failing_raised"] = f"{type(error).__name__}: {error}"
    seen["attempts_of_the_failing"] = len(attempts)
    seen["side_by_side"] = side_by_side(orchestrator, "audit", "deliver")
    seen["standing"] = asdict(orchestrator.standing)
    seen |= settings() | {"stranger_gets": stranger()}
    orchestrator.stop()

    seen["handler_kept"]["after"] = signal.getsignal(signal.SIGTERM) is handler
    seen["log_handlers_kept"] = logging.getLogger().handlers == [ours]
    seen |= records(home)
    seen |= {"calls_to_others": network.others, "calls_to_ourselves": network.ourselves}
    report.write_text(json.dumps(seen, default=str))


def side_by_side(orchestrator: Orchestrator, *names: str) -> list[str]:
    told: list[str] = []

    def tell(name: str) -> None:
        orchestrator.run(name)
        told.append(name)

    threads = [threading.Thread(target=tell, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    return sorted(told)


def settings() -> dict:
    from prefect.server.services.base import Service
    from prefect.server.services.perpetual_services import get_enabled_perpetual_services
    from prefect.settings import get_current_settings

    now = get_current_settings()
    ours = {name for name in os.environ if name.startswith("PREFECT_")}
    read = now.to_environment_variables(exclude_unset=True, include_aliases=True)
    return {
        "api_url": now.api.url,
        "api_key": now.api.key,
        "home": str(now.home),
        "services": sorted(service.__name__ for service in Service.enabled_services()),
        "perpetual": [service.function.__name__ for service in get_enabled_perpetual_services()],
        "kept_for_s": now.server.services.db_vacuum.retention_period.total_seconds(),
        "variables": sorted(ours),
        "variables_unknown_to_prefect": sorted(ours - set(read)),
    }


def stranger() -> int:
    import httpx

    return httpx.post(f"{os.environ['PREFECT_API_URL']}/flow_runs/filter", json={}).status_code


def records(home: Path) -> dict:
    import sqlite3

    database = sqlite3.connect(home / "prefect.db")
    tasks: dict[str, list[str]] = {}
    for run, state in database.execute("select flow_run_id, state_type from task_run"):
        tasks.setdefault(run, []).append(state)
    runs = database.execute(
        "select r.id, f.name, r.state_type from flow_run r join flow f on f.id = r.flow_id"
    )
    artifacts = database.execute("select key, data from artifact where key is not null")
    kept = "\n".join(database.iterdump())
    kept += "".join(
        file.read_text(errors="replace")
        for file in home.rglob("*")
        if file.is_file() and file.name != "program.log"
    )
    return {
        "runs": [
            {"flow": flow, "state": state, "tasks": tasks.get(run, [])} for run, flow, state in runs
        ],
        "artifacts": {key: json.loads(json.loads(data)) for key, data in artifacts},
        "secret_kept": "Amadou" in kept,
        "error_kept": "failed with ValueError" in kept,
    }


if __name__ == "__main__":
    live(Path(sys.argv[1]), Path(sys.argv[2]))
