"""The same form sent twice, by a double click or by going back: nothing is written twice."""

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from builders import MONDAY, Programme, a_dialogue, a_programme, a_row, at, day
from face_desk import SEEN, Desk, Visitor
from fastapi import Response
from sqlalchemy import func, select

from engine.store.answer_tables import evidence
from engine.store.contacts import find_person
from engine.store.outbox_tables import holds, sensitive_days
from engine.store.tables import calendar_days, events, people, roles, sessions
from web.answer_form import Sent, Upload
from web.once import SESSIONS_KEPT, Once, mark_of

WRITTEN = (evidence, holds, sensitive_days, calendar_days, events, people, roles, sessions)
TOO_MUCH = 413


@pytest.fixture
def programme(sqlite_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(sqlite_url, tmp_path)
    bobo = {"key": "bobo", "function": "Coordinator", "role": "coordinator",
            "email": "bobo@bobo.example"}  # fmt: skip
    made.plan(
        a_row(due=day(20)),
        a_row(ref="BOB-01", dialogue="BOB", due=day(20)),
        now=at(MONDAY),
        dialogues={"SAA": a_dialogue(), "BOB": a_dialogue(name="Bobo", people=[bobo])},
    )
    yield made
    made.close()


def written(programme: Programme) -> list[int]:
    """How much stands in every table that a form adds to."""
    return [programme.rows(select(func.count()).select_from(table))[0][0] for table in WRITTEN]


def form_of(desk: Desk, coord: Visitor, name: str) -> tuple[str, dict[str, str]]:
    """Where a form that adds something is sent, and what is typed into it."""
    chief = desk.programme.rows(select(people.c.id).where(people.c.key == "chief"))[0][0]
    alternate = f"/people/{chief}/do/alternate"
    holder = f"/people/{chief}/do/holder"
    known = {
        "clarify": ("/actions/SAA-01/clarify", {"words": "Also on market days.", "language": "en"}),
        "alternate": (alternate, {"who": "new", "function": "Sergeant", "phone": "+22670000009"}),
        "holder": (holder, {"email": "new@post.example"}),
        "hold": ("/holds", {"scope": "SAA", "from_on": MONDAY.isoformat(), "reason": "a funeral"}),
        "pause": ("/holds/pause", {"scope": "SAA", "reason": "a threat"}),
        "of one": ("/actions/SAA-01/do/hold", {"reason": "a funeral"}),
        "report": ("/actions/SAA-01/do/report", {"level": "minimum", "note": "a beginning"}),
        "dispute": ("/actions/SAA-01/do/move-disputed", {"reason": "it was never asked for"}),
        "day off": ("/days/off", {"dialogue": "SAA", "change": "add", "on": day(3).isoformat(),
                                  "name": "Harvest", "reason": "the chief said so"}),
        "quiet": ("/days/quiet", {"dialogue": "SAA", "name": "A trial", "what": "all",
                                  "from_on": day(3).isoformat(), "reason": "it would hurt"}),
        "session": ("/sessions/new", {
            "dialogue": "SAA", "held_on": MONDAY.isoformat(), "c1_text": "We open a counter.",
            "c1_language": "en", "c1a1_action": "Open the counter", "do": "record",
            "c1a1_responsible": "Police post", "c1a1_due": day(20).isoformat(),
            "c1a1_verifier": "Elders"}),
    }  # fmt: skip
    path, typed = known[name]
    if path.startswith(("/people", "/actions")):
        page = coord.get(path).text
        seen, version = SEEN.search(page), re.search(r'name="version" value="(\d+)"', page)
        typed |= {"seen": seen[1]} if seen else {}
        typed |= {"version": version[1]} if version else {}
    return path, typed


ADDED = ("clarify", "alternate", "hold", "pause", "day off", "quiet", "session")
FORMS = (*ADDED, "holder", "report", "of one", "dispute")


def test_a_double_click_is_answered_like_one(desk):
    coord = desk.member("coord")
    for name in FORMS:
        path, typed = form_of(desk, coord, name)
        typed["token"] = coord.word()
        first = coord.client.post(path, data=typed)
        assert first.status_code == 303, first.text
        once = written(desk.programme)

        second = coord.client.post(path, data=typed)
        answered = (second.status_code, second.headers.get("location"))
        assert answered == (303, first.headers["location"]), name
        assert written(desk.programme) == once, name


def test_what_is_typed_again_after_going_back_is_there_once(desk):
    coord = desk.member("coord")
    for name in ADDED:
        path, typed = form_of(desk, coord, name)
        assert coord.send(path, **typed).status_code == 303, name
        once = written(desk.programme)
        path, typed = form_of(desk, coord, name)
        assert coord.send(path, **typed).status_code == 303, name
        assert written(desk.programme) == once, name


def test_words_of_another_and_a_hold_after_it_was_lifted_are_new(desk):
    coord, chief = desk.member("coord"), desk.member("chief")
    words = {"words": "Also on market days.", "language": "en"}
    for who in (coord, chief):
        assert who.send("/actions/SAA-01/clarify", **words).status_code == 303
    assert desk.programme.history().count("clarified") == 2

    for _time in range(2):
        assert coord.send("/holds/pause", scope="SAA", reason="a threat").status_code == 303
        assert "a threat" in coord.get("/holds").text
        [open_one] = desk.programme.rows(select(holds.c.id).where(holds.c.lifted_at.is_(None)))
        lifted = coord.send("/holds/lift", scope="SAA", hold=str(open_one.id))
        assert lifted.status_code == 303


def test_an_alternate_of_another_number_is_another_person(desk):
    coord = desk.member("coord")
    path, typed = form_of(desk, coord, "alternate")
    assert coord.send(path, **typed).status_code == 303
    typed["phone"] = "+22670000008"
    assert coord.send(path, **typed).status_code == 303
    with desk.programme.services.database.read() as connection:
        assert find_person(connection, "saa-sergeant-2").phone == "+22670000008"


def test_of_two_sendings_at_the_same_moment_the_second_waits_for_the_first():
    once, began, may_end = Once(), threading.Event(), threading.Event()
    done: list[int] = []

    def work() -> Response:
        began.set()
        assert may_end.wait(60)
        done.append(1)
        return Response(status_code=303, headers={"location": "/there"})

    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(once.answer, 1, b"same", work)]
        assert began.wait(60)
        both.append(pool.submit(once.answer, 1, b"same", work))
        may_end.set()
        answers = [one.result(60) for one in both]
    assert [answer.headers["location"] for answer in answers] == ["/there", "/there"]
    assert done == [1]


def test_only_the_last_form_of_a_session_is_remembered_and_only_what_was_done():
    once, done = Once(), []

    def led(to: str, status: int = 303, **more: str) -> Response:
        done.append(to)
        return Response(status_code=status, headers={"location": to, **more})

    for mark in (b"a", b"a", b"b", b"a"):
        once.answer(1, mark, lambda: led("/x"))
    assert len(done) == 3
    for session in range(2, SESSIONS_KEPT + 2):
        once.answer(session, b"a", lambda: led("/x"))
    once.answer(1, b"a", lambda: led("/forgotten"))
    assert done[-1] == "/forgotten"

    done.clear()
    for _time in range(2):  # refused, and with a cookie: what came of it is not kept
        once.answer(7, b"refused", lambda: led("/x", 422))
        once.answer(7, b"cookie", lambda: led("/x", **{"set-cookie": "a=b"}))
    assert len(done) == 4
    one, other = (Sent({"a": "b"}, Upload("x", data)) for data in (b"1", b"2"))
    marks = {mark_of("/p", one), mark_of("/p", other), mark_of("/q", one), mark_of("/p", Sent({}))}
    assert len(marks) == 4


def test_more_fields_than_any_page_has_are_too_much_and_not_a_form_that_is_no_longer_good(desk):
    coord = desk.member("coord")
    fields = {f"pick-X-{number}": "1" for number in range(5000)}
    for answer in (
        coord.send("/bulk", **fields),
        coord.client.post("/bulk", data=fields, files={"plan": ("a", b"b")}),
    ):
        assert answer.status_code == TOO_MUCH
        assert "That was too much to read." in answer.text
