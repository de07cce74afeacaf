"""Words added to what was agreed, and the assent of each side; what was agreed stays as it is."""

import re
from dataclasses import dataclass
from typing import Final

from fastapi import Response

from engine.clarifying import Clarification
from engine.errors import EngineError
from engine.permission import Deed
from engine.store.records import language_of
from engine.store.seen import words_of
from web.action_page import About, about_action
from web.face import NAMES, OK, UNFIT, Entrance, Visit
from web.forms import Field, Typed, read_fields
from web.refusals import refusal_words
from workflows.clarify import add_words, clarifications_of, give_assent
from workflows.record import Asked

_NUMBER: Final = re.compile("[0-9]{1,9}")


def add_clarify(entrance: Entrance) -> None:
    entrance.get("/actions/{ref}/clarify", Deed.REPORT, ask)
    entrance.post("/actions/{ref}/clarify", Deed.REPORT, propose)
    entrance.post("/actions/{ref}/assent", Deed.REPORT, assent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """The agreed words of an action with everything that was added to them."""

    at: About
    words: str
    language: str
    added: tuple[Clarification, ...]


def ask(visit: Visit) -> Response:
    """The agreed words, what was added to them so far, and a form for more."""
    frozen = _frozen(visit)
    return _page(visit, frozen, Typed({"language": frozen.language}))


def propose(visit: Visit) -> Response:
    """Add words; they hold once each side has assented, and whoever writes them has."""
    frozen = _frozen(visit)
    typed = read_fields(_fields(visit), visit.sent, visit.gettext)
    if typed.errors:
        return _page(visit, frozen, typed, status=UNFIT)
    asked = Asked(ref=frozen.at.action.ref, by=visit.member.key)
    try:
        add_words(
            visit.services, asked, typed.text("words"), typed.text("language"), visit.now
        )  # fmt: skip
    except EngineError as error:
        said = {"": refusal_words(visit.language, error)}
        return _page(visit, frozen, Typed(typed.texts, typed.days, said), status=UNFIT)
    return visit.to(f"/actions/{asked.ref}", done="clarify")


def assent(visit: Visit) -> Response:
    """Assent to exactly those words that were read, for one's own side."""
    frozen = _frozen(visit)
    asked = Asked(ref=frozen.at.action.ref, by=visit.member.key)
    number = visit.typed("number")
    try:
        give_assent(
            visit.services, asked, int(number) if _NUMBER.fullmatch(number) else 0, visit.now
        )  # fmt: skip
    except EngineError as error:
        said = {"": refusal_words(visit.language, error)}
        return _page(visit, frozen, Typed({"language": frozen.language}, {}, said), status=UNFIT)
    return visit.to(f"/actions/{asked.ref}", done="assent")


def _frozen(visit: Visit) -> Frozen:
    with visit.services.database.read() as connection:
        at = about_action(visit, connection, Deed.REPORT)
        return Frozen(
            at=at,
            words=words_of(connection, at.action),
            language=language_of(connection, at.action),
            added=clarifications_of(connection, at.directory, at.action),
        )


def _fields(visit: Visit) -> tuple[Field, ...]:
    _ = visit.gettext
    return (
        Field(name="words", label=_("How is it to be understood?"), sort="area"),
        Field(
            name="language", label=_("In which language did you write?"), sort="choice",
            options=tuple(NAMES.items()),
        ),
    )  # fmt: skip


def _page(visit: Visit, frozen: Frozen, typed: Typed, *, status: int = OK) -> Response:
    return visit.page(
        "face_clarify.html", status,
        at=frozen.at, words=frozen.words, spoken=frozen.language, added=frozen.added,
        fields=_fields(visit), typed=typed.texts, errors=typed.errors,
    )  # fmt: skip
