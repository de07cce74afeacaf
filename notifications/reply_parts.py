"""A mail taken apart into its leaves: in linear time, whatever somebody put into it."""

import binascii
import quopri
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32
from typing import Final

MOST_PARTS: Final = 60
DEEPEST: Final = 8
LARGEST_HEAD: Final = 64 * 1024
MOST_HEADERS: Final = 300
LONGEST_HEADER: Final = 4096
"""
The library's parser takes as long as the square of what it is given in some places, and fails on
what is nested too deep. So it gets to see headers only, and none that is longer than this.
"""

_HEAD_ENDS: Final = re.compile(rb"\r?\n\r?\n")
_LINE: Final = re.compile(rb"\r\n|\r|\n")
_PARSER: Final = BytesHeaderParser(policy=compat32)
_LEAVES: Final = frozenset({"message/rfc822", "message/delivery-status", "message/global"})
_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NO_BASE64: Final = bytes(sign for sign in range(256) if sign not in _BASE64)
_LATIN: Final = "windows-1252"  # what is no UTF-8 and says nothing is most often this
_LETTERS: Final = re.compile(
    r"utf[-_]?(8|16|32)\w*|iso[-_]?8859[-_]\d+|(windows|cp)[-_]?\d+|mac\w*|latin\d*|koi8[-_]\w"
    r"|gb\d+|gbk|big5\w*|euc[-_]\w+|shift[-_]?jis|iso[-_]2022[-_]\w+",
    re.IGNORECASE,
)
"""Python knows more than these, and some of those take for ever or are no letters at all."""


@dataclass(frozen=True, slots=True)
class Part:
    """One leaf of a mail. `inline`: it is shown inside of a text, as a logo is."""

    head: Message
    body: bytes
    inline: bool = False
    whole: bool = True

    @property
    def kind(self) -> str:
        """The media type that it claims."""
        return self.head.get_content_type()

    @property
    def name(self) -> str:
        """The file name that it claims, or nothing."""
        try:
            return words_of(self.head.get_filename() or "")
        except (ValueError, LookupError, TypeError, AttributeError):
            return ""  # the library stumbles over some parameters that are none

    @property
    def attached(self) -> bool:
        """Whether it is a file rather than the words of the mail."""
        said = str(self.head.get("Content-Disposition", ""))[:40].strip().lower()
        return said.startswith("attachment") or bool(self.name)

    def content(self) -> bytes:
        """Its bytes as they were before they were made fit for mail; broken ones as far as read."""
        coding = str(self.head.get("Content-Transfer-Encoding", "")).strip().lower()
        if coding == "base64":
            return _from_base64(self.body)
        if coding == "quoted-printable":
            return quopri.decodestring(self.body)
        return self.body

    def text(self, longest: int) -> str:
        """The first characters of it, in whatever letters they were written."""
        data = self.content()
        try:
            charset = str(self.head.get_content_charset(""))
        except (ValueError, LookupError, TypeError, AttributeError):
            charset = ""
        most = 4 * longest
        return decoded(data[:most], charset, cut=len(data) > most)[:longest]


def parts_of(raw: bytes) -> tuple[Message, list[Part]]:
    """The head of a mail and its leaves in order, at most MOST_PARTS of them."""
    head, body = split(raw)
    return head, list(_leaves(head, body))


def split(raw: bytes) -> tuple[Message, bytes]:
    """Head and body of a mail or of a part."""
    if raw[:1] in {b"\r", b"\n"}:  # a part without a head
        return _PARSER.parsebytes(b""), raw.lstrip(b"\r\n")
    end = _HEAD_ENDS.search(raw)
    head, body = (raw[: end.start()], raw[end.end() :]) if end else (raw, b"")
    return _PARSER.parsebytes(_bounded(head[:LARGEST_HEAD])), body


def values_of(head: Message, name: str) -> list[str]:
    """What stands in each header of that name, unfolded and in readable letters."""
    wanted = name.lower()
    found = [value for known, value in head.raw_items() if known.lower() == wanted]
    return [words_of(str(value)) for value in found[:20]]


def value_of(head: Message, name: str) -> str:
    """What stands in the first header of that name; empty if there is none."""
    return next(iter(values_of(head, name)), "")


def words_of(value: str) -> str:
    """A header's value with its encoded words put into letters, on one line."""
    value = value[:LONGEST_HEADER]
    if "=?" in value:
        try:
            pieces = decode_header(value)
        except (HeaderParseError, ValueError, binascii.Error):
            pieces = [(value, None)]
        value = "".join(
            decoded(piece, charset or "") if isinstance(piece, bytes) else piece
            for piece, charset in pieces
        )
    # Bytes that are no ASCII come as halves of characters.
    return " ".join(decoded(_bytes_of(value), "").split())


def decoded(data: bytes, charset: str, *, cut: bool = False) -> str:
    """
    Text of these bytes: in the letters that they claim, else UTF-8, else western ones.

    `cut`: they end anywhere, so a letter that was cut in two is no reason to doubt the others.
    """
    for claimed in (charset, "utf-8"):
        known = claimed.strip("\"' ")
        if not _LETTERS.fullmatch(known):
            continue
        for end in (len(data), len(data) - 1, len(data) - 2, len(data) - 3)[: 4 if cut else 1]:
            try:
                return data[: max(0, end)].decode(known)
            except (LookupError, ValueError):
                continue
    return data.decode(_LATIN, "replace")


def _leaves(head: Message, body: bytes) -> Iterator[Part]:
    """Depth first, with a stack of our own: nesting cannot exhaust Python's."""
    left = MOST_PARTS
    waiting: list[tuple[Message, bytes, int, bool, bool]] = [(head, body, 0, False, True)]
    while waiting and left:
        head, body, depth, related, whole = waiting.pop()
        boundary = _boundary(head)
        if boundary and depth < DEEPEST and head.get_content_type() not in _LEAVES:
            inner = "/related" in head.get_content_type()
            pieces, closed = _pieces(body, boundary, left)
            found = [
                (*split(piece), depth + 1, inner, closed or at + 1 < len(pieces))
                for at, piece in enumerate(pieces)
            ]
            waiting.extend(reversed(found))
            continue
        left -= 1
        yield Part(head, body, inline=related and "Content-ID" in head, whole=whole)


def _boundary(head: Message) -> bytes:
    if head.get_content_maintype() != "multipart":
        return b""
    try:
        said = str(head.get_boundary() or "")
    except (ValueError, LookupError, AttributeError, TypeError):
        return b""
    return _bytes_of(said)[:200]


def _pieces(body: bytes, boundary: bytes, most: int) -> tuple[Sequence[bytes], bool]:
    """What stands between the lines of a boundary, and whether the last of them was there."""
    line = re.compile(rb"^--" + re.escape(boundary) + rb"(--)?[ \t]*\r?$", re.MULTILINE)
    pieces: list[bytes] = []
    begun: int | None = None
    for hit in line.finditer(body):
        if begun is not None:
            pieces.append(_without_break(body[begun : hit.start()]))
        begun = hit.end() + 1  # behind the line feed
        if hit[1] or len(pieces) >= most:
            return pieces, True
    if begun is not None:
        pieces.append(body[begun:])
    return pieces, False


def _without_break(piece: bytes) -> bytes:
    """The break before a boundary belongs to the boundary."""
    return piece.removesuffix(b"\n").removesuffix(b"\r")


def _bounded(head: bytes) -> bytes:
    """The same headers, but not too many and none too long."""
    kept: list[bytes] = []
    sizes: list[int] = []
    for line in _LINE.split(head):
        if line[:1] in {b" ", b"\t"} and kept:
            if sizes[-1] + len(line) <= LONGEST_HEADER:
                kept.append(line)
                sizes[-1] += len(line)
        elif len(sizes) < MOST_HEADERS:
            kept.append(line[:LONGEST_HEADER])
            sizes.append(len(line))
    return b"\r\n".join(kept) + b"\r\n\r\n"


def _bytes_of(value: str) -> bytes:
    """The bytes of a header; those that are no ASCII were kept as halves of characters."""
    try:
        return value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return value.encode("utf-8", "replace")


def _from_base64(body: bytes) -> bytes:
    kept = body.translate(None, _NO_BASE64)
    if len(kept) % 4 == 1:
        kept = kept[:-1]  # one sign alone is no byte
    return binascii.a2b_base64(kept + b"=" * (-len(kept) % 4))
