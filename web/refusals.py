"""What the engine refuses, said in the reader's language."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Final

from engine.errors import (
    BadValue,
    CircularDependency,
    EngineError,
    ForbiddenMove,
    Sentence,
    StaleVersion,
    UnknownThing,
)
from engine.party import Side
from notifications.language import isolated, words
from web.face_words import a_short_day, side_words, word

ENGLISH: Final = "en"


def refusal_words(language: str, error: EngineError) -> str:
    """One sentence for whoever tried it: what is wrong, in their language."""
    _ = words(language).gettext
    match error:
        case ForbiddenMove():
            return sentence(language, error.why)
        case BadValue():
            return sentence(language, error.reason)
        case StaleVersion():
            return _("%(ref)s was changed by somebody else; look at it again.") % {"ref": error.ref}
        case CircularDependency():
            path = " → ".join(error.path)
            return _("These actions would wait for each other: %(path)s.") % {"path": path}
        case UnknownThing():
            return _("There is nothing of that name: %(name)s.") % {"name": str(error.name)[:80]}
        case _:
            return sentence(language, str(error))


def sentence(language: str, text: str) -> str:
    """A refusal as a whole sentence; one that nobody translated stands in brackets as it is."""
    _ = words(language).gettext
    pattern = text.pattern if isinstance(text, Sentence) else text
    fields = text.fields if isinstance(text, Sentence) else {}
    # What nobody translated comes back as it is; of English nothing is ever translated.
    if language != ENGLISH and _(pattern) == pattern:
        return f"{_('This cannot be done like that.')} ({text})"
    said = _(pattern) % _shown(language, fields) if fields else _(pattern)
    return said[:1].upper() + said[1:] + ("" if said.endswith((".", "؟", "?")) else ".")


def _shown(language: str, fields: Mapping[str, object]) -> dict[str, str]:
    return {name: _value(language, value) for name, value in fields.items()}


def _value(language: str, value: object) -> str:
    match value:
        case date():
            return a_short_day(language, value)
        case Sentence():  # a part of a sentence that is one itself
            pattern = words(language).gettext(value.pattern)
            return pattern % _shown(language, value.fields) if value.fields else pattern
        case Side():
            return side_words(language)[value]
        case StrEnum():
            return word(language, value)
        case tuple() | list():
            return words(language).gettext(", ").join(_value(language, one) for one in value)
        case _:
            return isolated(language, str(value))
