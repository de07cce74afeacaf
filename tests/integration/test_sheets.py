"""Filled sheets on both databases: all rows or none, once however often they are typed."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from builders import MONDAY, Programme, a_dialogue, a_programme, a_row, at, day
from openpyxl import Workbook
from sqlalchemy import func, select

from config.sheet import read_said, read_sheet, read_typed
from engine.action import Level, Obstacle, State
from engine.answer import Origin, Verb
from engine.codes import check_character, code
from engine.errors import BadValue
from engine.store.answer_tables import AnswerOutcome, answers
from engine.store.outbox_tables import notices
from engine.store.records import history_of
from engine.store.tables import events
from workflows.record import Asked
from workflows.sheets import SheetTaken, Typist, call_and_answer, take_sheet

NOW = at(MONDAY)
UNTIL = day(21).isoformat()


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path)
    made.plan(
        a_row(),
        a_row(ref="SAA-02", action="Light the market", due=day(10)),
        a_row(ref="SAA-03", action="Walk together", responsible="Town hall", verifier="Elders"),
        now=at(day(-20)),
    )
    yield made
    made.close()


def say(ref: str, verb: Verb, rest: str = "", language: str = "en") -> str:
    return f"{code(ref, verb, language)} {rest}".strip()


def put_in(programme: Programme, *lines: str, now: Any = NOW, **typist: Any) -> SheetTaken:
    sheet = read_typed("\n".join(lines).encode())
    return take_sheet(programme.services, sheet, Typist(**typist), now)


def counts(programme: Programme) -> tuple[int, int, int]:
    [(seen,)] = programme.rows(select(func.count()).select_from(answers))
    [(happened,)] = programme.rows(select(func.count()).select_from(events))
    [(told,)] = programme.rows(select(func.count()).select_from(notices))
    return seen, happened, told


FILLED = (
    say("SAA-01", Verb.DONE, "the gate is open"),
    say("SAA-02", Verb.MORE_TIME, f"{UNTIL} the mason is ill"),
    say("SAA-03", Verb.BLOCKED, "permit the order is not signed"),
)


def test_a_filled_sheet_does_what_it_says(programme):
    taken = put_in(programme, *FILLED)

    assert taken.as_dict() == {
        "rows": 3, "applied": 2, "noted": 1, "refused": 0, "again": 0, "errors": [], "remarks": [],
    }  # fmt: skip
    assert programme.action("SAA-01").state is State.REPORTED_DONE
    blocked = programme.action("SAA-03")
    assert (blocked.state, blocked.obstacle) == (State.BLOCKED, Obstacle.PERMIT)
    assert ("answer", "coord") not in programme.said("SAA-01")  # who typed it knows it


def test_typed_again_in_another_form_it_changes_nothing(programme, tmp_path):
    put_in(programme, *FILLED)
    before = counts(programme)
    book = Workbook()
    page = book.active
    page.append(["réponse", "référence", "contrôle", "jusqu'au", "parce que", "obstacle"])
    page.append([])
    page.append(["date", "saa-02", check_character("SAA-02", Verb.MORE_TIME),
                 date.fromisoformat(UNTIL), "The  Mason is ill", None])  # fmt: skip
    page.append(["BLOQUÉ", "SAA-03", check_character("SAA-03", Verb.BLOCKED), None,
                 "the order is not signed", "permis"])  # fmt: skip
    page.append(["FAIT", "SAA-01", check_character("SAA-01", Verb.DONE), None,
                 "the gate is open", None])  # fmt: skip
    path = tmp_path / "again.xlsx"
    book.save(path)

    again = take_sheet(programme.services, read_sheet(path), Typist(by="coord"), at(day(1)))
    lines = put_in(programme, "", FILLED[2], "", FILLED[0], FILLED[1], FILLED[1], now=at(day(2)))

    assert (again.rows, again.again, again.errors) == (3, 3, ())
    assert (lines.rows, lines.again) == (4, 4)
    assert counts(programme) == before


def test_two_who_type_the_same_sheet_at_once_take_it_in_once(programme):
    found: list[SheetTaken] = []
    ready = threading.Barrier(2)

    def type_it(lines: tuple[str, ...]) -> None:
        ready.wait()
        found.append(put_in(programme, *lines))

    typists = [threading.Thread(target=type_it, args=(o,)) for o in (FILLED, FILLED[::-1])]
    for one in typists:
        one.start()
    for one in typists:
        one.join()

    assert sorted((t.applied, t.noted, t.again) for t in found) == [(0, 0, 3), (2, 1, 0)]
    [(seen,)] = programme.rows(select(func.count()).select_from(answers))
    assert seen == 3


def test_one_wrong_row_and_nothing_is_taken(programme):
    before = counts(programme)
    misheard = FILLED[1].replace("SAA-02", "SAA-03")

    taken = put_in(programme, FILLED[0], misheard, say("SAA-99", Verb.DONE), "SAA-01 DONE")

    assert [(e.row, e.column) for e in taken.errors] == [(2, "code"), (3, "code"), (4, "code")]
    assert "does not fit" in taken.errors[0].reason
    assert "no action 'SAA-99'" in taken.errors[1].reason
    assert (taken.rows, taken.applied, taken.noted) == (4, 0, 0)
    assert counts(programme) == before


def test_a_dry_run_says_the_same_and_changes_nothing(programme):
    before = counts(programme)
    sheet = read_typed("\n".join(FILLED).encode())

    tried = take_sheet(programme.services, sheet, Typist(), NOW, dry_run=True)

    assert counts(programme) == before
    assert tried == take_sheet(programme.services, sheet, Typist(), NOW)


def test_the_history_says_that_it_was_a_proxy_and_how_it_was_heard(programme):
    put_in(programme, FILLED[0], origin=Origin.PHONE, who="chief of post", on=day(-1))

    with programme.services.database.read() as connection:
        last = history_of(connection, programme.action("SAA-01").id)[-1]
    assert last.by == "coord"
    for said in ('"origin":"phone"', '"proxy":true', f'"said_on":"{day(-1)}"'):
        assert said in last.payload
    assert "chief of post" not in last.payload
    [kept] = programme.rows(select(answers.c.source, answers.c.person_id, answers.c.origin))
    assert (kept.source, kept.person_id) == (f"chief of post, {day(-1)}", None)


def test_what_came_by_text_message_to_a_coordinator_is_a_proxy_report_too(programme):
    put_in(programme, FILLED[0], origin=Origin.SMS)

    [kept] = programme.rows(select(answers.c.origin, answers.c.person_id))
    assert (kept.origin, kept.person_id) == (Origin.SMS, None)


def test_a_confirmation_needs_the_word_of_who_may_confirm(programme):
    put_in(programme, FILLED[0])
    confirmed = f"{say('SAA-01', Verb.CONFIRMED)},the gate stands open,"
    head = "code,seen,who"

    stranger = put_in(programme, head, confirmed + "the baker", now=at(day(1)))
    owing = put_in(programme, head, confirmed + "Police post", now=at(day(1)))
    taken = put_in(programme, head, confirmed + "town hall", now=at(day(1)))

    assert "is not known as who confirms SAA-01: Deputy mayor (mayor)" in stranger.errors[0].reason
    assert owing.errors
    assert (taken.applied, taken.errors) == (1, ())
    action = programme.action("SAA-01")
    assert (action.state, action.verified_level) == (State.VERIFIED, Level.COMPLETED)
    with programme.services.database.read() as connection:
        last = history_of(connection, action.id)[-1]
    assert last.by == "coord"
    assert '"word_of":"mayor"' in last.payload
    assert '"method":"told on paper"' in last.payload


def test_sent_back_with_what_is_missing(programme):
    put_in(programme, FILLED[0])

    put_in(
        programme, "code,because,level,who",
        f"{say('SAA-01', Verb.NOT_YET)},the hinges are missing,a good part,mayor",
    )  # fmt: skip

    action = programme.action("SAA-01")
    assert (action.state, action.reported_level) == (State.IN_PROGRESS, Level.INTERMEDIATE)


def test_what_the_action_cannot_take_is_put_on_record_and_told(programme):
    put_in(programme, FILLED[0])

    taken = put_in(programme, say("SAA-01", Verb.CANNOT, "nobody pays"), FILLED[1])

    assert (taken.noted, taken.refused, taken.errors) == (1, 1, ())
    assert [r.row for r in taken.remarks] == [1]
    outcomes = programme.rows(select(answers.c.outcome).order_by(answers.c.id))
    assert AnswerOutcome.REFUSED in [row.outcome for row in outcomes]
    assert put_in(programme, say("SAA-01", Verb.CANNOT, "nobody pays")).again == 1


def test_a_day_that_has_gone_by_is_a_slip_of_the_sheet(programme):
    gone = put_in(programme, say("SAA-02", Verb.MORE_TIME, f"{day(-1)} the mason is ill"))
    ahead = put_in(programme, FILLED[0], on=day(1))

    assert [(e.row, e.column) for e in gone.errors] == [(1, "until")]
    assert [(e.row, e.column) for e in ahead.errors] == [(1, "on")]


def test_one_voice_does_not_say_two_contrary_things(programme):
    contrary = put_in(programme, FILLED[0], say("SAA-01", Verb.CANNOT))
    agreeing = put_in(programme, FILLED[1], say("SAA-02", Verb.HELP, "a mason"))
    two_days = put_in(
        programme, "code,on", f"{say('SAA-01', Verb.BLOCKED)},{day(-2)}",
        f"{say('SAA-01', Verb.DONE)},{day(-1)}",
    )  # fmt: skip

    assert [e.row for e in contrary.errors] == [2]
    assert "row 1 says the contrary" in contrary.errors[0].reason
    assert agreeing.noted == 2
    assert two_days.applied == 2
    assert programme.action("SAA-01").state is State.REPORTED_DONE


def test_the_order_of_the_rows_does_not_matter(programme):
    rows = (f"{say('SAA-01', Verb.DONE)},{day(-1)}", f"{say('SAA-01', Verb.BLOCKED)},{day(-2)}")

    put_in(programme, "code,on", *rows)

    assert programme.action("SAA-01").state is State.REPORTED_DONE
    assert programme.history("SAA-01")[-3:] == ["blocked", "in_progress", "reported_done"]


def test_who_repeats_an_old_row_after_things_moved_is_told_so(programme):
    put_in(programme, FILLED[0])
    put_in(
        programme, "code,because,level,who",
        f"{say('SAA-01', Verb.NOT_YET)},one hinge,a good part,mayor", now=at(day(1)),
    )  # fmt: skip

    again = put_in(programme, FILLED[0], now=at(day(2)))
    dated = put_in(programme, FILLED[0], on=day(2), now=at(day(2)))

    assert (again.again, len(again.remarks)) == (1, 1)
    assert "write under `on` when" in again.remarks[0].reason
    assert programme.action("SAA-01").state is State.REPORTED_DONE
    assert dated.applied == 1


def test_only_a_coordinator_of_the_dialogue_types(programme):
    unknown = put_in(programme, FILLED[0], by="mayor")
    named = put_in(programme, FILLED[0], by="COORD")

    assert "does not coordinate SAA-01; known: coord" in unknown.errors[0].reason
    assert named.applied == 1


def test_where_there_are_two_coordinators_one_must_be_named(programme):
    second = {"key": "second", "function": "Coordinator", "role": "coordinator",
              "email": "second@saaba.example"}  # fmt: skip
    people = [*a_dialogue()["people"], second]
    programme.plan(a_row(), now=NOW, dialogues={"SAA": a_dialogue(people=people)})

    assert "--by" in put_in(programme, FILLED[0]).errors[0].reason
    assert put_in(programme, FILLED[0], by="second").applied == 1


def test_the_committee_agrees_to_a_new_date_on_paper(programme):
    put_in(programme, FILLED[1])

    taken = put_in(programme, say("SAA-02", Verb.AGREED, f"{UNTIL} as asked"), now=at(day(1)))

    assert taken.applied == 1
    moved = programme.action("SAA-02")
    assert (moved.due_on, moved.original_due_on) == (date.fromisoformat(UNTIL), day(10))


def test_a_call_and_what_was_answered_in_it_are_recorded_together(programme):
    asked = Asked(ref="SAA-01", by="coord")
    said = read_said("SAA-01", say("SAA-01", Verb.DONE, "open since Monday"), "chief of post")

    after = call_and_answer(programme.services, asked, "rang at nine", said, NOW)

    assert after.state is State.REPORTED_DONE
    assert programme.history("SAA-01")[-2:] == ["called", "reported_done"]


def test_an_answer_of_a_call_that_cannot_be_taken_undoes_the_call(programme):
    before = programme.history("SAA-01")
    asked = Asked(ref="SAA-01", by="coord")
    confirmed = read_said("SAA-01", say("SAA-01", Verb.CONFIRMED, "seen"), "mayor")
    other = replace(confirmed, ref="SAA-02")

    for said in (confirmed, other):
        with pytest.raises(BadValue):
            call_and_answer(programme.services, asked, "", said, NOW)

    assert programme.history("SAA-01") == before
