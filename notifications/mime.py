"""
The exact bytes of a message, made without the standard library's header machinery.

`email.message.EmailMessage` needs about a millisecond per mail, most of a reminder run, and folds
long Message-IDs and List-Unsubscribe into encoded-words that clients do not read. The tests prove
these bytes by parsing them back with it.
"""

import base64
import binascii
import re
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from hashlib import blake2s
from typing import Final

from notifications.message import Message

_LINE: Final = 76
_HARD_LINE: Final = 998
_NAME: Final = 60
_WORD_ROOM: Final = 75 - len("=?utf-8?q??=")
_ADDRESS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-]{1,64}@[A-Za-z0-9.\-]{1,255}")
_MESSAGE_ID: Final = re.compile(r"<[!-;=?A-~]+@[!-;=?A-~]+>")  # all that prints but < > @
_MAILTO: Final = re.compile(r"mailto:[!-;=?-~]+")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_BREAK: Final = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
_NAME_BREAKERS: Final = str.maketrans(dict.fromkeys('",<>@;:\\()[]', " "))
_Q_PLAIN: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")


def to_bytes(message: Message) -> bytes:
    """
    The mail as it goes over the wire: CRLF, 7-bit, lines of at most 78 characters.

    multipart/alternative of text and HTML, both quoted-printable. Message-IDs and List-Unsubscribe
    stand on one line, at most 998 characters, as RFC 5322 allows. The same message always gives
    the same bytes. ValueError: a header that cannot be (a line break, an address that is none or
    not ASCII, a time without zone); the sentence names the header.
    """
    boundary = f"=_{blake2s(message.message_id.encode(), digest_size=15).hexdigest()}"
    head = "\r\n".join([*_headers(message), _content_type(boundary), "", ""])
    return b"".join(
        (
            head.encode("ascii"),
            _part(boundary, "plain", message.text),
            _part(boundary, "html", message.html),
            f"--{boundary}--\r\n".encode("ascii"),
        )
    )


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


def _content_type(boundary: str) -> str:
    return f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"'


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
    # "=_" cannot occur in quoted-printable, so the boundary cannot occur in a body.
    unix = body.replace("\r\n", "\n").replace("\r", "\n")
    spelt = binascii.b2a_qp(unix.encode(), istext=True).replace(b"\n", b"\r\n")
    head = (
        f'--{boundary}\r\nContent-Type: text/{subtype}; charset="utf-8"\r\n'
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    ).encode("ascii")
    part = head + spelt + b"\r\n"
    # Old mailboxes write ">From "; the break keeps the line within 76 characters.
    return part.replace(b"\r\nFrom ", b"\r\n=46rom=\r\n ") if b"\r\nFrom " in part else part
