"""Early warnings on record: an event with the numbers, and a notice for each month."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, select, update

from engine.action import Action
from engine.case import URGENCY
from engine.fairness import EarlyWarning
from engine.party import Person
from engine.store.dialect import insert_missing
from engine.store.outbox_tables import NoticeStatus, notices
from engine.store.records import append, find_action
from engine.store.tables import events

EARLY_WARNING: Final = "early_warning"
WARNED: Final = "warned"

_MOST_REFS: Final = 12
"""So many references stand in one warning; the number says how many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """An early warning of one dialogue, said of one action; `party_id` is 0 for the whole of it."""

    warning: EarlyWarning
    dialogue_id: int
    party_id: int
    action: Action

    @property
    def cause(self) -> str:
        """By which a notice finds its numbers, and the next of the same sort finds it."""
        return f"x{self.warning.what}:{self.dialogue_id}:{self.party_id}"


def tell_of_warning(
    connection: Connection, given: Foreseen, persons: Collection[Person], today: date, now: datetime
) -> bool:
    """Tell these persons, once in that month, and record the numbers; False if they know."""
    month = today.isoformat()[:7]
    keys = {f"{given.cause}:{month}:{person.id}": person for person in persons}
    known = set(connection.scalars(select(notices.c.key).where(notices.c.key.in_(keys))))
    rows = [_row(given, key, person, now) for key, person in keys.items() if key not in known]
    if not rows:
        return False
    insert_missing(connection, notices, rows, ["key"])
    found = given.warning
    action = find_action(connection, given.action.ref, lock=True)
    append(
        connection, action, {}, kind=WARNED, at=now, by="audit",
        payload={
            "cause": given.cause,
            "what": found.what,
            "about": found.about,
            "against": found.against,
            # Canonical text knows no floats.
            "here": _exact(found.here),
            "there": _exact(found.there),
            "refs": found.refs[:_MOST_REFS],
        },
    )  # fmt: skip
    return True


def numbers_behind(connection: Connection, action_id: int, cause: str) -> Mapping[str, Any] | None:
    """What the newest event about that warning holds, with its numbers as numbers."""
    rows = connection.scalars(
        select(events.c.payload)
        .where(events.c.action_id == action_id, events.c.kind == WARNED)
        .order_by(events.c.seq.desc())
    )
    for payload in rows:
        said: dict[str, Any] = json.loads(payload)
        if said["cause"] == cause:
            return said | {"here": float(said["here"]), "there": float(said["there"])}
    return None


def settle_better(connection: Connection, causes: Collection[str], now: datetime) -> None:
    """Take back what waits to be said about things that are better again."""
    n = notices.c
    connection.execute(
        update(notices)
        .where(
            n.kind == EARLY_WARNING,
            n.status.in_([NoticeStatus.PENDING.value, NoticeStatus.HELD.value]),
            n.cause.not_in(causes),
        )
        .values(status=NoticeStatus.STRUCK, outcome="better again", closed_at=now)
    )


def _row(given: Foreseen, key: str, person: Person, now: datetime) -> dict[str, object]:
    posted = not person.reachable
    return {
        "key": key,
        "action_id": given.action.id,
        "person_id": person.id,
        "kind": EARLY_WARNING,
        "rung": f"warn:{given.warning.what}",
        "cause": given.cause,
        "status": NoticeStatus.POSTED if posted else NoticeStatus.PENDING,
        "urgency": URGENCY[EARLY_WARNING],
        "created_at": now,
        "due_at": now,
        "closed_at": now if posted else None,
    }


def _exact(value: float) -> str:
    return f"{value:g}"
