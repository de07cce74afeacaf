"""The ladder: each rung on its day, the highest only, never without fair warning, once."""

from dataclasses import replace
from datetime import date

import pytest
from builders import (
    ALTERNATE,
    COMMITTEE,
    COORDINATOR,
    EVERY_DAY,
    FOCAL,
    MANAGER,
    MON_TO_FRI,
    MONDAY,
    SUPERIOR,
    VERIFIER,
    Chronicle,
    a_case,
    a_circle,
    a_person,
    an_action,
    an_actor,
    changed,
    day,
    facts,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.action import Handling, Level, Obstacle, State
from engine.calendar import WorkingCalendar
from engine.case import Case, Said, rung_reached
from engine.ladder import DEFAULT, Addressee
from engine.lifecycle import Request, move
from engine.party import Role
from engine.reporting import Report, report, reschedule

PATIENT = replace(DEFAULT, acknowledge_within=1000)
"""The default ladder, but nobody is expected to acknowledge: dates alone bring rungs."""

RUNGS = {"P1": -10, "P2": -3, "P3": 0, "R1": 3, "R2": 10, "E1": 20, "E2": 30, "E3": 45, "E4": 60}

MUTE = a_person(1, email="", phone="+226 1")


def a_chronicle(**changes) -> Chronicle:
    return Chronicle(a_case(**{"ladder": PATIENT, **changes}))


@pytest.mark.parametrize("calendar", [EVERY_DAY, MON_TO_FRI])
@pytest.mark.parametrize(("rung", "days"), RUNGS.items())
def test_each_rung_is_said_on_its_day_and_not_the_day_before(rung, days, calendar):
    due_on = day(28)
    on = calendar.plus(due_on, days) if days else due_on
    chronicle = a_chronicle(due_on=due_on, substance_on=day(27), calendar=calendar)

    chronicle.look_daily(day(-2), date.fromordinal(on.toordinal() - 1))
    assert chronicle.days_of(rung) == []
    chronicle.look(on)
    assert set(chronicle.days_of(rung)) == {on}


def test_the_default_ladder_is_that_of_the_design():
    assert {rung.name: rung.days for rung in DEFAULT.rungs} == RUNGS
    assert [r.name for r in DEFAULT.rungs if r.call_task] == ["R2"]
    assert [r.name for r in DEFAULT.rungs if r.release] == ["E3"]
    assert [r.name for r in DEFAULT.rungs if r.monthly] == ["E4"]
    assert DEFAULT.rung("R2").to == (Addressee.FOCAL_POINT, Addressee.ALTERNATE)


def test_each_rung_goes_to_those_it_is_for_and_r2_makes_a_call_task():
    chronicle = a_chronicle(due_on=day(10), substance_on=day(10))

    chronicle.look_daily(day(0), day(75))

    assert chronicle.rungs_of(FOCAL.id) == ["P1", "P2", "P3", "R1", "R2"]
    assert chronicle.rungs_of(ALTERNATE.id) == ["R2"]
    assert chronicle.rungs_of(COORDINATOR.id) == ["call:R2", "E1"]
    assert chronicle.rungs_of(COMMITTEE.id) == ["E2"]
    assert chronicle.rungs_of(SUPERIOR.id) == ["E3"]
    assert chronicle.rungs_of(MANAGER.id) == ["E4"]
    assert chronicle.rungs_of(VERIFIER.id) == []
    call = next(n for n in chronicle.notices if n.rung == "call:R2")
    assert call.about_id == FOCAL.id


def test_a_notice_has_a_key_of_ids_rung_episode_and_dates():
    chronicle = a_chronicle(id=17, episode=3)

    chronicle.look(day(3))

    assert [n.key for n in chronicle.notices] == ["17:e3:R1:1"]


def test_long_overdue_things_are_said_once_as_they_are_now():
    chronicle = a_chronicle()

    chronicle.look(day(60))

    assert chronicle.told == [
        (day(60), "R2", FOCAL.id),
        (day(60), "call:R2", COORDINATOR.id),
        (day(60), "R2", ALTERNATE.id),
    ]
    assert sorted(chronicle.passed_over) == [f"{r}:{FOCAL.id}" for r in ("P1", "P2", "P3", "R1")]


def test_what_was_passed_over_is_recorded_once():
    chronicle = a_chronicle()
    chronicle.look(day(-5))  # P1
    chronicle.look(day(4))  # R1, over P2 and P3
    chronicle.look(day(11))  # R2

    assert chronicle.rungs_of(FOCAL.id) == ["P1", "R1", "R2"]
    assert sorted(chronicle.passed_over) == [f"P2:{FOCAL.id}", f"P3:{FOCAL.id}"]


def test_somebody_who_stands_on_two_rungs_hears_the_higher_one():
    both = a_circle(committee=(COORDINATOR,), managers=(COORDINATOR,))
    chronicle = a_chronicle(circle=both)
    chronicle.look(day(62))
    chronicle.look(day(65))

    assert chronicle.rungs_of(COORDINATOR.id) == ["call:R2", "E4"]
    assert {f"{r}:{COORDINATOR.id}" for r in ("E1", "E2")} <= set(chronicle.passed_over)
    chronicle.look_daily(day(66), day(80))
    assert chronicle.rungs_of(COORDINATOR.id) == ["call:R2", "E4"]


@pytest.mark.parametrize("delay", [0, 1, 4])
def test_what_goes_up_waits_three_working_days_from_the_delivery_of_a_reminder(delay):
    chronicle = Chronicle(a_case(ladder=PATIENT), arrives=lambda _notice: delay)

    chronicle.follow(day(60), day(60 + delay + 2))
    assert {r for _d, r, _p in chronicle.told} == {"R2", "call:R2"}
    chronicle.look(day(60 + delay + 3))
    assert chronicle.days_of("E1") == [day(60 + delay + 3)]
    assert {r for _d, r, _p in chronicle.told} == {"R2", "call:R2", "E1", "E2", "E3", "E4"}


def test_fair_warning_is_counted_in_working_days():
    chronicle = a_chronicle(due_on=day(-60), calendar=MON_TO_FRI)

    chronicle.follow(day(3), day(20))  # from a Thursday

    assert chronicle.days_of("R2", FOCAL.id) == [day(3)]
    assert chronicle.days_of("E1") == [day(8)]  # Friday, Monday, Tuesday


def test_a_courtesy_is_no_fair_warning():
    only_courtesies = (Said("e1", "P3", FOCAL.id, MONDAY),)
    chronicle = Chronicle(
        a_case(ladder=PATIENT, said=only_courtesies), arrives=lambda _notice: None
    )

    chronicle.look_daily(day(30), day(60))

    assert not {r for _d, r, _p in chronicle.told} & {"E1", "E2", "E3", "E4"}


def test_a_reminder_of_an_earlier_run_is_no_fair_warning():
    earlier = (Said("e1", "R2", FOCAL.id, day(-20)),)
    chronicle = Chronicle(
        a_case(ladder=PATIENT, episode=2, said=earlier), arrives=lambda _notice: None
    )

    chronicle.look_daily(day(20), day(40))

    assert chronicle.days_of("E1") == []


def test_a_logged_call_is_a_fair_warning():
    called = (Said("e1", "R2", FOCAL.id, day(60)),)
    chronicle = Chronicle(a_case(ladder=PATIENT, said=called), arrives=lambda _notice: None)

    chronicle.look_daily(day(60), day(62))
    assert chronicle.rungs_of(COORDINATOR.id) == []
    chronicle.look(day(63))
    assert "E1" in chronicle.rungs_of(COORDINATOR.id)


def test_a_party_without_an_address_makes_one_call_task_and_nothing_goes_up_before_the_call():
    chronicle = a_chronicle(circle=a_circle(focal=MUTE, alternates=()))

    chronicle.follow(day(60), day(70))
    assert chronicle.told == [(day(60), "call:R2", COORDINATOR.id)]

    chronicle.case = replace(
        chronicle.case, said=(*chronicle.case.said, Said("e1", "R2", MUTE.id, day(70)))
    )
    chronicle.look(day(72))
    assert chronicle.days_of("E1") == []
    chronicle.look(day(73))
    assert chronicle.days_of("E1") == [day(73)]


def test_an_address_that_failed_after_the_decision_makes_a_call_task():
    chronicle = Chronicle(a_case(ladder=PATIENT), arrives=lambda _notice: None)
    chronicle.look(day(3))
    assert chronicle.rungs_of(COORDINATOR.id) == []

    flagged = a_circle(focal=replace(FOCAL, flagged="550 no such mailbox"))
    chronicle.case = replace(chronicle.case, circle=flagged)
    chronicle.look(day(4))
    chronicle.look(day(5))

    assert chronicle.told[1:] == [(day(4), "call:R1", COORDINATOR.id)]


def test_courtesies_are_not_worth_a_call():
    chronicle = a_chronicle(circle=a_circle(focal=MUTE), due_on=day(10), substance_on=day(5))

    chronicle.look_daily(day(0), day(12))

    assert chronicle.told == []


@pytest.mark.parametrize("first", [1, 2])
def test_today_is_the_day_is_not_said_on_another_day(first):
    chronicle = a_chronicle()

    chronicle.follow(day(first), day(3))

    assert chronicle.rungs_of(FOCAL.id) == ["R1"]
    assert sorted(chronicle.passed_over) == [f"P{n}:{FOCAL.id}" for n in (1, 2, 3)]


def test_an_escalation_that_nobody_acknowledges_brings_the_next_one_after_five_working_days():
    chronicle = Chronicle(a_case(calendar=MON_TO_FRI))
    on = MON_TO_FRI.plus(MONDAY, 20)

    chronicle.follow(day(-20), day(60))

    assert chronicle.days_of("E1") == [on]
    assert chronicle.days_of("E2") == [MON_TO_FRI.plus(on, 5)]
    assert chronicle.days_of("E3") == [MON_TO_FRI.plus(on, 10)]


def test_five_days_are_counted_from_the_delivery_of_the_escalation():
    chronicle = Chronicle(a_case(), arrives=lambda n: 3 if n.rung == "E1" else 0)

    chronicle.follow(day(3), day(40))

    assert chronicle.days_of("E2") == [day(28)]


def test_what_was_not_released_reached_nobody_and_brings_nothing():
    chronicle = Chronicle(a_case())

    chronicle.follow(day(3), day(59))
    assert chronicle.days_of("E3") == [day(30)]
    assert chronicle.days_of("E4") == []

    chronicle.reached("E3", SUPERIOR.id, day(40))
    chronicle.look(day(44))
    assert chronicle.days_of("E4") == []
    chronicle.look(day(45))
    assert chronicle.days_of("E4") == [day(45)]


def test_only_the_superior_waits_for_release_and_agenda_items_are_posted():
    chronicle = a_chronicle()
    chronicle.look_daily(day(0), day(60))

    assert {n.rung for n in chronicle.notices if n.release} == {"E3"}
    assert {n.rung for n in chronicle.notices if n.posted} == {"E2"}


def test_an_acknowledgement_keeps_the_climb_still_for_ten_working_days():
    chronicle = Chronicle(a_case())
    chronicle.follow(day(3), day(20))
    chronicle.change(acknowledged_on=day(22))

    chronicle.follow(day(22), day(31))
    assert chronicle.days_of("E2") == []
    chronicle.follow(day(32), day(32))
    assert chronicle.days_of("E2") == [day(32)]


def test_managers_hear_again_each_month_and_only_after_the_last_one_left():
    chronicle = Chronicle(a_case(ladder=PATIENT), arrives=lambda n: 2 if n.rung == "E4" else 0)

    chronicle.follow(day(3), day(130))

    assert chronicle.days_of("E4") == [date(2026, 7, 31), date(2026, 9, 2), date(2026, 10, 4)]


@pytest.mark.parametrize(
    "end",
    [
        lambda a, on: report(a, Report(level=Level.MINIMUM, note="begun"),
                             an_actor(Role.FOCAL_POINT), facts(), on, day(999)),
        lambda a, on: move(a, Request(to=State.DISPUTED, reason="no"), an_actor(Role.VERIFIER),
                           facts(), on),
        lambda a, on: move(a, Request(to=State.BLOCKED, obstacle=Obstacle.MONEY, blocker="bank",
                                      review_on=day(200)), an_actor(Role.FOCAL_POINT), facts(), on),
        lambda a, on: move(a, Request(to=State.REPORTED_DONE, note="built"),
                           an_actor(Role.FOCAL_POINT), facts(), on),
        lambda a, on: move(a, Request(to=State.WITHDRAWN, reason="dropped"),
                           an_actor(Role.COORDINATOR), facts(), on),
    ],
)  # fmt: skip
def test_a_rise_a_dispute_a_block_a_claim_or_a_closure_ends_the_run(end):
    chronicle = a_chronicle()
    chronicle.look_daily(day(3), day(12))
    before = chronicle.action

    chronicle.case = replace(chronicle.case, action=changed(before, end(before, day(13)).changes))

    assert chronicle.action.episode == before.episode + 1
    assert chronicle.action.ladder_id is None
    if chronicle.action.state is State.IN_PROGRESS:
        chronicle.follow(day(13), day(24))
        assert chronicle.told[-1] == (day(23), "R2", ALTERNATE.id)
        assert chronicle.days_of("R1") == [day(3), day(16)]


def test_a_new_date_starts_from_the_new_date_with_its_courtesies():
    chronicle = a_chronicle()
    chronicle.look_daily(day(3), day(12))
    action = chronicle.action
    moved = reschedule(action, day(40), "agreed", an_actor(Role.COORDINATOR), day(13))
    chronicle.case = replace(chronicle.case, action=changed(action, moved.changes))

    chronicle.follow(day(13), day(43))

    assert chronicle.told[-4:] == [
        (day(30), "P1", FOCAL.id),
        (day(37), "P2", FOCAL.id),
        (day(40), "P3", FOCAL.id),
        (day(43), "R1", FOCAL.id),
    ]


def test_a_report_without_movement_keeps_the_ladder_still_for_its_time():
    chronicle = a_chronicle()
    chronicle.follow(day(3), day(8))
    action = chronicle.action
    done = report(action, Report(level=Level.NOT_INITIATED, note="not yet"),
                  an_actor(Role.FOCAL_POINT), facts(), day(8), day(18))  # fmt: skip
    chronicle.case = replace(chronicle.case, action=changed(action, done.changes))

    chronicle.follow(day(8), day(30))

    assert chronicle.days_of("R2", FOCAL.id) == [day(18)]  # else day 10
    assert chronicle.days_of("E1") == [day(20)]  # R1 was said in this run long ago
    assert chronicle.action.episode == 1


def test_a_run_that_began_again_after_a_pause_of_dependency_starts_from_its_anchor():
    chronicle = a_chronicle(anchor_on=day(50), substance_on=day(50), episode=3)

    chronicle.follow(day(50), day(60))

    assert chronicle.rungs_of(FOCAL.id) == ["R1", "R2"]
    assert chronicle.days_of("R1") == [day(53)]


def test_of_a_closed_action_only_its_focal_point_and_the_coordinator_hear():
    chronicle = Chronicle(a_case(handling=Handling.CLOSED, substance_on=day(-100)))

    chronicle.follow(day(-12), day(120))

    assert {person for _d, _r, person in chronicle.told} == {FOCAL.id, COORDINATOR.id}


@pytest.mark.parametrize(
    ("missing", "rung", "on"),
    [
        ({"focal": None, "alternates": ()}, "none:R1", day(3)),
        ({"coordinators": (), "committee": ()}, None, None),
        ({"committee": ()}, "none:E2", day(30)),
        ({"superiors": ()}, "none:E3", day(45)),
        ({"managers": ()}, "none:E4", day(60)),
    ],
)
def test_a_rung_that_has_nobody_ends_at_the_coordinator_once(missing, rung, on):
    chronicle = a_chronicle(circle=a_circle(**missing))

    chronicle.look_daily(day(-12), day(130))

    if rung:
        assert chronicle.days_of(rung) == [on]
        assert chronicle.days_of(rung, COORDINATOR.id) == [on]
    else:
        assert [r for _d, r, _p in chronicle.told if r.startswith("none:")] == []


def test_of_many_rungs_that_have_nobody_one_is_told():
    chronicle = a_chronicle(circle=a_circle(committee=(), superiors=(), managers=()))
    chronicle.look_daily(day(100), day(110))
    alone = [r for _d, r, _p in chronicle.told if r.startswith("none:")]
    assert alone == ["none:E4"]

    nobody = a_chronicle(circle=a_circle(focal=None, alternates=()))
    nobody.look_daily(day(60), day(90))
    assert nobody.told == [(day(60), "none:R2", COORDINATOR.id)]


def test_what_has_no_date_is_on_no_rung():
    chronicle = a_chronicle(due_on=None, original_due_on=None, substance_on=None)

    chronicle.look_daily(day(0), day(90))

    assert chronicle.told == []
    assert rung_reached(chronicle.case, day(90)) is None


def test_the_rung_reached_goes_by_dates_alone():
    case = a_case(action=an_action(paused_until_on=day(99)))

    reached = [rung_reached(case, day(n)) for n in (-11, -10, 2, 3, 59, 60)]
    assert [rung and rung.name for rung in reached] == [None, "P1", "P3", "R1", "E3", "E4"]


CALENDARS = st.sampled_from(
    [
        EVERY_DAY,
        MON_TO_FRI,
        WorkingCalendar("", frozenset({4})),
        WorkingCalendar("BF", frozenset({6})),
    ]
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any action that the ladder may look at, around which any role may be empty or mute."""
    state = draw(st.sampled_from([State.AGREED, State.IN_PROGRESS, State.BLOCKED]))
    due_on = day(draw(st.integers(-70, 30)))
    action = an_action(
        state=state,
        due_on=due_on,
        handling=draw(st.sampled_from(Handling)),
        substance_on=day(draw(st.integers(-60, 0))),
        anchor_on=draw(st.none() | st.integers(-40, 0).map(day)),
        paused_until_on=draw(st.none() | st.integers(0, 20).map(day)),
        acknowledged_on=draw(st.none() | st.integers(-9, 0).map(day)),
        review_on=day(draw(st.integers(-5, 40))) if state is State.BLOCKED else None,
        obstacle=Obstacle.MONEY if state is State.BLOCKED else None,
    )
    focal = draw(st.sampled_from([FOCAL, FOCAL, MUTE, None]))
    circle = a_circle(
        focal=focal,
        alternates=draw(st.sampled_from([(ALTERNATE,), ()])),
        committee=draw(st.sampled_from([(COMMITTEE,), (), (COORDINATOR,)])),
        superiors=draw(st.sampled_from([(SUPERIOR,), ()])),
        managers=draw(st.sampled_from([(MANAGER,), (COORDINATOR,), ()])),
    )
    ladder = draw(st.sampled_from([DEFAULT, PATIENT]))
    return a_case(action=action, circle=circle, calendar=draw(CALENDARS), ladder=ladder)


@settings(max_examples=120)
@given(cases(), st.lists(st.integers(0, 6), min_size=1, max_size=5))
def test_looking_when_asked_to_says_the_same_on_the_same_days_as_looking_every_day(case, waits):
    def arrives(notice):
        return waits[len(notice.rung + str(notice.person_id)) % len(waits)]

    daily, asked = Chronicle(case, arrives=arrives), Chronicle(case, arrives=arrives)

    daily.look_daily(day(0), day(120))
    asked.follow(day(0), day(120))

    assert asked.told == daily.told
    assert asked.passed_over == daily.passed_over


@settings(max_examples=120)
@given(cases(), st.lists(st.integers(0, 80), min_size=1, max_size=8, unique=True))
def test_looking_on_any_days_ends_where_looking_every_day_would_have_ended(case, days):
    """
    No key twice (the chronicle refuses it); nothing is said before its day; at the end, and after
    the three working days of fair warning, each person has heard the same highest rung of the run,
    courtesies of days gone by left out.
    """
    case = replace(case, ladder=PATIENT)
    last = day(max(days))
    end = case.calendar.plus(last, PATIENT.fair_warning)
    seldom, daily = Chronicle(case), Chronicle(case)

    for offset in sorted(days):
        seldom.look(day(offset))
    seldom.look_daily(last, end)
    daily.look_daily(day(0), end)

    assert highest(seldom) == highest(daily)
    assert {n.key for n in seldom.notices} <= {n.key for n in daily.notices} | new_keys(seldom)
    for on, rung, person in seldom.told:
        earlier = daily.days_of(rung, person)
        assert not earlier or earlier[0] <= on


def highest(chronicle: Chronicle) -> dict[int, str]:
    order = [rung.name for rung in PATIENT.rungs if not rung.courtesy]
    found: dict[int, str] = {}
    for notice in chronicle.notices:
        if not notice.cause.startswith("e") or notice.rung not in order:
            continue
        best = found.get(notice.person_id, order[0])
        found[notice.person_id] = max(best, notice.rung, key=order.index)
    return found


def new_keys(chronicle: Chronicle) -> set[str]:
    """Keys of monthly repetitions and of rungs without anybody: their days may differ."""
    return {n.key for n in chronicle.notices if n.rung == "E4" or n.rung.startswith("none:")}
