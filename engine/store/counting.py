"""How many actions stand where: counted by the database, by the same rules as `conditions`."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    and_,
    case,
    false,
    func,
    not_,
    or_,
    select,
)

from engine.action import OWED, Handling, State
from engine.calendar import WorkingCalendar
from engine.conditions import Condition, Thresholds
from engine.party import Role
from engine.store.acting import SETTLED
from engine.store.directory import Directory
from engine.store.tables import actions, dependencies, dialogues, people, roles

A = actions.c

# Made once: an alias of a wide table takes longer to make than its question to be answered.
_NEEDED, _WAITER = actions.alias("needed"), actions.alias("waiter")
_MEMBER = people.alias("member")


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts as of an instant: all, by state, by condition, and by dialogue and state."""

    total: int
    by_state: Mapping[str, int]
    conditions: Mapping[str, int]
    by_dialogue: Mapping[str, Mapping[str, int]]


def count(
    directory: Directory,
    now: datetime,
    limits: Thresholds,
    *,
    only: Collection[int] | None = None,
    where: ColumnElement[bool] | None = None,
) -> Counts:
    """
    Count every action; the work grows with the rows but stays inside the database.

    `only`: of these dialogues. `where`: only what satisfies that condition.
    """
    connection = directory.connection
    every = connection.scalars(select(dialogues.c.id)) if only is None else only
    directory.ensure_dialogues(set(every))
    by_state: Counter[str] = Counter()
    conditions: Counter[str] = Counter()
    by_dialogue: dict[str, Counter[str]] = {
        dialogue.name: Counter() for dialogue in directory.dialogues.values()
    }
    asked = [] if where is None else [where]
    if only is not None:
        asked.append(A.dialogue_id.in_(only))
    states = select(A.dialogue_id, A.state, func.count()).where(*asked)
    for dialogue_id, state, number in connection.execute(
        states.group_by(A.dialogue_id, A.state)
    ).tuples():
        own = by_dialogue[directory.dialogues[dialogue_id].name]
        by_state[state.value] += number
        own[state.value] += number
        own["total"] += number
    tests = _everywhere(_by_days(directory, now, limits))
    late = select(A.dialogue_id, func.count()).where(*asked, tests.pop(Condition.OVERDUE))
    for dialogue_id, hits in connection.execute(late.group_by(A.dialogue_id)).tuples():
        by_dialogue[directory.dialogues[dialogue_id].name]["overdue"] = hits
        conditions[Condition.OVERDUE.value] += hits
    # In one question that names no dialogue where it can be helped: the table is read once, from
    # end to end.
    columns = [func.sum(case((test, 1), else_=0)) for test in tests.values()]
    found = connection.execute(select(*columns).where(*asked)).one()
    for condition, number in zip(tests, found, strict=True):
        conditions[condition.value] = number or 0
    return Counts(
        total=by_state.total(),
        by_state=dict(sorted(by_state.items())),
        conditions={condition.value: conditions[condition.value] for condition in Condition},
        by_dialogue={name: dict(counts) for name, counts in sorted(by_dialogue.items())},
    )


def condition_is(
    directory: Directory, now: datetime, limits: Thresholds, wanted: Condition
) -> ColumnElement[bool]:
    """The condition as a question to each row, of the dialogues that the directory knows."""
    return or_(
        false(),
        *(
            and_(A.dialogue_id.in_(ids), _checks(days, closed_needs=True)[wanted])
            for days, ids in _by_days(directory, now, limits).items()
        ),
    )


def alike(directory: Directory, now: datetime) -> dict[tuple[WorkingCalendar, date], list[int]]:
    """Dialogues that share calendar and day are counted together."""
    groups: dict[tuple[WorkingCalendar, date], list[int]] = {}
    for dialogue_id, calendar in directory.calendars.items():
        key = (calendar, directory.today(dialogue_id, now))
        groups.setdefault(key, []).append(dialogue_id)
    return groups


@dataclass(frozen=True, slots=True, kw_only=True)
class _Days:
    """The days on which the conditions turn; few calendars differ in them on any one day."""

    today: date
    last_late: date
    soon: date
    stuck: date
    unstuck: date
    quiet: date
    quiet_blocked: date
    fresh: date
    backlog: date
    moves: int


_TURNS_ON: Final[Mapping[Condition, tuple[str, ...]]] = {
    Condition.DUE_SOON: ("last_late", "soon"),
    Condition.OVERDUE: ("last_late",),
    Condition.SILENT: ("quiet", "quiet_blocked"),
    Condition.STALLED: ("today", "stuck", "unstuck", "moves"),
    Condition.AT_RISK: ("last_late",),
    Condition.UNACKNOWLEDGED: ("fresh",),
    Condition.VERIFICATION_BACKLOG: ("backlog",),
    Condition.UNREACHABLE: (),
    Condition.WAITING: (),
}
"""Which of the days each condition looks at."""


def _everywhere(groups: Mapping[_Days, Sequence[int]]) -> dict[Condition, ColumnElement[bool]]:
    """Each condition for all dialogues; they are told apart only where their days differ."""
    tests = {days: _checks(days, closed_needs=True) for days in groups}
    found: dict[Condition, ColumnElement[bool]] = {}
    for condition, names in _TURNS_ON.items():
        variants: dict[tuple[object, ...], tuple[ColumnElement[bool], list[int]]] = {}
        for days, ids in groups.items():
            turning = tuple(getattr(days, name) for name in names)
            variants.setdefault(turning, (tests[days][condition], []))[1].extend(ids)
        if len(variants) == 1:
            [(found[condition], _ids)] = variants.values()
            continue
        found[condition] = or_(
            false(), *(and_(test, A.dialogue_id.in_(ids)) for test, ids in variants.values())
        )
    return found


def _by_days(directory: Directory, now: datetime, limits: Thresholds) -> dict[_Days, list[int]]:
    """Dialogues for which the conditions turn on the same days."""
    groups: dict[_Days, list[int]] = {}
    for (calendar, today), ids in alike(directory, now).items():
        groups.setdefault(_days(calendar, today, limits), []).extend(ids)
    return groups


def _days(calendar: WorkingCalendar, today: date, limits: Thresholds) -> _Days:
    last_late = last_due_before(calendar, today)
    worked = today if calendar.is_working(today) else last_late
    unstuck = calendar.plus(worked, 1 - limits.stalled_working_days)
    return _Days(
        today=today,
        last_late=last_late,
        soon=_due_within(calendar, today, limits.due_soon_working_days),
        stuck=last_due_before(calendar, unstuck),
        unstuck=unstuck,
        quiet=today - timedelta(days=limits.silent_days),
        quiet_blocked=today - timedelta(days=limits.silent_blocked_days),
        fresh=calendar.plus(worked, -limits.unacknowledged_working_days),
        backlog=today - timedelta(days=limits.backlog_days),
        moves=limits.stalled_moves,
    )


def checks_of(
    calendar: WorkingCalendar, today: date, limits: Thresholds, *, closed_needs: bool = True
) -> dict[Condition, ColumnElement[bool]]:
    """
    Each condition as a comparison of dates; a working calendar never turns days around.

    Without `closed_needs` what waits for a closed action is not at risk by it: for figures that
    tell of closed ones in one number only.
    """
    return _checks(_days(calendar, today, limits), closed_needs=closed_needs)


def _checks(days: _Days, *, closed_needs: bool) -> dict[Condition, ColumnElement[bool]]:
    owed = A.state.in_([state.value for state in OWED])
    blocked = A.state == State.BLOCKED.value
    return {
        Condition.DUE_SOON: and_(owed, A.due_on > days.last_late, A.due_on <= days.soon),
        Condition.OVERDUE: and_(owed, A.due_on <= days.last_late),
        Condition.SILENT: and_(
            owed,
            not_(A.waiting),
            A.substance_on < case((blocked, days.quiet_blocked), else_=days.quiet),
        ),
        Condition.STALLED: and_(
            owed,
            or_(
                and_(blocked, A.review_on < days.today),
                and_(
                    A.due_on <= days.stuck,
                    or_(A.anchor_on.is_(None), A.anchor_on < days.unstuck),
                ),
                A.due_rev >= days.moves,
            ),
        ),
        Condition.AT_RISK: and_(owed, _at_risk(days.last_late, closed_needs=closed_needs)),
        Condition.UNACKNOWLEDGED: and_(
            A.state == State.AGREED.value, A.answered_on.is_(None), A.agreed_on < days.fresh
        ),
        Condition.VERIFICATION_BACKLOG: and_(
            A.state == State.REPORTED_DONE.value,
            A.reported_on < days.backlog,
        ),
        Condition.UNREACHABLE: and_(owed, not_(_reachable())),
        Condition.WAITING: and_(owed, A.waiting),
    }


def _due_within(calendar: WorkingCalendar, today: date, days: int) -> date:
    """The last due date that lies at most so many working days ahead."""
    if days:
        return calendar.plus(today, days)
    return today if calendar.is_working(today) else last_due_before(calendar, today)


def last_due_before(calendar: WorkingCalendar, day: date) -> date:
    """The last due date whose effective day lies before `day`."""
    last_worked = day - timedelta(days=1)
    while not calendar.is_working(last_worked):
        last_worked -= timedelta(days=1)
    return last_worked


def _at_risk(last_late: date, *, closed_needs: bool) -> ColumnElement[bool]:
    """A dependency is due later than the action, or itself overdue; not asked for each row."""
    needed, waiter = _NEEDED, _WAITER
    risky = (
        select(dependencies.c.action_id)
        .join(needed, needed.c.id == dependencies.c.needs_id)
        .join(waiter, waiter.c.id == dependencies.c.action_id)
        .where(
            needed.c.state.not_in([state.value for state in SETTLED]),
            or_(
                needed.c.due_on > waiter.c.due_on,
                and_(
                    needed.c.due_on <= last_late,
                    needed.c.state.in_([state.value for state in OWED]),
                ),
            ),
        )
    )
    if not closed_needs:
        risky = risky.where(needed.c.handling != Handling.CLOSED.value)
    return A.id.in_(risky)


def unreachable() -> ColumnElement[bool]:
    """Something is owed, and nobody of the party can be written to or called about it."""
    return and_(A.state.in_([state.value for state in OWED]), not_(_reachable()))


def _reachable() -> ColumnElement[bool]:
    """The focal point can be written to or called: the action's own, else its party's first."""
    answers: Any = or_(and_(people.c.email != "", people.c.flagged == ""), people.c.phone != "")
    answering = select(people.c.id).where(answers)
    member = _MEMBER
    first_of_party = (
        select(member.c.id)
        .join(roles, roles.c.person_id == member.c.id)
        .where(
            roles.c.role == Role.FOCAL_POINT.value,
            member.c.party_id == A.responsible_id,
            or_(roles.c.dialogue_id.is_(None), roles.c.dialogue_id == A.dialogue_id),
        )
        .order_by(roles.c.dialogue_id.is_not(None), roles.c.id)
        .limit(1)
        .correlate(actions)
        .scalar_subquery()
    )
    by_party: Any = case((A.focal_id.is_(None), first_of_party), else_=A.focal_id)
    return func.coalesce(by_party.in_(answering), false())
