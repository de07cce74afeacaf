"""Escalate now: which rung goes up, what keeps it back, and how often."""

from dataclasses import replace

import pytest
from builders import (
    COORDINATOR,
    FOCAL,
    MANAGER,
    SUPERIOR,
    Chronicle,
    a_case,
    a_circle,
    an_actor,
    day,
)

from engine.action import Handling, State
from engine.case import Said
from engine.errors import BadValue, ForbiddenMove
from engine.escalate import Wish, escalate
from engine.party import Role

COORD = an_actor(Role.COORDINATOR)
NOW = Wish(reason="the mayor asked")
WARNED = Said("e1", "R1", FOCAL.id, day(3))
E1 = Said("e1", "E1", COORDINATOR.id, day(7))


def told(done):
    return [(notice.rung, notice.person_id) for notice in done.decision.notices]


def test_the_next_rung_goes_up_at_once_and_is_on_record_with_the_reason():
    done = escalate(a_case(said=(WARNED,)), NOW, COORD, day(6))

    assert told(done) == [("E1", COORDINATOR.id)]
    assert done.decision.notices[0].key == "1:e1:E1:3"
    assert done.decision.events == [
        ("escalated", {"rung": "E1", "reason": "the mayor asked", "notices": ["E1:3"]})
    ]
    assert done.decision.opens


@pytest.mark.parametrize("reached_on", [None, day(7)])
def test_asked_again_before_it_was_read_nothing_climbs_two_rungs(reached_on):
    said = (WARNED, replace(E1, reached_on=reached_on))
    done = escalate(a_case(said=said), NOW, COORD, day(7))

    assert (done.rung.name, done.new) == ("E1", False)
    assert done.decision.events == []


def test_the_day_after_it_goes_one_rung_higher():
    assert escalate(a_case(said=(WARNED, E1)), NOW, COORD, day(8)).rung.name == "E2"


def test_what_an_earlier_run_said_does_not_count():
    said = (replace(WARNED, cause="e0"), replace(E1, cause="e0"), WARNED)
    assert escalate(a_case(said=said), NOW, COORD, day(8)).rung.name == "E1"


def test_a_named_rung_goes_once():
    wish = Wish(reason="x", rung="e4")
    assert told(escalate(a_case(said=(WARNED,)), wish, COORD, day(8))) == [("E4", MANAGER.id)]
    said = (WARNED, Said("e1", "E4", MANAGER.id, None))
    assert not escalate(a_case(said=said), wish, COORD, day(30)).new


def test_above_the_last_rung_there_is_none():
    said = (WARNED, Said("e1", "E4", MANAGER.id, day(3)))
    with pytest.raises(ForbiddenMove, match="the ladder ends here"):
        escalate(a_case(said=said), NOW, COORD, day(8))


@pytest.mark.parametrize(
    ("changes", "said", "why"),
    [
        ({}, (), "no reminder has reached the party"),
        ({}, (replace(WARNED, reached_on=None),), "no reminder has reached the party"),
        ({}, (replace(WARNED, rung="P3"),), "no reminder has reached the party"),
        ({}, (replace(WARNED, reached_on=day(5)),), "fair warning until 2026-06-09"),
        ({"paused_until_on": day(9)}, (WARNED,), "a report keeps the ladder still"),
        ({"acknowledged_on": day(6)}, (WARNED,), "somebody acknowledged it"),
    ],
)
def test_what_keeps_a_rung_back_is_said_unless_the_coordinator_says_why_not(changes, said, why):
    case = a_case(said=said, **changes)
    with pytest.raises(ForbiddenMove, match=why):
        escalate(case, NOW, COORD, day(6))

    done = escalate(case, Wish(reason="x", despite="a child was hurt"), COORD, day(6))
    assert told(done) == [("E1", COORDINATOR.id)]
    [(_kind, payload)] = done.decision.events
    assert payload["despite"] == "a child was hurt"
    assert done.decision.changes == dict.fromkeys(changes)


def test_a_rung_that_needs_a_release_waits_for_one_unless_the_coordinator_says_why_not():
    case = a_case(said=(WARNED,))
    for despite, waits in (("", True), ("agreed with the superior by phone", False)):
        done = escalate(case, Wish(reason="x", rung="E3", despite=despite), COORD, day(8))
        [notice] = done.decision.notices
        assert (notice.person_id, notice.release) == (SUPERIOR.id, waits)


def test_of_a_closed_action_nobody_else_hears_whatever_the_coordinator_says():
    case = a_case(said=(WARNED,), handling=Handling.CLOSED)
    assert told(escalate(case, NOW, COORD, day(8))) == [("E1", COORDINATOR.id)]
    for rung in ("E2", "E3", "E4"):
        with pytest.raises(ForbiddenMove, match="handling level"):
            escalate(case, Wish(reason="x", rung=rung, despite="y"), COORD, day(8))


def test_a_rung_without_anybody_is_refused():
    case = a_case(said=(WARNED,), circle=a_circle(superiors=()))
    with pytest.raises(ForbiddenMove, match="has nobody"):
        escalate(case, Wish(reason="x", rung="E3"), COORD, day(8))


@pytest.mark.parametrize(
    "changes",
    [{"state": state} for state in State if state not in {"agreed", "in_progress", "blocked"}]
    + [{"waiting": True}],
)
def test_only_what_is_owed_goes_up(changes):
    with pytest.raises(ForbiddenMove):
        escalate(a_case(said=(WARNED,), **changes), NOW, COORD, day(8))


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.COORDINATOR])
def test_only_a_coordinator_sends_it_up(role):
    with pytest.raises(ForbiddenMove, match="only its coordinator"):
        escalate(a_case(said=(WARNED,)), NOW, an_actor(role), day(8))


@pytest.mark.parametrize("wish", [Wish(reason=" "), Wish(reason="x", rung="R2")])
def test_it_needs_a_reason_and_a_rung_that_goes_up(wish):
    with pytest.raises(BadValue):
        escalate(a_case(said=(WARNED,)), wish, COORD, day(8))


def test_the_ladder_goes_on_from_the_rung_that_was_sent_early():
    life = Chronicle(a_case(substance_on=day(0)))
    life.look_daily(day(0), day(6))
    done = escalate(life.case, NOW, COORD, day(6))
    [notice] = done.decision.notices
    life.case = replace(
        life.case,
        said=(*life.case.said, Said(notice.cause, notice.rung, notice.person_id, day(6))),
    )
    life.look_daily(day(7), day(40))

    assert life.days_of("E1") == []  # it is not said again when its own day comes
    assert life.days_of("E2") == [day(11)]  # nobody acknowledged it within five working days
    assert life.days_of("R2", FOCAL.id) == [day(10)]
