"""What the watchdog asks of the database: what is later than it may be, and when what ran."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, func, select, update

from engine.party import Channel, Role
from engine.store.calls import open_calls
from engine.store.dialect import insert_missing
from engine.store.outbox_tables import (
    MessageStatus,
    NoticeStatus,
    heartbeats,
    messages,
    notices,
)
from engine.store.tables import actions, people, roles


@dataclass(frozen=True, slots=True)
class Late:
    """How many things are later than they may be."""

    unswept: int
    undelivered: int
    stuck_leases: int
    open_calls: int
    unreleased: int


def late(connection: Connection, *, swept_before: datetime, sent_before: datetime,
         called_before: datetime, clock_now: datetime) -> Late:  # fmt: skip
    """Count what should have happened before these instants and did not."""
    n, m = notices.c, messages.c
    counts = (
        select(func.count()).select_from(actions).where(actions.c.next_check_at < swept_before),
        select(func.count())
        .select_from(notices)
        .where(n.status == NoticeStatus.PENDING.value, n.due_at < sent_before),
        select(func.count())
        .select_from(messages)
        .where(m.status == MessageStatus.CLAIMED.value, m.leased_until_at < clock_now),
        select(func.count()).select_from(notices).where(
            open_calls(), n.created_at < called_before
        ),
        select(func.count()).select_from(notices).where(
            n.status == NoticeStatus.UNRELEASED.value, n.created_at < called_before
        ),
    )  # fmt: skip
    return Late(*(connection.scalar(query) or 0 for query in counts))


def people_without_address(connection: Connection, *, texts: bool = False) -> tuple[int, int]:
    """
    Focal points without an address, and those whose address does not work.

    With `texts` a telephone is an address for those whose channel is text.
    """
    focal = select(roles.c.person_id).where(roles.c.role == Role.FOCAL_POINT)
    p = people.c
    none = p.email == ""
    if texts:
        none &= ~((p.channel == Channel.SMS.value) & (p.phone != ""))
    without = connection.scalar(
        select(func.count()).select_from(people).where(p.id.in_(focal), none)
    )
    flagged = connection.scalar(
        select(func.count()).select_from(people).where(p.id.in_(focal), p.flagged != "")
    )
    return without or 0, flagged or 0


def beat(connection: Connection, story: str, at: datetime, tally: Mapping[str, object]) -> None:
    """Remember that a story ran, and what it did."""
    values = {"at": at, "tally": json.dumps(tally, default=str)}
    insert_missing(connection, heartbeats, [{"story": story, **values}], ["story"])
    connection.execute(update(heartbeats).where(heartbeats.c.story == story).values(**values))


def last_tally(connection: Connection, story: str) -> Mapping[str, Any]:
    """What a story did when it last ran; empty before the first time."""
    said = connection.scalar(select(heartbeats.c.tally).where(heartbeats.c.story == story))
    return cast("Mapping[str, Any]", json.loads(said)) if said else {}


def story_heartbeats(connection: Connection) -> dict[str, datetime]:
    """When each story last ran."""
    rows = connection.execute(select(heartbeats.c.story, heartbeats.c.at))
    return dict(rows.tuples().all())
