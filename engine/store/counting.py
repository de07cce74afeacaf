"""How many actions stand where: counted by the database, by the same rules as `conditions`."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

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
    for (calendar, today), ids in alike(directory, now).items():
        tests = checks_of(calendar, today, limits)
        columns = [func.sum(case((test, 1), else_=0)) for test in tests.values()]
        query = (
            select(A.dialogue_id, A.state, func.count(), *columns)
            .where(A.dialogue_id.in_(ids))
            .group_by(A.dialogue_id, A.state)
        )
        if where is not None:
            query = query.where(where)
        for dialogue_id, state, number, *found in connection.execute(query):
            name = directory.dialogues[dialogue_id].name
            by_state[state.value] += number
            by_dialogue[name][state.value] += number
            by_dialogue[name]["total"] += number
            for condition, hits in zip(tests, found, strict=True):
                conditions[condition.value] += hits
                if condition is Condition.OVERDUE:
                    by_dialogue[name]["overdue"] += hits
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
            and_(A.dialogue_id.in_(ids), checks_of(calendar, today, limits)[wanted])
            for (calendar, today), ids in alike(directory, now).items()
        ),
    )


def alike(directory: Directory, now: datetime) -> dict[tuple[WorkingCalendar, date], list[int]]:
    """Dialogues that share calendar and day are counted together."""
    groups: dict[tuple[WorkingCalendar, date], list[int]] = {}
    for dialogue_id, calendar in directory.calendars.items():
        key = (calendar, directory.today(dialogue_id, now))
        groups.setdefault(key, []).append(dialogue_id)
    return groups


def checks_of(
    calendar: WorkingCalendar, today: date, limits: Thresholds, *, closed_needs: bool = True
) -> dict[Condition, ColumnElement[bool]]:
    """
    Each condition as a comparison of dates; a working calendar never turns days around.

    Without `closed_needs` what waits for a closed action is not at risk by it: for figures that
    tell of closed ones in one number only.
    """
    owed = A.state.in_([state.value for state in OWED])
    blocked = A.state == State.BLOCKED.value
    last_late = last_due_before(calendar, today)
    soon = _due_within(calendar, today, limits.due_soon_working_days)
    worked = today if calendar.is_working(today) else last_late
    unstuck = calendar.plus(worked, 1 - limits.stalled_working_days)
    stuck = last_due_before(calendar, unstuck)
    quiet = today - timedelta(days=limits.silent_days)
    quiet_blocked = today - timedelta(days=limits.silent_blocked_days)
    fresh = calendar.plus(worked, -limits.unacknowledged_working_days)
    return {
        Condition.DUE_SOON: and_(owed, A.due_on > last_late, A.due_on <= soon),
        Condition.OVERDUE: and_(owed, A.due_on <= last_late),
        Condition.SILENT: and_(
            owed,
            not_(A.waiting),
            A.substance_on < case((blocked, quiet_blocked), else_=quiet),
        ),
        Condition.STALLED: and_(
            owed,
            or_(
                and_(blocked, A.review_on < today),
                and_(A.due_on <= stuck, or_(A.anchor_on.is_(None), A.anchor_on < unstuck)),
                A.due_rev >= limits.stalled_moves,
            ),
        ),
        Condition.AT_RISK: and_(owed, _at_risk(last_late, closed_needs=closed_needs)),
        Condition.UNACKNOWLEDGED: and_(
            A.state == State.AGREED.value, A.answered_on.is_(None), A.agreed_on < fresh
        ),
        Condition.VERIFICATION_BACKLOG: and_(
            A.state == State.REPORTED_DONE.value,
            A.reported_on < today - timedelta(days=limits.backlog_days),
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
    needed, waiter = actions.alias(), actions.alias()
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
    member = people.alias()
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
