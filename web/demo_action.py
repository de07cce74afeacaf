"""One action of the demonstration, whole: dates, ladder, who is told next, and its history."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from config.wiring import Services
from engine.history import Event
from engine.store.acting import facts_about
from engine.store.database import Connection
from engine.store.directory import Directory
from engine.store.exporting import plan_rows
from engine.store.listing import View, view_of
from engine.store.records import find_action, history_of
from engine.store.telling import told_about
from web.demo_board import functions
from web.pages import day as day_text
from web.pages import words
from web.steps import Next, Step, case_of, earlier_of, next_of, steps_of

PROGRAM: Final = {
    "sweep": "the sweep",
    "import": "the plan that was taken in",
    "dependency": "what it depended on",
}

TITLES: Final = {
    "imported": "Taken in from the plan",
    "in_progress": "Work goes on",
    "reported_done": "Reported done",
    "sent_back": "Sent back: not all there yet",
    "reported": "Progress reported",
    "rescheduled": "New date agreed",
    "acknowledged": "Taken note",
    "called": "Telephone call",
    "notified": "Decided to tell",
    "passed_over": "Passed over, because a higher rung says it",
    "resolved": "Dispute decided",
    "waiting": "Waits for what it depends on",
    "no_longer_waiting": "No longer waits",
    "handed_on": "Waits for the action that took the place of another",
    "occurrence_missed": "An occurrence was missed",
    "lapsed": "Lapsed",
    "released": "Released",
    "release_refused": "Release refused",
}

WORDED: Final = frozenset({"level", "state", "kind", "handling", "obstacle"})
ISO_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
NOT_TOLD: Final = frozenset({"person_id", "from", "to", "before", "set"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A line of the history."""

    title: str
    at: datetime
    by: str
    change: tuple[str, ...]
    details: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """Everything that the page of an action shows."""

    view: View
    commitment: str
    verifier: str
    focal: str
    coordinators: str
    unmet: tuple[str, ...]
    earlier: tuple[date, ...]
    ladder: tuple[Step, ...]
    following: Next | None
    notices: tuple[Mapping[str, Any], ...]
    history: tuple[Told, ...]
    releasable: bool


def whole(services: Services, ref: str, now: datetime) -> Whole:
    """The action of that reference; UnknownThing if there is none."""
    with services.database.read() as connection:
        action = find_action(connection, ref)
        directory = services.directory(connection)
        view = view_of(directory, action, now, services.thresholds)
        case = case_of(connection, directory, action)
        today = directory.today(action.dialogue_id, now)
        known = functions(directory)
        events = history_of(connection, action.id)
        notices = told_about(connection, action.id)
        verifier = directory.parties.get(action.verifier_id or 0)
        circle = case.circle
        return Whole(
            view=view,
            commitment=_commitment(connection, action.ref),
            verifier=verifier.name if verifier else "",
            focal=circle.focal.called if circle.focal else "",
            coordinators=", ".join(person.called for person in circle.coordinators),
            unmet=facts_about(connection, directory, action).unmet,
            earlier=earlier_of(events),
            ladder=steps_of(case, today),
            following=next_of(case, directory, today, services.delays),
            notices=tuple(_notice(notice) for notice in notices),
            history=tuple(_told(event, known, directory) for event in reversed(events)),
            releasable=any(notice["status"] == "unreleased" for notice in notices),
        )


def _commitment(connection: Connection, ref: str) -> str:
    """The words agreed in the room. Reads the whole plan: the sample has 38 rows."""
    return next((row["commitment"] for row in plan_rows(connection) if row["ref"] == ref), "")


def _told(event: Event, known: dict[str, str], directory: Directory) -> Told:
    payload: dict[str, Any] = json.loads(event.payload)
    change: tuple[str, ...] = ()
    if event.kind == "rescheduled" or (payload.get("from") and payload.get("to")):
        change = tuple(_text("state", payload.get(end) or "", directory) for end in ("from", "to"))
    details = tuple(
        ("" if name == "notices" else name.replace("_", " "), _text(name, value, directory))
        for name, value in payload.items()
        if name not in NOT_TOLD and value not in ("", None, [])
    )
    return Told(
        title=TITLES.get(event.kind, event.kind.replace("_", " ").capitalize()),
        at=event.at,
        by=PROGRAM.get(event.by) or known.get(event.by, event.by),
        change=change,
        details=details,
    )


def _text(name: str, value: object, directory: Directory) -> str:
    match value:
        case True | False:
            return "yes" if value else "no"
        case list() if name == "notices":
            return "; ".join(_spoken(str(part), directory) for part in value)
        case list():
            # of rungs passed over: which, not who would have read them
            return ", ".join(dict.fromkeys(str(part).partition(":")[0] for part in value))
        case str() if ISO_DAY.fullmatch(value):
            return day_text(date.fromisoformat(value))
        case str() if name in WORDED:
            return words(value)
        case _:
            return str(value)


def _notice(row: Mapping[str, Any]) -> Mapping[str, Any]:
    closed = row["closed_at"] and datetime.fromisoformat(row["closed_at"]).date()
    decided = datetime.fromisoformat(row["decided_at"]).date()
    return {
        **row,
        "rung": row["rung"].rpartition(":")[2],
        "decided_on": decided,
        "closed_on": closed if closed != decided else None,
    }


def _spoken(entry: str, directory: Directory) -> str:
    """`R2:25` or `call:R2:25`: the rung and who was told."""
    rung, _colon, person_id = entry.rpartition(":")
    person = directory.people.get(int(person_id)) if person_id.isdigit() else None
    return f"{rung_text(rung)} to {person.called}" if person else rung_text(entry)


def rung_text(rung: str) -> str:
    """A rung as people read it; a call task is told apart from the letter of the same rung."""
    kind, colon, name = rung.partition(":")
    if not colon:
        return rung
    return f"{name}, a call" if kind == "call" else name
