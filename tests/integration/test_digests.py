"""Digests made from the history, sent once, and kept back as other messages are."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from builders import (
    PEOPLE,
    REJECTED,
    UNKNOWN,
    Programme,
    a_dialogue,
    a_programme,
    a_row,
    at,
    day,
)
from sqlalchemy import select, update

from engine.action import Level, State
from engine.digest import DigestKind
from engine.digest_record import as_record, record_text
from engine.errors import BadValue
from engine.ladder import DEFAULT, Via
from engine.store.answer_tables import digests
from engine.store.counting import count
from engine.store.directory import Directory
from engine.store.outbox_tables import MessageSort, messages
from engine.store.tables import dialogues, people
from notifications.envelope import Envelope, Result
from workflows import record
from workflows.digest_round import Rounded, send_digests, stop_digest, subscribed
from workflows.digests import make_digest

FIRST = day(0)
"""Monday, 1 June 2026: the first working day of a week and of a month."""


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path)
    made.plan(
        a_row(due=day(-60)),
        a_row(ref="SAA-02", responsible="Elders", due=day(-20), action="Lamps"),
        a_row(ref="SAA-03", responsible="Town hall", verifier="Elders", due=day(30),
              handling="restricted", action="A hidden title"),
        a_row(ref="SAA-04", due=day(4), state="agreed", handling="public"),
        a_row(ref="SAA-05", responsible="Elders", due=day(-3), depends_on="SAA-04"),
        now=at(day(-45)),
    )  # fmt: skip
    yield made
    made.close()


def live_on(programme: Programme, last: int, first: int = -44) -> None:
    """Sweeps and deliveries each day, and people who do something now and then."""
    for number in range(first, last + 1):
        now = at(day(number))
        if number == -30:
            programme.report("SAA-02", Level.MINIMUM, "elder", now)
        if number == -18:
            programme.move("SAA-03", State.REPORTED_DONE, "mayor", now, note="built")
        if number == -14:
            asked = programme.asked("SAA-01")
            record.log_call(programme.services, asked, "spoken", reached=True, now=now)
        if number == -7:
            programme.move("SAA-03", State.VERIFIED, "elder", now, method="seen", seen="it stands")
        if number == -4:
            asked = programme.asked("SAA-02")
            record.ask_reschedule(programme.services, asked, day(20), "rain", now)
        programme.run(now)


def said(
    programme: Programme, now: datetime, kind: DigestKind = DigestKind.MANAGER, **asked: str
) -> str:
    return record_text(make_digest(programme.services, kind, as_of=now, **asked).figures)


def mails(programme: Programme, to: str) -> list[EmailMessage]:
    """The digests that arrived at an address."""
    found = [
        message_from_bytes(e.data, policy=policy.default)
        for e in programme.postbox.taken
        if e.recipient == to
    ]
    return [mail for mail in found if "igest" in str(mail["Subject"])]  # type: ignore[misc]


def sent(programme: Programme) -> list[Any]:
    m = messages.c
    return programme.rows(select(m.id, m.status).where(m.sort == MessageSort.DIGEST.value))


def test_a_digest_of_a_past_day_is_the_one_that_was_made_on_it(programme: Programme) -> None:
    asked = [
        (DigestKind.MANAGER, {}), (DigestKind.MANAGER, {"person": "manager"}),
        (DigestKind.COORDINATOR, {"person": "coord"}), (DigestKind.MANAGER, {"dialogue": "SAA"}),
    ]  # fmt: skip
    then: dict[int, list[tuple[str, str]]] = {}
    for number in range(-44, 30, 6):
        live_on(programme, number, number - 5 if number > -44 else number)
        made = [make_digest(programme.services, k, as_of=at(day(number)), **a) for k, a in asked]
        then[number] = [(record_text(one.figures), one.fingerprint) for one in made]

    for number, before in then.items():
        again = [make_digest(programme.services, k, as_of=at(day(number)), **a) for k, a in asked]
        assert [(record_text(one.figures), one.fingerprint) for one in again] == before
    assert len({texts[0] for texts in then.values()}) == len(then)


def test_the_archive_keeps_what_can_be_made_again(programme: Programme) -> None:
    live_on(programme, 0)
    assert send_digests(programme.services, at(FIRST)).queued == 2
    live_on(programme, 20, 1)

    kept = programme.rows(select(digests))

    assert len(kept) == 2
    for row in kept:
        who = {"coordinator": "coord", "manager": "manager"}[row.digest]
        made = make_digest(
            programme.services, DigestKind(row.digest), as_of=row.as_of_at, person=who
        )
        assert (record_text(made.figures), made.fingerprint) == (row.figures, row.fingerprint)
        assert row.fingerprint


@pytest.mark.parametrize("number", [-45, -30, -10, 0, 25])
def test_the_figures_are_those_of_the_status(programme: Programme, number: int) -> None:
    live_on(programme, number)
    now = at(day(number))

    with programme.services.database.read() as connection:
        directory = Directory(connection, programme.services.ladder)
        counts = count(directory, now, programme.services.thresholds)
    figures = as_record(make_digest(programme.services, DigestKind.MANAGER, as_of=now).figures)

    told = {name: n for name, n in counts.conditions.items() if name != "unreachable"}
    assert figures["conditions"] == told
    assert {s: n for s, n in figures["by_state"].items() if n} == {
        s: n for s, n in counts.by_state.items() if n
    }
    assert figures["total"] == counts.total


def test_each_reader_gets_theirs_once_whatever_runs_how_often(programme: Programme) -> None:
    live_on(programme, -1)
    now = at(FIRST)

    threads = [Thread(target=send_digests, args=(programme.services, now)) for _n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for later in range(4):
        send_digests(programme.services, now + timedelta(hours=later))
        programme.run(now + timedelta(hours=later))

    [manager] = mails(programme, "manager@programme.example")
    [coordinator] = mails(programme, "coord@saaba.example")
    assert manager["Subject"] == "[Alkawari] Monthly digest, June 2026"
    assert coordinator["Subject"] == "[Saaba] Weekly digest, Monday, 1 June 2026"
    assert "A hidden title" not in str(manager) + str(coordinator)


def test_a_digest_and_a_reminder_may_come_on_one_day(programme: Programme) -> None:
    live_on(programme, -1)
    send_digests(programme.services, at(FIRST))
    live_on(programme, 0, 0)

    days = programme.rows(
        select(messages.c.sort).join(people, people.c.id == messages.c.person_id).where(
            people.c.key == "coord", messages.c.day == FIRST
        )
    )  # fmt: skip

    assert MessageSort.DIGEST in {row.sort for row in days}


@pytest.mark.parametrize(("hour", "queued"), [(7, 0), (8, 2)])
def test_it_is_made_from_its_hour_on_and_leaves_in_the_window(
    programme: Programme, hour: int, queued: int
) -> None:
    early = at(FIRST, hour, 10)

    assert send_digests(programme.services, early).queued == queued
    programme.run(early)
    assert not mails(programme, "manager@programme.example")
    programme.run(at(FIRST, 9))

    assert len(mails(programme, "manager@programme.example")) == queued // 2


def test_after_days_off_it_is_made_good_and_after_many_it_is_not(programme: Programme) -> None:
    wednesday, thursday = at(day(2)), at(day(3))

    assert send_digests(programme.services, wednesday).queued == 2
    assert send_digests(programme.services, at(day(10))).queued == 0
    assert send_digests(programme.services, thursday + timedelta(days=7)).queued == 0
    assert send_digests(programme.services, at(day(14))).queued == 1
    assert send_digests(programme.services, at(day(30))).queued == 2  # Wednesday, 1 July


def test_a_digest_whose_fate_is_unknown_is_not_sent_again(programme: Programme) -> None:
    subscribed(programme.services, "coord", DigestKind.COORDINATOR, "never", workbook=False)
    send_digests(programme.services, at(FIRST))
    programme.postbox.answers = [UNKNOWN]
    programme.deliver(at(FIRST))

    for hours in (1, 5, 30, 60):
        programme.deliver(at(FIRST) + timedelta(hours=hours))

    assert len(programme.postbox.tried) == 1
    assert [row.status.value for row in sent(programme)] == ["struck"]


def test_what_a_killed_worker_had_not_begun_is_still_sent(programme: Programme) -> None:
    send_digests(programme.services, at(FIRST))
    hand_over = programme.postbox.deliver

    def is_killed(envelope: Envelope) -> Result:
        programme.postbox.tried.append(envelope)
        raise KeyboardInterrupt

    programme.postbox.deliver = is_killed  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        programme.deliver(at(FIRST))
    programme.postbox.deliver = hand_over  # type: ignore[method-assign]
    with programme.services.database.write() as connection:
        connection.execute(update(messages).values(leased_until_at=at(FIRST)))

    programme.deliver(at(FIRST))

    assert sorted(row.status.value for row in sent(programme)) == ["sent", "struck"]
    assert len({envelope.recipient for envelope in programme.postbox.tried}) == 2


def test_a_pause_of_the_programme_keeps_digests_back_too(programme: Programme) -> None:
    send_digests(programme.services, at(FIRST))
    now, nowhere = at(FIRST, 10), (None, None)
    record.hold(
        programme.services, nowhere, from_on=day(-1), until_on=None, by="coord", reason="unrest"
    )

    programme.deliver(now)
    assert not programme.postbox.tried
    assert send_digests(programme.services, at(day(7))) == Rounded()
    record.resume(programme.services, nowhere, now)
    programme.deliver(now + timedelta(minutes=20))

    assert len(mails(programme, "coord@saaba.example")) == 1
    assert len(mails(programme, "manager@programme.example")) == 1


def test_a_hold_begins_with_the_day_of_the_reader(database_url: str, tmp_path: Path) -> None:
    made = a_programme(database_url, tmp_path)
    made.plan(
        a_row(due=day(-60)), now=at(day(-45)), dialogues={"SAA": far_east()}
    )  # fmt: skip
    send_digests(made.services, at(FIRST))
    with made.services.database.read() as connection:
        dialogue = connection.scalar(select(dialogues.c.id))
    record.hold(
        made.services, (dialogue, None), from_on=day(1), until_on=day(1), by="coord", reason="feast"
    )

    made.deliver(at(FIRST, 20, 45))  # on Tuesday at 8:45, in Auckland
    assert not mails(made, "coord@saaba.example")

    made.deliver(at(day(1), 20, 45))
    assert len(mails(made, "coord@saaba.example")) == 1
    made.close()


def far_east() -> dict[str, Any]:
    return a_dialogue(people=[dict(person) for person in PEOPLE], timezone="Pacific/Auckland")


def test_who_wants_none_gets_none_and_who_wants_more_gets_more(programme: Programme) -> None:
    services = programme.services
    subscribed(services, "coord", DigestKind.COORDINATOR, "never", workbook=False)
    subscribed(services, "manager", DigestKind.MANAGER, "weekly", workbook=True)

    for number in range(15):
        send_digests(services, at(day(number)))
        programme.deliver(at(day(number)))

    weekly = mails(programme, "manager@programme.example")
    assert len(weekly) == 3
    assert not mails(programme, "coord@saaba.example")
    assert [part.get_filename() for part in weekly[0].iter_attachments()] == [
        "digest-2026-06-01.xlsx"
    ]
    with pytest.raises(BadValue, match="is no manager"):
        subscribed(services, "coord", DigestKind.MANAGER, "weekly", workbook=False)


def test_a_stop_ends_that_digest_and_one_that_is_under_way(programme: Programme) -> None:
    send_digests(programme.services, at(FIRST))
    for row in sent(programme):
        with programme.services.database.write() as connection:
            assert stop_digest(connection, row.id)
            assert not stop_digest(connection, 10_000)

    programme.deliver(at(FIRST))

    assert not programme.postbox.tried
    assert send_digests(programme.services, at(day(7))) == Rounded()


def test_a_refused_address_is_flagged_and_gets_no_more(programme: Programme) -> None:
    programme.postbox.for_address["manager@programme.example"] = REJECTED
    send_digests(programme.services, at(FIRST))
    programme.deliver(at(FIRST))

    assert send_digests(programme.services, at(day(30))).queued == 1  # the coordinator's


def test_one_that_cannot_be_made_keeps_nobody_from_theirs(
    programme: Programme, monkeypatch: pytest.MonkeyPatch
) -> None:
    import workflows.digest_round as rounds

    make = rounds.make_digest

    def fails_for_managers(services: Any, kind: DigestKind, **asked: Any) -> Any:
        if kind is DigestKind.MANAGER:
            raise OSError("disk")
        return make(services, kind, **asked)

    monkeypatch.setattr(rounds, "make_digest", fails_for_managers)
    assert send_digests(programme.services, at(FIRST)) == Rounded(queued=1, failed=1, handled=1)
    monkeypatch.undo()
    assert send_digests(programme.services, at(FIRST)).queued == 1


def test_what_waits_for_the_coordinator_is_in_the_week(programme: Programme) -> None:
    live_on(programme, 0)

    lists = json.loads(said(programme, at(FIRST), DigestKind.COORDINATOR, person="coord"))["lists"]

    named = {name: [e["ref"] for e in listed["entries"]] for name, listed in lists.items()}
    assert named["due_soon"] == ["SAA-04"]
    assert "SAA-01" in named["past_day"]
    assert set(named["calls"]) <= {"SAA-01", "SAA-02", "SAA-05"}


def test_with_an_inbox_the_reply_the_bounce_and_the_stop_have_addresses_of_their_own(
    programme: Programme,
) -> None:
    services = programme.services
    services = replace(services, office=replace(services.office, inbox="answers@p.example"))
    send_digests(services, at(FIRST))
    programme.deliver(at(FIRST))

    [mail] = mails(programme, "manager@programme.example")

    code = str(mail["Reply-To"]).removeprefix("answers+r").removesuffix("@p.example")
    assert len(code) == 16
    assert f"answers+s{code}@p.example" in str(mail["List-Unsubscribe"])
    body = mail.get_body(("plain",))
    assert body
    assert f"answers+s{code}@p.example" in body.get_content()


def test_who_has_lost_the_role_gets_no_digest(programme: Programme) -> None:
    with programme.services.database.write() as connection:
        connection.execute(update(people).where(people.c.key == "manager").values(email=""))

    assert send_digests(programme.services, at(FIRST)).queued == 1


def test_a_rung_that_travels_in_the_digest_is_in_it_until_it_is_answered(
    database_url: str, tmp_path: Path
) -> None:
    rungs = tuple(
        replace(rung, via=Via.DIGEST) if rung.name == "E4" else rung for rung in DEFAULT.rungs
    )
    made = a_programme(database_url, tmp_path, ladder=replace(DEFAULT, rungs=rungs))
    made.plan(a_row(due=day(-120)), now=at(day(-130)))
    for number in range(-110, 1):
        made.run(at(day(number)))

    posted = json.loads(said(made, at(FIRST), person="manager"))["lists"]["posted"]
    made.move("SAA-01", State.REPORTED_DONE, "chief", at(day(1)), note="done")
    after = json.loads(said(made, at(day(1)), person="manager"))["lists"]["posted"]
    made.close()

    assert [entry["ref"] for entry in posted["entries"]] == ["SAA-01"]
    assert after["count"] == 0
    assert not mails(made, "manager@programme.example")
