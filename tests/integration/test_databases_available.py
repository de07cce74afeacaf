"""What the other tests stand on is really there: two databases, a browser, and walls."""

import os
import socket
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Page
from postgres import Server, find_binaries, running
from sqlalchemy import create_engine, text

ROOT = Path(__file__).resolve().parents[2]
RAMP = "The ramp is finished."


class Greeter(BaseHTTPRequestHandler):
    """Answers every request with one page."""

    def do_GET(self) -> None:
        body = f"<!doctype html><title>Ramp</title><h1>{RAMP}</h1>".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def ask(url: str, statement: str) -> object:
    database = create_engine(url)
    with database.begin() as connection:
        result = connection.execute(text(statement))
        answer = result.scalar() if result.returns_rows else None
    database.dispose()
    return answer


def test_a_database_is_empty_and_keeps_every_language(database_url: str) -> None:
    said = "Alƙawari · وعد · promesse tenue"
    ask(database_url, "CREATE TABLE said (words TEXT)")
    ask(database_url, f"INSERT INTO said VALUES ('{said}')")

    assert ask(database_url, "SELECT words FROM said") == said


def test_postgres_is_really_postgres(postgres_url: str) -> None:
    assert postgres_url.startswith("postgresql+psycopg://")
    assert str(ask(postgres_url, "SELECT version()")).startswith("PostgreSQL")


def test_two_databases_of_one_server_are_apart(postgres_server: Server, postgres_url: str) -> None:
    other = postgres_server.create()
    ask(postgres_url, "CREATE TABLE here (id INTEGER)")

    assert ask(other, "SELECT to_regclass('here')") is None

    postgres_server.drop(other)


def test_a_new_database_can_be_a_copy_of_a_filled_one(postgres_server: Server) -> None:
    filled = postgres_server.create()
    ask(filled, "CREATE TABLE seen AS SELECT 7 AS days")
    copy = postgres_server.create(template=filled.rpartition("/")[2])

    assert ask(copy, "SELECT days FROM seen") == 7

    postgres_server.drop(copy)
    postgres_server.drop(filled)


@pytest.mark.postgres
def test_a_server_and_its_files_are_gone_after_use() -> None:
    with running(find_binaries()) as server:
        folder = Path(str(ask(server.create(), "SHOW data_directory"))).parent
        assert folder.is_dir()

    assert not folder.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((server.url.host, server.url.port)).close()


def test_the_browser_shows_a_page_of_this_machine(page: Page) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Greeter) as site:
        Thread(target=site.serve_forever).start()
        page.goto(f"http://127.0.0.1:{site.server_port}/")
        shown = page.inner_text("h1")
        site.shutdown()

    assert shown == RAMP


def test_nothing_leaves_this_machine(attempts_outside: list[str]) -> None:
    with pytest.raises(OSError, match="stay on this machine"):
        socket.create_connection(("192.0.2.1", 25), timeout=1)

    assert attempts_outside == ["192.0.2.1:25"]
    attempts_outside.clear()


def run_pytest(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the tests in `folder` under this project's conftest, in an environment of their own."""
    inherited = {name: value for name, value in os.environ.items() if name != "CI"}
    ours = ["-q", "-p", "conftest", "-p", "no:cacheprovider", "--continue-on-collection-errors"]
    where: list[str | Path] = ["-c", ROOT / "pyproject.toml", "--rootdir", folder, folder]
    return subprocess.run(
        [Path(sys.executable).with_name("pytest"), *ours, *where],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**inherited, "PYTHONPATH": str(ROOT / "tests"), **environment},
    )


def test_ci_lets_no_needed_test_step_aside(tmp_path: Path) -> None:
    one = "import pytest\n@pytest.mark.postgres\ndef test_it():\n    pytest.skip('no server')\n"
    (tmp_path / "test_one.py").write_text(one)
    file = "import pytest\npytest.skip('no module', allow_module_level=True)\n"
    (tmp_path / "test_file.py").write_text(file)
    (tmp_path / "test_other.py").write_text("def test_it():\n    pass\n")

    alone = run_pytest(tmp_path)
    in_ci = run_pytest(tmp_path, CI="true")

    assert "1 passed, 2 skipped" in alone.stdout, alone.stdout + alone.stderr
    assert "1 failed, 1 passed, 1 error" in in_ci.stdout, in_ci.stdout + in_ci.stderr
    assert "no server" in in_ci.stdout
    assert "no module" in in_ci.stdout


def test_settings_of_the_person_who_tests_stay_outside(tmp_path: Path) -> None:
    (tmp_path / "test_inside.py").write_text(
        "import os\n"
        "def test_it():\n"
        "    ours = ('ALKAWARI_', 'PREFECT_', 'HTTPS_PROXY')\n"
        "    assert not [name for name in os.environ if name.startswith(ours)]\n"
    )

    done = run_pytest(
        tmp_path,
        ALKAWARI_DATABASE_URL="sqlite:///private.db",
        PREFECT_PROFILE="work",
        HTTPS_PROXY="http://127.0.0.1:9",
    )

    assert "1 passed" in done.stdout, done.stdout + done.stderr
