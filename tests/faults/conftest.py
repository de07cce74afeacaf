"""What tests of faults stand on: a copied programme, and a table of what came of each fault."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

import pytest
from crash_points import NOW, SEED, Layout, Ledger, Line, Moulds, Programme, dice, ledger
from smtp_server import SmtpServer

COLUMNS = ("fault", "database", "of", "kills", "never", "twice", "repeated", "note")
HEADINGS = ("fault", "database", "people", "kills", "never told", "told twice", "same letter again",
            "note")  # fmt: skip

LayOut = Callable[..., Programme]
Tell = Callable[..., None]


@pytest.fixture(scope="session")
def moulds(tmp_path_factory: pytest.TempPathFactory) -> Moulds:
    return Moulds(tmp_path_factory.mktemp("moulds"))


@pytest.fixture
def on_sqlite(moulds: Moulds, tmp_path: Path) -> LayOut:
    """Makes a programme on SQLite; its arguments are those of `Layout`."""

    def make(**layout: Any) -> Programme:
        return Programme(tmp_path, moulds.sqlite(Layout(**layout), tmp_path))

    return make


@pytest.fixture
def on_postgres(moulds: Moulds, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[LayOut]:
    """Makes a programme on PostgreSQL, gone after the test."""
    server = request.getfixturevalue("postgres_server")
    made: list[str] = []

    def make(**layout: Any) -> Programme:
        made.append(moulds.postgres(Layout(**layout), server))
        return Programme(tmp_path, made[-1])

    yield make

    for url in made:
        server.drop(url)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def lay_out(request: pytest.FixtureRequest) -> LayOut:
    """Makes a programme; the test runs once on SQLite and once on PostgreSQL."""
    made: LayOut = request.getfixturevalue(
        "on_sqlite" if request.param == "sqlite" else "on_postgres"
    )
    return made


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> Random:
    """Chance that can be thrown again: ALKAWARI_FAULT_SEED and the test's name decide."""
    return dice(request.node.name)


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Tell:
    """Puts a line into the table that is printed at the end."""

    def write(
        fault: str, programme: Programme, found: Ledger, *, kills: int = 0, note: str = ""
    ) -> None:
        line = Line(
            fault=fault,
            database="SQLite" if programme.sqlite else "PostgreSQL",
            kills=kills,
            never=found.never,
            twice=found.twice,
            repeated=found.repeated,
            of=found.expected,
            note=note,
        )
        print(f"{line} seed {SEED}")
        request.node.user_properties.append(("fault", json.dumps(asdict(line))))

    return write


@pytest.fixture
def told_in_the_end(tmp_path: Path) -> Callable[..., Ledger]:
    """Delivers what waits to a mail server without faults, and reads what arrived there."""

    def read(programme: Programme, at: str = NOW) -> Ledger:
        with SmtpServer(folder=tmp_path) as server:
            programme.mail_to(server)
            programme.deliver_until_quiet(at)
            return ledger(server)

    return read


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table; `user_properties` reach this process from every worker of pytest-xdist."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    lines = [
        json.loads(value)
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in report.user_properties
        if name == "fault"
    ]
    if not lines:
        return
    rows = [[str(line[name]) for name in COLUMNS] for line in lines]
    widths = [max(len(row[i]) for row in [list(HEADINGS), *rows]) for i in range(len(HEADINGS))]
    terminalreporter.section("faults")
    for row in [list(HEADINGS), *rows]:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        terminalreporter.write_line("  ".join(cells).rstrip())
    kills = sum(line["kills"] for line in lines)
    terminalreporter.write_line(
        f"{kills} kills -9; never told {sum(line['never'] for line in lines)}, told twice "
        f"{sum(line['twice'] for line in lines)}, same letter again "
        f"{sum(line['repeated'] for line in lines)}; ALKAWARI_FAULT_SEED={SEED}"
    )
