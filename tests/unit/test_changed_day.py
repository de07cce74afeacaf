"""Changes of a calendar: what changes something gets its name, what changes nothing is refused."""

from datetime import date, timedelta

import pytest

from engine.calendar import DayOverride, WorkingCalendar
from engine.changed_day import estimated_between, sensible
from engine.errors import BadValue

SAABA = WorkingCalendar("BF", frozenset({5, 6}))
MOULOUD, CHRISTMAS, SATURDAY = date(2026, 8, 25), date(2026, 12, 25), date(2026, 6, 6)
DAY = timedelta(days=1)


def a_change(**changes: object) -> DayOverride:
    given: dict[str, object] = {
        "day": MOULOUD, "change": "move", "to": MOULOUD, "by": "coord", "reason": "announced",
    }  # fmt: skip
    return DayOverride(**{**given, **changes})  # type: ignore[arg-type]


def test_an_estimate_is_confirmed_by_name_and_is_none_any_more():
    done = sensible(a_change(), SAABA)
    after = WorkingCalendar("BF", frozenset({5, 6}), (done,))

    assert done.name == "Mouloud"
    assert estimated_between(SAABA, MOULOUD, MOULOUD) == [(MOULOUD, "Mouloud")]
    assert estimated_between(after, MOULOUD, MOULOUD) == []
    [feast] = after.feasts(MOULOUD)
    assert (feast.name, feast.decided) == ("Mouloud", done)


def test_a_feast_that_moves_leaves_its_own_day():
    done = sensible(a_change(to=MOULOUD + DAY), SAABA)
    after = WorkingCalendar("BF", frozenset({5, 6}), (done,))

    assert after.is_working(MOULOUD)
    assert not after.is_working(MOULOUD + DAY)


def test_a_holiday_that_is_not_kept_is_named_as_the_list_has_it():
    done = sensible(a_change(day=CHRISTMAS, change="remove", to=None), SAABA)

    assert done.name == SAABA.feasts(CHRISTMAS)[0].name


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"reason": " "}, "say why"),
        ({"day": CHRISTMAS, "to": CHRISTMAS}, "for certain"),
        ({"to": MOULOUD + 32 * DAY}, "more than a month from 2026-08-25"),
        ({"name": "Noël"}, "called Mouloud"),
        ({"day": SATURDAY}, "a rest day, which stays"),
        ({"day": MOULOUD + DAY}, "no holiday is kept on it"),
        ({"change": "remove", "to": None, "day": MOULOUD + DAY}, "no holiday is kept on it"),
        ({"change": "add", "to": None}, "say what day it is"),
        (
            {"change": "add", "to": None, "day": CHRISTMAS, "name": "jour de noël"},
            "nobody works on it",
        ),
    ],
)
def test_what_changes_nothing_is_refused_with_what_to_do(changes, said):
    with pytest.raises(BadValue, match=said):
        sensible(a_change(**changes), SAABA)


def test_the_name_of_an_estimate_confirms_it_too():
    given = a_change(change="add", to=None, name="Mouloud")

    assert sensible(given, SAABA) == given
