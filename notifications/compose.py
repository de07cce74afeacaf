"""A letter put into words: one subject, one text, one HTML page, all from the same templates."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, partial
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, TemplateNotFound
from jinja2.ext import Extension

from engine.action import Handling
from notifications.message import INFORMING, KINDS, Contact, Item, Letter, Message
from notifications.neutral import permitted, plain

TEMPLATES: Final = Path(__file__).parent / "templates"
LAST_RESORT: Final = "en"
WIDTH: Final = 72

_FRAME: Final = "message"
_BRACKET: Final = 60
_RIGHT_TO_LEFT: Final = frozenset({"ar", "fa", "he", "ur"})
_LOCALES: Final = {"en": "en_GB"}  # plain "en" is American: December 4
_TAGS: Final = re.compile(r"(\{[{%#].*?[}%#]\})", re.DOTALL)


def compose(letter: Letter) -> Message:
    """
    The letter in the first of its languages that has words for all its items.

    What the handling level forbids is dropped here, whatever the caller passed. ValueError: no
    items, or a kind without a folder; jinja2.UndefinedError: a template asks for a fact that is
    not there.
    """
    if not letter.items:
        raise ValueError(f"letter {letter.message_id}: there is nothing to say")
    items = sorted(map(permitted, letter.items), key=lambda item: -item.urgency)
    kinds = {item.kind for item in items}
    if unknown := kinds.difference(KINDS):
        raise ValueError(f"there is no template folder {min(unknown)!r}")
    page = _Writer(_language_of(letter, kinds), letter, items).page()
    return Message(
        language=page.language,
        subject=page.subject,
        text=_as_text(page),
        html=_html_frame().render(page=page),
        sender=letter.sender,
        sender_name=letter.sender_name,
        to=letter.to,
        reply_to=letter.reply_to,
        message_id=letter.message_id,
        thread_id=letter.thread_id,
        sent_at=letter.sent_at,
        unsubscribe_mailto=letter.unsubscribe_mailto,
    )


def missing(language: str) -> list[str]:
    """The kinds that have no words in that language (and "message", the words around them)."""
    return [kind for kind in (_FRAME, *KINDS) if not _is_translated(kind, language)]


def reply_markers() -> tuple[str, ...]:
    """The line above which answers are written, in each language: where a reply is cut."""
    languages = sorted(path.stem for path in (TEMPLATES / _FRAME).glob("*.txt"))
    return tuple(_said(_template(_FRAME, language), "marker", {}) for language in languages)


@dataclass(frozen=True, slots=True)
class _Paragraph:
    """One line of running text, or the lines of a list."""

    lines: tuple[str, ...]
    listed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    heading: str
    facts: tuple[str, ...]
    paragraphs: tuple[_Paragraph, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """What both parts of the mail say, before either is laid out."""

    language: str
    direction: str
    subject: str
    marker: str
    opening: tuple[_Paragraph, ...]
    sections: tuple[_Section, ...]
    closing: tuple[_Paragraph, ...]
    footer: tuple[_Paragraph, ...]


class _Writer:
    """Puts one letter into the words of one language."""

    def __init__(self, language: str, letter: Letter, items: list[Item]) -> None:
        self.language, self.letter, self.items = language, letter, items
        self.frame = _template(_FRAME, language)
        contact = Contact(
            function=plain(letter.contact.function),
            email=plain(letter.contact.email),
            phone=plain(letter.contact.phone),
        )
        self.common: dict[str, object] = {
            "contact": contact,
            "own_contact": contact.email.casefold() == letter.to.casefold(),
            "today": letter.day,
        }

    def page(self) -> _Page:
        sections, reasons = [], dict[str, None]()
        for item in self.items:
            facts = {**self.common, "item": item}
            sections.append(self._section(item, facts))
            reasons[self._reason(item, facts)] = None
        around: dict[str, object] = {
            **self.common,
            "count": len(self.items),
            "salutation": plain(self.letter.salutation),
            "programme": plain(self.letter.programme),
            "sender_name": plain(self.letter.sender_name),
            "stop_address": self.letter.unsubscribe_mailto.removeprefix("mailto:").split("?")[0],
            "reasons": tuple(reasons),
        }
        return _Page(
            language=self.language,
            direction="rtl" if self.language in _RIGHT_TO_LEFT else "ltr",
            subject=f"[{self._bracket()}] {self._topic(sections)}",
            marker=_said(self.frame, "marker", {}),
            opening=_paragraphs(_said(self.frame, "greeting", around)),
            sections=tuple(sections),
            closing=_paragraphs(_said(self.frame, "closing", around)),
            footer=_paragraphs(_said(self.frame, "footer", around)),
        )

    def _section(self, item: Item, facts: Mapping[str, object]) -> _Section:
        if item.handling is Handling.CLOSED:
            return _Section(
                heading=self._heading(item, self.frame, "closed_phrase"),
                facts=(),
                paragraphs=_paragraphs(_said(self.frame, "closed", facts)),
            )
        words = _template(item.kind, self.language)
        body = _said(words, "body", facts)
        ask = _said(words, "ask", facts)
        return _Section(
            heading=self._heading(item, words, "subject"),
            facts=tuple(_lines(_said(self.frame, "facts", facts))),
            paragraphs=_paragraphs(f"{body}\n\n{ask}"),
        )

    def _heading(self, item: Item, words: Template, block: str) -> str:
        """Made of the reference and days alone, since it is also the subject of a single item."""
        neutral: dict[str, object] = {
            "ref": item.ref,
            "answer_by": item.answer_by,
            "due_on": item.effective_due_on,
            "today": self.letter.day,
        }
        neutral["phrase"] = _said(words, block, neutral)
        return _said(self.frame, "subject", neutral)

    def _reason(self, item: Item, facts: Mapping[str, object]) -> str:
        closed = item.handling is Handling.CLOSED
        words = self.frame if closed else _template(item.kind, self.language)
        return " ".join(_lines(_said(words, "why_closed" if closed else "why", facts)))

    def _bracket(self) -> str:
        names = {item.dialogue for item in self.items}
        if len(names) > 1:
            return _said(self.frame, "bracket_many", {"count": len(names)})
        return names.pop().replace("[", "").replace("]", "")[:_BRACKET].rstrip()

    def _topic(self, sections: list[_Section]) -> str:
        if len(sections) == 1:
            return sections[0].heading
        asked = [item.answer_by for item in self.items if item.kind not in INFORMING]
        if not asked:
            return _said(self.frame, "on_many", {"count": len(sections)})
        facts: dict[str, object] = {"count": len(sections), "answer_by": min(asked)}
        return _said(self.frame, "on_many_asking", facts)


def _language_of(letter: Letter, kinds: set[str]) -> str:
    for wanted in (letter.language, letter.fallback):
        language = re.split("[-_]", wanted, maxsplit=1)[0].lower()
        if all(_is_translated(kind, language) for kind in (_FRAME, *kinds)):
            return language
    return LAST_RESORT


@lru_cache(maxsize=512)
def _is_translated(kind: str, language: str) -> bool:
    return language.isalpha() and (TEMPLATES / kind / f"{language}.txt").is_file()


def _said(template: Template, block: str, facts: Mapping[str, object]) -> str:
    # A block by itself: the templates are collections of words and have no order of their own.
    # `shared` spares a copy of Jinja's globals, which words do not need, eleven times a letter.
    context = template.new_context(dict(facts), shared=True)
    return "".join(template.blocks[block](context)).strip()


def _lines(said: str) -> Iterator[str]:
    return (stripped for line in said.split("\n") if (stripped := line.strip()))


def _paragraphs(said: str) -> tuple[_Paragraph, ...]:
    """Paragraphs stand between empty lines; a line that begins with "- " is a line of a list."""
    found: list[_Paragraph] = []
    for block in re.split(r"\n\s*\n", said):
        running: list[str] = []
        listed: list[str] = []
        for line in _lines(block):
            if line.startswith("- "):
                listed.append(line[2:])
            elif listed:
                listed[-1] = f"{listed[-1]} {line}"
            else:
                running.append(line)
        if running:
            found.append(_Paragraph((" ".join(running),), listed=False))
        if listed:
            found.append(_Paragraph(tuple(listed), listed=True))
    return tuple(found)


def _as_text(page: _Page) -> str:
    parts = [page.marker, *map(_text_of, page.opening)]
    for section in page.sections:
        rule = "-" * min(len(section.heading), WIDTH)
        facts = [_filled(line) for line in section.facts]
        parts.append("\n".join([section.heading, rule, *facts]))
        parts += map(_text_of, section.paragraphs)
    parts += map(_text_of, page.closing)
    return "\n\n".join([*parts, "--", *map(_text_of, page.footer)]) + "\n"


def _text_of(paragraph: _Paragraph) -> str:
    if paragraph.listed:
        return "\n".join(_filled(f"- {line}", hang="  ") for line in paragraph.lines)
    return _filled(paragraph.lines[0])


def _filled(line: str, hang: str = "") -> str:
    """textwrap.fill for lines that are clean already, at a sixth of its time."""
    if len(line) <= WIDTH:
        return line
    rows: list[str] = []
    row = ""
    for word in line.split(" "):
        if row and len(row) + 1 + len(word) > WIDTH:
            rows.append(row)
            row = f"{hang}{word}"
        else:
            row = f"{row} {word}" if row else word
    return "\n".join([*rows, row])


class _FrenchSpaces(Extension):
    """
    Makes the spaces that French puts inside « » and before : ; ? ! unbreakable, outside of tags.

    A plain no-break space throughout: old telephones show the narrow one as a box.
    """

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002 - Jinja's signature
        if name is None or not name.endswith("/fr.txt"):
            return source
        pieces = _TAGS.split(source)
        pieces[::2] = [
            re.sub(r" (?=[:;?!»])|(?<=«) ", "\N{NO-BREAK SPACE}", words) for words in pieces[::2]
        ]
        return "".join(pieces)


@lru_cache
def _template(kind: str, language: str) -> Template:
    try:
        return _words(language).get_template(f"{kind}/{language}.txt")
    except TemplateNotFound as error:
        raise ValueError(f"{kind} has no words in language {language!r}") from error


@lru_cache
def _words(language: str) -> Environment:
    words = Environment(  # noqa: S701 - plain words; the HTML frame escapes them once
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        auto_reload=False,
        extensions=[_FrenchSpaces],
    )
    words.filters["day"] = partial(_spelt_day, language, "full")
    words.filters["short"] = partial(_spelt_day, language, "d MMMM")
    words.filters["phone"] = _unbroken
    words.filters["number"] = partial(_spelt_number, language)
    return words


def _unbroken(number: str) -> str:
    return number.replace(" ", "\N{NO-BREAK SPACE}")


@lru_cache
def _html_frame() -> Template:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    ).get_template(f"{_FRAME}/frame.html")


@lru_cache(maxsize=4096)
def _spelt_day(language: str, form: str, day: date) -> str:
    from babel.dates import format_date  # noqa: PLC0415 - 30 ms that a run without mail need not pay

    spelt = format_date(day, form, locale=_LOCALES.get(language, language))
    # CLDR has no ordinal, but French says "1er".
    return re.sub(r"(^| )1 ", r"\g<1>1er ", spelt) if language == "fr" else spelt


@lru_cache(maxsize=1024)
def _spelt_number(language: str, number: int) -> str:
    from babel.numbers import format_decimal  # noqa: PLC0415 - as above

    return format_decimal(number, locale=_LOCALES.get(language, language))
