"""Sensitive days put on record, taken out, and shown with what they keep back."""

from dataclasses import dataclass
from datetime import date, datetime

from config.wiring import Services
from engine.errors import N_, BadValue, UnknownThing
from engine.sensitive import SensitiveDay
from engine.store.brakes import Kept, kept_quiet, kept_waiting
from engine.store.database import Connection
from engine.store.listing import dialogue_ids, dialogue_names
from engine.store.sensitive import AROUND, KeptQuiet, end_quiet, keep_quiet, sensitive_of, wake


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A sensitive day, when it comes next, and what it keeps back if that is today."""

    kept: KeptQuiet
    next_on: date | None
    in_force: bool
    held: tuple[Kept, ...]


def keep(services: Services, dialogue: str, given: SensitiveDay) -> KeptQuiet:
    """Keep a dialogue quiet. BadValue if that is on record already; UnknownThing: no dialogue."""
    with services.database.write() as connection:
        home = _dialogue(connection, dialogue)
        number = keep_quiet(connection, home, given, anew=True)
        if number is None:
            day = given.from_on.isoformat()
            raise BadValue("sensitive day", f"{given.name}, {day}", N_("is on record already"))
        return next(kept for kept in sensitive_of(connection, [home]) if kept.id == number)


def end(services: Services, number: int, by: str, reason: str, now: datetime) -> None:
    """Take a sensitive day out; what waited for its end may leave at the next window."""
    with services.database.write() as connection:
        home = next((k.dialogue_id for k in sensitive_of(connection) if k.id == number), None)
        end_quiet(connection, number, by, reason, now)
        if home is not None:
            wake(connection, home, now)


def shown(services: Services, dialogue: str, now: datetime) -> list[Shown]:
    """The sensitive days of a dialogue, or of all of them."""
    with services.database.read() as connection:
        homes = [_dialogue(connection, dialogue)] if dialogue else None
        directory = services.directory(connection)
        found = sensitive_of(connection, homes)
        directory.ensure_dialogues({kept.dialogue_id for kept in found})
        waiting = kept_waiting(connection)
        result = []
        for kept in found:
            today = directory.today(kept.dialogue_id, now)
            begins = next((first for first, _last in kept.day.spans(today, today + AROUND)), None)
            in_force = kept.day.on(today) is not None
            held = kept_quiet(directory, kept, waiting) if in_force else ()
            result.append(Shown(kept=kept, next_on=begins, in_force=in_force, held=held))
        return result


def _dialogue(connection: Connection, name: str) -> int:
    found = dialogue_ids(connection, name)
    if not found:
        raise UnknownThing("dialogue", name, dialogue_names(connection))
    return found[0]
