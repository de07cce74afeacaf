"""A plan taken in: all of it or nothing, and twice the same changes nothing."""

import hashlib
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Protocol

from config.plan import plan_aside
from config.plan_values import Plan, PlanRow, RowError
from config.wiring import Services
from engine.action import Action
from engine.dependencies import find_circle
from engine.errors import N_, BadValue
from engine.history import payload_text
from engine.store.database import Connection
from engine.store.directory import Directory
from engine.store.intake import (
    actions_of,
    add_actions,
    depend,
    depend_no_longer,
    find_by_digest,
    ids_of,
    known_refs,
    needed_by,
    plan_digests,
    set_digests,
    share,
    share_no_longer,
    shared_by,
    waits,
)
from engine.store.records import actions_by_id, append
from workflows.newcomers import Newcomers
from workflows.planting import (
    References,
    changed,
    first_event,
    impossible,
    new_row,
    start_waiting,
    write_commitments,
)

__all__ = ["Onlooker", "Taken", "take_in", "take_plan"]

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


class Onlooker(Protocol):
    """Whoever stands by while a plan is stored, in the transaction that keeps or undoes it."""

    def before(self, connection: Connection) -> None:
        """Nothing is written yet."""

    def after(self, connection: Connection) -> None:
        """All of it is written, and nothing was wrong with it."""


def take_in(
    services: Services,
    path: Path,
    map_path: Path | None,
    now: datetime,
    *,
    dry_run: bool = False,
    start: date | None = None,
    by: str = BY,
    onlooker: Onlooker | None = None,
) -> Taken:
    """Read a plan file and store it. BadValue if there is no such file."""
    for given in (path, map_path):
        if given is not None and not given.is_file():
            raise BadValue("import", str(given), "there is no such file")
    with services.database.read() as connection:
        refs = known_refs(connection)
    with plan_aside(path, map_path, known_refs=refs, start=start) as plan:
        return take_plan(services, plan, now, dry_run=dry_run, by=by, onlooker=onlooker)


def take_plan(
    services: Services,
    plan: Plan,
    now: datetime,
    *,
    dry_run: bool = False,
    by: str = BY,
    onlooker: Onlooker | None = None,
) -> Taken:
    """Store a plan that was read; `by` stands in the history. With errors nothing is written."""
    if plan.errors:
        return Taken(_count(plan), 0, 0, 0, plan.errors)
    with services.database.write() as connection:
        if onlooker:
            onlooker.before(connection)
        done = _Intake(services, connection, plan, now, by).store()
        if onlooker and not done.errors:
            onlooker.after(connection)
        if dry_run or done.errors:
            connection.rollback()
    services.database.checkpoint()
    return done


def _count(plan: Plan) -> int:
    return len({row.row for row in plan.rows} | {e.row for e in plan.errors if e.row > 1})


_SAID = tuple(field.name for field in fields(PlanRow) if field.name not in {"row", "given"})


def digest_of(row: PlanRow) -> bytes:
    """What a plan's row says, wherever in the file it stands."""
    said = {name: getattr(row, name) for name in _SAID}
    rest = said["rest_days"]
    said["rest_days"] = sorted(rest) if rest is not None else None
    return hashlib.sha256(payload_text(said).encode()).digest()


class _Intake:
    def __init__(
        self, services: Services, connection: Connection, plan: Plan, now: datetime, by: str
    ) -> None:
        self.services, self.connection, self.plan, self.now = services, connection, plan, now
        self.by = by
        self.newcomers = Newcomers(connection, services.settings.plan, now)
        self.refs = known_refs(connection)
        self.digests = plan_digests(connection)
        self.spelled = {ref.casefold(): ref for ref in self.refs}
        self.waiting: dict[int, PlanRow] = {}
        self.errors: list[RowError] = []
        self.unnamed = {digest: deque(refs) for digest, refs in find_by_digest(connection).items()}

    def store(self) -> Taken:
        """Write what is new or changed; with `errors` in the answer it must be rolled back."""
        self.newcomers.welcome(self.plan)
        directory = self.services.directory(self.connection)
        directory.ensure_dialogues(set(self.newcomers.dialogue_ids.values()))
        names = References(self.newcomers, self.spelled, self.plan.refs)
        different: list[tuple[str, PlanRow, bytes]] = []
        created = unchanged = 0
        rows = iter(self.plan.rows)
        # Piece by piece, so that the memory does not grow with the plan.
        while piece := list(islice(rows, PIECE)):
            self.newcomers.welcome_rows(piece)
            new: list[tuple[PlanRow, bytes]] = []
            for row in piece:
                digest = digest_of(row)
                ref = row.ref or self._known_as(digest)
                if ref not in self.refs:
                    self._refuse_other_spelling(row)
                    new.append((row, digest))
                elif self.digests.get(ref) == digest:
                    unchanged += 1
                else:
                    different.append((ref, row, digest))
            if not self.errors:
                self._create(directory, new, names)
                created += len(new)
        self.newcomers.welcome_coordinators()
        if not self.errors:
            self._tie(directory, self.waiting, {})
        if not self.errors:
            updated = self._update(directory, different)
            unchanged += len(different) - updated
        if self.errors:
            return Taken(len(self.plan.rows), 0, 0, 0, tuple(self.errors))
        return Taken(len(self.plan.rows), created, updated, unchanged, ())

    def _refuse_other_spelling(self, row: PlanRow) -> None:
        stored = self.spelled.get(row.ref.casefold())
        if stored is not None:
            reason = N_("this reference is stored as %(ref)s; write it so", ref=stored)
            self.errors.append(RowError(row=row.row, column="ref", value=row.ref, reason=reason))

    def _known_as(self, digest: bytes) -> str:
        """The reference that a row without one got when it was first read."""
        refs = self.unnamed.get(digest)
        return refs.popleft() if refs else ""

    def _create(
        self, directory: Directory, new: Sequence[tuple[PlanRow, bytes]], names: References
    ) -> None:
        refs = [names.of(row) for row, _digest in new]
        write_commitments((row for row, _digest in new), self.newcomers, self.connection)
        rows = [
            new_row(row, ref, digest, self.newcomers, directory, self.services, self.now)
            for (row, digest), ref in zip(new, refs, strict=True)
        ]
        payloads = [first_event(row) for row, _digest in new]
        shared = [self._sharing(row) for row, _digest in new]
        ties = [
            {"co_responsible": sorted(parties), "depends_on": sorted(self._awaited(row))}
            for parties, (row, _digest) in zip(shared, new, strict=True)
        ]
        ids = add_actions(self.connection, rows, payloads, ties, at=self.now, by=self.by)
        share(
            self.connection,
            ((action_id, party) for action_id, of in zip(ids, shared, strict=True) for party in of),
        )
        # What an action waits for may stand further down in the file.
        self.waiting |= {
            action_id: row
            for action_id, (row, _digest) in zip(ids, new, strict=True)
            if row.depends_on
        }

    def _sharing(self, row: PlanRow) -> set[int]:
        return {self.newcomers.party_id(row.dialogue, name) for name in row.co_responsible}

    def _awaited(self, row: PlanRow) -> set[str]:
        """The references that a row waits for, as their own rows spell them."""
        folded = (need.casefold() for need in row.depends_on)
        return {self.plan.refs.get(need) or self.spelled[need] for need in folded}

    def _update(self, directory: Directory, different: Sequence[tuple[str, PlanRow, bytes]]) -> int:
        before = actions_of(self.connection, [ref for ref, _row, _digest in different])
        for ref, row, _digest in different:
            self.errors += impossible(before[ref], row, self.newcomers)
        if self.errors:
            return 0
        directory.ensure(before.values())
        updated: set[int] = set()
        for ref, row, _digest in different:
            action = before[ref]
            if changed(
                self.connection, action, row, self.newcomers, directory, now=self.now, by=self.by
            ):
                updated.add(action.id)
        rows = {before[ref].id: row for ref, row, _digest in different}
        updated |= self._tie(directory, rows, {action.id: action for action in before.values()})
        set_digests(self.connection, {before[ref].id: digest for ref, _row, digest in different})
        return len(updated)

    def _tie(
        self,
        directory: Directory,
        rows: Mapping[int, PlanRow],
        before: Mapping[int, Action],
    ) -> set[int]:
        """
        Shared responsibility and dependencies as the rows say, then who has to wait.

        `before` are those actions that were there already; returns those of them that changed.
        """
        ids = ids_of(self.connection, {ref for row in rows.values() for ref in self._awaited(row)})
        parties = Ties(shared_by(self.connection, list(before)))
        needs = Ties(needed_by(self.connection, list(before)))
        for action_id, row in rows.items():
            only_add = "co_responsible" not in row.given
            parties.put(action_id, self._sharing(row), only_add=only_add)
            awaited = {ids[ref] for ref in self._awaited(row)}
            needs.put(action_id, awaited, only_add="depends_on" not in row.given)
        share(self.connection, parties.added)
        share_no_longer(self.connection, parties.gone)
        depend(self.connection, needs.added)
        depend_no_longer(self.connection, needs.gone)
        if needs.added and self._goes_in_a_circle(rows):
            return set()
        touched = (parties.touched | needs.touched) & before.keys()
        every = self.refs | ids if touched else {}
        names = {action_id: ref for ref, action_id in every.items()}
        for action in actions_by_id(self.connection, touched):
            then, now = (
                {
                    "co_responsible": sorted(parties_of[action.id]),
                    "depends_on": sorted(names[need] for need in needs_of[action.id]),
                }
                for parties_of, needs_of in (
                    (parties.before, needs.before),
                    (parties.now, needs.now),
                )
            )
            append(
                self.connection, action, {},
                kind="corrected", at=self.now, by=self.by, payload={"before": then}, ties=now,
            )  # fmt: skip
        start_waiting(self.connection, directory, needs.touched, self.now)
        return set(touched)

    def _goes_in_a_circle(self, rows: Mapping[int, PlanRow]) -> bool:
        """Over all dialogues, and with what is stored already; the rows that close it are told."""
        circle = find_circle(waits(self.connection))
        if circle is None:
            return False
        ids = set(ids_of(self.connection, circle).values())
        waiting = {action_id: row for action_id, row in rows.items() if row.depends_on}
        at = next(row for action_id, row in waiting.items() if action_id in ids)
        path = " → ".join(circle)
        reason = N_("these actions would wait for each other in a circle: %(path)s", path=path)
        value = "; ".join(at.depends_on)
        self.errors.append(RowError(row=at.row, column="depends_on", value=value, reason=reason))
        return True


class Ties:
    """What some actions are tied to: before, now, and the difference."""

    def __init__(self, before: Mapping[int, set[int]]) -> None:
        self.before, self.now = before, dict[int, set[int]]()
        self.added: list[tuple[int, int]] = []
        self.gone: list[tuple[int, int]] = []

    def put(self, action_id: int, wanted: set[int], *, only_add: bool) -> None:
        """Say what an action is tied to from now on."""
        there = self.before.get(action_id, set())
        self.now[action_id] = wanted | there if only_add else wanted
        self.added += [(action_id, other) for other in sorted(self.now[action_id] - there)]
        self.gone += [(action_id, other) for other in sorted(there - self.now[action_id])]

    @property
    def touched(self) -> set[int]:
        """The actions whose ties differ from before."""
        return {action_id for action_id, _other in (*self.added, *self.gone)}
