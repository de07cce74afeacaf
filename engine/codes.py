"""Answers short enough to be read aloud: a reference, a word and a check character."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from engine.answer import Verb
from engine.errors import BadValue

WORDS: Final[dict[str, dict[Verb, str]]] = {
    "en": {
        Verb.DONE: "DONE",
        Verb.MORE_TIME: "DATE",
        Verb.BLOCKED: "BLOCKED",
        Verb.CANNOT: "CANNOT",
        Verb.NOT_ME: "NOTME",
        Verb.HELP: "HELP",
        Verb.CONFIRMED: "CONFIRMED",
        Verb.NOT_YET: "NOTYET",
        Verb.NOT_SEEN: "NOTSEEN",
        Verb.TAKEN_NOTE: "NOTED",
        Verb.AGREED: "AGREED",
        Verb.DECLINED: "DECLINED",
    },
    "fr": {
        Verb.DONE: "FAIT",
        Verb.MORE_TIME: "DATE",
        Verb.BLOCKED: "BLOQUE",
        Verb.CANNOT: "IMPOSSIBLE",
        Verb.NOT_ME: "PASMOI",
        Verb.HELP: "AIDE",
        Verb.CONFIRMED: "CONFIRME",
        Verb.NOT_YET: "PASENCORE",
        Verb.NOT_SEEN: "PASVU",
        Verb.TAKEN_NOTE: "NOTE",
        Verb.AGREED: "ACCORD",
        Verb.DECLINED: "DECLINE",
    },
    "ar": {
        Verb.DONE: "تم",
        Verb.MORE_TIME: "موعد",
        Verb.BLOCKED: "عائق",
        Verb.CANNOT: "مستحيل",
        Verb.NOT_ME: "غيري",
        Verb.HELP: "دعم",
        Verb.CONFIRMED: "مؤكد",
        Verb.NOT_YET: "ناقص",
        Verb.NOT_SEEN: "لم أر",
        Verb.TAKEN_NOTE: "علمت",
        Verb.AGREED: "موافق",
        Verb.DECLINED: "رفض",
    },
    "ha": {
        Verb.DONE: "ANGAMA",
        Verb.MORE_TIME: "RANA",
        Verb.BLOCKED: "CIKAS",
        Verb.CANNOT: "BAZAIYIWUBA",
        Verb.NOT_ME: "BANIBA",
        Verb.HELP: "TAIMAKO",
        Verb.CONFIRMED: "TABBAS",
        Verb.NOT_YET: "TUKUNA",
        Verb.NOT_SEEN: "BANGANIBA",
        Verb.TAKEN_NOTE: "NAJI",
        Verb.AGREED: "NAYARDA",
        Verb.DECLINED: "BANYARDABA",
    },
}
"""The word for each verb in each language; two languages may share a word for the same verb."""

_SIGNS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_VERBS: Final = tuple(Verb)


def fold(text: str) -> str:
    """Capital letters without accents, marks, spaces or dashes; Arabic letters stay as they are."""
    spread = unicodedata.normalize("NFKD", text).upper()
    kept = (c for c in spread if unicodedata.category(c)[0] in "LN")
    return "".join(kept).replace("Ɓ", "B").replace("Ɗ", "D").replace("Ƙ", "K").replace("Ƴ", "Y")


_VERB_OF: Final = {fold(said): verb for words in WORDS.values() for verb, said in words.items()}


def verb_of(said: str) -> Verb | None:
    """The verb that this word is in any of the languages; None for any other word."""
    return _VERB_OF.get(fold(said))


def check_character(ref: str, verb: Verb) -> str:
    """
    One letter or digit over a reference and a verb, the same in every language.

    ISO/IEC 7064 MOD 37,36, the verb as the last sign: it finds every single sign that was taken
    for another, any verb taken for another, and all but a few swaps of neighbours (a test counts).
    """
    rest = 36
    for sign in (*fold(ref), _SIGNS[_VERBS.index(verb)]):
        worth = _SIGNS.find(sign)
        rest = (rest + (worth if worth >= 0 else ord(sign) % 36)) % 36 or 36
        rest = rest * 2 % 37
    return _SIGNS[(37 - rest) % 36]


def code(ref: str, verb: Verb, language: str) -> str:
    """What is read aloud or ticked: `SAA-07 DONE K`, the word in that language (else English)."""
    words = WORDS.get(language, WORDS["en"])
    return f"{ref} {words[verb]} {check_character(ref, verb)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A code as somebody said it; `rest` is what they added. `checked`: a right check character."""

    ref: str
    verb: Verb
    rest: str
    checked: bool


_CODE: Final = re.compile(r"^\W*(?P<ref>[^\W_][\w./-]{0,39})\s*[:,]?\s+(?P<said>.+)$", re.DOTALL)
LONGEST: Final = 2000


def read_code(line: str) -> Spoken | None:
    """
    The code at the start of a line: reference, verb in one or two words, check character, rest.

    None if there is no verb where one should be. BadValue when a check character stands there and
    is wrong: a word or the reference was misheard. Without one, `checked` is False.
    """
    match = _CODE.match(" ".join(line[:LONGEST].split()))
    if match is None:
        return None
    words = match["said"].split(" ")
    for taken in (3, 2, 1):
        # One sign by itself is the check character: NOTE D is not NOTED.
        whole = taken <= len(words) and all(len(fold(word)) > 1 for word in words[1:taken])
        verb = verb_of("".join(words[:taken])) if whole else None
        if verb is not None:
            return _spoken(match["ref"].strip(".:,"), verb, words[taken:])
    return None


_LONE_WORDS: Final = frozenset("AIOY")  # words of one letter: "a wall", "à Saaba", "y a"


def _spoken(ref: str, verb: Verb, after: list[str]) -> Spoken:
    given = fold(after[0]) if after else ""
    said = " ".join(after).lstrip(":,;- ")
    if given == check_character(ref, verb):
        return Spoken(ref=ref, verb=verb, rest=" ".join(after[1:]).lstrip(":,;- "), checked=True)
    if len(given) == 1 and given in _SIGNS and not (given in _LONE_WORDS and after[1:]):
        raise BadValue(
            "code", f"{ref} {verb} {given}", "the check character does not fit: ask for it again"
        )
    return Spoken(ref=ref, verb=verb, rest=said, checked=False)
