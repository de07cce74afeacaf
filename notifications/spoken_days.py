"""Days as people write them, in four languages; a day without its year is told, never guessed."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import Final

from notifications.reply_days import MONTH_OF, folded


@dataclass(frozen=True, slots=True)
class SpokenDay:
    """A day of a month; `year` is None where none was written."""

    day: int
    month: int
    year: int | None

    def on(self) -> date | None:
        """The date; None without a year, or for a day that no calendar has."""
        return self.in_year(self.year) if self.year is not None else None

    def in_year(self, year: int) -> date | None:
        """The date if it was meant in that year; None for the 29th of most Februaries."""
        try:
            return date(year, self.month, self.day)
        except ValueError:
            return None

    def first_after(self, day: date) -> date | None:
        """The proposal where the year is missing: the first such day after another."""
        for year in range(day.year, day.year + 9):
            found = self.in_year(year)
            if found is not None and found > day:
                return found
        return None


_ISO: Final = re.compile(r"(?<!\d)(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)")
_NUMBERS: Final = re.compile(r"(?<![\d./])(\d{1,2})[/.](\d{1,2})(?:[/.](\d{4}))?(?![/.]?\d)")
_DAY_FIRST: Final = re.compile(
    r"(?<![\w.])(\d{1,2})(?:st|nd|rd|th|er|e)?\s+(?:of\s+|de\s+|ga\s+)?(?:watan\s+)?"
    r"([^\W\d_]{3,12})\.?(?:\s*,?\s+(\d{4}))?(?!\w)"
)
_MONTH_FIRST: Final = re.compile(
    r"(?<!\w)([^\W\d_]{3,12})\.?\s+(\d{1,2})(?:st|nd|rd|th)?(?:,?\s+(\d{4}))?(?!\w)"
)
_LATIN_DIGITS: Final = {ord(c): str(i % 10) for i, c in enumerate("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹")}
_MONTH: Final = re.compile(r"(?<!\w)([^\W\d_]{3,12})\.?,?\s+([12]\d{3})(?!\w)")
LONGEST: Final = 400


def spoken_day(text: str) -> SpokenDay | None:
    """
    The first day that stands in a text; None for none, and for words such as “next week”.

    `4/12/2026` is read with the day first, as all countries of the programme write it.
    """
    said = text[:LONGEST].translate(_LATIN_DIGITS)
    found = [
        (match.start(), day)
        for pattern, read in _READERS
        for match in pattern.finditer(said)
        if (day := read(match)) is not None
    ]
    return min(found, key=lambda each: each[0])[1] if found else None


def spoken_month(text: str) -> date | None:
    """The last day of the month that a text names with its year, as a proposal; None for none."""
    for match in _MONTH.finditer(text[:LONGEST].translate(_LATIN_DIGITS)):
        month = MONTH_OF.get(folded(match[1]), 0)
        if month:
            year = int(match[2])
            return date(year, month, monthrange(year, month)[1])
    return None


def _iso(match: re.Match[str]) -> SpokenDay | None:
    return _checked(int(match[3]), int(match[2]), match[1])


def _numbers(match: re.Match[str]) -> SpokenDay | None:
    return _checked(int(match[1]), int(match[2]), match[3])


def _day_first(match: re.Match[str]) -> SpokenDay | None:
    return _checked(int(match[1]), MONTH_OF.get(folded(match[2]), 0), match[3])


def _month_first(match: re.Match[str]) -> SpokenDay | None:
    return _checked(int(match[2]), MONTH_OF.get(folded(match[1]), 0), match[3])


_READERS: Final = (
    (_ISO, _iso),
    (_NUMBERS, _numbers),
    (_DAY_FIRST, _day_first),
    (_MONTH_FIRST, _month_first),
)


def _checked(day: int, month: int, year: str | None) -> SpokenDay | None:
    """Only what some year has; 2024 had every day that there is."""
    spoken = SpokenDay(day, month, int(year) if year else None)
    return spoken if spoken.in_year(2024) else None
