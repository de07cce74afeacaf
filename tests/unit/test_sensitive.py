"""Sensitive days: when they come, come again, and how long a quiet lasts."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadValue
from engine.sensitive import LONGEST, Quiet, SensitiveDay, quiet_until

ELECTION = date(2026, 11, 22)
DAY = timedelta(days=1)


def a_day(first: date = ELECTION, last: date | None = None, **changes: object) -> SensitiveDay:
    given: dict[str, object] = {
        "name": "Election", "from_on": first, "until_on": last or first,
        "by": "saa-coord", "reason": "no campaign on our account",
    }  # fmt: skip
    return SensitiveDay(**{**given, **changes})  # type: ignore[arg-type]


def test_a_span_holds_from_its_first_day_to_its_last():
    span = a_day(date(2026, 11, 20), date(2026, 11, 23))

    kept = [day for n in range(8) if span.on(day := date(2026, 11, 18) + n * DAY)]

    assert kept == [date(2026, 11, n) for n in (20, 21, 22, 23)]
    assert span.on(date(2027, 11, 21)) is None


def test_a_yearly_day_comes_again_and_never_before_its_first_year():
    day = a_day(date(2026, 4, 7), yearly=True)

    assert day.on(date(2030, 4, 7)) == (date(2030, 4, 7), date(2030, 4, 7))
    assert day.on(date(2025, 4, 7)) is None
    assert day.on(date(2030, 4, 8)) is None


def test_a_yearly_span_may_cross_the_end_of_the_year():
    span = a_day(date(2026, 12, 30), date(2027, 1, 2), yearly=True)

    assert span.on(date(2030, 1, 1)) == (date(2029, 12, 30), date(2030, 1, 2))
    assert span.on(date(2026, 1, 1)) is None  # the year before it began


@pytest.mark.parametrize(("year", "kept"), [(2027, 28), (2028, 29), (2100, 28)])
def test_the_day_that_only_leap_years_have_is_kept_each_year(year, kept):
    day = a_day(date(2024, 2, 29), yearly=True)

    assert day.on(date(year, 2, kept)) == (date(year, 2, kept), date(year, 2, kept))
    assert day.on(date(year, 3, 1)) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"last": ELECTION - DAY},
        {"last": ELECTION + LONGEST * DAY},
        {"last": ELECTION + 365 * DAY, "yearly": True},
    ],
)
def test_what_cannot_be_meant_is_refused(changes):
    with pytest.raises(BadValue, match=r"."):
        a_day(**changes)


def test_only_what_goes_up_heeds_a_day_for_escalations():
    trial = a_day(what=Quiet.ESCALATIONS)

    assert quiet_until([trial], ELECTION, going_up=True) == ELECTION
    assert quiet_until([trial], ELECTION, going_up=False) is None


def test_days_that_touch_are_one_quiet():
    days = [a_day(), a_day(ELECTION + DAY, ELECTION + 3 * DAY), a_day(ELECTION + 5 * DAY)]

    assert quiet_until(days, ELECTION, going_up=False) == ELECTION + 3 * DAY


SPANS = st.builds(
    lambda first, length, yearly, what: a_day(
        first, first + timedelta(days=length), yearly=yearly, what=what
    ),
    st.dates(date(2020, 1, 1), date(2032, 12, 31)),
    st.integers(0, 300),
    st.booleans(),
    st.sampled_from(Quiet),
)


@given(SPANS, st.dates(date(2018, 1, 1), date(2036, 12, 31)))
def test_the_spans_around_a_day_and_the_day_itself_agree(span, day):
    around = list(span.spans(day - 400 * DAY, day + 400 * DAY))

    assert around == sorted(around)
    assert any(first <= day <= last for first, last in around) == (span.on(day) is not None)


@given(st.lists(SPANS, max_size=6), st.dates(date(2020, 1, 1), date(2034, 1, 1)), st.booleans())
def test_a_quiet_ends_on_its_last_day(days, day, going_up):
    last = quiet_until(days, day, going_up=going_up)
    heeded = [each for each in days if going_up or each.what is Quiet.ALL]

    if last is None:
        assert not any(each.on(day) for each in heeded)
        return
    assert last >= day
    assert not any(each.on(last + DAY) for each in heeded)
    assert all(any(each.on(day + n * DAY) for each in heeded) for n in range((last - day).days + 1))
