"""The whole programme as a workbook: the plan first, so that it can be taken in again."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from config.plan_columns import COLUMNS, DAYS
from config.plan_template import CHOICES, REMARKS
from notifications.workbook import Sheet, workbook

_INSTANTS: Final = frozenset({"at"})
_DAYS: Final = frozenset({"day", "moved_to"})


def programme_workbook(
    plan: Iterable[Mapping[str, str]], record: Mapping[str, Any], programme: str
) -> bytes:
    """
    A sheet `plan` in the columns of a plan, then one sheet for each thing of the record.

    Days and instants are dates of the workbook, instants in UTC; hashes and payloads are text.
    """
    first = Sheet(
        "plan",
        COLUMNS,
        [_plan_row(row) for row in plan],
        choices={name: words for name, words in CHOICES.items() if name != "state"},
        remarks=REMARKS,
        days=DAYS,
    )
    prints = Sheet(
        "fingerprints", ("dialogue", "fingerprint"), sorted(record["fingerprints"].items())
    )
    things = [
        _sheet(name, rows)
        for name, rows in record.items()
        if isinstance(rows, list) and rows and name != "fingerprints"
    ]
    return workbook([first, prints, *things], programme)


def _plan_row(row: Mapping[str, str]) -> list[object]:
    return [
        date.fromisoformat(row[name]) if name in DAYS and row.get(name) else row.get(name, "")
        for name in COLUMNS
    ]


def _sheet(name: str, rows: Sequence[Mapping[str, Any]]) -> Sheet:
    columns = list(rows[0])
    return Sheet(name[:31], columns, [[_typed(c, row.get(c)) for c in columns] for row in rows])


def _typed(column: str, value: Any) -> object:  # noqa: ANN401 - whatever a record holds
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    if not isinstance(value, str) or not value:
        return value
    if column.endswith("_at") or column in _INSTANTS:
        return datetime.fromisoformat(value)
    if column.endswith("_on") or column in _DAYS:
        return date.fromisoformat(value)
    return value
