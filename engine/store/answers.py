"""What people said back, as rows: each answer once, the links that let them, and who is told."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, or_, select, update

from engine.action import Action
from engine.answer import Answer, Origin, Purpose, Verb
from engine.case import URGENCY
from engine.history import payload_text
from engine.party import Person
from engine.store.answer_tables import AnswerOutcome, answers, links
from engine.store.dialect import insert_missing
from engine.store.outbox_tables import NoticeStatus, notices
from engine.store.writing import write_many

LONGEST_SOURCE, LONGEST_SAID = 200, 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """
    An answer on record.

    `details` holds what the verb needed (days as ISO text); `said` is what became of it, in words.
    """

    id: int
    key: str
    action_id: int
    person_id: int | None
    by: str
    verb: Verb
    origin: Origin
    source: str
    note: str
    details: Mapping[str, str]
    at: datetime
    outcome: AnswerOutcome
    said: str

    @property
    def until(self) -> date | None:
        """The day that was asked for, if one was."""
        text = self.details.get("until", "")
        return date.fromisoformat(text) if text else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An answer link; its token is known only to whom it was sent."""

    id: int
    action_id: int
    person_id: int
    purpose: Purpose
    answer_id: int | None
    state_version: int
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLink:
    """A link that goes out with a message; `token_hash` is what the database gets to know."""

    token_hash: bytes
    action_id: int
    person_id: int
    purpose: Purpose
    notice_id: int
    answer_id: int | None
    state_version: int
    expires_at: datetime


def token_hash(token: str) -> bytes:
    """SHA-256 of a link's token: 128 random bits need no salt and no slow hash."""
    return hashlib.sha256(token.encode()).digest()


_LINK_COLUMNS = ("token_hash", "action_id", "person_id", "purpose", "notice_id", "answer_id",
                 "state_version", "created_at", "expires_at")  # fmt: skip
_INSERT_LINK = insert(links)


def keep_links(connection: Connection, new: Sequence[NewLink], now: datetime) -> None:
    """Remember links that are about to be sent."""
    rows = [
        (n.token_hash, n.action_id, n.person_id, n.purpose, n.notice_id, n.answer_id,
         n.state_version, now, n.expires_at)
        for n in new
    ]  # fmt: skip
    write_many(connection, _INSERT_LINK, _LINK_COLUMNS, rows)


def find_link(connection: Connection, token: str) -> Link | None:
    """The link of that token, used and expired ones too; None for a guess."""
    c = links.c
    row = connection.execute(
        select(
            c.id, c.action_id, c.person_id, c.purpose, c.answer_id, c.state_version,
            c.created_at, c.expires_at, c.used_at, c.revoked_at,
        ).where(c.token_hash == token_hash(token))
    ).first()  # fmt: skip
    return Link(**row._mapping) if row else None  # noqa: SLF001 - SQLAlchemy's public name


def link_is_open(connection: Connection, link_id: int, now: datetime) -> bool:
    """Whether a link may still be used; asked again under the lock of the action."""
    c = links.c
    query = select(c.id).where(
        c.id == link_id, c.used_at.is_(None), c.revoked_at.is_(None), c.expires_at > now
    )
    return connection.execute(query).first() is not None


def use_link(connection: Connection, link_id: int, now: datetime) -> None:
    """Mark a link as used; it opens no form any more."""
    connection.execute(update(links).where(links.c.id == link_id).values(used_at=now))


def revoke_links(
    connection: Connection,
    now: datetime,
    *,
    person_id: int | None = None,
    action_id: int | None = None,
) -> int:
    """Close the unused links of a person, of an action or of both; returns how many."""
    if person_id is None and action_id is None:
        raise ValueError("say whose links or of which action")
    query = update(links).where(links.c.used_at.is_(None), links.c.revoked_at.is_(None))
    if person_id is not None:
        query = query.where(links.c.person_id == person_id)
    if action_id is not None:
        query = query.where(links.c.action_id == action_id)
    return connection.execute(query.values(revoked_at=now)).rowcount


ANSWER_COLUMNS = (
    answers.c.id, answers.c.key, answers.c.action_id, answers.c.person_id, answers.c.by,
    answers.c.verb, answers.c.origin, answers.c.source, answers.c.note, answers.c.details,
    answers.c.at, answers.c.outcome, answers.c.said,
)  # fmt: skip


def kept_from(row: Row[Any]) -> Kept:
    """The answer in a row that was selected as ANSWER_COLUMNS."""
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
    return Kept(**values | {"details": json.loads(values["details"])})


def find_answer(connection: Connection, key: str) -> Kept | None:
    """The answer that came by that key, if it has come."""
    row = connection.execute(select(*ANSWER_COLUMNS).where(answers.c.key == key)).first()
    return kept_from(row) if row else None


def answers_by_id(connection: Connection, answer_ids: Collection[int]) -> dict[int, Kept]:
    """These answers."""
    if not answer_ids:
        return {}
    rows = connection.execute(select(*ANSWER_COLUMNS).where(answers.c.id.in_(answer_ids)))
    return {row.id: kept_from(row) for row in rows}


def decided_since(connection: Connection, action_id: int, answer_id: int) -> bool:
    """Whether a coordinator has decided about a date since that answer, by whatever way."""
    c = answers.c
    query = select(c.id).where(
        c.action_id == action_id,
        c.id > answer_id,
        c.verb.in_((Verb.AGREED, Verb.DECLINED)),
        c.outcome == AnswerOutcome.APPLIED,
    )
    return connection.execute(query.limit(1)).first() is not None


def answers_about(connection: Connection, action_id: int) -> list[Kept]:
    """Everything that was said back about an action, oldest first."""
    rows = connection.execute(
        select(*ANSWER_COLUMNS).where(answers.c.action_id == action_id).order_by(answers.c.id)
    )
    return [kept_from(row) for row in rows]


def keep_answer(
    connection: Connection,
    action: Action,
    answer: Answer,
    *,
    key: str,
    by: str,
    person_id: int | None,
    origin: Origin,
    source: str,
    outcome: AnswerOutcome,
    said: str,
    now: datetime,
) -> int:
    """Put an answer on record and return its id; the caller has seen that `key` is new."""
    details = {
        "done_on": answer.done_on,
        "until": answer.until,
        "obstacle": answer.obstacle,
        "blocker": answer.blocker,
        "review_on": answer.review_on,
        "seen": answer.seen,
        "seen_on": answer.seen_on,
        "method": answer.method,
        "level": answer.level,
        "named": answer.named,
    }
    given = {name: value for name, value in details.items() if value not in {None, ""}}
    done = connection.execute(
        insert(answers).values(
            key=key, action_id=action.id, person_id=person_id, by=by, verb=answer.verb,
            origin=origin, source=source[:LONGEST_SOURCE], note=answer.note,
            details=payload_text(given), at=now, outcome=outcome, said=said[:LONGEST_SAID],
        )
    )  # fmt: skip
    return int(done.inserted_primary_key[0])  # type: ignore[index]


def tell_of_answer(
    connection: Connection,
    action: Action,
    answer_id: int,
    told: Sequence[tuple[Person, str]],
    *,
    about_id: int | None,
    now: datetime,
) -> None:
    """Queue one notice for each of these persons, of that kind, about an answer."""
    rows = [
        {
            "key": f"w{answer_id}:{kind}:{person.id}",
            "action_id": action.id,
            "dialogue_id": action.dialogue_id,
            "person_id": person.id,
            "about_id": about_id,
            "kind": kind,
            "rung": "answer",
            "cause": f"w{answer_id}",
            "status": NoticeStatus.PENDING if person.reachable else NoticeStatus.POSTED,
            "urgency": URGENCY[kind],
            "created_at": now,
            "due_at": now,
            "closed_at": None if person.reachable else now,
        }
        for person, kind in told
    ]
    insert_missing(connection, notices, rows, ["key"])


def strike_answered(connection: Connection, action_id: int, person_id: int, now: datetime) -> None:
    """Of what waits to be said to somebody about an action, give up what asks for this answer."""
    n = notices.c
    connection.execute(
        update(notices)
        .where(
            n.action_id == action_id,
            n.person_id == person_id,
            n.status == NoticeStatus.PENDING.value,
            or_(n.cause.like("e%"), n.cause.like("s%")),
        )
        .values(status=NoticeStatus.STRUCK, outcome="answered meanwhile", closed_at=now)
    )
