"""What an answer link still opens, for whom, in every state."""

import pytest
from builders import FOCAL, OWING, an_action, an_actor, facts

from engine.action import OWED, State
from engine.answer import VERBS_FOR, Purpose, Verb
from engine.asking import Door, door, verbs
from engine.party import Role, Side

ASKED = {
    Purpose.ANSWER: Role.FOCAL_POINT,
    Purpose.CONFIRM: Role.VERIFIER,
    Purpose.DECIDE: Role.COORDINATOR,
    Purpose.CHECK: Role.VERIFIER,
    Purpose.ACKNOWLEDGE: Role.MANAGER,
}
OPEN_IN = {
    Purpose.ANSWER: OWED | {State.IN_FORCE},
    Purpose.CONFIRM: {State.REPORTED_DONE},
    Purpose.DECIDE: OWED | {State.PROPOSED},
    Purpose.CHECK: {State.IN_FORCE},
    Purpose.ACKNOWLEDGE: OWED | {State.REPORTED_DONE, State.IN_FORCE, State.DISPUTED},
}


@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.parametrize("state", list(State))
def test_a_question_stands_only_while_its_answer_is_needed(purpose, state):
    found = door(purpose, an_action(state=state), an_actor(ASKED[purpose]), facts(), decided=False)

    assert found is (Door.OPEN if state in OPEN_IN[purpose] else Door.SETTLED)


@pytest.mark.parametrize("purpose", list(Purpose))
def test_whoever_is_there_for_nothing_any_more_is_not_asked(purpose):
    found = door(purpose, an_action(), an_actor(), facts(), decided=False)

    assert found is Door.ROLE_ENDED


def test_the_party_above_may_take_note_of_what_it_was_told():
    actor = an_actor(superior=True)

    assert door(Purpose.ACKNOWLEDGE, an_action(), actor, facts(), decided=False) is Door.OPEN
    assert door(Purpose.ANSWER, an_action(), actor, facts(), decided=False) is Door.ROLE_ENDED


def test_a_date_is_decided_once():
    actor = an_actor(Role.COORDINATOR)

    assert door(Purpose.DECIDE, an_action(), actor, facts(), decided=True) is Door.DECIDED


def test_a_claim_is_confirmed_by_other_hands_and_once_a_side():
    reported = an_action(state=State.REPORTED_DONE, reported_by_id=FOCAL.id)
    own = an_actor(Role.VERIFIER, person_id=FOCAL.id)
    joint = facts(
        responsible_ids=frozenset({OWING, 9}),
        sides=frozenset({Side.SECURITY, Side.COMMUNITY}),
        confirmed=frozenset({Side.COMMUNITY}),
    )

    assert door(Purpose.CONFIRM, reported, own, facts(), decided=False) is Door.OWN_CLAIM
    side = an_actor(Role.VERIFIER)
    assert door(Purpose.CONFIRM, reported, side, joint, decided=False) is Door.SIDE_CONFIRMED
    other = an_actor(Role.VERIFIER, side=Side.SECURITY)
    assert door(Purpose.CONFIRM, reported, other, joint, decided=False) is Door.OPEN


def test_of_what_is_in_force_only_its_keeping_can_be_said():
    assert verbs(Purpose.ANSWER, an_action(state=State.IN_FORCE)) == (Verb.DONE,)
    for purpose in Purpose:
        assert verbs(purpose, an_action()) == VERBS_FOR[purpose]
