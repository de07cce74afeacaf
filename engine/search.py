"""Words as a search compares them: without case, accents, vowel signs and other spellings."""

import unicodedata
from typing import Final

MOST_WORDS: Final = 8
"""So many words of a search count; who types more has pasted something."""

_SAME: Final = str.maketrans(
    {
        # Hausa on a keyboard without its letters.
        "\N{LATIN SMALL LETTER B WITH HOOK}": "b",
        "\N{LATIN SMALL LETTER D WITH HOOK}": "d",
        "\N{LATIN SMALL LETTER K WITH HOOK}": "k",
        "\N{LATIN SMALL LETTER Y WITH HOOK}": "y",
        # French on one without its ligatures.
        "\N{LATIN SMALL LIGATURE OE}": "oe",
        "\N{LATIN SMALL LETTER AE}": "ae",
        # Arabic letters that are written one for the other, and the stroke that only stretches.
        "\N{ARABIC LETTER ALEF WASLA}": "\N{ARABIC LETTER ALEF}",
        "\N{ARABIC LETTER ALEF MAKSURA}": "\N{ARABIC LETTER YEH}",
        "\N{ARABIC LETTER FARSI YEH}": "\N{ARABIC LETTER YEH}",
        "\N{ARABIC LETTER KEHEH}": "\N{ARABIC LETTER KAF}",
        "\N{ARABIC LETTER TEH MARBUTA}": "\N{ARABIC LETTER HEH}",
        "\N{ARABIC TATWEEL}": "",
        "\N{RIGHT SINGLE QUOTATION MARK}": "'",
        "\N{MODIFIER LETTER APOSTROPHE}": "'",
    }
)


def folded(text: str) -> str:
    """
    The text as it is compared, of another length perhaps.

    An accent is nothing, nor is a hamza above its letter, and every digit is a Latin one.
    """
    if text.isascii():  # nearly every reference, and far quicker
        return text.lower()
    apart = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(_plain(sign) for sign in apart if unicodedata.category(sign) != "Mn")
    return plain.translate(_SAME)


def words_wanted(text: str) -> list[str]:
    """The words of a search, folded; what is found has every one of them somewhere."""
    return folded(text).split()[:MOST_WORDS]


def _plain(sign: str) -> str:
    return str(unicodedata.decimal(sign)) if sign.isdecimal() else sign
