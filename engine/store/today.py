"""What waits for a coordinator: calls, releases, dates asked for, and what people wrote."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, func, select

from engine.action import OWED, Action
from engine.answer import Verb
from engine.store.agenda import days_of
from engine.store.answer_tables import answers
from engine.store.calls import open_calls
from engine.store.outbox_tables import TOLD, NoticeStatus, notices
from engine.store.records import action_from, actions_by_id, select_actions
from engine.store.tables import actions, people

LOOKS_BACK: Final = timedelta(days=14)
ANSWERS_READ: Final = 1_000
"""Dates are looked for among so many of the newest answers that ask for one."""

MOST: Final = 200
"""So many of each are read; what is one more only says that there are more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DateAsked:
    """A date that a party asks for, and that nobody has decided about."""

    action: Action
    until: date
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A rung that waits for a coordinator's word, and to whom it would go."""

    action: Action
    rung: str
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something that was told to this coordinator lately."""

    action: Action
    kind: str
    at: datetime


def calls_to_make(connection: Connection, homes: Collection[int]) -> list[Action]:
    """The actions about which somebody should be telephoned, longest asked for first."""
    asked = (
        select(notices.c.action_id, func.min(notices.c.id).label("first"))
        .where(open_calls())
        .group_by(notices.c.action_id)
        .subquery()
    )
    rows = connection.execute(
        select_actions()
        .join(asked, asked.c.action_id == actions.c.id)
        .where(actions.c.dialogue_id.in_(homes))
        .order_by(asked.c.first)
        .limit(MOST + 1)
    )
    return [action_from(row) for row in rows]


def releases_waiting(connection: Connection, homes: Collection[int]) -> list[Release]:
    """What may not leave before a coordinator says so, oldest first."""
    n = notices.c
    rows = connection.execute(
        select(n.action_id, n.rung, people.c.function)
        .join(actions, actions.c.id == n.action_id)
        .join(people, people.c.id == n.person_id)
        .where(n.status == NoticeStatus.UNRELEASED.value, actions.c.dialogue_id.in_(homes))
        .order_by(n.id)
        .limit(MOST + 1)
    ).all()
    found = {action.id: action for action in actions_by_id(connection, {r[0] for r in rows})}
    waiting: dict[tuple[int, str], list[str]] = {}
    for action_id, rung, function in rows:
        waiting.setdefault((action_id, rung), []).append(function)
    return [
        Release(action=found[action_id], rung=rung, to=tuple(dict.fromkeys(to)))
        for (action_id, rung), to in waiting.items()
    ]


def dates_asked(connection: Connection, homes: Collection[int], now: datetime) -> list[DateAsked]:
    """The dates that parties ask for, oldest request first."""
    a = answers.c
    rows = connection.execute(
        select(a.action_id, a.note)
        .join(actions, actions.c.id == a.action_id)
        .where(
            a.verb == Verb.MORE_TIME.value,
            a.at > now - timedelta(days=365),
            actions.c.dialogue_id.in_(homes),
            actions.c.state.in_([state.value for state in OWED]),
        )
        .order_by(a.id.desc())
        .limit(ANSWERS_READ)
    ).all()
    notes = {row.action_id: row.note for row in reversed(rows)}
    asked = days_of(connection, list(notes))
    found = {action.id: action for action in actions_by_id(connection, notes.keys())}
    waiting = []
    for action_id, note in notes.items():
        day = asked[action_id].asked if action_id in asked else None
        if day is not None:
            waiting.append(DateAsked(action=found[action_id], until=day, note=note))
    return waiting[: MOST + 1]


def notes_for(
    connection: Connection, person_id: int, homes: Collection[int], now: datetime
) -> list[Note]:
    """What this coordinator was told in the last fortnight, newest first."""
    n = notices.c
    rows = connection.execute(
        select(n.action_id, n.kind, n.created_at)
        .join(actions, actions.c.id == n.action_id)
        .where(
            n.person_id == person_id,
            n.kind.in_(TOLD),
            n.status != NoticeStatus.STRUCK.value,
            n.created_at > now - LOOKS_BACK,
            actions.c.dialogue_id.in_(homes),
        )
        .order_by(n.id.desc())
        .limit(MOST + 1)
    ).all()
    found = {action.id: action for action in actions_by_id(connection, {r[0] for r in rows})}
    seen: set[tuple[int, str]] = set()
    told = []
    for action_id, kind, at in rows:
        if (action_id, kind) not in seen:
            seen.add((action_id, kind))
            told.append(Note(action=found[action_id], kind=kind, at=at))
    return told
