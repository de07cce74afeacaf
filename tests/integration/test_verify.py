"""The history is whole: in the database, and offline in what was exported."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest
from builders import MONDAY, Programme, a_programme, a_row, at, day
from sqlalchemy import select, update

from engine.action import Level, State
from engine.errors import BadValue, UnknownThing
from engine.fingerprint import Fingerprint
from engine.store import checkpoints as kept
from engine.store.checkpoints import (
    fingerprint,
    fingerprint_at,
    fingerprint_unwritten,
    fingerprints_unwritten,
    snapshot,
)
from engine.store.records import append, find_action
from engine.store.tables import actions, checkpoints
from workflows.audit import audit
from workflows.handing_out import record_of
from workflows.verify import verify, verify_bundle

NOW = at(MONDAY)
SEEN = {"method": "a visit", "seen": "the gate is open"}


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path)
    made.plan(
        a_row(ref="SAA-01", due=day(5)),
        a_row(ref="SAA-02", depends_on=["SAA-01"], co_responsible=["Elders"]),
        a_row(ref="SAA-03"),
        now=NOW,
    )
    yield made
    made.close()


def seal(programme: Programme, on: int, dialogue_id: int | None = 1) -> str:
    with programme.services.database.write() as connection:
        return fingerprint(connection, dialogue_id, at(day(on)))


def live(programme: Programme, *held: str, dialogue: str | None = None):
    return verify(programme.services.database, held, dialogue)


def handed_out(programme: Programme, folder: Path, **chosen: str) -> Path:
    path = folder / "handed-out.json"
    path.write_text(json.dumps(record_of(programme.services.database, None, **chosen)))
    return path


def changed(path: Path, change: Callable[[dict], object]) -> Path:
    said = json.loads(path.read_text())
    change(said)
    path.write_text(json.dumps(said))
    return path


def a_few_weeks(programme: Programme) -> list[str]:
    """Fingerprints of the dialogue taken on the way, and something after the last one."""
    found = [seal(programme, 0)]
    programme.report("SAA-01", Level.MINIMUM, "chief", at(day(1)))
    found.append(seal(programme, 1))
    programme.run(at(day(7)))
    programme.report("SAA-01", Level.COMPLETED, "chief", at(day(8)))
    programme.move("SAA-01", State.VERIFIED, "mayor", at(day(9)), **SEEN)
    found.append(seal(programme, 9))
    programme.run(at(day(20)))
    return found


def test_every_fingerprint_ever_printed_is_still_that_of_the_beginning(programme, tmp_path):
    held = a_few_weeks(programme)

    for done in (
        live(programme, *held),
        live(programme, *held, dialogue="Saaba"),
        verify_bundle(handed_out(programme, tmp_path), held),
        verify_bundle(handed_out(programme, tmp_path, dialogue="saa"), held),
        verify_bundle(handed_out(programme, tmp_path, ref="SAA-01"), held),
    ):
        assert done.whole, done
        assert [each.matches for each in done.checked] == [True] * 3


def test_a_fingerprint_is_the_same_wherever_it_is_worked_out(programme, tmp_path):
    a_few_weeks(programme)
    with snapshot(programme.services.database) as connection:
        unwritten = fingerprint_unwritten(connection, 1)
    in_file = verify_bundle(handed_out(programme, tmp_path, dialogue="SAA")).fingerprint

    assert unwritten == in_file == live(programme, dialogue="SAA").fingerprint
    assert seal(programme, 30) == unwritten


def test_a_checkpoint_is_written_only_when_something_happened(programme):
    first = seal(programme, 0)
    again = seal(programme, 5)
    programme.report("SAA-01", Level.MINIMUM, "chief", at(day(6)))
    later = seal(programme, 6)

    rows = programme.rows(select(checkpoints.c.size).order_by(checkpoints.c.size))
    assert first == again != later
    assert [row.size for row in rows] == [
        Fingerprint.read(first).size,
        Fingerprint.read(later).size,
    ]


def test_a_past_day_has_the_fingerprint_that_was_printed_then(programme):
    held = a_few_weeks(programme)

    with programme.services.database.read() as connection:
        found = [fingerprint_at(connection, 1, at(day(on), 10)) for on in (-1, 0, 1, 5, 9, 99)]

    assert found == ["", held[0], held[1], held[1], held[2], held[2]]


def test_the_audit_seals_every_dialogue_and_the_programme(programme):
    done = audit(programme.services, at(day(1)))

    with snapshot(programme.services.database) as connection:
        now = fingerprints_unwritten(connection)
    rows = programme.rows(select(checkpoints))
    assert done.looked.broken == ()
    assert {row.dialogue_id for row in rows} == {None, 1}
    assert set(now) == {"PROGRAMME", "SAA"}
    assert live(programme, *now.values()).whole


def test_what_was_sealed_meanwhile_is_not_sealed_twice(programme):
    database = programme.services.database
    with snapshot(database) as connection:
        found = kept.reckoned(connection)
    held = seal(programme, 1)
    for on in (2, 3):
        with database.write() as connection:
            kept.keep(connection, found, at(day(on)))

    rows = programme.rows(select(checkpoints.c.dialogue_id, checkpoints.c.at))
    assert sorted(rows, key=str) == [(1, at(day(1))), (None, at(day(2)))]
    assert live(programme, held).whole


def test_audits_look_at_every_history_in_turn_and_at_what_was_broken_again(programme, monkeypatch):
    monkeypatch.setattr("workflows.histories.AT_LEAST", 1)
    database = programme.services.database

    def forged(ref: str, title: str) -> None:
        with database.write() as connection:
            connection.execute(update(actions).where(actions.c.ref == ref).values(title=title))

    def audited(hour: int) -> list[str]:
        looked = audit(programme.services, at(day(1), hour)).looked
        return [each.ref for each in looked.broken]

    [(title,)] = programme.rows(select(actions.c.title).where(actions.c.ref == "SAA-03"))
    assert audited(7) == []
    forged("SAA-03", "forged")
    found = [audited(hour) for hour in range(8, 14)]
    assert found[0] == []  # the second of three is looked at
    assert found[-1] == ["SAA-03"]
    first = found.index(["SAA-03"])
    assert found[first:] == [["SAA-03"]] * len(found[first:])  # wherever the round is
    forged("SAA-03", title)
    assert [audited(hour) for hour in range(14, 18)] == [[]] * 4
    programme.report("SAA-03", Level.MINIMUM, "chief", at(day(1), 18))
    forged("SAA-03", "forged")
    assert audited(19) == ["SAA-03"]  # it changed, so it is looked at


def test_the_audit_names_a_few_of_many_broken_histories_and_counts_all(
    programme, monkeypatch, caplog
):
    with programme.services.database.write() as connection:
        many = connection.execute(update(actions).values(title="forged")).rowcount
    monkeypatch.setattr("workflows.histories.NAMED", 1)

    done = audit(programme.services, at(day(1)))

    assert many > 1
    looked = done.looked
    assert (len(looked.broken), looked.all_broken, done.well) == (1, many, False)
    assert f"{many - 1} more histories are not whole" in caplog.text
    assert "SAA-02" not in caplog.text


def test_a_slip_a_stranger_and_a_longer_history_are_three_different_sentences(programme):
    held = seal(programme, 0)
    stranger = str(Fingerprint.of("JOS", 3, bytes(32)))
    longer = str(Fingerprint.of("SAA", 999, bytes(32)))
    with pytest.raises(BadValue, match="mistyped"):
        live(programme, held[:-1] + ("a" if held[-1] != "a" else "b"))

    done = live(programme, stranger, longer)

    assert "no dialogue JOS" in done.checked[0].says
    assert "was cut off" in done.checked[1].says
    with pytest.raises(UnknownThing, match="Saaba"):
        live(programme, dialogue="nowhere")


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda said: said["events"][-1]["payload"].update(note="forged"), "does not follow"),
        (lambda said: said["events"].pop(), "those after it are missing"),
        (lambda said: said["actions"][0].update(due_on="2027-01-01"), "without an event"),
        (lambda said: said["commitments"][0].update(text="less"), "those agreed"),
        (lambda said: said["commitments"][0].update(language="fr"), "those agreed"),
        (lambda said: said["dependencies"].clear(), "depends_on"),
        (lambda said: said["actions"].pop(), "is not there"),
        (lambda said: said["checkpoints"][0].update(root="00" * 32), "its checkpoint"),
    ],
)
def test_a_file_that_was_changed_is_found_out(programme, tmp_path, change, what):
    a_few_weeks(programme)
    programme.report("SAA-03", Level.MINIMUM, "chief", at(day(21)))
    path = changed(handed_out(programme, tmp_path), change)

    done = verify_bundle(path)

    assert not done.whole
    assert any(what in each.what for each in done.broken), done.broken


def test_a_proof_of_another_event_or_log_is_no_proof(programme, tmp_path):
    held = a_few_weeks(programme)
    path = handed_out(programme, tmp_path, ref="SAA-01")

    def swap(said):
        first, second, *_ = said["proofs"]["inclusion"]
        first["path"], second["path"] = second["path"], first["path"]

    def another_root(said):
        said["proofs"]["root"] = "00" * 32

    def no_past(said):
        said["proofs"]["consistency"] = []

    original = path.read_text()
    assert "not proved" in verify_bundle(changed(path, swap)).sentence
    path.write_text(original)
    assert "fingerprint" in verify_bundle(changed(path, another_root)).sentence
    path.write_text(original)
    assert "whole dialogue" in verify_bundle(changed(path, no_past), held).sentence
    path.write_text(original)
    other = str(Fingerprint.of("JOS", 3, bytes(32)))
    forged = str(Fingerprint.of("SAA", Fingerprint.read(held[0]).size, bytes(32)))
    assert "nothing about JOS" in verify_bundle(path, [other]).sentence
    assert "not those of that fingerprint" in verify_bundle(path, [forged]).sentence


def test_a_file_of_a_past_day_is_whole_and_has_the_fingerprint_of_that_day(programme, tmp_path):
    held = a_few_weeks(programme)
    path = tmp_path / "then.json"
    then = record_of(programme.services.database, at(day(5)))
    path.write_text(json.dumps(then))

    done = verify_bundle(path, held[:2])
    too_early = verify_bundle(path, held[2:])

    assert done.whole, done
    assert then["fingerprints"] == {"SAA": held[1]}
    assert "was cut off" in too_early.sentence
    assert all(event["at"] <= "2026-06-06T09:00:00.000000Z" for event in then["events"])
    for chosen in ({"dialogue": "SAA"}, {"ref": "SAA-01"}):
        part = record_of(programme.services.database, at(day(5)), **chosen)
        path.write_text(json.dumps(part))
        assert verify_bundle(path, held[:2]).whole


def test_a_file_of_one_dialogue_or_action_names_no_person_and_no_other(programme, tmp_path):
    a_few_weeks(programme)

    for chosen in ({"dialogue": "SAA"}, {"ref": "SAA-01"}):
        text = handed_out(programme, tmp_path, **chosen).read_text()
        assert "@" not in text
        assert "people" not in json.loads(text)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"events": []}', '{"events": 1, "actions": 2}'])
def test_a_file_of_something_else_is_refused_with_one_sentence(tmp_path, text):
    path = tmp_path / "other.json"
    path.write_text(text)

    with pytest.raises(BadValue, match="--bundle"):
        verify_bundle(path)
    with pytest.raises(BadValue, match="cannot be read"):
        verify_bundle(tmp_path / "nowhere.json")


def test_an_event_that_is_seen_late_stays_out_of_what_was_sealed_before(
    postgres_url, tmp_path, monkeypatch
):
    # On PostgreSQL a transaction may take the number of an event early and commit late.
    monkeypatch.setattr(kept, "PATIENCE_S", 1)
    programme = a_programme(postgres_url, tmp_path)
    programme.plan(a_row(ref="SAA-01"), a_row(ref="SAA-02"), now=NOW)
    before = seal(programme, 0)
    database = programme.services.database
    said = {"kind": "noted", "at": at(day(1)), "by": "coord", "payload": {}}
    with database.write() as slow:
        append(slow, find_action(slow, "SAA-01"), {}, **said)
        with database.write() as quick:
            append(quick, find_action(quick, "SAA-02"), {}, **said)
        meanwhile = seal(programme, 1)
        with pytest.raises(BadValue, match="try again"), snapshot(database):
            pass
    after = seal(programme, 2)

    done = live(programme, before, meanwhile, after)
    programme.close()

    assert meanwhile == before
    assert done.whole
    assert [Fingerprint.read(text).size for text in (before, after)] == [2, 4]


def test_sealing_and_writing_at_once_loses_nothing(programme):
    sealed: list[str] = []

    def write(ref: str) -> None:
        for number in range(8):
            programme.report(ref, list(Level)[number % 3], "chief", at(day(1), 1 + number))

    def watch() -> None:
        sealed.extend(seal(programme, number) for number in range(6))

    threads = [Thread(target=write, args=(ref,)) for ref in ("SAA-01", "SAA-03")]
    threads.append(Thread(target=watch))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(sealed) == 6
    assert live(programme, *sealed).whole
