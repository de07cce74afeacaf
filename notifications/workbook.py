"""Tables as workbooks: typed cells, drop-downs, and nothing that a spreadsheet would run."""

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final

LOADED_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a text for a formula (OWASP, "CSV injection")."""

LONGEST_CELL: Final = 32_767
"""Characters that a cell of a workbook may hold."""

WIDEST_COLUMN: Final = 60
_PHONE: Final = re.compile(r"\+[0-9][0-9 ().-]{4,30}")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_CHOICE_ROWS: Final = 2_000


def harmless(text: str) -> str:
    """
    The text as it may stand in a CSV cell: an apostrophe before what would be a formula.

    A telephone number keeps its plus. A text that begins with an apostrophe and such a sign gets
    another, so that `spoken` gives every text back as it was.
    """
    bare = text.lstrip("'")
    loaded = bare.startswith(LOADED_STARTS) and not _PHONE.fullmatch(text)
    return f"'{text}" if loaded else text


def spoken(cell: str) -> str:
    """What `harmless` was given."""
    if cell.startswith("'") and cell.lstrip("'").startswith(LOADED_STARTS):
        return cell[1:]
    return cell


@dataclass(frozen=True, slots=True)
class Sheet:
    """
    One sheet: a name of at most 31 characters, headings, and rows of plain values.

    Days and aware instants become dates of the workbook (instants in UTC), numbers numbers, all
    else text. `choices` gives a column a drop-down, `remarks` a heading its explanation.
    """

    name: str
    columns: Sequence[str]
    rows: Iterable[Sequence[object]] = ()
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    remarks: Mapping[str, str] = field(default_factory=dict)
    days: frozenset[str] = frozenset()


def workbook(sheets: Sequence[Sheet], title: str) -> bytes:
    """The bytes of an .xlsx file with these sheets; headings are frozen and can be filtered."""
    from openpyxl import Workbook  # noqa: PLC0415 - only who writes a workbook loads it

    book: Any = Workbook()
    book.remove(book.active)
    book.properties.title, book.properties.creator = title, "Alkawari"
    for sheet in sheets:
        _fill(book.create_sheet(sheet.name), sheet)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def _fill(page: Any, sheet: Sheet) -> None:  # noqa: ANN401 - openpyxl's types say little
    from openpyxl.styles import Alignment, Font, PatternFill  # noqa: PLC0415
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    widths = [len(name) + 4 for name in sheet.columns]
    page.append(list(sheet.columns))
    for cell in page[1]:
        cell.font = Font(bold=True)
        cell.fill = PatternFill("solid", start_color="FFE3EDF3")
    for row in sheet.rows:
        written = []
        for at, value in enumerate(row):
            plain = _value(value)
            written.append(plain)
            widths[at] = max(widths[at], min(len(str(plain or "")), WIDEST_COLUMN))
        page.append([None] * len(written))
        for at, plain in enumerate(written):
            _put(page.cell(page.max_row, at + 1), plain)
    for at, width in enumerate(widths, 1):
        page.column_dimensions[get_column_letter(at)].width = min(width + 1, WIDEST_COLUMN)
    for name in sheet.days:
        letter = get_column_letter(list(sheet.columns).index(name) + 1)
        page.column_dimensions[letter].number_format = _DAY
    for row in page.iter_rows(min_row=2):
        for cell in row:
            cell.alignment = Alignment(vertical="top", wrap_text=cell.data_type == "s")
    page.freeze_panes = "A2"
    if sheet.columns:
        page.auto_filter.ref = f"A1:{get_column_letter(len(sheet.columns))}{max(page.max_row, 1)}"
    _offer(page, sheet)


_DAY: Final = "yyyy-mm-dd"
_INSTANT: Final = "yyyy-mm-dd hh:mm:ss"


def _put(cell: Any, plain: object) -> None:  # noqa: ANN401
    if plain is None or plain == "":
        return
    cell.value = plain
    if isinstance(plain, datetime):
        cell.number_format = _INSTANT
    elif isinstance(plain, date):
        cell.number_format = _DAY
    elif isinstance(plain, str):
        # openpyxl takes "=1+1" for a formula; a text it is, also when somebody edits the cell.
        cell.data_type = "s"
        cell.quotePrefix = plain.startswith(LOADED_STARTS)
        cell.number_format = "@"


def _value(value: object) -> object:
    match value:
        case None | bool() | int() | float():
            return value
        case datetime():
            return value.astimezone(UTC).replace(tzinfo=None)
        case date():
            return value
        case _:
            return _UNPRINTABLE.sub("", str(value))[:LONGEST_CELL]


def _offer(page: Any, sheet: Sheet) -> None:  # noqa: ANN401
    from openpyxl.comments import Comment  # noqa: PLC0415
    from openpyxl.utils import get_column_letter  # noqa: PLC0415
    from openpyxl.worksheet.datavalidation import DataValidation  # noqa: PLC0415

    last = max(page.max_row, _CHOICE_ROWS)
    for at, name in enumerate(sheet.columns, 1):
        letter = get_column_letter(at)
        if name in sheet.choices:
            offered = ",".join(sheet.choices[name])
            rule = DataValidation(type="list", formula1=f'"{offered}"', allow_blank=True)
            rule.errorTitle, rule.error = name, f"One of: {offered}"[:250]
            page.add_data_validation(rule)
            rule.add(f"{letter}2:{letter}{last}")
        if name in sheet.remarks:
            page.cell(1, at).comment = Comment(sheet.remarks[name], "Alkawari", width=320)
