"""Several sweeps and deliveries at the same time: still once, whoever comes first."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from crash_points import COORDINATOR, NOW, PATIENCE_S, PEOPLE, Programme, ended, ledger
from smtp_server import SmtpServer

from engine.store.auditing import beat
from engine.store.channels import EMAIL, keep_channel
from engine.store.database import Connection, Database
from engine.store.outbox import people_due
from engine.store.sweeping import claim_due
from engine.store.wholeness import broken_histories

AT = datetime.fromisoformat(NOW)


def all_at_once(programme: Programme, commands: list[str]) -> None:
    children = [programme.start(command, "--json", "--as-of", NOW) for command in commands]
    answers = [ended(child) for child in children]
    for done, command in zip(answers, commands, strict=True):
        assert done.code == 0, f"{command}: {done.err}"
        assert done.err == ""


@pytest.mark.parametrize(("workers", "each"), [(2, 3), (4, 1)])
def test_several_deliveries_at_once_say_it_once(lay_out, tell, tmp_path, workers, each):
    programme = lay_out(each=each)
    with SmtpServer(folder=tmp_path) as server:
        programme.mail_to(server, batch=10)
        all_at_once(programme, ["deliver"] * workers)
        found = ledger(server)
        tell(f"{workers} deliveries at once, {each} each", programme, found)
        assert found.clean
    assert programme.statuses() == {"sent": PEOPLE * each}


def test_four_connections_of_one_delivery_say_it_once(lay_out, tell, tmp_path):
    programme = lay_out()
    with SmtpServer(folder=tmp_path, latency=0.002) as server:
        programme.mail_to(server, batch=10, connections=4)
        all_at_once(programme, ["deliver", "deliver"])
        found = ledger(server)
        tell("2 deliveries of 4 connections", programme, found)
        assert found.clean
        assert server.connections > 1, "no connection does all of the work"


def test_three_sweeps_at_once_decide_once(lay_out, tell, told_in_the_end):
    programme = lay_out(each=5, swept=False)
    all_at_once(programme, ["sweep"] * 3)
    assert programme.statuses() == {"pending": PEOPLE * 5}
    assert programme.count("events", "kind = 'notified'") == PEOPLE * 5
    database = Database(programme.url)
    with database.read() as connection:
        assert list(broken_histories(connection)) == []
    database.close()
    found = told_in_the_end(programme)
    tell("3 sweeps at once", programme, found)
    assert found.clean


def test_sweeps_and_deliveries_at_once(lay_out, tell, tmp_path):
    programme = lay_out(swept=False)
    with SmtpServer(folder=tmp_path) as server:
        programme.mail_to(server, batch=10)
        all_at_once(programme, ["sweep", "deliver", "sweep", "deliver"])
        programme.deliver_until_quiet()
        found = ledger(server)
        tell("2 sweeps and 2 deliveries at once", programme, found)
        assert found.clean
        assert COORDINATOR not in {letter["rcpt"] for letter in server.received()}


@pytest.mark.postgres
def test_the_sweep_need_not_wait_for_a_person_who_is_being_written_to(on_postgres):
    programme = on_postgres(people=2)
    database = Database(programme.url)
    with database.write() as deliverer, database.write() as sweeper:
        assert people_due(deliverer, AT, 10)
        sweeper.exec_driver_sql("SET LOCAL lock_timeout = '2s'")
        sweeper.exec_driver_sql(
            "INSERT INTO notices (key, action_id, person_id, kind, rung, cause, status, urgency,"
            " created_at, due_at) SELECT 'another', action_id, person_id, kind, rung, cause,"
            " 'pending', urgency, created_at, due_at FROM notices LIMIT 1"
        )
        sweeper.rollback()
    database.close()


@pytest.mark.postgres
def test_a_delivery_may_write_about_an_action_that_is_being_looked_at(on_postgres):
    programme = on_postgres(people=2, swept=False)
    database = Database(programme.url)
    with database.write() as sweeper, database.write() as deliverer:
        assert claim_due(sweeper, AT, 10)
        deliverer.exec_driver_sql("SET LOCAL lock_timeout = '2s'")
        deliverer.exec_driver_sql(
            "INSERT INTO notices (key, action_id, person_id, kind, rung, cause, status, urgency,"
            " created_at, due_at) SELECT 'another', a.id, p.id, 'contact', 'contact', 'p1',"
            " 'pending', 70, now(), now() FROM actions a, people p LIMIT 1"
        )
        deliverer.rollback()
    database.close()


@pytest.mark.postgres
@pytest.mark.parametrize("first_word", ["heartbeat", "channel"])
def test_two_workers_may_leave_the_first_word_of_its_sort_at_once(on_postgres, first_word):
    programme = on_postgres(people=2, swept=False)
    database = Database(programme.url)

    def leave_word(connection: Connection) -> None:
        if first_word == "heartbeat":
            beat(connection, "deliver", AT, {})
        else:
            facts = {"failures": 1, "losses": 0, "opened_at": AT, "probe_at": AT, "reason": "down"}
            keep_channel(connection, EMAIL, **facts)

    def second() -> None:
        with database.write() as connection:
            leave_word(connection)

    with ThreadPoolExecutor(1) as pool:
        with database.write() as connection:
            leave_word(connection)
            waiting = pool.submit(second)
            blocked = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            with database.read() as watcher:
                for _ in range(2000):
                    if watcher.exec_driver_sql(blocked).scalar() or waiting.done():
                        break
                    time.sleep(0.005)
        failed = waiting.exception(timeout=PATIENCE_S)
    database.close()
    if failed is not None:
        raise failed
