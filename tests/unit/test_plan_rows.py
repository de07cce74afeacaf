import csv
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.plan import read_plan
from config.plan_columns import COLUMNS, REQUIRED, Record
from config.plan_rows import RowReader
from config.plan_values import PlanRow
from engine.action import Handling, Kind, State
from engine.party import Side

PLANS = Path(__file__).parents[1] / "acceptance" / "plans"


def a_row(**cells: str) -> tuple[PlanRow, Mapping[str, str]]:
    """The row that these cells give beside the required ones, and the errors by column."""
    given = {"dialogue": "Jos", "action": "Repair the borehole", "responsible": "Works"} | cells
    row, errors = RowReader().read(Record(row=2, cells=given))
    return row, {error.column: error.reason for error in errors}


def test_three_columns_make_a_proposed_action():
    row, errors = a_row()

    assert not errors
    assert (row.state, row.kind, row.handling) == (State.PROPOSED, Kind.ONE_OFF, Handling.DIALOGUE)
    assert row.ref == ""
    assert row.rest_days is None


def test_a_due_date_makes_it_agreed():
    row, errors = a_row(due="2026-05-04")

    assert not errors
    assert (row.state, row.due) == (State.AGREED, date(2026, 5, 4))


def test_a_rule_makes_it_recurring_and_agreed():
    row, errors = a_row(repeat="monthly", due="2026-05-31")

    assert not errors
    assert (row.kind, row.state, row.repeat) == (Kind.RECURRING, State.AGREED, "monthly")


def test_a_standing_rule_with_a_due_date_only_is_not_agreed_yet():
    row, errors = a_row(kind="standing", due="2026-05-31")

    assert not errors
    assert row.state is State.PROPOSED


def test_every_column_is_read_into_its_value():
    row, errors = a_row(
        ref="JOS-02", country="ng", timezone="Africa/Lagos", language="en", rest_days="sun",
        commitment="A station", kind="one_off", responsible_side="authority",
        responsible_email="works@jos.example", responsible_phone="+234 000 000 0001",
        responsible_language="ha", alternate_email="second@jos.example",
        co_responsible="Residents; Works ;Police;Residents", verifier="Residents",
        verifier_side="community", verifier_email="residents@jos.example",
        coordinator_email="coordinator@jos.example", agreed_on="2026-01-05", due="2026-05-04",
        review_on="2026-03-02", state="blocked", evidence="a deed", handling="closed",
        depends_on="JOS-01", notes="No permit yet",
    )  # fmt: skip

    assert not errors
    assert row == PlanRow(
        row=2, ref="JOS-02", dialogue="Jos", country="NG", timezone="Africa/Lagos", language="en",
        rest_days=frozenset({6}), commitment="A station", action="Repair the borehole",
        kind=Kind.ONE_OFF, repeat="", responsible="Works", responsible_side=Side.AUTHORITY,
        responsible_email="works@jos.example", responsible_phone="+2340000000001",
        responsible_language="ha", alternate_email="second@jos.example",
        co_responsible=("Residents", "Police"), verifier="Residents",
        verifier_side=Side.COMMUNITY, verifier_email="residents@jos.example",
        coordinator_email="coordinator@jos.example", agreed_on=date(2026, 1, 5),
        due=date(2026, 5, 4), review_on=date(2026, 3, 2), state=State.BLOCKED, evidence="a deed",
        handling=Handling.CLOSED, depends_on=("JOS-01",), notes="No permit yet",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "column", "said"),
    [
        ({"action": " "}, "action", "every action needs this"),
        ({"state": "agreed"}, "due", "needs a due date"),
        ({"state": "in_progress"}, "due", "needs a due date"),
        ({"due": "2026-05-04", "state": "blocked"}, "notes", "say what blocks"),
        ({"state": "disputed"}, "state", "that needs a recorded decision"),
        ({"state": "agred"}, "state", "did you mean agreed?"),
        ({"due": "2026-05-04", "state": "in_force"}, "state", "only a recurring or standing"),
        ({"repeat": "daily", "state": "verified"}, "state", "in_force, not verified"),
        ({"repeat": "daily", "kind": "one_off"}, "repeat", "does not repeat"),
        ({"kind": "recurring", "state": "agreed"}, "repeat", "needs a rule"),
        ({"repeat": "fortnightly"}, "repeat", "weekly"),
        ({"repeat": "FREQ=DAILY;UNTIL=20260101", "due": "2026-05-04"}, "repeat", "no day"),
        ({"verifier": "WORKS"}, "verifier", "cannot confirm its own"),
        ({"verifier_email": "a@b.example", "responsible_email": "A@b.example"}, "verifier_email",
         "cannot confirm"),
        ({"ref": "A-1", "depends_on": "a-1"}, "depends_on", "cannot wait for itself"),
        ({"depends_on": "B-1;B 2"}, "depends_on", "a reference begins"),
        ({"due": "2026-05-04", "review_on": "2026-05-01"}, "review_on", "only a blocked action"),
        ({"handling": "secret"}, "handling", "not one of public, dialogue, restricted, closed"),
        ({"responsible_side": "police"}, "responsible_side", "not one of security"),
        ({"action": "Repair\u202e"}, "action", "turns the reading direction"),
        ({"action": "a" * 2_001}, "action", "2,001 characters; at most 2,000 fit"),
        ({"rest_days": "dimanche"}, "rest_days", "not a weekday"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_at_its_column(cells, column, said):
    _, errors = a_row(**cells)

    assert list(errors) == [column]
    assert said in errors[column]


def test_one_mistake_is_one_error():
    _, errors = a_row(state="agreed", due="31/12/26")

    assert list(errors) == ["due"]


def test_all_mistakes_of_a_row_are_told_at_once():
    _, errors = a_row(responsible="", due="x", country="XX", handling="x", responsible_email="x")

    assert set(errors) == {"responsible", "due", "country", "handling", "responsible_email"}


def test_a_refused_value_is_not_repeated_at_full_length():
    _, errors = RowReader().read(Record(row=2, cells={"due": "9" * 5_000}))

    assert len(errors[0].value) < 200


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(st.sampled_from(COLUMNS), st.text(max_size=40)))
def test_no_cell_whatever_it_holds_breaks_the_reading(cells):
    row, errors = RowReader().read(Record(row=2, cells=dict.fromkeys(REQUIRED, "") | cells))

    assert errors or (row.dialogue and row.action and row.responsible)


def test_ten_thousand_rows_give_all_their_thousand_errors(tmp_path):
    path = tmp_path / "many.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["ref", "dialogue", "action", "responsible", "due"])
        for at in range(10_000):
            due = "2026-02-30" if at % 10 == 0 else "2026-05-04"
            writer.writerow([f"A-{at}", "Jos", f"Repair well {at}", "Works", due])

    plan = read_plan(path)

    assert len(plan.errors) == 1_000
    assert len(plan.rows) == 9_000
    assert [error.row for error in plan.errors] == list(range(2, 10_002, 10))
    assert {error.value for error in plan.errors} == {"2026-02-30"}


def test_a_page_of_mistakes_is_told_line_by_line():
    plan = read_plan(PLANS / "mistakes.csv")

    assert not plan.rows
    assert [(error.row, error.column) for error in plan.errors] == [
        (2, "due"), (3, "due"), (4, "due"),
        (5, "responsible_email"), (5, "responsible_phone"), (5, "action"),
        (6, "handling"), (6, "verifier"), (6, "timezone"),
        (7, "kind"), (7, "country"), (7, "state"), (7, "ref"), (7, "depends_on"),
        (8, "repeat"), (8, "depends_on"),
        (9, "notes"), (9, "depends_on"),
        (10, "due"),
    ]  # fmt: skip


def test_a_circle_is_told_with_its_path():
    errors = read_plan(PLANS / "mistakes.csv").errors

    assert "A-07 → A-08 → A-07" in next(error.reason for error in errors if "A-08" in error.value)
