"""Lists of actions for one reader: only what they may see, page by page, at any number of rows."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, false, func, not_, or_, select, true

from engine.action import OWED, Handling, State
from engine.conditions import Condition, Thresholds
from engine.party import Role, Side
from engine.permission import Deed, Member, Tie, may
from engine.store.counting import condition_is
from engine.store.dashboard_lists import Narrow, narrowed
from engine.store.directory import Directory
from engine.store.listing import View, all_dialogue_ids, views_of
from engine.store.records import action_from, select_actions
from engine.store.seen import partners_of, seen
from engine.store.tables import actions, parties, people, roles

A = actions.c
PAGE: Final = 50
COUNTED: Final = 1000
"""A list is counted so far; more of them than that are "more than"."""

ESCAPE: Final = "\\"
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
    size: int = PAGE,
    counted: bool = True,
) -> Page:
    """
    One page of what this reader may see of these dialogues, the earliest due first.

    `homes` None: of every dialogue.
    """
    connection = directory.connection
    where = _where(directory, member, homes, wanted, now, limits)
    query = select_actions().where(where)
    if after is not None:
        query = query.where(_behind(after))
    rows = connection.execute(query.order_by(A.due_on.nulls_last(), A.id).limit(size + 1)).all()
    found = [action_from(row) for row in rows[:size]]
    shared = partners_of(connection, [action.id for action in found])
    count = _count(connection, where) if counted else len(found)
    return Page(
        rows=tuple(
            Row(
                view=view,
                title=_title(member, view, shared),
                side=directory.parties[view.action.responsible_id].side,
            )
            for view in views_of(directory, found, now, limits)
        ),
        count=count,
        next=Cursor(found[-1].due_on, found[-1].id) if len(rows) > size else None,
    )


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
    """How many of what this reader may see in a list of these dialogues stand where."""
    where = _seen(connection, member, Deed.LIST, homes)
    rows = connection.execute(select(A.state, func.count()).where(where).group_by(A.state))
    found = Counter({State(state): number for state, number in rows})
    return {state: found[state] for state in State}


def _title(member: Member, view: View, shared: Mapping[int, Sequence[int]]) -> str | None:
    action = view.action
    told = member.may(Deed.READ_TITLE, action, shared.get(action.id, ()))
    return action.title if told else None


def _seen(
    connection: Connection, member: Member, deed: Deed, homes: Collection[int] | None
) -> ColumnElement[bool]:
    """
    What somebody may see of these dialogues, None: of every one.

    For whoever is the same to every dialogue the question is asked without naming them: else the
    database would go through all dialogues instead of along the due dates.
    """
    if homes is None:
        levels = [level for level in Handling if may(member.programme_ties, deed, level)]
        if len(levels) == len(Handling):
            return true()
        if member.party_id is None and all(where is None for _role, where in member.grants):
            own = {*member.programme_ties, Tie.OWES, Tie.NAMED}
            named = [level.value for level in Handling if may(own, deed, level)]
            return or_(
                A.handling.in_([level.value for level in levels]),
                and_(A.focal_id == member.person_id, A.handling.in_(named)),
            )
        homes = all_dialogue_ids(connection)
    return seen(member, deed, homes)


def _holds(
    directory: Directory,
    homes: Collection[int] | None,
    wanted: Condition,
    now: datetime,
    limits: Thresholds,
) -> ColumnElement[bool]:
    """The condition, and beside it what lets the database go straight to the rows."""
    connection = directory.connection
    if wanted is Condition.UNREACHABLE:
        return _out_of_reach(connection)
    directory.ensure_dialogues(set(all_dialogue_ids(connection) if homes is None else homes))
    holds = condition_is(directory, now, limits, wanted)
    states = A.state.in_(sorted(state.value for state in OWED))
    if wanted is Condition.OVERDUE:
        # In the dialogue that is furthest ahead it may be tomorrow.
        return and_(states, A.due_on <= now.date() + timedelta(days=1), holds)
    if wanted is Condition.VERIFICATION_BACKLOG:
        return and_(A.state == State.REPORTED_DONE.value, holds)
    return and_(states, holds)


def _out_of_reach(connection: Connection) -> ColumnElement[bool]:
    """
    What `unreachable()` asks of each row, asked of the few persons and parties once instead.

    An action without a focal point of its own is that of the first one of its party.
    """
    answers = or_(and_(people.c.email != "", people.c.flagged == ""), people.c.phone != "")
    answering = set(connection.scalars(select(people.c.id).where(answers)))
    silent = list(connection.scalars(select(people.c.id).where(not_(answers))))
    first: dict[int, int] = {}
    rows = connection.execute(
        select(people.c.party_id, people.c.id)
        .join(roles, roles.c.person_id == people.c.id)
        .join(parties, parties.c.id == people.c.party_id)
        .where(
            roles.c.role == Role.FOCAL_POINT.value,
            or_(roles.c.dialogue_id.is_(None), roles.c.dialogue_id == parties.c.dialogue_id),
        )
        .order_by(roles.c.dialogue_id.is_not(None), roles.c.id)
    )
    for party_id, person_id in rows:
        first.setdefault(party_id, person_id)
    mute = [
        party_id
        for party_id in connection.scalars(select(parties.c.id))
        if first.get(party_id) not in answering
    ]
    return and_(
        A.state.in_(sorted(state.value for state in OWED)),
        or_(
            A.focal_id.in_(silent) if silent else false(),
            and_(A.focal_id.is_(None), A.responsible_id.in_(mute)) if mute else false(),
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
    connection = directory.connection
    parts = [_seen(connection, member, Deed.LIST, homes)]
    if wanted.state is not None:
        parts.append(A.state == wanted.state.value)
    if wanted.side is not None:
        of_side = select(parties.c.id).where(parties.c.side == wanted.side.value)
        parts.append(A.responsible_id.in_(of_side))
    if wanted.condition is not None:
        parts.append(_holds(directory, homes, wanted.condition, now, limits))
    if wanted.narrow != EVERYTHING:
        parts.append(narrowed(directory, wanted.narrow, now, limits))
    if wanted.text:
        found = f"%{_literal(wanted.text.lower())}%"
        # A search must not tell what stands in a title that may not be read.
        titled = and_(
            _seen(connection, member, Deed.READ_TITLE, homes),
            func.lower(A.title).like(found, escape=ESCAPE),
        )
        parts.append(or_(func.lower(A.ref).like(found, escape=ESCAPE), titled))
    return and_(*parts)


def _literal(text: str) -> str:
    for sign in (ESCAPE, "%", "_"):
        text = text.replace(sign, ESCAPE + sign)
    return text


def _behind(after: Cursor) -> ColumnElement[bool]:
    """What comes after a line: without a due date last, then by id."""
    without = A.due_on.is_(None)
    if after.due_on is None:
        return and_(without, after.id < A.id)
    return or_(without, after.due_on < A.due_on, and_(A.due_on == after.due_on, after.id < A.id))
