"""Days as people write them in four languages: read where they can mean one day only."""

import re
import unicodedata
from datetime import date, timedelta
from typing import Final

_MONTHS: Final = (
    "january jan janvier janv janairu yanayiru يناير جانفي كانون_الثاني",
    "february feb fevrier fevr fev faburairu fabrairu فبراير فيفري شباط",
    "march mar mars maris مارس اذار",
    "april apr avril avr afirilu afrilu ابريل افريل نيسان",
    "may mai mayu مايو ماي ايار",
    "june jun juin yuni يونيو جوان حزيران",
    "july jul juillet juil yuli يوليو يوليوز جويليه تموز",
    "august aug aout agusta اغسطس غشت اوت اب",
    "september sept sep septembre satumba سبتمبر شتنبر ايلول",
    "october oct octobre oktoba اكتوبر تشرين_الاول",
    "november nov novembre nuwamba نوفمبر نونبر تشرين_الثاني",
    "december dec decembre disamba ديسمبر دجنبر كانون_الاول",
)
MONTH_OF: Final = {
    word: number for number, words in enumerate(_MONTHS, start=1) for word in words.split()
}
"""The number of a month by its folded name; a space in a name is an underscore."""

_PAIRS: Final = ("كانون الثاني", "كانون الاول", "تشرين الاول", "تشرين الثاني")
_FILLERS: Final = frozenset({"of", "ga", "watan", "de", "من", "شهر", "the"})
_FURTHEST: Final = timedelta(days=300)
"""A day without a year that lies further ahead was more likely meant of the past."""

_WHOLE: Final = re.compile(
    r"(?<![\w./-])(?:(\d{4})-(\d{1,2})-(\d{1,2})|(\d{1,2})([./-])(\d{1,2})\5(\d{4}))(?![\w/-]|\.\d)"
)
_WORD: Final = re.compile(r"[^\W\d_]+|\d+")
_ORDINALS: Final = frozenset({"st", "nd", "rd", "th", "er", "e", "eme"})


def folded(text: str) -> str:
    """Small letters without accents or marks; Arabic letters in their plain forms."""
    spread = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(c for c in spread if not unicodedata.combining(c) and c != "\u0640")
    return bare.translate(_PLAIN)


_PLAIN: Final = str.maketrans(
    {
        "\u0671": "\u0627",  # the forms of Arabic letters that are mixed up most
        "\u0629": "\u0647",
        "\u0649": "\u064a",
        "ɓ": "b",
        "ɗ": "d",
        "ƙ": "k",
        "ƴ": "y",
        "\u2019": "'",
        "\u02bc": "'",
        **{chr(0x0660 + n): str(n) for n in range(10)},
        **{chr(0x06F0 + n): str(n) for n in range(10)},
    }
)


def days_in(text: str, today: date) -> list[date]:
    """
    Every day that is named, once each, in order.

    `2026-12-04`, `4/12/2026` (day first), `4 December 2026`, `4 décembre`, `4 ga Disamba`. Without
    a year the next such day is meant, unless that is far off. "Next week" is not guessed.
    """
    plain = folded(text)
    found = [*_in_figures(plain), *_in_words(plain, today)]
    return list(dict.fromkeys(day for _at, day in sorted(found)))


def _in_figures(plain: str) -> list[tuple[int, date]]:
    found: list[tuple[int, date]] = []
    for hit in _WHOLE.finditer(plain):
        year, month, day = (hit[1], hit[2], hit[3]) if hit[1] else (hit[7], hit[6], hit[4])
        when = _day(int(year), int(month), int(day))
        if when is not None:
            found.append((hit.start(), when))
    return found


def _in_words(plain: str, today: date) -> list[tuple[int, date]]:
    for pair in _PAIRS:
        plain = plain.replace(pair, pair.replace(" ", "ـ"))
    words = [(hit.start(), hit[0]) for hit in _WORD.finditer(plain)]
    words = [(at, word) for at, word in words if word not in _FILLERS | _ORDINALS]
    found: list[tuple[int, date]] = []
    for place, (at, word) in enumerate(words):
        month = MONTH_OF.get(word.replace("ـ", "_"))
        if month is None:
            continue
        before = words[place - 1][1] if place else ""
        after = [w for _at, w in words[place + 1 : place + 3]]
        day, year = _around(before, after)
        if day is None:
            continue
        when = _day(year, month, day) if year else _next(month, day, today)
        if when is not None:
            found.append((at, when))
    return found


def _around(before: str, after: list[str]) -> tuple[int | None, int | None]:
    """Day and year beside the name of a month: `4 December 2026`, or `December 4, 2026`."""
    following = [int(word) if word.isdecimal() and len(word) <= 4 else None for word in after]  # noqa: PLR2004
    following += [None] * (2 - len(following))
    if before.isdecimal() and len(before) <= 2:  # noqa: PLR2004 - digits of a day
        return int(before), _year(following[0])
    if following[0] is not None and len(after[0]) <= 2:  # noqa: PLR2004
        return following[0], _year(following[1])
    return None, None


def _year(number: int | None) -> int | None:
    return number if number is not None and 2000 <= number <= 2100 else None  # noqa: PLR2004 - years


def _next(month: int, day: int, today: date) -> date | None:
    for year in (today.year, today.year + 1):
        when = _day(year, month, day)
        if when is not None and when >= today:
            return when if when - today <= _FURTHEST else None
    return None


def _day(year: int, month: int, day: int) -> date | None:
    if not 2000 <= year <= 2100:  # noqa: PLR2004 - nobody means another century
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None
