"""A letter in the few characters of a text for a phone, counted as networks count them."""

import unicodedata
from dataclasses import dataclass
from typing import Final

from engine.action import Handling
from engine.answer import Verb
from engine.codes import code
from notifications.compose import (
    bracket,
    bundle_topic,
    heading,
    language_of,
    said,
    template,
    told,
    verbs_for,
)
from notifications.layout import FRAME
from notifications.message import Item, Letter

GSM7: Final = "gsm7"
UCS2: Final = "ucs2"
FOLDER: Final = "sms"

LONGEST_ONE: Final = 2
LONGEST_BUNDLE: Final = 3
_NAME: Final = 20

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = frozenset("^{}\\[~]|€\f")
_LOOKALIKES: Final = {
    "'": "\u2019\u2018\u02bc\u02b9\u2032\u201b",
    '"': "\u201c\u201d\u201e\u00ab\u00bb\u2033",
    "-": "\u2013\u2014\u2012\u2011\u2212\u2022",
}
_INSTEAD: Final = (
    str.maketrans("ɓƁɗƊƙƘƴƳ،؛؟", "bBdDkKyY,;?")
    | str.maketrans({"…": "...", "œ": "oe", "Œ": "OE"})
    | {ord(char): simple for simple, chars in _LOOKALIKES.items() for char in chars}
)
_OFFERED: Final = (
    *(Verb.DONE, Verb.MORE_TIME, Verb.HELP, Verb.CONFIRMED, Verb.NOT_YET, Verb.NOT_SEEN),
    *(Verb.AGREED, Verb.DECLINED, Verb.TAKEN_NOTE),
)
"""What a locked screen may show as an answer: none of them says that somebody could not do it."""

_CHOICES: Final = ((3, True), (2, True), (1, True), (1, False), (0, False))
"""How many codes, and whether the link: the first choice that fits is taken."""


@dataclass(frozen=True, slots=True)
class ShortText:
    """A text for a phone; `segments` is what the network charges for."""

    text: str
    encoding: str
    segments: int


def short(letter: Letter) -> ShortText:
    """
    The letter as one text: dialogue, reference, what is asked by when, codes, link if it fits.

    A bundle says how many there are and what the most urgent is. French and Hausa stay in GSM-7;
    at most two segments for one item, three for a bundle. The errors are those of `compose`.
    """
    items = told(letter)
    language = language_of(letter, (FRAME, FOLDER, *{item.kind for item in items}))
    head = _head(language, letter, items)
    limit = LONGEST_ONE if len(items) == 1 else LONGEST_BUNDLE
    codes = _codes(language, items[0])
    for count, linked in _CHOICES:
        reply = _reply(language, codes[:count])
        url = items[0].answer_url if linked and verbs_for(items[0]) else ""
        made = counted(" ".join(filter(None, (head, reply, url))))
        if made.segments <= limit:
            return made
    return _cut(head, limit)


def counted(text: str) -> ShortText:
    """The text as it goes out: in GSM-7 if its letters can be written so, else in UCS-2."""
    spelt = _spelt(text)
    if all(char in _BASIC or char in _EXTENDED for char in spelt):
        costs = [2 if char in _EXTENDED else 1 for char in spelt]
        return ShortText(spelt, GSM7, _segments(costs, alone=160, each=153))
    line = " ".join("".join(map(_visible, text)).split())
    costs = [2 if ord(char) > 0xFFFF else 1 for char in line]  # noqa: PLR2004 - two halves in UTF-16
    return ShortText(line, UCS2, _segments(costs, alone=70, each=67))


def _segments(costs: list[int], *, alone: int, each: int) -> int:
    """How many texts those characters need; no character is cut in two."""
    if sum(costs) <= alone:
        return 1
    segments, used = 1, 0
    for cost in costs:
        if used + cost > each:
            segments, used = segments + 1, 0
        used += cost
    return segments


def _spelt(text: str) -> str:
    """In the letters of GSM-7 where that is possible without taking a word away."""
    plain = "".join(map(_in_gsm7, text.translate(_INSTEAD)))
    return " ".join(plain.split())


def _in_gsm7(char: str) -> str:
    if char in _BASIC or char in _EXTENDED:
        return char
    bare = unicodedata.normalize("NFKD", char)
    kept = "".join(part for part in bare if not unicodedata.combining(part))
    return kept if kept and all(part in _BASIC for part in kept) else _visible(char)


def _visible(char: str) -> str:
    """Spaces as one kind of space; no marks of direction, no pictures, nothing unseen."""
    if char in _BASIC or char in _EXTENDED:
        return char
    category = unicodedata.category(char)[0]
    return " " if category == "Z" else "" if category in "CS" else char


def _head(language: str, letter: Letter, items: list[Item]) -> str:
    first = items[0]
    closed = first.handling is Handling.CLOSED
    words = template(FRAME if closed else first.kind, language)
    asked = "closed_phrase" if closed else "subject"
    facts: dict[str, object] = {
        "dialogue": bracket(language, items)[:_NAME].rstrip(),
        "heading": heading(language, first, letter, words, asked),
    }
    if len(items) == 1:
        return said(template(FOLDER, language), "one", facts)
    facts["topic"] = bundle_topic(language, items)
    return said(template(FOLDER, language), "many", facts)


def _codes(language: str, item: Item) -> list[str]:
    words = template(FOLDER, language)
    made = []
    for verb in verbs_for(item):
        if verb in _OFFERED:
            spoken = code(item.ref, verb, language)
            day_too = verb is Verb.MORE_TIME
            made.append(said(words, "day_too", {"code": spoken}) if day_too else spoken)
    return made


def _reply(language: str, codes: list[str]) -> str:
    return said(template(FOLDER, language), "reply", {"codes": codes}) if codes else ""


def _cut(head: str, limit: int) -> ShortText:
    """The beginning of a head that is too long by itself: a reference can be of any length."""
    made = counted(head)
    while made.segments > limit:
        head = head[: len(head) - 8]
        made = counted(f"{head}...")
    return made
