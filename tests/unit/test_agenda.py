"""A committee's agenda: what stands under which heading, and what the page and the sheet say."""

import csv
import io
import re
from dataclasses import replace
from datetime import date
from io import BytesIO
from typing import Any

import pytest
from builders import MONDAY, an_action, at, day
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from config.sheet import read_typed
from engine.action import OWED, Handling, Kind, State
from engine.agenda import OPEN, Section, Span, boxes, section_of
from engine.answer import Verb
from engine.codes import code, read_code
from engine.conditions import Condition
from engine.party import Side
from notifications.agenda import Agenda, Point, choice, page
from notifications.language import LANGUAGES, direction
from notifications.sheet import COLUMNS, sheet_csv, sheet_xlsx
from notifications.sheet_words import Column

SPAN = Span(since=day(-30), until=day(30))


def placed(state: State, *, brought: bool = False, asked: bool = False, **changes: Any) -> Any:
    conditions = changes.pop("conditions", ())
    action = replace(an_action(), state=state, **changes)
    return section_of(action, conditions, SPAN, brought=brought, date_asked=asked)


def test_each_action_stands_under_the_first_heading_that_fits() -> None:
    stalled = (Condition.STALLED,)

    assert placed(State.IN_PROGRESS, brought=True, conditions=stalled) is Section.BROUGHT
    assert placed(State.DISPUTED) is Section.DISPUTED
    assert placed(State.BLOCKED, conditions=stalled, asked=True) is Section.STALLED
    assert placed(State.BLOCKED, asked=True) is Section.BLOCKED
    assert placed(State.AGREED, asked=True) is Section.DATE_ASKED
    assert placed(State.REPORTED_DONE) is Section.TO_CONFIRM
    assert placed(State.AGREED, due_on=day(30)) is Section.COMING
    assert placed(State.AGREED, due_on=day(-90)) is Section.COMING
    assert placed(State.AGREED, due_on=day(31)) is None
    assert placed(State.PROPOSED) is Section.PROPOSED
    assert placed(State.VERIFIED, state_since_on=day(-1)) is Section.CONFIRMED
    assert placed(State.VERIFIED, state_since_on=day(-30)) is None
    assert placed(State.IN_FORCE, kind=Kind.RECURRING, due_on=day(5)) is Section.COMING
    assert placed(State.WITHDRAWN) is None


@given(st.sampled_from(State), st.booleans(), st.booleans())
def test_what_few_may_read_is_by_reference_or_not_there(
    state: State, brought: bool, asked: bool
) -> None:
    common = {"brought": brought, "asked": asked, "due_on": day(3), "state_since_on": day(-1)}

    closed = placed(state, handling=Handling.CLOSED, **common)
    restricted = placed(state, handling=Handling.RESTRICTED, **common)
    public = placed(state, **common)

    assert closed is None
    assert restricted is (Section.BY_REFERENCE if public in OPEN else None)


@given(st.sampled_from(State), st.booleans())
def test_every_box_is_an_answer_that_can_be_typed(state: State, asked: bool) -> None:
    action = replace(an_action(), state=state)

    offered = boxes(action, date_asked=asked)

    assert bool(offered) == (state in OWED | {State.REPORTED_DONE, State.IN_FORCE})
    for verb in offered:
        for language in LANGUAGES:
            spoken = read_code(f"{action.ref} {choice(action.ref, verb, language)}")
            assert spoken is not None
            assert (spoken.verb, spoken.checked) == (verb, True)


def a_point(**changes: Any) -> Point:
    given = {
        "ref": "SAA-07", "section": Section.COMING, "title": "Put up the lamps",
        "boxes": (Verb.DONE, Verb.MORE_TIME, Verb.BLOCKED, Verb.HELP, Verb.CANNOT),
        "party": "Town hall", "state": State.IN_PROGRESS, "due_on": day(3),
    }  # fmt: skip
    return Point(**{**given, **changes})


def an_agenda(*points: Point, **changes: Any) -> Agenda:
    given = {
        "dialogue": "Saaba", "code": "SAA", "today": MONDAY, "since": day(-30), "until": day(30),
        "session_on": None, "points": points, "later": 2, "sides": (Side.SECURITY, Side.COMMUNITY),
        "fingerprint": "SAA·42·k3f9-0000",
    }  # fmt: skip
    return Agenda(**{**given, **changes})


EVERY = tuple(
    a_point(ref=f"SAA-{number:02}", section=section, state=state, boxes=offered)
    for number, (section, state, offered) in enumerate((
        (Section.BROUGHT, State.IN_PROGRESS, (Verb.DONE, Verb.MORE_TIME, Verb.BLOCKED)),
        (Section.DISPUTED, State.DISPUTED, ()),
        (Section.BLOCKED, State.BLOCKED, (Verb.DONE, Verb.HELP, Verb.CANNOT)),
        (Section.DATE_ASKED, State.AGREED, (Verb.AGREED, Verb.DECLINED)),
        (Section.TO_CONFIRM, State.REPORTED_DONE, (Verb.CONFIRMED, Verb.NOT_YET, Verb.NOT_SEEN)),
        (Section.COMING, State.IN_FORCE, (Verb.DONE,)),
        (Section.PROPOSED, State.PROPOSED, ()),
        (Section.CONFIRMED, State.VERIFIED, ()),
    ), 1)
)  # fmt: skip
EVERY_POINT = (*EVERY, Point(ref="SAA-99", section=Section.BY_REFERENCE, boxes=(Verb.DONE,)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_has_every_point_with_its_codes(language: str) -> None:
    html = page(an_agenda(*EVERY_POINT), language)

    assert f'<html lang="{language}" dir="{direction(language)}">' in html
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html))
    for point in EVERY_POINT:
        assert point.ref in words
        for verb in point.boxes:
            assert choice(point.ref, verb, language) in words
    assert "SAA·42·k3f9-0000" in words
    assert "src=" not in html
    assert "http" not in html
    assert "<script" not in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_accuses_nobody(language: str) -> None:
    late = a_point(due_on=day(-200), state=State.AGREED, earlier=(day(-300), day(-250)))
    html = page(an_agenda(*EVERY_POINT, late), language).casefold()

    for word in ("overdue", "late", "failed", "en retard", "échoué", "متأخر", "فشل", "makara"):
        assert not re.search(rf"(?<!\w){word}(?!\w)", html.split("</style>")[1]), word


def test_earlier_dates_stand_beside_the_due_date() -> None:
    html = page(an_agenda(a_point(earlier=(date(2026, 1, 5), date(2026, 2, 6)))), "en")

    assert "Due: 4 June 2026" in html
    assert "before: 5 January 2026; 6 February 2026" in html


@given(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=80)
    | st.sampled_from(["</style><script>", "{{ 7*7 }}", '"};', "\u202eabc", "=1+1", "@SUM(A1)"])
)
def test_no_title_or_name_gets_out_of_its_place(text: str) -> None:
    hostile = an_agenda(
        a_point(title=text, party=text), dialogue=text, fingerprint=text.replace("\u202e", "")
    )

    html = page(hostile, "en")

    assert html.count("<script") == 0
    assert html.count("</style>") == 1
    assert "\u202e" not in html
    book = load_workbook(BytesIO(sheet_xlsx(hostile, "en", at(MONDAY))))
    assert {cell.data_type for row in book.active.iter_rows() for cell in row} <= {"s", "n"}
    for row in csv.reader(io.StringIO(sheet_csv(hostile, "en").lstrip("\ufeff"), newline="")):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_filled_sheet_is_read_back(language: str) -> None:
    text = sheet_csv(an_agenda(*EVERY_POINT), language)
    delimiter = ";" if ";" in text.splitlines()[0] else ","
    rows = list(csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=delimiter))
    assert read_typed(text.encode()).answers == ()  # nobody has filled it in yet

    answer = COLUMNS.index(Column.ANSWER)
    rows[1][answer] = rows[1][COLUMNS.index(Column.CHOICES)].split(" / ")[0]
    filled = io.StringIO()
    csv.writer(filled, delimiter=delimiter).writerows(rows)
    sheet = read_typed(filled.getvalue().encode())

    assert not sheet.errors
    assert [(a.ref, a.verb) for a in sheet.answers] == [("SAA-01", Verb.DONE)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_workbook_offers_the_codes_of_each_row(language: str) -> None:
    book = load_workbook(BytesIO(sheet_xlsx(an_agenda(*EVERY_POINT), language, at(MONDAY))))
    sheet = book.active

    offered = {str(rule.sqref): rule.formula1 for rule in sheet.data_validations.dataValidation}
    letter = sheet.cell(1, COLUMNS.index(Column.ANSWER) + 1).column_letter
    assert choice("SAA-01", Verb.DONE, language) in offered[f"{letter}2"]
    assert sheet.sheet_view.rightToLeft == (direction(language) == "rtl")
    refs = [cell.value for cell in sheet["A"]][1:]
    assert "SAA-02" not in refs  # what only words can settle
    assert refs[-1] == "SAA-99"
    assert [cell.value for cell in sheet[len(refs) + 1]][1:4] == [None, None, None]


def test_what_is_known_by_reference_only_says_no_more_on_the_page() -> None:
    secret = Point(ref="SAA-99", section=Section.BY_REFERENCE, boxes=(Verb.DONE,))

    html = page(an_agenda(secret), "en").split("</style>")[1]

    told = re.search(r"SAA-99</bdi></span>(.*?)</td>", html, re.DOTALL)
    assert told
    assert re.sub(r"<[^>]+>|\s", "", told[1]) == ""
    assert code("SAA-99", Verb.DONE, "en").split(" ", 1)[1].replace(" ", "") in re.sub(
        r"<[^>]+>|\s", "", html
    )
