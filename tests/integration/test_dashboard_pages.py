"""The pages that look at the whole: what is on them, where each number leads, who sees it."""

import csv
import io
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from axe import violations
from browser import press
from builders import a_programme, at, day
from face_desk import Desk, Visitor, open_face
from half_year import TODAY, a_busy_half_year
from openpyxl import load_workbook
from playwright.sync_api import Page

from engine.digest import DigestKind
from engine.verifying import Broken
from web.verify_page import LISTED
from workflows.digest_round import send_digests
from workflows.digests import make_digest
from workflows.verify import Verified, verify

LINKED = re.compile(r'<a href="(/actions\?[^"]+)">([\d,]+)</a>')
COUNT = re.compile(r'role="status">([\d,]+) actions?<')
HIDDEN = re.compile(r">([\d,]+) more (?:is|are) only counted")
LADDER = Path(__file__).resolve().parents[2] / "config" / "ladder.yaml"
PAGES = ("/dashboard", "/fairness", "/verify", "/rehearsal", "/digests")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("figures")
    made = a_programme(f"sqlite:///{folder / 'alkawari.db'}", folder)
    a_busy_half_year(made)
    with open_face(made, now=TODAY) as opened:
        yield opened
    made.close()


def shown(visitor: Visitor, path: str) -> str:
    """A page, once it is there: one that takes its time refreshes itself."""
    for _turn in range(60):
        answer = visitor.get(path)
        assert answer.status_code == 200, answer.text
        if 'http-equiv="refresh"' not in answer.text:
            return answer.text
    raise AssertionError(f"{path} was never done")


def number(text: str) -> int:
    return int(text.replace(",", ""))


@pytest.mark.parametrize("who", ["manager", "coord"])
def test_every_number_leads_to_a_list_of_exactly_so_many(desk, who):
    """What somebody may only count is said as a number beside the list."""
    visitor = desk.member(who)
    links = {
        (unescape(href), number(said))
        for href, said in LINKED.findall(shown(visitor, "/dashboard"))
    }
    assert len(links) > 30

    for href, said in links:
        page = visitor.get(href).text
        found, hidden = COUNT.search(page), HIDDEN.search(page)
        assert found, href
        assert said == number(found[1]) + (number(hidden[1]) if hidden else 0), href


def test_the_page_says_what_the_managers_digest_says(desk):
    digest = make_digest(desk.programme.services, DigestKind.MANAGER, as_of=TODAY).figures
    rows = list(csv.reader(io.StringIO(desk.member("manager").get("/dashboard.csv").text[1:])))
    told = {(table, line): float(count) for table, line, _head, count in rows[1:]}

    assert told["Where the actions stand", "Together"] == digest.total == 40
    assert told["Where the actions stand", "Confidential, counted only here"] == 3
    assert told["Where the actions stand", "Reported as done"] == digest.by_state["reported_done"]
    assert told["What needs a look", "stalled"] == digest.conditions["stalled"]
    by_side = {
        (line, head): float(count)
        for table, line, head, count in rows if table == "By side, by the same measure"
    }  # fmt: skip
    security = next(share for share in digest.by_side if share.name == "security")
    assert by_side["Security forces", "All"] == security.total
    assert by_side["Security forces", "past the day"] == security.places["past_day"]


def test_the_workbook_has_the_same_numbers_and_no_formula(desk):
    book = load_workbook(io.BytesIO(desk.member("manager").get("/dashboard.xlsx").content))

    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert all(cell.data_type != "f" for cell in cells)
    assert 40 in {cell.value for cell in cells}


def test_filters_stand_in_the_address_and_a_foreign_word_is_none(desk):
    manager = desk.member("manager")

    of_side = shown(manager, "/dashboard?side=security&dialogue=saaba")
    assert 'value="security" selected' in of_side
    assert "Confidential" not in of_side
    assert (
        shown(manager, "/dashboard?side=%3Cscript%3E&as_of=never&kind=x").count("Confidential") > 1
    )


def test_a_coordinator_sees_the_figures_of_the_own_dialogue_only(desk):
    page = shown(desk.member("coord"), "/dashboard?dialogue=Jos")

    assert "Of 27 actions" in page
    assert ">Jos<" not in page


def test_a_past_day_is_counted_from_the_history_and_leads_to_no_list(desk):
    page = shown(desk.member("manager"), f"/dashboard?as_of={day(-70).isoformat()}")
    digest = make_digest(
        desk.programme.services, DigestKind.MANAGER, as_of=at(day(-70), 23, 59)
    ).figures

    assert f"Of {digest.total} actions" in page
    assert not LINKED.search(page)


def test_who_has_no_figures_to_see_gets_none(desk):
    chief, stranger = desk.member("chief"), desk.stranger()

    for path in (*PAGES, "/dashboard.csv", "/dashboard.xlsx", "/digests/1"):
        assert chief.get(path).status_code == 403, path
        assert stranger.get(path).status_code == 303, path


def test_closed_actions_stand_in_no_list_and_no_calendar_of_a_manager(desk):
    manager = desk.member("manager")
    closed = ("X-05", "X-11", "X-17")

    for path in (*PAGES, "/rehearsal?week=2026-06-08", "/actions?counted=1"):
        page = shown(manager, path)
        assert not [ref for ref in closed if ref in page], path


def test_a_fingerprint_is_checked_in_plain_words(desk):
    manager = desk.member("manager")
    printed = verify(desk.programme.services.database).fingerprint

    page = manager.send("/verify", fingerprints=f"{printed}\n\n{printed}").text
    assert page.count("It fits.") == 2
    assert "Yes, it is whole." in page

    wrong = manager.send("/verify", fingerprints=printed[:-1] + "#")
    assert wrong.status_code == 422
    assert "mistyped" in wrong.text


def test_a_broken_programme_is_shown_in_part_and_counted_in_full(desk, monkeypatch):
    broken = tuple(Broken(f"SAA-{number}", 1, "cut off") for number in range(LISTED + 3))
    told = Verified(events=9, broken=broken, fingerprint="programme/9/ab")
    monkeypatch.setattr("web.verify_page.verify", lambda *_args, **_named: told)

    page = shown(desk.member("manager"), "/verify?whole=yes")

    assert page.count("cut off") == LISTED
    assert "3 more" in page


def test_the_rehearsal_keeps_to_one_message_a_day_and_to_days_of_work(desk):
    page = shown(desk.member("coord"), "/rehearsal")

    assert re.search(r"<strong>1</strong> at most for one person", page)
    assert re.search(r"<strong>0</strong> on days of rest", page)
    assert "Jos" not in page


def test_another_ladder_is_compared_and_a_wrong_one_is_refused_with_its_line(desk):
    manager = desk.member("manager")

    def send(text: str) -> object:
        data = {"token": manager.word("/rehearsal"), "all": "yes"}
        return manager.client.post("/rehearsal", data=data, files={"ladder": ("x.yaml", text)})

    refused = send("rungs: [")
    assert refused.status_code == 422
    assert "line" in refused.text
    compared = send(LADDER.read_text(encoding="utf-8"))
    assert compared.status_code == 303
    page = shown(manager, compared.headers["location"])
    assert "As many messages as now." in page
    assert desk.member("coord").get(compared.headers["location"]).status_code == 404


def test_a_digest_is_kept_as_it_was_and_is_nobody_elses(desk):
    send_digests(desk.programme.services, TODAY)
    manager, coordinator = desk.member("manager"), desk.member("coord")

    [href] = set(re.findall(r'href="(/digests/\d+)"', shown(manager, "/digests")))
    page = shown(manager, href)
    assert "Of 40 actions that are followed" in page
    assert manager.get(f"{href}/figures.json").json()["total"] == 40
    assert b"multipart/" in manager.get(f"{href}/mail.eml").content
    assert coordinator.get(href).status_code == 404


def test_how_often_a_digest_comes_is_ones_own_choice(desk):
    coordinator = desk.member("coord")

    assert coordinator.send("/digests", digest="coordinator", every="never").status_code == 303
    assert 'value="never" checked' in shown(coordinator, "/digests")
    assert coordinator.send("/digests", digest="manager", every="weekly").status_code == 422
    assert coordinator.send("/digests", digest="x", every="weekly").status_code == 404
    assert coordinator.send("/digests", digest="coordinator", every="hourly").status_code == 422


def test_each_page_is_small_and_runs_no_script(desk):
    manager = desk.member("manager")

    for path in PAGES:
        page = shown(manager, path)
        assert len(page.encode()) < 50_000, path
        assert "<script" not in page
        assert " style=" not in page


@pytest.mark.parametrize(
    ("language", "width", "scheme"), [("fr", 1100, "light"), ("ar", 320, "dark")]
)
def test_a_browser_finds_nothing_wrong_with_them(desk, page: Page, language, width, scheme):
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.goto(desk.url + desk.link("manager"))
    with page.expect_navigation():
        press(page.locator("main form button").first)
    shown(desk.member("manager"), "/rehearsal")

    for path in (*PAGES, f"/dashboard?as_of={day(-70).isoformat()}"):
        page.goto(f"{desk.url}{path}{'&' if '?' in path else '?'}lang={language}")
        page.wait_for_selector("h1")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert violations(page) == [], path
