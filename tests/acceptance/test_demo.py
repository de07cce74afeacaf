"""`alkawari demo` as somebody sees it who opens it in a browser and presses its buttons."""

import os
import re
import signal
from collections.abc import Iterator

import pytest
from browser import press
from demo_process import Demo
from playwright.sync_api import Locator, Page, expect

STOP_WITHIN_S = 10
JOURNEY_MS = 120_000


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    started = Demo(tmp_path_factory.mktemp("demo"))
    yield started
    started.end()


def put_forward(page: Page, button: str) -> None:
    press(page.get_by_role("button", name=button), JOURNEY_MS)
    # On the way there is no such button; the page looks again by itself until it is there.
    expect(page.get_by_role("button", name=button)).to_be_visible(timeout=JOURNEY_MS)


def put_forward_until(page: Page, button: str, wanted: Locator, most: int = 6) -> None:
    for _press in range(most):
        if wanted.count():
            return
        put_forward(page, button)


def today(page: Page) -> str:
    return page.locator(".time strong").inner_text()


@pytest.mark.prefect
def test_somebody_looks_on_while_three_weeks_pass(demo: Demo, page: Page):
    """One story, because each press of a button goes on from where the last one ended."""
    page.goto(f"{demo.url}/demo")
    the_overview_shows_six_localities(page)
    demo.wait_for("Prefect is ready")
    mails = the_first_mails_open_as_text_and_page(page)
    page.goto(f"{demo.url}/demo/actions/SAA-02")
    an_action_moves_because_its_people_act(page)
    page.goto(f"{demo.url}/mail")
    assert page.locator("table.mails tbody tr").count() > mails
    an_escalation_leaves_when_it_is_released(demo, page)
    page.goto(f"{demo.url}/flows")
    prefect_did_it(page)


def the_overview_shows_six_localities(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_contain_text("whose turn is it")
    for locality in ("Guédiawaye", "Jos", "Saaba", "Niamey V", "Sogoniko", "Aïn Zitoun"):
        expect(page.locator(".bars").get_by_role("link", name=locality)).to_be_visible()
    expect(page.locator("#overdue .count")).not_to_have_text("0")
    expect(page.locator(".time")).to_contain_text("day 1")


def the_first_mails_open_as_text_and_page(page: Page) -> int:
    page.get_by_role("link", name="Mail", exact=True).click()
    rows = page.locator("table.mails tbody tr")
    expect(rows).not_to_have_count(0)
    found = rows.count()
    rows.get_by_role("link").first.click()
    assert re.match(r"\[.+\]", page.get_by_role("heading", level=1).inner_text())
    expect(page.locator("pre.text")).to_contain_text(re.compile(r"[A-Z]{3}-\d\d"))
    inside = page.frame_locator("iframe").locator("body")
    expect(inside).to_contain_text(re.compile(r"[A-Z]{3}-\d\d"))
    return found


def an_action_moves_because_its_people_act(page: Page) -> None:
    state, timeline = page.locator(".chips"), page.locator(".timeline")
    expect(state).to_contain_text("in progress")
    first_day = today(page)
    put_forward(page, "Next day")
    assert today(page) != first_day
    assert page.url.endswith("/actions/SAA-02")
    expect(timeline).to_contain_text("Progress reported")
    put_forward(page, "Next week")
    expect(state).to_contain_text("disputed")
    expect(timeline).to_contain_text("in progress → reported done")
    expect(timeline).to_contain_text("reported done → disputed")
    put_forward(page, "Next week")
    put_forward(page, "Next week")
    expect(state).to_contain_text("verified")


def an_escalation_leaves_when_it_is_released(demo: Demo, page: Page) -> None:
    superior = page.locator("table.mails tbody tr", has_text="permanence@direction.example")
    expect(superior).to_have_count(0)
    page.goto(f"{demo.url}/sign-in")
    press(page.locator("button[name=person][value=sog-coord]"))
    page.goto(f"{demo.url}/?lang=en")
    release = page.get_by_role("button", name="Release SOG-04")
    put_forward_until(page, "Next week", release)  # feasts of the season may put it off
    press(release)
    expect(page.get_by_role("status").first).to_contain_text("It is on record")
    page.goto(f"{demo.url}/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Today")
    expect(release).to_have_count(0)
    page.goto(f"{demo.url}/mail")
    put_forward_until(page, "Next day", superior)  # at once, unless today is a feast there
    expect(superior).to_have_count(1)
    page.goto(f"{demo.url}/demo/actions/SOG-04")
    expect(page.locator(".timeline")).to_contain_text("Released")


def prefect_did_it(page: Page) -> None:
    """What ran before it was ready is the exception."""
    expect(page.locator("main")).to_contain_text("Prefect is ready")
    runs = re.search(r"(\d+) runs as flows of Prefect", page.locator("main").inner_text())
    assert runs
    assert int(runs[1]) > 20
    expect(page.locator("td", has_text=re.compile(r"^failed$"))).to_have_count(0)


def test_the_list_can_be_narrowed_down_and_read_on_a_telephone(demo: Demo, page: Page):
    page.set_viewport_size({"width": 320, "height": 700})
    page.goto(f"{demo.url}/demo/actions")
    everything = page.locator("table.list tbody tr").count()
    page.get_by_label("Dialogue").select_option("Saaba")
    page.get_by_label("only overdue").check()
    press(page.get_by_role("button", name="Show"))

    rows = page.locator("table.list tbody tr")
    assert 0 < rows.count() < everything
    expect(rows.locator(".late")).to_have_count(rows.count())
    for path in (
        "/",
        "/demo/actions",
        "/demo/actions/SOG-04",
        "/demo/actions/AIN-02",
        "/mail",
        "/mail/1",
        "/flows",
    ):
        page.goto(demo.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path


def test_titles_run_in_their_own_direction(demo: Demo, page: Page):
    page.goto(f"{demo.url}/demo/actions/AIN-02")
    title = page.locator("h1 [dir=auto]")

    assert title.evaluate("node => node.matches(':dir(rtl)')")
    page.goto(f"{demo.url}/demo/actions/JOS-02")
    assert title.evaluate("node => node.matches(':dir(ltr)')")


def test_a_mail_can_do_nothing_in_the_page_that_shows_it(demo: Demo, page: Page):
    answer = page.goto(f"{demo.url}/mail/1/html")

    assert answer is not None
    assert answer.headers["content-security-policy"].startswith(
        "sandbox allow-top-navigation-by-user-activation; default-src 'none'"
    )
    page.goto(f"{demo.url}/mail/1")
    assert page.locator("iframe").get_attribute("sandbox") == (
        "allow-top-navigation-by-user-activation"
    )


@pytest.mark.prefect
def test_it_is_thrown_away_and_begins_anew_when_somebody_wishes(demo: Demo, page: Page):
    page.set_default_timeout(JOURNEY_MS)
    before = set(demo.temporary.iterdir())
    page.goto(f"{demo.url}/demo/again")
    # Without the word that only its own page has, nothing begins anew.
    forged = page.request.post(f"{demo.url}/demo/again", form={"clock_word": "guessed"})
    assert forged.status == 403
    press(page.locator("main form button"), JOURNEY_MS)

    expect(page.locator("button.door").first).to_be_visible(timeout=JOURNEY_MS)  # by itself
    page.goto(f"{demo.url}/flows")
    expect(page.locator("main")).to_be_visible()
    expect(page.locator("body")).to_contain_text("day 1")
    demo.wait_for(r"(?s)starts again.*Prefect is ready")
    assert not before & set(demo.temporary.iterdir())


def test_it_ends_when_told_to_and_takes_everything_with_it(demo: Demo):
    assert [path for path in demo.temporary.iterdir() if path.name.startswith("alkawari-demo-")]

    demo.process.send_signal(signal.SIGTERM)
    demo.process.communicate(timeout=STOP_WITHIN_S)

    said = demo.log.read_text("utf-8")
    assert demo.process.returncode == 0, said
    assert said.splitlines()[-1] == "Stopped; nothing of the demonstration is left."
    assert "Traceback" not in said
    assert "story line" not in said
    assert not [path for path in demo.temporary.iterdir() if path.name.startswith("alkawari-demo-")]
    assert not (demo.folder / "somebodys.db").exists()
    with pytest.raises(ProcessLookupError):
        os.killpg(demo.process.pid, 0)
