"""What a transaction has added so far: the way to show a change before it is made."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select

from engine.store.tables import actions, dialogues, events, parties, people

AT_ONCE = 500
"""So many references are asked for at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The last number in each table at some moment; what is above it came later."""

    event: int
    party: int
    person: int
    dialogue: int


def mark(connection: Connection) -> Mark:
    """Where the tables end now."""
    last = {
        name: connection.scalar(select(func.max(table.c.id))) or 0
        for name, table in (
            ("event", events), ("party", parties), ("person", people), ("dialogue", dialogues),
        )
    }  # fmt: skip
    return Mark(**last)


def events_since(connection: Connection, since: Mark, limit: int) -> list[Row[Any]]:
    """What happened to which action after that: at most `limit` events, in their order."""
    a, e = actions.c, events.c
    query = (
        select(
            e.kind, e.payload, a.id.label("action_id"), a.ref, a.title, a.state, a.due_on,
            a.kind.label("sort"), a.repeat, a.handling, dialogues.c.name.label("dialogue"),
            parties.c.name.label("responsible"),
        )
        .select_from(events)
        .join(actions, a.id == e.action_id)
        .join(dialogues, dialogues.c.id == a.dialogue_id)
        .join(parties, parties.c.id == a.responsible_id)
        .where(e.id > since.event)
        .order_by(e.id)
        .limit(limit)
    )  # fmt: skip
    return list(connection.execute(query))


def parties_since(connection: Connection, since: Mark) -> list[str]:
    """The names of the parties that came after that."""
    query = select(parties.c.name).where(parties.c.id > since.party).order_by(parties.c.id)
    return list(connection.scalars(query))


def dialogues_since(connection: Connection, since: Mark) -> list[str]:
    """The names of the dialogues that came after that."""
    query = select(dialogues.c.name).where(dialogues.c.id > since.dialogue)
    return list(connection.scalars(query.order_by(dialogues.c.id)))


def people_since(connection: Connection, since: Mark) -> int:
    """How many functions came after that."""
    query = select(func.count()).select_from(people).where(people.c.id > since.person)
    return int(connection.scalar(query) or 0)


def party_names(connection: Connection, party_ids: Collection[int]) -> dict[int, str]:
    """The names of these parties, for those who read a change."""
    query = select(parties.c.id, parties.c.name).where(parties.c.id.in_(party_ids))
    return dict(connection.execute(query).tuples().all())


def homes_of(connection: Connection, refs: Collection[str]) -> dict[str, int]:
    """The dialogue of each of these references that is there."""
    found: dict[str, int] = {}
    wanted = sorted(refs)
    for start in range(0, len(wanted), AT_ONCE):
        part = wanted[start : start + AT_ONCE]
        query = select(actions.c.ref, actions.c.dialogue_id).where(actions.c.ref.in_(part))
        found |= dict(connection.execute(query).tuples().all())
    return found
