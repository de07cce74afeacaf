"""
A programme served by a worker: through a Prefect server, and on its own when there is none.

Server and workers are real processes; kills that take longer are in `benchmarks/workers.py`.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from command_line import PLAN
from program import eventually

from config.settings import load_settings
from config.wiring import build
from engine.store.auditing import story_heartbeats
from workflows.prefect_server import server_environment

pytestmark = pytest.mark.prefect

BIN = Path(sys.executable).parent
PATIENCE_S = 120
DEPLOYED = """
import sys
from cli.main import main
for words in sys.argv[1].split(";"):
    sys.argv = ["alkawari", "deploy", "--json", *words.split()]
    try:
        main()
    except SystemExit as ended:
        assert not ended.code, ended.code
    print("---", flush=True)
"""


class Place:
    """A folder with a small programme, a port for its server, and the processes started there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.api = f"http://127.0.0.1:{self.port}/api"
        self.env = {
            **os.environ,
            "ALKAWARI_DATABASE_URL": f"sqlite:///{folder / 'programme.db'}",
            "ALKAWARI_PREFECT__API_URL": self.api,
            "ALKAWARI_PREFECT__SERVER_DATABASE_URL": "postgresql://not@used/here",
        }
        self.started: list[subprocess.Popen] = []
        self.run("init")

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [BIN / "alkawari", *arguments],
            cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=PATIENCE_S,
            check=False,
        )  # fmt: skip
        return done.stdout if done.returncode == 0 else f"{done.stdout}{done.stderr}"

    def start(self, *command: str | Path, log: str, **more: str) -> subprocess.Popen:
        with (self.folder / log).open("w", encoding="utf-8") as out:
            process = subprocess.Popen(
                command, cwd=self.folder, env={**self.env, **more}, stdout=out, stderr=out,
                start_new_session=True,
            )  # fmt: skip
        self.started.append(process)
        return process

    def take_in(self, plan: str) -> None:
        (self.folder / "plan.csv").write_text(plan, encoding="utf-8")
        self.run("import", "plan.csv", "--as-of", "2026-02-02")

    def log(self, name: str) -> str:
        return (self.folder / name).read_text("utf-8")

    def beats(self) -> dict[str, Any]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ALKAWARI_DATABASE_URL", self.env["ALKAWARI_DATABASE_URL"])
            services = build(load_settings(None))
        try:
            with services.database.read() as connection:
                return story_heartbeats(connection)
        finally:
            services.database.close()

    def end(self) -> None:
        for process in self.started:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE_S)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.end()


class Server:
    """The server's own interface, asked as Prefect's page asks it."""

    def __init__(self, place: Place) -> None:
        self._place = place
        with pytest.MonkeyPatch.context() as patch:
            for name, value in place.env.items():
                patch.setenv(name, value)
            variables = server_environment(load_settings(None))
        home = place.folder / "server"
        home.mkdir()
        variables |= {
            "PREFECT_HOME": str(home),
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{home}/prefect.db",
            "PREFECT_SERVER_REGISTER_BLOCKS_ON_START": "false",
        }
        place.start(BIN / "prefect", "server", "start", log="server.log", **variables)
        eventually(self._answers)

    def _answers(self) -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self._place.api}/health").status_code == 200
        return False

    def post(self, path: str, **values: object) -> Any:
        answer = httpx.post(f"{self._place.api}{path}", json=values, timeout=PATIENCE_S)
        assert answer.is_success, answer.text
        return answer.json()

    def patch(self, path: str, **values: object) -> None:
        answer = httpx.patch(f"{self._place.api}{path}", json=values, timeout=PATIENCE_S)
        assert answer.is_success, answer.text

    def deployment(self, shown: str) -> dict:
        return httpx.get(f"{self._place.api}/deployments/name/{shown}").json()

    def runs(self, deployment: dict) -> list[dict]:
        wanted = {"deployments": {"id": {"any_": [deployment["id"]]}}}
        return self.post("/flow_runs/filter", **wanted)

    def begin(self, deployment: dict) -> dict:
        return self.post(
            f"/deployments/{deployment['id']}/create_flow_run", state={"type": "SCHEDULED"}
        )


def done(changes: list[dict]) -> dict[str, str]:
    return {change["name"]: change["done"] for change in changes}


STORIES = ("deliver", "sweep", "digest", "hooks", "audit")
FIRST = {"alkawari": "created"} | {f"{story}/alkawari": "created" for story in STORIES}
AGAIN = dict.fromkeys(FIRST, "unchanged")
SHARES = {"sweep/alkawari-1-of-2": "created", "sweep/alkawari-2-of-2": "created"}


def test_what_is_deployed_is_served(place: Place) -> None:
    server = Server(place)
    check_deploying(place, server)
    place.take_in(PLAN)
    worker = place.start(BIN / "alkawari", "worker", log="worker.log")
    check_serving(server)
    assert place.beats()["sweep"]
    check_taking_over(server)
    check_doctor(place)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(PATIENCE_S) == 0
    assert "Stopped." in place.log("worker.log")
    assert server.post("/work_pools/alkawari/workers/filter") == []


def check_deploying(place: Place, server: Server) -> None:
    """Repeating changes nothing, a rehearsal even less, and what is left over goes."""
    said = subprocess.run(
        [sys.executable, "-c", DEPLOYED, "--dry-run;;;--shards 2;"],
        cwd=place.folder, env=place.env, capture_output=True, text=True, timeout=PATIENCE_S,
        check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    rehearsed, first, again, shares, back = (
        json.loads(part) for part in said.stdout.split("---\n")[:5]
    )
    assert done(rehearsed) == done(first) == FIRST
    assert done(again) == AGAIN
    assert done(shares) == AGAIN | SHARES | {"sweep/alkawari": "removed"}
    assert done(back) == AGAIN | dict.fromkeys(SHARES, "removed") | {"sweep/alkawari": "created"}

    found = server.deployment("deliver/alkawari")
    [schedule] = found["schedules"]
    assert schedule["schedule"]["interval"] == 60
    assert schedule["schedule"]["anchor_date"].startswith("2026-01-01T00:00:00")
    assert found["global_concurrency_limit"]["limit"] == 1
    assert found["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
    assert found["description"].startswith("a message leaves when its window opens")


def check_serving(server: Server) -> None:
    """A run leaves what it did; ours, or the one of the timetable that came at the same time."""
    sweep = server.deployment("sweep/alkawari")
    server.begin(sweep)
    eventually(lambda: "COMPLETED" in {one["state_type"] for one in server.runs(sweep)})
    [kept, *_] = [one for one in server.runs(sweep) if one["state_type"] == "COMPLETED"]
    assert kept["infrastructure_pid"].startswith("alkawari-worker:")
    tables = server.post("/artifacts/filter", artifacts={"key": {"any_": ["sweep"]}})
    assert {"what": "examined", "count": 2} in [
        line for table in tables for line in json.loads(table["data"])
    ]


def check_taking_over(server: Server) -> None:
    """What a dead worker left running is marked, and begun anew."""
    sweep = server.deployment("sweep/alkawari")
    left = server.begin(sweep)
    server.patch(f"/flow_runs/{left['id']}", infrastructure_pid="alkawari-worker:gone")
    server.post(f"/flow_runs/{left['id']}/set_state", state={"type": "RUNNING"}, force=True)
    eventually(lambda: state_of(server, sweep, left["id"]) == "CRASHED")
    again = f"again-{left['id']}"
    eventually(
        lambda: (
            {one["state_type"] for one in server.runs(sweep) if one["idempotency_key"] == again}
            & {"COMPLETED", "CANCELLED"}
        )  # the latter when one of the timetable does its work
    )


def check_doctor(place: Place) -> None:
    # It also says what is wrong with the mail server, that there is none, and ends with 1.
    listed, _, _ = place.run("doctor", "--json").partition("]\n")
    found = {one["check"]: one["state"] for one in json.loads(f"{listed}]")}
    assert {found[name] for name in ("prefect server", "workers", "deployments")} == {"well"}


def state_of(server: Server, deployment: dict, run_id: str) -> str:
    return next(one["state_type"] for one in server.runs(deployment) if one["id"] == run_id)


def test_reminders_go_on_without_a_server(place: Place) -> None:
    worker = place.start(
        BIN / "alkawari", "worker", log="worker.log", ALKAWARI_PREFECT__AWAY_AFTER_S="1"
    )
    eventually(lambda: {"sweep", "deliver", "hooks"} <= place.beats().keys())
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(PATIENCE_S) == 0
    said = place.log("worker.log")
    assert f"The Prefect server {place.api} cannot be reached" in said
    assert "reminders go on without it" in said
    assert "Traceback" not in said
