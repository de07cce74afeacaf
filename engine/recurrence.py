"""The days on which a recurring action falls due, from a rule of RFC 5545."""

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import lru_cache
from threading import Lock
from typing import Final

from dateutil.rrule import rrulestr

from engine.errors import BadValue

_PROBED_YEARS: Final = 60
"""A rule without a day in so many years is taken to have none: 29 February on a Monday takes 40."""
_PERIOD_YEARS: Final = 400
"""After so many years the Gregorian calendar repeats, weekdays included."""

_UNITS: Mapping[str, frozenset[str]] = {
    # Beside each unit, the parts to which RFC 5545 (3.3.10, its table) gives no meaning there;
    # the parser would drop or twist some of them in silence.
    "DAILY": frozenset({"BYWEEKNO", "BYYEARDAY"}),
    "WEEKLY": frozenset({"BYWEEKNO", "BYYEARDAY", "BYMONTHDAY"}),
    "MONTHLY": frozenset({"BYWEEKNO", "BYYEARDAY"}),
    "YEARLY": frozenset(),
}
_WORDS: Mapping[str, tuple[str, int]] = {
    "daily": ("DAILY", 1),
    "weekly": ("WEEKLY", 1),
    "monthly": ("MONTHLY", 1),
    "quarterly": ("MONTHLY", 3),
    "yearly": ("YEARLY", 1),
}
# The last two limits are ours: they keep a slip of the finger from costing minutes.
_LARGEST: Mapping[str, int] = {
    "BYMONTH": 12,
    "BYMONTHDAY": 31,
    "BYYEARDAY": 366,
    "BYWEEKNO": 53,
    "BYSETPOS": 366,
    "INTERVAL": 1000,
    "COUNT": 10_000,
}
_NEVER_NEGATIVE = frozenset({"BYMONTH", "INTERVAL", "COUNT"})
_ONE_VALUE = frozenset({"INTERVAL", "COUNT"})
_PARTS = frozenset({"FREQ", "UNTIL", "WKST", "BYDAY", *_LARGEST})
_WEEKDAY = re.compile(r"([+-]?[1-9][0-9]?)?(MO|TU|WE|TH|FR|SA|SU)")
_NUMBER = re.compile(r"[+-]?[0-9]{1,6}")
_DAY = re.compile(r"[0-9]{8}")
_LONGEST = 400
_LAST_DAY_EVERYWHERE = 28


@dataclass(frozen=True, slots=True)
class Recurrence:
    """
    The days that a rule gives on or after `first_on`; made by `parse`.

    `rule` is an RRULE without the leading `RRULE:`. `first_on` sets what the rule leaves open (the
    weekday, the day of the month); it is itself an occurrence only where the rule says so, and
    COUNT counts occurrences.
    """

    rule: str
    first_on: date
    _days: "_Occurrences" = field(repr=False, compare=False)

    def after(self, day: date) -> date | None:
        """The next occurrence after `day`, or None when the rule has ended."""
        ordinal = day.toordinal()
        return self._days.at(bisect_right(self._days.up_to(ordinal + 1), ordinal))

    def on_or_after(self, day: date) -> date | None:
        """`day` if it is an occurrence, else the next one, or None when the rule has ended."""
        ordinal = day.toordinal()
        return self._days.at(bisect_left(self._days.up_to(ordinal), ordinal))

    def between(self, a: date, b: date) -> tuple[date, ...]:
        """The occurrences after `a` up to and including `b`, in order."""
        days = self._days.up_to(b.toordinal())
        found = days[bisect_right(days, a.toordinal()) : bisect_right(days, b.toordinal())]
        return tuple(map(date.fromordinal, found))


@lru_cache(maxsize=4096)
def parse(rule: str, first_on: date) -> Recurrence:
    """
    Read a rule: `daily`, `weekly`, `monthly`, `quarterly`, `yearly`, or one RRULE of days.

    The words keep to every period: `monthly` from the 31st is the last day of a shorter month,
    `yearly` from 29 February is 28 February in a common year. An RRULE says itself what it means:
    FREQ=MONTHLY from the 31st leaves the shorter months out, as RFC 5545 has it.

    Raises BadValue when the text is no RRULE, names times of day or a start of its own, or gives no
    day at all.
    """
    try:
        parts = _parts(_from_word(rule.strip().lower(), first_on) or rule)
        _check_meaning(parts)
        occurrences = _Occurrences(parts, first_on)
    except ValueError as error:
        raise BadValue("repeat", rule[:_LONGEST], str(error)) from None
    text = ";".join(f"{name}={value}" for name, value in parts.items())
    return Recurrence(text, first_on, occurrences)


class _Occurrences:
    """The occurrences of one rule as ordinals, worked out once and no further than asked."""

    __slots__ = ("_coming", "_known", "_lock")

    def __init__(self, parts: Mapping[str, str], first_on: date) -> None:
        """Raises ValueError, with the reason, for a rule that gives no day."""
        if not _gives_a_day(parts, first_on):
            raise ValueError(f"the rule gives no day from {first_on.isoformat()} on")
        self._coming = _days_of(parts, first_on)
        self._known = array("i")
        # Two threads may ask at once, and a generator cannot be advanced by both.
        self._lock = Lock()

    def up_to(self, ordinal: int) -> "array[int]":
        """What is known, after making sure that a day on or after `ordinal` is among it."""
        known = self._known
        if not known or known[-1] < ordinal:
            with self._lock:
                while not known or known[-1] < ordinal:
                    following = next(self._coming, None)
                    if following is None:
                        break
                    known.append(following)
        return known

    def at(self, position: int) -> date | None:
        known = self._known
        return date.fromordinal(known[position]) if position < len(known) else None


def _days_of(parts: Mapping[str, str], first_on: date) -> Iterator[int]:
    """The ordinals that a checked rule gives, in order, each once."""
    text = ";".join(f"{name}={value}" for name, value in parts.items())
    start = datetime.combine(first_on, time())
    return (occurrence.toordinal() for occurrence in rrulestr(text, dtstart=start))


def _gives_a_day(parts: Mapping[str, str], first_on: date) -> bool:
    """
    Whether the rule has an occurrence at all.

    The parser looks for a first day up to year 9999 whatever UNTIL says, for seconds when there is
    none. So it is asked one or more periods of the calendar later, close to where it must give up.
    """
    periods = max(0, date.max.year - _PROBED_YEARS - first_on.year) // _PERIOD_YEARS
    later = first_on.replace(year=first_on.year + periods * _PERIOD_YEARS)
    endless = {name: value for name, value in parts.items() if name not in {"COUNT", "UNTIL"}}
    first = next(_days_of(endless, later), None)
    if first is None or "UNTIL" not in parts:
        return first is not None
    until = datetime.strptime(parts["UNTIL"], "%Y%m%d").date()  # noqa: DTZ007 - a day, no instant
    return first - later.toordinal() <= until.toordinal() - first_on.toordinal()


def _from_word(word: str, first_on: date) -> str:
    """The RRULE behind a plain word that begins on `first_on`; empty for any other text."""
    if word not in _WORDS:
        return ""
    unit, interval = _WORDS[word]
    rule = f"FREQ={unit};INTERVAL={interval}" if interval > 1 else f"FREQ={unit}"
    in_every_period = unit in {"DAILY", "WEEKLY"} or first_on.day <= _LAST_DAY_EVERYWHERE
    if in_every_period or (unit == "YEARLY" and first_on.month != 2):  # noqa: PLR2004 - February
        return rule
    days = ",".join(str(day) for day in range(_LAST_DAY_EVERYWHERE, first_on.day + 1))
    month = f";BYMONTH={first_on.month}" if unit == "YEARLY" else ""
    return f"{rule}{month};BYMONTHDAY={days};BYSETPOS=-1"


def _parts(rule: str) -> dict[str, str]:
    """The named parts of an RRULE, each checked by itself; ValueError says what is wrong."""
    text = rule.strip().upper()
    if len(text) > _LONGEST:
        raise ValueError(f"a rule has at most {_LONGEST} characters")
    if "DTSTART" in text:
        raise ValueError("leave DTSTART out; the rule starts on the first due date")
    if len(text.split()) != 1:
        raise ValueError(f"give one RRULE without spaces, or one word of {', '.join(_WORDS)}")
    parts: dict[str, str] = {}
    for part in text.removeprefix("RRULE:").rstrip(";").split(";"):
        name, equals, value = part.partition("=")
        if not equals or not value:
            example = "such as FREQ=MONTHLY;BYMONTHDAY=1"
            raise ValueError(f"give an RRULE {example}, or one word of {', '.join(_WORDS)}")
        if name in {"BYHOUR", "BYMINUTE", "BYSECOND"}:
            raise ValueError(f"leave {name} out; due dates are days without a time")
        if name not in _PARTS:
            raise ValueError(f"RFC 5545 has no part {name}")
        if name in parts:
            raise ValueError(f"{name} stands twice")
        _check_value(name, value)
        parts[name] = value
    return parts


def _check_value(name: str, value: str) -> None:
    if name == "FREQ" and value not in _UNITS:
        raise ValueError(f"FREQ is one of {', '.join(_UNITS)}; nothing falls due by the hour")
    if name == "UNTIL":
        _check_until(value)
    if name in {"BYDAY", "WKST"}:
        allowed = [_WEEKDAY.fullmatch(day) for day in value.split(",")]
        if not all(allowed) or (name == "WKST" and len(value) != 2):  # noqa: PLR2004 - MO .. SU
            raise ValueError(f"{name} takes weekdays such as MO (BYDAY also 1MO or -1FR)")
    if name in _LARGEST:
        numbers = value.split(",")
        least = 1 if name in _NEVER_NEGATIVE else -_LARGEST[name]
        within = all(
            _NUMBER.fullmatch(n) and int(n) and least <= int(n) <= _LARGEST[name] for n in numbers
        )
        if not within or (name in _ONE_VALUE and len(numbers) > 1):
            but = "" if least == 1 else ", 0 excepted"
            raise ValueError(f"{name} takes numbers from {least} to {_LARGEST[name]}{but}")


def _check_until(value: str) -> None:
    reason = "UNTIL is a day of the calendar without a time, such as UNTIL=20271231"
    if not _DAY.fullmatch(value):
        raise ValueError(reason)
    try:
        datetime.strptime(value, "%Y%m%d")  # noqa: DTZ007 - only asks whether the day exists
    except ValueError:
        raise ValueError(reason) from None


def _check_meaning(parts: Mapping[str, str]) -> None:
    """Refuse parts that mean nothing together; ValueError says which."""
    if "FREQ" not in parts:
        raise ValueError(f"the rule lacks FREQ, one of {', '.join(_UNITS)}")
    unit = parts["FREQ"]
    if idle := sorted(_UNITS[unit] & parts.keys()):
        raise ValueError(f"{idle[0]} means nothing in a rule with FREQ={unit}")
    if "COUNT" in parts and "UNTIL" in parts:
        raise ValueError("COUNT and UNTIL exclude each other; keep one")
    if "BYSETPOS" in parts and not any(name != "BYSETPOS" and name[:2] == "BY" for name in parts):
        raise ValueError("BYSETPOS needs another BY part to choose from")
    # With BYMONTH a weekday is counted within its month (RFC 5545, 3.3.10), also in a yearly rule.
    in_months = unit == "MONTHLY" or (unit == "YEARLY" and "BYMONTH" in parts)
    most = 5 if in_months else 53 if unit == "YEARLY" else 0
    if "BYWEEKNO" in parts:
        most = 0
    for day in parts.get("BYDAY", "").split(","):
        number = day[:-2]
        if number and abs(int(number)) > most:
            counted = f"is counted at most to {most}" if most else "has no number"
            raise ValueError(f"a weekday in such a rule {counted}, and {day} asks for more")
