"""Parts of the programme, and the actions behind a number of its figures, as conditions in SQL."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, false, func, or_, select, true

from engine.action import OWED, Handling, Kind, Level, State
from engine.calendar import WorkingCalendar
from engine.conditions import Condition, Thresholds
from engine.digest import AGES, PLACES, Place
from engine.party import Side
from engine.permission import Deed, Member
from engine.store.counting import alike, checks_of, last_due_before
from engine.store.directory import Directory
from engine.store.seen import dialogues_of, seen
from engine.store.tables import actions, dialogues, parties

A = actions.c

OPEN: Final = A.handling != Handling.CLOSED.value
"""What may be counted one by one."""

AT_ONCE: Final = 500

_OWED: Final = [state.value for state in OWED]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Which part of the programme: some dialogues (None: every one), a side, a kind of action."""

    dialogue_ids: frozenset[int] | None = None
    side: Side | None = None
    kind: Kind | None = None

    @property
    def whole(self) -> bool:
        """Nothing is left out: only then may the closed ones be told of, in one number."""
        return self.dialogue_ids is None and self.side is None and self.kind is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrow:
    """Which actions stand behind a number of the figures; None where it does not matter."""

    side: Side | None = None
    kind: Kind | None = None
    state: State | None = None
    condition: Condition | None = None
    place: Place | None = None
    reported: Level | None = None
    verified: Level | None = None
    age: str = ""
    counted: bool = False

    @property
    def empty(self) -> bool:
        return self == Narrow()


def narrowed(
    directory: Directory, narrow: Narrow, now: datetime, limits: Thresholds
) -> ColumnElement[bool]:
    """The condition on actions that a number of the figures counts."""
    tests: list[ColumnElement[bool]] = [true()]
    for column, wanted in (
        (A.kind, narrow.kind),
        (A.state, narrow.state),
        (A.reported_level, narrow.reported),
        (A.verified_level, narrow.verified),
    ):
        if wanted is not None:
            tests.append(column == wanted.value)
    if narrow.side is not None:
        on_side = select(parties.c.id).where(parties.c.side == narrow.side.value)
        tests.append(A.responsible_id.in_(on_side))
    if narrow.counted:
        tests.append(OPEN)
    if narrow.reported is not None or narrow.verified is not None:
        tests.append(A.state.not_in([state.value for state in State if not rated(state)]))
    if narrow.condition is not None or narrow.place is not None or narrow.age:
        tests.append(_by_day(directory, narrow, now, limits))
    return and_(*tests)


def _by_day(
    directory: Directory, narrow: Narrow, now: datetime, limits: Thresholds
) -> ColumnElement[bool]:
    """What depends on the day and the calendar of each dialogue."""
    ensure_part(directory, Part())
    found = []
    for (calendar, today), ids in alike(directory, now).items():
        tests = checks_of(calendar, today, limits, closed_needs=not narrow.counted)
        own: list[ColumnElement[bool]] = [A.dialogue_id.in_(ids)]
        if narrow.condition is not None:
            own.append(tests[narrow.condition])
        if narrow.place is not None:
            own.append(_at_place(narrow.place, tests[Condition.OVERDUE]))
        if narrow.age:
            own += [tests[Condition.STALLED], _of_age(narrow.age, calendar, today)]
        found.append(and_(*own))
    return or_(*found) if found else false()


def _at_place(place: Place, overdue: ColumnElement[bool]) -> ColumnElement[bool]:
    if place is Place.PAST_DAY:
        return overdue
    states = [state.value for state in State if PLACES[state] is place]
    # A test of an empty date is neither true nor false, and would leave the row out.
    return and_(A.state.in_(states), func.coalesce(overdue, false()).is_(false()))


def _of_age(name: str, calendar: WorkingCalendar, today: date) -> ColumnElement[bool]:
    names = [known for _most, known in AGES]
    if name not in names:
        return false()
    at, older = names.index(name), older_than(calendar, today)
    tests = []
    if at > 0:
        tests.append(older[at - 1])
    if at < len(older):
        tests.append(func.coalesce(older[at], false()).is_(false()))
    return and_(*tests)


def older_than(calendar: WorkingCalendar, today: date) -> list[ColumnElement[bool]]:
    """For each span of working days but the last: what is owed waits for longer than that."""
    last_late = last_due_before(calendar, today)
    worked = today if calendar.is_working(today) else last_late
    found = []
    for most, _name in AGES:
        if most is not None:
            before = calendar.plus(worked, -most)
            due = last_due_before(calendar, before)
            found.append(
                and_(
                    A.state.in_(_OWED),
                    or_(
                        A.due_on <= due,
                        A.original_due_on <= due,
                        and_(A.state == State.BLOCKED.value, A.review_on < before),
                    ),
                )
            )
    return found


def rated(state: State) -> bool:
    """What was agreed and not given up has a level."""
    return PLACES[state] not in {Place.NOT_AGREED, Place.ENDED}


def ensure_part(directory: Directory, part: Part) -> None:
    ids: Iterable[int]
    if part.dialogue_ids is None:
        ids = directory.connection.scalars(select(dialogues.c.id))
    else:
        ids = part.dialogue_ids
    directory.ensure_dialogues(set(ids))


def within(part: Part) -> list[ColumnElement[bool]]:
    tests: list[ColumnElement[bool]] = []
    if part.dialogue_ids is not None:
        tests.append(A.dialogue_id.in_(part.dialogue_ids))
    if part.side is not None:
        tests.append(parties.c.side == part.side.value)
    if part.kind is not None:
        tests.append(A.kind == part.kind.value)
    return tests


def open_ones(dialogue_ids: frozenset[int] | None) -> ColumnElement[bool]:
    """The actions of these dialogues (None: of every one) that may be counted one by one."""
    return and_(OPEN, *within(Part(dialogue_ids=dialogue_ids)))


def refs_seen(connection: Connection, member: Member, refs: Iterable[str]) -> set[str]:
    """Those of these references that somebody may have in a list."""
    homes = [row.id for row in dialogues_of(connection, member)]
    where, wanted = seen(member, Deed.LIST, homes), sorted(set(refs))
    found: set[str] = set()
    for at in range(0, len(wanted), AT_ONCE):
        some = A.ref.in_(wanted[at : at + AT_ONCE])
        found.update(connection.scalars(select(A.ref).where(some, where)))
    return found
