"""The minutes of a session as a plan: each line that begins with a party is one action."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from config.plan_cells import did_you_mean
from config.plan_columns import COLUMNS, Record
from config.plan_values import RowError
from engine.action import State
from notifications.spoken_days import spoken_day, spoken_month

LARGEST: Final = 4 * 2**20
"""Bytes."""

_HEAD: Final = re.compile(r"^([a-z_]+)\s*:\s*(.+)$")
_LEGEND: Final = re.compile(r"^@([^=:@]{1,300}?)\s*=\s*([^<]+?)\s*(?:<([^>]*)>)?$")
_ITEM: Final = re.compile(
    r"^(?:[-*+]|\d+[.)])\s+(?:\[(?P<tick>[ xX])\]\s*)?(?:(?P<ref>[\w.-]{1,40})\s+)?"
    r"@(?P<party>[^:@]{1,300}?)\s*:\s*(?P<said>.+)$"
)
_BY: Final = re.compile(
    # Greedy, so that it is the last one: "a step by step plan by 4 December 2026".
    r"^(?P<what>.*)[\s,(]+(?:by|before|until|avant le|avant|d['\u2019]ici le|d['\u2019]ici|"
    r"pour le|jusqu['\u2019]au|kafin|zuwa|قبل|بحلول)\s+(?P<day>[^@]+?)\)?[.\s]*$",
    re.IGNORECASE,
)
_CHECKER: Final = re.compile(
    r"[\s,(]+(?:checked by|verified by|vérifié par|confirmé par|يتحقق|mai dubawa)\s+"
    r"@(?P<party>[^:@()]{1,300}?)\)?[.\s]*$",
    re.IGNORECASE,
)
_OF_DIALOGUE: Final = frozenset({"dialogue", "country", "timezone", "language", "rest_days"})
_HEADINGS: Final = _OF_DIALOGUE | {"session", "coordinator_email", "handling"}


@dataclass(slots=True)
class _Minutes:
    """What was read so far; `parties` says what each @name stands for."""

    errors: list[RowError]
    head: dict[str, str] = field(default_factory=dict)
    parties: dict[str, tuple[str, str]] = field(default_factory=dict)
    commitment: str = ""
    held_on: date | None = None
    named: bool = False


def minutes_records(path: Path, errors: list[RowError]) -> Iterator[Record]:
    """
    Each action of a file of minutes in Markdown; what cannot be read is added to `errors`.

    The file begins with lines such as `dialogue: Saaba` and `session: 2026-11-20`. `@police =
    Police post <chief@post.example>` says what a short name stands for. A heading is the
    commitment of the items below it; `- @police: light the road by 4 December 2026 (checked by
    @mairie)` is an action, every other line is talk. A day without its year is refused with the
    day that it probably is.
    """
    text = _text(path, errors)
    if text is None:
        return
    minutes = _Minutes(errors)
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        item = _ITEM.match(line)
        if item:
            record = _record(minutes, number, item)
            if record:
                yield record
        else:
            _other(minutes, number, line)
    if not minutes.named:
        reason = "the minutes do not say of which dialogue they are; begin with `dialogue: NAME`"
        errors.append(RowError(row=1, column="dialogue", value="", reason=reason))


def _text(path: Path, errors: list[RowError]) -> str | None:
    raw = path.read_bytes()
    reason = ""
    if len(raw) > LARGEST:
        reason = f"{len(raw) // 2**20} MB; at most {LARGEST // 2**20} MB of minutes are read"
    try:
        if not reason:
            return raw.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        reason = f"byte {error.start + 1} of the file is not UTF-8; save the file as UTF-8"
    errors.append(RowError(row=0, column="", value="", reason=reason))
    return None


def _other(minutes: _Minutes, number: int, line: str) -> None:
    """A heading, what a short name stands for, a fact about the session, or talk."""
    if line.startswith("#"):
        minutes.commitment = line.lstrip("#").strip()
        return
    legend = _LEGEND.match(line)
    if legend:
        short, full, address = legend.groups()
        minutes.parties[_short(short)] = (full, address or "")
        return
    fact = _HEAD.match(line)
    if not fact or minutes.commitment:
        return
    name, value = fact.groups()
    if name not in _HEADINGS:
        hint = did_you_mean(name, sorted(_HEADINGS))
        if hint or not minutes.named:
            reason = f"minutes have no such line at their head{hint}"
            minutes.errors.append(RowError(row=number, column=name, value=value, reason=reason))
        return
    if name == "session":
        _session(minutes, number, value)
    else:
        minutes.head[name] = value
    minutes.named |= name == "dialogue"


def _session(minutes: _Minutes, number: int, value: str) -> None:
    try:
        minutes.held_on = date.fromisoformat(value.strip())
    except ValueError:
        reason = "write the day of the session as 2026-11-20"
        minutes.errors.append(RowError(row=number, column="session", value=value, reason=reason))


def _record(minutes: _Minutes, number: int, item: re.Match[str]) -> Record | None:
    said = item["said"].strip()
    cells = {name: value for name, value in minutes.head.items() if name in COLUMNS}
    checker = _CHECKER.search(said)
    if checker:
        said = said[: checker.start()].rstrip(" ,(")
        cells["verifier"], cells["verifier_email"] = _party(minutes, checker["party"])
    due = _BY.search(said)
    if due and _is_a_day(due["day"]):
        day = _due(minutes, number, due["day"])
        if day is None:
            return None  # told already; without its day the row would say something else
        said = due["what"].rstrip(" ,(.")
        cells["due"] = day.isoformat()
    cells["action"] = said
    cells["responsible"], cells["responsible_email"] = _party(minutes, item["party"])
    cells["commitment"] = minutes.commitment
    cells["ref"] = item["ref"] or ""
    if minutes.held_on:
        cells["agreed_on"] = minutes.held_on.isoformat()
    if item["tick"] in {"x", "X"}:
        cells["state"] = State.REPORTED_DONE  # a tick is a claim, not its confirmation
    return Record(row=number, cells={name: value for name, value in cells.items() if value})


def _party(minutes: _Minutes, given: str) -> tuple[str, str]:
    return minutes.parties.get(_short(given), (given.strip(), ""))


def _short(name: str) -> str:
    return name.strip().casefold()


def _is_a_day(said: str) -> bool:
    """Whether a day, or a month of a year, is what is meant."""
    return spoken_day(said) is not None or spoken_month(said) is not None


def _due(minutes: _Minutes, number: int, said: str) -> date | None:
    """The day that was written; an error with a proposal where a part of it is missing."""
    spoken = spoken_day(said)
    day = spoken.on() if spoken else None
    if day is None:
        proposed = spoken_month(said)
        if spoken and minutes.held_on:
            proposed = spoken.first_after(minutes.held_on)
        hint = f"; perhaps {proposed} is meant" if proposed else ""
        reason = f"a due date is a whole day with its year{hint}"
        minutes.errors.append(RowError(row=number, column="due", value=said, reason=reason))
    return day
