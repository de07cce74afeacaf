"""
Two workers, a Prefect server and PostgreSQL side by side; a worker and the server are killed.

    python benchmarks/workers.py

It starts everything itself, with the commands of docs/operating.md, and prints how long a killed
run took to be begun anew, what became of 600 letters, and what the processes need. About six
minutes, on a working day: letters leave on no other.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from postgres import find_binaries, running  # noqa: E402

BIN = Path(sys.executable).parent
PEOPLE = 300
PATIENCE_S = 180.0
IDLE_S = 120.0
HEAD = (
    "dialogue,timezone,language,action,responsible,responsible_email,verifier,verifier_email,"
    "coordinator_email,due,state,ref"
)
RULES = [{"at": "dot", "delay": 0.2}]
"""A mail server that takes its time, so that a kill meets a delivery under way."""


class Stage:
    """A folder with settings, and the processes started in it."""

    def __init__(self, folder: Path, database: str, records: str) -> None:
        self.folder = folder
        self.api = f"http://127.0.0.1:{free_port()}/api"
        self.mail_port = free_port()
        self.env = {
            **os.environ,
            "ALKAWARI_DATABASE_URL": database,
            "ALKAWARI_PREFECT__API_URL": self.api,
            "ALKAWARI_PREFECT__SERVER_DATABASE_URL": records,
            "ALKAWARI_MAIL__HOST": "127.0.0.1",
            "ALKAWARI_MAIL__PORT": str(self.mail_port),
            "ALKAWARI_MAIL__SECURITY": "none",
            "ALKAWARI_MAIL__SENDER": "alkawari@programme.example",
            "ALKAWARI_DELIVERY__OPENS": "00:00",
            "ALKAWARI_DELIVERY__CLOSES": "23:59",
        }
        self.started: list[subprocess.Popen[bytes]] = []

    def run(self, *words: str) -> str:
        return subprocess.run(
            [BIN / "alkawari", *words], cwd=self.folder, env=self.env, check=True, text=True,
            stdout=subprocess.PIPE,
        ).stdout  # fmt: skip

    def start(self, log: str, *command: str | Path, **more: str) -> subprocess.Popen[bytes]:
        with (self.folder / log).open("ab") as out:
            process = subprocess.Popen(
                command, cwd=self.folder, env={**self.env, **more}, stdout=out, stderr=out,
                start_new_session=True,
            )  # fmt: skip
        self.started.append(process)
        return process

    def server(self) -> subprocess.Popen[bytes]:
        variables = json.loads(self.run("deploy", "--server-env", "--json"))
        started = self.start("server.log", BIN / "prefect", "server", "start", **variables)
        wait(lambda: answers(f"{self.api}/health"))
        return started

    def worker(self, number: int) -> subprocess.Popen[bytes]:
        return self.start(f"worker-{number}.log", BIN / "alkawari", "worker")

    def sink(self) -> None:
        (self.folder / "rules.json").write_text(json.dumps(RULES))
        self.start(
            "sink.log", sys.executable, ROOT / "tests" / "smtp_server.py",
            "--port", str(self.mail_port), "--log", str(self.folder / "received.jsonl"),
            "--behave", str(self.folder / "rules.json"),
        )  # fmt: skip

    def take_in(self, letter: str) -> None:
        rows = (
            f"Place {i % 6},UTC,en,Step {letter}{i},Party {letter}{i},{letter}{i}@people.example,"
            f"Verifier {i % 6},v{i % 6}@people.example,c{i % 6}@people.example,"
            f"2026-03-02,agreed,{letter.upper()}{i % 6}-{i:03d}"
            for i in range(PEOPLE)
        )
        plan = self.folder / f"{letter}.csv"
        plan.write_text("\n".join([HEAD, *rows]) + "\n")
        self.run("import", str(plan))

    def delivering(self) -> dict[str, Any] | None:
        found = httpx.post(
            f"{self.api}/flow_runs/filter",
            json={
                "flows": {"name": {"any_": ["deliver"]}},
                "flow_runs": {"state": {"type": {"any_": ["RUNNING"]}}},
            },
            timeout=30,
        ).json()
        return found[0] if found else None

    def received(self) -> list[dict[str, Any]]:
        path = self.folder / "received.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def end(self) -> None:
        for process in self.started:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def main() -> None:
    """Everything in turn, each with its line."""
    with stage() as on:
        on.run("init")
        on.sink()
        server = on.server()
        on.run("deploy")
        workers = [on.worker(1), on.worker(2)]
        on.take_in("p")
        on.run("sweep")
        killed = kill_the_deliverer(on, workers)
        settle(on, "p")
        workers.append(on.worker(3))
        on.take_in("q")
        on.run("sweep")
        wait(on.delivering)
        os.killpg(server.pid, signal.SIGKILL)
        server = on.server()
        settle(on, "q")
        alive = [process for process in (server, *workers) if process.poll() is None]
        report(on, killed, alive)
        for process in workers:
            process.send_signal(signal.SIGTERM)
        codes = [process.wait() for process in workers]
        print(f"workers ended with {codes} (-9: the killed one)")


def kill_the_deliverer(on: Stage, workers: list[subprocess.Popen[bytes]]) -> float:
    """Kill -9 whoever is delivering; seconds until another delivers."""
    first = wait(on.delivering)
    victim = next(p for p in workers if f"-{p.pid}-" in first["infrastructure_pid"])
    wait(lambda: len(on.received()) > PEOPLE // 10)
    os.killpg(victim.pid, signal.SIGKILL)
    began = time.monotonic()

    def anew() -> bool:
        run = on.delivering()
        return run is not None and run["id"] != first["id"]

    wait(anew)
    return time.monotonic() - began


def settle(on: Stage, letter: str) -> None:
    """Until everybody was told, the last one after the lease of the killed has run out."""
    wait(lambda: len({one["rcpt"] for one in people(on, letter)}) == PEOPLE)


def people(on: Stage, letter: str) -> list[dict[str, Any]]:
    return [one for one in on.received() if one["rcpt"].startswith(letter)]


def report(on: Stage, killed: float, alive: list[subprocess.Popen[bytes]]) -> None:
    """The ledger, and what the processes need when there is little to do."""
    print(f"a killed worker's delivery was begun anew after {killed:.0f} s")
    for letter, fault in (("p", "worker killed"), ("q", "server killed")):
        ids = Counter((one["rcpt"], one["message_id"]) for one in people(on, letter))
        told = Counter(rcpt for rcpt, _ in ids)
        print(
            f"{fault}: never told {PEOPLE - len(told)}, told twice "
            f"{sum(n > 1 for n in told.values())}, same letter again {sum(ids.values()) - len(ids)}"
        )
    before = [cpu_s(process.pid) for process in alive]
    time.sleep(IDLE_S)
    for process, was in zip(alive, before, strict=True):
        name = b" ".join(Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")[1:4])
        spent = (cpu_s(process.pid) - was) / IDLE_S * 60
        print(f"{name.decode()[-40:]:>42}: {resident_mb(process.pid)} MB, {spent:.1f} CPU s/min")


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) // 1024


def wait(true: Callable[[], Any]) -> Any:
    """What it says as soon as it says something."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if found := true():
            return found
        time.sleep(0.25)
    raise TimeoutError("it did not come to be so")


def answers(url: str) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(url).status_code == 200
    return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def stage() -> Iterator[Stage]:
    with running(find_binaries()) as server, tempfile.TemporaryDirectory() as folder:
        urls = [server.create() for _ in range(2)]
        made = Stage(Path(folder), *urls)
        try:
            yield made
        finally:
            made.end()


if __name__ == "__main__":
    main()
