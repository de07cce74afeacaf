"""What is said of an action without a move: a report, a new date, an acknowledgement."""

from dataclasses import dataclass
from datetime import date, timedelta

from engine.action import OWED, Action, Kind, Level, State
from engine.errors import N_, BadValue, ForbiddenMove
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
    onwards,
)
from engine.party import Role
from engine.recurrence import parse


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

    A report without a rise only keeps the ladder still until `pause_until`. Of what is in force,
    `completed` says that the occurrence was kept, once for each occurrence; less says only how far
    it came. ForbiddenMove where nothing can be reported; BadValue without a note.
    """
    if not given.note.strip():
        raise BadValue("note", given.note, N_("say in a few words what was done or why not"))
    if action.state not in OWED | {State.IN_FORCE}:
        raise ForbiddenMove(action.ref, action.state, "reported on", onwards(action))
    checked = action.state is State.IN_FORCE and action.kind is Kind.STANDING
    if FOCAL.isdisjoint(actor.roles) and not (checked and Role.VERIFIER in actor.roles):
        raise ForbiddenMove(
            action.ref,
            action.state,
            "reported on",
            N_("only its focal point or coordinator may report"),
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
        if given.level is not Level.COMPLETED or not _its_turn(action, today):
            return Moved(changes, "reported", payload)
        payload["occurrence"] = action.due_on
        return Moved(changes | {"missed": 0}, "occurrence_reported", payload)
    if given.level.rank > action.reported_level.rank:
        changes |= ended_run(action, today)
        if action.state is State.AGREED:
            changes |= {"state": State.IN_PROGRESS, "state_since_on": today}
    else:
        changes["paused_until_on"] = pause_until
    return Moved(changes, "reported", payload)


def _its_turn(action: Action, today: date) -> bool:
    """Whether the occurrence before the coming one lies behind: said twice, one is kept."""
    if action.due_on is None or not action.repeat:
        return False
    first_on = action.original_due_on or action.due_on
    day = timedelta(days=1)
    earlier = parse(action.repeat, first_on).between(first_on - day, action.due_on - day)
    return not earlier or today > earlier[-1]


def reschedule(action: Action, due_on: date, reason: str, actor: Actor, today: date) -> Moved:
    """
    A due date moves with a reason and on a coordinator's word; every earlier one is kept.

    Nobody can agree today on a day that is over: what was late stays late in the history.
    """
    if Role.COORDINATOR not in actor.roles:
        raise ForbiddenMove(
            action.ref,
            action.state,
            f"due on {due_on}",
            N_("only its coordinator may move the date"),
        )
    if action.state not in OWED | {State.PROPOSED}:
        raise ForbiddenMove(
            action.ref, action.state, f"due on {due_on}", N_("its date no longer matters")
        )
    if not reason.strip():
        raise BadValue("reason", reason, N_("say why the date moves and who agreed"))
    if due_on == action.due_on:
        raise BadValue("due", due_on.isoformat(), N_("that is the date it has already"))
    if due_on < today:
        why = N_("that day lies behind us: agree on %(today)s or a later day", today=today)
        raise BadValue("due", due_on.isoformat(), why)
    changes: Changes = {
        "due_on": due_on,
        "original_due_on": action.original_due_on or due_on,
        "due_rev": action.due_rev + (action.due_on is not None),  # a first date moves nothing
        "substance_on": today,
        "answered_on": today,
        **ended_run(action, today),
    }
    return Moved(changes, "rescheduled", {"from": action.due_on, "to": due_on, "reason": reason})


def acknowledge(action: Action, note: str, actor: Actor, today: date) -> Moved:
    """Somebody who was told says so: an answer from the party, a pause of the climb from others."""
    if action.state not in OWED:
        raise ForbiddenMove(
            action.ref, action.state, "acknowledged", N_("nothing about it waits for an answer")
        )
    if not actor.roles and not actor.superior:
        raise ForbiddenMove(
            action.ref,
            action.state,
            "acknowledged",
            N_("only persons who were told of it may do that"),
        )
    changes: Changes = {"answered_on": today}
    if RESPONSIBLE.isdisjoint(actor.roles):
        changes = {"acknowledged_on": today}
    return Moved(changes, "acknowledged", {"note": note} if note else {})
