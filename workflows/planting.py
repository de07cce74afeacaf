"""One row of a plan as one action: its first columns, its first event, and later corrections."""

import hashlib
from collections import defaultdict
from collections.abc import Container, Iterable
from dataclasses import fields
from datetime import date, datetime, timedelta
from typing import Any

from config.plan_columns import LONGEST_VALUE
from config.plan_values import PlanRow, RowError
from config.wiring import Services
from engine.action import OWED, Action, Kind, Level, Obstacle, State
from engine.decide import first_look_on
from engine.errors import N_
from engine.lifecycle import ended_run
from engine.recurrence import parse
from engine.store.acting import WATCHED, wait
from engine.store.database import Connection
from engine.store.directory import Directory
from engine.store.intake import add_many
from engine.store.records import actions_by_id, append
from workflows.newcomers import Newcomers

REVIEW_AFTER = timedelta(days=30)
"""When a block is looked at again if the plan does not say: what counts as silence in a block."""

_ACTION_FIELDS = {field.name for field in fields(Action)}


class References:
    """Each row's own reference, or the next free one of its dialogue: `SAA-01`, `SAA-02` ..."""

    def __init__(self, newcomers: Newcomers, *taken: Container[str]) -> None:
        """`taken` are folded: those that are stored, and those of the whole file."""
        self._newcomers, self._taken = newcomers, taken
        self._made: set[str] = set()
        self._counts: dict[str, int] = defaultdict(int)

    def of(self, row: PlanRow) -> str:
        """The reference of one row; another one each time for rows without their own."""
        ref = row.ref
        code = self._newcomers.codes[self._newcomers.dialogue_id(row.dialogue)]
        while not ref or (not row.ref and self._is_taken(ref.casefold())):
            self._counts[code] += 1
            ref = f"{code}-{self._counts[code]:02}"
        if not row.ref:
            self._made.add(ref.casefold())
        return ref

    def _is_taken(self, folded: str) -> bool:
        return folded in self._made or any(folded in taken for taken in self._taken)


def new_row(
    row: PlanRow,
    ref: str,
    digest: bytes,
    newcomers: Newcomers,
    directory: Directory,
    services: Services,
    now: datetime,
) -> dict[str, Any]:
    """The columns of a new action."""
    dialogue_id = newcomers.dialogue_id(row.dialogue)
    today = directory.today(dialogue_id, now)
    due_on = _first_due(row, today)
    values: dict[str, Any] = {
        "ref": ref,
        "dialogue_id": dialogue_id,
        "commitment_id": _commitment(row, dialogue_id, newcomers, directory.connection),
        "title": row.action,
        "kind": row.kind,
        "responsible_id": newcomers.party_id(row.dialogue, row.responsible),
        "focal_id": newcomers.focal_id(row),
        "verifier_id": newcomers.party_id(row.dialogue, row.verifier),
        "handling": row.handling,
        "repeat": row.repeat,
        "evidence": row.evidence,
        "notes": row.notes,
        "due_on": due_on,
        "original_due_on": row.due or due_on,
        "due_rev": 0,
        "state": row.state,
        "version": 1,
        "state_version": 1,
        "state_since_on": today,
        "substance_on": today,
        "reported_level": Level.NOT_INITIATED,
        "verified_level": Level.NOT_INITIATED,
        "agreed_on": None if row.state is State.PROPOSED else row.agreed_on or today,
        "answered_on": None if row.state in {State.PROPOSED, State.AGREED} else today,
        "reported_on": None,
        "obstacle": None,
        "blocker": "",
        "review_on": None,
        "waiting": False,
        "missed": 0,
        "episode": 1,
        "plan_digest": digest,
    }
    values |= _standing(row, today)
    action = Action(id=0, head_hash=b"", **{k: v for k, v in values.items() if k in _ACTION_FIELDS})
    look_on = first_look_on(
        action, directory.ladder_for(action), directory.calendars[dialogue_id], services.delays
    )
    values["next_check_at"] = directory.midnight(dialogue_id, look_on) if look_on else None
    return values


def _standing(row: PlanRow, today: date) -> dict[str, Any]:
    """What a state that is reached already brings with it."""
    match row.state:
        case State.BLOCKED:
            return {
                "obstacle": Obstacle.OTHER,
                "blocker": "" if row.depends_on else row.notes[:400],
                "review_on": row.review_on or today + REVIEW_AFTER,
            }
        case State.REPORTED_DONE:
            return {"reported_level": Level.COMPLETED, "reported_on": today}
        case State.VERIFIED | State.IN_FORCE:
            return {"reported_level": Level.COMPLETED, "verified_level": Level.COMPLETED}
        case State.IN_PROGRESS:
            return {"reported_level": Level.MINIMUM}
        case _:
            return {}


def _first_due(row: PlanRow, today: date) -> date | None:
    """The due date, or the first occurrence of the rule; in force, the next one from today on."""
    if row.kind is Kind.ONE_OFF or not row.repeat:
        return row.due
    rule = parse(row.repeat, row.due or row.agreed_on or today)
    return rule.on_or_after(today if row.state is State.IN_FORCE else rule.first_on)


def _commitment(
    row: PlanRow, dialogue_id: int, newcomers: Newcomers, connection: Connection
) -> int:
    key = (dialogue_id, row.commitment or row.action)
    if key not in newcomers.commitments:
        write_commitments([row], newcomers, connection)
    return newcomers.commitments[key]


def write_commitments(
    rows: Iterable[PlanRow], newcomers: Newcomers, connection: Connection
) -> None:
    """Store the commitments that these rows name and that are new, all at once."""
    new: dict[tuple[int, str], dict[str, Any]] = {}
    for row in rows:
        dialogue_id, text = newcomers.dialogue_id(row.dialogue), row.commitment or row.action
        if (dialogue_id, text) in newcomers.commitments or (dialogue_id, text) in new:
            continue
        language = row.language or newcomers.language(dialogue_id)
        new[dialogue_id, text] = {
            "dialogue_id": dialogue_id,
            "text": text,
            "language": language,
            "agreed_on": row.agreed_on,
            "text_hash": hashlib.sha256(f"{language}\0{text}".encode()).digest(),
        }
    ids = add_many(connection, "commitments", list(new.values()))
    newcomers.commitments |= dict(zip(new, ids, strict=True))


def first_event(row: PlanRow) -> dict[str, object]:
    """What the first event of an imported action says beside its columns."""
    said = {"responsible": row.responsible, "verifier": row.verifier}
    return {name: value for name, value in said.items() if value}


def impossible(action: Action, row: PlanRow, newcomers: Newcomers) -> list[RowError]:
    """What a file cannot change in an action that is stored."""
    dialogue_id = newcomers.dialogue_id(row.dialogue)
    if dialogue_id != action.dialogue_id:
        code = newcomers.codes[action.dialogue_id]
        reason = N_(
            "%(ref)s belongs to the dialogue %(code)s; give this row another reference",
            ref=action.ref, code=code,
        )  # fmt: skip
        return [RowError(row=row.row, column="dialogue", value=row.dialogue, reason=reason)]
    errors = []
    if {"kind", "repeat"} & row.given and row.kind is not action.kind:
        reason = N_(
            "%(ref)s was taken in as %(kind)s; withdraw it and add another action",
            ref=action.ref, kind=str(action.kind),
        )  # fmt: skip
        errors.append(RowError(row=row.row, column="kind", value=row.kind, reason=reason))
    known = newcomers.commitments.get((dialogue_id, row.commitment))
    agreed = action.state is not State.PROPOSED
    if row.commitment and agreed and known != action.commitment_id:
        reason = N_("the words of a commitment are frozen once it is agreed")
        value = row.commitment[:LONGEST_VALUE]
        errors.append(RowError(row=row.row, column="commitment", value=value, reason=reason))
    return errors


def _wanted(
    action: Action, row: PlanRow, newcomers: Newcomers, connection: Connection
) -> dict[str, Any]:
    """The columns of an action as the row wants them, of those that the file has."""
    wanted: dict[str, Any] = {
        "title": row.action,
        "responsible_id": newcomers.party_id(row.dialogue, row.responsible),
    }
    if {"responsible_email", "responsible_phone"} & row.given or (
        wanted["responsible_id"] != action.responsible_id
    ):
        wanted["focal_id"] = newcomers.focal_id(row)
    if "verifier" in row.given:
        wanted["verifier_id"] = newcomers.party_id(row.dialogue, row.verifier)
    for column in ("handling", "evidence", "notes"):
        if column in row.given:
            wanted[column] = getattr(row, column)
    if row.repeat:
        wanted["repeat"] = row.repeat
    if row.agreed_on and action.agreed_on:
        wanted["agreed_on"] = row.agreed_on
    if row.review_on and action.state is State.BLOCKED:
        wanted["review_on"] = row.review_on
    if row.commitment and action.state is State.PROPOSED:
        wanted["commitment_id"] = _commitment(row, action.dialogue_id, newcomers, connection)
    return wanted


def changed(
    connection: Connection,
    action: Action,
    row: PlanRow,
    newcomers: Newcomers,
    directory: Directory,
    *,
    now: datetime,
    by: str,
) -> bool:
    """
    Bring an action in line with a plan row that was edited; False if nothing differs.

    The state is left alone: it moves by what people report, not by a file. A closed action keeps
    its date. What the file has no column for stays as it was.
    """
    today = directory.today(action.dialogue_id, now)
    wanted = _wanted(action, row, newcomers, connection)
    differs = {k: v for k, v in wanted.items() if getattr(action, k) != v}
    after = action
    if differs:
        payload = {"before": {name: getattr(action, name) for name in differs}}
        changes = {**differs, "next_check_at": now if action.state in WATCHED else None}
        after = append(
            connection, action, changes, kind="corrected", at=now, by=by, payload=payload
        )
    movable = after.kind is Kind.ONE_OFF and after.state in OWED | {State.PROPOSED}
    if movable and row.due and row.due != after.due_on:
        changes = {
            "due_on": row.due,
            "original_due_on": after.original_due_on or row.due,
            "due_rev": after.due_rev + 1,
            "substance_on": today,
            "next_check_at": now if after.state in OWED and not after.waiting else None,
            **ended_run(after, today),
        }
        moved = {"from": after.due_on, "to": row.due, "reason": "changed in the plan"}
        after = append(connection, after, changes, kind="rescheduled", at=now, by=by, payload=moved)
    return after.version != action.version


def start_waiting(
    connection: Connection, directory: Directory, waiters: set[int], now: datetime
) -> None:
    """Mark the actions that must wait for others."""
    for action in actions_by_id(connection, waiters):
        directory.ensure([action])
        wait(connection, action, directory.today(action.dialogue_id, now), now=now)
