"""New dialogues, parties, people, commitments and actions as rows, many at a time."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, bindparam, insert, select, update

from engine.action import Action
from engine.history import GENESIS, link, payload_text
from engine.store.dialect import insert_missing
from engine.store.records import action_from, select_actions
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

TABLES = {table.name: table for table in (dialogues, parties, people, commitments)}
CHUNK = 500


def known_refs(connection: Connection) -> dict[str, int]:
    """Every reference, in its own spelling, with its action's id."""
    return dict(connection.execute(select(actions.c.ref, actions.c.id)).tuples().all())


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


def add_days(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add overrides to dialogues' calendars, but for those that are there already."""
    table = calendar_days.c
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


def add_many(connection: Connection, table: str, rows: Sequence[dict[str, Any]]) -> list[int]:
    """Insert many rows; their ids in the order of the rows."""
    chosen: Table = TABLES.get(table, actions)
    ids: list[int] = []
    for start in range(0, len(rows), CHUNK):
        part = list(rows[start : start + CHUNK])
        statement = insert(chosen).returning(chosen.c.id, sort_by_parameter_order=True)
        ids += connection.scalars(statement, part).all()
    return ids


def add_actions(
    connection: Connection,
    rows: Sequence[dict[str, Any]],
    payloads: Sequence[Mapping[str, object]],
    *,
    at: datetime,
    by: str,
) -> list[int]:
    """Insert actions, each with its first event; their ids in the order of the rows."""
    ids = add_many(connection, "actions", [{**row, "head_hash": GENESIS} for row in rows])
    first, heads = [], []
    for action_id, payload in zip(ids, payloads, strict=True):
        text = payload_text(payload)
        digest = link(GENESIS, action_id, 1, "imported", at, by, text)
        first.append(
            {"action_id": action_id, "seq": 1, "kind": "imported", "at": at, "by": by,
             "payload": text, "hash": digest}
        )  # fmt: skip
        heads.append({"b_id": action_id, "b_hash": digest})
    if first:
        connection.execute(insert(events), first)
        connection.execute(
            update(actions)
            .where(actions.c.id == bindparam("b_id"))
            .values(head_hash=bindparam("b_hash")),
            heads,
        )
    return ids


def share(connection: Connection, pairs: Iterable[tuple[int, int]]) -> None:
    """Parties that share the responsibility for actions: (action, party)."""
    rows = [{"action_id": a, "party_id": p} for a, p in pairs]
    insert_missing(connection, action_parties, rows, ["action_id", "party_id"])


def depend(connection: Connection, pairs: Iterable[tuple[int, int]]) -> None:
    """What actions wait for: (action, needed action)."""
    rows = [{"action_id": a, "needs_id": n} for a, n in pairs]
    insert_missing(connection, dependencies, rows, ["action_id", "needs_id"])


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
