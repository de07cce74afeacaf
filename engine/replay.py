"""An action as it stood after any of its events, worked out from the events alone."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from enum import StrEnum
from typing import Any, get_args

from engine.action import Action
from engine.history import Event

MACHINERY = frozenset({"id", "version", "head_hash", "next_check_at", "plan_digest"})
"""Columns of an action that no event sets: they follow from the events, or only steer the sweep."""

SET = "set"
"""The key under which an event says what it set; authors of events leave it alone."""

TIES = ("co_responsible", "depends_on", "text_hash")
"""
What an event may set besides columns.

The parties that share the responsibility, by id; the references that the action waits for; the hash
of the commitment's words.
"""

BLANK = (None, "", 0, False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """An action as it stood, with what it was tied to."""

    action: Action
    co_responsible: tuple[int, ...] = ()
    depends_on: tuple[str, ...] = ()
    text_hash: str = ""


@dataclass(slots=True)
class Replay:
    """One action's events, taken in one after the other."""

    action_id: int
    version: int = 0
    head: bytes = b""
    columns: dict[str, Any] = field(default_factory=dict)

    def take(self, seq: int, head: bytes, payload: str) -> None:
        """The next event; only what it set is looked at."""
        self.version, self.head = seq, head
        if f'"{SET}":' in payload:
            self.columns |= json.loads(payload).get(SET, {})

    def past(self) -> Past:
        """The action after the events taken in so far. ValueError if they do not make an action."""
        said = dict(self.columns)
        ties = {name: said.pop(name) for name in TIES if name in said}
        try:
            columns = {name: _READ[name](value) for name, value in said.items()}
            action = Action(
                **{**_UNSAID, **columns, "id": self.action_id},
                version=self.version,
                head_hash=self.head,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"its events do not make an action ({error})") from None
        return Past(
            action=action,
            co_responsible=tuple(ties.get("co_responsible", ())),
            depends_on=tuple(ties.get("depends_on", ())),
            text_hash=str(ties.get("text_hash", "")),
        )


def replayed(events: Iterable[Event]) -> Past:
    """The action after these events of its own, from the first on."""
    found: Replay | None = None
    for event in events:
        found = found or Replay(event.action_id)
        found.take(event.seq, event.hash, event.payload)
    if found is None:
        raise ValueError("without an event there is no action")
    return found.past()


def stored_action(row: Mapping[str, Any]) -> Action:
    """The action in a row of the table that was written as JSON."""
    columns = {name: read(row[name]) for name, read in _READ.items()}
    head = bytes.fromhex(row["head_hash"])
    return Action(id=row["id"], version=row["version"], head_hash=head, **columns)


def columns_set(changes: Mapping[str, object], before: Action | None) -> dict[str, object]:
    """
    Of changed columns those that an event must name: the ones that differ, but no machinery.

    Before its first event every column of an action is null, empty, 0 or false.
    """
    if before is None:
        return {
            name: value
            for name, value in changes.items()
            if name not in MACHINERY and value not in BLANK
        }
    return {
        name: value
        for name, value in changes.items()
        if name not in MACHINERY and value != getattr(before, name)
    }


def with_set(payload: Mapping[str, object], said: Mapping[str, object]) -> Mapping[str, object]:
    """The payload of an event that sets these columns and ties."""
    if SET in payload:
        raise ValueError(f"{SET!r} in a payload says what the event set; use another word")
    return {**payload, SET: said} if said else payload


def words_said(payload: Mapping[str, Any]) -> dict[str, Any]:
    """A payload as people read it: without the columns that it set."""
    return {name: value for name, value in payload.items() if name != SET}


def differences(said: Past, stored: Past) -> list[str]:
    """The columns and ties in which an action differs from what its events say."""
    columns = [
        name
        for name in _READ
        if name not in MACHINERY and getattr(said.action, name) != getattr(stored.action, name)
    ]
    return columns + [name for name in TIES if getattr(said, name) != getattr(stored, name)]


def _as_it_is(value: Any) -> Any:  # noqa: ANN401 - a number, a text or a truth
    return value


def _reader(kind: Any) -> Callable[[Any], Any]:  # noqa: ANN401 - an annotation
    """How a value of this type is read back from JSON."""
    kinds = [part for part in get_args(kind) or (kind,) if part is not type(None)]
    read: Callable[[Any], Any] = _as_it_is
    if kinds[0] is date:
        read = date.fromisoformat
    elif isinstance(kinds[0], type) and issubclass(kinds[0], StrEnum):
        read = kinds[0]
    return lambda value: None if value is None else read(value)


_READ = {each.name: _reader(each.type) for each in fields(Action) if each.name not in MACHINERY}

_UNSAID: dict[str, Any] = {
    name: blank
    for each in fields(Action)
    if (name := each.name) not in MACHINERY
    for kind, blank in ((str, ""), (bool, False), (int, 0))
    if each.type is kind
}
