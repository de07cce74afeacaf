"""A session written down: its commitments and their actions, all of them or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from config.plan import check_records
from config.plan_columns import Record
from config.wiring import Services
from engine.store.database import Connection
from engine.store.held_sessions import agreed_there, keep_session
from engine.store.intake import known_refs
from workflows.foresee import Foresight
from workflows.intake import Taken, take_plan


@dataclass(slots=True)
class Keeper(Foresight):
    """Puts the session on record in the transaction in which its actions are stored."""

    dialogue_id: int = 0
    held_on: date = field(default=date.min)
    session_id: int = 0

    def after(self, connection: Connection) -> None:
        Foresight.after(self, connection)
        self.session_id = keep_session(connection, self.dialogue_id, self.held_on)
        mine = [line.action_id for line in self.lines]
        agreed_there(connection, self.session_id, self.held_on, mine)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What came of it; with errors nothing was written, and each names the row of its record."""

    taken: Taken
    keeper: Keeper


def record_session(
    services: Services,
    dialogue_id: int,
    held_on: date,
    records: Sequence[Record],
    by: str,
    now: datetime,
    *,
    dry_run: bool = False,
) -> Recorded:
    """
    Store what a session agreed, checked as a plan file is; twice the same changes nothing.

    Every record must name that dialogue and that day. With `dry_run` it is undone again.
    """
    with services.database.read() as connection:
        refs = known_refs(connection)
    keeper = Keeper(dialogue_id=dialogue_id, held_on=held_on)
    plan = check_records(records, refs)
    taken = take_plan(services, plan, now, dry_run=dry_run, by=by, onlooker=keeper)
    return Recorded(taken, keeper)
