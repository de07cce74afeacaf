"""Lists of actions for one reader: only what they may see, page by page, at any number of rows."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, TypeVar

from sqlalchemy import ColumnElement, Connection, and_, case, func, not_, or_, select

from engine.action import OWED, Action, State
from engine.conditions import Condition, Thresholds
from engine.party import Role, Side
from engine.permission import Deed, Member
from engine.store.counting import condition_is
from engine.store.dashboard_lists import Narrow, narrowed
from engine.store.directory import Directory
from engine.store.listing import View, all_dialogue_ids, views_of
from engine.store.records import action_from, select_actions
from engine.store.searching import found_by
from engine.store.seen import partners_of, seen
from engine.store.tables import actions, parties, people, roles

A = actions.c
Name = TypeVar("Name")

PAGE: Final = 50
COUNTED: Final = 1000
"""A list is counted so far; more of them than that are "more than"."""

_ORDER: Final = (A.due_on.nulls_last(), A.id)

EVERYTHING: Final = Narrow()


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a list is narrowed down to; None or empty where it does not matter."""

    state: State | None = None
    side: Side | None = None
    condition: Condition | None = None
    text: str = ""
    narrow: Narrow = EVERYTHING


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: after the action of that due day and id."""

    due_on: date | None
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of a list; `title` is None where this reader may not have it."""

    view: View
    title: str | None
    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some lines; `count` of all there are, at most COUNTED + 1; `next` where more begins."""

    rows: tuple[Row, ...]
    count: int
    next: Cursor | None


def page_of(
    directory: Directory,
    member: Member,
    homes: Collection[int] | None,
    wanted: Filter,
    now: datetime,
    limits: Thresholds,
    *,
    after: Cursor | None = None,
) -> Page:
    """
    One page of what this reader may see of these dialogues, the earliest due first.

    `homes` None: of every dialogue.
    """
    where = _where(directory, member, homes, wanted, now, limits)
    behind = where if after is None else and_(where, _behind(after))
    ids = _ids(directory.connection, behind, PAGE + 1 if after else COUNTED + 1)
    found = _in_order(directory.connection, ids[:PAGE])
    more = len(ids) > PAGE
    return Page(
        rows=tuple(rows_of(directory, member, found, now, limits)),
        count=_count(directory.connection, where) if after else len(ids),
        next=Cursor(found[-1].due_on, found[-1].id) if more else None,
    )


def first_of(
    directory: Directory,
    member: Member,
    homes: Collection[int] | None,
    wanted: Mapping[Name, Filter],
    now: datetime,
    limits: Thresholds,
    *,
    size: int,
    counted: bool = False,
) -> dict[Name, tuple[list[Action], int]]:
    """The first actions of several such lists; with `counted` how many each has, as in a Page."""
    ids = {
        name: _ids(
            directory.connection,
            _where(directory, member, homes, one, now, limits),
            COUNTED + 1 if counted else size,
        )
        for name, one in wanted.items()
    }
    shown = {action_id for some in ids.values() for action_id in some[:size]}
    found = {action.id: action for action in _in_order(directory.connection, shown)}
    # Between two questions an action may have moved on, but none goes.
    return {name: ([found[one] for one in some[:size]], len(some)) for name, some in ids.items()}


def rows_of(
    directory: Directory,
    member: Member,
    found: Sequence[Action],
    now: datetime,
    limits: Thresholds,
) -> Iterator[Row]:
    """These actions as lines of a list, in their order."""
    shared = partners_of(directory.connection, [action.id for action in found])
    for view in views_of(directory, found, now, limits):
        yield Row(
            view=view,
            title=_title(member, view.action, shared),
            side=directory.parties[view.action.responsible_id].side,
        )


def _ids(connection: Connection, where: ColumnElement[bool], most: int) -> list[int]:
    """
    Their numbers, the earliest due first.

    First only the numbers, because an index knows them: rows are read of what is shown.
    """
    return list(connection.scalars(select(A.id).where(where).order_by(*_ORDER).limit(most)))


def _in_order(connection: Connection, ids: Collection[int]) -> list[Action]:
    rows = connection.execute(select_actions().where(A.id.in_(ids)).order_by(*_ORDER))
    return [action_from(row) for row in rows]


def only_counted(
    directory: Directory,
    member: Member,
    homes: Collection[int],
    wanted: Filter,
    now: datetime,
    limits: Thresholds,
) -> int:
    """How many of those behind a number of the figures this reader may count and not list."""
    narrow = wanted.narrow
    if not narrow.counted:
        return 0
    where = and_(
        seen(member, Deed.COUNT, homes),
        not_(seen(member, Deed.LIST, homes)),
        narrowed(directory, narrow, now, limits),
    )
    return _count(directory.connection, where)


def _count(connection: Connection, where: ColumnElement[bool]) -> int:
    some = select(A.id).where(where).limit(COUNTED + 1).subquery()
    return int(connection.scalar(select(func.count()).select_from(some)) or 0)


def counts_by_state(
    connection: Connection, member: Member, homes: Collection[int] | None
) -> dict[State, int]:
    """
    How many of what this reader may see in a list of these dialogues stand where.

    At most COUNTED + 1 of each, so that it takes as long for a million as for thousands.
    """
    where = seen(member, Deed.LIST, homes)
    some = {
        state: select(A.id).where(A.state == state.value, where).limit(COUNTED + 1).subquery()
        for state in State
    }
    numbers = [select(func.count()).select_from(one).scalar_subquery() for one in some.values()]
    return dict(zip(some, connection.execute(select(*numbers)).one(), strict=True))


def _title(member: Member, action: Action, shared: Mapping[int, Sequence[int]]) -> str | None:
    told = member.may(Deed.READ_TITLE, action, shared.get(action.id, ()))
    return action.title if told else None


def _holds(
    directory: Directory,
    homes: Collection[int] | None,
    wanted: Condition,
    now: datetime,
    limits: Thresholds,
) -> ColumnElement[bool]:
    """The condition, and beside it what lets the database go straight to the rows."""
    if wanted is Condition.UNREACHABLE:
        return _out_of_reach(homes)
    every = all_dialogue_ids(directory.connection) if homes is None else homes
    directory.ensure_dialogues(set(every))
    holds = condition_is(directory, now, limits, wanted)
    states = A.state.in_(sorted(state.value for state in OWED))
    if wanted is Condition.OVERDUE:
        # In the dialogue that is furthest ahead it may be tomorrow.
        return and_(states, A.due_on <= now.date() + timedelta(days=1), holds)
    if wanted is Condition.VERIFICATION_BACKLOG:
        return and_(A.state == State.REPORTED_DONE.value, holds)
    return and_(states, holds)


def _out_of_reach(homes: Collection[int] | None) -> ColumnElement[bool]:
    """
    What `unreachable()` asks of each row, asked of the few persons and parties once instead.

    An action without a focal point of its own is that of the first one of its party.
    """
    answers = or_(and_(people.c.email != "", people.c.flagged == ""), people.c.phone != "")
    first = (
        select(case((answers, 1), else_=0))
        .join(roles, roles.c.person_id == people.c.id)
        .where(
            people.c.party_id == parties.c.id,
            roles.c.role == Role.FOCAL_POINT.value,
            or_(roles.c.dialogue_id.is_(None), roles.c.dialogue_id == parties.c.dialogue_id),
        )
        .order_by(roles.c.dialogue_id.is_not(None), roles.c.id)
        .limit(1)
        .correlate(parties)
        .scalar_subquery()
    )
    mute = select(parties.c.id).where(func.coalesce(first, 0) == 0)
    if homes is not None:
        mute = mute.where(parties.c.dialogue_id.in_(homes))
    return and_(
        A.state.in_(sorted(state.value for state in OWED)),
        or_(
            A.focal_id.in_(select(people.c.id).where(not_(answers))),
            and_(A.focal_id.is_(None), A.responsible_id.in_(mute)),
        ),
    )


def _where(
    directory: Directory,
    member: Member,
    homes: Collection[int] | None,
    wanted: Filter,
    now: datetime,
    limits: Thresholds,
) -> ColumnElement[bool]:
    parts = [seen(member, Deed.LIST, homes)]
    if wanted.state is not None:
        parts.append(A.state == wanted.state.value)
    if wanted.side is not None:
        of_side = select(parties.c.id).where(parties.c.side == wanted.side.value)
        # No plain column, whose index the database would take although half of all rows are there.
        parts.append((A.responsible_id + 0).in_(of_side))
    if wanted.condition is not None:
        parts.append(_holds(directory, homes, wanted.condition, now, limits))
    if wanted.narrow != EVERYTHING:
        parts.append(narrowed(directory, wanted.narrow, now, limits))
    if wanted.text:
        parts.append(found_by(wanted.text, seen(member, Deed.READ_TITLE, homes)))
    return and_(*parts)


def _behind(after: Cursor) -> ColumnElement[bool]:
    """What comes after a line: without a due date last, then by id."""
    without = A.due_on.is_(None)
    if after.due_on is None:
        return and_(without, after.id < A.id)
    return or_(without, after.due_on < A.due_on, and_(A.due_on == after.due_on, after.id < A.id))
