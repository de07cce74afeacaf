"""Where something failed, in words that hold nothing of what people wrote."""

import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Final

INNERMOST: Final = 8
"""So many steps are named: enough to see which of our own called into which library."""


def trace_of(error: BaseException) -> str:
    """
    What failed and where: the kinds of error and the lines of code, innermost first.

    The text of an error may hold a name, an address or a whole row, which a log must not; the names
    of files, functions and kinds of error are the program's own.
    """
    steps = [
        f"{Path(frame.filename).stem}:{frame.lineno} {frame.name}"
        for frame in reversed(traceback.extract_tb(error.__traceback__))
    ]
    kinds = " from ".join(type(each).__name__ for each in _causes(error))
    return f"{kinds} at {' < '.join(steps[:INNERMOST])}" if steps else kinds


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, then what it was raised from; an error may be its own cause by a detour."""
    seen: set[int] = set()
    now: BaseException | None = error
    while now is not None and id(now) not in seen:
        seen.add(id(now))
        yield now
        now = now.__cause__ or (None if now.__suppress_context__ else now.__context__)
