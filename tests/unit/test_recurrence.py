"""Due dates that come again: rules of RFC 5545, on days."""

import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import BadValue
from engine.recurrence import parse

FIRST = date(2026, 1, 31)


def days(rule, first_on, count):
    recurrence = parse(rule, first_on)
    found = [recurrence.on_or_after(first_on)]
    while len(found) < count and found[-1] is not None:
        found.append(recurrence.after(found[-1]))
    return found


def test_a_rule_gives_the_next_day_strictly_after_or_from_a_day_on():
    weekly = parse("FREQ=WEEKLY", date(2026, 11, 2))

    assert weekly.after(date(2026, 11, 2)) == date(2026, 11, 9)
    assert weekly.on_or_after(date(2026, 11, 2)) == date(2026, 11, 2)
    assert weekly.on_or_after(date(2026, 11, 3)) == date(2026, 11, 9)
    assert weekly.after(date(1999, 1, 1)) == date(2026, 11, 2)
    assert weekly.first_on == date(2026, 11, 2)


def test_between_leaves_the_first_day_out_and_takes_the_last_in():
    weekly = parse("FREQ=WEEKLY", date(2026, 11, 2))

    assert weekly.between(date(2026, 11, 2), date(2026, 11, 16)) == (
        date(2026, 11, 9),
        date(2026, 11, 16),
    )
    assert weekly.between(date(2026, 11, 16), date(2026, 11, 2)) == ()


def test_a_rule_monthly_on_the_31st_leaves_shorter_months_out():
    assert days("FREQ=MONTHLY", FIRST, 3) == [FIRST, date(2026, 3, 31), date(2026, 5, 31)]


def test_the_word_monthly_from_the_31st_means_every_month():
    assert days("monthly", FIRST, 4) == [
        FIRST,
        date(2026, 2, 28),
        date(2026, 3, 31),
        date(2026, 4, 30),
    ]


def test_the_word_quarterly_from_the_31st_keeps_to_every_quarter():
    assert days("quarterly", date(2026, 8, 31), 4) == [
        date(2026, 8, 31),
        date(2026, 11, 30),
        date(2027, 2, 28),
        date(2027, 5, 31),
    ]


def test_a_yearly_rule_on_the_leap_day_waits_for_leap_years():
    assert days("FREQ=YEARLY", date(2096, 2, 29), 2) == [date(2096, 2, 29), date(2104, 2, 29)]


def test_the_word_yearly_from_the_leap_day_means_every_year():
    assert days("yearly", date(2024, 2, 29), 5) == [
        date(2024, 2, 29),
        date(2025, 2, 28),
        date(2026, 2, 28),
        date(2027, 2, 28),
        date(2028, 2, 29),
    ]


@pytest.mark.parametrize(
    ("word", "second"),
    [
        ("daily", date(2026, 11, 3)),
        ("weekly", date(2026, 11, 9)),
        ("Monthly ", date(2026, 12, 2)),
        ("quarterly", date(2027, 2, 2)),
        ("YEARLY", date(2027, 11, 2)),
    ],
)
def test_a_plain_word_is_a_rule(word, second):
    assert days(word, date(2026, 11, 2), 2) == [date(2026, 11, 2), second]


def test_the_last_working_day_of_the_month_is_chosen_by_position():
    rule = "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"

    assert days(rule, date(2026, 1, 1), 3) == [
        date(2026, 1, 30),
        date(2026, 2, 27),
        date(2026, 3, 31),
    ]


def test_the_first_monday_of_the_month_is_found_after_a_start_on_another_day():
    assert days("FREQ=MONTHLY;BYDAY=1MO", date(2026, 11, 20), 2) == [
        date(2026, 12, 7),
        date(2027, 1, 4),
    ]


def test_a_rule_ends_with_its_last_day_until():
    rule = parse("FREQ=WEEKLY;UNTIL=20261116", date(2026, 11, 2))

    assert rule.after(date(2026, 11, 9)) == date(2026, 11, 16)
    assert rule.after(date(2026, 11, 16)) is None
    assert rule.on_or_after(date(2027, 1, 1)) is None


def test_a_rule_ends_after_its_count():
    rule = parse("RRULE:FREQ=MONTHLY;COUNT=3", date(2026, 11, 2))

    assert rule.between(date.min, date.max) == (
        date(2026, 11, 2),
        date(2026, 12, 2),
        date(2027, 1, 2),
    )
    assert rule.after(date(2027, 1, 2)) is None


def test_a_rule_without_an_end_goes_on_to_the_last_year():
    rule = parse("FREQ=YEARLY;INTERVAL=1000", date(2026, 6, 1))

    assert rule.after(date(9000, 1, 1)) == date(9026, 6, 1)
    assert rule.after(date(9999, 1, 1)) is None


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("", "give one RRULE"),
        ("fortnightly", "one word of daily, weekly, monthly, quarterly, yearly"),
        ("every second Monday", "give one RRULE without spaces"),
        ("INTERVAL=2", "lacks FREQ"),
        ("FREQ=HOURLY", "nothing falls due by the hour"),
        ("FREQ=SECONDLY;COUNT=3", "nothing falls due by the hour"),
        ("FREQ=DAILY;BYHOUR=9", "days without a time"),
        ("DTSTART:20260101\nRRULE:FREQ=DAILY", "leave DTSTART out"),
        ("FREQ=DAILY;DTSTART=20260101", "leave DTSTART out"),
        ("RRULE:FREQ=DAILY\nEXDATE:20260101", "give one RRULE"),
        ("FREQ=DAILY;FREQ=WEEKLY", "FREQ stands twice"),
        ("FREQ=DAILY;BYEASTER=0", "no part BYEASTER"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL takes numbers from 1"),
        ("FREQ=DAILY;INTERVAL=-1", "INTERVAL takes numbers from 1"),
        ("FREQ=DAILY;INTERVAL=1,2", "INTERVAL takes numbers from 1"),
        ("FREQ=DAILY;COUNT=0", "COUNT takes numbers from 1"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20270101", "exclude each other"),
        ("FREQ=DAILY;UNTIL=20261231T235959Z", "a day of the calendar without a time"),
        ("FREQ=DAILY;UNTIL=20260230", "a day of the calendar without a time"),
        ("FREQ=DAILY;UNTIL=20251231", "gives no day"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "0 excepted"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "from -31 to 31"),
        ("FREQ=MONTHLY;BYMONTHDAY=३", "from -31 to 31"),
        ("FREQ=MONTHLY;BYDAY=XX", "takes weekdays"),
        ("FREQ=MONTHLY;BYDAY=6MO", "6MO asks for more"),
        ("FREQ=YEARLY;BYMONTH=12;BYDAY=53SA", "at most to 5, and 53SA asks for more"),
        ("FREQ=YEARLY;BYMONTH=1;BYDAY=-6SU", "at most to 5, and -6SU asks for more"),
        ("FREQ=YEARLY;BYDAY=54SA", "at most to 53, and 54SA asks for more"),
        ("FREQ=WEEKLY;BYDAY=1MO", "has no number"),
        ("FREQ=WEEKLY;WKST=1MO", "takes weekdays"),
        ("FREQ=WEEKLY;BYMONTHDAY=3", "means nothing in a rule with FREQ=WEEKLY"),
        ("FREQ=MONTHLY;BYSETPOS=-1", "needs another BY part"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "gives no day"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "gives no day"),
        ("FREQ=DAILY;BYDAY=MO;BYSETPOS=2", "gives no day"),
        (f"FREQ=DAILY;BYDAY={'MO,' * 200}MO", "at most 400 characters"),
    ],
)
def test_a_rule_that_cannot_be_followed_is_refused_with_the_reason(rule, reason):
    with pytest.raises(BadValue, match=reason) as refusal:
        parse(rule, FIRST)

    assert refusal.value.field == "repeat"


def test_a_rule_that_first_comes_true_in_forty_years_is_not_taken_for_empty():
    rule = parse("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO", date(1889, 1, 1))

    assert rule.on_or_after(date(1900, 1, 1)) == date(1904, 2, 29)


def test_an_until_shortly_before_the_first_day_leaves_the_rule_empty():
    with pytest.raises(BadValue, match="gives no day"):
        parse("FREQ=MONTHLY;BYMONTHDAY=15;UNTIL=20260214", FIRST)

    assert parse("FREQ=MONTHLY;BYMONTHDAY=15;UNTIL=20260215", FIRST).after(FIRST)


def test_asking_for_late_days_again_works_nothing_out_again():
    rule = parse("FREQ=DAILY;INTERVAL=1", date(1970, 1, 1))
    late = rule.after(date(2026, 1, 1))
    worked_out = len(rule._days._known)

    for offset in range(500):
        rule.after(date(2026, 1, 1) - timedelta(days=offset))

    assert late == date(2026, 1, 2)
    assert len(rule._days._known) == worked_out == (late - date(1970, 1, 1)).days + 1


def test_one_rule_is_read_once_for_all_who_share_it():
    assert parse("FREQ=MONTHLY", FIRST) is parse("FREQ=MONTHLY", FIRST)


@pytest.fixture
def hasty_threads():
    """Threads take turns at every chance they get, so that what can collide does."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("hasty_threads")
def test_threads_that_ask_one_rule_at_once_get_the_same_days():
    rule = parse("FREQ=DAILY;INTERVAL=3", date(2000, 1, 1))
    together = Barrier(8)

    def ask(day):
        together.wait()
        return rule.after(day)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, [date(2040, 1, 1)] * 8))

    assert set(answers) == {date(2040, 1, 4)}
    known = list(rule._days._known)
    assert known == sorted(set(known))


WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@settings(deadline=None)
@given(
    first_on=st.dates(date(1990, 1, 1), date(2050, 1, 1)),
    interval=st.integers(1, 5),
    weekdays=st.sets(st.integers(0, 6), min_size=1),
)
def test_weekly_rules_agree_with_looking_at_every_day(first_on, interval, weekdays):
    by_day = ",".join(WEEKDAYS[weekday] for weekday in sorted(weekdays))
    rule = parse(f"FREQ=WEEKLY;INTERVAL={interval};BYDAY={by_day}", first_on)
    end = first_on + timedelta(days=120)
    monday = first_on - timedelta(days=first_on.weekday())

    expected = tuple(
        day
        for day in (first_on + timedelta(days=i) for i in range(121))
        if day.weekday() in weekdays and (day - monday).days // 7 % interval == 0
    )

    assert rule.between(first_on - timedelta(days=1), end) == expected


@settings(deadline=None)
@given(first_on=st.dates(date(1990, 1, 1), date(2050, 1, 1)), months=st.integers(1, 40))
def test_the_word_monthly_gives_one_day_in_each_month_never_later_in_it(first_on, months):
    found = days("monthly", first_on, months)

    assert [(day.year * 12 + day.month) for day in found] == [
        first_on.year * 12 + first_on.month + i for i in range(months)
    ]
    assert all(
        day.day == first_on.day or (day + timedelta(days=1)).day == 1 < day.day < first_on.day
        for day in found
    )


PARTS = st.fixed_dictionaries(
    {"FREQ": st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"])},
    optional={
        "INTERVAL": st.integers(1, 40).map(str),
        "COUNT": st.integers(1, 9).map(str),
        "UNTIL": st.dates(date(2020, 1, 1), date(2060, 1, 1)).map(lambda d: f"{d:%Y%m%d}"),
        "BYMONTH": st.integers(1, 12).map(str),
        "BYMONTHDAY": st.integers(-31, 31).map(str),
        "BYYEARDAY": st.integers(-366, 366).map(str),
        "BYWEEKNO": st.integers(-53, 53).map(str),
        "BYSETPOS": st.integers(-8, 8).map(str),
        "BYDAY": st.tuples(
            st.sampled_from(["", "1", "-1", "5", "-5", "53", "-53"]), st.sampled_from(WEEKDAYS)
        ).map("".join),
        "WKST": st.sampled_from(WEEKDAYS),
    },
)


@settings(deadline=None)
@given(parts=PARTS, first_on=st.dates(date(2020, 1, 1), date(2040, 1, 1)))
def test_any_rule_either_is_refused_or_gives_rising_days_from_its_start_on(parts, first_on):
    try:
        rule = parse(";".join(f"{name}={value}" for name, value in parts.items()), first_on)
    except BadValue:
        return

    first = rule.on_or_after(first_on)
    assert first is not None
    assert first >= first_on
    found = rule.between(first_on - timedelta(days=1), first + timedelta(days=400))
    assert found[0] == first
    assert list(found) == sorted(set(found))
