"""Everything out again: actions in the columns of a plan, and the whole record as one value."""

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from enum import Enum
from typing import Any

from sqlalchemy import Connection, select

from engine.party import Role
from engine.store.columns import METADATA
from engine.store.tables import (
    action_parties,
    actions,
    commitments,
    dependencies,
    dialogues,
    events,
    parties,
    people,
    roles,
)

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

LEFT_OUT = frozenset({"alembic_version", "messages", "deliveries", "channels", "heartbeats"})
"""What is not part of the record: bytes of mails, attempts, and how the machinery fares."""


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


def everything(connection: Connection) -> dict[str, Any]:
    """Every table of the record, row by row; hashes in hexadecimal."""
    found: dict[str, Any] = {}
    for table in METADATA.sorted_tables:
        if table.name in LEFT_OUT:
            continue
        query = select(table).order_by(*table.primary_key.columns)
        rows = connection.execute(query).mappings()
        found[table.name] = [{name: _plain(value) for name, value in row.items()} for row in rows]
    for event in found[events.name]:
        event["payload"] = json.loads(event["payload"])
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
