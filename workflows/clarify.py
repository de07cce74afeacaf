"""Clarifications, written down and assented to."""

from collections.abc import Iterable
from datetime import datetime

from config.wiring import Services
from engine.action import Action
from engine.clarifying import (
    ASSENTED,
    CLARIFIED,
    Clarification,
    assent,
    clarifications,
    clarify,
    voices,
)
from engine.errors import StaleVersion
from engine.lifecycle import Actor, Facts
from engine.store.acting import actor_for, facts_about
from engine.store.database import Connection
from engine.store.directory import Directory
from engine.store.records import append, find_action, history_of, language_of
from workflows.record import Asked


def add_words(services: Services, asked: Asked, words: str, language: str, now: datetime) -> Action:
    """
    Add words to what was agreed; they hold once each side has assented.

    The same words of the same person are there once, however often they are sent.
    """
    with services.database.write() as connection:
        action, actor, spoken_for = _at(services, connection, asked)
        spoken = language or language_of(connection, action)
        payload = clarify(action, words, spoken, actor)
        known = clarifications(history_of(connection, action.id), spoken_for)
        if any((one.words, one.language, one.by) == (words, spoken, actor.key) for one in known):
            return action
        return append(connection, action, {}, kind=CLARIFIED, at=now, by=actor.key, payload=payload)


def give_assent(services: Services, asked: Asked, number: int | None, now: datetime) -> Action:
    """Assent to a clarification for one's side: to the newest that waits, or to that number."""
    with services.database.write() as connection:
        action, actor, spoken_for = _at(services, connection, asked)
        known = clarifications(history_of(connection, action.id), spoken_for)
        payload = assent(action, known, number, actor, spoken_for)
        return append(connection, action, {}, kind=ASSENTED, at=now, by=actor.key, payload=payload)


def clarifications_of(
    connection: Connection, directory: Directory, action: Action
) -> tuple[Clarification, ...]:
    """What was clarified about an action, oldest first."""
    facts = facts_about(connection, directory, action)
    return clarifications(history_of(connection, action.id), _voices(directory, action, facts))


def waits_for(
    directory: Directory, action: Action, facts: Facts, actor: Actor, known: Iterable[Clarification]
) -> frozenset[int]:
    """The numbers of those clarifications to which this person can still assent for their side."""
    voice = _voices(directory, action, facts).get(actor.party_id or 0)
    if voice is None or not actor.roles:
        return frozenset()
    return frozenset(each.number for each in known if voice in each.missing)


def _at(
    services: Services, connection: Connection, asked: Asked
) -> tuple[Action, Actor, dict[int, str]]:
    action = find_action(connection, asked.ref, lock=True)
    if asked.version is not None and asked.version != action.version:
        raise StaleVersion(action.ref, asked.version, action.version)
    directory = services.directory(connection)
    directory.ensure([action])
    facts = facts_about(connection, directory, action)
    actor = actor_for(connection, directory, action, facts, asked.by)
    return action, actor, _voices(directory, action, facts)


def _voices(directory: Directory, action: Action, facts: Facts) -> dict[int, str]:
    """Of those who agreed with each other: the parties that owe it, and the one that checks."""
    bound = facts.responsible_ids | ({action.verifier_id} if action.verifier_id else set())
    return voices([directory.parties[party_id] for party_id in sorted(bound)])
