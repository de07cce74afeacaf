"""Who is signed in: links that work once, sessions that end, and what their person may do."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, func, insert, select, update

from engine.party import Role
from engine.permission import Member
from engine.store.directory import PERSON_COLUMNS, person_from
from engine.store.sign_in_tables import sign_ins, web_sessions
from engine.store.tables import people, roles

LINK_LASTS: Final = timedelta(minutes=15)
IDLE: Final = timedelta(hours=12)
"""A session that nobody used for so long is over."""

LONGEST: Final = timedelta(days=7)
"""However much it is used, a session is over after that."""

SEEN_EVERY: Final = timedelta(minutes=10)
"""How exactly is remembered when a session was used last: each time would be a write a page."""

SAME_MAILBOX: Final = 6
"""So many functions that share one mailbox each get their link; no station has more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """An open session, with what its person may do at this moment."""

    id: int
    member: Member
    seen_at: datetime


def token_hash(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def members_at(connection: Connection, address: str) -> list[Member]:
    """The persons with a role who are reached at an address: usually one, or none."""
    lowered = address.strip().lower()
    if not lowered:
        return []
    found = connection.scalars(
        select(people.c.id)
        .where(func.lower(people.c.email) == lowered, people.c.erased_at.is_(None))
        .order_by(people.c.id)
        .limit(SAME_MAILBOX)
    ).all()
    members = (member(connection, person_id) for person_id in found)
    return [one for one in members if one is not None and one.grants]


def member(connection: Connection, person_id: int) -> Member | None:
    """A person with what they are there for; None for nobody, or somebody who was erased."""
    row = connection.execute(
        select(*PERSON_COLUMNS).where(people.c.id == person_id, people.c.erased_at.is_(None))
    ).first()
    if row is None:
        return None
    held = connection.execute(
        select(roles.c.role, roles.c.dialogue_id).where(roles.c.person_id == person_id)
    )
    person = person_from(row)
    return Member(
        person_id=person.id,
        key=person.key,
        party_id=person.party_id,
        grants=frozenset((Role(role), where) for role, where in held),
        called=person.function,
        language=person.language,
    )


def keep_sign_in(connection: Connection, token: str, person_id: int, now: datetime) -> None:
    """Remember a link that was given out."""
    connection.execute(
        insert(sign_ins).values(
            token_hash=token_hash(token), person_id=person_id,
            created_at=now, expires_at=now + LINK_LASTS,
        )
    )  # fmt: skip


def person_of_link(connection: Connection, token: str, now: datetime) -> int | None:
    """Whom a link would sign in; None for one that is unknown, used or too old."""
    return connection.scalar(
        select(sign_ins.c.person_id).where(
            sign_ins.c.token_hash == token_hash(token),
            sign_ins.c.used_at.is_(None),
            sign_ins.c.expires_at > now,
        )
    )


def use_link(connection: Connection, token: str, now: datetime) -> int | None:
    """The person whom a link signs in, once: a second use, also at the same moment, gets None."""
    person_id = person_of_link(connection, token, now)
    if person_id is None:
        return None
    done = connection.execute(
        update(sign_ins)
        .where(sign_ins.c.token_hash == token_hash(token), sign_ins.c.used_at.is_(None))
        .values(used_at=now)
    )
    return person_id if done.rowcount == 1 else None


def begin_session(connection: Connection, token: str, person_id: int, now: datetime) -> None:
    """Open a session; what has been over for long goes on this occasion."""
    connection.execute(
        insert(web_sessions).values(
            token_hash=token_hash(token), person_id=person_id,
            created_at=now, seen_at=now, expires_at=now + LONGEST,
        )
    )  # fmt: skip
    connection.execute(delete(web_sessions).where(web_sessions.c.expires_at < now - LONGEST))
    connection.execute(delete(sign_ins).where(sign_ins.c.expires_at < now - LONGEST))


def find_session(connection: Connection, token: str, now: datetime) -> Session | None:
    """The open session of that token, with what its person may do today."""
    s = web_sessions.c
    row = connection.execute(
        select(s.id, s.person_id, s.seen_at).where(
            s.token_hash == token_hash(token),
            s.revoked_at.is_(None),
            s.expires_at > now,
            s.seen_at > now - IDLE,
        )
    ).first()
    if row is None:
        return None
    who = member(connection, row.person_id)
    if who is None or not who.grants:
        return None
    return Session(id=row.id, member=who, seen_at=row.seen_at)


def seen(connection: Connection, session_ids: Collection[int], now: datetime) -> None:
    """These sessions were used just now."""
    table = web_sessions
    connection.execute(update(table).where(table.c.id.in_(session_ids)).values(seen_at=now))


def end_session(connection: Connection, session_id: int, now: datetime) -> None:
    """Sign out."""
    table = web_sessions
    connection.execute(update(table).where(table.c.id == session_id).values(revoked_at=now))


def end_sessions(connection: Connection, person_id: int, now: datetime) -> int:
    """Sign a person out everywhere; links that were not used yet close as well."""
    table = web_sessions.c
    connection.execute(
        update(sign_ins)
        .where(sign_ins.c.person_id == person_id, sign_ins.c.used_at.is_(None))
        .values(used_at=now)
    )
    return connection.execute(
        update(web_sessions)
        .where(table.person_id == person_id, table.revoked_at.is_(None))
        .values(revoked_at=now)
    ).rowcount
