"""
What the engine refuses, and the sentence it says when it does.

    EngineError
    ├── BadValue           a value cannot be what was given
    ├── UnknownThing       nothing is called that
    ├── ForbiddenMove      the life cycle says no
    ├── StaleVersion       somebody else changed it first
    ├── CircularDependency an action would wait for itself
    ├── BadLadder          a ladder file cannot be used
    └── RecordElsewhere    the record is, or is going to, another database
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Self


class Sentence(str):
    """
    An English text that remembers how it was made, so that a page can say it in another language.

    `fields` are the values themselves: days, words of the program, texts.
    """

    __slots__ = ("fields", "pattern")
    pattern: str
    fields: Mapping[str, object]

    def __new__(cls, pattern: str, fields: Mapping[str, object]) -> Self:
        shown = {name: _plain(value) for name, value in fields.items()}
        made = super().__new__(cls, pattern % shown if fields else pattern)
        made.pattern, made.fields = pattern, fields
        return made

    def __getnewargs__(self) -> tuple[str, Mapping[str, object]]:  # type: ignore[override]
        """What a copy of it is made of: the text alone would not say how it was made."""
        return self.pattern, self.fields


def N_(pattern: str, **fields: object) -> Sentence:  # noqa: N802 - the name that catalogues know
    """A reason that is translated where somebody reads it; its name is how catalogues find it."""
    return Sentence(pattern, fields)


def reason_of(error: ValueError) -> str:
    """Why a value was refused, as its reader made the sentence, so that it can be translated."""
    made = error.args[0] if error.args else ""
    return made if isinstance(made, str) else str(error)


def _plain(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return ", ".join(_plain(one) for one in value)
    return str(value)


class EngineError(Exception):
    """The base of everything the engine refuses; its text is one sentence for a person."""


class BadValue(EngineError):
    """A value that cannot be used: what, where, and what to do."""

    def __init__(self, field: str, value: object, reason: str) -> None:
        self.field, self.value, self.reason = field, value, reason
        super().__init__(f"{field} {value!r}: {reason}.")


class UnknownThing(EngineError):
    """Nothing of that sort has that name."""

    def __init__(self, sort: str, name: object, known: Iterable[str] = ()) -> None:
        self.sort, self.name = sort, name
        hint = ", ".join(list(known)[:8])
        super().__init__(f"There is no {sort} {name!r}{f'; known: {hint}' if hint else ''}.")


class ForbiddenMove(EngineError):
    """The life cycle does not permit this; the sentence says what is permitted from here."""

    def __init__(self, ref: str, current: str, wanted: str, why: str) -> None:
        self.ref, self.current, self.wanted, self.why = ref, current, wanted, why
        super().__init__(f"{ref} is {current} and cannot become {wanted}: {why}.")


class StaleVersion(EngineError):
    """A write carried a version that is no longer the newest; nothing was written."""

    def __init__(self, ref: str, seen: int, newest: int) -> None:
        self.ref, self.seen, self.newest = ref, seen, newest
        super().__init__(
            f"{ref} was changed by somebody else (you saw version {seen}, it is now {newest}): "
            "read it again, then repeat your change."
        )


class CircularDependency(EngineError):
    """An action would wait for itself; the path is named."""

    def __init__(self, path: Sequence[str]) -> None:
        self.path = tuple(path)
        super().__init__(
            f"These actions would wait for each other in a circle: {' → '.join(path)}. "
            "Remove one of the dependencies."
        )


class BadLadder(EngineError):
    """A ladder file that cannot be used, with the line where that is."""

    def __init__(self, source: str, line: int, reason: str) -> None:
        self.source, self.line, self.reason = source, line, reason
        super().__init__(f"{source}, line {line}: {reason}.")


class RecordElsewhere(EngineError):
    """This database does not hold the record, or will not in a moment; the sentence says where."""

    BEGINNINGS = ("This record ", "This database holds ")
    """How its sentence begins wherever it is said: a database's own refusal is known by it."""
