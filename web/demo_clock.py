"""The clock of the demonstration: it goes like any other, and can be put forward."""

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from engine.clock import Clock, SystemClock

BEGINS: Final = time(9, 30)
STORY_AT: Final = time(9)
"""When people do what the story tells of a day: before that day's sweep."""

STOPS: Final = (STORY_AT, time(12), time(15))
"""The instants of a day at which a clock that is put forward stops to let the program work, UTC."""

_SATURDAY = 5


class Leap(StrEnum):
    """How far a press of a button takes the clock."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"

    @property
    def length(self) -> timedelta:
        return {
            Leap.HOUR: timedelta(hours=1),
            Leap.DAY: timedelta(days=1),
            Leap.WEEK: timedelta(weeks=1),
        }[self]


class DemoClock:
    """Starts at an instant of our choice; `put_forward` never takes it back."""

    def __init__(self, start_at: datetime, real: Clock | None = None) -> None:
        self._real = real or SystemClock()
        self._changing = threading.Lock()
        self._ahead = start_at - self._real.now()

    def now(self) -> datetime:
        return self._real.now() + self._ahead

    def put_forward(self, to_at: datetime) -> None:
        """Let it be that instant, unless it is later already."""
        with self._changing:
            self._ahead = max(self._ahead, to_at - self._real.now())


def first_instant(real_now: datetime) -> datetime:
    """Half past nine on a working day: today, or Monday if today is none."""
    day = real_now.date()
    while day.weekday() >= _SATURDAY:
        day += timedelta(days=1)
    return datetime.combine(day, BEGINS, UTC)


def stops(after: datetime, until: datetime) -> Iterator[datetime]:
    """Where a clock that goes from one instant to another stops; `until` is the last stop."""
    day: date = after.date()
    while day <= until.date():
        for hour in STOPS:
            at = datetime.combine(day, hour, UTC)
            if after < at < until:
                yield at
        day += timedelta(days=1)
    yield until
