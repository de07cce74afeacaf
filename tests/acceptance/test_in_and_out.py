"""A programme taken out and taken back: as CSV, workbook and JSON, also through LibreOffice."""

import csv
import io
import json
import os
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest
from command_line import PLAN, CommandLine
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar
from openpyxl import load_workbook

from notifications.workbook import LOADED_STARTS, Sheet, harmless, spoken, workbook

WHEN = "2026-02-02T09:00:00Z"
NASTY = '=HYPERLINK("http://x.example","click")'


@pytest.fixture
def alkawari(tmp_path, monkeypatch, capsys) -> CommandLine:
    ready = CommandLine(tmp_path, monkeypatch, capsys)
    assert ready("init").code == 0
    plan = io.StringIO(PLAN)
    rows = list(csv.DictReader(plan))
    for row in rows:
        row["notes"] = ""
    rows[0]["notes"] = NASTY
    rows[1]["notes"] = "'-1 metre, é, عهد\nand a second line"
    with (tmp_path / "plan.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert ready("import", "plan.csv", "--as-of", WHEN).code == 0
    by = ("--by", "jos-coordinator", "--as-of", "2026-02-03T09:00:00Z")
    assert ready("dispute", "JOS-01", *by, "--reason", "seen otherwise").code == 0
    assert ready("move", "JOS-02", "withdrawn", *by, "--reason", "no land").code == 0
    return ready


def exported(alkawari: CommandLine, form: str, name: str) -> Path:
    said = alkawari("export", "--format", form, "--out", name)
    assert said.code == 0, said.err
    return alkawari.folder / name


def figures(alkawari: CommandLine, *given_: str) -> dict[str, object]:
    said = alkawari("import", *given_, "--json", "--as-of", "2026-02-04T09:00:00Z")
    assert said.code == 0, said.err + said.out
    return dict(json.loads(said.out))


def record_of(alkawari: CommandLine) -> dict[str, object]:
    """Everything but which file an action was last read from."""
    record = json.loads(alkawari("export", "--format", "json").out)
    for action in record["actions"]:
        del action["plan_digest"]
    return dict(record)


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_what_goes_out_comes_in_again_and_changes_nothing(alkawari, form):
    exported(alkawari, form, f"out.{form}")
    before = record_of(alkawari)

    done = figures(alkawari, f"out.{form}")

    assert (done["created"], done["updated"], done["unchanged"]) == (0, 0, 4)
    assert record_of(alkawari) == before
    first = (alkawari.folder / f"out.{form}").read_bytes()
    exported(alkawari, form, f"again.{form}")
    if form == "csv":
        assert (alkawari.folder / "again.csv").read_bytes() == first


def test_no_cell_of_a_csv_runs_as_a_formula(alkawari):
    sheet = exported(alkawari, "csv", "out.csv").read_text(encoding="utf-8")
    cells = [cell for row in csv.reader(io.StringIO(sheet)) for cell in row]
    assert f"'{NASTY}" in cells
    assert not [cell for cell in cells if cell.startswith(LOADED_STARTS)]


@given(st.text())
def test_every_text_comes_back_from_a_csv_cell(text):
    assert spoken(harmless(text)) == text


def test_no_cell_of_a_workbook_is_a_formula_and_days_are_days(alkawari):
    book = load_workbook(exported(alkawari, "xlsx", "out.xlsx"))
    assert book.sheetnames[0] == "plan"
    assert {"actions", "events", "people", "parties", "commitments"} <= set(book.sheetnames)
    cells = [cell for page in book for row in page.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    plan = book["plan"]
    heading = {cell.value: at for at, cell in enumerate(plan[1])}
    first = [cell.value for cell in plan[2]]
    assert first[heading["notes"]] == NASTY
    assert first[heading["due"]].date() == date(2026, 3, 2)


def test_a_whole_record_goes_into_an_empty_database_and_comes_out_the_same(alkawari, tmp_path):
    alkawari("sweep", "--as-of", "2026-03-06T09:00:00Z")
    record = exported(alkawari, "json", "record.json")
    other = tmp_path / "other"
    other.mkdir()
    (other / "alkawari.yaml").write_text("programme: Alkawari\n", encoding="utf-8")
    config = ("--config", str(other / "alkawari.yaml"))
    assert alkawari(*config, "init").code == 0

    assert alkawari(*config, "import", str(record)).code == 0

    again = alkawari(*config, "export", "--format", "json").out
    assert json.loads(again) == json.loads(record.read_text(encoding="utf-8"))
    assert alkawari(*config, "verify").code == 0
    refused = alkawari(*config, "import", str(record))
    assert "empty database" in refused.sentence


def test_a_record_whose_history_was_changed_is_not_taken_in(alkawari, tmp_path):
    record = exported(alkawari, "json", "record.json")
    said = json.loads(record.read_text(encoding="utf-8"))
    said["events"][0]["by"] = "somebody else"
    record.write_text(json.dumps(said), encoding="utf-8")
    other = tmp_path / "other"
    other.mkdir()
    (other / "alkawari.yaml").write_text("programme: Alkawari\n", encoding="utf-8")
    config = ("--config", str(other / "alkawari.yaml"))
    assert alkawari(*config, "init").code == 0

    assert "history is not whole" in alkawari(*config, "import", str(record)).sentence
    assert json.loads(alkawari(*config, "status", "--json").out)["total"] == 0


@pytest.mark.parametrize("words", ["", "[]", "{", '{"actions": 3}', "null", "[" * 100_000])
def test_what_is_no_record_is_refused_in_one_sentence(alkawari, words):
    (alkawari.folder / "bad.json").write_text(words, encoding="utf-8")
    assert alkawari("import", "bad.json").sentence


def test_a_calendar_names_references_and_nothing_else(alkawari):
    calendar = Calendar.from_ical(exported(alkawari, "ics", "out.ics").read_bytes())
    titles = [str(event["summary"]) for event in calendar.walk("VEVENT")]
    assert titles == ["[Jos] Ref. JOS-03"]


def test_an_empty_plan_is_filled_and_taken_in(alkawari):
    assert alkawari("template", "--out", "empty.xlsx").code == 0
    book = load_workbook(alkawari.folder / "empty.xlsx")
    page = book["plan"]
    offered = {rule.formula1 for rule in page.data_validations.dataValidation}
    assert '"public,dialogue,restricted,closed"' in offered
    heading = {cell.value: at for at, cell in enumerate(page[1], 1)}
    given_ = {"dialogue": "Jos", "action": "Mend the lamp", "responsible": "Works",
              "due": date(2026, 5, 4)}  # fmt: skip
    for name, value in given_.items():
        page.cell(2, heading[name]).value = value
    book.save(alkawari.folder / "filled.xlsx")

    assert figures(alkawari, "filled.xlsx")["created"] == 1


def test_an_unknown_format_is_refused(alkawari):
    assert "csv, xlsx, json or ics" in alkawari("export", "--format", "pdf").sentence


def test_whatever_stands_in_a_cell_a_workbook_is_made(tmp_path):
    odd = ["\x00\x0b", "a" * 40_000, "\ud800", "=1+1", "é\nf", None, True, 1.5, date(2026, 1, 1)]
    (tmp_path / "odd.xlsx").write_bytes(workbook([Sheet("odd", ["x"], [[v] for v in odd])], "odd"))
    page = load_workbook(tmp_path / "odd.xlsx")["odd"]
    assert page.cell(5, 1).value == "=1+1"
    assert page.cell(5, 1).data_type == "s"


SOFFICE = shutil.which("soffice")


@pytest.mark.skipif(
    SOFFICE is None and not os.environ.get("CI"), reason="LibreOffice is not on this machine"
)
def test_a_workbook_goes_through_libreoffice_and_comes_back(alkawari, tmp_path):
    """Opened and saved by a program that is not ours; then one cell edited, and taken back."""
    exported(alkawari, "xlsx", "out.xlsx")
    saved = tmp_path / "saved"
    subprocess.run(
        [str(SOFFICE), "--headless", f"-env:UserInstallation=file://{tmp_path}/profile",
         "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", str(saved), "out.xlsx"],
        check=True, capture_output=True, timeout=180, cwd=alkawari.folder,
    )  # fmt: skip
    done = figures(alkawari, str(saved / "out.xlsx"))
    assert (done["created"], done["updated"], done["unchanged"]) == (0, 0, 4)

    book = load_workbook(saved / "out.xlsx")
    page = book["plan"]
    heading = {cell.value: at for at, cell in enumerate(page[1], 1)}
    page.cell(4, heading["notes"]).value = "bring the register"
    book.save(saved / "edited.xlsx")
    done = figures(alkawari, str(saved / "edited.xlsx"))
    assert (done["created"], done["updated"], done["unchanged"]) == (0, 1, 3)
