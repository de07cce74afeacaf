"""What goes into words, and what comes out of them: the items, the letter, the message."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from engine.action import Handling, Level, Obstacle, State

KINDS: Final = (
    "courtesy",
    "due_today",
    "reminder",
    "second_reminder",
    "silence",
    "stall_review",
    "review_due",
    "agenda",
    "superior",
    "manager",
    "verification",
    "verification_backlog",
    "check",
    "dispute",
    "call_task",
    "contact",
    "stopped",
    "nobody",
    "lapse",
    "new_date",
    "help",
    "cannot",
    "wrong_person",
    "note",
    "watchdog",
    "early_warning",
    "inherited",
)
"""Every sort of notice that has words: one folder of templates each."""

INFORMING: Final = frozenset({"courtesy", "due_today"})
"""The kinds that ask for no answer; all the others ask for one by a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFacts:
    """Whom to telephone: the function, and the number if one is known."""

    function: str
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """The coordinator who can be asked: a function, and what is known of address and number."""

    function: str
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """
    One notice as facts for words.

    `kind` is one of `KINDS`; `rung` is empty for a notice that is not of the ladder. `title` and
    `party` are None where the handling level forbids them in a mail. The due dates are None for
    an action without one. `days_overdue` counts working days. `answer_by` is the day by which an
    answer is asked. `detail` is a fact in somebody's own words, or empty. A higher `urgency`
    stands first. `answer_url` is a link for this person alone, good until `answer_url_until`;
    both are empty where nothing can be answered by one. `proposed_on` is the day that somebody
    asks for instead of the due date (`new_date`).
    """

    kind: str
    ref: str
    dialogue: str
    title: str | None
    handling: Handling
    party: str | None
    state: State
    answer_by: date
    due_on: date | None = None
    effective_due_on: date | None = None
    original_due_on: date | None = None
    days_overdue: int = 0
    rung: str = ""
    review_on: date | None = None
    obstacle: Obstacle | None = None
    reported_level: Level | None = None
    reported_on: date | None = None
    call: CallFacts | None = None
    detail: str = ""
    proposed_on: date | None = None
    answer_url: str = ""
    answer_url_until: date | None = None
    urgency: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """
    Everything that one message to one person is made of.

    `language` is the person's, `fallback` the dialogue's: the first of them (then English) that
    has words for every item is used. `salutation` is the person's function or name. `thread_id`
    is the root Message-ID of the action's thread when there is one item, else empty. Message-IDs
    carry their angle brackets. `sent_at` is aware. `unsubscribe_mailto` is a `mailto:` address.
    """

    language: str
    fallback: str = "en"
    salutation: str
    items: tuple[Item, ...]
    day: date
    contact: Contact
    programme: str
    sender: str
    sender_name: str
    to: str
    reply_to: str
    message_id: str
    thread_id: str = ""
    sent_at: datetime
    unsubscribe_mailto: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A letter in words, in the `language` in which it was written, with its headers."""

    language: str
    subject: str
    text: str
    html: str
    sender: str
    sender_name: str
    to: str
    reply_to: str
    message_id: str
    thread_id: str = ""
    sent_at: datetime
    unsubscribe_mailto: str
