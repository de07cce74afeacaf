"""How somebody is reached: language and channel, and who stands in when they cannot be."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from config.wiring import Services
from engine.errors import N_, BadValue
from engine.party import Channel, Person, Role
from engine.store.contacts import find_person
from engine.store.database import Connection
from engine.store.people_lists import (
    add_person,
    find_in_party,
    give_role,
    live_ids_of,
    put_reach,
)
from engine.store.persons import look_at_theirs
from notifications.envelope import ascii_address
from notifications.language import LANGUAGES
from workflows.persons import asked_by

LONGEST_KEY: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """Somebody who is to stand in: known already by a key, or a function that is new."""

    key: str = ""
    function: str = ""
    email: str = ""
    phone: str = ""
    language: str = ""


def set_reach(
    services: Services, who: str, language: str, channel: Channel, *, by: str, now: datetime
) -> Person:
    """
    Say in which language and by which channel somebody is told.

    BadValue for a channel that needs an address or a number that is not known.
    """
    if language not in LANGUAGES:
        raise BadValue("language", language, N_("choose one that there are words in"))
    with services.database.write() as connection:
        person = find_person(connection, who)
        asked_by(connection, services, person, by)
        if channel is Channel.EMAIL and not person.email:
            raise BadValue(
                "channel", channel, N_("no e-mail address is known; correct the contact")
            )
        if channel in {Channel.SMS, Channel.CALL} and not person.phone:
            raise BadValue(
                "channel", channel, N_("no telephone number is known; correct the contact")
            )
        put_reach(connection, person.id, language, channel)
        if person.party_id is not None:
            look_at_theirs(connection, live_ids_of(connection, person.party_id), now)
        return find_person(connection, person.key)


def stand_in(services: Services, who: str, given: StandIn, *, by: str, now: datetime) -> Person:
    """
    Let somebody of the same party be written to beside a person, and instead while they are away.

    BadValue without a party, or for a new function without a way to reach it. Named twice, a new
    function is there once.
    """
    if given.email:
        ascii_address(given.email)
    with services.database.write() as connection:
        person = find_person(connection, who)
        asked_by(connection, services, person, by)
        if person.party_id is None:
            raise BadValue(
                "person", person.key, N_("belongs to no party in which another stands in")
            )
        home = services.directory(connection).home_of_party(person.party_id)
        if given.key:
            other = find_person(connection, given.key)
            if other.party_id != person.party_id or other.id == person.id:
                raise BadValue("alternate", given.key, N_("choose somebody else of the same party"))
            other_id = other.id
        else:
            other_id = _new(services, connection, person, given, home)
        give_role(connection, other_id, Role.ALTERNATE, home)
        look_at_theirs(connection, live_ids_of(connection, person.party_id), now)
        directory = services.directory(connection)
        directory.ensure_people({other_id})
        return directory.people[other_id]


def _new(
    services: Services, connection: Connection, beside: Person, given: StandIn, home: int
) -> int:
    if not given.function.strip():
        raise BadValue("function", given.function, N_("say which function stands in"))
    if not given.email and not given.phone:
        raise BadValue(
            "contact", given.function, N_("give an e-mail address or a telephone number")
        )
    function = given.function.strip()
    there = find_in_party(
        connection, beside.party_id or 0, function, given.email, given.phone
    )  # fmt: skip
    if there is not None and there != beside.id:
        return there
    directory = services.directory(connection)
    directory.ensure_dialogues({home})
    wish = f"{directory.dialogues[home].code}-{given.function}".casefold()
    return add_person(
        connection,
        {
            # Made of the function as the plans do it: no name and no address may stand in a key.
            "key": re.sub(r"[^a-z0-9]+", "-", wish).strip("-")[:LONGEST_KEY],
            "party_id": beside.party_id,
            "function": function,
            "email": given.email,
            "phone": given.phone,
            "language": given.language or beside.language,
            "channel": Channel.EMAIL if given.email else Channel.SMS,
        },
    )
