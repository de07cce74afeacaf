"""The bytes of a sheet as text, whichever of the usual programs saved it."""

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable
from typing import Final

_WESTERN, _ARABIC = "cp1252", "cp1256"
_OLD: Final = (_WESTERN, _ARABIC)
"""What spreadsheets of French, English and Arabic offices write where they do not write UTF-8."""


def decoded(raw: bytes, is_heading: Callable[[str], bool]) -> str:
    """
    The text of a file: UTF-8, UTF-16 with its mark, or an old Windows page where that is certain.

    It is certain where the heading can be read in one of the pages alone, or where both say the
    same. ValueError with one sentence for anything else: a wrong guess would change what was said.
    """
    if raw.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return _without_hint(_strictly(raw, "utf-16"))
    if raw.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise ValueError("this is a workbook; name it .xlsx")
    if b"\0" in raw:
        raise ValueError("this is not text; save the sheet as .xlsx or CSV UTF-8")
    try:
        return _without_hint(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        return _without_hint(_old(raw, error.start, is_heading))


def _strictly(raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        raise ValueError("this is not text; save the sheet as .xlsx or CSV UTF-8") from None


def _old(raw: bytes, at: int, is_heading: Callable[[str], bool]) -> str:
    found: dict[str, str] = {}
    for page in _OLD:
        try:
            found[page] = raw.decode(page)
        except UnicodeDecodeError:
            continue
    headed = {
        page: text
        for page, text in found.items()
        if not (opening := _opening(text)).isascii() and is_heading(opening)
    }
    texts = set((headed or found).values())
    if len(texts) != 1:
        line = raw.count(b"\n", 0, at) + 1
        raise ValueError(
            f"line {line} is not UTF-8 and may be read in two ways; save the sheet as .xlsx or "
            "CSV UTF-8"
        )
    return texts.pop()


def _opening(text: str) -> str:
    return next((line for line in _without_hint(text).splitlines() if line.strip()), "")


def _without_hint(text: str) -> str:
    """Without the line `sep=;` that tells a spreadsheet what separates the cells."""
    first, _, rest = text.partition("\n")
    # An empty line stands in its place, so that lines keep their numbers.
    return f"\n{rest}" if first.strip().lower() in {"sep=;", "sep=,", "sep=\t", "sep="} else text
