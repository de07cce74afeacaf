"""Mails that came back, and people who want no more of them, on a real database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import PEOPLE, a_row, at, day
from mailbox_builders import LATER, Saaba, a_mailbox, reminded
from reply_builders import CHIEF, INBOX, a_bounce, a_reply
from sqlalchemy import select

from engine.store.inbound import STOPPED
from engine.store.outbox_tables import MessageStatus, NoticeStatus, deliveries, messages
from workflows import record

DEPUTY, COORD = "deputy@post.example", "coord@saaba.example"


@pytest.fixture
def saaba(database_url: str, tmp_path: Path) -> Iterator[Saaba]:
    with a_mailbox(database_url, tmp_path) as made:
        yield made


def test_a_bounce_makes_a_call_task_and_no_warning_of_what_never_arrived(saaba):
    reminded(saaba, a_row(due=day(-60)))
    assert ("R2", "chief") in saaba.programme.said()

    done = saaba.heard(a_bounce(to=f"answers+b{saaba.code_for()}@programme.example"))

    assert done.as_dict() == {"answers": 0, "bounces": 1, "ignored": 0}
    assert "unknown user" in saaba.person("chief").flagged
    assert "@" not in saaba.person("chief").flagged
    status = {(r.rung, r.who): r.status for r in saaba.programme.notices()}
    assert status["R2", "chief"] is NoticeStatus.UNDELIVERABLE
    [*_, last] = saaba.programme.rows(select(deliveries).order_by(deliveries.c.id))
    assert (last.outcome, last.phase) == ("bounced", "after")
    # The deputy's copy arrived, so it is taken from the record as well: nobody was warned.
    saaba.heard(a_bounce(to=f"answers+b{saaba.code_for(DEPUTY)}@programme.example"))
    for offset in range(1, 8):
        saaba.programme.run(at(day(offset)))
    assert "contact" in saaba.kinds_for("coord")
    assert "call_task" in saaba.kinds_for("coord")
    assert not {"E1", "E2", "E3"} & {rung for rung, _who in saaba.programme.said()}


def test_a_bounce_is_found_by_the_message_that_it_carries_back(saaba):
    reminded(saaba)

    saaba.heard(a_bounce(to=INBOX, message_id=saaba.id_for()))

    assert saaba.became() == ["bounce"]


@pytest.mark.parametrize(("action", "status"), [("delayed", "4.2.2"), ("relayed", "2.0.0")])
def test_a_report_that_is_not_final_changes_nothing(saaba, action, status):
    reminded(saaba)

    done = saaba.heard(
        a_bounce(to=f"answers+b{saaba.code_for()}@programme.example", action=action, status=status)
    )

    assert done.ignored == 1
    assert saaba.became() == ["delayed"]
    assert saaba.person("chief").flagged == ""


def test_a_full_mailbox_is_said_in_words(saaba):
    reminded(saaba)
    full = a_bounce(
        to=f"answers+b{saaba.code_for()}@programme.example", status="5.2.2",
        diagnostic="smtp; 552 5.2.2 mailbox full, quota exceeded",
    )  # fmt: skip

    saaba.heard(full)

    assert "5.2.2 mailbox full, quota exceeded" in saaba.person("chief").flagged


def test_a_bounce_of_an_address_that_was_corrected_flags_nobody_and_is_said_anew(saaba):
    reminded(saaba)
    bounced = a_bounce(to=f"answers+b{saaba.code_for()}@programme.example")
    record.correct(saaba.programme.services, "chief", "new@post.example", "", LATER)

    saaba.heard(bounced)
    saaba.programme.run(at(day(1)))

    assert saaba.became() == ["late"]
    assert saaba.person("chief").flagged == ""
    assert "new@post.example" in saaba.programme.postbox.recipients


def test_a_bounced_message_is_rejected_and_counts_for_no_budget(saaba):
    reminded(saaba)

    saaba.heard(a_bounce(to=f"answers+b{saaba.code_for()}@programme.example"))

    status = {m.recipient: m.status for m in saaba.programme.rows(select(messages))}
    assert status[CHIEF] is MessageStatus.REJECTED


@pytest.mark.parametrize("phone", ["", "+22670000000"])
def test_who_asks_for_no_more_mail_gets_none_and_the_coordinator_is_told(saaba, phone):
    persons = [{**p, "phone": phone} if p["key"] == "chief" and phone else dict(p) for p in PEOPLE]
    reminded(saaba, people=persons)

    done = saaba.heard(a_reply("", html="<p></p>", what="s", code=saaba.code_for()))

    assert done.answers == 1
    assert saaba.became() == ["stop"]
    chief = saaba.person("chief")
    assert (chief.flagged, chief.channel.value) == (STOPPED, "call" if phone else "page")
    for offset in range(1, 12):
        saaba.programme.run(at(day(offset)))
    assert saaba.programme.postbox.recipients.count(CHIEF) == 1
    assert saaba.kinds_for("coord").count("stopped") == 1
    assert "call_task" in saaba.kinds_for("coord")
    [told] = [t for t in saaba.programme.postbox.texts(COORD) if "no more messages" in t]
    assert "mail server" not in told


def test_a_stop_request_by_subject_counts_for_its_writer_alone(saaba):
    reminded(saaba)
    chief = saaba.person("chief").id

    saaba.heard(a_reply("x", to=INBOX, subject=f"stop {chief}", sender="mayor@hall.example"))
    assert saaba.person("chief").flagged == ""
    saaba.heard(a_reply("x", to=INBOX, subject=f"stop {chief}"))
    assert saaba.person("chief").flagged == STOPPED


def test_a_stop_request_of_a_stranger_is_a_note(saaba):
    reminded(saaba)

    saaba.heard(a_reply("x", what="s", code=saaba.code_for(), sender="other@else.example"))

    assert saaba.became() == ["stranger"]
    assert saaba.person("chief").flagged == ""
