"""Evidence by name: its hash in the history, a contradiction told, a file that is gone."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import MONDAY, Programme, a_programme, a_row, at, day
from pictures import a_jpeg

from engine.action import Level, State
from engine.bearing import Bearing, contradicted
from engine.errors import BadValue, ForbiddenMove, StaleVersion, UnknownThing
from engine.store.evidence import evidence_about
from engine.store.records import history_of
from workflows.handing_in import Handed, hand_in, take_out
from workflows.record import Asked
from workflows.verify import verify

NOW = at(MONDAY)
JPEG = a_jpeg()


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    data = tmp_path / "data"
    data.mkdir()
    made = a_programme(database_url, data)
    made.plan(
        a_row(), a_row(ref="SAA-02", handling="restricted"), a_row(ref="SAA-03"), now=at(day(-20))
    )
    yield made
    made.close()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "gate-amina.jpg"
    path.write_bytes(JPEG)
    return path


def give(programme: Programme, photo: Path, ref: str = "SAA-01", by: str = "mayor", **said):
    version = said.pop("version", None)
    asked = Asked(ref=ref, by=by, version=version)
    return hand_in(programme.services, asked, Handed(path=photo, **said), NOW)


def is_contradicted(programme: Programme, ref: str = "SAA-01") -> bool:
    action = programme.action(ref)
    with programme.services.database.read() as connection:
        return contradicted(action, history_of(connection, action.id))


def checked(programme: Programme):
    folder = programme.services.settings.data_folder / "evidence"
    return verify(programme.services.database, folder=folder)


def test_a_file_comes_into_the_history_by_its_hash_and_once(programme, photo):
    after, kept = give(programme, photo, bearing=Bearing.SUPPORTS, note="open since Friday")
    again, _same = give(programme, photo, bearing=Bearing.SUPPORTS)

    assert programme.history() == [*programme.history()[:-1], "evidence_added"]
    assert again.version == after.version
    assert (kept.bearing, kept.note) == (Bearing.SUPPORTS, "open since Friday")
    assert checked(programme).whole
    assert not is_contradicted(programme)


@pytest.mark.parametrize(("ref", "named"), [("SAA-01", True), ("SAA-02", False)])
def test_the_name_of_a_file_stands_in_the_history_of_no_restricted_action(
    programme, photo, ref, named
):
    give(programme, photo, ref)

    with programme.services.database.read() as connection:
        *_rest, event = history_of(connection, programme.action(ref).id)
    assert ("amina" in event.payload) is named


def test_a_contradiction_is_told_to_the_coordinator_and_stands_until_the_action_moves(
    programme, photo
):
    programme.report("SAA-01", Level.COMPLETED, "chief", NOW)
    give(programme, photo, bearing=Bearing.CONTRADICTS, note="the gate is shut")
    give(programme, photo, bearing=Bearing.CONTRADICTS)
    assert is_contradicted(programme)

    programme.run(NOW)
    [letter] = programme.postbox.texts("coord@saaba.example")
    assert "the gate is shut" in " ".join(letter.split())
    assert "open a dispute" in " ".join(letter.split())

    programme.move("SAA-01", State.DISPUTED, "coord", NOW, reason="the photograph")
    assert is_contradicted(programme)
    programme.move(
        "SAA-01", State.IN_PROGRESS, "coord", NOW, reason="it is shut", decided_on=MONDAY
    )
    assert not is_contradicted(programme)


def test_a_file_of_a_mail_can_be_said_to_contradict_later_and_not_be_unsaid(programme, photo):
    give(programme, photo)
    give(programme, photo, bearing=Bearing.CONTRADICTS, note="it is last year's")
    give(programme, photo, by="chief", bearing=Bearing.SUPPORTS)

    with programme.services.database.read() as connection:
        [kept] = evidence_about(connection, programme.action("SAA-01").id)
    assert (kept.bearing, kept.note) == (Bearing.CONTRADICTS, "it is last year's")
    assert is_contradicted(programme)
    assert programme.history()[-2:] == ["evidence_added", "evidence_weighed"]


@pytest.mark.parametrize("by", ["elder", "region"])
def test_whoever_takes_no_part_in_it_goes_to_the_coordinator(programme, photo, by):
    with pytest.raises(ForbiddenMove, match="hands it to its coordinator"):
        give(programme, photo, by=by)

    assert not (programme.services.settings.data_folder / "evidence").exists()


def test_nobody_overwrites_what_they_have_not_seen(programme, photo):
    with pytest.raises(StaleVersion):
        give(programme, photo, version=99)


@pytest.mark.parametrize("data", [b"", b"#!/bin/sh\nrm -rf .", b"<script>alert(1)</script>",
                                  b"MZ\x90\x00\x03", b"\x7fELF" + bytes(40)])  # fmt: skip
def test_what_could_be_run_is_not_taken(programme, tmp_path, data):
    path = tmp_path / "evidence.jpg"
    path.write_bytes(data)

    with pytest.raises(BadValue):
        give(programme, path)


def test_a_pipe_or_a_folder_is_no_file(programme, tmp_path):
    with pytest.raises(BadValue, match="cannot be read"):
        give(programme, tmp_path)


def test_it_is_written_out_as_it_came_and_over_nothing(programme, photo, tmp_path):
    _after, kept = give(programme, photo)
    out = tmp_path / "out.jpg"

    take_out(programme.services, kept.sha256.hex()[:8].upper(), out)

    assert out.read_bytes() == JPEG
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    with pytest.raises(BadValue, match="cannot be written"):
        take_out(programme.services, kept.sha256.hex(), out)
    link = tmp_path / "link.jpg"
    link.symlink_to(tmp_path / "elsewhere.jpg")
    with pytest.raises(BadValue, match="cannot be written"):
        take_out(programme.services, kept.sha256.hex(), link)
    assert not (tmp_path / "elsewhere.jpg").exists()


@pytest.mark.parametrize("sha", ["", "abc", "../../etc/passwd", "zzzzzzzz", "%" * 12, "_" * 64])
def test_what_is_no_hash_finds_nothing(programme, photo, tmp_path, sha):
    give(programme, photo)

    with pytest.raises(BadValue):
        take_out(programme.services, sha, tmp_path / "out")
    with pytest.raises(UnknownThing):
        take_out(programme.services, "00000000", tmp_path / "out")


def stored(programme: Programme) -> Path:
    [path] = (programme.services.settings.data_folder / "evidence").iterdir()
    return path


def removed(path: Path) -> None:
    path.unlink()


def changed(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"!")


def replaced_by_a_link(path: Path) -> None:
    elsewhere = path.with_name("elsewhere")
    path.replace(elsewhere)
    path.symlink_to(elsewhere)


@pytest.mark.parametrize(
    ("attack", "what"),
    [(removed, "is missing"), (changed, "is not the file that was handed in"),
     (replaced_by_a_link, "is missing")],
)  # fmt: skip
def test_verify_says_which_file_is_not_what_it_was(programme, photo, tmp_path, attack, what):
    _after, kept = give(programme, photo)
    attack(stored(programme))

    done = checked(programme)

    [lost] = done.evidence
    assert (lost.ref, lost.sha256, lost.what) == ("SAA-01", kept.sha256.hex(), what)
    assert not done.whole
    assert what in done.sentence
    assert done.broken == ()
    with pytest.raises(BadValue, match="look for it in a backup"):
        take_out(programme.services, kept.sha256.hex(), tmp_path / "out")


def test_taking_the_row_away_does_not_hide_that_the_file_is_gone(programme, photo):
    from sqlalchemy import delete

    from engine.store.answer_tables import evidence

    give(programme, photo)
    with programme.services.database.write() as connection:
        connection.execute(delete(evidence))
    stored(programme).unlink()

    assert [lost.what for lost in checked(programme).evidence] == ["is missing"]
