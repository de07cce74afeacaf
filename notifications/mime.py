"""
The exact bytes of a message, made without the standard library's header machinery.

`email.message.EmailMessage` needs about a millisecond per mail, most of a reminder run, and folds
long Message-IDs and List-Unsubscribe into encoded-words that clients do not read. The tests prove
these bytes by parsing them back with it.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from hashlib import blake2s
from typing import Final

from notifications.message import Message

_LINE: Final = 76
_HARD_LINE: Final = 998
_NAME: Final = 60
_DENSE: Final = 1.1  # with more letters beyond ASCII, Arabic say, base64 is half as long
_WORD_ROOM: Final = 75 - len("=?utf-8?q??=")
_ADDRESS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-]{1,64}@[A-Za-z0-9.\-]{1,255}")
_MESSAGE_ID: Final = re.compile(r"<[!-;=?A-~]+@[!-;=?A-~]+>")  # all that prints but < > @
_MAILTO: Final = re.compile(r"mailto:[!-;=?-~]+")
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,80}")
_MEDIA_TYPE: Final = re.compile(r"[a-z]+/[a-z0-9.+-]{1,80}")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_BREAK: Final = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
_NAME_BREAKERS: Final = str.maketrans(dict.fromkeys('",<>@;:\\()[]', " "))
_Q_PLAIN: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosure:
    """A file in a mail: one that is shown in the HTML has a `cid`, an attachment has none."""

    name: str
    data: bytes
    media_type: str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    cid: str = ""


def to_bytes(
    message: Message,
    *,
    related: Sequence[Enclosure] = (),
    attached: Sequence[Enclosure] = (),
) -> bytes:
    """
    The mail as it goes over the wire: CRLF, 7-bit, lines of at most 78 characters.

    multipart/alternative of text and HTML, each in quoted-printable or base64, whichever is
    shorter in its script. Message-IDs and List-Unsubscribe stand on one line, at most 998
    characters, as RFC 5322 allows. The same message always gives the same bytes. ValueError: a
    header that cannot be (a line break, an address that is none or not ASCII, a time without
    zone); the sentence names the header.

    `related` are pictures of the HTML: it and they make a multipart/related. `attached` stand
    behind all of it, in a multipart/mixed.
    """
    boundary = f"=_{blake2s(message.message_id.encode(), digest_size=15).hexdigest()}"
    shown = _part(boundary, "html", message.html)
    if related:
        inner = f"{boundary}.r"
        pieces = [_part(inner, "html", message.html), *(_enclosed(inner, e) for e in related)]
        shown = _nested(boundary, "related", inner, pieces)
    words = [_part(boundary, "plain", message.text), shown]
    kind, outermost = _multipart("alternative", boundary), boundary
    if attached:
        outermost = f"{boundary}.m"
        kind = _multipart("mixed", outermost)
        words = [
            _nested(outermost, "alternative", boundary, words),
            *(_enclosed(outermost, e) for e in attached),
        ]
    head = "\r\n".join([*_headers(message), kind, "", ""])
    return b"".join((head.encode("ascii"), *words, f"--{outermost}--\r\n".encode("ascii")))


def _multipart(subtype: str, boundary: str) -> str:
    return f'Content-Type: multipart/{subtype};\r\n boundary="{boundary}"'


def _nested(outer: str, subtype: str, boundary: str, parts: Sequence[bytes]) -> bytes:
    head = f"--{outer}\r\n{_multipart(subtype, boundary)}\r\n\r\n"
    return b"".join((head.encode("ascii"), *parts, f"--{boundary}--\r\n".encode("ascii")))


def _enclosed(boundary: str, file: Enclosure) -> bytes:
    """A file in base64; its name and id are ours, and are checked all the same."""
    name = _checked("file name", file.name, _FILE_NAME)
    shown = "inline" if file.cid else "attachment"
    lines = [
        f"--{boundary}",
        f'Content-Type: {_checked("media type", file.media_type, _MEDIA_TYPE)};\r\n name="{name}"',
        "Content-Transfer-Encoding: base64",
        f'Content-Disposition: {shown};\r\n filename="{name}"',
    ]
    if file.cid:
        lines.append(f"Content-ID: {_checked('Content-ID', f'<{file.cid}>', _MESSAGE_ID)}")
    head = "\r\n".join([*lines, "", ""]).encode("ascii")
    return head + base64.encodebytes(file.data).replace(b"\n", b"\r\n")


def _headers(message: Message) -> list[str]:
    if message.sent_at.tzinfo is None:
        raise ValueError("Date: the time has no zone")
    message_id = _checked("Message-ID", message.message_id, _MESSAGE_ID)
    lines = [
        _from(message.sender_name, _checked("From", message.sender, _ADDRESS)),
        f"To: {_checked('To', message.to, _ADDRESS)}",
        f"Reply-To: {_checked('Reply-To', message.reply_to, _ADDRESS)}",
        _unstructured("Subject", message.subject),
        f"Date: {_date(message.sent_at)}",
        f"Message-ID: {message_id}",
    ]
    if message.thread_id and message.thread_id != message.message_id:
        thread_id = _checked("References", message.thread_id, _MESSAGE_ID)
        lines += [f"In-Reply-To: {thread_id}", f"References: {thread_id}"]
    unsubscribe = _checked("List-Unsubscribe", message.unsubscribe_mailto, _MAILTO)
    return [
        *lines,
        f"List-Unsubscribe: <{unsubscribe}>",
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: All",
        f"Content-Language: {_checked('Content-Language', message.language, _LANGUAGE)}",
        "MIME-Version: 1.0",
    ]


@lru_cache(maxsize=64)
def _date(sent_at: datetime) -> str:
    return format_datetime(sent_at.astimezone(UTC))


def _checked(header: str, value: str, form: re.Pattern[str]) -> str:
    if form.fullmatch(value) is None:
        raise ValueError(f"{header}: {value!r} cannot stand in that header")
    if len(header) + len(value) > _HARD_LINE - 4:
        raise ValueError(f"{header}: {len(value)} characters are too many for one line")
    return value


@lru_cache(maxsize=256)
def _from(name: str, address: str) -> str:
    """A quoted long name with a comma in it turns into a second address in some readers."""
    _refuse_breaks("From", name)
    spoken = " ".join(name.translate(_NAME_BREAKERS).split())[:_NAME].rstrip()
    if not spoken:
        return f"From: {address}"
    if _is_token_text(spoken):
        named = f'"{spoken}"'
    else:
        named = _encoded_words(spoken, room=_LINE - len("From: "))
    last = named.rsplit("\r\n", 1)[-1]
    gap = " " if len("From: ") + len(last) + len(address) + 3 <= _LINE else "\r\n "
    return f"From: {named}{gap}<{address}>"


def _unstructured(header: str, value: str) -> str:
    _refuse_breaks(header, value)
    words = value.split(" ")
    fits = all(len(word) <= _LINE - len(header) - 2 for word in words)
    if not (fits and _is_token_text(value) and "" not in words):
        return f"{header}: {_encoded_words(value, room=_LINE - len(header) - 2)}"
    lines = [f"{header}:"]
    for word in words:
        if len(lines[-1]) + 1 + len(word) > _LINE and lines[-1] != f"{header}:":
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}"
    return "\r\n".join(lines)


def _refuse_breaks(header: str, value: str) -> None:
    if _BREAK.search(value):
        raise ValueError(f"{header}: {value!r} holds a line break or a control character")


def _is_token_text(value: str) -> bool:
    return value.isascii() and "=?" not in value


def _encoded_words(value: str, room: int) -> str:
    """RFC 2047 words of at most 75 characters, a line each; no letter is cut in two."""
    spelt = [_q_spelt(char) for char in value]
    latin = sum(map(len, spelt)) <= 2 * len(value)
    units = spelt if latin else list(value)
    limit = min(_WORD_ROOM, room - (75 - _WORD_ROOM))
    words: list[str] = []
    start = size = 0
    for at, unit in enumerate(units):
        cost = len(unit) if latin else len(unit.encode())
        if size + cost > (limit if latin else limit // 4 * 3):
            words.append("".join(units[start:at]))
            start, size, limit = at, 0, _WORD_ROOM
        size += cost
    words.append("".join(units[start:]))
    return "\r\n ".join(map(_q_word if latin else _b_word, words))


@lru_cache(maxsize=1024)
def _q_spelt(char: str) -> str:
    if char == " ":
        return "_"
    return "".join(chr(byte) if byte in _Q_PLAIN else f"={byte:02X}" for byte in char.encode())


def _q_word(spelt: str) -> str:
    return f"=?utf-8?q?{spelt}?="


def _b_word(piece: str) -> str:
    return f"=?utf-8?b?{base64.b64encode(piece.encode()).decode('ascii')}?="


def _part(boundary: str, subtype: str, body: str) -> bytes:
    # Neither a base64 line nor quoted-printable can hold "=_", so no body holds the boundary.
    unix = body.replace("\r\n", "\n").replace("\r", "\n")
    data = unix.encode()
    dense = len(data) > _DENSE * len(unix)
    spelt = _base64(unix) if dense else binascii.b2a_qp(data, istext=True).replace(b"\n", b"\r\n")
    head = (
        f'--{boundary}\r\nContent-Type: text/{subtype}; charset="utf-8"\r\n'
        f"Content-Transfer-Encoding: {'base64' if dense else 'quoted-printable'}\r\n\r\n"
    ).encode("ascii")
    part = head + spelt + b"\r\n"
    # Old mailboxes write ">From "; the break keeps the line within 76 characters.
    return part.replace(b"\r\nFrom ", b"\r\n=46rom=\r\n ") if b"\r\nFrom " in part else part


def _base64(unix: str) -> bytes:
    return base64.encodebytes(unix.replace("\n", "\r\n").encode()).rstrip().replace(b"\n", b"\r\n")
