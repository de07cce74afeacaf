"""What machines that watch are told when something is not as it should be."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from config.settings import Settings
from config.wiring import build
from engine.store.schema import upgrade
from web.serve import Face, address, listen
from web.strangers import strangers_app
from workflows.service import Service

START = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


class Hands:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def service(tmp_path: Path, sqlite_url: str, clock: Hands) -> Iterator[Service]:
    """Not started: its stories run when a test tells them."""
    settings = Settings(database_url=sqlite_url, data_folder=tmp_path)
    services = build(settings, clock=clock)
    upgrade(services.database)
    yield Service(services, tmp_path / "prefect")
    services.database.close()


@pytest.fixture
def client(service: Service) -> Iterator[httpx.Client]:
    with listen("127.0.0.1", 0) as listener:
        face = Face(strangers_app(service), listener)
        face.start()
        with httpx.Client(base_url=address(listener), timeout=60) as made:
            yield made
        face.stop(5)


def test_it_is_ready_without_prefect_and_says_that_it_is_without(client, service):
    service.run("sweep")
    service.run("deliver")
    answer = client.get("/readyz")

    assert answer.status_code == 200
    found = answer.json()
    assert found["ready"]
    assert found["sweep"] == {"last_at": START.isoformat(), "state": "runs"}
    assert found["deliver"]["mail"] == "no mail server is set"
    assert found["orchestration"]["phase"] == "off"
    assert found["orchestration"]["reason"]
    assert found["orchestration"]["direct"] == 2


def test_it_is_not_ready_when_sweeps_have_ceased(client, service, clock):
    service.run("sweep")
    clock.at += timedelta(minutes=14)
    assert client.get("/readyz").status_code == 200
    clock.at += timedelta(minutes=10)
    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["sweep"]["state"] == "none has ended for 24 minutes"


def test_it_is_not_ready_when_the_database_does_not_answer(client, service, tmp_path):
    service.services.database.close()
    (tmp_path / "alkawari.db").write_bytes(b"this is no database any more" * 200)
    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["database"].startswith("does not answer")
    assert client.get("/healthz").status_code == 200


def test_it_is_not_ready_when_the_last_sweep_failed(client, service, tmp_path):
    service.services.database.close()
    (tmp_path / "alkawari.db").rename(tmp_path / "elsewhere.db")
    with pytest.raises(Exception, match="no such table"):
        service.run("sweep")
    service.services.database.close()
    for left in tmp_path.glob("alkawari.db*"):
        left.unlink()
    (tmp_path / "elsewhere.db").rename(tmp_path / "alkawari.db")
    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["sweep"]["state"].startswith("the last one failed (OperationalError)")
    assert service.runs[0].error == "OperationalError"


def test_a_probe_that_asks_for_headers_only_is_answered(client):
    assert client.head("/healthz").status_code == 200
    assert client.head("/readyz").status_code == 200


def test_every_address_but_the_probes_is_the_same_to_strangers(client):
    statuses = {"GET": 303, "POST": 401, "PUT": 405, "PATCH": 405, "DELETE": 405}
    for method, status in statuses.items():
        for path in ("/", "/actions/SAA-01", "/docs", "/openapi.json", "/nothing/at/all"):
            answer = client.request(method, path)
            assert answer.status_code == status
            assert answer.headers.get("location", "/sign-in") == "/sign-in"
            assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        keyed = client.request(method, "/api/v1/actions")
        assert keyed.status_code in {401, 405}
        assert "SAA" not in keyed.text
