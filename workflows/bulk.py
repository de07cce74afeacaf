"""One deed for several actions: what it would do to each, and then all of it or nothing."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from config.wiring import Services
from engine.action import Action
from engine.errors import N_, BadValue, EngineError, ForbiddenMove, StaleVersion, UnknownThing
from engine.lifecycle import Request, move
from engine.party import Role
from engine.reporting import reschedule
from engine.store.database import Connection
from engine.store.holds import HELD, put_hold
from engine.store.records import append, find_action
from workflows.record import Asked, at_work, change_in

Each = Callable[[Services, Connection, Asked, datetime], Action]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What a deed makes of one action; `error` where it cannot be done with it."""

    ref: str
    before: Action | None
    after: Action | None = None
    error: EngineError | None = None


class _Undone(Exception):
    """Ends a transaction of which nothing is to be kept."""


def do_all(
    services: Services, asked: Sequence[Asked], each: Each, now: datetime, *, keep: bool
) -> tuple[Line, ...]:
    """
    Do the same with several actions in one transaction, an event for each.

    Kept only with `keep` and if none of them was refused; else nothing is written, and the lines
    tell what would have come of it. Each version is looked at before the first change, because one
    action's change may be the next event of another one that depends on it.
    """
    lines: list[Line] = []
    with suppress(_Undone), services.database.write() as connection:
        found = _locked(connection, asked)
        lines += [_line(services, connection, one, found.get(one.ref), each, now) for one in asked]
        if not keep or any(line.error for line in lines):
            raise _Undone
    return tuple(lines)


def _locked(connection: Connection, asked: Sequence[Asked]) -> dict[str, Action]:
    """The actions by what they were called; locked in one order, so that nobody waits in a ring."""
    found: dict[str, Action] = {}
    for one in asked:
        try:
            found[one.ref] = find_action(connection, one.ref)
        except UnknownThing:
            continue
    in_order = sorted(found, key=lambda ref: found[ref].id)
    return {ref: find_action(connection, found[ref].ref, lock=True) for ref in in_order}


def _line(
    services: Services,
    connection: Connection,
    asked: Asked,
    before: Action | None,
    each: Each,
    now: datetime,
) -> Line:
    if before is None:
        return Line(ref=asked.ref, before=None, error=UnknownThing("action", asked.ref))
    if asked.version != before.version:
        stale = StaleVersion(before.ref, asked.version or 0, before.version)
        return Line(ref=before.ref, before=before, error=stale)
    try:
        with connection.begin_nested():  # what was refused half-way leaves nothing behind
            after = each(services, connection, Asked(ref=before.ref, by=asked.by), now)
    except EngineError as error:
        return Line(ref=before.ref, before=before, error=error)
    return Line(ref=before.ref, before=before, after=after)


def rescheduling(due_on: date | None, days: int, reason: str) -> Each:
    """Agree on another date for each: that day, or so many days after its own."""

    def each(services: Services, connection: Connection, asked: Asked, now: datetime) -> Action:
        action = find_action(connection, asked.ref)
        day = due_on
        if day is None:
            if action.due_on is None:
                raise BadValue("due", action.ref, N_("has no date yet; agree on a day instead"))
            day = action.due_on + timedelta(days=days)
        return change_in(
            services, connection, asked, now,
            lambda action, actor, _facts, today: reschedule(action, day, reason, actor, today),
        )  # fmt: skip

    return each


def moving(request: Request) -> Each:
    """Bring each into a state."""

    def each(services: Services, connection: Connection, asked: Asked, now: datetime) -> Action:
        return change_in(
            services, connection, asked, now,
            lambda action, actor, facts, today: move(action, request, actor, facts, today),
        )  # fmt: skip

    return each


def holding(until_on: date | None, reason: str) -> Each:
    """Keep back the messages about each, from today on."""

    def each(services: Services, connection: Connection, asked: Asked, now: datetime) -> Action:
        action, _directory, actor, _facts, today = at_work(services, connection, asked, now)
        if Role.COORDINATOR not in actor.roles:
            why = N_("only its coordinator may hold its messages")
            raise ForbiddenMove(action.ref, action.state, "held", why)
        if until_on is not None and until_on < today:
            raise BadValue("until", until_on.isoformat(), N_("has gone by already"))
        new = put_hold(
            connection, dialogue_id=None, action_id=action.id,
            from_on=today, until_on=until_on, by=actor.key, reason=reason, now=now,
        )  # fmt: skip
        if not new:
            return action
        payload: dict[str, object] = {"since": today}
        if until_on is not None:
            payload["until"] = until_on
        return append(connection, action, {}, kind=HELD, at=now, by=actor.key, payload=payload)

    return each
