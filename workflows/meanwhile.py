"""What is told without the Prefect server, because nobody told it in time."""

import logging
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from config.wiring import Services
from engine.store.auditing import story_heartbeats
from engine.store.sweeping import longest_due
from workflows.timetable import TIMETABLE, Entry, next_after

log = logging.getLogger("alkawari.worker")

PAUSES: Final = 3
"""So many times in a row left out, and a story counts as not told although the server answers."""

SLACK: Final = timedelta(seconds=30)

CATCHES_UP: Final = timedelta(minutes=5)
"""The longest that the watchdog waits for a sweep and a delivery after a start."""


class Meanwhile:
    """
    Finds the stories that are not told, by what they leave in our own database.

    The database is what all workers share: what the first one tells is seen by the others. While
    the server is away the timetable itself is kept; while it answers, only what it has left out
    three times is told, whatever the reason: no deployments, a pool that is paused, a server whose
    scheduler stands still.

    That one share of the dialogues is swept says nothing of the others. So the sweep also counts as
    not told while an action waits for that long, and what is told here looks at every share.
    """

    def __init__(
        self, services: Services, away_after_s: float, entries: Iterable[Entry] = TIMETABLE
    ) -> None:
        self._services, self._away_after_s = services, away_after_s
        self._zone = ZoneInfo(services.settings.timezone)
        self._entries = [
            entry for entry in entries if entry.story != "collect" or services.new_inbox is not None
        ]
        self._began_at: datetime | None = None

    def overdue(self, now: datetime, silent_s: float, busy: Collection[str]) -> tuple[str, ...]:
        """What to tell now; `silent_s` is how long the server was not heard."""
        began = self._began_at = self._began_at or now
        with self._services.database.read() as connection:
            beats, since = story_heartbeats(connection), longest_due(connection)
        away, found = silent_s > self._away_after_s, []
        for entry in self._entries:
            at = beats.get(entry.story)
            if away:
                late = at is None or self._after(entry, at, 1) <= now
            else:
                # A server that was just set up, or a worker that just began, is given its time.
                until = at or began
                if entry.story == "sweep" and since is not None:
                    until = min(until, since)
                late = self._after(entry, max(until, began), PAUSES) + SLACK < now
            if late and entry.story == "audit":
                late = self._caught_up(beats, now)
            if late and entry.story not in busy:
                found.append(entry.story)
                if not away:
                    self._say(entry.story)
        return tuple(found)

    def caught_up(self, now: datetime) -> bool:
        """
        Whether the time off was made good, so that the watchdog need not cry over it.

        After a start it looks when a sweep and a delivery have ended.
        """
        self._began_at = self._began_at or now
        return now - self._began_at > CATCHES_UP or self._caught_up(self._beats(), now)

    def _caught_up(self, beats: Mapping[str, datetime], now: datetime) -> bool:
        return all(
            entry.story in beats and self._after(entry, beats[entry.story], PAUSES) >= now
            for entry in self._entries
            if entry.story in {"sweep", "deliver"}
        )

    def _beats(self) -> dict[str, datetime]:
        with self._services.database.read() as connection:
            return story_heartbeats(connection)

    def _after(self, entry: Entry, at: datetime, times: int) -> datetime:
        for _ in range(times):
            at = next_after(entry, at, self._zone)
        return at

    def _say(self, story: str) -> None:
        log.warning(
            "The Prefect server answers, and has not handed out %s, or not each of its shares, for "
            "long; it is told without it. See `alkawari doctor`.", story,
        )  # fmt: skip
