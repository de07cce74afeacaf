"""Due dates as a calendar file that names nothing but references."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One entry: a reference, the dialogue, and the day on which an answer is due."""

    uid: str
    ref: str
    dialogue: str
    due_on: date


def calendar_bytes(days: Iterable[Day], *, name: str, now: datetime) -> bytes:
    """
    An iCalendar file (RFC 5545) of whole-day entries, one for each reference.

    A title is `[Dialogue] Ref. SAA-07` and nothing else: a calendar lies open on many desks.
    """
    from icalendar import Calendar, Event  # noqa: PLC0415 - only who writes a calendar loads it

    calendar = Calendar()
    calendar.add("prodid", "-//Alkawari//Alkawari//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", name)
    for day in days:
        event = Event()
        event.add("uid", day.uid)
        event.add("dtstamp", now)
        event.add("dtstart", day.due_on)
        event.add("dtend", day.due_on + timedelta(days=1))
        event.add("summary", f"[{day.dialogue}] Ref. {day.ref}")
        event.add("class", "PRIVATE")
        event.add("transp", "TRANSPARENT")
        calendar.add_component(event)
    return bytes(calendar.to_ical())
