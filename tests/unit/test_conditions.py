"""Each condition of DESIGN §3 on its last day without and its first day with it."""

from dataclasses import fields
from datetime import date

import pytest
from builders import EVERY_DAY, MON_TO_FRI, MONDAY, an_action, day

from engine.action import OWED, Action, State
from engine.calendar import DayOverride, WorkingCalendar
from engine.conditions import Around, Condition, Standing, Thresholds, standing
from engine.store.counting import Counts

C = Condition
FEAST = WorkingCalendar(
    "",
    frozenset({5, 6}),
    (DayOverride(day=MONDAY, change="add", name="Feast", by="coord", reason="agreed"),),
)


def stands(
    action: Action,
    today: date,
    calendar: WorkingCalendar = EVERY_DAY,
    around: Around | None = None,
) -> Standing:
    return standing(action, calendar, around or Around(), today, Thresholds())


def holds(condition: Condition, action: Action, today: date, **more) -> bool:
    return condition in stands(action, today, **more).conditions


def first_day(condition: Condition, action: Action, **more) -> date:
    """The first day from MONDAY on for which the condition holds."""
    return next(day(n) for n in range(200) if holds(condition, action, day(n), **more))


def test_the_defaults_are_those_of_the_design():
    assert Thresholds() == Thresholds(
        due_soon_working_days=10,
        silent_days=45,
        silent_blocked_days=30,
        stalled_working_days=20,
        stalled_moves=2,
        unacknowledged_working_days=10,
        backlog_days=15,
    )


@pytest.mark.parametrize(
    ("calendar", "due_on", "first"),
    [
        (EVERY_DAY, day(30), day(20)),
        (MON_TO_FRI, day(28), day(14)),  # ten working days before a Monday are two weeks
        (MON_TO_FRI, day(26), day(14)),  # due on a Saturday, so the Monday after counts
    ],
)
def test_due_soon_is_ten_working_days_to_go(calendar, due_on, first):
    action = an_action(due_on=due_on)

    assert first_day(C.DUE_SOON, action, calendar=calendar) == first
    assert holds(C.DUE_SOON, action, calendar.on_or_after(due_on), calendar=calendar)
    late = date.fromordinal(calendar.on_or_after(due_on).toordinal() + 1)
    assert not holds(C.DUE_SOON, action, late, calendar=calendar)


@pytest.mark.parametrize(
    ("calendar", "due_on", "effective", "first_late", "late_by_one"),
    [
        (EVERY_DAY, day(0), day(0), day(1), day(1)),
        (MON_TO_FRI, day(5), day(7), day(8), day(8)),  # a Saturday
        (MON_TO_FRI, day(4), day(4), day(5), day(7)),  # a Friday: late at once, by a day on Monday
        (FEAST, day(-1), day(1), day(2), day(2)),  # a Sunday before a holiday
    ],
)
def test_overdue_is_after_the_effective_date_and_counted_in_working_days(
    calendar, due_on, effective, first_late, late_by_one
):
    action = an_action(due_on=due_on)

    assert stands(action, day(0), calendar).effective_due_on == effective
    assert first_day(C.OVERDUE, action, calendar=calendar) == first_late
    on_the_day = stands(action, effective, calendar)
    assert (on_the_day.overdue, on_the_day.days_overdue) == (False, 0)
    counted = (stands(action, day(n), calendar) for n in range(60))
    assert next(s for s in counted if s.days_overdue) == stands(action, late_by_one, calendar)
    assert stands(action, late_by_one, calendar).days_overdue == 1


@pytest.mark.parametrize("state", State)
def test_only_what_is_owed_is_overdue_due_soon_silent_or_stalled(state):
    late = stands(an_action(state=state, due_rev=2), day(100))
    soon = stands(an_action(state=state, due_on=day(2)), day(1))
    owed = state in OWED

    assert (late.overdue, late.days_overdue > 0) == (owed, owed)
    assert {C.OVERDUE, C.SILENT, C.STALLED} <= set(late.conditions) or not owed
    assert {C.OVERDUE, C.SILENT, C.STALLED}.isdisjoint(late.conditions) or owed
    assert (C.DUE_SOON in soon.conditions) == owed


def test_lateness_is_shown_on_the_present_and_on_the_original_date():
    moved = an_action(due_on=day(10), original_due_on=MONDAY, due_rev=1)

    stand = stands(moved, day(12))

    assert (stand.days_overdue, stand.days_over_original) == (2, 12)


@pytest.mark.parametrize(("state", "first"), [(State.IN_PROGRESS, 46), (State.BLOCKED, 31)])
def test_silent_is_45_days_without_substance_or_30_when_blocked(state, first):
    action = an_action(state=state, due_on=day(300), review_on=day(300))

    assert first_day(C.SILENT, action, calendar=MON_TO_FRI) == day(first)


def test_what_waits_for_another_is_not_silent_but_waiting():
    action = an_action(waiting=True, due_on=day(300))

    assert stands(action, day(100)).conditions == (C.WAITING,)


@pytest.mark.parametrize(("calendar", "first"), [(EVERY_DAY, 20), (MON_TO_FRI, 28)])
def test_stalled_is_twenty_working_days_late(calendar, first):
    assert first_day(C.STALLED, an_action(), calendar=calendar) == day(first)


def test_a_rise_of_the_level_starts_the_count_to_stalled_anew():
    assert first_day(C.STALLED, an_action(anchor_on=day(5))) == day(25)
    assert first_day(C.STALLED, an_action(anchor_on=day(-5))) == day(20)


def test_stalled_is_a_block_past_its_review_date():
    blocked = an_action(state=State.BLOCKED, due_on=day(300), review_on=day(3))

    assert first_day(C.STALLED, blocked) == day(4)
    moved_on = an_action(state=State.IN_PROGRESS, due_on=day(300), review_on=day(3))
    assert not holds(C.STALLED, moved_on, day(4))


@pytest.mark.parametrize(("moves", "expected"), [(0, False), (1, False), (2, True), (3, True)])
def test_stalled_is_a_date_that_moved_twice(moves, expected):
    assert holds(C.STALLED, an_action(due_on=day(300), due_rev=moves), MONDAY) == expected


@pytest.mark.parametrize(
    ("around", "expected"),
    [
        (Around(), False),
        (Around(needs_due_on=(day(50),)), False),
        (Around(needs_due_on=(day(50), day(51))), True),
        (Around(needs_due_on=(day(1),), needs_overdue=True), True),
    ],
)
def test_at_risk_is_a_dependency_due_later_or_overdue_itself(around, expected):
    assert holds(C.AT_RISK, an_action(due_on=day(50)), MONDAY, around=around) == expected


@pytest.mark.parametrize(("calendar", "first"), [(EVERY_DAY, 11), (MON_TO_FRI, 15)])
def test_unacknowledged_is_more_than_ten_working_days_agreed_without_an_answer(calendar, first):
    fresh = an_action(state=State.AGREED, agreed_on=MONDAY, answered_on=None, due_on=day(300))

    assert first_day(C.UNACKNOWLEDGED, fresh, calendar=calendar) == day(first)


@pytest.mark.parametrize(
    "changes",
    [{"answered_on": day(2)}, {"state": State.IN_PROGRESS}, {"agreed_on": None}],
)
def test_whoever_answered_or_began_is_not_unacknowledged(changes):
    fresh = {"state": State.AGREED, "agreed_on": MONDAY, "answered_on": None}

    assert not holds(C.UNACKNOWLEDGED, an_action(**{**fresh, **changes}), day(90))


def test_verification_backlog_is_more_than_fifteen_days_after_the_claim():
    claimed = an_action(state=State.REPORTED_DONE, reported_on=MONDAY)

    assert first_day(C.VERIFICATION_BACKLOG, claimed, calendar=MON_TO_FRI) == day(16)
    verified = an_action(state=State.VERIFIED, reported_on=MONDAY)
    assert not holds(C.VERIFICATION_BACKLOG, verified, day(60))


def test_unreachable_is_a_party_without_a_working_contact():
    nobody = Around(reachable=False)

    assert holds(C.UNREACHABLE, an_action(), MONDAY, around=nobody)
    assert not holds(C.UNREACHABLE, an_action(state=State.VERIFIED), MONDAY, around=nobody)


def test_what_is_closed_has_no_condition_at_all():
    closed = {State.VERIFIED, State.SUPERSEDED, State.WITHDRAWN, State.NOT_IMPLEMENTED}
    nobody = Around(reachable=False, needs_due_on=(day(300),), needs_overdue=True)

    for state in closed:
        action = an_action(state=state, due_rev=5, waiting=True, reported_on=day(-90))
        assert stands(action, day(100), around=nobody).conditions == ()


def test_a_date_without_end_or_none_is_neither_late_nor_soon():
    stand = stands(an_action(due_on=None, original_due_on=None), day(30))

    assert (stand.effective_due_on, stand.overdue, stand.days_over_original) == (None, False, 0)


def test_conditions_are_never_stored():
    columns = {field.name for field in fields(Action)}

    assert columns.isdisjoint({c.value for c in Condition} - {"waiting"})
    assert "conditions" in {field.name for field in fields(Counts)}
