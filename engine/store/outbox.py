"""The outbox: notices that wait for their hour, and the ones that will never leave."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, Integer, and_, bindparam, func, select, text, update

from engine.party import Channel
from engine.store.columns import UtcInstant
from engine.store.outbox_tables import MessageStatus, NoticeStatus, messages, notices
from engine.store.tables import actions, people
from engine.store.turns import Queue, by_turns

# Written out, since with a parameter a database does not see that its index of these is meant.
PENDING = text("notices.status = 'pending'")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A notice that waits to be said."""

    id: int
    action_id: int
    person_id: int
    about_id: int | None
    kind: str
    rung: str
    cause: str
    urgency: int
    released_at: datetime | None = None


def people_due(
    connection: Connection, now: datetime, limit: int, *, texts: bool | None = None
) -> list[int]:
    """
    The persons who have something waiting for them now, longest waiting first, locked.

    While there is much more than that, dialogues take turns. Persons whom another worker is writing
    to are left out. `texts`: only those who get texts, or only all the others; None for everybody.
    """
    window = 4 * limit
    while limit > 0:
        rows = _next_persons(connection, now, window)
        mine = _locked(connection, list(dict.fromkeys(rows)), limit, texts)
        if mine or len(rows) < window:
            return mine
        window *= 4  # other workers have all of these: there is work behind them
    return []


def _next_persons(connection: Connection, now: datetime, window: int) -> list[int]:
    """The persons of up to `window` notices that wait; of more notices, dialogue by dialogue."""
    rows = list(connection.scalars(_LONGEST_WAITING, {"now": now, "most": window + 1}))
    if len(rows) > window:
        return [person_id for (person_id,) in by_turns(connection, _TOLD, now, window)]
    return rows


_READY = and_(PENDING, notices.c.due_at <= bindparam("now", type_=UtcInstant))
_ORDER = (notices.c.due_at, notices.c.person_id)
_LONGEST_WAITING = (
    select(notices.c.person_id)
    .where(_READY)
    .order_by(*_ORDER)
    .limit(bindparam("most", type_=Integer))
)
_TOLD = Queue(table=notices, names=("person_id",), ready=_READY, order=_ORDER, nobodys=True)


def _locked(
    connection: Connection, person_ids: list[int], limit: int, texts: bool | None
) -> list[int]:
    """Of these persons the first `limit` that nobody else has, locked."""
    by_text = (people.c.channel == Channel.SMS.value) & (people.c.phone != "")
    asked = {None: (), True: (by_text,), False: (~by_text,)}[texts]
    mine: list[int] = []
    for start in range(0, len(person_ids), limit):
        piece = person_ids[start : start + limit - len(mine)]
        locked = set(
            connection.scalars(
                select(people.c.id)
                .where(people.c.id.in_(piece), *asked)
                .with_for_update(skip_locked=True, key_share=True)
            )
        )
        mine += [person_id for person_id in piece if person_id in locked]
        if len(mine) == limit:
            break
    return mine


def waiting_for(
    connection: Connection, person_ids: Collection[int], now: datetime
) -> list[Waiting]:
    """What waits for these persons now, most urgent first."""
    columns = notices.c
    rows = connection.execute(
        select(
            columns.id,
            columns.action_id,
            columns.person_id,
            columns.about_id,
            columns.kind,
            columns.rung,
            columns.cause,
            columns.urgency,
            columns.released_at,
        )
        .where(PENDING, columns.person_id.in_(person_ids), columns.due_at <= now)
        .order_by(columns.urgency.desc(), columns.id)
    )
    return [Waiting(*row) for row in rows]


NEVER_ARRIVED = [
    status.value for status in (MessageStatus.STRUCK, MessageStatus.FAILED, MessageStatus.REJECTED)
]


def said_this_week(
    connection: Connection, person_ids: Collection[int], since: date
) -> dict[tuple[int, int], int]:
    """For (person, action): in how many messages after `since` the action was spoken of."""
    rows = connection.execute(
        select(
            notices.c.person_id, notices.c.action_id, func.count(notices.c.message_id.distinct())
        )
        .join(messages, messages.c.id == notices.c.message_id)
        .where(
            # By the message's person: that index ends at the week, whatever was said before.
            messages.c.person_id.in_(person_ids),
            messages.c.day > since,
            messages.c.status.not_in(NEVER_ARRIVED),
        )
        .group_by(notices.c.person_id, notices.c.action_id)
    )
    return {(person_id, action_id): count for person_id, action_id, count in rows}


def postpone(connection: Connection, until: Mapping[int, datetime]) -> None:
    """Let notices wait until an instant."""
    if until:
        connection.execute(
            update(notices).where(notices.c.id == bindparam("b_id")).values(due_at=bindparam("at")),
            [{"b_id": notice_id, "at": at} for notice_id, at in until.items()],
        )


def settle(
    connection: Connection,
    notice_ids: Iterable[int],
    status: NoticeStatus,
    outcome: str,
    now: datetime,
) -> int:
    """Close notices that will not travel, and say why; returns how many."""
    ids = list(notice_ids)
    if ids:
        connection.execute(
            update(notices)
            .where(notices.c.id.in_(ids))
            .values(status=status, outcome=outcome[:300], closed_at=now)
        )
    return len(ids)


def look_now(connection: Connection, action_ids: Collection[int], now: datetime) -> None:
    """Have the sweep look at these actions again."""
    if action_ids:
        connection.execute(
            update(actions).where(actions.c.id.in_(action_ids)).values(next_check_at=now)
        )


def bundled_in(connection: Connection, message_ids: Collection[int]) -> dict[int, list[Waiting]]:
    """The notices of messages under way."""
    columns = notices.c
    rows = connection.execute(
        select(
            columns.message_id,
            columns.id,
            columns.action_id,
            columns.person_id,
            columns.about_id,
            columns.kind,
            columns.rung,
            columns.cause,
            columns.urgency,
            columns.released_at,
        ).where(columns.message_id.in_(message_ids), columns.status == NoticeStatus.BUNDLED.value)
    )
    found: dict[int, list[Waiting]] = defaultdict(list)
    for message_id, *rest in rows:
        found[message_id].append(Waiting(*rest))
    return found


def still_waiting(connection: Connection) -> int:
    """Notices that wait for a window, a hold or a budget."""
    status = notices.c.status
    return (
        connection.scalar(
            select(func.count())
            .select_from(notices)
            .where(status.in_([NoticeStatus.PENDING.value, NoticeStatus.HELD.value]))
        )
        or 0
    )


WEEK = timedelta(days=7)
