"""What was said, to whom, and when it left: notices and messages as lists."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from engine.store.calls import open_calls
from engine.store.outbox_tables import NoticeStatus, messages, notices
from engine.store.tables import actions, people


def told_about(connection: Connection, action_id: int) -> list[dict[str, Any]]:
    """Every notice about one action, oldest first; persons by their function."""
    n = notices.c
    rows = connection.execute(
        select(
            n.rung, n.kind, people.c.function, people.c.key, n.status, n.created_at, n.closed_at,
            n.outcome,
        )
        .join(people, people.c.id == n.person_id)
        .where(n.action_id == action_id)
        .order_by(n.id)
    )  # fmt: skip
    return [
        {
            "rung": row.rung,
            "kind": row.kind,
            "to": f"{row.function} ({row.key})",
            "status": row.status.value,
            "decided_at": row.created_at.isoformat(),
            "closed_at": row.closed_at.isoformat() if row.closed_at else None,
            "outcome": row.outcome,
        }
        for row in rows
    ]


def message_counts(connection: Connection) -> dict[str, int]:
    """How many messages have each status."""
    m = messages.c
    rows = connection.execute(select(m.status, func.count()).group_by(m.status))
    return {status.value: number for status, number in rows}


def letters(connection: Connection, limit: int) -> list[Row[Any]]:
    """The newest messages: id, subject, recipient, status, instants."""
    m = messages.c
    query = select(
        m.id, m.subject, m.recipient, m.status, m.created_at, m.sent_at, people.c.function
    ).join(people, people.c.id == m.person_id)
    return list(connection.execute(query.order_by(m.id.desc()).limit(limit)))


def board(connection: Connection, limit: int, before: datetime) -> list[Row[Any]]:
    """What waits for a coordinator: call tasks, releases and what is posted, newest first."""
    n = notices.c
    query = (
        select(n.kind, n.rung, n.status, n.created_at, n.outcome, actions.c.ref, people.c.function)
        .join(actions, actions.c.id == n.action_id)
        .join(people, people.c.id == n.person_id)
        .where(
            n.created_at <= before,
            (n.status == NoticeStatus.UNRELEASED.value)
            | ((n.status == NoticeStatus.POSTED.value) & (n.kind != "call_task"))
            | open_calls(),
        )
        .order_by(n.id.desc())
        .limit(limit)
    )
    return list(connection.execute(query))
