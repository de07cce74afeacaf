"""What must not be said where everybody can read it: in a subject, or in a mail at all."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from engine.action import Handling
from notifications.message import CallFacts, Item

LOADED: Final = re.compile(
    r"overdue|late|delay(?:ed|s)?|fail(?:ed|s|ure)?|block(?:ed|age)?|broken|neglect\w*|refus\w*"
    r"|informants?|complaints?|extremis\w*|vigilantes?|police|koglweogo|militia|money|budget"
    r"|en retard|retards?|echec|echoue\w*|bloquee?s?|blocage|manquement\w*|plainte\w*"
    r"|informat(?:eur|rice)s?|milices?|argent"
    r"|fcfa|cfa|usd|eur|ngn|dollars?|euros?|naira"
    r"|[وفبل]?(?:ال|ل)?(?:متاخر\w*|تاخي?ر\w*|فشل\w*|فاشل\w*|عاجز\w*|تقصير|اهمال|متعثر\w*"
    r"|محظور\w*|معطل\w*|شرط(?:ة|ي\w*)|درك|حرس|جيش|ميليشيا\w*|مخبر\w*|وشاية|شكوى|شكاوى|تطرف|ارهاب\w*"
    r"|مال|اموال|نقود|رشوة|دينار|دنانير|دولار|يورو)"
    r"|makara|jinkiri|kasa\w*|gaza\w*|laifi\w*|korafi\w*|yan ?(?:sanda|banga|sintiri|leken asiri)"
    r"|kudi\w*|kudade|cin hanci"
)
"""
Words that judge a body, name a group or speak of money, after accents are dropped.

English, French, Arabic and Hausa; the list is that of the issue and of OCHA's do-no-harm practice
(no group, no problem, no money in what a lock screen shows).
"""

_MONEY_SIGNS: Final = re.compile(r"[$€£₦¥₵]")
_DIALOGUE: Final = re.compile(r"^[\s\u200f]*\[[^\]]*\]")
_HOOKED: Final = str.maketrans("ɓɗƙƴ", "bdky")
_NO_CONTROLS: Final = {
    code: " " if code in (0x09, 0x0A, 0x0D, 0x85, 0x2028, 0x2029) else None
    for code in (
        *range(0x20),
        *range(0x7F, 0xA0),
        *range(0x202A, 0x202F),  # a title must not turn the rest of the page around
        *range(0x2066, 0x206A),
        0x2028,
        0x2029,
        0xFEFF,
        *range(0xD800, 0xE000),
    )
}


def breaches(subject: str, forbidden: Iterable[str]) -> tuple[str, ...]:
    """
    What a subject says and must not: the loaded words in it, then those of `forbidden`.

    The name of the dialogue, in brackets at the start, is the one place that is not looked at.
    Case, accents, width and runs of space make no difference; whole words are compared, so that
    a party called “Ali” is not found in “alignment”. Signs of money count as words.
    """
    said = _folded(_DIALOGUE.sub("", subject))
    loaded = re.findall(rf"(?<!\w)(?:{LOADED.pattern})(?!\w)", said)
    named = [text for text in forbidden if (word := _folded(text)) and _stands_in(word, said)]
    return (*loaded, *_MONEY_SIGNS.findall(said), *named)


def permitted(item: Item) -> Item:
    """
    The item with only what its handling level lets a mail say, free texts each on one line.

    Restricted: no title, no story. Closed: the reference and the day of the answer, no more
    (the levels are those of the page of the design on data protection).
    """
    if item.handling is Handling.CLOSED:
        return Item(
            kind=item.kind,
            ref=plain(item.ref),
            dialogue=plain(item.dialogue),
            title=None,
            handling=item.handling,
            party=None,
            state=item.state,
            answer_by=item.answer_by,
            urgency=item.urgency,
        )
    if item.handling is Handling.RESTRICTED:
        item = replace(item, title=None, obstacle=None, detail="")
    free = (item.ref, item.dialogue, item.title or "", item.party or "", item.detail)
    if item.call is None and all(map(_is_plain, free)):
        return item
    return replace(
        item,
        ref=plain(item.ref),
        dialogue=plain(item.dialogue),
        title=item.title and plain(item.title),
        party=item.party and plain(item.party),
        detail=plain(item.detail),
        call=item.call
        and CallFacts(function=plain(item.call.function), phone=plain(item.call.phone)),
    )


def plain(text: str) -> str:
    """The text on one line: no controls, no marks that turn the direction of what follows."""
    return text if _is_plain(text) else " ".join(text.translate(_NO_CONTROLS).split())


def _is_plain(text: str) -> bool:
    # isprintable() also refuses joiners that scripts and emoji need: those take the slow way.
    return text.isprintable() and "  " not in text


def _folded(text: str) -> str:
    spread = unicodedata.normalize("NFKD", text).casefold().translate(_HOOKED)
    kept = "".join(char for char in spread if not unicodedata.combining(char))
    return " ".join(kept.split())


def _stands_in(word: str, said: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", said) is not None
