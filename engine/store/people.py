"""People as rows: their addresses, and what happens when one does not work."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, select, update

from engine.case import URGENCY
from engine.party import Role
from engine.store.dialect import insert_missing
from engine.store.outbox_tables import NoticeStatus, notices
from engine.store.tables import actions, people, roles


def flag(connection: Connection, person_id: int, message_id: int, why: str, now: datetime) -> None:
    """
    Mark an address as not working and queue one notice for each coordinator it concerns.

    The actions spoken of in the message are looked at again: who cannot be written to is called.
    """
    _flag(connection, person_id, notices.c.message_id == message_id, str(message_id), why, now)


def flag_unwritten(
    connection: Connection, person_id: int, notice_ids: Collection[int], why: str, now: datetime
) -> None:
    """The same for an address to which not even a message could be made of these notices."""
    mark = f"n{min(notice_ids)}"
    _flag(connection, person_id, notices.c.id.in_(notice_ids), mark, why, now)


def _flag(
    connection: Connection,
    person_id: int,
    spoken: ColumnElement[bool],
    mark: str,
    why: str,
    now: datetime,
) -> None:
    connection.execute(
        update(people)
        .where(people.c.id == person_id)
        .values(flagged=why[:300] or "no reason given")
    )
    spoken_of = connection.execute(
        select(actions.c.id, actions.c.dialogue_id)
        .join(notices, notices.c.action_id == actions.c.id)
        .where(spoken)
        .order_by(actions.c.id)
    ).all()
    first_of = {dialogue_id: action_id for action_id, dialogue_id in reversed(spoken_of)}
    coordinators = connection.execute(
        select(roles.c.person_id, roles.c.dialogue_id).where(
            roles.c.role == Role.COORDINATOR, roles.c.dialogue_id.in_(first_of)
        )
    ).all()
    insert_missing(
        connection,
        notices,
        [
            {
                "key": f"contact:{person_id}:{mark}:{coordinator_id}",
                "action_id": first_of[dialogue_id],
                "person_id": coordinator_id,
                "about_id": person_id,
                "kind": "contact",
                "rung": "contact",
                "cause": f"p{person_id}",
                "status": NoticeStatus.PENDING,
                "urgency": URGENCY["contact"],
                "created_at": now,
                "due_at": now,
                "closed_at": None,
            }
            for coordinator_id, dialogue_id in coordinators
            if coordinator_id != person_id
        ],
        ["key"],
    )
    ids = [action_id for action_id, _dialogue_id in spoken_of]
    connection.execute(update(actions).where(actions.c.id.in_(ids)).values(next_check_at=now))
