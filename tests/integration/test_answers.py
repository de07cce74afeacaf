"""Answers on both databases: each counts once, moves what it may, and reaches who must know."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from builders import MONDAY, Programme, a_programme, a_row, at, day
from sqlalchemy import func, select

from engine.action import Handling, Obstacle, State
from engine.answer import Answer, Origin, Verb
from engine.errors import BadValue, ForbiddenMove, StaleVersion, UnknownThing
from engine.store.answer_tables import AnswerOutcome, answers, links
from engine.store.answers import answers_about, find_link, revoke_links, token_hash
from engine.store.outbox_tables import messages
from engine.store.tables import events
from workflows.answers import Given, take_answer

NOW = at(MONDAY)


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path)
    made.plan(a_row(), now=at(day(-20)))
    yield made
    made.close()


def given(verb: Verb = Verb.DONE, key: str = "link:1", by: str = "chief", **changes: Any) -> Given:
    of_given = {n: changes.pop(n) for n in list(changes) if n in Given.__dataclass_fields__}
    made = Given(
        key=key, ref="SAA-01", by=by, answer=Answer(verb=verb, **changes), origin=Origin.LINK
    )
    return replace(made, **of_given)


def answered(programme: Programme) -> list[Any]:
    with programme.services.database.read() as connection:
        return answers_about(connection, programme.action().id)


def test_an_answer_moves_its_action_and_is_on_record(programme):
    taken = take_answer(programme.services, given(note="the gate is open"), NOW)

    assert (taken.outcome, taken.again) == (AnswerOutcome.APPLIED, False)
    assert programme.action().state is State.REPORTED_DONE
    assert programme.history()[-1] == "reported_done"
    (kept,) = answered(programme)
    assert (kept.verb, kept.by, kept.note) == (Verb.DONE, "chief", "the gate is open")


def test_the_same_answer_again_changes_nothing(programme):
    first = take_answer(programme.services, given(), NOW)
    before = programme.history()

    again = take_answer(programme.services, given(), at(day(1)))

    assert again.again
    assert again.at == first.at
    assert programme.history() == before
    assert len(answered(programme)) == 1


def test_two_at_once_have_one_effect(programme):
    found: list[Any] = []
    gate = threading.Barrier(4)

    def press() -> None:
        gate.wait()
        found.append(take_answer(programme.services, given(), NOW))

    pressing = [threading.Thread(target=press) for _ in range(4)]
    for thread in pressing:
        thread.start()
    for thread in pressing:
        thread.join()

    assert sorted(taken.again for taken in found) == [False, True, True, True]
    assert programme.history().count("reported_done") == 1


def test_more_time_goes_to_the_coordinator_who_agrees(programme):
    asked = given(Verb.MORE_TIME, until=day(30), note="the rains")
    taken = take_answer(programme.services, asked, NOW)
    assert taken.outcome is AnswerOutcome.NOTED
    assert programme.action().due_on == MONDAY
    assert ("answer", "coord") in programme.said()

    programme.run(at(day(1)))
    (mail,) = programme.postbox.texts("coord@saaba.example")
    assert "the rains" in mail

    agreed = given(Verb.AGREED, key="link:2", by="coord", until=day(30))
    take_answer(programme.services, agreed, at(day(1)))
    assert programme.action().due_on == day(30)
    assert programme.action().original_due_on == MONDAY


def test_whoever_asked_for_time_is_left_alone_for_a_while(programme):
    programme.run(at(day(3)))
    assert ("R1", "chief") in programme.said()
    take_answer(
        programme.services, given(Verb.MORE_TIME, until=day(40), note="rain"), at(day(3), 15)
    )

    for offset in range(4, 15):
        programme.run(at(day(offset)))
    assert [row for row in programme.said() if row[1] == "chief"][-1] == ("R1", "chief")
    for offset in range(15, 22):
        programme.run(at(day(offset)))
    assert ("R2", "chief") in programme.said()


def test_an_obstacle_reaches_its_helper(programme):
    said = given(Verb.BLOCKED, obstacle=Obstacle.MONEY, note="no cement", blocker="the district")
    take_answer(programme.services, said, NOW)

    assert programme.action().state is State.BLOCKED
    told = {row.who for row in programme.notices() if row.kind == "help"}
    assert told == {"coord", "manager"}


def test_of_a_restricted_action_only_the_coordinator_is_told(programme):
    programme.plan(a_row(ref="SAA-02", handling="restricted"), now=NOW)
    said = given(Verb.BLOCKED, ref="SAA-02", obstacle=Obstacle.MONEY, note="no cement")
    take_answer(programme.services, said, NOW)

    told = {row.who for row in programme.notices("SAA-02") if row.kind == "help"}
    assert programme.action("SAA-02").handling is Handling.RESTRICTED
    assert told == {"coord"}


def test_what_cannot_be_taken_is_refused_or_put_on_record_for_a_person(programme):
    programme.move("SAA-01", State.DISPUTED, "coord", NOW, reason="seen otherwise")
    before = programme.history()
    with pytest.raises(ForbiddenMove):
        take_answer(programme.services, given(), NOW)
    assert answered(programme) == []

    taken = take_answer(programme.services, given(keep_refused=True, note="it is open"), NOW)

    assert taken.outcome is AnswerOutcome.REFUSED
    assert "disputed" in taken.said
    assert programme.history() == before
    assert [(row.kind, row.who) for row in programme.notices()][-1] == ("note", "coord")


def test_a_refused_second_change_takes_the_first_back(programme, monkeypatch):
    programme.move("SAA-01", State.BLOCKED, "chief", NOW, reason="x", obstacle=Obstacle.OTHER,
                   blocker="rain", review_on=day(5))  # fmt: skip
    before = programme.history()

    def refuses(*_given: object) -> None:
        raise BadValue("note", "", "refused by this test")

    real = __import__("engine.answering", fromlist=["move"]).move
    monkeypatch.setattr(
        "engine.answering.move",
        lambda a, request, *rest: (
            refuses() if request.to is State.REPORTED_DONE else real(a, request, *rest)
        ),
    )
    taken = take_answer(programme.services, given(keep_refused=True), NOW)
    assert taken.outcome is AnswerOutcome.REFUSED
    assert programme.history() == before
    assert programme.action().state is State.BLOCKED


def test_a_page_that_was_looked_at_long_ago_is_told_so(programme):
    seen = programme.action().state_version
    programme.move("SAA-01", State.BLOCKED, "coord", NOW, reason="x", obstacle=Obstacle.OTHER,
                   blocker="rain", review_on=day(5))  # fmt: skip
    with pytest.raises(StaleVersion):
        take_answer(programme.services, given(state_version=seen), NOW)
    assert answered(programme) == []


def test_nobody_speaks_for_others_but_the_coordinator(programme):
    with pytest.raises(ForbiddenMove, match="coordinator"):
        take_answer(programme.services, given(by="mayor", origin=Origin.PHONE), NOW)

    proxy = given(by="coord", origin=Origin.PHONE, source="chief of post, by phone")
    take_answer(programme.services, proxy, NOW)

    (kept,) = answered(programme)
    assert (kept.by, kept.person_id, kept.source) == ("coord", None, "chief of post, by phone")
    payload = programme.rows(select(events.c.payload).order_by(events.c.id.desc()).limit(1))
    assert '"origin":"phone"' in payload[0].payload
    assert "chief of post" not in payload[0].payload


def test_unknown_actions_and_persons_are_named(programme):
    with pytest.raises(UnknownThing):
        take_answer(programme.services, given(ref="SAA-99"), NOW)
    with pytest.raises(UnknownThing):
        take_answer(programme.services, given(by="nobody"), NOW)
    assert programme.rows(select(func.count()).select_from(answers))[0][0] == 0


@pytest.fixture
def linked(programme: Programme) -> Programme:
    programme.services = replace(programme.services, public_url="https://alkawari.example")
    return programme


def token_in(mail: str) -> str:
    start = mail.index("/answer/") + len("/answer/")
    return mail[start : start + 22]


def test_a_mail_carries_a_link_that_the_database_knows_only_by_its_hash(linked):
    linked.run(at(day(3)))

    (mail,) = linked.postbox.texts("chief@post.example")
    token = token_in(mail)
    with linked.services.database.read() as connection:
        link = find_link(connection, token)
        assert find_link(connection, token[:-1] + "x") is None
    assert link is not None
    assert link.purpose == "answer"
    assert (link.expires_at - link.created_at).days == 14
    (row,) = linked.rows(select(links))
    assert row.token_hash == token_hash(token)
    assert token not in str(row)


def test_closed_actions_get_no_link(linked):
    linked.plan(a_row(ref="SAA-02", handling="closed"), now=NOW)
    linked.move("SAA-01", State.REPORTED_DONE, "chief", NOW, note="open")
    linked.postbox.taken.clear()
    linked.run(at(day(4)))
    closed = [mail for who in linked.postbox.recipients for mail in linked.postbox.texts(who)
              if "SAA-02" in mail]  # fmt: skip
    assert closed
    assert not [mail for mail in closed if "SAA-01" not in mail and "/answer/" in mail]


def test_links_are_revoked_by_person_and_action(linked):
    linked.run(at(day(3)))
    with linked.services.database.write() as connection:
        with pytest.raises(ValueError, match="say whose"):
            revoke_links(connection, NOW)
        assert revoke_links(connection, NOW, action_id=linked.action().id) == 1
        assert revoke_links(connection, NOW, action_id=linked.action().id) == 0


def test_an_inbox_gives_each_message_a_reply_address_of_its_own(programme):
    office = replace(programme.services.office, inbox="answers@programme.example")
    programme.services = replace(programme.services, office=office)
    programme.run(at(day(3)))

    sent = next(e for e in programme.postbox.taken if e.recipient == "chief@post.example")
    (row,) = programme.rows(
        select(messages.c.reply_code, messages.c.sender).where(
            messages.c.recipient == "chief@post.example"
        )
    )
    assert row.sender == sent.sender == f"answers+b{row.reply_code}@programme.example"
    assert f"Reply-To: answers+r{row.reply_code}@programme.example".encode() in sent.data
    assert f"<mailto:answers+s{row.reply_code}@programme.example".encode() in sent.data
