"""Early warnings brought before the coordinators: each once a month, with its numbers."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from config.wiring import Services
from engine.action import Action
from engine.bearing import OPEN_TO_ALL
from engine.fairness import EarlyWarning, Track, Warned, fairness
from engine.store.auditing import beat, story_heartbeats
from engine.store.database import Connection
from engine.store.directory import Directory
from engine.store.listing import Wanted, ids_by_name
from engine.store.records import find_action
from engine.store.tracks import tracks
from engine.store.warning import Foreseen, settle_better, tell_of_warning

STORY: Final = "warning"


def warn_daily(services: Services, now: datetime) -> int:
    """Look for early warnings, once a day; returns how many somebody was newly told of."""
    with services.database.read() as connection:
        last = story_heartbeats(connection).get(STORY)
    if last is not None and last.date() >= now.date():
        return 0
    return warn(services, now)


def warn(services: Services, now: datetime) -> int:
    """The same at once. Each dialogue is weighed by itself: their ladders and feasts differ."""
    with services.database.read() as connection:
        directory = services.directory(connection)
        found = list(_foreseen(services, directory, connection, now))
    told = 0
    with services.database.write() as connection:
        settle_better(connection, {one.cause for one in found}, now)
        directory = services.directory(connection)
        directory.ensure([one.action for one in found])
        for one in found:
            circle = directory.circle(one.action)
            today = directory.today(one.dialogue_id, now)
            persons = circle.coordinators or circle.managers
            told += tell_of_warning(connection, one, persons, today, now)
        beat(connection, STORY, now, {"found": len(found), "told": told})
    return told


def _foreseen(
    services: Services, directory: Directory, connection: Connection, now: datetime
) -> Iterator[Foreseen]:
    for name, ids in ids_by_name(connection).items():
        own = tracks(directory, Wanted(dialogue_ids=ids), now, services.thresholds)
        for warning in _worth_saying(fairness(own, now.date()).warnings, name):
            action = _spoken_of(connection, warning, own)
            of_party = warning.what is Warned.STANDSTILL and warning.about != name
            yield Foreseen(
                warning=warning,
                dialogue_id=action.dialogue_id,
                party_id=action.responsible_id if of_party else 0,
                action=action,
            )


def _worth_saying(found: Sequence[EarlyWarning], dialogue: str) -> Iterator[EarlyWarning]:
    """Where all that stands still in a dialogue is one party's, it is said of the party alone."""
    of_parties = {each.refs for each in found if each.refs and each.about != dialogue}
    for each in found:
        if each.about != dialogue or each.refs not in of_parties:
            yield each


def _spoken_of(connection: Connection, warning: EarlyWarning, own: list[Track]) -> Action:
    """
    The action that a warning is said of: the latest of those that it is about.

    One that anybody may read of, if there is one: of others a mail must not say what it is about.
    """
    about = [
        track for track in own
        if track.ref in warning.refs or (not warning.refs and track.side == warning.about)
    ]  # fmt: skip
    ranked = sorted(about, key=lambda track: (-track.days_late, track.ref))
    actions = [find_action(connection, track.ref) for track in ranked[:_LOOKED_AT]]
    return next((a for a in actions if a.handling in OPEN_TO_ALL), actions[0])


_LOOKED_AT: Final = 20
