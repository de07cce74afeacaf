"""What can be said of an action from dates and history alone: derived, never stored."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from engine.action import OWED, Action, State
from engine.calendar import WorkingCalendar


class Condition(StrEnum):
    """The words for it; DESIGN §3."""

    DUE_SOON = "due_soon"
    OVERDUE = "overdue"
    SILENT = "silent"
    STALLED = "stalled"
    AT_RISK = "at_risk"
    UNACKNOWLEDGED = "unacknowledged"
    VERIFICATION_BACKLOG = "verification_backlog"
    UNREACHABLE = "unreachable"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """How long is long. `…_days` are calendar days, `…_working_days` working days."""

    due_soon_working_days: int = 10
    silent_days: int = 45
    silent_blocked_days: int = 30
    stalled_working_days: int = 20
    stalled_moves: int = 2
    unacknowledged_working_days: int = 10
    backlog_days: int = 15


@dataclass(frozen=True, slots=True)
class Around:
    """What lies beside the action: can its party be reached, and when are its dependencies due."""

    reachable: bool = True
    needs_due_on: tuple[date, ...] = ()
    needs_overdue: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an action stands on one day. `days_overdue` and `days_over_original`: working days."""

    effective_due_on: date | None
    overdue: bool
    days_overdue: int
    days_over_original: int
    conditions: tuple[Condition, ...]


def standing(
    action: Action, calendar: WorkingCalendar, around: Around, today: date, limits: Thresholds
) -> Standing:
    """
    Where an action stands on a day.

    On a rest day right after the effective due date an action is overdue by no working day yet, and
    no rung is reached: nobody is called late for a weekend.
    """
    due_on = calendar.on_or_after(action.due_on) if action.due_on else None
    overdue = due_on is not None and action.state in OWED and today > due_on
    late = _days_late(action, due_on, calendar, today)
    stuck = _days_late(action, _later(due_on, action.anchor_on), calendar, today)
    original = action.original_due_on and calendar.on_or_after(action.original_due_on)
    found = tuple(
        condition
        for condition, holds in (
            (Condition.DUE_SOON, _due_soon(action, due_on, calendar, today, limits)),
            (Condition.OVERDUE, overdue),
            (Condition.SILENT, _silent(action, today, limits)),
            (Condition.STALLED, _stalled(action, stuck, today, limits)),
            (Condition.AT_RISK, _at_risk(action, around)),
            (Condition.UNACKNOWLEDGED, _unacknowledged(action, calendar, today, limits)),
            (Condition.VERIFICATION_BACKLOG, _backlog(action, today, limits)),
            (Condition.UNREACHABLE, action.state in OWED and not around.reachable),
            (Condition.WAITING, action.state in OWED and action.waiting),
        )
        if holds
    )
    over_original = _days_late(action, original, calendar, today)
    return Standing(due_on, overdue, late, over_original, found)


def _later(due_on: date | None, anchor_on: date | None) -> date | None:
    """Lateness without a rise counts from the last rise, or other end of a run, if later."""
    return max(due_on, anchor_on) if due_on and anchor_on else due_on


def _days_late(action: Action, due_on: date | None, calendar: WorkingCalendar, today: date) -> int:
    if due_on is None or action.state not in OWED or today <= due_on:
        return 0
    return calendar.between(due_on, today)


def _due_soon(
    action: Action,
    due_on: date | None,
    calendar: WorkingCalendar,
    today: date,
    limits: Thresholds,
) -> bool:
    if due_on is None or action.state not in OWED or today > due_on:
        return False
    return calendar.between(today, due_on) <= limits.due_soon_working_days


def _silent(action: Action, today: date, limits: Thresholds) -> bool:
    if action.state not in OWED or action.substance_on is None or action.waiting:
        return False
    blocked = action.state is State.BLOCKED
    days = limits.silent_blocked_days if blocked else limits.silent_days
    return today > action.substance_on + timedelta(days=days)


def _stalled(action: Action, stuck: int, today: date, limits: Thresholds) -> bool:
    if action.state not in OWED:
        return False
    past_review = action.state is State.BLOCKED and action.review_on and today > action.review_on
    return bool(past_review) or (
        stuck >= limits.stalled_working_days or action.due_rev >= limits.stalled_moves
    )


def _at_risk(action: Action, around: Around) -> bool:
    if action.state not in OWED:
        return False
    later = action.due_on is not None and any(day > action.due_on for day in around.needs_due_on)
    return later or around.needs_overdue


def _unacknowledged(
    action: Action, calendar: WorkingCalendar, today: date, limits: Thresholds
) -> bool:
    if action.state is not State.AGREED or action.agreed_on is None or action.answered_on:
        return False
    if today <= action.agreed_on:
        return False
    return calendar.between(action.agreed_on, today) > limits.unacknowledged_working_days


def _backlog(action: Action, today: date, limits: Thresholds) -> bool:
    if action.state is not State.REPORTED_DONE or action.reported_on is None:
        return False
    return today > action.reported_on + timedelta(days=limits.backlog_days)
