"""The tracked step of a commitment, and the words for where it stands."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class Kind(StrEnum):
    """`one_off` has one due date, `recurring` one each period, `standing` a check each period."""

    ONE_OFF = "one_off"
    RECURRING = "recurring"
    STANDING = "standing"


class State(StrEnum):
    """Where an action stands in the procedure."""

    PROPOSED = "proposed"
    AGREED = "agreed"
    IN_PROGRESS = "in_progress"
    BLOCKED = "blocked"
    REPORTED_DONE = "reported_done"
    VERIFIED = "verified"
    IN_FORCE = "in_force"
    DISPUTED = "disputed"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"
    NOT_IMPLEMENTED = "not_implemented"


OWED = frozenset({State.AGREED, State.IN_PROGRESS, State.BLOCKED})
"""The states in which an action can be overdue."""

LIVE = OWED | {State.PROPOSED, State.REPORTED_DONE, State.DISPUTED, State.IN_FORCE}
"""The states from which a closure is still possible."""

MET = frozenset({State.VERIFIED, State.IN_FORCE})
"""The states in which an action no longer keeps the actions that depend on it waiting."""


class Level(StrEnum):
    """How much of it is there, in the words of the Peace Accords Matrix."""

    NOT_INITIATED = "not_initiated"
    MINIMUM = "minimum"
    INTERMEDIATE = "intermediate"
    COMPLETED = "completed"

    @property
    def rank(self) -> int:
        """0 for nothing, 3 for all of it; levels compare by rank, never by their text."""
        return _LEVEL_RANKS[self]


_LEVEL_RANKS = {level: rank for rank, level in enumerate(Level)}


class Handling(StrEnum):
    """Who may read an action, from anybody to two persons."""

    PUBLIC = "public"
    DIALOGUE = "dialogue"
    RESTRICTED = "restricted"
    CLOSED = "closed"


class Obstacle(StrEnum):
    """Why an action is blocked."""

    MONEY = "money"
    PERMIT = "permit"
    SAFETY = "safety"
    DISAGREEMENT = "disagreement"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """What the dialogue agreed, in the words agreed in the room; `text_hash` freezes them."""

    id: int
    dialogue_id: int
    text: str
    language: str
    agreed_on: date | None = None
    session_id: int | None = None
    text_hash: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """
    One action as it stands now; a change is a new value with `version` one higher.

    `version` is the number of its last event, `state_version` of the one that brought its state.
    `episode` counts the runs of the ladder: the number of the run that is open or would open next.
    `ladder_id` is the ladder frozen for the open run, None while no run is open. `anchor_on` is the
    day on which the run before it ended (or the last dependency was met): rungs are counted from it
    where it is later than the due date. `due_rev` grows by one whenever the due date moves.
    `missed` counts the occurrences or checks missed in a row. Dates are days of the dialogue;
    instants are aware and in UTC.
    """

    id: int
    ref: str
    dialogue_id: int
    commitment_id: int
    title: str
    kind: Kind
    responsible_id: int
    state: State
    version: int
    head_hash: bytes
    focal_id: int | None = None
    verifier_id: int | None = None
    handling: Handling = Handling.DIALOGUE
    repeat: str = ""
    evidence: str = ""
    notes: str = ""
    due_on: date | None = None
    original_due_on: date | None = None
    due_rev: int = 0
    agreed_on: date | None = None
    reported_level: Level = Level.NOT_INITIATED
    verified_level: Level = Level.NOT_INITIATED
    former_state: State | None = None
    state_version: int = 0
    state_since_on: date | None = None
    substance_on: date | None = None
    answered_on: date | None = None
    reported_on: date | None = None
    reported_by_id: int | None = None
    obstacle: Obstacle | None = None
    blocker: str = ""
    review_on: date | None = None
    successor_id: int | None = None
    missed: int = 0
    waiting: bool = False
    episode: int = 1
    anchor_on: date | None = None
    ladder_id: int | None = None
    paused_until_on: date | None = None
    acknowledged_on: date | None = None
    next_check_at: datetime | None = None
