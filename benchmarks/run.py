"""Runs the benchmarks named on the command line, or all of them, and prints one table."""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import ground
import mailing
import month
import pages
import rehearsing
import sides
import starting
import sweeping
from measure import Row, machine, table
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
    with ground.files() as files:
        yield from starting.status(files, 100_000 // options.smaller, options.runs)


def take_in(options: argparse.Namespace) -> Iterator[Row]:
    """`alkawari import`, a whole process."""
    with ground.files() as files:
        yield from starting.take_in(files, 100_000 // options.smaller, options.runs)


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


BENCHMARKS: dict[str, Callable[[argparse.Namespace], Iterator[Row]]] = {
    "sweep": sweep,
    "sweep-postgres": sweep_postgres,
    "remind": remind,
    "remind-each": remind_each,
    "deliver": deliver,
    "status": status,
    "import": take_in,
    "rehearse": rehearse,
    "agree": agree,
    "fairness": fairness,
    "pages": of_pages,
    "month": a_month,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures Alkawari beside what it is compared to.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--total", type=int, default=1_000_000, help="actions in the sweep's table")
    parser.add_argument("--due", type=int, default=10_000, help="of which so many are due")
    parser.add_argument("--runs", type=int, default=5, help="runs of each contender")
    parser.add_argument("--quick", action="store_true", help="small sizes: under a minute")
    options = parser.parse_args()
    if unknown := set(options.names) - BENCHMARKS.keys():
        parser.error(f"there is no benchmark {min(unknown)}; there are {', '.join(BENCHMARKS)}")
    if options.quick:
        options.total, options.due, options.runs = 20_000, 1_000, 2
    options.smaller = 10 if options.quick else 1

    rows: list[Row] = []
    before = machine()
    try:
        for name in options.names or BENCHMARKS:
            print(name, file=sys.stderr)
            # One by one, so that what was measured is shown even if a later one fails.
            rows.extend(row for row in BENCHMARKS[name](options))
    finally:
        print(f"Before: {before}. After: {machine()}.\n\n{table(rows)}")


if __name__ == "__main__":
    main()
