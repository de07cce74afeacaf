"""`alkawari sweep` killed by SIGKILL: each action is decided about wholly, once, or not yet."""

import time
from random import Random

import pytest
from crash_points import NOW, Programme, kill, wait_until

from engine.store.database import Database
from engine.store.wholeness import broken_histories

# (people, actions each, kills on SQLite, kills on PostgreSQL); a batch is 500 actions
ROUNDS = {"one batch": (200, 1, 6, 4), "four batches": (200, 9, 8, 6)}


def standing(programme: Programme) -> tuple[int, int]:
    """(notices, actions decided about), after checking that nothing was written by halves."""
    database = Database(programme.url)
    with database.read() as connection:
        assert list(broken_histories(connection)) == []
    database.close()
    notices = programme.count("notices")
    decided = programme.count("events", "kind = 'notified'")
    assert notices == decided
    assert programme.count("actions", "version > 1") == decided
    assert programme.count("actions", "ladder_id IS NOT NULL") == decided
    return notices, decided


def kill_a_sweep(programme: Programme, chance: Random) -> bool:
    """Kill a sweep at any time of its life, or as soon as its first rows can be seen."""
    before = programme.count("notices")
    child = programme.start("sweep", "--json", "--as-of", NOW)
    if chance.random() < 0.7:
        time.sleep(chance.uniform(0.3, 1.1))
    else:
        database = Database(programme.url)
        with database.engine.connect().execution_options(readonly=True) as connection:

            def begun() -> bool:
                rows = connection.exec_driver_sql("SELECT count(*) FROM notices").scalar() or 0
                connection.rollback()
                return rows > before

            wait_until(begun, child)
        database.close()
    return kill(child)


@pytest.mark.parametrize("shape", ROUNDS)
def test_killed_at_random_points_the_next_sweep_completes_it(
    lay_out, tell, chance, shape, told_in_the_end
):
    people, each, on_sqlite, on_postgres = ROUNDS[shape]
    programme = lay_out(people=people, each=each, swept=False)
    wanted = on_sqlite if programme.sqlite else on_postgres
    kills = seen = 0
    for _ in range(wanted):
        kills += kill_a_sweep(programme, chance)
        now_seen, _decided = standing(programme)
        assert now_seen >= seen, "what was written is never lost"
        seen = now_seen
    second = programme.sweep()
    assert second.code == 0, second.err
    assert standing(programme) == (people * each, people * each)
    assert programme.sweep().said["notices"] == 0
    assert programme.count("notices") == len(programme.ask("SELECT DISTINCT key FROM notices"))
    assert programme.statuses() == {"pending": people * each}

    found = told_in_the_end(programme)
    tell(f"sweep killed at random, {shape}", programme, found, kills=kills)
    assert found.clean
