"""A filled sheet of answers, whole: a code on each row and what goes with it, or what is wrong."""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

from config.plan_cells import did_you_mean, read_ref, read_text
from config.plan_days import read_day
from config.plan_files import Row, sheet_rows, text_rows
from config.plan_values import RowError
from config.sheet_text import decoded
from engine.action import Level, Obstacle
from engine.answer import Verb
from engine.codes import Spoken, check_character, fold, read_code
from engine.errors import BadValue
from notifications.sheet_words import (
    HEADINGS,
    TOLD,
    Column,
    column_of,
    level_of,
    obstacle_of,
)

MOST_ROWS: Final = 5_000
LONGEST_SHEET: Final = 8 * 2**20
"""Bytes of a sheet of text."""

LONGEST_WORDS, LONGEST_WHO, LONGEST_HOW = 2_000, 160, 200
_SHOWN = 120
_WORKBOOKS: Final = frozenset({".xlsx", ".xlsm"})
_TEXTS: Final = frozenset({".csv", ".tsv", ".txt"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetAnswer:
    """
    One answer as it stands on a sheet; `row` as in `RowError`, `shown` is the code as it was typed.

    `note`, `seen`, `method` and `who` are free words, empty where nothing was written. `until` is
    the day that was asked for or agreed, and the day to look again at what is blocked. `on` is the
    day on which it was said.
    """

    row: int
    shown: str
    ref: str
    verb: Verb
    note: str = ""
    until: date | None = None
    obstacle: Obstacle | None = None
    level: Level | None = None
    seen: str = ""
    method: str = ""
    who: str = ""
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a sheet says; usable only when `errors` is empty. `rows` are those that say anything."""

    rows: int
    answers: tuple[SheetAnswer, ...]
    errors: tuple[RowError, ...]


def read_sheet(path: Path) -> Sheet:
    """
    Read a filled sheet, CSV or XLSX by the end of its name; rows without an answer are left out.

    Raises OSError when the file cannot be opened.
    """
    suffix = path.suffix.lower()
    errors: list[RowError] = []
    if suffix in _WORKBOOKS:
        return _sheet(sheet_rows(path, errors), errors)
    if suffix in _TEXTS:
        if (size := path.stat().st_size) > LONGEST_SHEET:
            return _too_long(size)
        return read_typed(path.read_bytes())
    names = ", ".join(sorted(_TEXTS | _WORKBOOKS))
    return _refused(f"the name of a sheet ends with {names}", path.name)


def read_typed(raw: bytes) -> Sheet:
    """Read a sheet as text: a heading over its columns, or a code at the start of each line."""
    if len(raw) > LONGEST_SHEET:
        return _too_long(len(raw))
    try:
        text = decoded(raw, _is_heading)
    except ValueError as error:
        return _refused(str(error))
    errors: list[RowError] = []
    opening = next((line for line in text.splitlines() if line.strip()), "")
    if _is_heading(opening):
        return _sheet(text_rows(io.StringIO(text, newline=""), errors), errors)
    lines = (
        (number, {Column.CODE: line})
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip()
    )
    return _whole(_answers(lines, errors), errors)


def read_said(ref: str, words: str, who: str) -> SheetAnswer:
    """
    What was answered about one action, with or without its reference before it.

    BadValue with the reason if it cannot be understood.
    """
    first = words.split(maxsplit=1)[:1]
    line = words if first and fold(first[0]) == fold(ref) else f"{ref} {words}"
    cells = {Column.CODE: line} | ({Column.WHO: who} if who else {})
    try:
        return _answer(1, cells)
    except _CellError as error:
        raise BadValue("answer", error.value or words[:_SHOWN], error.reason) from None


class _CellError(Exception):
    """What is wrong with one cell."""

    def __init__(self, column: Column, value: str, reason: str) -> None:
        super().__init__(reason)
        self.column, self.value, self.reason = column, value[:_SHOWN], reason


def _too_long(size: int) -> Sheet:
    return _refused(f"{size // 2**20} MB; at most {LONGEST_SHEET // 2**20} MB are read")


def _refused(reason: str, value: str = "") -> Sheet:
    return Sheet(0, (), (RowError(row=0, column="", value=value, reason=reason),))


def _is_heading(line: str) -> bool:
    """Whether a line names columns and is no answer."""
    known = [column for cell in _split(line) if (column := column_of(cell))]
    return len(known) > 1 or Column.CODE in known or Column.REF in known


def _split(line: str) -> list[str]:
    delimiter = max(",;\t", key=line.count)
    return [cell.strip().strip('"').strip() for cell in line.split(delimiter)]


def _sheet(rows: Iterator[Row], errors: list[RowError]) -> Sheet:
    line, header = next(rows, (1, []))
    if not header:
        if not errors:
            errors.append(RowError(row=1, column="", value="", reason="the sheet is empty"))
        return Sheet(0, (), tuple(errors))
    columns = _columns(line, header, errors)
    if errors:
        return Sheet(0, (), tuple(errors))
    return _whole(_answers(_cells(rows, columns, errors), errors), errors)


def _whole(answers: Iterable[SheetAnswer], errors: list[RowError]) -> Sheet:
    found = tuple(answers)
    if len(found) > MOST_ROWS:
        return _refused(f"has more than {MOST_ROWS:,} answers; take it in in parts")
    rows = {answer.row for answer in found} | {error.row for error in errors if error.row}
    return Sheet(len(rows), found, tuple(sorted(errors, key=lambda error: error.row)))


def _columns(line: int, header: list[str], errors: list[RowError]) -> list[Column | None]:
    columns = [column_of(name) if name.strip() else None for name in header]
    known = [word for words in HEADINGS.values() for said in words.values() for word in said]
    for at, (name, column) in enumerate(zip(header, columns, strict=True)):
        reason = ""
        if name.strip() and column is None:
            hint = did_you_mean(name.strip().casefold(), known)
            reason = f"a sheet of answers has no column of this name{hint}; take it out"
        elif column is not None and column in columns[:at]:
            reason = "this column stands twice"
        if reason:
            errors.append(RowError(row=line, column=name, value=name[:_SHOWN], reason=reason))
    if Column.CODE not in columns and not {Column.REF, Column.ANSWER} <= set(columns):
        reason = "a sheet needs the column code, or the columns ref and answer"
        errors.append(RowError(row=line, column="", value="", reason=reason))
    return columns


def _cells(
    rows: Iterator[Row], columns: list[Column | None], errors: list[RowError]
) -> Iterator[tuple[int, dict[Column, str]]]:
    """The rows below the heading that say something, by column."""
    for number, cells in rows:
        beyond = [cell for cell in cells[len(columns) :] if cell.strip()]
        loose = [
            cell
            for cell, column in zip(cells, columns, strict=False)
            if not column and cell.strip()
        ]
        if beyond or loose:
            value = (beyond or loose)[0][:_SHOWN]
            reason = "stands in a column without a heading"
            errors.append(RowError(row=number, column="", value=value, reason=reason))
            continue
        named = {
            column: cell.strip()
            for cell, column in zip(cells, columns, strict=False)
            if column and column not in TOLD and cell.strip()
        }
        if set(named) - _ABOUT_THE_ROW:
            yield number, named


def _answers(
    rows: Iterable[tuple[int, dict[Column, str]]], errors: list[RowError]
) -> Iterator[SheetAnswer]:
    for number, cells in rows:
        try:
            yield _answer(number, cells)
        except _CellError as error:
            errors.append(
                RowError(row=number, column=error.column, value=error.value, reason=error.reason)
            )


def _answer(row: int, cells: dict[Column, str]) -> SheetAnswer:
    spoken, shown = _spoken(cells)
    rest = _read(Column.CODE, spoken.rest, LONGEST_WORDS)
    until, rest = _first_day(spoken.verb, cells, rest)
    obstacle, rest = _first_obstacle(spoken.verb, cells, rest)
    because = _read(Column.BECAUSE, cells.get(Column.BECAUSE, ""), LONGEST_WORDS)
    said = SheetAnswer(
        row=row,
        shown=shown,
        ref=spoken.ref,
        verb=spoken.verb,
        note=" ".join(dict.fromkeys(part for part in (rest, because) if part)),
        until=until,
        obstacle=obstacle,
        level=_level(cells.get(Column.LEVEL, "")),
        seen=_read(Column.SEEN, cells.get(Column.SEEN, ""), LONGEST_WORDS),
        method=_read(Column.HOW, cells.get(Column.HOW, ""), LONGEST_HOW),
        who=_read(Column.WHO, cells.get(Column.WHO, ""), LONGEST_WHO),
        on=_day(Column.ON, cells.get(Column.ON, "")),
    )
    said = _where_it_belongs(said)
    _complain_of_what_is_missing(said)
    return said


def _spoken(cells: dict[Column, str]) -> tuple[Spoken, str]:
    """The code of a row, which must carry the right check character."""
    ref, answer = cells.get(Column.REF, ""), cells.get(Column.ANSWER, "")
    given = cells.get(Column.CODE, "")
    column, shown = (Column.CODE, given) if given else (Column.ANSWER, answer)
    if not shown:
        raise _CellError(column, "", "there are words on this row, and no answer")
    if given and answer:
        raise _CellError(
            column, shown, "this row has a code and an answer; leave one of them empty"
        )
    if not given:
        _check_ref(ref)
    line = given or f"{ref} {answer}"
    spoken = _understood(column, shown, line)
    if ref and fold(spoken.ref) != fold(ref):
        raise _CellError(Column.REF, ref, f"the code of this row is about {spoken.ref}")
    check = cells.get(Column.CHECK, "")
    if check and not spoken.checked:
        spoken = replace(spoken, checked=fold(check) == check_character(spoken.ref, spoken.verb))
    elif check and fold(check) != check_character(spoken.ref, spoken.verb):
        raise _CellError(Column.CHECK, check, "the check character does not fit: ask for it again")
    if not spoken.checked:
        reason = "the check character does not fit: ask for it again"
        if not check:
            reason = "the check character is missing: it stands behind the word on the sheet"
        raise _CellError(Column.CHECK if check else column, check or shown, reason)
    return spoken, shown[:_SHOWN]


def _check_ref(ref: str) -> None:
    try:
        read_ref(ref)
    except ValueError as error:
        raise _CellError(Column.REF, ref, str(error)) from None


def _understood(column: Column, shown: str, line: str) -> Spoken:
    line = _read(column, line, LONGEST_WORDS)
    try:
        spoken = read_code(line)
    except BadValue as error:
        raise _CellError(column, shown, error.reason) from None
    if spoken is None:
        raise _CellError(column, shown, "no code can be read here; one looks like SAA-07 DONE V")
    return spoken


def _first_day(verb: Verb, cells: dict[Column, str], rest: str) -> tuple[date | None, str]:
    """The day asked for: in its column, or as the first of the words behind the code."""
    if cells.get(Column.UNTIL):
        return _day(Column.UNTIL, cells[Column.UNTIL]), rest
    first, _, others = rest.partition(" ")
    if verb not in {Verb.MORE_TIME, Verb.AGREED} or not first[:1].isdigit():
        return None, rest
    return _day(Column.CODE, first.rstrip(",;:.")), others.strip()


def _first_obstacle(verb: Verb, cells: dict[Column, str], rest: str) -> tuple[Obstacle | None, str]:
    if said := cells.get(Column.OBSTACLE):
        if (obstacle := obstacle_of(said)) is None:
            words = "write one of means, permit, safety, disagreement, other"
            raise _CellError(Column.OBSTACLE, said, f"not a word for an obstacle; {words}")
        return obstacle, rest
    first, _, others = rest.partition(" ")
    named = obstacle_of(first) if verb is Verb.BLOCKED and first else None
    return (named, others.lstrip(":,;- ")) if named else (None, rest)


def _level(said: str) -> Level | None:
    if not said:
        return None
    if (level := level_of(said)) is None:
        raise _CellError(Column.LEVEL, said, "write one of nothing, a beginning, a good part")
    return level


def _day(column: Column, said: str) -> date | None:
    if not said:
        return None
    try:
        return read_day(said)
    except ValueError as error:
        raise _CellError(column, said, str(error)) from None


def _read(column: Column, said: str, longest: int) -> str:
    try:
        return read_text(said, longest)
    except ValueError as error:
        raise _CellError(column, said, str(error)) from None


_ABOUT_THE_ROW: Final = frozenset({Column.REF, Column.CHECK, Column.WHO, Column.ON})
"""What people fill in all the way down a sheet: alone it is no answer."""

_JUDGING: Final = frozenset({Verb.CONFIRMED, Verb.NOT_YET, Verb.NOT_SEEN})
_WITH_A_DAY: Final = frozenset({Verb.MORE_TIME, Verb.AGREED, Verb.BLOCKED})


def _where_it_belongs(said: SheetAnswer) -> SheetAnswer:
    """Refuse what contradicts the answer; what was seen goes to the words where nobody judges."""
    if said.until and said.verb not in _WITH_A_DAY:
        raise _CellError(
            Column.UNTIL, said.until.isoformat(), f"no day goes with {_word(said.verb)}"
        )
    if said.obstacle and said.verb is not Verb.BLOCKED:
        raise _CellError(
            Column.OBSTACLE, said.obstacle, f"no obstacle goes with {_word(said.verb)}"
        )
    if said.level and said.verb is not Verb.NOT_YET:
        raise _CellError(Column.LEVEL, said.level, f"this does not go with {_word(said.verb)}")
    if said.verb is Verb.CONFIRMED:
        return replace(said, seen=said.seen or said.note)
    if said.seen:
        words = " ".join(part for part in (said.note, said.seen) if part)
        return replace(said, note=words, seen="")
    return said


def _complain_of_what_is_missing(said: SheetAnswer) -> None:
    missing: dict[Column, str] = {}
    match said.verb:
        case Verb.MORE_TIME | Verb.AGREED if said.until is None:
            missing[Column.UNTIL] = "say until which day, as YYYY-MM-DD"
        case Verb.MORE_TIME if not said.note:
            missing[Column.BECAUSE] = "say in a few words why more time is needed"
        case Verb.DECLINED if not said.note:
            missing[Column.BECAUSE] = "say in a few words why the date stays"
        case Verb.NOT_YET if said.level is None:
            missing[Column.LEVEL] = "say how much is there: nothing, a beginning, a good part"
        case Verb.NOT_YET if not said.note:
            missing[Column.BECAUSE] = "say in a few words what is missing"
        case Verb.CONFIRMED if not said.seen:
            missing[Column.SEEN] = "say in a few words what was seen"
        case _:
            pass
    if not missing and said.verb in _JUDGING and not said.who:
        missing[Column.WHO] = "say who looked: the function or the party that confirms it"
    for column, reason in missing.items():
        raise _CellError(column, "", reason)


def _word(verb: Verb) -> str:
    return str(verb).upper().replace("_", " ")
