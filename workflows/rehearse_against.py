"""Two rehearsals side by side: who is told more or less, sooner or later, and of what."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from workflows.rehearse import Line
from workflows.rehearse_figures import messages_of


class Change(StrEnum):
    """How the second rehearsal differs from the first in one line."""

    SOONER = "sooner"
    LATER = "later"
    NEW = "new"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One line that is not the same in both; an instant is None where it is not said."""

    change: Change
    action: str
    rung: str
    person: str
    escalates: bool
    before_at: datetime | None
    after_at: datetime | None

    def as_dict(self) -> Mapping[str, object]:
        """Plain values for JSON."""
        return {
            "change": self.change.value,
            "action": self.action,
            "rung": self.rung,
            "person": self.person,
            "before_at": self.before_at and self.before_at.isoformat(),
            "after_at": self.after_at and self.after_at.isoformat(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Before and after of one name (a rung or a person), and how its lines moved."""

    name: str
    before: int
    after: int
    moved: Mapping[Change, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What another ladder would change: `people` counts messages, `rungs` what is said in them."""

    before: int
    after: int
    differences: tuple[Difference, ...]
    rungs: tuple[Side, ...]
    people: tuple[Side, ...]

    def sentence(self) -> str:
        """It in one line: "23 fewer messages, 4 escalations later"."""
        parts = [_more_or_fewer(self.before, self.after)]
        moved = Counter(d.change for d in self.differences if d.escalates)
        for change, words in (
            (Change.LATER, "later"),
            (Change.SOONER, "sooner"),
            (Change.NEW, "more"),
            (Change.GONE, "fewer"),
        ):
            if moved[change]:
                noun = "escalation" if moved[change] == 1 else "escalations"
                parts.append(f"{moved[change]:,} {noun} {words}")
        return ", ".join(parts)

    def as_dict(self) -> Mapping[str, object]:
        """The JSON of `rehearse --against`."""
        return {
            "summary": self.sentence(),
            "messages": {"before": self.before, "after": self.after},
            "by_rung": [_side(side) for side in self.rungs],
            "by_person": [_side(side) for side in self.people],
            "differences": [difference.as_dict() for difference in self.differences],
        }


def compare(before: Sequence[Line], after: Sequence[Line]) -> Compared:
    """What differs from the first to the second, line by line."""
    differences = tuple(_differences(before, after))
    by_rung, by_person = _moved(differences, "rung"), _moved(differences, "person")
    mails = messages_of(before), messages_of(after)
    return Compared(
        before=len(mails[0]),
        after=len(mails[1]),
        differences=differences,
        rungs=_sides([x.rung for x in before], [x.rung for x in after], by_rung),
        people=_sides([m.person for m in mails[0]], [m.person for m in mails[1]], by_person),
    )


def _differences(before: Sequence[Line], after: Sequence[Line]) -> Iterable[Difference]:
    """The n-th time that a person is told a rung of an action is held against the n-th time."""
    first, second = _told(before), _told(after)
    for key in sorted(first.keys() | second.keys()):
        old, new = first.get(key, []), second.get(key, [])
        for turn in range(max(len(old), len(new))):
            was = old[turn] if turn < len(old) else None
            now = new[turn] if turn < len(new) else None
            line, was_at, now_at = now or was, was.at if was else None, now.at if now else None
            change = _change(was_at, now_at)
            if change and line:
                yield Difference(
                    change=change,
                    action=line.action,
                    rung=line.rung,
                    person=line.person,
                    escalates=line.escalates,
                    before_at=was_at,
                    after_at=now_at,
                )


def _told(lines: Sequence[Line]) -> dict[tuple[str, str, str], list[Line]]:
    found: dict[tuple[str, str, str], list[Line]] = defaultdict(list)
    for line in lines:
        found[line.action, line.rung, line.person].append(line)
    return found


def _change(was: datetime | None, now: datetime | None) -> Change | None:
    if was is None:
        return Change.NEW
    if now is None:
        return Change.GONE
    if was == now:
        return None
    return Change.LATER if now > was else Change.SOONER


def _moved(differences: Sequence[Difference], by: str) -> dict[str, Counter[Change]]:
    found: dict[str, Counter[Change]] = defaultdict(Counter)
    for difference in differences:
        found[getattr(difference, by)][difference.change] += 1
    return found


def _sides(
    before: Sequence[str], after: Sequence[str], moved: Mapping[str, Counter[Change]]
) -> tuple[Side, ...]:
    old, new = Counter(before), Counter(after)
    return tuple(
        Side(name=name, before=old[name], after=new[name], moved=moved.get(name, Counter()))
        for name in sorted(old.keys() | new.keys())
    )


def _side(side: Side) -> Mapping[str, object]:
    moved = {change.value: side.moved.get(change, 0) for change in Change}
    return {"name": side.name, "before": side.before, "after": side.after, **moved}


def _more_or_fewer(before: int, after: int) -> str:
    number = abs(after - before)
    noun = "message" if number == 1 else "messages"
    if not number:
        return "as many messages"
    return f"{number:,} {'fewer' if after < before else 'more'} {noun}"
