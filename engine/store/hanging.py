"""Which actions wait for which, as rows: of a dialogue, or around one action."""

from collections.abc import Collection

from sqlalchemy import Connection, or_, select

from engine.action import Action
from engine.store.acting import SETTLED
from engine.store.records import actions_by_id
from engine.store.tables import actions, dependencies

D = dependencies.c
Edge = tuple[int, int]
"""The number of an action, and of one that it waits for."""


def edges_in(connection: Connection, dialogue_id: int, limit: int) -> list[Edge]:
    """What waits for what where one of the two is of that dialogue."""
    own = select(actions.c.id).where(actions.c.dialogue_id == dialogue_id)
    query = (
        select(D.action_id, D.needs_id)
        .where(or_(D.action_id.in_(own), D.needs_id.in_(own)))
        .order_by(D.action_id, D.needs_id)
        .limit(limit)
    )
    return list(connection.execute(query).tuples())


def edges_around(connection: Connection, action_id: int, limit: int) -> list[Edge]:
    """Everything that an action waits for, and everything that waits for it, step by step."""
    found: set[Edge] = set()
    for here, there in ((D.action_id, D.needs_id), (D.needs_id, D.action_id)):
        seen, fresh = {action_id}, {action_id}
        while fresh and len(found) < limit:
            rows = connection.execute(
                select(D.action_id, D.needs_id, there).where(here.in_(fresh)).limit(limit)
            ).all()
            found |= {(row[0], row[1]) for row in rows}
            fresh = {row[2] for row in rows} - seen
            seen |= fresh
    return sorted(found)[:limit]


def needs_of(connection: Connection, action_id: int) -> list[Action]:
    """What an action waits for and what is not there yet, by reference."""
    ids = connection.scalars(select(D.needs_id).where(D.action_id == action_id)).all()
    needed = actions_by_id(connection, ids)
    return sorted((one for one in needed if one.state not in SETTLED), key=lambda one: one.ref)


def actions_called(connection: Connection, refs: Collection[str]) -> list[Action]:
    """The actions of these references."""
    ids = connection.scalars(select(actions.c.id).where(actions.c.ref.in_(refs))).all()
    return actions_by_id(connection, ids)


def hangs_together(connection: Connection, action_id: int) -> bool:
    """Whether an action waits for another one, or another one for it."""
    query = select(D.action_id).where(or_(D.action_id == action_id, D.needs_id == action_id))
    return connection.scalar(query.limit(1)) is not None


def settled(found: Collection[Action]) -> frozenset[int]:
    """The numbers of those that keep nobody waiting any more."""
    return frozenset(one.id for one in found if one.state in SETTLED)
