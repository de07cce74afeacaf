"""All that one person is told today, put together from facts into one letter."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import blake2b
from urllib.parse import quote

from engine.action import OWED, Action, Handling, State
from engine.calendar import WorkingCalendar
from engine.dialogue import Dialogue
from engine.party import Party, Person
from notifications.message import CallFacts, Contact, Item, Letter

ANSWER_WORKING_DAYS = 5
"""How long somebody who is asked has to answer; the ladder waits as long for an acknowledgement."""

SPOKEN_OF = frozenset({Handling.PUBLIC, Handling.DIALOGUE})
"""The handling levels whose title may stand in a mail body; of a closed one not even the party."""


@dataclass(frozen=True, slots=True)
class Office:
    """Who writes: the programme, the address it writes from, and who reads answers in the end."""

    programme: str
    sender: str
    sender_name: str
    reply_to: str

    @property
    def domain(self) -> str:
        """The right-hand side of our Message-IDs."""
        return self.sender.rpartition("@")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One notice with everything around it that words may need."""

    kind: str
    rung: str
    urgency: int
    action: Action
    dialogue: Dialogue
    calendar: WorkingCalendar
    party: Party
    today: date
    about: Person | None = None


def item(topic: Topic) -> Item:
    """The facts of one notice, less what its handling level keeps out of mail."""
    action, calendar = topic.action, topic.calendar
    spoken_of = action.handling in SPOKEN_OF
    due_on = calendar.on_or_after(action.due_on) if action.due_on else None
    late = due_on is not None and action.state in OWED and topic.today > due_on
    about = topic.about
    return Item(
        kind=topic.kind,
        rung=topic.rung.removeprefix("call:").removeprefix("none:"),
        ref=action.ref,
        dialogue=topic.dialogue.name,
        title=action.title if spoken_of else None,
        handling=action.handling,
        party=topic.party.name if action.handling is not Handling.CLOSED else None,
        state=action.state,
        answer_by=_answer_by(topic, due_on),
        due_on=action.due_on,
        effective_due_on=due_on,
        original_due_on=action.original_due_on,
        days_overdue=calendar.between(due_on, topic.today) if late and due_on else 0,
        review_on=action.review_on,
        obstacle=action.obstacle,
        reported_level=action.reported_level,
        reported_on=action.reported_on,
        call=CallFacts(function=about.function, phone=about.phone) if about else None,
        detail=_detail(topic),
        urgency=topic.urgency,
    )


def letter(
    person: Person,
    topics: Sequence[Topic],
    coordinator: Person | None,
    office: Office,
    *,
    today: date,
    now: datetime,
    nonce: str,
) -> Letter:
    """
    One message to one person: every topic, most urgent first.

    `nonce` makes the Message-ID unlike that of any other installation that writes from the domain.
    """
    first = topics[0]
    contact = _contact(coordinator, office)
    own = coordinator is not None and coordinator.id == person.id
    reply_to = office.reply_to if own else contact.email or office.reply_to
    ordered = sorted(topics, key=lambda topic: (-topic.urgency, topic.action.ref))
    return Letter(
        language=person.language,
        fallback=first.dialogue.languages[0],
        salutation=person.called,
        items=tuple(item(topic) for topic in ordered),
        day=today,
        contact=contact,
        programme=office.programme,
        sender=office.sender,
        sender_name=office.sender_name,
        to=person.email,
        reply_to=reply_to,
        message_id=f"<{person.id}.{today:%Y%m%d}.{nonce}@{office.domain}>",
        thread_id=_thread(first.action, office) if len(ordered) == 1 else "",
        sent_at=now,
        unsubscribe_mailto=f"mailto:{reply_to}?subject={quote(f'stop {person.id}')}",
    )


def _answer_by(topic: Topic, due_on: date | None) -> date:
    if topic.kind in {"courtesy", "due_today"} and due_on and due_on >= topic.today:
        return due_on
    return topic.calendar.plus(topic.today, ANSWER_WORKING_DAYS)


def _detail(topic: Topic) -> str:
    """What somebody said that this notice is about; `compose` leaves it out where it must."""
    if topic.kind == "contact":
        return topic.about.flagged if topic.about else ""
    return topic.action.blocker if topic.action.state is State.BLOCKED else ""


def _contact(coordinator: Person | None, office: Office) -> Contact:
    if coordinator is None:
        return Contact(function=office.programme, email=office.reply_to)
    return Contact(function=coordinator.called, email=coordinator.email, phone=coordinator.phone)


def _thread(action: Action, office: Office) -> str:
    """The root of an action's thread, made of its id so that its messages find each other."""
    mark = blake2b(f"{office.domain}:{action.id}".encode(), digest_size=6).hexdigest()
    return f"<a.{mark}@{office.domain}>"
