"""What a move refuses, and a move that is called off."""

import pytest
from builders import a_programme, a_row, at, day
from moving_desk import (
    NOW,
    PASSWORD,
    WAYS,
    elsewhere,
    moves_of,
    rows,
    stop_at,
)
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from engine.clock import FixedClock
from engine.errors import BadValue, RecordElsewhere
from engine.store.database import Database
from engine.store.fence import record_tables
from engine.store.holds import holds_in_force
from engine.store.revision import NewerSchema, OldSchema, check
from engine.store.schema import upgrade
from workflows.moving import CannotMove, call_off, foresee_move, move_record


@pytest.mark.parametrize("pair", [WAYS[0]], indirect=True)
def test_a_row_that_the_new_database_cannot_hold_is_named(lived, pair, tmp_path, opened):
    old, new = lived(pair.old, tmp_path).services.database, opened(pair.new)
    with old.write() as connection:
        connection.execute(text("UPDATE people SET name = 'a' || char(0) || 'b' WHERE id = 2"))

    with pytest.raises(BadValue, match=r"people 'rows 1 to \d+': cannot be written there .*NUL"):
        move_record(old, new)

    call_off(old, new)
    check(old)


def test_a_server_that_does_not_answer_is_not_taken_for_lost(
    lived, files, tmp_path, opened, monkeypatch
):
    old, new = lived(files.old, tmp_path).services.database, opened(files.new)
    move_record(old, new)

    with monkeypatch.context() as cut_off:
        cut_off.setattr("workflows.moving.answers", lambda _database: False)
        with pytest.raises(CannotMove, match=r"does not answer.*--lost"):
            call_off(old, new)


def test_only_the_database_to_which_it_moved_gives_it_back_and_not_as_lost_while_it_answers(
    lived, files, tmp_path, opened
):
    old, new = lived(files.old, tmp_path).services.database, opened(files.new)
    move_record(old, new)

    for lost in (False, True):
        with pytest.raises(CannotMove, match=r"This record moved to .*, not to"):
            call_off(old, opened(f"sqlite:///{tmp_path / 'typo.db'}"), lost=lost)
    with pytest.raises(CannotMove, match="is not lost, it answers"):
        call_off(old, new, lost=True)

    with pytest.raises(RecordElsewhere):
        check(old)


def test_another_record_is_left_alone(lived, files, tmp_path):
    old = lived(files.old, tmp_path).services.database
    other = a_programme(files.new, tmp_path)
    other.plan(a_row(ref="SAA-77"), now=NOW)
    new = other.services.database
    before = [rows(new, table) for table in record_tables()]

    for attempt in (foresee_move, move_record):
        with pytest.raises(CannotMove, match="holds another record already"):
            attempt(old, new)

    assert [rows(new, table) for table in record_tables()] == before
    check(old)
    check(new)
    other.close()
    assert moves_of(old) is None


def test_a_database_of_something_else_is_left_alone(lived, files, tmp_path, opened):
    old, new = lived(files.old, tmp_path).services.database, opened(files.new)
    with new.write() as connection:
        connection.execute(text("CREATE TABLE flow_run (id INTEGER)"))

    with pytest.raises(CannotMove, match=r"something else \(flow_run"):
        move_record(old, new)

    check(old)
    with pytest.raises(OldSchema):
        check(new)


def test_a_newer_database_is_left_alone(lived, files, tmp_path, opened):
    old, new = lived(files.old, tmp_path).services.database, opened(files.new)
    upgrade(new)
    with new.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '2099_01_01_0000'"))

    for attempt in (foresee_move, move_record):
        with pytest.raises(NewerSchema, match="2099_01_01_0000"):
            attempt(old, new)
    check(old)


def test_the_record_does_not_move_to_where_it_is(lived, tmp_path, files, opened, monkeypatch):
    old = lived(files.old, tmp_path).services.database
    monkeypatch.chdir(tmp_path)

    with pytest.raises(CannotMove, match=r"is in .* already"):
        move_record(old, opened("sqlite:///./one.db"))
    check(old)


def test_two_moves_to_two_places_are_not_begun(lived, files, tmp_path, opened):
    old, new = lived(files.old, tmp_path).services.database, opened(files.new)
    with pytest.raises(KeyboardInterrupt):
        move_record(old, new, tell=stop_at("events"))

    with pytest.raises(CannotMove, match=r"is moving to .*two\.db"):
        move_record(old, opened(f"sqlite:///{tmp_path / 'three.db'}"))

    move_record(old, new)
    with pytest.raises(CannotMove, match=r"has moved to .*two\.db"):
        move_record(old, opened(f"sqlite:///{tmp_path / 'three.db'}"))
    # From the new one it may go anywhere, but not back into a file that is full of the past.
    with pytest.raises(CannotMove, match="holds another record"):
        move_record(new, old)
    assert move_record(new, opened(f"sqlite:///{tmp_path / 'three.db'}")).complete


@pytest.mark.parametrize("pair", [WAYS[1]], indirect=True)
def test_undone_the_old_database_goes_on_and_the_new_one_refuses(lived, pair, tmp_path, opened):
    programme = lived(pair.old, tmp_path)
    old, new = programme.services.database, opened(pair.new)
    move_record(old, new)

    assert call_off(old, new) is False

    check(old)
    programme.run(at(day(60)))
    with pytest.raises(RecordElsewhere, match="given up"):
        check(new)
    with pytest.raises(DatabaseError, match="given up"), new.engine.begin() as connection:
        connection.execute(text("UPDATE messages SET status = 'retry'"))
    with pytest.raises(CannotMove, match="nothing to undo"):
        call_off(old, new)
    with pytest.raises(CannotMove, match=r"called off: (empty it|delete /.*), or name another"):
        move_record(old, new)


def test_half_a_move_is_undone_as_well(lived, files, tmp_path, opened):
    programme = lived(files.old, tmp_path)
    old, new = programme.services.database, opened(files.new)
    with pytest.raises(KeyboardInterrupt):
        move_record(old, new, tell=stop_at("events"))

    call_off(old, new)

    programme.run(at(day(60)))
    with pytest.raises(CannotMove, match=f"delete {new.url.database} "):
        move_record(old, new)
    new.close()
    (tmp_path / "two.db").unlink()
    assert move_record(old, opened(files.new)).complete
    call_off(old, opened(files.new))
    third = opened(f"sqlite:///{tmp_path / 'three.db'}")
    assert move_record(old, third).complete


def test_what_has_gone_on_in_the_new_database_is_not_undone(lived, files, tmp_path, opened):
    programme = lived(files.old, tmp_path)
    old, new = programme.services.database, opened(files.new)
    move_record(old, new)
    there = elsewhere(programme, files.new)
    there.run(at(day(60)))

    with pytest.raises(CannotMove, match="has gone on"):
        call_off(old, new)

    with pytest.raises(RecordElsewhere):
        check(old)
    check(new)
    there.run(at(day(61)))
    there.close()


def test_a_lost_database_is_undone_without_it_and_then_everything_waits(
    lived, files, tmp_path, opened
):
    programme = lived(files.old, tmp_path)
    old, new = programme.services.database, opened(files.new)
    move_record(old, new)
    new.close()
    (tmp_path / "two.db").unlink()

    with pytest.raises(CannotMove, match="--lost"):
        call_off(old, new)
    assert call_off(old, new, lost=True, clock=FixedClock(NOW)) is True

    check(old)
    programme.run(at(day(60)))
    assert programme.postbox.taken == []
    with old.read() as connection:
        [hold] = holds_in_force(connection)
    assert "not known" in hold.reason


def test_a_dry_run_counts_and_writes_nothing(lived, files, tmp_path, opened):
    old, new = lived(files.old, tmp_path).services.database, opened(files.new)

    foreseen = foresee_move(old, new)

    assert foreseen.rows > 50
    assert not foreseen.complete
    assert not (tmp_path / "two.db").exists()
    assert moves_of(old) is None
    assert move_record(old, new).rows == foreseen.rows


@pytest.mark.parametrize("pair", [WAYS[0]], indirect=True)
def test_no_password_is_kept_or_said(lived, pair, tmp_path, opened):
    old = lived(pair.old, tmp_path).services.database
    new = opened(pair.new)
    if not new.sqlite:
        new = opened(pair.new.replace("alkawari@", f"alkawari:{PASSWORD}@", 1))
        assert PASSWORD in new.url.render_as_string(hide_password=False)

    moved = move_record(old, new)

    assert PASSWORD not in str(moved.as_dict())
    for database in (old, new):
        assert PASSWORD not in moves_of(database).other
    with pytest.raises(RecordElsewhere) as refusal:
        check(old)
    assert PASSWORD not in str(refusal.value)
    # The same place under the name without a password is the same place.
    assert move_record(old, opened(pair.new)).before


@pytest.mark.parametrize(
    "url",
    [f"postgresql://me:{PASSWORD}@db.example:x/y", f"mysql://me:{PASSWORD}@db.example/y",
     f"//me:{PASSWORD}@db.example/y"],
)  # fmt: skip
def test_an_address_that_cannot_be_used_is_refused_without_its_password(url):
    with pytest.raises(BadValue) as refusal:
        Database(url)
    assert PASSWORD not in str(refusal.value)


def test_a_password_among_the_options_of_an_address_is_not_shown(opened):
    database = opened(f"postgresql://me@db.example/y?password={PASSWORD}&connect_timeout=3")
    assert PASSWORD not in database.shown
    assert "connect_timeout=3" in database.shown
