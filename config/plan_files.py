"""CSV files and spreadsheets as numbered rows of text; the first row is the header."""

import csv
import re
import warnings
import zipfile
import zlib
from codecs import BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Final, Protocol, TextIO
from xml.etree.ElementTree import ParseError

from config.plan_values import RowError
from engine.errors import N_, reason_of
from notifications.workbook import spoken

LARGEST_CSV: Final = 512 * 2**20
"""Bytes."""

LARGEST_SHEET: Final = 256 * 2**20
"""Bytes of a workbook when unpacked: a plan of 100,000 rows takes about 60 MB."""

WIDEST: Final = 256
"""Columns that a sheet may use."""

_CHUNK = 2**20
_QUOTED = re.compile(r'"[^"]*"')
_BROKEN_WORKBOOK = (
    zipfile.BadZipFile, zlib.error, ParseError, KeyError, ValueError, TypeError, IndexError,
    AttributeError, EOFError, NotImplementedError, RuntimeError,
)  # fmt: skip
_FOREIGN: Final = {
    b"PK\x03\x04": N_("this is a workbook; name it .xlsx"),
    b"\xd0\xcf\x11\xe0": N_("this is an old or protected workbook; save it as .xlsx"),
    BOM_UTF16_LE: N_("the text is UTF-16; save the file as CSV UTF-8"),
    BOM_UTF16_BE: N_("the text is UTF-16; save the file as CSV UTF-8"),
}

Row = tuple[int, list[str]]


class _Cell(Protocol):
    """What we use of a cell of openpyxl."""

    @property
    def value(self) -> object: ...

    @property
    def data_type(self) -> str: ...


def csv_rows(path: Path, errors: list[RowError]) -> Iterator[Row]:
    """
    Each record of a CSV file in UTF-8 with the line where it begins; blank ones are left out.

    The delimiter is what stands most often in the header: comma, semicolon or tab. The apostrophe
    that keeps a spreadsheet from running a text as a formula is taken off again. What cannot be
    read is added to `errors`.
    """
    if (trouble := _not_utf8(path)) is not None:
        errors.append(trouble)
        return
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from text_rows(file, errors)


def text_rows(file: TextIO, errors: list[RowError]) -> Iterator[Row]:
    """The same of text that is decoded already; its line ends must be as they came."""
    delimiter = _delimiter(next((line for line in file if line.strip()), ""))
    file.seek(0)
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            reason, is_lost = _broken_record(str(error))
            errors.append(RowError(row=line, column="", value="", reason=reason))
            if is_lost:
                return
            continue
        if any(map(str.strip, fields)):
            yield line, [spoken(cell) if cell[:1] == "'" else cell for cell in fields]


def _broken_record(problem: str) -> tuple[str, bool]:
    """The reason, and whether the places where the later records begin are lost with it."""
    if "field larger" in problem:
        limit = csv.field_size_limit()
        why = N_(
            "a cell is longer than %(most)s characters; is a quotation mark not closed?",
            most=f"{limit:,}",
        )
        return why, True
    if "end of data" in problem:
        return N_("a quotation mark that opens here is never closed"), True
    return N_("the quotation marks are not in order (%(problem)s)", problem=problem), False


def _not_utf8(path: Path) -> RowError | None:
    if (size := path.stat().st_size) > LARGEST_CSV:
        return _whole_file(
            N_(
                "%(size)s MB; at most %(most)s MB are read",
                size=size // 2**20, most=LARGEST_CSV // 2**20,
            )
        )  # fmt: skip
    decoder = getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        start = file.read(4)
        for mark, reason in _FOREIGN.items():
            if start.startswith(mark):
                return _whole_file(reason)
        file.seek(0)
        try:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return _first_bad_byte(path.read_bytes())
    return None


def _first_bad_byte(raw: bytes) -> RowError:
    position = 0
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        position = error.start
    return RowError(
        row=raw.count(b"\n", 0, position) + 1,
        column="",
        value=f"0x{raw[position]:02X}",
        reason=N_(
            "byte %(number)s of the file is not UTF-8; save the file as CSV UTF-8",
            number=position + 1,
        ),
    )


def _whole_file(reason: str) -> RowError:
    return RowError(row=0, column="", value="", reason=reason)


def _delimiter(header: str) -> str:
    bare = _QUOTED.sub("", header)
    return max(",;\t", key=bare.count)


def sheet_rows(path: Path, errors: list[RowError]) -> Iterator[Row]:
    """
    Each row of the first visible sheet of a workbook, as wide as its header; blank ones left out.

    Days come as ISO days and whole numbers without a decimal point. A formula is refused: what it
    shows depends on the program that opens it. What cannot be read is added to `errors`.
    """
    try:
        if (trouble := _too_large(path)) is not None:
            errors.append(trouble)
            return
        yield from _sheet(path, errors)
    except _BROKEN_WORKBOOK as error:
        kind = type(error).__name__
        reason = N_(
            "not a workbook that can be read (%(kind)s); open it and save it as .xlsx again",
            kind=kind,
        )
        errors.append(_whole_file(reason))


def _too_large(path: Path) -> RowError | None:
    with zipfile.ZipFile(path) as packed:
        size = sum(part.file_size for part in packed.infolist())
    if size <= LARGEST_SHEET:
        return None
    limit = LARGEST_SHEET // 2**20
    return _whole_file(
        N_(
            "unpacked it has %(size)s MB; at most %(most)s MB are read",
            size=f"{size // 2**20:,}", most=limit,
        )
    )  # fmt: skip


def _sheet(path: Path, errors: list[RowError]) -> Iterator[Row]:
    from openpyxl import load_workbook  # noqa: PLC0415 - a CSV plan need not load it

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl tells of styles and checks that it leaves out
        book = load_workbook(path, read_only=True)
    try:
        sheet = next((one for one in book.worksheets if one.sheet_state == "visible"), None)
        if sheet is None:
            errors.append(_whole_file(N_("the workbook has no visible sheet")))
            return
        sheet.reset_dimensions()  # what a file says about its own size need not be true
        header: list[str] = []
        for number, cells in enumerate(sheet.iter_rows(), 1):
            texts = _texts(number, cells, header, errors)
            if len(texts) > WIDEST:
                reason = N_("uses more than %(most)s columns", most=WIDEST)
                errors.append(RowError(row=number, column="", value="", reason=reason))
                return
            if header:
                texts += [""] * (len(header) - len(texts))
            header = header or texts
            if any(texts):
                yield number, texts
    finally:
        book.close()


def _texts(
    number: int, cells: Sequence[_Cell], header: Sequence[str], errors: list[RowError]
) -> list[str]:
    texts = []
    for at, cell in enumerate(cells):
        try:
            texts.append("" if cell.value is None else _cell_text(cell))
        except ValueError as error:
            column = header[at] if at < len(header) else ""
            value = str(cell.value)[:120]
            errors.append(RowError(row=number, column=column, value=value, reason=reason_of(error)))
            texts.append("")
    while texts and not texts[-1].strip():
        texts.pop()
    return texts


def _cell_text(cell: _Cell) -> str:
    if cell.data_type == "f":
        raise ValueError(N_("a formula; write its value"))
    if cell.data_type == "e":
        raise ValueError(N_("the spreadsheet shows an error here"))
    match cell.value:
        case datetime() as moment:
            return str(moment.date() if moment.time() == time() else moment)
        case date() as day:
            return str(day)
        case float() as number if number.is_integer():
            return str(int(number))
        case value:
            return str(value)
