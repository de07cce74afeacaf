"""A person's own calendar: days and references, for whoever has the address, and only them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from api_desk import NOW, Desk, a_desk
from icalendar import Calendar

from engine.action import State
from engine.store.contacts import find_person
from engine.store.feeds import close_feeds, open_feed


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    with a_desk(database_url, tmp_path) as made:
        yield made


def feed(desk: Desk, person: str) -> str:
    with desk.services.database.write() as connection:
        return f"/calendar/{open_feed(connection, find_person(connection, person), NOW)}.ics"


def entries(answer) -> list[str]:
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    return [str(event["summary"]) for event in Calendar.from_ical(answer.content).walk("VEVENT")]


def test_it_holds_a_persons_own_days_and_names_nothing_but_references(desk):
    answer = desk.client().get(feed(desk, "chief"))

    assert entries(answer) == [f"[Saaba] Ref. SAA-0{number}" for number in (1, 2, 3, 4)]
    for word in ("gate", "Police", "overdue", "church"):
        assert word not in answer.text
    assert answer.headers["cache-control"] == "private, no-cache"
    assert entries(desk.client().get(feed(desk, "mayor"))) == ["[Saaba] Ref. SAA-05"]
    assert entries(desk.client().get(feed(desk, "jchief"))) == ["[Jos] Ref. JOS-01"]
    assert entries(desk.client().get(feed(desk, "elder"))) == []


def test_it_is_sent_again_only_when_something_changed(desk):
    stranger, path = desk.client(), feed(desk, "mayor")
    tag = stranger.get(path).headers["etag"]
    same = stranger.get(path, headers={"if-none-match": tag})
    assert (same.status_code, same.content) == (304, b"")
    assert stranger.head(path).content == b""

    desk.programme.move("SAA-05", State.WITHDRAWN, "coord", NOW, reason="not needed",
                        decided_on=NOW.date())  # fmt: skip
    after = stranger.get(path, headers={"if-none-match": tag})
    assert entries(after) == []


def test_every_address_that_opens_nothing_looks_alike(desk):
    stranger, ended = desk.client(), feed(desk, "chief")
    with desk.services.database.write() as connection:
        assert close_feeds(connection, find_person(connection, "chief"), NOW) == 1
    former = feed(desk, "mayor")
    feed(desk, "mayor")
    wrong = ("no.ics", "x" * 500 + ".ics", "%00.ics", "a/b.ics", "SAA.txt")
    paths = (ended, former, *(f"/calendar/{each}" for each in wrong))
    found = [stranger.get(path) for path in paths]

    assert {(each.status_code, each.text) for each in found} == {
        (404, "There is no such calendar.\n")
    }


def test_who_guesses_is_slowed_down_and_who_knows_the_address_is_not(desk):
    stranger, path = desk.client(), feed(desk, "chief")
    found = [stranger.get(f"/calendar/{number}.ics").status_code for number in range(25)]

    assert found[-1] == 429
    assert stranger.get(path).status_code == 200
    often = [stranger.get(path).status_code for _ in range(40)]
    assert 429 in often


def test_who_is_forgotten_has_no_calendar(desk):
    from workflows.persons import forget

    path = feed(desk, "chief")
    forget(desk.services, "chief", by="coord", reason="asked for it", now=NOW)

    assert desk.client().get(path).status_code == 404
