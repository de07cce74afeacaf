"""One row of a plan: what each of its cells may hold, and what must fit together in it."""

from collections.abc import Callable, Collection, Iterator
from datetime import date
from functools import lru_cache, partial
from typing import TypeVar

from config.plan_cells import (
    did_you_mean,
    not_one_of,
    read_country,
    read_email,
    read_language,
    read_phone,
    read_ref,
    read_rest_days,
    read_text,
    read_timezone,
    read_word,
    split_list,
)
from config.plan_columns import (
    FROM_A_PLAN,
    LONGEST_ACTION,
    LONGEST_DIALOGUE,
    LONGEST_NAME,
    LONGEST_RULE,
    LONGEST_TEXT,
    REQUIRED,
    Record,
)
from config.plan_days import read_day
from config.plan_values import PlanRow, RowError
from engine.action import OWED, Handling, Kind, State
from engine.errors import N_, BadValue, reason_of
from engine.party import Side
from engine.recurrence import parse

_MEMORY = 8_192  # distinct values of one column that are read only once
_SOME_DAY = date(2000, 1, 3)  # a rule must be sound from any first day; this one stands in


_Value = TypeVar("_Value")


class RowReader:
    """
    Reads records into rows, one after the other; `known_refs` are references of actions that exist.

    What repeats from row to row (names, addresses, days) is read once and then remembered: that
    is nine tenths of the speed, and equal texts become one object in memory.
    """

    def __init__(self, known_refs: Collection[str] = ()) -> None:
        self._known = {ref.casefold() for ref in known_refs}
        self._record = Record(row=0, cells={})
        self._errors: list[RowError] = []
        self._name = lru_cache(_MEMORY)(partial(read_text, longest=LONGEST_NAME))
        self._dialogue = lru_cache(_MEMORY)(partial(read_text, longest=LONGEST_DIALOGUE))
        self._commitment = lru_cache(_MEMORY)(partial(read_text, longest=LONGEST_TEXT, lines=True))
        self._columns = lru_cache(_MEMORY)(frozenset[str])
        self._text = partial(read_text, longest=LONGEST_TEXT, lines=True)
        self._action = partial(read_text, longest=LONGEST_ACTION)
        self._email = lru_cache(_MEMORY)(read_email)
        self._phone = lru_cache(_MEMORY)(read_phone)
        self._day = lru_cache(_MEMORY)(read_day)
        self._rule = lru_cache(_MEMORY)(_read_rule)
        self._country = lru_cache(_MEMORY)(read_country)
        self._timezone = lru_cache(_MEMORY)(read_timezone)
        self._language = lru_cache(_MEMORY)(read_language)
        self._rest_days = lru_cache(_MEMORY)(read_rest_days)
        self._kind = lru_cache(_MEMORY)(partial(read_word, words=Kind))
        self._side = lru_cache(_MEMORY)(partial(read_word, words=Side))
        self._state = lru_cache(_MEMORY)(_read_state)
        self._handling = lru_cache(_MEMORY)(partial(read_word, words=Handling))

    def read(self, record: Record) -> tuple[PlanRow, list[RowError]]:
        """
        The row, and everything that is wrong with it.

        With errors the row holds what could be read: enough to compare it with other rows.
        """
        self._record, self._errors = record, []
        row = self._row()
        wrong = {error.column for error in self._errors}
        for column, value, reason in (*_contradictions(row), *self._entry(row)):
            # One mistake, one error: what could not be read is not missing as well.
            is_told = column in record.refused or record.names.get(column, column) in wrong
            if not is_told and not self._is_absent(column):
                self._errors.append(record.error(column, value, reason))
        return row, self._errors

    def _entry(self, row: PlanRow) -> Iterator[tuple[str, str, str]]:
        """An action enters in a state that needs no decision; one that is there has its own."""
        if row.state not in FROM_A_PLAN and row.ref.casefold() not in self._known:
            reason = N_(
                "an action cannot enter as %(state)s: that needs a recorded decision; write one "
                "of %(states)s",
                state=str(row.state), states=", ".join(FROM_A_PLAN),
            )  # fmt: skip
            yield "state", row.state, reason

    def _is_absent(self, column: str) -> bool:
        """Whether the header lacks a required column: that is one error and not one per row."""
        return column in REQUIRED and column not in self._record.cells

    def _row(self) -> PlanRow:
        take = self._take
        due = take("due", self._day, None)
        agreed_on = take("agreed_on", self._day, None)
        repeat = take("repeat", partial(self._rule, first_on=due or agreed_on or _SOME_DAY), "")
        kind = take("kind", self._kind, Kind.RECURRING if repeat else Kind.ONE_OFF)
        has_terms = due is not None if kind is Kind.ONE_OFF else bool(repeat)
        responsible = take("responsible", self._name, "")
        return PlanRow(
            row=self._record.row,
            ref=take("ref", read_ref, ""),
            dialogue=take("dialogue", self._dialogue, ""),
            country=take("country", self._country, ""),
            timezone=take("timezone", self._timezone, ""),
            language=take("language", self._language, ""),
            rest_days=self._taken_rest_days(),
            commitment=take("commitment", self._commitment, ""),
            action=take("action", self._action, ""),
            kind=kind,
            repeat=repeat,
            responsible=responsible,
            responsible_side=take("responsible_side", self._side, None),
            responsible_email=take("responsible_email", self._email, ""),
            responsible_phone=take("responsible_phone", self._phone, ""),
            responsible_language=take("responsible_language", self._language, ""),
            alternate_email=take("alternate_email", self._email, ""),
            co_responsible=tuple(
                name for name in self._several("co_responsible", self._name) if name != responsible
            ),
            verifier=take("verifier", self._name, ""),
            verifier_side=take("verifier_side", self._side, None),
            verifier_email=take("verifier_email", self._email, ""),
            coordinator_email=take("coordinator_email", self._email, ""),
            agreed_on=agreed_on,
            due=due,
            review_on=take("review_on", self._day, None),
            state=take("state", self._state, State.AGREED if has_terms else State.PROPOSED),
            evidence=take("evidence", self._text, ""),
            handling=take("handling", self._handling, Handling.DIALOGUE),
            depends_on=self._several("depends_on", read_ref),
            notes=take("notes", self._text, ""),
            given=self._columns((*self._record.cells, *self._record.lists)),
        )

    def _take(self, column: str, read: Callable[[str], _Value], empty: _Value) -> _Value:
        raw = self._record.cells.get(column)
        if not raw or raw.isspace():
            return empty
        try:
            return read(raw)
        except ValueError as error:
            self._errors.append(self._record.error(column, raw, reason_of(error)))
            return empty

    def _several(self, column: str, read: Callable[[str], str]) -> tuple[str, ...]:
        given = self._record.lists.get(column)
        if given is None:
            raw = self._record.cells.get(column)
            if not raw or raw.isspace():
                return ()
            given = split_list(raw)
        values = dict[str, None]()
        for part in given:
            try:
                values[read(part)] = None
            except ValueError as error:
                self._errors.append(self._record.error(column, part, reason_of(error)))
        return tuple(values)

    def _taken_rest_days(self) -> frozenset[int] | None:
        given = self._record.lists.get("rest_days")
        if given is None:
            return self._take("rest_days", self._rest_days, None)
        try:
            return self._rest_days(",".join(given))
        except ValueError as error:
            self._errors.append(self._record.error("rest_days", ",".join(given), reason_of(error)))
            return None


def _read_rule(raw: str, first_on: date) -> str:
    rule = read_text(raw, LONGEST_RULE)
    try:
        parse(rule, first_on)
    except BadValue as error:
        raise ValueError(error.reason) from None
    return rule


def _read_state(raw: str) -> State:
    try:
        return read_word(raw, State)
    except ValueError:
        hint = did_you_mean(raw.casefold(), FROM_A_PLAN)
        raise ValueError(not_one_of(FROM_A_PLAN, hint)) from None


def _contradictions(row: PlanRow) -> Iterator[tuple[str, str, str]]:
    """Column, value and reason of what is missing from a row or does not fit together in it."""
    for column in REQUIRED:
        if not getattr(row, column):
            yield column, "", N_("every action needs this")
    yield from _terms(row)
    yield from _confirmation(row)
    if row.state is State.BLOCKED and not row.notes:
        yield "notes", "", N_("say what blocks the action")
    if row.review_on and row.state is not State.BLOCKED:
        yield "review_on", str(row.review_on), N_("only a blocked action has a review date")
    if row.ref and row.ref.casefold() in map(str.casefold, row.depends_on):
        yield "depends_on", row.ref, N_("an action cannot wait for itself")


def _terms(row: PlanRow) -> Iterator[tuple[str, str, str]]:
    if row.kind is Kind.ONE_OFF:
        if row.repeat:
            why = N_("a one_off action does not repeat; leave kind or this empty")
            yield "repeat", row.repeat, why
        if row.due is None and row.state in OWED:
            why = N_("a one_off action that is %(state)s needs a due date", state=str(row.state))
            yield "due", "", why
        if row.state is State.IN_FORCE:
            yield "state", row.state, N_("only a recurring or standing action is in_force")
        return
    said = {"kind": str(row.kind), "state": str(row.state)}
    if not row.repeat and row.state is not State.PROPOSED:
        yield "repeat", "", N_("a %(kind)s action that is %(state)s needs a rule", **said)
    if row.state is State.VERIFIED:
        why = N_("a %(kind)s action that holds is in_force, not verified", kind=said["kind"])
        yield "state", row.state, why


def _confirmation(row: PlanRow) -> Iterator[tuple[str, str, str]]:
    if row.verifier and row.verifier.casefold() == row.responsible.casefold():
        yield "verifier", row.verifier, N_("the party that acts cannot confirm its own action")
    if row.verifier_email and row.verifier_email.casefold() in {
        row.responsible_email.casefold(),
        row.alternate_email.casefold(),
    }:
        yield "verifier_email", row.verifier_email, N_("the mailbox that answers cannot confirm")
