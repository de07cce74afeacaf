"""Working days: the rules of the contract, and the traps of the holidays package one by one."""

from bisect import bisect_right
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier

import holidays
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.calendar import DayOverride, WorkingCalendar
from engine.errors import BadValue

SATURDAY_AND_SUNDAY = frozenset({5, 6})
NONE: frozenset[int] = frozenset()
DAYS = st.dates(date(1955, 1, 1), date(2110, 12, 31))


def in_country(country, *overrides, rest_days=SATURDAY_AND_SUNDAY):
    return WorkingCalendar(country, rest_days, overrides)


def an_override(day, change, to=None, name=""):
    return DayOverride(
        day=day, change=change, to=to, name=name, by="A. Traoré", reason="communiqué"
    )


def test_a_rest_day_is_not_a_working_day():
    calendar = in_country("")

    assert not calendar.is_working(date(2026, 11, 21))
    assert calendar.is_working(date(2026, 11, 23))
    assert calendar.why_off(date(2026, 11, 21)) == "rest day (Saturday)"
    assert calendar.why_off(date(2026, 11, 23)) == ""


def test_a_due_date_on_a_day_off_counts_as_due_on_the_next_working_day():
    calendar = in_country("BF")

    assert calendar.on_or_after(date(2026, 10, 30)) == date(2026, 10, 30)
    # Saturday 31 October is Martyrs' Day, Sunday All Saints', Monday is kept instead of it.
    assert calendar.on_or_after(date(2026, 10, 31)) == date(2026, 11, 3)


def test_days_overdue_are_the_working_days_after_the_effective_due_date_up_to_today():
    calendar = in_country("BF")
    due_on = calendar.on_or_after(date(2026, 10, 31))

    assert calendar.between(due_on, date(2026, 11, 3)) == 0
    assert calendar.between(due_on, date(2026, 11, 4)) == 1
    assert calendar.between(due_on, date(2026, 11, 8)) == 3
    assert calendar.between(due_on, date(2026, 10, 1)) == 0


def test_rungs_before_the_due_date_count_backwards_over_days_off():
    calendar = in_country("BF")

    assert calendar.plus(date(2026, 11, 3), -1) == date(2026, 10, 30)
    assert calendar.plus(date(2026, 11, 3), -3) == date(2026, 10, 28)


def test_no_working_days_away_is_the_day_itself_or_the_next_that_works():
    calendar = in_country("")

    assert calendar.plus(date(2026, 11, 20), 0) == date(2026, 11, 20)
    assert calendar.plus(date(2026, 11, 21), 0) == date(2026, 11, 23)


def test_a_calendar_without_rest_days_and_holidays_counts_plain_days():
    calendar = in_country("", rest_days=NONE)

    assert calendar.is_working(date(2026, 12, 25))
    assert calendar.plus(date(2024, 2, 28), 2) == date(2024, 3, 1)
    assert calendar.between(date(2023, 2, 28), date(2024, 2, 29)) == 366


def test_the_leap_day_is_a_day_like_others():
    calendar = in_country("")

    assert calendar.is_working(date(2024, 2, 29))
    assert calendar.between(date(2024, 2, 28), date(2024, 3, 1)) == 2
    assert calendar.plus(date(2024, 2, 28), 1) == date(2024, 2, 29)


@pytest.mark.parametrize("year", [1, 1900, 1970, 2099, 2101, 9998])
def test_years_far_out_work(year):
    calendar = in_country("BF")
    start = date(year, 6, 1)

    assert calendar.between(start, calendar.plus(start, 30)) == 30
    assert calendar.between(calendar.plus(start, -30), start) in {29, 30}


def test_far_years_neither_disturb_near_ones_nor_take_long_spans_of_memory():
    calendar = in_country("ML")
    near = calendar.between(date(2026, 1, 1), date(2026, 12, 31))

    assert calendar.between(date.min, date.max) > 2_600_000
    assert calendar.between(date(2026, 1, 1), date(2026, 12, 31)) == near


def test_a_count_beyond_the_last_year_is_refused():
    calendar = in_country("")

    with pytest.raises(BadValue, match="outside the years 1 to 9999"):
        calendar.plus(date(9999, 12, 30), 5)
    with pytest.raises(BadValue, match="outside the years 1 to 9999"):
        calendar.plus(date(1, 1, 2), -5)
    with pytest.raises(BadValue, match="outside the years 1 to 9999"):
        calendar.plus(date(2026, 1, 1), 10**30)


@pytest.mark.parametrize("country", ["XX", "bf", "BFA", "Nigeria", "B", "date", "É"])
def test_an_unknown_country_is_refused_with_what_to_do(country):
    with pytest.raises(BadValue, match="give a code of ISO 3166-1 such as BF"):
        in_country(country)


def test_a_week_without_a_working_day_is_refused():
    with pytest.raises(BadValue, match="leave at least one day"):
        in_country("", rest_days=frozenset(range(7)))


def test_a_rest_day_that_is_no_weekday_is_refused():
    with pytest.raises(BadValue, match="Monday"):
        in_country("", rest_days=frozenset({7}))


def test_burkina_faso_is_asked_in_french_and_keeps_the_monday_after_a_sunday():
    calendar = in_country("BF")

    assert holidays.country_holidays("BF").default_language == "en_BF"
    assert calendar.why_off(date(2026, 11, 2)) == "Toussaint (observé)"
    assert calendar.why_off(date(2026, 11, 1)) == "rest day (Sunday); Toussaint"


def test_burkina_faso_keeps_15_may_since_2024_although_the_package_misses_it():
    calendar = in_country("BF")

    assert date(2026, 5, 15) not in holidays.country_holidays("BF", years=2026)
    assert calendar.why_off(date(2026, 5, 15)) == "Journée des coutumes et traditions"
    assert not calendar.is_working(date(2024, 5, 15))
    assert calendar.is_working(date(2023, 5, 15))


def test_names_do_not_depend_on_the_language_of_the_process(monkeypatch):
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.setenv(name, "en_US.UTF-8")

    assert in_country("NE").why_off(date(2026, 12, 25)) == "Noël"


def test_the_one_day_weekend_of_niger_does_not_leak():
    saturday = date(2026, 11, 28)

    assert holidays.country_holidays("NE", years=2026).is_working_day(saturday)
    assert not in_country("NE").is_working(saturday)
    assert in_country("NE", rest_days=frozenset({6})).is_working(saturday)


def test_the_two_day_weekend_of_nepal_does_not_leak():
    sunday = date(2026, 11, 29)

    assert not holidays.country_holidays("NP", years=2026).is_working_day(sunday)
    assert in_country("NP", rest_days=frozenset({5})).is_working(sunday)


def test_nepal_loses_only_its_own_rest_day():
    calendar = in_country("NP", rest_days=frozenset({5}))

    assert calendar.why_off(date(2026, 11, 28)) == "rest day (Saturday)"
    assert not calendar.is_working(date(2026, 10, 20))


@pytest.mark.parametrize(
    ("country", "day"),
    [
        ("NG", date(2026, 3, 19)),
        ("BF", date(2026, 3, 20)),
        ("SN", date(2026, 3, 20)),
        ("NP", date(2026, 3, 21)),
    ],
)
def test_the_end_of_ramadan_falls_on_each_country_s_own_day(country, day):
    calendar = in_country(country, rest_days=NONE)

    assert not calendar.is_working(day)
    assert calendar.is_working(day - timedelta(days=1))


def test_estimated_feasts_are_listed_until_an_override_confirms_them():
    fitr, adha = date(2026, 3, 20), date(2026, 5, 27)
    unsure = in_country("BF").estimated(2026)

    assert [day for day, _ in unsure] == [fitr, adha, date(2026, 8, 25)]
    assert unsure[0][1] == "Jour de Ramadan"
    moved = in_country("BF", an_override(fitr, "move", fitr + timedelta(days=1)))
    assert fitr not in dict(moved.estimated(2026))
    assert dict(moved.estimated(2026)).keys() == {adha, date(2026, 8, 25)}
    named = in_country("BF", an_override(fitr, "add", name="Jour de Ramadan"))
    assert fitr not in dict(named.estimated(2026))
    kept = in_country("BF", an_override(fitr, "move", fitr))
    assert fitr not in dict(kept.estimated(2026))
    assert not kept.is_working(fitr)


@pytest.mark.parametrize("country", ["BF", "ML", "NE", "NG", "SN", "TN", "TZ", "MM", "NP"])
def test_estimates_are_recognised_in_every_language_of_our_countries(country):
    names = [name for _, name in in_country(country).estimated(2027)]

    english = holidays.country_holidays(country, years=2027, language="en_US")
    expected = [n for day in english for n in english.get_list(day) if "estimated)" in n]
    assert len(names) == len(expected) > 0
    assert not [name for name in names if "(" in name and "estim" in name]


def test_two_ends_of_ramadan_in_one_year_are_both_kept():
    calendar = in_country("BF", rest_days=NONE)

    assert not calendar.is_working(date(2033, 1, 2))
    assert not calendar.is_working(date(2033, 12, 23))


def test_ramadan_itself_is_not_a_holiday():
    assert in_country("BF").is_working(date(2026, 2, 18))
    assert in_country("BF").between(date(2026, 2, 17), date(2026, 2, 27)) == 8


def test_two_holidays_on_one_day_are_both_named():
    why = in_country("TN").why_off(date(2026, 3, 20))

    assert len(why.split("; ")) == 2


def test_a_move_takes_the_estimated_feast_and_leaves_the_other_holiday_of_that_day():
    independence, eid = in_country("TN").why_off(date(2026, 3, 20)).split("; ")
    calendar = in_country("TN", an_override(date(2026, 3, 20), "move", date(2026, 3, 23)))

    assert calendar.why_off(date(2026, 3, 20)) == independence
    assert not calendar.is_working(date(2026, 3, 23))
    assert calendar.why_off(date(2026, 3, 23)).split(" (")[0] in eid


def test_a_move_takes_the_holiday_that_it_names():
    independence, eid = in_country("TN").why_off(date(2026, 3, 20)).split("; ")
    move = an_override(date(2026, 3, 20), "move", date(2026, 3, 24), name=independence)

    assert in_country("TN", move).why_off(date(2026, 3, 20)) == eid


def test_a_sunday_holiday_gives_a_monday_off_in_niger_and_nigeria():
    assert not in_country("NE").is_working(date(2026, 7, 27))
    assert not in_country("NG").is_working(date(2026, 12, 28))
    assert in_country("SN").is_working(date(2026, 11, 2))


def test_a_holiday_kept_at_the_turn_of_the_year_is_not_lost_between_two_years():
    # 1 January 2028 is a Saturday; the United States keep the Friday before it.
    assert not in_country("US").is_working(date(2027, 12, 31))
    assert not in_country("US", rest_days=NONE).is_working(date(2010, 12, 31))


def test_a_day_added_by_decree_says_who_and_why():
    calendar = in_country("BF", an_override(date(2026, 11, 24), "add", name="Deuil national"))

    assert not calendar.is_working(date(2026, 11, 24))
    assert calendar.why_off(date(2026, 11, 24)) == (
        "Deuil national (added by A. Traoré: communiqué)"
    )


def test_a_holiday_removed_by_decree_is_worked():
    calendar = in_country("BF", an_override(date(2026, 8, 5), "remove"))

    assert not in_country("BF").is_working(date(2026, 8, 5))
    assert calendar.is_working(date(2026, 8, 5))


def test_a_removed_holiday_does_not_make_a_rest_day_work():
    calendar = in_country("BF", an_override(date(2026, 8, 15), "remove"))

    assert calendar.why_off(date(2026, 8, 15)) == "rest day (Saturday)"


def test_a_confirmed_feast_date_replaces_the_estimate():
    estimate, confirmed = date(2026, 8, 25), date(2026, 8, 26)
    calendar = in_country("BF", an_override(estimate, "move", confirmed))

    assert calendar.is_working(estimate)
    assert calendar.why_off(confirmed) == (
        "Mouloud (moved from 2026-08-25 by A. Traoré: communiqué)"
    )


def test_a_move_into_years_not_yet_read_is_known_there():
    move = an_override(date(2026, 12, 11), "move", date(2041, 1, 4))

    assert in_country("BF", move).why_off(date(2041, 1, 4)).startswith("Proclamation")


def test_of_two_overrides_the_last_word_wins():
    day = date(2026, 11, 24)
    calendar = in_country("", an_override(day, "add"), an_override(day, "remove"))

    assert calendar.is_working(day)


@pytest.mark.parametrize(
    ("change", "to"), [("move", None), ("add", date(2026, 1, 2)), ("shift", None)]
)
def test_an_override_that_makes_no_sense_is_refused(change, to):
    with pytest.raises(BadValue, match="change of a day"):
        an_override(date(2026, 1, 1), change, to)


@settings(deadline=None)
@given(day=DAYS, n=st.integers(1, 700))
def test_n_working_days_later_lie_n_working_days_between(day, n):
    calendar = in_country("BF")
    later = calendar.plus(day, n)

    assert calendar.is_working(later)
    assert calendar.between(day, later) == n


@settings(deadline=None)
@given(day=DAYS, n=st.integers(1, 700))
def test_n_working_days_earlier_have_n_working_days_from_there_on(day, n):
    calendar = in_country("NP", rest_days=frozenset({5}))
    earlier = calendar.plus(day, -n)

    assert calendar.is_working(earlier)
    yesterday = day - timedelta(days=1)
    assert calendar.between(earlier - timedelta(days=1), yesterday) == n


@settings(deadline=None)
@given(
    start=DAYS,
    length=st.integers(0, 900),
    country=st.sampled_from(["", "BF", "NE", "TN"]),
    rest_days=st.frozensets(st.integers(0, 6), max_size=6),
)
def test_counting_agrees_with_looking_at_every_day(start, length, country, rest_days):
    calendar = in_country(country, rest_days=rest_days)
    end = start + timedelta(days=length)

    worked = [
        day
        for day in (start + timedelta(days=i) for i in range(1, length + 1))
        if not calendar.why_off(day)
    ]

    assert calendar.between(start, end) == len(worked)
    assert all(calendar.is_working(day) for day in worked)
    for n in {1, len(worked) // 2, len(worked)} - {0}:
        if worked:
            assert calendar.plus(start, n) == worked[n - 1]
    assert calendar.between(end, start) == 0


def test_threads_that_read_different_years_at_once_all_count_right():
    asked = [(date(year, 1, 1), date(year, 12, 31)) for year in range(1962, 2090, 4)]
    override = an_override(date(2026, 11, 24), "add", name="only in this test")
    expected = [in_country("NG", override, rest_days=frozenset({6})).between(*a) for a in asked]
    fresh = WorkingCalendar("NG", frozenset({6}), (override, override))
    together = Barrier(8)

    def count(offset):
        together.wait()
        order = asked[offset:] + asked[:offset]
        return {a: fresh.between(*a) for a in order}

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(count, range(0, 32, 4)))

    assert all(answer == dict(zip(asked, expected, strict=True)) for answer in answers)


def test_equal_settings_share_their_tables():
    assert in_country("SN")._days is in_country("SN")._days
    assert in_country("SN") == in_country("SN")


def test_a_calendar_counts_like_a_sorted_list_of_its_working_days():
    calendar = in_country("TN")
    days = [date(2025, 1, 1) + timedelta(days=i) for i in range(1500)]
    worked = [day for day in days if calendar.is_working(day)]

    for a, b in zip(days[::7], days[3::7], strict=False):
        assert calendar.between(a, b) == bisect_right(worked, b) - bisect_right(worked, a)
