"""Whether a notice that was decided earlier is still worth saying: asked just before it leaves."""

from dataclasses import dataclass
from datetime import date

from engine.action import Action
from engine.calendar import WorkingCalendar
from engine.case import causes, is_past
from engine.ladder import Ladder


@dataclass(frozen=True, slots=True)
class Verdict:
    """`strike` says why it is no longer true; `wait_until` when to ask again; neither: say it."""

    strike: str = ""
    wait_until: date | None = None


SAY_IT = Verdict()


def verdict(
    action: Action,
    cause: str,
    rung: str,
    ladder: Ladder,
    calendar: WorkingCalendar,
    today: date,
) -> Verdict:
    """
    What to do with a notice now.

    What the action no longer gives a reason for is struck, and so is a courtesy once its day has
    gone by: "today is the day" is said on that day or not at all. A pause that a report or an
    acknowledgement brought makes the ladder's notices wait: they may be true again after it.
    """
    if cause[:1] in "pwx":
        return SAY_IT  # about an address, an answer or ourselves, whatever the action does
    if cause not in causes(action):
        return Verdict(strike=f"{action.ref} is {action.state} now")
    if not cause.startswith("e"):
        return SAY_IT
    known = next((step for step in ladder.rungs if step.name == rung), None)
    if known and known.courtesy and is_past(action, calendar, today):
        return Verdict(strike=f"the day on which {action.ref} was due has passed")
    if action.paused_until_on and today < action.paused_until_on:
        return Verdict(wait_until=action.paused_until_on)
    if action.acknowledged_on and known and known.escalates:
        until = calendar.plus(action.acknowledged_on, ladder.acknowledgement_lasts)
        if today < until:
            return Verdict(wait_until=until)
    return SAY_IT
