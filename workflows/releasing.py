"""No release is for ever: what did not leave in time, or was never answered, lapses."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from config.wiring import Services
from engine.action import Action
from engine.case import causes
from engine.consent import EXPIRED, LAPSED, is_over
from engine.store.database import Connection
from engine.store.directory import Directory
from engine.store.records import actions_by_id, append, find_action
from engine.store.releases import (
    Sensitive,
    ask_again,
    asked_before,
    keep_back,
    released_before,
    waiting_rungs,
)

AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class Lapses:
    """How many actions have a release that lapsed, and how many asked for one in vain."""

    lapsed: int = 0
    expired: int = 0


def lapse_releases(services: Services, now: datetime) -> Lapses:
    """
    Let releases lapse; safe to repeat.

    One that was given, and whose message did not leave within `delays.release_days` working days,
    has to be given again. One that nobody gave within twice that time is not waited for any more.
    """
    days = services.settings.delays.release_days
    with services.database.write() as connection:
        directory = services.directory(connection)
        given, asked = released_before(connection, now), asked_before(connection, now)
        actions = _actions(connection, directory, [*given, *asked])
        late = [one for one in given if _over(directory, actions[one.action_id], one, now, days)]
        vain = [
            one for one in asked
            if one.cause not in causes(actions[one.action_id])
            or _over(directory, actions[one.action_id], one, now, 2 * days)
        ]  # fmt: skip
        lapsed = lapse(connection, [(actions[one.action_id], one) for one in late], days, now)
        expired = sum(
            _expire(connection, directory, actions[action_id], ones, days, now)
            for action_id, ones in _by_action(vain).items()
        )
    return Lapses(lapsed=lapsed, expired=expired)


def lapse(
    connection: Connection, late: Sequence[tuple[Action, Sensitive]], days: int, now: datetime
) -> int:
    """Have these notices released again, recorded for each action; returns how many actions."""
    refs = {action.id: action.ref for action, _one in late}
    found = _by_action(one for _action, one in late)
    for action_id, ones in sorted(found.items()):
        action = find_action(connection, refs[action_id], lock=True)
        ask_again(connection, [one.id for one in ones], now)
        payload = {
            "rungs": sorted({one.rung for one in ones}),
            "reason": f"it did not leave within {days} working days",
        }
        append(connection, action, {}, kind=LAPSED, at=now, by=AUDIT, payload=payload)
    return len(found)


def _expire(
    connection: Connection,
    directory: Directory,
    action: Action,
    ones: Iterable[Sensitive],
    days: int,
    now: datetime,
) -> int:
    """Wait no longer; what is no longer true just goes. Returns 1 if it was waited for."""
    action = find_action(connection, action.ref, lock=True)
    asked = set(waiting_rungs(connection, action, now))
    rungs = sorted({
        one.rung for one in ones
        if one.rung in asked and _over(directory, action, one, now, 2 * days)
    })  # fmt: skip
    if not rungs:
        return 0
    why = f"nobody released it within {2 * days} working days"
    keep_back(connection, action, rungs, why, now)
    payload = {"rungs": rungs, "reason": why}
    append(connection, action, {}, kind=EXPIRED, at=now, by=AUDIT, payload=payload)
    return 1


def _actions(
    connection: Connection, directory: Directory, found: Iterable[Sensitive]
) -> dict[int, Action]:
    actions = {a.id: a for a in actions_by_id(connection, {one.action_id for one in found})}
    directory.ensure(actions.values())
    return actions


def _over(directory: Directory, action: Action, one: Sensitive, now: datetime, days: int) -> bool:
    home = action.dialogue_id
    since_on, today = directory.today(home, one.since_at), directory.today(home, now)
    return is_over(since_on, today, directory.calendars[home], days)


def _by_action(found: Iterable[Sensitive]) -> dict[int, list[Sensitive]]:
    by_action: dict[int, list[Sensitive]] = defaultdict(list)
    for one in found:
        by_action[one.action_id].append(one)
    return by_action
