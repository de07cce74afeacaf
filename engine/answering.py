"""What an answer does to an action, and who must then be told of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from engine.action import OWED, Action, Kind, Level, Obstacle, State
from engine.answer import HELPERS, Answer, Verb
from engine.calendar import WorkingCalendar
from engine.errors import N_, BadValue, ForbiddenMove, Sentence
from engine.ladder import Addressee
from engine.lifecycle import FOCAL, Actor, Changes, Facts, Moved, Request, move
from engine.party import Role
from engine.reporting import Report, acknowledge, report, reschedule

NO_WORDS: Final = "said without further words"
"""Stands where a record needs a note and a code or a ticked box had none."""


LONGEST_BLOCKER: Final = 400
"""Of a longer one the beginning stands beside the action; the whole is in the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What an answer is judged by, besides the action: who answers, and the day it is there."""

    actor: Actor
    facts: Facts
    today: date
    calendar: WorkingCalendar
    pause_until: date


@dataclass(frozen=True, slots=True)
class Tell:
    """Somebody who must be told of an answer, and the kind of notice."""

    addressee: Addressee
    kind: str


@dataclass(frozen=True, slots=True)
class Effect:
    """
    What an answer comes to: changes to make one after the other, and whom to tell.

    Each change takes the action as the one before left it. `applied`: the action itself moved or
    was reported on; else the answer was recorded for a person to read.
    """

    changes: tuple[Callable[[Action], Moved], ...]
    tells: tuple[Tell, ...] = ()
    applied: bool = True


COORDINATOR: Final = Addressee.COORDINATOR


def effect(action: Action, answer: Answer, setting: Setting) -> Effect:
    """
    What this answer comes to as the action stands now.

    ForbiddenMove: the action cannot take it from here, or not from this person. BadValue: something
    that the verb needs is missing.
    """
    return _EFFECTS[answer.verb](action, answer, setting)


def _done(action: Action, answer: Answer, at: Setting) -> Effect:
    note = answer.note.strip() or NO_WORDS
    if answer.done_on:
        if answer.done_on > at.today:
            raise BadValue(
                "done_on",
                answer.done_on.isoformat(),
                N_("lies after today, %(today)s", today=at.today),
            )
        note = f"{note} ({answer.done_on.isoformat()})"
    changes: list[Callable[[Action], Moved]] = []
    if action.state is State.BLOCKED:
        going_on = Request(to=State.IN_PROGRESS, note=note)
        changes.append(lambda a: move(a, going_on, at.actor, at.facts, at.today))
    elif action.state not in OWED | {State.IN_FORCE}:
        raise ForbiddenMove(
            action.ref, action.state, "reported done", N_("nobody is asked for a report on it now")
        )
    if action.state in OWED:
        claim = Request(to=State.REPORTED_DONE, note=note)
        changes.append(lambda a: move(a, claim, at.actor, at.facts, at.today))
    else:
        kept = Report(level=Level.COMPLETED, note=note)
        changes.append(lambda a: report(a, kept, at.actor, at.facts, at.today, at.pause_until))
    return Effect(tuple(changes))


def _more_time(action: Action, answer: Answer, at: Setting) -> Effect:
    """A new date is asked for, not taken: DESIGN §3 lets it move only with who agreed."""
    _owed_by(action, at, "given more time")
    if answer.until is None:
        raise BadValue("until", "", N_("say until which day"))
    if answer.until <= at.today:
        raise BadValue(
            "until", answer.until.isoformat(), N_("must lie after today, %(today)s", today=at.today)
        )
    if not answer.note.strip():
        raise BadValue("because", "", N_("say in a few words why more time is needed"))
    said = {"until": answer.until, "note": answer.note}
    return Effect(
        (_recorded("more_time_asked", said, at),), (Tell(COORDINATOR, "new_date"),), applied=False
    )


def _blocked(action: Action, answer: Answer, at: Setting) -> Effect:
    _owed_by(action, at, "blocked")
    obstacle = answer.obstacle or Obstacle.OTHER
    helper = HELPERS[obstacle]
    review_on = answer.review_on or at.calendar.plus(at.today, helper.review_working_days)
    blocker = (answer.blocker.strip() or answer.note.strip() or NO_WORDS)[:LONGEST_BLOCKER]
    tells = tuple(Tell(who, "help") for who in dict.fromkeys((COORDINATOR, helper.addressee)))
    if action.state is State.BLOCKED:
        if review_on <= at.today:
            raise BadValue(
                "review_on", review_on.isoformat(), N_("must lie after %(today)s", today=at.today)
            )
        changes: Changes = {
            "obstacle": obstacle,
            "blocker": blocker,
            "review_on": review_on,
            "answered_on": at.today,
            "substance_on": at.today,
        }
        said = {"obstacle": obstacle, "blocker": blocker, "review_on": review_on}
        return Effect((lambda _a: Moved(changes, "still_blocked", said),), tells)
    request = Request(
        to=State.BLOCKED,
        reason=answer.note,
        obstacle=obstacle,
        blocker=blocker,
        review_on=review_on,
    )
    return Effect((lambda a: move(a, request, at.actor, at.facts, at.today),), tells)


def _cannot(action: Action, answer: Answer, at: Setting) -> Effect:
    _owed_by(action, at, "given back")
    said = {"note": answer.note.strip() or NO_WORDS}
    return Effect(
        (_recorded("cannot_said", said, at),), (Tell(COORDINATOR, "cannot"),), applied=False
    )


def _not_me(action: Action, answer: Answer, at: Setting) -> Effect:
    """Whom they name is not put on record in the history: it may be a person's name."""
    _owed_by(action, at, "handed to another")
    del answer
    changes: Changes = {"paused_until_on": at.pause_until}
    return Effect(
        (lambda _a: Moved(changes, "not_theirs_said", {}),),
        (Tell(COORDINATOR, "wrong_person"),),
        applied=False,
    )


def _help(action: Action, answer: Answer, at: Setting) -> Effect:
    _owed_by(action, at, "helped")
    said = {"note": answer.note.strip() or NO_WORDS}
    return Effect((_recorded("help_asked", said, at),), (Tell(COORDINATOR, "help"),), applied=False)


def _confirmed(action: Action, answer: Answer, at: Setting) -> Effect:
    to = State.VERIFIED if action.kind is Kind.ONE_OFF else State.IN_FORCE
    seen = answer.seen.strip() or answer.note.strip()
    if answer.seen_on:
        if answer.seen_on > at.today:
            raise BadValue(
                "seen_on",
                answer.seen_on.isoformat(),
                N_("lies after today, %(today)s", today=at.today),
            )
        seen = f"{seen} ({answer.seen_on.isoformat()})" if seen else ""
    request = Request(to=to, method=answer.method, seen=seen, note=answer.note)
    return Effect((lambda a: move(a, request, at.actor, at.facts, at.today),))


def _not_yet(action: Action, answer: Answer, at: Setting) -> Effect:
    """What was claimed is not there, or what was in force no longer holds."""
    request = Request(to=State.IN_PROGRESS, reason=answer.note, level=answer.level)
    if action.state not in {State.REPORTED_DONE, State.IN_FORCE}:
        raise ForbiddenMove(
            action.ref, action.state, "sent back", N_("nothing about it waits for a confirmation")
        )
    return Effect((lambda a: move(a, request, at.actor, at.facts, at.today),))


def _not_seen(action: Action, answer: Answer, at: Setting) -> Effect:
    _by(action, at, JUDGES, "judged")
    said = {"note": answer.note.strip() or NO_WORDS}
    return Effect(
        (lambda _a: Moved({}, "not_seen_said", said),), (Tell(COORDINATOR, "note"),), applied=False
    )


def _taken_note(action: Action, answer: Answer, at: Setting) -> Effect:
    if action.state in OWED:
        return Effect((lambda a: acknowledge(a, answer.note, at.actor, at.today),))
    return _other(action, replace(answer, note=answer.note.strip() or NO_WORDS), at)


def _agreed(action: Action, answer: Answer, at: Setting) -> Effect:
    if answer.until is None:
        raise BadValue("until", "", N_("say which day was agreed"))
    until, reason = (
        answer.until,
        answer.note.strip() or f"the party asked for it instead of {action.due_on}",
    )
    return Effect((lambda a: reschedule(a, until, reason, at.actor, at.today),))


def _declined(action: Action, answer: Answer, at: Setting) -> Effect:
    _by(action, at, ALONE, "decided about")
    if not answer.note.strip():
        raise BadValue("because", "", N_("say in a few words why the date stays"))
    said = {"note": answer.note}
    return Effect((lambda _a: Moved({"paused_until_on": None}, "more_time_declined", said),))


def _other(action: Action, answer: Answer, at: Setting) -> Effect:
    if not answer.note.strip():
        raise BadValue("note", "", N_("there is nothing in this answer"))
    if not at.actor.roles and not at.actor.superior:
        raise ForbiddenMove(
            action.ref,
            action.state,
            "answered for",
            N_("only persons who were told of it may do that"),
        )
    own = not FOCAL.isdisjoint(at.actor.roles) and action.state in OWED
    changed = _recorded("noted", {"note": answer.note}, at)
    if not own:
        noted = Moved({}, "noted", {"note": answer.note})
        return Effect((lambda _a: noted,), (Tell(COORDINATOR, "note"),), applied=False)
    return Effect((changed,), (Tell(COORDINATOR, "note"),), applied=False)


def _recorded(event: str, said: Mapping[str, object], at: Setting) -> Callable[[Action], Moved]:
    """An answer without movement: it keeps the ladder still for a while, as a report does."""
    changes: Changes = {
        "answered_on": at.today,
        "substance_on": at.today,
        "paused_until_on": at.pause_until,
    }
    return lambda _a: Moved(changes, event, said)


def _owed_by(action: Action, at: Setting, what: str) -> None:
    if action.state not in OWED:
        raise ForbiddenMove(
            action.ref, action.state, what, N_("nobody is asked for an answer about it now")
        )
    _by(action, at, FOCAL, what)


ALONE: Final = frozenset({Role.COORDINATOR})
JUDGES: Final = ALONE | {Role.VERIFIER}
_ONLY: Final[Mapping[frozenset[Role], Sentence]] = {
    FOCAL: N_("only its alternate or coordinator or focal point may say that"),
    JUDGES: N_("only its coordinator or verifier may say that"),
    ALONE: N_("only its coordinator may say that"),
}


def _by(action: Action, at: Setting, who: frozenset[Role], what: str) -> None:
    if who.isdisjoint(at.actor.roles):
        raise ForbiddenMove(action.ref, action.state, what, _ONLY[who])


_EFFECTS: Final[dict[Verb, Callable[[Action, Answer, Setting], Effect]]] = {
    Verb.DONE: _done,
    Verb.MORE_TIME: _more_time,
    Verb.BLOCKED: _blocked,
    Verb.CANNOT: _cannot,
    Verb.NOT_ME: _not_me,
    Verb.HELP: _help,
    Verb.CONFIRMED: _confirmed,
    Verb.NOT_YET: _not_yet,
    Verb.NOT_SEEN: _not_seen,
    Verb.TAKEN_NOTE: _taken_note,
    Verb.AGREED: _agreed,
    Verb.DECLINED: _declined,
    Verb.OTHER: _other,
}
