"""Keeps what was read from the holidays package in a file, so that commands need not load it."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from engine.listed_days import FORM, ListedDay, read_so_far, take_over

FILE_NAME: Final = "holidays.json"

log = logging.getLogger("alkawari.holidays")


@contextmanager
def kept_holidays(folder: Path) -> Iterator[None]:
    """
    Take over what the file in `folder` knows, and keep there what was read beyond it.

    Loading the package costs a fifth of a short command. The file is of one release of the package;
    one that is of another or cannot be read is made anew, and without a folder nothing is kept.
    """
    path, source = folder / FILE_NAME, [FORM, version("holidays")]
    _take_over(path, source)
    known = read_so_far()
    yield
    if folder.is_dir() and read_so_far() != known:
        _keep(path, source)


def _take_over(path: Path, source: list[object]) -> None:
    try:
        said: Any = json.loads(path.read_bytes())
        if said["source"] != source:
            return
        decades = {country: range(*ends) for country, ends in said["decades"].items()}
        listed = {
            (country, decade): {
                date.fromisoformat(day): tuple(ListedDay(*each) for each in there)
                for day, there in days
            }
            for country, decade, days in said["listed"]
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.debug("%s is not read: %r", path.name, error)
        return
    take_over(decades, listed)


def _keep(path: Path, source: list[object]) -> None:
    decades, listed = read_so_far()
    said = {
        "source": source,
        "decades": {country: [known.start, known.stop] for country, known in decades.items()},
        "listed": [
            [country, decade, [
                [day.isoformat(), [[each.name, each.text, each.estimated] for each in there]]
                for day, there in days.items()
            ]]
            for (country, decade), days in listed.items()
        ],
    }  # fmt: skip
    written = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        written.write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")
        written.replace(path)
    except OSError as error:
        log.debug("%s is not kept: %r", path.name, error)
        written.unlink(missing_ok=True)
