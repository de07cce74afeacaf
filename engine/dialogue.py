"""The process in one locality, and its meetings."""

from dataclasses import dataclass
from datetime import date

SATURDAY_AND_SUNDAY = frozenset({5, 6})
NO_REST_DAYS: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    """
    One locality's dialogue.

    `code` starts every reference (`SAA` in `SAA-07`). `country` is ISO 3166-1 alpha-2, or empty
    for a dialogue without public holidays. `rest_days` are weekdays, Monday = 0.
    `friday_pause` keeps messages from leaving on Fridays between 12:00 and 15:00 local time.
    """

    id: int
    code: str
    name: str
    country: str
    timezone: str
    languages: tuple[str, ...]
    rest_days: frozenset[int] = SATURDAY_AND_SUNDAY
    friday_pause: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One meeting of a dialogue."""

    id: int
    dialogue_id: int
    held_on: date
    note: str = ""
