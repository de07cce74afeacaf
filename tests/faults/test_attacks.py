"""Somebody with the database in their hands rewrites the history, and `verify` says where."""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from builders import MONDAY, Programme, a_copy, a_programme, a_row, at, day

from engine.action import Level, State
from engine.history import GENESIS, link
from engine.store.checkpoints import fingerprint
from engine.verifying import words_hash
from workflows.verify import Verified, verify

NOW = at(MONDAY)
SEEN = {"method": "a visit", "seen": "the gate is open"}


@dataclass(frozen=True, slots=True)
class World:
    """A programme after some weeks, with the fingerprints that its readers hold."""

    file: Path
    earlier: str
    latest: str
    backup: Path


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("attacked")
    file, backup = folder / "alkawari.db", folder / "backup.db"
    programme = a_programme(f"sqlite:///{file}", folder)
    programme.plan(
        a_row(ref="SAA-01", commitment="We open the second gate", due=day(5)),
        a_row(ref="SAA-02", due=day(9), co_responsible=["Elders"]),
        a_row(ref="SAA-03", depends_on=["SAA-01"], due=day(30)),
        now=NOW,
    )
    programme.report("SAA-01", Level.MINIMUM, "chief", at(day(1)))
    programme.report("SAA-02", Level.MINIMUM, "chief", at(day(1)))
    earlier = sealed(programme, 1)
    programme.services.database.checkpoint()
    shutil.copy(file, backup)
    programme.report("SAA-01", Level.COMPLETED, "chief", at(day(2)))
    programme.move("SAA-01", State.VERIFIED, "mayor", at(day(3)), **SEEN)
    programme.report("SAA-02", Level.INTERMEDIATE, "chief", at(day(3)))
    latest = sealed(programme, 4)
    programme.services.database.checkpoint()
    programme.close()
    return World(file, earlier, latest, backup)


def sealed(programme: Programme, on: int) -> str:
    with programme.services.database.write() as connection:
        return fingerprint(connection, 1, at(day(on)))


@pytest.fixture
def attacked(world: World, tmp_path: Path) -> Iterator[Callable[..., Verified]]:
    """Attack a copy of the world, then verify it with the fingerprints that somebody held."""
    made: list[Programme] = []

    def attack(change: Callable[[sqlite3.Connection], object], *held: str) -> Verified:
        programme = a_copy(world.file, tmp_path, len(made))
        made.append(programme)
        file = programme.services.database.url.database
        connection = sqlite3.connect(str(file))
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        change(connection)
        connection.commit()
        connection.close()
        return verify(programme.services.database, held)

    yield attack
    for programme in made:
        programme.close()


def rechain(connection: sqlite3.Connection, ref: str) -> None:
    """Work out all hashes of an action anew, as a forger who knows the rules would."""
    action_id = connection.execute("SELECT id FROM actions WHERE ref = ?", (ref,)).fetchone()[0]
    head, last = GENESIS, 0
    for event_id, seq, kind, when, by, payload in connection.execute(
        'SELECT id, seq, kind, at, "by", payload FROM events WHERE action_id = ? ORDER BY seq',
        (action_id,),
    ).fetchall():
        head, last = link(head, action_id, seq, kind, _aware(when), by, payload), seq
        connection.execute("UPDATE events SET hash = ? WHERE id = ?", (head, event_id))
    connection.execute(
        "UPDATE actions SET head_hash = ?, version = ? WHERE id = ?", (head, last, action_id)
    )


def _aware(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def edit(connection: sqlite3.Connection) -> None:
    connection.execute(
        "UPDATE events SET payload = replace(payload, 'minimum', 'completed') "
        "WHERE action_id = 1 AND seq = 2"
    )


def edit_with_its_hash(connection: sqlite3.Connection) -> None:
    edit(connection)
    before = connection.execute("SELECT hash FROM events WHERE action_id=1 AND seq=1").fetchone()[0]
    kind, when, by, payload = connection.execute(
        'SELECT kind, at, "by", payload FROM events WHERE action_id = 1 AND seq = 2'
    ).fetchone()
    forged = link(before, 1, 2, kind, _aware(when), by, payload)
    connection.execute("UPDATE events SET hash=? WHERE action_id=1 AND seq=2", (forged,))


def delete(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM events WHERE action_id = 1 AND seq = 2")


def insert(connection: sqlite3.Connection) -> None:
    connection.execute(
        'INSERT INTO events (action_id, seq, kind, at, "by", payload, hash) '
        "SELECT 1, 5, 'reported', at, \"by\", '{}', hash FROM events "
        "WHERE action_id = 1 AND seq = 2"
    )


def insert_between(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE events SET seq = -seq WHERE action_id = 1 AND seq >= 2")
    connection.execute("UPDATE events SET seq = 1 - seq WHERE action_id = 1 AND seq < 0")
    connection.execute(
        'INSERT INTO events (action_id, seq, kind, at, "by", payload, hash) '
        "SELECT 1, 2, 'reported', at, \"by\", '{}', hash FROM events "
        "WHERE action_id = 1 AND seq = 3"
    )


def reorder(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE events SET seq = -seq WHERE action_id = 1 AND seq IN (2, 3)")
    connection.execute("UPDATE events SET seq = 5 + seq WHERE action_id = 1 AND seq < 0")


def cut_tail(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM events WHERE action_id = 1 AND seq >= 3")


def swap(connection: sqlite3.Connection) -> None:
    """The histories of SAA-01 and SAA-02, with their heads and versions, change places."""
    connection.execute("UPDATE events SET action_id = -action_id WHERE action_id IN (1, 2)")
    connection.execute("UPDATE events SET action_id = 3 + action_id WHERE action_id < 0")
    heads = connection.execute(
        "SELECT id, version, head_hash FROM actions WHERE id IN (1, 2)"
    ).fetchall()
    for action_id, version, head in heads:
        connection.execute(
            "UPDATE actions SET version = ?, head_hash = ? WHERE id = ?",
            (version, head, 3 - action_id),
        )


def set_column(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE actions SET due_on = '2027-01-01' WHERE id = 2")


def set_ties(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM dependencies")


def set_words(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE commitments SET text = 'We think about a second gate' WHERE id = 1")


def set_words_with_hash(connection: sqlite3.Connection) -> None:
    words = "We think about a second gate"
    connection.execute(
        "UPDATE commitments SET text = ?, text_hash = ? WHERE id = 1",
        (words, words_hash("en", words)),
    )


def set_language(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE commitments SET language = 'fr' WHERE id = 1")


def remove_action(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM dependencies")
    connection.execute("DELETE FROM actions WHERE id = 3")


def rewrite(connection: sqlite3.Connection) -> None:
    """Everything that the forger can reach fits together again, but for the checkpoints."""
    edit(connection)
    connection.execute("UPDATE actions SET reported_level = reported_level WHERE id = 1")
    rechain(connection, "SAA-01")


def rewrite_and_hide(connection: sqlite3.Connection) -> None:
    rewrite(connection)
    connection.execute("DELETE FROM checkpoints")


def cut_and_hide(connection: sqlite3.Connection) -> None:
    """SAA-02 never reported a second time: event, action and checkpoints all say so."""
    payloads = connection.execute("SELECT payload FROM events WHERE action_id = 2 ORDER BY seq")
    first, second, third = (json.loads(payload)["set"] for (payload,) in payloads)
    connection.execute("DELETE FROM events WHERE action_id = 2 AND seq = 3")
    before = {name: (first | second).get(name) for name in third}
    columns = ", ".join(f"{name} = :{name}" for name in third)
    connection.execute(f"UPDATE actions SET {columns} WHERE id = 2", before)
    rechain(connection, "SAA-02")
    connection.execute("DELETE FROM checkpoints")


def set_checkpoint(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE checkpoints SET root = zeroblob(32) WHERE size = 6")


FOUND = (
    (edit, "SAA-01", 2, "event 2 (reported) does not follow"),
    (
        edit_with_its_hash,
        "SAA-01",
        3,
        "event 3 (reported_done) does not follow from the one before it",
    ),
    (delete, "SAA-01", 2, "event 2 is missing"),
    (insert, "SAA-01", 5, "event 5 (reported) does not follow"),
    (insert_between, "SAA-01", 2, "event 2 (reported) does not follow"),
    (reorder, "SAA-01", 2, "event 2 (reported_done) does not follow"),
    (cut_tail, "SAA-01", 3, "event 3 and those after it are missing"),
    (swap, "SAA-01", 1, "event 1 (imported) is not what was recorded"),
    (set_column, "SAA-02", 3, "changed without an event for it: due_on"),
    (set_ties, "SAA-03", 3, "changed without an event for it: depends_on"),
    (set_words, "SAA-01", 1, "the words of its commitment are not those agreed"),
    (set_words_with_hash, "SAA-01", 1, "the words of its commitment are not those agreed"),
    (set_language, "SAA-01", 1, "the words of its commitment are not those agreed"),
    (remove_action, "action 3", 1, "the action of these events is no longer there"),
    (rewrite, "SAA", 1, "events 1 to 6 of its log are not those of its checkpoint"),
    (set_checkpoint, "SAA", 1, "events 1 to 6 of its log are not those of its checkpoint"),
)


def test_nothing_is_wrong_with_a_history_that_nobody_touched(attacked, world):
    done = attacked(lambda _connection: None, world.earlier, world.latest)

    assert done.whole
    assert (done.events, done.broken, done.sentence) == (10, (), "")
    assert [each.says for each in done.checked] == [
        "The first 6 events of SAA are unchanged; 4 came after them.",
        "The first 10 events of SAA are unchanged; 0 came after them.",
    ]


@pytest.mark.parametrize(
    ("attack", "ref", "seq", "what"), FOUND, ids=[attack.__name__ for attack, *_ in FOUND]
)
def test_each_attack_is_found_where_it_was_made(attacked, attack, ref, seq, what):
    done = attacked(attack)

    first = done.broken[0]
    print(f"| {attack.__name__} | {done.sentence} |")  # `-rP` shows the table of docs/history.md
    assert (first.ref, first.seq) == (ref, seq)
    assert first.what.startswith(what)
    assert not done.whole


@pytest.mark.parametrize("attack", [rewrite_and_hide, cut_and_hide])
def test_a_forgery_that_fits_together_is_caught_by_whoever_held_a_fingerprint(
    attacked, world, attack
):
    unnoticed = attacked(attack)
    noticed = attacked(attack, world.latest)

    assert unnoticed.whole  # the database alone can no longer know
    assert not noticed.whole
    assert noticed.broken == ()
    assert noticed.sentence in {
        "The first 10 events of SAA are not those of that fingerprint.",
        "SAA had 10 events then and has 9 now; its end was cut off.",
    }


def test_what_a_forgery_left_alone_is_still_proved_by_an_older_fingerprint(attacked, world):
    done = attacked(cut_and_hide, world.earlier, world.latest)

    assert [each.matches for each in done.checked] == [True, False]


def test_an_old_backup_is_caught_by_a_newer_fingerprint(world, tmp_path):
    restored = a_copy(world.backup, tmp_path, 0)
    alone = verify(restored.services.database)
    done = verify(restored.services.database, [world.earlier, world.latest])
    restored.close()

    assert alone.whole
    assert [each.matches for each in done.checked] == [True, False]
    assert done.sentence == "SAA had 10 events then and has 6 now; its end was cut off."
