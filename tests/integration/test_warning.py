"""Early warnings: told to the coordinator once a month, with numbers, in the reader's words."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import MONDAY, PEOPLE, Programme, a_dialogue, a_programme, a_row, at, day
from sqlalchemy import select

from engine.action import State
from engine.store.listing import Wanted
from engine.store.outbox_tables import NoticeStatus, notices
from engine.store.tables import people
from engine.store.tracks import tracks
from workflows import record
from workflows.audit import audit
from workflows.warning import warn, warn_daily

NOW = at(MONDAY)


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path)
    yield made
    made.close()


def warned(programme: Programme) -> list[tuple[str, str, NoticeStatus]]:
    rows = programme.rows(
        select(notices.c.rung, people.c.key, notices.c.status)
        .join(people, people.c.id == notices.c.person_id)
        .where(notices.c.kind == "early_warning")
        .order_by(notices.c.id)
    )
    return [(row.rung, row.key, row.status) for row in rows]


def standing_still(programme: Programme, **row: object) -> None:
    """Three things of the police post, stalled."""
    rows = [a_row(ref=f"SAA-0{number}", due=day(-60), **row) for number in (1, 2, 3)]
    programme.plan(*rows, now=NOW)


def test_a_standstill_is_told_once_a_month(programme):
    standing_still(programme)

    assert warn(programme.services, NOW) == 1
    assert warn(programme.services, at(day(1))) == 0
    assert warn(programme.services, at(day(28))) == 0
    assert warn(programme.services, at(day(30))) == 1

    assert [(rung, who) for rung, who, _s in warned(programme)] == [
        ("warn:standstill", "coord")
    ] * 2
    assert "warned" in programme.history()


def test_the_letter_has_the_numbers(programme):
    standing_still(programme)
    warn(programme.services, NOW)

    programme.run(NOW)

    [letter, *_more] = programme.postbox.texts("coord@saaba.example")
    said = " ".join(letter.split())
    assert "Standing still at once: 3 of 3 (Saaba: Police post): SAA-01, SAA-02, SAA-03." in said
    assert "It accuses nobody" in said


def test_it_is_said_in_the_words_of_its_reader(programme):
    people_ = [
        {**person, "language": "fr"} if person["key"] == "coord" else person for person in PEOPLE
    ]
    rows = [a_row(ref=f"SAA-0{number}", due=day(-60)) for number in (1, 2, 3)]
    programme.plan(*rows, now=NOW, dialogues={"SAA": a_dialogue(people=people_)})
    warn(programme.services, NOW)

    programme.run(NOW)

    [letter, *_more] = programme.postbox.texts("coord@saaba.example")
    assert "arrêt en même temps" in letter.replace("\N{NO-BREAK SPACE}", " ")


def test_what_is_better_again_before_it_was_said_is_not_said(programme):
    standing_still(programme)
    warn(programme.services, NOW)
    for number in (1, 2):
        programme.move(f"SAA-0{number}", State.WITHDRAWN, "coord", NOW, reason="agreed anew")

    warn(programme.services, at(day(0), 10))
    programme.run(at(day(0), 10))

    assert {status for _rung, _who, status in warned(programme)} == {NoticeStatus.STRUCK}


def test_the_words_of_what_is_restricted_stay_out_of_the_mail(programme):
    standing_still(programme, handling="restricted")
    warn(programme.services, NOW)

    programme.run(NOW)

    [letter, *_more] = programme.postbox.texts("coord@saaba.example")
    assert "Open the second gate" not in letter
    assert "Standing still" not in letter


def test_the_audit_looks_once_a_day(programme):
    standing_still(programme)

    audit(programme.services, NOW)
    assert len(warned(programme)) == 1
    assert warn_daily(programme.services, at(day(0), 23)) == 0
    with programme.services.database.read() as connection:
        rows = connection.execute(
            select(notices.c.key).where(notices.c.kind == "early_warning")
        ).all()
    assert all("2026-06" in row.key and "Police" not in row.key for row in rows)


def test_one_side_that_is_reminded_twice_as_often_is_noticed(programme):
    """Five of each: the elders late for thirty working days, the police for eight."""
    police = [a_row(ref=f"SAA-1{n}", due=day(-12)) for n in range(5)]
    elders = [a_row(ref=f"SAA-2{n}", due=day(-42), responsible="Elders") for n in range(5)]
    programme.plan(*police, *elders, now=NOW)
    programme.run(NOW)

    warn(programme.services, at(day(0), 12))

    found = [rung for rung, _who, _status in warned(programme)]
    assert "warn:lopsided_reminders" in found
    programme.run(at(day(1)))
    letters = " ".join(" ".join(programme.postbox.texts("coord@saaba.example")).split())
    assert "Reminders for ten working days of lateness: Security forces" in letters


def test_a_call_that_reached_the_party_counts_as_the_reminder_that_it_stands_for(programme):
    """Else whoever has only a telephone would seem to be left alone."""
    people_ = [
        {k: v for k, v in person.items() if k != "email"} | {"phone": "+22670123401"}
        if person["key"] == "elder"
        else person
        for person in PEOPLE
    ]
    programme.plan(
        a_row(due=day(-10), responsible="Elders"), now=NOW,
        dialogues={"SAA": a_dialogue(people=people_)},
    )  # fmt: skip
    programme.run(NOW)
    record.log_call(programme.services, programme.asked("SAA-01"), "soon", reached=True, now=NOW)

    with programme.services.database.read() as connection:
        directory = programme.services.directory(connection)
        [track] = tracks(directory, Wanted(), at(day(1)), programme.services.thresholds)

    assert (track.days_late > 0, track.reminders) == (True, 1)


def test_what_stands_still_in_several_places_is_said_of_the_whole_dialogue_too(programme):
    rows = [
        a_row(ref=f"SAA-{number}{at_}", due=day(-60), responsible=party)
        for at_, party in enumerate(("Police post", "Elders"))
        for number in (1, 2, 3)
    ]
    programme.plan(*rows, now=NOW)

    assert warn(programme.services, NOW) == 3
