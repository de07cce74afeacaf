"""When a message may leave: the hours in which its receiver can be written to."""

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.calendar import WorkingCalendar
from engine.errors import BadValue

FRIDAY_PAUSE: Final = (time(12, 0), time(15, 0))
"""The common prayer, in local time; the second is the first instant after it."""

_FRIDAY = 4
_DAY = timedelta(days=1)
# No zone has ever changed its clocks twice in so short a time.
_STRIDE = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Window:
    """
    The send window of one person.

    `timezone` is the person's own, as IANA names it. Messages leave from `opens` on and before
    `closes`, in local time; with `friday_pause` not on Fridays within FRIDAY_PAUSE; never on a day
    off of `calendar`; never during `holds`, which are local days from the first up to and including
    the second, without end where that is None. Local times that summer time skips do not come;
    those that it repeats are open both times.

    Raises BadValue for an unknown zone, hours that do not follow each other, a hold that ends
    before it begins, and hours that leave no working weekday open; the methods raise it for a
    naive datetime.
    """

    timezone: str
    _: KW_ONLY
    opens: time = time(8, 30)
    closes: time = time(16, 30)
    friday_pause: bool = False
    calendar: WorkingCalendar
    holds: tuple[tuple[date, date | None], ...] = ()
    _zone: tzinfo = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_zone", _zone(self.timezone))
        if self.opens.tzinfo or self.closes.tzinfo or self.opens >= self.closes:
            hours = f"{self.opens.isoformat()} to {self.closes.isoformat()}"
            raise BadValue("send window", hours, "give local hours, the earlier one first")
        for first, last in self.holds:
            if last is not None and last < first:
                reason = f"it ends before it begins, on {last.isoformat()}"
                raise BadValue("hold from", first.isoformat(), reason)
        worked = set(range(7)) - self.calendar.rest_days
        if not any(True for weekday in worked for _ in self._hours(weekday)):
            reason = "nothing could ever leave; widen the hours, or take the Friday pause out"
            raise BadValue("send window", f"{self.opens} to {self.closes}, Fridays only", reason)

    def is_open(self, now: datetime) -> bool:
        """Whether a message may leave at `now`, an aware instant."""
        local = _aware(now).astimezone(self._zone)
        return self._is_open_on(local.date()) and any(
            begin <= local.time() < end for begin, end in self._hours(local.weekday())
        )

    def next_open(self, now: datetime) -> datetime | None:
        """
        The first instant from `now` on at which a message may leave, in UTC; `now` itself if open.

        None when that never comes: within a hold without end, or past the year 9999.
        """
        at = _aware(now).astimezone(UTC)
        if self.is_open(at):
            return at
        try:
            while (day := self._first_day(at.astimezone(self._zone).date())) is not None:
                # A local midnight is less than a day from the one of UTC, in every zone.
                at = max(at, datetime.combine(day, time(), UTC) - _DAY)
                until = self._steady_until(at)
                if (found := self._first_between(at, until)) is not None:
                    return found
                at = until
        except OverflowError:
            pass
        return None

    def _is_open_on(self, day: date) -> bool:
        return self._hold_at(day) is None and self.calendar.is_working(day)

    def _hold_at(self, day: date) -> tuple[date, date | None] | None:
        for first, last in self.holds:
            if first <= day and (last is None or day <= last):
                return first, last
        return None

    def _first_day(self, day: date) -> date | None:
        """The first day from `day` on without rest, holiday or hold; None if there is none."""
        while True:
            try:
                day = self.calendar.on_or_after(day)
            except BadValue:
                return None
            hold = self._hold_at(day)
            if hold is None:
                return day
            if hold[1] is None:
                return None
            day = hold[1] + _DAY

    def _hours(self, weekday: int) -> Iterator[tuple[time, time]]:
        """The open hours of a weekday, each from its first instant to the first one after it."""
        if self.friday_pause and weekday == _FRIDAY:
            pause, resume = FRIDAY_PAUSE
            hours = [(self.opens, min(self.closes, pause)), (max(self.opens, resume), self.closes)]
            yield from ((begin, end) for begin, end in hours if begin < end)
        else:
            yield self.opens, self.closes

    def _steady_until(self, at: datetime) -> datetime:
        """The end of a stretch from `at` on during which the zone keeps one distance from UTC."""
        offset, low, high = self._offset(at), at, at + _STRIDE
        if self._offset(high) == offset:
            return high
        while high - low > timedelta.resolution:
            middle = low + (high - low) / 2
            low, high = (middle, high) if self._offset(middle) == offset else (low, middle)
        return high

    def _first_between(self, at: datetime, until: datetime) -> datetime | None:
        """The first open instant of [at, until), a stretch of one distance from UTC."""
        offset = self._offset(at)
        now, end = ((instant + offset).replace(tzinfo=None) for instant in (at, until))
        day = now.date()
        while datetime.combine(day, time()) < end:
            for begin, finish in self._hours(day.weekday()) if self._is_open_on(day) else ():
                found = max(now, datetime.combine(day, begin))
                if found < min(end, datetime.combine(day, finish)):
                    return found.replace(tzinfo=UTC) - offset
            day += _DAY
        return None

    def _offset(self, at: datetime) -> timedelta:
        return at.astimezone(self._zone).utcoffset() or timedelta()


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        reason = "is not a time zone; give a name of the IANA list such as Africa/Ouagadougou"
        raise BadValue("time zone", name, reason) from None


def _aware(now: datetime) -> datetime:
    if now.utcoffset() is None:
        raise BadValue("instant", now.isoformat(), "lacks its time zone; give it in UTC")
    return now
