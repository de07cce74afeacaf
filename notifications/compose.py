"""A letter put into words: one subject, one text, one HTML page, all from the same templates."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Final

from jinja2 import Environment, FileSystemLoader, Template, TemplateNotFound
from jinja2.ext import Extension

from engine.action import Handling
from engine.answer import PURPOSE_OF, VERBS_FOR, Verb
from notifications.language import (
    LANGUAGES,
    LAST_RESORT,
    RIGHT_TO_LEFT_MARK,
    base,
    direction,
    french_spaces,
    isolated,
    jinja_environment,
)
from notifications.layout import (
    FRAME,
    TEMPLATES,
    Link,
    Page,
    Section,
    as_html,
    as_text,
    lines,
    paragraphs,
)
from notifications.message import INFORMING, KINDS, CallFacts, Contact, Item, Letter, Message
from notifications.neutral import permitted, plain

_BRACKET: Final = 60
_CODES: Final = 3
_TAGS: Final = re.compile(r"(\{[{%#].*?[}%#]\})", re.DOTALL)


def compose(letter: Letter) -> Message:
    """
    The letter in the first of its languages that has words for all its items.

    What the handling level forbids is dropped here, whatever the caller passed. ValueError: no
    items, or a kind without a folder; jinja2.UndefinedError: a template asks for a fact that is
    not there.
    """
    page = write(letter)
    return Message(
        language=page.language,
        subject=page.subject,
        text=as_text(page),
        html=as_html(page),
        sender=letter.sender,
        sender_name=plain(letter.sender_name),
        to=letter.to,
        reply_to=letter.reply_to,
        message_id=letter.message_id,
        thread_id=letter.thread_id,
        sent_at=letter.sent_at,
        unsubscribe_mailto=letter.unsubscribe_mailto,
    )


def write(letter: Letter) -> Page:
    """The words of a letter before they are laid out; the errors are those of `compose`."""
    allowed = told(letter)
    kinds = {item.kind for item in allowed}
    return _Writer(language_of(letter, (FRAME, *kinds)), letter, allowed).page()


def told(letter: Letter) -> list[Item]:
    """The items of a letter, most urgent first, with only what may be told of each."""
    if not letter.items:
        raise ValueError(f"letter {letter.message_id}: there is nothing to say")
    if unknown := {item.kind for item in letter.items}.difference(KINDS):
        raise ValueError(f"there is no template folder {min(unknown)!r}")
    return sorted(map(permitted, letter.items), key=lambda item: -item.urgency)


def language_of(letter: Letter, folders: tuple[str, ...]) -> str:
    """The first of the letter's languages that has words in all these folders, else English."""
    return _first_translated((letter.language, letter.fallback), folders)


def written_in(language: str, fallback: str, kinds: Iterable[str]) -> str:
    """In which language somebody would be told these kinds of things together."""
    return _first_translated((language, fallback), (FRAME, *kinds))


def _first_translated(languages: tuple[str, ...], folders: tuple[str, ...]) -> str:
    for wanted in languages:
        language = base(wanted)
        if all(_is_translated(folder, language) for folder in folders):
            return language
    return LAST_RESORT


def missing(language: str) -> list[str]:
    """The kinds that have no words in that language (and "message", the words around them)."""
    return [kind for kind in (FRAME, *KINDS) if not _is_translated(kind, language)]


def reply_markers() -> tuple[str, ...]:
    """The line above which answers are written, in each language: where a reply is cut."""
    return tuple(said(template(FRAME, language), "marker", {}) for language in LANGUAGES)


@lru_cache(maxsize=256)
def verb_label(language: str, verb: Verb) -> str:
    """What a link to say this is called: Done, More time."""
    return said(template(FRAME, language), "verb", {"verb": verb})


def verbs_for(item: Item) -> tuple[Verb, ...]:
    """What can be said back about an item by a link or a code; nothing where it asks for none."""
    purpose = PURPOSE_OF.get(item.kind)
    return VERBS_FOR[purpose] if purpose and item.handling is not Handling.CLOSED else ()


@dataclass(frozen=True, slots=True)
class _Writer:
    """Puts one letter into the words of one language."""

    language: str
    letter: Letter
    items: list[Item]

    def page(self) -> Page:
        frame, common = template(FRAME, self.language), self._common()
        sections: list[Section] = []
        reasons: dict[str, None] = {}
        explained: set[str] = set()
        for item in self.items:
            facts = {**common, "item": self._shielded(item)}
            sections.append(self._section(item, facts, brief=item.kind in explained))
            explained.add(item.kind)
            reasons[self._reason(item, facts)] = None
        around: dict[str, object] = {
            **common,
            "count": len(self.items),
            "by_link": any(section.link for section in sections),
            "salutation": self._shield(plain(self.letter.salutation)),
            "programme": self._shield(plain(self.letter.programme)),
            "sender_name": self._shield(plain(self.letter.sender_name)),
            "stop_address": self.letter.unsubscribe_mailto.removeprefix("mailto:").split("?")[0],
            "reasons": tuple(reasons),
        }
        return Page(
            language=self.language,
            direction=direction(self.language),
            subject=self._subject(sections),
            marker=said(frame, "marker", {}),
            opening=paragraphs(said(frame, "greeting", around)),
            sections=tuple(sections),
            closing=paragraphs(said(frame, "closing", around)),
            footer=paragraphs(said(frame, "footer", around)),
        )

    def _common(self) -> dict[str, object]:
        given = self.letter.contact
        contact = Contact(
            function=self._shield(plain(given.function)),
            email=self._shield(plain(given.email)),
            phone=plain(given.phone),
        )
        return {
            "contact": contact,
            "own_contact": given.email.casefold() == self.letter.to.casefold(),
            "today": self.letter.day,
        }

    def _section(self, item: Item, facts: Mapping[str, object], *, brief: bool) -> Section:
        frame = template(FRAME, self.language)
        if item.handling is Handling.CLOSED:
            return Section(
                heading=heading(self.language, item, self.letter, frame, "closed_phrase"),
                facts=(),
                paragraphs=paragraphs(said(frame, "closed", facts)),
            )
        words = template(item.kind, self.language)
        if brief:  # what this kind asks for was explained a few lines above
            verbs = [str(verb) for verb in verbs_for(item) if verb is not Verb.OTHER][:_CODES]
            text = said(frame, "brief", {**facts, "verbs": verbs})
        else:
            text = f"{said(words, 'body', facts)}\n\n{said(words, 'ask', facts)}"
        return Section(
            heading=heading(self.language, item, self.letter, words, "subject"),
            facts=tuple(lines(said(frame, "facts", facts))),
            paragraphs=paragraphs(text),
            link=self._link(item, brief=brief),
        )

    def _link(self, item: Item, *, brief: bool) -> Link | None:
        verbs = verbs_for(item)
        if not item.answer_url or not verbs:
            return None
        label, note, line = _link_words(self.language, item.answer_url_until)
        shown = () if brief else verbs
        return Link(
            label=label,
            note=f"{note[:1].upper()}{note[1:]}",
            line=line,
            url=item.answer_url,
            verbs=tuple(
                (verb_label(self.language, verb), f"{item.answer_url}/{verb}") for verb in shown
            ),
        )

    def _reason(self, item: Item, facts: Mapping[str, object]) -> str:
        closed = item.handling is Handling.CLOSED
        words = template(FRAME if closed else item.kind, self.language)
        return " ".join(lines(said(words, "why_closed" if closed else "why", facts)))

    def _subject(self, sections: list[Section]) -> str:
        subject = f"[{bracket(self.language, self.items)}] {self._topic(sections)}"
        # A list of mails takes the direction of a line from its first letter.
        turned = direction(self.language) == "rtl" and isolated(self.language, subject) != subject
        return f"{RIGHT_TO_LEFT_MARK}{subject}" if turned else subject

    def _topic(self, sections: list[Section]) -> str:
        if len(sections) == 1:
            return sections[0].heading
        return bundle_topic(self.language, self.items)

    def _shielded(self, item: Item) -> Item:
        """The item whose free texts cannot turn around the words they stand in."""
        shield = self._shield
        free = (item.ref, item.dialogue, item.title or "", item.party or "", item.detail)
        safe = tuple(map(shield, free))
        if safe == free and item.call is None:
            return item
        ref, dialogue, title, party, detail = safe
        call = item.call and CallFacts(function=shield(item.call.function), phone=item.call.phone)
        return replace(
            item,
            ref=ref,
            dialogue=dialogue,
            title=title if item.title is not None else None,
            party=party if item.party is not None else None,
            detail=detail,
            call=call,
        )

    def _shield(self, text: str) -> str:
        return isolated(self.language, text)


def heading(language: str, item: Item, letter: Letter, words: Template, block: str) -> str:
    """Made of the reference and days alone, since it is also the subject of a single item."""
    neutral: dict[str, object] = {
        "ref": item.ref,
        "answer_by": item.answer_by,
        "due_on": item.effective_due_on,
        "today": letter.day,
    }
    neutral["phrase"] = said(words, block, neutral)
    return said(template(FRAME, language), "subject", neutral)


def bracket(language: str, items: list[Item]) -> str:
    """The dialogue that a message is about, or how many they are."""
    names = {item.dialogue for item in items}
    if len(names) > 1:
        return said(template(FRAME, language), "bracket_many", {"count": len(names)})
    return names.pop().replace("[", "").replace("]", "")[:_BRACKET].rstrip()


def bundle_topic(language: str, items: list[Item]) -> str:
    """What several items ask for together, with the earliest day."""
    frame = template(FRAME, language)
    asked = [item.answer_by for item in items if item.kind not in INFORMING]
    if not asked:
        return said(frame, "on_many", {"count": len(items)})
    return said(frame, "on_many_asking", {"count": len(items), "answer_by": min(asked)})


@lru_cache(maxsize=64)
def _link_words(language: str, until: date | None) -> tuple[str, str, str]:
    frame = template(FRAME, language)
    note = said(frame, "link_note", {"until": until})
    return said(frame, "link", {}), note, said(frame, "link_line", {"note": note})


@lru_cache(maxsize=512)
def _is_translated(kind: str, language: str) -> bool:
    return language.isalpha() and (TEMPLATES / kind / f"{language}.txt").is_file()


def said(words: Template, block: str, facts: Mapping[str, object]) -> str:
    """What one block of a template says."""
    # A block by itself: the templates are collections of words and have no order of their own.
    # `shared` spares a copy of Jinja's globals, which words do not need, eleven times a letter.
    context = words.new_context(dict(facts), shared=True)
    return "".join(words.blocks[block](context)).strip()


class _FrenchSpaces(Extension):
    """Makes the spaces of French punctuation unbreakable, outside of tags."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002 - Jinja's signature
        if name is None or not name.endswith("/fr.txt"):
            return source
        pieces = _TAGS.split(source)
        pieces[::2] = map(french_spaces, pieces[::2])
        return "".join(pieces)


@lru_cache(maxsize=256)
def template(kind: str, language: str) -> Template:
    """The words of a kind in a language. ValueError: there are none."""
    try:
        return _words(language).get_template(f"{kind}/{language}.txt")
    except TemplateNotFound as error:
        raise ValueError(f"{kind} has no words in language {language!r}") from error


@lru_cache
def _words(language: str) -> Environment:
    return jinja_environment(
        language,
        FileSystemLoader(TEMPLATES),
        autoescape=False,  # plain words; the HTML frame escapes them once
        trim_blocks=False,
        lstrip_blocks=False,
        extensions=[_FrenchSpaces],
    )
