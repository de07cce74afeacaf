"""The words that somebody wrote themselves, above what their mail program quoted below them."""

import html
import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

LONGEST: Final = 2000
MOST_LINES: Final = 40
_READ: Final = 400
"""Lines that are looked at; a reply has its words near the top, or else below one quotation."""
_LINE: Final = 1000

_INVISIBLE: Final = dict.fromkeys(
    [0xAD, 0xFEFF, 0x061C, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)]
)
_SPACES: Final = dict.fromkeys([0xA0, 0x202F, 0x3000, *range(0x2000, 0x200B), 0x0B, 0x0C], " ")
_DASHES: Final = " \t-\u2013\u2014_*>|=~.…"

# How programs open a quotation: a line begins so and ends so (or the next one or two do).
_OPENINGS: Final = (
    ("on ", ("wrote:", "writes:")),
    ("le ", ("a écrit :", "a écrit:")),
    ("am ", ("schrieb:",)),
    ("el ", ("escribió:",)),
    ("em ", ("escreveu:",)),
    ("في ", ("كتب:", "كتبت:", "كتب :", "كتب/كتبت:")),
    ("بتاريخ ", ("كتب:", "كتبت:", "كتب :")),
    ("a ranar ", ("ya rubuta:", "ta rubuta:", "an rubuta:", "ya rubuta :")),
    ("ranar ", ("ya rubuta:", "ta rubuta:", "an rubuta:")),
)
_ANYWHERE: Final = (
    "تمت كتابة ما يلي بواسطة",
    "begin forwarded message:",
    "début du message transféré",
)
_SEPARATORS: Final = frozenset({
    "original message", "message d'origine", "message d\u2019origine", "message original",
    "forwarded message", "message transféré", "الرسالة الأصلية", "رسالة أصلية",
    "رسالة معاد توجيهها", "ainihin saƙo", "ainihin sako", "asalin saƙo", "asalin sako",
    "ursprüngliche nachricht", "reply message", "original message from",
})  # fmt: skip
_HEADER_NAMES: Final = frozenset({
    "from", "sent", "to", "cc", "subject", "date", "de", "envoyé", "envoyé le", "à", "objet",
    "répondre à", "من", "تاريخ الإرسال", "إلى", "الموضوع", "تم الإرسال", "التاريخ", "daga",
    "zuwa", "kwanan wata", "jigo", "batu", "an aika", "taken",
})  # fmt: skip
_SENT_FROM: Final = (
    "sent from ", "get outlook for ", "envoyé de mon ", "envoyé depuis ", "envoyé à partir ",
    "télécharger outlook", "obtenir outlook", "أرسلت من ", "أُرسلت من ", "تم الإرسال من ",
    "مرسل من ", "احصل على outlook", "an aiko daga ", "an aika daga ", "provenance : ",
)  # fmt: skip


def own_words(text: str, markers: Sequence[str]) -> str:
    """
    What the writer of a reply added, at most LONGEST characters and MOST_LINES lines.

    It is cut at our own marker line in any language, else where a quotation opens; of a reply
    written below its quotation what stands there is taken. One pass over bounded lines.
    """
    lines = [_tidy(line) for line in text[: _READ * _LINE].splitlines()[:_READ]]
    end = _end(lines, [_bare(marker) for marker in markers])
    kept = _stripped(lines[:end])
    if not kept:
        kept = _below(lines[end:], [_bare(marker) for marker in markers])
    return "\n".join(kept[:MOST_LINES])[:LONGEST].strip()


def from_html(page: str) -> str:
    """
    The text of a page, quotations marked with ">".

    One walk from tag to tag; where a tag, a comment or a style does not end, the text does.
    """
    pieces: list[str] = []
    at, quoted = 0, 0
    while at < len(page):
        opens = page.find("<", at)
        if opens < 0:
            pieces.append(_flat(page[at:]))
            break
        pieces.append(_flat(page[at:opens]))
        if page.startswith("<!--", opens):
            closes = page.find("-->", opens + 4)
            if closes < 0:
                break
            at = closes + 3
            continue
        closes = page.find(">", opens + 1)
        if closes < 0:
            break
        name, ends = _tag(page[opens + 1 : opens + 40])
        at = closes + 1
        if name in _HIDDEN and not ends:
            stop = _find_end(page, name, at)
            if stop < 0:
                break
            at = stop
        elif name == "blockquote":
            quoted = max(0, quoted - 1) if ends else quoted + 1
            pieces.append("\n> " if quoted else "\n")
        elif name in _BREAKING:
            pieces.append("\n> " if quoted else "\n")
    return html.unescape("".join(pieces))


_HIDDEN: Final = frozenset({"style", "script", "head", "title"})
_BREAKING: Final = frozenset({"br", "p", "div", "tr", "li", "hr", "h1", "h2", "h3", "table", "ul"})


def _tag(inside: str) -> tuple[str, bool]:
    ends = inside.startswith("/")
    name = re.match(r"/?([A-Za-z0-9]{1,12})", inside)
    return (name[1].lower() if name else ""), ends


def _find_end(page: str, name: str, at: int) -> int:
    """The place behind the end tag of what is not shown; -1 if there is none."""
    ending = re.compile(rf"</{name}[^>]{{0,40}}>", re.IGNORECASE).search(page, at)
    return ending.end() if ending else -1


def _flat(text: str) -> str:
    """Breaks in the source of a page are spaces."""
    return text.replace("\r", " ").replace("\n", " ")


def _tidy(line: str) -> str:
    line = unicodedata.normalize("NFC", line[:_LINE]).translate(_INVISIBLE).translate(_SPACES)
    return "".join(c for c in line if c.isprintable() or c == "\t").rstrip()


def _bare(line: str) -> str:
    """A line without quotation marks and rules around it, to be compared."""
    return " ".join(line.strip(_DASHES).casefold().split())


def _end(lines: Sequence[str], markers: Sequence[str]) -> int:
    """The first line that is not the writer's own."""
    bare = [_bare(line) for line in lines]
    for at, line in enumerate(lines):
        if _is_marker(bare, at, markers) or _opens_quotation(lines, bare, at):
            return at
        if line.rstrip() == "--" or line.startswith("-- "):
            return at
        if bare[at].startswith(_SENT_FROM):
            return at
    return len(lines)


def _is_marker(bare: Sequence[str], at: int, markers: Sequence[str]) -> bool:
    """Our line, also where a program broke it in two."""
    following = bare[at + 1] if at + 1 < len(bare) else ""
    both = f"{bare[at]} {following}"
    return any(m in bare[at] or (m in both and m not in following) for m in markers if m)


def _opens_quotation(lines: Sequence[str], bare: Sequence[str], at: int) -> bool:
    line = lines[at].strip()
    if not line:
        return False
    if line.startswith((">", "|>")):
        return True
    low = line.casefold()
    if bare[at] in _SEPARATORS or any(sign in low for sign in _ANYWHERE):
        return True
    if _is_rule(line) and _is_header(lines, at + 1):
        return True
    if _is_header(lines, at):
        return True
    joined = " ".join([low, *(b.strip().casefold() for b in lines[at + 1 : at + 3])])
    for begins, endings in _OPENINGS:
        if low.startswith(begins) and any(_ends_soon(lines, at, ending) for ending in endings):
            return True
    # Whatever the language: an address in angle brackets and a colon at the end of the line.
    return _names_writer(low) or (low[-1:] != "." and "<" in joined and _names_writer_in(lines, at))


def _ends_soon(lines: Sequence[str], at: int, ending: str) -> bool:
    """Whether one of the next three lines ends so; programs break a long opening."""
    for line in lines[at : at + 3]:
        low = line.strip().casefold()
        if not low:
            return False
        if low.endswith(ending) or (ending.removesuffix(":").strip() in low and low.endswith(":")):
            return True
    return False


def _names_writer(low: str) -> bool:
    opens, closes = low.find("<"), low.rfind(">")
    has_day = any(c.isdigit() for c in low[: max(opens, 0)])
    return low.endswith(":") and 0 <= opens < closes and "@" in low[opens:closes] and has_day


def _names_writer_in(lines: Sequence[str], at: int) -> bool:
    """The same where it was broken in front of the address."""
    if at + 1 >= len(lines) or not lines[at + 1].strip():
        return False
    second = lines[at + 1].strip().casefold()
    return second.startswith("<") and _names_writer(f"{lines[at].strip().casefold()} {second}")


def _is_rule(line: str) -> bool:
    return len(line) >= 10 and not line.strip("_-*=")  # noqa: PLR2004 - a drawn line


def _is_header(lines: Sequence[str], at: int) -> bool:
    """Whether a head of a mail was copied here: two of its lines close to each other."""
    near = [line for line in lines[at : at + 8] if line.strip()][:4]
    if not near or not _named(near[0]):
        return False
    return any(_named(first) and _named(second) for first, second in pairwise(near[:3]))


def _named(line: str) -> bool:
    name, colon, _value = line.strip(" *\t").partition(":")
    return bool(colon) and name.strip(" *").casefold() in _HEADER_NAMES


def _stripped(lines: Sequence[str]) -> list[str]:
    """Without empty lines at both ends, and never two of them in a row."""
    kept: list[str] = []
    for line in lines:
        if line.strip() or (kept and kept[-1]):
            kept.append(line.strip())
    while kept and not kept[-1]:
        kept.pop()
    return kept


def _below(lines: Sequence[str], markers: Sequence[str]) -> list[str]:
    """What was written under a quotation, where every quoted line is marked as such."""
    quoted = [at for at, line in enumerate(lines) if line.lstrip().startswith(">")]
    if not quoted:
        return []
    rest = lines[quoted[-1] + 1 :]
    return _stripped(rest[: _end(rest, markers)])
