"""What the API takes and gives: every field with its limits, as the OpenAPI document shows it."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal

from fastapi import Path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from config.plan_cells import read_text
from config.plan_columns import LONGEST_TEXT, LONGEST_WHY
from config.plan_days import FIRST_YEAR, LAST_YEAR
from engine.action import Handling, Kind, Level, Obstacle, State
from engine.answer import Verb
from engine.party import Side
from workflows.answers import LONGEST_NOTE

LONGEST_BLOCKER, LONGEST_METHOD, LONGEST_SOURCE = 400, 200, 200


def _text(longest: int) -> Callable[[str], str]:
    def read(given: str) -> str:
        return read_text(given, longest, lines=True)

    return read


def _meant(given: date) -> date:
    if not FIRST_YEAR <= given.year <= LAST_YEAR:
        raise ValueError(f"the year {given.year} cannot be meant")
    return given


Words = Annotated[str, Field(max_length=LONGEST_TEXT), AfterValidator(_text(LONGEST_TEXT))]
Why = Annotated[str, Field(max_length=LONGEST_WHY), AfterValidator(_text(LONGEST_WHY))]
Note = Annotated[str, Field(max_length=LONGEST_NOTE), AfterValidator(_text(LONGEST_NOTE))]
Short = Annotated[str, Field(max_length=LONGEST_SOURCE), AfterValidator(_text(LONGEST_SOURCE))]
Blocker = Annotated[str, Field(max_length=LONGEST_BLOCKER), AfterValidator(_text(LONGEST_BLOCKER))]
Day = Annotated[date, AfterValidator(_meant)]
Ref = Annotated[
    str,
    Field(pattern=r"^\w[\w.\-]{0,39}$", description="The action's reference.", examples=["SAA-07"]),
]
RefInPath = Annotated[
    str,
    Path(pattern=r"^\w[\w.\-]{0,39}$", description="The action's reference.", examples=["SAA-07"]),
]


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MoveAsked(_Sent):
    """A move; which fields it needs is said in docs/api.md and in the refusal."""

    to: State
    reason: Words = ""
    note: Words = ""
    review_on: Day | None = None
    obstacle: Obstacle | None = None
    blocker: Blocker = ""
    method: Annotated[Short, Field(description="How it was checked.")] = ""
    seen: Annotated[Words, Field(description="What was seen.")] = ""
    level: Level | None = None
    decided_on: Day | None = None
    successor: Ref | None = None


class ReportAsked(_Sent):
    """How far an action has come; `completed` is a claim that somebody else confirms."""

    level: Level
    note: Words


class RescheduleAsked(_Sent):
    """A new due date, with the reason and who agreed."""

    due_on: Day
    reason: Words


class AcknowledgeAsked(_Sent):
    """Somebody who was told has taken note."""

    note: Words = ""


class DisputeAsked(_Sent):
    """Somebody contests what is said of an action."""

    reason: Words


class AnswerAsked(_Sent):
    """
    An answer, as by a link; only what the verb needs is looked at.

    `source`: whose word it is, where a coordinator speaks for others; `origin`: how it was heard.
    """

    verb: Verb
    note: Note = ""
    done_on: Day | None = None
    until: Day | None = None
    obstacle: Obstacle | None = None
    blocker: Blocker = ""
    review_on: Day | None = None
    seen: Words = ""
    seen_on: Day | None = None
    method: Short = ""
    level: Level | None = None
    named: Short = ""
    source: Short = ""
    origin: Literal["phone", "paper", "site"] = "phone"


class ReleaseAsked(_Sent):
    """Let the sensitive rung of an action leave; with `refuse`, the reason why it shall not."""

    refuse: Words = ""


class HoldAsked(_Sent):
    """
    Keep messages back: of an action, of a dialogue, or of everything if neither is named.

    Without `from_on` from now on, without `until_on` until it is resumed.
    """

    action: Ref | None = None
    dialogue: Short | None = None
    from_on: Day | None = None
    until_on: Day | None = None
    reason: Why


class ResumeAsked(_Sent):
    """End the holds of exactly that scope."""

    action: Ref | None = None
    dialogue: Short | None = None
    reason: Why = ""


class DialogueValue(BaseModel):
    """A dialogue."""

    code: str
    name: str
    country: str
    timezone: str
    languages: list[str]


class PartyValue(BaseModel):
    """An institution or group; `superior` is the party above it in its chain of command."""

    name: str
    dialogue: str
    side: Side
    superior: str | None


class ActionValue(BaseModel):
    """An action in a list; title and party are null where only the reference may be shown."""

    ref: str
    dialogue: str
    title: str | None
    state: State
    kind: Kind
    handling: Handling
    responsible: str | None
    due_on: date | None
    original_due_on: date | None
    effective_due_on: date | None
    overdue: bool
    days_overdue: int
    rung_reached: str | None
    rung_sent: str | None
    conditions: list[str]
    version: int


class StoryValue(BaseModel):
    """What only the readers of an action's story see."""

    commitment: str
    agreed_on: date | None
    verifier: str | None
    reported_level: Level
    verified_level: Level
    waiting: bool
    obstacle: Obstacle | None
    blocker: str
    review_on: date | None
    repeat: str
    evidence: str
    notes: str
    earlier_due_dates: list[date | None]
    days_over_original: int
    clarifications: list[dict[str, Any]]


class WholeAction(ActionValue):
    """One action; `story` is null where it may not be read."""

    story: StoryValue | None


class EventValue(BaseModel):
    """Something that happened to an action; `hash` carries the one before it."""

    seq: int
    kind: str
    at: datetime
    by: str
    payload: dict[str, Any]
    hash: str


class NoticeValue(BaseModel):
    """Somebody was told something, or shall be."""

    rung: str
    kind: str
    to: str
    status: str
    decided_at: datetime
    closed_at: datetime | None
    outcome: str


class AnswerValue(BaseModel):
    """Something that was said back; `source` is for coordinators only."""

    verb: Verb
    origin: str
    by: str
    at: datetime
    note: str
    details: dict[str, Any]
    outcome: str
    said: str
    source: str | None


class CommitmentValue(BaseModel):
    """What a dialogue agreed, in the words agreed in the room."""

    id: int
    dialogue: str
    text: str
    language: str
    agreed_on: date | None
    actions: list[str]


class DigestValue(BaseModel):
    """A digest that was made for the person of the key."""

    id: int
    kind: str
    dialogue: str | None
    as_of: datetime
    day: date
    fingerprint: str
    figures: dict[str, Any]


class StatusValue(BaseModel):
    """Counts; what is closed stands in `total` alone, unless the person may see it."""

    as_of: datetime
    total: int
    by_state: dict[str, int]
    conditions: dict[str, int]
    by_dialogue: dict[str, dict[str, int]]


class VerifiedValue(BaseModel):
    """Whether a history is whole, and begins as an old fingerprint says."""

    events: int
    broken: list[dict[str, Any]]
    fingerprint: str
    checked: list[dict[str, Any]]


class FingerprintsValue(BaseModel):
    """The fingerprint of each dialogue, by its code."""

    fingerprints: dict[str, str]


class ActionPage(BaseModel):
    """Actions by number; `next` is the address of what follows, null at the end."""

    data: list[ActionValue]
    next: str | None


class CommitmentPage(BaseModel):
    """Commitments by number; `next` is the address of what follows, null at the end."""

    data: list[CommitmentValue]
    next: str | None


class DigestPage(BaseModel):
    """Digests, newest first; `next` is the address of what follows, null at the end."""

    data: list[DigestValue]
    next: str | None


class DialogueList(BaseModel):
    """Every dialogue that the key reaches."""

    data: list[DialogueValue]


class PartyList(BaseModel):
    """The parties of the dialogues asked for."""

    data: list[PartyValue]


class EventList(BaseModel):
    """Every event of one action, oldest first."""

    data: list[EventValue]


class NoticeList(BaseModel):
    """Every notice about one action, oldest first."""

    data: list[NoticeValue]


class AnswerList(BaseModel):
    """Everything that was said back about one action, oldest first."""

    data: list[AnswerValue]


class ChangedValue(BaseModel):
    """Where an action stands after what was recorded; `outcome` of an answer, else empty."""

    ref: str
    state: State
    version: int
    outcome: str = ""


class HeldValue(BaseModel):
    """Whose messages wait now, or may leave again, and how many holds ended."""

    scope: str
    ended: int = 0


class ImportedValue(BaseModel):
    """What an import did, or would have done."""

    rows: int
    created: int
    updated: int
    unchanged: int
    errors: list[dict[str, Any]]


LIMIT: Final = 50
MOST: Final = 200
