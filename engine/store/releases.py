"""Sensitive rungs: they wait until a coordinator lets them leave."""

from datetime import datetime

from sqlalchemy import Connection, select, update

from engine.action import Action
from engine.case import causes
from engine.store.outbox_tables import NoticeStatus, notices


def release_notices(
    connection: Connection, action: Action, refuse: str, now: datetime
) -> list[str]:
    """
    Release (or, with a reason, refuse) what waits of one action; returns the rungs.

    What waits since a run of the ladder that is over is struck: nobody approves what is not true.
    """
    unreleased = (notices.c.action_id == action.id) & (
        notices.c.status == NoticeStatus.UNRELEASED.value
    )
    connection.execute(
        update(notices)
        .where(unreleased, notices.c.cause.not_in(causes(action)))
        .values(status=NoticeStatus.STRUCK, outcome="no longer true when released", closed_at=now)
    )
    waiting = unreleased & notices.c.cause.in_(causes(action))
    rungs = connection.scalars(select(notices.c.rung).where(waiting)).all()
    if refuse:
        values = {"status": NoticeStatus.STRUCK, "outcome": f"refused: {refuse}"[:300],
                  "closed_at": now}  # fmt: skip
    else:
        values = {"status": NoticeStatus.PENDING, "due_at": now}
    connection.execute(update(notices).where(waiting).values(**values))
    return sorted(set(rungs))
