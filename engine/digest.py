"""What a digest tells: figures about the actions of a programme as they stood at one instant."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from engine.action import LIVE, Action, Handling, Level, State
from engine.calendar import WorkingCalendar
from engine.conditions import Condition, Standing
from engine.party import Side

SMALLEST: Final = 3
"""Fewer closed actions than this are not told of, not even as the difference of two numbers."""


class DigestKind(StrEnum):
    """For whom a digest is."""

    COORDINATOR = "coordinator"
    COMMITTEE = "committee"
    MANAGER = "manager"


class Place(StrEnum):
    """Where an action stands, in the few words of a digest; each action is at exactly one."""

    CONFIRMED = "confirmed"
    TO_CONFIRM = "to_confirm"
    ON_TIME = "on_time"
    PAST_DAY = "past_day"
    SEEN_DIFFERENTLY = "seen_differently"
    NOT_AGREED = "not_agreed"
    ENDED = "ended"


PLACES: Final[Mapping[State, Place]] = {
    State.PROPOSED: Place.NOT_AGREED,
    State.AGREED: Place.ON_TIME,
    State.IN_PROGRESS: Place.ON_TIME,
    State.BLOCKED: Place.ON_TIME,
    State.REPORTED_DONE: Place.TO_CONFIRM,
    State.VERIFIED: Place.CONFIRMED,
    State.IN_FORCE: Place.CONFIRMED,
    State.DISPUTED: Place.SEEN_DIFFERENTLY,
    State.SUPERSEDED: Place.ENDED,
    State.WITHDRAWN: Place.ENDED,
    State.NOT_IMPLEMENTED: Place.ENDED,
}
"""What is agreed, in progress or blocked is past its day once it is overdue."""

TOLD: Final = tuple(c for c in Condition if c is not Condition.UNREACHABLE)
"""
The conditions that a digest counts.

Who can be reached is not among them: addresses are kept apart from the history so that they can be
erased, and nobody can say today who could be reached on a day of last year.
"""

AGES: Final = ((20, "20"), (60, "60"), (120, "120"), (None, "more"))
"""Up to how many working days late: about a month, three, six, and more."""

TITLED: Final[Mapping[DigestKind, frozenset[Handling]]] = {
    DigestKind.COORDINATOR: frozenset({Handling.PUBLIC, Handling.DIALOGUE}),
    DigestKind.MANAGER: frozenset({Handling.PUBLIC}),
}
"""Whose titles each reader gets; the others have a reference alone."""

NAMED: Final[Mapping[DigestKind, frozenset[Handling]]] = {
    DigestKind.COORDINATOR: frozenset({Handling.PUBLIC, Handling.DIALOGUE, Handling.RESTRICTED}),
    DigestKind.MANAGER: frozenset({Handling.PUBLIC, Handling.DIALOGUE}),
}
"""Which actions are named to each reader at all; the others only count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One action as it stood, with what a digest needs to know around it."""

    action: Action
    standing: Standing
    calendar: WorkingCalendar
    today: date
    dialogue: str
    party: str
    side: Side

    @property
    def place(self) -> Place:
        return Place.PAST_DAY if self.standing.overdue else PLACES[self.action.state]

    @property
    def late_days(self) -> int:
        """Working days since the day first agreed, since the present one, or since the review."""
        review_on = self.action.review_on
        blocked = self.action.state is State.BLOCKED and review_on is not None
        past_review = self.calendar.between(review_on, self.today) if blocked and review_on else 0
        return max(self.standing.days_over_original, self.standing.days_overdue, past_review)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """How many actions were in each state at the end of a day."""

    on: date
    by_state: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """
    All that the figures are made of, by the id of the action.

    `then` is the programme as of the digest before. `reminders`: how many reached or were sent to
    the party so far. `calls`, `releases`, `asked`: what waits for a coordinator: a call to make, an
    approval, an answer about the day asked for. `posted`: what the ladder puts into this digest.
    """

    seen: Mapping[int, Seen]
    then: Mapping[int, Seen]
    reminders: Mapping[int, int] = field(default_factory=dict)
    calls: Collection[int] = ()
    releases: Collection[int] = ()
    asked: Mapping[int, date] = field(default_factory=dict)
    posted: Collection[int] = ()
    series: Sequence[Point] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """
    One action in a list, with what its reader may know of it; `days` and `day` as the list says.

    `was` is the state or day before, where the list tells of a change.
    """

    ref: str
    dialogue: str
    state: str
    title: str = ""
    party: str = ""
    days: int = 0
    day: date | None = None
    was: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A number, and those of them that may be named; the rest only count."""

    count: int
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A dialogue, a side, or all: `total` actions, each at one place; the rest stands beside it."""

    name: str
    total: int
    places: Mapping[str, int]
    due_soon: int
    blocked: int
    stalled: int
    waiting: int
    reminders: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """
    What a digest is about: some dialogues or the `whole` programme, an instant, the one before it.

    `day` and `since_on` are the days of these instants for the reader.
    """

    kind: DigestKind
    as_of_at: datetime
    since_at: datetime
    day: date
    since_on: date
    dialogues: tuple[str, ...]
    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """
    Everything that a digest says, in numbers.

    `every` is the sum of `by_dialogue`, of `by_side` and of `by_state`; `total` is `every.total`
    and `apart`, the closed actions, which stand in no other number. `apart` is None where they are
    too few to be told of, and in a digest of some dialogues only.
    """

    frame: Frame
    total: int
    apart: int | None
    every: Share
    by_state: Mapping[str, int]
    conditions: Mapping[str, int]
    levels: Mapping[str, Mapping[str, int]]
    by_dialogue: tuple[Share, ...]
    by_side: tuple[Share, ...]
    changes: Mapping[str, Listed]
    lists: Mapping[str, Listed]
    ages: Mapping[str, int]
    series: tuple[Point, ...]

    @property
    def unchanged(self) -> bool:
        """Whether nothing happened since the digest before."""
        return not any(listed.count for listed in self.changes.values())


def figures(frame: Frame, material: Material) -> Figures:
    """The figures of a digest; what is closed is put aside before anything is counted."""
    closed = [s for s in material.seen.values() if s.action.handling is Handling.CLOSED]
    seen = [s for s in material.seen.values() if s.action.handling is not Handling.CLOSED]
    seen.sort(key=lambda one: (one.dialogue, one.action.ref))
    apart = len(closed) if frame.whole and len(closed) >= SMALLEST else None
    every = _share("", seen, material.reminders)
    return Figures(
        frame=frame,
        total=every.total + (apart or 0),
        apart=apart,
        every=every,
        by_state=_counted(State, (one.action.state for one in seen)),
        conditions=_counted(TOLD, (c for one in seen for c in one.standing.conditions)),
        levels=_levels(seen),
        by_dialogue=tuple(
            _share(name, [s for s in seen if s.dialogue == name], material.reminders)
            for name in sorted({one.dialogue for one in seen})
        ),
        by_side=tuple(
            _share(side, [s for s in seen if s.side is side], material.reminders)
            for side in Side
            if any(one.side is side for one in seen)
        ),
        changes=_changes(frame.kind, seen, material.then),
        lists=_lists(frame.kind, seen, material),
        ages=_ages(seen),
        series=tuple(material.series),
    )


def visible(seen: Iterable[Seen]) -> frozenset[int]:
    """The actions that may be counted one by one."""
    return frozenset(one.action.id for one in seen if one.action.handling is not Handling.CLOSED)


def _share(name: str, seen: Sequence[Seen], reminders: Mapping[int, int]) -> Share:
    held = Counter(condition for one in seen for condition in one.standing.conditions)
    return Share(
        name=name,
        total=len(seen),
        places=_counted(Place, (one.place for one in seen)),
        due_soon=held[Condition.DUE_SOON],
        blocked=sum(one.action.state is State.BLOCKED for one in seen),
        stalled=held[Condition.STALLED],
        waiting=held[Condition.WAITING],
        reminders=sum(reminders.get(one.action.id, 0) for one in seen),
    )


def _counted(words: Iterable[StrEnum], found: Iterable[StrEnum]) -> dict[str, int]:
    counts = Counter(found)
    return {word.value: counts[word] for word in words}


def _levels(seen: Sequence[Seen]) -> dict[str, dict[str, int]]:
    """Of what was agreed and not given up: how much is there, as reported and as verified."""
    rated = [one.action for one in seen if one.place not in {Place.NOT_AGREED, Place.ENDED}]
    reported = Counter(action.reported_level for action in rated)
    verified = Counter(action.verified_level for action in rated)
    return {
        level.value: {"reported": reported[level], "verified": verified[level]} for level in Level
    }


def _ages(seen: Sequence[Seen]) -> dict[str, int]:
    ages = {name: 0 for _most, name in AGES}
    for one in seen:
        if Condition.STALLED in one.standing.conditions:
            ages[next(n for most, n in AGES if most is None or one.late_days <= most)] += 1
    return ages


Pick = Callable[[Seen], bool]


def _changes(kind: DigestKind, seen: Sequence[Seen], then: Mapping[int, Seen]) -> dict[str, Listed]:
    """What became different; an action that is new to the digest is new, and nothing else."""

    def listed(pick: Callable[[Seen, Seen], bool], say: Callable[[Seen, Seen], Entry]) -> Listed:
        found = [
            (one, before)
            for one in seen
            if (before := then.get(one.action.id)) is not None and pick(one, before)
        ]
        named = [say(*pair) for pair in found if pair[0].action.handling in NAMED[kind]]
        return Listed(count=len(found), entries=tuple(named))

    def entered(place: Place) -> Listed:
        return listed(
            lambda one, before: one.place is place and before.place is not place,
            lambda one, before: _entry(kind, one, day=one.action.state_since_on,
                                       was=before.action.state.value),
        )  # fmt: skip

    return {
        "new": _list(kind, seen, lambda one: one.action.id not in then),
        "to_confirm": entered(Place.TO_CONFIRM),
        "confirmed": entered(Place.CONFIRMED),
        "seen_differently": entered(Place.SEEN_DIFFERENTLY),
        "past_day": listed(
            lambda one, before: one.standing.overdue and not before.standing.overdue,
            lambda one, _before: _entry(kind, one, days=one.standing.days_overdue,
                                        day=one.action.due_on),
        ),
        "moved": listed(
            lambda one, before: one.action.due_rev > before.action.due_rev,
            lambda one, before: _entry(kind, one, days=one.action.due_rev, day=one.action.due_on,
                                       was=str(before.action.due_on or "")),
        ),
        "level_up": listed(
            lambda one, before: one.action.reported_level.rank > before.action.reported_level.rank,
            lambda one, before: _entry(kind, one, was=before.action.reported_level.value,
                                       day=one.action.reported_on),
        ),
        "blocked": listed(
            lambda one, before: one.action.state is State.BLOCKED
            and before.action.state is not State.BLOCKED,
            lambda one, _before: _entry(kind, one, day=one.action.review_on),
        ),
        "ended": entered(Place.ENDED),
    }  # fmt: skip


def _lists(kind: DigestKind, seen: Sequence[Seen], material: Material) -> dict[str, Listed]:
    """What waits for somebody, oldest first."""

    def has(condition: Condition) -> Pick:
        return lambda one: condition in one.standing.conditions

    lists = {
        "stalled": _list(kind, seen, has(Condition.STALLED), days=lambda one: one.late_days,
                         day=lambda one: one.action.due_on),
        "to_confirm": _list(kind, seen, lambda one: one.place is Place.TO_CONFIRM,
                            days=_days_since_report, day=lambda one: one.action.reported_on),
        "backlog": _list(kind, seen, has(Condition.VERIFICATION_BACKLOG),
                         days=_days_since_report, day=lambda one: one.action.reported_on),
        "disputed": _list(kind, seen, lambda one: one.action.state is State.DISPUTED,
                          days=_days_in_state, day=lambda one: one.action.state_since_on),
        "moved": _list(kind, seen, lambda one: one.action.due_rev > 0 and one.action.state in LIVE,
                       days=lambda one: one.action.due_rev, day=lambda one: one.action.due_on),
        "posted": _list(kind, seen, lambda one: one.action.id in material.posted,
                        days=lambda one: one.late_days, day=lambda one: one.action.due_on),
        "calls": _list(kind, seen, lambda one: one.action.id in material.calls,
                       days=lambda one: one.standing.days_overdue),
        "releases": _list(kind, seen, lambda one: one.action.id in material.releases,
                          days=lambda one: one.standing.days_overdue),
    }  # fmt: skip
    if kind is DigestKind.MANAGER:
        return lists
    return lists | {
        "asked": _list(kind, seen, lambda one: one.action.id in material.asked,
                       day=lambda one: material.asked[one.action.id]),
        "due_soon": _list(kind, seen, has(Condition.DUE_SOON),
                          days=lambda one: -_days_to_go(one),
                          day=lambda one: one.standing.effective_due_on),
        "past_day": _list(kind, seen, lambda one: one.standing.overdue,
                          days=lambda one: one.standing.days_overdue,
                          day=lambda one: one.action.due_on),
        "review": _list(kind, seen, lambda one: one.action.state is State.BLOCKED,
                        day=lambda one: one.action.review_on),
    }  # fmt: skip


def _list(
    kind: DigestKind,
    seen: Sequence[Seen],
    pick: Pick,
    *,
    days: Callable[[Seen], int] = lambda _one: 0,
    day: Callable[[Seen], date | None] = lambda _one: None,
) -> Listed:
    found = sorted((one for one in seen if pick(one)), key=lambda one: -days(one))
    named = [one for one in found if one.action.handling in NAMED[kind]]
    entries = tuple(_entry(kind, one, days=days(one), day=day(one)) for one in named)
    return Listed(count=len(found), entries=entries)


def _entry(
    kind: DigestKind, one: Seen, *, days: int = 0, day: date | None = None, was: str = ""
) -> Entry:
    told = one.action.handling in TITLED[kind]
    return Entry(
        ref=one.action.ref,
        dialogue=one.dialogue,
        state=one.action.state.value,
        title=one.action.title if told else "",
        party=one.party if told and kind is DigestKind.COORDINATOR else "",
        days=abs(days),
        day=day,
        was=was,
    )


def _days_since_report(one: Seen) -> int:
    return (one.today - one.action.reported_on).days if one.action.reported_on else 0


def _days_in_state(one: Seen) -> int:
    return (one.today - one.action.state_since_on).days if one.action.state_since_on else 0


def _days_to_go(one: Seen) -> int:
    due_on = one.standing.effective_due_on
    return one.calendar.between(one.today, due_on) if due_on else 0
