"""What was handed in to show that something was done, as rows; the files lie in the data folder."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from engine.bearing import EVIDENCE_ADDED, Bearing
from engine.store.answer_tables import evidence
from engine.store.dialect import insert_missing
from engine.store.tables import actions, events


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A file that is on the disk and belongs to no action yet."""

    sha256: bytes
    name: str
    media_type: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A file that somebody handed in about an action."""

    id: int
    action_id: int
    answer_id: int | None
    sha256: bytes
    name: str
    media_type: str
    size: int
    bearing: Bearing
    note: str
    by: str
    at: datetime

    def as_dict(self) -> Mapping[str, object]:
        """Plain values for tables and JSON."""
        return {
            "sha256": self.sha256.hex(),
            "name": self.name,
            "media_type": self.media_type,
            "size": self.size,
            "bearing": self.bearing.value,
            "note": self.note,
            "by": self.by,
            "at": self.at.isoformat(),
        }


def attach(
    connection: Connection,
    piece: Piece,
    *,
    action_id: int,
    answer_id: int | None,
    by: str,
    now: datetime,
    bearing: Bearing = Bearing.UNSAID,
    note: str = "",
) -> Evidence:
    """Put a piece beside an action; handed in twice, it stays as it came first."""
    row = {
        "action_id": action_id,
        "answer_id": answer_id,
        "sha256": piece.sha256,
        "name": piece.name,
        "media_type": piece.media_type,
        "size": piece.size,
        "bearing": bearing,
        "note": note,
        "by": by,
        "at": now,
    }
    insert_missing(connection, evidence, [row], ["action_id", "sha256"])
    c = evidence.c
    kept = connection.execute(
        select(evidence).where(c.action_id == action_id, c.sha256 == piece.sha256)
    ).one()
    return Evidence(**kept._mapping)  # noqa: SLF001 - SQLAlchemy's public name


def find_evidence(connection: Connection, action_id: int, sha256: bytes) -> Evidence | None:
    """That file beside that action, if it lies there."""
    c = evidence.c
    row = connection.execute(
        select(evidence).where(c.action_id == action_id, c.sha256 == sha256)
    ).first()
    return Evidence(**row._mapping) if row else None  # noqa: SLF001 - as above


def weigh(connection: Connection, piece: Evidence, bearing: Bearing, note: str) -> None:
    """Say how a file bears that is there already."""
    values = {"bearing": bearing, **({"note": note} if note else {})}
    connection.execute(update(evidence).where(evidence.c.id == piece.id).values(**values))


def with_hash(connection: Connection, start: str) -> list[tuple[Evidence, str]]:
    """The files whose hash begins so (hexadecimal), each with the reference of its action."""
    rows = connection.execute(
        select(evidence, actions.c.ref)
        .join(actions, actions.c.id == evidence.c.action_id)
        .order_by(evidence.c.id)
    )
    found = []
    for row in rows:
        values = dict(row._mapping)  # noqa: SLF001 - as above
        ref = str(values.pop("ref"))
        if values["sha256"].hex().startswith(start):
            found.append((Evidence(**values), ref))
    return found


def named_files(
    connection: Connection, dialogue_id: int | None = None
) -> Iterator[tuple[str, int, bytes]]:
    """
    Every file that the history names, with its action and the number of the event.

    Of one dialogue, or of all. Asked of the events, which nobody can take a file out of.
    """
    query = (
        select(actions.c.ref, events.c.seq, events.c.payload)
        .join(actions, actions.c.id == events.c.action_id)
        .where(events.c.kind == EVIDENCE_ADDED)
        .order_by(events.c.id)
    )
    if dialogue_id is not None:
        query = query.where(actions.c.dialogue_id == dialogue_id)
    for ref, seq, payload in connection.execute(query):
        yield ref, seq, bytes.fromhex(json.loads(payload)["sha256"])


def evidence_about(connection: Connection, action_id: int) -> list[Evidence]:
    """Everything that was handed in about an action, oldest first."""
    rows = connection.execute(
        select(evidence).where(evidence.c.action_id == action_id).order_by(evidence.c.id)
    )
    return [Evidence(**row._mapping) for row in rows]  # noqa: SLF001 - as above


def count_evidence(connection: Connection, action_id: int) -> int:
    """How many pieces lie beside an action."""
    query = select(func.count()).where(evidence.c.action_id == action_id)
    return int(connection.scalar(query) or 0)
