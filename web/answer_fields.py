"""The fields of each form, and what was typed into them made into an answer or into errors."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from engine.action import Level, Obstacle
from engine.answer import Answer, Verb
from web.answer_form import Sent, one_line
from workflows.bare_pictures import UnreadableError, bare
from workflows.evidence import LARGEST, sniffed

FIELDS: Final[Mapping[Verb, tuple[str, ...]]] = {
    Verb.DONE: ("note", "done_on", "file"),
    Verb.MORE_TIME: ("until", "note"),
    Verb.BLOCKED: ("obstacle", "note", "blocker"),
    Verb.HELP: ("note",),
    Verb.CANNOT: ("note",),
    Verb.NOT_ME: ("named",),
    Verb.CONFIRMED: ("seen", "seen_on", "method"),
    Verb.NOT_YET: ("level", "note"),
    Verb.NOT_SEEN: ("note",),
    Verb.AGREED: ("until", "note"),
    Verb.DECLINED: ("note",),
    Verb.TAKEN_NOTE: ("note",),
    Verb.OTHER: ("note",),
}
"""What each form asks, in this order; each ends with who answers (`source`), if they wish."""

NEEDED: Final[Mapping[Verb, frozenset[str]]] = {
    Verb.MORE_TIME: frozenset({"until", "note"}),
    Verb.BLOCKED: frozenset({"obstacle", "note"}),
    Verb.CONFIRMED: frozenset({"seen", "method"}),
    Verb.NOT_YET: frozenset({"level", "note"}),
    Verb.AGREED: frozenset({"until"}),
    Verb.DECLINED: frozenset({"note"}),
    Verb.OTHER: frozenset({"note"}),
}

METHODS: Final = ("visit", "documents", "asked", "other")
"""How something was checked; the words stand in the history as they are here."""

LEVELS: Final = (Level.NOT_INITIATED, Level.MINIMUM, Level.INTERMEDIATE)

LONGEST: Final = {"note": 2000, "seen": 2000, "blocker": 300, "named": 300, "source": 120}
DAYS: Final = frozenset({"until", "done_on", "seen_on"})
MONTH_DAYS: Final = re.compile(r"(\d{1,2})[./\s-](\d{1,2})[./\s-](\d{4})")
FURTHEST_YEARS: Final = 10

Said = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Read:
    """What came of a form: the answer, or what is wrong with which field."""

    answer: Answer
    source: str
    errors: Mapping[str, str] = field(default_factory=dict)


def read_day(text: str) -> date | None:
    """A day as the browser or a person writes it: 2026-12-04, 4/12/2026, 4.12.2026."""
    try:
        match = MONTH_DAYS.fullmatch(text)
        if match:
            return date(int(match[3]), int(match[2]), int(match[1]))
        parts = re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", text)
        return date(int(parts[1]), int(parts[2]), int(parts[3])) if parts else None
    except ValueError:
        return None


def read_answer(verb: Verb, sent: Sent, today: date, _: Said) -> Read:
    """The answer that these fields are; each error is one sentence in the reader's language."""
    errors: dict[str, str] = {}
    days: dict[str, date] = {}
    for name in (*FIELDS[verb], "source"):
        text = sent.get(name)
        if name in NEEDED.get(verb, ()) and not text:
            errors[name] = _missing(name, _)
        elif name in DAYS and text:
            day = read_day(text)
            if day is None:
                errors[name] = _("Write the day like 2026-12-04.")
            elif wrong := _wrong_day(name, day, today, _):
                errors[name] = wrong
            else:
                days[name] = day
        elif len(text) > LONGEST.get(name, len(text)):
            errors[name] = _("This is too long: please keep it under %(count)s characters.") % {
                "count": LONGEST[name]
            }
    if "file" in FIELDS[verb]:
        _check_file(sent, errors, _)
        if not sent.get("note") and sent.upload is None:
            errors.setdefault("note", _("Say in a few words what was done, or add a file."))
    return Read(_answer(verb, sent, days, errors, _), one_line(sent.get("source")), errors)


def _answer(
    verb: Verb, sent: Sent, days: Mapping[str, date], errors: dict[str, str], _: Said
) -> Answer:
    asked = FIELDS[verb]
    choices = {
        "obstacle": frozenset(Obstacle),
        "level": frozenset(LEVELS),
        "method": frozenset(METHODS),
    }
    chosen: dict[str, str] = {}
    for name, known in choices.items():
        text = sent.get(name) if name in asked else ""
        if text and text not in known:
            errors[name] = _missing(name, _)
        elif text:
            chosen[name] = text
    typed = {name: sent.get(name) if name in asked else "" for name in ("note", "seen", "named")}
    return Answer(
        verb=verb,
        note=typed["note"],
        done_on=days.get("done_on"),
        until=days.get("until"),
        obstacle=Obstacle(chosen["obstacle"]) if "obstacle" in chosen else None,
        blocker=one_line(sent.get("blocker")) if "blocker" in asked else "",
        seen=typed["seen"],
        seen_on=days.get("seen_on"),
        method=chosen.get("method", ""),
        level=Level(chosen["level"]) if "level" in chosen else None,
        named=one_line(typed["named"]),
    )


def _missing(name: str, _: Said) -> str:
    if name in {"obstacle", "level", "method"}:
        return _("Choose one of these.")
    if name == "until":
        return _("Say which day.")
    return _("Please write a few words here.")


def _wrong_day(name: str, day: date, today: date, _: Said) -> str:
    if name == "until":
        if day <= today:
            return _("This day must lie after today.")
        if day.year > today.year + FURTHEST_YEARS:
            return _("This day is too far away.")
        return ""
    if day > today:
        return _("This day lies in the future.")
    if day.year < today.year - FURTHEST_YEARS:
        return _("This day lies too far back.")
    return ""


def _check_file(sent: Sent, errors: dict[str, str], _: Said) -> None:
    upload = sent.upload
    if upload is None:
        return
    if not upload.whole or len(upload.data) > LARGEST:
        errors["file"] = _("This file is larger than 5 MB: choose a smaller one.")
    elif (kind := sniffed(upload.data)) is None:
        errors["file"] = _(
            "This sort of file is not taken: choose a photograph, a PDF, a text or a sheet."
        )
    else:
        try:
            bare(upload.data, kind)
        except UnreadableError:
            said = _("the picture is damaged; take it or send it once more")
            errors["file"] = f"{said[:1].upper()}{said[1:]}."
