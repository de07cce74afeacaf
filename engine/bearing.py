"""What a file that was handed in says about a report: that it is so, or that it is not."""

import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final

from engine.action import Action, Handling, State
from engine.history import Event

EVIDENCE_ADDED: Final = "evidence_added"
EVIDENCE_WEIGHED: Final = "evidence_weighed"
"""Somebody said later how a file bears that was there already."""

_WEIGHING: Final = frozenset({EVIDENCE_ADDED, EVIDENCE_WEIGHED})

OPEN_TO_ALL: Final = frozenset({Handling.PUBLIC, Handling.DIALOGUE})


class Bearing(StrEnum):
    """How a file bears on what was reported; `unsaid` where whoever handed it in did not say."""

    SUPPORTS = "supports"
    CONTRADICTS = "contradicts"
    UNSAID = "unsaid"


def on_record(
    action: Action, sha256: bytes, name: str, media_type: str, size: int, bearing: Bearing
) -> Mapping[str, object]:
    """
    What the event says by which a file comes into the history: its hash, and how it bears.

    The file's own name may tell what its action keeps to few, so it stands there only where the
    action itself may be read by all who take part.
    """
    said: dict[str, object] = {
        "sha256": sha256.hex(),
        "media_type": media_type,
        "size": size,
        "bearing": bearing,
    }
    if action.handling in OPEN_TO_ALL:
        said["name"] = name
    return said


def contradicted(action: Action, events: Iterable[Event]) -> bool:
    """
    Whether a file says otherwise than the record, and nobody has ruled on it since.

    A later state is a ruling, since whoever moved it could see the file; a dispute is not, it asks
    for one.
    """
    since = action.state_version
    last = 0
    for event in events:
        if event.kind in _WEIGHING and _says(event.payload) == Bearing.CONTRADICTS:
            last = event.seq
    return last > since or (last > 0 and action.state is State.DISPUTED)


def _says(payload: str) -> str:
    said: Mapping[str, Any] = json.loads(payload)
    return str(said.get("bearing", ""))
