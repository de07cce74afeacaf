"""A day as somebody typed it: an ISO day, or a sentence about what to write instead."""

import re
from calendar import monthrange
from datetime import date, timedelta

from engine.errors import N_

FIRST_YEAR, LAST_YEAR = 1900, 2199
"""A year outside these is a slip of the keyboard."""

_EXCEL_DAY_NOUGHT = date(1899, 12, 30)
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MONTH = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})")
_YEAR_FIRST = re.compile(r"([0-9]{4})[-/. ]?([0-9]{1,2})[-/. ]?([0-9]{1,2})")
_YEAR_LAST = re.compile(r"([0-9]{1,2})[-/. ]([0-9]{1,2})[-/. ]([0-9]{4})")
_SHORT_YEAR = re.compile(r"[0-9]{1,2}[-/. ][0-9]{1,2}[-/. ][0-9]{2}")
_SERIAL = re.compile(r"([0-9]{4,6})(?:\.[0-9]+)?")


def read_day(raw: str) -> date:
    """A day as `YYYY-MM-DD`; anything else is refused with what to write instead."""
    text = raw.strip()
    if not _ISO_DAY.fullmatch(text):
        raise ValueError(_no_day(text))
    try:
        day = date.fromisoformat(text)
    except ValueError:
        why = N_("there is no such day in the calendar%(hint)s", hint=_month_end(text[:7]))
        raise ValueError(why) from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(N_("the year %(year)s cannot be meant", year=day.year))
    return day


def _month_end(month: str) -> str:
    try:
        return N_("; that month ends on %(day)s", day=str(last_day_of_month(month)))
    except ValueError:
        return ""


def last_day_of_month(raw: str) -> date:
    """The last day of `YYYY-MM`; ValueError if it is not a month."""
    text = raw.strip()
    found = re.fullmatch(r"([0-9]{4})-([0-9]{2})", text)
    if not found or not 1 <= int(found[2]) <= 12 or not FIRST_YEAR <= int(found[1]) <= LAST_YEAR:  # noqa: PLR2004 - months
        raise ValueError(N_("not a month; write it as YYYY-MM"))
    year, month = int(found[1]), int(found[2])
    return date(year, month, monthrange(year, month)[1])


def _no_day(text: str) -> str:
    """Why `text` is not an ISO day, naming what may have been meant but choosing nothing."""
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ].+", text):
        return N_("a day without a time of day is needed; write %(day)s", day=text[:10])
    if _SHORT_YEAR.fullmatch(text):
        return N_("a year of two digits is not read; write the day as YYYY-MM-DD")
    if found := _YEAR_LAST.fullmatch(text):
        return _either_order(int(found[1]), int(found[2]), int(found[3]))
    if found := _MONTH.fullmatch(text):
        return _only_a_month(int(found[1]), int(found[2]))
    if found := _SERIAL.fullmatch(text):
        return _serial(int(found[1]))
    if (found := _YEAR_FIRST.fullmatch(text)) and (
        day := _day(int(found[1]), int(found[2]), int(found[3]))
    ):
        return N_("a day is written YYYY-MM-DD; write %(day)s", day=str(day))
    return N_("not a day; write it as YYYY-MM-DD, such as 2026-05-04")


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _either_order(first: int, second: int, year: int) -> str:
    meant = dict.fromkeys(
        str(day) for day in (_day(year, second, first), _day(year, first, second)) if day
    )
    if not meant:
        return N_("there is no such day; write it as YYYY-MM-DD")
    if len(meant) == 1:
        return N_("a day is written YYYY-MM-DD; write %(day)s", day=next(iter(meant)))
    one, other = meant
    return N_("may be read in two ways; write %(one)s or %(other)s", one=one, other=other)


def _only_a_month(year: int, month: int) -> str:
    try:
        end = last_day_of_month(f"{year:04}-{month:02}")
    except ValueError:
        return N_("not a day; write it as YYYY-MM-DD")
    return N_(
        "a month and not a day; write the day, such as %(day)s (or say `month: last_day` for this "
        "column in a map)",
        day=str(end),
    )


def _serial(number: int) -> str:
    if number <= LAST_YEAR:
        return N_("a year and not a day; write it as YYYY-MM-DD")
    try:
        day = _EXCEL_DAY_NOUGHT + timedelta(days=number)
    except OverflowError:
        return N_("not a day; write it as YYYY-MM-DD")
    return N_(
        "looks like a spreadsheet's number for a day; if %(day)s is meant, write that (or format "
        "the column as a date)",
        day=str(day),
    )
