"""New dialogues, parties, people, commitments and actions as rows, many at a time."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, func, insert, select, update

from engine.action import Action
from engine.history import GENESIS
from engine.replay import columns_set
from engine.store.dialect import insert_missing
from engine.store.records import (
    EVENT_COLUMNS,
    action_from,
    chain_rows,
    select_actions,
)
from engine.store.searching import keep_words
from engine.store.tables import (
    action_parties,
    actions,
    calendar_days,
    commitments,
    dependencies,
    dialogues,
    events,
    parties,
    people,
    roles,
)
from engine.store.writing import write_many

TABLES = {table.name: table for table in (dialogues, parties, people, commitments)}
_INSERTS = {name: insert(table) for name, table in (TABLES | {"actions": actions}).items()}
_HAPPENED = insert(events)
CHUNK = 500


def known_refs(connection: Connection) -> dict[str, int]:
    """Every reference, in its own spelling, with its action's id."""
    return dict(connection.execute(select(actions.c.ref, actions.c.id)).tuples().all())


def ids_of(connection: Connection, refs: Iterable[str]) -> dict[str, int]:
    """The actions with these references, as they are spelled."""
    found: dict[str, int] = {}
    wanted = sorted(set(refs))
    for start in range(0, len(wanted), CHUNK):
        part = actions.c.ref.in_(wanted[start : start + CHUNK])
        found |= dict(
            connection.execute(select(actions.c.ref, actions.c.id).where(part)).tuples().all()
        )
    return found


def rows_of(connection: Connection, table: str, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """These columns of every row of one of the small tables."""
    chosen = TABLES[table]
    return [tuple(row) for row in connection.execute(select(*(chosen.c[c] for c in columns)))]


def role_rows(connection: Connection) -> set[tuple[int, str, int | None]]:
    """Every (person, role, dialogue)."""
    rows = connection.execute(select(roles.c.person_id, roles.c.role, roles.c.dialogue_id))
    return {(person_id, str(role), dialogue_id) for person_id, role, dialogue_id in rows}


def plan_digests(connection: Connection) -> dict[str, bytes | None]:
    """For each reference the digest of the plan row that it was last read from."""
    rows = connection.execute(select(actions.c.ref, actions.c.plan_digest))
    return dict(rows.tuples().all())


def find_by_digest(connection: Connection) -> dict[bytes, list[str]]:
    """The references made for rows without one, by the digest of their row, oldest first."""
    found: dict[bytes, list[str]] = {}
    rows = connection.execute(
        select(actions.c.plan_digest, actions.c.ref)
        .where(actions.c.plan_digest.is_not(None))
        .order_by(actions.c.id)
    )
    for digest, ref in rows:
        found.setdefault(digest, []).append(ref)
    return found


def add_one(connection: Connection, table: str, values: Mapping[str, Any]) -> int:
    """Insert one row into one of the small tables; returns its id."""
    chosen = TABLES[table]
    return int(connection.scalars(insert(chosen).returning(chosen.c.id), [dict(values)]).one())


def change_one(connection: Connection, table: str, row_id: int, values: Mapping[str, Any]) -> None:
    """Change one row of one of the small tables."""
    chosen = TABLES[table]
    connection.execute(update(chosen).where(chosen.c.id == row_id).values(**values))


def add_roles(connection: Connection, rows: Iterable[tuple[int, str, int | None]]) -> None:
    """Give persons roles; the caller knows which there are already."""
    given = [
        {"person_id": person_id, "role": role, "dialogue_id": dialogue_id}
        for person_id, role, dialogue_id in rows
    ]
    if given:
        connection.execute(insert(roles), given)


def add_days(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
    """Add overrides to dialogues' calendars, but for those that are there; returns how many."""
    table, added = calendar_days.c, 0
    for row in rows:
        known = connection.scalar(
            select(table.id).where(
                table.dialogue_id == row["dialogue_id"],
                table.day == row["day"],
                table.change == row["change"],
                table.name == row["name"],
            )
        )
        if known is None:
            connection.execute(insert(calendar_days).values(**row))
            added += 1
    return added


def add_many(connection: Connection, table: str, rows: Sequence[dict[str, Any]]) -> list[int]:
    """Insert many rows that have the same columns; their ids in the order of the rows."""
    ids = _next_ids(connection, table, len(rows))
    if rows:
        names = tuple(rows[0])
        values = [
            (row_id, *map(row.__getitem__, names)) for row_id, row in zip(ids, rows, strict=True)
        ]
        write_many(connection, _INSERTS[table], ("id", *names), values)
    return ids


def _next_ids(connection: Connection, table: str, count: int) -> list[int]:
    """
    Ids for rows to come: one question instead of one answer for each row.

    On SQLite the transaction holds the write lock, so that nobody else can take them.
    """
    if connection.dialect.name == "sqlite":
        column = _INSERTS[table].table.c.id
        first = connection.scalar(select(func.coalesce(func.max(column), 0) + 1))
        return list(range(first or 1, (first or 1) + count))
    taken = func.nextval(func.pg_get_serial_sequence(table, "id"))
    return list(connection.scalars(select(taken).select_from(func.generate_series(1, count))))


def add_actions(
    connection: Connection,
    rows: Sequence[dict[str, Any]],
    payloads: Sequence[Mapping[str, object]],
    ties: Sequence[Mapping[str, object]],
    *,
    at: datetime,
    by: str,
) -> list[int]:
    """
    Insert actions, each with its first event; their ids in the order of the rows.

    `ties` say what each shares and waits for; the caller writes that itself.
    """
    ids = _next_ids(connection, "actions", len(rows))
    if not rows:
        return ids
    names = tuple(rows[0])
    words = _frozen_words(connection, [row["commitment_id"] for row in rows])
    written, first = [], []
    for action_id, row, payload, tied in zip(ids, rows, payloads, ties, strict=True):
        said = columns_set(row, None)
        said |= {name: value for name, value in tied.items() if value}
        said["text_hash"] = words[row["commitment_id"]]
        [event], _version, head = chain_rows(
            action_id, 0, GENESIS, [("imported", payload)], at, by, said
        )
        first.append(event)
        written.append((action_id, head, *map(row.__getitem__, names)))
    write_many(connection, _INSERTS["actions"], ("id", "head_hash", *names), written)
    write_many(connection, _HAPPENED, EVENT_COLUMNS, first)
    found = ((i, row["ref"], row["title"]) for i, row in zip(ids, rows, strict=True))
    keep_words(connection, found)
    return ids


def _frozen_words(connection: Connection, commitment_ids: Sequence[int]) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    wanted = sorted(set(commitment_ids))
    for start in range(0, len(wanted), CHUNK):
        part = commitments.c.id.in_(wanted[start : start + CHUNK])
        query = select(commitments.c.id, commitments.c.text_hash).where(part)
        found |= dict(connection.execute(query).tuples().all())
    return found


def share(connection: Connection, pairs: Iterable[tuple[int, int]]) -> None:
    """Parties that share the responsibility for actions: (action, party)."""
    rows = [{"action_id": a, "party_id": p} for a, p in pairs]
    insert_missing(connection, action_parties, rows, ["action_id", "party_id"])


def depend(connection: Connection, pairs: Iterable[tuple[int, int]]) -> None:
    """What actions wait for: (action, needed action)."""
    rows = [{"action_id": a, "needs_id": n} for a, n in pairs]
    insert_missing(connection, dependencies, rows, ["action_id", "needs_id"])


def shared_by(connection: Connection, action_ids: Sequence[int]) -> dict[int, set[int]]:
    """For each of these actions the parties that share the responsibility."""
    return _second_by_first(connection, action_parties, "party_id", action_ids)


def needed_by(connection: Connection, action_ids: Sequence[int]) -> dict[int, set[int]]:
    """For each of these actions those that it waits for."""
    return _second_by_first(connection, dependencies, "needs_id", action_ids)


def _second_by_first(
    connection: Connection, table: Table, second: str, action_ids: Sequence[int]
) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {action_id: set() for action_id in action_ids}
    for start in range(0, len(action_ids), CHUNK):
        part = action_ids[start : start + CHUNK]
        query = select(table.c.action_id, table.c[second]).where(table.c.action_id.in_(part))
        for action_id, other in connection.execute(query):
            found[action_id].add(other)
    return found


def share_no_longer(connection: Connection, pairs: Sequence[tuple[int, int]]) -> None:
    """Take parties out of the responsibility for actions: (action, party)."""
    _remove(connection, action_parties, "party_id", pairs)


def depend_no_longer(connection: Connection, pairs: Sequence[tuple[int, int]]) -> None:
    """Take out what actions wait for: (action, needed action)."""
    _remove(connection, dependencies, "needs_id", pairs)


def _remove(
    connection: Connection, table: Table, second: str, pairs: Sequence[tuple[int, int]]
) -> None:
    if pairs:
        connection.execute(
            delete(table).where(
                table.c.action_id == bindparam("b_action"), table.c[second] == bindparam("b_other")
            ),
            [{"b_action": action_id, "b_other": other} for action_id, other in pairs],
        )


def waits(connection: Connection) -> dict[str, list[str]]:
    """Everything that waits and what it waits for, by reference and over all dialogues."""
    waiter, need = actions.alias(), actions.alias()
    query = (
        select(waiter.c.ref, need.c.ref)
        .select_from(dependencies)
        .join(waiter, waiter.c.id == dependencies.c.action_id)
        .join(need, need.c.id == dependencies.c.needs_id)
    )
    found: dict[str, list[str]] = {}
    for ref, needed in connection.execute(query):
        found.setdefault(ref, []).append(needed)
    return found


def actions_of(connection: Connection, refs: Sequence[str]) -> dict[str, Action]:
    """Actions by reference."""
    found: dict[str, Action] = {}
    for start in range(0, len(refs), CHUNK):
        part = refs[start : start + CHUNK]
        for row in connection.execute(select_actions().where(actions.c.ref.in_(part))):
            action = action_from(row)
            found[action.ref] = action
    return found


def set_digests(connection: Connection, digests: Mapping[int, bytes]) -> None:
    """Remember the plan rows that these actions were last read from."""
    if digests:
        connection.execute(
            update(actions)
            .where(actions.c.id == bindparam("b_id"))
            .values(plan_digest=bindparam("b_digest")),
            [{"b_id": action_id, "b_digest": digest} for action_id, digest in digests.items()],
        )
