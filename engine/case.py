"""What a decision about one action looks at, and what it is made of."""

from dataclasses import dataclass, field, replace
from datetime import date

from engine.action import OWED, Action, State
from engine.calendar import WorkingCalendar
from engine.ladder import Addressee, Ladder, Rung, Via
from engine.party import Person

Changes = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """The waits that are not rungs. `…_days` are calendar days, `…_working_days` working days."""

    silent_days: int = 45
    silent_blocked_days: int = 30
    backlog_days: int = 15
    backlog_working_days: int = 10
    missed_after_working_days: int = 10
    missed_in_a_row: int = 2


@dataclass(frozen=True, slots=True)
class Circle:
    """The persons around one action, by what they are there for."""

    focal: Person | None = None
    alternates: tuple[Person, ...] = ()
    coordinators: tuple[Person, ...] = ()
    verifiers: tuple[Person, ...] = ()
    committee: tuple[Person, ...] = ()
    superiors: tuple[Person, ...] = ()
    managers: tuple[Person, ...] = ()
    absences: bool = field(init=False)

    def __post_init__(self) -> None:
        everybody = (
            *((self.focal,) if self.focal else ()), *self.alternates, *self.coordinators,
            *self.verifiers, *self.committee, *self.superiors, *self.managers,
        )  # fmt: skip
        absences = any(person.absent_until_on for person in everybody)
        object.__setattr__(self, "absences", absences)

    def on(self, today: date) -> "Circle":
        """
        Who is there on a day: the first alternate stands in for an absent focal point.

        Whoever has nobody to stand in stays: a message that waits is better than none.
        """
        if not self.absences:
            return self
        focal, alternates = self.focal, _present(self.alternates, today)
        if focal and focal.is_absent(today) and alternates and not alternates[0].is_absent(today):
            focal, alternates = alternates[0], alternates[1:]
        return Circle(
            focal=focal,
            alternates=alternates,
            coordinators=_present(self.coordinators, today),
            verifiers=_present(self.verifiers, today),
            committee=_present(self.committee, today),
            superiors=_present(self.superiors, today),
            managers=_present(self.managers, today),
        )

    def at(self, addressee: Addressee) -> tuple[Person, ...]:
        """The persons whom a rung addressed so reaches."""
        match addressee:
            case Addressee.FOCAL_POINT:
                return (self.focal,) if self.focal else ()
            case Addressee.ALTERNATE:
                return self.alternates
            case Addressee.COORDINATOR:
                return self.coordinators
            case Addressee.VERIFIER:
                return self.verifiers
            case Addressee.COMMITTEE:
                return self.committee
            case Addressee.SUPERIOR:
                return self.superiors
            case Addressee.MANAGER:
                return self.managers


def _present(persons: tuple[Person, ...], today: date) -> tuple[Person, ...]:
    return tuple(p for p in persons if not p.is_absent(today)) or persons


@dataclass(frozen=True, slots=True)
class Said:
    """
    A notice that exists already.

    `reached_on` is the day it was handed over, posted or logged as a call; None before that.
    `about_id` is the person to telephone, for a call task.
    """

    cause: str
    rung: str
    person_id: int
    reached_on: date | None
    about_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that a decision about one action may look at."""

    action: Action
    ladder: Ladder
    calendar: WorkingCalendar
    circle: Circle
    said: tuple[Said, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """
    The decision that one person must be told one thing.

    `key` is made of ids, rung, episode and ISO dates only; the database takes it once. `posted`
    notices stand on the board at once and never travel alone; `release` ones wait for approval.
    """

    key: str
    person_id: int
    kind: str
    rung: str
    cause: str
    urgency: int
    release: bool = False
    posted: bool = False
    about_id: int | None = None


@dataclass(slots=True)
class Decision:
    """
    What follows from looking at one action on one day; empty when nothing does.

    `opens`: a run of the ladder begins, so the ladder is frozen for it.
    """

    notices: list[Notice] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    opens: bool = False
    changes: Changes = field(default_factory=dict)
    events: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    occurrences: list[tuple[date, str]] = field(default_factory=list)
    next_on: date | None = None

    def look_again(self, on: date | None) -> None:
        """Have the action looked at on that day, or earlier if something else asks for it."""
        if on is not None and (self.next_on is None or on < self.next_on):
            self.next_on = on


URGENCY = {
    "dispute": 90,
    "cannot": 85,
    "help": 82,
    "superior": 80,
    "new_date": 78,
    "wrong_person": 76,
    "stall_review": 75,
    "review_due": 75,
    "note": 72,
    "contact": 70,
    "stopped": 70,
    "nobody": 68,
    "watchdog": 67,
    "early_warning": 66,
    "call_task": 65,
    "second_reminder": 60,
    "lapse": 60,
    "reminder": 50,
    "silence": 45,
    "verification_backlog": 42,
    "verification": 40,
    "check": 38,
    "manager": 35,
    "agenda": 30,
    "due_today": 20,
    "inherited": 55,
    "courtesy": 10,
}


def causes(action: Action) -> frozenset[str]:
    """
    The reasons for which something may be said about this action as it stands.

    A notice whose cause is no longer among them is struck before it leaves. Causes that are not of
    the action's doing are not here: `p…` (a person's address) and `w…` (an answer, by its id).
    """
    state, live = action.state, set[str]()
    if state in OWED and not action.waiting:
        live.add(f"e{action.episode}")
        if action.substance_on:
            live.add(f"s{action.substance_on}")
    if state is State.BLOCKED and action.review_on:
        live.add(f"b{action.review_on}")
    if state is State.REPORTED_DONE:
        live.add(f"v{action.state_version}")
    if state is State.DISPUTED:
        live.add(f"d{action.state_version}")
    if state is State.IN_FORCE and action.due_on:
        live.add(f"o{action.due_on}")
    if action.missed:
        live.add(f"l{action.state_version}")
    return frozenset(live)


def effective_due_on(action: Action, calendar: WorkingCalendar) -> date | None:
    """The due date, or the next working day after it."""
    return calendar.on_or_after(action.due_on) if action.due_on else None


def anchor_of(action: Action, calendar: WorkingCalendar) -> date | None:
    """The day from which the rungs are counted."""
    due_on = effective_due_on(action, calendar)
    if due_on is None:
        return None
    return max(due_on, action.anchor_on) if action.anchor_on else due_on


def is_past(action: Action, calendar: WorkingCalendar, today: date) -> bool:
    """Whether the day has gone by on which the action was to be done."""
    due_on = effective_due_on(action, calendar)
    return due_on is not None and today > due_on


def working_days_since(calendar: WorkingCalendar, anchor: date, today: date) -> int:
    """Working days from the anchor to today; negative while the anchor lies ahead."""
    return calendar.between(anchor, today) if today >= anchor else -calendar.between(today, anchor)


def rung_reached(case: Case, today: date) -> Rung | None:
    """The highest rung that the dates alone have reached, whatever was said."""
    anchor = anchor_of(case.action, case.calendar)
    if anchor is None or case.action.state not in OWED:
        return None
    elapsed = working_days_since(case.calendar, anchor, today)
    reached = [rung for rung in case.ladder.rungs if rung.days <= elapsed]
    return reached[-1] if reached else None


def notice_of(
    case: Case, kind: str, name: str, cause: str, person: Person, *, rung: Rung | None = None
) -> Notice:
    return Notice(
        key=f"{case.action.id}:{cause}:{name}:{person.id}",
        person_id=person.id,
        kind=kind,
        rung=name,
        cause=cause,
        urgency=URGENCY.get(kind, 50),
        release=bool(rung and rung.release),
        posted=bool(rung and rung.via is not Via.MESSAGE) or not (person.reachable),
    )


def say_once(
    case: Case, decision: Decision, kind: str, name: str, cause: str, persons: tuple[Person, ...]
) -> bool:
    """Tell each of these persons one thing, unless it was said; False if there is nobody."""
    spoken = {(s.cause, s.rung, s.person_id) for s in case.said}
    for person in persons:
        if (cause, name, person.id) not in spoken:
            decision.notices.append(notice_of(case, kind, name, cause, person))
    return bool(persons)


def ask_to_call(case: Case, decision: Decision, name: str, cause: str, about: Person) -> None:
    """Ask the coordinators to telephone, once for each rung."""
    asked = {(s.cause, s.rung, s.person_id) for s in case.said}
    for coordinator in case.circle.coordinators:
        notice = notice_of(case, "call_task", f"call:{name}", cause, coordinator)
        if (cause, notice.rung, coordinator.id) not in asked:
            decision.notices.append(replace(notice, about_id=about.id))
