"""References of other actions on the page of one: only of those that the reader may list."""

import json
from collections.abc import Iterable, Sequence

from engine.action import Action
from engine.history import Event
from engine.permission import Deed
from engine.store.database import Connection
from engine.store.hanging import actions_called, needs_of
from engine.store.seen import partners_of
from web.face import Visit

NAMING = "for"
"""The part of an event that names other actions."""


def unmet_refs(visit: Visit, connection: Connection, action: Action) -> list[str]:
    """What an action waits for, by reference; empty for each that this reader may not list."""
    needs = needs_of(connection, action.id)
    seen = _listed(visit, connection, needs)
    return [need.ref if need.ref in seen else "" for need in needs]


def unseen_refs(visit: Visit, connection: Connection, events: Iterable[Event]) -> frozenset[str]:
    """Of the actions that these events name those that this reader may not list."""
    named = {
        str(ref)
        for event in events
        if f'"{NAMING}"' in event.payload
        for ref in _list(json.loads(event.payload).get(NAMING))
    }
    if not named:
        return frozenset()
    return frozenset(named - _listed(visit, connection, actions_called(connection, named)))


def _listed(visit: Visit, connection: Connection, found: Sequence[Action]) -> set[str]:
    shared = partners_of(connection, [one.id for one in found])
    return {one.ref for one in found if visit.member.may(Deed.LIST, one, shared.get(one.id, ()))}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
