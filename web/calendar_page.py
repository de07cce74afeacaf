"""The calendar of a dialogue: days off, feasts, quiet days, holds, sessions and what is due."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Response

from engine.changed_day import estimated_between
from engine.permission import Deed
from engine.store.calendar_days import ChangedDay, changed_days
from engine.store.database import Connection
from engine.store.directory import Directory
from engine.window import FRIDAY_PAUSE
from notifications.language import weekdays
from web.calendar_month import Month, month_after, month_before, month_of
from web.face import FORBIDDEN, Entrance, Visit
from web.homes import chosen_of, homes_for

FIRST_YEAR, LAST_YEAR = 2000, 2099
"""Of other years no calendar is shown: the feasts of those that are far away are not known."""

AHEAD: Final = timedelta(days=400)
"""So far ahead of the month estimated feasts are listed."""

_MONTH: Final = re.compile(r"(\d{4})-(\d\d)")
_FRIDAY: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What somebody may do with this calendar: `told` of names and reasons, `changes` it."""

    told: bool
    changes: bool
    holds: bool
    writes_down: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """When messages about the dialogue may leave: the hours, and whether they do today."""

    opens: str
    closes: str
    rest_days: tuple[str, ...]
    friday_pause: tuple[str, str] | None


def add_calendar(entrance: Entrance) -> None:
    entrance.get("/calendar", Deed.SEE_CALENDAR, look)


def look(visit: Visit) -> Response:
    """A month of one dialogue; the address says which of both."""
    homes = homes_for(visit, Deed.SEE_CALENDAR)
    if not homes:
        visit.refuse(FORBIDDEN)
    chosen = chosen_of(visit, homes, visit.query("dialogue")) or homes[0]
    rights = rights_in(visit, chosen.id)
    with visit.services.database.read() as connection:
        directory = visit.services.directory(connection)
        directory.ensure_dialogues({chosen.id})
        today = directory.today(chosen.id, visit.now)
        first = _asked_month(visit.query("month"), today)
        month = month_of(
            connection, directory, visit.member, chosen.id, first, today, visit.language
        )
        values = _values(connection, directory, chosen.id, month, rights)
        leaving = _leaving(visit, directory, chosen.id)
    now_on = month if month.first <= today <= month.last else None
    return visit.page(
        "face_calendar.html",
        homes=homes, chosen=chosen, month=month, today=today, rights=rights, leaving=leaving,
        this_day=_today_of(now_on, today), days_of_week=weekdays(visit.language),
        before=_address(chosen.code, month_before(first)),
        after=_address(chosen.code, month_after(first)),
        this_month=_address(chosen.code, today.replace(day=1)),
        done=visit.query("done"), **values,
    )  # fmt: skip


def rights_in(visit: Visit, dialogue_id: int) -> Rights:
    """What this person may see and do in the calendar of that dialogue."""
    may_in = visit.member.may_in
    return Rights(
        told=may_in(Deed.SEE_FIGURES, dialogue_id),
        changes=may_in(Deed.CHANGE_CALENDAR, dialogue_id),
        holds=may_in(Deed.HOLD_DIALOGUE, dialogue_id),
        writes_down=may_in(Deed.WRITE_DOWN, dialogue_id),
    )


def calendar_address(code: str, day: date) -> str:
    """The page of the month in which that day lies."""
    return _address(code, day)


def _values(
    connection: Connection,
    directory: Directory,
    dialogue_id: int,
    month: Month,
    rights: Rights,
) -> Mapping[str, Any]:
    calendar = directory.calendars[dialogue_id]
    since, until = month.first.replace(month=1, day=1), month.first.replace(month=12, day=31)
    changes: list[ChangedDay] = []
    if rights.told:
        changes = changed_days(connection, [dialogue_id], since=since, until=until)
    return {
        "estimates": estimated_between(calendar, month.first, month.first + AHEAD),
        "changes": changes,
        "known": {person.key: person.function for person in directory.people.values()},
        "late_from": {
            due.ref: calendar.on_or_after(due.due_on)
            for day in month.days
            for due in day.due.dues
            if day.off
        },
    }


def _leaving(visit: Visit, directory: Directory, dialogue_id: int) -> Leaving:
    dialogue = directory.dialogues[dialogue_id]
    opens, closes = visit.services.hours
    names = {number: name for number, name, _short, _letter in weekdays(visit.language)}
    pause = dialogue.friday_pause and _FRIDAY not in dialogue.rest_days
    return Leaving(
        opens=f"{opens:%H:%M}",
        closes=f"{closes:%H:%M}",
        rest_days=tuple(names[number] for number in names if number in dialogue.rest_days),
        friday_pause=(f"{FRIDAY_PAUSE[0]:%H:%M}", f"{FRIDAY_PAUSE[1]:%H:%M}") if pause else None,
    )


def _today_of(month: Month | None, today: date) -> Any:  # noqa: ANN401 - a day or None
    if month is None:
        return None
    return next(day for week in month.weeks for day in week if day.on == today)


def _asked_month(text: str, today: date) -> date:
    """The first day of the month in the address; of this one, if it names none."""
    found = _MONTH.fullmatch(text)
    if found and FIRST_YEAR <= int(found[1]) <= LAST_YEAR and 1 <= int(found[2]) <= 12:  # noqa: PLR2004
        return date(int(found[1]), int(found[2]), 1)
    return today.replace(day=1)


def _address(code: str, day: date) -> str:
    return "/calendar?" + urlencode({"dialogue": code, "month": f"{day:%Y-%m}"})
