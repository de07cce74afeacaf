"""The history of an action as a timeline in the reader's language."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final

from engine.history import Event
from engine.store.directory import Directory
from notifications.language import words
from web.face_words import a_short_day, word

ISO_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
NOT_TOLD: Final = frozenset({
    "person_id", "from", "to", "before", "set", "notices", "passed_over", "proxy", "successor_id",
    "thing", "run", "party_id", "media_type", "size",
})  # fmt: skip
WORDED: Final = frozenset({"level", "state", "kind", "handling", "obstacle"})
PROGRAM: Final = frozenset({"sweep", "import", "dependency", "watchdog", "retention"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A line of the timeline; `by` is a function, empty for the program itself."""

    seq: int
    title: str
    at: datetime
    by: str
    change: tuple[str, ...]
    details: tuple[tuple[str, str], ...]
    mark: str


def timeline(
    events: Sequence[Event],
    directory: Directory,
    language: str,
    *,
    story: bool,
    unseen: Collection[str] = (),
) -> list[Told]:
    """
    Newest first; without the story only what happened and when, as an auditor reads it.

    `unseen`: references of actions that are not for this reader to know.
    """
    known = {person.key: person.function for person in directory.people.values()}
    return [_told(event, known, language, unseen, story=story) for event in reversed(events)]


def _told(
    event: Event,
    known: Mapping[str, str],
    language: str,
    unseen: Collection[str],
    *,
    story: bool,
) -> Told:
    payload: dict[str, Any] = json.loads(event.payload)
    if isinstance(payload.get("for"), list):
        other = words(language).gettext("another action")
        payload["for"] = [other if ref in unseen else ref for ref in payload["for"]]
    ends = (payload.get("from"), payload.get("to"))
    change: tuple[str, ...] = ()
    if all(isinstance(end, str) and end for end in ends):
        change = tuple(_text("state", end, language) for end in ends)
    details: list[tuple[str, str]] = []
    if story:
        names = label_words(language)
        details = [
            (names.get(name, name.replace("_", " ")), _text(name, value, language))
            for name, value in payload.items()
            if name not in NOT_TOLD and value not in ("", None, [])
        ]
    return Told(
        seq=event.seq,
        title=event_words(language).get(event.kind, word(language, event.kind)),
        at=event.at,
        by="" if event.by in PROGRAM else known.get(event.by, event.by if story else ""),
        change=change,
        details=tuple(details),
        mark=event.hash.hex()[:12],
    )


def _text(name: str, value: object, language: str) -> str:
    _ = words(language).gettext
    match value:
        case True | False:
            return _("yes") if value else _("no")
        case list():
            return ", ".join(_text(name, part, language) for part in value)
        case str() if ISO_DAY.fullmatch(value):
            return a_short_day(language, date.fromisoformat(value))
        case str() if name in WORDED:
            return word(language, value)
        case str() if name == "bearing":
            return bearing_words(language).get(value, value)
        case _:
            return str(value)


@lru_cache
def event_words(language: str) -> dict[str, str]:
    """What happened, as a headline."""
    _ = words(language).gettext
    return {
        "imported": _("Taken in from the plan"),
        "proposed": _("Proposed"),
        "agreed": _("Agreed"),
        "in_progress": _("Work goes on"),
        "blocked": _("Met an obstacle"),
        "still_blocked": _("The obstacle is still there"),
        "freed": _("The obstacle is gone"),
        "reported_done": _("Reported done"),
        "verified": _("Confirmed"),
        "in_force": _("In force, confirmed"),
        "confirmed": _("Confirmed by one side"),
        "sent_back": _("Not all of it is there yet"),
        "reported": _("Progress reported"),
        "occurrence_reported": _("Kept this time"),
        "occurrence_missed": _("Missed once"),
        "lapsed": _("Holds no longer"),
        "rescheduled": _("New date agreed"),
        "more_time_asked": _("More time asked for"),
        "more_time_declined": _("The date stays"),
        "acknowledged": _("Taken note"),
        "help_asked": _("Help asked for"),
        "cannot_said": _("Said that it cannot be done"),
        "not_theirs_said": _("Said that it is not theirs"),
        "not_seen_said": _("Said that they have not seen it"),
        "noted": _("A note"),
        "called": _("Telephone call"),
        "snoozed": _("Reminders rest for a while"),
        "notified": _("Somebody is told"),
        "passed_over": _("Passed over: a later message says it"),
        "escalated": _("Sent up by the coordinator"),
        "released": _("Released"),
        "release_refused": _("Release refused"),
        "disputed": _("Disputed"),
        "resolved": _("Dispute decided"),
        "superseded": _("Replaced"),
        "withdrawn": _("Withdrawn"),
        "not_implemented": _("Closed without being carried out"),
        "reopened": _("Opened again"),
        "waiting": _("Waits for what it depends on"),
        "no_longer_waiting": _("Waits no longer"),
        "handed_on": _("Waits for the action that took the place of another"),
        "corrected": _("Corrected"),
        "clarified": _("Words added to what was agreed"),
        "assented": _("Agreed to the added words"),
        "holder_changed": _("Somebody else holds the post"),
        "contact_erased": _("A contact was erased"),
        "watched": _("Found by the watchdog"),
        "evidence_added": _("A file was handed in"),
        "evidence_weighed": _("Said later what a file shows"),
        "held": _("Messages about it on hold"),
        "resumed": _("Messages about it may leave again"),
    }


@lru_cache
def bearing_words(language: str) -> dict[str, str]:
    """What a file shows of what was reported."""
    _ = words(language).gettext
    return {
        "supports": _("shows that it is so"),
        "contradicts": _("shows that it is not so"),
        "unsaid": _("not said"),
    }


@lru_cache
def label_words(language: str) -> dict[str, str]:
    """What a part of an event is called."""
    _ = words(language).gettext
    return {
        "responsible": _("owed by"),
        "verifier": _("confirmed by"),
        "reason": _("why"),
        "note": _("note"),
        "level": _("how much is there"),
        "review_on": _("to be looked at again"),
        "obstacle": _("in the way"),
        "blocker": _("waits for"),
        "method": _("how it was checked"),
        "seen": _("what was seen"),
        "decided_on": _("decided on"),
        "since": _("from"),
        "until": _("until"),
        "origin": _("how it came"),
        "word_of": _("in the words of"),
        "said_on": _("said on"),
        "reached": _("reached"),
        "waiting_for": _("still to confirm"),
        "rungs": _("steps"),
        "rung": _("step"),
        "for": _("waits for"),
        "bearing": _("what it shows"),
        "sha256": _("mark"),
        "name": _("name"),
        "words": _("words"),
        "language": _("language"),
        "clarification": _("number"),
    }
