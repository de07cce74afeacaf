"""People change: a post is taken over, somebody is away, somebody asks to be forgotten."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from config.wiring import Services
from engine.action import OWED, Action
from engine.case import Circle
from engine.errors import N_, BadValue
from engine.party import Person, Role
from engine.store.answers import revoke_links
from engine.store.auditing import beat, story_heartbeats
from engine.store.contacts import find_person
from engine.store.database import Connection
from engine.store.directory import Directory
from engine.store.feeds import close_feeds_of
from engine.store.keys import revoke_keys_of
from engine.store.people_lists import roles_held
from engine.store.persons import (
    Erased,
    actions_owed_by,
    empty_bodies,
    erase,
    look_at_theirs,
    people_at_sunset,
    put_absence,
    put_holder,
    record_of,
    tell_holder,
)
from engine.store.records import append
from engine.store.requests import forget_requests
from engine.store.sign_ins import end_sessions
from notifications.bundle import ANSWER_WORKING_DAYS
from notifications.envelope import ascii_address

ASKED_AGAIN_WITHIN: Final = timedelta(days=7)
"""How long a program may repeat a request and get the same answer."""

DAILY: Final = timedelta(hours=23)
"""An audit an hour later or earlier than yesterday's still counts as a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who takes a post over, as far as it is known."""

    email: str = ""
    phone: str = ""
    name: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Retained:
    """What the retention job gave up."""

    bodies: int
    persons: int


def hand_over(services: Services, who: str, holder: Holder, *, by: str, now: datetime) -> Person:
    """
    Put a new holder into a post; all its promises stay, and the new holder is told of each.

    The former holder's links close. The ladder keeps still for five working days, so that nobody is
    reminded of what somebody else left.
    """
    if not holder.email and not holder.phone:
        raise BadValue("holder", who, N_("give an e-mail address or a telephone number"))
    if holder.email:
        ascii_address(holder.email)
    with services.database.write() as connection:
        person = find_person(connection, who)
        asker = asked_by(connection, services, person, by)
        put_holder(
            connection, person,
            email=holder.email, phone=holder.phone, name=holder.name, language=holder.language,
        )  # fmt: skip
        revoke_links(connection, now, person_id=person.id)
        revoke_keys_of(connection, person.id, now)
        close_feeds_of(connection, person.id, now)
        end_sessions(connection, person.id, now)
        after = find_person(connection, person.key)
        directory, owed = _owed(connection, services, after)
        inherited = [_inherit(connection, directory, a, after, asker, now) for a in owed]
        tell_holder(connection, after, inherited, now)
        look_at_theirs(connection, [action.id for action in inherited], now)
    return after


def be_absent(
    services: Services, who: str, until_on: date | None, *, by: str, now: datetime
) -> Person:
    """Have somebody else written to while a person is away; without a day the person is back."""
    with services.database.write() as connection:
        person = find_person(connection, who)
        asked_by(connection, services, person, by)
        if until_on is not None and until_on < now.date() - timedelta(days=1):
            raise BadValue("until", until_on.isoformat(), N_("has gone by already"))
        put_absence(connection, person, until_on)
        _directory, owed = _owed(connection, services, person)
        look_at_theirs(connection, [action.id for action in owed], now)
        return find_person(connection, person.key)


def forget(services: Services, who: str, *, by: str, reason: str, now: datetime) -> Erased:
    """
    Erase what is on record of a person's contact and words; the history and the counts stay.

    Each live action records that its person is gone, so that a coordinator finds another.
    """
    if not reason.strip():
        raise BadValue("reason", reason, N_("say who asked for it, or why"))
    with services.database.write() as connection:
        person = find_person(connection, who)
        asker = asked_by(connection, services, person, by)
        return _forget(connection, services, person, asker.key, reason, now)


def about(services: Services, who: str) -> dict[str, Any]:
    """Everything on record about a person."""
    with services.database.read() as connection:
        return record_of(connection, find_person(connection, who))


def retain(services: Services, now: datetime) -> Retained:
    """Give up what has been kept for long enough: bytes of mails, contacts of what is over."""
    part = services.settings.retention
    bodies = persons = 0
    with services.database.write() as connection:
        forget_requests(connection, now - ASKED_AGAIN_WITHIN)
        if part.bodies_days:
            bodies = empty_bodies(connection, now - timedelta(days=part.bodies_days))
        if part.contacts_days:
            before_on = now.date() - timedelta(days=part.contacts_days)
            for person_id in people_at_sunset(connection, before_on):
                directory = services.directory(connection)
                directory.ensure_people({person_id})
                person = directory.people[person_id]
                _forget(connection, services, person, "retention", "its dialogue is over", now)
                persons += 1
    return Retained(bodies, persons)


def retain_daily(services: Services, now: datetime) -> None:
    """The retention job, at most once a day; it leaves word of what it did."""
    with services.database.read() as connection:
        last_at = story_heartbeats(connection).get("retention")
    if last_at is not None and last_at <= now < last_at + DAILY:
        return
    done = retain(services, now)
    with services.database.write() as connection:
        beat(connection, "retention", now, {"bodies": done.bodies, "persons": done.persons})


def _forget(
    connection: Connection,
    services: Services,
    person: Person,
    by: str,
    reason: str,
    now: datetime,
) -> Erased:
    _directory, owed = _owed(connection, services, person)
    done = erase(connection, person, now)
    revoke_keys_of(connection, person.id, now)
    close_feeds_of(connection, person.id, now)
    for action in owed:
        append(
            connection, action, {},
            kind="contact_erased", at=now, by=by,
            payload={"person_id": person.id, "reason": reason},
        )  # fmt: skip
    look_at_theirs(connection, [action.id for action in owed], now)
    return done


def _owed(
    connection: Connection, services: Services, person: Person
) -> tuple[Directory, list[Action]]:
    """The live actions for which this person is the one who is asked."""
    directory = services.directory(connection)
    found = actions_owed_by(connection, person)
    directory.ensure(found)
    return directory, [a for a in found if _speaks(directory.circle(a), person)]


def _speaks(circle: Circle, person: Person) -> bool:
    return circle.focal is not None and circle.focal.id == person.id


def _inherit(
    connection: Connection,
    directory: Directory,
    action: Action,
    person: Person,
    asker: Person,
    now: datetime,
) -> Action:
    today = directory.today(action.dialogue_id, now)
    changes: dict[str, object] = {}
    if action.state in OWED:
        rest = directory.calendars[action.dialogue_id].plus(today, ANSWER_WORKING_DAYS)
        changes = {
            "answered_on": None,
            "paused_until_on": max(rest, action.paused_until_on or rest),
        }
    return append(
        connection, action, changes,
        kind="holder_changed", at=now, by=asker.key, payload={"person_id": person.id},
    )  # fmt: skip


def asked_by(connection: Connection, services: Services, person: Person, by: str) -> Person:
    """
    Who asks, if they coordinate that person's dialogue (or manage the programme).

    Of a person without a party they have to coordinate every dialogue in which it has a role.
    """
    asker = find_person(connection, by)
    directory = services.directory(connection)
    directory.ensure([])
    if person.party_id is not None:
        homes = {directory.home_of_party(person.party_id)}
    else:
        held = roles_held(connection, [person.id]).get(person.id, ())
        homes = {role.dialogue_id or 0 for role in held} or {0}
    directory.ensure_dialogues(homes)
    for home in homes:
        if directory.roles_of(asker.id, home).isdisjoint({Role.COORDINATOR, Role.MANAGER}):
            reason = N_("only a coordinator of the dialogue of %(who)s may do that", who=person.key)
            raise BadValue("by", by, reason)
    return asker
