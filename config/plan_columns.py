"""The columns of a plan, their limits, and one row of them as it stands in the file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from config.plan_values import RowError
from engine.action import State

COLUMNS: Final = (
    "ref", "dialogue", "country", "timezone", "language", "rest_days", "commitment", "action",
    "kind", "repeat", "responsible", "responsible_side", "responsible_email", "responsible_phone",
    "responsible_language", "alternate_email", "co_responsible", "verifier", "verifier_side",
    "verifier_email", "coordinator_email", "agreed_on", "due", "review_on", "state", "evidence",
    "handling", "depends_on", "notes",
)  # fmt: skip
"""Every column that a plan may have."""

REQUIRED: Final = ("dialogue", "action", "responsible")

LISTS: Final = frozenset({"co_responsible", "depends_on", "rest_days"})
"""The columns that may name several."""

DAYS: Final = frozenset({"agreed_on", "due", "review_on"})
"""The columns that hold a day."""

LONGEST_NAME, LONGEST_ACTION, LONGEST_TEXT = 300, 2_000, 10_000
"""Characters; the longest action of the mandate letters of 2021 has 455, the longest party 211."""

LONGEST_DIALOGUE, LONGEST_RULE, LONGEST_FUNCTION, LONGEST_WHY = 120, 200, 200, 400
"""Characters of a dialogue's name, a rule, a function or person, the reason for a changed day."""

LONGEST_VALUE = 120
"""Characters of a refused value that an error repeats."""

FROM_A_PLAN: Final = (
    State.PROPOSED,
    State.AGREED,
    State.IN_PROGRESS,
    State.BLOCKED,
    State.REPORTED_DONE,
    State.VERIFIED,
    State.IN_FORCE,
)
"""The states in which an action may enter; the others need a decision that the history records."""


@dataclass(slots=True, kw_only=True)
class Record:
    """
    One row as it stands in the file: plan column → text, with white space and all.

    `lists` holds what YAML or a map already gave as several values. `names` tells what the file
    calls a column, `lines` where a value stands, both only where that differs from the obvious.
    `refused` are columns whose form was wrong and has been told already.
    """

    row: int
    cells: Mapping[str, str]
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()

    def error(self, column: str, value: str, reason: str) -> RowError:
        """What is wrong with `column` of this row."""
        return RowError(
            row=self.lines.get(column, self.row),
            column=self.names.get(column, column),
            value=value if len(value) <= LONGEST_VALUE else f"{value[:LONGEST_VALUE]}…",
            reason=reason,
        )
