"""Where an action stands on its ladder, and who hears of it next: what its pages show."""

import json
from dataclasses import dataclass
from datetime import date
from typing import Final

from engine.action import Action, State
from engine.calendar import WorkingCalendar
from engine.case import Case, Delays, Notice, Said, anchor_of
from engine.climb import persons_of
from engine.decide import decide
from engine.history import Event
from engine.store.database import Connection
from engine.store.directory import Directory
from engine.store.sweeping import said_about

MOST_LOOKS: Final = 200
"""How often the rules are asked about a later day before nobody is told any more."""

CLIMBS: Final = frozenset({State.AGREED, State.IN_PROGRESS})
"""The states in which lateness is told; a block, a claim or a dispute has its own clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A rung on this action's ladder: `standing` is said, waits, skipped, reached or ahead."""

    name: str
    days: int
    on: date
    to: tuple[str, ...]
    standing: str
    said_on: date | None
    release: bool


@dataclass(frozen=True, slots=True)
class Next:
    """Who is told next if nobody acts."""

    on: date
    rung: str
    to: tuple[str, ...]
    release: bool


def case_of(connection: Connection, directory: Directory, action: Action) -> Case:
    """What the rules are asked about: the action with everything around it."""
    return Case(
        action=action,
        ladder=directory.ladder_for(action),
        calendar=directory.calendars[action.dialogue_id],
        circle=directory.circle(action),
        said=said_about(connection, [action], directory).get(action.id, ()),
    )


def earlier_of(events: tuple[Event, ...]) -> tuple[date, ...]:
    """The due dates that it had before, oldest first."""
    moved = (json.loads(event.payload) for event in events if event.kind == "rescheduled")
    return tuple(date.fromisoformat(payload["from"]) for payload in moved if payload.get("from"))


def steps_of(case: Case, today: date) -> tuple[Step, ...]:
    """The ladder with its days; empty while there is nothing to climb."""
    anchor = anchor_of(case.action, case.calendar)
    action = case.action
    if anchor is None or action.state not in CLIMBS or action.waiting:
        return ()
    said: dict[str, list[Said]] = {}
    for entry in case.said:
        if entry.cause == f"e{action.episode}":
            said.setdefault(entry.rung.removeprefix("call:"), []).append(entry)
    spoken = [at for at, rung in enumerate(case.ladder.rungs) if rung.name in said]
    highest = max(spoken, default=-1)
    steps = []
    for position, rung in enumerate(case.ladder.rungs):
        on = _rung_day(case.calendar, anchor, rung.days)
        entries = said.get(rung.name, [])
        reached = [entry.reached_on for entry in entries if entry.reached_on]
        if reached:
            standing = "said"
        elif entries:
            standing = "waits"
        elif on > today:
            standing = "ahead"
        else:
            standing = "skipped" if position < highest or rung.courtesy else "reached"
        steps.append(
            Step(
                name=rung.name, days=rung.days, on=on, standing=standing, release=rung.release,
                to=tuple(person.called for person in persons_of(case, rung)),
                said_on=max(reached, default=None),
            )
        )  # fmt: skip
    return tuple(steps)


def _rung_day(calendar: WorkingCalendar, anchor: date, days: int) -> date:
    return calendar.plus(anchor, days) if days else anchor


def next_of(case: Case, directory: Directory, today: date, delays: Delays) -> Next | None:
    """What the rules would say on the first later day on which they say anything."""
    day = today
    for _look in range(MOST_LOOKS):
        decision = decide(case, day, delays)
        if decision.notices:
            return _spoken_of(decision.notices, directory, case.calendar.on_or_after(day))
        if decision.next_on is None or decision.next_on <= day:
            return None
        day = decision.next_on
    return None


def _spoken_of(notices: list[Notice], directory: Directory, day: date) -> Next:
    first = max(notices, key=lambda notice: notice.urgency)
    to = dict.fromkeys(
        directory.people[notice.person_id].called for notice in notices if notice.rung == first.rung
    )
    return Next(day, first.rung, tuple(to), first.release)
