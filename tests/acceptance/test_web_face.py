"""A coordinator's first five minutes in a browser, in two languages and on a phone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe import violations
from builders import MONDAY, Programme, a_programme, a_row, at, day
from face_desk import Desk, open_face
from playwright.sync_api import Browser, Page, expect

from engine.action import State

PATHS = ("/", "/actions", "/board", "/actions/SAA-01", "/actions/SAA-02/do/reschedule",
         "/actions/SAA-03/record/confirmed", "/actions/SAA-01/history", "/nothing")  # fmt: skip


@pytest.fixture
def desk(tmp_path: Path, sqlite_url: str) -> Iterator[Desk]:
    programme: Programme = a_programme(sqlite_url, tmp_path)
    programme.plan(
        a_row(due=day(-40), agreed_on=day(-90).isoformat()),
        a_row(ref="SAA-02", action="Light the square", due=day(30)),
        a_row(ref="SAA-03", action="Close the gate", due=day(20)),
        now=at(MONDAY),
    )
    programme.run(at(MONDAY))
    programme.move("SAA-03", State.REPORTED_DONE, "chief", at(MONDAY), note="it is shut")
    with open_face(programme) as opened:
        yield opened
    programme.close()


def sign_in(desk: Desk, page: Page) -> None:
    page.goto(desk.url + desk.link("coord"))
    page.locator("main form button").click()
    page.wait_for_url(desk.url + "/")


def test_a_coordinator_confirms_moves_a_date_and_signs_out(desk: Desk, page: Page):
    sign_in(desk, page)
    page.get_by_role("link", name="Record the confirmation").click()
    page.get_by_label("Who said it?").select_option("mayor")
    page.get_by_label("How did you hear it?").select_option("phone")
    page.get_by_label("What was seen?").fill("The gate is shut at night.")
    page.get_by_label("How was it checked?").select_option("visit")
    page.get_by_role("button", name="Record it").click()
    expect(page.get_by_role("status")).to_contain_text("It is on record")
    expect(page.locator(".chips").first).to_contain_text("confirmed")
    page.goto(desk.url + "/actions/SAA-02")
    page.get_by_role("link", name="Agree another date").click()
    page.get_by_label("The new date").fill(day(45).isoformat())
    page.get_by_label("Why, and who agreed?").fill("All sides agreed in the session.")
    page.get_by_role("button", name="Agree another date").click()
    expect(page.locator(".facts s")).to_contain_text("1 July 2026")
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto(desk.url + "/actions/SAA-02")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_everything_can_be_done_with_the_keyboard(desk: Desk, page: Page):
    sign_in(desk, page)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    for _press in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Log the call":
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Log a call")).to_be_visible()


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_their_screen_and_break_no_rule_of_wcag(
    desk: Desk, browser: Browser, language: str, width: int, scheme: str
):
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme,  # type: ignore[arg-type]
    )  # fmt: skip
    page = context.new_page()
    page.goto(f"{desk.url}/sign-in?lang={language}")
    assert violations(page) == []
    sign_in(desk, page)
    for path in PATHS:
        page.goto(desk.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert violations(page) == [], path
    context.close()
