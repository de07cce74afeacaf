"""The life cycle: which moves there are, who may make them, and what each needs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from engine.action import LIVE, MET, OWED, Action, Kind, Level, Obstacle, State
from engine.errors import N_, ForbiddenMove, Sentence
from engine.party import Role, Side

Changes = dict[str, object]

RESPONSIBLE = frozenset({Role.FOCAL_POINT, Role.ALTERNATE})
FOCAL = RESPONSIBLE | {Role.COORDINATOR}
COORDINATOR = frozenset({Role.COORDINATOR})
VERIFIER = frozenset({Role.VERIFIER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """
    Who asks: the person, and what that person is *for this action*.

    `roles` holds focal_point and alternate only for a responsible party's own persons, and
    verifier for the persons of the verifying party. `superior`: speaks for the party above the one
    that owes, and so may acknowledge what was said to it, but nothing else.
    """

    person_id: int
    key: str
    party_id: int | None
    side: Side
    roles: frozenset[Role]
    superior: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A move somebody asks for, with what they say about it; empty where nothing was said."""

    to: State
    reason: str = ""
    note: str = ""
    review_on: date | None = None
    obstacle: Obstacle | None = None
    blocker: str = ""
    method: str = ""
    seen: str = ""
    level: Level | None = None
    decided_on: date | None = None
    successor_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """
    What the guards must know beyond the action itself.

    `responsible_ids`: the responsible party and those that share the responsibility. `sides`: the
    sides of those parties. `confirmed`: the sides that have confirmed this claim already. `unmet`:
    references of the dependencies that are not verified yet.
    """

    responsible_ids: frozenset[int]
    sides: frozenset[Side]
    confirmed: frozenset[Side] = frozenset()
    unmet: tuple[str, ...] = ()

    @property
    def joint(self) -> bool:
        """Parties of more than one side owe it: then each side confirms."""
        return len(self.sides) > 1


@dataclass(frozen=True, slots=True)
class Move:
    """One row of the life cycle."""

    sources: frozenset[State]
    to: State
    who: frozenset[Role]
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """What an accepted request does: columns to change and the event that records it."""

    changes: Changes
    event: str
    payload: Mapping[str, object]
    confirmation: Side | None = None


ANYWHERE: Final = LIVE | {State.VERIFIED, State.IN_FORCE}
UNDER_WAY: Final = frozenset({State.AGREED, State.IN_PROGRESS})

MOVES: Final = (
    Move(frozenset({State.PROPOSED}), State.AGREED, COORDINATOR, ("decided_on", "complete")),
    Move(frozenset({State.AGREED}), State.IN_PROGRESS, FOCAL, ()),
    Move(UNDER_WAY, State.BLOCKED, FOCAL, ("obstacle", "review_on", "blocker")),
    Move(frozenset({State.BLOCKED}), State.IN_PROGRESS, FOCAL, ()),
    Move(UNDER_WAY, State.REPORTED_DONE, FOCAL, ("note",)),
    Move(frozenset({State.REPORTED_DONE}), State.VERIFIED, VERIFIER,
         ("one_off", "confirmation", "other_hands")),
    Move(frozenset({State.REPORTED_DONE}), State.IN_FORCE, VERIFIER,
         ("lasting", "confirmation", "other_hands")),
    Move(frozenset({State.REPORTED_DONE}), State.IN_PROGRESS, VERIFIER,
         ("reason", "level", "other_hands")),
    Move(ANYWHERE - {State.DISPUTED}, State.DISPUTED, COORDINATOR | VERIFIER, ("reason",)),
    Move(frozenset({State.DISPUTED}), State.IN_PROGRESS, COORDINATOR, ("reason", "decided_on")),
    Move(frozenset({State.DISPUTED}), State.VERIFIED, COORDINATOR,
         ("one_off", "reason", "decided_on")),
    Move(frozenset({State.IN_FORCE}), State.IN_PROGRESS, VERIFIER, ("reason",)),
    Move(OWED, State.SUPERSEDED, COORDINATOR, ("reason", "successor")),
    Move(OWED, State.WITHDRAWN, COORDINATOR, ("reason",)),
    Move(LIVE, State.NOT_IMPLEMENTED, COORDINATOR, ("reason",)),
    Move(frozenset({State.VERIFIED, State.WITHDRAWN, State.NOT_IMPLEMENTED}), State.IN_PROGRESS,
         COORDINATOR, ("reason",)),
)  # fmt: skip
"""DESIGN §3, row by row. From disputed, the state before the dispute is also permitted."""


_ONLY: Final[Mapping[frozenset[Role], Sentence]] = {
    COORDINATOR: N_("only its coordinator may do that"),
    FOCAL: N_("only its alternate or coordinator or focal point may do that"),
    VERIFIER: N_("only its verifier may do that"),
    COORDINATOR | VERIFIER: N_("only its coordinator or verifier may do that"),
}


def permitted(action: Action) -> tuple[State, ...]:
    """The states that this action could move to now, in the order of the words."""
    targets = {move.to for move in MOVES if action.state in move.sources}
    if action.state is State.DISPUTED and action.former_state:
        targets.add(action.former_state)
    targets.discard(State.IN_FORCE if action.kind is Kind.ONE_OFF else State.VERIFIED)
    if action.agreed_on is None and action.state in {State.DISPUTED, State.NOT_IMPLEMENTED}:
        targets -= {State.IN_PROGRESS, State.VERIFIED}  # nobody ever agreed to it
    return tuple(state for state in State if state in targets)


def move(action: Action, request: Request, actor: Actor, facts: Facts, today: date) -> Moved:
    """
    What a move does. ForbiddenMove if the table, the person or a missing fact forbids it.

    A joint action stays reported_done until each side has confirmed.
    """
    row = _row(action, request.to)
    _check_actor(action, request.to, row, actor)
    for need in row.needs:
        _check_need(need, action, request, actor, facts, today)
    payload = {"from": action.state, "to": request.to, **_said(request)}
    if request.to in MET and action.state is State.REPORTED_DONE and facts.joint:
        missing = facts.sides - facts.confirmed - {actor.side}
        if missing:
            payload["waiting_for"] = sorted(missing)
            return Moved({"answered_on": today}, "confirmed", payload, actor.side)
    changes = _entered(action, request, today)
    if request.to is State.REPORTED_DONE and action.state is not State.DISPUTED:
        changes["reported_by_id"] = (
            actor.person_id
        )  # a dispute decided leaves the claim whose it was
    confirms = action.state is State.REPORTED_DONE and request.to in MET
    return Moved(changes, _event(action, request), payload, actor.side if confirms else None)


def freed(action: Action, today: date) -> Moved:
    """The move that nobody makes: no dependency is unmet any more, so the block is gone."""
    request = Request(to=State.IN_PROGRESS, reason="nothing that it waited for is missing any more")
    payload = {"from": action.state, "to": State.IN_PROGRESS, "reason": request.reason}
    return Moved(_entered(action, request, today), "freed", payload)


def ended_run(action: Action, today: date) -> Changes:
    """The columns that end the present run of the ladder; the next one counts from today."""
    return {
        "episode": action.episode + 1,
        "ladder_id": None,
        "anchor_on": today,
        "paused_until_on": None,
        "acknowledged_on": None,
    }


def _row(action: Action, to: State) -> Move:
    for row in MOVES:
        if action.state in row.sources and row.to is to and to in permitted(action):
            return row
    if action.state is State.DISPUTED and to is action.former_state:
        return Move(frozenset({State.DISPUTED}), to, COORDINATOR, ("reason", "decided_on"))
    raise ForbiddenMove(action.ref, action.state, to, onwards(action))


def onwards(action: Action) -> Sentence:
    """What an action can become, for whoever asked for something else."""
    allowed = permitted(action)
    if not allowed:
        return N_("from here it can become nothing: it is closed for good")
    return N_("from here it can become %(states)s", states=allowed)


def _check_actor(action: Action, to: State, row: Move, actor: Actor) -> None:
    if row.who.isdisjoint(actor.roles):
        raise ForbiddenMove(action.ref, action.state, to, _ONLY[row.who])


def _check_need(
    need: str, action: Action, request: Request, actor: Actor, facts: Facts, today: date
) -> None:
    missing: str = ""
    match need:
        case "reason" if not request.reason.strip():
            missing = N_("say why (reason)")
        case "note" if not (request.note.strip() or request.reason.strip()):
            missing = N_("say what was done, or name the evidence (note)")
        case "decided_on" if request.decided_on is None:
            missing = N_("say on which date that was decided (date)")
        case "decided_on" if request.decided_on and request.decided_on > today:
            missing = N_(
                "the day of the decision, %(day)s, is still to come", day=request.decided_on
            )
        case "level" if request.level is None:
            missing = N_("say how much of it is there (level)")
        case "successor" if request.successor_id is None:
            missing = N_("name the action that takes its place (successor)")
        case "successor" if request.successor_id == action.id:
            missing = N_("it cannot take its own place; name another action (successor)")
        case "review_on" if request.review_on is None:
            missing = N_("say on which day to look at it again (review-on)")
        case "review_on" if request.review_on and request.review_on <= today:
            missing = N_(
                "the review day %(day)s is not after today, %(today)s",
                day=request.review_on, today=today,
            )  # fmt: skip
        case "obstacle" if request.obstacle is None:
            missing = N_("say what stands in the way (obstacle: %(known)s)", known=tuple(Obstacle))
        case "blocker" if not request.blocker.strip() and not facts.unmet:
            missing = N_("name who or what it waits for (blocker)")
        case "complete":
            missing = _incomplete(action, facts)
        case "one_off" if action.kind is not Kind.ONE_OFF:
            missing = N_("a %(kind)s action comes into force (in_force) instead", kind=action.kind)
        case "lasting" if action.kind is Kind.ONE_OFF:
            missing = N_("a one_off action becomes verified instead")
        case "confirmation" if not (request.method.strip() and request.seen.strip()):
            missing = N_("say how it was checked and what was seen (method, seen)")
        case "other_hands":
            missing = _same_hands(action, actor, facts)
        case _:
            pass
    if missing:
        raise ForbiddenMove(action.ref, action.state, request.to, missing)


def _incomplete(action: Action, facts: Facts) -> str:
    if action.verifier_id is None or action.verifier_id in facts.responsible_ids:
        return N_("name a verifier of another party first")
    if action.kind is Kind.ONE_OFF and action.due_on is None:
        return N_("set a due date first")
    if action.kind is not Kind.ONE_OFF and not action.repeat:
        return N_("set the rule by which it repeats first")
    return ""


def _same_hands(action: Action, actor: Actor, facts: Facts) -> str:
    """A claim and its confirmation are two acts by two parties."""
    if actor.person_id == action.reported_by_id:
        return N_("whoever reported it done cannot also confirm it")
    if facts.joint:
        return "" if actor.side not in facts.confirmed else N_("this side has confirmed it already")
    if actor.party_id in facts.responsible_ids:
        return N_("the party that owes it cannot confirm it")
    return ""


def _said(request: Request) -> dict[str, object]:
    """What was said with the request, without the empty parts."""
    said = {
        "reason": request.reason,
        "note": request.note,
        "review_on": request.review_on,
        "obstacle": request.obstacle,
        "blocker": request.blocker,
        "method": request.method,
        "seen": request.seen,
        "level": request.level,
        "decided_on": request.decided_on,
        "successor_id": request.successor_id,
    }
    return {name: value for name, value in said.items() if value not in {None, ""}}


def _event(action: Action, request: Request) -> str:
    reopened = {State.VERIFIED, State.WITHDRAWN, State.NOT_IMPLEMENTED}
    if request.to is State.IN_PROGRESS:
        if action.state in reopened:
            return "reopened"
        if action.state is State.IN_FORCE:
            return "lapsed"
        if action.state is State.REPORTED_DONE:
            return "sent_back"
    return "resolved" if action.state is State.DISPUTED else str(request.to)


def _entered(action: Action, request: Request, today: date) -> Changes:
    """The columns that change on entering the state that was asked for."""
    changes: Changes = {
        "state": request.to,
        "state_since_on": today,
        "substance_on": today,
        "answered_on": today,
        **ended_run(action, today),
        **_ENTER.get(request.to, _nothing)(action, request, today),
    }
    if request.to is State.AGREED:
        changes |= {"anchor_on": None, "answered_on": None}
    elif request.to is State.IN_PROGRESS and action.state is State.AGREED:
        # Setting to work is no lateness ended: the run of the ladder goes on.
        for column in ("episode", "ladder_id", "anchor_on", "paused_until_on", "acknowledged_on"):
            changes.pop(column)
    if request.to not in {State.BLOCKED, State.DISPUTED}:
        changes |= {"obstacle": None, "blocker": "", "review_on": None}
    return changes


def _nothing(_action: Action, _request: Request, _today: date) -> Changes:
    return {}


def _agree(_action: Action, request: Request, _today: date) -> Changes:
    return {"agreed_on": request.decided_on}


def _block(action: Action, request: Request, _today: date) -> Changes:
    """What the block is; one that a dispute gives back is as it was before."""
    return {
        "obstacle": request.obstacle or action.obstacle or Obstacle.OTHER,
        "blocker": request.blocker or action.blocker,
        "review_on": request.review_on or action.review_on,
    }


def _claim(_action: Action, _request: Request, today: date) -> Changes:
    return {"reported_level": Level.COMPLETED, "reported_on": today}


def _confirm(_action: Action, _request: Request, _today: date) -> Changes:
    return {"verified_level": Level.COMPLETED, "missed": 0}


def _dispute(action: Action, _request: Request, _today: date) -> Changes:
    return {"former_state": action.state}


def _send_back(action: Action, request: Request, _today: date) -> Changes:
    changes: Changes = {"former_state": None, "reported_by_id": None, "reported_on": None}
    if request.level is not None and action.state is State.REPORTED_DONE:
        changes |= {"verified_level": request.level, "reported_level": request.level}
    return changes


def _replace(_action: Action, request: Request, _today: date) -> Changes:
    return {"successor_id": request.successor_id}


_ENTER: Final[Mapping[State, Callable[[Action, Request, date], Changes]]] = {
    State.AGREED: _agree,
    State.BLOCKED: _block,
    State.REPORTED_DONE: _claim,
    State.VERIFIED: _confirm,
    State.IN_FORCE: _confirm,
    State.DISPUTED: _dispute,
    State.IN_PROGRESS: _send_back,
    State.SUPERSEDED: _replace,
}
