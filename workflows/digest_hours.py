"""When a digest may leave: the hours of its reader, and the holds that keep it back."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from config.wiring import Services
from engine.calendar import WorkingCalendar
from engine.dialogue import SATURDAY_AND_SUNDAY
from engine.party import Person
from engine.store.digests import About, dialogues_read
from engine.store.directory import Directory
from engine.store.holds import Hold
from engine.window import Window
from workflows.bundling import FAR_AWAY

HOLD_AGAIN_AFTER = timedelta(minutes=15)


def reader_window(services: Services, directory: Directory, person: Person) -> Window:
    """When somebody may be written to about no action in particular."""
    home = home_of(directory, person)
    dialogue = directory.dialogues.get(home) if home else None
    opens, closes = services.hours
    zone = person.timezone or (dialogue.timezone if dialogue else services.settings.timezone)
    return Window(
        zone,
        opens=opens,
        closes=closes,
        friday_pause=bool(dialogue and dialogue.friday_pause),
        calendar=reader_calendar(directory, home),
    )


def held(holds: tuple[Hold, ...], dialogue_id: int | None, today: date) -> bool:
    """Whether a digest must wait: the whole programme is on hold, or its one dialogue."""
    return any(
        hold.action_id is None
        and not hold.only_escalations
        and hold.covers(dialogue_id or 0, 0, today)
        for hold in holds
    )


def waits_until(
    services: Services,
    directory: Directory,
    holds: tuple[Hold, ...],
    digest: About,
    now: datetime,
) -> datetime | None:
    """Until when a digest that was queued has to wait; None if it may leave now."""
    read = dialogues_read(directory.connection, digest.person_id, digest.kind)
    directory.ensure_dialogues(set(read or ()))
    directory.read_people([digest.person_id])
    window = reader_window(services, directory, directory.people[digest.person_id])
    # A hold is of days as they are where the reader is: far from Greenwich it may be tomorrow.
    if held(holds, digest.dialogue_id, now.astimezone(ZoneInfo(window.timezone)).date()):
        return now + HOLD_AGAIN_AFTER
    opens_at = window.next_open(now)
    return None if opens_at == now else opens_at or now + FAR_AWAY


def home_of(directory: Directory, person: Person) -> int | None:
    """The dialogue whose rest days are this person's, if there is one."""
    return directory.home_of.get(person.party_id) if person.party_id else None


def reader_calendar(directory: Directory, dialogue_id: int | None) -> WorkingCalendar:
    """The working days of a dialogue; without one Monday to Friday."""
    if dialogue_id in directory.calendars:
        return directory.calendars[dialogue_id]
    return WorkingCalendar("", SATURDAY_AND_SUNDAY)
