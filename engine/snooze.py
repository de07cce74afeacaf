"""A short rest from reminders that whoever owes an action may take, within limits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from engine.action import Action, State
from engine.calendar import WorkingCalendar
from engine.case import anchor_of
from engine.errors import BadValue, ForbiddenMove
from engine.ladder import Ladder
from engine.lifecycle import RESPONSIBLE, Actor, Changes, Moved

MOST, LONGEST = 2, 10
"""How often in one run of the ladder, and for how many working days in all of them together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """A rest that was taken in this run: reminders came again on `until_on`."""

    from_on: date
    until_on: date


def snooze(
    action: Action,
    until_on: date,
    actor: Actor,
    today: date,
    calendar: WorkingCalendar,
    ladder: Ladder,
    already: Sequence[Rest],
) -> Moved:
    """
    Let reminders about an action rest; they come again on `until_on`.

    A rest never keeps back what is for others: it ends before the first rung that goes up can have
    its day and its fair warning, and once one has gone up there is none. ForbiddenMove otherwise,
    with the last day that can be had.
    """
    if RESPONSIBLE.isdisjoint(actor.roles):
        raise _refused(action, "only the party that owes it may; a coordinator has `hold`")
    if action.state not in {State.AGREED, State.IN_PROGRESS} or action.waiting:
        raise _refused(action, "no reminder about it is on its way")
    if until_on <= today:
        raise BadValue("until", until_on.isoformat(), "give a day after today")
    if action.paused_until_on and until_on <= action.paused_until_on:
        reason = f"reminders rest until {action.paused_until_on} already"
        raise BadValue("until", until_on.isoformat(), reason)
    if len(already) >= MOST:
        raise _refused(action, f"it was put off {MOST} times; answer, or ask for a new date")
    last_on = latest(action, today, calendar, ladder, already)
    if last_on is None:
        raise _refused(action, "it would keep back what others must hear; answer instead")
    if until_on > last_on:
        raise _refused(action, f"reminders can rest until {last_on} at most")
    changes: Changes = {"paused_until_on": until_on, "answered_on": today}
    payload = {"from": today, "until": until_on, "run": action.episode}
    return Moved(changes, "snoozed", payload)


def latest(
    action: Action,
    today: date,
    calendar: WorkingCalendar,
    ladder: Ladder,
    already: Sequence[Rest],
) -> date | None:
    """The last day until which reminders may rest; None if they may not at all."""
    used, begins_on = 0, date.min
    for rest in sorted(already, key=lambda rest: rest.from_on):
        # One that was made longer is not counted twice.
        used += calendar.between(max(rest.from_on, begins_on), rest.until_on)
        begins_on = max(begins_on, rest.until_on)
    anchor = anchor_of(action, calendar)
    if used >= LONGEST or anchor is None:
        return None
    days = [calendar.plus(max(today, begins_on), LONGEST - used)]
    up = next((rung for rung in ladder.rungs if rung.escalates), None)
    if up is not None:
        days.append(calendar.plus(anchor, up.days - ladder.fair_warning - 1))
    last_on = min(days)
    return last_on if last_on > today else None


def _refused(action: Action, why: str) -> ForbiddenMove:
    return ForbiddenMove(action.ref, action.state, "put off", why)
