"""The figures of a dashboard: those of a manager's digest, counted by the database for now."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import (
    Connection,
    and_,
    case,
    func,
    select,
)

from engine.action import Handling, Level, State
from engine.conditions import Condition, Thresholds
from engine.digest import (
    AGES,
    PLACES,
    SMALLEST,
    TOLD,
    DigestKind,
    Figures,
    Frame,
    Place,
    Point,
    Share,
    figures,
)
from engine.party import Side
from engine.store.counting import alike, checks_of
from engine.store.dashboard_lists import OPEN, Part, ensure_part, older_than, rated, within
from engine.store.dashboard_series import states_over_time
from engine.store.directory import Directory
from engine.store.figures import REMINDING, Asked, material
from engine.store.outbox_tables import MessageSort, messages, notices
from engine.store.tables import actions, events, parties

A, E, N = actions.c, events.c, notices.c


@dataclass(frozen=True, slots=True)
class Slow:
    """What takes long to count, and changes slowly: reminders by dialogue and side, past days."""

    reminders: Mapping[tuple[int, Side], int] = field(default_factory=dict)
    series: tuple[Point, ...] = ()


@dataclass(frozen=True, slots=True)
class _Cell:
    """Actions that are alike: how many, and how many of them satisfy each condition."""

    dialogue_id: int
    side: Side
    state: State
    reported: Level
    verified: Level
    number: int
    held: Mapping[Condition, int]
    older: tuple[int, ...]


def figures_now(
    directory: Directory, part: Part, now: datetime, limits: Thresholds, slow: Slow, zone: str
) -> tuple[Figures, int]:
    """
    The figures as a digest of this instant has them, and how many actions' parties are unreachable.

    What only a digest tells, its lists and changes, is empty.
    """
    ensure_part(directory, part)
    cells = list(_cells(directory, part, now, limits))
    names = {cell.dialogue_id: directory.dialogues[cell.dialogue_id].name for cell in cells}
    day = now.astimezone(ZoneInfo(zone)).date()
    frame = Frame(
        kind=DigestKind.MANAGER, as_of_at=now, since_at=now, day=day, since_on=day,
        dialogues=tuple(sorted(set(names.values()))), whole=part.whole,
    )  # fmt: skip
    every = _share("", cells, slow.reminders)
    apart = _apart(directory.connection, part)
    by_state = Counter[str]()
    for cell in cells:
        by_state[cell.state.value] += cell.number
    made = Figures(
        frame=frame,
        total=every.total + (apart or 0),
        apart=apart,
        every=every,
        by_state={state.value: by_state[state.value] for state in State},
        conditions={c.value: sum(cell.held[c] for cell in cells) for c in TOLD},
        levels=_levels(cells),
        by_dialogue=tuple(
            _share(name, [c for c in cells if names[c.dialogue_id] == name], slow.reminders)
            for name in frame.dialogues
        ),
        by_side=tuple(
            _share(side, [c for c in cells if c.side is side], slow.reminders)
            for side in Side
            if any(c.side is side for c in cells)
        ),
        changes={},
        lists={},
        ages=_ages(cells),
        series=_up_to_now(slow.series, by_state),
    )
    return made, sum(cell.held[Condition.UNREACHABLE] for cell in cells)


def last_event_id(connection: Connection) -> int:
    """By which one sees that something happened since."""
    return connection.scalar(select(func.max(E.id))) or 0


def slow_figures(directory: Directory, part: Part, now: datetime) -> Slow:
    """What `figures_now` is handed and may be some minutes old."""
    ensure_part(directory, part)
    connection = directory.connection
    return Slow(_reminders(connection, part, now), states_over_time(connection, part, now))


def figures_then(
    directory: Directory, part: Part, at: datetime, limits: Thresholds, zone: str
) -> Figures:
    """The same for an instant of the past, from the history; it reads every event until then."""
    ensure_part(directory, part)
    ids = part.dialogue_ids if part.dialogue_ids is not None else frozenset(directory.dialogues)
    asked = Asked(
        whole=part.dialogue_ids is None, kind=DigestKind.MANAGER, person_id=None, dialogue_ids=ids,
        as_of_at=at, since_at=at,
    )  # fmt: skip
    found = material(directory.connection, directory, asked, limits)
    seen = {
        action_id: one
        for action_id, one in found.seen.items()
        if part.side in {None, one.side} and part.kind in {None, one.action.kind}
    }
    day = at.astimezone(ZoneInfo(zone)).date()
    frame = Frame(
        kind=DigestKind.MANAGER, as_of_at=at, since_at=at, day=day, since_on=day,
        dialogues=tuple(sorted({one.dialogue for one in seen.values()})), whole=part.whole,
    )  # fmt: skip
    series = states_over_time(directory.connection, part, at)
    return figures(frame, replace(found, seen=seen, then=seen, series=series))


def _cells(directory: Directory, part: Part, now: datetime, limits: Thresholds) -> Iterable[_Cell]:
    group = (A.dialogue_id, parties.c.side, A.state, A.reported_level, A.verified_level)
    for (calendar, today), ids in alike(directory, now).items():
        wanted = ids if part.dialogue_ids is None else part.dialogue_ids.intersection(ids)
        if not wanted:
            continue
        tests = checks_of(calendar, today, limits, closed_needs=False)
        stalled = tests[Condition.STALLED]
        older = [and_(stalled, test) for test in older_than(calendar, today)]
        columns = [func.sum(case((test, 1), else_=0)) for test in (*tests.values(), *older)]
        query = (
            select(*group, func.count(), *columns)
            .join(parties, parties.c.id == A.responsible_id)
            .where(A.dialogue_id.in_(wanted), OPEN, *within(replace(part, dialogue_ids=None)))
            .group_by(*group)
        )
        for (
            dialogue_id,
            side,
            state,
            reported,
            verified,
            number,
            *counts,
        ) in directory.connection.execute(query):
            yield _Cell(
                dialogue_id, side, state, reported, verified, number,
                dict(zip(tests, counts, strict=False)), tuple(counts[len(tests):]),
            )  # fmt: skip


def _apart(connection: Connection, part: Part) -> int | None:
    """The closed ones, where they may be told of."""
    if not part.whole:
        return None
    number = connection.scalar(
        select(func.count()).select_from(actions).where(A.handling == Handling.CLOSED.value)
    )
    return number if number is not None and number >= SMALLEST else None


def _share(name: str, cells: Sequence[_Cell], reminders: Mapping[tuple[int, Side], int]) -> Share:
    places = Counter[Place]()
    for cell in cells:
        late = cell.held[Condition.OVERDUE]
        places[Place.PAST_DAY] += late
        places[PLACES[cell.state]] += cell.number - late
    groups = {(cell.dialogue_id, cell.side) for cell in cells}
    return Share(
        name=name,
        total=sum(cell.number for cell in cells),
        places={place.value: places[place] for place in Place},
        due_soon=sum(cell.held[Condition.DUE_SOON] for cell in cells),
        blocked=sum(cell.number for cell in cells if cell.state is State.BLOCKED),
        stalled=sum(cell.held[Condition.STALLED] for cell in cells),
        waiting=sum(cell.held[Condition.WAITING] for cell in cells),
        reminders=sum(reminders.get(group, 0) for group in groups),
    )


def _levels(cells: Sequence[_Cell]) -> dict[str, dict[str, int]]:
    reported, verified = Counter[Level](), Counter[Level]()
    for cell in cells:
        if rated(cell.state):
            reported[cell.reported] += cell.number
            verified[cell.verified] += cell.number
    return {
        level.value: {"reported": reported[level], "verified": verified[level]} for level in Level
    }


def _ages(cells: Sequence[_Cell]) -> dict[str, int]:
    stalled = sum(cell.held[Condition.STALLED] for cell in cells)
    older = [sum(cell.older[at] for cell in cells) for at in range(len(AGES) - 1)]
    bounds = [stalled, *older, 0]
    return {name: bounds[at] - bounds[at + 1] for at, (_most, name) in enumerate(AGES)}


def _reminders(connection: Connection, part: Part, now: datetime) -> dict[tuple[int, Side], int]:
    """How often parties were written to or called, as a digest counts it."""
    written = (
        select(A.dialogue_id, parties.c.side, func.count())
        .select_from(notices)
        .join(messages, messages.c.id == N.message_id)
        .where(
            N.kind.in_(REMINDING),
            messages.c.sort == MessageSort.REMINDER.value,
            messages.c.sent_at <= now,
        )
    )
    called = (
        select(A.dialogue_id, parties.c.side, func.count())
        .select_from(notices)
        .where(N.kind == "call", N.created_at <= now)
    )
    counts = Counter[tuple[int, Side]]()
    for query in (written, called):
        counted = (
            query.join(actions, A.id == N.action_id)
            .join(parties, parties.c.id == A.responsible_id)
            .where(OPEN, *within(part))
            .group_by(A.dialogue_id, parties.c.side)
        )
        for dialogue_id, side, number in connection.execute(counted):
            counts[dialogue_id, side] += number
    return dict(counts)


def _up_to_now(series: tuple[Point, ...], by_state: Mapping[str, int]) -> tuple[Point, ...]:
    """The last point is what is counted now."""
    if not series:
        return ()
    now = {state.value: by_state[state.value] for state in State if by_state[state.value]}
    return (*series[:-1], replace(series[-1], by_state=now))
