"""The committee's agenda in the browser: looked at, printed, taken along as a sheet."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe import violations
from builders import MONDAY, Programme, a_programme, a_row, at, day
from face_desk import Desk, open_face
from openpyxl import load_workbook
from playwright.sync_api import Browser

from engine.answer import Verb
from engine.codes import check_character

OK, SEE_OTHER, FORBIDDEN, NOT_FOUND, UNFIT = 200, 303, 403, 404, 422


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    programme: Programme = a_programme(database_url, tmp_path)
    programme.plan(
        a_row(),
        a_row(ref="SAA-02", action="Keep the register", handling="restricted"),
        a_row(ref="SAA-03", action="Move the witness", handling="closed"),
        now=at(MONDAY),
    )
    with open_face(programme) as opened:
        yield opened
    programme.close()


def test_a_coordinator_looks_at_the_agenda_and_prints_it(desk):
    coord = desk.member("coord")
    look = coord.get("/agenda")
    assert look.status_code == OK
    assert "Open the second gate" in look.text
    assert "SAA-02" in look.text
    assert "Keep the register" not in look.text
    assert "SAA-03" not in look.text

    printed = coord.get(f"/agenda/print?dialogue=SAA&session={day(10)}&language=fr")
    assert printed.status_code == OK
    assert f'FAIT <span class="check">{check_character("SAA-01", Verb.DONE)}' in printed.text
    assert "Keep the register" not in printed.text
    assert "style=" not in printed.text.partition("</style>")[2]
    policy = printed.headers["content-security-policy"]
    assert "style-src 'sha256-" in policy
    assert "unsafe" not in policy


def test_the_sheet_to_fill_is_the_one_that_answers_are_typed_into(desk):
    coord = desk.member("coord")
    rows = list(csv.reader(io.StringIO(coord.get("/agenda/sheet.csv").text)))
    assert any("SAA-01" in cell for row in rows for cell in row)
    got = coord.get("/agenda/sheet.xlsx")
    assert got.headers["content-disposition"] == f'attachment; filename="agenda-SAA-{MONDAY}.xlsx"'
    assert load_workbook(io.BytesIO(got.content)).sheetnames


def test_a_day_that_is_none_is_said_and_nothing_is_lost(desk):
    got = desk.member("coord").get("/agenda?session=4.12.2026&language=ar")
    assert got.status_code == UNFIT
    assert "2026-12-04" in got.text
    assert '<option value="ar" lang="ar" selected>' in got.text


def test_a_year_that_cannot_be_meant_is_said(desk):
    got = desk.member("coord").get("/agenda?session=9999-12-31")
    assert got.status_code == UNFIT
    assert "This year cannot be meant." in got.text
    printed = desk.member("coord").get("/agenda/print?session=9999-12-31")
    assert printed.status_code == UNFIT
    assert "This year cannot be meant." in printed.text


@pytest.mark.parametrize("path", ["", "/print", "/sheet.csv", "/sheet.xlsx"])
def test_it_is_for_who_prepares_or_sits_on_the_committee(desk, path):
    assert desk.stranger().get(f"/agenda{path}").status_code in {SEE_OTHER, FORBIDDEN}
    assert desk.member("chief").get(f"/agenda{path}").status_code == FORBIDDEN
    assert desk.member("coord").get(f"/agenda{path}?dialogue=XYZ").status_code == NOT_FOUND


@pytest.mark.parametrize(("language", "width"), [("en", 1200), ("ar", 320)])
def test_it_fits_the_screen_and_its_own_style_is_let_in(desk, browser: Browser, language, width):
    context = browser.new_context(viewport={"width": width, "height": 800}, base_url=desk.url)
    page = context.new_page()
    refused: list[str] = []
    page.on("console", lambda said: refused.append(said.text))
    page.goto(desk.link("coord"))
    page.locator("main button").first.click()
    page.wait_for_url(f"{desk.url}/")
    page.goto(f"/agenda?lang={language}")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.goto(f"/agenda/print?language={language}")
    assert page.evaluate("getComputedStyle(document.querySelector('.box')).width") != "auto"
    assert not refused
    context.close()
