"""Photographs freed of what telephones write into them: where, when, with what, by whom."""

import re
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Final


class UnreadableError(ValueError):
    """The parts of a picture cannot be told apart, so nobody can say what is in them."""


def bare(data: bytes, media_type: str) -> bytes:
    """
    The same picture without notes beside it; what is no picture comes back as it is.

    Only the parts of the file are told apart, no picture is ever decoded. UnreadableError for one
    whose parts do not follow each other.
    """
    freed = _FREED.get(media_type)
    if freed is None:
        return data
    try:
        return freed(data)
    except (IndexError, struct.error):
        raise UnreadableError(media_type) from None


# ---------------------------------------------------------------------------------------- JPEG

_EXIF, _APP0, _APP1, _APP2, _APP14 = b"Exif\0\0", 0xE0, 0xE1, 0xE2, 0xEE
_START_OF_SCAN, _END, _COMMENT = 0xDA, 0xD9, 0xFE
_BEFORE_LENGTHS: Final = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers that stand alone."""

_NOTES: Final = frozenset({*range(0xE0, 0xF0), *range(0xF0, 0xFE), _COMMENT})
_SHOWN: Final = ((_APP2, b"ICC_PROFILE\0"), (_APP14, b"Adobe"))
"""Of the notes those that the colours depend on."""

_NEXT_MARKER: Final = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
_ORIENTATION, _TURNED = 0x0112, range(2, 9)


def _jpeg(data: bytes) -> bytes:
    kept, at = bytearray(data[:2]), 2
    while True:
        if data[at] != 0xFF:  # noqa: PLR2004 - with it every marker begins
            raise UnreadableError("jpeg")
        while data[at] == 0xFF:  # noqa: PLR2004
            at += 1
        marker, at = data[at], at + 1
        if marker == _END:
            return bytes(kept + b"\xff\xd9")  # some telephones write a film behind it
        if marker in _BEFORE_LENGTHS:
            kept += bytes((0xFF, marker))
            continue
        length = _number(data, at, 2)
        body = data[at + 2 : at + length]
        if length < 2 or len(body) != length - 2:  # noqa: PLR2004 - it counts itself
            raise UnreadableError("jpeg")
        kept += _segment(marker, body)
        at += length
        if marker == _START_OF_SCAN:
            found = _NEXT_MARKER.search(data, at)
            end = found.start() if found else len(data)
            kept += data[at:end]
            if found is None:
                return bytes(kept + b"\xff\xd9")  # cut off on its way; what is there can be seen
            at = end


def _segment(marker: int, body: bytes) -> bytes:
    """A part as it is kept: whole, without its notes, or not at all."""
    if marker == _APP0 and body.startswith(b"JFIF\0"):
        body = body[:12] + b"\0\0"  # the small picture in it may show what was cut away
    elif marker == _APP1 and body.startswith(_EXIF):
        turned = _orientation(body[len(_EXIF) :])
        if turned not in _TURNED:
            return b""
        # Without it the picture would lie on its side: a note that says nothing else.
        body = _EXIF + struct.pack(
            ">2sHIHHHIHHI", b"MM", 42, 8, 1, _ORIENTATION, 3, 1, turned, 0, 0
        )
    elif marker in _NOTES and not any(
        marker == known and body.startswith(begins) for known, begins in _SHOWN
    ):
        return b""
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body


def _orientation(tiff: bytes) -> int:
    """How a telephone was held; 0 where that is not said, or cannot be read."""
    order = {b"MM": ">", b"II": "<"}.get(tiff[:2])
    if order is None:
        return 0
    try:
        (at,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, at)
        for number in range(count):
            tag, _kind, _count, value = struct.unpack_from(
                f"{order}HHIH", tiff, at + 2 + 12 * number
            )
            if tag == _ORIENTATION:
                return int(value)
    except struct.error:
        pass
    return 0


# ----------------------------------------------------------------------------------------- PNG

_PNG_KEPT: Final = frozenset(
    b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP cICP bKGD pHYs sBIT hIST sPLT acTL fcTL fdAT"
    .split()
)  # fmt: skip


def _png(data: bytes) -> bytes:
    kept, at = bytearray(data[:8]), 8
    while True:
        length, kind = _number(data, at, 4), data[at + 4 : at + 8]
        chunk = data[at : at + 12 + length]
        if len(chunk) != 12 + length:
            raise UnreadableError("png")
        if kind in _PNG_KEPT:
            kept += chunk
        if kind == b"IEND":
            return bytes(kept)
        at += 12 + length


# ---------------------------------------------------------------------------------------- WebP

_WEBP_KEPT: Final = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"))
_WEBP_NOTES: Final = 0x08 | 0x04
"""The flags that say that there are notes of a camera, and of a program."""


def _webp(data: bytes) -> bytes:
    kept, at = bytearray(b"WEBP"), 12
    end = min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    while at < end:
        kind, said = data[at : at + 4], data[at + 4 : at + 8]
        length = int.from_bytes(said, "little")
        body = data[at + 8 : at + 8 + length]
        if len(said) != 4 or len(body) != length:  # noqa: PLR2004 - both have four bytes
            raise UnreadableError("webp")
        if kind == b"VP8X":
            body = bytes((body[0] & ~_WEBP_NOTES,)) + body[1:]
        if kind in _WEBP_KEPT:
            kept += kind + length.to_bytes(4, "little") + body + b"\0" * (length % 2)
        at += 8 + length + length % 2
    return b"RIFF" + len(kept).to_bytes(4, "little") + bytes(kept)


# ---------------------------------------------------------------------------------------- HEIC

_HEIC_KEPT: Final = frozenset((b"ftyp", b"meta", b"mdat"))
_HEIC_NOTES: Final = frozenset((b"Exif", b"mime", b"uri "))
_Box = tuple[bytes, int, int]
"""Its kind, and where its content begins and ends."""


def _heic(data: bytes) -> bytes:
    """Every note is written over, and stays as long as it was: other parts are found by number."""
    freed = bytearray(data)
    for kind, begin, end in _boxes(data, 0, len(data)):
        if kind not in _HEIC_KEPT:
            freed[begin:end] = bytes(end - begin)
        elif kind == b"meta":
            for first, last in _noted(data, begin + 4, end):
                freed[first:last] = bytes(last - first)
    return bytes(freed)


def _boxes(data: bytes, at: int, end: int) -> Iterator[_Box]:
    while at < end:
        length, head, kind = _number(data, at, 4), 8, data[at + 4 : at + 8]
        if length == 1:
            length, head = _number(data, at + 8, 8), 16
        elif length == 0:
            length = end - at
        if length < head or at + length > end:
            raise UnreadableError("heic")
        yield kind, at + head, at + length
        at += length


def _noted(data: bytes, at: int, end: int) -> Iterator[tuple[int, int]]:
    """Where the notes of a picture stand in its file."""
    inside = {kind: (begin, last) for kind, begin, last in _boxes(data, at, end)}
    notes = set(_note_ids(data, *inside[b"iinf"])) if b"iinf" in inside else set()
    if not notes:
        return
    if b"iloc" not in inside:
        raise UnreadableError("heic")
    own = inside.get(b"idat", (0, 0))[0]
    for item, method, offset, length in _extents(data, inside[b"iloc"][0]):
        if item not in notes:
            continue
        first = offset + (own if method == 1 else 0)
        last = first + length if length else 0
        if method > 1 or not length or last > len(data):
            raise UnreadableError("heic")
        yield first, last


def _note_ids(data: bytes, at: int, end: int) -> Iterator[int]:
    wide = data[at] > 0
    for kind, begin, _last in _boxes(data, at + (8 if wide else 6), end):
        version = data[begin]
        if kind != b"infe" or version < 2:  # noqa: PLR2004 - older ones name no kind
            raise UnreadableError("heic")
        size = 2 if version == 2 else 4  # noqa: PLR2004
        named = begin + 4 + size + 2
        if data[named : named + 4] in _HEIC_NOTES:
            yield _number(data, begin + 4, size)


def _extents(data: bytes, at: int) -> Iterator[tuple[int, int, int, int]]:
    """Each piece of each part: its number, the way its place is counted, its place and length."""
    version, sizes, at = data[at], data[at + 4 : at + 6], at + 6
    offset_size, length_size, base_size = sizes[0] >> 4, sizes[0] & 15, sizes[1] >> 4
    index_size = sizes[1] & 15 if version else 0
    wide = 4 if version == 2 else 2  # noqa: PLR2004
    count, at = _number(data, at, wide), at + wide
    for _part in range(count):
        item, at = _number(data, at, wide), at + wide
        method = _number(data, at, 2) & 15 if version else 0
        at += 4 if version else 2
        base, at = _number(data, at, base_size), at + base_size
        pieces, at = _number(data, at, 2), at + 2
        for _piece in range(pieces):
            at += index_size
            offset, at = _number(data, at, offset_size), at + offset_size
            length, at = _number(data, at, length_size), at + length_size
            yield item, method, base + offset, length


def _number(data: bytes, at: int, size: int) -> int:
    found = data[at : at + size]
    if len(found) != size:
        raise IndexError(at)
    return int.from_bytes(found, "big")


_FREED: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "image/jpeg": _jpeg,
    "image/png": _png,
    "image/webp": _webp,
    "image/heic": _heic,
}
