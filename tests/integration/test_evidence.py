"""Files handed in: taken for what their bytes are, kept once, whatever their name says."""

import hashlib
import io
import stat
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import MONDAY, Programme, a_programme, a_row, at, day
from hypothesis import given
from hypothesis import strategies as st
from pictures import WHERE, a_jpeg

from engine.errors import BadValue, UnknownThing
from engine.store.evidence import evidence_about
from workflows.evidence import (
    ENDINGS,
    LARGEST,
    LONGEST_NAME,
    MOST_FOR_ONE_ACTION,
    examined,
    keep_evidence,
    sniffed,
    tidy_name,
)

NOW = at(MONDAY)
JPEG = a_jpeg()


def a_zip(*names: str, stored: bytes = b"x") -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name in names:
            archive.writestr(name, stored)
    return held.getvalue()


ODT = a_zip("mimetype", stored=b"application/vnd.oasis.opendocument.text")


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path)
    made.plan(a_row(), a_row(ref="SAA-02"), now=at(day(-20)))
    yield made
    made.close()


def kept(programme: Programme, ref: str = "SAA-01") -> list[object]:
    with programme.services.database.read() as connection:
        return list(evidence_about(connection, programme.action(ref).id))


def test_a_file_is_kept_once_for_an_action_and_once_on_the_disk(programme):
    first = keep_evidence(programme.services, "saa-01", None, JPEG, "gate.jpg", "chief", NOW)
    again = keep_evidence(programme.services, "SAA-01", None, JPEG, "other.jpg", "deputy", NOW)
    keep_evidence(programme.services, "SAA-02", None, JPEG, "gate.jpg", "chief", NOW)

    assert again == first
    assert kept(programme) == [first]
    assert len(kept(programme, "SAA-02")) == 1
    (path,) = (programme.folder / "evidence").iterdir()
    assert path.name == first.sha256.hex()
    assert path.read_bytes() == JPEG
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_same_file_from_several_at_once_is_one_piece(programme):
    gate = threading.Barrier(4)

    def hand_in() -> None:
        gate.wait()
        keep_evidence(programme.services, "SAA-01", None, JPEG, "gate.jpg", "chief", NOW)

    threads = [threading.Thread(target=hand_in) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(kept(programme)) == 1
    assert len(list((programme.folder / "evidence").iterdir())) == 1


def test_a_file_of_which_only_a_part_was_written_is_written_again(programme):
    piece, _freed = examined(JPEG, "gate.jpg")
    folder = programme.folder / "evidence"
    folder.mkdir()
    (folder / piece.sha256.hex()).write_bytes(JPEG[:10])

    keep_evidence(programme.services, "SAA-01", None, JPEG, "gate.jpg", "chief", NOW)

    assert (folder / piece.sha256.hex()).read_bytes() == JPEG


def test_where_a_photograph_was_taken_is_not_kept_and_it_is_one_piece_all_the_same(programme):
    noted = a_jpeg(noted=True)
    for _time in range(2):
        keep_evidence(programme.services, "SAA-01", None, noted, "gate.jpg", "chief", NOW)

    [piece] = kept(programme)
    [path] = (programme.folder / "evidence").iterdir()
    assert WHERE not in path.read_bytes()
    assert path.name == hashlib.sha256(path.read_bytes()).hexdigest() == piece.sha256.hex()


def test_what_is_not_taken_leaves_nothing_behind(programme):
    for data in (b"", bytes(LARGEST + 1), b"MZ\x00 a program", JPEG[:20], b"\xff\xd8\xff\xe1"):
        with pytest.raises(BadValue):
            keep_evidence(programme.services, "SAA-01", None, data, "a.jpg", "chief", NOW)
    with pytest.raises(UnknownThing):
        keep_evidence(programme.services, "NON-01", None, JPEG, "a.jpg", "chief", NOW)

    assert kept(programme) == []
    assert not (programme.folder / "evidence").exists()


def test_a_mailbox_that_sends_for_ever_does_not_fill_the_disk(programme):
    for number in range(MOST_FOR_ONE_ACTION):
        keep_evidence(
            programme.services, "SAA-01", None, b"note %d" % number, "a.txt", "chief", NOW
        )

    with pytest.raises(BadValue, match="already"):
        keep_evidence(programme.services, "SAA-01", None, b"more", "a.txt", "chief", NOW)


@pytest.mark.parametrize(
    ("data", "ending"),
    [
        (JPEG, ".jpg"),
        (b"\x89PNG\r\n\x1a\n....", ".png"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", ".webp"),
        (b"\x00\x00\x00\x18ftypheic....", ".heic"),
        (b"%PDF-1.7\n", ".pdf"),
        (a_zip("[Content_Types].xml", "word/document.xml"), ".docx"),
        (a_zip("[Content_Types].xml", "xl/workbook.xml"), ".xlsx"),
        (ODT, ".odt"),
        (b"Le portail est ouvert.\r\n", ".txt"),
        ("\N{BYTE ORDER MARK}البوابة مفتوحة".encode(), ".txt"),
    ],
)
def test_what_helps_is_taken(data, ending):
    kind = sniffed(data)

    assert kind
    assert ENDINGS[kind] == ending


@pytest.mark.parametrize(
    "data",
    [
        b"<html><script>alert(1)</script>",
        b"\n <svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<?php system($_GET['c']);",
        b"#!/bin/sh\nrm -rf /",
        b"MZ\x90\x00\x03",
        b"\x7fELF\x02\x01",
        b"GIF89a\x01\x00",
        a_zip("run.exe"),
        a_zip("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"),
        a_zip("[Content_Types].xml", "something/else.xml"),
        a_zip(*(f"{number}.txt" for number in range(5100))),
        a_zip("[Content_Types].xml", "xl/workbook.xml")[:-30],
        b"PK\x03\x04" + bytes(100),
        "caf\xe9".encode("latin-1"),
        b"text with \x00 in it",
        "turned \N{RIGHT-TO-LEFT OVERRIDE} around".encode(),
    ],
)
def test_what_could_do_harm_or_is_not_known_is_not_taken(data):
    assert sniffed(data) is None


@pytest.mark.parametrize(
    ("name", "kept_as"),
    [
        ("gate.JPG", "gate.jpg"),
        ("../../etc/passwd", "passwd.jpg"),
        ("C:\\photos\\gate.jpeg", "gate.jpg"),
        ("photo.jpg.exe", "photo.jpg.jpg"),
        ("a\u202egpj.exe", "agpj.jpg"),
        ("", "file.jpg"),
        ("...", "file.jpg"),
        ("بوابة.jpg", "بوابة.jpg"),
    ],
)
def test_a_name_is_kept_as_a_name_and_nothing_more(name, kept_as):
    assert tidy_name(name, "image/jpeg") == kept_as


@given(st.text(max_size=400), st.sampled_from(sorted(ENDINGS)))
def test_no_name_leads_out_of_its_folder_or_is_too_long(name, kind):
    kept_as = tidy_name(name, kind)

    assert "/" not in kept_as
    assert "\\" not in kept_as
    assert len(kept_as) <= LONGEST_NAME
    assert kept_as.endswith(ENDINGS[kind])
    assert not kept_as.startswith(".")


@given(st.binary(max_size=400))
def test_no_bytes_break_the_look_at_them(data):
    assert sniffed(data) is None or sniffed(data) in ENDINGS
    assert sniffed(b"PK\x03\x04" + data) is None or sniffed(b"PK\x03\x04" + data) in ENDINGS
