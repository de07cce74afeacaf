"""A plan file, whole: every row checked alone and against the others, every error collected."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Final

from config.plan_aside import RowsAside
from config.plan_cells import did_you_mean
from config.plan_checks import DialogueFacts, References
from config.plan_columns import COLUMNS, REQUIRED, Record
from config.plan_files import csv_rows, sheet_rows
from config.plan_map import PlanMap, read_map
from config.plan_minutes import minutes_records
from config.plan_rows import RowReader
from config.plan_values import Plan, PlanDialogue, PlanPerson, PlanRow, RowError
from config.plan_yaml import read_yaml_plan
from config.yaml_lines import BadYaml
from engine.errors import N_

SAMPLE_PROGRAMME: Final = Path(__file__).parent / "sample" / "programme.yaml"
"""Six localities for a demonstration; its days are counted from `start`."""

_TABLES: Final = {
    ".csv": csv_rows,
    ".tsv": csv_rows,
    ".txt": csv_rows,
    ".xlsx": sheet_rows,
    ".xlsm": sheet_rows,
}
_YAML: Final = frozenset({".yaml", ".yml"})
_MINUTES: Final = frozenset({".md", ".markdown"})


def read_plan(
    path: Path,
    map_path: Path | None = None,
    *,
    known_refs: Collection[str] = (),
    start: date | None = None,
) -> Plan:
    """
    Read a plan (CSV, XLSX, YAML or minutes, by the end of its name) and check all of it.

    `map_path` tells which of the user's own columns is which. `known_refs` are references that
    exist already and may be waited for. `start` is what `{days: 5}` in a YAML plan is counted
    from. Whatever is wrong with the plan is in `errors`, by row; nothing is guessed.

    Raises OSError when a file cannot be opened, BadYaml (with the line) when the map is unusable.
    """
    rows: list[PlanRow] = []
    return _read(path, map_path, known_refs, start, rows)


@contextmanager
def plan_aside(
    path: Path,
    map_path: Path | None = None,
    *,
    known_refs: Collection[str] = (),
    start: date | None = None,
) -> Iterator[Plan]:
    """The same for a plan of any length: while it is open, its rows wait outside the memory."""
    rows = RowsAside()
    try:
        yield _read(path, map_path, known_refs, start, rows)
    finally:
        rows.close()


def _read(
    path: Path,
    map_path: Path | None,
    known_refs: Collection[str],
    start: date | None,
    rows: list[PlanRow] | RowsAside,
) -> Plan:
    errors: list[RowError] = []
    plan_map = read_map(map_path) if map_path else None
    dialogues: tuple[PlanDialogue, ...] = ()
    people: tuple[PlanPerson, ...] = ()
    suffix = path.suffix.lower()
    if suffix in _YAML:
        if plan_map:
            raise BadYaml(plan_map.name, 1, "a map is for spreadsheets and not for a YAML plan")
        told = read_yaml_plan(path, start, errors)
        records: Iterable[Record] = told.records
        dialogues, people = told.dialogues, told.people
    elif suffix in _MINUTES:
        if plan_map:
            raise BadYaml(plan_map.name, 1, "a map is for spreadsheets and not for minutes")
        records = minutes_records(path, errors)
    elif suffix in _TABLES:
        records = _records(_TABLES[suffix](path, errors), plan_map, errors)
    else:
        endings = ", ".join((*_TABLES, *sorted(_YAML | _MINUTES)))
        reason = N_("the name of a plan ends with %(endings)s", endings=endings)
        errors.append(RowError(row=0, column="", value=path.name, reason=reason))
        records = ()
    return _checked(records, dialogues, people, known_refs, errors, rows)


def check_records(records: Iterable[Record], known_refs: Collection[str] = ()) -> Plan:
    """A plan that no file holds: what somebody typed into a form, checked as a file is."""
    return _checked(records, (), (), known_refs, [], [])


def _records(
    rows: Iterator[tuple[int, list[str]]], plan_map: PlanMap | None, errors: list[RowError]
) -> Iterator[Record]:
    """The rows below the header, each with the names of its columns."""
    line, header = next(rows, (1, []))
    if not header:
        if not errors:
            errors.append(RowError(row=1, column="", value="", reason=N_("the file is empty")))
        return
    if plan_map:
        header = [name.strip() for name in header]
        plan_map.check(header)
    else:
        header = [_column(name) for name in header]
        errors.extend(_header_errors(line, header))
    width = len(header)
    for number, cells in rows:
        if len(cells) != width and not _is_only_longer_by_blanks(cells, width):
            reason = N_(
                "has %(count)s cells below %(width)s headings", count=len(cells), width=width
            )
            errors.append(RowError(row=number, column="", value="", reason=reason))
            continue
        named = dict(zip(header, cells, strict=False))
        yield plan_map.record(number, named) if plan_map else Record(row=number, cells=named)


def _column(heading: str) -> str:
    return heading.strip().casefold().replace(" ", "_").replace("-", "_")


def _is_only_longer_by_blanks(cells: Sequence[str], width: int) -> bool:
    return len(cells) > width and not any(cell.strip() for cell in cells[width:])


def _header_errors(line: int, header: Sequence[str]) -> Iterator[RowError]:
    seen: set[str] = set()
    for column in header:
        if column in seen and column:
            reason = N_("this column stands twice")
            yield RowError(row=line, column=column, value=column, reason=reason)
        elif column not in COLUMNS and column:
            hint = did_you_mean(column, COLUMNS)
            reason = N_(
                "a plan has no column of this name%(hint)s (a map can read your own columns)",
                hint=hint,
            )
            yield RowError(row=line, column=column, value=column, reason=reason)
        seen.add(column)
    for column in REQUIRED:
        if column not in seen:
            missing = N_("this column is missing")
            yield RowError(row=line, column=column, value="", reason=missing)


def _checked(
    records: Iterable[Record],
    dialogues: Sequence[PlanDialogue],
    people: tuple[PlanPerson, ...],
    known_refs: Collection[str],
    errors: list[RowError],
    rows: list[PlanRow] | RowsAside,
) -> Plan:
    reader, facts, references = RowReader(known_refs), DialogueFacts(dialogues), References()
    bad: set[int] = set()
    for record in records:
        row, wrong = reader.read(record)
        wrong += facts.add(row, record)
        wrong += references.add(row, record)
        errors.extend(wrong)
        if wrong or record.refused:
            bad.add(row.row)
        rows.append(row)
    late = list(references.circles())
    if not any(error.column == "" for error in errors):
        # A row that could not be read may be the very one that another waits for.
        late += references.unmet(known_refs)
    bad.update(row.row for row, _ in late)
    errors.extend(error for _, error in late)
    good: Collection[PlanRow] = rows
    if isinstance(rows, RowsAside):
        rows.leave_out(bad)
    else:
        good = tuple(row for row in rows if row.row not in bad)
    return Plan(
        rows=good,
        errors=tuple(sorted(errors, key=lambda error: error.row)),
        dialogues=facts.dialogues(),
        people=people,
        refs=references.spelled,
    )
