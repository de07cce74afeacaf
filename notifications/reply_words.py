"""What an answer in somebody's own words says, where it leaves no doubt; a note where it does."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from engine.action import Obstacle
from engine.answer import VERBS_FOR, Answer, Purpose, Verb
from engine.codes import Spoken, fold, read_code
from engine.errors import BadValue
from notifications.reply_days import days_in, folded
from notifications.reply_phrases import (
    DOUBT,
    GREETINGS,
    OBSTACLES,
    OPENING,
    POLITE,
    STOPS,
    WHOLE,
)

BY_MAIL: Final = "told by mail"
"""How a confirmation by mail was made, for the record."""

MOST_ANSWERS: Final = 20
_CLAUSE: Final = re.compile(r"[.!?;:,،؛؟\n–—]")  # noqa: RUF001 - dashes and Arabic signs
_WORD: Final = re.compile(r"\w+")
_FIGURES: Final = re.compile(r"\b\d{1,4}([./-]\d{1,2}){2,3}\b")
_MOST_GREETING: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An action that a message was about, and what it asked; `proposed_on` is to be agreed to."""

    ref: str
    purpose: Purpose | None = None
    proposed_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """
    One answer: about `ref`, or about everything the message spoke of where that is empty.

    `checked`: it came as a code with its check character.
    """

    ref: str
    answer: Answer
    checked: bool = False


def understand(text: str, asked: Sequence[Asked], today: date) -> list[Understood]:
    """
    The answers in a text without quotations; a note for what leaves a doubt, nothing for no text.

    Lines that begin with a reference are answers about it, each with the lines that follow it.
    Without one the first words count, if the message was about one action only.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return []
    known = {fold(topic.ref): topic for topic in asked}
    groups = _by_reference(lines, known)
    if not any(groups[1:]) and len(asked) == 1:
        return [Understood(ref=asked[0].ref, answer=_free(lines, asked[0], today))]
    found = [_about(group, known, today) for group in groups[1:][:MOST_ANSWERS]]
    rest = "\n".join(_after_greeting(groups[0]))
    if not found or _says_something(rest):
        found.append(Understood(ref="", answer=Answer(verb=Verb.OTHER, note=rest or text)))
    return found


def asks_to_stop(text: str) -> bool:
    """Whether a reply says nothing but that no more mails are wanted."""
    first = [line for line in text.splitlines() if line.strip()][:1]
    return bool(first) and " ".join(_WORD.findall(folded(first[0]))) in STOPS


def _by_reference(lines: Sequence[str], known: dict[str, Asked]) -> list[list[str]]:
    """The lines before the first reference, then each reference with its lines."""
    groups: list[list[str]] = [[]]
    for line in lines:
        if _reference(line, known):
            groups.append([line])
        else:
            groups[-1].append(line)
    return groups


def _reference(line: str, known: dict[str, Asked]) -> str:
    """The reference that a line begins with: of a code, or one that the message spoke of."""
    try:
        spoken = read_code(line)
    except BadValue:
        spoken = None
        if _coded(line):
            return _first_word(line)
    if spoken is not None and (spoken.checked or fold(spoken.ref) in known):
        return spoken.ref
    word = _first_word(line)
    return word if fold(word) in known else ""


def _coded(line: str) -> bool:
    """Whether it looks like a code, right or wrong: its reference has a figure in it."""
    return any(sign.isdigit() for sign in _first_word(line))


def _first_word(line: str) -> str:
    return next(iter(line.strip(" \t*-•>#(").split()), "").strip(".:,;)")


def _about(group: Sequence[str], known: dict[str, Asked], today: date) -> Understood:
    """The answer in the lines that belong to one reference."""
    line, more = group[0], list(group[1:])
    try:
        spoken = read_code(line)
    except BadValue:  # a wrong check character: it was misread, and nobody knows what was meant
        note = "\n".join(group)
        return Understood(ref=_first_word(line), answer=Answer(verb=Verb.OTHER, note=note))
    if spoken is not None:
        said = "\n".join(part for part in (spoken.rest, *more) if part.strip())
        answer = _from_code(spoken, said, known.get(fold(spoken.ref)), "\n".join(group), today)
        return Understood(ref=spoken.ref, answer=answer, checked=spoken.checked)
    word = _first_word(line)
    topic = known[fold(word)]
    rest = line.strip(" \t*-•>#(")[len(word) :].lstrip(" .:,;)-–—\t")  # noqa: RUF001 - dashes
    return Understood(ref=topic.ref, answer=_free([rest, *more], topic, today))


def _from_code(spoken: Spoken, said: str, topic: Asked | None, whole: str, today: date) -> Answer:
    """A code says its verb plainly; without its check character words of doubt make it a note."""
    if not spoken.checked:
        asked = VERBS_FOR[topic.purpose] if topic and topic.purpose else (spoken.verb,)
        if spoken.verb not in asked or (spoken.verb in _CLAIMS and _doubtful(said)):
            return Answer(verb=Verb.OTHER, note=whole)
    return _filled(spoken.verb, said, whole, topic, today)


def _free(lines: Sequence[str], topic: Asked, today: date) -> Answer:
    """The answer in free words about one action."""
    own = [line for line in _after_greeting(lines) if line.strip()]
    whole = "\n".join(line for line in lines if line.strip())
    if not own:
        return Answer(verb=Verb.OTHER, note=whole)
    verb = _verb_of(own, topic.purpose)
    if verb is None:
        return Answer(verb=Verb.OTHER, note=whole)
    return _filled(verb, whole, whole, topic, today)


def _verb_of(own: Sequence[str], purpose: Purpose | None) -> Verb | None:
    """What the first clause says beyond doubt, of what may be said about it at all."""
    open_to = VERBS_FOR.get(purpose or Purpose.ANSWER, ())
    clause = _clause(own[0])
    bare = " ".join(_without_politeness(clause))
    for verb in open_to:
        if bare and bare in WHOLE.get(verb, ()):
            certain = verb not in _CLAIMS or not _doubtful("\n".join(own))
            return verb if certain else None
    for verb in open_to:
        if any(_begins(said, OPENING.get(verb, ())) for said in (bare, " ".join(clause))):
            return verb
    return None


def _begins(said: str, openings: Iterable[str]) -> bool:
    """Whether it opens with one of these, and does not go on to deny it."""
    for opening in openings:
        if f"{said} ".startswith(f"{opening} "):
            rest = said[len(opening) :].split()
            return not rest or rest[0] not in _DENIALS
    return False


_DENIALS: Final = frozenset({"not", "no", "longer", "pas", "plus", "ne", "لم", "لا", "ليس", "ba"})
_CLAIMS: Final = frozenset({Verb.DONE, Verb.CONFIRMED, Verb.AGREED})
"""What moves an action towards its end: taken only where nothing in the whole answer denies it."""


def _filled(verb: Verb, said: str, whole: str, topic: Asked | None, today: date) -> Answer:
    """The answer with what its verb needs; where that is not clear, a note."""
    days = days_in(said, today)
    only = days[0] if len(days) == 1 else None
    match verb:
        case Verb.MORE_TIME:
            if only is None:
                return Answer(verb=Verb.OTHER, note=whole)
            return Answer(verb=verb, until=only, note=said)
        case Verb.AGREED:
            proposed = topic.proposed_on if topic and not days else None
            return Answer(verb=verb, until=only or proposed, note=said)
        case Verb.BLOCKED:
            return Answer(verb=verb, obstacle=_obstacle(said), note=said or whole)
        case Verb.CONFIRMED:
            seen_on = only if only and only <= today else None
            return Answer(verb=verb, seen=said, seen_on=seen_on, method=BY_MAIL, note=said)
        case Verb.NOT_ME:
            return Answer(verb=verb, named=said, note=said)
        case _:
            return Answer(verb=verb, note=said or (whole if verb is Verb.OTHER else ""))


def _obstacle(said: str) -> Obstacle | None:
    words = set(_WORD.findall(folded(said)))
    found = [obstacle for obstacle, named in OBSTACLES.items() if words & named]
    return found[0] if len(found) == 1 else None


def _doubtful(said: str) -> bool:
    """Whether something in it takes back what it says: a denial, a condition, a question."""
    plain = folded(said)
    return "?" in plain or "؟" in plain or not DOUBT.isdisjoint(_WORD.findall(plain))


def _clause(line: str) -> list[str]:
    """The words of the first clause that has any, days in figures left out."""
    plain = _FIGURES.sub(" ", folded(line)).replace("'", " ")
    for piece in _CLAUSE.split(plain):
        words = _WORD.findall(piece)
        if set(words) - POLITE:
            return words
    return []


def _without_politeness(words: list[str]) -> list[str]:
    """Without what stands politely at both ends, and without the day it was done."""
    phrase = list(words)
    if len(phrase) <= _MOST_GREETING:
        # The longest piece of it that is a phrase, if all around it is politeness or a day.
        for size in range(len(phrase), 0, -1):
            for start in range(len(phrase) - size + 1):
                inner = phrase[start : start + size]
                around = phrase[:start] + phrase[start + size :]
                if " ".join(inner) in _ALL and all(map(_idle, around)):
                    return inner
    start = next((at for at, word in enumerate(phrase) if word not in POLITE), len(phrase))
    return phrase[start:]


_ALL: Final = frozenset(phrase for known in WHOLE.values() for phrase in known)


def _idle(word: str) -> bool:
    """Whether a word beside a phrase says no more than politeness or a day."""
    return word in POLITE or word.isdecimal() or bool(days_in(f"1 {word}", _ANY_DAY))


_ANY_DAY: Final = date(2024, 1, 1)


def _after_greeting(lines: Sequence[str]) -> list[str]:
    """Without lines that only greet."""
    left = list(lines)
    while left and _greets(left[0]):
        left.pop(0)
    return left


def _greets(line: str) -> bool:
    words = _WORD.findall(folded(line).replace("'", " "))
    if not words or len(words) > _MOST_GREETING:
        return False
    if all(word in GREETINGS for word in words):
        return True
    # "Dear Mrs Ouédraogo," : a greeting, then a name, and nothing else on the line.
    return words[0] in _ADDRESSING and line.rstrip().endswith((",", "،")) and len(words) <= 5  # noqa: PLR2004


_ADDRESSING: Final = frozenset(
    {"dear", "hello", "hi", "bonjour", "bonsoir", "cher", "chere", "sannu"}
)


def _says_something(rest: str) -> bool:
    """Whether what stands before the first reference is more than an introduction."""
    return len(rest.split()) > 1 and not rest.rstrip().endswith(":")
