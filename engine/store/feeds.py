"""Calendar feeds: one secret address for each person, and the days that stand in it."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, insert, or_, select, update

from engine.action import OWED, State
from engine.party import Person
from engine.store.api_tables import feeds
from engine.store.directory import PERSON_COLUMNS, person_from
from engine.store.tables import action_parties, actions, dialogues, people

F = feeds.c


@dataclass(frozen=True, slots=True)
class FeedDay:
    """One entry of a feed."""

    ref: str
    dialogue: str
    due_on: date


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def open_feed(connection: Connection, person: Person, now: datetime) -> str:
    """Give a person a new address, which ends the one before; returns its token."""
    close_feeds(connection, person, now)
    token = secrets.token_urlsafe(24)
    connection.execute(
        insert(feeds).values(token_hash=_hash(token), person_id=person.id, created_at=now)
    )
    return token


def close_feeds(connection: Connection, person: Person, now: datetime) -> int:
    """End a person's address; returns how many there were, one or none."""
    done = connection.execute(
        update(feeds).where(F.person_id == person.id, F.revoked_at.is_(None)).values(revoked_at=now)
    )
    return int(done.rowcount)


def close_feeds_of(connection: Connection, person_id: int, now: datetime) -> None:
    """The same by number: a post was taken over, or somebody is to be forgotten."""
    connection.execute(
        update(feeds).where(F.person_id == person_id, F.revoked_at.is_(None)).values(revoked_at=now)
    )


def whose_feed(connection: Connection, token: str) -> Person | None:
    """Whose feed has that token; None for a guess and for an address that has ended."""
    row = connection.execute(
        select(*PERSON_COLUMNS)
        .join(feeds, F.person_id == people.c.id)
        .where(F.token_hash == _hash(token), F.revoked_at.is_(None), people.c.erased_at.is_(None))
    ).first()
    return person_from(row) if row else None


def days_of(connection: Connection, person: Person) -> list[FeedDay]:
    """What a person's own party still owes, and what is due at the person itself, by date."""
    a = actions.c
    own = [a.focal_id == person.id]
    if person.party_id is not None:
        shared = select(action_parties.c.action_id).where(
            action_parties.c.party_id == person.party_id
        )
        own += [a.responsible_id == person.party_id, a.id.in_(shared)]
    rows = connection.execute(
        select(a.ref, dialogues.c.name, a.due_on)
        .join(dialogues, dialogues.c.id == a.dialogue_id)
        .where(
            or_(*own),
            a.due_on.is_not(None),
            a.state.in_([state.value for state in OWED | {State.IN_FORCE}]),
        )
        .order_by(a.due_on, a.ref)
    )
    return [FeedDay(*row) for row in rows]
