"""Plans that cannot be taken in, and plans that are taken in again, through the command."""

import csv
import io
import json
import random
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from command_line import PLAN, CommandLine, Said

PLANS = Path(__file__).parent / "plans"
HEAD = "ref,dialogue,action,responsible,verifier,due,depends_on,co_responsible,handling,notes"


@pytest.fixture
def alkawari(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    line = CommandLine(tmp_path, monkeypatch, capsys)
    assert line("init").code == 0
    return line


def a_plan(*rows: str, head: str = HEAD) -> str:
    return "\n".join((head, *rows)) + "\n"


def errors_of(said: Said) -> list[dict[str, object]]:
    """The errors of a refused import, told in JSON on stdout and in one sentence on stderr."""
    assert said.code == 1
    told = json.loads(said.out)
    assert list(told) == ["rows", "created", "updated", "unchanged", "errors"]
    assert (told["created"], told["updated"]) == (0, 0)
    assert all(list(error) == ["row", "column", "value", "reason"] for error in told["errors"])
    assert said.complaint
    errors: list[dict[str, object]] = told["errors"]
    return errors


def places(errors: Sequence[dict[str, object]]) -> list[tuple[object, object, object]]:
    return [(error["row"], error["column"], error["value"]) for error in errors]


@pytest.mark.parametrize(
    ("name", "content", "row", "said"),
    [
        ("a.csv", "dialogue,action,responsible\nGuédiawaye,x,y\n".encode("latin-1"), 2, "UTF-8"),
        ("a.csv", "dialogue,action,responsible\nJos,x,y\n".encode("utf-16"), 0, "UTF-16"),
        ("a.csv", b"", 1, "empty"),
        ("a.csv", b"\n\n", 1, "empty"),
        ("a.csv", b"\x00\x01\x02\xff\xfe", 1, "UTF-8"),
        ("a.csv", b"dialogue,action\nJos,x\n", 1, "missing"),
        ("a.csv", b"dialogue,action,responsible,owner\nJos,x,y,z\n", 1, "no column of this name"),
        ("a.csv", b'dialogue,action,responsible\nJos,"x,y\n', 2, "never closed"),
        ("a.csv", b"dialogue,action,responsible\nJos,x\n", 2, "2 cells below 3"),
        ("a.csv", b"dialogue,action,responsible\nJos,x\x00,y\n", 2, "control character"),
        ("a.csv", b"dialogue,action,responsible\n" + b"J" * 121 + b",x,y\n", 2, "at most 120"),
        ("a.xlsx", b"PK\x03\x04 not really", 0, "not a workbook"),
        ("a.csv", b"PK\x03\x04 not really", 0, "name it .xlsx"),
        ("a.yaml", b"actions: [", 2, ""),
        ("a.yaml", b"- a\n", 1, "begins with"),
        ("a.yaml", b"actions:\n- &x {dialogue: *x}\n", 2, "aliases"),
        ("a.pdf", b"%PDF", 0, "ends with"),
    ],
)
def test_a_file_that_is_no_plan_is_told_with_its_line(
    alkawari: CommandLine, tmp_path: Path, name: str, content: bytes, row: int, said: str
) -> None:
    (tmp_path / name).write_bytes(content)

    [error] = errors_of(alkawari("import", name, "--json"))
    human = alkawari("import", name)

    assert error["row"] == row
    assert said in str(error["reason"])
    assert human.code == 1
    assert "nothing was taken in" in human.complaint
    assert alkawari("status", "--json").json["total"] == 0


def test_a_page_of_mistakes_is_told_line_by_line_and_none_is_hidden_by_another(
    alkawari: CommandLine,
) -> None:
    told = errors_of(alkawari("import", str(PLANS / "mistakes.csv"), "--json"))
    reasons = {(error["row"], error["column"]): str(error["reason"]) for error in told}

    assert "no such day" in reasons[2, "due"]
    assert "two ways" in reasons[3, "due"]
    assert "a month and not a day" in reasons[4, "due"]
    assert "every action needs this" in reasons[5, "action"]
    assert "not an e-mail address" in reasons[5, "responsible_email"]
    assert "telephone number" in reasons[5, "responsible_phone"]
    assert "row 2 says Africa/Lagos" in reasons[6, "timezone"]
    assert "cannot confirm its own action" in reasons[6, "verifier"]
    assert "row 6 has the same reference" in reasons[7, "ref"]
    assert alkawari("status", "--json").json["total"] == 0


def test_a_map_that_does_not_fit_is_one_sentence_with_its_line(
    alkawari: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "plan.csv").write_text("Ville,Quoi,Qui\nJos,x,y\n", encoding="utf-8")
    for text, said in (
        ("dialogue: Vile\naction: Quoi\nresponsible: Qui\n", "line 1: the plan has no column"),
        ("dialogue: Ville\naction: Quoi\n", "responsible"),
        ("dialogue: Ville\naction: Quoi\nresponsible: Qui\ndeu: Qui\n", "line 4"),
        ("- a\n", "line 1"),
    ):
        (tmp_path / "map.yaml").write_text(text, encoding="utf-8")
        assert said in alkawari("import", "plan.csv", "--map", "map.yaml").sentence


def test_ten_thousand_rows_with_a_thousand_errors_tell_each_and_write_nothing(
    alkawari: CommandLine, tmp_path: Path
) -> None:
    chance = random.Random(2)  # noqa: S311 - which rows are wrong must be the same each time
    kinds = [
        ("due", "2026-02-30"), ("due", "04/05/2026"), ("verifier", "Works"),
        ("handling", "secret"), ("depends_on", "NOPE-1"),
    ]  # fmt: skip
    wrong = {n: at % len(kinds) for at, n in enumerate(chance.sample(range(10_000), 1_000))}
    expected = {}
    with (tmp_path / "large.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, HEAD.split(","))
        writer.writeheader()
        for number in range(10_000):
            row = {
                "ref": f"JOS-{number:05}", "dialogue": "Jos", "action": f"Step {number}",
                "responsible": "Works", "verifier": "Residents", "due": "2026-05-04",
            }  # fmt: skip
            if number in wrong:
                column, value = kinds[wrong[number]]
                row[column] = value
                expected[number + 2, column] = value
            writer.writerow(row)

    told = errors_of(alkawari("import", "large.csv", "--json"))
    human = alkawari("import", "large.csv")

    assert {(e["row"], e["column"]): e["value"] for e in told} == expected
    assert len(told) == 1_000
    assert all(error["reason"] for error in told)
    assert "1,000 errors" in human.complaint
    assert {row for row, _ in expected} == set(
        map(int, re.findall(r"^ (\d+) ", human.out, re.MULTILINE))
    )
    assert alkawari("status", "--json").json["total"] == 0


def test_unknown_references_and_circles_within_a_file_are_told(alkawari: CommandLine) -> None:
    unknown = errors_of(alkawari.take_in(a_plan("A-1,Jos,One,Works,,,Z-9,,,"), "--json"))
    circle = errors_of(
        alkawari.take_in(
            a_plan(
                "A-1,Jos,One,Works,,,A-3,,,", "A-2,Jos,Two,Works,,,A-1,,,",
                "A-3,Jos,Three,Works,,,A-2,,,",
            ),
            "--json",
        )
    )  # fmt: skip

    assert places(unknown) == [(2, "depends_on", "Z-9")]
    assert "circle: A-1 → A-3 → A-2 → A-1" in str(circle[0]["reason"])


def test_a_circle_that_closes_through_stored_actions_is_told_with_its_path(
    alkawari: CommandLine,
) -> None:
    stored = a_plan(
        "A-1,Jos,One,Works,,,,,,", "A-2,Jos,Two,Works,,,A-1,,,", "B-1,Saaba,Bee,Works,,,A-2,,,"
    )
    assert alkawari.take_in(stored).code == 0
    before = alkawari("export", "--format", "json").out

    within = errors_of(alkawari.take_in(a_plan("A-1,Jos,One,Works,,,A-2,,,"), "--json"))
    across = errors_of(
        alkawari.take_in(
            a_plan("N-1,Jos,New,Works,,,,,,", "A-1,Jos,One,Works,,,N-1;B-1,,,"), "--json"
        )
    )

    assert places(within) == [(2, "depends_on", "A-2")]
    assert "A-1" in str(within[0]["reason"])
    assert "→ A-2" in str(within[0]["reason"])
    assert places(across) == [(3, "depends_on", "N-1; B-1")]
    assert all(f"{ref} →" in str(across[0]["reason"]) for ref in ("A-1", "A-2", "B-1"))
    assert alkawari("export", "--format", "json").out == before


def test_the_same_file_again_changes_nothing_whatever_its_order(alkawari: CommandLine) -> None:
    head, *rows = PLAN.splitlines()
    assert alkawari.take_in(PLAN).code == 0
    before = alkawari("export", "--format", "json").out

    for plan in (PLAN, "\n".join((head, *reversed(rows))) + "\n"):
        again = alkawari.take_in(plan, "--json").json
        assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 4)

    assert alkawari("export", "--format", "json").out == before


def test_rows_without_a_reference_are_known_again(alkawari: CommandLine) -> None:
    head = "dialogue,action,responsible,due"
    plan = a_plan("Jos,Light,Works,2026-05-04", "Jos,Light,Works,2026-05-04", head=head)

    first = alkawari.take_in(plan, "--json").json
    again = alkawari.take_in(plan, "--json").json
    longer = alkawari.take_in(plan + "Jos,Paint,Works,2026-05-05\n", "--json").json

    assert first["created"] == 2
    assert (again["created"], again["unchanged"]) == (0, 2)
    assert (longer["created"], longer["unchanged"]) == (1, 2)


EDITS = {
    "action": ("One", "One and a half", "corrected"),
    "due": ("2026-05-04", "2026-06-04", "rescheduled"),
    "responsible": ("Works", "Water board", "corrected"),
    "handling": ("restricted", "closed", "corrected"),
    "notes": ("first words", "other words", "corrected"),
    "notes, emptied": ("first words", "", "corrected"),
    "depends_on": ("A-2", "", "corrected"),
    "co_responsible": ("Club; Guild", "Guild", "corrected"),
}


@pytest.mark.parametrize("column", EDITS)
def test_of_an_edited_file_only_what_differs_is_changed(alkawari: CommandLine, column: str) -> None:
    plan = a_plan(
        "A-1,Jos,One,Works,Residents,2026-05-04,A-2,Club; Guild,restricted,first words",
        "A-2,Jos,Two,Works,Residents,2026-05-05,,,,",
    )
    assert alkawari.take_in(plan).code == 0
    untouched = alkawari("history", "A-2", "--json").json
    old, new, kind = EDITS[column]
    exported = next(csv.DictReader(io.StringIO(alkawari("export").out)))

    edited = plan.replace(old, new, 1) if column != "depends_on" else plan.replace(",A-2,", ",,", 1)
    taken = alkawari.take_in(edited, "--json").json
    again = alkawari.take_in(edited, "--json").json
    now = next(csv.DictReader(io.StringIO(alkawari("export").out)))

    assert (taken["created"], taken["updated"], taken["unchanged"]) == (0, 1, 1)
    assert (again["updated"], again["unchanged"]) == (0, 2)
    name = column.partition(",")[0]
    assert {key for key in now if now[key] != exported[key]} - {"commitment"} == {name}
    assert now[name] == new
    assert kind in [event["kind"] for event in alkawari("history", "A-1", "--json").json]
    assert alkawari("history", "A-2", "--json").json == untouched


def test_what_a_file_has_no_column_for_is_left_as_it_was(alkawari: CommandLine) -> None:
    whole = "A-1,Jos,One,Works,Residents,2026-05-04,A-2,Club,restricted,first words"
    other = "A-2,Jos,Two,Works,Residents,2026-05-05,,,,"
    assert alkawari.take_in(a_plan(whole, other)).code == 0
    before = alkawari("export").out

    narrow = "ref,dialogue,action,responsible"
    taken = alkawari.take_in(a_plan("A-1,Jos,One,Works", head=narrow), "--json").json

    assert (taken["updated"], taken["unchanged"]) == (0, 1)
    assert alkawari("export").out == before


@pytest.mark.parametrize(
    ("row", "column", "said"),
    [
        ("A-1,Saaba,One,Works,C,,", "dialogue", "belongs to the dialogue JOS"),
        ("A-1,Jos,One,Works,Other words,,", "commitment", "frozen"),
        ("A-1,Jos,One,Works,C,recurring,monthly", "kind", "one_off"),
        ("a-1,Jos,One,Works,C,,", "ref", "stored as A-1"),
    ],
)
def test_what_a_file_cannot_change_is_an_error_and_not_left_out_in_silence(
    alkawari: CommandLine, row: str, column: str, said: str
) -> None:
    head = "ref,dialogue,action,responsible,commitment,kind,repeat,due"
    stored = "A-1,Jos,One,Works,C,,,2026-05-04"
    assert alkawari.take_in(a_plan(stored, "S-1,Saaba,x,y,C2,,,", head=head)).code == 0

    [error] = errors_of(alkawari.take_in(a_plan(f"{row},2026-05-04", head=head), "--json"))

    assert (error["row"], error["column"]) == (2, column)
    assert said in str(error["reason"])


def test_a_state_moves_by_what_people_report_and_not_by_a_file(alkawari: CommandLine) -> None:
    assert alkawari.take_in(PLAN).code == 0

    taken = alkawari.take_in(
        PLAN.replace("2026-03-02,agreed", "2026-03-02,verified"), "--json"
    ).json

    assert taken["errors"] == []
    assert alkawari("show", "JOS-01", "--json").json["state"] == "agreed"


def test_a_number_that_is_added_and_a_language_that_is_changed_arrive(
    alkawari: CommandLine,
) -> None:
    head = (
        "ref,dialogue,action,responsible,responsible_email,responsible_phone,responsible_language"
    )
    assert alkawari.take_in(a_plan("A-1,Jos,One,Works,w@jos.example,,en", head=head)).code == 0

    again = a_plan("A-1,Jos,One,Works,w@jos.example,+234 800 000 0000,fr", head=head)
    assert alkawari.take_in(again).code == 0
    row = next(csv.DictReader(io.StringIO(alkawari("export").out)))

    assert row["responsible_phone"] == "+2348000000000"
    assert row["responsible_language"] == "fr"
    assert row["responsible_email"] == "w@jos.example"
