"""The filters by which a number of the figures leads to its list: read, and said in words."""

from collections.abc import Callable, MutableMapping
from enum import StrEnum
from typing import Any, Final

from engine.action import Kind, Level, State
from engine.conditions import Condition
from engine.digest import AGES, Place
from engine.party import Side
from engine.store.dashboard_lists import Narrow
from notifications.digest_charts import ages_said
from notifications.digest_terms import Speech
from web.face_words import word

OWN: Final[tuple[tuple[str, type[StrEnum]], ...]] = (
    ("kind", Kind), ("place", Place), ("reported", Level), ("verified", Level),
)  # fmt: skip
SHARED: Final[tuple[tuple[str, type[StrEnum]], ...]] = (
    ("state", State), ("side", Side), ("condition", Condition),
)  # fmt: skip
"""Filters that the list has anyway; only where it is counted as in the figures they come too."""


def narrow_of(query: Callable[[str], str], asked: MutableMapping[str, str]) -> Narrow:
    """What the address asks for beyond the filters of the list; noted in `asked` as it is."""
    found: dict[str, Any] = {"counted": query("counted") == "1"}
    if found["counted"]:
        asked["counted"] = "1"
    if query("age") in {name for _most, name in AGES}:
        asked["age"] = found["age"] = query("age")
    for name, known in (*OWN, *(SHARED if found["counted"] else ())):
        said = query(name)
        if said in {member.value for member in known}:
            asked[name] = said
            found[name] = known(said)
    return Narrow(**found)


def said_of(language: str, narrow: Narrow) -> list[str]:
    """The same in words, but for what the list's own form shows."""
    speech = Speech(language)
    gettext, said = speech.gettext, []
    if narrow.kind:
        said.append(word(language, narrow.kind))
    if narrow.place:
        said.append(speech.short_places()[narrow.place])
    for head, level in (
        (gettext("Reported"), narrow.reported),
        (gettext("Confirmed"), narrow.verified),
    ):
        if level:
            said.append(speech.pair(head, speech.levels()[level]))
    if narrow.age:
        said += [
            gettext("standing still"),
            speech.pair(gettext("Working days"), ages_said(speech)[narrow.age]),
        ]
    if narrow.counted and not said:
        said.append(gettext("as counted in the figures"))
    return said
