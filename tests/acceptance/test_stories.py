"""The stories of the three users, without script: on an English desk and on an Arabic phone."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from browser import press
from demo_process import Demo
from playwright.sync_api import Browser, Page, expect

MANY_MS = 120_000
LADDER = """name: patient
fair_warning: 3
rungs:
  - {name: R1, days: 10, to: focal_point, kind: reminder}
  - {name: E1, days: 40, to: coordinator, kind: stall_review}
"""


class Reader(NamedTuple):
    language: str
    width: int
    coordinator: str
    begun: str
    deed: str


READERS = (
    Reader("en", 1200, "saa-coord", "SAA-02", "Put up lamps at the crossing"),
    Reader("ar", 320, "ain-coord", "AIN-02", "وضع مصابيح عند المفترق"),
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    started = Demo(tmp_path_factory.mktemp("stories"))
    yield started
    started.end()


@pytest.fixture(params=READERS, ids=["english-desk", "arabic-phone"])
def reader(request: pytest.FixtureRequest) -> Reader:
    chosen: Reader = request.param
    return chosen


@pytest.fixture
def screen(browser: Browser, demo: Demo, reader: Reader) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": reader.width, "height": 800},
        java_script_enabled=False,
        base_url=demo.url,
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    yield page
    context.close()
    demo.show_log()


def be(page: Page, person: str, language: str) -> None:
    page.goto("/sign-in")
    press(page.locator(f"button[name=person][value={person}]"))
    page.goto(f"/actions?lang={language}")


def fits(page: Page) -> None:
    viewport, main = page.viewport_size, page.locator("main").bounding_box()
    assert viewport
    assert main
    assert main["width"] <= viewport["width"]


def a_session_is_written_down(page: Page, reader: Reader) -> str:
    """Returns the reference of the new action."""
    press(page.locator("nav a[href='/sessions/new']"))
    page.fill("[name=c1_text]", reader.deed)
    page.fill("[name=c1a1_action]", reader.deed)
    page.fill("[name=c1a1_responsible]", "Town hall")
    page.fill("[name=c1a1_due]", (date.today() + timedelta(days=12)).isoformat())  # noqa: DTZ011
    fits(page)
    press(page.locator("button.main[value=look]"))
    press(page.locator("button[value=record]"))
    expect(page.get_by_role("status").first).to_be_visible()
    return page.locator("main a.ref").first.inner_text()


@pytest.mark.prefect
def test_a_coordinator_has_done_everything_within_five_minutes(screen, reader):
    be(screen, reader.coordinator, reader.language)
    ref = a_session_is_written_down(screen, reader)

    press(screen.locator("main a.ref").first)  # whose turn it is
    expect(screen.locator("main")).to_contain_text("Town hall")
    fits(screen)

    press(screen.locator("nav a[href='/']"))  # what is late, and with whom
    expect(screen.locator("#late .late").first).to_be_visible()
    fits(screen)

    press(screen.locator("nav a[href='/agenda']"))  # for the next session
    expect(screen.locator("main")).to_contain_text(ref)
    fits(screen)
    press(screen.locator("main a[href^='/agenda/print']"))
    expect(screen.locator(".ref", has_text=ref)).to_have_count(1)
    code = screen.locator("tr", has_text=ref).locator(".code").first.inner_text()
    assert re.search(r"\w+ [0-9A-Z*]$", code)


def record(page: Page, words: str) -> None:
    """Fill the form with the first of every choice, and send it."""
    for field in page.locator("main select").all():
        field.select_option(index=1)
    page.locator("main textarea").first.fill(words)
    fits(page)
    press(page.locator("main form button.main"))
    expect(page.get_by_role("status").first).to_be_visible()


def test_a_claim_and_its_confirmation_are_two_acts_of_two_parties(screen, reader):
    be(screen, reader.coordinator, reader.language)
    press(screen.locator("main a.ref", has_text=reader.begun).first)
    press(screen.locator(f"#deeds a[href='/actions/{reader.begun}/record/done']"))
    record(screen, "The first one took place.")
    press(screen.locator("nav a[href='/']"))
    claim = screen.locator("#claims li", has_text=reader.begun)
    press(claim.locator("a.button"))
    record(screen, "Six people from both sides were there.")
    press(screen.locator("nav a[href='/']"))
    expect(claim).to_have_count(0)


def test_a_manager_sees_six_dialogues_and_drills_down_to_a_list(screen, reader):
    be(screen, "prog-manager", reader.language)
    screen.goto("/dashboard")
    fits(screen)
    for locality in ("Guédiawaye", "Jos", "Saaba", "Niamey V", "Sogoniko", "Aïn Zitoun"):
        expect(screen.get_by_role("link", name=locality).first).to_be_visible()
    tile = screen.locator(".tiles a").first
    number = tile.inner_text()
    press(tile)
    fits(screen)
    expect(screen.locator("table.list tbody tr")).to_have_count(int(number))


def test_another_ladder_is_held_against_the_present_one(screen, reader, tmp_path: Path):
    be(screen, "prog-manager", reader.language)
    path = tmp_path / "patient.yaml"
    path.write_text(LADDER, encoding="utf-8")
    screen.goto("/rehearsal")
    # While it is being played the page says so, and looks again by itself.
    expect(screen.locator("input[type=file]")).to_be_visible(timeout=MANY_MS)
    fits(screen)
    screen.set_input_files("[name=ladder]", str(path))
    press(screen.locator("main form button.main").last, MANY_MS)
    expect(screen.locator("table.figures, table.list").first).to_be_visible(timeout=MANY_MS)
    fits(screen)


def test_an_auditor_holds_a_fingerprint_against_the_history(screen, reader):
    be(screen, reader.coordinator, reader.language)
    screen.goto("/agenda")
    fingerprint = screen.locator("main code").last.inner_text()
    be(screen, "prog-auditor", reader.language)
    screen.goto("/verify")
    screen.fill("[name=fingerprints]", fingerprint)
    press(screen.locator("main form button.main"), MANY_MS)
    expect(screen.locator("main")).to_contain_text(fingerprint[:8])
    fits(screen)
