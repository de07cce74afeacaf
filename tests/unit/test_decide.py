"""What is decided about one action on one day, state by state."""

from dataclasses import replace
from datetime import timedelta

import pytest
from builders import (
    ALTERNATE,
    COORDINATOR,
    EVERY_DAY,
    FOCAL,
    MON_TO_FRI,
    MONDAY,
    VERIFIER,
    Chronicle,
    a_case,
    a_circle,
    a_person,
    an_action,
    day,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.action import Action, Handling, Kind, Obstacle, State
from engine.case import Delays
from engine.decide import decide, first_look_on
from engine.ladder import DEFAULT

LATER = day(500)


def a_chronicle(**changes) -> Chronicle:
    return Chronicle(a_case(**changes))


def test_the_defaults_are_those_of_the_design():
    assert Delays() == Delays(
        silent_days=45,
        silent_blocked_days=30,
        backlog_days=15,
        backlog_working_days=10,
        missed_after_working_days=10,
        missed_in_a_row=2,
    )


@pytest.mark.parametrize(
    "state",
    [State.PROPOSED, State.VERIFIED, State.SUPERSEDED, State.WITHDRAWN, State.NOT_IMPLEMENTED],
)
def test_nothing_is_ever_decided_about_what_is_not_agreed_or_is_closed(state):
    chronicle = a_chronicle(state=state, due_rev=3, missed=1)

    for offset in range(-20, 200):
        found = chronicle.look(day(offset))
        assert (found.notices, found.events, found.changes, found.next_on) == ([], [], {}, None)


@pytest.mark.parametrize("state", [State.AGREED, State.IN_PROGRESS, State.BLOCKED])
def test_nothing_is_said_about_what_waits_for_another(state):
    chronicle = a_chronicle(state=state, waiting=True, review_on=day(1), substance_on=day(-99))

    chronicle.look_daily(day(-20), day(200))

    assert chronicle.told == []


# -- silence


@pytest.mark.parametrize("state", [State.AGREED, State.IN_PROGRESS])
def test_after_45_silent_days_the_party_is_asked_and_a_call_is_made(state):
    chronicle = a_chronicle(state=state, due_on=LATER)

    chronicle.follow(day(0), day(45))
    assert chronicle.told == []
    chronicle.follow(day(46), day(300))
    assert chronicle.told == [
        (day(46), "R2", FOCAL.id),
        (day(46), "R2", ALTERNATE.id),
        (day(46), "call:R2", COORDINATOR.id),
    ]
    assert {n.kind for n in chronicle.notices} == {"silence", "call_task"}


def test_a_silent_block_is_asked_about_after_thirty_days():
    chronicle = a_chronicle(state=State.BLOCKED, due_on=LATER, review_on=LATER)

    chronicle.follow(day(0), day(60))

    assert chronicle.days_of("R2", FOCAL.id) == [day(31)]


def test_whoever_speaks_again_and_falls_silent_again_is_asked_again():
    chronicle = a_chronicle(due_on=LATER)
    chronicle.follow(day(0), day(50))
    chronicle.change(substance_on=day(50))

    chronicle.follow(day(50), day(100))

    assert chronicle.days_of("R2", FOCAL.id) == [day(46), day(96)]


def test_silence_adds_nothing_to_a_reminder_of_the_run():
    chronicle = a_chronicle(substance_on=day(-43))

    chronicle.look_daily(day(3), day(9))

    assert chronicle.told == [(day(3), "R1", FOCAL.id)]


def test_a_silent_party_that_only_a_call_reaches_is_called_once():
    mute = a_circle(focal=replace(FOCAL, email=""), alternates=())
    chronicle = a_chronicle(circle=mute, substance_on=day(-40))

    chronicle.look_daily(day(3), day(30))

    assert chronicle.told == [
        (day(3), "call:R1", COORDINATOR.id),
        (day(10), "call:R2", COORDINATOR.id),
    ]


def test_silence_about_a_closed_action_is_not_told_to_the_alternate():
    chronicle = a_chronicle(due_on=LATER, handling=Handling.CLOSED)

    chronicle.look_daily(day(0), day(60))

    assert {person for _on, _rung, person in chronicle.told} == {FOCAL.id, COORDINATOR.id}


def test_a_pause_also_keeps_silence_from_being_asked_about():
    chronicle = a_chronicle(due_on=LATER, paused_until_on=day(60))

    chronicle.follow(day(0), day(80))

    assert chronicle.days_of("R2", FOCAL.id) == [day(60)]


# -- blocked


BLOCK = {"state": State.BLOCKED, "obstacle": Obstacle.MONEY, "blocker": "the bank",
         "review_on": day(10), "anchor_on": day(0), "episode": 2}  # fmt: skip


def test_a_block_is_left_alone_until_its_review_date():
    chronicle = a_chronicle(**BLOCK, due_on=day(-50))

    chronicle.follow(day(0), day(10))

    assert chronicle.told == []


def test_past_its_review_date_the_coordinator_is_told_at_once():
    chronicle = a_chronicle(**BLOCK, due_on=day(-50))

    chronicle.follow(day(0), day(12))

    assert chronicle.told == [(day(11), "E1", COORDINATOR.id)]
    assert chronicle.notices[0].kind == "review_due"
    assert chronicle.notices[0].cause == f"b{day(10)}"


def test_past_its_review_date_the_ladder_starts_at_r1_and_e1_is_not_said_twice():
    chronicle = a_chronicle(**BLOCK, due_on=day(-50))

    chronicle.follow(day(0), day(60))

    assert chronicle.rungs_of(FOCAL.id) == ["R1", "R2"]
    assert chronicle.days_of("R1") == [day(13)]
    assert chronicle.days_of("E1") == [day(11)]


def test_a_block_with_a_new_review_date_is_told_about_again():
    chronicle = a_chronicle(**BLOCK, due_on=LATER)
    chronicle.follow(day(0), day(12))
    chronicle.change(review_on=day(20))

    chronicle.follow(day(12), day(22))

    assert chronicle.days_of("E1") == [day(11), day(21)]


# -- disputes


def test_a_dispute_is_told_to_the_coordinator_and_reminders_stop():
    chronicle = a_chronicle(state=State.DISPUTED, former_state=State.IN_PROGRESS)

    chronicle.look_daily(day(0), day(90))

    assert chronicle.told == [(day(0), "D1", COORDINATOR.id)]


# -- verification


def a_claim(**changes) -> Chronicle:
    given = {"state": State.REPORTED_DONE, "reported_on": MONDAY, "reported_by_id": FOCAL.id}
    return a_chronicle(**{**given, **changes})


def test_the_verifier_is_asked_and_asked_again_and_then_the_coordinator():
    chronicle = a_claim(calendar=MON_TO_FRI)
    backlog_on = day(16)

    chronicle.follow(day(0), day(90))

    assert chronicle.told == [
        (day(0), "V1", VERIFIER.id),
        (backlog_on, "V2", VERIFIER.id),
        (MON_TO_FRI.plus(backlog_on, 10), "V3", COORDINATOR.id),
    ]


def test_a_claim_found_late_is_asked_about_once():
    chronicle = a_claim()

    chronicle.look(day(20))

    assert chronicle.told == [(day(20), "V2", VERIFIER.id)]
    assert chronicle.passed_over == [f"V1:{VERIFIER.id}"]


def test_whoever_reported_it_is_not_asked_to_confirm_it():
    both = a_circle(verifiers=(VERIFIER, a_person(9)))
    chronicle = a_claim(reported_by_id=VERIFIER.id, circle=both)

    chronicle.look(day(0))

    assert chronicle.told == [(day(0), "V1", 9)]


@pytest.mark.parametrize("verifiers", [(), (replace(VERIFIER, email=""),)])
def test_without_a_verifier_who_can_be_reached_the_coordinator_is_asked(verifiers):
    chronicle = a_claim(circle=a_circle(verifiers=verifiers))

    chronicle.look_daily(day(0), day(60))

    assert chronicle.rungs_of(COORDINATOR.id) == ["V1", "V2", "V3"]


def test_one_person_is_not_told_two_things_of_one_backlog_at_once():
    chronicle = a_claim(circle=a_circle(verifiers=()))

    chronicle.look(day(90))

    assert chronicle.told == [(day(90), "V3", COORDINATOR.id)]


def test_a_claim_that_was_sent_back_and_made_again_is_asked_about_again():
    chronicle = a_claim(state_version=4)
    chronicle.look(day(0))
    chronicle.change(state=State.IN_PROGRESS)
    chronicle.change(state=State.REPORTED_DONE, reported_on=day(9))

    chronicle.look(day(9))

    assert chronicle.days_of("V1") == [day(0), day(9)]


# -- occurrences


def in_force(**changes) -> Chronicle:
    given = {"kind": Kind.RECURRING, "repeat": "monthly", "state": State.IN_FORCE,
             "due_on": day(2), "original_due_on": day(2)}  # fmt: skip
    return a_chronicle(**{**given, **changes})


JULY, AUGUST = day(32), day(63)  # 3 July and 3 August, after 3 June


def test_each_occurrence_is_asked_for_on_its_day_once():
    chronicle = in_force()

    chronicle.follow(day(0), day(11))

    assert chronicle.told == [(day(2), "O1", FOCAL.id)]
    assert chronicle.action.missed == 0


def test_an_occurrence_on_a_rest_day_is_asked_for_on_the_next_working_day():
    chronicle = in_force(due_on=day(5), original_due_on=day(5), calendar=MON_TO_FRI)

    chronicle.follow(day(0), day(8))

    assert chronicle.days_of("O1") == [day(7)]


def test_an_occurrence_is_missed_ten_working_days_later_and_two_in_a_row_are_a_lapse():
    chronicle = in_force()

    chronicle.look_daily(day(2), day(11))
    assert chronicle.action.missed == 0
    chronicle.look(day(12))
    assert (chronicle.action.missed, chronicle.action.due_on) == (1, JULY)
    chronicle.follow(day(13), JULY + timedelta(days=9))
    assert chronicle.action.state is State.IN_FORCE
    lapsed = chronicle.look(JULY + timedelta(days=10))

    after = chronicle.action
    assert (after.state, after.due_on, after.missed) == (State.IN_PROGRESS, JULY, 0)
    assert (after.episode, after.anchor_on) == (2, JULY + timedelta(days=10))
    assert [kind for kind, _payload in lapsed.events][:2] == ["occurrence_missed", "lapsed"]
    assert chronicle.told[-1] == (JULY + timedelta(days=10), "L1", COORDINATOR.id)


def test_a_lapse_starts_the_ladder_at_r1_from_the_day_of_the_lapse():
    chronicle = in_force()
    lapsed_on = JULY + timedelta(days=10)

    chronicle.follow(day(2), lapsed_on + timedelta(days=4))

    assert chronicle.rungs_of(FOCAL.id) == ["O1", "O1", "R1"]
    assert chronicle.days_of("R1") == [lapsed_on + timedelta(days=3)]


def test_a_kept_occurrence_breaks_the_row():
    chronicle = in_force()
    chronicle.follow(day(2), day(12))
    chronicle.change(missed=0, due_on=AUGUST)  # July was reported

    chronicle.follow(day(40), AUGUST + timedelta(days=12))

    assert chronicle.action.state is State.IN_FORCE
    assert chronicle.action.missed == 1


def test_after_a_long_outage_two_missed_occurrences_are_one_lapse_said_once():
    chronicle = in_force()

    chronicle.look(day(300))

    assert chronicle.told == [(day(300), "L1", COORDINATOR.id)]
    assert chronicle.action.state is State.IN_PROGRESS


def test_the_last_occurrence_of_a_rule_is_missed_once_and_then_nothing_is_asked_any_more():
    chronicle = in_force(repeat="FREQ=MONTHLY;COUNT=1")

    chronicle.follow(day(0), day(200))

    assert chronicle.told == [(day(2), "O1", FOCAL.id)]
    assert (chronicle.action.missed, chronicle.action.due_on) == (1, None)
    assert chronicle.action.state is State.IN_FORCE


def test_a_setting_that_became_stricter_lapses_what_has_missed_enough():
    chronicle = Chronicle(
        a_case(kind=Kind.RECURRING, repeat="monthly", state=State.IN_FORCE, due_on=day(90),
               original_due_on=day(2), missed=1),
        Delays(missed_in_a_row=1),
    )  # fmt: skip

    chronicle.look(day(0))

    assert chronicle.action.state is State.IN_PROGRESS


def test_of_a_standing_rule_the_verifier_is_asked_whether_it_holds():
    chronicle = in_force(kind=Kind.STANDING)

    chronicle.look(day(2))

    assert chronicle.told == [(day(2), "O1", VERIFIER.id)]
    assert chronicle.notices[0].kind == "check"


def test_whom_no_message_reaches_is_called_about_an_occurrence():
    chronicle = in_force(circle=a_circle(focal=replace(FOCAL, email="")))

    chronicle.look_daily(day(2), day(6))

    assert chronicle.told == [(day(2), "call:O1", COORDINATOR.id)]


# -- the look itself


def test_what_was_decided_is_one_event_that_says_who_and_what_was_passed_over():
    found = decide(a_case(), day(4), Delays())

    assert found.events == [
        (
            "notified",
            {"notices": [f"R1:{FOCAL.id}"], "passed_over": ["P1:1", "P2:1", "P3:1"]},
        )
    ]
    assert found.opens


def test_a_run_that_is_open_does_not_open_again():
    assert not decide(a_case(ladder_id=5), day(4), Delays()).opens


@st.composite
def actions(draw: st.DrawFn) -> Action:
    state = draw(st.sampled_from(State))
    lasting = state is State.IN_FORCE or draw(st.booleans())
    due_on = day(draw(st.integers(-60, 60)))
    repeat = draw(st.sampled_from(["weekly", "monthly", "FREQ=WEEKLY;COUNT=3"])) if lasting else ""
    return an_action(
        state=state,
        kind=draw(st.sampled_from([Kind.RECURRING, Kind.STANDING])) if lasting else Kind.ONE_OFF,
        repeat=repeat,
        due_on=due_on,
        original_due_on=due_on,
        substance_on=day(draw(st.integers(-60, 0))),
        state_since_on=MONDAY,
        reported_on=MONDAY if state is State.REPORTED_DONE else None,
        review_on=day(draw(st.integers(-5, 70))) if state is State.BLOCKED else None,
        waiting=draw(st.booleans()),
        missed=draw(st.integers(0, 1)) if state is State.IN_FORCE else 0,
    )


@settings(max_examples=150)
@given(actions(), st.sampled_from([EVERY_DAY, MON_TO_FRI]))
def test_the_first_look_at_a_new_action_comes_no_later_than_anything_to_say(action, calendar):
    daily = Chronicle(a_case(action=action, calendar=calendar))
    asked = Chronicle(a_case(action=action, calendar=calendar))

    daily.look_daily(day(0), day(100))
    first = first_look_on(action, DEFAULT, calendar, Delays())
    if first is not None:
        asked.follow(max(first, day(0)), day(100))

    assert asked.told == daily.told
    assert asked.action.state == daily.action.state
    assert asked.action.due_on == daily.action.due_on


@settings(max_examples=150)
@given(actions(), st.integers(0, 120))
def test_a_second_look_on_the_same_day_says_nothing_more(action, offset):
    chronicle = a_chronicle(action=action)

    chronicle.look(day(offset))
    if chronicle.action.state is not action.state:
        return  # it lapsed: tomorrow it is looked at as what it is now
    again = chronicle.look(day(offset))

    assert (again.notices, again.events, again.changes, again.occurrences) == ([], [], {}, [])
    assert again.next_on is None or again.next_on > day(offset)


def test_what_is_owed_stays_in_sight_when_its_ladder_has_ended():
    """A closed action has nobody for its last rungs: it must not fall asleep for good."""
    case = a_case(handling=Handling.CLOSED)
    chronicle = Chronicle(case)
    chronicle.follow(MONDAY, day(200))

    after = chronicle.look(day(200))

    assert not after.notices
    assert after.next_on is not None
    assert day(200) < after.next_on <= day(230)
