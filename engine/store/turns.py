"""Whose turn it is: what is due, dialogue by dialogue, so that no backlog keeps others waiting."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, zip_longest
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    Label,
    Select,
    Table,
    bindparam,
    select,
    true,
    type_coerce,
)
from sqlalchemy.types import NULLTYPE

from engine.shard import Shard
from engine.store.tables import dialogues

NOBODYS = 0
"""The dialogue of rows that do not say theirs; it takes its turn like the others."""

EVERYTHING = Shard(0, 1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Queue:
    """
    Rows of a table that wait, one queue for each dialogue; one object for the life of the process.

    `ready` holds once the instant `:now` has come. It and `order` are of an index that begins with
    the dialogue: so each dialogue costs one step, and its backlog nothing. Of each row the columns
    `names` are read, as the driver sends them. With `lock` rows in other hands are passed over, and
    what is read is taken in hand. `nobodys`: there may be rows without a dialogue.
    """

    table: Table
    names: tuple[str, ...]
    ready: ColumnElement[bool]
    order: tuple[Column[Any], ...]
    lock: bool = False
    nobodys: bool = False


def by_turns(
    connection: Connection, queue: Queue, now: object, limit: int, shard: Shard | None = None
) -> list[tuple[Any, ...]]:
    """
    Up to `limit` rows that are ready: the first of each dialogue, then the second, and so on.

    Where there are more dialogues than places, it is drawn which come first.
    """
    asked = _asked(queue, connection.dialect.name)
    mine = shard or EVERYTHING
    share_of = {"now": now, "shard_of": mine.of, "shard_index": mine.index}
    homes = list(connection.scalars(asked.homes, share_of))
    if queue.nobodys and shard is None:
        homes.append(NOBODYS)
    if not homes:
        return []
    if len(homes) > limit:
        homes = random.sample(homes, limit)
    found: dict[int, list[tuple[Any, ...]]] = {home: [] for home in homes}
    given = {"now": now, "share": -(-limit // len(homes))}
    for home, *row in connection.execute(asked.of_each, {**given, "homes": homes}):
        found[home].append(tuple(row))
    if NOBODYS in found:
        rows = connection.execute(asked.of_nobody, given)
        found[NOBODYS] = [tuple(row) for row in rows]
    rounds = chain.from_iterable(zip_longest(*found.values()))
    return [row for row in rounds if row is not None][:limit]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """The statements of a queue: to build them costs more than to ask them."""

    homes: Select[Any]
    of_each: Select[Any]
    of_nobody: Select[Any]


@lru_cache(maxsize=16)
def _asked(queue: Queue, dialect: str) -> _Asked:
    table = queue.table
    rows = select(*_as_sent(table, queue.names)).where(queue.ready).order_by(*queue.order)
    rows = rows.limit(bindparam("share", type_=Integer))
    if queue.lock:
        rows = rows.with_for_update(skip_locked=True, key_share=True)
    theirs = rows.where(table.c.dialogue_id == dialogues.c.id).correlate(dialogues)
    return _Asked(
        homes=_homes(queue),
        of_each=_of_each(queue, theirs, dialect),
        of_nobody=rows.where(table.c.dialogue_id == NOBODYS),
    )


def _homes(queue: Queue) -> Select[Any]:
    """The dialogues of a share that have anything ready: a step in the index for each there is."""
    # As a scalar with a limit, so that no planner makes a search of all that is ready out of it.
    first = select(queue.table.c.id).where(queue.table.c.dialogue_id == dialogues.c.id, queue.ready)
    first = first.order_by(*queue.order).limit(1).correlate(dialogues)
    shard_of = bindparam("shard_of", type_=Integer)
    mine = dialogues.c.id % shard_of == bindparam("shard_index", type_=Integer)
    query = select(dialogues.c.id).where(mine, first.scalar_subquery().is_not(None))
    return query.order_by(dialogues.c.id)


def _of_each(queue: Queue, theirs: Select[Any], dialect: str) -> Select[Any]:
    """The rows of `theirs` for each of the dialogues `:homes`, after its id."""
    query: Select[Any]
    if dialect == "postgresql":
        one = theirs.lateral()
        query = select(dialogues.c.id, *one.c).select_from(dialogues.join(one, true()))
    else:  # SQLite has no lateral queries, and finds a row by its id at once
        again = queue.table.alias()
        ids = theirs.with_only_columns(queue.table.c.id, maintain_column_froms=True)
        query = select(dialogues.c.id, *_as_sent(again, queue.names))
        query = query.select_from(dialogues.join(again, again.c.id.in_(ids)))
        query = query.order_by(*(again.c[column.name] for column in queue.order))
    return query.where(dialogues.c.id.in_(bindparam("homes", expanding=True)))


def _as_sent(table: FromClause, names: Sequence[str]) -> list[Label[Any]]:
    return [type_coerce(table.c[name], NULLTYPE).label(name) for name in names]
