"""The send window: hours, days off, holds, the Friday pause, and clocks that change."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.calendar import DayOverride, WorkingCalendar
from engine.errors import BadValue
from engine.window import Window

SATURDAY_AND_SUNDAY = frozenset({5, 6})
EVERY_DAY = WorkingCalendar("", frozenset())
NO_HOLIDAYS = WorkingCalendar("", SATURDAY_AND_SUNDAY)
BURKINA_FASO = WorkingCalendar("BF", SATURDAY_AND_SUNDAY)


def a_window(zone="Africa/Ouagadougou", calendar=NO_HOLIDAYS, **more):
    return Window(zone, calendar=calendar, **more)


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def test_inside_the_hours_a_message_may_leave_now():
    now = utc(2026, 11, 23, 8, 30)

    assert a_window().is_open(now)
    assert a_window().next_open(now) == now


def test_the_closing_time_itself_is_too_late():
    window = a_window()

    assert window.is_open(utc(2026, 11, 23, 16, 29, 59))
    assert window.next_open(utc(2026, 11, 23, 16, 30)) == utc(2026, 11, 24, 8, 30)


def test_before_the_hours_a_message_waits_for_the_morning():
    assert a_window().next_open(utc(2026, 11, 23, 3)) == utc(2026, 11, 23, 8, 30)


def test_over_the_weekend_a_message_waits_for_monday():
    assert a_window().next_open(utc(2026, 11, 20, 17)) == utc(2026, 11, 23, 8, 30)


def test_nothing_leaves_on_a_holiday_of_the_receiver():
    window = a_window(calendar=BURKINA_FASO)

    assert not window.is_open(utc(2026, 12, 25, 10))
    assert window.next_open(utc(2026, 12, 24, 20)) == utc(2026, 12, 28, 8, 30)


def test_nothing_leaves_on_a_day_added_by_the_dialogue():
    mourning = DayOverride(day=date(2026, 11, 24), change="add", name="Deuil national")
    window = a_window(calendar=WorkingCalendar("BF", SATURDAY_AND_SUNDAY, (mourning,)))

    assert window.next_open(utc(2026, 11, 24, 10)) == utc(2026, 11, 25, 8, 30)


def test_nothing_leaves_during_the_friday_pause_where_there_is_one():
    window = a_window(friday_pause=True)

    assert window.is_open(utc(2026, 11, 20, 11, 59))
    assert window.next_open(utc(2026, 11, 20, 12)) == utc(2026, 11, 20, 15)
    assert a_window().is_open(utc(2026, 11, 20, 12))
    assert window.is_open(utc(2026, 11, 19, 12))


def test_the_friday_pause_can_take_what_is_left_of_the_hours():
    window = a_window(friday_pause=True, opens=time(12, 30), closes=time(15))

    assert window.next_open(utc(2026, 11, 20, 9)) == utc(2026, 11, 23, 12, 30)


def test_nothing_leaves_during_a_hold_whose_last_day_is_included():
    window = a_window(holds=((date(2026, 11, 23), date(2026, 11, 24)),))

    assert not window.is_open(utc(2026, 11, 24, 10))
    assert window.next_open(utc(2026, 11, 23, 10)) == utc(2026, 11, 25, 8, 30)


def test_the_first_morning_after_a_hold_is_not_missed_far_east():
    window = a_window("Pacific/Kiritimati", holds=((date(2026, 11, 23), date(2026, 11, 23)),))

    assert window.next_open(utc(2026, 11, 22, 20)) == utc(2026, 11, 23, 18, 30)


def test_holds_that_follow_or_overlap_each_other_are_waited_out_together():
    holds = (
        (date(2026, 11, 26), date(2026, 11, 27)),
        (date(2026, 11, 23), date(2026, 11, 25)),
        (date(2026, 11, 24), date(2026, 11, 26)),
    )

    window = a_window(holds=holds)

    assert window.next_open(utc(2026, 11, 23, 10)) == utc(2026, 11, 30, 8, 30)


def test_a_hold_without_an_end_keeps_the_window_shut():
    window = a_window(holds=((date(2026, 11, 25), None),))

    assert window.next_open(utc(2026, 11, 24, 17)) is None
    assert window.next_open(utc(2026, 11, 24, 10)) == utc(2026, 11, 24, 10)
    assert not window.is_open(utc(2030, 1, 8, 10))


def test_a_hold_of_many_years_is_waited_out():
    window = a_window(holds=((date(2026, 1, 1), date(2999, 12, 31)),))

    assert window.next_open(utc(2026, 11, 24, 10)) == utc(3000, 1, 1, 8, 30)


@pytest.mark.parametrize(
    ("zone", "opening"),
    [
        ("Asia/Kathmandu", utc(2026, 11, 23, 2, 45)),
        ("Asia/Yangon", utc(2026, 11, 23, 2, 0)),
        ("Africa/Niamey", utc(2026, 11, 23, 7, 30)),
        ("Pacific/Kiritimati", utc(2026, 11, 22, 18, 30)),
        ("Pacific/Pago_Pago", utc(2026, 11, 23, 19, 30)),
    ],
)
def test_the_morning_is_that_of_the_person_s_own_zone(zone, opening):
    window = a_window(zone)

    assert window.next_open(utc(2026, 11, 22, 12)) == opening
    assert not window.is_open(opening - timedelta(microseconds=1))


def test_the_day_off_is_that_of_the_person_s_own_zone():
    # Sunday evening in Europe is Monday morning on Kiritimati.
    assert a_window("Pacific/Kiritimati").is_open(utc(2026, 11, 22, 20))


def test_an_instant_of_another_zone_is_answered_in_utc():
    now = datetime(2026, 11, 23, 8, 30, tzinfo=timezone(timedelta(hours=5, minutes=45)))

    found = a_window("Asia/Kathmandu").next_open(now)

    assert found == now
    assert found.tzinfo is UTC


def test_an_opening_time_that_summer_time_skips_opens_when_the_clocks_have_moved():
    window = a_window("America/New_York", EVERY_DAY, opens=time(2, 30), closes=time(4))

    assert window.next_open(utc(2026, 3, 8, 5)) == utc(2026, 3, 8, 7)
    assert window.next_open(utc(2026, 3, 8, 5)).astimezone(
        ZoneInfo("America/New_York")
    ).time() == time(3)


def test_hours_that_summer_time_skips_altogether_do_not_come_that_day():
    window = a_window("America/New_York", EVERY_DAY, opens=time(2, 10), closes=time(2, 50))

    assert window.next_open(utc(2026, 3, 8, 5)) == utc(2026, 3, 9, 6, 10)


def test_hours_that_come_twice_are_open_both_times():
    window = a_window("America/New_York", EVERY_DAY, opens=time(1, 10), closes=time(1, 50))

    assert window.next_open(utc(2026, 11, 1, 5)) == utc(2026, 11, 1, 5, 10)
    assert window.next_open(utc(2026, 11, 1, 5, 55)) == utc(2026, 11, 1, 6, 10)


def test_clocks_set_back_into_the_hours_open_the_window_at_once():
    window = a_window("America/New_York", EVERY_DAY, opens=time(0, 30), closes=time(1, 20))

    assert window.next_open(utc(2026, 11, 1, 5, 30)) == utc(2026, 11, 1, 6)


def test_a_day_that_a_zone_left_out_is_not_waited_for():
    # Samoa went from Thursday 29 to Saturday 31 December 2011.
    window = a_window("Pacific/Apia", EVERY_DAY)

    assert window.next_open(utc(2011, 12, 30, 3)) == utc(2011, 12, 30, 18, 30)


def test_the_last_evening_of_all_has_no_morning():
    assert a_window().next_open(utc(9999, 12, 31, 20)) is None


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../../etc/hosts", "/etc/hosts", "Africa"])
def test_an_unknown_time_zone_is_refused(zone):
    with pytest.raises(BadValue, match="give a name of the IANA list"):
        a_window(zone)


def test_a_naive_instant_is_refused():
    naive = utc(2026, 11, 23, 10).replace(tzinfo=None)

    with pytest.raises(BadValue, match="lacks its time zone"):
        a_window().next_open(naive)
    with pytest.raises(BadValue, match="lacks its time zone"):
        a_window().is_open(naive)


@pytest.mark.parametrize(
    ("opens", "closes"),
    [(time(16), time(8)), (time(8), time(8)), (time(8, tzinfo=UTC), time(16))],
)
def test_hours_that_do_not_follow_each_other_are_refused(opens, closes):
    with pytest.raises(BadValue, match="the earlier one first"):
        a_window(opens=opens, closes=closes)


def test_a_hold_that_ends_before_it_begins_is_refused():
    with pytest.raises(BadValue, match="ends before it begins"):
        a_window(holds=((date(2026, 11, 24), date(2026, 11, 23)),))


def test_hours_that_never_come_are_refused():
    only_fridays = WorkingCalendar("", frozenset(range(7)) - {4})

    with pytest.raises(BadValue, match="nothing could ever leave"):
        a_window(calendar=only_fridays, friday_pause=True, opens=time(12), closes=time(14))


ZONES = st.sampled_from(
    [
        "Africa/Ouagadougou",
        "Africa/Casablanca",  # summer time is suspended during Ramadan
        "Asia/Kathmandu",
        "Asia/Yangon",
        "Australia/Lord_Howe",  # half an hour of summer time
        "America/New_York",
        "America/Havana",  # changes at midnight
        "Pacific/Apia",
        "Antarctica/Troll",  # two hours of summer time
        "Pacific/Chatham",
    ]
)
# Days around which one of these zones changes its clocks.
CHANGES = st.sampled_from(
    [
        *[(2011, 12, 30), (2026, 2, 14), (2026, 3, 8), (2026, 3, 22), (2026, 3, 29)],
        *[(2026, 4, 5), (2026, 9, 27), (2026, 10, 4), (2026, 10, 25), (2026, 11, 1)],
    ]
)
HOURS = st.tuples(st.integers(0, 1438), st.integers(1, 1439)).filter(lambda pair: pair[0] < pair[1])


@st.composite
def windows(draw):
    opens, closes = (time(*divmod(minute, 60)) for minute in draw(HOURS))
    start = date(2026, 3, 1) + timedelta(days=draw(st.integers(0, 300)))
    holds = draw(st.sampled_from([(), ((start, start + timedelta(days=3)),), ((start, None),)]))
    calendar = draw(st.sampled_from([EVERY_DAY, NO_HOLIDAYS, BURKINA_FASO]))
    return a_window(
        draw(ZONES),
        calendar,
        opens=opens,
        closes=closes,
        friday_pause=draw(st.booleans()),
        holds=holds,
    )


INSTANTS = st.builds(
    lambda day, minutes: utc(*day) + timedelta(minutes=minutes), CHANGES, st.integers(-2880, 2880)
)


def says_open(window, instant):
    """The rule in the plainest words: the clock on the receiver's wall, nothing else."""
    wall = instant.astimezone(ZoneInfo(window.timezone))
    held = any(a <= wall.date() and (b is None or wall.date() <= b) for a, b in window.holds)
    praying = window.friday_pause and wall.isoweekday() == 5 and time(12) <= wall.time() < time(15)
    return (
        window.opens <= wall.time() < window.closes
        and not praying
        and not held
        and window.calendar.why_off(wall.date()) == ""
    )


@settings(deadline=None)
@given(window=windows(), now=INSTANTS)
def test_the_next_opening_is_never_past_and_open(window, now):
    found = window.next_open(now)
    assume(found is not None)

    assert found >= now
    assert window.is_open(found)
    assert says_open(window, found)


@settings(deadline=None)
@given(window=windows(), now=INSTANTS)
def test_nothing_before_the_next_opening_is_open(window, now):
    found = window.next_open(now) or now + timedelta(days=9)
    looked_at = min(found, now + timedelta(days=9))

    instant = now
    while instant < looked_at:
        assert not says_open(window, instant)
        instant += timedelta(minutes=7)
    if now < found:
        assert not window.is_open(found - timedelta(microseconds=1))


@settings(deadline=None)
@given(window=windows(), now=INSTANTS)
def test_the_window_is_open_just_when_the_clock_on_the_wall_says_so(window, now):
    assert window.is_open(now) is says_open(window, now)
    assert (window.next_open(now) == now) is says_open(window, now)


def test_the_earliest_opening_is_the_same_from_every_instant_before_it():
    window = a_window("America/Havana", BURKINA_FASO, friday_pause=True)
    opening = utc(2026, 11, 3, 13, 30)

    for hours in range(1, 80):
        assert window.next_open(opening - timedelta(hours=hours)) <= opening
    assert window.next_open(opening - timedelta(hours=60)) == opening
