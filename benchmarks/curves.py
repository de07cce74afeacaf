"""What the size of a programme costs: sweeps, counts and the list, at each size once."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter

import httpx
import pages
from ground import Files
from matplotlib.figure import Figure
from measure import ALKAWARI, ROOT, Process, Row, Sample, timed
from plenty import NOW, Size, fill, make_due
from sqlalchemy import insert

from config.settings import Settings
from config.wiring import build
from engine.party import Role
from engine.store.database import Database
from engine.store.tables import roles
from workflows.sweep import sweep, sweep_batch

PICTURE = ROOT / "docs" / "cost-against-size.svg"
RUNS = 5


def against_size(files: Files, sizes: Sequence[int], due: int) -> Iterator[Row]:
    """Four costs at each size; at the end the picture of them."""
    found: dict[str, list[float]] = {}
    for total in sizes:
        url = _filled(files, total)
        for what, samples in _costs(files, url, total, min(due, total // 10)):
            row = Row(figure=f"cost at {total:,} actions", what=what, samples=samples)
            found.setdefault(what, []).append(row.median_s)
            yield row
        files.drop(url)
    _draw(PICTURE, sizes, found)


def _filled(files: Files, total: int) -> str:
    url, size = files.new(), Size(actions=total)
    database = Database(url)
    fill(database, size)
    with database.write() as connection:
        manager = {"person_id": size.people + 1, "role": Role.MANAGER, "dialogue_id": None}
        connection.execute(insert(roles), [manager])
    database.close()
    return url


def _costs(
    files: Files, url: str, total: int, due: int
) -> Iterator[tuple[str, tuple[Sample, ...]]]:
    services = build(Settings(database_url=url))
    sweep_batch(services, NOW)
    nothing = tuple(timed(lambda: sweep_batch(services, NOW)) for _ in range(20))
    services.database.close()
    yield "sweep, nothing due", nothing
    yield "sweep, 1,000 due", tuple(_swept(files, url, total, due) for _ in range(RUNS))
    process = Process(environment={"ALKAWARI_DATABASE_URL": url})
    process.run(ALKAWARI, "status", pages.AT, "--json")
    yield (
        "`alkawari status`, whole process",
        tuple(process.run(ALKAWARI, "status", pages.AT, "--json") for _ in range(RUNS)),
    )
    yield "page of the list", tuple(_listed(url))


def _swept(files: Files, url: str, total: int, due: int) -> Sample:
    copy = files.copy(url)
    database = Database(copy)
    make_due(database, Size(actions=total), due)
    database.close()
    services = build(Settings(database_url=copy))
    sample = timed(lambda: sweep(services, NOW))
    services.database.close()
    files.drop(copy)
    return sample


def _listed(url: str) -> list[Sample]:
    took = []
    with subprocess.Popen(
        [sys.executable, pages.__file__, url],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None  # noqa: S101 - asked for above
        base, link, *_others = server.stdout.readline().split()
        with httpx.Client(base_url=base, timeout=60) as client:
            client.post(link)
            client.get("/actions").raise_for_status()
            for _ in range(20):
                began = perf_counter()
                client.get("/actions").raise_for_status()
                took.append(Sample(wall_s=perf_counter() - began))
        server.communicate("", timeout=20)
    return took


def _draw(path: Path, sizes: Sequence[int], found: dict[str, list[float]]) -> None:
    """The picture in the documentation; both axes by powers of ten."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for (what, seconds), mark in zip(found.items(), "osD^", strict=False):
        axes.loglog(sizes, [second * 1000 for second in seconds], marker=mark, label=what)
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    axes.set_xlabel("actions")
    axes.set_ylabel("median, in milliseconds")
    axes.grid(visible=True, which="major", alpha=0.3)
    figure.legend(loc="outside upper center", ncols=2, fontsize="small")  # clear of every point
    figure.savefig(path, metadata={"Date": None})
