"""Small pictures as telephones send them, with and without the notes beside them."""

import io
import struct
import zlib

from PIL import Image

WHERE = b"13.5281N 2.0946W"
"""What must not be kept: where a picture was taken."""


def a_jpeg(*, noted: bool = False, turned: int = 1) -> bytes:
    """Two pixels; noted as a telephone does: place, small picture, a film behind it."""
    data = _saved("JPEG", _exif(turned) if noted else b"")
    if not noted:
        return data
    comment = b"\xff\xfe" + struct.pack(">H", len(WHERE) + 2) + WHERE
    xmp = b"http://ns.adobe.com/xap/1.0/\0" + WHERE
    app1 = b"\xff\xe1" + struct.pack(">H", len(xmp) + 2) + xmp
    return data[:2] + comment + app1 + data[2:] + b"ftypmp42" + WHERE


def a_png(size: int = 0, *, noted: bool = False) -> bytes:
    """Two pixels, and so many bytes more that cannot be seen."""
    data = _saved("PNG", b"")
    head, body = data[:33], data[33:]
    if size:
        head += _chunk(b"IDAT", bytes(size))
    if noted:
        head += _chunk(b"eXIf", _exif(1)[6:]) + _chunk(b"tEXt", b"Location\0" + WHERE)
    return head + body + (WHERE if noted else b"")


def a_webp(*, noted: bool = False) -> bytes:
    return _saved("WEBP", _exif(1) if noted else b"")


def a_heic(*, noted: bool = True) -> bytes:
    """The parts of one, in the order of a telephone; of the picture itself only some bytes."""
    infe = [_box(b"infe", b"\2\0\0\0" + struct.pack(">HH", 1, 0) + b"hvc1\0")]
    places = [(1, b"the picture itself")]
    if noted:
        infe.append(_box(b"infe", b"\2\0\0\0" + struct.pack(">HH", 2, 0) + b"Exif\0"))
        infe.append(_box(b"infe", b"\2\0\0\0" + struct.pack(">HH", 3, 0) + b"mime\0x\0"))
        places += [(2, _exif(1) + WHERE), (3, b"<x:xmpmeta>" + WHERE)]
    iinf = _box(b"iinf", b"\0\0\0\0" + struct.pack(">H", len(infe)) + b"".join(infe))
    ftyp = _box(b"ftyp", b"heic\0\0\0\0mif1heic")

    def meta(start: int) -> bytes:
        iloc = b"\0\0\0\0" + b"\x44\0" + struct.pack(">H", len(places))
        for number, content in places:
            iloc += struct.pack(">HHHII", number, 0, 1, start, len(content))
            start += len(content)
        return _box(b"meta", b"\0\0\0\0" + iinf + _box(b"iloc", iloc))

    start = len(ftyp) + len(meta(0)) + 8
    film = _box(b"mpvd", WHERE) if noted else b""
    return ftyp + meta(start) + _box(b"mdat", b"".join(one for _n, one in places)) + film


def _saved(kind: str, exif: bytes) -> bytes:
    held = io.BytesIO()
    picture = Image.new("RGB", (2, 1), (200, 30, 30))
    more = {"exif": exif} if exif else {}
    picture.save(held, kind, **more)
    return held.getvalue()


def _exif(turned: int) -> bytes:
    made = Image.Exif()
    made[0x0112] = turned
    made[0x010E] = WHERE.decode()
    made.get_ifd(0x8825)[29] = WHERE.decode()
    return b"Exif\0\0" + made.tobytes().removeprefix(b"Exif\0\0")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body) + 8) + kind + body
