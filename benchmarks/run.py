"""Runs the benchmarks named on the command line, or all of them, and prints one table."""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import curves
import ground
import mailing
import memory
import month
import pages
import rehearsing
import sides
import sizes
import starting
import storm
import sweeping
from goals import compared
from measure import Fact, Row, machine, table
from plenty import Size


def sweep(options: argparse.Namespace) -> Iterator[Row]:
    """The sweep on SQLite."""
    with ground.files() as files:
        yield from sweeping.rows(files, options.total, options.due, options.runs)


def sweep_postgres(options: argparse.Namespace) -> Iterator[Row]:
    """The sweep on PostgreSQL."""
    with ground.cluster() as cluster:
        if cluster is not None:
            yield from sweeping.rows(cluster, options.total, options.due, options.runs)


def remind(options: argparse.Namespace) -> Iterator[Row]:
    """A reminder run with bundled mails, whole processes."""
    size = Size(actions=10_000 // options.smaller, people=200 // options.smaller)
    with ground.files() as files:
        yield from mailing.reminder_run(files, size, size.actions // 10, options.runs, 1)


def remind_each(options: argparse.Namespace) -> Iterator[Row]:
    """Everybody has one thing due: as many mails as actions."""
    people = 10_000 // options.smaller
    size = Size(actions=people, people=people)
    with ground.files() as files:
        yield from mailing.reminder_run(files, size, people, options.runs, 2)


def deliver(options: argparse.Namespace) -> Iterator[Row]:
    """The mailer alone."""
    yield from mailing.delivery(10_000 // options.smaller, options.runs)


def status(options: argparse.Namespace) -> Iterator[Row]:
    """`alkawari status`, a whole process."""
    for each in _grounds():
        for total in (100_000, options.total):
            yield from starting.status(each, total // options.smaller, options.runs)


def take_in(options: argparse.Namespace) -> Iterator[Row]:
    """`alkawari import`, a whole process."""
    counts = [count // options.smaller for count in (10_000, 100_000, 300_000)]
    for each in _grounds():
        yield from starting.take_in(each, counts, min(options.runs, 3))


def up(options: argparse.Namespace) -> Iterator[Fact]:
    """The memory of `alkawari up`."""
    with ground.files() as files:
        yield from memory.up(files, options.total, options.due)


def row_sizes(options: argparse.Namespace) -> Iterator[Fact]:
    """Bytes a row on PostgreSQL."""
    with ground.cluster() as cluster:
        if cluster is not None:
            yield from sizes.bytes_a_row(cluster, 50_000 // options.smaller, 2_000)


def cost(options: argparse.Namespace) -> Iterator[Row]:
    """What the size costs; draws the picture."""
    totals = [total // options.smaller for total in (10_000, 100_000, 1_000_000)]
    with ground.files() as files:
        yield from curves.against_size(files, totals, 1_000)


def several(options: argparse.Namespace) -> Iterator[Row]:
    """One, two and four sweeps, and deliveries, at once."""
    people = 4_000 // options.smaller
    for place in _grounds():
        yield from sweeping.several(place, options.total, options.due, options.runs)
        yield from mailing.several(place, Size(actions=people, people=people), options.runs)


def _grounds() -> Iterator[ground.Ground]:
    """SQLite, then PostgreSQL where there is one."""
    with ground.files() as files:
        yield files
    with ground.cluster() as cluster:
        if cluster is not None:
            yield cluster


def rehearse(options: argparse.Namespace) -> Iterator[Row]:
    """A year played forward."""
    for actions, people in ((10_000, 200), (100_000, 2_000)):
        size = Size(actions=actions // options.smaller, people=people // options.smaller)
        with ground.files() as files:
            yield from rehearsing.year(files, size, 1)


def agree(options: argparse.Namespace) -> Iterator[Row]:
    """Rehearsal and reality, half year by half year."""
    yield from rehearsing.agreement(20 // options.smaller)


def a_month(_options: argparse.Namespace) -> Iterator[Row]:
    """A month of the sample programme, and who was told what when."""
    yield from month.month()


def of_pages(options: argparse.Namespace) -> Iterator[Row]:
    """The web face under load."""
    total, seconds = 100_000 // options.smaller, 60 // options.smaller
    with ground.files() as files:
        yield from pages.under_load(files, total, seconds)
    with ground.cluster() as cluster:
        if cluster is not None:
            yield from pages.under_load(cluster, total, seconds)


def fairness(_options: argparse.Namespace) -> Iterator[Row]:
    """Half a year of the sample programme, per side."""
    yield from sides.rows()


BENCHMARKS: dict[str, Callable[[argparse.Namespace], Iterator[Row | Fact]]] = {
    "sweep": sweep,
    "sweep-postgres": sweep_postgres,
    "remind": remind,
    "remind-each": remind_each,
    "deliver": deliver,
    "several": several,
    "status": status,
    "import": take_in,
    "memory": up,
    "rehearse": rehearse,
    "agree": agree,
    "fairness": fairness,
    "pages": of_pages,
    "sizes": row_sizes,
    "cost": cost,
    "month": a_month,
}
DESIGN = ("remind", "remind-each", "sweep", "sweep-postgres", "deliver", "status", "import",
          "memory", "pages")  # fmt: skip
"""What `design` stands for: the figures of section 12, in its order."""


def main() -> None:
    if sys.argv[1:2] == ["storm"]:  # it measures nothing, and has options of its own
        storm.main(sys.argv[2:])
    parser = argparse.ArgumentParser(description="Measures Alkawari beside what it is compared to.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"design, {', '.join(BENCHMARKS)}")
    parser.add_argument("--total", type=int, default=1_000_000, help="actions in the sweep's table")
    parser.add_argument("--due", type=int, default=10_000, help="of which so many are due")
    parser.add_argument("--runs", type=int, default=5, help="runs of each contender")
    parser.add_argument("--quick", action="store_true", help="a tenth of the size, two runs")
    options = parser.parse_args()
    names = [
        one for name in options.names for one in (DESIGN if name == "design" else (name,))
    ] or list(BENCHMARKS)
    if unknown := set(names) - BENCHMARKS.keys():
        parser.error(f"there is no benchmark {min(unknown)}; there are {', '.join(BENCHMARKS)}")
    if options.quick:
        options.total, options.due, options.runs = 20_000, 1_000, 2
    options.smaller = 10 if options.quick else 1

    rows: list[Row | Fact] = []
    before = machine()
    try:
        for name in names:
            print(name, file=sys.stderr)
            # One by one, so that what was measured is shown even if a later one fails.
            rows.extend(row for row in BENCHMARKS[name](options))
    finally:
        print(f"Before: {before}. After: {machine()}.\n\n{table(rows)}\n\n{compared(rows)}")


if __name__ == "__main__":
    main()
