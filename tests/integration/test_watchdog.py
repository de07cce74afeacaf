"""Whatever is later than it may be, or leads nowhere, ends at a person, and is recorded."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from builders import (
    MONDAY,
    PEOPLE,
    RETRY,
    Programme,
    a_dialogue,
    a_programme,
    a_row,
    at,
    day,
)
from sqlalchemy import delete, select, update
from text_builders import DOWN, by_text, with_phones

from config.settings import InboxPart
from engine.store.auditing import beat
from engine.store.outbox_tables import NoticeStatus, heartbeats, notices
from engine.store.tables import actions, people
from engine.watch import Watch
from workflows import record
from workflows.audit import audit
from workflows.watchdog import Watched, watch

NOW = at(MONDAY)


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path)
    yield made
    made.close()


def barks(programme: Programme) -> list[tuple[str, str, NoticeStatus]]:
    """(what, who, status) of each notice of the watchdog."""
    rows = programme.rows(
        select(notices.c.rung, people.c.key, notices.c.status)
        .join(people, people.c.id == notices.c.person_id)
        .where(notices.c.kind == "watchdog")
        .order_by(notices.c.id)
    )
    return [(row.rung.removeprefix("watch:"), row.key, row.status) for row in rows]


def set_all(programme: Programme, table, **values) -> None:
    with programme.services.database.write() as connection:
        connection.execute(update(table).values(**values))


def looked(programme: Programme, now) -> Watched:
    return watch(programme.services, now)


def test_a_month_in_which_all_goes_well_makes_no_notice(programme):
    programme.plan(
        a_row(due=day(20)),
        a_row(ref="SAA-02", due=day(40), responsible="Elders"),
        now=NOW,
    )

    for offset in range(30):
        for hour in (0, 9, 12, 17):
            programme.run(at(day(offset), hour))
            found = audit(programme.services, at(day(offset), hour))
            assert found.well
            assert not found.watched.found
    assert barks(programme) == []
    assert "watched" not in programme.history()


def test_a_party_that_nobody_can_reach_is_told_to_the_coordinator_once_a_week(programme):
    without = [
        {k: v for k, v in person.items() if k != "email"} if person["key"] == "chief" else person
        for person in PEOPLE
    ]
    programme.plan(
        a_row(due=day(40)),
        a_row(ref="SAA-02", due=day(50)),
        now=NOW,
        dialogues={"SAA": a_dialogue(people=without)},
    )

    for offset in range(14):
        programme.run(at(day(offset)))
        looked(programme, at(day(offset)))
    programme.run(at(day(14)))

    assert [(what, who) for what, who, _s in barks(programme)] == [("unreachable", "coord")] * 2
    assert programme.history().count("watched") == 2
    [letter, *_more] = programme.postbox.texts("coord@saaba.example")
    assert "somebody of the party who can be written to or called" in " ".join(letter.split())


def test_a_telephone_is_a_way_to_reach_somebody(programme):
    with_phone = with_phones(chief={"channel": "call", "phone": "+22670123401", "email": ""})
    programme.plan(a_row(due=day(40)), now=NOW, dialogues=with_phone)

    assert not looked(programme, NOW).found


def test_a_notice_that_could_have_left_a_day_ago_is_told_and_nobody_hears_it_twice(programme):
    programme.plan(a_row(due=day(-5)), now=NOW)
    programme.sweep(NOW)

    assert not looked(programme, at(day(1), 9)).found
    assert looked(programme, at(day(1), 10)).found == {Watch.UNSAID: 1}
    assert looked(programme, at(day(1), 11)).told == 0
    assert [what for what, _who, _s in barks(programme)] == ["unsaid"]


def test_a_weekend_is_not_late(programme):
    programme.plan(a_row(due=day(-5)), now=at(day(4), 17))  # Friday, after hours
    programme.sweep(at(day(4), 17))

    for offset in (5, 6):
        assert not looked(programme, at(day(offset), 20)).found
    assert not looked(programme, at(day(7), 9)).found
    assert looked(programme, at(day(8), 9)).found == {Watch.UNSAID: 1}


def test_what_is_on_hold_is_not_late(programme):
    programme.plan(a_row(due=day(-5)), now=NOW)
    programme.sweep(NOW)
    record.hold(programme.services, (None, None), from_on=MONDAY, until_on=day(9), by="coord",
                reason="election")  # fmt: skip

    assert not looked(programme, at(day(3))).found


def test_what_is_well_again_is_not_said(programme):
    programme.plan(a_row(due=day(-5)), now=NOW)
    programme.sweep(NOW)
    looked(programme, at(day(1), 17))

    programme.run(at(day(2)))  # the reminder leaves, and the notice about it with it or not at all
    looked(programme, at(day(2), 10))
    programme.run(at(day(3)))

    [(_what, _who, status)] = barks(programme)
    assert status in {NoticeStatus.SENT, NoticeStatus.STRUCK}
    assert not looked(programme, at(day(3))).found


def test_an_action_that_nobody_looked_at_is_told(programme):
    programme.plan(a_row(due=day(-5)), now=NOW)

    assert looked(programme, at(MONDAY, 11)).found == {Watch.UNLOOKED: 1}
    assert not audit(programme.services, at(MONDAY, 11)).well


def test_an_owed_action_that_is_never_to_be_looked_at_again_is_told(programme):
    programme.plan(a_row(due=day(30)), now=NOW)
    programme.run(NOW)
    set_all(programme, actions, next_check_at=None)

    assert looked(programme, NOW).found == {Watch.UNLOOKED: 1}


def test_a_rung_that_was_reached_and_not_said_is_told(programme):
    programme.plan(a_row(due=day(-30)), now=NOW)
    set_all(programme, actions, next_check_at=at(day(300)))

    assert looked(programme, NOW).found == {Watch.UNLOOKED: 1}
    assert [what for what, _who, _s in barks(programme)] == ["unlooked"]


def test_an_action_that_cannot_be_decided_about_is_told(programme):
    programme.plan(a_row(due=day(-30)), now=NOW)
    set_all(programme, actions, next_check_at=at(day(300)), anchor_on=None, episode=-1)

    assert looked(programme, NOW).found == {Watch.UNLOOKED: 1}


def test_a_call_that_nobody_makes_is_told_again(programme):
    programme.plan(
        a_row(due=day(-5)),
        now=NOW,
        dialogues=with_phones(chief={"channel": "call", "phone": "+22670123401", "email": ""}),
    )
    for offset in range(14):
        programme.run(at(day(offset)))
        assert not looked(programme, at(day(offset))).found
    programme.run(at(day(15)))

    assert looked(programme, at(day(15), 10)).found == {Watch.UNCALLED: 1}
    asked = programme.asked("SAA-01")
    record.log_call(programme.services, asked, "spoke", reached=True, now=at(day(15), 11))
    assert not looked(programme, at(day(15), 12)).found


def test_a_release_that_nobody_decides_is_told(programme):
    programme.plan(a_row(due=day(-90)), now=NOW)
    for offset in range(60):
        programme.run(at(day(offset)))
    waiting = [row for row in programme.notices() if row.status is NoticeStatus.UNRELEASED]
    assert waiting

    found = looked(programme, at(day(60)))

    assert found.found[Watch.UNRELEASED] == 1
    assert ("unreleased", "coord") in {(what, who) for what, who, _s in barks(programme)}


def test_a_mail_server_that_is_down_for_a_day_is_posted_where_it_can_be_seen(programme):
    programme.plan(a_row(due=day(-5)), now=NOW)
    programme.sweep(NOW)
    programme.postbox.answers = [replace(RETRY, channel_down=True)] * 99
    for hour in range(9, 16):
        programme.deliver(at(MONDAY, hour))
    for hour in range(9, 16):
        programme.deliver(at(day(1), hour))

    found = audit(programme.services, at(day(1), 16))

    assert found.watched.found[Watch.UNSENT] == 1
    assert not found.well
    assert ("unsent", "coord", NoticeStatus.POSTED) in barks(programme)


def test_a_gateway_that_is_down_for_a_day_is_told_by_mail(programme):
    handset = by_text(programme)
    handset.always = DOWN
    programme.plan(a_row(due=day(-5)), now=NOW, dialogues=with_phones())
    for offset in (0, 1):
        for hour in range(9, 16):
            programme.run(at(day(offset), hour))

    assert looked(programme, at(day(1), 16)).found == {Watch.UNSENT: 1}
    programme.run(at(day(2)))

    assert ("unsent", "coord", NoticeStatus.SENT) in barks(programme)
    assert any(
        "no server or gateway" in text for text in programme.postbox.texts("coord@saaba.example")
    )


def test_answers_that_nobody_reads_are_told_where_there_is_a_mailbox(programme):
    programme.plan(a_row(due=day(-5)), now=NOW)
    programme.run(NOW)
    settings = programme.services.settings.model_copy(
        update={"inbox": InboxPart(address="a@b.example", host="localhost")}
    )
    services = replace(programme.services, settings=settings)

    assert not watch(services, at(day(1))).found  # it never ran here
    with programme.services.database.write() as connection:
        beat(connection, "collect", NOW, {})
    assert not watch(services, NOW + timedelta(hours=5)).found
    assert watch(services, NOW + timedelta(hours=7)).found == {Watch.UNCOLLECTED: 1}


def test_without_a_coordinator_the_manager_is_told(programme):
    from engine.party import Role
    from engine.store.tables import roles

    programme.plan(a_row(due=day(-5)), now=NOW)
    with programme.services.database.write() as connection:
        connection.execute(delete(roles).where(roles.c.role == Role.COORDINATOR))

    looked(programme, at(MONDAY, 11))

    assert [(what, who) for what, who, _s in barks(programme)] == [("unlooked", "manager")]


def test_a_coordinator_without_an_address_finds_it_on_the_board(programme):
    programme.plan(a_row(due=day(-5)), now=NOW)
    with programme.services.database.write() as connection:
        connection.execute(update(people).where(people.c.key == "coord").values(flagged="gone"))

    looked(programme, at(MONDAY, 11))

    assert barks(programme) == [("unlooked", "coord", NoticeStatus.POSTED)]


def test_call_tasks_of_a_coordinator_who_cannot_be_written_to_stay_on_the_board(programme):
    programme.plan(
        a_row(due=day(-5)),
        now=NOW,
        dialogues=with_phones(chief={"channel": "call", "phone": "+22670123401", "email": ""}),
    )
    programme.sweep(NOW)
    with programme.services.database.write() as connection:
        connection.execute(update(people).where(people.c.key == "coord").values(flagged="gone"))

    programme.run(NOW)

    calls = [row for row in programme.notices() if row.kind == "call_task"]
    assert [row.status for row in calls] == [NoticeStatus.POSTED]


def test_two_watchdogs_at_once_tell_once(programme):
    from concurrent.futures import ThreadPoolExecutor

    programme.plan(a_row(due=day(-5)), now=NOW)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _n: looked(programme, at(MONDAY, 11)), range(3)))

    assert len(barks(programme)) == 1
    assert programme.history().count("watched") == 1


def test_what_was_found_is_in_the_tally_of_the_audit(programme):
    programme.plan(a_row(due=day(-5)), now=NOW)
    audit(programme.services, at(MONDAY, 11))

    [kept] = programme.rows(select(heartbeats.c.tally).where(heartbeats.c.story == "audit"))
    assert '"watched": {"unlooked": 1}' in kept.tally
