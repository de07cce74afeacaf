"""Texts as they come back: whose number it is, what that person was last told, what was read."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, func, select, update

from engine.answer import Origin
from engine.party import Channel, Person
from engine.store.answer_tables import inbound
from engine.store.dialect import insert_if_new
from engine.store.directory import PERSON_COLUMNS, person_from
from engine.store.outbox_tables import MessageStatus, messages, notices
from engine.store.tables import actions, people

SHORTEST_LOCAL: Final = 7
LONGEST_LOCAL: Final = 10
MOST_REFS: Final = 10

_ARRIVED: Final = (
    MessageStatus.SENT.value,
    MessageStatus.UNKNOWN.value,
    MessageStatus.CLAIMED.value,
)
_REF: Final = re.compile(r"(?<![\w-])[^\W_]{1,8}-[\w-]{1,31}")


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that was said to a person in the last text."""

    ref: str
    kind: str
    cause: str


def people_by_number(connection: Connection, number: str) -> list[Person]:
    """
    Who has this number, complete with its country code.

    Some telephones pass on a number as it is dialled at home; it counts where it is the end of one
    number on record.
    """
    columns = select(*PERSON_COLUMNS).order_by(people.c.id)
    found = connection.execute(columns.where(people.c.phone == number)).all()
    local = number.removeprefix("+").lstrip("0")
    if not found and SHORTEST_LOCAL <= len(local) <= LONGEST_LOCAL:
        ending = connection.execute(columns.where(people.c.phone.like(f"%{local}"))).all()
        numbers = {person_from(row).phone for row in ending}
        found = ending if len(numbers) == 1 else []
    return [person_from(row) for row in found]


def last_told(connection: Connection, person_ids: Collection[int], since: datetime) -> list[Told]:
    """What the newest text to any of these persons said, most urgent first."""
    newest = connection.scalar(
        select(func.max(messages.c.id)).where(
            messages.c.person_id.in_(person_ids),
            messages.c.channel == Channel.SMS.value,
            messages.c.status.in_(_ARRIVED),
            messages.c.created_at >= since,
        )
    )
    if newest is None:
        return []
    rows = connection.execute(
        select(actions.c.ref, notices.c.kind, notices.c.cause)
        .join(actions, actions.c.id == notices.c.action_id)
        .where(notices.c.message_id == newest)
        .order_by(notices.c.urgency.desc(), notices.c.id)
    )
    return [Told(*row) for row in rows]


def refs_in(connection: Connection, text: str) -> list[str]:
    """The references of actions that a text names, in its order."""
    named = list(dict.fromkeys(ref.upper() for ref in _REF.findall(text)))[:MOST_REFS]
    rows = connection.scalars(select(actions.c.ref).where(func.upper(actions.c.ref).in_(named)))
    known = {ref.upper(): ref for ref in rows}
    return [known[ref] for ref in named if ref in known]


def first_time(connection: Connection, key: str, origin: Origin, now: datetime) -> bool:
    """Remember that something came in; False if it had come before."""
    statement = (
        insert_if_new(connection.dialect.name, inbound, ("key",))
        .values(key=key, origin=origin, became="read", at=now)
        .returning(inbound.c.id)
    )
    return connection.scalar(statement) is not None


def note_became(connection: Connection, key: str, became: str, reason: str) -> None:
    """What became of something that came in."""
    connection.execute(
        update(inbound).where(inbound.c.key == key).values(became=became, reason=reason[:200])
    )


def became_since(connection: Connection, became: str, since: datetime) -> int:
    """How many texts became this since then."""
    query = select(func.count()).select_from(inbound)
    return (
        connection.scalar(
            query.where(
                inbound.c.origin == Origin.SMS, inbound.c.became == became, inbound.c.at >= since
            )
        )
        or 0
    )


def stop_texts(connection: Connection, persons: Collection[Person], now: datetime) -> None:
    """No more texts to these persons: mail where there is an address, else a call."""
    for person in persons:
        if person.channel is Channel.SMS:
            channel = Channel.EMAIL if person.email else Channel.CALL
            connection.execute(
                update(people).where(people.c.id == person.id).values(channel=channel)
            )
    # What was on its way to them by text is to be said otherwise: by the sweep, if it is a call.
    theirs = actions.c.focal_id.in_([person.id for person in persons])
    connection.execute(
        update(actions)
        .where(theirs, actions.c.next_check_at.is_not(None))
        .values(next_check_at=now)
    )
