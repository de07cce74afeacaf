"""What the mailbox brings, taken in on a real database: once, by whom it is, and nothing lost."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from email import message_from_bytes
from pathlib import Path

import pytest
from builders import a_row, at, day
from mailbox_builders import LATER, Saaba, a_mailbox, reminded
from pictures import a_png
from reply_builders import CHIEF, INBOX, QUOTED, a_reply
from sqlalchemy import select

from engine.action import State
from engine.answer import Verb
from engine.codes import code
from engine.store.answer_tables import AnswerOutcome, evidence
from engine.store.channels import channel_state
from workflows import collect as story

DEPUTY, COORD = "deputy@post.example", "coord@saaba.example"
PNG = a_png(60_000)


@pytest.fixture
def saaba(database_url: str, tmp_path: Path) -> Iterator[Saaba]:
    with a_mailbox(database_url, tmp_path) as made:
        yield made


def test_a_reply_moves_the_action_and_a_second_collect_changes_nothing(saaba):
    reminded(saaba)

    done = saaba.heard(a_reply(f"C'est fait.\n\n{QUOTED}", code=saaba.code_for()))

    assert done.as_dict() == {"answers": 1, "bounces": 0, "ignored": 0}
    assert saaba.programme.action().state is State.REPORTED_DONE
    assert saaba.programme.history()[-1] == "reported_done"
    assert saaba.answers() == [("chief", "done", AnswerOutcome.APPLIED, "C'est fait.")]
    assert saaba.mailbox.flags == {1: {"seen"}}
    assert saaba.collect().as_dict() == {"answers": 0, "bounces": 0, "ignored": 0}
    assert len(saaba.answers()) == 1


def test_a_reply_without_its_code_is_matched_by_the_message_that_it_answers(saaba):
    reminded(saaba)

    saaba.heard(a_reply("Done", to=INBOX, answers=saaba.id_for()))

    assert saaba.programme.action().state is State.REPORTED_DONE


def test_a_reply_that_names_the_thread_only_is_matched_by_it(saaba):
    reminded(saaba)
    [envelope] = [e for e in saaba.programme.postbox.taken if e.recipient == CHIEF]
    thread = str(message_from_bytes(envelope.data)["References"])

    saaba.heard(a_reply("Done", to=INBOX, answers=thread))

    assert saaba.programme.action().state is State.REPORTED_DONE


def test_a_whole_code_from_an_address_that_we_know_needs_no_thread(saaba):
    reminded(saaba)

    saaba.heard(a_reply(code("SAA-01", Verb.DONE, "fr"), to=INBOX, subject="Bonjour"))

    assert saaba.programme.action().state is State.REPORTED_DONE


def test_a_new_mail_without_a_code_is_a_note_and_changes_nothing(saaba):
    reminded(saaba)

    saaba.heard(a_reply("Done", to=INBOX, subject="Hello"))

    assert saaba.programme.action().state is State.IN_PROGRESS
    assert saaba.became() == ["note"]
    assert "note" in saaba.kinds_for("coord")


def test_somebody_else_of_the_party_may_answer_under_their_own_name(saaba):
    reminded(saaba)

    saaba.heard(a_reply("Done", code=saaba.code_for(), sender=DEPUTY))

    assert saaba.answers()[0][:3] == ("deputy", "done", AnswerOutcome.APPLIED)


@pytest.mark.parametrize("sender", ["stranger@else.example", "mayor@hall.example", "x"])
def test_of_anybody_else_nothing_is_applied_and_a_coordinator_reads_it(saaba, sender):
    reminded(saaba)

    done = saaba.heard(a_reply("Done", code=saaba.code_for(), sender=sender))

    assert done.answers == 1
    assert saaba.programme.action().state is State.IN_PROGRESS
    assert saaba.programme.action().paused_until_on is None
    [(by, verb, outcome, note)] = saaba.answers()
    assert (by, verb, outcome) == ("somebody else", "other", AnswerOutcome.NOTED)
    assert note.startswith("Done\n\nNothing was done")
    assert saaba.kinds_for("coord")[-1] == "note"


def test_a_sender_whom_our_mail_server_doubts_is_a_stranger(saaba):
    reminded(saaba)

    saaba.heard(a_reply("Done", code=saaba.code_for(), Authentication_Results="mx; dmarc=fail"))

    assert saaba.became() == ["stranger"]
    assert saaba.programme.action().state is State.IN_PROGRESS


def test_several_codes_in_one_mail_are_several_answers(saaba):
    reminded(saaba, a_row(due=day(-5)), a_row(ref="SAA-02", due=day(-5)))
    text = (
        f"{code('SAA-01', Verb.DONE, 'fr')}\n{code('SAA-02', Verb.MORE_TIME, 'fr')} 4/12/2026 pluie"
    )

    saaba.heard(a_reply(text, code=saaba.code_for()))

    assert saaba.programme.action("SAA-01").state is State.REPORTED_DONE
    assert [(verb, outcome) for _by, verb, outcome, _note in saaba.answers()] == [
        ("done", AnswerOutcome.APPLIED),
        ("more_time", AnswerOutcome.NOTED),
    ]
    assert "new_date" in saaba.kinds_for("coord", "SAA-02")


def test_a_bare_word_about_two_actions_is_a_note_on_both(saaba):
    reminded(saaba, a_row(due=day(-5)), a_row(ref="SAA-02", due=day(-5)))

    saaba.heard(a_reply("Done", code=saaba.code_for()))

    assert [verb for _by, verb, *_ in saaba.answers()] == ["other", "other"]
    assert saaba.programme.action("SAA-01").state is State.IN_PROGRESS
    assert "note" in saaba.kinds_for("coord", "SAA-01")
    assert "note" in saaba.kinds_for("coord", "SAA-02")


def test_what_the_action_cannot_take_is_put_on_record_for_the_coordinator(saaba):
    reminded(saaba)
    reply = saaba.code_for()
    saaba.heard(a_reply("Done", code=reply))

    saaba.heard(a_reply("Done.", code=reply, Date_="x"))

    assert saaba.answers()[1][:3] == ("chief", "done", AnswerOutcome.REFUSED)
    assert saaba.kinds_for("coord")[-1] == "note"


def test_a_reply_without_words_reaches_the_coordinator_too(saaba):
    reminded(saaba)

    saaba.heard(a_reply(QUOTED, code=saaba.code_for()))

    assert saaba.answers()[0][3].startswith("The answer had no words of its own")


def test_a_coordinator_agrees_by_reply_to_the_day_that_was_asked_for(saaba):
    reminded(saaba)
    saaba.heard(a_reply("We need more time until 12 June 2026, rain", code=saaba.code_for()))
    saaba.programme.run(at(day(1)))

    saaba.heard(a_reply("Agreed", code=saaba.code_for(COORD), sender=COORD), now=at(day(1), 15))

    assert saaba.programme.action().due_on == date(2026, 6, 12)


def test_a_verifier_confirms_by_reply_with_what_was_seen(saaba):
    reminded(saaba)
    saaba.heard(a_reply("Done", code=saaba.code_for()))
    saaba.programme.run(at(day(1)))

    saaba.heard(
        a_reply("Confirmed. I walked through the gate.", code=saaba.code_for("mayor@hall.example"),
                sender="mayor@hall.example"),
        now=at(day(1), 15),
    )  # fmt: skip

    assert saaba.programme.action().state is State.VERIFIED


def test_files_are_kept_as_evidence_and_those_that_are_not_are_named(saaba):
    reminded(saaba)
    files = (
        ("gate.png", PNG, "image/png"),
        ("run.exe", b"MZ\x90\x00\x03" + b"\0" * 99, "application/x-dosexec"),
    )

    saaba.heard(a_reply("Done", code=saaba.code_for(), files=files))

    [kept] = saaba.programme.rows(select(evidence))
    assert (kept.name, kept.size, kept.media_type) == ("gate.png", len(PNG), "image/png")
    assert (saaba.programme.folder / "evidence" / kept.sha256.hex()).read_bytes() == PNG
    assert "run.exe" in saaba.answers()[1][3]
    assert saaba.kinds_for("coord")[-1] == "note"
    assert saaba.programme.action().state is State.REPORTED_DONE


def test_of_a_mail_that_is_too_large_the_words_are_read_and_the_files_named(saaba):
    reminded(saaba)
    saaba.mailbox.largest = 30_000

    saaba.heard(a_reply("Done", code=saaba.code_for(), files=(("gate.png", PNG, "image/png"),)))

    assert saaba.programme.action().state is State.REPORTED_DONE
    assert not saaba.programme.rows(select(evidence))
    assert "too large: gate.png" in saaba.answers()[1][3]


@pytest.mark.parametrize(
    ("headers", "became"),
    [
        ({"Auto_Submitted": "auto-replied"}, "automatic"),
        ({"List_Id": "<x.example>"}, "list"),
        ({"sender": "notify@alkawari.example"}, "own"),
    ],
)
def test_what_no_person_wrote_is_ignored_and_recorded(saaba, headers, became):
    reminded(saaba)

    done = saaba.heard(a_reply("Done", code=saaba.code_for(), **headers))

    assert done.as_dict() == {"answers": 0, "bounces": 0, "ignored": 1}
    assert saaba.became() == [became]
    assert saaba.programme.action().state is State.IN_PROGRESS


def test_a_message_of_ours_that_comes_back_is_no_answer(saaba):
    reminded(saaba)
    [ours] = [e.data for e in saaba.programme.postbox.taken if e.recipient == CHIEF]
    redirected = ours.replace(b"From: ", b"X-From: ").replace(b"Auto-", b"Old-")

    saaba.heard(b"From: chief@post.example\r\n" + redirected)

    assert saaba.became() == ["own"]


def test_a_mail_that_belongs_to_nothing_lies_in_the_mailbox_with_a_flag(saaba):
    reminded(saaba)

    done = saaba.heard(a_reply("Buy now", to=INBOX, sender="shop@else.example"))

    assert done.ignored == 1
    assert saaba.became() == ["unplaced"]
    assert saaba.mailbox.flags == {1: {"seen", "flagged"}}


def test_after_a_break_in_the_middle_nothing_is_lost_or_doubled(saaba):
    reminded(saaba, a_row(due=day(-5)), a_row(ref="SAA-02", due=day(-5)))
    reply = saaba.code_for()
    saaba.mailbox.put(
        a_reply(code("SAA-01", Verb.DONE, "en"), code=reply),
        a_reply(code("SAA-02", Verb.DONE, "en"), code=reply),
    )

    saaba.mailbox.breaks_at = 2
    assert "fetch" in saaba.collect().down
    saaba.mailbox.breaks_at = 0
    done = saaba.collect(LATER + timedelta(hours=1))

    assert done.answers == 1
    assert [verb for _by, verb, *_ in saaba.answers()] == ["done", "done"]


def test_a_reader_that_died_before_it_marked_takes_nothing_in_twice(saaba):
    reminded(saaba)
    saaba.mailbox.marks_nothing = True
    assert saaba.heard(a_reply("Done", code=saaba.code_for())).down
    saaba.mailbox.marks_nothing = False

    done = saaba.collect(LATER + timedelta(hours=1))

    assert done.as_dict() == {"answers": 0, "bounces": 0, "ignored": 0}
    assert len(saaba.answers()) == 1
    assert saaba.mailbox.flags == {1: {"seen"}}


def test_other_numbers_for_the_same_mails_change_nothing(saaba):
    reminded(saaba)
    saaba.heard(a_reply("Done", code=saaba.code_for()))

    saaba.mailbox.validity = 8
    saaba.mailbox.mails = {40: saaba.mailbox.mails[1]}
    saaba.mailbox.flags = {40: set()}
    saaba.collect()

    assert len(saaba.answers()) == 1
    assert saaba.mailbox.flags == {40: {"seen"}}


def test_a_mail_that_was_read_by_somebody_first_still_counts(saaba):
    reminded(saaba)
    saaba.heard(a_reply("Hello", to=INBOX, sender="x@else.example"))
    saaba.mailbox.put(a_reply("Done", code=saaba.code_for()))
    saaba.mailbox.flags[2] = {"seen"}

    saaba.collect()

    assert saaba.programme.action().state is State.REPORTED_DONE


def test_a_mail_that_is_gone_when_it_is_fetched_stops_nothing(saaba):
    reminded(saaba)
    saaba.mailbox.put(a_reply("x", to=INBOX), a_reply("Done", code=saaba.code_for()))
    listed = saaba.mailbox.waiting

    def vanishing(place, today, most):
        found = listed(place, today, most)
        saaba.mailbox.mails.pop(1, None)
        return found

    saaba.mailbox.waiting = vanishing
    saaba.collect()

    assert saaba.programme.action().state is State.REPORTED_DONE


def test_one_mail_that_fails_stays_unread_and_silences_no_other(saaba, monkeypatch):
    reminded(saaba)
    real = story.take_mail

    def fails_once(services, heard, now):
        if "Gone" in heard.received.text:
            raise RuntimeError("a defect")
        return real(services, heard, now)

    monkeypatch.setattr(story, "take_mail", fails_once)
    done = saaba.heard(
        a_reply("Gone", code=saaba.code_for()), a_reply("Done", code=saaba.code_for())
    )

    assert (done.failed, done.answers) == (1, 1)
    assert saaba.mailbox.flags == {1: set(), 2: {"seen"}}
    assert "failed" in saaba.became()
    monkeypatch.setattr(story, "take_mail", real)
    assert saaba.collect().answers == 1
    assert "failed" not in saaba.became()


def test_many_mails_are_read_in_several_batches(saaba):
    reminded(saaba)
    services = saaba.programme.services
    few = services.settings.inbox.model_copy(update={"at_once": 3})
    saaba.programme.services = replace(
        services, settings=services.settings.model_copy(update={"inbox": few})
    )

    done = saaba.heard(*(a_reply(f"{n}", to=INBOX, sender="x@else.example") for n in range(8)))

    assert done.ignored == 8
    assert saaba.mailbox.opened == 3


def test_a_mailbox_that_cannot_be_read_rests_and_is_tried_again(saaba):
    reminded(saaba)
    saaba.mailbox.refuses = "login: the server refused user and password"

    assert saaba.collect().down == saaba.mailbox.refuses
    assert saaba.collect(LATER + timedelta(seconds=1)).down
    assert saaba.mailbox.opened == 1  # a wrong password is not tried at every tick
    saaba.mailbox.refuses = ""
    assert not saaba.collect(LATER + timedelta(hours=1)).down
    with saaba.programme.services.database.read() as connection:
        assert not channel_state(connection, "inbox").get("opened_at")


def test_without_a_mailbox_nothing_is_read(saaba):
    saaba.programme.services = replace(saaba.programme.services, new_inbox=None)

    assert saaba.collect().down == story.NO_INBOX
