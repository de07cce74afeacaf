"""
What happened, so that nobody can rewrite it.

Each event of an action carries the SHA-256 of the event before it and of its own canonical text.
The first one follows 32 zero bytes. Canonical text: compact JSON, keys sorted, UTF-8, no floats; an
instant is `YYYY-MM-DDTHH:MM:SS.ffffffZ`, a day `YYYY-MM-DD`.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache

GENESIS = bytes(32)
_ODD, _ODD_FIRST = "does not follow from the one before it", "is not what was recorded"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to one action; `seq` counts from 1 without a gap."""

    action_id: int
    seq: int
    kind: str
    at: datetime
    by: str
    payload: str
    hash: bytes


def payload_text(payload: Mapping[str, object]) -> str:
    """The canonical text of a payload; TypeError for a value that has none."""
    return _ENCODER.encode(payload)


def chained(before: bytes, event: Event) -> bytes:
    """The hash of an event that follows `before`; the event's own `hash` is not looked at."""
    return link(before, event.action_id, event.seq, event.kind, event.at, event.by, event.payload)


def link(
    before: bytes, action_id: int, seq: int, kind: str, at: datetime, by: str, payload: str
) -> bytes:
    """SHA-256 over the hash before and the event's fields, each preceded by its length in bytes."""
    said = payload.encode()
    return hashlib.sha256(
        b"".join(
            (
                before, _framed(str(FORMAT)), _framed(str(action_id)), _framed(str(seq)),
                _framed(kind), _framed(instant_text(at)), _framed(by),
                len(said).to_bytes(8, "big"), said,
            )
        )
    ).digest()  # fmt: skip


@lru_cache(maxsize=4096)  # all events of a sweep have words, instant and author in common
def _framed(text: str) -> bytes:
    """A text in UTF-8, preceded by its length in bytes."""
    raw = text.encode()
    return len(raw).to_bytes(8, "big") + raw


@lru_cache(maxsize=1024)  # all events of a sweep happen at one instant
def instant_text(at: datetime) -> str:
    """An aware instant in UTC to the microsecond, ending in Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(frozen=True, slots=True)
class Break:
    """Where a chain is broken: the first event that is not what was recorded, and why not."""

    seq: int
    what: str


def first_break(events: Iterable[Event], head: bytes, version: int) -> Break | None:
    """
    Where the chain of one action is broken first; None while it is whole.

    `head` and `version` are what the action itself says of its last event, so that a cut-off tail
    shows too.
    """
    before, seq = GENESIS, 0
    for event in events:
        seq += 1
        if event.seq != seq:
            return Break(seq, f"event {seq} is missing")
        if chained(before, event) != event.hash:
            return Break(seq, f"event {seq} ({event.kind}) {_ODD if seq > 1 else _ODD_FIRST}")
        before = event.hash
    if seq < version:
        return Break(seq + 1, f"event {seq + 1} and those after it are missing")
    if seq > version:
        return Break(version + 1, f"event {version + 1} was added behind the action's back")
    if before != head:
        return Break(seq, "the last event is not the one that the action remembers")
    return None


def _plain(value: object) -> object:
    match value:
        case datetime():
            return instant_text(value)
        case date():
            return value.isoformat()
        case StrEnum():
            return value.value
        case bytes():
            return value.hex()
        case _:
            raise TypeError(f"{value!r} has no canonical text")


_ENCODER = json.JSONEncoder(
    default=_plain, ensure_ascii=False, separators=(",", ":"), sort_keys=True
)
