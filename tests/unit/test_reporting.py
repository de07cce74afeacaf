"""Reports, new dates and acknowledgements: what each ends, pauses and leaves alone."""

from datetime import timedelta

import pytest
from builders import FOCAL, MONDAY, an_action, an_actor, changed, day, facts

from engine.action import OWED, Kind, Level, State
from engine.errors import BadValue, ForbiddenMove
from engine.lifecycle import Moved
from engine.party import Role
from engine.reporting import Report, acknowledge, report, reschedule

TODAY = day(10)
PAUSE = day(24)


def reported(action, level, role=Role.FOCAL_POINT, note="two walls stand", today=TODAY) -> Moved:
    return report(action, Report(level=level, note=note), an_actor(role), facts(), today, PAUSE)


def test_a_report_that_raises_the_level_ends_the_run():
    action = an_action(reported_level=Level.MINIMUM, episode=2, ladder_id=7, acknowledged_on=day(9))

    after = changed(action, reported(action, Level.INTERMEDIATE).changes)

    assert (after.episode, after.ladder_id, after.anchor_on) == (3, None, TODAY)
    assert after.reported_level is Level.INTERMEDIATE
    assert (after.paused_until_on, after.acknowledged_on) == (None, None)


@pytest.mark.parametrize("level", [Level.NOT_INITIATED, Level.MINIMUM])
def test_a_report_without_a_rise_only_pauses(level):
    action = an_action(reported_level=Level.MINIMUM, episode=2, ladder_id=7)

    after = changed(action, reported(action, level).changes)

    assert (after.episode, after.ladder_id, after.paused_until_on) == (2, 7, PAUSE)
    assert (after.substance_on, after.answered_on) == (TODAY, TODAY)


def test_a_rise_sets_an_agreed_action_to_work():
    action = an_action(state=State.AGREED)

    assert reported(action, Level.MINIMUM).changes["state"] is State.IN_PROGRESS
    assert "state" not in reported(action, Level.NOT_INITIATED).changes


def test_completed_is_a_claim_and_not_a_confirmation():
    done = reported(an_action(), Level.COMPLETED)

    assert done.changes["state"] is State.REPORTED_DONE
    assert done.changes["reported_by_id"] == FOCAL.id
    assert "verified_level" not in done.changes


def test_a_blocked_action_is_not_completed_before_the_block_is_gone():
    with pytest.raises(ForbiddenMove, match="from here it can become in_progress"):
        reported(an_action(state=State.BLOCKED), Level.COMPLETED)


@pytest.mark.parametrize("state", sorted(set(State) - OWED - {State.IN_FORCE}))
def test_what_is_neither_owed_nor_in_force_is_not_reported_on(state):
    with pytest.raises(ForbiddenMove, match="from here it can become"):
        reported(an_action(state=state), Level.MINIMUM)


@pytest.mark.parametrize("role", [Role.VERIFIER, Role.COMMITTEE, Role.MANAGER])
def test_only_the_party_and_its_coordinator_report(role):
    with pytest.raises(ForbiddenMove, match="only its focal point or coordinator"):
        reported(an_action(), Level.MINIMUM, role)


def test_a_report_needs_words():
    with pytest.raises(BadValue, match="note"):
        reported(an_action(), Level.MINIMUM, note="  ")


def in_force(**changes):
    given = {"kind": Kind.RECURRING, "repeat": "monthly", "state": State.IN_FORCE,
             "due_on": day(30), "original_due_on": MONDAY, "missed": 1}  # fmt: skip
    return an_action(**{**given, **changes})


def test_an_occurrence_that_was_held_is_kept_and_the_row_of_misses_is_broken():
    done = reported(in_force(), Level.COMPLETED)

    assert (done.event, done.payload["occurrence"]) == ("occurrence_reported", day(30))
    assert done.changes["missed"] == 0


@pytest.mark.parametrize("level", [Level.NOT_INITIATED, Level.MINIMUM, Level.INTERMEDIATE])
def test_whoever_says_that_it_was_not_held_does_not_settle_the_occurrence(level):
    done = reported(in_force(), level)

    assert done.event == "reported"
    assert "missed" not in done.changes


def test_the_same_occurrence_said_twice_does_not_settle_the_next_one_too():
    once = in_force(due_on=MONDAY)
    twice = in_force(due_on=day(30))  # 1 July, after the one of 1 June was kept

    assert reported(once, Level.COMPLETED, today=MONDAY).event == "occurrence_reported"
    assert reported(twice, Level.COMPLETED, today=MONDAY).event == "reported"
    assert reported(twice, Level.COMPLETED, today=day(1)).event == "occurrence_reported"


def test_the_verifier_who_is_asked_whether_a_standing_rule_holds_can_say_so():
    done = reported(in_force(kind=Kind.STANDING), Level.COMPLETED, Role.VERIFIER)

    assert done.event == "occurrence_reported"
    with pytest.raises(ForbiddenMove):
        reported(in_force(), Level.COMPLETED, Role.VERIFIER)


def test_a_new_date_keeps_the_first_one_and_ends_the_run():
    action = an_action(episode=2, ladder_id=7, paused_until_on=day(20))
    coordinator = an_actor(Role.COORDINATOR)

    once = reschedule(action, day(40), "rain; agreed with the elders", coordinator, TODAY)
    moved = changed(action, once.changes)
    twice = changed(moved, reschedule(moved, day(60), "again", coordinator, TODAY).changes)

    assert (twice.due_on, twice.original_due_on, twice.due_rev) == (day(60), MONDAY, 2)
    assert (moved.episode, moved.ladder_id, moved.anchor_on) == (3, None, TODAY)
    assert moved.paused_until_on is None
    assert once.payload == {"from": MONDAY, "to": day(40), "reason": "rain; agreed with the elders"}


def test_a_first_date_is_no_move():
    action = an_action(state=State.PROPOSED, due_on=None, original_due_on=None)

    done = reschedule(action, day(40), "proposed", an_actor(Role.COORDINATOR), TODAY)
    after = changed(action, done.changes)

    assert (after.due_on, after.original_due_on, after.due_rev) == (day(40), day(40), 0)


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_date_does_not_move_without_a_reason(reason):
    with pytest.raises(BadValue, match="who agreed"):
        reschedule(an_action(), day(40), reason, an_actor(Role.COORDINATOR), TODAY)


def test_a_date_does_not_move_to_itself():
    with pytest.raises(BadValue, match="already"):
        reschedule(an_action(), MONDAY, "why not", an_actor(Role.COORDINATOR), TODAY)


def test_nobody_agrees_on_a_day_that_is_over():
    coordinator, yesterday = an_actor(Role.COORDINATOR), TODAY - timedelta(days=1)
    action = an_action(due_on=day(-9))

    with pytest.raises(BadValue, match=f"agree on {TODAY} or a later day"):
        reschedule(action, yesterday, "agreed by all", coordinator, TODAY)
    assert reschedule(action, TODAY, "agreed by all", coordinator, TODAY).payload["to"] == TODAY


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.COORDINATOR}))
def test_only_the_coordinator_moves_a_date(role):
    with pytest.raises(ForbiddenMove, match="only its coordinator"):
        reschedule(an_action(), day(40), "more time", an_actor(role), TODAY)


@pytest.mark.parametrize("state", sorted(set(State) - OWED - {State.PROPOSED}))
def test_the_date_of_what_is_not_owed_does_not_move(state):
    with pytest.raises(ForbiddenMove, match="no longer matters"):
        reschedule(an_action(state=state), day(40), "late", an_actor(Role.COORDINATOR), TODAY)


@pytest.mark.parametrize("role", [Role.FOCAL_POINT, Role.ALTERNATE])
def test_the_party_that_acknowledges_has_answered_and_nothing_else(role):
    assert acknowledge(an_action(), "", an_actor(role), TODAY).changes == {"answered_on": TODAY}


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.COMMITTEE, Role.MANAGER])
def test_an_escalation_is_acknowledged_by_those_whom_it_went_to(role):
    done = acknowledge(an_action(), "I am on it", an_actor(role), TODAY)

    assert done.changes == {"acknowledged_on": TODAY}
    assert done.payload == {"note": "I am on it"}


def test_the_superior_who_was_told_can_acknowledge_and_a_stranger_cannot():
    superior = an_actor(person_id=6, party_id=9, superior=True)

    assert acknowledge(an_action(), "", superior, TODAY).changes == {"acknowledged_on": TODAY}
    with pytest.raises(ForbiddenMove, match="only persons who were told"):
        acknowledge(an_action(), "", an_actor(person_id=6, party_id=9), TODAY)


@pytest.mark.parametrize("state", sorted(set(State) - OWED))
def test_there_is_nothing_to_acknowledge_once_nothing_is_owed(state):
    with pytest.raises(ForbiddenMove):
        acknowledge(an_action(state=state), "", an_actor(Role.COORDINATOR), TODAY)
