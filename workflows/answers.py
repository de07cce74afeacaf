"""Answers taken in, whatever way they came: each counts once, and nothing that was said is lost."""

import logging
from dataclasses import dataclass, replace
from datetime import date, datetime

from config.wiring import Services
from engine.action import Action, Handling
from engine.answer import BY_PROXY, Answer, Origin, Verb
from engine.answering import Effect, Setting, Tell, effect
from engine.calendar import WorkingCalendar
from engine.case import Circle
from engine.errors import N_, BadValue, EngineError, ForbiddenMove, StaleVersion
from engine.ladder import Addressee
from engine.lifecycle import Actor, Facts
from engine.party import Person, Role
from engine.store.acting import actor_for, apply, facts_about
from engine.store.answer_tables import AnswerOutcome
from engine.store.answers import (
    find_answer,
    keep_answer,
    link_is_open,
    revoke_links,
    strike_answered,
    tell_of_answer,
    use_link,
)
from engine.store.database import Connection
from engine.store.directory import Directory
from engine.store.evidence import Piece
from engine.store.records import find_action
from workflows.evidence import attached

log = logging.getLogger("alkawari.answers")

LONGEST_NOTE = 4000
READERS_OF_ALL = frozenset({Handling.PUBLIC, Handling.DIALOGUE})
"""Of a restricted or closed action nobody but its coordinator is told what was answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """
    An answer on its way in.

    `key` is of what carried it (`link:7`, `mail:<id>:1`, `sheet:<hash>:3`): it counts once. `by` is
    who gives it, by key or address; for a proxy report the coordinator, while `source` says whose
    word it is and how it was heard. `word_of` is that person, by key, where the record knows them:
    what only they may say counts as theirs. `said_on` is the day it was said, if not today.
    `typed`: a proxy report whatever its origin. `link_id` is the link that it came by.
    `state_version` is that of the page that was looked at; None where nobody looked at one.
    `keep_refused`: an answer that the action cannot take is put on record for the coordinator
    instead of being refused. `evidence`: files that came with it, stored already.
    """

    key: str
    ref: str
    by: str
    answer: Answer
    origin: Origin
    source: str = ""
    word_of: str = ""
    said_on: date | None = None
    typed: bool = False
    link_id: int | None = None
    state_version: int | None = None
    keep_refused: bool = False
    evidence: tuple[Piece, ...] = ()

    @property
    def by_proxy(self) -> bool:
        """Whether a coordinator records what somebody else said."""
        return self.typed or self.origin in BY_PROXY


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """
    What became of an answer; `again`: it had come before, and nothing was done now.

    `said` is empty, or why it could not be taken.
    """

    action: Action
    verb: Verb
    outcome: AnswerOutcome
    said: str
    at: datetime
    again: bool = False


def take_answer(services: Services, given: Given, now: datetime) -> Taken:
    """
    Record an answer with all that follows from it, in one transaction.

    UnknownThing: no such action or person. ForbiddenMove, BadValue: the action cannot take it, or
    something is missing (with `keep_refused` both are put on record instead). StaleVersion: its
    state changed since the page was made.
    """
    with services.database.write() as connection:
        return take_one(connection, services.directory(connection), given, now)


def take_one(connection: Connection, directory: Directory, given: Given, now: datetime) -> Taken:
    """The same in the caller's transaction, so that several count together or not at all."""
    if len(given.answer.note) > LONGEST_NOTE:
        raise BadValue("note", "…", N_("keep it under %(count)s characters", count=LONGEST_NOTE))
    action = find_action(connection, given.ref, lock=True)
    before = find_answer(connection, given.key)
    if before is not None:
        return Taken(
            action=action, verb=before.verb, outcome=before.outcome, said=before.said,
            at=before.at, again=True,
        )  # fmt: skip
    if given.link_id is not None and not link_is_open(connection, given.link_id, now):
        raise ForbiddenMove(action.ref, action.state, "answered", N_("its link has been closed"))
    if given.state_version not in {None, action.state_version}:
        raise StaleVersion(action.ref, given.state_version or 0, action.state_version)
    return _Taking(connection, directory, given, now).take(action)


class _Taking:
    """One answer being taken in, in a transaction that is open."""

    def __init__(
        self, connection: Connection, directory: Directory, given: Given, now: datetime
    ) -> None:
        self.connection, self.given, self.now = connection, given, now
        self.directory = directory

    def take(self, action: Action) -> Taken:
        directory, given = self.directory, self.given
        directory.ensure([action])
        facts = facts_about(self.connection, directory, action)
        actor = self._actor(action, facts)
        today = directory.today(action.dialogue_id, self.now)
        try:
            with self.connection.begin_nested():  # all of its changes, or none
                done = self._effect(action, actor, facts, today)
                after = self._apply(action, done, actor, today)
        except (ForbiddenMove, BadValue) as error:
            if not given.keep_refused:
                raise
            return self._keep(action, actor, AnswerOutcome.REFUSED, error)
        outcome = AnswerOutcome.APPLIED if done.applied else AnswerOutcome.NOTED
        answer_id = self._record(after, actor, outcome, "")
        self._tell(after, answer_id, actor, done.tells)
        strike_answered(self.connection, after.id, actor.person_id, self.now)
        for piece in given.evidence:
            _kept, after = attached(self.connection, piece, after, answer_id, actor.key, self.now)
        if given.link_id is not None:
            use_link(self.connection, given.link_id, self.now)
        if given.answer.verb is Verb.NOT_ME and (given.word_of or not given.by_proxy):
            # Their other links about it must not speak for whom it is for.
            revoke_links(self.connection, self.now, person_id=actor.person_id, action_id=after.id)
        return Taken(action=after, verb=given.answer.verb, outcome=outcome, said="", at=self.now)

    def _actor(self, action: Action, facts: Facts) -> Actor:
        actor = actor_for(self.connection, self.directory, action, facts, self.given.by)
        if not self.given.by_proxy:
            return actor
        if Role.COORDINATOR not in actor.roles:
            raise ForbiddenMove(
                action.ref,
                action.state,
                "answered for",
                N_("only its coordinator speaks for others"),
            )
        if not self.given.word_of:
            return actor
        # It is judged as the word of whoever said it, and recorded by whoever writes it down.
        speaker = actor_for(self.connection, self.directory, action, facts, self.given.word_of)
        return replace(speaker, key=actor.key)

    def _effect(self, action: Action, actor: Actor, facts: Facts, today: date) -> Effect:
        calendar: WorkingCalendar = self.directory.calendars[action.dialogue_id]
        pause = self.directory.ladder_for(action).pause
        setting = Setting(
            actor=actor,
            facts=facts,
            today=today,
            calendar=calendar,
            pause_until=calendar.plus(today, pause),
        )
        return effect(action, self.given.answer, setting)

    def _apply(self, action: Action, done: Effect, actor: Actor, today: date) -> Action:
        for change in done.changes:
            moved = change(action)
            origin: dict[str, object] = {"origin": self.given.origin}
            if self.given.by_proxy:
                origin["proxy"] = True
            if self.given.word_of:
                origin["word_of"] = self.given.word_of
            if self.given.said_on:
                origin["said_on"] = self.given.said_on
            moved = type(moved)(
                moved.changes, moved.event, {**moved.payload, **origin}, moved.confirmation
            )
            action = apply(
                self.connection, self.directory, action, moved, actor, now=self.now, today=today
            )
        return action

    def _keep(
        self, action: Action, actor: Actor, outcome: AnswerOutcome, error: EngineError
    ) -> Taken:
        """Nobody's words are lost because the action could not take them: a person reads them."""
        answer_id = self._record(action, actor, outcome, str(error))
        self._tell(action, answer_id, actor, (Tell(Addressee.COORDINATOR, "note"),))
        return Taken(
            action=action, verb=self.given.answer.verb, outcome=outcome, said=str(error),
            at=self.now,
        )  # fmt: skip

    def _record(self, action: Action, actor: Actor, outcome: AnswerOutcome, said: str) -> int:
        given = self.given
        return keep_answer(
            self.connection, action, given.answer,
            key=given.key, by=actor.key,
            person_id=None if given.by_proxy else actor.person_id,
            origin=given.origin, source=given.source, outcome=outcome, said=said, now=self.now,
        )  # fmt: skip

    def _tell(self, action: Action, answer_id: int, actor: Actor, tells: tuple[Tell, ...]) -> None:
        circle = self.directory.circle(action)
        told: list[tuple[Person, str]] = []
        for tell in tells:
            told += [
                (person, tell.kind)
                for person in _readers(circle, tell.addressee, action)
                if person.id != actor.person_id
            ]
        tell_of_answer(
            self.connection, action, answer_id, told, about_id=actor.person_id, now=self.now
        )


def _readers(circle: Circle, addressee: Addressee, action: Action) -> tuple[Person, ...]:
    if addressee is not Addressee.COORDINATOR and action.handling not in READERS_OF_ALL:
        return ()
    return circle.at(addressee)
