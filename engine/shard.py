"""A share of the dialogues, so that several sweepers need not meet at the same actions."""

import re
from dataclasses import dataclass
from typing import Final, Self

from engine.errors import BadValue

MOST_SHARDS: Final = 1024
_FORM: Final = re.compile(r"\s*(\d{1,4})\s*/\s*(\d{1,4})\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Shard:
    """
    Share `index` of `of`, counted from 0; people count from 1 and write `1/4` for the first.

    A dialogue belongs to the share that its id leaves over when it is divided by `of`. Shares that
    overlap or leave dialogues out do no harm: rows in hand are locked, and a sweep without a share
    takes everything.
    """

    index: int
    of: int

    def __post_init__(self) -> None:
        if not 1 <= self.of <= MOST_SHARDS:
            raise BadValue("shard", self.of, f"there can be 1 to {MOST_SHARDS} shares")
        if not 0 <= self.index < self.of:
            raise BadValue(
                "shard", str(self), f"write a share from 1/{self.of} to {self.of}/{self.of}"
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """The share in a text such as `2/4`; BadValue for anything else."""
        found = _FORM.fullmatch(text)
        if not found:
            raise BadValue("shard", text, "write which share of how many, such as 1/4")
        return cls(int(found[1]) - 1, int(found[2]))

    def holds(self, dialogue_id: int) -> bool:
        """Whether a dialogue belongs to this share."""
        return dialogue_id % self.of == self.index

    def __str__(self) -> str:
        return f"{self.index + 1}/{self.of}"
