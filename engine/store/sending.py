"""Messages under way: whose hands each is in, and what every attempt came to."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
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

from engine.store.answers import NewLink, keep_links
from engine.store.channels import SMS
from engine.store.columns import UtcInstant
from engine.store.outbox_tables import (
    MessageSort,
    MessageStatus,
    NoticeStatus,
    deliveries,
    messages,
    notices,
)
from engine.store.writing import write_many

UNDER_WAY = (MessageStatus.CLAIMED, MessageStatus.RETRY, MessageStatus.UNKNOWN)
BELIEVABLE = timedelta(minutes=10)
"""No lease is as long: one that ends later was made by a clock that was wrong."""

# Written out, since with parameters a database does not see that its index of these rows is meant.
OPEN_MESSAGE = text("messages.status IN ('claimed', 'retry', 'unknown')")


@dataclass(frozen=True, slots=True)
class Claimed:
    """
    A message in this worker's hands; `attempt` counts the attempts before this one.

    `certain`: it surely did not arrive so far, so its bytes may still change. `lost`: the worker
    that had it did not come back; `begun`: it was handing over this very message.
    """

    id: int
    person_id: int
    mime_id: str
    sender: str
    recipient: str
    body: bytes
    attempt: int
    certain: bool = True
    sort: MessageSort = MessageSort.REMINDER
    channel: str = "email"
    lost: bool = False
    begun: bool = False


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
    reply_code: str | None = None
    links: tuple[NewLink, ...] = ()
    sort: MessageSort = MessageSort.REMINDER
    channel: str = "email"


def written_today(
    connection: Connection, person_ids: Collection[int], since: date
) -> dict[int, set[date]]:
    """The days since `since` on which each person was reminded; digests do not count."""
    found: dict[int, set[date]] = defaultdict(set)
    rows = connection.execute(
        select(messages.c.person_id, messages.c.day).where(
            messages.c.person_id.in_(person_ids),
            messages.c.day >= since,
            messages.c.sort == MessageSort.REMINDER.value,
        )
    )
    for person_id, day in rows:
        found[person_id].add(day)
    return found


def under_way(connection: Connection, person_ids: Collection[int]) -> dict[int, datetime]:
    """The persons for whom a reminder is not finished, and when it is tried next."""
    rows = connection.execute(
        select(messages.c.person_id, messages.c.available_at).where(
            OPEN_MESSAGE,
            messages.c.person_id.in_(person_ids),
            messages.c.sort == MessageSort.REMINDER.value,
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
    write_many(
        connection,
        _QUEUE,
        _QUEUED,
        [
            (d.mime_id, d.person_id, d.day, d.sender, d.recipient, d.subject, d.body, d.reply_code,
             d.sort, d.channel, MessageStatus.CLAIMED, now, worker, leased_until_at, now)
            for d in drafts
        ],
    )  # fmt: skip
    rows = connection.execute(
        select(messages.c.mime_id, messages.c.id).where(
            messages.c.mime_id.in_([draft.mime_id for draft in drafts])
        )
    )
    ids: dict[str, int] = dict(rows.tuples().all())
    said = [(notice_id, ids[d.mime_id]) for d in drafts for notice_id in d.notice_ids]
    write_many(connection, _BUNDLE, _BUNDLED, said)
    keep_links(connection, [link for draft in drafts for link in draft.links], now)
    return [
        Claimed(
            ids[d.mime_id],
            d.person_id,
            d.mime_id,
            d.sender,
            d.recipient,
            d.body,
            0,
            sort=d.sort,
            channel=d.channel,
        )
        for d in drafts
    ]


_QUEUE = insert(messages)
_QUEUED = ("mime_id", "person_id", "day", "sender", "recipient", "subject", "body", "reply_code",
           "sort", "channel", "status", "available_at", "claimed_by", "leased_until_at",
           "created_at")  # fmt: skip
_BUNDLE = (
    update(notices)
    .where(notices.c.id == bindparam("b_id"))
    .values(message_id=bindparam("b_message"), status=text("'bundled'"))
)
_BUNDLED = ("b_id", "b_message")

_NOT_BEGUN = or_(
    messages.c.status == MessageStatus.RETRY.value,
    (messages.c.sort == MessageSort.DIGEST.value) & messages.c.begun_at.is_(None),
)


def reclaim(
    connection: Connection,
    now: datetime,
    clock_now: datetime,
    *,
    limit: int,
    worker: str,
    leased_until_at: datetime,
    texts: bool | None = None,
) -> list[Claimed]:
    """
    Messages to try again: those whose time has come, and those whose worker did not come back.

    `now` is the instant for which we act; leases are reckoned on the real clock, `clock_now`.
    `texts`: only texts, or only all others; None for everything.
    """
    table = messages.c
    is_text = table.channel == SMS
    asked = {None: (), True: (is_text,), False: (~is_text,)}[texts]
    ready = or_(
        table.status.in_([MessageStatus.RETRY.value, MessageStatus.UNKNOWN.value])
        & (table.available_at <= now),
        (table.status == MessageStatus.CLAIMED.value) & ~_held(clock_now),
    )
    rows = connection.execute(
        select(
            table.id, table.person_id, table.mime_id, table.sender, table.recipient, table.body,
            table.attempt, _NOT_BEGUN, table.sort, table.channel,
            table.status == MessageStatus.CLAIMED.value, table.begun_at.is_not(None),
        )
        .where(OPEN_MESSAGE, ready, *asked)
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
                status=MessageStatus.CLAIMED, claimed_by=worker, leased_until_at=leased_until_at,
                begun_at=None,
            )
        )  # fmt: skip
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
            .where(OPEN_MESSAGE, messages.c.status == MessageStatus.CLAIMED.value)
        )
        or 0
    )


def _held(clock_now: datetime) -> ColumnElement[bool]:
    """Whether a lease still runs; one from a clock that was set back meanwhile does not."""
    return messages.c.leased_until_at.between(clock_now, clock_now + BELIEVABLE)


REFUSED, FAILED = 400, 500
"""HTTP's codes from the first on say that a request is refused, from the second that it failed."""

LOOKED_BACK = 2000
"""So many attempts, of all channels, are looked through for those of one."""


def refused_in_a_row(connection: Connection, channel: str, at_most: int) -> int:
    """How many of a channel's messages were refused when first tried, with none taken since."""
    newest = connection.scalar(select(func.max(deliveries.c.id))) or 0
    rows = connection.execute(
        select(deliveries.c.outcome)
        .join(messages, messages.c.id == deliveries.c.message_id)
        .where(
            messages.c.channel == channel,
            deliveries.c.id > newest - LOOKED_BACK,
            or_(
                deliveries.c.outcome == "sent",
                deliveries.c.code.between(REFUSED, FAILED - 1) & (deliveries.c.attempt == 1),
            ),
        )
        .order_by(deliveries.c.id.desc())
        .limit(at_most)
    )
    outcomes = list(rows.scalars())
    return outcomes.index("sent") if "sent" in outcomes else len(outcomes)


def taken_since(connection: Connection, channel: str, message_id: int) -> bool:
    """Whether anything left by a channel since a message was first tried and did not."""
    first = connection.scalar(
        select(func.min(deliveries.c.id)).where(deliveries.c.message_id == message_id)
    )
    if first is None:
        return False
    other = (
        select(deliveries.c.id)
        .join(messages, messages.c.id == deliveries.c.message_id)
        .where(
            deliveries.c.id > first,
            deliveries.c.outcome == "sent",
            messages.c.channel == channel,
        )
        .limit(1)
    )
    return connection.scalar(other) is not None
