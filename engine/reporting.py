"""What is said of an action without a move: a report, a new date, an acknowledgement."""

from dataclasses import dataclass
from datetime import date

from engine.action import OWED, Action, Level, State
from engine.errors import BadValue, ForbiddenMove
from engine.lifecycle import (
    FOCAL,
    RESPONSIBLE,
    Actor,
    Changes,
    Facts,
    Moved,
    Request,
    ended_run,
    move,
    permitted,
)
from engine.party import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What somebody says of how far an action has come."""

    level: Level
    note: str


def report(
    action: Action, given: Report, actor: Actor, facts: Facts, today: date, pause_until: date
) -> Moved:
    """
    What a report does: a claim of completion moves the action, a rise ends the run of the ladder.

    A report without a rise only keeps the ladder still until `pause_until`. ForbiddenMove where
    nothing can be reported; BadValue without a note.
    """
    if not given.note.strip():
        raise BadValue("note", given.note, "say in a few words what was done or why not")
    if action.state not in OWED | {State.IN_FORCE}:
        allowed = ", ".join(permitted(action)) or "nothing"
        raise ForbiddenMove(
            action.ref, action.state, "reported on", f"from here it can become {allowed}"
        )
    if FOCAL.isdisjoint(actor.roles):
        raise ForbiddenMove(
            action.ref,
            action.state,
            "reported on",
            "only its focal point or coordinator may report",
        )
    if given.level is Level.COMPLETED and action.state in OWED:
        return move(action, Request(to=State.REPORTED_DONE, note=given.note), actor, facts, today)
    payload: dict[str, object] = {
        "level": given.level,
        "note": given.note,
        "before": action.reported_level,
    }
    changes: Changes = {"substance_on": today, "answered_on": today, "reported_level": given.level}
    if action.state is State.IN_FORCE:
        payload["occurrence"] = action.due_on
        return Moved(changes | {"missed": 0}, "occurrence_reported", payload)
    if given.level.rank > action.reported_level.rank:
        changes |= ended_run(action, today)
        if action.state is State.AGREED:
            changes |= {"state": State.IN_PROGRESS, "state_since_on": today}
    else:
        changes["paused_until_on"] = pause_until
    return Moved(changes, "reported", payload)


def reschedule(action: Action, due_on: date, reason: str, actor: Actor, today: date) -> Moved:
    """A due date moves with a reason and on a coordinator's word; every earlier one is kept."""
    if Role.COORDINATOR not in actor.roles:
        raise ForbiddenMove(
            action.ref, action.state, f"due on {due_on}", "only its coordinator may move the date"
        )
    if action.state not in OWED | {State.PROPOSED}:
        raise ForbiddenMove(
            action.ref, action.state, f"due on {due_on}", "its date no longer matters"
        )
    if not reason.strip():
        raise BadValue("reason", reason, "say why the date moves and who agreed")
    if due_on == action.due_on:
        raise BadValue("due", due_on.isoformat(), "that is the date it has already")
    changes: Changes = {
        "due_on": due_on,
        "original_due_on": action.original_due_on or due_on,
        "due_rev": action.due_rev + 1,
        "substance_on": today,
        "answered_on": today,
        **ended_run(action, today),
    }
    return Moved(changes, "rescheduled", {"from": action.due_on, "to": due_on, "reason": reason})


def acknowledge(action: Action, note: str, actor: Actor, today: date) -> Moved:
    """Somebody who was told says so: an answer from the party, a pause of the climb from others."""
    if action.state not in OWED:
        raise ForbiddenMove(
            action.ref, action.state, "acknowledged", "nothing about it waits for an answer"
        )
    if not actor.roles:
        raise ForbiddenMove(
            action.ref, action.state, "acknowledged", "only persons who were told of it may do that"
        )
    changes: Changes = {"answered_on": today}
    if RESPONSIBLE.isdisjoint(actor.roles):
        changes = {"acknowledged_on": today}
    return Moved(changes, "acknowledged", {"note": note} if note else {})
