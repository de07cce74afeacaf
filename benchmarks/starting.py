"""Commands as whole processes: counting what there is, and taking in a plan."""

import csv
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from ground import Ground
from measure import ALKAWARI, Process, Row, Sample, in_turn
from plenty import NOW, Size, fill, make_due

from engine.store.database import Database
from engine.store.schema import upgrade

AT = f"--as-of={NOW.isoformat()}"


def status(ground: Ground, total: int, runs: int) -> Iterator[Row]:
    """`alkawari status` beside the start of Python with the same libraries."""
    url = ground.new()
    database = Database(url)
    size = Size(actions=total)
    fill(database, size)
    make_due(database, size, total // 10)
    database.close()
    process = Process(environment={"ALKAWARI_DATABASE_URL": url})

    def counted() -> Sample:
        sample = process.run(ALKAWARI, "status", AT, "--json")
        if json.loads(process.said)["total"] != total:
            raise RuntimeError(f"status counts {process.said}")
        return sample

    dialect = "sqlite" if ground.name == "SQLite" else "postgresql.psycopg"
    libraries = f"import sqlalchemy, sqlalchemy.dialects.{dialect}, typer, pydantic.main"
    found = in_turn(
        runs,
        {"start": lambda: process.run(sys.executable, "-c", libraries), "status": counted},
    )
    ground.drop(url)
    figure = f"status of {total:,} actions ({ground.name})"
    start = Row(figure=figure, what="Python, SQLAlchemy, Typer, pydantic", samples=found["start"])
    yield start
    yield Row(
        figure=figure, what="alkawari status", samples=found["status"], reference=start,
    )  # fmt: skip


def take_in(ground: Ground, counts: Sequence[int], runs: int) -> Iterator[Row]:
    """`alkawari import` of plans of several sizes: does memory grow?"""
    with tempfile.TemporaryDirectory(prefix="plans-") as folder:
        for count in counts:
            plan = Path(folder) / f"plan-{count}.csv"
            _write_plan(plan, count)
            found = in_turn(
                runs, {"import": lambda plan=plan, count=count: _taken(ground, plan, count)}
            )
            yield Row(
                figure=f"import ({ground.name})", what=f"alkawari import, {count:,} rows",
                samples=found["import"], items=count,
            )  # fmt: skip


def _taken(ground: Ground, plan: Path, count: int) -> Sample:
    url = ground.new()
    database = Database(url)
    upgrade(database)
    database.close()
    process = Process(environment={"ALKAWARI_DATABASE_URL": url}, memory=True)
    sample = process.run(ALKAWARI, "import", plan, AT, "--json")
    if json.loads(process.said)["created"] != count:
        raise RuntimeError(f"import says {process.said}")
    ground.drop(url)
    return sample


def _write_plan(path: Path, count: int) -> None:
    names = ("ref", "dialogue", "country", "timezone", "language", "commitment", "action",
             "responsible", "responsible_email", "verifier", "coordinator_email", "due",
             "state")  # fmt: skip
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for n in range(count):
            place, party = n % 20, n % 400
            writer.writerow((
                f"ACT-{n}", f"Locality {place}", "BF", "Africa/Ouagadougou", "fr",
                f"The street is safe after dark ({n // 5})", f"Repair the lamp number {n}",
                f"Party {party}", f"post-{party}@post.example", f"Town hall {place}",
                f"desk-{place}@post.example", f"2027-{1 + n % 12:02}-{1 + n % 28:02}",
                "in_progress" if n % 3 else "agreed",
            ))  # fmt: skip
