"""What only all rows of a plan together can tell: doubles, circles, facts that do not agree."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from config.plan_columns import Record
from config.plan_values import PlanDialogue, PlanRow, RowError
from engine.dependencies import find_circle
from engine.errors import N_

CIRCLES_TOLD: Final = 20
"""How many circles one reading names; each costs one pass over all dependencies."""

_FACTS: Final = ("country", "timezone", "rest_days")


@dataclass(slots=True)
class _Known:
    """One dialogue as far as it is known, and which row said each fact first."""

    dialogue: PlanDialogue
    said_in: dict[str, int] = field(default_factory=dict)


class DialogueFacts:
    """Gathers what rows say about their dialogue; two rows must not say different things."""

    def __init__(self, declared: Sequence[PlanDialogue]) -> None:
        self._known = {
            one.name.casefold(): _Known(one, dict.fromkeys(_FACTS, one.row)) for one in declared
        }
        self._agreed: set[tuple[object, ...]] = set()

    def add(self, row: PlanRow, record: Record) -> list[RowError]:
        """Take in one row; the facts in which it differs from an earlier one."""
        facts = (row.dialogue, row.country, row.timezone, row.rest_days, row.language)
        if facts in self._agreed or not row.dialogue:
            return []
        new = _Known(PlanDialogue(row=row.row, name=row.dialogue))
        known = self._known.setdefault(row.dialogue.casefold(), new)
        errors = list(_differences(known, row, record))
        if not errors:
            self._agreed.add(facts)
        return errors

    def dialogues(self) -> tuple[PlanDialogue, ...]:
        """Every dialogue, in the order in which they are first named."""
        return tuple(known.dialogue for known in self._known.values())


def _differences(known: _Known, row: PlanRow, record: Record) -> Iterator[RowError]:
    dialogue = known.dialogue
    if row.dialogue != dialogue.name:
        reason = N_(
            "row %(row)s writes this dialogue %(name)s", row=dialogue.row, name=dialogue.name
        )
        yield record.error("dialogue", row.dialogue, reason)
    for fact in _FACTS:
        ours, theirs = getattr(dialogue, fact), getattr(row, fact)
        if theirs in ("", None) or ours == theirs:
            continue
        if ours not in ("", None):
            said = record.cells.get(fact, "").strip() or ", ".join(record.lists.get(fact, ()))
            at = known.said_in[fact]
            reason = N_("row %(row)s says otherwise for the same dialogue", row=at)
            if isinstance(ours, str):
                reason = N_("row %(row)s says %(value)s for the same dialogue", row=at, value=ours)
            yield record.error(fact, said, reason)
        else:
            dialogue = replace(dialogue, **{fact: theirs})
            known.said_in[fact] = row.row
    if row.language and row.language not in dialogue.languages:
        dialogue = replace(dialogue, languages=(*dialogue.languages, row.language))
    known.dialogue = dialogue


class References:
    """Which references there are, and which action waits for which."""

    def __init__(self) -> None:
        self.spelled: dict[str, str] = {}
        self._first: dict[str, int] = {}
        self._waiting: list[tuple[PlanRow, Record]] = []

    def add(self, row: PlanRow, record: Record) -> list[RowError]:
        """Take in one row; an error when its reference stands in an earlier one."""
        if row.depends_on:
            self._waiting.append((row, record))
        if not row.ref:
            return []
        # On paper and on the telephone nobody hears capitals, so SAA-1 and saa-1 are one.
        folded = row.ref.casefold()
        first = self._first.setdefault(folded, row.row)
        if first == row.row:
            self.spelled[folded] = row.ref
            return []
        return [record.error("ref", row.ref, N_("row %(row)s has the same reference", row=first))]

    def unmet(self, known_refs: Collection[str]) -> Iterator[tuple[PlanRow, RowError]]:
        """Dependencies on references that exist neither in the file nor in `known_refs`."""
        for row, record in self._waiting:
            for ref in row.depends_on:
                spelled = self.spelled.get(ref.casefold(), "")
                if ref in (spelled, row.ref) or ref in known_refs:
                    continue
                hint = N_("; write %(word)s", word=spelled) if spelled else ""
                reason = N_(
                    "no action has this reference, in the file or stored before%(hint)s", hint=hint
                )
                yield row, record.error("depends_on", ref, reason)

    def circles(self) -> Iterator[tuple[PlanRow, RowError]]:
        """Circles that share no action, each told at the first of its rows."""
        waiting = {row.ref: (row, record) for row, record in reversed(self._waiting) if row.ref}
        edges = {
            ref: [awaited for awaited in row.depends_on if awaited != ref]
            for ref, (row, _) in waiting.items()
        }
        for _ in range(CIRCLES_TOLD):
            if not (circle := find_circle(edges)):
                return
            row, record = min((waiting[ref] for ref in circle), key=lambda pair: pair[0].row)
            at = circle.index(row.ref)
            path = " → ".join((*circle[at:-1], *circle[:at], row.ref))
            reason = N_("these actions would wait for each other in a circle: %(path)s", path=path)
            yield row, record.error("depends_on", "; ".join(row.depends_on), reason)
            for ref in set(circle):
                del edges[ref]
