"""
The record moved into another database: nobody writes meanwhile, nobody goes on from both after it.

A break at any point loses nothing: the same call goes on from there. Until the copy is complete and
compared the new database refuses to be used, and from the announcement on the old one does.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Final

from engine.clock import Clock, SystemClock
from engine.errors import EngineError
from engine.store.checkpoints import fingerprint_unwritten, snapshot
from engine.store.custody import Custody, Move, newest_move, remember_move
from engine.store.database import Connection, Database
from engine.store.fence import close_off, put_fence, record_tables, take_fence
from engine.store.holds import put_hold
from engine.store.moving import (
    amount,
    answers,
    copy_table,
    first_difference,
    holds_rows,
    number_on,
    strangers,
)
from engine.store.revision import check_version, found_in, refuse_newer
from engine.store.schema import upgrade
from workflows.verify import verify

PATIENCE: Final = timedelta(minutes=10)
"""How long to wait for workers to finish what they have in hand; each lease ends in a minute."""

LOOK_AGAIN_S: Final = 0.5
UNDER_WAY: Final = frozenset({Custody.ANNOUNCED, Custody.LEAVING, Custody.LEFT})
PASSING: Final = frozenset({"heartbeats", "channels"})
"""Tables that a program writes to although nothing happens."""

Tell = Callable[[str], None]


class CannotMove(EngineError):
    """The record stays where it is; the sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """One table: what the old database holds, and how much of it was copied by this call."""

    table: str
    rows: int
    copied: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """
    What was copied and compared; `complete` is false for what only would be done.

    `before`: an earlier call had done it all.
    """

    source: str
    target: str
    lots: tuple[Lot, ...]
    events: int = 0
    fingerprint: str = ""
    complete: bool = True
    before: bool = False

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(lot.rows for lot in self.lots)

    @property
    def copied(self) -> int:
        """Rows that this call copied; fewer where an earlier one was broken off."""
        return sum(lot.copied for lot in self.lots)

    def as_dict(self) -> Mapping[str, object]:
        """Plain values for tables and JSON."""
        return {
            "from": self.source,
            "to": self.target,
            "complete": self.complete,
            "rows": self.rows,
            "copied": self.copied,
            "tables": {lot.table: lot.rows for lot in self.lots},
            "events": self.events,
            "fingerprint": self.fingerprint,
        }


def foresee_move(source: Database, target: Database) -> Moved:
    """What a move would copy; refuses what a move would refuse, and writes nothing anywhere."""
    check_version(source)
    _refuse_unfit(source, target)
    with source.read() as reading:
        lots = tuple(
            Lot(table=table.name, rows=amount(reading, table), copied=0)
            for table in record_tables()
        )
    return Moved(source=_address(source), target=_address(target), lots=lots, complete=False)


def move_record(
    source: Database,
    target: Database,
    *,
    clock: Clock | None = None,
    tell: Tell = lambda _words: None,
) -> Moved:
    """
    Copy everything, compare it row by row, and hand the record over. Safe to repeat.

    BadValue or CannotMove where the target holds anything else, or workers do not let go.
    """
    clock = clock or SystemClock()
    check_version(source)
    move = _refuse_unfit(source, target)
    if move.state is Custody.LEFT and _state_of(target) is Custody.ARRIVED:
        done = foresee_move(source, target)
        return replace(done, complete=True, before=True, fingerprint=move.fingerprint)
    upgrade(target)
    if move.state is Custody.ANNOUNCED:
        _note(source, move, clock)
        _put_up_fence(source, move, clock, tell)
    move = replace(move, state=Custody.LEAVING)
    there = replace(move, state=Custody.ARRIVING, other=_address(source))
    _note(target, there, clock)
    moved = _copied(source, target, tell)
    tell("reading the whole history")
    found = verify(target)
    if not found.whole:
        raise CannotMove(f"{found.sentence} Look in the old database; --undo gives it back.")
    if found.fingerprint != moved.fingerprint:
        raise CannotMove("The histories have other fingerprints: nothing was handed over.")
    # In this order: a break in between leaves two databases that refuse, never two that go on.
    left = replace(move, state=Custody.LEFT, fingerprint=found.fingerprint)
    with source.write() as writing:
        put_fence(writing, left.sentence)
        remember_move(writing, left, clock.now())
    arrived = replace(there, state=Custody.ARRIVED, fingerprint=found.fingerprint)
    _note(target, arrived, clock)
    target.checkpoint()
    return replace(moved, events=found.events)


def call_off(
    source: Database, target: Database, *, lost: bool = False, clock: Clock | None = None
) -> bool:
    """
    Give the old database its record back, and close the new one for good.

    One that is `lost` cannot be closed: nobody can say what left from there, so the whole
    programme is paused. Returns whether it was. One that answers and holds the record is not lost.
    """
    clock = clock or SystemClock()
    with source.read() as reading:
        move = newest_move(reading)
    if move is None or move.state not in UNDER_WAY:
        raise CannotMove(f"{source.shown} holds its record: there is nothing to undo.")
    if not _is(target, move.other):
        raise CannotMove(
            f"This record moved to {move.other}, not to {target.shown}: name that one."
        )
    there = answers(target) and target.exists()
    if there and lost:
        raise CannotMove(
            f"{target.shown} is not lost, it answers: call the move off without --lost."
        )
    if there:
        _abandon(source, target, move, clock)
    elif not lost and not answers(target):
        raise CannotMove(f"{target.shown} does not answer: if it is lost for good, say --lost.")
    elif not lost and move.state is Custody.LEFT:
        raise CannotMove(f"There is no {target.shown}: if it is lost for good, say --lost.")
    paused = lost and move.state is Custody.LEFT
    now = clock.now()
    with source.write() as writing:
        take_fence(writing)
        remember_move(writing, replace(move, state=Custody.RELEASED), now)
        if paused:
            pause_all(
                writing, now,
                "taken back from a database that is lost; what left from there is not known here",
            )  # fmt: skip
    return paused


def pause_all(writing: Connection, now: datetime, reason: str) -> None:
    """Let no message leave until somebody has looked: put by the program itself."""
    put_hold(
        writing, dialogue_id=None, action_id=None,
        # West of Greenwich it may be yesterday yet.
        from_on=now.date() - timedelta(days=1), until_on=None,
        by="alkawari", reason=reason, now=now,
    )  # fmt: skip


def _refuse_unfit(source: Database, target: Database) -> Move:
    """The move to begin or to go on with; refuses a target that holds anything else."""
    if _is(source, _address(target)):
        raise CannotMove(f"The record is in {target.shown} already: name another database.")
    with source.read() as reading:
        move = newest_move(reading)
    if move is not None and move.sentence and move.state not in UNDER_WAY:
        raise CannotMove(move.sentence)
    if move is None or move.state not in UNDER_WAY:
        move = Move(
            key=secrets.token_hex(16), state=Custody.ANNOUNCED, other=_address(target),
            began_at=SystemClock().now(),
        )  # fmt: skip
    with ExitStack() as stack:
        theirs, filled = None, False
        if target.exists():
            reading = stack.enter_context(target.read())
            if others := strangers(reading):
                names = ", ".join(others[:3])
                raise CannotMove(
                    f"{target.shown} holds tables of something else ({names}): name an empty "
                    "database."
                )
            refuse_newer(target, found_in(reading))
            theirs = newest_move(reading)
            filled = theirs is not None or holds_rows(reading)
    if theirs is not None and theirs.key == move.key and theirs.state is not Custody.ABANDONED:
        return move
    if not _is(target, move.other) or move.state is Custody.LEFT:
        raise CannotMove(move.sentence)
    if theirs is not None and theirs.state is Custody.ABANDONED and _is(source, theirs.other):
        raise CannotMove(_given_up_there(target))
    if filled:
        raise CannotMove(
            f"{target.shown} holds another record already: name an empty database, or one in "
            "which a move of this record was broken off."
        )
    return move


def _given_up_there(target: Database) -> str:
    """What to do with the copy that is left of a move which was called off."""
    there = _address(target)
    empty = "empty it"
    if target.sqlite:
        file = there.removeprefix("sqlite:///")
        empty = f"delete {file} (with {file}-wal and {file}-shm, if they are there)"
    return (
        f"{there} holds the copy that is left of a move of this record, since called off: {empty}, "
        "or name another empty database; then move again."
    )


def _put_up_fence(source: Database, move: Move, clock: Clock, tell: Tell) -> None:
    """Wait until nobody has anything in hand, and let nobody write from that moment on."""
    leaving = replace(move, state=Custody.LEAVING)
    pause, real = Event(), SystemClock()
    until = real.now() + PATIENCE
    while busy := close_off(source, leaving, now=clock.now(), clock_now=real.now()):
        if real.now() > until:
            _note(source, replace(move, state=Custody.RELEASED), clock)
            raise CannotMove(
                f"Waited ten minutes for {busy}: stop the workers, then move the record again."
            )
        tell(f"waiting for {busy}")
        pause.wait(LOOK_AGAIN_S)


def _copied(source: Database, target: Database, tell: Tell) -> Moved:
    lots = []
    with snapshot(source, settled=False) as reading:
        for table in record_tables():
            name, rows = table.name, amount(reading, table)

            def progress(copied: int, name: str = name, rows: int = rows) -> None:
                tell(f"{name} {copied:,} of {rows:,}")

            copied = copy_table(reading, target, table, progress)
            number_on(reading, target, table)
            target.checkpoint()
            lots.append(Lot(table=name, rows=rows, copied=copied))
        with snapshot(target, settled=False) as other:
            _compare(reading, other, lots, tell)
        said = fingerprint_unwritten(reading, None)
    return Moved(
        source=_address(source), target=_address(target), lots=tuple(lots), fingerprint=said
    )


def _compare(reading: Connection, other: Connection, lots: Sequence[Lot], tell: Tell) -> None:
    for table, lot in zip(record_tables(), lots, strict=True):
        tell(f"comparing {lot.table}")
        there = amount(other, table)
        if there != lot.rows:
            raise CannotMove(
                f"{lot.table} has {lot.rows} rows here and {there} there: nothing was handed over; "
                "empty the new database and move again."
            )
        if odd := first_difference(reading, other, table):
            raise CannotMove(
                f"{odd} is not the same there: nothing was handed over; empty the new database and "
                "move again."
            )


def _abandon(source: Database, target: Database, move: Move, clock: Clock) -> None:
    with target.read() as reading:
        theirs = newest_move(reading)
    if theirs is None and move.state is not Custody.LEFT:
        return  # broken off before anything was copied
    if theirs is None or theirs.key != move.key:
        raise CannotMove(f"{target.shown} is not where this record went: that is {move.other}.")
    given_up = replace(theirs, state=Custody.ABANDONED)
    with target.write() as writing, source.read() as reading:
        put_fence(writing, given_up.sentence)
        if theirs.state is Custody.ARRIVED:
            for table in record_tables():
                if table.name not in PASSING and first_difference(reading, writing, table):
                    raise CannotMove(
                        f"The record has gone on in {target.shown} ({table.name}): from there, "
                        "move it into an empty database instead."
                    )
        remember_move(writing, given_up, clock.now())


def _note(database: Database, move: Move, clock: Clock) -> None:
    with database.write() as writing:
        remember_move(writing, move, clock.now())


def _state_of(database: Database) -> Custody | None:
    with database.read() as reading:
        move = newest_move(reading)
    return move.state if move else None


def _address(database: Database) -> str:
    """Where it is, from whichever folder one asks, without its password."""
    if database.sqlite:
        return f"sqlite:///{Path(database.url.database or '').resolve()}"
    return database.shown


def _is(database: Database, address: str) -> bool:
    return _plain(_address(database)) == _plain(address)


def _plain(address: str) -> str:
    """The same for a database that is named with a password and without one."""
    return address.replace(":***@", "@")
