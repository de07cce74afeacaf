"""What is asked of a notice just before it leaves: is it still true, and may it be said today?"""

import pytest
from builders import EVERY_DAY, MONDAY, an_action, day

from engine.action import State
from engine.ladder import DEFAULT
from engine.verdict import Verdict, verdict


def judged(action, cause, rung, today) -> Verdict:
    return verdict(action, cause, rung, DEFAULT, EVERY_DAY, today)


def says_it(found: Verdict) -> bool:
    return not found.strike and found.wait_until is None


@pytest.mark.parametrize("state", [State.AGREED, State.IN_PROGRESS, State.BLOCKED])
def test_a_reminder_of_the_present_run_is_said(state):
    assert says_it(judged(an_action(state=state, episode=2), "e2", "R1", day(5)))


@pytest.mark.parametrize(
    "changes",
    [
        {"episode": 3},
        {"waiting": True},
        {"state": State.REPORTED_DONE},
        {"state": State.VERIFIED},
        {"state": State.DISPUTED},
        {"state": State.WITHDRAWN},
    ],
)
def test_a_reminder_of_a_run_that_is_over_is_struck(changes):
    found = judged(an_action(**{"episode": 2, **changes}), "e2", "R1", day(5))

    assert found.strike
    assert "SAA-01" in found.strike


@pytest.mark.parametrize(
    ("cause", "true", "no_longer"),
    [
        (f"s{MONDAY}", {}, {"substance_on": day(1)}),
        ("d7", {"state": State.DISPUTED, "state_version": 7}, {"state_version": 9}),
        ("v7", {"state": State.REPORTED_DONE, "state_version": 7}, {"state": State.VERIFIED}),
        (f"b{MONDAY}", {"state": State.BLOCKED, "review_on": MONDAY}, {"review_on": day(9)}),
        (f"o{MONDAY}", {"state": State.IN_FORCE}, {"due_on": day(30)}),
    ],
)
def test_each_cause_holds_only_as_long_as_what_brought_it(cause, true, no_longer):
    assert says_it(judged(an_action(**true), cause, "X", day(3)))
    assert judged(an_action(**{**true, **no_longer}), cause, "X", day(3)).strike


def test_a_pause_makes_the_ladder_wait_and_nothing_else():
    paused = an_action(paused_until_on=day(20), state=State.BLOCKED, review_on=MONDAY)

    assert judged(paused, "e1", "R1", day(19)).wait_until == day(20)
    assert says_it(judged(paused, "e1", "R1", day(20)))
    assert says_it(judged(paused, f"b{MONDAY}", "E1", day(19)))


def test_an_acknowledgement_holds_escalations_for_ten_working_days_but_no_reminder():
    answered = an_action(acknowledged_on=day(21))

    assert judged(answered, "e1", "E2", day(30)).wait_until == day(31)
    assert says_it(judged(answered, "e1", "E2", day(31)))
    assert says_it(judged(answered, "e1", "R2", day(22)))


@pytest.mark.parametrize("rung", ["P1", "P2", "P3"])
def test_a_courtesy_is_said_up_to_its_day_or_not_at_all(rung):
    assert says_it(judged(an_action(), "e1", rung, MONDAY))
    assert "passed" in judged(an_action(), "e1", rung, day(1)).strike


def test_what_is_about_an_address_is_true_whatever_the_action_does():
    assert says_it(judged(an_action(state=State.VERIFIED), "p9", "contact", day(3)))
