"""Mails that came in, as rows: what each answers, what was read before, and what bounces change."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, case, delete, func, insert, select, update

from engine.answer import Origin
from engine.case import URGENCY
from engine.party import Channel, Person, Role
from engine.store.answer_tables import inbound, mailboxes
from engine.store.dialect import insert_missing
from engine.store.directory import PERSON_COLUMNS, person_from
from engine.store.outbox_tables import (
    MessageSort,
    MessageStatus,
    NoticeStatus,
    deliveries,
    messages,
    notices,
)
from engine.store.tables import actions, people, roles

BOUNCED: Final = "bounced"
STOPPED: Final = "asked for no more mail"
"""Stands where an address that does not work has its reason."""

_FAILED: Final = ":failed"
_LATEST_TOLD: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A message of ours that something answers; `recipient` is the address it was sent to."""

    id: int
    person_id: int
    recipient: str
    mime_id: str
    sort: MessageSort
    status: MessageStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One notice in a message."""

    action_id: int
    ref: str
    dialogue_id: int
    kind: str
    cause: str


_M = messages.c
_SENT = (_M.id, _M.person_id, _M.recipient, _M.mime_id, _M.sort, _M.status)


def sent_with(connection: Connection, code: str, mime_ids: Collection[str]) -> Sent | None:
    """The message with that reply code, else the newest of those with one of these ids."""
    if code:
        row = connection.execute(select(*_SENT).where(_M.reply_code == code)).first()
        if row is not None:
            return Sent(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
    if not mime_ids:
        return None
    query = select(*_SENT).where(_M.mime_id.in_(mime_ids)).order_by(_M.id.desc()).limit(1)
    row = connection.execute(query).first()
    return Sent(**row._mapping) if row else None  # noqa: SLF001 - as above


def last_sent_to(
    connection: Connection, person_ids: Collection[int], since: datetime
) -> Sent | None:
    """The newest reminder that one of these persons got by mail."""
    row = connection.execute(
        select(*_SENT)
        .where(
            _M.person_id.in_(person_ids),
            _M.sort == MessageSort.REMINDER.value,
            _M.channel == Channel.EMAIL.value,
            _M.created_at >= since,
        )
        .order_by(_M.id.desc())
        .limit(1)
    ).first()
    return Sent(**row._mapping) if row else None  # noqa: SLF001 - as above


def told_in(connection: Connection, message_id: int) -> list[Told]:
    """What a message said, one notice for each action, most urgent first."""
    return _told(connection, notices.c.message_id == message_id)


def told_to(connection: Connection, person_ids: Collection[int]) -> list[Told]:
    """What was ever said to these persons, one notice for each action, newest first."""
    return _told(connection, notices.c.person_id.in_(person_ids), newest=True)


def _told(
    connection: Connection, which: ColumnElement[bool], *, newest: bool = False
) -> list[Told]:
    n, a = notices.c, actions.c
    order = (n.id.desc(),) if newest else (n.urgency.desc(), n.id)
    rows = connection.execute(
        select(a.id.label("action_id"), a.ref, a.dialogue_id, n.kind, n.cause)
        .join(actions, a.id == n.action_id)
        .where(which, n.status != NoticeStatus.STRUCK.value)
        .order_by(*order)
        .limit(_LATEST_TOLD)
    )
    found: dict[int, Told] = {}
    for row in rows:
        found.setdefault(row.action_id, Told(**row._mapping))  # noqa: SLF001 - as above
    return list(found.values())


def people_at(connection: Connection, address: str) -> list[Person]:
    """Whoever has that address; several where a whole station shares a mailbox."""
    lowered = address.strip().lower()
    if not lowered:
        return []
    rows = connection.execute(
        select(*PERSON_COLUMNS).where(func.lower(people.c.email) == lowered).order_by(people.c.id)
    )
    return [person_from(row) for row in rows]


def person_with(connection: Connection, person_id: int) -> Person | None:
    """The person of that id."""
    row = connection.execute(select(*PERSON_COLUMNS).where(people.c.id == person_id)).first()
    return person_from(row) if row else None


def known_keys(connection: Connection, keys: Collection[str]) -> set[str]:
    """Those of these mails that were read before."""
    query = select(inbound.c.key).where(inbound.c.key.in_(keys))
    return set(connection.scalars(query))


def note_failed(connection: Connection, key: str, reason: str, now: datetime) -> None:
    """Remember that a mail could not be taken in; it is tried again, and `doctor` counts it."""
    row = {"key": key + _FAILED, "origin": Origin.MAIL, "became": "failed",
           "reason": reason[:200], "at": now}  # fmt: skip
    insert_missing(connection, inbound, [row], ["key"])


def forget_failed(connection: Connection, key: str) -> None:
    """A mail was taken in after all."""
    connection.execute(delete(inbound).where(inbound.c.key == key + _FAILED))


def became_counts(connection: Connection, since: datetime) -> dict[str, int]:
    """How many mails became what since then."""
    rows = connection.execute(
        select(inbound.c.became, func.count())
        .where(inbound.c.origin == Origin.MAIL.value, inbound.c.at >= since)
        .group_by(inbound.c.became)
    )
    return dict(rows.tuples().all())


def place_of(connection: Connection, name: str) -> tuple[int, int] | None:
    """UIDVALIDITY and the last UID that was read of a mailbox; None for one never read."""
    row = connection.execute(
        select(mailboxes.c.validity, mailboxes.c.last_uid).where(mailboxes.c.name == name)
    ).first()
    return (row.validity, row.last_uid) if row else None


def keep_place(connection: Connection, name: str, validity: int, uid: int, now: datetime) -> None:
    """Remember how far a mailbox was read; another reader that is further ahead stays so."""
    values = {"validity": validity, "last_uid": uid, "at": now}
    insert_missing(connection, mailboxes, [{"name": name, **values}], ["name"])
    c = mailboxes.c
    behind = (c.validity != validity) | (c.last_uid < uid)
    connection.execute(update(mailboxes).where(c.name == name, behind).values(**values))


def bounce(connection: Connection, sent: Sent, why: str, now: datetime) -> None:
    """
    A message that a server had taken came back: it reached nobody.

    Its notices count as undeliverable, so that no escalation rests on them as a fair warning.
    """
    text = f"came back: {why}"[:300]
    connection.execute(
        update(notices)
        .where(
            notices.c.message_id == sent.id,
            notices.c.status.in_([NoticeStatus.SENT.value, NoticeStatus.BUNDLED.value]),
        )
        .values(
            status=NoticeStatus.UNDELIVERABLE,
            closed_at=now,
            # A call that was logged meanwhile stays logged.
            outcome=case((notices.c.outcome == "called", notices.c.outcome), else_=text),
        )
    )
    connection.execute(
        update(messages)
        .where(_M.id == sent.id)
        .values(status=MessageStatus.REJECTED, leased_until_at=None)
    )
    number = connection.scalar(
        select(func.max(deliveries.c.attempt)).where(deliveries.c.message_id == sent.id)
    )
    connection.execute(
        insert(deliveries).values(
            message_id=sent.id, attempt=(number or 0) + 1, at=now, outcome=BOUNCED, phase="after",
            code=None, text=text, worker="collect",
        )
    )  # fmt: skip


def say_again(connection: Connection, sent: Sent, now: datetime) -> None:
    """What a message that came back had said waits again, to be said to the corrected address."""
    connection.execute(
        update(notices)
        .where(
            notices.c.message_id == sent.id,
            notices.c.status == NoticeStatus.UNDELIVERABLE.value,
            notices.c.outcome != "called",
        )
        .values(
            status=NoticeStatus.PENDING, message_id=None, due_at=now, closed_at=None, outcome=""
        )
    )


def stop_mail(connection: Connection, person: Person, now: datetime) -> bool:
    """
    Write no more mails to somebody who asked for that; False if it was so already.

    Their coordinators are told, once for each dialogue, and what is due to them is looked at
    again: who gets no mail is called where a number is known.
    """
    if person.flagged == STOPPED:
        return False
    channel = Channel.CALL if person.phone else Channel.PAGE
    connection.execute(
        update(people).where(people.c.id == person.id).values(flagged=STOPPED, channel=channel)
    )
    told = told_to(connection, [person.id])
    first_of: dict[int, int] = {}
    for entry in told:
        first_of.setdefault(entry.dialogue_id, entry.action_id)
    coordinators = connection.execute(
        select(roles.c.person_id, roles.c.dialogue_id).where(
            roles.c.role == Role.COORDINATOR, roles.c.dialogue_id.in_(first_of)
        )
    ).all()
    rows = [
        {
            "key": f"stopped:{person.id}:{dialogue_id}:{now.date()}:{coordinator_id}",
            "action_id": first_of[dialogue_id],
            "person_id": coordinator_id,
            "about_id": person.id,
            "kind": "stopped",
            "rung": "stopped",
            "cause": f"p{person.id}",
            "status": NoticeStatus.PENDING,
            "urgency": URGENCY["stopped"],
            "created_at": now,
            "due_at": now,
        }
        for coordinator_id, dialogue_id in coordinators
        if coordinator_id != person.id
    ]
    insert_missing(connection, notices, rows, ["key"])
    connection.execute(
        update(actions)
        .where(
            actions.c.id.in_([entry.action_id for entry in told]),
            actions.c.next_check_at.is_not(None),
        )
        .values(next_check_at=now)
    )
    return True
