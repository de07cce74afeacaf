"""What a command says: one JSON value, or words and tables for people."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

from engine.errors import EngineError

NARROWEST, USUAL = 40, 140
"""Columns of a table when nobody looks at a terminal: COLUMNS says, else the usual."""


class Refused(EngineError):
    """A command that did not do what was asked, with the sentence that says why."""


def say_json(value: object) -> None:
    """Print one JSON value on stdout and nothing else."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=_json) + "\n")


def say(text: str) -> None:
    """A line for a person."""
    sys.stdout.write(text + "\n")


def several(number: int, one: str, more: str = "") -> str:
    """`1 row`, `2 rows`; `more` where the plural is not made with an s."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def complain(text: str) -> None:
    """A line on stderr; line breaks in what others said are flattened."""
    sys.stderr.write(_printable(" ".join(text.split())) + "\n")


def table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    whole: Sequence[str] = (),
) -> None:
    """A table as wide as the terminal; the cells of `whole` columns are never broken."""
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - a command that prints JSON need not pay
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    shown = Table(
        title=title,
        title_justify="left",
        show_header=any(columns),
        header_style="bold",
        box=SIMPLE_HEAD,
        collapse_padding=True,
        pad_edge=False,
    )
    for column in columns:
        widest = max(map(len, column.split()), default=None)
        shown.add_column(column, overflow="fold", no_wrap=column in whole, min_width=widest)
    for row in rows:
        shown.add_row(*(Text(_cell(value)) for value in row))
    Console(width=None if sys.stdout.isatty() else _width()).print(shown)


def pairs(title: str, facts: Mapping[str, object]) -> None:
    """Facts, one below the other."""
    table(title, ("", ""), [(name.replace("_", " "), value) for name, value in facts.items()])


@contextmanager
def progress(label: str, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A bar on stderr for long work, when somebody is looking."""
    if quiet or not sys.stderr.isatty():
        yield lambda _done: None
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    shown = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.completed:.0f}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with shown:
        task = shown.add_task(label, total=None)
        yield lambda done: shown.update(task, completed=done)


def _width() -> int:
    given = os.environ.get("COLUMNS", "")
    return max(NARROWEST, int(given)) if given.isdecimal() and len(given) < len("10000") else USUAL


def _json(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _printable(text: str) -> str:
    """Without control characters: what somebody wrote must not steer the terminal of another."""
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() or sign == "\n" else "\N{REPLACEMENT CHARACTER}" for sign in text
    )


def _cell(value: Any) -> str:  # noqa: ANN401 - whatever a table is given
    if value is None or value is False:
        return ""
    if value is True:
        return "yes"
    if isinstance(value, list | tuple):
        return ", ".join(_cell(part) for part in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {_cell(part)}" for name, part in value.items() if part != "")
    if isinstance(value, float):
        return f"{value:.2f}"
    return _printable(str(value))
