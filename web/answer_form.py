"""What a form sent: text fields cleaned of what nobody types, one file, and never too much."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from email.utils import collapse_rfc2231_value
from typing import Any, Final
from urllib.parse import parse_qsl

from fastapi import Request
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser

from workflows.evidence import LARGEST

MOST_TEXT: Final = 256 * 1024
MOST_KEPT: Final = LARGEST + MOST_TEXT
MOST_READ: Final = 24 * 1024 * 1024
"""So much is read to its end, so that the page with the typed words can still be given."""

MOST_FIELDS: Final = 400
"""A session that is written down has eight for each action; more than this no page of ours asks."""

LONGEST_NAME: Final = 60

_UNTYPED: Final = re.compile(
    # Controls, marks that turn the direction around, half of a pair, and signs that are none.
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff\ufffe\uffff]"
)


_LINE_ENDS: Final = re.compile("\r\n|[\r\u0085\u2028\u2029]")


class TooMuch(Exception):
    """More was sent than is read to the end, or than any page of ours asks."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was sent; `whole` is False for one of which only the beginning was kept."""

    name: str
    data: bytes = field(repr=False)
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Sent:
    """The fields of a form by name, and the file if one was chosen."""

    fields: Mapping[str, str]
    upload: Upload | None = None

    def get(self, name: str) -> str:
        return self.fields.get(name, "")


def clean(text: str) -> str:
    """The text without what cannot be seen, its line ends alike, nothing around it."""
    return _UNTYPED.sub("", _LINE_ENDS.sub("\n", text)).strip()


def one_line(text: str) -> str:
    """The text cleaned, and without line ends or runs of space: a name, a reason, a reference."""
    return " ".join(clean(text).split())


def plain_digits(text: str) -> str:
    """The digits of any script (٣, ۳) as 0 to 9, for days and numbers; the rest as it is."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(sign, sign)) for sign in text)


async def read_form(request: Request) -> Sent:
    """
    The form in a request.

    TooMuch beyond what a form can hold. What cannot be understood counts as not sent.
    """
    kind = Message()
    kind["content-type"] = request.headers.get("content-type", "")
    multipart = kind.get_content_type() == "multipart/form-data"
    body, cut = await _body(request, MOST_KEPT if multipart else MOST_TEXT)
    if multipart:
        return _multipart(body, kind.get_param("boundary"), whole=not cut)
    if cut:
        raise TooMuch
    if kind.get_content_type() != "application/x-www-form-urlencoded":
        return Sent({})
    try:
        pairs = parse_qsl(
            body.decode("latin-1"), keep_blank_values=True, encoding="utf-8",
            errors="replace", max_num_fields=MOST_FIELDS,
        )  # fmt: skip
    except ValueError:  # the one thing that it refuses
        raise TooMuch from None
    return Sent({name: clean(value) for name, value in pairs if len(name) <= LONGEST_NAME})


async def _body(request: Request, most: int) -> tuple[bytes, bool]:
    """The first `most` bytes, and whether there were more; the rest is read and thrown away."""
    said = request.headers.get("content-length", "")
    if said.isdecimal() and int(said) > MOST_READ:
        raise TooMuch
    kept, seen = bytearray(), 0
    async for piece in request.stream():
        seen += len(piece)
        if seen > MOST_READ:
            raise TooMuch
        kept += piece[: max(0, most - len(kept))]
    return bytes(kept), seen > most


class _Part:
    """One part of a multipart body while it is being read."""

    def __init__(self) -> None:
        self.header, self.value = bytearray(), bytearray()
        self.disposition = Message()
        self.data = bytearray()


def _multipart(body: bytes, boundary: object, *, whole: bool) -> Sent:
    """The parts of a body; of one that was cut off, as many as there are."""
    if not isinstance(boundary, str) or not boundary:
        return Sent({})
    parts: list[_Part] = []

    def header_end() -> None:
        part = parts[-1]
        if bytes(part.header).lower() == b"content-disposition":
            text = bytes(part.value).decode("utf-8", "replace").replace("\n", " ")
            part.disposition["content-disposition"] = text.replace("\r", " ")
        part.header.clear()
        part.value.clear()

    def begin() -> None:
        if len(parts) >= MOST_FIELDS:
            raise TooMuch
        parts.append(_Part())

    callbacks: Any = {  # the library names the type for type checkers only
        "on_part_begin": begin,
        "on_header_field": lambda data, start, end: parts[-1].header.extend(data[start:end]),
        "on_header_value": lambda data, start, end: parts[-1].value.extend(data[start:end]),
        "on_header_end": header_end,
        "on_part_data": lambda data, start, end: parts[-1].data.extend(data[start:end]),
    }
    try:
        MultipartParser(boundary.encode("latin-1", "replace"), callbacks).write(body)
    except MultipartParseError:
        return Sent({})
    fields: dict[str, str] = {}
    upload: Upload | None = None
    for number, part in enumerate(parts, 1):
        name = part.disposition.get_param("name", "", "content-disposition")
        file_name = part.disposition.get_param("filename", None, "content-disposition")
        if not isinstance(name, str) or len(name) > LONGEST_NAME:
            continue
        if file_name is None:
            fields[name] = clean(bytes(part.data[:MOST_TEXT]).decode("utf-8", "replace"))
        elif part.data:
            complete = whole or number < len(parts)
            upload = Upload(collapse_rfc2231_value(file_name), bytes(part.data), complete)
    return Sent(fields, upload)
