"""A rest from reminders: who may take one, how long, and that nothing for others waits for it."""

from dataclasses import replace

import pytest
from builders import EVERY_DAY, Chronicle, a_case, an_action, an_actor, day

from engine.action import State
from engine.case import is_past
from engine.errors import BadValue, ForbiddenMove
from engine.ladder import DEFAULT
from engine.party import Role
from engine.snooze import LONGEST, Rest, latest, snooze

FOCAL = an_actor(Role.FOCAL_POINT)
TUESDAY = day(1)


def asked(until, today=TUESDAY, actor=FOCAL, already=(), **changes):
    return snooze(an_action(**changes), until, actor, today, EVERY_DAY, DEFAULT, already)


def test_reminders_rest_until_that_day_and_it_counts_as_an_answer():
    moved = asked(day(5))
    assert moved.changes == {"paused_until_on": day(5), "answered_on": day(1)}
    assert (moved.event, moved.payload) == (
        "snoozed", {"from": day(1), "until": day(5), "run": 1},
    )  # fmt: skip


@pytest.mark.parametrize("role", [Role.FOCAL_POINT, Role.ALTERNATE])
def test_the_party_that_owes_it_may(role):
    assert asked(day(5), actor=an_actor(role))


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.VERIFIER, Role.COMMITTEE, Role.MANAGER])
def test_nobody_else_may(role):
    with pytest.raises(ForbiddenMove, match="only the party"):
        asked(day(5), actor=an_actor(role))


@pytest.mark.parametrize(
    "changes",
    [{"state": s} for s in State if s not in {State.AGREED, State.IN_PROGRESS}]
    + [{"waiting": True}],
)
def test_only_while_reminders_are_on_their_way(changes):
    with pytest.raises(ForbiddenMove):
        asked(day(5), **changes)


@pytest.mark.parametrize("until", [day(0), day(1)])
def test_not_until_a_day_that_has_come(until):
    with pytest.raises(BadValue, match="after today"):
        asked(until)


def test_not_shorter_than_they_rest_already():
    with pytest.raises(BadValue, match="rest until"):
        asked(day(5), paused_until_on=day(5))


def test_twice_in_a_run_and_no_more():
    once = Rest(from_on=day(-9), until_on=day(-8))
    assert asked(day(2), already=(once,))
    with pytest.raises(ForbiddenMove, match="2 times"):
        asked(day(2), already=(once, once))


def test_ten_working_days_in_all():
    assert asked(day(11))
    with pytest.raises(ForbiddenMove, match="until 2026-06-12 at most"):
        asked(day(12))
    with pytest.raises(ForbiddenMove, match="until 2026-06-05 at most"):
        asked(day(8), already=(Rest(from_on=day(-9), until_on=day(-2)),))


def test_a_rest_that_is_made_longer_is_counted_once():
    running = (Rest(from_on=day(0), until_on=day(6)),)
    assert asked(day(10), already=running, paused_until_on=day(6))
    with pytest.raises(ForbiddenMove, match="until 2026-06-11 at most"):
        asked(day(11), already=running, paused_until_on=day(6))


def test_what_is_for_others_is_not_kept_back():
    # E1 has its day at +20; three days before it the party must have been warned.
    assert asked(day(16), today=day(10))
    with pytest.raises(ForbiddenMove, match="until 2026-06-17 at most"):
        asked(day(17), today=day(10))
    with pytest.raises(ForbiddenMove, match="what others must hear"):
        asked(day(18), today=day(16))
    with pytest.raises(ForbiddenMove, match="what others must hear"):
        asked(day(31), today=day(30))


@pytest.mark.parametrize("start", range(-12, 16))
def test_escalations_come_on_the_day_on_which_they_would_have_come(start):
    """Whenever a rest is taken, and however long it may be."""
    plain, rested = Chronicle(a_case(substance_on=day(0))), Chronicle(a_case(substance_on=day(0)))
    plain.look_daily(day(-12), day(70))
    rested.look_daily(day(-12), day(start))
    until = latest(rested.action, day(start), EVERY_DAY, DEFAULT, ())
    assert until is not None
    assert (until - day(start)).days <= LONGEST
    moved = snooze(rested.action, until, FOCAL, day(start), EVERY_DAY, DEFAULT, ())
    rested.case = replace(rested.case, action=replace(rested.action, **moved.changes))
    rested.look_daily(day(start + 1), day(70))

    for rung in ("E1", "E2", "E4"):
        assert rested.days_of(rung) == plain.days_of(rung)
    quiet = [on for on, rung, _who in rested.told if day(start) < on < until and rung[0] in "PR"]
    assert quiet == []
    assert is_past(rested.action, EVERY_DAY, day(70))
