"""Whose an address or a number is already, said before a second person gets it."""

from engine.permission import Deed
from engine.store.database import Connection
from engine.store.people_lists import Known, find_known, reached_at
from web.face import Visit
from web.forms import Field, Typed

SHARED = "shared"
"""The tick by which somebody says that two persons share a mailbox or a telephone."""


def with_tick(visit: Visit, fields: tuple[Field, ...]) -> tuple[Field, ...]:
    """The fields with the tick behind them."""
    label = visit.gettext("Yes, they share it")
    return (*fields, Field(name=SHARED, label=label, sort="tick", needed=False))


def already_of(
    visit: Visit, typed: Typed, person_id: int, *, beside: bool = False
) -> dict[str, str]:
    """
    What is to be said of an address or number that somebody else is reached at; else nothing.

    `person_id` is whose it shall be, or with `beside` who stands beside the one whose it shall be.
    A person whom this reader may not see is not named, and one tick confirms that it is meant.
    """
    _ = visit.gettext
    said = {
        "email": _("This address is already that of %(who)s."),
        "phone": _("This number is already that of %(who)s."),
    }
    if visit.typed(SHARED):
        return {}
    with visit.services.database.read() as connection:
        known = find_known(connection, person_id, None)
        found = {
            name: _others(connection, name, typed, known, beside=beside)
            for name in said
            if typed.text(name)
        }
    return {
        name: said[name] % {"who": _named(visit, others)}
        for name, others in found.items()
        if others
    }


def _others(
    connection: Connection, name: str, typed: Typed, known: Known | None, *, beside: bool
) -> list[Known]:
    others = reached_at(connection, **{name: typed.text(name)})
    if known is None:
        return others
    if beside:  # sent a second time, the form finds whom it has made the first time
        made = (known.person.party_id, typed.text("function"))
        return [one for one in others if (one.person.party_id, one.person.function) != made]
    if any(one.person.id == known.person.id for one in others):
        return []  # it is theirs as well, and stays so
    return others


def _named(visit: Visit, others: list[Known]) -> str:
    mine = visit.member.dialogues(Deed.PEOPLE)
    seen = [one for one in others if mine is None or not one.places.isdisjoint(mine)]
    names = [one.person.function + (f" ({one.party})" if one.party else "") for one in seen]
    if len(seen) < len(others):
        names.append(visit.gettext("another person here"))
    return visit.gettext(", ").join(names)
