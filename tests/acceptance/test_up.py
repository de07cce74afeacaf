"""`alkawari up` as its users run it: one process that answers, reminds, and ends when told to."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from smtp_server import SmtpServer

COMMAND = str(Path(sys.executable).with_name("alkawari"))
PATIENCE_S = 60.0
STOP_WITHIN_S = 10
TITLE = "Dig the well behind the market"


class Up:
    """The command in a process group of its own; what it says goes to a file."""

    def __init__(self, folder: Path, settings: dict[str, str], *arguments: str) -> None:
        self.folder, self.settings = folder, settings
        self.log = folder / f"up-{len(list(folder.glob('up-*')))}.log"
        with self.log.open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [COMMAND, "up", "--port", "0", *arguments],
                cwd=folder, env={**os.environ, **settings}, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.url = self.line_with("Listening on ").split()[-1]

    @property
    def said(self) -> list[str]:
        return self.log.read_text("utf-8").splitlines()

    def line_with(self, part: str) -> str:
        def found() -> list[str]:
            assert self.process.poll() is None, self.said
            return [line for line in self.said if part in line]

        eventually(lambda: bool(found()))
        return found()[0]

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urlopen(self.url + path, timeout=PATIENCE_S) as answer:  # noqa: S310 - our own
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def ready(self) -> dict[str, Any]:
        return json.loads(self.get("/readyz")[1])

    def stop(self, number: int = signal.SIGTERM) -> list[str]:
        self.process.send_signal(number)
        self.process.communicate(timeout=STOP_WITHIN_S)
        assert self.process.returncode == 0, self.said
        with pytest.raises(ProcessLookupError):  # nobody of its group is left
            os.killpg(self.process.pid, 0)
        return self.said

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()


Starts = Callable[..., Up]


def run(*arguments: str, cwd: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *arguments], cwd=cwd, env={**os.environ, **settings},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Starts]:
    born: list[Up] = []

    def start(server: SmtpServer | None = None) -> Up:
        born.append(Up(tmp_path, mail_to(server)))
        return born[-1]

    yield start
    for one in born:
        one.kill()


def mail_to(server: SmtpServer | None) -> dict[str, str]:
    if server is None:
        return {}
    return {
        "ALKAWARI_MAIL__HOST": server.host,
        "ALKAWARI_MAIL__PORT": str(server.port),
        "ALKAWARI_MAIL__SECURITY": "none",
        "ALKAWARI_MAIL__SENDER": "reminders@programme.example",
    }


def eventually(what: Callable[[], bool]) -> None:
    waiting = threading.Event()
    for _turn in range(int(PATIENCE_S * 10)):
        if what():
            return
        waiting.wait(0.1)
    raise AssertionError("it did not come true in time")


def noon_somewhere(now: datetime) -> str:
    """A time zone in which it is about noon, so that the send window is open at any hour."""
    ahead = 12 - now.hour
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


def plan(folder: Path, persons: int = 1) -> None:
    """A programme in which `persons` owe something since five days."""
    now = datetime.now(UTC)
    due = (now - timedelta(days=5)).date()
    agreed = (now - timedelta(days=40)).date()
    columns = (
        "ref", "dialogue", "timezone", "language", "rest_days", "action", "responsible",
        "responsible_email", "verifier", "agreed_on", "due", "state",
    )  # fmt: skip
    rows = [",".join(columns)]
    rows += [
        f"TST-{n:02},Testing,{noon_somewhere(now)},en,none,{TITLE},Club {n},p{n}@club.example,"
        f"Parish,{agreed},{due},in_progress"
        for n in range(persons)
    ]
    (folder / "plan.csv").write_text("\n".join(rows) + "\n", "utf-8")
    for command in (["init"], ["import", "plan.csv"]):
        done = run(*command, cwd=folder)
        assert done.returncode == 0, done.stderr


@pytest.mark.prefect
def test_it_answers_before_prefect_is_ready_and_leaves_nothing_behind(up):
    program = up()

    assert program.get("/healthz") == (200, "ok\n")
    first = program.ready()
    assert first["orchestration"]["phase"] in {"off", "starting"}
    program.line_with("Prefect is ready")
    assert program.ready()["orchestration"]["phase"] == "ready"
    assert program.ready()["ready"]
    said = program.stop()

    assert said[0].startswith("Created ")
    assert said[-1] == "Stopped."
    assert not [line for line in said if "Traceback" in line]


def test_an_interrupt_ends_it_as_well_even_while_prefect_starts(up):
    said = up().stop(signal.SIGINT)

    assert said[-1] == "Stopped."
    assert not [line for line in said if "Traceback" in line]


def test_strangers_are_told_nothing_and_cannot_tell_what_exists(up, tmp_path):
    plan(tmp_path)
    program = up()
    eventually(lambda: program.ready().get("sweep", {}).get("last_at") is not None)

    for path in ("/", "/actions", "/actions/TST-00", "/actions/NON-99", "/mail", "/openapi.json"):
        status, text = program.get(path)
        assert status == 200  # urlopen followed the 303
        assert "Sign in" in text
        assert TITLE not in text
        assert "TST" not in text
    assert program.get("/actions/TST-00")[1] == program.get("/actions/NON-99")[1]
    for path in ("/api/v1/actions", "/api/v1/nothing", "/api/nothing"):
        assert program.get(path)[0] == 401
    status, document = program.get("/api/v1/openapi.json")
    assert status == 200
    assert TITLE not in document
    assert "TST" not in document
    metrics = program.get("/metrics")[1]
    assert 'alkawari_actions{state="in_progress"} 1' in metrics
    assert "alkawari_overdue 1" in metrics
    assert "TST" not in metrics


@pytest.mark.prefect
def test_a_reminder_arrives_once_whatever_kills_the_program(up, tmp_path):
    plan(tmp_path, persons=3)
    with SmtpServer() as server:
        first = up(server)
        eventually(lambda: len(server.received()) == 3)
        first.kill()
        again = up(server)
        eventually(lambda: again.ready()["orchestration"]["direct"] >= 3)  # the first ticks
        again.line_with("Prefect is ready")
        again.stop()
        last = up(server)
        eventually(lambda: last.ready()["orchestration"]["direct"] >= 3)
        last.stop()

        received = server.received()
        assert sorted(mail["rcpt"] for mail in received) == [f"p{n}@club.example" for n in range(3)]
        assert len({mail["message_id"] for mail in received}) == 3


def test_reminders_leave_when_prefect_cannot_start(up, tmp_path):
    plan(tmp_path)
    (tmp_path / "alkawari-data" / "prefect").write_text("in the way", "utf-8")
    with SmtpServer() as server:
        program = up(server)
        eventually(lambda: len(server.received()) == 1)
        ready = program.ready()
        status, _text = program.get("/readyz")
        said = program.stop()

    assert status == 200
    assert ready["orchestration"]["phase"] == "failed"
    assert "FileExistsError" in ready["orchestration"]["reason"]
    assert ready["sweep"]["state"] == "runs"
    assert any("Stories run without it" in line for line in said)


def test_a_mail_server_that_hangs_does_not_keep_it_from_ending(up, tmp_path):
    plan(tmp_path, persons=2)
    with SmtpServer(behave=[{"at": "dot", "delay": 60, "times": 1}]) as server:
        program = up(server)
        eventually(lambda: bool(server.said("DATA")))
        program.stop()

        assert len(server.said("DATA")) == 1  # and the other one was not begun


def test_a_port_that_is_taken_is_said_in_one_sentence(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("up", "--port", str(port), cwd=tmp_path)

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        f"Cannot listen on 127.0.0.1 port {port} (address already in use): choose another with "
        "--port."
    )
    assert "Traceback" not in done.stderr


def test_a_data_folder_that_cannot_be_made_is_said_in_one_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way", "utf-8")
    folder = str(tmp_path / "file" / "data")
    done = run("up", "--port", "0", cwd=tmp_path, ALKAWARI_DATA_FOLDER=folder)

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "cannot be made" in done.stderr


def test_a_database_server_that_is_away_is_said_in_one_sentence(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
    url = f"postgresql://nobody:secret@127.0.0.1:{port}/nothing"
    done = run("up", "--port", "0", cwd=tmp_path, ALKAWARI_DATABASE_URL=url)

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "does not answer" in done.stderr
    assert "secret" not in done.stderr
