"""A plan stored to be looked at: what it adds and changes, read before it is kept or undone."""

import json
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from engine.replay import SET
from engine.store.database import Connection
from engine.store.foreseen import (
    Mark,
    dialogues_since,
    events_since,
    mark,
    parties_since,
    party_names,
    people_since,
)

SHOWN: Final = 400
"""So many events are read for a page; the counts are of all of them."""

PARTIES: Final = frozenset({"responsible_id", "verifier_id"})
UNTOLD: Final = frozenset({"focal_id", "due_rev", "substance_on", "commitment_id", "text_hash"})


@dataclass(slots=True, kw_only=True)
class Line:
    """One action as it will stand; `said` are name, before and after of what changes in it."""

    action_id: int
    ref: str
    title: str
    dialogue: str
    responsible: str
    state: str
    due_on: date | None
    repeat: str
    handling: str
    new: bool
    said: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Foresight:
    """Stands by while a plan is stored, and remembers what came of it."""

    lines: list[Line] = field(default_factory=list)
    parties: list[str] = field(default_factory=list)
    dialogues: list[str] = field(default_factory=list)
    people: int = 0
    cut: bool = False
    _since: Mark | None = None

    def before(self, connection: Connection) -> None:
        self._since = mark(connection)

    def after(self, connection: Connection) -> None:
        assert self._since is not None  # noqa: S101 - `before` comes before
        self.parties = parties_since(connection, self._since)
        self.dialogues = dialogues_since(connection, self._since)
        self.people = people_since(connection, self._since)
        rows = events_since(connection, self._since, SHOWN + 1)
        self.cut = len(rows) > SHOWN
        found: dict[int, Line] = {}
        for row in rows[:SHOWN]:
            line = found.setdefault(row.action_id, _line(row))
            line.new = line.new or row.kind == "imported"
            if not line.new:
                line.said += _said(connection, json.loads(row.payload))
        self.lines = list(found.values())


def _line(row: Any) -> Line:  # noqa: ANN401 - a row of the store
    return Line(
        action_id=row.action_id,
        ref=row.ref,
        title=row.title,
        dialogue=row.dialogue,
        responsible=row.responsible,
        state=row.state,
        due_on=row.due_on,
        repeat=row.repeat,
        handling=row.handling,
        new=False,
    )


def _said(connection: Connection, payload: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What one event changes, as a reader is told: name, before, after."""
    if "to" in payload:
        return [("due_on", str(payload.get("from") or ""), str(payload["to"]))]
    before, after = payload.get("before", {}), payload.get(SET, {})
    return [
        (name, _text(connection, name, was), _text(connection, name, after.get(name)))
        for name, was in before.items()
        if name not in UNTOLD
    ]


def _text(connection: Connection, name: str, value: object) -> str:
    if value is None:
        return ""
    if name in PARTIES and isinstance(value, int):
        return party_names(connection, [value]).get(value, "")
    if name == "co_responsible" and isinstance(value, list):
        return ", ".join(party_names(connection, value).values())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
