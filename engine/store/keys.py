"""Keys of other programs: made once, kept as hashes, looked up at every request."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, insert, or_, select, update

from engine.errors import UnknownThing
from engine.party import Person, Role
from engine.permission import Member
from engine.store.api_tables import Scope, api_keys
from engine.store.directory import PERSON_COLUMNS, person_from
from engine.store.tables import dialogues, people, roles

MARK: Final = "alk_"
"""What every key begins with, so that one that was published by mistake is known for what it is."""

PREFIX_LENGTH: Final = len(MARK) + 8
TOUCH_AFTER: Final = timedelta(minutes=10)
"""That a key was used is written down no oftener: reading must not wait for the writers."""

K = api_keys.c


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key to be made: what it is for, whose roles apply, how much it may do and how long."""

    name: str
    person: Person
    scope: Scope
    dialogue_id: int | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """
    A key that works, and whose it is.

    `member` has the roles of that person as far as the key reaches: those of its dialogue only,
    for a key that was made for one.
    """

    id: int
    scope: Scope
    dialogue_id: int | None
    member: Member


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A key as people see it; `prefix` is the beginning, the rest nobody knows but its user."""

    prefix: str
    name: str
    person: str
    scope: Scope
    dialogue: str | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    used_at: datetime | None


def key_hash(key: str) -> bytes:
    """SHA-256 of a key: 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()


def make_key(connection: Connection, new: NewKey, now: datetime) -> str:
    """Make a key and return it; nobody can read it again."""
    key = f"{MARK}{secrets.token_hex(4)}_{secrets.token_urlsafe(32)}"
    connection.execute(
        insert(api_keys).values(
            name=new.name, prefix=key[:PREFIX_LENGTH], key_hash=key_hash(key),
            person_id=new.person.id, scope=new.scope, dialogue_id=new.dialogue_id,
            created_at=now, expires_at=new.expires_at,
        )
    )  # fmt: skip
    return key


def find_key(connection: Connection, key: str, now: datetime) -> Held | None:
    """Whose key that is; None for a guess, for a key that has ended, and for who was erased."""
    row = connection.execute(
        select(K.id, K.scope, K.dialogue_id, *PERSON_COLUMNS)
        .join(people, people.c.id == K.person_id)
        .where(
            K.key_hash == key_hash(key),
            K.revoked_at.is_(None),
            or_(K.expires_at.is_(None), K.expires_at > now),
            people.c.erased_at.is_(None),
        )
    ).first()
    if row is None:
        return None
    key_id, scope, dialogue_id, *rest = row
    person = person_from(rest)
    held = connection.execute(
        select(roles.c.role, roles.c.dialogue_id).where(roles.c.person_id == person.id)
    )
    grants = frozenset(
        (Role(role), where if dialogue_id is None else dialogue_id)
        for role, where in held
        if dialogue_id is None or where in {None, dialogue_id}
    )
    member = Member(
        person_id=person.id, key=person.key, party_id=person.party_id, grants=grants,
        called=person.called, language=person.language,
    )  # fmt: skip
    return Held(id=key_id, scope=scope, dialogue_id=dialogue_id, member=member)


def wants_touch(connection: Connection, key_id: int, now: datetime) -> bool:
    """Whether it is time again to write down that a key was used."""
    used_at = connection.scalar(select(K.used_at).where(K.id == key_id))
    return used_at is None or used_at < now - TOUCH_AFTER


def touch(connection: Connection, key_id: int, now: datetime) -> None:
    """Write down that a key was used."""
    connection.execute(update(api_keys).where(K.id == key_id).values(used_at=now))


def all_keys(connection: Connection) -> list[Listed]:
    """Every key that was ever made, oldest first."""
    rows = connection.execute(
        select(
            K.prefix, K.name, people.c.key, K.scope, dialogues.c.code, K.created_at, K.expires_at,
            K.revoked_at, K.used_at,
        )
        .join(people, people.c.id == K.person_id)
        .outerjoin(dialogues, dialogues.c.id == K.dialogue_id)
        .order_by(K.id)
    )  # fmt: skip
    return [
        Listed(
            prefix=prefix, name=name, person=person, scope=scope, dialogue=dialogue,
            created_at=created_at, expires_at=expires_at, revoked_at=revoked_at, used_at=used_at,
        )
        for prefix, name, person, scope, dialogue, created_at, expires_at, revoked_at, used_at
        in rows
    ]  # fmt: skip


def revoke_key(connection: Connection, prefix: str, now: datetime) -> None:
    """End a key at once. UnknownThing if none that works begins like this."""
    given = prefix[:PREFIX_LENGTH]  # whoever pastes the whole key means that one
    done = connection.execute(
        update(api_keys).where(K.prefix == given, K.revoked_at.is_(None)).values(revoked_at=now)
    )
    if done.rowcount != 1:
        known = connection.scalars(select(K.prefix).where(K.revoked_at.is_(None)).order_by(K.id))
        raise UnknownThing("working key", given, known)


def revoke_keys_of(connection: Connection, person_id: int, now: datetime) -> None:
    """End every key of a person: a post was taken over, or somebody is to be forgotten."""
    connection.execute(
        update(api_keys)
        .where(K.person_id == person_id, K.revoked_at.is_(None))
        .values(revoked_at=now)
    )
