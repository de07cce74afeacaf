"""The words of the program as the pages say them, in one language."""

from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache, partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from jinja2 import Environment

from engine.action import Handling, Kind, Level, Obstacle, State
from engine.answer import Origin, Verb
from engine.conditions import Condition
from engine.party import Role, Side
from notifications.language import day, month, short, words

NOTHING: Final = "\N{EN DASH}"


@lru_cache
def state_words(language: str) -> dict[str, str]:
    """Where an action stands, in a word or two."""
    _ = words(language).gettext
    return {
        State.PROPOSED: _("proposed"),
        State.AGREED: _("agreed"),
        State.IN_PROGRESS: _("in progress"),
        State.BLOCKED: _("blocked"),
        State.REPORTED_DONE: _("reported done"),
        State.VERIFIED: _("confirmed"),
        State.IN_FORCE: _("in force"),
        State.DISPUTED: _("disputed"),
        State.SUPERSEDED: _("replaced"),
        State.WITHDRAWN: _("withdrawn"),
        State.NOT_IMPLEMENTED: _("not carried out"),
    }


@lru_cache
def condition_words(language: str) -> dict[str, str]:
    """What follows from dates and history."""
    _ = words(language).gettext
    return {
        Condition.DUE_SOON: _("due soon"),
        Condition.OVERDUE: _("past its day"),
        Condition.SILENT: _("silent"),
        Condition.STALLED: _("stalled"),
        Condition.AT_RISK: _("at risk"),
        Condition.UNACKNOWLEDGED: _("no answer yet"),
        Condition.VERIFICATION_BACKLOG: _("waits long for confirmation"),
        Condition.UNREACHABLE: _("out of reach"),
        Condition.WAITING: _("waits for another"),
    }


@lru_cache
def side_words(language: str) -> dict[str, str]:
    """The sides of the table; an obstacle may be called "other" too."""
    _ = words(language).gettext
    return {
        Side.SECURITY: _("Security forces"),
        Side.AUTHORITY: _("Authorities"),
        Side.COMMUNITY: _("Communities"),
        Side.OTHER: _("Others"),
    }


@lru_cache
def other_words(language: str) -> dict[str, str]:
    """Levels, handling levels, kinds, obstacles and roles."""
    _ = words(language).gettext
    return {
        Level.NOT_INITIATED: _("Not begun"),
        Level.MINIMUM: _("Begun"),
        Level.INTERMEDIATE: _("Well under way"),
        Level.COMPLETED: _("Completed"),
        Handling.PUBLIC: _("public"),
        Handling.DIALOGUE: _("for this dialogue"),
        Handling.RESTRICTED: _("restricted"),
        Handling.CLOSED: _("closed: two persons only"),
        Kind.ONE_OFF: _("once, by a day"),
        Kind.RECURRING: _("again each period"),
        Kind.STANDING: _("a rule that goes on"),
        Obstacle.MONEY: _("money"),
        Obstacle.PERMIT: _("a permit"),
        Obstacle.SAFETY: _("safety"),
        Obstacle.DISAGREEMENT: _("disagreement"),
        Obstacle.OTHER: _("something else"),
        Role.COORDINATOR: _("Coordinator"),
        Role.COMMITTEE: _("Committee"),
        Role.MANAGER: _("Manager"),
        Role.AUDITOR: _("Auditor"),
        Role.FOCAL_POINT: _("Focal point"),
        Role.ALTERNATE: _("Alternate"),
        Role.VERIFIER: _("Verifier"),
    }


@lru_cache
def notice_words(language: str) -> dict[str, str]:
    """What somebody was told, by the kind of notice."""
    _ = words(language).gettext
    return {
        "courtesy": _("a courtesy before the day"),
        "due_today": _("today is the day"),
        "reminder": _("a reminder"),
        "second_reminder": _("a second reminder"),
        "silence": _("a question after long silence"),
        "stall_review": _("a review with the coordinator"),
        "review_due": _("the review of an obstacle"),
        "agenda": _("on the agenda of the next session"),
        "superior": _("to the party above"),
        "manager": _("to the manager"),
        "verification": _("please confirm"),
        "verification_backlog": _("please confirm, again"),
        "check": _("does it still hold"),
        "dispute": _("seen differently"),
        "call_task": _("a call to make"),
        "contact": _("an address does not work"),
        "stopped": _("wants no more mails"),
        "nobody": _("nobody there to be told"),
        "lapse": _("holds no longer"),
        "new_date": _("another date asked for"),
        "help": _("help asked for"),
        "cannot": _("says that it cannot be done"),
        "wrong_person": _("says that it is not theirs"),
        "note": _("an answer in own words"),
        "watchdog": _("found by the watchdog"),
        "inherited": _("a post that was taken over"),
        "call": _("a telephone call"),
    }


@lru_cache
def status_words(language: str) -> dict[str, str]:
    """What became of something that somebody was to be told."""
    _ = words(language).gettext
    return {
        "pending": _("waits for its hour"),
        "unreleased": _("waits for a release"),
        "held": _("on hold"),
        "bundled": _("leaving now"),
        "sent": _("sent"),
        "posted": _("on the board"),
        "struck": _("no longer true, not sent"),
        "undeliverable": _("could not be delivered"),
    }


@lru_cache
def verb_words(language: str) -> dict[str, str]:
    """What an answer says."""
    _ = words(language).gettext
    return {
        Verb.DONE: _("It is done"),
        Verb.MORE_TIME: _("More time is needed"),
        Verb.BLOCKED: _("Something is in the way"),
        Verb.CANNOT: _("It cannot be done"),
        Verb.NOT_ME: _("It is not ours"),
        Verb.HELP: _("Help is needed"),
        Verb.CONFIRMED: _("Yes, it is there"),
        Verb.NOT_YET: _("Not all of it yet"),
        Verb.NOT_SEEN: _("Not seen"),
        Verb.TAKEN_NOTE: _("Taken note"),
        Verb.AGREED: _("The new date is agreed"),
        Verb.DECLINED: _("The date stays"),
        Verb.OTHER: _("In own words"),
    }


@lru_cache
def origin_words(language: str) -> dict[str, str]:
    """How an answer came."""
    _ = words(language).gettext
    return {
        Origin.LINK: _("by link"),
        Origin.MAIL: _("by mail"),
        Origin.SMS: _("by text"),
        Origin.PHONE: _("on the telephone"),
        Origin.PAPER: _("on paper"),
        Origin.SITE: _("seen on the spot"),
    }


@lru_cache
def method_words(language: str) -> dict[str, str]:
    """How something was checked."""
    _ = words(language).gettext
    return {
        "visit": _("a visit"),
        "documents": _("documents"),
        "asked": _("asking people"),
        "other": _("another way"),
    }


def _named(known: Callable[[str], dict[str, str]], language: str, name: object) -> str:
    return known(language).get(str(name), str(name).replace("_", " "))


def word(language: str, name: object) -> str:
    """A word of the program as people read it."""
    text = str(name)
    for known in (state_words(language), condition_words(language), other_words(language)):
        if text in known:
            return known[text]
    return text.replace("_", " ")


def a_day(language: str, value: date | None) -> str:
    """A day in full; a dash where there is none."""
    return day(language, value) if value else NOTHING


def a_short_day(language: str, value: date | None) -> str:
    """A day with its year, as short as the language writes it."""
    return f"{short(language, value)} {value.year}" if value else NOTHING


def an_instant(language: str, value: datetime | None, zone: str = "UTC") -> str:
    """A day and an hour where the dialogue is."""
    if value is None:
        return NOTHING
    there = value.astimezone(ZoneInfo(zone))
    return f"{a_short_day(language, there.date())} · {there:%H:%M}"


def add_words(environment: Environment, language: str) -> Environment:
    """Give the templates of a language these words as filters."""
    own: dict[str, Any] = {
        "notice_word": partial(_named, notice_words, language),
        "status_word": partial(_named, status_words, language),
        "side_word": partial(_named, side_words, language),
        "origin_word": partial(_named, origin_words, language),
        "method_word": partial(_named, method_words, language),
        "verb_word": partial(_named, verb_words, language),
        "word": partial(word, language),
        "a_day": partial(a_day, language),
        "month": partial(month, language),
        "a_short_day": partial(a_short_day, language),
        "an_instant": partial(an_instant, language),
    }
    environment.filters |= own
    return environment
