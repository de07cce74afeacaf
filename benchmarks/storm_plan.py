"""What a storm rages over: a plan in files, and who must hear of what, reckoned from it alone."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

# Refs in one import; a chunk of the plan is its own spreadsheet, handed in while it storms.
COLUMNS = ("ref", "dialogue", "timezone", "rest_days", "action", "responsible",
           "responsible_email", "verifier", "coordinator_email", "due")  # fmt: skip
TOWNS = 20
EACH = 2
"""Things due for each person: one reminder to answer, one courtesy; they share a message."""

LATE_DAYS = (3, 4, 5, 6)
"""After the due date, in dialogues without rest days: R1 is reached, and R2 not for days yet."""

EARLY_DAYS = (7, 8, 9)
"""Before it: P1 is reached, and P2 not for days yet."""


@dataclass(frozen=True, slots=True)
class Due:
    """One thing that one person must be told, once: the reckoning knows nothing of our rules."""

    address: str
    ref: str
    reminder: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How much there is: `due` things of `actions`, EACH for a person, in so many chunks."""

    actions: int
    due: int
    chunks: int
    today: date

    @property
    def people(self) -> int:
        return self.due // EACH

    @property
    def numbers(self) -> Sequence[range]:
        """The people of each chunk."""
        size = -(-self.people // self.chunks)
        return [
            range(first, min(first + size, self.people + 1))
            for first in range(1, self.people + 1, size)
        ]


def address(person: int) -> str:
    """Where a person is written to."""
    return f"p{person}@parties.example"


def expected(shape: Shape) -> frozenset[Due]:
    """Everything that must be said, and to whom."""
    everybody = range(1, shape.people + 1)
    return frozenset(due for person in everybody for due, _ in things(person, shape.today))


def things(person: int, today: date) -> Iterator[tuple[Due, date]]:
    """What one person has due, with its day."""
    late = timedelta(days=LATE_DAYS[person % len(LATE_DAYS)])
    early = timedelta(days=EARLY_DAYS[person % len(EARLY_DAYS)])
    yield Due(address(person), f"S{_town(person)}-{person}", reminder=True), today - late
    yield Due(address(person), f"S{_town(person)}-{person}E", reminder=False), today + early


def write_background(shape: Shape, path: Path) -> None:
    """The actions that have nothing due for months."""
    count = shape.actions - shape.due
    far = [shape.today + timedelta(days=100 + number % 300) for number in range(count)]
    rows = ((1 + n % shape.people, f"B{1 + n % TOWNS}-{n + 1}", day) for n, day in enumerate(far))
    _write(path, rows)


def write_chunk(shape: Shape, chunk: int, path: Path) -> None:
    """What falls due with that chunk."""
    _write(
        path,
        (
            (person, due.ref, day)
            for person in shape.numbers[chunk]
            for due, day in things(person, shape.today)
        ),
    )


def _town(person: int) -> int:
    return 1 + person % TOWNS


def _write(path: Path, rows: Iterable[tuple[int, str, date]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for person, ref, due_on in rows:
            town = _town(person)
            writer.writerow([
                ref, f"Storm Town {town}", "UTC", "none", f"Step {ref}", f"Party {person}",
                address(person), "Town hall", f"c{town}@hall.example", due_on.isoformat(),
            ])  # fmt: skip
