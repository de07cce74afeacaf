"""A filled sheet taken in: all of its answers or none, and typing it twice changes nothing."""

import hashlib
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Final

from config.plan_values import RowError
from config.sheet import Sheet, SheetAnswer
from config.wiring import Services
from engine.action import OWED, Action, State
from engine.answer import Answer, Origin, Verb
from engine.codes import fold
from engine.errors import BadValue, EngineError, ForbiddenMove, UnknownThing
from engine.history import payload_text
from engine.party import Person, Role
from engine.store.answer_tables import AnswerOutcome
from engine.store.answers import Kept, find_answer
from engine.store.database import Connection
from engine.store.records import find_action
from workflows.answers import Given, Taken, take_one
from workflows.record import Asked, log_call_in

TYPED: Final = (Origin.PAPER, Origin.PHONE, Origin.SITE, Origin.SMS)
"""How what stands on a sheet may have been heard."""

_METHODS: Final = {
    Origin.PAPER: "told on paper",
    Origin.PHONE: "told by telephone",
    Origin.SITE: "seen on the spot",
    Origin.SMS: "told by text message",
}
_JUDGING: Final = frozenset({Verb.CONFIRMED, Verb.NOT_YET, Verb.NOT_SEEN})
_CONTRARY: Final = (
    (frozenset({Verb.DONE}), frozenset({Verb.MORE_TIME, Verb.BLOCKED, Verb.CANNOT, Verb.NOT_ME})),
    (frozenset({Verb.CONFIRMED}), frozenset({Verb.NOT_YET, Verb.NOT_SEEN})),
    (frozenset({Verb.AGREED}), frozenset({Verb.DECLINED})),
)
"""What cannot both be meant of one action on one day, if one voice says it."""

_ORDER: Final = {
    verb: place
    for place, verb in enumerate((
        Verb.AGREED, Verb.DECLINED, Verb.TAKEN_NOTE, Verb.HELP, Verb.MORE_TIME, Verb.BLOCKED,
        Verb.NOT_ME, Verb.CANNOT, Verb.DONE, Verb.NOT_SEEN, Verb.NOT_YET, Verb.CONFIRMED,
        Verb.OTHER,
    ))
}  # fmt: skip
"""In which order what was said on one day counts, whatever the order of the rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Typist:
    """
    Who types a sheet, and how what stands on it was heard.

    `by`: a coordinator; empty takes the only one of each dialogue. `who` and `on` stand for rows
    that do not say whose word they are, or when it was said.
    """

    by: str = ""
    origin: Origin = Origin.PAPER
    who: str = ""
    on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetTaken:
    """
    What became of a sheet; with errors nothing was taken.

    `refused` were put on record for the coordinator, since the action cannot take them as it
    stands; `again` had come before. `remarks` say why, of rows that a person should look at.
    """

    rows: int
    applied: int = 0
    noted: int = 0
    refused: int = 0
    again: int = 0
    errors: tuple[RowError, ...] = ()
    remarks: tuple[RowError, ...] = ()

    def as_dict(self) -> Mapping[str, object]:
        """The JSON of the `answers` command."""
        return {
            "rows": self.rows,
            "applied": self.applied,
            "noted": self.noted,
            "refused": self.refused,
            "again": self.again,
            "errors": [asdict(error) for error in self.errors],
            "remarks": [asdict(remark) for remark in self.remarks],
        }


def take_sheet(
    services: Services, sheet: Sheet, typist: Typist, now: datetime, *, dry_run: bool = False
) -> SheetTaken:
    """Take in the answers of a sheet, in one transaction."""
    with services.database.write() as connection:
        taking = _Sheet(services, connection, typist, now)
        done = taking.take(sheet)
        if dry_run or done.errors:
            connection.rollback()
    return done


def call_and_answer(
    services: Services, asked: Asked, note: str, said: SheetAnswer, now: datetime
) -> Action:
    """A call that reached the party and the answer that was given in it, recorded together."""
    if fold(said.ref) != fold(asked.ref):
        raise BadValue("--answer", said.shown, f"this code is not of {asked.ref}")
    with services.database.write() as connection:
        log_call_in(services, connection, asked, note, reached=True, now=now)
        typist = Typist(by=asked.by, origin=Origin.PHONE)
        done = _Sheet(services, connection, typist, now).take(Sheet(1, (said,), ()))
        for trouble in (*done.errors, *(done.remarks if done.refused else ())):
            raise BadValue("--answer", said.shown, trouble.reason)
        return find_action(connection, asked.ref)


def key_of(action: Action, said: SheetAnswer) -> str:
    """
    What a row says, wherever it stands and whatever file it came in: its key.

    Capitals, accents written in another way and runs of space make no difference, nor do the
    language of the code and who typed it.
    """
    words = (said.note, said.seen, said.method, said.who)
    content = {
        "action": action.id,
        "verb": said.verb,
        "until": said.until,
        "obstacle": said.obstacle,
        "level": said.level,
        "on": said.on,
        "words": [
            " ".join(unicodedata.normalize("NFKC", text).casefold().split()) for text in words
        ],
    }
    return f"sheet:{hashlib.sha256(payload_text(content).encode()).hexdigest()}"


class _Refused(Exception):
    def __init__(self, column: str, value: str, reason: str) -> None:
        super().__init__(reason)
        self.column, self.value, self.reason = column, value, reason


@dataclass(frozen=True, slots=True)
class _Row:
    said: SheetAnswer
    action: Action
    key: str
    before: Kept | None


class _Sheet:
    """One sheet being taken in, in a transaction that is open."""

    def __init__(
        self, services: Services, connection: Connection, typist: Typist, now: datetime
    ) -> None:
        self.connection, self.typist, self.now = connection, typist, now
        self.directory = services.directory(connection)
        self.errors: list[RowError] = []
        self.remarks: list[RowError] = []

    def take(self, sheet: Sheet) -> SheetTaken:
        self.errors += sheet.errors
        rows = self._rows(sheet.answers)
        self._refuse_contradictions([row for row in rows if row.before is None])
        tally: dict[str, int] = defaultdict(int)
        for row in sorted(rows, key=_place):
            taken = self._try(row)
            if taken is not None:
                tally["again" if taken.again else taken.outcome] += 1
        return SheetTaken(
            rows=sheet.rows,
            applied=0 if self.errors else tally[AnswerOutcome.APPLIED],
            noted=0 if self.errors else tally[AnswerOutcome.NOTED],
            refused=0 if self.errors else tally[AnswerOutcome.REFUSED],
            again=0 if self.errors else tally["again"],
            errors=tuple(sorted(self.errors, key=lambda error: error.row)),
            remarks=tuple(sorted(self.remarks, key=lambda remark: remark.row)),
        )

    def _rows(self, answers: Iterable[SheetAnswer]) -> list[_Row]:
        """The rows with their actions, locked in one order: two sheets cannot block each other."""
        found: list[tuple[SheetAnswer, Action]] = []
        for answer in answers:
            said = replace(
                answer, who=answer.who or self.typist.who, on=answer.on or self.typist.on
            )
            try:
                found.append((said, find_action(self.connection, said.ref)))
            except UnknownThing as error:
                self._complain(said, "code", said.shown, str(error).rstrip("."))
        for _id, ref in sorted({(action.id, action.ref) for _said, action in found}):
            find_action(self.connection, ref, lock=True)
        rows = []
        for said, action in found:
            key = key_of(action, said)
            rows.append(_Row(said, action, key, find_answer(self.connection, key)))
        return rows

    def _refuse_contradictions(self, rows: Sequence[_Row]) -> None:
        heard: dict[tuple[int, date | None], list[_Row]] = defaultdict(list)
        for row in rows:
            heard[row.action.id, row.said.on].append(row)
        for together in heard.values():
            for row in together:
                other = next((one for one in together if _contrary(one.said, row.said)), None)
                if other is not None and other.said.row < row.said.row:
                    reason = (
                        f"row {other.said.row} says the contrary of the same day; keep the one "
                        "that is meant, or write under `on` when each was said"
                    )
                    self._complain(row.said, "code", row.said.shown, reason)

    def _try(self, row: _Row) -> Taken | None:
        try:
            with self.connection.begin_nested():
                taken = self._take(row)
        except _Refused as error:
            self._complain(row.said, error.column, error.value, error.reason)
        except BadValue as error:
            self._complain(row.said, error.field, str(error.value), error.reason)
        except EngineError as error:
            self._complain(row.said, "code", row.said.shown, _sentence(error))
        else:
            if taken.again:
                self._remark_on_what_moved(row, taken)
            elif taken.outcome is AnswerOutcome.REFUSED:
                self._remark(row.said, taken.said.rstrip("."))
            return taken
        return None

    def _take(self, row: _Row) -> Taken:
        said, action = row.said, find_action(self.connection, row.action.ref)
        self.directory.ensure([action])
        today = self.directory.today(action.dialogue_id, self.now)
        if said.on and said.on > today:
            raise _Refused("on", said.on.isoformat(), f"lies after today, {today}")
        given = Given(
            key=row.key,
            ref=action.ref,
            by=self._coordinator(action).key,
            answer=_answer(said, self.typist.origin),
            origin=self.typist.origin,
            source=f"{said.who}{', ' if said.who and said.on else ''}{said.on or ''}",
            word_of=self._speaker(action, said) if said.verb in _JUDGING else "",
            said_on=said.on,
            typed=True,
            keep_refused=True,
        )
        taken = take_one(self.connection, self.directory, given, self.now)
        if (
            taken.outcome is AnswerOutcome.REFUSED
            and not taken.again
            and _may_be_mended(said, today)
        ):
            raise _Refused("until", str(said.until), f"must lie after today, {today}")
        return taken

    def _coordinator(self, action: Action) -> Person:
        """Who types it: the one that was named, else the only coordinator of the dialogue."""
        known = self.directory.circle(action).coordinators
        wanted = fold(self.typist.by)
        named = [p for p in known if wanted in {fold(p.key), fold(p.email)}] if wanted else [*known]
        if len(named) == 1:
            return named[0]
        keys = ", ".join(person.key for person in known)
        if not wanted:
            raise _Refused("", "", f"say who types it with --by: {keys}")
        raise _Refused("", self.typist.by, f"does not coordinate {action.ref}; known: {keys}")

    def _speaker(self, action: Action, said: SheetAnswer) -> str:
        """The key of the person whose confirmation this is: the record must know them."""
        circle = self.directory.circle(action)
        verifiers = dict.fromkeys((*circle.verifiers, *self._of_the_verifying_party(action)))
        called = fold(said.who)
        for person in verifiers:
            party = self.directory.parties.get(person.party_id) if person.party_id else None
            names = (person.key, person.email, person.function, person.name, party and party.name)
            if called in {fold(name) for name in names if name}:
                return person.key
        known = ", ".join(f"{person.function} ({person.key})" for person in verifiers) or "nobody"
        raise _Refused("who", said.who, f"is not known as who confirms {action.ref}: {known}")

    def _of_the_verifying_party(self, action: Action) -> list[Person]:
        return [
            person
            for person in self.directory.people.values()
            if action.verifier_id is not None
            and person.party_id == action.verifier_id
            and self.directory.roles_of(person.id, action.dialogue_id)
            & {Role.FOCAL_POINT, Role.ALTERNATE, Role.VERIFIER, Role.COORDINATOR}
        ]

    def _remark_on_what_moved(self, row: _Row, taken: Taken) -> None:
        """
        A row that came before and says no day may have been said anew; nobody may guess that.

        It changes nothing, but where the action has moved since, whoever types is told.
        """
        asks = _STILL_TO_DO.get(row.said.verb, frozenset())
        since = taken.action.state_since_on
        first = self.directory.today(taken.action.dialogue_id, taken.at)
        if row.said.on is None and taken.action.state in asks and since and since > first:
            self._remark(
                row.said,
                f"was typed on {first} already, and {taken.action.ref} has moved since; if it was "
                "said again, write under `on` when",
            )

    def _complain(self, said: SheetAnswer, column: str, value: str, reason: str) -> None:
        self.errors.append(RowError(row=said.row, column=column, value=value, reason=reason))

    def _remark(self, said: SheetAnswer, reason: str) -> None:
        self.remarks.append(RowError(row=said.row, column="code", value=said.shown, reason=reason))


_STILL_TO_DO: Final = {
    Verb.DONE: OWED,
    Verb.BLOCKED: OWED - {State.BLOCKED},
    Verb.CONFIRMED: frozenset({State.REPORTED_DONE}),
    Verb.NOT_YET: frozenset({State.REPORTED_DONE}),
}
"""Where an action stands when that answer, given earlier, does not hold any more."""


def _place(row: _Row) -> tuple[date, int, str]:
    return (row.said.on or date.max, _ORDER[row.said.verb], row.key)


def _answer(said: SheetAnswer, origin: Origin) -> Answer:
    blocked = said.verb is Verb.BLOCKED
    return Answer(
        verb=said.verb,
        note=said.note,
        until=None if blocked else said.until,
        review_on=said.until if blocked else None,
        obstacle=said.obstacle,
        level=said.level,
        seen=said.seen,
        seen_on=said.on if said.verb is Verb.CONFIRMED else None,
        method=said.method or (_METHODS[origin] if said.verb is Verb.CONFIRMED else ""),
        named=said.note if said.verb is Verb.NOT_ME else "",
    )


def _may_be_mended(said: SheetAnswer, today: date) -> bool:
    """A slip on the sheet, which its typist can put right, and not the state of the action."""
    return said.until is not None and said.until <= today


def _contrary(one: SheetAnswer, other: SheetAnswer) -> bool:
    if one.who and other.who and fold(one.who) != fold(other.who):
        return False
    pair = (one.verb, other.verb)
    return any(
        (pair[0] in here and pair[1] in there) or (pair[1] in here and pair[0] in there)
        for here, there in _CONTRARY
    )


def _sentence(error: EngineError) -> str:
    return error.why if isinstance(error, ForbiddenMove) else str(error).rstrip(".")
