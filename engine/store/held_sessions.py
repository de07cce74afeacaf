"""Meetings of a dialogue as rows, with the commitments that were agreed there."""

from collections.abc import Collection
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from engine.store.dialect import insert_missing
from engine.store.tables import actions, commitments, dialogues, parties, sessions


def keep_session(connection: Connection, dialogue_id: int, held_on: date) -> int:
    """The number of the session of that day, which is put on record if it is not there yet."""
    row = {"dialogue_id": dialogue_id, "held_on": held_on}
    insert_missing(connection, sessions, [row], ["dialogue_id", "held_on"])
    s = sessions.c
    query = select(s.id).where(s.dialogue_id == dialogue_id, s.held_on == held_on)
    return int(connection.scalars(query).one())


def agreed_there(
    connection: Connection, session_id: int, held_on: date, action_ids: Collection[int]
) -> None:
    """The commitments of these actions were agreed in that session, unless an earlier one did."""
    mine = select(actions.c.commitment_id).where(actions.c.id.in_(action_ids))
    connection.execute(
        update(commitments)
        .where(commitments.c.id.in_(mine), commitments.c.session_id.is_(None))
        .values(session_id=session_id, agreed_on=held_on)
    )


def find_session_of(connection: Connection, number: int) -> Row[Any] | None:
    """A session with its dialogue; None if there is none of that number."""
    query = (
        select(
            sessions.c.id, sessions.c.held_on, sessions.c.dialogue_id,
            dialogues.c.name.label("dialogue"),
        )
        .join(dialogues, dialogues.c.id == sessions.c.dialogue_id)
        .where(sessions.c.id == number)
    )  # fmt: skip
    return connection.execute(query).first()


def words_agreed(connection: Connection, session_id: int) -> list[Row[Any]]:
    """The commitments of a session in the order in which they were written down."""
    c = commitments.c
    query = (
        select(c.id, c.text, c.language, c.text_hash)
        .where(c.session_id == session_id)
        .order_by(c.id)
    )
    return list(connection.execute(query))


def steps_of_session(connection: Connection, session_id: int) -> list[Row[Any]]:
    """The actions of a session's commitments, with whoever owes them."""
    a = actions.c
    query = (
        select(
            a.commitment_id, a.ref, a.title, a.state, a.due_on, parties.c.name.label("responsible")
        )
        .join(commitments, commitments.c.id == a.commitment_id)
        .join(parties, parties.c.id == a.responsible_id)
        .where(commitments.c.session_id == session_id)
        .order_by(a.id)
    )
    return list(connection.execute(query))


def sessions_held(
    connection: Connection, dialogue_ids: Collection[int] | None, limit: int
) -> list[Row[Any]]:
    """The newest sessions of these dialogues (None: of all), each with its commitments counted."""
    counted = (
        select(func.count())
        .where(commitments.c.session_id == sessions.c.id)
        .scalar_subquery()
        .label("agreed")
    )
    query = (
        select(sessions.c.id, sessions.c.held_on, dialogues.c.name.label("dialogue"), counted)
        .join(dialogues, dialogues.c.id == sessions.c.dialogue_id)
        .order_by(sessions.c.held_on.desc(), sessions.c.id.desc())
        .limit(limit)
    )
    if dialogue_ids is not None:
        query = query.where(sessions.c.dialogue_id.in_(dialogue_ids))
    return list(connection.execute(query))
