"""What a command says: one JSON value, or words and tables for people."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from engine.errors import EngineError


class Refused(EngineError):
    """A command that did not do what was asked, with the sentence that says why."""


def say_json(value: object) -> None:
    """Print one JSON value on stdout and nothing else."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def say(text: str) -> None:
    """A line for a person."""
    sys.stdout.write(text + "\n")


def complain(text: str) -> None:
    """A line on stderr; line breaks in what others said are flattened."""
    sys.stderr.write(" ".join(text.split()) + "\n")


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table as wide as the terminal."""
    from rich.console import Console  # noqa: PLC0415 - a command that prints JSON need not pay
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    shown = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*(Text(_cell(value)) for value in row))
    width = None if sys.stdout.isatty() else int(os.environ.get("COLUMNS", "140"))
    Console(width=width).print(shown)


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


def _cell(value: Any) -> str:  # noqa: ANN401 - whatever a table is given
    if value is None or value is False:
        return ""
    if value is True:
        return "yes"
    if isinstance(value, list | tuple):
        return ", ".join(str(part) for part in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {part}" for name, part in value.items())
    if isinstance(value, float):
        return f"{value:.2f}"
    return str(value)
