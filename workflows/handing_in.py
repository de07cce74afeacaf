"""Evidence handed in by name: who may, how it bears, and who hears of it; and its files checked."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from config.wiring import Services
from engine.action import Action
from engine.answer import Answer, Origin, Verb
from engine.bearing import Bearing
from engine.errors import N_, BadValue, ForbiddenMove, StaleVersion, UnknownThing
from engine.lifecycle import Actor
from engine.store.acting import actor_for, facts_about
from engine.store.answer_tables import AnswerOutcome
from engine.store.answers import find_answer, keep_answer, tell_of_answer
from engine.store.database import Connection
from engine.store.directory import Directory
from engine.store.evidence import Evidence, Piece, with_hash
from engine.store.records import find_action
from notifications.warning_words import speaks_against
from workflows.evidence import LARGEST, attached, examined, store
from workflows.record import Asked

SHORTEST_HASH: Final = 8
"""So many signs of a hash tell files apart for a person; the whole of it is 64."""

_HEXADECIMAL: Final = frozenset("0123456789abcdef")
_PIECE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """A file that somebody hands in, how it bears on what was reported, and what they say of it."""

    path: Path
    bearing: Bearing = Bearing.UNSAID
    note: str = ""


@dataclass(frozen=True, slots=True)
class Unsound:
    """A file of the history that is not what it was, or not there any more."""

    ref: str
    seq: int
    sha256: str
    what: str

    def as_dict(self) -> dict[str, object]:
        """Plain values for tables and JSON."""
        return {"ref": self.ref, "seq": self.seq, "sha256": self.sha256, "what": self.what}


def hand_in(
    services: Services, asked: Asked, handed: Handed, now: datetime
) -> tuple[Action, Evidence]:
    """
    Keep a file beside an action, with its hash in the history.

    Whoever takes part in the action may; a file that contradicts the record is told to the
    coordinators. BadValue: the file cannot be read or is not taken. ForbiddenMove: anybody else.
    """
    data = _read(handed.path)
    return hand_in_bytes(services, asked, handed, data, now)


def hand_in_bytes(
    services: Services, asked: Asked, handed: Handed, data: bytes, now: datetime
) -> tuple[Action, Evidence]:
    """The same with bytes that came another way; of the path only its name is looked at."""
    piece, freed = examined(data, handed.path.name)
    with services.database.write() as connection:
        action = find_action(connection, asked.ref, lock=True)
        if asked.version is not None and asked.version != action.version:
            raise StaleVersion(action.ref, asked.version, action.version)
        directory = services.directory(connection)
        directory.ensure([action])
        facts = facts_about(connection, directory, action)
        actor = actor_for(connection, directory, action, facts, asked.by)
        if not actor.roles:
            why = N_("whoever takes no part in it hands it to its coordinator")
            raise ForbiddenMove(action.ref, action.state, "shown to be so", why)
        store(services, freed, piece)
        kept, after = attached(
            connection, piece, action, None, actor.key, now, handed.bearing, handed.note
        )
        if handed.bearing is Bearing.CONTRADICTS:
            _tell(connection, directory, after, actor, piece, handed.note, now)
    return after, kept


def _tell(
    connection: Connection,
    directory: Directory,
    action: Action,
    actor: Actor,
    piece: Piece,
    note: str,
    now: datetime,
) -> None:
    """The coordinators read it as an answer in somebody's own words, once for each file."""
    key = f"evidence:{action.id}:{piece.sha256.hex()}"
    if find_answer(connection, key) is not None:
        return
    coordinators = directory.circle(action).coordinators
    language = coordinators[0].language if coordinators else ""
    said = speaks_against(language)
    answer_id = keep_answer(
        connection, action, Answer(verb=Verb.OTHER, note=" ".join(filter(None, (said, note)))),
        key=key, by=actor.key, person_id=actor.person_id, origin=Origin.SITE,
        source="evidence", outcome=AnswerOutcome.NOTED, said="", now=now,
    )  # fmt: skip
    told = [(person, "note") for person in coordinators]
    tell_of_answer(connection, action, answer_id, told, about_id=actor.person_id, now=now)


def take_out(services: Services, start: str, out: Path) -> Evidence:
    """
    Write the file whose hash begins so to a new file that only its owner can read.

    It is never opened or shown. BadValue if the hash is not one, fits several, if the file has
    changed, or if `out` is there already. UnknownThing if nothing has that hash.
    """
    start = start.strip().lower()
    if len(start) < SHORTEST_HASH or not _HEXADECIMAL.issuperset(start):
        raise BadValue("sha", start[:80], f"give the first {SHORTEST_HASH} signs of it or more")
    with services.database.read() as connection:
        found = with_hash(connection, start)
    if not found:
        raise UnknownThing("evidence", start[:80])
    if len({kept.sha256 for kept, _ref in found}) > 1:
        raise BadValue("sha", start, "fits several files; give more of it")
    kept, ref = found[0]
    wrong = _wrong(folder_of(services) / kept.sha256.hex(), kept.sha256)
    if wrong:
        raise BadValue("evidence", start, f"of {ref} {wrong}; look for it in a backup")
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise BadValue("--out", str(out), f"cannot be written ({error.strerror})") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write((folder_of(services) / kept.sha256.hex()).read_bytes())
    return kept


def folder_of(services: Services) -> Path:
    """Where the files lie."""
    return services.settings.data_folder / "evidence"


def unsound(folder: Path, named: Iterable[tuple[str, int, bytes]]) -> Iterator[Unsound]:
    """Of the files that the history names those that are missing or no longer have their hash."""
    looked: dict[bytes, str] = {}
    for ref, seq, sha256 in named:
        if sha256 not in looked:
            looked[sha256] = _wrong(folder / sha256.hex(), sha256)
        if looked[sha256]:
            yield Unsound(ref, seq, sha256.hex(), looked[sha256])


def _wrong(path: Path, sha256: bytes) -> str:
    """What is wrong with a file; empty if nothing is."""
    digest = hashlib.sha256()
    try:
        if path.is_symlink() or not path.is_file():
            return "is missing"
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return "" if digest.digest() == sha256 else "is not the file that was handed in"


def _read(path: Path) -> bytes:
    """The bytes of a file, and no more of it than could be taken."""
    try:
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        raise BadValue("FILE", str(path), f"cannot be read ({error.strerror})") from None
