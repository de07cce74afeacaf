"""The database locked, gone, restarted, or its disk full: a sentence, nothing by halves, go on."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from crash_points import (
    NOW,
    PEOPLE,
    Moulds,
    Programme,
    Ran,
    ended,
    hang_up_on_clients,
    ledger,
    locked_elsewhere,
    taken,
    wait_until,
)
from crash_points import Layout as Shape
from postgres import Unavailable, _run, find_binaries, running
from smtp_server import SmtpServer

from engine.store.database import Database
from engine.store.wholeness import broken_histories

LOCKED_FOR_S = 3


def one_sentence(ran: Ran) -> bool:
    """Refused with one sentence and no stack of calls."""
    return ran.code == 1 and "Traceback" not in ran.err and ran.sentence.endswith(".")


def whole(programme: Programme) -> bool:
    database = Database(programme.url)
    with database.read() as connection:
        broken = list(broken_histories(connection))
    database.close()
    decided = programme.count("events", "kind = 'notified'")
    return not broken and decided == programme.count("notices", "kind <> 'contact'")


@pytest.mark.parametrize("command", ["sweep", "deliver"])
def test_a_database_that_is_locked_for_a_while_is_waited_for(
    lay_out, tell, tmp_path, told_in_the_end, command
):
    programme = lay_out(swept=command == "deliver")
    with SmtpServer(folder=tmp_path) as server:
        programme.mail_to(server)
        with locked_elsewhere(programme.url):
            child = programme.start(command, "--json", "--as-of", NOW)
            time.sleep(LOCKED_FOR_S)  # how long the fault lasts
            assert child.poll() is None
            assert taken(server) == 0
        done = ended(child)
        assert done.code == 0, done.err
    assert programme.count("notices") == PEOPLE
    found = told_in_the_end(programme)
    tell(f"database locked for {LOCKED_FOR_S} s, {command}", programme, found)
    assert found.clean


def test_a_database_that_stays_locked_is_said_in_one_sentence(on_sqlite, tmp_path):
    programme = on_sqlite(people=3)
    with SmtpServer(folder=tmp_path) as server:
        programme.mail_to(server)
        with locked_elsewhere(programme.url):
            refused = programme.deliver()
        assert one_sentence(refused), refused.err
        assert taken(server) == 0
        assert programme.deliver().said["sent"] == 3


@pytest.mark.postgres
def test_connections_that_the_database_ends_lose_and_double_nothing(
    on_postgres, tell, tmp_path, chance
):
    programme = on_postgres()
    hits = failed = 0
    with SmtpServer(folder=tmp_path, latency=0.002) as server:
        programme.mail_to(server, lease_s=1, batch=20)
        for _ in range(4):
            before = taken(server)
            child = programme.start_deliver()
            wait_until(lambda before=before: taken(server) > before, child)
            while child.poll() is None:
                hits += hang_up_on_clients(programme.url)
                time.sleep(chance.uniform(0.05, 0.2))
            ran = ended(child)
            if not ran.code:
                break
            failed += 1
            assert one_sentence(ran), ran.err
        programme.deliver_until_quiet()
        found = ledger(server)
        note = f"{hits} times, {failed} runs stopped"
        tell("database ends its connections", programme, found, note=note)
        assert hits >= 3
        assert (found.never, found.twice) == (0, 0)
        assert found.repeated <= failed
    assert programme.statuses() == {"sent": PEOPLE}


@pytest.mark.postgres
def test_a_database_server_that_is_restarted_between_and_within_runs_costs_nothing(tell, tmp_path):
    try:
        binaries = find_binaries()
    except Unavailable as reason:
        pytest.skip(str(reason))
    with running(binaries) as own, SmtpServer(folder=tmp_path, latency=0.002) as server:
        programme = Programme(tmp_path, Moulds(tmp_path).postgres(Shape(), own))
        programme.mail_to(server, lease_s=1)
        # The tests' servers run without it for speed: what was committed must survive a crash.
        programme.ask(
            f"ALTER DATABASE {programme.url.rpartition('/')[2]} SET synchronous_commit = on"
        )
        folder = Path(programme.ask("SHOW data_directory")[0][0])

        def restart() -> None:
            quiet = ("-D", folder, "-l", folder.parent / "log", "-w", "-m", "immediate")
            port = programme.url.rpartition(":")[2].partition("/")[0]
            _run(binaries / "pg_ctl", *quiet, "-o", f"-p {port}", "restart")

        child = programme.start_deliver()
        wait_until(lambda: taken(server) >= 60, child)
        restart()
        within = ended(child)
        assert one_sentence(within), within.err
        restart()
        programme.deliver_until_quiet()
        found = ledger(server)
        tell("database server crashed and restarted", programme, found)
        assert (found.never, found.twice) == (0, 0)
        assert found.repeated <= 1


@pytest.mark.postgres
def test_a_database_that_cannot_be_reached_is_said_in_one_sentence(on_postgres):
    programme = on_postgres(people=3)
    programme.settings["ALKAWARI_DATABASE_URL"] = "postgresql://alkawari@127.0.0.1:9/alkawari"
    for refused in (programme.sweep(), programme.deliver(), programme.run("status", "--json")):
        assert one_sentence(refused), refused.err


@contextmanager
def little_room(folder: Path, kilobytes: int) -> Iterator[list[str]]:
    """
    What stands before a command so that it can write no more than that in the folder.

    A file system of that size where this user may mount one, else a limit on the size of files.
    """
    mounted = False
    if os.geteuid() == 0:
        size = f"size={kilobytes}k"
        command = ["mount", "-t", "tmpfs", "-o", size, "alkawari-test", folder]
        mounted = subprocess.run(command, check=False, capture_output=True).returncode == 0
    try:
        limit = f'ulimit -f {kilobytes * 2}; exec "$@"'
        yield [] if mounted else ["/bin/sh", "-c", limit, "sh"]
    finally:
        if mounted:
            subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("command", ["sweep", "deliver"])
def test_a_full_disk_is_said_and_leaves_nothing_by_halves(on_sqlite, tell, tmp_path, command):
    roomy = on_sqlite(swept=command == "deliver")
    original = tmp_path / "alkawari.db"
    Database(roomy.url).checkpoint()
    small = tmp_path / "small"
    small.mkdir()
    room = original.stat().st_size // 1024 + 150
    with SmtpServer(folder=tmp_path) as server, little_room(small, room) as before:
        for path in tmp_path.glob("alkawari.db*"):
            shutil.copy(path, small)
        programme = Programme(tmp_path, f"sqlite:///{small / 'alkawari.db'}", prefix=before)
        programme.mail_to(server)
        refused = programme.run(command, "--json", "--as-of", NOW)
        assert one_sentence(refused), refused.err
        rescued = tmp_path / "rescued"
        rescued.mkdir()
        for path in small.glob("alkawari.db*"):
            shutil.copy(path, rescued)
        again = Programme(rescued, f"sqlite:///{rescued / 'alkawari.db'}")
        again.mail_to(server, lease_s=1)
        assert whole(again)
        if command == "sweep":
            assert again.count("notices") == 0, "a transaction is written wholly or not at all"
            assert again.sweep().said["notices"] == PEOPLE
        # What the full disk left in its worker's hands is free when its lease of 60 s is over.
        again.ask("UPDATE messages SET leased_until_at = created_at WHERE status = 'claimed'")
        again.deliver_until_quiet()
        found = ledger(server)
        tell(f"disk full, {command}", again, found, note=refused.sentence[:60])
        assert (found.never, found.twice) == (0, 0)
        assert found.repeated <= 1
