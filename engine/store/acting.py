"""Who asks for a change of an action, what must be known to judge it, and what else it sets off."""

from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from engine.action import MET, OWED, Action, Kind, State
from engine.dependencies import find_circle
from engine.errors import CircularDependency, UnknownThing
from engine.lifecycle import Actor, Changes, Facts, Moved, ended_run, freed
from engine.party import Party, Person, Role, Side
from engine.recurrence import parse
from engine.store.dialect import insert_missing
from engine.store.directory import PERSON_COLUMNS, Directory, person_from
from engine.store.records import actions_by_id, append
from engine.store.tables import (
    action_parties,
    actions,
    commitments,
    confirmations,
    dependencies,
    occurrences,
    parties,
    people,
    sessions,
)

SETTLED = MET | {State.WITHDRAWN, State.NOT_IMPLEMENTED, State.SUPERSEDED}
"""The states of a dependency that keep nobody waiting: it is there, or it never will be."""

WATCHED = OWED | {State.REPORTED_DONE, State.DISPUTED, State.IN_FORCE}


def facts_about(connection: Connection, directory: Directory, action: Action) -> Facts:
    """What the guards of the life cycle must know about an action."""
    shared = connection.scalars(
        select(action_parties.c.party_id).where(action_parties.c.action_id == action.id)
    )
    responsible = frozenset({action.responsible_id, *shared})
    confirmed = connection.scalars(
        select(confirmations.c.side).where(
            confirmations.c.action_id == action.id,
            confirmations.c.state_version == action.state_version,
        )
    )
    return Facts(
        responsible_ids=responsible,
        sides=frozenset(directory.parties[party_id].side for party_id in responsible),
        confirmed=frozenset(confirmed),
        unmet=tuple(need.ref for need in _unmet(connection, action.id)),
    )


def actor_for(
    connection: Connection, directory: Directory, action: Action, facts: Facts, who: str
) -> Actor:
    """
    The person called `who`: a key, an address, a function or the name of a party.

    Where several answer to it (one mailbox for a whole station), the one who is there for this
    action. UnknownThing if nobody answers to it.
    """
    found = _called(connection, action, who)
    if not found:
        raise UnknownThing("person", who)
    actors = [_actor(directory, action, facts, person) for person in found]
    return max(actors, key=lambda actor: len(actor.roles))


def _called(connection: Connection, action: Action, who: str) -> list[Person]:
    lowered = who.strip().lower()
    party_ids = select(parties.c.id).where(
        parties.c.dialogue_id == action.dialogue_id, func.lower(parties.c.name) == lowered
    )
    rows = connection.execute(
        select(*PERSON_COLUMNS)
        .where(
            or_(
                func.lower(people.c.key) == lowered,
                func.lower(people.c.email) == lowered,
                people.c.party_id.in_(party_ids),
            )
        )
        .order_by(people.c.id)
    )
    return [person_from(row) for row in rows if lowered]


def _actor(directory: Directory, action: Action, facts: Facts, person: Person) -> Actor:
    held = directory.roles_of(person.id, action.dialogue_id)
    party = directory.parties.get(person.party_id) if person.party_id else None
    owes = person.party_id in facts.responsible_ids
    owing = directory.parties[action.responsible_id]
    roles = set(held & {Role.COORDINATOR, Role.COMMITTEE, Role.MANAGER})
    if person.id == action.focal_id or (owes and Role.FOCAL_POINT in held):
        roles.add(Role.FOCAL_POINT)
    if owes and Role.ALTERNATE in held:
        roles.add(Role.ALTERNATE)
    if _verifies(action, facts, person, held):
        roles.add(Role.VERIFIER)
    return Actor(
        person_id=person.id,
        key=person.key,
        party_id=person.party_id,
        side=_side(party),
        roles=frozenset(roles),
        superior=Role.FOCAL_POINT in held
        and person.party_id is not None
        and person.party_id == owing.superior_id,
    )


def _verifies(action: Action, facts: Facts, person: Person, held: frozenset[Role]) -> bool:
    """The verifying party's persons; of a joint action those of each side that shares it."""
    if facts.joint and person.party_id in facts.responsible_ids:
        return bool(held & {Role.FOCAL_POINT, Role.ALTERNATE, Role.VERIFIER})
    return action.verifier_id is not None and person.party_id == action.verifier_id


def _side(party: Party | None) -> Side:
    return party.side if party else Side.OTHER


def _unmet(connection: Connection, action_id: int) -> list[Action]:
    ids = connection.scalars(
        select(dependencies.c.needs_id).where(dependencies.c.action_id == action_id)
    ).all()
    return [need for need in actions_by_id(connection, ids) if need.state not in SETTLED]


def apply(
    connection: Connection,
    directory: Directory,
    action: Action,
    moved: Moved,
    actor: Actor,
    *,
    now: datetime,
    today: date,
) -> Action:
    """Write a judged change and all that it sets off, in the caller's transaction."""
    changes: Changes = dict(moved.changes)
    changes |= _next_occurrence(connection, action, moved, today)
    if moved.confirmation is not None:
        _confirm(connection, action, moved, actor, today)
    state = State(str(changes.get("state", action.state)))
    changes["next_check_at"] = looked_at(state, now, waiting=action.waiting)
    after = append(
        connection, action, changes,
        kind=moved.event, at=now, by=actor.key, payload=moved.payload,
    )  # fmt: skip
    if after.state is action.state:
        return after
    if after.state is State.AGREED and after.agreed_on:
        _agree(connection, after, after.agreed_on)
    touched = _dependents(connection, after.id)
    if after.state is State.SUPERSEDED and after.successor_id:
        _hand_on(connection, after, now)
    _bring_in_line(connection, directory, touched, now)
    # What it waits for itself may have changed while it was in a state that does not wait.
    return wait(connection, after, today, now=now)


def tell_dependents(
    connection: Connection, directory: Directory, action_id: int, now: datetime
) -> None:
    """An action moved by itself: those that depend on it begin or cease to wait."""
    _bring_in_line(connection, directory, _dependents(connection, action_id), now)


def _bring_in_line(
    connection: Connection, directory: Directory, waiters: Collection[int], now: datetime
) -> None:
    for waiter in actions_by_id(connection, waiters):
        directory.ensure([waiter])
        wait(connection, waiter, directory.today(waiter.dialogue_id, now), now=now)


def looked_at(state: State, now: datetime, *, waiting: bool) -> datetime | None:
    """When the sweep looks at an action that was just changed: now, or never as it stands."""
    if state not in WATCHED or (waiting and state in OWED):
        return None
    return now


def _agree(connection: Connection, action: Action, held_on: date) -> None:
    """The commitment was agreed in that session; from then on nobody can put another text there."""
    row = {"dialogue_id": action.dialogue_id, "held_on": held_on}
    insert_missing(connection, sessions, [row], ["dialogue_id", "held_on"])
    session_id = connection.scalar(
        select(sessions.c.id).where(
            sessions.c.dialogue_id == action.dialogue_id, sessions.c.held_on == held_on
        )
    )
    connection.execute(
        update(commitments)
        .where(commitments.c.id == action.commitment_id, commitments.c.session_id.is_(None))
        .values(session_id=session_id, agreed_on=held_on)
    )


def _confirm(
    connection: Connection, action: Action, moved: Moved, actor: Actor, today: date
) -> None:
    said = moved.payload
    connection.execute(
        insert(confirmations).values(
            action_id=action.id,
            state_version=action.state_version,
            side=moved.confirmation,
            person_id=actor.person_id,
            confirmed_on=today,
            method=str(said.get("method", "")),
            seen=str(said.get("seen", "")),
        )
    )


def _next_occurrence(connection: Connection, action: Action, moved: Moved, today: date) -> Changes:
    """Where it stands in its rule: on coming into force, and when an occurrence was reported."""
    if action.kind is Kind.ONE_OFF or not action.repeat:
        return {}
    rule = parse(action.repeat, action.original_due_on or action.due_on or today)
    if moved.event == "occurrence_reported" and action.due_on:
        row = {"action_id": action.id, "due_on": action.due_on, "outcome": "kept",
               "settled_on": today}  # fmt: skip
        insert_missing(connection, occurrences, [row], ["action_id", "due_on"])
        return {"due_on": rule.after(action.due_on)}
    if moved.changes.get("state") is State.IN_FORCE:
        if action.state is State.DISPUTED and action.due_on:
            return {"due_on": rule.on_or_after(max(today, action.due_on))}
        return {"due_on": rule.after(max(today, action.due_on or today))}
    return {}


def _dependents(connection: Connection, action_id: int) -> Collection[int]:
    return connection.scalars(
        select(dependencies.c.action_id).where(dependencies.c.needs_id == action_id)
    ).all()


def _hand_on(connection: Connection, action: Action, now: datetime) -> None:
    """What waited for a superseded action waits for its successor."""
    waiters = _dependents(connection, action.id)
    before = {waiter: _needed_refs(connection, waiter) for waiter in waiters}
    rows = [{"action_id": waiter, "needs_id": action.successor_id} for waiter in waiters]
    rows = [row for row in rows if row["action_id"] != action.successor_id]
    insert_missing(connection, dependencies, rows, ["action_id", "needs_id"])
    connection.execute(delete(dependencies).where(dependencies.c.needs_id == action.id))
    refuse_circle(connection, action.dialogue_id)
    for waiter in actions_by_id(connection, waiters):
        append(
            connection, waiter, {}, kind="handed_on", at=now, by="dependency",
            payload={"before": {"depends_on": before[waiter.id]}},
            ties={"depends_on": _needed_refs(connection, waiter.id)},
        )  # fmt: skip


def _needed_refs(connection: Connection, action_id: int) -> list[str]:
    """The references of what an action waits for, met or not."""
    needed = select(dependencies.c.needs_id).where(dependencies.c.action_id == action_id)
    refs = connection.scalars(select(actions.c.ref).where(actions.c.id.in_(needed)))
    return sorted(refs)


def refuse_circle(connection: Connection, dialogue_id: int) -> None:
    """CircularDependency if actions of this dialogue wait for each other, whatever lies between."""
    own = select(actions.c.id).where(actions.c.dialogue_id == dialogue_id)
    beyond = dependencies.c.action_id.in_(own)
    needs: dict[str, list[str]] = {}
    while True:
        edges = connection.execute(
            select(dependencies.c.action_id, dependencies.c.needs_id).where(beyond)
        ).all()
        for waiter, need in edges:
            needs.setdefault(str(waiter), []).append(str(need))
        # A dependency of another dialogue may lead back into this one.
        unread = {need for _waiter, need in edges if str(need) not in needs}
        if not unread:
            break
        beyond = dependencies.c.action_id.in_(unread)
    circle = find_circle(needs)
    if circle:
        ids = {int(action_id) for action_id in circle}
        rows = connection.execute(select(actions.c.id, actions.c.ref).where(actions.c.id.in_(ids)))
        refs = dict(rows.tuples().all())
        raise CircularDependency([refs[int(action_id)] for action_id in circle])


def wait(connection: Connection, waiter: Action, today: date, *, now: datetime) -> Action:
    """Bring an action's waiting in line with its dependencies, recorded if that changes it."""
    unmet: Collection[Action] = _unmet(connection, waiter.id)
    if bool(unmet) == waiter.waiting or waiter.state not in OWED | {State.PROPOSED}:
        return waiter
    if unmet:
        changes: Changes = {"waiting": True, "next_check_at": None, **ended_run(waiter, today)}
        payload: dict[str, object] = {"for": sorted(need.ref for need in unmet)}
        return append(
            connection, waiter, changes, kind="waiting", at=now, by="dependency", payload=payload
        )
    # It was silent because it waited; its own time begins now.
    begun: Changes = {**ended_run(waiter, today), "substance_on": today}
    moved = Moved(begun, "no_longer_waiting", {})
    if waiter.state is State.BLOCKED and not waiter.blocker:
        moved = freed(waiter, today)
    watched = waiter.state in OWED
    changes = {**moved.changes, "waiting": False, "next_check_at": now if watched else None}
    return append(
        connection, waiter, changes,
        kind=moved.event, at=now, by="dependency", payload=moved.payload,
    )  # fmt: skip
