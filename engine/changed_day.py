"""Whether a change of a calendar changes anything, and which feasts are estimates yet."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from engine.calendar import DayOverride, Feast, WorkingCalendar
from engine.errors import N_, BadValue

FURTHEST: Final = timedelta(days=31)
"""So far from its listed day a feast may be moved: further, something else is meant."""

LONGEST_NAME: Final = 120


def sensible(given: DayOverride, calendar: WorkingCalendar) -> DayOverride:
    """
    The change of that calendar, with the name of what it changes; nothing else is completed.

    BadValue for one that says no reason or changes nothing: a feast that is not there, or that is
    kept on that day already.
    """
    if not given.reason.strip():
        raise BadValue("reason", given.reason, N_("say why, and who decided or announced it"))
    there = calendar.feasts(given.day)
    if given.change == "add":
        return _added(given, there)
    if not there:
        raise BadValue("day", given.day.isoformat(), _nothing_there(given.day, calendar))
    if given.change == "remove":
        return replace(given, name=given.name or _names(there))
    return _moved(given, there)


def estimated_between(
    calendar: WorkingCalendar, since: date, until: date
) -> list[tuple[date, str]]:
    """The feasts of these days whose date is an estimate that nobody has confirmed."""
    return [
        (day, name)
        for year in range(since.year, until.year + 1)
        for day, name in calendar.estimated(year)
        if since <= day <= until
    ]


def _added(given: DayOverride, there: tuple[Feast, ...]) -> DayOverride:
    if not given.name.strip():
        raise BadValue("name", given.name, N_("say what day it is"))
    if any(feast.is_called(given.name) and not feast.estimated for feast in there):
        raise BadValue("day", given.day.isoformat(), N_("nobody works on it already"))
    return given


def _moved(given: DayOverride, there: tuple[Feast, ...]) -> DayOverride:
    called = [feast for feast in there if feast.is_called(given.name)]
    if given.name and not called:
        reason = N_("the holiday of that day is called %(name)s", name=_names(there))
        raise BadValue("name", given.name, reason)
    leaving = called or [feast for feast in there if feast.estimated] or list(there)
    to = given.to or given.day
    if to == given.day and not any(feast.estimated for feast in leaving):
        why = N_("it is kept on that day already, and for certain")
        raise BadValue("to", to.isoformat(), why)
    if abs(to - given.day) > FURTHEST:
        why = N_("that is more than a month from %(day)s", day=given.day)
        raise BadValue("to", to.isoformat(), why)
    return replace(given, name=_names(leaving))


def _nothing_there(day: date, calendar: WorkingCalendar) -> str:
    if day.weekday() in calendar.rest_days:
        return N_("it is a rest day, which stays; give the day on which the holiday is listed")
    return N_("no holiday is kept on it; give the day on which it is listed")


def _names(feasts: tuple[Feast, ...] | list[Feast]) -> str:
    return "; ".join(feast.name for feast in feasts)[:LONGEST_NAME]
