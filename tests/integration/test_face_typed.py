"""What people type and what addresses say: cleaned, understood, questioned, given back."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from builders import MONDAY, Programme, a_dialogue, a_programme, a_row, at, day
from face_desk import SEEN, Desk, Visitor
from sqlalchemy import select

from engine.party import Role
from engine.store.calendar_days import changed_days
from engine.store.contacts import find_person
from engine.store.listing import dialogue_ids
from engine.store.outbox_tables import holds
from engine.store.people_lists import give_role
from engine.store.tables import people
from web.face import CARRIED, CHOSEN, PICKED

TURNED = "\N{RIGHT-TO-LEFT OVERRIDE}"
CONTROLS = "\N{RIGHT-TO-LEFT OVERRIDE}\N{FIRST STRONG ISOLATE}\x07\N{LINE SEPARATOR}"
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
PERSIAN = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
HIDDEN = re.compile(r'type="hidden" name="([^"{]+)"')
OK, SEE_OTHER, FORBIDDEN, NOT_FOUND, UNFIT = 200, 303, 403, 404, 422
EASTER = "2026-04-06"


@pytest.fixture
def programme(sqlite_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(sqlite_url, tmp_path)
    bobo = [
        {"key": "bobo", "function": "Coordinator of Bobo", "role": "coordinator",
         "email": "bobo@bobo.example"},
        {"key": "both", "function": "Facilitator", "role": "coordinator",
         "email": "both@saaba.example"},
    ]  # fmt: skip
    made.plan(
        a_row(due=day(20)),
        a_row(ref="SAA-02", state="proposed", agreed_on=None, due=day(20)),
        a_row(ref="BOB-01", dialogue="BOB", due=day(20)),
        now=at(MONDAY),
        dialogues={
            "SAA": a_dialogue(country="BF"),
            "BOB": a_dialogue(name="Bobo", people=bobo),
        },
    )
    with made.services.database.write() as connection:
        saaba = dialogue_ids(connection, "SAA")[0]
        give_role(connection, find_person(connection, "both").id, Role.COORDINATOR, saaba)
    yield made
    made.close()


def person(desk: Desk, key: str):
    return desk.programme.rows(select(people).where(people.c.key == key))[0]


def do(visitor: Visitor, desk: Desk, key: str, deed: str, **typed: str):
    path = f"/people/{person(desk, key).id}/do/{deed}"
    seen = SEEN.search(visitor.get(path).text)
    assert seen
    return visitor.send(path, seen=seen[1], **typed)


def test_whose_an_address_is_already_is_said_and_it_is_saved_when_that_is_meant(desk):
    coord = desk.member("coord")
    asked = do(coord, desk, "chief", "contact", email="MAYOR@hall.example")
    assert asked.status_code == UNFIT
    said = unescape(asked.text)
    assert "This address is already that of Deputy mayor (Town hall)." in said
    assert 'name="shared"' in asked.text
    assert person(desk, "chief").email == "chief@post.example"

    meant = do(coord, desk, "chief", "contact", email="mayor@hall.example", shared="yes")
    assert meant.status_code == SEE_OTHER
    assert person(desk, "chief").email == "mayor@hall.example"
    # It is theirs now: to write it again, or another number beside it, asks nothing.
    assert do(coord, desk, "chief", "contact", email="mayor@hall.example").status_code == SEE_OTHER
    assert do(coord, desk, "chief", "contact", phone="+22670000001").status_code == SEE_OTHER


def test_whoever_may_not_be_seen_is_not_named(desk):
    for deed, more in (
        ("contact", {}),
        ("holder", {}),
        ("alternate", {"who": "new", "function": "Sergeant"}),
    ):
        asked = do(desk.member("coord"), desk, "chief", deed, email="bobo@bobo.example", **more)
        assert asked.status_code == UNFIT, deed
        assert "already that of another person here." in asked.text
        assert "Coordinator of Bobo" not in asked.text
    assert person(desk, "chief").email == "chief@post.example"


def test_the_contact_is_questioned_on_the_page_of_an_action_too(desk):
    coord = desk.member("coord")
    version = str(desk.programme.action("SAA-01").version)
    path = "/actions/SAA-01/do/contact"
    no_number = coord.send(path, phone="70 00", version=version)
    assert no_number.status_code == UNFIT
    assert "Write the number with its country code" in no_number.text
    typed = {"email": "mayor@hall.example", "version": version}
    asked = coord.send(path, **typed)
    assert asked.status_code == UNFIT
    assert "already that of Deputy mayor (Town hall)" in asked.text
    assert coord.send(path, **typed, shared="yes").status_code == SEE_OTHER
    assert person(desk, "chief").email == "mayor@hall.example"


def test_the_name_of_a_holiday_comes_from_the_calendar_and_not_from_the_address(desk):
    coord = desk.member("coord")
    told = {"dialogue": "SAA", "change": "remove", "on": EASTER, "name": f"{TURNED}Nonsense"}
    form = coord.get("/days/off", params=told)
    assert form.status_code == OK
    shown = form.text.partition("<main")[2].partition("</main>")[0]
    assert "Nonsense" not in shown
    assert TURNED not in form.text
    assert "Lundi de Pâques" in unescape(shown)

    assert coord.send("/days/off", **told, reason="the market is open").status_code == SEE_OTHER
    with desk.programme.services.database.read() as connection:
        [kept] = changed_days(connection)
    assert kept.given.name == "Lundi de Pâques"


def test_what_turns_or_hides_text_reaches_no_line_that_is_kept(desk):
    coord = desk.member("coord")
    reason = f"a{CONTROLS}b\nc"
    assert coord.send("/holds/pause", scope="SAA", reason=reason).status_code == SEE_OTHER
    [row] = desk.programme.rows(select(holds))
    assert row.reason == "a b c"
    coord.send("/holds/lift", scope="SAA", hold=str(row.id), reason=reason)
    assert desk.programme.rows(select(holds))[0].lifted_for == "a b c"
    page = coord.get("/actions", params={"text": f"gate{TURNED}"})
    assert TURNED not in page.text


@pytest.mark.parametrize("digits", [ARABIC, PERSIAN])
def test_days_and_numbers_are_read_in_the_digits_of_their_writer(desk, digits):
    coord = desk.member("coord")
    picked = {"pick-SAA-01": str(desk.programme.action().version), "deed": "reschedule"}
    moved = coord.send(
        "/bulk", **picked, step="do", days="14".translate(digits), reason="they agreed"
    )
    assert moved.status_code == SEE_OTHER
    assert (desk.programme.action().due_on - day(20)).days == 14
    away = do(coord, desk, "chief", "absence", until_on=day(9).isoformat().translate(digits))
    assert away.status_code == SEE_OTHER
    assert person(desk, "chief").absent_until_on == day(9)
    phone = "+226 70 00 00 05".translate(digits)
    assert do(coord, desk, "chief", "contact", phone=phone).status_code == SEE_OTHER
    assert person(desk, "chief").phone == "+22670000005"


def test_a_decision_of_a_day_that_is_still_to_come_is_refused(desk):
    coord, action = desk.member("coord"), desk.programme.action("SAA-02")
    path, typed = "/actions/SAA-02/do/move-agreed", {"version": str(action.version)}
    refused = coord.send(path, **typed, decided_on=day(1).isoformat())
    assert refused.status_code == UNFIT
    assert "is still to come" in refused.text
    french = coord.client.post(
        f"{path}?lang=fr",
        data={"token": coord.word(), **typed, "decided_on": day(1).isoformat()},
    )
    assert "pas encore venu" in unescape(french.text)
    assert desk.programme.action("SAA-02").version == action.version
    coord.client.cookies.delete("alkawari-language")
    assert coord.send(path, **typed, decided_on=day(0).isoformat()).status_code == SEE_OTHER


def test_a_dialogue_is_known_by_its_code_and_one_that_is_not_there_is_said(desk):
    both = desk.member("both")
    for path in ("/dependencies", "/people", "/actions", "/board"):
        assert both.get(path, params={"dialogue": "bob"}).status_code == OK, path
    assert "SAA-01" not in both.get("/actions?dialogue=bob").text
    for path in ("/people", "/actions", "/board"):
        nowhere = both.get(path, params={"dialogue": "Nowhere"})
        assert nowhere.status_code == NOT_FOUND, path
        assert "There is nothing of that name" in nowhere.text
        assert "BOB-01" not in nowhere.text
        assert "Facilitator" not in nowhere.text.partition("<main")[2].partition("</main>")[0]


def test_the_dialogue_that_an_address_names_is_chosen_in_the_form_for_holds(desk):
    both = desk.member("both")
    for said in ("BOB", "bob", "Bobo"):
        for path in ("/holds", "/holds/pause"):
            page = both.get(f"{path}?scope={said}").text
            assert re.search('value="BOB"[^>]* (selected|checked)', page), (path, said)


def test_a_refusal_gives_back_what_was_written_and_nothing_that_a_form_carries(desk):
    coord = desk.member("coord")
    fields = {
        "token": "old", "version": "17", "key": "a-key-of-the-form", "clock_word": "secret-word",
        "pick-SAA-01": "99", "origin": "phone", "level": "minimum", "note": "what they said",
    }  # fmt: skip
    refused = coord.client.post("/actions/SAA-01/record/done", data=fields)
    assert refused.status_code == FORBIDDEN
    assert re.findall(r"<pre[^>]*>([^<]*)</pre>", refused.text) == ["what they said"]
    lifted = {"token": "old", "ref": "SAA-01", "hold": "7", "scope": "SAA", "reason": "it is over"}
    refused = coord.client.post("/holds/lift", data=lifted)
    assert re.findall(r"<pre[^>]*>([^<]*)</pre>", refused.text) == ["it is over"]


def test_every_hidden_field_of_a_page_is_known_as_one():
    pages = (Path(__file__).parents[2] / "web" / "templates").glob("face_*.html")
    hidden = {name for page in pages for name in HIDDEN.findall(page.read_text("utf-8"))}
    # These are hidden in one form and typed in another; the routes say where they are hidden.
    assert hidden - CARRIED - CHOSEN - {"ref", "name", "fingerprints"} == set()
    assert PICKED not in CARRIED
