"""The calendar of a dialogue: what stands in it for whom, and what a coordinator changes."""

import re
from collections.abc import Iterator
from datetime import date
from html import unescape
from pathlib import Path

import pytest
from axe import violations
from browser import press
from builders import MONDAY, PEOPLE, Programme, a_dialogue, a_programme, a_row, at, day
from face_desk import Desk, Visitor, open_face
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import insert, select

from engine.calendar import DayOverride
from engine.errors import BadValue
from engine.sensitive import SensitiveDay
from engine.store.tables import actions, calendar_days, sessions
from workflows import quiet, record
from workflows.calendar import change_day, changes_of, estimates_of, undo_change

NOW = at(MONDAY, 10)
MOULOUD = date(2026, 8, 25)
"""An estimate of the list of Burkina Faso, three months ahead."""

LARGEST_PAGE = 50 * 1024
WHY = "the commune says so"


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path)
    a_plan(made)
    yield made
    made.close()


def a_plan(programme: Programme) -> None:
    """Two dialogues; in Saaba an action of each level is due in June."""
    bobo = [{**person, "key": f"b-{person['key']}"} for person in PEOPLE]
    programme.plan(
        a_row(),
        a_row(ref="SAA-02", action="Said to few", handling="restricted", due=day(8)),
        a_row(ref="SAA-03", action="Said to two", handling="closed", due=day(8)),
        a_row(ref="BOB-01", dialogue="BOB", due=day(8)),
        now=at(day(-30)),
        dialogues={
            "SAA": a_dialogue(country="BF", friday_pause=True),
            "BOB": a_dialogue(name="Bobo", people=bobo),
        },
    )


@pytest.fixture
def plain_programme(sqlite_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(sqlite_url, tmp_path)
    a_plan(made)
    yield made
    made.close()


@pytest.fixture
def desk(programme: Programme) -> Iterator[Desk]:
    with open_face(programme, now=NOW) as opened:
        yield opened


def month(visitor: Visitor, month: str = "2026-06", **query: str) -> str:
    answer = visitor.get("/calendar", params={"month": month, **query})
    assert answer.status_code == 200, answer.text
    return unescape(answer.text)


def cell(page: str, on: date) -> str:
    """What stands on a day in the table."""
    cells = re.findall(r"<td class=\"(?!out).*?</td>", page, re.DOTALL)
    return cells[on.day - 1]


def off(visitor: Visitor, **typed: str) -> None:
    answer = visitor.send("/days/off", **{"dialogue": "SAA", "reason": WHY, **typed})
    assert answer.status_code == 303, answer.text


def kept(programme: Programme) -> list[tuple[object, ...]]:
    c = calendar_days.c
    return [tuple(row) for row in programme.rows(
        select(c.day, c.change, c.moved_to, c.name, c.by, c.reason, c.removed_by, c.removed_for)
        .order_by(c.id))]  # fmt: skip


def test_a_month_shows_what_its_reader_may_know(desk):
    coordinator, chief = month(desk.member("coord")), month(desk.member("chief"))
    manager = month(desk.member("manager"), dialogue="SAA")

    for page in (coordinator, chief, manager):
        assert "SAA-01" in cell(page, MONDAY)
        assert 'aria-current="date"' in cell(page, MONDAY)
        assert "rest day" in cell(page, day(5))
        assert "BOB-01" not in page
    assert "Open the second gate" in coordinator
    assert "Open the second gate" not in manager
    assert {"SAA-02", "SAA-03"} <= set(re.findall(r"SAA-0\d", cell(coordinator, day(8))))
    assert "SAA-02" in cell(chief, day(8))  # it owes it
    assert "SAA-0" not in cell(manager, day(8))
    assert "08:30" in coordinator
    assert "12:00" in coordinator
    assert "/days/" in coordinator
    assert "/days/" not in chief + manager


def test_another_months_address_keeps_the_dialogue(desk):
    coordinator = desk.member("coord")
    page = month(coordinator, "2026-12", dialogue="SAA")

    assert "/calendar?dialogue=SAA&month=2026-11" in page
    assert "/calendar?dialogue=SAA&month=2027-01" in page
    assert "Jour de Noël" in page or "Noël" in page
    for asked in ("2026-13", "x", "0001-01", "9999-12", "2026-06-01", "\0"):
        assert "June 2026" in month(coordinator, asked)
    assert coordinator.get("/calendar?dialogue=BOB").status_code == 404
    assert coordinator.get("/calendar?dialogue=Nowhere").status_code == 404


def test_an_estimated_feast_is_confirmed_with_who_and_why(desk):
    coordinator = desk.member("coord")
    before = month(coordinator, "2026-08")
    assert "estimated" in cell(before, MOULOUD)
    assert "Confirm or move it" in before
    told = {"change": "move", "on": MOULOUD.isoformat(), "name": "Mouloud"}
    form = coordinator.get("/days/off", params={"dialogue": "SAA", **told}).text
    assert f'value="{MOULOUD}"' in form

    off(coordinator, **told, to=MOULOUD.isoformat())

    after = month(coordinator, "2026-08")
    assert "estimated" not in cell(after, MOULOUD)
    assert "confirmed: Coordinator, the commune says so" in re.sub("<[^>]+>", "", after)
    assert kept(desk.programme) == [
        (MOULOUD, "move", MOULOUD, "Mouloud", "coord", WHY, "", ""),
    ]
    told |= {"dialogue": "SAA", "to": MOULOUD.isoformat()}
    again = coordinator.send("/days/off", reason=WHY, **told)
    assert again.status_code == 303
    assert len(kept(desk.programme)) == 1
    again = coordinator.send("/days/off", reason="another reason", **told)
    assert again.status_code == 422
    assert "It is kept on that day already" in again.text


def test_a_feast_that_moves_leaves_its_day_and_can_be_taken_back(desk):
    coordinator = desk.member("coord")
    other = date(2026, 8, 27)
    off(coordinator, change="move", on=MOULOUD.isoformat(), name="", to=other.isoformat())
    page = month(coordinator, "2026-08")
    assert "Mouloud" not in cell(page, MOULOUD)
    assert "Mouloud" in cell(page, other)
    number = re.search(r"/days/off/(\d+)", page)
    assert number

    gone = coordinator.send(number[0], reason="announced anew")

    assert gone.status_code == 303
    page = month(coordinator, "2026-08")
    assert "estimated" in cell(page, MOULOUD)
    assert "taken back" in page
    assert kept(desk.programme)[0][-2:] == ("coord", "announced anew")
    assert coordinator.send(number[0], reason="announced anew").status_code == 303
    for answer in (coordinator.get(number[0]), coordinator.send(number[0], reason="again")):
        assert answer.status_code == 409
        assert "It was taken back already" in answer.text
    assert kept(desk.programme)[0][-2:] == ("coord", "announced anew")
    assert coordinator.get("/days/off/999999").status_code == 404


def test_a_day_that_becomes_a_working_day_is_reckoned_with_at_once(programme):
    """Else the sweep would look on the day that it had noted when the day was off."""
    thursday = day(3)
    given = DayOverride(day=thursday, change="add", name="Harvest", by="coord", reason=WHY)
    change = change_day(programme.services, "Saaba", given, NOW)
    programme.run(NOW)

    undo_change(programme.services, change.id, "coord", "it rained", at(MONDAY, 12))
    programme.run(at(thursday))

    assert ("R1", "chief") in programme.said()


def test_a_plan_that_brings_a_day_off_to_a_known_dialogue_is_reckoned_with_too(programme):
    programme.run(NOW)
    asleep = select(actions.c.next_check_at).where(actions.c.ref == "SAA-01")
    later = [row.next_check_at for row in programme.rows(asleep)]
    change = {"add": day(1), "name": "Harvest", "who": "coord", "why": WHY}
    brought = {"SAA": a_dialogue(country="BF", friday_pause=True, overrides=[change])}

    programme.plan(now=at(MONDAY, 12), dialogues=brought)
    woken = [row.next_check_at for row in programme.rows(asleep)]
    programme.run(at(MONDAY, 13))
    programme.plan(now=at(MONDAY, 14), dialogues=brought)

    assert woken == [at(MONDAY, 12)] < later
    assert [row.next_check_at for row in programme.rows(asleep)] > woken  # nothing was new


def test_a_day_off_keeps_messages_back_and_counts_for_nobody(programme):
    for offset in (1, 2, 3):
        given = DayOverride(day=day(offset), change="add", name="Harvest", by="coord", reason=WHY)
        change_day(programme.services, "saa", given, NOW)
    for offset in range(1, 9):
        programme.run(at(day(offset)))

    assert ("R1", "chief") in programme.said()
    assert [n.outcome for n in programme.notices() if n.rung == "R1"] != []
    listed = changes_of(programme.services, "SAA")
    assert [one.given.day for one in listed] == [day(1), day(2), day(3)]


def test_what_changes_nothing_is_refused_and_nothing_is_written(programme):
    services = programme.services

    def change(**told: object) -> None:
        given = {"day": MONDAY, "change": "add", "by": "coord", "reason": WHY, **told}
        change_day(services, "Saaba", DayOverride(**given), NOW)  # type: ignore[arg-type]

    for told, said in (
        ({"change": "remove"}, "no holiday"),
        ({"change": "remove", "day": day(5)}, "rest day"),
        ({"change": "move", "to": day(1)}, "no holiday"),
        ({"change": "move", "day": MOULOUD, "to": day(1)}, "month"),
        ({"change": "move", "day": MOULOUD, "to": MOULOUD, "name": "Easter"}, "called Mouloud"),
        ({"name": ""}, "what day"),
        ({"name": "Harvest", "reason": " "}, "say why"),
    ):  # fmt: skip
        with pytest.raises(BadValue, match=said):
            change(**told)
    assert kept(programme) == []
    change(name="Harvest")
    with pytest.raises(BadValue, match="already"):
        change(name="Harvest")
    with pytest.raises(BadValue, match="say why"):
        undo_change(services, 1, "coord", "", NOW)
    assert ("Saaba", MOULOUD, "Mouloud") in estimates_of(services, "", MONDAY, day(200))


REFUSED: tuple[tuple[str, dict[str, str], str], ...] = (
    ("/days/off", {"on": "", "name": "Harvest"}, "Say which day."),
    ("/days/off", {"on": "soon", "name": "Harvest"}, "Write the day like"),
    ("/days/off", {"on": "0001-01-01", "name": "Harvest"}, "This year cannot be meant."),
    ("/days/off", {"on": "2026-06-03", "name": "x" * 121}, "under 120 characters"),
    ("/days/off", {"on": "2026-06-03", "name": ""}, "a few words"),
    ("/days/off", {"change": "move", "on": "2026-06-03", "to": "2026-06-04"}, "No holiday"),
    ("/days/off", {"change": "remove", "on": "2026-06-03"}, "No holiday"),
    ("/days/quiet", {"name": "Vote", "from_on": "2026-06-09", "until_on": "2026-06-08",
                     "what": "all"}, "before the first day"),
    ("/days/quiet", {"name": "Vote", "from_on": "2026-06-09", "what": "some"}, "one of these"),
    ("/days/quiet", {"name": "Vote", "from_on": "2026-06-09", "until_on": "2028-06-08",
                     "what": "all"}, "put a hold instead"),
)  # fmt: skip
"""What is typed into a form, and what is said of it."""


def test_what_cannot_be_is_said_at_its_field_and_keeps_what_was_typed(plain_programme):
    with open_face(plain_programme, now=NOW) as desk:
        coordinator = desk.member("coord")
        for path, typed, said in REFUSED:
            answer = coordinator.send(path, **{"dialogue": "SAA", "reason": "kept <b>", **typed})
            assert answer.status_code == 422, typed
            assert said in unescape(answer.text), typed
            assert unescape(answer.text).count("kept <b>") == 1, typed
    assert kept(plain_programme) == []


def test_a_quiet_day_is_kept_and_taken_out_again(desk):
    coordinator, chief = desk.member("coord"), desk.member("chief")
    sent = coordinator.send(
        "/days/quiet", dialogue="SAA", name="Trial", from_on=day(8).isoformat(),
        until_on=day(9).isoformat(), what="all", reason="both sides are in court",
    )  # fmt: skip
    assert sent.headers["location"] == "/calendar?dialogue=SAA&month=2026-06&done=1"
    page, seen = month(coordinator), month(chief)
    for on in (day(8), day(9)):
        assert "Trial" in cell(page, on)
        assert "silent" in cell(page, on)
        assert "A quiet day" in cell(seen, on)
    assert "both sides are in court" in page
    assert "Trial" not in seen
    assert "in court" not in seen
    number = re.search(r"/days/quiet/(\d+)", page)
    assert number
    assert coordinator.get(number[0]).status_code == 200
    assert coordinator.send(number[0], reason="").status_code == 422
    assert coordinator.send(number[0], reason="put off").status_code == 303
    assert "Trial" not in month(coordinator)


def test_holds_and_sessions_stand_where_they_belong(desk):
    programme, home = desk.programme, desk.programme.action().dialogue_id
    record.hold(programme.services, (None, programme.action().id), from_on=MONDAY,
                until_on=day(2), by="coord", reason="the chief is ill", now=NOW)  # fmt: skip
    record.hold(programme.services, (home, None), from_on=day(10), until_on=None, by="coord",
                reason="harvest", now=NOW)  # fmt: skip
    with programme.services.database.write() as connection:
        for offset in (-2, 0, 15):
            connection.execute(insert(sessions).values(dialogue_id=home, held_on=day(offset)))
    page, seen = month(desk.member("coord")), month(desk.member("chief"))

    for shown in (page, seen):
        assert "silent" not in cell(shown, day(9))
        assert all("on hold" in cell(shown, day(offset)) for offset in (10, 29))
        assert "session" in cell(shown, MONDAY)
        assert "The dialogue meets" in shown
    assert "the chief is ill" in page
    assert "harvest" in page
    assert "ill" not in re.sub("<[^>]+>", " ", seen).split()
    assert "harvest" not in seen
    assert "The dialogue on hold" not in month(desk.member("b-coord"), dialogue="BOB")


def test_nobody_changes_the_calendar_of_another_dialogue(desk):
    programme = desk.programme
    kept_quiet = quiet.keep(
        programme.services, "Saaba",
        SensitiveDay(name="Trial", from_on=day(8), until_on=day(8), by="coord", reason=WHY),
    )  # fmt: skip
    given = DayOverride(day=day(2), change="add", name="Harvest", by="coord", reason=WHY)
    changed = change_day(programme.services, "Saaba", given, NOW)
    typed = {"dialogue": "SAA", "on": day(3).isoformat(), "name": "x", "reason": "x"}
    bobo, chief = desk.member("b-coord"), desk.member("chief")
    for path in (f"/days/off/{changed.id}", f"/days/quiet/{kept_quiet.id}", "/days/off/999",
                 "/days/off/x", "/days/quiet/" + "9" * 30):  # fmt: skip
        assert bobo.get(path).status_code == 404, path
        assert bobo.send(path, reason="mine").status_code == 404, path
        assert chief.get(path).status_code == 403, path
        assert chief.send(path, reason="mine").status_code == 403, path
    assert bobo.send("/days/off", **typed).status_code == 404
    assert chief.send("/days/off", **typed).status_code == 403
    assert bobo.send("/days/quiet", **typed).status_code == 404
    for looks_on in (desk.member("manager"), desk.member("committee")):
        assert looks_on.get("/calendar?dialogue=SAA").status_code == 200
        assert looks_on.send("/days/off", **typed).status_code == 403
    assert len(kept(programme)) == 1
    assert "Trial" not in month(bobo, dialogue="BOB")
    assert desk.member("coord").get("/demo/again").status_code == 404  # of the demonstration alone


def test_who_ended_a_hold_and_why_stays_on_record(desk):
    coordinator = desk.member("coord")
    version = str(desk.programme.action().version)
    sent = coordinator.send("/actions/SAA-01/do/hold", version=version, reason="he was threatened")
    assert sent.status_code == 303
    page = unescape(coordinator.get("/actions/SAA-01").text)
    assert "Messages about it are on hold since 1 June 2026." in page
    assert "he was threatened" in page
    version = str(desk.programme.action().version)
    coordinator.send("/actions/SAA-01/do/resume", version=version, reason="it is over")

    lately = coordinator.get("/holds").text.partition("Lifted lately")[2]
    assert "he was threatened" in lately
    assert "it is over" in lately
    history = unescape(desk.member("chief").get("/actions/SAA-01").text)
    assert "Messages about it on hold" in history
    assert "Messages about it may leave again" in history
    assert "threatened" not in history  # it can hurt whoever said so
    assert "it is over" not in history


@pytest.mark.parametrize(("language", "width"), [("en", 1200), ("ar", 320)])
def test_a_feast_is_confirmed_in_a_browser_without_a_script(
    browser: Browser, plain_programme: Programme, language: str, width: int
) -> None:
    with open_face(plain_programme, now=NOW) as desk:
        context = browser.new_context(
            viewport={"width": width, "height": 800}, base_url=desk.url, java_script_enabled=False
        )
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(desk.link("coord"))
        press(page.locator("main button").first)
        page.goto(f"/calendar?month=2026-08&lang={language}")
        fits(page)
        heads = page.locator(".month thead th")
        expect(heads).to_have_count(7)
        first, second = heads.nth(0).bounding_box(), heads.nth(1).bounding_box()
        assert first
        assert second
        assert (first["x"] > second["x"]) == (language == "ar")
        expect(page.locator(".month .est")).to_have_count(1)
        press(page.locator("#d25 .small-deeds a").first)
        fits(page)
        page.fill("[name=to]", "2026-08-27")
        page.fill("[name=reason]", "  ")
        press(page.locator("button.main"))  # without a reason
        expect(page.locator("[name=reason]")).to_have_attribute("aria-invalid", "true")
        assert page.input_value("[name=to]") == "2026-08-27"
        page.fill("[name=reason]", "the imam of the town")
        press(page.locator("button.main"))
        fits(page)
        expect(page.locator(".month .est")).to_have_count(0)
        expect(page.locator("#d27")).to_contain_text("Mouloud")
        press(page.locator("nav.months [rel=next]"))
        fits(page)
        context.close()


def test_a_program_finds_nothing_against_the_calendar(
    page: Page, plain_programme: Programme
) -> None:
    given = SensitiveDay(name="Trial", from_on=day(8), until_on=day(9), by="coord", reason=WHY)
    quiet.keep(plain_programme.services, "Saaba", given)
    with open_face(plain_programme, now=NOW) as desk:
        page.set_default_timeout(60_000)
        page.goto(desk.url + desk.link("coord"))
        press(page.locator("main button").first)
        found: list[str] = []
        for path in ("/calendar?lang=ar", "/calendar?month=2026-08", "/days/off?dialogue=SAA",
                     "/days/quiet?dialogue=SAA&lang=en", "/holds"):  # fmt: skip
            page.goto(desk.url + path)
            found += violations(page)
        page.set_viewport_size({"width": 320, "height": 800})
        page.goto(f"{desk.url}/calendar")
        found += violations(page)

    assert found == []


def fits(page: Page) -> None:
    """Nothing hangs over the edge, and the page is small enough for a slow line."""
    main, viewport = page.locator("main").bounding_box(), page.viewport_size
    table = page.locator("main > *").last.bounding_box()
    assert main
    assert table
    assert viewport
    assert main["width"] <= viewport["width"]
    assert table["width"] <= viewport["width"]
    assert len(page.content().encode()) < LARGEST_PAGE
