"""The whole round in a browser: a mail, its link, the page, the answer, and what it changed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from axe import violations
from playwright.sync_api import Browser, Page, expect

from engine.action import State
from engine.store.records import find_action, history_of
from web.demo_clock import Leap
from web.demo_pages import demo_app
from web.demo_world import World
from web.mailbox import Letter
from web.serve import Face, address, listen, reached_at

SMALLEST = 44  # CSS pixels that a finger hits


@dataclass(frozen=True)
class Place:
    """The demonstration and where it is; Prefect and the timetable are not started."""

    world: World
    url: str

    def letter(self, subject: str) -> Letter:
        """The newest mail with these words in its subject."""
        found = [m for m in self.world.mailbox.letters if re.search(subject, m.subject)]
        assert found, (
            f"no mail says {subject} among {[m.subject for m in self.world.mailbox.letters]}"
        )
        return found[0]

    def link(self, subject: str) -> str:
        text = self.letter(subject).part("plain")
        found = re.search(rf"{re.escape(self.url)}/answer/[\w-]+", text)
        assert found, text
        return found[0]

    def state(self, ref: str) -> State:
        with self.world.services.database.read() as connection:
            return find_action(connection, ref).state

    def history(self, ref: str) -> str:
        """Everything that the history of an action says."""
        with self.world.services.database.read() as connection:
            events = history_of(connection, find_action(connection, ref).id)
            return "\n".join(event.payload for event in events)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with listen("127.0.0.1", 0) as listener:
        world = World(tmp_path_factory.mktemp("world"), reached_at(listener))
        world.populate()
        assert world.leap(Leap.HOUR, patience_s=60)
        face = Face(demo_app(world, "127.0.0.1"), listener)
        face.start()
        yield Place(world, address(listener))
        face.stop(5)
        world.stop()


def from_mail(page: Page, place: Place, subject: str) -> None:
    """Open a mail in the mailbox and press the link in it, as its reader would."""
    page.goto(f"{place.url}/mail/{place.letter(subject).number}")
    page.frame_locator("iframe").locator("a[href*='/answer/']").first.click()
    page.wait_for_url("**/answer/**")


def test_done_is_said_by_link_confirmed_by_link_and_stands_in_the_history(place, page):
    from_mail(page, place, r"JOS-02")
    expect(page.get_by_role("heading", level=1)).to_have_text("How does it stand?")
    page.get_by_role("link", name="It is done").click()
    page.get_by_label("What was done?").fill("The roof is on")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Thank you")
    assert place.state("JOS-02") is State.REPORTED_DONE
    assert "The roof is on" in place.history("JOS-02")

    assert place.world.leap(Leap.DAY, patience_s=60)
    from_mail(page, place, r"JOS-02: ana neman tabbatarwa")
    page.get_by_role("link", name="English").click()
    expect(page.get_by_text("The roof is on")).to_be_visible()
    page.get_by_role("link", name="I confirm it").click()
    page.get_by_label("What did you see?").fill("The roof, from below and above")
    page.get_by_label("I went there").check()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Nothing more is needed from you.")).to_be_visible()
    assert place.state("JOS-02") is State.VERIFIED
    assert "from below and above" in place.history("JOS-02")


def test_more_time_is_asked_in_arabic_on_a_small_telephone(place, page):
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(place.link("المرجع AIN-04"))
    assert page.locator("html").get_attribute("dir") == "rtl"
    page.locator("a[href$='/more_time']").click()
    page.locator("textarea").fill("بسبب الأمطار")
    page.locator("form").evaluate("form => { form.noValidate = true }")
    page.locator("button").click()

    alert = page.get_by_role("alert")
    expect(alert).to_be_visible()
    expect(page.locator("textarea")).to_have_value("بسبب الأمطار")
    alert.get_by_role("link").click()
    expect(page.locator("#f-until")).to_be_focused()
    page.locator("#f-until").fill("20/12/2027")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.locator("button").click()
    page.wait_for_url("**/thanks")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.locator(".code").inner_text().startswith("AIN-04")

    assert "بسبب الأمطار" in place.history("AIN-04")


def test_an_answer_needs_no_script_and_no_mouse(place, browser: Browser):
    context = browser.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto(place.link(r"Ref\. JOS-04"))
    page.get_by_role("link", name="We would like help").focus()
    page.keyboard.press("Enter")
    page.get_by_label("What would help?").focus()
    page.keyboard.type("Two masons for a week")
    page.keyboard.press("Tab")
    page.keyboard.type("The chief of works")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_contain_text("Thank you")
    assert "Two masons for a week" in place.history("JOS-04")
    assert "chief of works" not in place.history("JOS-04")
    context.close()


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1200])
def test_every_sort_of_page_can_be_used_by_everybody(place, page, language, scheme, width):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    link = place.link(r"GUE-04")
    said = f"?lang={language}"
    paths = [link, *(f"{link}/{verb}" for verb in ("done", "blocked", "not_me", "dance")),
             f"{place.url}/answer/guess"]  # fmt: skip
    for path in paths:
        page.goto(path + said)
        assert violations(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert too_small(page) == [], path
    page.goto(f"{link}/blocked{said}")
    page.locator("form").evaluate("form => { form.noValidate = true }")
    page.locator("button").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert violations(page) == []


def too_small(page: Page) -> list[str]:
    """What can be pressed and is smaller than a finger; links within a sentence do not count."""
    found: list[str] = page.locator(
        "nav a, .back a, .choices a, button, .option, input, textarea"
    ).evaluate_all(
        """(all, least) => all
            .filter(one => one.type !== 'hidden' && one.type !== 'radio')
            .filter(one => Math.min(one.offsetHeight, one.offsetWidth) < least)
            .map(one => one.outerHTML)""",
        SMALLEST,
    )
    return found


def test_the_page_prints_its_receipt_and_nothing_to_press(place, page):
    link = place.link(r"SAA-05")
    page.goto(f"{link}/not_seen?lang=en")
    page.get_by_role("button").click()
    page.emulate_media(media="print")

    expect(page.locator(".code")).to_be_visible()
    expect(page.locator("nav")).to_be_hidden()
