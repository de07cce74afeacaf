"""Filled sheets: what is read from them, and what is refused rather than guessed."""

import csv
import io
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from config.sheet import MOST_ROWS, Sheet, read_said, read_sheet, read_typed
from engine.action import Level, Obstacle
from engine.answer import Verb
from engine.codes import WORDS, check_character, code, fold
from engine.errors import BadValue
from notifications.sheet_words import (
    HEADINGS,
    LEVELS,
    OBSTACLES,
    Column,
    column_of,
    level_of,
    obstacle_of,
)

REF = "SAA-07"
DONE = code(REF, Verb.DONE, "en")
SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def typed(text: str, encoding: str = "utf-8") -> Sheet:
    return read_typed(text.encode(encoding))


def reasons(sheet: Sheet) -> list[tuple[int, str, str]]:
    return [(error.row, error.column, error.reason) for error in sheet.errors]


def test_lines_are_read_as_they_are_said() -> None:
    date_code, blocked = code(REF, Verb.MORE_TIME, "en"), code("JOS-1", Verb.BLOCKED, "fr")

    sheet = typed(
        f"{DONE} the lamps were put up\n\n"
        f"{date_code} 2026-12-04, the mason is ill\n"
        f"{blocked}: permis la préfecture n'a pas signé\n"
    )

    assert not sheet.errors
    done, more, hindered = sheet.answers
    assert (done.row, done.ref, done.verb, done.note) == (
        1,
        REF,
        Verb.DONE,
        "the lamps were put up",
    )
    assert (more.row, more.until, more.note) == (3, date(2026, 12, 4), "the mason is ill")
    assert hindered.obstacle is Obstacle.PERMIT
    assert hindered.note == "la préfecture n'a pas signé"


@pytest.mark.parametrize("language", sorted(HEADINGS))
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_sheet_of_every_language_and_delimiter_is_read(language: str, delimiter: str) -> None:
    words = HEADINGS[language]
    columns = (Column.REF, Column.ANSWER, Column.CHECK, Column.UNTIL, Column.BECAUSE, Column.WHO,
               Column.ON)  # fmt: skip
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow([words[column][0] for column in columns])
    writer.writerow([REF, WORDS[language][Verb.MORE_TIME], check_character(REF, Verb.MORE_TIME),
                     "2026-12-04", f"a{delimiter}b", "chief of post", "2026-11-20"])  # fmt: skip

    [answer] = typed(text.getvalue()).answers

    assert (answer.ref, answer.verb, answer.until) == (REF, Verb.MORE_TIME, date(2026, 12, 4))
    assert (answer.note, answer.who, answer.on) == (
        " ".join(f"a{delimiter}b".split()), "chief of post", date(2026, 11, 20),
    )  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "cp1256"], ids=str)
def test_what_a_french_office_saves_is_read(encoding: str) -> None:
    text = f"référence;réponse;parce que\r\n{REF};fait {DONE[-1]};c'est posé à l'entrée\r\n"

    [answer] = typed(text, encoding).answers

    assert answer.note == "c'est posé à l'entrée"


def test_what_an_arabic_office_saves_is_read() -> None:
    text = f"المرجع;الجواب;السبب\r\n{REF};تم {DONE[-1]};رُكّبت المصابيح\r\n"

    [answer] = typed(text, "cp1256").answers

    assert answer.note == "رُكّبت المصابيح"


def test_an_encoding_that_may_be_one_or_another_is_refused() -> None:
    sheet = typed(f"code,because\n{DONE},Écrit\n", "cp1252")

    [(row, _column, reason)] = reasons(sheet)

    assert not sheet.answers
    assert row == 0
    assert "line 2 is not UTF-8" in reason


def test_old_mac_lines_and_the_hint_of_a_spreadsheet_are_no_trouble() -> None:
    assert typed(f"code;because\r{DONE};ok\r").answers[0].note == "ok"
    hinted = typed(f"sep=;\ncode;because\n{DONE};ok\n")
    assert [(a.row, a.note) for a in hinted.answers] == [(3, "ok")]


@given(st.sampled_from(SIGNS), st.sampled_from(sorted(WORDS["en"])))
def test_a_check_character_that_was_misheard_is_refused(sign: str, verb: Verb) -> None:
    right = check_character(REF, verb)
    text = f"ref,answer,check\n{REF},{WORDS['en'][verb]},{sign}\n"

    sheet = typed(text)

    refused = [column for _row, column, reason in reasons(sheet) if "does not fit" in reason]
    assert bool(refused) == (sign != right)
    if sign != right:
        assert not sheet.answers
        assert right not in sheet.errors[0].reason.split()  # it is asked for, never told


@given(st.data())
def test_a_reference_with_one_sign_taken_for_another_is_refused(data: st.DataObject) -> None:
    at = data.draw(st.sampled_from([0, 1, 2, 4, 5]))
    sign = data.draw(st.sampled_from(SIGNS).filter(lambda s: s != REF[at]))
    wrong = REF[:at] + sign + REF[at + 1 :]

    sheet = typed(DONE.replace(REF, wrong))

    assert not sheet.answers
    assert "does not fit" in sheet.errors[0].reason


def test_two_signs_that_changed_places_are_refused() -> None:
    caught = 0
    pairs = [(ref, at) for ref in ("SAA-07", "JOS-12", "GUE-41") for at in (0, 1, 4)]
    for ref, at in pairs:
        swapped = ref[:at] + ref[at + 1] + ref[at] + ref[at + 2 :]
        if swapped == ref:
            continue
        sheet = typed(code(ref, Verb.DONE, "en").replace(ref, swapped))
        assert not sheet.answers, swapped
        caught += 1

    assert caught >= 7


def test_a_code_without_its_check_character_is_refused() -> None:
    sheet = typed(f"{REF} DONE the lamps\ncode\n")

    assert not sheet.answers
    assert "missing" in typed(f"{REF} DONE the lamps\n").errors[0].reason
    assert "missing" in typed(f"ref,answer\n{REF},DONE\n").errors[0].reason


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ({"answer": "DATE", "because": "ill"}, "until", "say until which day"),
        ({"answer": "DATE", "until": "2026-12-04"}, "because", "why more time is needed"),
        ({"answer": "DATE", "until": "4/12/2026", "because": "ill"}, "until", "two ways"),
        ({"answer": "AGREED"}, "until", "say until which day"),
        ({"answer": "DECLINED"}, "because", "why the date stays"),
        ({"answer": "CONFIRMED", "who": "mayor"}, "seen", "what was seen"),
        ({"answer": "CONFIRMED", "seen": "a lamp"}, "who", "who looked"),
        ({"answer": "NOTYET", "because": "one lamp", "who": "mayor"}, "level", "how much"),
        ({"answer": "DONE", "until": "2026-12-04"}, "until", "no day goes with DONE"),
        ({"answer": "DONE", "obstacle": "permit"}, "obstacle", "no obstacle goes with DONE"),
        ({"answer": "BLOCKED", "obstacle": "rain"}, "obstacle", "not a word for an obstacle"),
        ({"answer": "", "because": "they said it is done"}, "answer", "no answer"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_missing_or_contrary_is_told_with_its_column(
    row: dict[str, str], column: str, reason: str
) -> None:
    verb = {said: verb for verb, said in WORDS["en"].items()}.get(row.get("answer", ""))
    cells = {"ref": REF, "check": check_character(REF, verb) if verb else "", **row}
    sheet = typed("\n".join([",".join(cells), ",".join(cells.values())]))

    [(line, found, said)] = reasons(sheet)

    assert (line, found) == (2, column)
    assert reason in said


def test_an_unknown_column_is_an_error_and_not_ignored() -> None:
    sheet = typed(f"code,becuase\n{DONE},the lamps\n")

    [(row, column, reason)] = reasons(sheet)

    assert (row, column) == (1, "becuase")
    assert "did you mean because?" in reason


def test_rows_that_nobody_filled_in_are_left_out() -> None:
    sheet = typed(
        f"ref,what was agreed,answer,who,on\n{REF},Lamps,,mayor,2026-11-20\nSAA-08,Gate,,,\n,,,,\n"
    )

    assert (sheet.rows, sheet.answers, sheet.errors) == (0, (), ())


def test_a_workbook_says_what_the_same_text_says(tmp_path: Path) -> None:
    book, path = Workbook(), tmp_path / "sheet.xlsx"
    page = book.active
    assert page is not None
    page.append(["ref", "answer", "check", "until", "because"])
    page.append([])
    ref = "SAA-04"  # its check character for DATE may be a digit: a number in the cell
    page.append([ref, "DATE", check_character(ref, Verb.MORE_TIME), date(2026, 12, 4), "ill"])
    book.save(path)

    [answer] = read_sheet(path).answers

    assert (answer.row, answer.until, answer.note) == (3, date(2026, 12, 4), "ill")


def test_a_formula_is_no_answer(tmp_path: Path) -> None:
    book, path = Workbook(), tmp_path / "sheet.xlsx"
    page = book.active
    assert page is not None
    page.append(["code", "because"])
    page.append([DONE, '=HYPERLINK("http://x")'])
    book.save(path)

    assert "a formula" in read_sheet(path).errors[0].reason


def test_a_file_of_another_sort_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sheet.pdf"
    path.write_bytes(b"%PDF-1.7")

    assert "the name of a sheet ends with" in read_sheet(path).errors[0].reason


def test_more_rows_than_anybody_types_are_refused() -> None:
    assert typed(f"{DONE}\n" * (MOST_ROWS + 1)).rows == 0


def test_one_answer_may_be_said_with_or_without_its_reference() -> None:
    assert read_said(REF, f"DONE {DONE[-1]} up", "").note == "up"
    assert read_said(REF, f"{DONE} up", "chief").who == "chief"
    with pytest.raises(BadValue, match="does not fit"):
        read_said(REF, "DONE X", "")


HOSTILE = st.text(
    alphabet=st.one_of(
        st.characters(),
        st.sampled_from(
            ["\u202e", "\u2066", "\x00", "\r", "\n", '"', ",", ";", "\t", "=", "\ud7ff"]
        ),
    ),
    max_size=60,
)


@given(st.lists(st.lists(HOSTILE, max_size=6), max_size=6))
def test_no_sheet_breaks_the_reader(rows: list[list[str]]) -> None:
    text = "code;because;until\n" + "\n".join(";".join(row) for row in rows)

    sheet = read_typed(text.encode("utf-8", "surrogatepass"))

    assert all(answer.ref and answer.verb in Verb for answer in sheet.answers)
    for answer in sheet.answers:
        check = fold(answer.shown)
        assert check_character(answer.ref, answer.verb) in check


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(raw: bytes) -> None:
    sheet = read_typed(raw)

    assert sheet.rows >= len({answer.row for answer in sheet.answers})


@given(HOSTILE.filter(lambda text: text.strip().isprintable() and len(text.strip()) > 1))
def test_words_arrive_as_they_were_written_or_are_refused(words: str) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([["code", "because"], [DONE, words]])

    sheet = read_typed(text.getvalue().encode())

    if sheet.answers:
        assert fold(sheet.answers[0].note) == fold(words)
    else:
        assert sheet.errors


def test_every_word_over_and_in_a_sheet_means_one_thing() -> None:
    for language, words in HEADINGS.items():
        assert set(words) == set(Column), language
        for column, said in words.items():
            assert {column_of(word) for word in said} == {column}, (language, said)
    for obstacles in OBSTACLES.values():
        for obstacle, said in obstacles.items():
            assert {obstacle_of(word) for word in said} == {obstacle}
    for levels in LEVELS.values():
        for level, said in levels.items():
            assert {level_of(word) for word in said} == {level}
    assert Level.COMPLETED not in LEVELS["en"]
