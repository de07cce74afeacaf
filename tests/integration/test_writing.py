"""Many rows in one statement leave what one statement for each row leaves."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import MONDAY, Programme, a_programme, a_row, at, day
from sqlalchemy import bindparam, select, text, update
from sqlalchemy.exc import DataError, IntegrityError

from engine.store.dialect import insert_if_new
from engine.store.outbox_tables import NoticeStatus, notices
from engine.store.tables import actions, people
from engine.store.writing import FEW, write_many

MANY = FEW + 1
NOW = at(MONDAY)
NAMES = ("key", "action_id", "dialogue_id", "person_id", "kind", "rung", "cause", "status",
         "urgency", "created_at", "due_at", "closed_at")  # fmt: skip


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path)
    made.plan(a_row(ref="SAA-01", due=day(30)), now=NOW)
    yield made
    made.close()


def notice(programme: Programme, number: int, **other: object) -> tuple[object, ...]:
    action_id, dialogue_id = programme.rows(select(actions.c.id, actions.c.dialogue_id))[0]
    [(person_id,), *_others] = programme.rows(select(people.c.id))
    row = {
        "key": f"n'{number}\\", "action_id": action_id, "dialogue_id": dialogue_id,
        "person_id": person_id, "kind": "call_task", "rung": "R1", "cause": "c",
        "status": NoticeStatus.PENDING, "urgency": number, "created_at": NOW, "due_at": NOW,
        "closed_at": NOW if number % 2 else None,
    }  # fmt: skip
    return tuple((row | other)[name] for name in NAMES)


def insert_notices(programme: Programme, rows: list[tuple[object, ...]]) -> int:
    database = programme.services.database
    with database.write() as connection:
        statement = insert_if_new(connection.dialect.name, notices, ("key",))
        return write_many(connection, statement, NAMES, rows)


@pytest.mark.parametrize("count", [1, FEW, MANY])
def test_every_row_is_written_once_in_its_order_and_what_is_there_stays(programme, count):
    rows = [notice(programme, number) for number in range(count)]
    assert insert_notices(programme, rows[:1]) == 1
    assert insert_notices(programme, [*rows, notice(programme, count)]) == count
    assert insert_notices(programme, rows) == 0
    columns = notices.c
    found = programme.rows(
        select(columns.key, columns.urgency, columns.status, columns.closed_at).order_by(columns.id)
    )
    assert found == [
        (f"n'{n}\\", n, NoticeStatus.PENDING, NOW if n % 2 else None) for n in range(count + 1)
    ]


def test_many_rows_are_changed_each_to_its_own_value(programme):
    insert_notices(programme, [notice(programme, number) for number in range(2 * MANY)])
    ids = [i for (i,) in programme.rows(select(notices.c.id).order_by(notices.c.id))]
    change = (
        update(notices)
        .where(notices.c.id == bindparam("b_id"), text("notices.urgency != 1"))
        .values(outcome=bindparam("b_outcome"), closed_at=bindparam("b_at"))
    )
    rows = [(i, f"%s {i} ü", None if i % 2 else NOW) for i in ids[:MANY]]
    with programme.services.database.write() as connection:
        changed = write_many(connection, change, ("b_id", "b_outcome", "b_at"), rows)
    assert changed == MANY - 1
    found = programme.rows(select(notices.c.id, notices.c.outcome).order_by(notices.c.id))
    told = {i for i, outcome in found if outcome == f"%s {i} ü"}
    assert told == set(ids[:MANY]) - {ids[1]}


def test_whatever_a_text_or_number_looks_like_it_is_written_as_it_is(programme):
    odd = [
        '{"say": "\\"no\\""}',
        "",
        "NULL",
        "null",
        "{}",
        "a,b",
        " ",
        "\\",
        "'",
        '"',
        "\u3000",
        "🕊",
    ]
    insert_notices(
        programme,
        [
            notice(programme, number, cause=cause, urgency=2**15 - 1 - number, closed_at=None)
            for number, cause in enumerate(odd)
        ],
    )
    c = notices.c
    found = programme.rows(select(c.cause, c.urgency, c.closed_at).order_by(c.id))
    assert found == [(cause, 2**15 - 1 - number, None) for number, cause in enumerate(odd)]


def test_a_text_that_is_too_long_for_postgresql_is_refused_and_not_cut(postgres_url, tmp_path):
    programme = a_programme(postgres_url, tmp_path)
    programme.plan(a_row(ref="SAA-01", due=day(30)), now=NOW)
    rows = [notice(programme, number, rung="R" * 30) for number in range(MANY)]
    with pytest.raises(DataError):
        insert_notices(programme, rows)
    assert programme.rows(select(notices.c.id)) == []
    programme.close()


def test_a_row_that_may_not_be_takes_the_others_with_it(programme):
    rows = [notice(programme, number) for number in range(MANY)]
    rows[3] = notice(programme, 3, action_id=-1)
    with pytest.raises(IntegrityError):
        insert_notices(programme, rows)
    assert programme.rows(select(notices.c.id)) == []
