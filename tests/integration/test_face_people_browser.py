"""People, files, several at once, the drawing: on a desk in English, on a phone in Arabic."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe import violations
from browser import press
from builders import MONDAY, Programme, a_programme, a_row, at, day
from face_desk import Desk
from pictures import a_png
from playwright.sync_api import Browser, Page, expect

from engine.store.contacts import find_person
from workflows.clarify import add_words
from workflows.record import Asked

LARGEST_PAGE = 50 * 1024


@pytest.fixture
def programme(sqlite_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(sqlite_url, tmp_path)
    made.plan(
        a_row(due=day(10)),
        a_row(ref="SAA-02", action="Light the square", due=day(20), depends_on=["SAA-01"]),
        a_row(ref="SAA-03", action="Pay for lamps", due=day(30), depends_on=["SAA-02"]),
        now=at(MONDAY),
    )
    asked = Asked(ref="SAA-01", by="mayor")
    add_words(made.services, asked, "The gate beside the mosque", "en", at(MONDAY))
    yield made
    made.close()


@pytest.fixture(params=[("en", 1200), ("ar", 320)], ids=["english-desk", "arabic-phone"])
def screen(request: pytest.FixtureRequest, browser: Browser, desk: Desk) -> Iterator[Page]:
    """Somebody who coordinates, signed in; no page of ours brings a script."""
    language, width = request.param
    context = browser.new_context(viewport={"width": width, "height": 800}, base_url=desk.url)
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(desk.link("coord"))
    press(page.locator("main button").first)
    page.goto(f"/actions?lang={language}")
    yield page
    context.close()


def is_right(page: Page) -> None:
    """Nothing hangs over the edge, the page is small, and axe finds nothing against it."""
    viewport = page.viewport_size
    assert viewport
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    assert len(page.content().encode()) < LARGEST_PAGE
    assert violations(page) == []


def test_a_person_is_found_looked_at_and_given_another_number(screen, desk):
    with desk.programme.services.database.read() as connection:
        chief = find_person(connection, "chief").id
    screen.goto("/people")
    is_right(screen)
    press(screen.locator(f"a[href='/people/{chief}']"))
    is_right(screen)
    press(screen.locator("a[href$='/do/contact']"))
    screen.fill("[name=phone]", "070")
    press(screen.locator("main button.main"))
    expect(screen.locator("[name=phone]")).to_have_attribute("aria-invalid", "true")
    is_right(screen)
    screen.fill("[name=phone]", "+226 70 00 00 00")
    press(screen.locator("main button.main"))
    expect(screen.locator(".banner[role=status]")).to_be_visible()
    screen.goto(f"/people/{chief}/do/erase")
    is_right(screen)


def test_a_file_is_handed_in_from_the_page_of_its_action(screen, tmp_path):
    path = tmp_path / "gate.png"
    path.write_bytes(a_png())
    screen.goto("/actions/SAA-01/hand-in")
    is_right(screen)
    screen.set_input_files("[name=file]", str(path))
    screen.select_option("[name=bearing]", "contradicts")
    press(screen.locator("main button.main"))
    expect(screen.locator("#evidence code")).to_have_count(1)
    is_right(screen)
    press(screen.locator("a[href$='/clarify']"))
    is_right(screen)


def test_several_are_ticked_looked_at_and_moved_together(screen, desk):
    screen.goto("/actions")
    for ref in ("SAA-01", "SAA-02"):
        screen.check(f"[name=pick-{ref}]")
    is_right(screen)
    press(screen.locator("#several button"))
    is_right(screen)
    press(screen.locator("button[value=reschedule]"))
    screen.fill("[name=days]", "14")
    screen.fill("[name=reason]", "rain; all agreed")
    press(screen.locator("button[value=look]"))
    is_right(screen)
    press(screen.locator("button[value=do]"))
    expect(screen.locator(".banner[role=status]")).to_be_visible()
    assert desk.programme.action("SAA-02").due_on == day(34)
    assert desk.programme.action("SAA-03").due_on == day(30)


def test_the_drawing_leads_to_its_actions_from_where_reading_begins(screen):
    screen.goto("/dependencies")
    is_right(screen)
    boxes = [screen.locator(f".graph a[href$='SAA-0{n}']").bounding_box() for n in (1, 2)]
    assert boxes[0]
    assert boxes[1]
    rtl = screen.evaluate("document.dir") == "rtl"
    assert (boxes[0]["x"] > boxes[1]["x"]) is rtl
    press(screen.locator(".graph a[href$='SAA-01']"))
    assert screen.url.endswith("/actions/SAA-01")
