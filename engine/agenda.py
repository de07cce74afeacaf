"""What a committee has to look at in its next session, and under which heading."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from engine.action import OWED, Action, Handling, State
from engine.answer import Verb
from engine.conditions import Condition


class Section(StrEnum):
    """
    The headings of an agenda in their order: what needs a decision first, what is done last.

    `brought` was put on the agenda by the ladder. `by_reference` is what may not be told in a room.
    """

    BROUGHT = "brought"
    DISPUTED = "disputed"
    STALLED = "stalled"
    BLOCKED = "blocked"
    DATE_ASKED = "date_asked"
    TO_CONFIRM = "to_confirm"
    COMING = "coming"
    PROPOSED = "proposed"
    BY_REFERENCE = "by_reference"
    CONFIRMED = "confirmed"


OPEN: Final = tuple(section for section in Section if section is not Section.CONFIRMED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The time that an agenda looks at: what was done since a day, what is due until another."""

    since: date
    until: date


def section_of(
    action: Action,
    conditions: Collection[Condition],
    span: Span,
    *,
    brought: bool,
    date_asked: bool,
) -> Section | None:
    """
    Under which heading an action stands; None if it is not looked at this time.

    What is closed to most readers is on no agenda. Of what is restricted only the reference is,
    and only while something is open about it.
    """
    if action.handling is Handling.CLOSED:
        return None
    section = _section(action, conditions, span, brought=brought, date_asked=date_asked)
    if action.handling is Handling.RESTRICTED and section is not None:
        return Section.BY_REFERENCE if section in OPEN else None
    return section


def _section(
    action: Action,
    conditions: Collection[Condition],
    span: Span,
    *,
    brought: bool,
    date_asked: bool,
) -> Section | None:
    due = action.due_on is not None and action.due_on <= span.until
    if action.state in {State.VERIFIED, State.IN_FORCE}:
        if action.state is State.IN_FORCE and due:
            return Section.COMING
        recent = action.state_since_on is not None and action.state_since_on > span.since
        return Section.CONFIRMED if recent else None
    if action.state in OWED:
        return _owed(action, conditions, due=due, brought=brought, date_asked=date_asked)
    return {
        State.PROPOSED: Section.PROPOSED,
        State.DISPUTED: Section.DISPUTED,
        State.REPORTED_DONE: Section.TO_CONFIRM,
    }.get(action.state)


def _owed(
    action: Action,
    conditions: Collection[Condition],
    *,
    due: bool,
    brought: bool,
    date_asked: bool,
) -> Section | None:
    if brought:
        return Section.BROUGHT
    if Condition.STALLED in conditions:
        return Section.STALLED
    if action.state is State.BLOCKED:
        return Section.BLOCKED
    if date_asked:
        return Section.DATE_ASKED
    return Section.COMING if due else None


def boxes(action: Action, *, date_asked: bool) -> tuple[Verb, ...]:
    """What can be ticked about an action as it stands; nothing where only words can settle it."""
    if action.state in OWED:
        own = (Verb.DONE, Verb.MORE_TIME, Verb.BLOCKED, Verb.HELP, Verb.CANNOT)
        return (Verb.AGREED, Verb.DECLINED, Verb.DONE) if date_asked else own
    if action.state is State.REPORTED_DONE:
        return (Verb.CONFIRMED, Verb.NOT_YET, Verb.NOT_SEEN)
    return (Verb.DONE,) if action.state is State.IN_FORCE else ()
