"""A dialogue's calendar changed: a day off more or less, a feast confirmed or moved, with why."""

from datetime import date, datetime

from config.wiring import Services
from engine.calendar import DayOverride
from engine.changed_day import estimated_between, sensible
from engine.errors import N_, BadValue, UnknownThing
from engine.store.calendar_days import (
    ChangedDay,
    changed_days,
    look_again,
    put_change,
    take_back,
)
from engine.store.database import Connection
from engine.store.directory import Directory
from engine.store.listing import dialogue_ids, dialogue_names


def change_day(services: Services, dialogue: str, given: DayOverride, now: datetime) -> ChangedDay:
    """
    Change a day of a dialogue's calendar; what was reckoned by the former days is looked at anew.

    BadValue for what would change nothing, or is on record already.
    """
    with services.database.write() as connection:
        home = _dialogue(connection, dialogue)
        directory = services.directory(connection)
        directory.ensure_dialogues({home})
        given = sensible(given, directory.calendars[home])
        number = put_change(connection, home, given, now)
        if number is None:
            raise BadValue("day", given.day.isoformat(), N_("this change is on record already"))
        look_again(connection, home, now)
        return next(one for one in changed_days(connection, [home]) if one.id == number)


def undo_change(services: Services, number: int, by: str, reason: str, now: datetime) -> ChangedDay:
    """Take a change back; it stays on record. UnknownThing if there is none, or none any more."""
    if not reason.strip():
        raise BadValue("reason", reason, N_("say why the change is taken back"))
    with services.database.write() as connection:
        home = take_back(connection, number, by, reason, now)
        look_again(connection, home, now)
        return next(one for one in changed_days(connection, [home]) if one.id == number)


def changes_of(services: Services, dialogue: str) -> list[ChangedDay]:
    """The changes on record of a dialogue, or of all of them."""
    with services.database.read() as connection:
        return changed_days(connection, [_dialogue(connection, dialogue)] if dialogue else None)


def estimates_of(
    services: Services, dialogue: str, since: date, until: date
) -> list[tuple[str, date, str]]:
    """The feasts of these days whose date nobody has confirmed: dialogue, day and name."""
    with services.database.read() as connection:
        directory = services.directory(connection)
        names = [dialogue] if dialogue else dialogue_names(connection)
        homes = [_dialogue(connection, name) for name in names]
        return _estimates(directory, homes, since, until)


def _estimates(
    directory: Directory, homes: list[int], since: date, until: date
) -> list[tuple[str, date, str]]:
    directory.ensure_dialogues(set(homes))
    found = [
        (directory.dialogues[home].name, day, feast)
        for home in homes
        for day, feast in estimated_between(directory.calendars[home], since, until)
    ]
    return sorted(found, key=lambda one: (one[1], one[0], one[2]))


def _dialogue(connection: Connection, name: str) -> int:
    found = dialogue_ids(connection, name)
    if not found:
        raise UnknownThing("dialogue", name, dialogue_names(connection))
    return found[0]
