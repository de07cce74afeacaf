"""Sensitive days of a dialogue: on which nothing is said about it, or nothing that goes up."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from engine.errors import N_, BadValue

LONGEST: Final = 366
"""Calendar days of one span; what is to last longer is a hold, which somebody has to end."""

_FEBRUARY, _LEAP_DAY = 2, 29
_DAY = timedelta(days=1)


class Quiet(StrEnum):
    """What is not said on a sensitive day: nothing at `all`, or only no `escalations`."""

    ALL = "all"
    ESCALATIONS = "escalations"


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitiveDay:
    """
    A day or span that a dialogue keeps quiet, who asked for it and why.

    It lasts from `from_on` up to and including `until_on`. A `yearly` one comes again on the same
    days of each later year (29 February is kept on the 28th where there is none); it may cross the
    end of the year. BadValue for a span that ends before it begins, lasts longer than `LONGEST`
    days, or comes again before it is over.
    """

    name: str
    from_on: date
    until_on: date
    by: str
    reason: str
    yearly: bool = False
    what: Quiet = Quiet.ALL

    def __post_init__(self) -> None:
        if self.until_on < self.from_on:
            reason = N_("is before the first day, %(day)s", day=self.from_on)
            raise BadValue("to", self.until_on.isoformat(), reason)
        if (self.until_on - self.from_on).days >= LONGEST:
            reason = N_(
                "is more than %(days)s days after the first; put a hold instead", days=LONGEST
            )
            raise BadValue("to", self.until_on.isoformat(), reason)
        if self.yearly and self.until_on >= _in_year(self.from_on, self.from_on.year + 1):
            reason = N_("what comes again each year is over before it does")
            raise BadValue("to", self.until_on.isoformat(), reason)

    def spans(self, first: date, last: date) -> Iterable[tuple[date, date]]:
        """Each time that it comes and touches the days from `first` to `last`, in order."""
        over = self.until_on.year - self.from_on.year
        years = range(first.year - 1, last.year + 1) if self.yearly else (self.from_on.year,)
        for year in years:
            if year < self.from_on.year or year + over > date.max.year:
                continue
            begins, ends = _in_year(self.from_on, year), _in_year(self.until_on, year + over)
            if begins <= last and ends >= first:
                yield begins, ends

    def on(self, day: date) -> tuple[date, date] | None:
        """The span that `day` lies in; None if it lies in none."""
        return next(iter(self.spans(day, day)), None)


def quiet_until(days: Iterable[SensitiveDay], day: date, *, going_up: bool) -> date | None:
    """
    The last day of the quiet that `day` lies in; None if something may be said on it.

    What is `going_up` heeds every sensitive day, all else only those on which nothing is said.
    Spans that touch each other are one quiet.
    """
    heeded = [each for each in days if going_up or each.what is Quiet.ALL]
    last: date | None = None
    while (further := _furthest(heeded, day)) is not None:
        last = further
        if last == date.max:
            break
        day = last + _DAY
    return last


def _furthest(days: Iterable[SensitiveDay], day: date) -> date | None:
    found = [span[1] for each in days if (span := each.on(day))]
    return max(found, default=None)


def _in_year(day: date, year: int) -> date:
    """The same day of another year."""
    if (day.month, day.day) == (_FEBRUARY, _LEAP_DAY):
        return date(year, 3, 1) - _DAY
    return day.replace(year=year)
