"""Digests on record: who gets which how often, what was made, and what goes out with the mail."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from engine.digest import DigestKind
from engine.party import Person, Role
from engine.store.answer_tables import digests, subscriptions
from engine.store.dialect import insert_if_new
from engine.store.directory import PERSON_COLUMNS, person_from
from engine.store.outbox_tables import MessageSort, messages
from engine.store.tables import dialogues, people, roles

D, S = digests.c, subscriptions.c

READS = {DigestKind.COORDINATOR: Role.COORDINATOR, DigestKind.MANAGER: Role.MANAGER}
"""The role in which somebody gets a digest."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """How often somebody wants a digest (empty: as the settings say), and whether as a workbook."""

    every: str = ""
    workbook: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A digest for the archive; `key` is made of its kind, its reader and its day."""

    key: str
    kind: DigestKind
    person_id: int | None
    dialogue_id: int | None
    as_of_at: datetime
    day: date
    figures: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class About:
    """Whose digest a message is, which one, and of which dialogue if it is of one."""

    person_id: int
    kind: DigestKind
    dialogue_id: int | None


def dialogues_read(connection: Connection, person_id: int, kind: DigestKind) -> list[int] | None:
    """The dialogues of which somebody gets that digest, [] for all of them, None for none."""
    rows = connection.scalars(
        select(roles.c.dialogue_id).where(
            roles.c.person_id == person_id, roles.c.role == READS[kind].value
        )
    ).all()
    if not rows:
        return None
    return [] if None in rows else sorted({found for found in rows if found is not None})


def readers(connection: Connection, kind: DigestKind) -> list[tuple[Person, Subscription]]:
    """Everybody who could get that digest, by id, with what they said about it."""
    rows = connection.execute(
        select(*PERSON_COLUMNS)
        .where(people.c.id.in_(select(roles.c.person_id).where(roles.c.role == READS[kind].value)))
        .order_by(people.c.id)
    ).all()
    said = {
        person_id: Subscription(every, workbook)
        for person_id, every, workbook in connection.execute(
            select(S.person_id, S.every, S.workbook).where(S.digest == kind.value)
        )
    }
    return [(person_from(row), said.get(row[0], Subscription())) for row in rows]


def subscription(connection: Connection, person_id: int, kind: DigestKind) -> Subscription:
    """How somebody wants that digest; empty if they did not say."""
    row = connection.execute(
        select(S.every, S.workbook).where(S.person_id == person_id, S.digest == kind.value)
    ).first()
    return Subscription(*row) if row else Subscription()


def subscribe(
    connection: Connection, person_id: int, kind: DigestKind, wanted: Subscription
) -> None:
    """Remember how somebody wants a digest."""
    connection.execute(
        delete(subscriptions).where(S.person_id == person_id, S.digest == kind.value)
    )
    connection.execute(
        insert(subscriptions).values(
            person_id=person_id, digest=kind.value, every=wanted.every, workbook=wanted.workbook
        )
    )


def last_made_at(
    connection: Connection, kind: DigestKind, person_id: int, before: datetime
) -> datetime | None:
    """The instant of the digest that somebody got before that one."""
    found: datetime | None = connection.scalar(
        select(func.max(D.as_of_at)).where(
            D.digest == kind.value, D.person_id == person_id, D.as_of_at < before
        )
    )
    return found


def made(connection: Connection, keys: Collection[str]) -> set[str]:
    """Those of these digests that the archive has."""
    return set(connection.scalars(select(D.key).where(D.key.in_(keys))))


def keep(connection: Connection, kept: Kept, now: datetime) -> bool:
    """Put a digest into the archive; False if there is one with that key already."""
    row = {
        "key": kept.key, "digest": kept.kind.value, "person_id": kept.person_id,
        "dialogue_id": kept.dialogue_id, "as_of_at": kept.as_of_at, "day": kept.day,
        "figures": kept.figures, "fingerprint": kept.fingerprint, "created_at": now,
    }  # fmt: skip
    statement = insert_if_new(connection.dialect.name, digests, ("key",)).returning(D.id)
    return connection.execute(statement, row).first() is not None


def sent_as(connection: Connection, key: str, message_id: int) -> None:
    """Say which message carries a digest."""
    connection.execute(update(digests).where(D.key == key).values(message_id=message_id))


def begin(connection: Connection, message_id: int, now: datetime) -> None:
    """From now on a message may have arrived, whatever becomes of who hands it over."""
    connection.execute(update(messages).where(messages.c.id == message_id).values(begun_at=now))


def has_message(connection: Connection, person_id: int, day: date) -> bool:
    """Whether somebody has a digest of that day already, of whatever kind; locks the person."""
    connection.execute(
        select(people.c.id).where(people.c.id == person_id).with_for_update(key_share=True)
    )
    m = messages.c
    found = connection.scalar(
        select(m.id).where(
            m.person_id == person_id, m.day == day, m.sort == MessageSort.DIGEST.value
        )
    )
    return found is not None


def about(connection: Connection, message_ids: Collection[int]) -> dict[int, About]:
    """Of messages that are digests: whose, which, and of which dialogue."""
    rows = connection.execute(
        select(D.message_id, D.person_id, D.digest, D.dialogue_id).where(
            D.message_id.in_(message_ids), D.person_id.is_not(None)
        )
    )
    return {
        message_id: About(person_id, DigestKind(kind), dialogue_id)
        for message_id, person_id, kind, dialogue_id in rows
    }


def archive(connection: Connection, limit: int) -> list[Row[Any]]:
    """The newest digests that went out, with what became of their mail."""
    query = (
        select(
            D.key, D.digest, D.as_of_at, D.day, D.fingerprint, D.figures, people.c.key.label("who"),
            dialogues.c.name.label("dialogue"), messages.c.status, messages.c.sent_at,
        )
        .outerjoin(people, people.c.id == D.person_id)
        .outerjoin(dialogues, dialogues.c.id == D.dialogue_id)
        .outerjoin(messages, messages.c.id == D.message_id)
        .order_by(D.id.desc())
        .limit(limit)
    )  # fmt: skip
    return list(connection.execute(query))


def letter_of(connection: Connection, person_id: int, digest_id: int) -> Row[Any] | None:
    """One digest of somebody's as it was kept, with the bytes of the mail that carried it."""
    query = (
        select(
            D.id, D.digest, D.as_of_at, D.day, D.fingerprint, D.figures,
            messages.c.status, messages.c.sent_at, messages.c.body,
        )
        .outerjoin(messages, messages.c.id == D.message_id)
        .where(D.id == digest_id, D.person_id == person_id)
    )  # fmt: skip
    return connection.execute(query).first()
