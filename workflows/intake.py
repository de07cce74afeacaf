"""A plan taken in: all of it or nothing, and twice the same changes nothing."""

import hashlib
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path

from config.plan import read_plan
from config.plan_values import Plan, PlanRow, RowError
from config.wiring import Services
from engine.clock import Clock
from engine.errors import BadValue
from engine.history import payload_text
from engine.store.acting import refuse_circle
from engine.store.database import Connection
from engine.store.directory import Directory
from engine.store.intake import (
    actions_of,
    add_actions,
    depend,
    find_by_digest,
    known_refs,
    plan_digests,
    set_digests,
    share,
)
from workflows.newcomers import Newcomers
from workflows.planting import changed, first_event, new_row, refs_for, start_waiting

__all__ = ["Taken", "take_in"]

BY = "import"
PIECE = 2_000
"""Rows written at a time; the transaction around them is one."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What an import did, or would have done; with errors nothing was written."""

    rows: int
    created: int
    updated: int
    unchanged: int
    errors: tuple[RowError, ...]

    def as_dict(self) -> Mapping[str, object]:
        """The JSON of the `import` command."""
        return {
            "rows": self.rows,
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "errors": [asdict(error) for error in self.errors],
        }


def take_in(
    services: Services,
    path: Path,
    map_path: Path | None,
    now: datetime,
    *,
    dry_run: bool = False,
    start: date | None = None,
) -> Taken:
    """Read a plan file and store it. BadValue if there is no such file."""
    for given in (path, map_path):
        if given is not None and not given.is_file():
            raise BadValue("import", str(given), "there is no such file")
    with services.database.read() as connection:
        refs = known_refs(connection)
    plan = read_plan(path, map_path, known_refs=refs, start=start)
    if plan.errors:
        return Taken(_count(plan), 0, 0, 0, plan.errors)
    with services.database.write() as connection:
        done = _Intake(services, connection, plan, now).store()
        if dry_run:
            connection.rollback()
    services.database.checkpoint()
    return done


def _count(plan: Plan) -> int:
    return len({row.row for row in plan.rows} | {e.row for e in plan.errors if e.row > 1})


def digest_of(row: PlanRow) -> bytes:
    """What a plan's row says, wherever in the file it stands."""
    said = {name: value for name, value in asdict(row).items() if name != "row"}
    rest = said["rest_days"]
    said["rest_days"] = sorted(rest) if rest is not None else None
    return hashlib.sha256(payload_text(said).encode()).digest()


class _Intake:
    def __init__(
        self, services: Services, connection: Connection, plan: Plan, now: datetime
    ) -> None:
        self.services, self.connection, self.plan, self.now = services, connection, plan, now
        self.newcomers = Newcomers(connection, services.settings.plan)
        self.refs = known_refs(connection)
        self.digests = plan_digests(connection)
        self.unnamed = {digest: deque(refs) for digest, refs in find_by_digest(connection).items()}

    def store(self) -> Taken:
        """Write what is new or changed."""
        self.newcomers.welcome(self.plan)
        directory = Directory(self.connection, self.services.ladder)
        directory.ensure_dialogues(set(self.newcomers.dialogue_ids.values()))
        new: list[tuple[PlanRow, bytes]] = []
        different: list[tuple[str, PlanRow, bytes]] = []
        unchanged = 0
        for row in self.plan.rows:
            digest = digest_of(row)
            ref = row.ref or self._known_as(digest)
            if ref not in self.refs:
                new.append((row, digest))
            elif self.digests.get(ref) == digest:
                unchanged += 1
            else:
                different.append((ref, row, digest))
        self._create(directory, new)
        updated = self._update(directory, different)
        unchanged += len(different) - updated
        self._tie()
        return Taken(len(self.plan.rows), len(new), updated, unchanged, ())

    def _known_as(self, digest: bytes) -> str:
        """The reference that a row without one got when it was first read."""
        refs = self.unnamed.get(digest)
        return refs.popleft() if refs else ""

    def _create(self, directory: Directory, new: Sequence[tuple[PlanRow, bytes]]) -> None:
        named = refs_for([row for row, _digest in new], self.newcomers, self.refs)
        for start in range(0, len(new), PIECE):
            piece = new[start : start + PIECE]
            refs = named[start : start + PIECE]
            rows = [
                new_row(row, ref, digest, self.newcomers, directory, self.services, self.now)
                for (row, digest), ref in zip(piece, refs, strict=True)
            ]
            payloads = [first_event(row) for row, _digest in piece]
            ids = add_actions(self.connection, rows, payloads, at=self.now, by=BY)
            self.refs |= dict(zip(refs, ids, strict=True))
        self.made = dict(zip((row.row for row, _digest in new), named, strict=True))

    def _update(self, directory: Directory, different: Sequence[tuple[str, PlanRow, bytes]]) -> int:
        before = actions_of(self.connection, [ref for ref, _row, _digest in different])
        directory.ensure(before.values())
        updated, digests = 0, {}
        for ref, row, digest in different:
            action = before[ref]
            updated += changed(
                self.connection, action, row, self.newcomers, directory, now=self.now, by=BY
            )
            digests[action.id] = digest
        set_digests(self.connection, digests)
        return updated

    def _tie(self) -> None:
        """Shared responsibility and dependencies, then who has to wait."""
        shared: list[tuple[int, int]] = []
        needs: list[tuple[int, int]] = []
        folded = {ref.casefold(): action_id for ref, action_id in self.refs.items()}
        for row in self.plan.rows:
            action_id = folded.get((row.ref or self.made.get(row.row, "")).casefold())
            if action_id is None:
                continue
            parties = (self.newcomers.party_id(row.dialogue, name) for name in row.co_responsible)
            shared += [(action_id, party_id) for party_id in parties]
            needs += [(action_id, folded[need.casefold()]) for need in row.depends_on]
        share(self.connection, shared)
        depend(self.connection, needs)
        for dialogue_id in {self.newcomers.dialogue_id(r.dialogue) for r in self.plan.rows}:
            refuse_circle(self.connection, dialogue_id)
        directory = Directory(self.connection, self.services.ladder)
        start_waiting(self.connection, directory, {waiter for waiter, _need in needs}, self.now)


def clock_start(clock: Clock) -> date:
    """The day from which relative dates of a sample are counted."""
    return clock.now().date()
