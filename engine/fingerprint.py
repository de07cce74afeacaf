"""Fingerprints: what stands for a whole history on paper, and can be typed in again."""

import re
from dataclasses import dataclass
from hashlib import sha256

from engine.errors import BadValue

PROGRAMME = "PROGRAMME"
"""Stands where a dialogue's code would; those have eight characters at most."""

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's 32 signs, without i, l, o and u."""

ROOT_SIGNS, CHECK_SIGNS, GROUP = 26, 2, 4
BITS = 5
"""Bits of a sign: 26 of them hold 130 bits of the root."""

_READ_AS = str.maketrans({"o": "0", "i": "1", "l": "1"})
_FORM = re.compile(r"\s*(\w+?)\s*[·.,:;/_ -]\s*(\d+)\s*[·.,:;/_ -](.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """One value over the first `size` events of a dialogue, or of the programme."""

    code: str
    size: int
    signs: str

    @classmethod
    def of(cls, code: str, size: int, root: bytes) -> "Fingerprint":
        """The fingerprint of a log of that size and root."""
        number = int.from_bytes(root, "big") >> (len(root) * 8 - ROOT_SIGNS * BITS)
        return cls(code.upper(), size, _signs(number, ROOT_SIGNS))

    @classmethod
    def read(cls, text: str) -> "Fingerprint":
        """The fingerprint in a text, however it was typed. BadValue if a sign is wrong."""
        found = _FORM.fullmatch(text.strip())
        if not found:
            reason = "is no fingerprint; it looks like SAA·42·k3f9-…, as under a digest"
            raise BadValue("--fingerprint", text[:80], reason)
        signs = re.sub(r"[\s·.,:;/_-]", "", found[3]).lower().translate(_READ_AS)
        read = cls(found[1].upper(), int(found[2]), signs[:ROOT_SIGNS])
        if len(signs) != ROOT_SIGNS + CHECK_SIGNS or signs[ROOT_SIGNS:] != read.check:
            reason = "a sign of it was mistyped or is missing; compare it with the original"
            raise BadValue("--fingerprint", text[:80], reason)
        return read

    @property
    def check(self) -> str:
        """Two signs by which a slip of the hand is told apart from a changed history."""
        digest = sha256(f"{self.code} {self.size} {self.signs}".encode()).digest()
        return _signs(int.from_bytes(digest[:2], "big") >> 16 - CHECK_SIGNS * BITS, CHECK_SIGNS)

    def fits(self, root: bytes) -> bool:
        """Whether it is the fingerprint of a log with that root."""
        return self == Fingerprint.of(self.code, self.size, root)

    def __str__(self) -> str:
        """`SAA·42·k3f9-…`, seven groups of four."""
        signs = self.signs + self.check
        groups = (signs[start : start + GROUP] for start in range(0, len(signs), GROUP))
        return f"{self.code}·{self.size}·{'-'.join(groups)}"


def _signs(number: int, count: int) -> str:
    return "".join(ALPHABET[number >> BITS * place & 31] for place in range(count - 1, -1, -1))
