"""Texts that come back: whose they are, what they become, and that each counts once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest
from builders import MONDAY, Programme, a_programme, a_row, at, day
from sqlalchemy import select
from text_builders import CHIEF_PHONE, ELDER_PHONE, FAILED, Handset, by_text, with_phones

from engine.action import State
from engine.answer import Verb
from engine.codes import code
from engine.party import Channel
from engine.store.answer_tables import answers, inbound
from engine.store.tables import people
from workflows.heard_texts import STRANGERS_A_DAY, Became, HeardText, take_text

NOW = at(MONDAY)
DONE = code("SAA-01", Verb.DONE, "en")


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path)
    yield made
    made.close()


@pytest.fixture
def handset(programme: Programme) -> Handset:
    """Everybody was written to on Monday; the chief's text is about SAA-01."""
    handset = by_text(programme)
    programme.plan(a_row(due=day(-5)), now=NOW, dialogues=with_phones())
    programme.run(NOW)
    return handset


def says(
    programme: Programme,
    text: str,
    *,
    sender: str = CHIEF_PHONE,
    key: str = "sms:1",
    now: datetime | None = None,
) -> Became:
    heard = HeardText(sender=sender, text=text, key=key)
    return take_text(programme.services, heard, now or at(MONDAY, 10))


def noted(programme: Programme) -> list[tuple[str, str]]:
    rows = programme.rows(select(answers.c.verb, answers.c.note).order_by(answers.c.id))
    return [(row.verb, row.note) for row in rows]


def channel_of(programme: Programme, key: str) -> Channel:
    return programme.rows(select(people.c.channel).where(people.c.key == key))[0].channel


def test_the_code_in_the_text_sent_back_moves_the_action(programme, handset):
    [text] = handset.texts(CHIEF_PHONE)
    assert DONE in text

    assert says(programme, f"{DONE} the gate is open") is Became.ANSWER

    assert programme.action().state is State.REPORTED_DONE
    [kept] = programme.rows(select(answers))
    assert (kept.origin, kept.by, kept.note) == ("sms", "chief", "the gate is open")


@pytest.mark.parametrize(
    "text", [DONE.lower(), f"  {DONE}.  ", "SAA-01 done", "Done", "SAA-01 FAIT", "saa-01 تم"]
)
@pytest.mark.usefixtures("handset")
def test_answers_are_understood_as_people_write_them(programme, text):
    assert says(programme, text) is Became.ANSWER

    assert programme.action().state is State.REPORTED_DONE


@pytest.mark.parametrize("text", ["SAA-01 DONE 9", "not done yet", "who are you?", "SAA-01"])
@pytest.mark.usefixtures("handset")
def test_what_leaves_a_doubt_is_a_note_for_the_coordinator(programme, text):
    assert says(programme, text) is Became.NOTE

    assert programme.action().state is State.IN_PROGRESS
    assert ("answer", "coord") in programme.said()
    [(_verb, note)] = noted(programme)
    assert text in note


@pytest.mark.usefixtures("handset")
def test_the_same_text_counts_once_however_often_it_is_passed_on(programme):
    assert says(programme, DONE) is Became.ANSWER
    version = programme.action().version

    assert says(programme, DONE, now=at(day(1))) is Became.AGAIN

    assert programme.action().version == version
    assert len(noted(programme)) == 1


@pytest.mark.usefixtures("handset")
def test_the_same_text_passed_on_by_several_at_once_counts_once(programme):
    with ThreadPoolExecutor(4) as pool:
        became = list(pool.map(lambda _n: says(programme, DONE), range(4)))

    assert sorted(became) == [Became.AGAIN] * 3 + [Became.ANSWER]
    assert len(noted(programme)) == 1


@pytest.mark.usefixtures("handset")
def test_an_answer_that_the_action_cannot_take_is_kept_for_the_coordinator(programme):
    says(programme, DONE)

    assert says(programme, DONE, key="sms:2") is Became.NOTE

    [_first, second] = programme.rows(select(answers).order_by(answers.c.id))
    assert second.outcome == "refused"


def test_of_two_on_one_telephone_the_one_who_owes_it_answers(programme):
    handset = by_text(programme)
    shared = {"elder": {"channel": "sms", "phone": CHIEF_PHONE, "email": ""}}
    programme.plan(
        a_row(due=day(-5)),
        a_row(ref="SAA-02", due=day(-5), responsible="Elders"),
        now=NOW,
        dialogues=with_phones(**shared),
    )
    programme.run(NOW)
    assert len(handset.texts(CHIEF_PHONE)) == 2

    says(programme, code("SAA-02", Verb.DONE, "en"))
    says(programme, DONE, key="sms:2")

    by = {row.by for row in programme.rows(select(answers.c.by))}
    assert by == {"elder", "chief"}


@pytest.mark.usefixtures("handset")
def test_who_has_no_part_in_an_action_cannot_answer_for_it(programme):
    assert says(programme, DONE, sender=ELDER_PHONE) is Became.NOTE

    assert programme.action().state is State.IN_PROGRESS
    assert ("answer", "coord") in programme.said()


def test_two_answers_in_one_text_are_two_answers(programme):
    by_text(programme)
    programme.plan(
        a_row(due=day(-5)), a_row(ref="SAA-02", due=day(-5)), now=NOW, dialogues=with_phones()
    )
    programme.run(NOW)

    says(programme, f"{DONE}\n{code('SAA-02', Verb.HELP, 'en')} the lorry broke down")

    assert programme.action("SAA-01").state is State.REPORTED_DONE
    assert (Verb.HELP, "the lorry broke down") in noted(programme)


@pytest.mark.parametrize("text", ["STOP", "stop.", "Arrêtez", "توقف"])
def test_stop_ends_texts_and_the_coordinator_is_told(programme, handset, text):
    assert says(programme, text) is Became.STOP

    assert channel_of(programme, "chief") is Channel.CALL
    assert ("answer", "coord") in programme.said()
    programme.run(at(day(14)))
    assert len(handset.texts(CHIEF_PHONE)) == 1
    assert any(rung.startswith("call:") for rung, _who in programme.said())


def test_stop_takes_back_a_text_that_waits_to_be_tried_again(programme):
    handset = by_text(programme)
    programme.plan(a_row(due=day(-5)), now=NOW, dialogues=with_phones())
    handset.answers = [FAILED]
    programme.run(NOW)

    says(programme, "STOP", now=at(MONDAY, 9, 2))
    programme.run(at(MONDAY, 10))
    programme.run(at(day(1)))

    assert handset.taken == []
    assert ("call:R1", "coord") in programme.said()


@pytest.mark.usefixtures("handset")
def test_an_unknown_number_that_names_an_action_is_read_by_its_coordinator(programme):
    assert says(programme, DONE, sender="+22670999999") is Became.STRANGER

    assert programme.action().state is State.IN_PROGRESS
    [(verb, note)] = noted(programme)
    assert verb == Verb.OTHER
    assert note == f"{DONE} (+22670999999)"
    programme.run(at(day(1)))
    assert "22670999999" in programme.postbox.texts("coord@saaba.example")[-1].replace(" ", "")


@pytest.mark.usefixtures("handset")
def test_an_unknown_number_without_a_reference_is_only_recorded(programme):
    assert says(programme, "Win a lorry!", sender="+22670999999") is Became.UNREAD

    assert noted(programme) == []
    [kept] = programme.rows(select(inbound))
    assert (kept.origin, kept.became, kept.reason) == ("sms", "unread", "unknown number")


@pytest.mark.usefixtures("handset")
def test_strangers_cannot_bury_a_coordinator(programme):
    became = [
        says(programme, "SAA-01 hello", sender="+22670999999", key=f"sms:{n}")
        for n in range(STRANGERS_A_DAY + 3)
    ]

    assert became.count(Became.STRANGER) == STRANGERS_A_DAY
    assert became[-1] is Became.UNREAD


@pytest.mark.usefixtures("handset")
def test_a_number_as_it_is_dialled_at_home_is_known(programme):
    assert says(programme, DONE, sender="70123401") is Became.ANSWER


@pytest.mark.usefixtures("handset")
def test_a_month_later_a_bare_word_is_about_nothing(programme):
    assert says(programme, "Done", now=at(day(40))) is Became.UNREAD


def test_nothing_that_came_in_makes_a_text_go_out(programme, handset):
    before = len(handset.tried)

    for number, text in enumerate([DONE, "hello?", "STOP"]):
        says(programme, text, key=f"sms:{number}")
    programme.deliver(at(MONDAY, 11))

    assert len(handset.tried) == before
