"""The languages in which people are told things: direction, days, numbers, plurals, catalogues."""

import gettext
import re
from collections.abc import Callable
from datetime import date
from functools import lru_cache, partial
from io import BytesIO
from pathlib import Path
from typing import Final

from jinja2 import BaseLoader, Environment, StrictUndefined

from engine.answer import Verb
from engine.codes import code

LANGUAGES: Final = ("en", "fr", "ar", "ha")
LAST_RESORT: Final = "en"
LOCALES: Final = Path(__file__).parent / "locales"
CATALOGUE: Final = "LC_MESSAGES/alkawari.po"
REVIEWED: Final = LOCALES / "reviewed.yaml"

FIRST_STRONG_ISOLATE: Final = "\N{FIRST STRONG ISOLATE}"
POP_ISOLATE: Final = "\N{POP DIRECTIONAL ISOLATE}"
RIGHT_TO_LEFT_MARK: Final = "\N{RIGHT-TO-LEFT MARK}"

_RIGHT_TO_LEFT: Final = frozenset({"ar", "fa", "he", "ur"})
_QUOTES: Final = {"fr": ("«\N{NO-BREAK SPACE}", "\N{NO-BREAK SPACE}»"), "ar": ("«", "»")}
_CLDR: Final = {
    "en": "en_GB",  # plain "en" is American: December 4
    "ar": "ar_TN",  # the Maghreb writes Latin digits and its own names of months
}
_FORMS: Final = {
    # CLDR's long Hausa day has no "ga", which everybody says and writes.
    "ha": {"day": "EEEE, d 'ga' MMMM y", "short": "d 'ga' MMMM", "month": "LLLL y"},
}
_COMMON_FORMS: Final = {"day": "full", "short": "d MMMM", "month": "LLLL y"}
_RIGHT_LETTERS: Final = (
    r"\u0590-\u08FF\uFB1D-\uFDFF\uFE70-\uFEFC\U00010800-\U00010FFF\U0001E800-\U0001EFFF"
)
_TURNS_LEFT_TEXT: Final = re.compile(f"[{_RIGHT_LETTERS}]")
_TURNS_RIGHT_TEXT: Final = re.compile(rf"[^\W{_RIGHT_LETTERS}_]")


def base(language: str) -> str:
    """The language of a tag: `fr` of `fr-BF`."""
    return re.split("[-_]", language, maxsplit=1)[0].lower()


def spoken(*wanted: str) -> str:
    """The first of these tags in whose language there are words, else English."""
    return next((known for tag in wanted if (known := base(tag)) in LANGUAGES), LAST_RESORT)


def direction(language: str) -> str:
    """`rtl` or `ltr`, for `dir=`."""
    return "rtl" if language in _RIGHT_TO_LEFT else "ltr"


def day(language: str, value: date) -> str:
    """A day in full: Friday, 4 December 2026."""
    return _spelt_day(language, "day", value)


def short(language: str, value: date) -> str:
    """A day of the year that is clear from what stands beside it: 4 December."""
    return _spelt_day(language, "short", value)


@lru_cache(maxsize=1024)
def number(language: str, value: float) -> str:
    """A number with the separators of the language."""
    from babel.numbers import format_decimal  # noqa: PLC0415 - 30 ms that a run without mail need not pay

    spelt = format_decimal(value, locale=_CLDR.get(language, language))
    return spelt.replace("\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}")  # old telephones: a box


@lru_cache(maxsize=1024)
def percent(language: str, share: float) -> str:
    """A share of 1 as a rounded percentage."""
    from babel.numbers import format_percent  # noqa: PLC0415 - as above

    spelt = format_percent(share, locale=_CLDR.get(language, language))
    return spelt.replace("\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}")


def month(language: str, value: date) -> str:
    """A month and its year: November 2026."""
    return _spelt_day(language, "month", value)


@lru_cache
def weekdays(language: str) -> tuple[tuple[int, str, str, str], ...]:
    """
    The days of a week in the order in which the language begins it, Monday = 0.

    Each with its whole name, its short one, and its letter.
    """
    from babel import Locale  # noqa: PLC0415 - as above

    locale = Locale.parse(_CLDR.get(language, language))
    names = locale.days["stand-alone"]
    order = [(locale.first_week_day + number) % 7 for number in range(7)]
    return tuple(
        (number, names["wide"][number], names["abbreviated"][number], names["narrow"][number])
        for number in order
    )


@lru_cache(maxsize=1024)
def phone(language: str, value: str) -> str:
    """A telephone number that is neither broken at the end of a line nor turned around."""
    bare = whole(value).strip(FIRST_STRONG_ISOLATE + POP_ISOLATE)
    # It has no letter to set its direction by, so that in Arabic its groups would change places.
    mark = "\N{LEFT-TO-RIGHT MARK}"
    return f"{mark}{bare}{mark}" if language in _RIGHT_TO_LEFT and bare else bare


def whole(value: str) -> str:
    """A few words that stay on one line."""
    return value.replace(" ", "\N{NO-BREAK SPACE}")


def french_spaces(text: str) -> str:
    """
    The text with unbreakable spaces inside « » and before : ; ? ! as French sets them.

    A plain no-break space throughout: old telephones show the narrow one as a box.
    """
    return re.sub(r" (?=[:;?!»])|(?<=«) ", "\N{NO-BREAK SPACE}", text)


def counted(language: str, value: int, **forms: str) -> str:
    """
    The form that the language has for so many, `%s` replaced by the number.

    `forms` are CLDR's: `other` and, where the language has them, zero, one, two, few and many.
    """
    form = forms.get(_plural(language, value), forms["other"])
    return form.replace("%s", number(language, value))


@lru_cache(maxsize=1024)
def _plural(language: str, value: int) -> str:
    from babel import Locale  # noqa: PLC0415 - as above

    return str(Locale.parse(_CLDR.get(language, language)).plural_form(value))


def isolated(language: str, text: str) -> str:
    """
    A text from elsewhere that cannot turn around what stands beside it.

    Marks are set only where they are needed: around right-to-left letters in a left-to-right
    language, and around everything else in a right-to-left one. HTML shows them as `<bdi>`.
    """
    if language in _RIGHT_TO_LEFT:
        if _TURNS_RIGHT_TEXT.search(text) is None:
            return text
    elif text.isascii() or _TURNS_LEFT_TEXT.search(text) is None:
        return text
    return f"{FIRST_STRONG_ISOLATE}{text}{POP_ISOLATE}"


def quoted(language: str, text: str) -> str:
    """A title from elsewhere in the marks of that language, as the templates set it."""
    opens, closes = _QUOTES.get(language, ("“", "”"))
    return f"{opens}{isolated(language, text)}{closes}"


def words(language: str) -> gettext.NullTranslations:
    """
    The catalogue of a language; English needs none, since the keys of the catalogues are English.

    A key that has no translation is said in English.
    """
    return _catalogue(base(language))


def untranslated(language: str) -> list[str]:
    """The keys of the catalogue that have no words yet in that language, or doubtful ones."""
    path = LOCALES / language / CATALOGUE
    if not language.isalpha() or not path.is_file():
        return []
    from babel.messages.pofile import read_po  # noqa: PLC0415 - as above

    with path.open("rb") as file:
        catalogue = read_po(file, locale=language)
    doubtful = (message for message in catalogue if message.id and not _is_said(message))
    return [str(_first(message.id)) for message in doubtful]


def reviewers() -> dict[str, str]:
    """Who went through the words of each language as a native speaker, and when; empty: nobody."""
    import yaml  # noqa: PLC0415 - only `doctor` asks

    said = yaml.safe_load(REVIEWED.read_text(encoding="utf-8"))
    return {language: _signed(said.get(language)) for language in LANGUAGES}


def jinja_environment(language: str, loader: BaseLoader, **options: object) -> Environment:
    """
    Jinja for the pages of one language.

    `{{ _("…") }}` and `{{ ngettext("%(num)s action", "%(num)s actions", n) }}` are taken from the
    catalogue; a `%` of their own is written `%%`. Filters: those of `filters`. `language` and
    `direction` are there for `<html lang dir>`.
    """
    given: dict[str, object] = {
        "autoescape": True,
        "undefined": StrictUndefined,
        "trim_blocks": True,
        "lstrip_blocks": True,
        "auto_reload": False,
        **options,
    }
    extensions = ["jinja2.ext.i18n", *given.pop("extensions", ())]  # type: ignore[misc] # a list of Jinja's
    environment = Environment(loader=loader, extensions=extensions, **given)  # type: ignore[arg-type] # noqa: S701 - on, unless the caller writes plain text
    translations = words(language)
    environment.install_gettext_translations(translations, newstyle=True)  # type: ignore[attr-defined] # the extension adds it
    environment.globals |= {"language": language, "direction": direction(language)}
    environment.filters |= filters(language)
    return environment


def filters(language: str) -> dict[str, Callable[..., str]]:
    """What templates call to write a day, a number, a telephone number, a code."""
    return {
        "day": partial(day, language),
        "short": partial(short, language),
        "number": partial(number, language),
        "phone": partial(phone, language),
        "whole": whole,
        "counted": partial(counted, language),
        "isolated": partial(isolated, language),
        "code": partial(_code, language),
    }


@lru_cache(maxsize=4096)
def _code(language: str, ref: str, verb: str) -> str:
    return code(ref, Verb(verb), language)


@lru_cache(maxsize=4096)
def _spelt_day(language: str, form: str, value: date) -> str:
    from babel.dates import format_date  # noqa: PLC0415 - as above

    pattern = _FORMS.get(language, _COMMON_FORMS)[form]
    spelt = format_date(value, pattern, locale=_CLDR.get(language, language))
    # CLDR has no ordinal, but French says "1er".
    return re.sub(r"(^| )1 ", r"\g<1>1er ", spelt) if language == "fr" else spelt


@lru_cache
def _catalogue(language: str) -> gettext.NullTranslations:
    path = LOCALES / language / CATALOGUE
    if language not in LANGUAGES or not path.is_file():
        return gettext.NullTranslations()
    from babel.messages.mofile import write_mo  # noqa: PLC0415 - as above
    from babel.messages.pofile import read_po  # noqa: PLC0415 - as above

    with path.open("rb") as file:
        catalogue = read_po(file, locale=language)
    if language == "fr":
        for message in catalogue:
            message.string = _with_french_spaces(message.string)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def _with_french_spaces(said: object) -> str | tuple[str, ...]:
    if isinstance(said, (list, tuple)):
        return tuple(map(french_spaces, said))
    return french_spaces(str(said))


def _first(key: object) -> object:
    return key[0] if isinstance(key, (list, tuple)) else key


def _is_said(message: object) -> bool:
    said = message.string  # type: ignore[attr-defined] # Babel ships no types for its catalogues
    forms = said if isinstance(said, (list, tuple)) else (said,)
    return all(forms) and not message.fuzzy  # type: ignore[attr-defined] # as above


def _signed(entry: object) -> str:
    if not isinstance(entry, dict) or not entry.get("by"):
        return ""
    return f"{entry['by']}, {entry.get('on', '')}".rstrip(", ")
