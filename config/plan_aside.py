"""Rows of a plan put aside until all of them are checked, in a file without a name."""

import pickle
from collections.abc import Collection, Iterator
from dataclasses import fields
from operator import attrgetter
from tempfile import SpooledTemporaryFile

from config.plan_values import PlanRow

PIECE = 500
"""Rows written and read at a time."""

_IN_MEMORY = 4 * 2**20
"""Bytes of a plan that never touches the disk; nobody but this process can open the file."""

_NAMES = tuple(field.name for field in fields(PlanRow))
_values_of = attrgetter(*_NAMES)  # several times faster than what pickle does with a dataclass


class RowsAside(Collection[PlanRow]):
    """
    The rows of a plan as a collection that is read from its beginning each time.

    A plan is stored only when its last row is known to be right, and one of 100,000 rows would take
    a hundred megabytes of memory until then.
    """

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed by `close`
        self._piece: list[PlanRow] = []
        self._count = 0
        self._left_out: frozenset[int] = frozenset()

    def append(self, row: PlanRow) -> None:
        """Put one more row behind the others; not while they are read."""
        self._piece.append(row)
        self._count += 1
        if len(self._piece) == PIECE:
            self._write()

    def leave_out(self, rows: Collection[int]) -> None:
        """Rows, by their numbers, that are not to be read again."""
        self._left_out = frozenset(rows)

    def close(self) -> None:
        """Forget the rows."""
        self._file.close()

    def __len__(self) -> int:
        return self._count - len(self._left_out)

    def __iter__(self) -> Iterator[PlanRow]:
        if self._piece:
            self._write()
        self._file.seek(0)
        for _ in range(-(-self._count // PIECE)):
            for values in pickle.load(self._file):  # noqa: S301 - written by `_write` only
                row = PlanRow(**dict(zip(_NAMES, values, strict=True)))
                if row.row not in self._left_out:
                    yield row

    def __contains__(self, row: object) -> bool:
        return any(row == each for each in self)

    def _write(self) -> None:
        values = [_values_of(row) for row in self._piece]
        pickle.dump(values, self._file, protocol=pickle.HIGHEST_PROTOCOL)
        self._piece = []
