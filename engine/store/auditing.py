"""What the watchdog asks of the database: what is later than it may be, and which chain broke."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy import Connection, func, select, update

from engine.history import Event, first_break
from engine.party import Role
from engine.store.calls import open_calls
from engine.store.dialect import insert_missing
from engine.store.outbox_tables import (
    MessageStatus,
    NoticeStatus,
    heartbeats,
    messages,
    notices,
)
from engine.store.tables import actions, events, people, roles


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


def broken_chains(connection: Connection) -> Iterator[tuple[str, str]]:
    """Each action whose history is not whole, with what is wrong; every event is read."""
    table = events.c
    heads = {
        row.id: row
        for row in connection.execute(
            select(actions.c.id, actions.c.ref, actions.c.version, actions.c.head_hash)
        )
    }
    rows = connection.execution_options(yield_per=2000).execute(
        select(
            table.action_id, table.seq, table.kind, table.at, table.by, table.payload, table.hash
        ).order_by(table.action_id, table.seq)
    )
    for action_id, chain in groupby((Event(*row) for row in rows), key=lambda e: e.action_id):
        head = heads.pop(action_id)
        wrong = first_break(chain, head.head_hash, head.version)
        if wrong:
            yield head.ref, wrong
    for head in heads.values():
        yield head.ref, "it has no history at all"


def people_without_address(connection: Connection) -> tuple[int, int]:
    """Focal points without an address, and those whose address does not work."""
    focal = select(roles.c.person_id).where(roles.c.role == Role.FOCAL_POINT)
    p = people.c
    without = connection.scalar(
        select(func.count()).select_from(people).where(p.id.in_(focal), p.email == "")
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


def story_heartbeats(connection: Connection) -> dict[str, datetime]:
    """When each story last ran."""
    rows = connection.execute(select(heartbeats.c.story, heartbeats.c.at))
    return dict(rows.tuples().all())
