"""Copies taken while the programme runs, and what happens when one of them is put back."""

import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from builders import MONDAY, Postbox, Programme, a_programme, a_row, at, day
from command_line import CommandLine
from postgres import Server, find_binaries
from sqlalchemy import make_url, text

from config.settings import Settings
from config.wiring import build
from engine.clock import FixedClock
from engine.errors import BadValue
from engine.store.checkpoints import fingerprint
from engine.store.database import Database
from engine.store.holds import holds_in_force
from workflows import record
from workflows.backing_up import back_up
from workflows.moving import CannotMove, move_record
from workflows.verify import verify

NOW = at(MONDAY)
Restore = Callable[[Database], str]


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path)
    made.services = replace(made.services, clock=FixedClock(NOW))
    made.plan(
        *(a_row(ref=f"SAA-0{n}", due=day(-30), responsible=who, verifier="Region")
          for n, who in enumerate(("Police post", "Town hall", "Elders"), start=1)),
        now=at(day(-60)),
    )  # fmt: skip
    yield made

    made.close()


@pytest.fixture
def put_back(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[Database], str]]:
    """Copies a database by the lines in docs/operating.md, into another one; returns its URL."""
    made: list[tuple[Server, str]] = []

    def copied(database: Database) -> str:
        if database.sqlite:
            path = tmp_path / "restored.db"
            with (
                closing(sqlite3.connect(str(database.url.database))) as old,
                closing(sqlite3.connect(path)) as new,
            ):
                old.backup(new)
            return f"sqlite:///{path}"
        server: Server = request.getfixturevalue("postgres_server")
        made.append((server, server.create()))
        dump, binaries = tmp_path / "alkawari.dump", find_binaries()
        said = run(binaries / "pg_dump", "--format=custom", f"--file={dump}", plain(database.url))
        assert said.returncode == 0, said.stderr
        said = run(
            binaries / "pg_restore", "--no-owner", "--exit-on-error",
            f"--dbname={plain(make_url(made[-1][1]))}", str(dump),
        )  # fmt: skip
        assert said.returncode == 0, said.stderr
        return made[-1][1]

    yield copied

    for server, url in made:
        server.drop(url)


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=False, capture_output=True, text=True)


def plain(url: Any) -> str:
    return str(url.set(drivername="postgresql").render_as_string(hide_password=False))


@contextmanager
def over(programme: Programme, url: str) -> Iterator[Programme]:
    """The same programme on a copy, with a postbox of its own."""
    services = build(Settings(database_url=url, data_folder=programme.folder))
    postbox = Postbox()
    clock = FixedClock(NOW)
    yield Programme(
        replace(services, new_mailer=lambda: postbox, clock=clock), programme.folder, postbox
    )

    services.database.close()


@contextmanager
def running(programme: Programme) -> Iterator[threading.Event]:
    """Sweeps and deliveries in a loop, a day further each time; the event says that some ended."""
    stop, some, failed = threading.Event(), threading.Event(), []

    def loop() -> None:
        offset = 0
        try:
            while not stop.is_set():
                programme.run(at(day(offset % 60)))
                offset += 1
                if offset > 1:
                    some.set()
        except Exception as error:  # noqa: BLE001 - raised again below
            failed.append(error)
            some.set()

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield some
    finally:
        stop.set()
        thread.join()
    assert failed == []


def sealed(programme: Programme) -> str:
    """The fingerprint under a digest of now."""
    with programme.services.database.write() as connection:
        return fingerprint(connection, None, NOW)


def test_copies_taken_while_it_runs_begin_with_the_history_that_was_printed_before(
    programme, put_back, tmp_path
):
    database = programme.services.database
    with running(programme) as some:
        assert some.wait(300)
        printed = sealed(programme)
        done = back_up(database, tmp_path / "copy.db", NOW)
        by_hand = put_back(database)

    for url in (f"sqlite:///{tmp_path / 'copy.db'}", by_hand):
        copy = Database(url)
        found = verify(copy, [printed])
        copy.close()
        assert found.whole, found.sentence
    assert done.events <= verify(database).events
    assert sorted(path.name for path in tmp_path.glob("copy.db*")) == ["copy.db"]


def test_a_copy_is_taken_in_the_middle_of_a_delivery(programme, tmp_path):
    """What is in somebody's hands in that moment is in the copy, and waits there."""
    programme.sweep(NOW)
    copies: list[str] = []
    real = programme.postbox.deliver

    def deliver(envelope: Any) -> Any:
        if not copies:
            copies.append(envelope.recipient)
            back_up(programme.services.database, tmp_path / "copy.db", NOW)
        return real(envelope)

    programme.postbox.deliver = deliver  # type: ignore[method-assign]
    programme.deliver(NOW)
    assert len(programme.postbox.taken) > 2

    with over(programme, f"sqlite:///{tmp_path / 'copy.db'}") as copy:
        copy.run(at(day(1)))
        assert copy.postbox.taken == []


def test_a_backup_that_is_put_back_waits_for_somebody_to_look(programme, tmp_path):
    programme.run(NOW)
    told_before = set(programme.postbox.recipients)
    back_up(programme.services.database, tmp_path / "copy.db", NOW)

    with over(programme, f"sqlite:///{tmp_path / 'copy.db'}") as copy:
        copy.run(at(day(21)))
        assert copy.postbox.taken == []
        with copy.services.database.read() as connection:
            [hold] = holds_in_force(connection)
        assert "copy of 2026-06-01" in hold.reason
        assert record.resume(copy.services, (None, None), at(day(21))) == 1
        copy.run(at(day(21)))
        assert copy.postbox.taken

        copy.postbox.taken.clear()
        copy.run(at(day(21)))
        assert copy.postbox.taken == [], "once, after the release"
    assert told_before


def test_a_copy_by_other_means_is_paused_by_hand_before_anything_runs(programme, put_back):
    """The order in docs/operating.md: pause, look, resume."""
    programme.sweep(NOW)
    url = put_back(programme.services.database)
    programme.deliver(NOW)
    assert len(programme.postbox.taken) > 2

    with over(programme, url) as copy:
        record.hold(
            copy.services, (None, None), from_on=day(-1), until_on=None, by="me", reason="restored",
            now=NOW,
        )  # fmt: skip
        copy.run(NOW)
        assert copy.postbox.taken == []
        record.resume(copy.services, (None, None), NOW)
        copy.run(NOW)
        # It cannot know that these left after it was taken: that is what the pause is for.
        assert copy.postbox.recipients == programme.postbox.recipients


def test_a_backup_goes_back_into_a_server(programme, tmp_path, request):
    programme.run(NOW)
    printed = sealed(programme)
    done = back_up(programme.services.database, tmp_path / "copy.db", NOW)
    shutil.copy(tmp_path / "copy.db", tmp_path / "to-move.db")
    server: Server | None = None
    url = f"sqlite:///{tmp_path / 'again.db'}"
    if not programme.services.database.sqlite:
        server = request.getfixturevalue("postgres_server")
        url = server.create()
    source, target = Database(f"sqlite:///{tmp_path / 'to-move.db'}"), Database(url)

    moved = move_record(source, target)

    assert moved.fingerprint == done.fingerprint
    assert verify(target, [printed]).whole
    source.close()
    target.close()
    with over(programme, url) as copy:
        copy.run(at(day(21)))
        assert copy.postbox.taken == []
    if server:
        server.drop(url)


def test_a_broken_history_is_not_kept_as_a_backup(programme, tmp_path):
    database = programme.services.database
    with database.write() as connection:
        connection.execute(text("UPDATE actions SET title = 'Another' WHERE id = 1"))

    with pytest.raises(CannotMove, match="not whole"):
        back_up(database, tmp_path / "copy.db", NOW)

    assert list(tmp_path.glob("copy.db*")) == []


def test_a_backup_replaces_nothing(tmp_path, monkeypatch, capsys):
    alkawari = CommandLine(tmp_path, monkeypatch, capsys)
    alkawari.settle_in()

    done = alkawari("backup", "copy.db", "--json").json
    assert done["bytes"] == (tmp_path / "copy.db").stat().st_size
    assert done["fingerprint"] == alkawari("verify", "--json").json["fingerprint"]
    assert (tmp_path / "copy.db").stat().st_mode & 0o077 == 0, "for nobody else to read"
    before = (tmp_path / "copy.db").read_bytes()

    assert "name a new file" in alkawari("backup", "copy.db").sentence
    assert "no folder" in alkawari("backup", "nowhere/copy.db").sentence
    assert (tmp_path / "copy.db").read_bytes() == before
    assert "paused" in alkawari("backup", "second.db").out
    with pytest.raises(BadValue, match="there already"):
        back_up(Database(f"sqlite:///{tmp_path / 'copy.db'}"), tmp_path / "second.db", NOW)
