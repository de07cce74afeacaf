"""The network between a worker and its database: silent, cut, or back again."""

import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime

import pytest
from crash_points import (
    NOW,
    PEOPLE,
    Programme,
    copies_are_equal,
    ended,
    ledger,
    locked_elsewhere,
    taken,
    wait_until,
)
from program import eventually
from smtp_server import SmtpServer
from sqlalchemy import make_url
from wire import Wire

from engine.clock import FixedClock
from engine.store.database import UNHEARD_S, Database
from workflows.service import Service

pytestmark = pytest.mark.postgres

STALLED_FOR_S = 1


@pytest.fixture
def wire(postgres_server) -> Iterator[Wire]:
    """A wire to the tests' PostgreSQL."""
    with Wire(postgres_server.url.port, host=postgres_server.url.host) as whole:
        yield whole


def over(wire: Wire, programme: Programme) -> Programme:
    """The same programme, reached over the wire."""
    url = make_url(programme.url).set(host="127.0.0.1", port=wire.port)
    return Programme(
        programme.folder, url.render_as_string(hide_password=False), settings=programme.settings
    )


def one_sentence(child: "subprocess.Popen[str]") -> str:
    """How a command was refused that lost its database."""
    ran = ended(child)
    assert ran.code == 1
    assert "Traceback" not in ran.err
    assert ran.sentence.endswith(".")
    return ran.sentence


def alone(programme: Programme) -> None:
    """Wait until the server has noticed that whoever was cut off is gone."""
    others = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
    )
    eventually(lambda: programme.ask(others) == [(0,)])


def test_a_delivery_whose_network_stalls_and_is_cut_ends_and_nothing_is_lost_or_doubled(
    on_postgres, tell, tmp_path, wire
):
    programme = on_postgres()
    with SmtpServer(folder=tmp_path, latency=0.002) as server:
        programme.mail_to(server, lease_s=1, batch=20)
        wired = over(wire, programme)
        child = wired.start_deliver()
        wait_until(lambda: taken(server) >= PEOPLE // 4, child)
        wire.stall()
        # Another worker goes on meanwhile, with what the silent one holds as well.
        programme.deliver_until_quiet()
        assert child.poll() is None, "it waits: it cannot know yet that nobody hears it"
        wire.drop()
        one_sentence(child)
        alone(programme)
        wire.heal()
        wired.deliver_until_quiet()
        found = ledger(server)
        tell("network stalls, is cut, heals: deliver", programme, found)

        assert (found.never, found.twice) == (0, 0)
        assert found.repeated <= 1
        assert copies_are_equal(server)
    assert programme.statuses() == {"sent": PEOPLE}


def test_a_delivery_whose_network_stalls_and_comes_back_goes_on(on_postgres, tell, tmp_path, wire):
    programme = on_postgres()
    with SmtpServer(folder=tmp_path, latency=0.002) as server:
        programme.mail_to(server)
        child = over(wire, programme).start_deliver()
        for share in (PEOPLE // 4, PEOPLE // 2):
            wait_until(lambda share=share: taken(server) >= share, child)
            wire.stall()
            time.sleep(STALLED_FOR_S)  # how long the fault lasts
            wire.resume()
        ran = ended(child)
        found = ledger(server)
        tell("network stalls and comes back: deliver", programme, found)

        assert ran.code == 0, ran.err
        assert found.clean
    assert programme.statuses() == {"sent": PEOPLE}


def test_a_sweep_whose_network_is_cut_within_its_transaction_leaves_nothing_by_halves(
    on_postgres, tell, told_in_the_end, wire
):
    programme = on_postgres(each=5, swept=False)
    waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    with locked_elsewhere(programme.url):
        child = over(wire, programme).start("sweep", "--json", "--as-of", NOW)
        wait_until(lambda: programme.ask(waits)[0][0] > 0, child)
        wire.stall()
        wire.drop()
        one_sentence(child)
    alone(programme)
    assert programme.sweep().said["notices"] == PEOPLE * 5
    assert programme.count("events", "kind = 'notified'") == PEOPLE * 5
    found = told_in_the_end(programme)
    tell("network cut within a sweep", programme, found)
    assert found.clean


def test_a_service_says_in_one_sentence_that_its_database_is_away_and_goes_on(
    on_postgres, wire, tmp_path, caplog
):
    programme = on_postgres(swept=False)
    now = datetime.fromisoformat(NOW)
    with over(wire, programme).opened() as services:
        service = Service(services.at(FixedClock(now)), tmp_path / "prefect")
        wire.drop()
        service.told("sweep")
        [said] = [record for record in caplog.records if record.name == "alkawari.service"]
        assert said.exc_info is None
        assert "The database does not answer" in said.getMessage()
        assert service.last("sweep").error
        wire.heal()
        service.told("sweep")
        service.stop()
    assert programme.count("notices") == PEOPLE


def test_a_database_that_is_not_heard_of_is_given_up_after_a_minute(on_postgres):
    database = Database(on_postgres(people=2).url)
    with database.read() as connection:
        descriptor = connection.connection.dbapi_connection.fileno()
        at_the_server = connection.exec_driver_sql("SHOW tcp_user_timeout").scalar()
        with socket.socket(fileno=descriptor) as kept:
            option = lambda name: kept.getsockopt(socket.IPPROTO_TCP, name)  # noqa: E731
            given_up_s = option(socket.TCP_USER_TIMEOUT) / 1000
            probed_s = option(socket.TCP_KEEPIDLE) + option(socket.TCP_KEEPCNT) * option(
                socket.TCP_KEEPINTVL
            )
            kept.detach()
    database.close()
    assert given_up_s == UNHEARD_S
    assert probed_s <= UNHEARD_S
    assert at_the_server == str(UNHEARD_S * 1000)
