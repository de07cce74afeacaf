"""What leaves: when, to whom, bundled how, and what becomes of it, on a real database."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from builders import (
    MONDAY,
    PEOPLE,
    REJECTED,
    RETRY,
    SENT,
    UNKNOWN,
    Programme,
    a_dialogue,
    a_programme,
    a_row,
    at,
    day,
)
from sqlalchemy import select

from engine.action import Level, State
from engine.store.outbox_tables import MessageStatus, NoticeStatus, deliveries, messages
from engine.store.tables import people
from notifications.envelope import Outcome, Phase, Result
from workflows import record

NOW = at(MONDAY)
CHIEF, COORD = "chief@post.example", "coord@saaba.example"


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path)
    yield made
    made.close()


def status_of(programme: Programme, ref: str = "SAA-01") -> dict[tuple[str, str], NoticeStatus]:
    return {(row.rung, row.who): row.status for row in programme.notices(ref)}


def test_all_that_one_person_is_told_on_a_day_is_one_message_most_urgent_first(programme):
    programme.plan(
        a_row(ref="SAA-01", action="First step", due=MONDAY),
        a_row(ref="SAA-02", action="Second step", due=day(-60)),
        a_row(ref="SAA-03", action="Third step", due=day(-5)),
        now=NOW,
    )

    programme.run(NOW)

    assert programme.postbox.recipients.count(CHIEF) == 1
    [text] = programme.postbox.texts(CHIEF)
    places = [text.index(f"“{title} step”") for title in ("Second", "Third", "First")]
    assert places == sorted(places)


def test_a_second_message_waits_for_the_next_working_day_and_is_not_dropped(programme):
    programme.plan(a_row(ref="SAA-01", due=day(4)), now=at(day(4)))  # a Friday
    programme.run(at(day(4)))
    programme.plan(a_row(ref="SAA-02", due=day(-60)), now=at(day(4), 10))

    programme.run(at(day(4), 11))
    programme.run(at(day(5), 11))
    assert programme.postbox.recipients.count(CHIEF) == 1
    programme.run(at(day(7), 11))
    assert programme.postbox.recipients.count(CHIEF) == 2
    assert "SAA-02" in programme.postbox.texts(CHIEF)[1]


def test_one_action_is_spoken_of_twice_a_week_to_one_person_at_most(programme):
    programme.plan(a_row(ref="SAA-01", due=MONDAY), now=NOW)
    programme.run(NOW)
    for offset in (1, 2):  # two new dates, each of them due on its day: three things to say
        record.ask_reschedule(
            programme.services,
            programme.asked("SAA-01"),
            day(offset),
            "again",
            at(day(offset - 1), 17),
        )
        programme.run(at(day(offset)))

    assert programme.postbox.recipients.count(CHIEF) == 2
    waiting = [row for row in programme.notices() if row.status is NoticeStatus.PENDING]
    assert len(waiting) == 1
    assert waiting[0].due_at > at(day(2))


@pytest.mark.parametrize(
    ("hour", "minute", "leaves"),
    [(8, 29, False), (8, 30, True), (12, 0, True), (16, 29, True), (16, 30, False), (23, 0, False)],
)
def test_messages_leave_in_the_hours_of_the_person(programme, hour, minute, leaves):
    programme.plan(a_row(), now=NOW - timedelta(hours=9))

    programme.run(at(MONDAY, hour, minute))

    assert (CHIEF in programme.postbox.recipients) == leaves


def test_the_hours_are_those_of_the_persons_own_zone(programme):
    abroad = [{**p, "timezone": "Asia/Kathmandu"} if p["key"] == "chief" else dict(p)
              for p in PEOPLE]  # fmt: skip
    programme.plan(a_row(due=day(-60)), now=NOW, dialogues={"SAA": a_dialogue(people=abroad)})

    programme.run(at(MONDAY, 11))  # 16:45 in Kathmandu
    assert "deputy@post.example" in programme.postbox.recipients
    assert CHIEF not in programme.postbox.recipients
    programme.run(at(day(1), 2, 44))
    assert CHIEF not in programme.postbox.recipients
    programme.run(at(day(1), 2, 45))
    assert CHIEF in programme.postbox.recipients


@pytest.mark.parametrize("offset", [5, 6])
def test_nothing_leaves_on_a_rest_day(programme, offset):
    programme.plan(a_row(due=day(-60)), now=NOW)

    programme.run(at(day(offset)))

    assert programme.postbox.tried == []
    programme.run(at(day(7)))
    assert CHIEF in programme.postbox.recipients


def test_nothing_leaves_on_friday_noon_where_the_dialogue_says_so(programme):
    programme.plan(a_row(due=day(-60)), now=NOW, dialogues={"SAA": a_dialogue(friday_pause="yes")})

    programme.run(at(day(4), 12))
    assert programme.postbox.tried == []
    programme.run(at(day(4), 15))
    assert CHIEF in programme.postbox.recipients


@pytest.mark.parametrize("scope", ["action", "dialogue", "programme"])
def test_what_is_on_hold_waits_and_leaves_when_it_is_lifted(programme, scope):
    programme.plan(a_row(due=day(-60)), a_row(ref="SAA-02", due=day(-60), responsible="Elders"),
                   now=NOW)  # fmt: skip
    action = programme.action()
    scopes = {"action": (None, action.id), "dialogue": (action.dialogue_id, None),
              "programme": (None, None)}  # fmt: skip
    record.hold(programme.services, scopes[scope], from_on=MONDAY, until_on=None, by="coord",
                reason="funeral")  # fmt: skip

    programme.run(NOW)
    programme.run(at(day(1)))
    assert CHIEF not in programme.postbox.recipients
    assert ("elder@elders.example" in programme.postbox.recipients) == (scope == "action")

    record.resume(programme.services, scopes[scope], at(day(2)))
    programme.run(at(day(2)))
    assert programme.postbox.recipients.count(CHIEF) == 1


def test_a_hold_of_some_days_ends_by_itself(programme):
    programme.plan(a_row(due=day(-60)), now=NOW)
    record.hold(programme.services, (None, None), from_on=day(1), until_on=day(2), by="coord",
                reason="election")  # fmt: skip

    for offset in (1, 2):
        programme.run(at(day(offset)))
    assert programme.postbox.tried == []
    programme.run(at(day(3)))
    assert CHIEF in programme.postbox.recipients


def test_a_hold_also_stops_what_was_to_be_tried_again(programme):
    programme.plan(a_row(due=day(-60)), now=NOW)
    programme.sweep(NOW)
    programme.postbox.answers = [RETRY] * 9
    programme.deliver(NOW)
    tried = len(programme.postbox.tried)
    programme.postbox.answers = []
    record.hold(programme.services, (None, None), from_on=MONDAY, until_on=None, by="coord",
                reason="panic pause")  # fmt: skip

    programme.deliver(at(MONDAY, 15))

    assert len(programme.postbox.tried) == tried


@pytest.mark.parametrize(
    "change",
    [
        lambda p, now: p.report("SAA-01", Level.COMPLETED, "chief", now),
        lambda p, now: p.report("SAA-01", Level.INTERMEDIATE, "chief", now),
        lambda p, now: p.move("SAA-01", State.WITHDRAWN, "coord", now, reason="no"),
        lambda p, now: record.ask_reschedule(p.services, p.asked("SAA-01"), day(90), "ok", now),
    ],
)
def test_what_is_no_longer_true_is_struck_and_recorded(programme, change):
    programme.plan(a_row(due=day(-60)), now=NOW)
    programme.sweep(at(MONDAY, 6))
    change(programme, at(MONDAY, 7))

    delivered = programme.deliver(NOW)

    assert CHIEF not in programme.postbox.recipients
    struck = [row for row in programme.notices() if row.status is NoticeStatus.STRUCK]
    assert {row.rung for row in struck} == {"R2", "call:R2"}
    assert all(row.outcome for row in struck)
    assert delivered.struck == len(struck)


def test_only_what_is_untrue_is_struck_from_a_bundle(programme):
    programme.plan(a_row(ref="SAA-01", due=day(-60)), a_row(ref="SAA-02", due=day(-60)), now=NOW)
    programme.sweep(at(MONDAY, 6))
    programme.report("SAA-01", Level.COMPLETED, "chief", at(MONDAY, 7))

    programme.deliver(NOW)

    [text] = programme.postbox.texts(CHIEF)
    assert "SAA-02" in text
    assert "SAA-01" not in text


def test_of_two_rungs_that_waited_only_the_later_one_is_said(programme):
    programme.plan(a_row(), now=NOW)
    for offset in (3, 14):  # nobody delivered for two weeks
        programme.sweep(at(day(offset)))

    programme.deliver(at(day(14)))

    assert programme.postbox.recipients.count(CHIEF) == 1
    assert status_of(programme)["R1", "chief"] is NoticeStatus.STRUCK
    assert status_of(programme)["R2", "chief"] is NoticeStatus.SENT


def test_today_is_the_day_does_not_leave_on_the_day_after(programme):
    programme.plan(a_row(), now=NOW)
    programme.sweep(at(MONDAY, 18))

    programme.run(at(day(1)))

    assert programme.postbox.tried == []
    assert status_of(programme) == {("P3", "chief"): NoticeStatus.STRUCK}


def test_a_pause_makes_what_waits_wait_longer(programme):
    programme.plan(a_row(), now=NOW)
    programme.sweep(at(day(3), 6))
    programme.report("SAA-01", Level.NOT_INITIATED, "chief", at(day(3), 7))

    programme.run(at(day(3)))
    assert programme.postbox.tried == []
    for offset in range(4, 18):
        programme.run(at(day(offset)))

    assert programme.postbox.recipients.count(CHIEF) == 1


@pytest.mark.parametrize("handling", ["restricted", "closed"])
def test_a_mail_about_what_is_not_for_everybody_does_not_say_what_it_is(programme, handling):
    title = "Hand back the seized motorcycles"
    programme.plan(
        a_row(action=title, commitment="The motorcycles go back to their owners.",
              due=day(-60), handling=handling, notes="ask the second brigade"),
        now=NOW,
    )  # fmt: skip

    for offset in range(20):
        programme.run(at(day(offset)))

    assert programme.postbox.taken
    for envelope in programme.postbox.taken:
        [text] = [programme.postbox.texts(envelope.recipient)[0]]
        assert "SAA-01" in text
        assert title not in text
        assert "motorcycles" not in text
        assert "second brigade" not in text
        if handling == "closed":
            assert "Police post" not in text
    if handling == "closed":
        assert set(programme.postbox.recipients) == {CHIEF, COORD}


# -- what the server says


def later(programme: Programme, now: datetime) -> datetime:
    [row] = programme.rows(select(messages.c.available_at).where(messages.c.recipient == CHIEF))
    assert row.available_at > now
    return row.available_at


@pytest.mark.parametrize("answer", [RETRY, UNKNOWN])
def test_a_message_that_did_not_arrive_is_sent_again_with_the_same_bytes_and_id(programme, answer):
    programme.plan(a_row(), now=NOW)
    programme.postbox.answers = [answer]

    programme.run(NOW)
    again_at = later(programme, NOW)
    programme.deliver(again_at - timedelta(seconds=1))
    assert len(programme.postbox.tried) == 1
    programme.deliver(again_at)

    first, second = programme.postbox.tried
    assert (first.data, first.message_id) == (second.data, second.message_id)
    assert programme.postbox.taken == [second]
    outcomes = [row.outcome for row in programme.rows(select(deliveries).order_by(deliveries.c.id))]
    assert outcomes == [answer.outcome, Outcome.SENT]
    [stored] = programme.rows(select(messages))
    assert (stored.body, stored.mime_id) == (first.data, first.message_id)


def test_greylisting_is_not_hurried(programme):
    programme.plan(a_row(), now=NOW)
    programme.postbox.answers = [RETRY]

    programme.run(NOW)

    assert later(programme, NOW) >= NOW + timedelta(minutes=5)


def test_a_retry_leaves_out_what_is_no_longer_true_and_what_may_have_arrived_keeps_its_bytes(
    programme,
):
    programme.plan(a_row(ref="SAA-01"), a_row(ref="SAA-02"), now=NOW)
    programme.postbox.answers = [RETRY]
    programme.run(NOW)
    programme.report("SAA-01", Level.COMPLETED, "chief", at(MONDAY, 10))

    programme.deliver(at(MONDAY, 15))

    [text] = programme.postbox.texts(CHIEF)
    assert "SAA-02" in text
    assert "SAA-01" not in text
    first, second = (e for e in programme.postbox.tried if e.recipient == CHIEF)
    assert first.message_id == second.message_id


def test_a_message_of_which_nothing_is_true_any_more_is_not_tried_again(programme):
    programme.plan(a_row(), now=NOW)
    programme.postbox.answers = [RETRY]
    programme.run(NOW)
    programme.report("SAA-01", Level.COMPLETED, "chief", at(MONDAY, 10))

    programme.deliver(at(MONDAY, 15))

    assert programme.postbox.recipients == []
    [stored] = programme.rows(select(messages).where(messages.c.recipient == CHIEF))
    assert stored.status is MessageStatus.STRUCK


def test_a_refused_address_is_flagged_and_the_coordinator_is_told_once(programme):
    programme.postbox.for_address = {CHIEF: REJECTED}
    programme.plan(a_row(ref="SAA-01"), a_row(ref="SAA-02"), now=NOW)

    for offset in range(5):
        programme.run(at(day(offset)))

    assert [e.recipient for e in programme.postbox.tried].count(CHIEF) == 1
    [chief] = programme.rows(select(people).where(people.c.key == "chief"))
    assert chief.flagged == "no such mailbox"
    contacts = [row for ref in ("SAA-01", "SAA-02") for row in programme.notices(ref)
                if row.kind == "contact"]  # fmt: skip
    assert [row.who for row in contacts] == ["coord"]


def test_retries_end_in_failure_and_the_coordinator_is_told(programme):
    always = Result(outcome=Outcome.RETRY, phase=Phase.RCPT, code=450, text="later")
    programme.postbox.for_address = {CHIEF: always}
    programme.plan(a_row(due=day(-3)), now=NOW)

    now = NOW
    for _ in range(120):
        programme.run(now)
        now += timedelta(hours=3)

    [stored] = programme.rows(select(messages).where(messages.c.recipient == CHIEF))
    assert (stored.status, stored.attempt) == (MessageStatus.FAILED, 8)
    assert ("contact", "coord") in programme.said()


def test_a_broken_channel_uses_up_nobodys_attempts_and_is_left_alone_for_a_while(programme):
    down = Result(outcome=Outcome.RETRY, phase=Phase.CONNECT, text="refused", channel_down=True)
    programme.plan(a_row(due=day(-60)), now=NOW)
    programme.postbox.answers = [down]

    programme.sweep(NOW)
    first = programme.deliver(NOW)
    again = programme.deliver(NOW)

    assert len(programme.postbox.tried) == 1
    assert first.channel_down == "connect: refused"
    assert (again.sent, again.channel_down) == (0, "connect: refused")
    assert {row.attempt for row in programme.rows(select(messages))} == {0}
    for minutes in (10, 30, 60):
        programme.deliver(NOW + timedelta(minutes=minutes))
    assert sorted(programme.postbox.recipients) == sorted({CHIEF, COORD, "deputy@post.example"})


def test_a_malformed_address_stops_nobody_else(programme):
    programme.plan(a_row(due=day(-60)), now=NOW)
    with programme.services.database.write() as connection:
        connection.execute(
            people.update().where(people.c.key == "chief").values(email="not an address")
        )

    programme.run(NOW)

    assert {COORD, "deputy@post.example"} <= set(programme.postbox.recipients)
    [chief] = programme.rows(select(people).where(people.c.key == "chief"))
    assert chief.flagged


def test_a_worker_that_died_loses_nothing_and_its_message_goes_out_with_the_same_id(programme):
    class Killed(BaseException):
        pass

    class Dying:
        def deliver(self, envelope):
            programme.postbox.tried.append(envelope)
            raise Killed

        def close(self):
            pass

    alive = programme.services
    programme.plan(a_row(), now=NOW)
    programme.sweep(NOW)
    from dataclasses import replace

    programme.services = replace(alive, new_mailer=Dying)
    with pytest.raises(Killed):
        programme.deliver(NOW)
    programme.services = alive
    assert programme.deliver(NOW).sent == 0  # the lease still runs
    with programme.services.database.write() as connection:
        connection.execute(messages.update().values(leased_until_at=NOW - timedelta(days=4000)))

    programme.deliver(NOW)

    first, second = programme.postbox.tried
    assert (first.message_id, first.data) == (second.message_id, second.data)
    assert programme.postbox.taken == [second]


def test_whoever_becomes_unreachable_before_the_hour_is_not_written_to(programme):
    programme.plan(a_row(due=day(-60)), now=NOW)
    programme.sweep(NOW)
    with programme.services.database.write() as connection:
        connection.execute(people.update().where(people.c.key == "chief").values(email=""))

    programme.run(NOW)

    assert CHIEF not in programme.postbox.recipients
    assert status_of(programme)["R2", "chief"] is NoticeStatus.UNDELIVERABLE


def test_every_message_has_an_id_of_its_own(programme):
    programme.plan(*(a_row(ref=f"SAA-{n:02}", due=day(-60)) for n in range(1, 4)), now=NOW)
    for offset in range(10):
        programme.run(at(day(offset)))

    ids = [envelope.message_id for envelope in programme.postbox.taken]
    assert len(ids) == len(set(ids)) > 3
    assert SENT.outcome is Outcome.SENT
