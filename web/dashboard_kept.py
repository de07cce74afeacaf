"""The figures of the dashboard kept for moments: however many look, counting stays rare."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from config.wiring import Services
from engine.digest import Figures
from engine.store.dashboard import Slow, figures_now, last_event_id, slow_figures
from engine.store.dashboard_lists import Part
from engine.store.database import Connection
from engine.traces import trace_of

log = logging.getLogger("alkawari.web")

KEPT: Final = 64
REST: Final = 20
"""For so many times as long as the counting took its figures are shown, while things change."""

AT_ONCE_S: Final = 0.1
"""What is counted as quickly as that is waited for."""

SLOW_REST: Final = 100
LONGEST_S: Final = 60.0
SLOW_LONGEST_S: Final = 600.0


@dataclass(slots=True)
class _Counted:
    figures: Figures
    unreachable: int
    day: date
    event_id: int
    at: float
    took: float


@dataclass(slots=True)
class _Slow:
    found: Slow
    day: date
    at: float
    took: float


class Kept:
    """
    Counts anew when something happened since, but rests after each time.

    On a small programme the rest is a few milliseconds; on a hundred thousand actions some seconds.
    """

    def __init__(self, services: Services, clock: Callable[[], float] = time.monotonic) -> None:
        self._services, self._clock = services, clock
        self._counted: OrderedDict[Part, _Counted] = OrderedDict()
        self._slow: OrderedDict[Part, _Slow] = OrderedDict()
        self._counting = threading.Lock()

    def figures(self, part: Part, now: datetime) -> tuple[Figures, int]:
        """The figures of that part, and how many actions' parties are out of reach."""
        with self._services.database.read() as connection:
            event_id = last_event_id(connection)
        known = self._counted.get(part)
        if known is not None and self._good(known, event_id, now):
            return known.figures, known.unreachable
        if known is not None and self._stands_in(known, now):
            self._count_beside(part, now, event_id)
            return known.figures, known.unreachable
        # Whoever comes while somebody counts takes what there is, if it is of this day.
        if not self._counting.acquire(blocking=known is None or known.day != now.date()):
            assert known is not None  # noqa: S101 - else it had waited
            return known.figures, known.unreachable
        try:
            known = self._counted.get(part)
            if known is None or not self._good(known, event_id, now):
                known = self._count(part, now, event_id)
            return known.figures, known.unreachable
        finally:
            self._counting.release()

    def _good(self, known: _Counted, event_id: int, now: datetime) -> bool:
        age = self._clock() - known.at
        if known.day != now.date() or age > LONGEST_S:
            return False
        return known.event_id == event_id or age < REST * known.took

    def _stands_in(self, known: _Counted, now: datetime) -> bool:
        """Whether it is shown, with its instant, while others count: where that takes long."""
        fresh = known.day == now.date() and self._clock() - known.at <= LONGEST_S
        return fresh and known.took > AT_ONCE_S

    def _count_beside(self, part: Part, now: datetime, event_id: int) -> None:
        if not self._counting.acquire(blocking=False):
            return

        def count() -> None:
            try:
                self._count(part, now, event_id)
            except Exception as error:
                log.error("the figures could not be counted (%s)", trace_of(error))  # noqa: TRY400 - names
                log.debug("what was not foreseen:", exc_info=error)
            finally:
                self._counting.release()

        # A daemon: the program ends without waiting for figures that nobody will look at.
        threading.Thread(target=count, name="figures", daemon=True).start()

    def _count(self, part: Part, now: datetime, event_id: int) -> _Counted:
        services, began = self._services, self._clock()
        with services.database.read() as connection:
            slow = self._slow_of(connection, part, now)
            counting = self._clock()
            figures, unreachable = figures_now(
                services.directory(connection), part, now, services.thresholds, slow,
                services.settings.timezone,
            )  # fmt: skip
        ended = self._clock()
        counted = _Counted(figures, unreachable, now.date(), event_id, began, ended - counting)
        _put(self._counted, part, counted)
        return counted

    def _slow_of(self, connection: Connection, part: Part, now: datetime) -> Slow:
        known, at = self._slow.get(part), self._clock()
        if known is None or known.day != now.date() or at - known.at > _rest(known.took):
            found = slow_figures(self._services.directory(connection), part, now)
            known = _Slow(found, now.date(), at, self._clock() - at)
            _put(self._slow, part, known)
        return known.found


def _rest(took: float) -> float:
    return min(SLOW_REST * took, SLOW_LONGEST_S)


def _put(into: OrderedDict[Part, Any], part: Part, value: object) -> None:
    into[part] = value
    into.move_to_end(part)
    while len(into) > KEPT:
        into.popitem(last=False)
