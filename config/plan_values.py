"""What a plan file says, as typed values: rows, dialogues, people, and what is wrong with it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from engine.action import Handling, Kind, State
from engine.party import Channel, Role, Side
from engine.sensitive import SensitiveDay


@dataclass(frozen=True, slots=True, kw_only=True)
class RowError:
    """
    One thing that is wrong.

    `row` is the line in a CSV or YAML file (where the record or the value begins) or the row of
    a sheet; the header is 1, and 0 means the file as a whole. `column` is what the file calls it,
    empty when the whole row is meant. `value` is what stands there, cut after 120 characters.
    `reason` is one sentence without its full stop.
    """

    row: int
    column: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRow:
    """
    One action of a plan; `row` as in `RowError`.

    Texts are trimmed and in Unicode normal form C; empty means not said. `ref` is empty when the
    store must make one. `repeat` is an RFC 5545 rule. `rest_days` are weekdays, Monday = 0, and
    None when the plan does not say. `co_responsible` never contains the responsible party. `given`
    are the columns that the file has: what is not among them was not emptied, but left out.
    """

    row: int
    ref: str
    dialogue: str
    country: str
    timezone: str
    language: str
    rest_days: frozenset[int] | None
    commitment: str
    action: str
    kind: Kind
    repeat: str
    responsible: str
    responsible_side: Side | None
    responsible_email: str
    responsible_phone: str
    responsible_language: str
    alternate_email: str
    co_responsible: tuple[str, ...]
    verifier: str
    verifier_side: Side | None
    verifier_email: str
    coordinator_email: str
    agreed_on: date | None
    due: date | None
    review_on: date | None
    state: State
    evidence: str
    handling: Handling
    depends_on: tuple[str, ...]
    notes: str
    given: frozenset[str] = field(default=frozenset(), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanParty:
    """An institution or group; `superior` is the name of the party above it, or empty."""

    name: str
    side: Side | None = None
    superior: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPerson:
    """
    A function and what it is there for; `key` is its name in commands and in the story.

    `party` is empty for coordinators and managers. `channel` is None when the file does not say.
    """

    key: str
    function: str
    roles: tuple[Role, ...]
    party: str = ""
    name: str = ""
    email: str = ""
    phone: str = ""
    language: str = ""
    timezone: str = ""
    channel: Channel | None = None


class DayChange(StrEnum):
    """What an override does to a day: make it free, make it a working day, or move a feast."""

    ADD = "add"
    REMOVE = "remove"
    MOVE = "move"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOverride:
    """A dialogue's own change to its calendar; `to` is the new day of a feast that moves."""

    on: date
    change: DayChange
    name: str
    who: str
    why: str
    to: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDialogue:
    """
    One dialogue: said under `dialogues:`, or gathered from the rows that name it.

    `row` is where it is first named. `code`, `country`, `timezone` and `languages` are empty and
    `rest_days` is None where nothing in the file says them.
    """

    row: int
    name: str
    code: str = ""
    country: str = ""
    timezone: str = ""
    languages: tuple[str, ...] = ()
    rest_days: frozenset[int] | None = None
    friday_pause: bool = False
    parties: tuple[PlanParty, ...] = ()
    people: tuple[PlanPerson, ...] = ()
    overrides: tuple[PlanOverride, ...] = ()
    sensitive_days: tuple[SensitiveDay, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """
    All that a plan file says; usable only when `errors` is empty.

    `rows` are the rows without an error, in the order of the file. `dialogues` holds every
    dialogue named. `people` belong to the programme and not to one dialogue. `refs` are the
    references in the file as they are spelled, by their folded form.
    """

    rows: Collection[PlanRow]
    errors: tuple[RowError, ...]
    dialogues: tuple[PlanDialogue, ...]
    people: tuple[PlanPerson, ...] = ()
    refs: Mapping[str, str] = field(default_factory=dict, compare=False)
