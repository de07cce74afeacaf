"""One cell of a plan: from what somebody typed to a value, or to a sentence about it."""

import re
import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import TypeVar
from zoneinfo import available_timezones

from engine.errors import N_

LANGUAGES = ("en", "fr", "ar", "ha")
"""The languages that we have words in."""

SHORTEST_PHONE, LONGEST_PHONE = 7, 15
"""Digits of a telephone number with its country code; the upper bound is ITU-T E.164."""

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_REF = re.compile(r"\w[\w.\-]{0,39}")
_PHONE = re.compile(r"(?:\+|00)[0-9][0-9 ().\-/]*")
_PHONE_FILLING = re.compile(r"[ ().\-/]")

# What email_validator would pass anyway, in a hundredth of its time; a test holds us to that.
_PLAIN_EMAIL = re.compile(
    r"[a-z0-9]+(?:[._\-][a-z0-9]+)*@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+"
    r"(?!(?:arpa|invalid|local|localhost|onion|test)$)[a-z]{2,20}"
)
_PLAIN_EMAIL_LONGEST = 64

_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)

_Word = TypeVar("_Word", bound=StrEnum)


def read_text(raw: str, longest: int, *, lines: bool = False) -> str:
    """
    Text, trimmed, in normal form C, of at most `longest` characters.

    Control characters and marks that turn the reading direction are refused: they make a text
    look like another one. Without `lines`, runs of white space become one space.
    """
    text = raw.strip()
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if not text.isprintable():
        if found := _FORBIDDEN.search(text):
            raise ValueError(_forbidden(found))
        if not lines:
            text = " ".join(text.split())
    if len(text) > longest:
        raise ValueError(
            N_(
                "%(count)s characters; at most %(most)s fit",
                count=f"{len(text):,}", most=f"{longest:,}",
            )
        )  # fmt: skip
    return text


def _forbidden(found: re.Match[str]) -> str:
    code = ord(found[0])
    at = {"sign": f"U+{code:04X}", "position": found.start() + 1}
    if 0xD800 <= code <= 0xDFFF:  # noqa: PLR2004 - the surrogates of Unicode
        return N_(
            "contains half of a character (%(sign)s, character %(position)s); take it out", **at
        )
    if code > 0x2000:  # noqa: PLR2004 - all marks stand above
        return N_(
            "contains a mark that turns the reading direction (%(sign)s, character %(position)s); "
            "take it out", **at,
        )  # fmt: skip
    return N_("contains a control character (%(sign)s, character %(position)s); take it out", **at)


def read_ref(raw: str) -> str:
    """A reference: letters, digits, dots, hyphens; it stands in links and text messages."""
    ref = read_text(raw, 200)
    if not _REF.fullmatch(ref):
        raise ValueError(
            N_(
                "a reference begins with a letter or digit and has at most 40 letters, digits, "
                "dots, hyphens and underscores, without spaces"
            )
        )
    return ref


def read_word(raw: str, words: type[_Word]) -> _Word:
    """One of a fixed list of words; capitals, spaces and hyphens do not matter."""
    text = raw.strip().casefold().replace(" ", "_").replace("-", "_")
    try:
        return words(text)
    except ValueError:
        raise ValueError(not_one_of(words, did_you_mean(text, words))) from None


def not_one_of(words: Iterable[str], hint: str) -> str:
    """That a word is none of those that a plan knows."""
    return N_("not one of %(words)s%(hint)s", words=", ".join(map(str, words)), hint=hint)


def did_you_mean(text: str, words: Iterable[str]) -> str:
    """`; did you mean X?` when one of `words` is close to `text`, else nothing."""
    close = get_close_matches(text, [str(word) for word in words], n=1, cutoff=0.7)
    return N_("; did you mean %(word)s?", word=close[0]) if close else ""


def read_email(raw: str) -> str:
    """An address, its domain in small letters. Only the form is checked, nothing is looked up."""
    text = raw.strip()
    if len(text) <= _PLAIN_EMAIL_LONGEST and _PLAIN_EMAIL.fullmatch(text):
        return text

    from email_validator import (  # noqa: PLC0415 - a plan without odd addresses need not load it
        EmailNotValidError,
        validate_email,
    )

    try:
        # test_environment lets `.test` through, which RFC 2606 keeps for trials like ours.
        found = validate_email(text, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        reason = str(error).rstrip(".")
        reason = f"{reason[:1].lower()}{reason[1:]}"
        raise ValueError(N_("not an e-mail address: %(reason)s", reason=reason)) from None
    if "." not in found.rpartition("@")[2]:
        raise ValueError(N_("not an e-mail address: the part after the @-sign needs a dot"))
    return found


def read_phone(raw: str) -> str:
    """A telephone number as `+` and digits (ITU-T E.164); `00` is read as `+`."""
    text = raw.strip()
    if not _PHONE.fullmatch(text):
        raise ValueError(
            N_(
                "not a telephone number with its country code; write it like +226 70 00 00 00 "
                "(in a spreadsheet, format the column as text)"
            )
        )
    digits = _PHONE_FILLING.sub("", text).removeprefix("+").removeprefix("00")
    if not SHORTEST_PHONE <= len(digits) <= LONGEST_PHONE:
        raise ValueError(
            N_(
                "a telephone number has %(least)s to %(most)s digits with its country code, this "
                "one has %(count)s",
                least=SHORTEST_PHONE, most=LONGEST_PHONE, count=len(digits),
            )
        )  # fmt: skip
    return f"+{digits}"


def read_language(raw: str) -> str:
    """The code of a language that we have words in."""
    code = raw.strip().lower()
    if code not in LANGUAGES:
        raise ValueError(
            N_(
                "not a language we have words in; write one of %(languages)s",
                languages=", ".join(LANGUAGES),
            )
        )
    return code


def read_country(raw: str) -> str:
    """A country's two letters (ISO 3166-1, the list of the time zone database)."""
    code = raw.strip().upper()
    if code in (countries := _countries()):
        return code
    named = [known for known, name in countries.items() if name.upper() == code]
    hint = N_("; for %(name)s write %(code)s", name=raw.strip(), code=named[0]) if named else ""
    raise ValueError(
        N_("not a country's two letters (ISO 3166-1), such as SN or NG%(hint)s", hint=hint)
    )


@cache
def _countries() -> dict[str, str]:
    table = files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text(encoding="utf-8")
    pairs = (line.split("\t") for line in table.splitlines() if not line.startswith("#"))
    return {code: name for code, name, *_ in pairs}


def read_timezone(raw: str) -> str:
    """A time zone's name (IANA), such as `Africa/Dakar`."""
    name = raw.strip()
    if name in (zones := _zones()):
        return name
    exact = [zone for zone in zones if zone.casefold() == name.casefold()]
    hint = N_("; write %(word)s", word=exact[0]) if exact else did_you_mean(name, zones)
    raise ValueError(N_("not a time zone's name (IANA), such as Africa/Dakar%(hint)s", hint=hint))


@cache
def _zones() -> frozenset[str]:
    return frozenset(
        zone for zone in available_timezones() if "/" in zone or zone in {"UTC", "GMT"}
    )


def read_rest_days(raw: str) -> frozenset[int]:
    """`sat,sun`, or `none`; Monday = 0. Separated by commas, semicolons or spaces."""
    words = [word for word in re.split(r"[,;\s]+", raw.casefold()) if word]
    if words == ["none"]:
        return frozenset()
    days = set()
    for word in words:
        found = [at for at, day in enumerate(_WEEKDAYS) if day.startswith(word)]
        if len(word) < 3 or not found:  # noqa: PLR2004 - "t" would be two days
            raise ValueError(
                N_("%(word)s is not a weekday; write sat,sun or fri or none", word=repr(word))
            )
        days.update(found)
    if len(days) == len(_WEEKDAYS):
        raise ValueError(N_("no day of the week would be left to work on"))
    return frozenset(days)


def read_yes(raw: str) -> bool:
    """yes or no."""
    answers = {"yes": True, "true": True, "no": False, "false": False}
    if (answer := answers.get(raw.strip().casefold())) is None:
        raise ValueError(N_("write yes or no"))
    return answer


def split_list(raw: str, separator: str = ";") -> tuple[str, ...]:
    """The parts of a cell that names several, trimmed, without empty ones."""
    return tuple(part for piece in raw.split(separator) if (part := piece.strip()))
