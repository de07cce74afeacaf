"""Messages under way: whose hands each is in, and what every attempt came to."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    case,
    func,
    insert,
    null,
    or_,
    select,
    text,
    update,
)

from engine.store.columns import UtcInstant
from engine.store.outbox_tables import MessageStatus, NoticeStatus, deliveries, messages, notices
from engine.store.records import write_many

UNDER_WAY = (MessageStatus.CLAIMED, MessageStatus.RETRY, MessageStatus.UNKNOWN)
BELIEVABLE = timedelta(minutes=10)
"""No lease is as long: one that ends later was made by a clock that was wrong."""

_UNDER_WAY = messages.c.status.in_([status.value for status in UNDER_WAY])


@dataclass(frozen=True, slots=True)
class Claimed:
    """
    A message in this worker's hands; `attempt` counts the attempts before this one.

    `certain`: it surely did not arrive so far, so its bytes may still change.
    """

    id: int
    person_id: int
    mime_id: str
    sender: str
    recipient: str
    body: bytes
    attempt: int
    certain: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message to be queued, with the notices that it says."""

    person_id: int
    day: date
    mime_id: str
    sender: str
    recipient: str
    subject: str
    body: bytes
    notice_ids: tuple[int, ...]


def written_today(
    connection: Connection, person_ids: Collection[int], since: date
) -> dict[int, set[date]]:
    """The days since `since` on which each person was written to."""
    found: dict[int, set[date]] = defaultdict(set)
    rows = connection.execute(
        select(messages.c.person_id, messages.c.day).where(
            messages.c.person_id.in_(person_ids), messages.c.day >= since
        )
    )
    for person_id, day in rows:
        found[person_id].add(day)
    return found


def under_way(connection: Connection, person_ids: Collection[int]) -> dict[int, datetime]:
    """The persons for whom a message is not finished, and when it is tried next."""
    rows = connection.execute(
        select(messages.c.person_id, messages.c.available_at).where(
            _UNDER_WAY, messages.c.person_id.in_(person_ids)
        )
    )
    return dict(rows.tuples().all())


def enqueue(
    connection: Connection,
    drafts: Sequence[Draft],
    *,
    now: datetime,
    worker: str,
    leased_until_at: datetime,
) -> list[Claimed]:
    """Store messages with their exact bytes, already in this worker's hands."""
    if not drafts:
        return []
    connection.execute(
        insert(messages),
        [
            {
                "mime_id": draft.mime_id,
                "person_id": draft.person_id,
                "day": draft.day,
                "sender": draft.sender,
                "recipient": draft.recipient,
                "subject": draft.subject,
                "body": draft.body,
                "status": MessageStatus.CLAIMED,
                "available_at": now,
                "claimed_by": worker,
                "leased_until_at": leased_until_at,
                "created_at": now,
            }
            for draft in drafts
        ],
    )
    rows = connection.execute(
        select(messages.c.mime_id, messages.c.id).where(
            messages.c.mime_id.in_([draft.mime_id for draft in drafts])
        )
    )
    ids: dict[str, int] = dict(rows.tuples().all())
    connection.execute(
        update(notices)
        .where(notices.c.id == bindparam("b_id"))
        .values(message_id=bindparam("b_message"), status=NoticeStatus.BUNDLED),
        [
            {"b_id": notice_id, "b_message": ids[draft.mime_id]}
            for draft in drafts
            for notice_id in draft.notice_ids
        ],
    )
    return [
        Claimed(ids[d.mime_id], d.person_id, d.mime_id, d.sender, d.recipient, d.body, 0)
        for d in drafts
    ]


def reclaim(
    connection: Connection,
    now: datetime,
    clock_now: datetime,
    *,
    limit: int,
    worker: str,
    leased_until_at: datetime,
) -> list[Claimed]:
    """
    Messages to try again: those whose time has come, and those whose worker did not come back.

    `now` is the instant for which we act; leases are reckoned on the real clock, `clock_now`.
    """
    table = messages.c
    ready = or_(
        table.status.in_([MessageStatus.RETRY.value, MessageStatus.UNKNOWN.value])
        & (table.available_at <= now),
        (table.status == MessageStatus.CLAIMED.value) & ~_held(clock_now),
    )
    rows = connection.execute(
        select(
            table.id, table.person_id, table.mime_id, table.sender, table.recipient, table.body,
            table.attempt, table.status == MessageStatus.RETRY.value,
        )
        .where(_UNDER_WAY, ready)
        .order_by(table.available_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )  # fmt: skip
    mine = [Claimed(*row) for row in rows]
    if mine:
        connection.execute(
            update(messages)
            .where(table.id.in_([claimed.id for claimed in mine]))
            .values(
                status=MessageStatus.CLAIMED, claimed_by=worker, leased_until_at=leased_until_at
            )
        )
    return mine


def renew(
    connection: Connection, message_ids: Collection[int], worker: str, until: datetime
) -> set[int]:
    """Lengthen this worker's leases; returns the messages that are still its own."""
    table = messages.c
    mine = (
        (table.claimed_by == worker)
        & (table.status == MessageStatus.CLAIMED.value)
        & table.id.in_(message_ids)
    )
    connection.execute(update(messages).where(mine).values(leased_until_at=until))
    return set(connection.scalars(select(table.id).where(mine)))


def give_back(
    connection: Connection, given: Collection[Claimed], worker: str, available_at: datetime
) -> None:
    """Put messages back that were not tried: what may have arrived before still may have."""
    table = messages.c
    for status, certain in ((MessageStatus.RETRY, True), (MessageStatus.UNKNOWN, False)):
        ids = [message.id for message in given if message.certain is certain]
        connection.execute(
            update(messages)
            .where(table.id.in_(ids), table.claimed_by == worker,
                   table.status == MessageStatus.CLAIMED.value)
            .values(status=status, available_at=available_at, leased_until_at=None)
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What one attempt came to, and what follows for the message and its notices."""

    outcome: str
    phase: str
    code: int | None
    text: str
    status: MessageStatus
    counted: bool
    available_at: datetime | None = None
    notice_status: NoticeStatus | None = None


def record(
    connection: Connection, claimed: Claimed, attempt: Attempt, now: datetime, worker: str
) -> bool:
    """
    Remember what became of a message; False if it was in other hands by then.

    The attempt itself is on record either way.
    """
    number = claimed.attempt + 1
    counted = number if attempt.counted else claimed.attempt
    sent_at = now if attempt.status is MessageStatus.SENT else None
    mark = (claimed.id, worker, attempt.status, counted, sent_at, attempt.available_at)
    mine = write_many(connection, _MARK, _MARKED, [mark]) == 1
    tried = (claimed.id, number, now, str(attempt.outcome), str(attempt.phase), attempt.code,
             attempt.text, worker)  # fmt: skip
    write_many(connection, _TRY, _TRIED, [tried])
    if mine and attempt.notice_status:
        closed = (claimed.id, attempt.notice_status, now, attempt.text)
        write_many(connection, _CLOSE, _CLOSED, [closed])
    return mine


# A run says these once for each message, and to build such statements costs more than they do.
_MARK = (
    update(messages)
    .where(
        messages.c.id == bindparam("b_id"),
        messages.c.claimed_by == bindparam("b_worker"),
        messages.c.status == text("'claimed'"),
    )
    .values(
        status=bindparam("b_status"),
        attempt=bindparam("b_attempt"),
        leased_until_at=null(),
        sent_at=func.coalesce(bindparam("b_sent_at", type_=UtcInstant), messages.c.sent_at),
        available_at=func.coalesce(
            bindparam("b_again_at", type_=UtcInstant), messages.c.available_at
        ),
    )
)
_MARKED = ("b_id", "b_worker", "b_status", "b_attempt", "b_sent_at", "b_again_at")
_TRY = insert(deliveries)
_TRIED = ("message_id", "attempt", "at", "outcome", "phase", "code", "text", "worker")
_CLOSE = (
    update(notices)
    .where(notices.c.message_id == bindparam("b_id"), notices.c.status == text("'bundled'"))
    .values(
        status=bindparam("b_status"),
        closed_at=bindparam("b_now"),
        # A call that was logged meanwhile stays logged.
        outcome=case(
            (notices.c.outcome == text("'called'"), notices.c.outcome),
            else_=bindparam("b_outcome"),
        ),
    )
)
_CLOSED = ("b_id", "b_status", "b_now", "b_outcome")


def in_other_hands(connection: Connection) -> int:
    """
    Messages in a worker's hands, asked when one's own are empty.

    One whose lease ran out this moment is among them: nobody has taken it over yet.
    """
    return (
        connection.scalar(
            select(func.count())
            .select_from(messages)
            .where(_UNDER_WAY, messages.c.status == MessageStatus.CLAIMED.value)
        )
        or 0
    )


def _held(clock_now: datetime) -> ColumnElement[bool]:
    """Whether a lease still runs; one from a clock that was set back meanwhile does not."""
    return messages.c.leased_until_at.between(clock_now, clock_now + BELIEVABLE)


def move_day(connection: Connection, message_id: int, person_id: int, day: date) -> bool:
    """Count a message as its person's one of this day; False if there is one already."""
    table = messages.c
    taken = connection.scalar(
        select(table.id).where(
            table.person_id == person_id, table.day == day, table.id != message_id
        )
    )
    if taken is not None:
        return False
    connection.execute(
        update(messages).where(table.id == message_id, table.day != day).values(day=day)
    )
    return True


def strike_message(connection: Connection, message_id: int) -> None:
    """Give a message up: nothing in it is true any more."""
    connection.execute(
        update(messages)
        .where(messages.c.id == message_id)
        .values(status=MessageStatus.STRUCK, leased_until_at=None)
    )


def rewrite(connection: Connection, message: Claimed, draft: Draft) -> Claimed:
    """Give a message that certainly did not arrive new bytes; its Message-ID stays."""
    connection.execute(
        update(messages)
        .where(messages.c.id == message.id)
        .values(
            body=draft.body,
            subject=draft.subject,
            recipient=draft.recipient,
            sender=draft.sender,
        )
    )
    return replace(message, body=draft.body, recipient=draft.recipient, sender=draft.sender)
