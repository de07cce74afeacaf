"""The history read page by page, to be held against the tables that follow from it."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, exists, func, select, true

from engine.action import Action
from engine.history import Event
from engine.replay import Past
from engine.store.records import action_from, select_actions
from engine.store.tables import action_parties, actions, commitments, dependencies, events
from engine.verifying import Broken, check_action, words_hash

PAGE = 1000


def broken_histories(connection: Connection, dialogue_id: int | None = None) -> Iterator[Broken]:
    """Each action whose history is not whole, with what is wrong first; every event is read."""
    wanted = true() if dialogue_id is None else actions.c.dialogue_id == dialogue_id
    yield from _broken_where(connection, wanted)
    if dialogue_id is None:
        yield from orphans(connection)


def broken_between(connection: Connection, after_id: int, last_id: int) -> Iterator[Broken]:
    """The same of the actions with these numbers, the first left out."""
    yield from _broken_where(connection, actions.c.id.between(after_id + 1, last_id))


def broken_among(connection: Connection, action_ids: Collection[int]) -> Iterator[Broken]:
    """The same of these actions."""
    ids = sorted(action_ids)
    for start in range(0, len(ids), PAGE):
        yield from _broken_where(connection, actions.c.id.in_(ids[start : start + PAGE]))


def changed_since(connection: Connection, event_id: int, at_most: int) -> set[int]:
    """The actions of the events after that one, as far as the first `at_most` of those go."""
    newer = select(events.c.action_id).where(events.c.id > event_id).order_by(events.c.id)
    return set(connection.scalars(newer.limit(at_most)))


def ids_of(connection: Connection, refs: Collection[str]) -> set[int]:
    """The actions of these references, as far as there are any."""
    return set(connection.scalars(select(actions.c.id).where(actions.c.ref.in_(refs))))


def number_after(connection: Connection, after_id: int, many: int) -> int | None:
    """The number of the action that comes so many later; None where there are fewer."""
    ids = select(actions.c.id).where(actions.c.id > after_id).order_by(actions.c.id)
    return connection.scalar(ids.offset(many - 1).limit(1))


def how_many(connection: Connection) -> int:
    """All actions."""
    return connection.scalar(select(func.count()).select_from(actions)) or 0


def _broken_where(connection: Connection, wanted: ColumnElement[bool]) -> Iterator[Broken]:
    last = 0
    while True:
        page = select_actions().where(actions.c.id > last, wanted).order_by(actions.c.id)
        batch = [action_from(row) for row in connection.execute(page.limit(PAGE))]
        if not batch:
            return
        yield from _broken(connection, batch)
        last = batch[-1].id


def events_of(connection: Connection, action_ids: Sequence[int]) -> dict[int, list[Event]]:
    """Every event of these actions, by action, oldest first."""
    table = events.c
    rows = connection.execute(
        select(
            table.action_id, table.seq, table.kind, table.at, table.by, table.payload, table.hash
        )
        .where(table.action_id.in_(action_ids))
        .order_by(table.action_id, table.seq)
    )
    return {
        action_id: list(chain)
        for action_id, chain in groupby((Event(*row) for row in rows), key=lambda e: e.action_id)
    }


def _broken(connection: Connection, batch: Sequence[Action]) -> Iterator[Broken]:
    ids = [action.id for action in batch]
    chains = events_of(connection, ids)
    needed = actions.alias()
    shares = _by_action(connection, action_parties, select(action_parties), ids)
    needs = _by_action(
        connection,
        dependencies,
        select(dependencies.c.action_id, needed.c.ref).join(
            needed, needed.c.id == dependencies.c.needs_id
        ),
        ids,
    )
    wanted = {action.commitment_id for action in batch}
    rows = connection.execute(
        select(commitments.c.id, commitments.c.language, commitments.c.text,
               commitments.c.text_hash).where(commitments.c.id.in_(wanted))
    )  # fmt: skip
    texts = {row.id: row for row in rows}
    for action in batch:
        text = texts.get(action.commitment_id)
        stored = Past(
            action=action,
            co_responsible=tuple(sorted(shares.get(action.id, ()))),
            depends_on=tuple(sorted(needs.get(action.id, ()))),
            text_hash=text.text_hash.hex() if text else "",
        )
        words = words_hash(text.language, text.text) if text else b""
        found = check_action(stored, words, chains.get(action.id, []))
        if found:
            yield found


def _by_action(
    connection: Connection, table: Table, query: Select[Any], ids: Sequence[int]
) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    rows = connection.execute(query.where(table.c.action_id.in_(ids)))
    for action_id, other in rows:
        found[action_id].append(other)
    return found


def orphans(connection: Connection) -> Iterator[Broken]:
    """Events of actions that are no longer there."""
    there = exists(select(actions.c.id).where(actions.c.id == events.c.action_id))
    rows = connection.scalars(select(events.c.action_id).where(~there).distinct())
    for action_id in rows.all():
        yield Broken(f"action {action_id}", 1, "the action of these events is no longer there")
