"""`alkawari migrate-to` killed by SIGKILL, and begun while others deliver: everybody told once."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from crash_points import NOW, Layout, Moulds, Programme, ended, kill, ledger, wait_until
from postgres import Server
from smtp_server import SmtpServer
from sqlalchemy.exc import SQLAlchemyError

from engine.store.custody import Custody, newest_move
from engine.store.database import Database
from workflows.verify import verify

KILLS = 2
LATER = "2026-05-08T10:00:00+00:00"


@pytest.fixture(params=["sqlite to postgresql", "postgresql to sqlite"])
def laid_out(
    request: pytest.FixtureRequest, moulds: Moulds, tmp_path: Path, postgres_server: Server
) -> Iterator[tuple[Programme, Programme]]:
    """200 people to be told, and the place that their record is to move to."""
    layout, here = Layout(), tmp_path / "new.db"
    if request.param.startswith("sqlite"):
        old, new = moulds.sqlite(layout, tmp_path), postgres_server.create()
    else:
        old, new = moulds.postgres(layout, postgres_server), f"sqlite:///{here}"
    yield Programme(tmp_path, old), Programme(tmp_path, new)

    postgres_server.drop(new if request.param.startswith("sqlite") else old)


@pytest.fixture
def from_server(
    moulds: Moulds, tmp_path: Path, postgres_server: Server
) -> Iterator[tuple[Programme, Programme]]:
    """The same from PostgreSQL into a file."""
    old = moulds.postgres(Layout(), postgres_server)
    yield Programme(tmp_path, old), Programme(tmp_path, f"sqlite:///{tmp_path / 'new.db'}")

    postgres_server.drop(old)


def custody_of(programme: Programme) -> Custody | None:
    database = Database(programme.url)
    try:
        if not database.exists():
            return None
        with database.read() as connection:
            move = newest_move(connection)
        return move.state if move else None
    finally:
        database.close()


def reached(programme: Programme, state: Custody) -> Callable[[], bool]:
    def true() -> bool:
        try:
            return custody_of(programme) is state
        except SQLAlchemyError:  # its tables are being made
            return False

    return true


def fingerprint_of(programme: Programme) -> str:
    database = Database(programme.url)
    try:
        found = verify(database)
    finally:
        database.close()
    assert found.whole, found.sentence
    return found.fingerprint


def test_killed_at_random_points_a_move_goes_on_and_nobody_is_told_twice(
    laid_out, tell: Any, chance: Any, tmp_path
):
    old, new = laid_out
    kills = 0
    with SmtpServer(folder=tmp_path) as server:
        old.mail_to(server)
        new.mail_to(server)
        done = old.run("deliver", "--json", "--as-of", NOW)
        assert done.said["sent"] == 200, done.err
        before = fingerprint_of(old)
        for attempt in range(KILLS):
            child = old.start("migrate-to", new.url, "--json")
            if attempt == 0:
                wait_until(reached(old, Custody.LEAVING), child)
                time.sleep(chance.uniform(0.0, 0.3))
            else:
                time.sleep(chance.uniform(0.4, 1.4))
            kills += kill(child)
            # Whatever was reached, the old one is not used any more.
            assert custody_of(old) in {Custody.LEAVING, Custody.LEFT}
        moved = old.run("migrate-to", new.url, "--json")
        assert moved.code == 0, moved.err
        assert moved.said["fingerprint"] == before == fingerprint_of(new)
        assert custody_of(old) is Custody.LEFT
        for refused in (old.sweep(LATER), old.deliver(LATER)):
            assert refused.code == 1
            assert "has moved to" in refused.sentence
        new.sweep(NOW)
        new.deliver_until_quiet(NOW)
        found = ledger(server)
    tell("move killed at random points", new, found, kills=kills)
    assert found.clean


def test_begun_while_somebody_delivers_it_waits_and_the_rest_leaves_from_the_new_one(
    from_server, tell: Any, tmp_path
):
    old, new = from_server
    with SmtpServer(folder=tmp_path, latency=0.004) as server:
        old.mail_to(server, batch=10)
        new.mail_to(server)
        worker = old.start_deliver()
        wait_until(lambda: old.count("messages", "status = 'sent'") > 0, worker)
        moved = old.run("migrate-to", new.url, "--json")
        assert moved.code == 0, moved.err
        stopped = ended(worker)
        new.deliver_until_quiet(NOW)
        found = ledger(server)
    tell(
        "move begun while another delivers", new, found,
        note="the deliverer had ended" if stopped.code == 0 else "the deliverer stopped by itself",
    )  # fmt: skip
    assert stopped.code == 0 or "This record" in stopped.sentence, stopped.err
    assert found.clean
