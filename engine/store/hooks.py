"""Webhooks: who is told of events, how far each has been told, and in whose hands it is."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Connection,
    Update,
    and_,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from engine.action import Handling
from engine.errors import UnknownThing
from engine.replay import SET
from engine.store.api_tables import webhooks
from engine.store.tables import actions, dialogues, events

LONGEST_OUTCOME = 200

W = webhooks.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A webhook in the hands of a worker; `wanted` is empty for every event."""

    id: int
    url: str
    secret: str
    wanted: frozenset[str]
    dialogue_id: int | None
    last_event_id: int
    attempt: int
    failing_since_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """An event as it may leave: references and states, no words of anybody."""

    id: int
    ref: str
    dialogue: str
    dialogue_id: int
    version: int
    kind: str
    state: str | None
    at: datetime
    closed: bool

    def is_for(self, hook: Hook) -> bool:
        """Whether that hook is told of it; of what is closed nobody is."""
        if self.closed or hook.dialogue_id not in {None, self.dialogue_id}:
            return False
        return not hook.wanted or bool(hook.wanted & {self.kind, self.state})


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedHook:
    """A webhook as people see it; `waiting` counts the events that it has not been told yet."""

    id: int
    url: str
    events: str
    dialogue: str | None
    waiting: int
    attempt: int
    next_at: datetime | None
    outcome: str
    stopped_at: datetime | None


def keep_hook(
    connection: Connection, *, url: str, secret: str, events_wanted: Sequence[str],
    dialogue_id: int | None, now: datetime,
) -> int:  # fmt: skip
    """Remember a webhook; it is told of what happens from now on."""
    newest = connection.scalar(select(func.max(events.c.id))) or 0
    done = connection.execute(
        insert(webhooks).values(
            url=url, secret=secret, events=",".join(events_wanted), dialogue_id=dialogue_id,
            created_at=now, last_event_id=newest,
        )
    )  # fmt: skip
    return int(done.inserted_primary_key[0])  # type: ignore[index]


def all_hooks(connection: Connection) -> list[ListedHook]:
    """Every webhook, oldest first."""
    waiting = (
        select(func.count())
        .select_from(events.join(actions, actions.c.id == events.c.action_id))
        .where(
            events.c.id > W.last_event_id,
            or_(W.dialogue_id.is_(None), actions.c.dialogue_id == W.dialogue_id),
        )
        .correlate(webhooks)
        .scalar_subquery()
    )
    rows = connection.execute(
        select(
            W.id, W.url, W.events, dialogues.c.code.label("dialogue"), waiting.label("waiting"),
            W.attempt, W.next_at, W.outcome, W.stopped_at,
        )
        .outerjoin(dialogues, dialogues.c.id == W.dialogue_id)
        .order_by(W.id)
    )  # fmt: skip
    return [ListedHook(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name


def remove_hook(connection: Connection, hook_id: int) -> None:
    """Forget a webhook. UnknownThing if there is none of that number."""
    if connection.execute(delete(webhooks).where(W.id == hook_id)).rowcount != 1:
        raise _unknown(connection, hook_id)


def resume_hook(connection: Connection, hook_id: int) -> None:
    """Try a webhook again at once, also one that was given up."""
    done = connection.execute(
        update(webhooks)
        .where(W.id == hook_id)
        .values(stopped_at=None, attempt=0, next_at=None, failing_since_at=None)
    )
    if done.rowcount != 1:
        raise _unknown(connection, hook_id)


def claim_hook(
    connection: Connection, worker: str, now: datetime, clock_now: datetime, until: datetime
) -> Hook | None:
    """
    Take a webhook in hand that has something to be told; None if there is none.

    `now` decides what is due again, the real clock whose lease has run out.
    """
    row = connection.execute(
        select(
            W.id, W.url, W.secret, W.events, W.dialogue_id, W.last_event_id, W.attempt,
            W.failing_since_at,
        )
        .where(
            W.stopped_at.is_(None),
            or_(W.next_at.is_(None), W.next_at <= now),
            or_(W.leased_until_at.is_(None), W.leased_until_at < clock_now),
            exists(select(literal(1)).where(events.c.id > W.last_event_id)),
        )
        .order_by(W.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=webhooks)
    ).first()  # fmt: skip
    if row is None:
        return None
    connection.execute(
        update(webhooks).where(W.id == row.id).values(claimed_by=worker, leased_until_at=until)
    )
    wanted = frozenset(word for word in row.events.split(",") if word)
    return Hook(
        id=row.id, url=row.url, secret=row.secret, wanted=wanted, dialogue_id=row.dialogue_id,
        last_event_id=row.last_event_id, attempt=row.attempt,
        failing_since_at=row.failing_since_at,
    )  # fmt: skip


def any_hook_waits(connection: Connection, now: datetime) -> bool:
    """Whether some webhook has something to be told now; a look that locks nothing."""
    query = select(W.id).where(
        W.stopped_at.is_(None),
        or_(W.next_at.is_(None), W.next_at <= now),
        exists(select(literal(1)).where(events.c.id > W.last_event_id)),
    )
    return connection.execute(query.limit(1)).first() is not None


def happened_after(connection: Connection, event_id: int, limit: int) -> list[Happened]:
    """
    The events after that one, in their order.

    Ask in a settled `snapshot`: else an event could be seen later than one with a higher number,
    and would be passed over.
    """
    e = events.c
    rows = connection.execute(
        select(
            e.id, actions.c.ref, dialogues.c.code, actions.c.dialogue_id, e.seq, e.kind,
            e.payload, e.at, actions.c.handling,
        )
        .join(actions, actions.c.id == e.action_id)
        .join(dialogues, dialogues.c.id == actions.c.dialogue_id)
        .where(e.id > event_id)
        .order_by(e.id)
        .limit(limit)
    )  # fmt: skip
    return [
        Happened(
            id=event, ref=ref, dialogue=code, dialogue_id=dialogue_id, version=seq, kind=kind,
            state=_state(payload), at=at, closed=handling is Handling.CLOSED,
        )
        for event, ref, code, dialogue_id, seq, kind, payload, at, handling in rows
    ]  # fmt: skip


def _state(payload: str) -> str | None:
    """The state to which an event brought its action; None if it brought it to none."""
    found = json.loads(payload).get(SET, {}).get("state")
    return str(found) if found else None


def passed(
    connection: Connection, hook: Hook, worker: str, event_id: int, outcome: str, until: datetime
) -> bool:
    """Remember that a hook was told up to that event; False if it is in other hands by now."""
    done = connection.execute(
        _mine(hook, worker).values(
            last_event_id=event_id, attempt=0, next_at=None, failing_since_at=None,
            outcome=outcome[:LONGEST_OUTCOME], leased_until_at=until,
        )
    )  # fmt: skip
    return bool(done.rowcount)


def failed(
    connection: Connection, hook: Hook, worker: str, *, outcome: str, now: datetime,
    next_at: datetime | None,
) -> None:  # fmt: skip
    """Remember that an attempt failed; without `next_at` there will be none."""
    connection.execute(
        _mine(hook, worker).values(
            attempt=hook.attempt + 1, next_at=next_at, outcome=outcome[:LONGEST_OUTCOME],
            failing_since_at=hook.failing_since_at or now, leased_until_at=None, claimed_by="",
            stopped_at=None if next_at else now,
        )
    )  # fmt: skip


def let_go(connection: Connection, hook: Hook, worker: str) -> None:
    """Give a hook out of one's hands."""
    connection.execute(_mine(hook, worker).values(leased_until_at=None, claimed_by=""))


def stopped_hooks(connection: Connection) -> list[tuple[int, int]]:
    """Webhooks that were given up, with the first action of which each was not told."""
    missed = (
        select(func.min(events.c.id))
        .join(actions, actions.c.id == events.c.action_id)
        .where(
            events.c.id > W.last_event_id,
            or_(W.dialogue_id.is_(None), actions.c.dialogue_id == W.dialogue_id),
        )
        .correlate(webhooks)
        .scalar_subquery()
    )
    rows = connection.execute(
        select(W.id, events.c.action_id)
        .select_from(webhooks)
        .join(events, events.c.id == missed)
        .where(W.stopped_at.is_not(None))
        .order_by(W.id)
    )
    return [(hook_id, action_id) for hook_id, action_id in rows]


def _mine(hook: Hook, worker: str) -> Update:
    return update(webhooks).where(and_(W.id == hook.id, W.claimed_by == worker))


def _unknown(connection: Connection, hook_id: int) -> UnknownThing:
    known = connection.scalars(select(W.id).order_by(W.id))
    return UnknownThing("webhook", hook_id, map(str, known))
