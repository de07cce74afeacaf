"""The committee's agenda as a page to print, with boxes to tick and the codes beside them."""

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup, escape

from engine.action import Handling, Level, Obstacle, State
from engine.agenda import OPEN, Section
from engine.answer import Verb
from engine.codes import WORDS, check_character
from engine.party import Side
from notifications.language import (
    FIRST_STRONG_ISOLATE,
    POP_ISOLATE,
    direction,
    jinja_environment,
    short,
    words,
)
from notifications.layout import TEMPLATES
from notifications.neutral import plain
from notifications.sheet_words import LEVELS, OBSTACLES

_PAGE: Final = "agenda_page/page.html"
_NOT_IN_A_STRING: Final = re.compile(r"[^A-Za-z0-9 ·/-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """
    One action on an agenda.

    Of what is restricted only the reference is here. `asked` is the day that the party asks for.
    `waits_for` are references. `verifier` is the party that confirms.
    """

    ref: str
    section: Section
    boxes: tuple[Verb, ...] = ()
    title: str = ""
    party: str = ""
    verifier: str = ""
    state: State | None = None
    due_on: date | None = None
    earlier: tuple[date, ...] = ()
    asked: date | None = None
    since_on: date | None = None
    review_on: date | None = None
    obstacle: Obstacle | None = None
    level: Level = Level.NOT_INITIATED
    waits_for: tuple[str, ...] = ()
    handling: Handling = Handling.DIALOGUE


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """
    All that an agenda of one dialogue says.

    `later` counts agreed points that are not due until `until`. `session_on` is None where it is
    written in by hand.
    """

    dialogue: str
    code: str
    today: date
    since: date
    until: date
    session_on: date | None
    points: tuple[Point, ...]
    later: int
    sides: tuple[Side, ...]
    fingerprint: str

    @property
    def open(self) -> tuple[Point, ...]:
        """The points about which something is to be said."""
        return tuple(point for point in self.points if point.section in OPEN)

    def under(self, section: Section) -> tuple[Point, ...]:
        """The points under one heading."""
        return tuple(point for point in self.points if point.section is section)


def page(agenda: Agenda, language: str) -> str:
    """The agenda as one HTML page that prints on A4 and on letter paper, and fetches nothing."""
    used = {verb for point in agenda.points for verb in point.boxes}
    return _environment(language).get_template(_PAGE).render(
        agenda=agenda,
        Section=Section,
        verbs=[verb for verb in Verb if verb in used],
        obstacles=[said[0] for said in OBSTACLES[language].values()],
        levels=[said[0] for said in LEVELS[language].values()],
    )  # fmt: skip


def heading(section: Section, agenda: Agenda, language: str) -> str:
    """What stands above the points of a part."""
    _ = words(language).gettext
    said = {
        Section.BROUGHT: _("For the committee to decide"),
        Section.DISPUTED: _("Seen differently by those who take part"),
        Section.STALLED: _("To find a way forward"),
        Section.BLOCKED: _("Something stands in the way"),
        Section.DATE_ASKED: _("A new date is asked for"),
        Section.TO_CONFIRM: _("Reported done, to be confirmed"),
        Section.COMING: _("Due by %(day)s"),
        Section.PROPOSED: _("Proposed, to be agreed or not"),
        Section.BY_REFERENCE: _(
            "By their reference only; the coordinator explains them to those concerned"
        ),
        Section.CONFIRMED: _("Confirmed since %(day)s"),
    }[section]
    day = agenda.since if section is Section.CONFIRMED else agenda.until
    return said % {"day": dated(language, day)}


def choice(ref: str, verb: Verb, language: str) -> str:
    """What is ticked about one action: the word of the language and the check character."""
    return f"{WORDS[language][verb]} {check_character(ref, verb)}"


@lru_cache(maxsize=4)
def _environment(language: str) -> Environment:
    environment = jinja_environment(language, FileSystemLoader(TEMPLATES))
    environment.filters |= {
        "plain": lambda text: _isolated(plain(text)),
        "check": check_character,
        "word": lambda verb: WORDS[language][verb],
        "heading": lambda section, agenda: heading(section, agenda, language),
        "dated": lambda value: dated(language, value),
        "css": _css_string,
    }
    environment.globals |= {
        "start": "right" if direction(language) == "rtl" else "left",
        "end": "left" if direction(language) == "rtl" else "right",
    }
    return environment


def dated(language: str, value: date) -> str:
    """A day with its year, without the day of the week: 4 December 2026."""
    return f"{short(language, value)} {value.year}"


def _isolated(text: str) -> Markup:
    """What people wrote, in the direction of its own letters."""
    bare = text.replace(FIRST_STRONG_ISOLATE, "").replace(POP_ISOLATE, "")
    return Markup("<bdi>{}</bdi>").format(escape(bare))


def _css_string(text: str) -> Markup:
    """The text as a string of a style sheet; every sign that could end it is spelt as a code."""
    spelt = _NOT_IN_A_STRING.sub(lambda found: f"\\{ord(found[0]):06x}", text)
    return Markup(f'"{spelt}"')  # noqa: S704 - nothing but letters, digits and codes is left
