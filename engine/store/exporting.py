"""Everything out again: actions in the columns of a plan, and the whole record as one value."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, Table, select

from engine.action import Action
from engine.history import instant_text
from engine.merkle import Tree
from engine.party import Role
from engine.store.checkpoints import last_event, log_of
from engine.store.columns import METADATA
from engine.store.tables import (
    action_parties,
    actions,
    checkpoints,
    commitments,
    dependencies,
    dialogues,
    events,
    parties,
    people,
    roles,
)

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

LEFT_OUT = frozenset(
    {
        "alembic_version",
        "messages",
        "deliveries",
        "channels",
        "paces",
        "heartbeats",
        "links",
        "inbound",
        "api_keys",
        "api_requests",
        "webhooks",
        "feeds",
        "custody",
        "action_words",
        "sign_ins",
        "web_sessions",
    }
)
"""
What is not part of the record: bytes of mails, attempts, links, keys and secrets, what can
be made again from the rest, and how the machinery fares.
"""


def plan_rows(connection: Connection) -> Iterator[dict[str, str]]:
    """Each action as a row of a plan, by id."""
    party = {row.id: row for row in connection.execute(select(parties))}
    person = {row.id: row for row in connection.execute(select(people))}
    dialogue = {row.id: row for row in connection.execute(select(dialogues))}
    texts = {row.id: row for row in connection.execute(select(commitments))}
    shared: dict[int, list[str]] = defaultdict(list)
    for action_id, party_id in connection.execute(select(action_parties)):
        shared[action_id].append(party[party_id].name)
    refs = dict(connection.execute(select(actions.c.id, actions.c.ref)).tuples().all())
    needs: dict[int, list[str]] = defaultdict(list)
    for action_id, needs_id in connection.execute(select(dependencies)):
        needs[action_id].append(refs[needs_id])
    coordinators = _reached(connection, person, Role.COORDINATOR)
    spokesmen = {
        role: _of_parties(connection, person, role)
        for role in (Role.FOCAL_POINT, Role.ALTERNATE, Role.VERIFIER)
    }
    for row in connection.execute(select(actions).order_by(actions.c.id)):
        home, text = dialogue[row.dialogue_id], texts[row.commitment_id]
        focal = person.get(row.focal_id) or spokesmen[Role.FOCAL_POINT].get(row.responsible_id)
        alternate = spokesmen[Role.ALTERNATE].get(row.responsible_id)
        checker = spokesmen[Role.VERIFIER].get(row.verifier_id)
        verifier = party.get(row.verifier_id)
        yield {
            "ref": row.ref,
            "dialogue": home.name,
            "country": home.country,
            "timezone": home.timezone,
            "language": text.language,
            "rest_days": _days(home.rest_days),
            "commitment": text.text,
            "action": row.title,
            "kind": row.kind.value,
            "repeat": row.repeat,
            "responsible": party[row.responsible_id].name,
            "responsible_side": party[row.responsible_id].side.value,
            "responsible_email": focal.email if focal else "",
            "responsible_phone": focal.phone if focal else "",
            "responsible_language": focal.language if focal else "",
            "alternate_email": alternate.email if alternate else "",
            "co_responsible": "; ".join(shared[row.id]),
            "verifier": verifier.name if verifier else "",
            "verifier_side": verifier.side.value if verifier else "",
            "verifier_email": checker.email if checker else "",
            "coordinator_email": coordinators.get(row.dialogue_id, ""),
            "agreed_on": _text(row.agreed_on),
            "due": _text(row.due_on),
            "review_on": _text(row.review_on) if row.state.value == "blocked" else "",
            "state": row.state.value,
            "evidence": row.evidence,
            "handling": row.handling.value,
            "depends_on": "; ".join(needs[row.id]),
            "notes": row.notes,
        }


def everything(connection: Connection, fingerprints: Mapping[str, str]) -> dict[str, Any]:
    """Every table of the record, row by row; hashes in hexadecimal."""
    found: dict[str, Any] = {"fingerprints": dict(fingerprints)}
    for table in METADATA.sorted_tables:
        if table.name not in LEFT_OUT:
            kept = [column for column in table.columns if not _leads_out(column)]
            found[table.name] = _rows(connection, select(*kept), table)
    return _readable(connection, found)


def _leads_out(column: Column[Any]) -> bool:
    """Whether it points to what is not part of the record."""
    return any(key.column.table.name in LEFT_OUT for key in column.foreign_keys)


def one_dialogue(
    connection: Connection, dialogue_id: int, fingerprints: Mapping[str, str]
) -> dict[str, Any]:
    """What one dialogue needs to check its history: no person, and nobody else's words."""
    code = connection.scalar(select(dialogues.c.code).where(dialogues.c.id == dialogue_id))
    own = select(actions.c.id).where(actions.c.dialogue_id == dialogue_id)
    return _part(connection, {"dialogue": code}, own, dialogue_id, fingerprints)


def one_action(
    connection: Connection, action: Action, fingerprints: Mapping[str, str]
) -> dict[str, Any]:
    """One action with the proofs that its events stand in the log of its dialogue."""
    own = select(actions.c.id).where(actions.c.id == action.id)
    scope = {"action": action.ref}
    found = _part(connection, scope, own, action.dialogue_id, fingerprints)
    log = list(log_of(connection, last_event(connection), action.dialogue_id))
    tree = Tree(row.hash for row in log)
    kept = sorted({row["size"] for row in found[checkpoints.name]} | {tree.size})
    roots = {row["size"]: row["root"] for row in found[checkpoints.name]}
    roots[tree.size] = tree.root().hex()
    found["proofs"] = {
        "ref": action.ref,
        "dialogue": found[dialogues.name][0]["code"],
        "size": tree.size,
        "root": tree.root().hex(),
        "inclusion": [
            {"seq": row.seq, "index": index, "path": [step.hex() for step in tree.inclusion(index)]}
            for index, row in enumerate(log)
            if row.action_id == action.id
        ],
        "consistency": [
            {"size": size, "root": roots[size],
             "path": [step.hex() for step in tree.consistency(size)]}
            for size in kept
        ],
    }  # fmt: skip
    return found


def _part(
    connection: Connection,
    scope: Mapping[str, object],
    own: Select[Any],
    dialogue_id: int,
    fingerprints: Mapping[str, str],
) -> dict[str, Any]:
    texts = select(actions.c.commitment_id).where(actions.c.id.in_(own))
    chosen: Sequence[tuple[Table, ColumnElement[bool]]] = (
        (dialogues, dialogues.c.id == dialogue_id),
        (parties, parties.c.dialogue_id == dialogue_id),
        (commitments, commitments.c.id.in_(texts)),
        (actions, actions.c.id.in_(own)),
        (action_parties, action_parties.c.action_id.in_(own)),
        (dependencies, dependencies.c.action_id.in_(own)),
        (events, events.c.action_id.in_(own)),
        (checkpoints, checkpoints.c.dialogue_id == dialogue_id),
    )
    found: dict[str, Any] = {"scope": dict(scope), "fingerprints": dict(fingerprints)}
    for table, wanted in chosen:
        found[table.name] = _rows(connection, select(table).where(wanted), table)
    return _readable(connection, found)


def _rows(connection: Connection, query: Select[Any], table: Table) -> list[dict[str, Any]]:
    rows = connection.execute(query.order_by(*table.primary_key.columns)).mappings()
    return [{name: _plain(value) for name, value in row.items()} for row in rows]


def _readable(connection: Connection, found: dict[str, Any]) -> dict[str, Any]:
    """Payloads as objects, instants of events as they were hashed, needs by their reference."""
    for event in found[events.name]:
        event["payload"] = json.loads(event["payload"])
        event["at"] = instant_text(datetime.fromisoformat(event["at"]))
    refs = dict(connection.execute(select(actions.c.id, actions.c.ref)).tuples().all())
    for tie in found[dependencies.name]:
        tie["needs"] = refs[tie["needs_id"]]
    return found


def _reached(connection: Connection, person: dict[int, Any], role: Role) -> dict[int, str]:
    rows = connection.execute(
        select(roles.c.dialogue_id, roles.c.person_id)
        .where(roles.c.role == role, roles.c.dialogue_id.is_not(None))
        .order_by(roles.c.id.desc())
    )
    return {where: person[who].email for where, who in rows if person[who].email}


def _of_parties(connection: Connection, person: dict[int, Any], role: Role) -> dict[int, Any]:
    """The first person of each party in a role."""
    rows = connection.execute(
        select(roles.c.person_id).where(roles.c.role == role).order_by(roles.c.id.desc())
    )
    holders = (person[person_id] for (person_id,) in rows)
    return {holder.party_id: holder for holder in holders if holder.party_id is not None}


def _days(stored: str) -> str:
    return ",".join(WEEKDAYS[int(day)] for day in stored.split(",") if day) or "none"


def _text(day: date | None) -> str:
    return day.isoformat() if day else ""


def _plain(value: object) -> object:
    match value:
        case datetime() | date():
            return value.isoformat()
        case Enum():
            return value.value
        case bytes():
            return value.hex()
        case _:
            return value
