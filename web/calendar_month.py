"""A month of a dialogue as the calendar page shows it: each day with what stands on it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from engine.calendar import Feast, WorkingCalendar
from engine.permission import Deed, Member
from engine.sensitive import Quiet
from engine.store.brakes import since_on
from engine.store.calendar_month import DueDay, due_between, sessions_between
from engine.store.database import Connection
from engine.store.directory import Directory
from engine.store.holds import holds_between
from engine.store.records import actions_by_id
from engine.store.seen import partners_of
from engine.store.sensitive import KeptQuiet, sensitive_of
from notifications.language import weekdays

MOST_OF_A_DAY: Final = 4
"""So many actions of one day stand in the calendar; the others are counted."""

_DAY: Final = timedelta(days=1)
_NOTHING: Final = DueDay((), 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A time in which messages wait: a sensitive day, or a hold (`ref`: of one action)."""

    number: int
    from_on: date
    until_on: date | None
    name: str
    reason: str
    by: str
    ref: str = ""
    everywhere: bool = False
    yearly: bool = False
    only_escalations: bool = False

    def covers(self, day: date) -> bool:
        return self.from_on <= day and (self.until_on is None or day <= self.until_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day: why nobody works on it, what is kept quiet, what is due and who meets."""

    on: date
    inside: bool
    today: bool
    rest: bool
    feasts: tuple[Feast, ...]
    quiet: tuple[Span, ...]
    holds: tuple[Span, ...]
    sessions: tuple[Any, ...]
    due: DueDay

    @property
    def off(self) -> bool:
        """Nobody works on it."""
        return self.rest or bool(self.feasts)

    @property
    def silent(self) -> bool:
        """Nothing leaves on it about the dialogue, though people work."""
        whole = [span for span in self.holds if not span.ref]
        return bool(whole) or any(not span.only_escalations for span in self.quiet)

    @property
    def told(self) -> bool:
        """Whether it stands in the list under the month."""
        begins = any(span.from_on == self.on for span in (*self.quiet, *self.holds))
        return bool(self.feasts or self.sessions or self.due.number or begins)


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """A month by weeks, with the spans that touch it."""

    first: date
    last: date
    weeks: tuple[tuple[Day, ...], ...]
    quiet: tuple[Span, ...]
    holds: tuple[Span, ...]

    @property
    def before(self) -> date:
        return month_before(self.first)

    @property
    def after(self) -> date:
        return month_after(self.first)

    @property
    def days(self) -> list[Day]:
        """Those that stand in the list under the month."""
        return [day for week in self.weeks for day in week if day.inside and day.told]


def month_of(
    connection: Connection,
    directory: Directory,
    member: Member,
    dialogue_id: int,
    first: date,
    today: date,
    language: str,
) -> Month:
    """The month that begins on `first`, in whole weeks as the language begins them."""
    last = month_after(first) - _DAY
    calendar = directory.calendars[dialogue_id]
    quiet = tuple(_quiet(sensitive_of(connection, [dialogue_id]), first, last))
    holds = tuple(_holds(connection, member, dialogue_id, first, last))
    due = due_between(connection, member, dialogue_id, first, last, MOST_OF_A_DAY)
    met = sessions_between(connection, dialogue_id, first, last)
    begin = first - ((first.weekday() - weekdays(language)[0][0]) % 7) * _DAY
    days: list[Day] = []
    while begin <= last or len(days) % 7:
        inside = first <= begin <= last
        days.append(_day(begin, calendar, due, met, quiet, holds, inside, today == begin))
        begin += _DAY
    weeks = tuple(tuple(days[at : at + 7]) for at in range(0, len(days), 7))
    return Month(first=first, last=last, weeks=weeks, quiet=quiet, holds=holds)


def month_after(first: date) -> date:
    """The first day of the following month."""
    return (first.replace(day=28) + 4 * _DAY).replace(day=1)


def month_before(first: date) -> date:
    """The first day of the month before."""
    return (first - _DAY).replace(day=1)


def _day(
    on: date,
    calendar: WorkingCalendar,
    due: Mapping[date, DueDay],
    met: Sequence[Any],
    quiet: Iterable[Span],
    holds: Iterable[Span],
    inside: bool,
    today: bool,
) -> Day:
    return Day(
        on=on,
        inside=inside,
        today=today,
        rest=on.weekday() in calendar.rest_days,
        feasts=calendar.feasts(on) if inside else (),
        quiet=tuple(span for span in quiet if inside and span.covers(on)),
        holds=tuple(span for span in holds if inside and span.covers(on)),
        sessions=tuple(one for one in met if inside and one.held_on == on),
        due=due.get(on, _NOTHING) if inside else _NOTHING,
    )


def _quiet(known: Iterable[KeptQuiet], first: date, last: date) -> Iterable[Span]:
    for kept in known:
        for begins, ends in kept.day.spans(first, last):
            yield Span(
                number=kept.id, from_on=begins, until_on=ends, name=kept.day.name,
                reason=kept.day.reason, by=kept.day.by, yearly=kept.day.yearly,
                only_escalations=kept.day.what is Quiet.ESCALATIONS,
            )  # fmt: skip


def _holds(
    connection: Connection, member: Member, dialogue_id: int, first: date, last: date
) -> Iterable[Span]:
    """Those of the dialogue and of the programme, and of single actions for who may hold them."""
    rows = holds_between(connection, dialogue_id, first, last)
    held = {a.id: a for a in actions_by_id(connection, {r.action_id for r in rows if r.action_id})}
    partners = partners_of(connection, held)
    for row in rows:
        action = held.get(row.action_id)
        if action and not member.may(Deed.HOLD, action, partners.get(action.id, ())):
            continue
        yield Span(
            number=row.id, from_on=since_on(row.from_on, row.put_at, row.timezone),
            until_on=row.until_on, name="", reason=row.reason, by=row.function or row.by,
            ref=row.ref or "",
            everywhere=row.dialogue_id is None and row.action_id is None,
        )  # fmt: skip
