"""The tables: made from nothing, the same on both databases, and closed to whoever rewrites."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from builders import MONDAY, Programme, a_programme, a_row, at
from sqlalchemy import delete, func, insert, inspect, select, text, update
from sqlalchemy.exc import DatabaseError, IntegrityError

from engine.store.columns import METADATA
from engine.store.database import Database
from engine.store.outbox_tables import messages, notices
from engine.store.revision import REVISIONS, NewerSchema, OldSchema, check, newest
from engine.store.schema import MIGRATIONS, drift, upgrade
from engine.store.tables import actions, events, people
from workflows.intake import take_in

NOW = at(MONDAY)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path)
    made.plan(a_row(), now=NOW)
    yield made
    made.close()


def test_an_empty_database_gets_every_table_and_no_other(database):
    done = upgrade(database)

    assert (done.created, done.revision) == (True, newest())
    with database.read() as connection:
        found = set(inspect(connection).get_table_names())
    assert found == set(METADATA.tables) | {"alembic_version"}
    check(database)


def test_the_tables_in_the_database_are_those_in_the_code(database):
    upgrade(database)

    with database.read() as connection:
        assert drift(connection) == []


def test_a_second_upgrade_changes_nothing(database):
    first = upgrade(database)

    again = upgrade(database)

    assert (again.created, again.revision) == (False, first.revision)


def test_a_database_without_tables_is_refused_with_what_to_do(database):
    with pytest.raises(OldSchema, match="alkawari init"):
        check(database)


def test_a_database_of_a_newer_program_is_refused_and_left_alone(database):
    upgrade(database)
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'ffff00000001'"))

    for attempt in (check, upgrade):
        with pytest.raises(NewerSchema, match="newer version of this program") as refusal:
            attempt(database)
        assert "ffff00000001" in str(refusal.value)
    with database.read() as connection:
        kept = connection.scalar(text("SELECT version_num FROM alembic_version"))
    assert kept == "ffff00000001"


def test_no_password_is_shown():
    opened = Database("postgresql://alkawari:hunter2@localhost/alkawari")

    assert "hunter2" not in opened.shown
    opened.close()


@pytest.mark.parametrize(
    "statement",
    [
        update(events).values(payload="{}"),
        update(events).values(by="somebody else"),
        delete(events),
        delete(events).where(events.c.seq == 1),
    ],
)
def test_nobody_changes_or_removes_an_event_not_even_by_sql(programme, statement):
    before = programme.rows(select(events))

    with (
        pytest.raises(DatabaseError, match="append-only"),
        programme.services.database.write() as connection,
    ):
        connection.execute(statement)

    assert programme.rows(select(events)) == before


def test_an_event_has_its_place_in_the_chain_to_itself(programme):
    [event] = programme.rows(select(events))
    row = {c.name: getattr(event, c.name) for c in events.columns if c.name != "id"}

    with pytest.raises(IntegrityError), programme.services.database.write() as connection:
        connection.execute(insert(events).values(**row))


def test_a_notice_is_in_the_database_once(programme):
    programme.sweep(NOW)
    [notice] = programme.rows(select(notices))
    row = {c.name: getattr(notice, c.name) for c in notices.columns if c.name != "id"}

    with pytest.raises(IntegrityError), programme.services.database.write() as connection:
        connection.execute(insert(notices).values(**row))


def test_one_person_has_one_message_a_day_by_the_database_itself(programme):
    programme.run(NOW)
    [message] = programme.rows(select(messages))
    row = {c.name: getattr(message, c.name) for c in messages.columns if c.name != "id"}

    with pytest.raises(IntegrityError), programme.services.database.write() as connection:
        connection.execute(insert(messages).values(**{**row, "mime_id": "<another@x.example>"}))


def test_a_word_that_is_no_state_does_not_get_in(programme):
    with pytest.raises(IntegrityError), programme.services.database.write() as connection:
        connection.execute(text("UPDATE actions SET state = 'finished'"))


def test_a_naive_instant_does_not_get_in(programme):
    naive = NOW.replace(tzinfo=None)

    with pytest.raises(Exception, match="aware"), programme.services.database.write() as connection:
        connection.execute(update(actions).values(next_check_at=naive))


def test_an_action_of_nobody_does_not_get_in(programme):
    with pytest.raises(IntegrityError), programme.services.database.write() as connection:
        connection.execute(update(actions).values(responsible_id=4711))


def test_a_dry_run_of_an_import_writes_nothing(database_url, tmp_path):
    empty = a_programme(database_url, tmp_path)
    plan = tmp_path / "plan.csv"
    plan.write_text(
        "dialogue,action,responsible,due\n"
        "Saaba,Open the gate,Police post,2026-07-01\n"
        "Jos,Give the land,Residents,2026-08-01\n",
        encoding="utf-8",
    )

    tried = take_in(empty.services, plan, None, NOW, dry_run=True)

    assert (tried.rows, tried.created, tried.errors) == (2, 2, ())
    for table in METADATA.tables.values():
        assert empty.rows(select(func.count()).select_from(table)) == [(0,)], table.name
    done = take_in(empty.services, plan, None, NOW)
    assert done.created == 2
    assert take_in(empty.services, plan, None, NOW).unchanged == 2
    empty.close()


def test_a_plan_with_one_wrong_row_is_not_taken_in_at_all(programme, tmp_path):
    plan = tmp_path / "plan.csv"
    plan.write_text(
        "ref,dialogue,action,responsible,due\n"
        "SAA-50,Saaba,Fine,Police post,2026-07-01\n"
        "SAA-51,Saaba,Wrong,Police post,31.02.2026\n",
        encoding="utf-8",
    )
    before = [programme.rows(select(t)) for t in (actions, events, people)]

    done = take_in(programme.services, plan, None, NOW)

    assert [(e.row, e.column) for e in done.errors] == [(3, "due")]
    assert done.created == 0
    assert [programme.rows(select(t)) for t in (actions, events, people)] == before


def test_a_circle_across_two_imports_is_refused_and_undone(programme):
    programme.plan(a_row(ref="SAA-02", depends_on=["SAA-01"]), now=NOW)
    before = [programme.rows(select(t)) for t in (actions, events)]

    with pytest.raises(Exception, match=r"SAA-0[12] → SAA-0[12] → SAA-0[12]"):
        programme.plan(a_row(ref="SAA-01", depends_on=["SAA-02"]), now=NOW)

    assert [programme.rows(select(t)) for t in (actions, events)] == before


def test_the_revisions_that_the_program_knows_are_its_migrations_in_their_order():
    scripts = ScriptDirectory(str(MIGRATIONS))

    assert tuple(s.revision for s in reversed(list(scripts.walk_revisions()))) == REVISIONS
    assert all((MIGRATIONS / "versions").glob(f"{revision}_*.py") for revision in REVISIONS)
