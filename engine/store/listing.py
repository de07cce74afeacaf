"""Actions as they stand on a day: what lists, pages and counts show."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, select

from engine.action import OWED, Action, State
from engine.case import Case, rung_reached
from engine.conditions import Around, Standing, Thresholds, standing
from engine.dialogue import Dialogue
from engine.store.acting import SETTLED
from engine.store.directory import Directory
from engine.store.outbox_tables import NoticeStatus, notices
from engine.store.records import action_from, select_actions
from engine.store.tables import actions, dependencies, dialogues

PAGE = 1000
_NEEDED = actions.alias("needed")


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """
    One action with what follows from it on a day.

    `rung_reached` goes by dates alone; `rung_sent` is the last rung that left in the present run.
    """

    action: Action
    dialogue: Dialogue
    responsible: str
    standing: Standing
    rung_reached: str | None
    rung_sent: str | None

    def as_dict(self) -> Mapping[str, object]:
        """The JSON of an action in lists."""
        action, stands = self.action, self.standing
        return {
            "ref": action.ref,
            "dialogue": self.dialogue.name,
            "title": action.title,
            "state": action.state,
            "kind": action.kind,
            "responsible": self.responsible,
            "due_on": _iso(action.due_on),
            "original_due_on": _iso(action.original_due_on),
            "effective_due_on": _iso(stands.effective_due_on),
            "overdue": stands.overdue,
            "days_overdue": stands.days_overdue,
            "rung_reached": self.rung_reached,
            "rung_sent": self.rung_sent,
            "conditions": list(stands.conditions),
            "version": action.version,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """
    Which actions to list; None or False where it does not matter.

    `where`: of those only the ones that somebody may see. `after_id`: where a list goes on.
    `at_once`: how many are read at a time.
    """

    dialogue: str | None = None
    dialogue_ids: Collection[int] | None = None
    state: State | None = None
    overdue: bool = False
    refs: Sequence[str] | None = None
    where: ColumnElement[bool] | None = None
    after_id: int = 0
    at_once: int = PAGE


def views(
    directory: Directory, wanted: Wanted, now: datetime, limits: Thresholds
) -> Iterator[View]:
    """The actions wanted, by reference, as they stand at that instant."""
    connection = directory.connection
    query = select_actions().order_by(actions.c.id)
    if wanted.state is not None:
        query = query.where(actions.c.state == wanted.state)
    if wanted.overdue:
        # Somewhere east it may be tomorrow already; the exact day is asked of each one's calendar.
        query = query.where(
            actions.c.state.in_([state.value for state in OWED]),
            actions.c.due_on <= now.date() + timedelta(days=1),
        )
    if wanted.where is not None:
        query = query.where(wanted.where)
    if wanted.refs is not None:
        query = query.where(actions.c.ref.in_(wanted.refs))
    if wanted.dialogue is not None:
        query = query.where(actions.c.dialogue_id.in_(dialogue_ids(connection, wanted.dialogue)))
    if wanted.dialogue_ids is not None:
        query = query.where(actions.c.dialogue_id.in_(wanted.dialogue_ids))
    last = wanted.after_id
    while True:
        page = query.where(actions.c.id > last).limit(wanted.at_once)
        batch = [action_from(row) for row in connection.execute(page)]
        if not batch:
            return
        last = batch[-1].id
        for view in _viewed(directory, batch, now, limits):
            if view.standing.overdue or not wanted.overdue:
                yield view


def view_of(directory: Directory, action: Action, now: datetime, limits: Thresholds) -> View:
    """One action as it stands."""
    [view] = _viewed(directory, [action], now, limits)
    return view


def views_of(
    directory: Directory, found: Sequence[Action], now: datetime, limits: Thresholds
) -> list[View]:
    """These actions as they stand, in their order."""
    return list(_viewed(directory, found, now, limits)) if found else []


def all_dialogue_ids(connection: Connection) -> list[int]:
    """Every dialogue."""
    return list(connection.scalars(select(dialogues.c.id).order_by(dialogues.c.id)))


def dialogue_names(connection: Connection) -> list[str]:
    """The names of all dialogues, in alphabetical order."""
    return list(connection.scalars(select(dialogues.c.name).order_by(dialogues.c.name)))


def ids_by_name(connection: Connection) -> dict[str, list[int]]:
    """The dialogues of each name, in alphabetical order."""
    found: dict[str, list[int]] = defaultdict(list)
    for row in connection.execute(select(dialogues.c.name, dialogues.c.id).order_by("name", "id")):
        found[row.name].append(row.id)
    return found


def dialogue_ids(connection: Connection, name: str) -> list[int]:
    """The dialogues of that name or code, any case."""
    folded = name.casefold()
    rows = connection.execute(select(dialogues.c.id, dialogues.c.name, dialogues.c.code))
    return [row.id for row in rows if folded in {row.name.casefold(), row.code.casefold()}]


def _viewed(
    directory: Directory, batch: Sequence[Action], now: datetime, limits: Thresholds
) -> Iterator[View]:
    directory.ensure(batch)
    around = _around(directory, batch, now)
    sent = _sent(directory.connection, batch)
    for action in batch:
        calendar = directory.calendars[action.dialogue_id]
        today = directory.today(action.dialogue_id, now)
        ladder = directory.ladder_for(action)
        circle = directory.circle(action)
        case = Case(action=action, ladder=ladder, calendar=calendar, circle=circle)
        reached = rung_reached(case, today)
        order = [rung.name for rung in ladder.rungs]
        left = [name for name in sent.get(action.id, ()) if name in order]
        yield View(
            action=action,
            dialogue=directory.dialogues[action.dialogue_id],
            responsible=directory.parties[action.responsible_id].name,
            standing=standing(action, calendar, around[action.id], today, limits),
            rung_reached=reached.name if reached else None,
            rung_sent=max(left, key=order.index, default=None),
        )


def _around(directory: Directory, batch: Sequence[Action], now: datetime) -> dict[int, Around]:
    """For each action whether its party can be reached, and how its dependencies stand."""
    needed = _NEEDED
    rows = directory.connection.execute(
        select(dependencies.c.action_id, needed.c.due_on, needed.c.state, needed.c.dialogue_id)
        .join(needed, needed.c.id == dependencies.c.needs_id)
        .where(dependencies.c.action_id.in_([action.id for action in batch]))
    ).all()
    directory.ensure_dialogues({row.dialogue_id for row in rows})
    due: dict[int, list[date]] = defaultdict(list)
    overdue: set[int] = set()
    for action_id, due_on, state, dialogue_id in rows:
        if state in SETTLED or due_on is None:
            continue
        due[action_id].append(due_on)
        effective = directory.calendars[dialogue_id].on_or_after(due_on)
        if directory.today(dialogue_id, now) > effective and state in OWED:
            overdue.add(action_id)
    found = {}
    for action in batch:
        focal = directory.circle(action).focal
        found[action.id] = Around(
            reachable=bool(focal and (focal.reachable or focal.phone)),
            needs_due_on=tuple(due.get(action.id, ())),
            needs_overdue=action.id in overdue,
        )
    return found


def _sent(connection: Connection, batch: Sequence[Action]) -> dict[int, list[str]]:
    """The rungs that left in the present run of each action."""
    run = {action.id: f"e{action.episode}" for action in batch}
    left = [NoticeStatus.SENT.value, NoticeStatus.POSTED.value]
    table = notices.c
    rows = connection.execute(
        select(table.action_id, table.rung, table.cause).where(
            table.action_id.in_(run), table.status.in_(left)
        )
    )
    found: dict[int, list[str]] = defaultdict(list)
    for action_id, rung, cause in rows:
        if cause == run[action_id]:
            found[action_id].append(rung)
    return found


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def due_days(connection: Connection) -> list[tuple[str, str, date]]:
    """Reference, dialogue and due date of every action that is still owed, by date."""
    rows = connection.execute(
        select(actions.c.ref, dialogues.c.name, actions.c.due_on)
        .join(dialogues, dialogues.c.id == actions.c.dialogue_id)
        .where(
            actions.c.due_on.is_not(None),
            actions.c.state.in_([state.value for state in OWED | {State.IN_FORCE}]),
        )
        .order_by(actions.c.due_on, actions.c.ref)
    )
    return [(ref, name, due_on) for ref, name, due_on in rows]
