"""What each answer does to an action, for whom, and when it is refused."""

from datetime import date
from typing import Any

import pytest
from builders import EVERY_DAY, MONDAY, an_action, an_actor, changed, day, facts

from engine.action import Action, Kind, Level, Obstacle, State
from engine.answer import HELPERS, PURPOSE_OF, VERBS_FOR, Answer, Verb
from engine.answering import Effect, Setting, effect
from engine.errors import BadValue, ForbiddenMove
from engine.ladder import Addressee
from engine.lifecycle import Actor
from engine.party import Role

FOCAL = an_actor(Role.FOCAL_POINT)
COORDINATOR = an_actor(Role.COORDINATOR)
VERIFIER = an_actor(Role.VERIFIER)
PAUSE = day(10)


def at(actor: Actor = FOCAL, today: date = MONDAY, **changes: Any) -> Setting:
    return Setting(
        actor=actor, facts=facts(**changes), today=today, calendar=EVERY_DAY, pause_until=PAUSE
    )


def answered(
    action: Action, answer: Answer, setting: Setting | None = None
) -> tuple[Action, Effect]:
    """The action after all that the answer does, and the effect itself."""
    done = effect(action, answer, setting or at())
    for change in done.changes:
        action = changed(action, change(action).changes)
    return action, done


def events(action: Action, answer: Answer, setting: Setting | None = None) -> list[str]:
    found = []
    for change in effect(action, answer, setting or at()).changes:
        moved = change(action)
        found.append(moved.event)
        action = changed(action, moved.changes)
    return found


def test_done_is_a_claim_and_not_its_confirmation():
    after, done = answered(an_action(), Answer(verb=Verb.DONE, note="the lamps are up"))
    assert after.state is State.REPORTED_DONE
    assert after.verified_level is Level.NOT_INITIATED
    assert done.applied
    assert done.tells == ()


def test_a_ticked_box_without_words_is_taken():
    after, _done = answered(an_action(), Answer(verb=Verb.DONE))
    assert after.state is State.REPORTED_DONE


def test_what_was_blocked_goes_on_before_it_is_done():
    blocked = an_action(state=State.BLOCKED, obstacle=Obstacle.MONEY, review_on=day(5))
    assert events(blocked, Answer(verb=Verb.DONE)) == ["in_progress", "reported_done"]
    after, _done = answered(blocked, Answer(verb=Verb.DONE))
    assert (after.state, after.obstacle) == (State.REPORTED_DONE, None)


def test_of_what_is_in_force_an_occurrence_was_kept():
    rule = an_action(kind=Kind.RECURRING, repeat="monthly", state=State.IN_FORCE)
    assert events(rule, Answer(verb=Verb.DONE)) == ["occurrence_reported"]


def test_more_time_is_asked_for_and_not_taken():
    action = an_action()
    after, done = answered(action, Answer(verb=Verb.MORE_TIME, until=day(20), note="the rains"))
    assert (after.due_on, after.due_rev, after.episode) == (action.due_on, 0, action.episode)
    assert after.paused_until_on == PAUSE
    assert [tell.kind for tell in done.tells] == ["new_date"]
    assert not done.applied


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"until": None}, "until"),
        ({"until": MONDAY}, "until"),
        ({"until": day(-1)}, "until"),
        ({"note": "  "}, "because"),
    ],
)
def test_more_time_needs_a_day_ahead_and_a_reason(changes, field):
    said = {"until": day(20), "note": "the rains", **changes}
    with pytest.raises(BadValue) as refusal:
        effect(an_action(), Answer(verb=Verb.MORE_TIME, **said), at())
    assert refusal.value.field == field


@pytest.mark.parametrize("obstacle", list(Obstacle))
def test_an_obstacle_goes_to_its_helper_and_is_looked_at_again(obstacle):
    helper = HELPERS[obstacle]
    after, done = answered(an_action(), Answer(verb=Verb.BLOCKED, obstacle=obstacle, note="x"))
    assert after.state is State.BLOCKED
    assert after.review_on == day(helper.review_working_days)
    told = [tell.addressee for tell in done.tells]
    assert told == list(dict.fromkeys((Addressee.COORDINATOR, helper.addressee)))


def test_still_blocked_says_so_and_takes_the_new_review_day():
    blocked = an_action(state=State.BLOCKED, obstacle=Obstacle.MONEY, review_on=day(-3))
    answer = Answer(
        verb=Verb.BLOCKED, obstacle=Obstacle.PERMIT, review_on=day(7), note="the permit"
    )
    after, _done = answered(blocked, answer)
    assert (after.state, after.obstacle, after.review_on) == (
        State.BLOCKED, Obstacle.PERMIT, day(7),
    )  # fmt: skip
    assert events(blocked, answer) == ["still_blocked"]


@pytest.mark.parametrize(
    ("verb", "kind", "event"),
    [
        (Verb.CANNOT, "cannot", "cannot_said"),
        (Verb.HELP, "help", "help_asked"),
        (Verb.NOT_ME, "wrong_person", "not_theirs_said"),
        (Verb.OTHER, "note", "noted"),
    ],
)
def test_what_moves_nothing_reaches_the_coordinator_and_keeps_the_ladder_still(verb, kind, event):
    answer = Answer(verb=verb, note="we wait for the rains", named="the works department")
    after, done = answered(an_action(), answer)
    assert after.state is State.IN_PROGRESS
    assert after.paused_until_on == PAUSE
    assert [(tell.addressee, tell.kind) for tell in done.tells] == [(Addressee.COORDINATOR, kind)]
    assert events(an_action(), answer) == [event]


def test_whom_somebody_names_is_not_written_into_the_history():
    named = Answer(verb=Verb.NOT_ME, named="Madame X")
    moved = effect(an_action(), named, at()).changes[0](an_action())
    assert "Madame X" not in str(moved.payload)


def test_a_verifier_confirms_what_was_reported():
    claimed = an_action(state=State.REPORTED_DONE, reported_by_id=1)
    said = Answer(
        verb=Verb.CONFIRMED, method="a visit", seen="the gate stands open", seen_on=day(-1)
    )
    after, _done = answered(claimed, said, at(VERIFIER))
    assert (after.state, after.verified_level) == (State.VERIFIED, Level.COMPLETED)


def test_a_rule_that_is_confirmed_comes_into_force():
    claimed = an_action(kind=Kind.STANDING, repeat="monthly", state=State.REPORTED_DONE)
    said = Answer(verb=Verb.CONFIRMED, method="a visit", seen="it holds")
    after, _done = answered(claimed, said, at(VERIFIER))
    assert after.state is State.IN_FORCE


def test_nobody_confirms_what_was_seen_tomorrow_or_not_at_all():
    claimed = an_action(state=State.REPORTED_DONE)
    with pytest.raises(BadValue):
        effect(
            claimed, Answer(verb=Verb.CONFIRMED, method="x", seen="y", seen_on=day(1)), at(VERIFIER)
        )
    with pytest.raises(ForbiddenMove, match="method, seen"):
        answered(claimed, Answer(verb=Verb.CONFIRMED), at(VERIFIER))


def test_the_party_that_owes_it_cannot_confirm_it():
    claimed = an_action(state=State.REPORTED_DONE)
    with pytest.raises(ForbiddenMove):
        answered(claimed, Answer(verb=Verb.CONFIRMED, method="x", seen="y"), at(FOCAL))


def test_not_yet_sends_it_back_with_what_is_missing():
    claimed = an_action(state=State.REPORTED_DONE, reported_by_id=1)
    said = Answer(verb=Verb.NOT_YET, note="the wall", level=Level.MINIMUM)
    after, _done = answered(claimed, said, at(VERIFIER))
    assert (after.state, after.verified_level) == (State.IN_PROGRESS, Level.MINIMUM)
    with pytest.raises(ForbiddenMove):
        answered(an_action(), said, at(VERIFIER))


def test_a_verifier_says_that_a_rule_holds_or_no_longer_does():
    rule = an_action(kind=Kind.STANDING, repeat="monthly", state=State.IN_FORCE)
    assert events(rule, Answer(verb=Verb.DONE, note="it holds"), at(VERIFIER)) == [
        "occurrence_reported"
    ]
    after, _done = answered(rule, Answer(verb=Verb.NOT_YET, note="since May"), at(VERIFIER))
    assert after.state is State.IN_PROGRESS
    assert events(rule, Answer(verb=Verb.NOT_YET, note="since May"), at(VERIFIER)) == ["lapsed"]


def test_a_coordinator_agrees_to_a_date_or_declines_it():
    asked = an_action(paused_until_on=PAUSE)
    after, _done = answered(asked, Answer(verb=Verb.AGREED, until=day(20)), at(COORDINATOR))
    assert (after.due_on, after.original_due_on, after.due_rev) == (day(20), MONDAY, 1)
    after, _done = answered(
        asked, Answer(verb=Verb.DECLINED, note="the rains end"), at(COORDINATOR)
    )
    assert (after.due_on, after.paused_until_on) == (MONDAY, None)
    for verb in (Verb.AGREED, Verb.DECLINED):
        with pytest.raises(ForbiddenMove):
            answered(asked, Answer(verb=verb, until=day(20), note="x"), at(FOCAL))


@pytest.mark.parametrize("verb", [Verb.DONE, Verb.MORE_TIME, Verb.BLOCKED, Verb.CANNOT, Verb.HELP])
@pytest.mark.parametrize("state", [State.VERIFIED, State.DISPUTED, State.WITHDRAWN])
def test_nobody_answers_for_what_is_settled_or_disputed(verb, state):
    answer = Answer(verb=verb, until=day(20), note="x", obstacle=Obstacle.OTHER)
    with pytest.raises(ForbiddenMove):
        answered(an_action(state=state, former_state=State.IN_PROGRESS), answer)


@pytest.mark.parametrize("verb", list(VERBS_FOR["answer"]))
def test_a_stranger_answers_nothing(verb):
    stranger = an_actor(person_id=99, party_id=None)
    answer = Answer(verb=verb, until=day(20), note="x", obstacle=Obstacle.OTHER)
    with pytest.raises(ForbiddenMove):
        answered(an_action(), answer, at(stranger))


def test_every_purpose_offers_verbs_and_every_kind_with_a_link_has_a_purpose():
    assert {verb for verbs in VERBS_FOR.values() for verb in verbs} == set(Verb)
    assert set(PURPOSE_OF.values()) == set(VERBS_FOR)
