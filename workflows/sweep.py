"""
The sweep: find what is due now, decide, and queue.

It is safe to run as often as you like, and by as many processes as you like.
"""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

from config.wiring import Services
from engine.action import Action
from engine.case import Case, Decision
from engine.decide import decide
from engine.shard import Shard
from engine.store.auditing import beat
from engine.store.database import Connection
from engine.store.directory import Directory
from engine.store.revision import check_again
from engine.store.sweeping import (
    Outcome,
    Written,
    checked_later,
    claim_due,
    said_about,
    write,
)
from workflows.cycles import no_search_for_cycles

log = logging.getLogger("alkawari.sweep")

BATCH = 500
"""
Actions in one transaction.

On SQLite it is also how long an answer has to wait for the sweep: with 500 under 0.1 s in 95 of 100
cases, with 1,000 twice that. On PostgreSQL batches of 250 take almost twice as long in all.
"""

READ_AGAIN_S = 5.0
"""How old what actions share may be, within one pass; each pass begins anew."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What a pass did; passes add up."""

    examined: int = 0
    moved: int = 0
    notices: int = 0
    by_rung: Counter[str] = field(default_factory=Counter)
    refused: int = 0

    def __add__(self, other: "Swept") -> "Swept":
        return Swept(
            self.examined + other.examined,
            self.moved + other.moved,
            self.notices + other.notices,
            self.by_rung + other.by_rung,
            self.refused + other.refused,
        )

    @property
    def handled(self) -> int:
        """Nothing was due when this is 0."""
        return self.examined

    def as_dict(self) -> Mapping[str, object]:
        """Plain values for tables and JSON."""
        return {
            "examined": self.examined,
            "moved": self.moved,
            "notices": self.notices,
            "by_rung": dict(sorted(self.by_rung.items())),
        }


class Sweeper:
    """
    One pass, batch after batch.

    Dialogues, calendars and people are read for its first batch, and again once they are
    READ_AGAIN_S old: a batch decides by them as if it had been that much quicker.
    """

    def __init__(self, services: Services, now: datetime, *, shard: Shard | None = None) -> None:
        self.services, self.now, self.shard = services, now, shard
        self._directory: Directory | None = None
        self._read_at_s = 0.0

    def batch(self, limit: int = BATCH) -> Swept:
        """Look at up to `limit` actions that are due, in one transaction."""
        with no_search_for_cycles():
            # By a call, so that the batch's values are gone before Python may search again.
            return self._batch(limit)

    def _batch(self, limit: int) -> Swept:
        with self.services.database.write() as connection:
            batch = claim_due(connection, self.now, limit, shard=self.shard)
            if not batch:
                return Swept()
            # Taken away until the end: what a failed transaction wrote must not be believed.
            directory, self._directory = self._fresh(connection), None
            outcomes, refused = _decided(self.services, directory, batch, self.now)
            written = write(connection, outcomes, directory, self.now)
        self._directory = directory
        return _tally(len(batch), written, refused)

    def _fresh(self, connection: Connection) -> Directory:
        if self._directory is None or monotonic() - self._read_at_s > READ_AGAIN_S:
            self._read_at_s = monotonic()
            return self.services.directory(connection)
        self._directory.connection = connection
        return self._directory


def sweep_batch(
    services: Services, now: datetime, *, limit: int = BATCH, shard: Shard | None = None
) -> Swept:
    """Look at up to `limit` actions that are due, of one share if asked, in one transaction."""
    return Sweeper(services, now, shard=shard).batch(limit)


def sweep(
    services: Services,
    now: datetime,
    *,
    shard: Shard | None = None,
    progress: Callable[[int], None] = lambda _n: None,
) -> Swept:
    """Batches until nothing is due, and then the write-ahead log is tidied."""
    total, sweeper = Swept(), Sweeper(services, now, shard=shard)
    while True:
        check_again(services.database)
        done = sweeper.batch()
        if done.examined == 0:
            break
        total += done
        progress(total.examined)
    _remember(services, total, now)
    services.database.checkpoint()
    return total


def rehearse_sweep(services: Services, now: datetime) -> Swept:
    """What a sweep would do now; nothing is written."""
    total, after = Swept(), 0
    with services.database.read() as connection:
        directory = services.directory(connection)
        while batch := claim_due(connection, now, BATCH, after_id=after):
            after = batch[-1].id
            outcomes, refused = _decided(services, directory, batch, now)
            written = Written(
                moved=sum("state" in outcome.decision.changes for outcome in outcomes),
                notices=sum(len(outcome.decision.notices) for outcome in outcomes),
                by_rung=Counter(n.rung for o in outcomes for n in o.decision.notices),
            )
            total += _tally(len(batch), written, refused)
    return total


def _remember(services: Services, total: Swept, now: datetime) -> None:
    with services.database.write() as connection:
        beat(connection, "sweep", now, total.as_dict())


def _tally(examined: int, written: Written, refused: int) -> Swept:
    return Swept(examined, written.moved, written.notices, written.by_rung, refused)


def _decided(
    services: Services, directory: Directory, batch: list[Action], now: datetime
) -> tuple[list[Outcome], int]:
    directory.ensure(batch)
    said = said_about(directory.connection, batch, directory)
    outcomes, refused = [], 0
    for action in batch:
        ladder = directory.ladder_for(action)
        today = directory.today(action.dialogue_id, now)
        try:
            case = Case(
                action=action,
                ladder=ladder,
                calendar=directory.calendars[action.dialogue_id],
                circle=directory.circle(action),
                said=said.get(action.id, ()),
            )
            decision = decide(case, today, services.delays)
        except Exception:  # one action that cannot be decided about must not silence the others
            log.exception("%s could not be looked at; it will be tried again tomorrow", action.ref)
            outcomes.append(Outcome(action, Decision(), checked_later(now), ladder))
            refused += 1
            continue
        again = decision.next_on
        next_at = directory.midnight(action.dialogue_id, again) if again else None
        outcomes.append(Outcome(action, decision, next_at, ladder))
    return outcomes, refused
