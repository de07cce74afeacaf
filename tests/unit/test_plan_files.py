import zipfile
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from config import plan_files
from config.plan import read_plan
from config.plan_values import Plan
from engine.action import Kind, State

PLANS = Path(__file__).parents[1] / "acceptance" / "plans"
HEADER = ["dialogue", "action", "responsible", "due"]


def a_plan(tmp_path: Path, text: str | bytes, name: str = "plan.csv", **more: object) -> Plan:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_plan(path, **more)


def a_workbook(tmp_path: Path, *rows: list[object]) -> Path:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    path = tmp_path / "plan.xlsx"
    book.save(path)
    return path


def told(plan: Plan) -> list[tuple[int, str]]:
    return [(error.row, error.column) for error in plan.errors]


def test_a_plan_of_our_own_is_read_whole():
    plan = read_plan(PLANS / "saaba.csv")

    assert not plan.errors
    assert [row.ref for row in plan.rows] == ["SAA-01", "SAA-02", "SAA-03", ""]
    assert [row.state for row in plan.rows] == [
        State.AGREED, State.IN_PROGRESS, State.AGREED, State.PROPOSED
    ]  # fmt: skip
    assert plan.rows[2].kind is Kind.RECURRING
    assert plan.rows[2].depends_on == ("SAA-01", "SAA-02")
    assert "\n" in plan.rows[1].notes
    assert plan.rows[2].row == 5  # the note above it takes two lines
    assert [(one.name, one.country, one.languages) for one in plan.dialogues] == [
        ("Saaba", "BF", ("fr",))
    ]


def test_a_byte_order_mark_and_semicolons_are_what_excel_writes():
    plan = read_plan(PLANS / "semicolons_bom.csv")

    assert not plan.errors
    assert plan.rows[0].action == "Hand over the deed, then register it"


def test_tabs_separate_as_well(tmp_path):
    plan = a_plan(tmp_path, "dialogue\taction\tresponsible\nJos\tPaint, then seal\tWorks\n")

    assert not plan.errors
    assert plan.rows[0].action == "Paint, then seal"


def test_another_encoding_is_one_error_that_names_the_byte():
    plan = read_plan(PLANS / "latin1.csv")

    assert [(error.row, error.value) for error in plan.errors] == [(2, "0xE9")]
    assert "byte 31 of the file is not UTF-8" in plan.errors[0].reason


def test_utf_16_is_named(tmp_path):
    plan = a_plan(tmp_path, "dialogue,action,responsible\n".encode("utf-16"))

    assert told(plan) == [(0, "")]
    assert "UTF-16" in plan.errors[0].reason


def test_an_empty_file_is_told(tmp_path):
    assert "empty" in a_plan(tmp_path, "").errors[0].reason
    assert "empty" in a_plan(tmp_path, "\n\n").errors[0].reason


def test_a_header_alone_is_an_empty_plan(tmp_path):
    plan = a_plan(tmp_path, "dialogue,action,responsible\n")

    assert plan == Plan(rows=(), errors=(), dialogues=())


def test_missing_and_unknown_columns_are_told_once_and_at_the_header(tmp_path):
    plan = a_plan(tmp_path, "dialoge,action,owner,action\nJos,Paint,Works,x\nJos,Seal,Works,x\n")

    assert [(error.row, error.column) for error in plan.errors] == [
        (1, "dialoge"), (1, "owner"), (1, "action"), (1, "dialogue"), (1, "responsible")
    ]  # fmt: skip
    assert "did you mean dialogue?" in plan.errors[0].reason


def test_headings_may_be_capitals_with_spaces(tmp_path):
    plan = a_plan(tmp_path, "Dialogue,Action,Responsible,Responsible E-mail\n")
    assert told(plan) == [(1, "responsible_e_mail")]

    plan = a_plan(tmp_path, "Dialogue,ACTION,Responsible,Co-responsible\nJos,Paint,Works,Guild\n")
    assert plan.rows[0].co_responsible == ("Guild",)


def test_a_ragged_row_is_told_and_the_others_are_still_read(tmp_path):
    text = "dialogue,action,responsible\nJos,Paint,the post,Works\nJos,Paint\nJos,x,\n"

    plan = a_plan(tmp_path, text)

    assert told(plan) == [(2, ""), (3, ""), (4, "responsible")]
    assert "has 4 cells below 3 headings" in plan.errors[0].reason


def test_blank_rows_and_blank_cells_at_the_end_do_not_matter(tmp_path):
    plan = a_plan(tmp_path, "dialogue,action,responsible\n\n,,\nJos,Paint,Works,,\n")

    assert not plan.errors
    assert plan.rows[0].row == 4


def test_a_quotation_mark_that_is_never_closed_is_told_where_it_opens(tmp_path):
    plan = a_plan(tmp_path, 'dialogue,action,responsible\nJos,x,\nJos,"Paint,Works\nJos,y,z\n')

    assert told(plan) == [(2, "responsible"), (3, "")]
    assert "never closed" in plan.errors[1].reason


def test_a_cell_without_end_is_told(tmp_path):
    plan = a_plan(tmp_path, f'dialogue,action,responsible\nJos,"{"a" * 140_000}",Works\n')

    assert told(plan) == [(2, "")]
    assert "131,072 characters" in plan.errors[0].reason


def test_quotation_marks_in_disorder_cost_one_row_only(tmp_path):
    plan = a_plan(tmp_path, 'dialogue,action,responsible\nJos,"a"b,Works\nJos,c,\n')

    assert told(plan) == [(2, ""), (3, "responsible")]


def test_a_nul_byte_is_told_at_its_cell(tmp_path):
    plan = a_plan(tmp_path, "dialogue,action,responsible\nJos,Pa\x00int,Works\n")

    assert told(plan) == [(2, "action")]
    assert "U+0000" in plan.errors[0].reason


def test_the_same_reference_twice_names_the_first(tmp_path):
    header = "ref,dialogue,action,responsible\n"
    plan = a_plan(tmp_path, f"{header}J-1,Jos,a,Works\nj-1,Jos,b,Works\n")

    assert told(plan) == [(3, "ref")]
    assert plan.errors[0].reason == "row 2 has the same reference"
    assert [row.ref for row in plan.rows] == ["J-1"]


def test_what_is_waited_for_must_exist_in_the_file_or_before(tmp_path):
    text = "ref,dialogue,action,responsible,depends_on\nJ-1,Jos,a,Works,J-0;J-2\nJ-2,Jos,b,Works,\n"

    assert told(a_plan(tmp_path, text)) == [(2, "depends_on")]
    assert not a_plan(tmp_path, text, known_refs={"J-0"}).errors


def test_a_reference_in_other_capitals_is_not_guessed(tmp_path):
    text = "ref,dialogue,action,responsible,depends_on\nJ-1,Jos,a,Works,\nJ-2,Jos,b,Works,j-1\n"

    assert "write J-1" in a_plan(tmp_path, text).errors[0].reason


def test_a_broken_row_is_not_also_told_as_an_unknown_reference(tmp_path):
    text = "ref,dialogue,action,responsible,depends_on\nJ-1,Jos,a\nJ-2,Jos,b,Works,J-1\n"

    assert told(a_plan(tmp_path, text)) == [(2, "")]


def test_two_circles_are_both_told(tmp_path):
    rows = ["A,Jos,a,W,B", "B,Jos,b,W,A", "C,Jos,c,W,D", "D,Jos,d,W,E", "E,Jos,e,W,C"]
    text = "\n".join(["ref,dialogue,action,responsible,depends_on", *rows])

    reasons = [error.reason for error in a_plan(tmp_path, text).errors]

    assert [reason.rpartition(": ")[2] for reason in reasons] == ["A → B → A", "C → D → E → C"]


def test_facts_of_one_dialogue_must_agree(tmp_path):
    text = (
        "dialogue,country,timezone,language,rest_days,action,responsible\n"
        'Jos,NG,Africa/Lagos,en,"sat,sun",a,Works\n'
        "Jos,,,ha,,b,Works\n"
        "Jos,NE,Africa/Lagos,en,none,c,Works\n"
        "jos,,,,,d,Works\n"
    )

    plan = a_plan(tmp_path, text)

    assert told(plan) == [(4, "country"), (4, "rest_days"), (5, "dialogue")]
    assert plan.errors[0].reason == "row 2 says NG for the same dialogue"
    assert plan.dialogues[0].languages == ("en", "ha")
    assert plan.dialogues[0].rest_days == {5, 6}


def test_an_unknown_ending_is_told_and_a_missing_file_is_an_error_of_the_system(tmp_path):
    assert "ends with .csv" in a_plan(tmp_path, "x", "plan.ods").errors[0].reason
    with pytest.raises(FileNotFoundError):
        read_plan(tmp_path / "nothing.csv")


def test_a_workbook_is_read_with_its_days_and_numbers(tmp_path):
    path = a_workbook(
        tmp_path,
        ["ref", *HEADER, "notes"],
        [12, "Jos", "Paint", "Works", date(2026, 5, 4), 3.5],
        [],
        [13.0, "Jos", "Seal", "Works", datetime(2026, 5, 5), True],  # noqa: DTZ001 - as in a sheet
        ["14", "Jos", "Wax", "Works", "2026-05-06"],
    )

    plan = read_plan(path)

    assert not plan.errors
    assert [(row.row, row.ref, row.due) for row in plan.rows] == [
        (2, "12", date(2026, 5, 4)),
        (4, "13", date(2026, 5, 5)),
        (5, "14", date(2026, 5, 6)),
    ]
    assert [row.notes for row in plan.rows] == ["3.5", "True", ""]


def test_a_workbook_tells_formulas_numbers_and_times_where_days_belong(tmp_path):
    path = a_workbook(
        tmp_path,
        HEADER,
        ["Jos", "Paint", "Works", "=TODAY()"],
        ["Jos", "Paint", "Works", 46146],
        ["Jos", "Paint", "Works", datetime(2026, 5, 5, 10, 30)],  # noqa: DTZ001 - as in a sheet
        ["Jos", "Paint", "Works", "#REF!"],
        ["Jos", "Paint", "Works", None, "too far right"],
    )

    plan = read_plan(path)

    assert told(plan) == [(2, "due"), (3, "due"), (4, "due"), (5, "due"), (6, "")]
    reasons = [error.reason for error in plan.errors]
    assert "a formula" in reasons[0]
    assert "if 2026-05-04 is meant" in reasons[1]
    assert "write 2026-05-05" in reasons[2]


def test_a_broken_workbook_is_told_in_one_sentence(tmp_path):
    for content in (b"", b"PK\x03\x04 torn", b"\xd0\xcf\x11\xe0 old"):
        plan = a_plan(tmp_path, content, "plan.xlsx")
        assert told(plan) == [(0, "")]
        assert "not a workbook that can be read" in plan.errors[0].reason

    with zipfile.ZipFile(tmp_path / "other.xlsx", "w") as packed:
        packed.writestr("hello.txt", "hello")
    assert "not a workbook" in read_plan(tmp_path / "other.xlsx").errors[0].reason


def test_a_workbook_that_unpacks_without_end_is_not_unpacked(tmp_path):
    with (
        zipfile.ZipFile(
            tmp_path / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED, compresslevel=1
        ) as zipped,
        zipped.open("xl/worksheets/sheet1.xml", "w") as part,
    ):
        for _ in range(plan_files.LARGEST_SHEET // 2**20 + 1):
            part.write(bytes(2**20))

    plan = read_plan(tmp_path / "bomb.xlsx")

    assert told(plan) == [(0, "")]
    assert "at most 256 MB" in plan.errors[0].reason


def test_a_workbook_that_is_called_csv_is_named(tmp_path):
    a_workbook(tmp_path, HEADER).rename(tmp_path / "plan.csv")

    assert "name it .xlsx" in read_plan(tmp_path / "plan.csv").errors[0].reason


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
@given(st.binary(max_size=200), st.sampled_from([".csv", ".xlsx", ".yaml"]))
def test_no_file_whatever_it_holds_breaks_the_reading(tmp_path, content, ending):
    head = b"dialogue,action,responsible\n" if ending == ".csv" else b""

    plan = a_plan(tmp_path, head + content, f"any{ending}")

    assert plan.errors or all(row.dialogue for row in plan.rows)
