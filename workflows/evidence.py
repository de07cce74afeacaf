"""Files handed in as evidence: looked at for what they are, kept under their hash, never shown."""

import hashlib
import os
import secrets
import zipfile
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Final

from config.wiring import Services
from engine.action import Action
from engine.bearing import EVIDENCE_ADDED, EVIDENCE_WEIGHED, Bearing, on_record
from engine.errors import N_, BadValue
from engine.store.database import Connection
from engine.store.evidence import (
    Evidence,
    Piece,
    attach,
    count_evidence,
    find_evidence,
    weigh,
)
from engine.store.records import append, find_action
from notifications.neutral import plain
from workflows.bare_pictures import UnreadableError, bare

LARGEST: Final = 5 * 1024 * 1024
LONGEST_NAME: Final = 120
MOST_FOR_ONE_ACTION: Final = 50
"""A disk is not filled by one mailbox that sends for ever."""

PLAIN_TEXT: Final = "text/plain"
ENDINGS: Final = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/heic": ".heic",
    "application/pdf": ".pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.oasis.opendocument.text": ".odt",
    "application/vnd.oasis.opendocument.spreadsheet": ".ods",
    PLAIN_TEXT: ".txt",
}
"""What is taken, and the ending that a file of it gets: its own may lie."""

_OFFICE: Final = {
    "word/document.xml": next(kind for kind, end in ENDINGS.items() if end == ".docx"),
    "xl/workbook.xml": next(kind for kind, end in ENDINGS.items() if end == ".xlsx"),
}
_HEIC_BRANDS: Final = frozenset({b"heic", b"heix", b"mif1", b"hevc"})
_MOST_ENTRIES: Final = 5000
_LINE_MAKERS: Final = frozenset("\t\n\r\f")


def keep_evidence(
    services: Services,
    action_ref: str,
    answer_id: int | None,
    data: bytes,
    name: str,
    by: str,
    now: datetime,
) -> Evidence:
    """
    Keep a file beside an action; the same file handed in twice is one piece.

    BadValue: empty, too large, or nothing that is taken. UnknownThing: no such action.
    """
    piece, freed = examined(data, name)
    with services.database.read() as connection:
        find_action(connection, action_ref)
    store(services, freed, piece)
    with services.database.write() as connection:
        action = find_action(connection, action_ref, lock=True)
        return attached(connection, piece, action, answer_id, by, now)[0]


def attached(
    connection: Connection,
    piece: Piece,
    action: Action,
    answer_id: int | None,
    by: str,
    now: datetime,
    bearing: Bearing = Bearing.UNSAID,
    note: str = "",
) -> tuple[Evidence, Action]:
    """
    Put a stored piece beside an action, with its hash in the history; BadValue if it is full.

    In the caller's transaction, which has the action locked. Handed in again it stays as it came
    first, but may be said to contradict, or to support, where nobody had said so.
    """
    known = find_evidence(connection, action.id, piece.sha256)
    if known is None:
        if count_evidence(connection, action.id) >= MOST_FOR_ONE_ACTION:
            reason = N_("there are %(count)s files already", count=MOST_FOR_ONE_ACTION)
            raise BadValue("evidence", piece.name, reason)
        kept = attach(
            connection, piece, action_id=action.id, answer_id=answer_id, by=by, now=now,
            bearing=bearing, note=note,
        )  # fmt: skip
        said = on_record(action, piece.sha256, kept.name, kept.media_type, kept.size, bearing)
        return kept, append(
            connection, action, {}, kind=EVIDENCE_ADDED, at=now, by=by, payload=said
        )
    if bearing is Bearing.UNSAID or known.bearing in {bearing, Bearing.CONTRADICTS}:
        return known, action
    weigh(connection, known, bearing, note)
    payload = {"sha256": piece.sha256.hex(), "bearing": bearing}
    after = append(connection, action, {}, kind=EVIDENCE_WEIGHED, at=now, by=by, payload=payload)
    return replace(known, bearing=bearing, note=note or known.note), after


def examined(data: bytes, name: str) -> tuple[Piece, bytes]:
    """
    What a file is by its own bytes, whatever its name says, and the bytes that are kept of it.

    Of a photograph those that say where and when it was taken are not: whoever gets hold of it
    must not find whoever took it. BadValue if it is not taken.
    """
    if not data:
        raise BadValue("evidence", plain(name)[:LONGEST_NAME], N_("the file is empty"))
    if len(data) > LARGEST:
        raise BadValue(
            "evidence",
            plain(name)[:LONGEST_NAME],
            N_("keep it under %(size)s MB", size=LARGEST // 2**20),
        )
    kind = sniffed(data)
    if kind is None:
        raise BadValue(
            "evidence", plain(name)[:LONGEST_NAME],
            N_("hand in a photograph, a PDF, a text or a sheet without macros"),
        )  # fmt: skip
    try:
        freed = bare(data, kind)
    except UnreadableError:
        raise BadValue(
            "evidence", plain(name)[:LONGEST_NAME],
            N_("the picture is damaged; take it or send it once more"),
        ) from None  # fmt: skip
    piece = Piece(
        sha256=hashlib.sha256(freed).digest(),
        name=tidy_name(name, kind),
        media_type=kind,
        size=len(freed),
    )
    return piece, freed


def sniffed(data: bytes) -> str | None:
    """The media type that the bytes themselves tell; None for what is not taken."""
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS:
        return "image/heic"
    if data.startswith(b"%PDF-"):
        return "application/pdf"
    if data.startswith(b"PK\x03\x04"):
        return _office(data)
    return PLAIN_TEXT if _is_text(data) else None


def _office(data: bytes) -> str | None:
    """Which office document a ZIP is; only its list of contents is read, nothing is unpacked."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            names = set(archive.namelist()[: _MOST_ENTRIES + 1])
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return None
    if len(names) > _MOST_ENTRIES or any(_is_macro(name) for name in names):
        return None
    if "[Content_Types].xml" in names:
        return next((kind for part, kind in _OFFICE.items() if part in names), None)
    # OpenDocument says what it is in its first entry, stored as it is, at a fixed place.
    said = data[30:120].removeprefix(b"mimetype")
    found = [
        kind for kind in ENDINGS if ".opendocument." in kind and said.startswith(kind.encode())
    ]
    return found[0] if found and data[30:38] == b"mimetype" else None


def _is_macro(name: str) -> bool:
    lowered = name.lower()
    return lowered.endswith("vbaproject.bin") or lowered.startswith(("basic/", "scripts/"))


def _is_text(data: bytes) -> bool:
    """Readable text; a page, a script or a program by its first sign is none."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    if text.lstrip()[:2] in {"#!", "<?", "<!"} or text.lstrip().startswith("<"):
        return False
    return all(sign.isprintable() or sign in _LINE_MAKERS for sign in text)


def tidy_name(name: str, kind: str) -> str:
    """The file's own name without folders, marks and controls, with the ending of what it is."""
    bare = PurePosixPath(plain(name).replace("\\", "/")).name
    stem = bare.rpartition(".")[0] or bare
    ending = ENDINGS[kind]
    return (stem.strip(". ")[: LONGEST_NAME - len(ending)] or "file") + ending


def store(services: Services, data: bytes, piece: Piece) -> Path:
    """
    Write a piece into the data folder, once; a row is made only after its file is safe.

    A file without a row is harmless and is written over by the next one that is the same.
    """
    folder = services.settings.data_folder / "evidence"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / piece.sha256.hex()
    if path.is_file() and path.stat().st_size == piece.size:
        return path
    beside = folder / f".{secrets.token_hex(8)}"
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return path
