"""What a digest counts, read from the history: every action at two instants, and what waits."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from json import loads
from typing import Any, Final

from sqlalchemy import Connection, and_, func, or_, select

from engine.action import OWED, Action, Handling, State
from engine.case import causes
from engine.conditions import Around, Thresholds, standing
from engine.digest import DigestKind, Material, Point, Seen
from engine.replay import SET, Past, Replay
from engine.store.acting import SETTLED
from engine.store.directory import Directory
from engine.store.outbox_tables import MessageSort, NoticeStatus, messages, notices
from engine.store.tables import actions, events

E = events.c
N = notices.c

REMINDING: Final = ("courtesy", "due_today", "reminder", "second_reminder", "silence")
"""The kinds of notices that the party that owes an action gets about it."""

DECIDED: Final = ("released", "release_refused")
"""The events by which a coordinator decides about a sensitive rung."""

POINTS: Final = 13
"""The longest row of days that a picture shows: a year in months, with both ends."""

FEW_DAYS: Final = 120
"""A history shorter than this is shown by weeks."""


@dataclass(slots=True)
class Life:
    """
    What happened to one action, as far as a digest asks.

    `asked`: the day that its party asks for, until somebody decides. `released_at`: when a
    coordinator last decided about a sensitive rung.
    """

    now: Past
    then: Past | None
    states: list[tuple[datetime, State]] = field(default_factory=list)
    asked: date | None = None
    released_at: datetime | None = None

    def state_at(self, at: datetime) -> State | None:
        """Its state after the last event not later than that instant; None before the first."""
        return next((state for when, state in reversed(self.states) if when <= at), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which digest: for whom (None: for anybody), of which dialogues, as of when, since when."""

    whole: bool

    kind: DigestKind
    person_id: int | None
    dialogue_ids: Collection[int]
    as_of_at: datetime
    since_at: datetime


def material(
    connection: Connection, directory: Directory, asked: Asked, limits: Thresholds
) -> Material:
    """All that the figures are made of, from the history and from what was said."""
    own = None if asked.whole else asked.dialogue_ids
    lives = dict(lives_until(connection, asked.as_of_at, asked.since_at, own))
    directory.ensure_dialogues({life.now.action.dialogue_id for life in lives.values()})
    now = {action_id: life.now for action_id, life in lives.items()}
    then = {action_id: life.then for action_id, life in lives.items() if life.then}
    waiting = _waiting(connection, asked, lives)
    return Material(
        seen=_seen(directory, now, asked.as_of_at, limits),
        then=_seen(directory, then, asked.since_at, limits),
        reminders=_reminders(connection, asked.as_of_at),
        calls=waiting["call_task"],
        releases=waiting["release"],
        posted=waiting["manager"],
        asked={key: life.asked for key, life in lives.items() if life.asked},
        series=_series(lives.values(), asked.as_of_at),
    )


def lives_until(
    connection: Connection,
    as_of_at: datetime,
    since_at: datetime,
    dialogue_ids: Collection[int] | None = None,
) -> Iterator[tuple[int, Life]]:
    """Every action (of these dialogues) that had an event by then, in one reading of events."""
    by_then = select(E.action_id, func.max(E.seq).label("seq")).where(E.at <= as_of_at)
    if dialogue_ids is not None:
        by_then = by_then.join(actions, actions.c.id == E.action_id).where(
            actions.c.dialogue_id.in_(dialogue_ids)
        )
    last = by_then.group_by(E.action_id).subquery()
    query = (
        select(E.action_id, E.seq, E.kind, E.at, E.hash, E.payload)
        .join(last, and_(last.c.action_id == E.action_id, E.seq <= last.c.seq))
        .order_by(E.action_id, E.seq)
    )
    reader = _Reader(0, since_at)
    for action_id, *event in connection.execution_options(yield_per=2000).execute(query):
        if action_id != reader.replay.action_id:
            if reader.replay.version:
                yield reader.replay.action_id, reader.life()
            reader = _Reader(action_id, since_at)
        reader.take(*event)
    if reader.replay.version:
        yield reader.replay.action_id, reader.life()


class _Reader:
    """Takes in the events of one action, one after the other."""

    def __init__(self, action_id: int, since_at: datetime) -> None:
        self.replay = Replay(action_id)
        self._since_at = since_at
        self._then: Past | None = None
        self._is_then = False
        self._states: list[tuple[datetime, State]] = []
        self._asked: date | None = None
        self._released_at: datetime | None = None

    def take(self, seq: int, kind: str, at: datetime, head: bytes, payload: str) -> None:
        if at > self._since_at and self._is_then:
            self._then, self._is_then = self.replay.past(), False
        self.replay.take(seq, head, payload)
        self._is_then = self._is_then or at <= self._since_at
        if f'"{SET}":' in payload and (state := loads(payload)[SET].get("state")):
            self._states.append((at, State(state)))
            self._asked = None
        if kind == "more_time_asked":
            self._asked = date.fromisoformat(loads(payload)["until"])
        elif kind in {"more_time_declined", "rescheduled"}:
            self._asked = None
        elif kind in DECIDED:
            self._released_at = at

    def life(self) -> Life:
        now = self.replay.past()
        return Life(
            now=now,
            then=now if self._is_then else self._then,
            states=self._states,
            asked=self._asked,
            released_at=self._released_at,
        )


def _seen(
    directory: Directory, pasts: Mapping[int, Past], at: datetime, limits: Thresholds
) -> dict[int, Seen]:
    by_ref = {past.action.ref: past.action for past in pasts.values()}
    found = {}
    for action_id, past in pasts.items():
        action = past.action
        calendar = directory.calendars[action.dialogue_id]
        today = directory.today(action.dialogue_id, at)
        around = _around(directory, [by_ref[r] for r in past.depends_on if r in by_ref], at)
        party = directory.parties[action.responsible_id]
        found[action_id] = Seen(
            action=action,
            standing=standing(action, calendar, around, today, limits),
            calendar=calendar,
            today=today,
            dialogue=directory.dialogues[action.dialogue_id].name,
            party=party.name,
            side=party.side,
        )
    return found


def _around(directory: Directory, needed: Iterable[Action], at: datetime) -> Around:
    """How its dependencies stand; a closed one is left out, since it is in no number but one."""
    unmet = [
        need
        for need in needed
        if need.due_on and need.state not in SETTLED and need.handling is not Handling.CLOSED
    ]
    late = any(
        need.state in OWED
        and directory.today(need.dialogue_id, at)
        > directory.calendars[need.dialogue_id].on_or_after(need.due_on)
        for need in unmet
        if need.due_on
    )
    return Around(
        needs_due_on=tuple(need.due_on for need in unmet if need.due_on), needs_overdue=late
    )


def _reminders(connection: Connection, at: datetime) -> dict[int, int]:
    """How often each action's party was written to or called about it."""
    written = (
        select(N.action_id, func.count())
        .join(messages, messages.c.id == N.message_id)
        .where(
            N.kind.in_(REMINDING),
            messages.c.sort == MessageSort.REMINDER.value,
            messages.c.sent_at <= at,
        )
        .group_by(N.action_id)
    )
    called = (
        select(N.action_id, func.count())
        .where(N.kind == "call", N.created_at <= at)
        .group_by(N.action_id)
    )
    counts: Counter[int] = Counter()
    for query in (written, called):
        for action_id, number in connection.execute(query):
            counts[action_id] += number
    return dict(counts)


def _waiting(
    connection: Connection, asked: Asked, lives: Mapping[int, Life]
) -> dict[str, frozenset[int]]:
    """
    The actions for which this person was asked to call, to release or to look, and still is.

    Told by columns that do not change once they are written, so that any past day can be asked.
    """
    at = asked.as_of_at
    unreleased = N.status == NoticeStatus.UNRELEASED.value
    query = select(
        N.action_id, N.kind, N.cause, N.rung, N.status, N.closed_at, N.created_at, N.person_id
    ).where(N.created_at <= at, or_(N.kind.in_(("call_task", "superior", "manager")), unreleased))
    found: dict[str, set[int]] = {"call_task": set(), "release": set(), "manager": set()}
    logged = set(
        connection.execute(
            select(N.action_id, N.cause, N.rung).where(N.kind == "call", N.created_at <= at)
        ).tuples()
    )
    decided_later = set(
        connection.scalars(select(E.action_id).where(E.at > at, E.kind.in_(DECIDED)))
    )
    for row in connection.execute(query):
        life = lives.get(row.action_id)
        if life is None or row.cause not in causes(life.now.action) or _closed(row, at):
            continue
        mine = asked.person_id in {None, row.person_id}
        called = (row.action_id, row.cause, row.rung.removeprefix("call:")) in logged
        if row.kind == "call_task" and not called and (mine or asked.kind is DigestKind.MANAGER):
            found["call_task"].add(row.action_id)
        elif row.kind == "manager" and row.status is NoticeStatus.POSTED and mine:
            found["manager"].add(row.action_id)
        elif row.kind != "call_task" and _undecided(row, life, decided_later):
            found["release"].add(row.action_id)
    return {sort: frozenset(ids) for sort, ids in found.items()}


def _closed(row: Any, at: datetime) -> bool:  # noqa: ANN401 - a row
    """Whether a notice had come to nothing by then."""
    nothing = row.status in {NoticeStatus.STRUCK, NoticeStatus.UNDELIVERABLE}
    return bool(nothing and row.closed_at and row.closed_at <= at)


def _undecided(row: Any, life: Life, decided_later: Collection[int]) -> bool:  # noqa: ANN401 - a row
    """Whether a sensitive rung waited for its release then, whatever became of it since."""
    if life.released_at is not None and life.released_at >= row.created_at:
        return False
    return row.status is NoticeStatus.UNRELEASED or row.action_id in decided_later


def _series(lives: Iterable[Life], as_of_at: datetime) -> tuple[Point, ...]:
    """The states at the ends of the last weeks or months, and on the day itself."""
    open_lives = [life for life in lives if life.now.action.handling is not Handling.CLOSED]
    first_at = min((life.states[0][0] for life in open_lives if life.states), default=None)
    if first_at is None:
        return ()
    found = []
    for at in instants(first_at, as_of_at):
        states = Counter(state for life in open_lives if (state := life.state_at(at)))
        by_state = {state.value: states[state] for state in State if states[state]}
        found.append(Point(on=at.astimezone(UTC).date(), by_state=by_state))
    return tuple(found)


def instants(first_at: datetime, last_at: datetime) -> list[datetime]:
    """Backwards from the last by weeks, or by the ends of months, as far as there is a history."""
    found, at = [last_at], last_at
    weekly = last_at - first_at <= timedelta(days=FEW_DAYS)
    while len(found) < POINTS:
        if weekly:
            at -= timedelta(days=7)
        else:
            at = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
            at -= timedelta(microseconds=1)
        if at < first_at:
            break
        found.append(at)
    return found[::-1]
