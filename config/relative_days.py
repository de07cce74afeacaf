"""Days counted from the start of a demonstration, so that a sample is always fresh."""

from dataclasses import dataclass
from datetime import date, timedelta

from config.yaml_lines import Entries, Node, Text
from engine.dialogue import SATURDAY_AND_SUNDAY

FARTHEST = 3660
"""Days either way: ten years."""

_ONE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RelativeDay:
    """`count` days after the start (negative: before it), or so many working days."""

    count: int
    workdays: bool = False

    def on(self, start: date, rest_days: frozenset[int] = SATURDAY_AND_SUNDAY) -> date:
        """
        The day itself.

        Working days here leave out `rest_days` only: the sample is written to hold on any start
        day, so it must not depend on which feasts happen to fall in between. Nought working days
        is the start itself, even on a rest day.
        """
        if not self.workdays:
            return start + timedelta(days=self.count)
        step, left, day = _ONE if self.count > 0 else -_ONE, abs(self.count), start
        while left:
            day += step
            left -= day.weekday() not in rest_days
        return day


def relative_day(node: Node) -> RelativeDay:
    """`{days: 5}` or `{workdays: -12}`; ValueError with a sentence for anything else."""
    match node:
        case Entries(entries=((_, ("days" | "workdays") as unit, Text(text=text)),)):
            return RelativeDay(_count(text), workdays=unit == "workdays")
    raise ValueError("write {days: 5} or {workdays: -12}, counted from the start day")


def _count(text: str) -> int:
    try:
        count = int(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a whole number of days") from None
    if abs(count) > FARTHEST:
        raise ValueError(f"{count} days is more than ten years away")
    return count
