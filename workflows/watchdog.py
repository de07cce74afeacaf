"""The watchdog's findings brought before people: a notice to the coordinators, once a week each."""

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from config.wiring import Services
from engine.action import Action
from engine.case import Case
from engine.consent import is_over
from engine.decide import decide
from engine.party import Person
from engine.store.auditing import story_heartbeats
from engine.store.database import Connection
from engine.store.directory import Directory
from engine.store.outbox import Waiting
from engine.store.records import actions_by_id
from engine.store.releases import asked_before
from engine.store.sweeping import said_about
from engine.store.watching import (
    Found,
    out_of_reach,
    settle_gone,
    tell_of,
    uncalled,
    uncollected,
    unheard,
    unlooked,
    unsaid,
    unsent,
    unspoken,
)
from engine.traces import trace_of
from engine.watch import MACHINE, Watch
from workflows.bundling import Bundler

log = logging.getLogger("alkawari.audit")

SAY_WITHIN: Final = timedelta(hours=24)
LOOK_WITHIN: Final = timedelta(hours=1)
ACT_WITHIN: Final = timedelta(days=14)
COLLECT_WITHIN: Final = timedelta(hours=6)
WRITTEN_TO_WITHIN: Final = timedelta(days=7)
LONG_PAST: Final = timedelta(days=14)
"""By then the first rungs after the due date are reached on every calendar with weekends."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What was found, by sort, and how much of it somebody was newly told."""

    found: Counter[Watch] = field(default_factory=Counter)
    told: int = 0

    @property
    def well(self) -> bool:
        """Nothing that the program itself is late with."""
        return not MACHINE & self.found.keys()


def watch(services: Services, now: datetime) -> Watched:
    """Look for what leads nowhere or is too late, and tell those who can do something about it."""
    with services.database.read() as connection:
        found = _look(services, connection, now)
    told = 0
    with services.database.write() as connection:
        settle_gone(connection, found, now)
        directory = services.directory(connection)
        actions = {a.id: a for a in actions_by_id(connection, {one.action_id for one in found})}
        directory.ensure(actions.values())
        for one in found:
            persons = _concerned(directory, actions[one.action_id], one.watch)
            if not persons:
                log.error("nobody can be told that something is %s", one.watch)
            today = directory.today(actions[one.action_id].dialogue_id, now)
            year, week, _day = today.isocalendar()
            told += tell_of(connection, one, persons, f"{year}W{week:02d}", now)
    return Watched(Counter(one.watch for one in found), told)


def _look(services: Services, connection: Connection, now: datetime) -> list[Found]:
    directory = services.directory(connection)
    return [
        *out_of_reach(connection),
        *_unsaid(services, directory, now),
        *_unlooked(services, directory, now),
        *uncalled(connection, now - ACT_WITHIN),
        *_unreleased(services, directory, now),
        *unsent(connection, now - SAY_WITHIN),
        *_uncollected(services, connection, now),
        *unheard(connection),
    ]


def _concerned(directory: Directory, action: Action, watch: Watch) -> tuple[Person, ...]:
    circle = directory.circle(action)
    if watch is Watch.UNHEARD:  # what other programs hear is not one dialogue's business
        return circle.managers or circle.coordinators
    return circle.coordinators or circle.managers


def _unsaid(services: Services, directory: Directory, now: datetime) -> list[Found]:
    """What could have left a day ago in its person's hours: one for each dialogue."""
    late = unsaid(directory.connection, now - SAY_WITHIN)
    if not late:
        return []
    bundler = Bundler(services, directory, now)
    first: dict[int, Found] = {}
    waiting = [Waiting(0, w.action_id, w.person_id, None, "", "", "", 0) for w in late]
    bundler.load(waiting)
    for notice, one in zip(waiting, late, strict=True):
        if one.dialogue_id in first or bundler.hold_on(notice):
            continue
        window = bundler.window(directory.people[one.person_id], notice)
        opened_at = window.next_open(one.due_at)
        if opened_at is not None and opened_at < now - SAY_WITHIN:
            first[one.dialogue_id] = Found(
                watch=Watch.UNSAID, thing=str(one.dialogue_id), action_id=one.action_id
            )
    return list(first.values())


def _unlooked(services: Services, directory: Directory, now: datetime) -> list[Found]:
    """What should have been looked at, and what was looked at in vain: one for each dialogue."""
    connection = directory.connection
    first = {one.thing: one for one in unlooked(connection, now - LOOK_WITHIN)}
    quiet = unspoken(connection, now.date() - LONG_PAST, now.date())
    for action in _due_to_be_said(services, directory, quiet, now):
        thing = str(action.dialogue_id)
        first.setdefault(thing, Found(watch=Watch.UNLOOKED, thing=thing, action_id=action.id))
    return list(first.values())


def _due_to_be_said(
    services: Services, directory: Directory, actions: list[Action], now: datetime
) -> Iterable[Action]:
    """Of these actions those about which the sweep should have said something, or cannot decide."""
    if not actions:
        return
    directory.ensure(actions)
    said = said_about(directory.connection, actions, directory)
    for action in actions:
        try:
            case = Case(
                action=action,
                ladder=directory.ladder_for(action),
                calendar=directory.calendars[action.dialogue_id],
                circle=directory.circle(action),
                said=said.get(action.id, ()),
            )
            decision = decide(case, directory.today(action.dialogue_id, now), services.delays)
        except Exception as error:  # noqa: BLE001 - it is what is looked for here
            log.error("%s cannot be decided about (%s)", action.ref, trace_of(error))  # noqa: TRY400 - its words may hold names
            yield action
        else:
            if any(notice.cause == f"e{action.episode}" for notice in decision.notices):
                yield action


def _unreleased(services: Services, directory: Directory, now: datetime) -> list[Found]:
    """A release that was asked for and not answered: half of the time until it is given up."""
    waiting = asked_before(directory.connection, now)
    about = {a.id: a for a in actions_by_id(directory.connection, {w.action_id for w in waiting})}
    directory.ensure(about.values())
    days, found = services.settings.delays.release_days, {}
    for one in waiting:
        home = about[one.action_id].dialogue_id
        asked_on, today = directory.today(home, one.since_at), directory.today(home, now)
        if is_over(asked_on, today, directory.calendars[home], days):
            found[one.action_id] = Found(
                watch=Watch.UNRELEASED, thing=str(one.action_id), action_id=one.action_id
            )
    return list(found.values())


def _uncollected(services: Services, connection: Connection, now: datetime) -> list[Found]:
    """Answers that nobody reads: where a mailbox is set and was read before, but not lately."""
    at = story_heartbeats(connection).get("collect")
    if not services.settings.inbox.host or at is None or at > now - COLLECT_WITHIN:
        return []
    return uncollected(connection, now - WRITTEN_TO_WITHIN)
