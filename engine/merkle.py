"""A Merkle tree over a log that only grows, and its proofs, as RFC 6962 defines them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """The hash of one entry; the prefix keeps it from ever being taken for a node."""
    return sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash over two subtrees."""
    return sha256(b"\1" + left + right).digest()


@dataclass(slots=True)
class Growing:
    """
    The tree of a log that is read once from its beginning: its root at every size.

    `peaks` are the roots of the full subtrees, the largest first; a tree can go on from them.
    """

    size: int = 0
    peaks: list[bytes] = field(default_factory=list)

    @classmethod
    def resumed(cls, size: int, peaks: bytes) -> "Growing":
        """The tree whose peaks were kept as bytes, one after the other."""
        starts = range(0, len(peaks), HASH_BYTES)
        return cls(size, [peaks[start : start + HASH_BYTES] for start in starts])

    def add(self, data: bytes) -> None:
        """The next entry of the log."""
        made = leaf_hash(data)
        full = self.size
        while full & 1:
            made = node_hash(self.peaks.pop(), made)
            full >>= 1
        self.peaks.append(made)
        self.size += 1

    def root(self) -> bytes:
        """The root over all entries so far."""
        if not self.peaks:
            return EMPTY_ROOT
        *rest, made = self.peaks
        for peak in reversed(rest):
            made = node_hash(peak, made)
        return made


class Tree:
    """The whole tree over the entries of a log, for proofs."""

    def __init__(self, entries: Iterable[bytes]) -> None:
        self._leaves = [leaf_hash(data) for data in entries]
        # Every proof asks for the same subtrees again.
        self._over = cache(self._hash_over)

    @property
    def size(self) -> int:
        """How many entries the log has."""
        return len(self._leaves)

    def root(self) -> bytes:
        """The root over all entries."""
        return self._over(0, self.size) if self.size else EMPTY_ROOT

    def inclusion(self, index: int) -> tuple[bytes, ...]:
        """The proof that the entry at `index`, counted from 0, is in the log."""
        if not 0 <= index < self.size:
            raise IndexError(f"there is no entry {index} in a log of {self.size}")
        path: list[bytes] = []
        start, end = 0, self.size
        while end - start > 1:
            split = start + _split(end - start)
            if index < split:
                path.append(self._over(split, end))
                end = split
            else:
                path.append(self._over(start, split))
                start = split
        return tuple(reversed(path))

    def consistency(self, old_size: int) -> tuple[bytes, ...]:
        """The proof that the log of `old_size` entries is the beginning of this one."""
        if not 0 < old_size <= self.size:
            raise IndexError(f"a log of {self.size} has no beginning of {old_size}")
        path: list[bytes] = []
        start, end, whole = 0, self.size, True
        while old_size != end:
            split = start + _split(end - start)
            if old_size <= split:
                path.append(self._over(split, end))
                end = split
            else:
                path.append(self._over(start, split))
                start, whole = split, False
        if not whole:
            path.append(self._over(start, end))
        return tuple(reversed(path))

    def _hash_over(self, start: int, end: int) -> bytes:
        if end - start == 1:
            return self._leaves[start]
        split = start + _split(end - start)
        return node_hash(self._over(start, split), self._over(split, end))


def proves_inclusion(
    data: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> bool:
    """Whether the path shows that the entry stands at `index` of the log with that root."""
    if not 0 <= index < size:
        return False
    here, last, made = index, size - 1, leaf_hash(data)
    for sibling in path:
        if last == 0:
            return False
        if here & 1 or here == last:
            made = node_hash(sibling, made)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            made = node_hash(made, sibling)
        here, last = here >> 1, last >> 1
    return last == 0 and made == root


def proves_consistency(
    old_size: int, old_root: bytes, size: int, root: bytes, path: Sequence[bytes]
) -> bool:
    """Whether the path shows that the log of `old_root` is the beginning of that of `root`."""
    if not 0 < old_size <= size:
        return False
    if old_size == size:
        return not path and old_root == root
    steps = list(path)
    here, last = old_size - 1, size - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    if here:
        if not steps:
            return False
        then = now = steps.pop(0)
    else:
        then = now = old_root
    for sibling in steps:
        if last == 0:
            return False
        if here & 1 or here == last:
            then, now = node_hash(sibling, then), node_hash(sibling, now)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            now = node_hash(now, sibling)
        here, last = here >> 1, last >> 1
    return last == 0 and then == old_root and now == root


def _split(size: int) -> int:
    """The largest power of two that is smaller than `size`."""
    return 1 << ((size - 1).bit_length() - 1)
