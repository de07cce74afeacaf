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
    """
    Who writes: the programme, the address it writes from, and who reads answers in the end.

    `inbox` is the mailbox that the program reads itself; empty while there is none.
    """

    programme: str
    sender: str
    sender_name: str
    reply_to: str
    inbox: str = ""

    @property
    def domain(self) -> str:
        """The right-hand side of our Message-IDs."""
        return self.sender.rpartition("@")[2]

    def inbox_for(self, what: str, reply_code: str) -> str:
        """The inbox's address for one message: `r` for answers, `b` bounces, `s` stop."""
        name, _at, domain = self.inbox.rpartition("@")
        return f"{name}+{what}{reply_code}@{domain}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """
    One notice with everything around it that words may need.

    `said` and `proposed_on` are of the answer that the notice is about. `answer_url` is this
    person's link, for `answer_url_until`.
    """

    kind: str
    rung: str
    urgency: int
    action: Action
    dialogue: Dialogue
    calendar: WorkingCalendar
    party: Party
    today: date
    about: Person | None = None
    said: str = ""
    proposed_on: date | None = None
    answer_url: str = ""
    answer_url_until: date | None = None


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
        proposed_on=topic.proposed_on,
        answer_url=topic.answer_url if action.handling is not Handling.CLOSED else "",
        answer_url_until=topic.answer_url_until,
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
    reply_code: str = "",
) -> Letter:
    """
    One message to one person: every topic, most urgent first.

    `nonce` makes the Message-ID unlike that of any other installation that writes from the domain.
    With `reply_code` answers go to the inbox of the program, else to the coordinator.
    """
    first = topics[0]
    contact = _contact(coordinator, office)
    own = coordinator is not None and coordinator.id == person.id
    reply_to = office.reply_to if own else contact.email or office.reply_to
    stop = reply_to
    if office.inbox and reply_code:
        reply_to = office.inbox_for("r", reply_code)
        stop = office.inbox_for("s", reply_code)
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
        unsubscribe_mailto=f"mailto:{stop}?subject={quote(f'stop {person.id}')}",
    )


def _answer_by(topic: Topic, due_on: date | None) -> date:
    if topic.kind in {"courtesy", "due_today"} and due_on and due_on >= topic.today:
        return due_on
    return topic.calendar.plus(topic.today, ANSWER_WORKING_DAYS)


def _detail(topic: Topic) -> str:
    """What somebody said that this notice is about; `compose` leaves it out where it must."""
    if topic.said:
        return topic.said
    if topic.kind == "contact":
        return topic.about.flagged if topic.about else ""
    return topic.action.blocker if topic.action.state is State.BLOCKED else ""


def _contact(coordinator: Person | None, office: Office) -> Contact:
    if coordinator is None:
        return Contact(function=office.programme, email=office.reply_to)
    return Contact(function=coordinator.called, email=coordinator.email, phone=coordinator.phone)


def _thread(action: Action, office: Office) -> str:
    """The root of an action's thread, made of its id so that its messages find each other."""
    return thread_of(action.id, office.domain)


def thread_of(action_id: int, domain: str) -> str:
    """The same by the action's id, for whoever looks for the action of a thread."""
    mark = blake2b(f"{domain}:{action_id}".encode(), digest_size=6).hexdigest()
    return f"<a.{mark}@{domain}>"
