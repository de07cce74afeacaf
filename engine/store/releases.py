"""Sensitive rungs: they wait until somebody lets them leave, and no release is for ever."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, select, update

from engine.action import Action
from engine.case import causes
from engine.consent import Asking, asking
from engine.ladder import Via
from engine.lifecycle import Facts
from engine.party import Side
from engine.store.acting import facts_about
from engine.store.directory import Directory
from engine.store.outbox_tables import NoticeStatus, notices
from engine.store.records import history_of

_WAITS = notices.c.status == NoticeStatus.UNRELEASED.value
_ON_ITS_WAY = notices.c.status.in_([NoticeStatus.PENDING.value, NoticeStatus.HELD.value])


@dataclass(frozen=True, slots=True)
class Sensitive:
    """A notice of a sensitive rung: since when it waits for a release, or when it got one."""

    id: int
    action_id: int
    rung: str
    cause: str
    since_at: datetime


def waiting_rungs(connection: Connection, action: Action, now: datetime) -> tuple[str, ...]:
    """
    The rungs of one action that wait for a release now.

    What waits since a run of the ladder that is over is struck: nobody approves what is not true.
    """
    connection.execute(
        update(notices)
        .where(_of(action), _WAITS, notices.c.cause.not_in(causes(action)))
        .values(status=NoticeStatus.STRUCK, outcome="no longer true when released", closed_at=now)
    )
    return rungs_asked(connection, action)


def rungs_asked(connection: Connection, action: Action) -> tuple[str, ...]:
    """The same, only looked at."""
    true = notices.c.cause.in_(causes(action))
    rungs = connection.scalars(select(notices.c.rung).where(_of(action), _WAITS, true))
    return tuple(sorted(set(rungs)))


def asked_of(
    connection: Connection,
    directory: Directory,
    action: Action,
    rungs: Iterable[str],
    facts: Facts | None = None,
) -> tuple[Asking, ...]:
    """How each of these rungs stands: who has agreed, and whose word is missing."""
    facts = facts or facts_about(connection, directory, action)
    ladder, events = directory.ladder_for(action), history_of(connection, action.id)
    return asking(action, rungs, ladder, _touched(directory, action, facts), events)


def _touched(directory: Directory, action: Action, facts: Facts) -> frozenset[Side]:
    """The sides of the table that an action touches: of those who owe it and who confirms it."""
    if action.verifier_id is None:
        return facts.sides
    return facts.sides | {directory.parties[action.verifier_id].side}


def let_leave(
    connection: Connection,
    directory: Directory,
    action: Action,
    rungs: Collection[str],
    now: datetime,
) -> None:
    """Release these rungs: they leave at the next window, or stand on the paper they are for."""
    papers = {
        rung.name for rung in directory.ladder_for(action).rungs if rung.via is not Via.MESSAGE
    }
    released = update(notices).where(_of(action), _WAITS)
    written = released.where(notices.c.rung.in_(set(rungs) - papers))
    connection.execute(written.values(status=NoticeStatus.PENDING, due_at=now, released_at=now))
    posted = released.where(notices.c.rung.in_(set(rungs) & papers))
    connection.execute(posted.values(status=NoticeStatus.POSTED, closed_at=now, released_at=now))


def keep_back(
    connection: Connection, action: Action, rungs: Collection[str], why: str, now: datetime
) -> None:
    """Strike these rungs for the rest of this run of the ladder."""
    connection.execute(
        update(notices)
        .where(_of(action), _WAITS, notices.c.rung.in_(rungs))
        .values(status=NoticeStatus.STRUCK, outcome=why[:300], closed_at=now)
    )


def ask_again(connection: Connection, notice_ids: Collection[int], now: datetime) -> None:
    """What was released and did not leave needs a new release."""
    connection.execute(
        update(notices)
        .where(notices.c.id.in_(notice_ids))
        .values(
            status=NoticeStatus.UNRELEASED, due_at=now, released_at=None, message_id=None,
            outcome="its release lapsed",
        )
    )  # fmt: skip


def asked_before(connection: Connection, before: datetime) -> list[Sensitive]:
    """What waits for a release since before that instant."""
    n = notices.c
    # Of what waits for a release the due instant is the one at which it was asked for last.
    rows = connection.execute(
        select(n.id, n.action_id, n.rung, n.cause, n.due_at)
        .where(_WAITS, n.due_at < before, n.action_id.is_not(None))
        .order_by(n.action_id, n.id)
    )
    return [Sensitive(*row) for row in rows]


def released_before(connection: Connection, before: datetime) -> list[Sensitive]:
    """What was released before that instant and has not left."""
    n = notices.c
    rows = connection.execute(
        select(n.id, n.action_id, n.rung, n.cause, n.released_at)
        .where(_ON_ITS_WAY, n.released_at < before, n.action_id.is_not(None))
        .order_by(n.action_id, n.id)
    )
    return [Sensitive(*row) for row in rows]


def _of(action: Action) -> ColumnElement[bool]:
    return notices.c.action_id == action.id
