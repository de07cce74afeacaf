"""A session written down in the browser: row by row, looked at, recorded whole or not at all."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import MONDAY, Programme, a_dialogue, a_programme, a_row, at, day
from sqlalchemy import func, select

from engine.action import Handling, Kind, State
from engine.store.records import history_of
from engine.store.tables import actions, commitments, parties, sessions

WORDS = "La police ouvre un deuxième guichet.\nElle écoute les femmes le matin."
TYPED = {
    "dialogue": "SAA",
    "held_on": MONDAY.isoformat(),
    "c1_text": WORDS,
    "c1_language": "fr",
    "c1a1_action": "Open the second counter",
    "c1a1_responsible": "Police post",
    "c1a1_verifier": "Elders",
    "c1a1_due": day(20).isoformat(),
    "c1a1_repeat": "",
    "c1a1_handling": "restricted",
    "c1a1_evidence": "a picture",
}


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path)
    made.plan(
        a_row(),
        now=at(MONDAY),
        dialogues={"SAA": a_dialogue(), "BOB": a_dialogue(name="Bobo", people=[])},
    )
    yield made
    made.close()


def count(programme: Programme, table: object) -> int:
    [(number,)] = programme.rows(select(func.count()).select_from(table))
    return int(number)


def test_a_row_is_added_by_a_button_and_nothing_typed_is_lost(desk):
    coord = desk.member("coord")
    first = coord.get("/sessions/new")
    more = coord.send("/sessions/new", **TYPED, do="action-1")
    third = coord.send("/sessions/new", **TYPED, do="commitment")

    assert first.status_code == more.status_code == third.status_code == 200
    assert 'name="c1a1_action"' in first.text
    assert 'name="c1a2_action"' not in first.text
    assert 'name="c1a2_action"' in more.text
    assert 'name="c2a1_action"' in third.text
    for page in (more.text, third.text):
        for kept in ("deuxième guichet", "Open the second counter", "Elders", "a picture"):
            assert kept in page
    assert count(desk.programme, sessions) == 0


def test_it_is_shown_before_it_is_recorded_and_recorded_as_it_was_shown(desk):
    coord, programme = desk.member("coord"), desk.programme
    look = coord.send("/sessions/new", **TYPED, do="look")
    assert look.status_code == 200
    assert "This will be recorded" in look.text
    assert "SAA-02" in look.text or "SAA-1" in look.text
    assert (count(programme, actions), count(programme, sessions)) == (1, 0)

    done = coord.send("/sessions/new", **TYPED, do="record")
    assert done.status_code == 303
    held = coord.get(done.headers["location"])
    digest = hashlib.sha256(f"fr\0{WORDS}".encode())
    assert digest.hexdigest() in held.text
    [words] = programme.rows(select(commitments).where(commitments.c.language == "fr"))
    assert (words.text, words.text_hash) == (WORDS, digest.digest())
    [session] = programme.rows(select(sessions))
    assert (session.held_on, words.session_id, words.agreed_on) == (MONDAY, session.id, MONDAY)
    [row] = programme.rows(select(actions).where(actions.c.commitment_id == words.id))
    assert row.state == State.AGREED
    assert row.handling == Handling.RESTRICTED
    assert (row.due_on, row.evidence, row.agreed_on) == (day(20), "a picture", MONDAY)
    with programme.services.database.read() as connection:
        assert [event.by for event in history_of(connection, row.id)] == ["coord"]
    assert "Sessions on record" in coord.get("/sessions").text


def test_recording_the_same_twice_adds_nothing(desk):
    coord = desk.member("coord")
    first = coord.send("/sessions/new", **TYPED, do="record")
    second = coord.send("/sessions/new", **TYPED, do="record")

    assert first.headers["location"] == second.headers["location"]
    assert count(desk.programme, actions) == 2
    assert count(desk.programme, sessions) == 1


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"c1a1_action": ""}, "Say what is to be done."),
        ({"c1a1_responsible": ""}, "Say who does it."),
        ({"c1_text": ""}, "Write the words that were agreed in the room."),
        ({"held_on": "yesterday"}, "Write the day like 2026-12-04."),
        ({"held_on": day(1).isoformat()}, "still to come"),
        ({"c1a1_verifier": "police post"}, "cannot confirm its own action"),
        ({"c1a1_due": "soon"}, "w-c1a1_due"),
        ({"c1a1_repeat": "each full moon"}, "w-c1a1_repeat"),
        ({"c1a1_handling": "secret"}, "w-c1a1_handling"),
        ({"c1a1_action": "x" * 2001}, "This is too long."),
        ({"c1_text": "x" * 10_001}, "This is too long."),
        ({"c1_language": "tlh"}, "w-c1_language"),
        ({"c2_text": "Another promise"}, "Say what is to be done."),
    ],
)
def test_whatever_is_wrong_is_said_at_its_field_and_nothing_is_written(desk, typed, said):
    coord, programme = desk.member("coord"), desk.programme
    before = count(programme, actions), count(programme, parties)
    for wish in ("look", "record"):
        answer = coord.send("/sessions/new", **{**TYPED, **typed}, do=wish)
        assert answer.status_code == 422
        assert said in answer.text
        assert "a picture" in answer.text
    assert (count(programme, actions), count(programme, parties)) == before
    assert count(programme, sessions) == 0


def test_one_bad_action_of_two_keeps_both_out(desk):
    typed = {**TYPED, "c1a2_action": "Second", "c1a2_responsible": "Town hall", "c1a2_due": "31/31"}
    answer = desk.member("coord").send("/sessions/new", **typed, do="record")
    assert answer.status_code == 422
    assert "w-c1a2_due" in answer.text
    assert "w-c1a1" not in answer.text
    assert count(desk.programme, actions) == 1


def test_a_party_that_is_new_is_pointed_out_before_it_is_made(desk):
    coord = desk.member("coord")
    typed = {**TYPED, "c1a1_responsible": "Police posst"}
    look = coord.send("/sessions/new", **typed, do="look")
    assert "A party that was not known is added" in look.text
    assert "Police posst" in look.text
    assert not desk.programme.rows(select(parties).where(parties.c.name == "Police posst"))
    assert "not known" not in coord.send("/sessions/new", **TYPED, do="look").text


def test_rules_that_repeat_and_rules_that_go_on(desk):
    typed = {**TYPED, "c1a1_repeat": "monthly", "c1a2_action": "Keep the gate open",
             "c1a2_responsible": "Town hall", "c1a2_repeat": "quarterly", "c1a2_standing": "yes",
             "c1a2_due": day(5).isoformat()}  # fmt: skip
    assert desk.member("coord").send("/sessions/new", **typed, do="record").status_code == 303
    kinds = dict(tuple(row) for row in desk.programme.rows(select(actions.c.title, actions.c.kind)))
    assert kinds["Open the second counter"] == Kind.RECURRING
    assert kinds["Keep the gate open"] == Kind.STANDING


def test_only_the_coordinator_of_that_dialogue_may(desk):
    chief, coord = desk.member("chief"), desk.member("coord")
    assert chief.get("/sessions/new").status_code == 403
    assert chief.send("/sessions/new", **TYPED, do="record").status_code == 403
    other = coord.send("/sessions/new", **{**TYPED, "dialogue": "BOB"}, do="record")
    assert other.status_code == 404
    assert coord.get("/sessions/new?dialogue=BOB").status_code == 404
    assert coord.get("/sessions/999").status_code == 404
    assert coord.get("/sessions/x").status_code == 404
    assert count(desk.programme, sessions) == 0


def test_a_form_without_end_stays_within_its_bounds(desk):
    coord = desk.member("coord")
    many = {f"c{n}a1_action": f"Step {n}" for n in range(1, 60)}
    answer = coord.send("/sessions/new", **(TYPED | many), do="commitment")
    assert answer.status_code in {200, 422}
    assert "c16_text" not in answer.text
    marked = TYPED | {"c1_text": "a\u202eb\0"}
    assert coord.send("/sessions/new", **marked, do="look").status_code == 200
    assert coord.send("/sessions/new", **TYPED, do="action-99").status_code == 422
