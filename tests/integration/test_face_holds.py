"""The brake in the browser: one press stops every message, every page says so, one press lifts."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import MONDAY, Programme, a_dialogue, a_programme, a_row, at, day
from face_desk import Desk
from sqlalchemy import select

from engine.store.outbox_tables import holds
from workflows import record

FUNERAL = {
    "from_on": MONDAY.isoformat(),
    "until_on": day(3).isoformat(),
    "reason": "the chief is buried",
}


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path)
    other = {"key": "bobo", "function": "Coordinator", "role": "coordinator",
             "email": "bobo@bobo.example"}  # fmt: skip
    made.plan(
        a_row(due=day(-1)),
        a_row(ref="BOB-01", dialogue="BOB", due=day(-1)),
        now=at(day(-30)),
        dialogues={"SAA": a_dialogue(), "BOB": a_dialogue(name="Bobo", people=[other])},
    )
    yield made
    made.close()


def put(desk: Desk) -> list[tuple[object, ...]]:
    h = holds.c
    return [tuple(row) for row in desk.programme.rows(
        select(h.dialogue_id, h.action_id, h.from_on, h.until_on, h.by, h.lifted_at))]  # fmt: skip


def lift(desk: Desk, who: str, which: int, **typed: str) -> int:
    """Press "Lift it" beside the hold that was put first (0), second (1) ...; the status code."""
    numbers = [row.id for row in desk.programme.rows(select(holds.c.id).order_by(holds.c.id))]
    sent = desk.member(who).send("/holds/lift", hold=str(numbers[which]), **typed)
    return sent.status_code


def test_one_press_stops_every_message_and_every_page_says_so(desk):
    coord = desk.member("coord")
    assert "Stop every message now" in coord.get("/holds/pause").text
    assert coord.send("/holds/pause", scope="SAA").status_code == 303
    for path in ("/", "/actions", "/board", "/holds"):
        assert "No message about" in coord.get(path).text
    assert "No message" not in desk.member("bobo").get("/actions").text

    desk.programme.run(at(MONDAY, 10))
    recipients = set(desk.programme.postbox.recipients)
    assert "chief@post.example" not in recipients

    assert lift(desk, "coord", 0, scope="SAA") == 303
    assert lift(desk, "coord", 0, scope="SAA") == 303  # somebody was faster
    assert "No message about" not in coord.get("/actions").text
    assert "Nothing is on hold" in coord.get("/holds").text
    desk.programme.run(at(MONDAY, 11))
    assert "chief@post.example" in desk.programme.postbox.recipients


def test_a_hold_of_a_dialogue_or_an_action_is_put_and_lifted(desk):
    coord = desk.member("coord")
    assert coord.send("/holds", **FUNERAL, scope="SAA", ref="").status_code == 303
    assert coord.send("/holds", **FUNERAL, scope="", ref="SAA-01").status_code == 303
    action = desk.programme.action()
    assert put(desk) == [
        (action.dialogue_id, None, MONDAY, day(3), "coord", None),
        (None, action.id, MONDAY, day(3), "coord", None),
    ]
    page = coord.get("/holds").text
    assert page.count("the chief is buried") == 3  # the banner, and two in the list
    assert lift(desk, "coord", 1, ref="SAA-01") == 303
    assert [row[-1] is None for row in put(desk)] == [True, False]


def test_lifting_one_hold_leaves_the_pause_of_the_same_dialogue(desk):
    coord = desk.member("coord")
    coord.send("/holds/pause", scope="SAA")
    coord.send("/holds", **FUNERAL, scope="SAA", ref="")

    assert lift(desk, "coord", 1, scope="SAA") == 303
    assert [row[-1] is None for row in put(desk)] == [True, False]
    desk.programme.run(at(MONDAY, 10))
    assert "chief@post.example" not in desk.programme.postbox.recipients
    assert coord.send("/holds/lift", scope="SAA").status_code == 404  # which one is not said


def test_a_hold_that_names_action_and_dialogue_is_lifted_by_the_action(desk):
    action = desk.programme.action()
    scope = (action.dialogue_id, action.id)
    record.hold(
        desk.programme.services, scope, from_on=MONDAY, until_on=None, by="coord", reason="harvest"
    )
    coord = desk.member("coord")
    assert "harvest" in coord.get("/holds").text
    assert lift(desk, "coord", 0, ref="SAA-01", reason="it is brought in") == 303
    page = coord.get("/holds").text
    assert "/holds/lift" not in page
    lately = page.partition("Lifted lately")[2]
    assert "harvest" in lately
    assert "Coordinator" in lately
    assert "it is brought in" in lately


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"reason": ""}, "Please write a few words here."),
        ({"from_on": "monday"}, "Write the day like"),
        ({"until_on": day(-9).isoformat()}, "before the first day"),
        ({"from_on": "2020-01-01", "until_on": "2020-01-05"}, "passed already"),
        ({"until_on": "9999-12-31"}, "This year cannot be meant."),
        ({"scope": ""}, "Choose one of these."),
        ({"scope": "BOB"}, "Choose one of these."),
        ({"scope": "all"}, "Choose one of these."),
        ({"ref": "BOB-01"}, "no action of this reference"),
        ({"ref": "SAA-99"}, "no action of this reference"),
        ({"reason": "x" * 301}, "too long"),
    ],
)
def test_what_cannot_be_held_is_said_at_its_field(desk, typed, said):
    answer = desk.member("coord").send("/holds", **{**FUNERAL, "scope": "SAA", **typed})
    assert answer.status_code == 422
    assert said in answer.text
    assert put(desk) == []


def test_nobody_holds_or_lifts_what_is_anothers(desk):
    coord, bobo, chief = desk.member("coord"), desk.member("bobo"), desk.member("chief")
    coord.send("/holds", **FUNERAL, scope="SAA")
    coord.send("/holds", **FUNERAL, ref="SAA-01")
    assert "the chief is buried" not in bobo.get("/holds").text
    for which, scope in ((0, {"scope": "SAA"}), (1, {"ref": "SAA-01"}), (0, {"scope": "all"})):
        assert lift(desk, "bobo", which, **scope) == 404
    assert lift(desk, "bobo", 0, scope="BOB") == 303  # of that scope there is no such hold
    assert [row[-1] for row in put(desk)] == [None, None]
    assert bobo.send("/holds/pause", scope="all").status_code == 422
    assert chief.send("/holds/pause", scope="SAA").status_code == 403
    assert all(row[-1] is None for row in put(desk))
    assert len(put(desk)) == 2
