"""The sheet that goes with an agenda: a row for each point, to be filled in on a computer."""

import csv
import io
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from engine.agenda import Section
from notifications.agenda import Agenda, Point, choice, dated
from notifications.language import direction, words
from notifications.neutral import plain
from notifications.sheet_words import LEVELS, OBSTACLES, Column, heading
from notifications.workbook import harmless

COLUMNS: Final = (
    Column.REF, Column.WHAT, Column.PARTY, Column.DUE, Column.CHOICES, Column.ANSWER,
    Column.UNTIL, Column.BECAUSE, Column.OBSTACLE, Column.LEVEL, Column.SEEN, Column.WHO, Column.ON,
)  # fmt: skip

_SEMICOLON: Final = frozenset({"fr", "ar"})
"""Where a comma stands in numbers, spreadsheets part the cells of a text file by a semicolon."""

_WIDTHS: Final[Mapping[Column, int]] = {
    Column.REF: 11, Column.WHAT: 42, Column.PARTY: 22, Column.DUE: 18, Column.CHOICES: 30,
    Column.ANSWER: 17, Column.UNTIL: 12, Column.BECAUSE: 34, Column.OBSTACLE: 15,
    Column.LEVEL: 15, Column.SEEN: 28, Column.WHO: 22, Column.ON: 12,
}  # fmt: skip
_DAYS: Final = frozenset({Column.UNTIL, Column.ON})
_LONGEST_LIST: Final = 255
"""Characters of a list of choices that a workbook takes."""


def sheet_csv(agenda: Agenda, language: str) -> str:
    """The sheet as text; with the mark that tells spreadsheets that it is UTF-8."""
    text = io.StringIO()
    writer = csv.writer(
        text, delimiter=";" if language in _SEMICOLON else ",", lineterminator="\r\n"
    )
    writer.writerow([heading(column, language) for column in COLUMNS])
    for point in _filled(agenda):
        told = _told(point, language)
        writer.writerow([harmless(told.get(column, "")) for column in COLUMNS])
    return f"\N{ZERO WIDTH NO-BREAK SPACE}{text.getvalue()}"


def sheet_xlsx(agenda: Agenda, language: str, made_at: datetime) -> bytes:
    """The sheet as a workbook, with the possible answers of each row to choose from."""
    from openpyxl import Workbook  # noqa: PLC0415 - only who asks for a workbook loads it

    book = Workbook()
    page = book.active
    assert page is not None  # noqa: S101 - a new workbook has one sheet
    page.title = f"{words(language).gettext('Agenda')} {agenda.code}"[:31]
    book.properties.creator = "Alkawari"
    book.properties.created = book.properties.modified = made_at.replace(tzinfo=None)
    for at, column in enumerate(COLUMNS, 1):
        _put(page.cell(1, at), heading(column, language))
    for row, point in enumerate(_filled(agenda), 2):
        told = _told(point, language)
        for at, column in enumerate(COLUMNS, 1):
            _put(page.cell(row, at), told.get(column, ""), day=column in _DAYS)
        _offer(page, row, Column.ANSWER, _choices(point, language))
    last = max(2, len(_filled(agenda)) + 1)
    _offer(page, (2, last), Column.OBSTACLE, [said[0] for said in OBSTACLES[language].values()])
    _offer(page, (2, last), Column.LEVEL, [said[0] for said in LEVELS[language].values()])
    _dress(page, language)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def _filled(agenda: Agenda) -> list[Point]:
    """The points that a code can answer."""
    return [point for point in agenda.open if point.boxes]


def _choices(point: Point, language: str) -> list[str]:
    return [choice(point.ref, verb, language) for verb in point.boxes]


def _told(point: Point, language: str) -> dict[Column, str]:
    told = {Column.REF: point.ref, Column.CHOICES: " / ".join(_choices(point, language))}
    if point.section is Section.BY_REFERENCE:
        return told
    return told | {
        Column.WHAT: plain(point.title),
        Column.PARTY: plain(point.party),
        Column.DUE: _day(point.due_on, language),
    }


def _day(value: date | None, language: str) -> str:
    return dated(language, value) if value else ""


def _put(cell: Any, text: str, *, day: bool = False) -> None:  # noqa: ANN401 - openpyxl's types say little
    from openpyxl.styles import Alignment  # noqa: PLC0415

    if text:
        cell.value = text
        cell.data_type = "s"  # a title that begins like a formula stays a title
    # Not General: a spreadsheet would make a number of "7", and a day of what looks like one.
    cell.number_format = "yyyy-mm-dd" if day else "@"
    cell.alignment = Alignment(wrap_text=True, vertical="top")


def _offer(page: Any, rows: int | tuple[int, int], column: Column, offered: list[str]) -> None:  # noqa: ANN401 - as above
    """A drop-down in some rows of a column; other text is let through, the reader checks it."""
    from openpyxl.utils import get_column_letter  # noqa: PLC0415
    from openpyxl.worksheet.datavalidation import DataValidation  # noqa: PLC0415

    listed = ",".join(offered)
    if not offered or len(listed) > _LONGEST_LIST:
        return
    letter = get_column_letter(COLUMNS.index(column) + 1)
    first, last = rows if isinstance(rows, tuple) else (rows, rows)
    rule = DataValidation(type="list", formula1=f'"{listed}"', allow_blank=True)
    rule.showErrorMessage = False
    page.add_data_validation(rule)
    rule.add(f"{letter}{first}:{letter}{last}")


def _dress(page: Any, language: str) -> None:  # noqa: ANN401 - as above
    from openpyxl.styles import Alignment, Font  # noqa: PLC0415
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    for at, column in enumerate(COLUMNS, 1):
        page.column_dimensions[get_column_letter(at)].width = _WIDTHS[column]
        page.cell(1, at).font = Font(bold=True)
        page.cell(1, at).alignment = Alignment(wrap_text=True, vertical="bottom")
    page.freeze_panes = "B2"
    page.sheet_view.rightToLeft = direction(language) == "rtl"
    page.print_title_rows = "1:1"
    page.page_setup.orientation = "landscape"
    page.page_setup.fitToWidth, page.page_setup.fitToHeight = 1, 0
    page.sheet_properties.pageSetUpPr.fitToPage = True
