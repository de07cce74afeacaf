"""What an answer link still opens, as its action stands now, for the person it was sent to."""

from enum import StrEnum
from typing import Final

from engine.action import OWED, Action, State
from engine.answer import VERBS_FOR, Purpose, Verb
from engine.lifecycle import FOCAL, Actor, Facts
from engine.party import Role


class Door(StrEnum):
    """What somebody finds behind a link; only an `open` one takes an answer."""

    OPEN = "open"
    USED = "used"
    EXPIRED = "expired"
    REVOKED = "revoked"
    ROLE_ENDED = "role_ended"
    SETTLED = "settled"
    DECIDED = "decided"
    OWN_CLAIM = "own_claim"
    SIDE_CONFIRMED = "side_confirmed"


_ASKED_IN: Final = {
    Purpose.ANSWER: OWED | {State.IN_FORCE},
    Purpose.CONFIRM: frozenset({State.REPORTED_DONE}),
    Purpose.DECIDE: OWED | {State.PROPOSED},
    Purpose.CHECK: frozenset({State.IN_FORCE}),
    Purpose.ACKNOWLEDGE: OWED | {State.REPORTED_DONE, State.IN_FORCE, State.DISPUTED},
}
"""The states in which a question of that purpose still stands."""

_ASKED_OF: Final = {
    Purpose.ANSWER: FOCAL,
    Purpose.CONFIRM: frozenset({Role.VERIFIER}),
    Purpose.DECIDE: frozenset({Role.COORDINATOR}),
    Purpose.CHECK: frozenset({Role.VERIFIER}),
}
"""Who may answer it; an acknowledgement is for everybody who has to do with the action."""


def door(purpose: Purpose, action: Action, actor: Actor, facts: Facts, *, decided: bool) -> Door:
    """What is behind a link that was neither used nor closed; `decided`: a coordinator has."""
    if not _is_asked(purpose, actor):
        return Door.ROLE_ENDED
    if decided:
        return Door.DECIDED
    if action.state not in _ASKED_IN[purpose]:
        return Door.SETTLED
    if purpose is Purpose.CONFIRM:
        if actor.person_id == action.reported_by_id:
            return Door.OWN_CLAIM
        if facts.joint and actor.side in facts.confirmed:
            return Door.SIDE_CONFIRMED
    return Door.OPEN


def verbs(purpose: Purpose, action: Action) -> tuple[Verb, ...]:
    """What can be said now; of what is in force its party says only that it was kept."""
    if purpose is Purpose.ANSWER and action.state is State.IN_FORCE:
        return (Verb.DONE,)
    return VERBS_FOR[purpose]


def _is_asked(purpose: Purpose, actor: Actor) -> bool:
    if purpose is Purpose.ACKNOWLEDGE:
        return bool(actor.roles) or actor.superior
    return not _ASKED_OF[purpose].isdisjoint(actor.roles)
