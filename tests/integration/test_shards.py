"""Several sweepers and fair turns: shares, what is locked, and that nobody starves."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import MONDAY, Programme, a_programme, at
from crowd import crowded
from sqlalchemy import event, select, text

from engine.shard import Shard
from engine.store.database import Connection, Database
from engine.store.outbox import people_due
from engine.store.outbox_tables import notices
from engine.store.sweeping import claim_due
from engine.store.tables import actions, dialogues, people
from workflows.sweep import sweep, sweep_batch

NOW = at(MONDAY)
CROWD = 60
"""Things due in the one dialogue that has many."""


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path)
    yield made
    made.close()


def codes_with_notices(programme: Programme) -> list[str]:
    query = (
        select(dialogues.c.code)
        .join(actions, actions.c.dialogue_id == dialogues.c.id)
        .join(notices, notices.c.action_id == actions.c.id)
        .distinct()
        .order_by(dialogues.c.code)
    )
    return [row.code for row in programme.rows(query)]


def test_a_backlog_of_one_dialogue_does_not_keep_others_waiting_for_the_sweep(programme):
    crowded(programme, CROWD, ["JOS", "NIA"])

    done = sweep_batch(programme.services, NOW, limit=9)

    assert 3 <= done.examined <= 9
    assert codes_with_notices(programme) == ["JOS", "NIA", "SAA"]


def test_turns_end_with_everything_swept_once(programme):
    crowded(programme, CROWD, ["JOS", "NIA"])
    while sweep_batch(programme.services, NOW, limit=7).examined:
        pass
    told = programme.rows(select(notices.c.action_id).where(notices.c.rung == "R1"))
    assert len(told) == len({row.action_id for row in told}) == CROWD + 2


def test_more_dialogues_than_places_still_fill_a_batch(programme):
    crowded(programme, CROWD, ["JOS", "NIA", "DAK", "BAM"])
    assert sweep_batch(programme.services, NOW, limit=3).examined == 3


def test_a_share_takes_its_own_dialogues_and_all_shares_take_everything(programme):
    crowded(programme, CROWD, ["JOS", "NIA", "DAK"])
    for index in range(2):
        before = set(codes_with_notices(programme))
        sweep(programme.services, NOW, shard=Shard(index, 2))
        fresh = set(codes_with_notices(programme)) - before
        ids = dict(programme.rows(select(dialogues.c.code, dialogues.c.id)))
        assert {code for code, number in ids.items() if number % 2 == index} == fresh
    assert sweep(programme.services, NOW).examined == 0


def test_a_backlog_of_one_dialogue_does_not_keep_others_waiting_for_delivery(programme):
    crowded(programme, CROWD, ["JOS"])
    sweep(programme.services, NOW)
    with programme.services.database.write() as connection:
        taken = people_due(connection, NOW, 5)
        keys = set(connection.scalars(select(people.c.key).where(people.c.id.in_(taken))))
    assert len(taken) == 5
    assert "jos-chief" in keys


def test_notices_of_no_dialogue_take_their_turn(programme):
    crowded(programme, CROWD, ["JOS"])
    sweep(programme.services, NOW)
    with programme.services.database.write() as connection:
        # As a program of the release before writes them.
        connection.execute(
            notices.update().where(notices.c.key.like("%:e1:R1:%")).values(dialogue_id=0)
        )
        assert len(people_due(connection, NOW, 5)) == 5


def test_sweepers_pass_over_what_others_have_in_hand(postgres_url, tmp_path):
    programme = a_programme(postgres_url, tmp_path)
    crowded(programme, CROWD, ["JOS", "NIA"])
    database = programme.services.database
    with database.write() as one, database.write() as two, database.write() as three:
        by_turns = {action.id for action in claim_due(one, NOW, 20)}
        of_a_share = {action.id for action in claim_due(two, NOW, 20, shard=Shard(1, 2))}
        rest = {action.id for action in claim_due(three, NOW, 500)}
    assert by_turns
    assert not by_turns & of_a_share
    assert not rest & (by_turns | of_a_share)
    assert len(by_turns | of_a_share | rest) == CROWD + 2
    programme.close()


def test_turns_and_shares_are_served_by_an_index(programme):
    crowded(programme, CROWD, ["JOS", "NIA"])
    sweep_batch(programme.services, NOW, limit=40)
    database = programme.services.database
    with database.write() as connection:
        analysed(connection, database)
        claims = asked_by(connection, lambda: claim_due(connection, NOW, 9, shard=Shard(1, 2)))
        waits = asked_by(connection, lambda: people_due(connection, NOW, 2))
        asked = [plan_of(connection, database, *query) for query in claims + waits]
    for table, index in (("actions", "ix_actions_turn"), ("notices", "ix_notices_turn")):
        plans = [plan for plan in asked if index in plan]
        assert len(plans) >= 2, (table, asked)


def analysed(connection: Connection, database: Database) -> None:
    """Small tables are read whole, whatever index there is; so that is forbidden here."""
    if not database.sqlite:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        connection.execute(text("SET LOCAL enable_sort = off"))


def asked_by(connection: Connection, work) -> list[tuple]:
    """The queries that are asked meanwhile, with their parameters."""
    found: list[tuple] = []

    def keep(_connection, _cursor, statement, parameters, _context, _many) -> None:
        found.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", keep)
    try:
        work()
    finally:
        event.remove(connection, "before_cursor_execute", keep)
    return found


def plan_of(connection: Connection, database: Database, statement: str, parameters: tuple) -> str:
    how = "EXPLAIN QUERY PLAN" if database.sqlite else "EXPLAIN"
    rows = connection.exec_driver_sql(f"{how} {statement}", parameters)
    return "\n".join(str(row[-1]) for row in rows)
