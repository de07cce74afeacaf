"""What stands behind an answer link: the question, who is asked, and whether it is still open."""

import json
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from config.wiring import Services
from engine.action import Action, Handling, Obstacle, State
from engine.answer import HELPERS, Purpose, Verb
from engine.asking import Door, door, verbs
from engine.calendar import WorkingCalendar
from engine.dialogue import Dialogue
from engine.errors import UnknownThing
from engine.ladder import Addressee
from engine.lifecycle import Facts
from engine.party import Party, Person
from engine.store.acting import actor_for, facts_about
from engine.store.answers import (
    Kept,
    Link,
    answers_by_id,
    decided_since,
    find_answer,
    find_link,
)
from engine.store.database import Connection
from engine.store.directory import Directory
from engine.store.evidence import count_evidence
from engine.store.records import actions_by_id, history_of
from notifications.language import spoken

SHOWN: Final = frozenset({Handling.PUBLIC, Handling.DIALOGUE})
"""Of these a page says what it is about; whoever holds the link may read it."""


@dataclass(frozen=True, slots=True)
class Chance:
    """An obstacle as the form offers it: who would be asked, and when it is looked at again."""

    obstacle: Obstacle
    helper: Addressee
    again_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """
    Everything that the pages behind one link may show.

    `kept` is what was answered by it, `asked` the answer that a coordinator decides about, `claim`
    what was said when it was reported done. `missing` names the parties whose confirmation is
    still to come. Where `shown` is false, nothing of the content may stand on a page.
    """

    link: Link
    door: Door
    action: Action
    person: Person
    dialogue: Dialogue
    party: Party
    language: str
    today: date
    zone: str
    verbs: tuple[Verb, ...] = ()
    kept: Kept | None = None
    asked: Kept | None = None
    claim: str = ""
    verifier: str = ""
    coordinator: Person | None = None
    missing: tuple[str, ...] = ()
    pieces: int = 0
    chances: tuple[Chance, ...] = field(default=())

    @property
    def shown(self) -> bool:
        return self.action.handling in SHOWN

    @property
    def purpose(self) -> Purpose:
        return self.link.purpose

    @property
    def until(self) -> date:
        """The last day of the link, where the person is."""
        return self.link.expires_at.astimezone(ZoneInfo(self.zone)).date()


def question(services: Services, token: str, now: datetime) -> Question | None:
    """What is behind the link with that token; None for a guess. Reads only."""
    with services.database.read() as connection:
        link = find_link(connection, token)
        if link is None:
            return None
        (action,) = actions_by_id(connection, [link.action_id])
        directory = services.directory(connection)
        directory.ensure([action])
        directory.ensure_people({link.person_id})
        return _question(connection, directory, link, action, now)


def _question(
    connection: Connection, directory: Directory, link: Link, action: Action, now: datetime
) -> Question:
    person = directory.people[link.person_id]
    dialogue = directory.dialogues[action.dialogue_id]
    today = directory.today(dialogue.id, now)
    facts = facts_about(connection, directory, action)
    asked = answers_by_id(connection, [link.answer_id]) if link.answer_id else {}
    verifier = directory.parties.get(action.verifier_id or 0)
    found = _door(connection, directory, link, action, facts, now)
    return Question(
        link=link,
        door=found,
        action=action,
        person=person,
        dialogue=dialogue,
        party=directory.parties[action.responsible_id],
        language=spoken(person.language, *dialogue.languages),
        today=today,
        zone=person.timezone or dialogue.timezone,
        verbs=verbs(link.purpose, action) if found is Door.OPEN else (),
        kept=find_answer(connection, key_of(link)) if link.used_at else None,
        asked=asked.get(link.answer_id or 0),
        claim=_claim(connection, action) if link.purpose is Purpose.CONFIRM else "",
        verifier=verifier.name if verifier else "",
        coordinator=next(iter(directory.circle(action).coordinators), None),
        missing=_missing(directory, action, facts),
        pieces=count_evidence(connection, action.id),
        chances=_chances(action, directory.calendars[dialogue.id], today),
    )


def key_of(link: Link) -> str:
    """What an answer by this link is known by; it counts once."""
    return f"link:{link.id}"


def _door(
    connection: Connection,
    directory: Directory,
    link: Link,
    action: Action,
    facts: Facts,
    now: datetime,
) -> Door:
    if action.handling is Handling.CLOSED:
        return Door.REVOKED  # it became so after the link was sent
    if link.used_at is not None:
        return Door.USED
    if link.revoked_at is not None:
        return Door.REVOKED
    if link.expires_at <= now:
        return Door.EXPIRED
    try:
        who = directory.people[link.person_id].key
        actor = actor_for(connection, directory, action, facts, who)
    except UnknownThing:
        return Door.ROLE_ENDED
    decided = link.answer_id is not None and decided_since(connection, action.id, link.answer_id)
    return door(link.purpose, action, actor, facts, decided=decided)


def _claim(connection: Connection, action: Action) -> str:
    """What was said with the claim that waits for a confirmation."""
    if action.state is not State.REPORTED_DONE:
        return ""
    events = history_of(connection, action.id)
    said = next((event for event in reversed(events) if event.kind == "reported_done"), None)
    return str(json.loads(said.payload).get("note", "")) if said else ""


def _missing(directory: Directory, action: Action, facts: Facts) -> tuple[str, ...]:
    if action.state is not State.REPORTED_DONE or not facts.joint:
        return ()
    parties = (directory.parties[party_id] for party_id in sorted(facts.responsible_ids))
    return tuple(party.name for party in parties if party.side not in facts.confirmed)


def _chances(action: Action, calendar: WorkingCalendar, today: date) -> tuple[Chance, ...]:
    """Of what is restricted nobody but a coordinator is asked: `workflows/answers.py`."""
    return tuple(
        Chance(
            obstacle,
            helper.addressee if action.handling in SHOWN else Addressee.COORDINATOR,
            calendar.plus(today, helper.review_working_days),
        )
        for obstacle, helper in HELPERS.items()
    )
