"""Files and clarifications on the page of an action, and refusals in the reader's language."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import MONDAY, Programme, a_programme, a_row, at, day
from face_desk import Visitor, on_both, url_for
from pictures import a_png

from workflows.evidence import LARGEST

PNG = a_png()
ALERT = re.compile(r'class="wrong"[^>]*>([^<]+)<|<p role="alert">([^<]+)<')
LATIN_WORD = re.compile(r"[A-Za-z]{3,}")


@pytest.fixture
def programme(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(url_for(request), tmp_path)
    made.plan(
        a_row(due=day(10)),
        a_row(ref="SAA-02", action="Light the square", due=day(20), state="reported_done"),
        now=at(MONDAY),
    )
    yield made
    made.close()


def hand_in(visitor: Visitor, data: bytes, name: str = "gate.png", **typed: str):
    fields = {"token": visitor.word(), "bearing": "contradicts", "note": "still shut"} | typed
    return visitor.client.post(
        "/actions/SAA-01/hand-in", data=fields, files={"file": (name, data, "text/html")}
    )


@on_both
def test_a_file_that_contradicts_is_kept_shown_and_told(desk):
    mayor, coordinator = desk.member("mayor"), desk.member("coord")
    assert hand_in(mayor, PNG, "..\\..\\a/b<script>.html").status_code == 303
    page = coordinator.get("/actions/SAA-01").text

    assert hashlib.sha256(PNG).hexdigest()[:16] in page
    assert "A file shows otherwise" in page
    assert "<script>" not in page
    assert "evidence_added" in desk.programme.history()
    got = coordinator.get("/actions/SAA-01/evidence/1")
    assert got.content == PNG
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-disposition"] == 'attachment; filename="SAA-01-1.png"'
    twice = hand_in(mayor, PNG)
    assert twice.status_code == 303
    assert desk.programme.history().count("evidence_added") == 1


def test_what_is_said_of_a_file_that_is_here_already_is_not_lost_in_silence(desk):
    mayor = desk.member("mayor")
    assert hand_in(mayor, PNG).status_code == 303
    again = hand_in(mayor, PNG, bearing="supports", note="open since Monday")
    assert again.status_code == 422
    assert "This file is here already" in again.text
    assert "open since Monday" in again.text
    assert hand_in(mayor, PNG, bearing="unsaid", note="").status_code == 303


def test_a_file_that_was_exchanged_in_the_folder_is_not_given_out(desk):
    assert hand_in(desk.member("mayor"), PNG).status_code == 303
    folder = desk.programme.services.settings.data_folder / "evidence"
    (folder / hashlib.sha256(PNG).hexdigest()).write_bytes(b"something else")

    assert desk.member("coord").get("/actions/SAA-01/evidence/1").status_code == 409


def test_what_is_not_taken_leaves_nothing_and_keeps_the_words(desk):
    coordinator = desk.member("coord")
    for data in (b"", b"<html><script>1</script>", b"MZ\x90\x00\x03", PNG + bytes(LARGEST)):
        answer = hand_in(coordinator, data)
        assert answer.status_code == 422
        assert "still shut" in answer.text
    assert "evidence_added" not in desk.programme.history()


def test_who_takes_no_part_hands_in_nothing_and_clarifies_nothing(desk):
    for key in ("committee", "manager"):
        visitor = desk.member(key)
        assert visitor.get("/actions/SAA-01/hand-in").status_code == 403, key
        assert hand_in(visitor, PNG).status_code == 403, key
        sent = visitor.send("/actions/SAA-01/clarify", words="ours", language="en")
        assert sent.status_code == 403, key
        assert visitor.send("/actions/SAA-01/assent", number="1").status_code == 403


@on_both
def test_words_are_added_beside_the_frozen_ones_and_each_side_agrees_once(desk):
    chief, mayor = desk.member("chief"), desk.member("mayor")
    typed = {"words": "Also on Fridays <b>", "language": "en"}
    assert chief.send("/actions/SAA-01/clarify", **typed).status_code == 303
    page = mayor.get("/actions/SAA-01").text
    number = re.search(r'name="number" value="(\d+)"', page)
    assert number
    assert "Also on Fridays &lt;b&gt;" in page
    assert "still missing" in page
    assert 'name="number"' not in chief.get("/actions/SAA-01").text
    assert mayor.send("/actions/SAA-01/assent", number="999999999").status_code == 422
    assert mayor.send("/actions/SAA-01/assent", number=number[1]).status_code == 303
    after = mayor.get("/actions/SAA-01").text
    assert "still missing" not in after
    assert 'name="number"' not in after
    assert mayor.send("/actions/SAA-01/assent", number=number[1]).status_code == 422
    empty = chief.send("/actions/SAA-01/clarify", words=" ", language="en")
    assert empty.status_code == 422


def test_refusals_are_said_in_arabic_without_an_english_word(desk):
    coordinator = desk.member("coord")
    coordinator.get("/actions?lang=ar")
    version = str(desk.programme.action().version)
    sent = {
        "the same date": ("/actions/SAA-01/do/reschedule",
                          {"due_on": day(10).isoformat(), "reason": "لأن", "version": version}),
        "a day gone by": ("/actions/SAA-01/do/reschedule",
                          {"due_on": day(-10).isoformat(), "reason": "لأن", "version": version}),
        "review behind": ("/actions/SAA-01/record/blocked", {}),
        "up too early": ("/actions/SAA-01/do/escalate", {"reason": "لأن", "version": version}),
        "not taken": ("/actions/SAA-01/assent", {"number": "7"}),
        "nothing waits": ("/actions/NON-99/do/reschedule", {}),
    }  # fmt: skip
    for name, (path, typed) in sent.items():
        answer = coordinator.send(path, **typed)
        assert answer.status_code in {404, 422}, (name, answer.status_code)
        said = [one or other for one, other in ALERT.findall(answer.text)]
        assert name == "nothing waits" or said, name
        assert not [text for text in said if LATIN_WORD.search(text)], (name, said)
