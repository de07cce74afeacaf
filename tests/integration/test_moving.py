"""The record moved into another database: whole, once, and never used from both."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from answer_desk import open_desk, seen
from builders import at, day
from command_line import CommandLine
from moving_desk import (
    NOW,
    WAYS,
    a_whole_row,
    elsewhere,
    lease,
    move_sequence,
    own_columns,
    rows,
    stop_at,
)
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import DatabaseError

from engine.action import State
from engine.clock import SystemClock
from engine.errors import RecordElsewhere
from engine.store.custody import Custody
from engine.store.fence import record_tables
from engine.store.moving import copy_table, first_difference, number_on
from engine.store.revision import check, check_again
from engine.store.schema import upgrade
from engine.store.tables import actions, checkpoints, events
from workflows import moving
from workflows.moving import CannotMove, call_off, move_record
from workflows.service import Service
from workflows.verify import verify


def test_every_column_of_every_table_arrives_and_numbers_go_on(empty, opened):
    old, new = opened(empty.old), opened(empty.new)
    upgrade(old), upgrade(new)
    with old.write() as connection:
        for table in record_tables():
            connection.execute(insert(table), [a_whole_row(table, n) for n in (1, 2)])
        for table in record_tables():  # whose rows point to later ones, too
            for column in own_columns(table):
                connection.execute(update(table).where(table.c.id == 1).values({column: 2}))
        if not old.sqlite:
            for table in record_tables():
                move_sequence(connection, table, 40)
        else:
            connection.execute(text("UPDATE sqlite_sequence SET seq = 40"))

    with old.read() as reading:
        for table in record_tables():
            copy_table(reading, new, table, lambda _rows: None)
            number_on(reading, new, table)
        with new.read() as other:
            assert {first_difference(reading, other, table) for table in record_tables()} == {""}
            for table in record_tables():
                assert rows(old, table) == rows(new, table)

    for table in (events, checkpoints):
        for change in (update(table).values(id=99), table.delete()):
            with pytest.raises(DatabaseError, match="append-only"), new.write() as connection:
                connection.execute(change)
    with new.write() as connection:
        row = {**a_whole_row(events, 3), "action_id": 1}
        del row["id"]
        connection.execute(insert(events), [row])
        assert connection.scalar(select(events.c.id).order_by(events.c.id.desc()).limit(1)) == 41


def test_a_difference_is_found_and_named(lived, files, opened, tmp_path):
    old, new = lived(files.old, tmp_path).services.database, opened(files.new)
    move_record(old, new)
    with new.write() as connection:
        connection.execute(update(actions).where(actions.c.id == 2).values(title="Another"))

    with old.read() as reading, new.read() as other:
        assert first_difference(reading, other, actions) == "actions 2"
        assert first_difference(reading, other, events) == ""


def test_a_moved_record_is_the_same_record_and_goes_on_where_it_was(lived, pair, tmp_path, opened):
    programme = lived(pair.old, tmp_path)
    old, new = programme.services.database, opened(pair.new)
    before = verify(old)
    with open_desk(programme) as desk:
        token = desk.link("mayor", ref="SAA-02")

    moved = move_record(old, new)

    assert moved.copied == moved.rows > 50
    assert moved.fingerprint == before.fingerprint
    after = verify(new, [before.fingerprint])
    assert after.whole
    assert after.events == before.events == moved.events
    check(new)
    there = elsewhere(programme, pair.new)
    there.run(NOW)
    assert programme.postbox.taken == [], "what was said before the move is not said again"
    with open_desk(there) as desk:
        page = desk.follow(token, "blocked", obstacle="money", note="The budget is cut")
    assert page.status_code == 200, seen(page)
    assert there.action("SAA-02").state is State.BLOCKED
    there.run(at(day(60)))
    assert programme.postbox.taken
    assert verify(new, [before.fingerprint]).whole
    there.close()


@pytest.mark.parametrize("pair", [WAYS[1]], indirect=True)
def test_the_old_database_refuses_every_program_with_the_new_address(lived, pair, tmp_path, opened):
    programme = lived(pair.old, tmp_path)
    old, new = programme.services.database, opened(pair.new)
    move_record(old, new)

    for attempt in (
        lambda: check(old),
        lambda: check_again(old),
        lambda: programme.sweep(at(day(30))),
        lambda: programme.deliver(at(day(30))),
        lambda: programme.move("SAA-02", State.DISPUTED, "coord", NOW, reason="no"),
    ):
        with pytest.raises(RecordElsewhere, match="has moved to") as refusal:
            attempt()
        assert str(new.url.database).rpartition("/")[2] in str(refusal.value)
    # One that knows nothing of all this is refused by the database itself.
    with pytest.raises(DatabaseError, match="has moved to"), old.engine.begin() as connection:
        connection.execute(text("UPDATE messages SET status = 'retry'"))


@pytest.mark.parametrize("pair", [WAYS[1]], indirect=True)
def test_what_workers_have_in_hand_is_waited_for(lived, pair, tmp_path, opened, monkeypatch):
    programme = lived(pair.old, tmp_path)
    old, new = programme.services.database, opened(pair.new)
    lease(old, timedelta(minutes=1))
    monkeypatch.setattr(moving, "LOOK_AGAIN_S", 0.01)
    waited: list[str] = []

    def tell(words: str) -> None:
        if words.startswith("waiting"):
            # Meanwhile nobody may take anything else in hand; what is in hand may be finished.
            with pytest.raises(RecordElsewhere, match="is moving to"):
                check_again(old)
            lease(old, None)
            waited.append(words)

    moved = move_record(old, new, tell=tell)

    assert waited
    assert moved.complete


def test_workers_that_do_not_let_go_keep_the_record_where_it_is(
    lived, files, tmp_path, opened, monkeypatch
):
    programme = lived(files.old, tmp_path)
    old, new = programme.services.database, opened(files.new)
    lease(old, timedelta(minutes=1))
    monkeypatch.setattr(moving, "PATIENCE", timedelta(seconds=-1))

    with pytest.raises(CannotMove, match="in hand"):
        move_record(old, new)

    check(old)
    programme.sweep(at(day(40)))
    lease(old, None)
    assert move_record(old, new).complete


def test_a_webhook_in_hand_is_waited_for_like_a_message(
    lived, files, tmp_path, opened, monkeypatch
):
    programme = lived(files.old, tmp_path)
    old, new = programme.services.database, opened(files.new)
    with old.write() as connection:
        connection.execute(
            text(
                "INSERT INTO webhooks (url, secret, created_at, last_event_id, claimed_by,"
                " leased_until_at) VALUES ('http://x', 's', '2026-06-01 09:00:00', 0, 'me', :until)"
            ),
            {
                "until": (SystemClock().now() + timedelta(minutes=1))
                .replace(tzinfo=None)
                .isoformat(" ")
            },
        )
    monkeypatch.setattr(moving, "PATIENCE", timedelta(seconds=-1))

    with pytest.raises(CannotMove, match="in hand"):
        move_record(old, new)


def test_a_move_that_was_broken_off_goes_on_and_nobody_uses_either(lived, pair, tmp_path, opened):
    programme = lived(pair.old, tmp_path)
    old, new = programme.services.database, opened(pair.new)
    before = verify(old).fingerprint

    for place in ("dialogues", "actions", "events", "comparing events", "reading"):
        with pytest.raises(KeyboardInterrupt):
            move_record(old, new, tell=stop_at(place))
        for half, sentence in ((old, "is moving to"), (new, "only a part")):
            with pytest.raises(RecordElsewhere, match=sentence):
                check(half)

    moved = move_record(old, new)
    assert moved.fingerprint == before
    assert moved.copied < moved.rows
    again = move_record(old, new)
    assert (again.before, again.copied, again.fingerprint) == (True, 0, before)


def test_broken_off_between_the_last_two_steps_neither_is_used_and_the_next_call_ends_it(
    lived, files, tmp_path, opened, monkeypatch
):
    programme = lived(files.old, tmp_path)
    old, new = programme.services.database, opened(files.new)
    real = moving.remember_move

    def broken(connection: Any, move: Any, now: datetime) -> None:
        if move.state is Custody.ARRIVED:
            raise KeyboardInterrupt
        real(connection, move, now)

    monkeypatch.setattr(moving, "remember_move", broken)
    with pytest.raises(KeyboardInterrupt):
        move_record(old, new)
    for half in (old, new):
        with pytest.raises(RecordElsewhere):
            check(half)
    monkeypatch.undo()

    assert move_record(old, new).complete
    check(new)


def test_a_copy_that_differs_is_not_handed_over(lived, files, tmp_path, opened):
    programme = lived(files.old, tmp_path)
    old, new = programme.services.database, opened(files.new)

    def spoil(words: str) -> None:
        if words == "comparing heartbeats" or words.startswith("notices"):
            with new.write() as connection:
                connection.execute(text("UPDATE people SET name = 'Somebody else' WHERE id = 1"))

    with pytest.raises(CannotMove, match="people 1 is not the same"):
        move_record(old, new, tell=spoil)

    with pytest.raises(RecordElsewhere, match="only a part"):
        check(new)
    call_off(old, new)
    check(old)


def test_a_program_that_runs_ends_with_the_sentence(lived, files, tmp_path, opened):
    programme = lived(files.old, tmp_path)
    old, new = programme.services.database, opened(files.new)
    asked: list[str] = []
    service = Service(
        programme.services, tmp_path / "prefect", give_up=lambda: asked.append("ended")
    )
    service.told("sweep")
    assert (asked, service.unfit) == ([], None)
    move_record(old, new)

    for story in ("sweep", "deliver", "digest", "hooks", "audit"):
        service.unfit = None
        service.told(story)
        assert isinstance(service.unfit, RecordElsewhere), story

    assert len(asked) == 5
    service.stop()


def test_the_command_says_what_it_did_and_what_to_do(tmp_path, monkeypatch, capsys):
    alkawari = CommandLine(tmp_path, monkeypatch, capsys)
    alkawari.settle_in()
    alkawari("sweep", "--as-of", "2026-03-10")
    fingerprint_before = alkawari("verify", "--json").json["fingerprint"]

    looked = alkawari("migrate-to", "sqlite:///new.db", "--dry-run", "--json").json
    assert looked["complete"] is False
    assert not (tmp_path / "new.db").exists()
    assert "Would move" in alkawari("migrate-to", "sqlite:///new.db", "--dry-run").out
    done = alkawari("migrate-to", "sqlite:///new.db", "--json").json
    assert done["fingerprint"] == fingerprint_before
    assert done["rows"] == done["copied"] == looked["rows"] == sum(done["tables"].values())
    assert done["tables"]["actions"] == 4
    assert done["to"] == f"sqlite:///{tmp_path / 'new.db'}"
    said = " ".join(alkawari("migrate-to", "sqlite:///new.db").out.split())
    assert f"moved to {done['to']} before; set database_url to that" in said

    for command in ("status", "sweep", "deliver", "verify", "pause --by me --reason x"):
        assert "has moved to" in alkawari(*command.split()).sentence
    doctor = {each["check"]: each for each in _json(alkawari("doctor", "--json").out)}
    assert doctor["database"]["state"] == "wrong"
    assert "init" not in doctor["database"]["advice"]
    monkeypatch.setenv("ALKAWARI_DATABASE_URL", "sqlite:///new.db")
    assert alkawari("verify", "--json").json["fingerprint"] == fingerprint_before
    monkeypatch.delenv("ALKAWARI_DATABASE_URL")
    assert alkawari("migrate-to", "sqlite:///new.db", "--undo", "--json").json["released"]
    assert alkawari("status", "--json").json["total"] == 4
    assert "--undo" in alkawari("migrate-to", "sqlite:///new.db", "--lost").sentence


def test_there_is_nothing_to_move_before_there_is_a_database(tmp_path, monkeypatch, capsys):
    alkawari = CommandLine(tmp_path, monkeypatch, capsys)

    assert "no record to move" in alkawari("migrate-to", "sqlite:///new.db").sentence
    assert "alkawari init" in _without_database(alkawari, monkeypatch)


def _without_database(alkawari: CommandLine, patch: pytest.MonkeyPatch) -> str:
    patch.setenv("ALKAWARI_DATABASE_URL", "sqlite:///old.db")
    return alkawari("migrate-to", "sqlite:///new.db").sentence


def _json(printed: str) -> Any:

    return json.loads(printed)
