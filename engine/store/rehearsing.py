"""What a rehearsal asks of its copy: what comes next, and who was told what."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, or_, select, true, update

from engine.action import Action
from engine.ladder import Ladder
from engine.store.directory import Directory
from engine.store.outbox_tables import NoticeStatus, messages, notices
from engine.store.records import actions_by_id
from engine.store.sending import OPEN_MESSAGE
from engine.store.sweeping import frozen
from engine.store.tables import actions, dialogues

PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Ahead:
    """The next instants at which the sweep and the delivery have something to do, if any."""

    sweep_at: datetime | None
    deliver_at: datetime | None

    @property
    def next_at(self) -> datetime | None:
        """The earlier of the two."""
        return min((at for at in (self.sweep_at, self.deliver_at) if at), default=None)


_NEXT_CHECK = select(func.min(actions.c.next_check_at)).where(actions.c.next_check_at.is_not(None))
_NEXT_NOTICE = select(func.min(notices.c.due_at)).where(
    notices.c.status == NoticeStatus.PENDING.value
)
_NEXT_MESSAGE = select(func.min(messages.c.available_at)).where(OPEN_MESSAGE)


def look_ahead(connection: Connection) -> Ahead:
    """When there is something to do next."""
    notice_at, message_at = connection.scalar(_NEXT_NOTICE), connection.scalar(_NEXT_MESSAGE)
    return Ahead(
        sweep_at=connection.scalar(_NEXT_CHECK),
        deliver_at=min((at for at in (notice_at, message_at) if at), default=None),
    )


@dataclass(frozen=True, slots=True)
class Spoken:
    """
    A notice of the copy, with the action and the person that it is about and for.

    `channel` and `recipient` are those of the message that carried it; empty where none did.
    `message_id` tells which notices were said together.
    """

    id: int
    status: NoticeStatus
    at: datetime
    rung: str
    action: Action
    person_id: int
    kind: str
    urgency: int
    message_id: int | None
    channel: str
    recipient: str


def spoken_since(connection: Connection, since: datetime) -> frozenset[int]:
    """The notices told, posted or waiting for a release already, by their numbers."""
    return frozenset(connection.scalars(select(notices.c.id).where(_spoken_of(since))))


def spoken_anew(
    connection: Connection, since: datetime, before: frozenset[int]
) -> Iterator[list[Spoken]]:
    """
    What was told or posted since an instant, or waits for a release, but for those of `before`.

    In pages, by the notices' numbers. The instant of what waits is that at which it was asked for
    last.
    """
    n = notices.c
    query = select(
        n.id, n.status, n.closed_at, n.due_at, n.rung, n.kind, n.urgency, n.action_id,
        n.person_id, n.message_id, messages.c.channel, messages.c.recipient,
    ).outerjoin(messages, messages.c.id == n.message_id)  # fmt: skip
    last = 0
    while True:
        page = query.where(n.id > last, _spoken_of(since)).order_by(n.id).limit(PAGE)
        rows = connection.execute(page).all()
        if not rows:
            return
        last = rows[-1].id
        yield _spoken(connection, [row for row in rows if row.id not in before])


def _spoken_of(since: datetime) -> ColumnElement[bool]:
    n = notices.c
    told = n.status.in_([NoticeStatus.SENT.value, NoticeStatus.POSTED.value])
    waits = n.status == NoticeStatus.UNRELEASED.value
    lately = or_(told & (n.closed_at >= since), waits & (n.due_at >= since))
    return lately & n.action_id.is_not(None)


def _spoken(connection: Connection, rows: Collection[Row[Any]]) -> list[Spoken]:
    about = {a.id: a for a in actions_by_id(connection, {row.action_id for row in rows})}
    return [
        Spoken(
            id=row.id,
            status=row.status,
            at=row.due_at if row.status is NoticeStatus.UNRELEASED else row.closed_at,
            rung=row.rung,
            action=about[row.action_id],
            person_id=row.person_id,
            kind=row.kind,
            urgency=row.urgency,
            message_id=row.message_id,
            channel=row.channel or "",
            recipient=row.recipient or "",
        )
        for row in rows
    ]


def unsaid(
    connection: Connection, since: datetime, dialogue_ids: Collection[int]
) -> list[tuple[NoticeStatus, str, int]]:
    """
    What was not told: how many notices wait or were given up since then, and why.

    Of these dialogues; none named: of all.
    """
    n = notices.c
    waiting = [NoticeStatus.PENDING.value, NoticeStatus.HELD.value, NoticeStatus.UNRELEASED.value]
    given_up = [NoticeStatus.STRUCK.value, NoticeStatus.UNDELIVERABLE.value]
    why = func.replace(n.outcome, actions.c.ref, "it")
    ours = actions.c.dialogue_id.in_(dialogue_ids) if dialogue_ids else true()
    rows = connection.execute(
        select(n.status, why, func.count())
        .join(actions, and_(actions.c.id == n.action_id, ours))
        .where(or_(n.status.in_(waiting), n.status.in_(given_up) & (n.closed_at >= since)))
        .group_by(n.status, why)
        .order_by(n.status, why)
    )
    return [(status, outcome, number) for status, outcome, number in rows]


def runs_under_way(connection: Connection) -> int:
    """How many runs of the ladder have begun: these keep the ladder that they began with."""
    open_ones = actions.c.ladder_id.is_not(None) & actions.c.next_check_at.is_not(None)
    return connection.scalar(select(func.count()).select_from(actions).where(open_ones)) or 0


def use_ladder(
    connection: Connection, ladder: Ladder, dialogue_ids: Collection[int], *, all_runs: bool
) -> None:
    """
    Have dialogues climb another ladder, in a copy; with none named it is the programme's.

    The programme's own is a setting and changed there. `all_runs`: also the runs that have begun,
    which in reality keep the ladder that they began with.
    """
    ladder_id = frozen(connection, ladder, Directory(connection, ladder))
    runs = update(actions).where(actions.c.ladder_id.is_not(None))
    if dialogue_ids:
        homes = update(dialogues).where(dialogues.c.id.in_(dialogue_ids))
        connection.execute(homes.values(ladder_id=ladder_id))
        runs = runs.where(actions.c.dialogue_id.in_(dialogue_ids))
    if all_runs:
        connection.execute(runs.values(ladder_id=ladder_id))
