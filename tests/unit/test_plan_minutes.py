"""Minutes as a plan: who, what, by when; and no day that was not written."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.plan import read_plan
from config.plan_values import Plan
from engine.action import State
from notifications.spoken_days import spoken_day, spoken_month

HEAD = """\
dialogue: Saaba
session: 2026-11-20
country: BF
timezone: Africa/Ouagadougou

@police = Police post of Saaba <chief@police.example>
@hall = Town hall

Present: the police, the town hall. It began at 9:00.

## The road to the school will be lit

"""


@pytest.fixture
def read(tmp_path: Path):
    def minutes(*lines: str, head: str = HEAD) -> Plan:
        path = tmp_path / "minutes.md"
        path.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
        return read_plan(path)

    return minutes


def test_each_line_with_a_party_is_an_action_of_its_commitment(read):
    plan = read(
        "- [ ] @hall: put up six lamps by 4 December 2026 (checked by @police)",
        "Madam mayor thanks everybody.",
        "1. SAA-09 @police: a round each evening before 2027-01-15, verified by @hall.",
        "* @Parish: find a keeper",
    )
    assert plan.errors == ()
    lamps, rounds, keeper = plan.rows
    assert (lamps.action, lamps.responsible, lamps.due) == (
        "put up six lamps", "Town hall", date(2026, 12, 4),
    )  # fmt: skip
    assert (lamps.verifier, lamps.verifier_email) == (
        "Police post of Saaba", "chief@police.example",
    )  # fmt: skip
    assert lamps.commitment == "The road to the school will be lit"
    assert (lamps.state, lamps.agreed_on) == (State.AGREED, date(2026, 11, 20))
    assert (rounds.ref, rounds.due) == ("SAA-09", date(2027, 1, 15))
    assert (keeper.responsible, keeper.due, keeper.state) == ("Parish", None, State.PROPOSED)


def test_a_tick_is_a_claim_and_not_its_confirmation(read):
    (row,) = read("- [x] @hall: put up six lamps by 2026-12-04").rows
    assert row.state is State.REPORTED_DONE


@pytest.mark.parametrize(
    ("said", "proposed"),
    [
        ("4 December", "2026-12-04"),
        ("10 November", "2027-11-10"),
        ("4 décembre", "2026-12-04"),
        ("4/12", "2026-12-04"),
        ("December 2026", "2026-12-31"),
    ],
)
def test_a_day_without_its_year_or_its_day_is_refused_with_a_proposal(read, said, proposed):
    plan = read(f"- @hall: put up six lamps by {said}")
    (error,) = plan.errors
    assert (error.row, error.column, error.value) == (13, "due", said)
    assert proposed in error.reason
    assert plan.rows == ()


def test_the_last_by_is_the_date(read):
    (row,) = read("- @hall: a step by step plan, led by the mayor, by 4 December 2026").rows
    assert row.action == "a step by step plan, led by the mayor"


def test_words_after_by_that_are_no_day_belong_to_the_action(read):
    (row,) = read("- @hall: have the plan read by the elders").rows
    assert (row.action, row.due) == ("have the plan read by the elders", None)


def test_minutes_without_a_dialogue_are_refused(read):
    plan = read("- @hall: put up six lamps by 2026-12-04", head="")
    assert [error.column for error in plan.errors][:1] == ["dialogue"]


def test_a_wrong_line_at_the_head_is_told_with_its_number(read):
    plan = read(head="dialog: Saaba\nsession: soon\n")
    told = [(error.row, error.column) for error in plan.errors]
    assert {(1, "dialog"), (2, "session")} <= set(told)


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("2026-12-04", date(2026, 12, 4)),
        ("on 4 December 2026 at noon", date(2026, 12, 4)),
        ("December 4th, 2026", date(2026, 12, 4)),
        ("le 1er mai 2027", date(2027, 5, 1)),
        ("4 déc. 2026", date(2026, 12, 4)),
        ("4/12/2026", date(2026, 12, 4)),
        ("4.12.2026", date(2026, 12, 4)),
        ("٤ ديسمبر 2026", date(2026, 12, 4)),
        ("4 ga Disamba 2026", date(2026, 12, 4)),
        ("4 ga watan Disamba 2026", date(2026, 12, 4)),
    ],
)
def test_days_are_read_in_four_languages(said, day):
    spoken = spoken_day(said)
    assert spoken is not None
    assert spoken.on() == day


@pytest.mark.parametrize(
    "said",
    ["", "next week", "soon", "31 February 2027", "2026", "room 12", "13/13/2026", "1.2.3.4"],
)
def test_what_is_no_day_is_none(said):
    assert spoken_day(said) is None


def test_a_month_with_its_year_is_a_proposal():
    assert spoken_month("by the end of February 2028") == date(2028, 2, 29)
    assert spoken_month("in 2028") is None


@given(st.text(max_size=600))
def test_nothing_that_is_written_breaks_the_reading_of_days(text):
    spoken = spoken_day(text)
    assert spoken is None or 1 <= spoken.month <= 12
    spoken_month(text)


@given(st.text(max_size=400))
def test_nothing_that_is_written_breaks_the_reading_of_minutes(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("minutes") / "any.md"
    path.write_text(HEAD + "- @hall: " + text, encoding="utf-8", errors="replace")
    read_plan(path)
