"""The people of a dialogue in the browser: who sees them, what is changed, what never leaks."""

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import MONDAY, a_dialogue, a_programme, a_row, at, day
from face_desk import SEEN, Desk, Visitor, on_both, open_face, url_for
from sqlalchemy import insert, select

from engine.party import Channel, Role
from engine.store.contacts import find_person
from engine.store.digests import subscription
from engine.store.tables import people, roles


@pytest.fixture
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    programme = a_programme(url_for(request), tmp_path)
    jos = {
        "name": "Jos", "timezone": "Africa/Lagos", "languages": ["en"], "rest_days": ["sat", "sun"],
        "parties": [{"name": "Division", "side": "security"},
                    {"name": "Residents", "side": "community"}],
        "people": [
            {"key": "jos-coord", "function": "Coordinator", "role": "coordinator",
             "email": "coord@jos.example"},
            {"key": "jos-chief", "function": "Officer", "name": "Musa Danladi",
             "party": "Division", "role": ["focal_point", "verifier"],
             "email": "chief@jos.example"},
        ],
    }  # fmt: skip
    programme.plan(
        a_row(due=day(20)),
        a_row(ref="JOS-01", dialogue="JOS", responsible="Division", verifier="Residents",
              action="Patrol the market", due=day(9)),
        now=at(MONDAY), dialogues={"SAA": a_dialogue(), "JOS": jos},
    )  # fmt: skip
    with open_face(programme) as opened:
        yield opened
    programme.close()


def number(desk: Desk, key: str) -> int:
    with desk.programme.services.database.read() as connection:
        return find_person(connection, key).id


def row(desk: Desk, key: str):
    [found] = desk.programme.rows(select(people).where(people.c.key == key))
    return found


def do(visitor: Visitor, person_id: int, deed: str, **typed: str):
    """Open the form of a deed and send it, as a browser does."""
    page = visitor.get(f"/people/{person_id}/do/{deed}")
    assert page.status_code == 200, page.text
    seen = SEEN.search(page.text)
    assert seen
    return visitor.send(f"/people/{person_id}/do/{deed}", **{"seen": seen[1]} | typed)


@on_both
def test_only_who_coordinates_a_dialogue_sees_its_people_and_no_others(desk):
    for key in ("chief", "committee", "manager"):
        assert desk.member(key).get("/people").status_code == 403, key
    coordinator = desk.member("coord")
    listed = coordinator.get("/people").text
    chief, officer = number(desk, "chief"), number(desk, "jos-chief")

    assert f'href="/people/{chief}"' in listed
    assert f'href="/people/{officer}"' not in listed
    for path in ("", "/record.json", "/do/contact"):
        assert coordinator.get(f"/people/{officer}{path}").status_code == 404
        assert coordinator.get(f"/people/{chief}{path}").status_code == 200
    refused = coordinator.send(f"/people/{officer}/do/erase", reason="no", sure="yes")
    assert refused.status_code == 404
    assert row(desk, "jos-chief").erased_at is None
    for path in ("/people/0", "/people/99999999999999999999", "/people/x%00y", "/people/²"):
        assert coordinator.get(path).status_code == 404


def test_a_function_stands_before_its_name_and_an_address_in_no_list(desk):
    coordinator = desk.member("jos-coord")
    listed = coordinator.get("/people").text
    page = coordinator.get(f"/people/{number(desk, 'jos-chief')}").text

    assert listed.index("Officer") < listed.index("Musa Danladi")
    assert "chief@jos.example" not in listed
    assert page.index("Officer") < page.index("Musa Danladi")
    assert "chief@jos.example" in page
    assert "JOS-01" in page
    addresses = re.findall(r'href="([^"]+)"', page)
    assert not [one for one in addresses if "Musa" in one or "Danladi" in one]
    assert [one for one in addresses if "chief@" in one] == ["mailto:chief@jos.example"]


@on_both
def test_a_post_changes_hands_and_its_promises_stay(desk):
    coordinator, chief = desk.member("coord"), number(desk, "chief")
    theirs = desk.member("chief")
    done = do(coordinator, chief, "holder", email="New@Post.example", phone="00226 70 00 00 00",
              name="Awa", language="fr")  # fmt: skip

    assert done.headers["location"] == f"/people/{chief}?done=holder"
    after = row(desk, "chief")
    assert (after.email, after.phone, after.name, after.language) == (
        "New@post.example", "+22670000000", "Awa", "fr",
    )  # fmt: skip
    assert "holder_changed" in desk.programme.history()
    assert theirs.get("/actions").status_code == 303
    assert "1" in coordinator.get(f"/people/{chief}").text


def test_absence_contact_channel_and_digest_are_written(desk):
    coordinator, chief = desk.member("coord"), number(desk, "chief")

    assert do(coordinator, chief, "absence", until_on=day(9).isoformat()).status_code == 303
    assert row(desk, "chief").absent_until_on == day(9)
    assert "absence" in coordinator.get(f"/people/{chief}?done=absence").text.lower()
    assert do(coordinator, chief, "back").status_code == 303
    assert row(desk, "chief").absent_until_on is None

    gone = do(coordinator, chief, "absence", until_on=day(-9).isoformat())
    assert gone.status_code == 422
    assert day(-9).isoformat() in gone.text

    unreachable = do(coordinator, chief, "reach", language="ha", channel="sms")
    assert unreachable.status_code == 422
    assert "No telephone number is known" in unreachable.text
    assert do(coordinator, chief, "contact", phone="+226 70 00 00 01").status_code == 303
    assert do(coordinator, chief, "reach", language="ha", channel="call").status_code == 303
    after = row(desk, "chief")
    assert (after.language, after.channel, after.email) == (
        "ha", Channel.CALL, "chief@post.example",
    )  # fmt: skip

    mine = number(desk, "coord")
    from engine.digest import DigestKind

    assert do(coordinator, mine, "digest-coordinator", every="never").status_code == 303
    with desk.programme.services.database.read() as connection:
        assert subscription(connection, mine, DigestKind.COORDINATOR).every == "never"
    assert coordinator.get(f"/people/{chief}/do/digest-coordinator").status_code == 404


@on_both
def test_somebody_new_stands_in_and_somebody_who_is_there(desk):
    coordinator, mayor = desk.member("coord"), number(desk, "mayor")
    missing = do(coordinator, mayor, "alternate", who="new")
    assert missing.status_code == 422
    assert missing.text.count('aria-invalid="true"') == 2

    done = do(coordinator, mayor, "alternate", who="new", function="Secretary general",
              email="sg@hall.example")  # fmt: skip
    assert done.status_code == 303
    new = row(desk, "saa-secretary-general")
    assert new.party_id == row(desk, "mayor").party_id
    held = desk.programme.rows(select(roles.c.role).where(roles.c.person_id == new.id))
    assert [one.role for one in held] == [Role.ALTERNATE]

    elder = number(desk, "elder")
    from_elsewhere = do(coordinator, elder, "alternate", who="chief")
    assert from_elsewhere.status_code == 422
    listed = coordinator.get("/people?role=alternate").text
    assert "Secretary general" in listed


def test_erasing_asks_twice_and_leaves_the_post(desk, caplog):
    coordinator, chief = desk.member("coord"), number(desk, "chief")
    unsure = do(coordinator, chief, "erase", reason="they asked for it")
    assert unsure.status_code == 422
    assert "they asked for it" in unsure.text
    assert row(desk, "chief").email

    with caplog.at_level(logging.DEBUG):
        done = do(coordinator, chief, "erase", reason="they asked for it", sure="yes")
    assert done.status_code == 303
    after = row(desk, "chief")
    assert (after.email, after.phone, after.name) == ("", "", "")
    page = coordinator.get(f"/people/{chief}").text
    assert "chief@post.example" not in page
    assert "/do/holder" in page
    assert "/do/contact" not in page
    assert "chief@post.example" not in caplog.text
    assert f"/people/{chief}" in coordinator.get("/people?trouble=erased").text
    again = do(coordinator, chief, "holder", email="next@post.example")
    assert again.status_code == 303
    assert row(desk, "chief").erased_at is None


def test_everything_on_record_is_a_file_without_a_name_in_its_name(desk):
    chief = number(desk, "chief")
    answer = desk.member("coord").get(f"/people/{chief}/record.json")

    assert json.loads(answer.text)["person"]["email"] == "chief@post.example"
    assert answer.headers["content-disposition"] == f'attachment; filename="person-{chief}.json"'
    assert answer.headers["cache-control"] == "no-store"


def test_who_also_stands_elsewhere_is_not_for_one_dialogue_to_change(desk):
    """Else a coordinator could write an own address to the manager's post and sign in as that."""
    chief = number(desk, "chief")
    with desk.programme.services.database.write() as connection:
        connection.execute(insert(roles).values(person_id=chief, role="manager"))
    coordinator = desk.member("coord")
    page = coordinator.get(f"/people/{chief}").text

    assert "/do/" not in page.split("<main")[1]
    for deed in ("contact", "holder", "erase"):
        sent = coordinator.send(f"/people/{chief}/do/{deed}", email="me@evil.example", sure="yes")
        assert sent.status_code == 404, deed
    assert coordinator.get(f"/people/{chief}/record.json").status_code == 403
    by_action = coordinator.send(
        "/actions/SAA-01/do/contact", email="me@evil.example",
        version=str(desk.programme.action().version),
    )  # fmt: skip
    assert by_action.status_code in {403, 404}
    assert row(desk, "chief").email == "chief@post.example"


def test_a_form_made_for_what_stood_there_before_is_not_carried_out(desk):
    coordinator, chief = desk.member("coord"), number(desk, "chief")
    seen = SEEN.search(coordinator.get(f"/people/{chief}/do/contact").text)
    assert seen
    assert do(coordinator, chief, "contact", email="faster@post.example").status_code == 303
    late = coordinator.send(f"/people/{chief}/do/contact", seen=seen[1], email="slow@post.example")

    assert late.status_code == 409
    assert "slow@post.example" in late.text
    assert "faster@post.example" in late.text
    assert row(desk, "chief").email == "faster@post.example"


def test_what_cannot_be_an_address_comes_back_with_everything_typed(desk):
    coordinator, chief = desk.member("coord"), number(desk, "chief")
    for field, value in (
        ("email", "<script>@x"), ("email", "a@b"), ("phone", "070"), ("email", "x" * 400),
        ("phone", "+226\x000"), ("email", "a@b\N{RIGHT-TO-LEFT OVERRIDE}"),
    ):  # fmt: skip
        answer = do(coordinator, chief, "contact", **{field: value})
        assert answer.status_code == 422, value
        assert 'aria-invalid="true"' in answer.text
        assert "<script>" not in answer.text
    assert row(desk, "chief").email == "chief@post.example"
