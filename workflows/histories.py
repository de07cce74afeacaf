"""Every history looked at once a day, piece by piece; what changed or was broken, each time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from engine.store.auditing import last_tally
from engine.store.checkpoints import last_event, snapshot
from engine.store.database import Connection, Database
from engine.store.wholeness import (
    broken_among,
    broken_between,
    changed_since,
    how_many,
    ids_of,
    number_after,
    orphans,
)
from engine.verifying import Broken

NAMED = 20
"""So many histories that are not whole are named; a restore gone wrong may break all of them."""

IN_A_ROUND: Final = 20
"""In so many audits every history is looked at; they run each hour, and one may fail."""

AT_LEAST = 20_000
"""Histories looked at in one audit: for fewer than that a second or two is no reason to wait."""

KEY: Final = "histories"


@dataclass(frozen=True, slots=True)
class Looked:
    """
    What an audit saw: the first NAMED histories that are not whole, and how many there were.

    `looked_to` is the number of the last action of its piece, 0 at the end of a round; `last_event`
    that of the newest event.
    """

    broken: tuple[Broken, ...]
    all_broken: int
    looked_to: int
    last_event: int

    def as_dict(self) -> Mapping[str, object]:
        """For the tally, from which the next audit goes on."""
        return {"looked_to": self.looked_to, "last_event": self.last_event}


def look(database: Database) -> Looked:
    """The next piece of the round, what changed since the last audit, and what was broken then."""
    with snapshot(database, settled=False) as connection:
        tally = last_tally(connection, "audit")
        before: Mapping[str, Any] = tally.get(KEY, {})
        after_id = before.get("looked_to", 0)
        piece = max(AT_LEAST, -(-how_many(connection) // IN_A_ROUND))
        until = number_after(connection, after_id, piece) or 0
        found = _found(connection, tally, after_id, until, piece)
        broken = tuple(islice(found, NAMED))
        more = sum(1 for _ in found)
        newest = last_event(connection)
    return Looked(broken, len(broken) + more, until, newest)


def _found(
    connection: Connection, tally: Mapping[str, Any], after_id: int, until: int, piece: int
) -> Iterator[Broken]:
    again = ids_of(connection, [each["ref"] for each in tally.get("broken", ())])
    again |= changed_since(connection, tally.get(KEY, {}).get("last_event", 0), piece)
    last = until or _LAST
    yield from broken_among(connection, {i for i in again if not after_id < i <= last})
    yield from broken_between(connection, after_id, last)
    if not until:  # the round ends: what hangs in the air is looked for once
        yield from orphans(connection)


_LAST: Final = 2**63 - 1
