"""Addresses as coordinators correct them."""

from datetime import datetime

from sqlalchemy import Connection, func, or_, select, update

from engine.errors import UnknownThing
from engine.party import Channel, Person
from engine.store.directory import PERSON_COLUMNS, person_from
from engine.store.tables import actions, people


def find_person(connection: Connection, who: str) -> Person:
    """The one person of that key or address; UnknownThing for none, or for a shared mailbox."""
    lowered = who.strip().lower()
    rows = connection.execute(
        select(*PERSON_COLUMNS)
        .where(or_(func.lower(people.c.key) == lowered, func.lower(people.c.email) == lowered))
        .order_by(people.c.id)
    ).all()
    if len(rows) != 1:
        raise UnknownThing("one person", who, [person_from(row).key for row in rows])
    return person_from(rows[0])


def correct_contact(
    connection: Connection, person: Person, *, email: str, phone: str, now: datetime
) -> Person:
    """
    Give a person an address or number that works; an empty one leaves what is there.

    The mark that the old address does not work goes, and the person's actions are looked at again.
    An address means mail, a first number means texts; whoever had a channel for it keeps that.
    """
    address = email or person.email
    connection.execute(
        update(people)
        .where(people.c.id == person.id)
        .values(
            email=address,
            phone=phone or person.phone,
            flagged="",
            channel=_channel(person, email, phone),
        )
    )
    theirs = actions.c.focal_id == person.id
    if person.party_id is not None:
        theirs = or_(theirs, actions.c.responsible_id == person.party_id)
    connection.execute(
        update(actions)
        .where(theirs, actions.c.next_check_at.is_not(None))
        .values(next_check_at=now)
    )
    return find_person(connection, person.key)


def _channel(person: Person, email: str, phone: str) -> Channel:
    if email or (person.email and person.channel is not Channel.SMS):
        return Channel.EMAIL
    if phone and not person.phone and person.channel is Channel.CALL:
        return Channel.SMS
    return person.channel
