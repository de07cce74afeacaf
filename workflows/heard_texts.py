"""Texts that people send back: understood as answers, else handed to a coordinator as they are."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from config.wiring import Services
from engine.action import Action
from engine.answer import PURPOSE_OF, Answer, Origin, Verb
from engine.party import Person
from engine.store.acting import actor_for, facts_about
from engine.store.answer_tables import AnswerOutcome
from engine.store.answers import answers_by_id, keep_answer, tell_of_answer
from engine.store.database import Connection
from engine.store.directory import Directory
from engine.store.phones import (
    became_since,
    first_time,
    last_told,
    note_became,
    people_by_number,
    refs_in,
    stop_texts,
)
from engine.store.records import find_action
from notifications.phone import same_number
from notifications.reply_words import BY_MAIL, Asked, Understood, asks_to_stop, understand
from workflows.answers import Given, take_one

log = logging.getLogger("alkawari.texts")

REMEMBERED: Final = timedelta(days=30)
"""For so long an answer without a reference is about what the last text said."""

STRANGERS_A_DAY: Final = 50
"""So many texts of unknown numbers reach coordinators; the rest is only counted."""

LONGEST: Final = 1600
BY_TEXT: Final = "told by text"
STOPPED: Final = "STOP: this number gets no more texts"
UNKNOWN_NUMBER: Final = "an unknown number"


class Became(StrEnum):
    """
    What a text became.

    `answer` was taken; `note` waits for a coordinator to read it; `stop` ended texts to a number;
    `stranger` came from an unknown number about an action; `unread` could be put to nothing;
    `again` had come before.
    """

    ANSWER = "answer"
    NOTE = "note"
    STOP = "stop"
    STRANGER = "stranger"
    UNREAD = "unread"
    AGAIN = "again"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardText:
    """A text as a gateway passed it on; `key` is the same each time that it passes it on."""

    sender: str
    text: str
    key: str


def take_text(services: Services, heard: HeardText, now: datetime) -> Became:
    """Take a text in, with all that follows from it, in one transaction; once for each key."""
    with services.database.write() as connection:
        if not first_time(connection, heard.key, Origin.SMS, now):
            return Became.AGAIN
        directory = services.directory(connection)
        became, reason = _Reading(connection, directory, heard, now).read()
        note_became(connection, heard.key, became, reason)
    log.info("a text came in: %s", became)
    return became


class _Reading:
    """One text being read, in a transaction that is open."""

    def __init__(
        self, connection: Connection, directory: Directory, heard: HeardText, now: datetime
    ) -> None:
        self.connection, self.directory, self.now = connection, directory, now
        self.key, self.text = heard.key, heard.text.strip()[:LONGEST]
        self.number = same_number(heard.sender)
        self.named = refs_in(connection, self.text)

    def read(self) -> tuple[Became, str]:
        persons = people_by_number(self.connection, self.number) if self.number else []
        if not self.text:
            return Became.UNREAD, "it is empty"
        if not persons:
            return self._stranger()
        told = self._asked(persons)
        if asks_to_stop(self.text):
            return self._stop(persons, told)
        known = {asked.ref for asked in told}
        asked = [*told, *(Asked(ref=ref) for ref in self.named if ref not in known)]
        today = self.now.date()
        if asked:
            today = self.directory.today(self._action(asked[0].ref).dialogue_id, self.now)
        found = understand(self.text, asked, today)
        return self._take(persons, found, [one.ref for one in asked])

    def _take(
        self, persons: Sequence[Person], found: Sequence[Understood], about: Sequence[str]
    ) -> tuple[Became, str]:
        """Every answer of the text; what is about nothing in particular goes with the first."""
        outcomes: list[AnswerOutcome] = []
        for number, understood in enumerate(found, start=1):
            ref = next(iter(refs_in(self.connection, understood.ref)), "") or next(iter(about), "")
            if not ref:
                continue
            answer = understood.answer
            if answer.verb is Verb.OTHER and not answer.note.strip():
                answer = replace(answer, note=self.text)
            if answer.method == BY_MAIL:
                answer = replace(answer, method=BY_TEXT)
            action = self._action(ref)
            given = Given(
                key=f"{self.key}:{number}", ref=ref, by=self._who(persons, action).key,
                answer=answer, origin=Origin.SMS, keep_refused=True,
            )  # fmt: skip
            outcomes.append(take_one(self.connection, self.directory, given, self.now).outcome)
        if not outcomes:
            return Became.UNREAD, "it names no action, and this number was told of none lately"
        taken = AnswerOutcome.APPLIED in outcomes
        return (Became.ANSWER if taken else Became.NOTE), ""

    def _who(self, persons: Sequence[Person], action: Action) -> Person:
        """Of those who share a telephone the one who is there for this action."""
        self.directory.ensure([action])
        facts = facts_about(self.connection, self.directory, action)

        def there_for(person: Person) -> int:
            actor = actor_for(self.connection, self.directory, action, facts, person.key)
            return len(actor.roles) + actor.superior

        return max(persons, key=there_for)

    def _asked(self, persons: Sequence[Person]) -> list[Asked]:
        told = last_told(self.connection, [p.id for p in persons], self.now - REMEMBERED)
        ids = [int(one.cause[1:]) for one in told if one.cause.startswith("w")]
        said = answers_by_id(self.connection, ids)
        found: dict[str, Asked] = {}
        for one in told:
            about = said.get(int(one.cause[1:])) if one.cause.startswith("w") else None
            asked = Asked(
                ref=one.ref,
                purpose=PURPOSE_OF.get(one.kind),
                proposed_on=about.until if about else None,
            )
            found.setdefault(one.ref, asked)
        return list(found.values())

    def _stop(self, persons: Sequence[Person], told: Sequence[Asked]) -> tuple[Became, str]:
        stop_texts(self.connection, persons, self.now)
        for asked in told[:1]:
            action = self._action(asked.ref)
            self._hand_on(action, STOPPED, self._who(persons, action))
        return Became.STOP, ""

    def _stranger(self) -> tuple[Became, str]:
        """From an unknown number nothing is taken; whoever coordinates the action can call it."""
        since = self.now - timedelta(days=1)
        lately = became_since(self.connection, Became.STRANGER, since)
        if not self.named or lately >= STRANGERS_A_DAY:
            return Became.UNREAD, "unknown number"
        self._hand_on(self._action(self.named[0]), f"{self.text} ({self.number})", None)
        return Became.STRANGER, ""

    def _hand_on(self, action: Action, words: str, person: Person | None) -> None:
        """Put words on record for the coordinators, without any effect on the action."""
        self.directory.ensure([action])
        answer_id = keep_answer(
            self.connection, action, Answer(verb=Verb.OTHER, note=words),
            key=f"{self.key}:1", by=person.key if person else UNKNOWN_NUMBER,
            person_id=person.id if person else None, origin=Origin.SMS,
            source="" if person else self.number, outcome=AnswerOutcome.NOTED, said="",
            now=self.now,
        )  # fmt: skip
        coordinators = self.directory.circle(action).coordinators
        told = [(one, "note") for one in coordinators if person is None or one.id != person.id]
        tell_of_answer(
            self.connection, action, answer_id, told,
            about_id=person.id if person else None, now=self.now,
        )  # fmt: skip

    def _action(self, ref: str) -> Action:
        action = find_action(self.connection, ref)
        self.directory.ensure([action])
        return action
