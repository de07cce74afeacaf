"""The figures of a digest as plain values, in the order and spelling in which they are kept."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from engine.digest import SMALLEST, Figures
from engine.history import payload_text

FORMAT = 1


def as_record(figures: Figures) -> dict[str, Any]:
    """What `--json` prints and the archive keeps; the same figures always give the same text."""
    said: dict[str, Any] = _plain(figures)
    frame = said.pop("frame")
    if frame["whole"] and figures.apart is None:
        said["apart"] = f"<{SMALLEST}"
    return {"format": FORMAT, **frame, **said}


def record_text(figures: Figures) -> str:
    """The record in canonical JSON: what two digests of one day must have in common."""
    return payload_text(as_record(figures))


def _plain(value: Any) -> Any:  # noqa: ANN401 - any part of the figures
    match value:
        case StrEnum():
            return value.value
        case datetime():
            return value.astimezone(UTC).isoformat()
        case date():
            return value.isoformat()
        case Mapping():
            return {str(name): _plain(part) for name, part in value.items()}
        case str() | int() | None:
            return value
        case Sequence():
            return [_plain(part) for part in value]
    if is_dataclass(value):
        return {part.name: _plain(getattr(value, part.name)) for part in fields(value)}
    raise TypeError(f"{value!r} is no part of a digest")
