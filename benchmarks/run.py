"""Runs the benchmarks named on the command line, or all of them, and prints one table."""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import ground
import sweeping
from measure import Row, machine, table


def sweep(options: argparse.Namespace) -> Iterator[Row]:
    """The sweep on SQLite."""
    with ground.files() as files:
        yield from sweeping.rows(files, options.total, options.due, options.runs)


def sweep_postgres(options: argparse.Namespace) -> Iterator[Row]:
    """The sweep on PostgreSQL."""
    with ground.cluster() as cluster:
        if cluster is not None:
            yield from sweeping.rows(cluster, options.total, options.due, options.runs)


BENCHMARKS: dict[str, Callable[[argparse.Namespace], Iterator[Row]]] = {
    "sweep": sweep,
    "sweep-postgres": sweep_postgres,
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
        options.total, options.due, options.runs = 50_000, 2_000, 3

    rows: list[Row] = []
    before = machine()
    for name in options.names or BENCHMARKS:
        print(name, file=sys.stderr)
        rows += BENCHMARKS[name](options)
    print(f"Before: {before}. After: {machine()}.\n\n{table(rows)}")


if __name__ == "__main__":
    main()
