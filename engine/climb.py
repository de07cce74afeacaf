"""The ladder: who is told which rung when an action is late, and what keeps a rung back."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from dateutil.relativedelta import relativedelta

from engine.action import Handling, State
from engine.case import (
    Case,
    Decision,
    Said,
    anchor_of,
    ask_to_call,
    is_past,
    notice_of,
    say_once,
    working_days_since,
)
from engine.ladder import Addressee, Rung
from engine.party import Person


def climb(case: Case, today: date, decision: Decision) -> None:
    """The ladder: for each person the highest rung that is reached and not yet said."""
    action, calendar, ladder = case.action, case.calendar, case.ladder
    anchor = anchor_of(action, calendar)
    if anchor is None:
        return
    if action.paused_until_on and today < action.paused_until_on:
        decision.look_again(action.paused_until_on)
        return
    elapsed = working_days_since(calendar, anchor, today)
    cause = f"e{action.episode}"
    said = [entry for entry in case.said if entry.cause == cause]
    place = bisect_right(ladder.days, elapsed)
    reached = [rung for rung in ladder.rungs[:place] if _counts(case, rung, anchor)]
    if place < len(ladder.days):
        decision.look_again(calendar.plus(anchor, ladder.days[place]))
    if said:
        reached += _brought_by_silence(case, reached, said, today, decision)
    if reached:
        _speak(case, reached, said, today, decision)
    _wait_for_delivery(case, said, today, decision)


def _wait_for_delivery(case: Case, said: list[Said], today: date, decision: Decision) -> None:
    """What follows an escalation is counted from its delivery, which wakes nobody: so ask daily."""
    if not said and not decision.notices:
        return
    up = case.ladder.upward
    fresh = any(notice.rung in up for notice in decision.notices)
    if fresh or any(entry.rung in up and entry.reached_on is None for entry in said):
        decision.look_again(case.calendar.plus(today, 1))


def _counts(case: Case, rung: Rung, anchor: date) -> bool:
    """A courtesy whose day had come before the last run of the ladder ended is not said again."""
    since = case.action.anchor_on
    if since is None or not rung.courtesy:
        return True
    if case.action.state is State.BLOCKED:
        return False
    return case.calendar.plus(anchor, rung.days) > since


def _brought_by_silence(
    case: Case, reached: list[Rung], said: list[Said], today: date, decision: Decision
) -> list[Rung]:
    """The rung after an escalation that nobody acknowledged in time, if the dates lag behind it."""
    ladder, calendar, action = case.ladder, case.calendar, case.action
    answered = action.acknowledged_on
    for position in range(len(ladder.rungs) - 2, -1, -1):
        rung = ladder.rungs[position]
        days = [s.reached_on for s in said if s.rung == rung.name and s.reached_on]
        if not rung.escalates or not days:
            continue
        following, last = ladder.rungs[position + 1], max(days)
        if following in reached or (answered and answered >= last):
            return []
        due_on = calendar.plus(last, ladder.acknowledge_within)
        if today >= due_on:
            return [following]
        decision.look_again(due_on)
        return []
    return []


def _speak(
    case: Case, reached: list[Rung], said: list[Said], today: date, decision: Decision
) -> None:
    """Tell each person the highest rung reached; record the lower ones as passed over."""
    order = case.ladder.places
    spoken: set[tuple[str, int | None]] = set()
    highest: dict[int | None, int] = {}
    if said:
        spoken = {(entry.rung, entry.person_id) for entry in said}
        spoken |= {
            (entry.rung.removeprefix("call:"), entry.about_id) for entry in said if entry.about_id
        }
        for name, person_id in spoken:
            highest[person_id] = max(highest.get(person_id, -1), order.get(name, -1))
    settled: set[int] = set()
    told: set[int] = set()
    alone = False
    to: tuple[Addressee, ...] = ()
    persons: tuple[Person, ...] = ()
    for rung in reversed(reached):
        if rung.escalates and not _may_go_up(case, said, today, decision):
            continue
        if rung.to != to:
            to, persons = rung.to, persons_of(case, rung)
        if not persons and not rung.courtesy and not alone:
            _nobody(case, rung, decision)
            alone = True
        for person in persons:
            if person.id in settled:
                if person.id in told and order[rung.name] > highest.get(person.id, -1):
                    decision.passed_over.append(f"{rung.name}:{person.id}")
                continue
            settled.add(person.id)
            if (rung.name, person.id) in spoken:
                _again_next_month(case, rung, person, said, today, decision)
                _call_instead(case, rung, person, said, decision)
            elif rung.courtesy and is_past(case.action, case.calendar, today):
                continue
            elif _say(case, rung, person, decision):
                told.add(person.id)
                decision.opens = case.action.ladder_id is None


def _nobody(case: Case, rung: Rung, decision: Decision) -> None:
    """A rung that has nobody ends at the coordinators, once, instead of at nobody."""
    cause = f"e{case.action.episode}"
    say_once(case, decision, "nobody", f"none:{rung.name}", cause, case.circle.coordinators)


def persons_of(case: Case, rung: Rung) -> tuple[Person, ...]:
    """The persons of a rung; of a closed action nobody but its focal point and the coordinator."""
    closed = case.action.handling is Handling.CLOSED
    if not closed and len(rung.to) == 1:
        return case.circle.at(rung.to[0])
    open_to = (Addressee.FOCAL_POINT, Addressee.COORDINATOR) if closed else rung.to
    found: dict[int, Person] = {}
    for addressee in rung.to:
        if addressee in open_to:
            found.update({person.id: person for person in case.circle.at(addressee)})
    return tuple(found.values())


def acknowledged_until(case: Case) -> date | None:
    """Until when an acknowledgement keeps the ladder from going up; None without one."""
    said_on = case.action.acknowledged_on
    return said_on and case.calendar.plus(said_on, case.ladder.acknowledgement_lasts)


def fair_from(case: Case, said: Sequence[Said]) -> date | None:
    """The day from which a rung may go up; None before a reminder has reached the party."""
    reminders = {rung.name for rung in case.ladder.rungs if rung.reminds}
    warned = [s.reached_on for s in said if s.rung in reminders and s.reached_on]
    return case.calendar.plus(min(warned), case.ladder.fair_warning) if warned else None


def _may_go_up(case: Case, said: list[Said], today: date, decision: Decision) -> bool:
    """Fair warning was given, and no acknowledgement is still good."""
    until = acknowledged_until(case)
    if until and today < until:
        decision.look_again(until)
        return False
    fair_on = fair_from(case, said)
    if fair_on is None:
        decision.look_again(case.calendar.plus(today, 1))
        return False
    if today < fair_on:
        decision.look_again(fair_on)
        return False
    return True


def _say(case: Case, rung: Rung, person: Person, decision: Decision) -> bool:
    """Tell this person this rung, in writing or by a call task; False if neither is of use."""
    cause, focal = f"e{case.action.episode}", case.circle.focal
    if not rung.escalates and not person.reachable:
        if rung.courtesy or person != focal:
            return False
        ask_to_call(case, decision, rung.name, cause, person)
        return True
    decision.notices.append(notice_of(case, rung.kind, rung.name, cause, person, rung=rung))
    if rung.call_task and person == focal:
        ask_to_call(case, decision, rung.name, cause, person)
    return True


def _call_instead(
    case: Case, rung: Rung, person: Person, said: list[Said], decision: Decision
) -> None:
    """A reminder that came back because the address does not work makes a call task."""
    if not rung.reminds or person.reachable or person != case.circle.focal:
        return
    mine = [s for s in said if s.rung == rung.name and s.person_id == person.id]
    if not any(entry.reached_on for entry in mine):
        ask_to_call(case, decision, rung.name, f"e{case.action.episode}", person)


def _again_next_month(
    case: Case, rung: Rung, person: Person, said: list[Said], today: date, decision: Decision
) -> None:
    if not rung.monthly:
        return
    days = [s.reached_on for s in said if s.rung == rung.name and s.person_id == person.id]
    if any(day is None for day in days):
        return  # the last one has not left yet
    again_on = max(day for day in days if day) + relativedelta(months=1)
    if today < again_on:
        decision.look_again(again_on)
        return
    notice = notice_of(case, rung.kind, rung.name, f"e{case.action.episode}", person, rung=rung)
    decision.notices.append(replace(notice, key=f"{notice.key}:{again_on}"))
