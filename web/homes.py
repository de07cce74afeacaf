"""Of which dialogues a page speaks: those of its reader, and the one that an address names."""

from typing import Any

from engine.permission import Deed
from engine.store.seen import dialogues_of
from web.face import NOT_FOUND, Visit


def homes_for(visit: Visit, deed: Deed) -> list[Any]:
    """The dialogues, as rows with id, code and name, in which this person may do such a thing."""
    mine = visit.member.dialogues(deed)
    with visit.services.database.read() as connection:
        rows = dialogues_of(connection, visit.member)
    return [row for row in rows if mine is None or row.id in mine]


def chosen_of(visit: Visit, homes: list[Any], name: str) -> Any:  # noqa: ANN401 - a row or None
    """
    The one that `name` (its name or its code) means; without a name, the only one there is.

    None if there are several to choose from. A name that is none of theirs is refused as unknown.
    """
    if not name:
        return homes[0] if len(homes) == 1 else None
    found = named_of(homes, name)
    if found is None:
        visit.refuse(NOT_FOUND)
    return found


def named_of(homes: list[Any], name: str) -> Any:  # noqa: ANN401 - as above
    """The one of that name or code, in any case; None if there is none."""
    named = name.casefold()
    called = (row for row in homes if named in {row.code.casefold(), row.name.casefold()})
    return next(called, None)
