"""The watchdog looks for what is later than it may be and for a history that is not whole."""

import logging
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta

from config.wiring import Services
from engine.clock import SystemClock
from engine.errors import BadValue
from engine.store.auditing import Late, beat, late
from engine.store.checkpoints import keep, reckoned, snapshot
from engine.store.searching import complete_words
from workflows.histories import KEY, Looked, look
from workflows.persons import retain_daily
from workflows.releasing import lapse_releases
from workflows.warning import warn_daily
from workflows.watchdog import Watched, watch

log = logging.getLogger("alkawari.audit")

SWEEP_LATE = timedelta(hours=1)
MAIL_LATE = timedelta(hours=24)
CALL_LATE = timedelta(days=14)
HEARTBEAT_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class Audited:
    """
    What the watchdog found; `well` when there was nothing to find.

    Histories are looked at piece by piece; what was found broken is looked at again each time.
    """

    late: Late
    looked: Looked
    pinged: bool
    watched: Watched = field(default_factory=Watched)

    @property
    def well(self) -> bool:
        """Nothing is late that a machine could have done, and every chain is whole."""
        machine = self.late.unswept + self.late.undelivered + self.late.stuck_leases
        return not machine and not self.looked.broken and self.watched.well

    @property
    def handled(self) -> int:
        """An audit is one look, never a batch of many."""
        return 0

    def as_dict(self) -> Mapping[str, object]:
        """Plain values for tables and JSON; references only, no titles."""
        broken = [each.as_dict() for each in self.looked.broken]
        return {
            "well": self.well,
            **asdict(self.late),
            "broken": broken,
            "all_broken": self.looked.all_broken,
            KEY: self.looked.as_dict(),
            "pinged": self.pinged,
            "watched": dict(self.watched.found),
            "told": self.watched.told,
        }


def audit(services: Services, now: datetime) -> Audited:
    """Look, log what is wrong, and ping the heartbeat address only when all is well."""
    with services.database.read() as connection:
        found = late(
            connection,
            swept_before=now - SWEEP_LATE,
            sent_before=now - MAIL_LATE,
            called_before=now - CALL_LATE,
            clock_now=SystemClock().now(),
        )
    looked = look(services.database)
    for each in looked.broken:
        log.error("the history of %s is not whole: %s", each.ref, each.what)
    if more := looked.all_broken - len(looked.broken):
        log.error("%d more histories are not whole; `alkawari verify --json` lists them", more)
    lapse_releases(services, now)
    audited = Audited(found, looked, pinged=False, watched=watch(services, now))
    if audited.well and services.settings.heartbeat_url:
        audited = replace(audited, pinged=_ping(services.settings.heartbeat_url))
    elif not audited.well:
        log.error("something is later than it may be or broken: %s", audited.as_dict())
    if not looked.broken:
        _seal(services, now)
    with services.database.write() as connection:
        complete_words(connection)
        beat(connection, "audit", now, audited.as_dict())
    warn_daily(services, now)
    retain_daily(services, now)
    return audited


def _seal(services: Services, now: datetime) -> None:
    """From here on every old state can be proved."""
    try:
        with snapshot(services.database) as connection:
            found = reckoned(connection)
    except BadValue as error:  # an import, say, that takes its time
        log.warning("the history is sealed by the next audit: %s", error.reason)
        return
    with services.database.write() as connection:
        keep(connection, found, now)


def _ping(url: str) -> bool:
    if not url.startswith(("http://", "https://")):
        log.error("heartbeat_url is no web address; it was not called")
        return False
    try:
        with urllib.request.urlopen(url, timeout=HEARTBEAT_TIMEOUT_S):  # noqa: S310 - checked above
            return True
    except OSError as error:
        log.warning("the heartbeat address could not be reached: %s", error)
        return False
