"""Texts through the outbox: to whom, when, what becomes of them, and what stands in for them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from builders import (
    MONDAY,
    PARTIES,
    REJECTED,
    RETRY,
    Programme,
    a_dialogue,
    a_programme,
    a_row,
    at,
    day,
)
from sqlalchemy import select, update
from text_builders import (
    CHIEF_PHONE,
    DOWN,
    ELDER_PHONE,
    FAILED,
    NO_WORD,
    REFUSED,
    Handset,
    by_text,
    with_phones,
)

from engine.store.answer_tables import links
from engine.store.channels import EMAIL, SMS, channel_state
from engine.store.outbox_tables import MessageStatus, NoticeStatus, deliveries, messages
from engine.store.tables import people
from notifications.envelope import Outcome, Phase, Result
from workflows import record

NOW = at(MONDAY)


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path)
    yield made
    made.close()


def planned(programme: Programme, *rows: dict, **more: dict) -> Handset:
    handset = by_text(programme)
    programme.plan(*(rows or [a_row(due=day(-5))]), now=NOW, dialogues=with_phones(**more))
    return handset


def flagged(programme: Programme) -> dict[str, str]:
    rows = programme.rows(select(people.c.key, people.c.flagged).where(people.c.flagged != ""))
    return {row.key: row.flagged for row in rows}


def messages_of(programme: Programme) -> list:
    return programme.rows(select(messages).order_by(messages.c.id))


def test_who_is_reached_by_text_gets_the_reminder_as_one(programme):
    handset = planned(programme)

    programme.run(NOW)

    [text] = handset.texts(CHIEF_PHONE)
    assert "SAA-01" in text
    assert len(text) <= 320
    [kept] = [m for m in messages_of(programme) if m.channel == SMS]
    assert (kept.recipient, kept.subject, kept.sender) == (CHIEF_PHONE, "", "")
    assert kept.body.decode() == text
    assert kept.status is MessageStatus.SENT
    [tried] = programme.rows(select(deliveries).where(deliveries.c.message_id == kept.id))
    assert (tried.outcome, tried.phase) == ("sent", "gateway")
    assert tried.text == "handed over to the gateway"


def test_a_text_says_neither_the_title_nor_a_name(programme):
    handset = planned(programme, a_row(due=day(-5), action="Pay the bribe back to Issa"))

    programme.run(NOW)

    [text] = handset.texts(CHIEF_PHONE)
    for never in ("bribe", "Issa", "Police"):
        assert never not in text


def test_without_a_gateway_the_coordinator_is_asked_to_call(programme):
    programme.plan(a_row(due=day(-5)), now=NOW, dialogues=with_phones())

    programme.run(NOW)

    assert ("call:R1", "coord") in programme.said()
    assert not any(m.channel == SMS for m in messages_of(programme))


def test_a_person_of_channel_sms_with_an_address_is_mailed_while_there_is_no_gateway(programme):
    programme.plan(
        a_row(due=day(-5)),
        now=NOW,
        dialogues=with_phones(chief={"channel": "sms", "phone": CHIEF_PHONE}),
    )

    programme.run(NOW)

    assert "chief@post.example" in programme.postbox.recipients


def test_a_text_that_was_handed_over_is_fair_warning(programme):
    planned(programme, a_row(due=day(-60)))

    programme.run(NOW)
    programme.run(at(day(3)))

    rungs = [rung for rung, _who in programme.said()]
    assert "E1" in rungs or "E2" in rungs or "E3" in rungs


def test_a_text_keeps_to_hours_rest_days_and_the_budget_of_a_day(programme):
    handset = planned(programme)

    programme.run(at(MONDAY, 7))
    programme.run(at(day(5)))
    assert handset.tried == []
    programme.run(at(day(7)))
    programme.plan(a_row(ref="SAA-02", due=day(-60)), now=at(day(7)), dialogues=with_phones())
    programme.run(at(day(7), 11))
    assert len(handset.texts(CHIEF_PHONE)) == 1
    programme.run(at(day(8)))
    assert len(handset.texts(CHIEF_PHONE)) == 2


def test_several_things_are_one_text(programme):
    handset = planned(
        programme, a_row(due=day(-5)), a_row(ref="SAA-02", due=day(-5)), a_row(ref="SAA-03")
    )

    programme.run(NOW)

    assert len(handset.texts(CHIEF_PHONE)) == 1


def test_a_link_is_kept_only_if_it_is_in_the_text(programme):
    planned(programme, a_row(due=day(-5)), a_row(ref="SAA-02", due=day(-5)))
    programme.services = replace(programme.services, public_url="https://a.example")

    programme.run(NOW)

    texts = [m.body.decode() for m in messages_of(programme) if m.channel == SMS]
    chief = programme.rows(select(people.c.id).where(people.c.key == "chief"))[0].id
    kept = programme.rows(select(links.c.id).where(links.c.person_id == chief))
    assert len(kept) == sum(text.count("https://a.example/answer/") for text in texts)


@pytest.mark.parametrize(
    ("phone", "why"),
    [("+22620491234", "fixed line"), ("+2267012", "too few")],
)
def test_a_number_that_takes_no_texts_is_flagged_and_the_coordinator_is_told(programme, phone, why):
    handset = planned(programme)
    with programme.services.database.write() as connection:
        connection.execute(update(people).where(people.c.key == "chief").values(phone=phone))

    programme.run(NOW)

    assert handset.texts(phone) == []
    assert why in flagged(programme)["chief"]
    assert phone not in flagged(programme)["chief"]
    assert ("contact", "coord") in programme.said()
    assert ("call:R1", "coord") in programme.said()


def test_a_number_that_the_gateway_refuses_twice_is_flagged_and_called(programme):
    handset = planned(
        programme, a_row(due=day(-5)), a_row(ref="SAA-02", due=day(-4), responsible="Elders")
    )
    handset.for_number[CHIEF_PHONE] = REFUSED

    programme.run(NOW)
    programme.run(at(MONDAY, 10))
    assert flagged(programme) == {}
    programme.run(at(day(1)))  # the elder's text is taken
    programme.run(at(day(1), 12))

    assert len(handset.texts(ELDER_PHONE)) == 1
    assert flagged(programme) == {"chief": "refused"}
    assert ("call:R1", "coord") in programme.said()


def test_a_gateway_that_refuses_everybody_is_down_and_flags_nobody(programme):
    many = {
        key: {"channel": "sms", "phone": f"+2267012350{n}", "email": ""}
        for n, key in enumerate(["chief", "deputy", "mayor", "elder", "region", "committee"])
    }
    handset = planned(
        programme,
        a_row(due=day(-5)),
        a_row(ref="SAA-02", due=day(-5), responsible="Elders"),
        a_row(ref="SAA-03", due=day(-5), responsible="Town hall", verifier="Elders"),
        a_row(ref="SAA-04", due=day(-5), responsible="Region"),
        a_row(ref="SAA-05", due=day(-60)),
        **many,
    )
    handset.always = REFUSED

    for hour in range(9, 16):
        for minute in range(0, 60, 10):
            programme.run(at(MONDAY, hour, minute))

    assert flagged(programme) == {}
    with programme.services.database.read() as connection:
        assert channel_state(connection, SMS)["opened_at"]
        assert not channel_state(connection, EMAIL).get("opened_at")
    handset.always = Result(outcome=Outcome.SENT, phase=Phase.GATEWAY, text="handed over")
    programme.run(at(day(1)))
    programme.run(at(day(1), 10))
    assert handset.texts("+22670123500")


def test_a_gateway_that_is_down_uses_up_no_attempts_and_mail_goes_on(programme):
    handset = planned(programme, a_row(due=day(-60)))
    handset.always = DOWN

    done = programme.deliver(NOW)
    programme.sweep(NOW)
    done = programme.deliver(NOW)

    assert "not reached" in done.channel_down
    assert "deputy@post.example" in programme.postbox.recipients
    tried = len(handset.tried)
    assert programme.deliver(NOW).channel_down
    assert len(handset.tried) == tried
    [kept] = [m for m in messages_of(programme) if m.channel == SMS]
    assert (kept.status, kept.attempt) == (MessageStatus.RETRY, 0)


def test_mail_that_is_down_does_not_keep_texts_back(programme):
    handset = planned(programme, a_row(due=day(-60)))
    programme.postbox.answers = [replace(RETRY, channel_down=True)] * 9

    programme.run(NOW)

    assert handset.texts(CHIEF_PHONE)


def test_a_failure_is_tried_again_with_the_same_mark(programme):
    handset = planned(programme)
    handset.answers = [FAILED, FAILED]

    for minute in (0, 10, 40):
        programme.run(at(MONDAY, 9, minute))

    assert len(handset.tried) == 3
    assert len({message.mark for message in handset.tried}) == 1
    assert len(handset.texts(CHIEF_PHONE)) == 1


def test_a_text_that_may_have_arrived_is_sent_once_more_and_then_a_coordinator_calls(programme):
    handset = planned(programme)
    handset.for_number[CHIEF_PHONE] = NO_WORD

    for hour in range(9, 16):
        programme.run(at(MONDAY, hour))
    programme.run(at(day(1)))

    assert len(handset.tried) == 2
    assert {m.status for m in messages_of(programme) if m.channel == SMS} == {MessageStatus.FAILED}
    assert "nobody knows" in flagged(programme)["chief"]
    assert ("call:R1", "coord") in programme.said()


def test_what_is_no_longer_true_is_not_texted_again(programme):
    handset = planned(programme)
    handset.answers = [FAILED]
    programme.run(NOW)
    record.ask_reschedule(
        programme.services, programme.asked("SAA-01"), day(30), "agreed", at(MONDAY, 9, 5)
    )

    programme.run(at(MONDAY, 10))

    assert handset.taken == []
    assert {row.status for row in programme.notices() if row.who == "chief"} == {
        NoticeStatus.STRUCK
    }


def test_a_person_who_changes_the_number_gets_the_text_there(programme):
    handset = planned(programme)
    handset.answers = [FAILED]
    programme.run(NOW)
    record.correct(programme.services, "chief", "", ELDER_PHONE, at(MONDAY, 9, 5))

    programme.run(at(MONDAY, 10))

    assert len(handset.texts(ELDER_PHONE)) == 1
    assert handset.texts(CHIEF_PHONE) == []


def test_a_person_who_gets_an_address_meanwhile_gets_the_letter_there(programme):
    handset = planned(programme)
    handset.answers = [FAILED]
    programme.run(NOW)
    record.correct(programme.services, "chief", "chief@new.example", "", at(MONDAY, 9, 5))

    programme.run(at(MONDAY, 10))

    assert handset.taken == []
    assert programme.postbox.recipients.count("chief@new.example") == 1
    assert "SAA-01" in programme.postbox.texts("chief@new.example")[0]


def test_a_rejected_address_with_a_telephone_becomes_a_text_once_the_number_is_entered(programme):
    handset = planned(programme, chief={"channel": "email", "phone": CHIEF_PHONE})
    programme.postbox.for_address["chief@post.example"] = REJECTED
    programme.run(NOW)

    assert handset.taken == []
    assert ("call:R1", "coord") in programme.said()


def test_a_gateway_that_is_taken_away_leaves_nothing_behind(programme):
    handset = planned(programme)
    handset.answers = [FAILED]
    programme.run(NOW)
    programme.services = replace(programme.services, new_texter=None)

    programme.run(at(MONDAY, 10))
    programme.run(at(day(1)))

    assert {m.status for m in messages_of(programme) if m.channel == SMS} == {MessageStatus.STRUCK}
    assert ("call:R1", "coord") in programme.said()


def test_texts_leave_where_no_mail_server_is_set(programme):
    handset = planned(programme)
    programme.services = replace(programme.services, new_mailer=None)
    programme.sweep(NOW)

    done = programme.deliver(NOW)

    assert handset.texts(CHIEF_PHONE)
    assert "no mail server" in done.channel_down


def test_whoever_has_only_a_number_in_the_plan_is_written_to_by_text(programme):
    handset = by_text(programme)
    row = a_row(due=day(-5), responsible="Guild", responsible_phone="+22670123499")
    dialogue = a_dialogue(parties=[*PARTIES, {"name": "Guild", "side": "community"}])
    programme.plan(row, now=NOW, dialogues={"SAA": dialogue})

    programme.run(NOW)

    assert len(handset.texts("+22670123499")) == 1


@pytest.mark.parametrize(
    ("gateway", "state", "says"),
    [
        ("", "note", "no gateway is set"),
        ("json://127.0.0.1:9/?:to={phone}", "wrong", "does not answer"),
        ("twilio://nonsense/{phone}", "wrong", "Apprise cannot use it"),
        ("atalk://user@0123456789abcdef/{digits}", "well", "not tried"),
    ],
)
def test_doctor_says_how_texts_stand(programme, gateway, state, says):
    from config.settings import TextsPart
    from workflows.doctor import _texts

    part = TextsPart(gateway=gateway)
    settings = programme.services.settings.model_copy(update={"texts": part})

    first = next(_texts(settings))

    assert (first.check, first.state) == ("texts", state)
    assert says in first.says


def test_settings_with_a_short_secret_or_a_forbidden_gateway_are_refused(programme):
    from config.settings import TextsPart
    from config.wiring import build
    from engine.errors import BadValue

    for part in (
        TextsPart(secret="short"),
        TextsPart(gateway="mailto://u:hunter2@x.example?to={phone}"),
    ):
        settings = programme.services.settings.model_copy(update={"texts": part})
        with pytest.raises(BadValue) as refused:
            build(settings)
        assert "short" not in str(refused.value)
        assert "hunter2" not in str(refused.value)
