"""Which days a dialogue works, and how many working days lie between two dates."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Literal

from engine.errors import BadValue
from engine.listed_days import known_decades, listed_days

_FIRST, _LAST = date.min.toordinal(), date.max.toordinal()
_EVERY_DAY = frozenset(range(7))


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOverride:
    """
    What a dialogue knows better than the list of its country, and who says so.

    `add`: `day` becomes a holiday. With the name of an estimated feast of that day it confirms it.
    `remove`: the holidays of `day` are not kept (a rest day stays a rest day).
    `move`: the holiday listed on `day` is kept on `to`, as when a confirmed feast date replaces an
    estimate; `to` may be `day` itself, which confirms the estimate. Where several holidays fall on
    `day`, the one called `name` moves; without such a name the estimated ones; else all of them.

    Raises BadValue for a move without `to`, or a `to` without a move.
    """

    day: date
    change: Literal["add", "remove", "move"]
    to: date | None = None
    name: str = ""
    by: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        if self.change not in {"add", "remove", "move"}:
            raise BadValue("change of a day", self.change, "use add, remove or move")
        if (self.change == "move") != (self.to is not None):
            reason = "a move, and nothing else, needs the day it is moved to"
            raise BadValue("change of a day", self.change, reason)

    @property
    def note(self) -> str:
        """What is said behind the name of a day off that an override brought."""
        verb = f"moved from {self.day.isoformat()}" if self.change == "move" else "added"
        return f"{verb}{self.by and f' by {self.by}'}{self.reason and f': {self.reason}'}"


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """
    The working days of one dialogue; calendars with equal settings share their tables.

    `country` is ISO 3166-1 alpha-2, or empty for no public holidays. `rest_days` are weekdays,
    Monday = 0, and they alone decide: the weekend of the holidays package is never asked (it gives
    Niger one day and Nepal two). Overrides apply in their order, the last word wins. Public
    holidays are those of the `holidays` package, for the years it knows (none after 2100), and
    `_MISSING_HOLIDAYS` below. Days on which a country works in exchange for a holiday are not
    known to it: no calendar makes a rest day work.

    Raises BadValue for an unknown country, a weekday outside 0..6, or a week without a working day;
    the methods that give a day raise it where that day would lie outside the years 1 to 9999.
    """

    country: str
    rest_days: frozenset[int]
    overrides: tuple[DayOverride, ...] = ()
    _days: "_Days" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_days", _days(self.country, self.rest_days, self.overrides))

    def is_working(self, day: date) -> bool:
        """Whether `day` is neither a rest day nor a holiday that is kept."""
        return self._days.is_working(day.toordinal())

    def on_or_after(self, day: date) -> date:
        """`day` itself when it works, else the next working day (`effective_due_on`)."""
        return day if self._days.is_working(day.toordinal()) else self.plus(day, 1)

    def plus(self, day: date, n: int) -> date:
        """
        The `n`-th working day after `day`, or the `-n`-th before it; 0 is `on_or_after`.

        For n > 0, `between(day, plus(day, n)) == n`.
        """
        if n == 0:
            return self.on_or_after(day)
        try:
            return date.fromordinal(self._days.plus(day.toordinal(), n))
        except (ValueError, OverflowError):
            reason = f"{n} working days from it lies outside the years 1 to 9999"
            raise BadValue("day", day.isoformat(), reason) from None

    def between(self, a: date, b: date) -> int:
        """Number of working days after `a` up to and including `b`; 0 when `b` is not later."""
        return self._days.between(a.toordinal(), b.toordinal()) if b > a else 0

    def why_off(self, day: date) -> str:
        """Why nobody works on `day`, in words: rest day, holiday, override; empty if they do."""
        rests = [f"rest day ({day:%A})"] if day.weekday() in self.rest_days else []
        return "; ".join([*rests, *(feast.text for feast in self._days.feasts(day))])

    def estimated(self, year: int) -> tuple[tuple[date, str], ...]:
        """The feasts of `year` whose date is an estimate that no override has confirmed yet."""
        return tuple(self._days.estimated(year))

    def feasts(self, day: date) -> tuple["Feast", ...]:
        """The holidays that are kept on `day`; most days have none."""
        return self._days.feasts(day)


@dataclass(frozen=True, slots=True)
class Feast:
    """
    A holiday on one day. `name` is without the mark of an estimate, `text` is for people.

    `decided` is the override that brought it there, or confirmed it.
    """

    name: str
    text: str
    estimated: bool = False
    decided: DayOverride | None = None

    def is_called(self, name: str) -> bool:
        return bool(name) and name.casefold() in {self.name.casefold(), self.text.casefold()}


@dataclass(frozen=True, slots=True)
class _Span:
    """
    The days off from ordinal `first` to ordinal `last`.

    `off` holds the ordinals of the holidays that take a working day away, rising; `worked` the
    number of working days up to each of them, from an origin that is the same within one span.
    """

    first: int
    last: int
    feasts: Mapping[date, tuple[Feast, ...]]
    off: tuple[int, ...]
    taken: frozenset[int]
    worked: tuple[int, ...]


class _Days:
    """
    Counts working days: whole weeks by arithmetic, holidays by bisection, O(log holidays) a call.

    Years are read when a question first needs them. A span is never changed, only replaced, and
    every question is answered from the one span it took: threads can at worst read a year twice.
    """

    __slots__ = ("_before", "_country", "_overrides", "_positions", "_rest_days", "_span")

    def __init__(
        self, country: str, rest_days: frozenset[int], overrides: tuple[DayOverride, ...]
    ) -> None:
        self._country, self._rest_days, self._overrides = country, rest_days, overrides
        self._positions = tuple(sorted(_EVERY_DAY - rest_days))
        self._before = tuple(bisect_left(self._positions, weekday) for weekday in range(8))
        self._span = _Span(_LAST, _FIRST, {}, (), frozenset(), ())

    def is_working(self, ordinal: int) -> bool:
        span = self._span
        if not span.first <= ordinal <= span.last:
            span = self._read(ordinal, ordinal)
        return (ordinal - 1) % 7 not in self._rest_days and ordinal not in span.taken

    # Days of one calendar live as long as the process, and a sweep asks the same things of them for
    # thousands of actions.
    @lru_cache(maxsize=65_536)  # noqa: B019
    def between(self, a: int, b: int) -> int:
        span = self._span
        if a < span.first or b > span.last:
            span = self._read(a, b)
        return self._worked(span, b) - self._worked(span, a)

    @lru_cache(maxsize=65_536)  # noqa: B019
    def plus(self, ordinal: int, n: int) -> int:
        origin, nth = (ordinal, n) if n > 0 else (ordinal - 1, n + 1)
        span, found = self._span, ordinal
        while True:
            if min(origin, found) < span.first or max(origin, found) > span.last:
                span = self._read(min(origin, found), max(origin, found))
            wanted = self._worked(span, origin) + nth
            skipped = bisect_left(span.worked, wanted)
            weeks, position = divmod(wanted + skipped - 1, len(self._positions))
            found = weeks * 7 + self._positions[position] + 1
            if span.first <= found <= span.last or not _FIRST <= found <= _LAST:
                return found

    def feasts(self, day: date) -> tuple[Feast, ...]:
        ordinal = day.toordinal()
        return self._read(ordinal, ordinal).feasts.get(day, ())

    def estimated(self, year: int) -> Iterator[tuple[date, str]]:
        span = self._read(date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal())
        for day in sorted(day for day in span.feasts if day.year == year):
            yield from ((day, feast.name) for feast in span.feasts[day] if feast.estimated)

    def _worked(self, span: _Span, ordinal: int) -> int:
        """Working days from 1 January of year 1, a Monday, up to `ordinal`, less holidays read."""
        weeks, rest = divmod(ordinal, 7)
        weekly = weeks * len(self._positions) + self._before[rest]
        return weekly - bisect_right(span.off, ordinal)

    def _read(self, first: int, last: int) -> _Span:
        """A span that covers both ordinals, all that was read before, and every override."""
        span = self._span
        if span.first <= first and last <= span.last:
            return span
        named = [day.toordinal() for o in self._overrides for day in (o.day, o.to) if day]
        first = max(_FIRST, min(first, span.first, *named))
        last = min(_LAST, max(last, span.last, *named))
        decades = range(date.fromordinal(first).year // 10, date.fromordinal(last).year // 10 + 1)
        listed: dict[date, tuple[Feast, ...]] = {}
        if self._country:
            known = known_decades(self._country)
            for decade in range(max(decades[0], known[0]), min(decades[-1], known[-1]) + 1):
                listed.update(_listed(self._country, decade))
        feasts = _kept(listed, self._overrides)

        off = tuple(sorted(d.toordinal() for d in feasts if d.weekday() not in self._rest_days))
        bare = _Span(
            first=date(max(1, decades[0] * 10), 1, 1).toordinal() if self._country else _FIRST,
            last=date(decades[-1] * 10 + 9, 12, 31).toordinal() if self._country else _LAST,
            feasts=feasts,
            off=off,
            taken=frozenset(off),
            worked=(),
        )
        worked = tuple(self._worked(bare, ordinal) for ordinal in off)
        self._span = _Span(bare.first, bare.last, feasts, off, bare.taken, worked)
        return self._span


@lru_cache(maxsize=4096)
def _days(country: str, rest_days: frozenset[int], overrides: tuple[DayOverride, ...]) -> _Days:
    """The shared tables of all calendars with these settings; BadValue where they cannot be."""
    if not rest_days <= _EVERY_DAY:
        raise BadValue("rest days", sorted(rest_days), "weekdays are 0 (Monday) to 6 (Sunday)")
    if rest_days == _EVERY_DAY:
        raise BadValue("rest days", sorted(rest_days), "leave at least one day to work on")
    if country:
        known_decades(country)
    return _Days(country, rest_days, overrides)


def _kept(
    listed: dict[date, tuple[Feast, ...]], overrides: tuple[DayOverride, ...]
) -> dict[date, tuple[Feast, ...]]:
    """What is listed, after the overrides."""
    kept = dict(listed)
    for override in overrides:
        there = kept.pop(override.day, ())
        match override.change:
            case "add":
                others = tuple(feast for feast in there if not feast.is_called(override.name))
                kept[override.day] = (*others, _decided(override, ()))
            case "move" if override.to:
                leaving = _leaving(there, override.name)
                if staying := tuple(feast for feast in there if feast not in leaving):
                    kept[override.day] = staying
                kept[override.to] = (*kept.get(override.to, ()), _decided(override, leaving))
            case _:  # "remove": what was there is gone already
                pass
    return kept


def _leaving(there: tuple[Feast, ...], name: str) -> tuple[Feast, ...]:
    """Which of the feasts of one day a move takes along."""
    called = tuple(feast for feast in there if feast.is_called(name))
    return called or tuple(feast for feast in there if feast.estimated) or there


def _decided(override: DayOverride, leaving: tuple[Feast, ...]) -> Feast:
    name = override.name or "; ".join(feast.name for feast in leaving) or "day off"
    return Feast(name, f"{name} ({override.note})", decided=override)


@dataclass(frozen=True, slots=True)
class _Missing:
    """A holiday on a fixed date, each year from `since`, that the package does not list."""

    month: int
    day: int
    since: int
    name: str


_MISSING_HOLIDAYS: Mapping[str, tuple[_Missing, ...]] = {
    # Decree adopted by the council of ministers on 6 March 2024 (Agence d'information du Burkina
    # of that day), first kept on 15 May 2024. We know of no text that moves it from a Sunday.
    "BF": (_Missing(5, 15, 2024, "Journée des coutumes et traditions"),),
}


@lru_cache(maxsize=1024)
def _listed(country: str, decade: int) -> Mapping[date, tuple[Feast, ...]]:
    """The public holidays of ten years: those of the package, and what it is known to lack."""
    listed = {
        day: tuple(Feast(each.name, each.text, estimated=each.estimated) for each in there)
        for day, there in listed_days(country, decade).items()
    }
    for missing in _MISSING_HOLIDAYS.get(country, ()):
        for year in range(decade * 10, decade * 10 + 10):
            if year >= missing.since:
                day = date(year, missing.month, missing.day)
                listed[day] = (*listed.get(day, ()), Feast(missing.name, missing.name))
    return listed
