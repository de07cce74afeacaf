"""What somebody says back about an action: the verbs, what each needs, and who then helps."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from engine.action import Level, Obstacle
from engine.ladder import Addressee


class Verb(StrEnum):
    """What an answer says, in one word; `other` is in the answerer's own words."""

    DONE = "done"
    MORE_TIME = "more_time"
    BLOCKED = "blocked"
    CANNOT = "cannot"
    NOT_ME = "not_me"
    HELP = "help"
    CONFIRMED = "confirmed"
    NOT_YET = "not_yet"
    NOT_SEEN = "not_seen"
    TAKEN_NOTE = "taken_note"
    AGREED = "agreed"
    DECLINED = "declined"
    OTHER = "other"


class Origin(StrEnum):
    """How an answer came; `phone`, `paper` and `site` are recorded by somebody else (a proxy)."""

    LINK = "link"
    MAIL = "mail"
    SMS = "sms"
    PHONE = "phone"
    PAPER = "paper"
    SITE = "site"


BY_PROXY: Final = frozenset({Origin.PHONE, Origin.PAPER, Origin.SITE})


class Purpose(StrEnum):
    """What one answer link is for: one of these, never two."""

    ANSWER = "answer"
    CONFIRM = "confirm"
    DECIDE = "decide"
    CHECK = "check"
    ACKNOWLEDGE = "acknowledge"


VERBS_FOR: Final = {
    Purpose.ANSWER: (Verb.DONE, Verb.MORE_TIME, Verb.BLOCKED, Verb.HELP, Verb.CANNOT, Verb.NOT_ME),
    Purpose.CONFIRM: (Verb.CONFIRMED, Verb.NOT_YET, Verb.NOT_SEEN),
    Purpose.DECIDE: (Verb.AGREED, Verb.DECLINED),
    Purpose.CHECK: (Verb.DONE, Verb.NOT_YET, Verb.NOT_SEEN),
    Purpose.ACKNOWLEDGE: (Verb.TAKEN_NOTE, Verb.OTHER),
}
"""What each purpose lets somebody say, most wished for first."""

PURPOSE_OF: Final = {
    "reminder": Purpose.ANSWER,
    "second_reminder": Purpose.ANSWER,
    "silence": Purpose.ANSWER,
    "courtesy": Purpose.ANSWER,
    "due_today": Purpose.ANSWER,
    "lapse": Purpose.ANSWER,
    "check": Purpose.CHECK,
    "inherited": Purpose.ANSWER,
    "verification": Purpose.CONFIRM,
    "verification_backlog": Purpose.CONFIRM,
    "new_date": Purpose.DECIDE,
    "stall_review": Purpose.ACKNOWLEDGE,
    "review_due": Purpose.ACKNOWLEDGE,
    "superior": Purpose.ACKNOWLEDGE,
    "manager": Purpose.ACKNOWLEDGE,
    "dispute": Purpose.ACKNOWLEDGE,
    "help": Purpose.ACKNOWLEDGE,
}
"""What the link in a notice of that kind is for; a kind that is not here carries no link."""


@dataclass(frozen=True, slots=True)
class Helper:
    """Who is asked to lift an obstacle, and when it is looked at again, in working days."""

    addressee: Addressee
    review_working_days: int


HELPERS: Final = {
    Obstacle.MONEY: Helper(Addressee.MANAGER, 20),
    Obstacle.PERMIT: Helper(Addressee.COORDINATOR, 10),
    Obstacle.SAFETY: Helper(Addressee.COORDINATOR, 5),
    Obstacle.DISAGREEMENT: Helper(Addressee.COMMITTEE, 10),
    Obstacle.OTHER: Helper(Addressee.COORDINATOR, 10),
}
"""
The right helper and delay for each obstacle (issue "What people are told", 4).

Means are found by who runs the programme, a disagreement is for the committee; a coordinator is
told in every case. Means take longest to find, and what makes people unsafe is looked at first.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """
    What somebody said; only what the verb needs is looked at, the rest may be empty.

    `done_on`: the day on which it was done, where that is said (done). `until`: the day proposed
    (more_time) or agreed. `obstacle` and `blocker`: what stands in the
    way and who could lift it (blocked). `review_on`: when to look again; None takes the helper's
    delay. `seen`, `seen_on`, `method`: what a verifier saw, when and how. `level`: how much of it
    is there (not_yet). `named`: the right person, in the answerer's words (not_me).
    """

    verb: Verb
    note: str = ""
    done_on: date | None = None
    until: date | None = None
    obstacle: Obstacle | None = None
    blocker: str = ""
    review_on: date | None = None
    seen: str = ""
    seen_on: date | None = None
    method: str = ""
    level: Level | None = None
    named: str = ""
