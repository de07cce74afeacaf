"""A coordinator at a screen, in English on a desk and in Arabic on a phone: no script is needed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe import violations
from browser import press
from builders import MONDAY, Programme, a_programme, a_row, at, day
from face_desk import Desk
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from engine.store.tables import actions

LARGEST_PAGE = 50 * 1024
PLAN = (
    "ref,dialogue,action,responsible,verifier,due\n"
    f"SAA-01,Saaba,Open the third gate,Town hall,Elders,{day(12)}\n"
    f",Saaba,Mend the pump,Town hall,Elders,{day(20)}\n"
)


@pytest.fixture
def programme(sqlite_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(sqlite_url, tmp_path)
    made.plan(a_row(), now=at(MONDAY))
    yield made
    made.close()


@pytest.fixture(params=[("en", 1200), ("ar", 320)], ids=["english-desk", "arabic-phone"])
def screen(request: pytest.FixtureRequest, browser: Browser, desk: Desk) -> Iterator[Page]:
    """Somebody who coordinates, signed in, with scripts switched off."""
    language, width = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 800}, java_script_enabled=False, base_url=desk.url
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(desk.link("coord"))
    press(page.locator("main button").first)
    page.goto(f"/actions?lang={language}")
    yield page
    context.close()


def fits(page: Page) -> None:
    """Nothing hangs over the edge, and the page is small enough for a slow line."""
    body = page.locator("body").bounding_box()
    main = page.locator("main").bounding_box()
    viewport = page.viewport_size
    assert body
    assert main
    assert viewport
    assert body["width"] <= viewport["width"]
    assert main["width"] <= viewport["width"]
    assert len(page.content().encode()) < LARGEST_PAGE


def titles(desk: Desk) -> set[str]:
    return {row.title for row in desk.programme.rows(select(actions.c.title))}


def test_a_session_is_written_down_without_a_script(screen, desk):
    screen.goto("/sessions/new")
    fits(screen)
    screen.fill("[name=c1_text]", "We open earlier.\nAlways.")
    screen.fill("[name=c1a1_action]", "Open at seven")
    screen.fill("[name=c1a1_responsible]", "Police post")
    screen.fill("[name=c1a1_due]", day(20).isoformat())
    press(screen.locator("button[value=action-1]"))
    assert screen.input_value("[name=c1_text]") == "We open earlier.\nAlways."
    screen.fill("[name=c1a2_action]", "Say so on the radio")
    screen.keyboard.press("Enter")  # looks at it, and does not add a row
    # A pressed key, unlike a click, does not wait for the page that comes of it.
    expect(screen.locator("[name=c1a2_responsible]")).to_have_attribute("aria-invalid", "true")
    fits(screen)
    screen.fill("[name=c1a2_responsible]", "Town hall")
    press(screen.locator("button.main[value=look]"))
    fits(screen)
    assert titles(desk) == {"Open the second gate"}
    press(screen.locator("button[value=edit]"))
    assert screen.input_value("[name=c1_text]") == "We open earlier.\nAlways."
    assert screen.input_value("[name=c1a2_action]") == "Say so on the radio"
    press(screen.locator("button.main[value=look]"))
    press(screen.locator("button[value=record]"))
    fits(screen)
    assert {"Open at seven", "Say so on the radio"} < titles(desk)


def test_a_plan_is_chosen_looked_at_and_taken_in(screen, desk, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(PLAN, encoding="utf-8")
    screen.goto("/import")
    fits(screen)
    screen.set_input_files("[name=plan]", str(path))
    press(screen.locator("main button.main"))
    fits(screen)
    assert "Open the third gate" in screen.locator("main").inner_text()
    assert titles(desk) == {"Open the second gate"}
    press(screen.locator("main form button.main"))
    assert titles(desk) == {"Open the third gate", "Mend the pump"}


def test_every_message_is_stopped_and_let_go_again(screen):
    screen.goto("/holds")
    fits(screen)
    press(screen.locator("main a.button").first)
    fits(screen)
    press(screen.locator("main button.main"))
    assert screen.locator(".banner.held").count() == 1
    screen.goto("/actions")
    assert screen.locator(".banner.held").count() == 1
    press(screen.locator(".banner.held a"))
    press(screen.locator("main form button").first)
    assert screen.locator(".banner.held").count() == 0


def test_a_program_finds_nothing_against_the_pages(page, desk, tmp_path):
    path = tmp_path / "mine.csv"
    page.set_default_timeout(60_000)
    page.goto(desk.url + desk.link("coord"))
    press(page.locator("main button").first)
    page.goto(f"{desk.url}/sessions/new")
    found = violations(page)
    page.fill("[name=c1_text]", "We open earlier.")
    press(page.locator("button.main[value=look]"))
    found += violations(page)
    page.fill("[name=c1a1_action]", "Open at seven")
    page.fill("[name=c1a1_responsible]", "Radio")
    press(page.locator("button.main[value=look]"))
    found += violations(page)
    press(page.locator("button[value=record]"))
    found += violations(page)
    for text in (PLAN, PLAN.replace("Mend the pump", "")):
        path.write_text(text, encoding="utf-8")
        page.goto(f"{desk.url}/import")
        page.set_input_files("[name=plan]", str(path))
        press(page.locator("main button.main"))
        found += violations(page)
    page.goto(f"{desk.url}/holds/pause")
    found += violations(page)
    press(page.locator("main button.main"))
    found += violations(page)
    for path_of in ("/sessions", "/import"):
        page.goto(desk.url + path_of)
        found += violations(page)

    assert found == []
