"""A whole record taken back into an empty database, if its history is whole."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from config.wiring import Services
from engine.errors import BadValue
from engine.exported import read_exported
from engine.store.restoring import is_empty, restore

LARGEST: Final = 2**30
"""Bytes of a record that is read; one of 100,000 actions has about 300 MB."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was written."""

    actions: int
    events: int
    fingerprint: str


def restore_record(services: Services, path: Path) -> Restored:
    """
    Write what `export --format json` wrote into an empty database: every table, every event.

    BadValue, and nothing is written: the file is no such export, its history is not whole, or the
    database holds something already.
    """
    record = _read(path)
    if "scope" in record:
        raise BadValue(path.name, "…", "holds only a part; export everything to restore it")
    told = read_exported(path.name, record)
    broken = next(told.broken(None), None)
    if broken:
        raise BadValue(path.name, broken.ref, f"its history is not whole: {broken.what}")
    with services.database.write() as connection:
        if not is_empty(connection):
            raise BadValue(
                path.name, "…",
                "a whole record goes into an empty database; this one holds something already",
            )  # fmt: skip
        written = restore(connection, record)
    services.database.checkpoint()
    printed = next(iter(dict(record.get("fingerprints", {})).values()), "")
    return Restored(written.get("actions", 0), written.get("events", 0), str(printed))


def _read(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise BadValue("import", str(path), "there is no such file")
    if path.stat().st_size > LARGEST:
        raise BadValue("import", str(path), f"is larger than {LARGEST // 2**20} MB")
    try:
        record = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise BadValue(path.name, "…", f"is no JSON that can be read ({error})") from None
    if not isinstance(record, dict):
        raise BadValue(path.name, "…", "is not what `alkawari export --format json` writes")
    return record
