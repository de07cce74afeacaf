"""Who must be told what about one action today: the only place where that is decided."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from engine.action import OWED, Action, Kind, State
from engine.calendar import WorkingCalendar
from engine.case import (
    Case,
    Decision,
    Delays,
    Said,
    anchor_of,
    ask_to_call,
    say_once,
)
from engine.climb import climb, persons_of
from engine.ladder import Addressee, Ladder
from engine.party import Person
from engine.recurrence import Recurrence, parse

LOOK_AT_LEAST: Final = timedelta(days=30)
"""What is owed is never out of sight for longer, whatever its ladder has left to say."""


def decide(case: Case, today: date, delays: Delays) -> Decision:
    """What must be said, moved and looked at next for one action on one day."""
    action, decision = case.action, Decision()
    if case.circle.absences:
        case = replace(case, circle=case.circle.on(today))
    match action.state:
        case State.AGREED | State.IN_PROGRESS:
            if not action.waiting:
                climb(case, today, decision)
                _silence(case, today, delays, decision)
        case State.BLOCKED:
            if not action.waiting:
                _review(case, today, delays, decision)
        case State.REPORTED_DONE:
            _verification(case, today, delays, decision)
        case State.DISPUTED:
            say_once(case, decision, "dispute", "D1", f"d{action.state_version}",
                      case.circle.coordinators)  # fmt: skip
        case State.IN_FORCE:
            _occurrence(case, today, delays, decision)
        case _:
            pass
    if action.state in OWED and not action.waiting and action.due_on and decision.next_on is None:
        # The ladder has ended; but somebody may be named for a rung that had nobody.
        decision.look_again(today + LOOK_AT_LEAST)
    if decision.notices:
        decision.events.append(_decided(decision))
    return decision


def first_look_on(
    action: Action, ladder: Ladder, calendar: WorkingCalendar, delays: Delays
) -> date | None:
    """The first day on which anything could be decided about an action that was just written."""
    if action.state in OWED and not action.waiting:
        if action.state is State.BLOCKED:
            review_on = action.review_on and action.review_on + timedelta(days=1)
            quiet = timedelta(delays.silent_blocked_days + 1)
            silent_on = action.substance_on and action.substance_on + quiet
            return min((day for day in (review_on, silent_on) if day), default=None)
        anchor = anchor_of(action, calendar)
        first = calendar.plus(anchor, ladder.rungs[0].days) if anchor else None
        silent_on = action.substance_on and action.substance_on + timedelta(delays.silent_days + 1)
        return min((day for day in (first, silent_on) if day), default=None)
    if action.state in {State.REPORTED_DONE, State.DISPUTED}:
        return action.state_since_on
    return action.due_on if action.state is State.IN_FORCE else None


def _silence(case: Case, today: date, delays: Delays, decision: Decision) -> None:
    """Nothing of substance for long: ask, unless the ladder has asked already in this run."""
    action = case.action
    if action.substance_on is None:
        return
    if action.paused_until_on and today < action.paused_until_on:
        decision.look_again(action.paused_until_on)
        return
    days = delays.silent_blocked_days if action.state is State.BLOCKED else delays.silent_days
    silent_on = action.substance_on + timedelta(days=days)
    if today <= silent_on:
        decision.look_again(silent_on + timedelta(days=1))
        return
    asking = {rung.name for rung in case.ladder.rungs if rung.reminds}
    run = f"e{action.episode}"
    heard = [entry.rung for entry in case.said if entry.cause == run]
    heard += [notice.rung for notice in decision.notices if notice.cause == run]
    if any(rung.removeprefix("call:") in asking for rung in heard):
        return
    focal, cause = case.circle.focal, f"s{action.substance_on}"
    rung = next((rung for rung in case.ladder.rungs if rung.call_task), None)
    second, persons = ("R2", (focal,)) if rung is None else (rung.name, persons_of(case, rung))
    reachable = tuple(p for p in persons if p and p.reachable)
    say_once(case, decision, "silence", second, cause, reachable)
    if focal:
        ask_to_call(case, decision, second, cause, focal)


def _review(case: Case, today: date, delays: Delays, decision: Decision) -> None:
    """
    A block: nothing is asked until its review date; past it the coordinator looks at it at once.

    The party itself named that date when it reported the block, so it has had its fair warning for
    this one rung; the rungs above it follow the ladder from the review date.
    """
    action = case.action
    if action.review_on is None or today <= action.review_on:
        decision.look_again(action.review_on and action.review_on + timedelta(days=1))
        _silence(case, today, delays, decision)
        return
    first = next((rung for rung in case.ladder.rungs if rung.escalates), None)
    if first:
        cause = f"b{action.review_on}"
        persons = persons_of(case, first)
        say_once(case, decision, "review_due", first.name, cause, persons)
        case = replace(case, said=tuple(_of_the_run(entry, cause, action) for entry in case.said))
    since = max(action.anchor_on, action.review_on) if action.anchor_on else action.review_on
    climb(replace(case, action=replace(action, anchor_on=since)), today, decision)


def _of_the_run(entry: Said, cause: str, action: Action) -> Said:
    """What the passed review date brought counts as said in the run of the ladder after it."""
    return replace(entry, cause=f"e{action.episode}") if entry.cause == cause else entry


def _verification(case: Case, today: date, delays: Delays, decision: Decision) -> None:
    """A claim waits for its confirmation: ask, ask again, then tell the coordinator."""
    action, cause = case.action, f"v{case.action.state_version}"
    coordinators = case.circle.coordinators
    asked = tuple(p for p in case.circle.verifiers if p.id != action.reported_by_id and p.reachable)
    reported_on = action.reported_on or action.state_since_on or today
    say_once(case, decision, "verification", "V1", cause, asked or coordinators)
    backlog_on = reported_on + timedelta(days=delays.backlog_days + 1)
    if today < backlog_on:
        decision.look_again(backlog_on)
        return
    up_on = case.calendar.plus(backlog_on, delays.backlog_working_days)
    again = asked or coordinators
    if today >= up_on:
        again = tuple(person for person in again if person not in coordinators)
    _once_instead(case, decision, "V2", cause, again)
    if today < up_on:
        decision.look_again(up_on)
        return
    say_once(case, decision, "verification_backlog", "V3", cause, coordinators)


def _once_instead(
    case: Case, decision: Decision, name: str, cause: str, persons: tuple[Person, ...]
) -> None:
    """Say the second request instead of a first one that was never said: what is true now, once."""
    fresh = {n.person_id for n in decision.notices if n.rung == "V1"}
    decision.passed_over += [f"V1:{person_id}" for person_id in sorted(fresh)]
    decision.notices[:] = [n for n in decision.notices if n.rung != "V1"]
    say_once(case, decision, "verification_backlog", name, cause, persons)


def _occurrence(case: Case, today: date, delays: Delays, decision: Decision) -> None:
    """What is in force goes on: each occurrence is asked for once; two missed are a lapse."""
    action, calendar = case.action, case.calendar
    if action.due_on is None or not action.repeat:
        return
    rule = parse(action.repeat, action.original_due_on or action.due_on)
    due_on: date | None = action.due_on
    missed = action.missed
    while (
        due_on is not None
        and missed < delays.missed_in_a_row
        and today >= _missed_on(calendar, rule, due_on, delays)
    ):
        decision.occurrences.append((due_on, "missed"))
        missed += 1
        due_on = rule.after(due_on)
    if missed != action.missed:
        decision.changes |= {"missed": missed, "due_on": due_on}
        for missed_on, _outcome in decision.occurrences:
            decision.events.append(("occurrence_missed", {"due_on": missed_on.isoformat()}))
    if missed >= delays.missed_in_a_row:
        _lapse(case, today, decision)
        return
    if due_on is None:
        return  # the rule has ended, and nothing is asked for any more
    effective = calendar.on_or_after(due_on)
    if today < effective:
        decision.look_again(effective)
        return
    standing = action.kind is Kind.STANDING
    persons = case.circle.verifiers if standing else case.circle.at(Addressee.FOCAL_POINT)
    kind = "check" if standing else "due_today"
    reachable = tuple(p for p in persons if p.reachable)
    say_once(case, decision, kind, "O1", f"o{due_on}", reachable)
    if not reachable and persons:
        ask_to_call(case, decision, "O1", f"o{due_on}", persons[0])
    decision.look_again(_missed_on(calendar, rule, due_on, delays))


def _missed_on(calendar: WorkingCalendar, rule: Recurrence, due_on: date, delays: Delays) -> date:
    """The first day on which an occurrence counts as missed: the next one is due, or long past."""
    following = rule.after(due_on)
    late_on = calendar.plus(calendar.on_or_after(due_on), delays.missed_after_working_days)
    return min(following, late_on) if following else late_on


def _lapse(case: Case, today: date, decision: Decision) -> None:
    """In force no longer: back to in_progress by itself; the ladder starts at its first rung."""
    action = case.action
    last_missed = decision.occurrences[-1][0] if decision.occurrences else action.due_on
    decision.changes |= {
        "state": State.IN_PROGRESS,
        "state_since_on": today,
        "missed": 0,
        "due_on": last_missed,
        "anchor_on": today,
        "episode": action.episode + 1,
        "ladder_id": None,
        "paused_until_on": None,
        "acknowledged_on": None,
        "substance_on": today,
    }
    decision.events.append(
        ("lapsed", {"missed": [day.isoformat() for day, _ in decision.occurrences]})
    )
    cause = f"e{action.episode + 1}"
    say_once(case, decision, "lapse", "L1", cause, case.circle.coordinators)
    decision.look_again(case.calendar.plus(today, 1))


def _decided(decision: Decision) -> tuple[str, dict[str, object]]:
    """The event that records a decision: who is told which rung, and what was passed over."""
    payload: dict[str, object] = {
        "notices": sorted(f"{n.rung}:{n.person_id}" for n in decision.notices)
    }
    if decision.passed_over:
        payload["passed_over"] = sorted(decision.passed_over)
    return ("notified", payload)
