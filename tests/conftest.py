"""What every test stands on: a clean environment, no outside world, real databases, a browser."""

import ipaddress
import os
import socket
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

pytest_plugins = ["browser", "imap_server", "postgres"]

ROOT = Path(__file__).resolve().parent.parent
IN_CI = os.environ.get("CI", "").lower() not in {"", "0", "false"}
NEEDED_IN_CI = ("browser", "imap", "postgres", "prefect")
SHARED_DATA = Path(os.environ.get("ALKAWARI_SHARED_DATA") or ROOT.parent / "shared" / "data")
INHERITED = tuple(
    name
    for name in os.environ
    if name.startswith(("ALKAWARI_", "PREFECT_")) or name.upper().endswith("_PROXY")
)

# A deadline would be a timed assert; what CI finds must be found again by the next run.
hypothesis.settings.register_profile("alkawari", deadline=None, derandomize=IN_CI)
hypothesis.settings.load_profile("alkawari")


class OutsideWorld(OSError):
    """A test tried to leave this machine; an OSError, so that sockets are closed as ever."""


_attempts_outside: list[str] = []


def _is_here(host: str) -> bool:
    if host in {"", "localhost"}:
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _stay_here(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        return
    origin, address = arguments[:2]
    if origin.family not in {socket.AF_INET, socket.AF_INET6} or address is None:
        return
    if not _is_here(str(address[0])):
        _attempts_outside.append(f"{address[0]}:{address[1]}")
        raise OutsideWorld(f"Tests stay on this machine; refused: {_attempts_outside[-1]}.")


# An audit hook also sees what asyncio and third-party packages connect to. It cannot be removed.
sys.addaudithook(_stay_here)


@pytest.fixture(autouse=True)
def attempts_outside() -> Iterator[list[str]]:
    """
    Addresses off this machine that the test tried to reach, as `host:port`.

    Each attempt is refused where it is made; a test that swallows the refusal fails all the same.
    """
    _attempts_outside.clear()
    yield _attempts_outside

    assert not _attempts_outside, "the test tried to leave this machine"


@pytest.fixture(autouse=True, scope="session")
def clean_environment() -> Iterator[None]:
    """No setting, proxy or Prefect profile of the person who runs the tests reaches them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in INHERITED:
            patch.delenv(name, raising=False)
        yield


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of an SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'alkawari.db'}"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database; the test runs once on SQLite and once on PostgreSQL."""
    url: str = request.getfixturevalue(
        "sqlite_url" if request.param == "sqlite" else "postgres_url"
    )
    return url


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the real plans that are kept outside the repository."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"there is no folder {SHARED_DATA}: set ALKAWARI_SHARED_DATA")
    return SHARED_DATA


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses PostgreSQL, Dovecot or the browser: `-m "not postgres"` leaves it out."""
    for item in items:
        used = set(getattr(item, "fixturenames", ()))
        if used & {"postgres_server", "postgres_url"}:
            item.add_marker("postgres")
        if used & {"browser", "page"}:
            item.add_marker("browser")
        if "imap_server" in used:
            item.add_marker("imap")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a test of a real database, browser or orchestrator runs: skipping it is a failure."""
    report = yield
    needed = [name for name in NEEDED_IN_CI if item.get_closest_marker(name)]
    if IN_CI and needed and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and CI must run what is marked {needed}: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """In CI no file of tests steps aside as a whole: its marks cannot be seen from here."""
    report = yield
    if IN_CI and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped as a whole, and CI must run every file: {report.longrepr}"
    return report
