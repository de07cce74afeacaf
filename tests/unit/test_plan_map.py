from datetime import date
from pathlib import Path

import pytest

from config.plan import read_plan
from config.plan_values import Plan
from config.yaml_lines import BadYaml
from engine.action import State

PLANS = Path(__file__).parents[1] / "acceptance" / "plans"
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
REAL = Path(__file__).parents[3] / "shared" / "data"  # public commitments, beside the project

needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="the public commitments are not here")


def a_plan(tmp_path: Path, text: str, a_map: str, name: str = "plan.csv") -> Plan:
    (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "map.yaml").write_text(a_map, encoding="utf-8")
    return read_plan(tmp_path / name, tmp_path / "map.yaml")


def test_a_spreadsheet_with_its_own_columns_is_read_as_it_is():
    plan = read_plan(PLANS / "own_columns.csv", PLANS / "own_columns.map.yaml")

    assert not plan.errors
    assert [(row.ref, row.state, row.due) for row in plan.rows] == [
        ("12", State.VERIFIED, date(2026, 3, 31)),
        ("13", State.AGREED, date(2026, 4, 15)),
        ("14", State.PROPOSED, None),
    ]
    assert plan.rows[0].co_responsible == ("Syndicat", "Gare routière")[:1]
    assert plan.rows[2].co_responsible == ("Commune", "Gare routière")
    assert {row.country for row in plan.rows} == {"ML"}


@needs_real
def test_the_open_government_plan_is_overdue_as_its_readers_know():
    plan = read_plan(REAL / "nap5_indicators.csv", EXAMPLES / "nap5.map.yaml")

    assert not plan.errors
    assert len(plan.rows) == 106
    assert [row.ref for row in plan.rows if row.state is State.PROPOSED] == ["C03.1.2"]
    assert plan.dialogues[0].rest_days == frozenset()
    known = {"2022-07-01": 16, "2023-04-01": 51, "2024-01-01": 70, "2025-01-01": 105}
    for today, overdue in known.items():
        late = [row for row in plan.rows if row.due and row.due < date.fromisoformat(today)]
        assert len(late) == overdue


@needs_real
def test_the_mandate_letters_keep_their_co_responsibles_without_the_lead():
    plan = read_plan(REAL / "mandate_2021_commitments.csv", EXAMPLES / "mandate2021.map.yaml")

    assert not plan.errors
    assert len(plan.rows) == 760
    assert {row.state for row in plan.rows} == {State.PROPOSED}
    assert {row.agreed_on for row in plan.rows} == {date(2021, 12, 16)}
    assert max(len(row.action) for row in plan.rows) == 455
    assert not any(row.responsible in row.co_responsible for row in plan.rows)
    assert plan.rows[0].co_responsible == ()
    assert plan.rows[2].co_responsible[0] == "Deputy Prime Minister and Minister of Finance"
    assert any("," in name for row in plan.rows for name in row.co_responsible)


BASE = "dialogue: {constant: Jos}\naction: What\nresponsible: Who\n"


def test_columns_that_the_map_does_not_name_are_left_alone(tmp_path):
    plan = a_plan(tmp_path, "What,Who,due\nPaint,Works,never\n", BASE)

    assert not plan.errors
    assert plan.rows[0].due is None


def test_a_month_means_its_last_day_only_where_the_map_says_so(tmp_path):
    text = "What,Who,When\nPaint,Works,2024-02\nSeal,Works,2024-13\nWax,Works,2024-03-05\n"

    told = a_plan(tmp_path, text, BASE + "due: {column: When, month: last_day}\n")
    untold = a_plan(tmp_path, text, BASE + "due: When\n")

    assert [row.due for row in told.rows] == [date(2024, 2, 29), date(2024, 3, 5)]
    assert [(error.row, error.column, error.value) for error in told.errors] == [
        (3, "When", "2024-13")
    ]
    assert [error.row for error in untold.errors] == [2, 3]


def test_errors_name_the_users_own_column(tmp_path):
    plan = a_plan(tmp_path, "What,Who,When\nPaint,Works,30/02/2026\n,Works,\n", BASE + "due: When")

    assert [(error.row, error.column) for error in plan.errors] == [(2, "When"), (3, "What")]


def test_a_default_stands_in_for_an_empty_cell_and_values_are_translated(tmp_path):
    a_map = BASE + (
        "due: {constant: 2026-05-04}\n"
        "state: {column: Status, default: NS, values: {NS: agreed, C: verified}}\n"
    )

    plan = a_plan(tmp_path, "What,Who,Status\na,Works,C\nb,Works,\nc,Works,LP\n", a_map)

    assert [row.state for row in plan.rows] == [State.VERIFIED, State.AGREED]
    assert [(error.row, error.column, error.value) for error in plan.errors] == [
        (4, "Status", "LP")
    ]


@pytest.mark.parametrize(
    ("a_map", "line", "said"),
    [
        (BASE + "acton: What", 4, "a plan has no column 'acton'; did you mean action?"),
        (BASE + "due: Wann", 4, "the plan has no column 'Wann'"),
        (BASE + "due:\n  colum: What", 5, "'colum' is no setting of a column; did you mean column"),
        (BASE + "due: {month: last_day}", 4, "either `column` or `constant`"),
        (BASE + "due: {column: What, constant: x}", 4, "either `column` or `constant`"),
        (BASE + "ref: {constant: x, default: y}", 4, "takes no other setting"),
        (BASE + "due: {column: What, month: first_day}", 4, "month can only be last_day"),
        (BASE + "due: {column: What, format: '%d/%m'}", 4, "no form of a day"),
        (BASE + "due: {column: What, format: '%d/%m/%Y', month: last_day}", 4, "either `month`"),
        (BASE + "notes: {column: What, month: last_day}", 4, "holds no day"),
        (BASE + "notes: {column: What, split: ';'}", 4, "names only one"),
        (BASE + "state: {column: What, values: agreed}", 4, "values is a mapping"),
        (BASE + "state: [What]", 4, "say what state comes from"),
        (BASE + "state:", 4, "say what state comes from"),
        (BASE + "action: Who", 4, "'action' stands twice"),
        ("action: What", 1, "does not say where to find dialogue, responsible"),
        ("- action", 1, "a map is a list of lines"),
        ("action: [What", 2, "did not find expected"),
    ],
)
def test_a_map_that_cannot_be_used_is_refused_with_its_line(tmp_path, a_map, line, said):
    with pytest.raises(BadYaml) as refused:
        a_plan(tmp_path, "What,Who\nPaint,Works\n", a_map)

    assert refused.value.line == line
    assert said in str(refused.value)
    assert str(refused.value).startswith(f"map.yaml, line {line}: ")


def test_a_map_is_not_for_a_plan_in_yaml(tmp_path):
    with pytest.raises(BadYaml, match="a map is for spreadsheets"):
        a_plan(tmp_path, "actions: []", BASE, "plan.yaml")
