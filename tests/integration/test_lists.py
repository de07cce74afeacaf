"""Lists and Today at any size: what is found and counted, and how often the store is asked."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import MONDAY, Programme, a_programme, a_row, at, day
from face_desk import Desk
from sqlalchemy import delete, event, select, update

from engine.action import Handling, State
from engine.conditions import Condition
from engine.party import Channel
from engine.permission import Deed
from engine.store import board
from engine.store.board import Filter, first_of
from engine.store.counting import unreachable
from engine.store.searching import complete_words
from engine.store.seen import seen
from engine.store.sign_ins import member
from engine.store.tables import action_words, actions, dialogues, people
from web import board as board_page
from web import today as today_page

NOW = at(MONDAY)


@pytest.fixture
def programme(tmp_path: Path, database_url: str) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path)
    made.plan(
        a_row(ref="SAA-01", action="Éclairage du marché central", due=day(20)),
        a_row(ref="SAA-02", action="إنارة مدخل السوق", due=day(25)),
        a_row(ref="SAA-03", action="Repair the lamp, 100%_sure", due=day(30)),
        now=NOW,
    )
    yield made
    made.close()


def found(desk: Desk, text: str) -> list[str]:
    page = desk.member("coord").get("/actions", params={"text": text}).text
    return [ref for ref in ("SAA-01", "SAA-02", "SAA-03") if f'href="/actions/{ref}"' in page]


def test_words_are_found_without_accent_case_or_order(desk):
    assert found(desk, "CENTRAL eclairage") == ["SAA-01"]
    assert found(desk, "انارة") == ["SAA-02"]
    assert found(desk, "saa-0") == ["SAA-01", "SAA-02", "SAA-03"]
    assert found(desk, "lamp nowhere") == []
    assert found(desk, "0%_s") == ["SAA-03"]
    assert found(desk, "%") == ["SAA-03"]


def test_a_corrected_title_is_found_by_its_new_words_only(desk):
    desk.programme.plan(
        a_row(ref="SAA-03", action="Replace the lantern", due=day(30)), now=at(MONDAY, 11)
    )
    assert found(desk, "lantern") == ["SAA-03"]
    assert found(desk, "lamp") == []


def test_what_an_older_program_wrote_is_found_after_the_next_audit(desk):
    with desk.programme.services.database.write() as connection:
        connection.execute(delete(action_words))
    assert found(desk, "lamp") == []
    with desk.programme.services.database.write() as connection:
        assert complete_words(connection) == 3
        assert complete_words(connection) == 0
    assert found(desk, "lamp") == ["SAA-03"]


def test_a_long_list_says_that_there_are_more_than_were_counted(desk, monkeypatch):
    for module in (board, board_page, today_page):
        monkeypatch.setattr(module, "COUNTED", 2)
    with desk.programme.services.database.write() as connection:
        connection.execute(update(actions).values(state=State.REPORTED_DONE, reported_on=MONDAY))
    coordinator = desk.member("coord")
    assert "More than 2 actions" in coordinator.get("/actions").text
    assert "<bdi>2+</bdi>" in coordinator.get("/").text


def test_every_page_of_a_list_says_how_many_there_are(desk, monkeypatch):
    monkeypatch.setattr(board, "PAGE", 2)
    coordinator = desk.member("coord")
    first = coordinator.get("/actions").text
    assert "SAA-02" in first
    assert "SAA-03" not in first
    second = coordinator.get("/actions", params={"after": f"{day(25)}.2"}).text
    assert "SAA-03" in second
    assert "SAA-01" not in second
    assert "3 actions" in first
    assert "3 actions" in second


def test_today_asks_the_store_as_often_for_three_claims_as_for_one(desk):
    asked: list[str] = []
    engine = desk.programme.services.database.engine
    event.listen(engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    coordinator = desk.member("coord")

    def queries(claims: int) -> int:
        with desk.programme.services.database.write() as connection:
            wanted = {"state": State.REPORTED_DONE, "reported_on": MONDAY}
            connection.execute(update(actions).where(actions.c.id <= claims).values(**wanted))
        asked.clear()
        assert coordinator.get("/").text.count("record/confirmed") == claims
        return len(asked)

    assert queries(1) == queries(3)


def test_a_page_that_is_looked_at_writes_nothing(desk):
    coordinator = desk.member("coord")
    coordinator.get("/")
    written: list[str] = []
    engine = desk.programme.services.database.engine
    event.listen(
        engine, "before_cursor_execute",
        lambda *a: None if a[2].startswith(("SELECT", "BEGIN", "WITH")) else written.append(a[2]),
    )  # fmt: skip
    for path in ("/", "/actions", "/actions?text=lamp", "/board", "/dashboard", "/actions/SAA-01"):
        assert coordinator.get(path).status_code == 200
    assert written == []


@pytest.mark.parametrize("key", ["coord", "chief", "manager", "mayor"])
def test_what_is_seen_of_every_dialogue_is_what_is_seen_of_all_of_them(programme, key):
    with programme.services.database.write() as connection:
        for number, level in enumerate(list(Handling)[1:], 1):
            connection.execute(update(actions).where(actions.c.id == number).values(handling=level))
    with programme.services.database.read() as connection:
        person_id = connection.scalar(select(people.c.id).where(people.c.key == key))
        who = member(connection, person_id)
        homes = list(connection.scalars(select(dialogues.c.id)))
        for deed in (Deed.LIST, Deed.READ_TITLE, Deed.READ_STORY, Deed.COUNT):
            of_all = select(actions.c.id).where(seen(who, deed, homes)).order_by(actions.c.id)
            of_every = select(actions.c.id).where(seen(who, deed, None)).order_by(actions.c.id)
            assert connection.scalars(of_every).all() == connection.scalars(of_all).all()


@pytest.mark.parametrize("focal", [True, False], ids=["its own", "that of its party"])
@pytest.mark.parametrize(
    "contact",
    [
        {"email": "", "phone": ""},
        {"email": "a@b.example", "phone": "", "flagged": "bounced"},
        {"email": "", "phone": "+22670000000", "channel": Channel.CALL},
        {"email": "a@b.example", "phone": "", "flagged": ""},
    ],
)
def test_who_is_out_of_reach_is_the_same_to_lists_and_to_counts(programme, contact, focal):
    with programme.services.database.write() as connection:
        connection.execute(update(people).values(**contact))
        if not focal:
            connection.execute(update(actions).values(focal_id=None))
    with programme.services.database.read() as connection:
        manager_id = connection.scalar(select(people.c.id).where(people.c.key == "coord"))
        who = member(connection, manager_id)
        counted = set(connection.scalars(select(actions.c.id).where(unreachable())))
        listed, _number = first_of(
            programme.services.directory(connection), who, None,
            {"": Filter(condition=Condition.UNREACHABLE)}, NOW,
            programme.services.thresholds, size=50, counted=True,
        )[""]  # fmt: skip
        homes = list(connection.scalars(select(dialogues.c.id)))
        here, number = first_of(
            programme.services.directory(connection), who, homes,
            {"": Filter(condition=Condition.UNREACHABLE)}, NOW,
            programme.services.thresholds, size=50, counted=True,
        )[""]  # fmt: skip
    assert {action.id for action in listed} == {action.id for action in here} == counted
    assert number == len(counted)
