"""What a rehearsal comes to: load by week and person, languages, days, and what is kept back."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from engine.party import Channel
from engine.store.outbox_tables import NoticeStatus
from workflows.rehearse import Line, Rehearsed

TRAVELS = frozenset({Channel.EMAIL.value, Channel.SMS.value})
"""The channels in which something is handed over; a page only waits to be looked at."""

WHY = {
    NoticeStatus.PENDING: "wait for their hour after the last day",
    NoticeStatus.HELD: "kept back until somebody resumes",
    NoticeStatus.UNRELEASED: "wait for a release",
    NoticeStatus.STRUCK: "no longer true when they would have left",
    NoticeStatus.UNDELIVERABLE: "cannot be delivered",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """All lines that reach one person at one instant: one message."""

    at: datetime
    day: date
    person: str
    function: str
    language: str
    channel: str
    off: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """One week from its Monday: messages, the things said in them, items on the board, releases."""

    from_on: date
    messages: int
    said: int
    posted: int
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one person gets: messages, the most of them in a week and on one day, items posted."""

    person: str
    function: str
    language: str
    messages: int
    most_in_a_week: int
    most_on_a_day: int
    posted: int


def messages_of(lines: Iterable[Line]) -> list[Message]:
    """The messages that would leave, by time."""
    found = {
        (line.at, line.person, line.channel): Message(
            at=line.at,
            day=line.day,
            person=line.person,
            function=line.function,
            language=line.language,
            channel=line.channel,
            off=line.off,
        )
        for line in lines
        if line.channel in TRAVELS
    }
    return sorted(found.values(), key=lambda message: (message.at, message.person))


def weeks(lines: Sequence[Line]) -> list[Week]:
    """The calendar, a line for each week in which something happens."""
    sent = Counter(_monday(message.day) for message in messages_of(lines))
    kinds: dict[date, Counter[str]] = defaultdict(Counter)
    for line in lines:
        kind = "waiting" if line.waits_for else "said" if line.channel in TRAVELS else "posted"
        kinds[_monday(line.day)][kind] += 1
    return [
        Week(
            from_on=monday,
            messages=sent[monday],
            said=kinds[monday]["said"],
            posted=kinds[monday]["posted"],
            waiting=kinds[monday]["waiting"],
        )
        for monday in sorted(kinds)
    ]


def loads(lines: Sequence[Line]) -> list[Load]:
    """What each person gets, who gets most first."""
    messages: dict[str, list[Message]] = defaultdict(list)
    for message in messages_of(lines):
        messages[message.person].append(message)
    posted = Counter(line.person for line in lines if line.channel == Channel.PAGE)
    people = {line.person: line for line in lines if not line.waits_for}
    found = [
        Load(
            person=person,
            function=line.function,
            language=line.language,
            messages=len(messages[person]),
            most_in_a_week=_most(_monday(message.day) for message in messages[person]),
            most_on_a_day=_most(message.day for message in messages[person]),
            posted=posted[person],
        )
        for person, line in people.items()
    ]
    return sorted(found, key=lambda load: (-load.messages, -load.posted, load.person))


def by_language(lines: Sequence[Line]) -> list[tuple[str, str, int]]:
    """(language, channel, messages); what is posted counts by the item."""
    counts = Counter((message.language, message.channel) for message in messages_of(lines))
    counts += Counter(
        (line.language, line.channel) for line in lines if line.channel == Channel.PAGE
    )
    return [(language, channel, number) for (language, channel), number in sorted(counts.items())]


def on_days_off(lines: Sequence[Line]) -> list[Message]:
    """Messages that would leave on a day on which their reader rests: there should be none."""
    return [message for message in messages_of(lines) if message.off]


def kept_back(rehearsed: Rehearsed) -> list[tuple[str, str, int]]:
    """(what becomes of them, why, how many notices) for all that is not told."""
    return [(WHY[status], outcome, number) for status, outcome, number in rehearsed.unsaid]


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _most(days: Iterable[date]) -> int:
    return max(Counter(days).values(), default=0)
