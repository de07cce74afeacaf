"""One mail that came in: matched with what it answers, and taken in with all that follows."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from config.wiring import Services
from engine.action import Action
from engine.answer import PURPOSE_OF, Answer, Origin, Verb
from engine.errors import BadValue, UnknownThing
from engine.party import Person
from engine.store.answer_tables import AnswerOutcome
from engine.store.answers import answers_by_id, keep_answer, tell_of_answer
from engine.store.database import Connection
from engine.store.directory import Directory
from engine.store.evidence import Piece
from engine.store.inbound import (
    Sent,
    Told,
    bounce,
    last_sent_to,
    people_at,
    person_with,
    say_again,
    sent_with,
    stop_mail,
    told_in,
    told_to,
)
from engine.store.outbox_tables import MessageSort
from engine.store.people import flag
from engine.store.phones import first_time, note_became
from engine.store.records import find_action
from notifications.bundle import thread_of
from notifications.language import spoken
from notifications.reply import Received, Sort
from notifications.reply_remarks import (
    Refused,
    file_refused,
    mail_cut,
    no_words,
    of_a_stranger,
)
from notifications.reply_words import Asked, Understood, understand
from workflows.answers import Given, take_one
from workflows.digest_round import stop_digest
from workflows.evidence import LARGEST, examined, store

log = logging.getLogger("alkawari.collect")

REMEMBERED: Final = timedelta(days=60)
"""For so long a mail that answers nothing is put with what its writer was last told."""

STRANGER: Final = "somebody else"


class Became(StrEnum):
    """
    What a mail became.

    `answer`: it changed an action or asks for a decision. `note`: a coordinator reads it.
    `stranger`: the same, of somebody whom we had not written to. `stop`: its writer gets no more
    mails. `bounce`: a server gave up. `delayed`: one still tries. `late`: a bounce of an address
    that was corrected since. `automatic`, `list`, `own`: no person wrote it to us. `unplaced`: it
    belongs to nothing; it lies in the mailbox with a flag. `again`: it was read before.
    """

    ANSWER = "answer"
    NOTE = "note"
    STRANGER = "stranger"
    STOP = "stop"
    BOUNCE = "bounce"
    DELAYED = "delayed"
    LATE = "late"
    AUTOMATIC = "automatic"
    MAILING_LIST = "list"
    OWN = "own"
    UNPLACED = "unplaced"
    AGAIN = "again"


@dataclass(frozen=True, slots=True)
class HeardMail:
    """A mail as it was read, and its size on the server in bytes."""

    received: Received
    size: int


def take_mail(services: Services, heard: HeardMail, now: datetime) -> Became:
    """Take a mail in, with all that follows from it, in one transaction; once for each key."""
    with services.database.write() as connection:
        if not first_time(connection, heard.received.key, Origin.MAIL, now):
            return Became.AGAIN
        became, reason = _Taking(services, connection, heard, now).take()
        note_became(connection, heard.received.key, became, reason)
    log.info("a mail came in: %s", became)
    return became


@dataclass(frozen=True, slots=True)
class _Match:
    """What a mail answers: who was told what; `by` is who writes, None for a stranger."""

    told: Sequence[Told]
    by: Person | None
    person: Person | None
    sent: Sent | None = None
    certain: bool = True


class _Taking:
    """One mail being taken in, in a transaction that is open."""

    def __init__(
        self, services: Services, connection: Connection, heard: HeardMail, now: datetime
    ) -> None:
        self.services, self.connection, self.now = services, connection, now
        self.mail, self.size = heard.received, heard.size
        self.directory: Directory = services.directory(connection)

    def take(self) -> tuple[Became, str]:
        match self.mail.sort:
            case Sort.BOUNCE:
                return self._bounce()
            case Sort.AUTOMATIC:
                return Became.AUTOMATIC, self.mail.reason
            case Sort.MAILING_LIST:
                return Became.MAILING_LIST, self.mail.reason
            case Sort.OWN:
                return Became.OWN, self.mail.reason
        if sent_with(self.connection, "", [self.mail.message_id]):
            return Became.OWN, "a message of ours came back"
        if self.mail.sort is Sort.STOP:
            return self._stop()
        return self._reply()

    def _bounce(self) -> tuple[Became, str]:
        report = self.mail.bounce
        assert report is not None  # noqa: S101 - that is what makes it one
        sent = sent_with(self.connection, self.mail.code, report.message_ids)
        if sent is None:
            return Became.UNPLACED, "a bounce of no message of ours"
        if not report.permanent:
            return Became.DELAYED, report.reason
        person = person_with(self.connection, sent.person_id)
        if person is None:
            return Became.LATE, "the person is gone"
        current = person.email.casefold() == sent.recipient.casefold()
        bounce(self.connection, sent, report.reason or "the mail came back", self.now)
        if not current:
            # What the old address never showed is said to the new one, if it is still true.
            say_again(self.connection, sent, self.now)
            return Became.LATE, report.reason
        if not person.flagged:
            flag(self.connection, person.id, sent.id, report.reason, self.now)
        return Became.BOUNCE, report.reason

    def _stop(self) -> tuple[Became, str]:
        sent = sent_with(self.connection, self.mail.code, self.mail.answers)
        wanted = sent.person_id if sent else self.mail.stop_of
        person = person_with(self.connection, wanted) if wanted else None
        if person is None:
            persons = people_at(self.connection, self.mail.sender)
            person = persons[0] if len(persons) == 1 else None
        if person is None:
            return Became.UNPLACED, "a stop request of nobody whom we know"
        own = {person.email.casefold(), sent.recipient.casefold() if sent else ""} - {""}
        if self.mail.sender not in own or self.mail.doubted:
            told = told_in(self.connection, sent.id) if sent else []
            return self._from_stranger(told, person)
        if sent and sent.sort is MessageSort.DIGEST and stop_digest(self.connection, sent.id):
            return Became.STOP, "a digest"
        stop_mail(self.connection, person, self.now)
        return Became.STOP, ""

    def _reply(self) -> tuple[Became, str]:
        match = self._match()
        found = self._understood(match.told if match else ())
        if match is None:
            return self._by_code(found)
        if match.by is None:
            return self._from_stranger(match.told, match.person)
        if not match.certain:
            codes = [one for one in found if one.checked]
            if not codes:
                refs = [one.ref for one in match.told]
                self._note(refs, self._words(refs), match.by)
                return Became.NOTE, "answers no message"
            found = codes
        if not match.told:
            return self._by_code(found)
        return self._take(found, match.told, match.by)

    def _match(self) -> _Match | None:
        """What the mail answers: by its code, by a Message-ID, by a thread, else by its writer."""
        mail, connection = self.mail, self.connection
        sent = sent_with(connection, mail.code, mail.answers)
        if sent is not None:
            person = person_with(connection, sent.person_id)
            return _Match(told_in(connection, sent.id), self._writer(sent, person), person, sent)
        persons = [] if mail.doubted else people_at(connection, mail.sender)
        if not persons:
            return None
        told = self._by_thread(told_to(connection, [p.id for p in persons]))
        if told:
            return _Match(told, persons[0], persons[0])
        last = last_sent_to(connection, [p.id for p in persons], self.now - REMEMBERED)
        if last is None:
            return None
        by = next((p for p in persons if p.id == last.person_id), persons[0])
        return _Match(told_in(connection, last.id), by, by, last, certain=False)

    def _writer(self, sent: Sent, person: Person | None) -> Person | None:
        """Whom we wrote to, or somebody else of that party; None for anybody else."""
        sender = self.mail.sender
        if person is None or not sender or self.mail.doubted:
            return None
        if sender in {sent.recipient.casefold(), person.email.casefold()}:
            return person
        others = people_at(self.connection, sender)
        return next(
            (p for p in others if p.party_id is not None and p.party_id == person.party_id), None
        )

    def _by_thread(self, told: Iterable[Told]) -> list[Told]:
        domain = self.services.office.domain
        return [one for one in told if thread_of(one.action_id, domain) in self.mail.answers]

    def _understood(self, told: Sequence[Told]) -> list[Understood]:
        decisions = [int(one.cause[1:]) for one in told if one.cause.startswith("w")]
        said = answers_by_id(self.connection, decisions)
        asked = []
        for one in told:
            about = said.get(int(one.cause[1:])) if one.cause.startswith("w") else None
            until = about.until if about else None
            asked.append(Asked(ref=one.ref, purpose=PURPOSE_OF.get(one.kind), proposed_on=until))
        today = self.now.date()
        if told:
            today = self.directory.today(self._action(told[0].ref).dialogue_id, self.now)
        return understand(self.mail.text, asked, today)

    def _by_code(self, found: Sequence[Understood]) -> tuple[Became, str]:
        """A mail that answers nothing still counts by whole codes from an address that we know."""
        persons = [] if self.mail.doubted else people_at(self.connection, self.mail.sender)
        codes = [one for one in found if one.checked]
        if not persons or not codes:
            return Became.UNPLACED, "it answers nothing, and names no whole code"
        return self._take(codes, (), persons[0])

    def _take(
        self, found: Sequence[Understood], told: Sequence[Told], by: Person
    ) -> tuple[Became, str]:
        """Every answer of the mail, each about its action, what came with it kept beside it."""
        about = [one.ref for one in told]
        each: list[tuple[str, Answer]] = []
        for understood in found or [self._wordless(about)]:
            known = self._known(understood.ref) if understood.ref else ""
            each += [(ref, understood.answer) for ref in ([known] if known else about)]
        if not each:
            return Became.UNPLACED, "it names no action that there is"
        each.sort(key=lambda pair: pair[0])  # two mails at once take actions in the same order
        pieces, remarks = self._pieces(each[0][0])
        for number, (ref, answer) in enumerate(each, start=1):
            given = Given(
                key=f"{self.mail.key}:{number}", ref=ref, by=by.key, answer=answer,
                origin=Origin.MAIL, keep_refused=True, evidence=tuple(pieces),
            )  # fmt: skip
            if not self._taken(given):
                self._taken(replace(given, evidence=()))
                language = self._language(ref)
                remarks += [file_refused(language, p.name, Refused.FULL) for p in pieces]
        self._note([each[0][0]], "\n".join(dict.fromkeys(remarks)), by)
        said_plainly = any(answer.verb is not Verb.OTHER for _ref, answer in each)
        return (Became.ANSWER if said_plainly else Became.NOTE), ""

    def _taken(self, given: Given) -> bool:
        """False, and nothing done, if the action cannot take more files."""
        try:
            with self.connection.begin_nested():
                take_one(self.connection, self.directory, given, self.now)
        except BadValue:
            if not given.evidence:
                raise
            return False
        return True

    def _known(self, ref: str) -> str:
        try:
            return find_action(self.connection, ref).ref
        except UnknownThing:
            return ""

    def _wordless(self, about: Sequence[str]) -> Understood:
        """Nothing but a quotation or a file: a coordinator reads that there were no words."""
        return Understood(ref="", answer=Answer(verb=Verb.OTHER, note=self._words(about)))

    def _words(self, about: Sequence[str]) -> str:
        """What the writer said, or that it was nothing."""
        return self.mail.text or (no_words(self._language(about[0])) if about else "")

    def _from_stranger(self, told: Sequence[Told], person: Person | None) -> tuple[Became, str]:
        """Of somebody whom we did not write to nothing is applied; a coordinator reads it."""
        if not told:
            return Became.UNPLACED, "of a stranger, about no action"
        refs = [one.ref for one in told]
        remark = of_a_stranger(self._language(refs[0]), files=bool(self.mail.attachments))
        self._note(refs, f"{self._words(refs)}\n\n{remark}", None, about=person)
        return Became.STRANGER, ""

    def _note(
        self, refs: Sequence[str], note: str, by: Person | None, about: Person | None = None
    ) -> None:
        """Put words on record for the coordinators, without any effect on the actions."""
        if not note:
            return
        person = by or about
        for number, ref in enumerate(refs, start=1):
            action = self._action(ref)
            answer_id = keep_answer(
                self.connection, action, Answer(verb=Verb.OTHER, note=note),
                key=f"{self.mail.key}:note:{number}", by=by.key if by else STRANGER,
                person_id=by.id if by else None, origin=Origin.MAIL,
                source="" if by else self.mail.sender, outcome=AnswerOutcome.NOTED, said="",
                now=self.now,
            )  # fmt: skip
            coordinators = self.directory.circle(action).coordinators
            readers = [(each, "note") for each in coordinators if by is None or each.id != by.id]
            tell_of_answer(
                self.connection, action, answer_id, readers,
                about_id=person.id if person else None, now=self.now,
            )  # fmt: skip

    def _pieces(self, ref: str) -> tuple[list[Piece], list[str]]:
        """The files of a mail as evidence, and what is to be said of those that are not kept."""
        pieces: list[Piece] = []
        remarks: list[str] = []
        for attachment in self.mail.attachments:
            data = attachment.data
            if data is None or len(data) > LARGEST:
                remarks.append(file_refused(self._language(ref), attachment.name, Refused.LARGE))
                continue
            try:
                piece, freed = examined(data, attachment.name)
            except BadValue:
                remarks.append(file_refused(self._language(ref), attachment.name, Refused.SORT))
                continue
            store(self.services, freed, piece)
            pieces.append(piece)
        if not self.mail.whole and not remarks:
            remarks.append(mail_cut(self._language(ref), self.size))
        return pieces, remarks

    def _language(self, ref: str) -> str:
        """The language in which the coordinators of an action are spoken to."""
        dialogue = self.directory.dialogues[self._action(ref).dialogue_id]
        return spoken(*dialogue.languages)

    def _action(self, ref: str) -> Action:
        action = find_action(self.connection, ref)
        self.directory.ensure([action])
        return action
