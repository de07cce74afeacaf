"""Sensitive rungs: they wait until a coordinator lets them leave."""

from datetime import datetime

from sqlalchemy import Connection, select, update

from engine.store.outbox_tables import NoticeStatus, notices


def release_notices(
    connection: Connection, action_id: int, refuse: str, now: datetime
) -> list[str]:
    """Release (or, with a reason, refuse) what waits of one action; returns the rungs."""
    waiting = (notices.c.action_id == action_id) & (
        notices.c.status == NoticeStatus.UNRELEASED.value
    )
    rungs = connection.scalars(select(notices.c.rung).where(waiting)).all()
    if refuse:
        values = {"status": NoticeStatus.STRUCK, "outcome": f"refused: {refuse}"[:300],
                  "closed_at": now}  # fmt: skip
    else:
        values = {"status": NoticeStatus.PENDING, "due_at": now}
    connection.execute(update(notices).where(waiting).values(**values))
    return sorted(set(rungs))
