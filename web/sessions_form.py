"""The form of a session: what was typed, read into the records of a plan, and errors by field."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from config.plan_columns import Record
from config.plan_values import RowError
from web.answer_fields import Said, read_day
from web.answer_form import Sent, plain_digits
from web.refusals import sentence

MOST_COMMITMENTS: Final = 15
MOST_STEPS: Final = 15
MOST_ALL: Final = 40
"""So many actions fit into one form; a longer list is a plan to import."""

COLUMNS: Final = (
    "action", "responsible", "due", "verifier", "repeat", "standing", "handling", "evidence",
)  # fmt: skip
TYPED: Final = ("action", "responsible", "due", "verifier", "evidence")
"""An action in which none of these was filled in was not meant."""

REPEATS: Final = ("", "weekly", "monthly", "quarterly", "yearly")

_SPOKEN = re.compile(r"c([1-9][0-9]?)_(text|language)")
_STEP = re.compile(r"c([1-9][0-9]?)a([1-9][0-9]?)_([a-z]+)")
_WANTED = re.compile(r"action-([1-9][0-9]?)")


@dataclass(slots=True)
class Step:
    """An action in the form; `name` is how its fields begin."""

    name: str
    typed: dict[str, str] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        return not any(self.typed.get(column) for column in TYPED)


@dataclass(slots=True)
class Spoken:
    """A commitment in the form, in the words agreed in the room."""

    name: str
    text: str = ""
    language: str = ""
    steps: list[Step] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return not self.text and all(step.empty for step in self.steps)


@dataclass(slots=True)
class Draft:
    """A session as somebody is writing it down."""

    held_on: str = ""
    spoken: list[Spoken] = field(default_factory=list)

    @property
    def count(self) -> int:
        return sum(len(one.steps) for one in self.spoken)

    def add(self, wish: str) -> bool:
        """One row more, as a button says; False if there is no room for it."""
        if wish == "commitment" and len(self.spoken) < MOST_COMMITMENTS and self.count < MOST_ALL:
            self.spoken.append(_empty(len(self.spoken) + 1))
            return True
        found = _WANTED.fullmatch(wish)
        if found and int(found[1]) <= len(self.spoken) and self.count < MOST_ALL:
            spoken = self.spoken[int(found[1]) - 1]
            if len(spoken.steps) < MOST_STEPS:
                spoken.steps.append(Step(f"{spoken.name}a{len(spoken.steps) + 1}"))
                return True
        return False

    def fields(self) -> list[tuple[str, str]]:
        """Every field with what stands in it, for a page that carries them on."""
        found = [("held_on", self.held_on)]
        for spoken in self.spoken:
            found += [
                (f"{spoken.name}_text", spoken.text),
                (f"{spoken.name}_language", spoken.language),
            ]
            for step in spoken.steps:
                found += [(f"{step.name}_{name}", text) for name, text in step.typed.items()]
        return [(name, text) for name, text in found if text]


def first_draft(today: date) -> Draft:
    """An empty form with room for one commitment and one action."""
    return Draft(today.isoformat(), [_empty(1)])


def _empty(number: int) -> Spoken:
    return Spoken(f"c{number}", steps=[Step(f"c{number}a1")])


def read_draft(sent: Sent) -> Draft:
    """What was typed; rows that were left empty between others close up."""
    spoken: dict[int, Spoken] = {}
    steps: dict[tuple[int, int], dict[str, str]] = {}
    for name, text in sent.fields.items():
        if found := _SPOKEN.fullmatch(name):
            one = spoken.setdefault(int(found[1]), Spoken(""))
            setattr(one, found[2], text)
        elif (found := _STEP.fullmatch(name)) and found[3] in COLUMNS:
            spoken.setdefault(int(found[1]), Spoken(""))
            steps.setdefault((int(found[1]), int(found[2])), {})[found[3]] = text
    draft = Draft(sent.get("held_on"))
    for number, one in sorted(spoken.items())[:MOST_COMMITMENTS]:
        one.name = f"c{len(draft.spoken) + 1}"
        own = [typed for (home, _at), typed in sorted(steps.items()) if home == number]
        for typed in own[: min(MOST_STEPS, MOST_ALL - draft.count)]:
            one.steps.append(Step(f"{one.name}a{len(one.steps) + 1}", typed))
        if not one.steps:
            one.steps.append(Step(f"{one.name}a1"))
        draft.spoken.append(one)
    if not draft.spoken:
        draft.spoken.append(_empty(1))
    return draft


@dataclass(slots=True)
class Read:
    """A draft as records, and what is wrong with which field before any of them is read."""

    held_on: date | None
    records: list[Record] = field(default_factory=list)
    names: list[tuple[str, str]] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)


def read_records(draft: Draft, dialogue: str, today: date, _: Said) -> Read:
    """One record for each action; each error is one sentence in the reader's language."""
    read = Read(read_day(draft.held_on))
    if read.held_on is None:
        read.errors["held_on"] = _("Write the day like 2026-12-04.")
    elif read.held_on > today:
        read.errors["held_on"] = _("This day is still to come; write the session down afterwards.")
    if all(spoken.empty for spoken in draft.spoken):
        read.errors["c1_text"] = _("Please write a few words here.")
    for spoken in draft.spoken:
        if not spoken.empty:
            _read_spoken(read, spoken, dialogue, _)
    return read


def _read_spoken(read: Read, spoken: Spoken, dialogue: str, _: Said) -> None:
    if not spoken.text:
        read.errors[f"{spoken.name}_text"] = _("Write the words that were agreed in the room.")
    steps = [step for step in spoken.steps if not step.empty] or spoken.steps[:1]
    for step in steps:
        for column in ("action", "responsible"):
            if not step.typed.get(column):
                read.errors[f"{step.name}_{column}"] = (
                    _("Say what is to be done.") if column == "action" else _("Say who does it.")
                )
        cells = {
            "dialogue": dialogue,
            "agreed_on": read.held_on.isoformat() if read.held_on else "",
            "commitment": spoken.text,
            "language": spoken.language,
            "kind": "standing" if step.typed.get("standing") else "",
        }
        cells |= {name: step.typed.get(name, "") for name in COLUMNS if name != "standing"}
        cells["due"] = plain_digits(cells["due"])
        read.records.append(Record(row=len(read.records) + 1, cells=cells))
        read.names.append((spoken.name, step.name))


def field_errors(read: Read, errors: Sequence[RowError], language: str, _: Said) -> dict[str, str]:
    """The errors of the plan's own reader, beside the fields of the form."""
    found = dict(read.errors)
    for error in errors:
        spoken, step = read.names[error.row - 1] if 0 < error.row <= len(read.names) else ("", "")
        match error.column:
            case "commitment":
                name = f"{spoken}_text"
            case "language":
                name = f"{spoken}_language"
            case "agreed_on":
                name = "held_on"
            case "kind":
                name = f"{step}_repeat"
            case column if column in COLUMNS:
                name = f"{step}_{column}"
            case _:
                name = ""
        if name and name not in found:
            found[name] = said(error.reason, language, _)
        elif not name:
            found.setdefault("", said(error.reason, language, _))
    return found


def said(reason: str, language: str, _: Said) -> str:
    """A reason of the plan's reader as a sentence; the usual ones as a form says them."""
    known: Mapping[str, str] = {
        "every action needs this": _("Please write a few words here."),
        "the party that acts cannot confirm its own action": _(
            "The party that acts cannot confirm its own action: name another one."
        ),
    }
    if reason in known:
        return known[reason]
    if "characters; at most" in reason:
        return _("This is too long.")
    return sentence(language, reason)
