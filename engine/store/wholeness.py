"""The history read page by page, to be held against the tables that follow from it."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Select, Table, exists, select

from engine.action import Action
from engine.history import Event
from engine.replay import Past
from engine.store.records import action_from, select_actions
from engine.store.tables import action_parties, actions, commitments, dependencies, events
from engine.verifying import Broken, check_action, words_hash

PAGE = 1000


def broken_histories(connection: Connection, dialogue_id: int | None = None) -> Iterator[Broken]:
    """Each action whose history is not whole, with what is wrong first; every event is read."""
    last = 0
    while True:
        page = select_actions().where(actions.c.id > last).order_by(actions.c.id).limit(PAGE)
        if dialogue_id is not None:
            page = page.where(actions.c.dialogue_id == dialogue_id)
        batch = [action_from(row) for row in connection.execute(page)]
        if not batch:
            break
        yield from _broken(connection, batch)
        last = batch[-1].id
    if dialogue_id is None:
        yield from _orphans(connection)


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


def _orphans(connection: Connection) -> Iterator[Broken]:
    """Events of actions that are no longer there."""
    there = exists(select(actions.c.id).where(actions.c.id == events.c.action_id))
    rows = connection.scalars(select(events.c.action_id).where(~there).distinct())
    for action_id in rows.all():
        yield Broken(f"action {action_id}", 1, "the action of these events is no longer there")
