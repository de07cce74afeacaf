"""Commands that hand things out: everything on record, and an empty plan to fill."""

import csv
import io
import json
import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.output import Refused, complain
from cli.session import AsOf, opened, then
from config.wiring import Services


class Form(StrEnum):
    """What an export may be written as."""

    CSV = "csv"
    XLSX = "xlsx"
    JSON = "json"
    ICS = "ics"


Out = Annotated[Path | None, typer.Option(help="A file; else stdout.")]


def export(
    form: Annotated[str, typer.Option("--format", help="csv, xlsx, json or ics.")] = "csv",
    out: Out = None,
    dialogue: Annotated[str, typer.Option(help="Only the history of one dialogue (json).")] = "",
    action: Annotated[
        str, typer.Option(metavar="REF", help="Only one action, with its proofs (json).")
    ] = "",
    as_of: AsOf = "",
) -> None:
    """Write every action out; the CSV, the workbook and the JSON can be taken in again."""
    try:
        chosen = Form(form)
    except ValueError:
        raise Refused(f"--format {form!r}: write csv, xlsx, json or ics.") from None
    if (dialogue or action) and chosen is not Form.JSON:
        raise Refused("--dialogue and --action choose a history: use them with --format json.")
    with opened(as_of) as (services, now):
        match chosen:
            case Form.JSON:
                written = _record(services, now, as_of, dialogue, action)
            case Form.CSV:
                written = _plan(services, now, as_of)
            case Form.XLSX:
                written = _workbook(services, now, as_of)
            case Form.ICS:
                written = _calendar(services, now, as_of)
    hand_out(written, out)


def template(out: Out = None) -> None:
    """Write an empty plan as a workbook with drop-downs, to be filled without internet."""
    from config.plan_template import template as written  # noqa: PLC0415

    hand_out(written(), out)


def hand_out(written: bytes, out: Path | None) -> None:
    """Write to a file, whole or not at all, or to stdout."""
    if out is None:
        if sys.stdout.isatty() and written[:2] == b"PK":
            raise Refused("A workbook is nothing for a terminal: name a file with --out.")
        sys.stdout.buffer.write(written)
        sys.stdout.flush()
    elif out.is_dir():
        raise Refused(f"--out {str(out)!r}: that is a folder; name a file in it.")
    else:
        partial = out.with_name(f"{out.name}.part")
        try:
            partial.write_bytes(written)
            partial.replace(out)
        except OSError as error:
            raise Refused(f"{out} cannot be written ({error.strerror}).") from None
        complain(f"Wrote {out}.")


def _record(services: Services, now: datetime, as_of: str, dialogue: str, action: str) -> bytes:
    from workflows.handing_out import record_of  # noqa: PLC0415

    at = now if as_of else None
    record = record_of(services.database, at, dialogue=dialogue, ref=action)
    return (json.dumps(record, ensure_ascii=False, indent=2) + "\n").encode()


def _plan(services: Services, now: datetime, as_of: str) -> bytes:
    from config.plan_columns import COLUMNS  # noqa: PLC0415
    from engine.store.exporting import plan_rows  # noqa: PLC0415
    from notifications.workbook import harmless  # noqa: PLC0415

    sheet = io.StringIO()
    writer = csv.writer(sheet, lineterminator="\n")
    writer.writerow(COLUMNS)
    with then(services, as_of, now) as connection:
        for row in plan_rows(connection):
            writer.writerow([harmless(row.get(name, "")) for name in COLUMNS])
    return sheet.getvalue().encode()


def _workbook(services: Services, now: datetime, as_of: str) -> bytes:
    from engine.store.exporting import plan_rows  # noqa: PLC0415
    from workflows.handing_out import record_of  # noqa: PLC0415
    from workflows.workbooks import programme_workbook  # noqa: PLC0415

    record = record_of(services.database, now if as_of else None)
    with then(services, as_of, now) as connection:
        return programme_workbook(plan_rows(connection), record, services.settings.programme)


def _calendar(services: Services, now: datetime, as_of: str) -> bytes:
    from engine.store.listing import due_days  # noqa: PLC0415
    from notifications.ics import Day, calendar_bytes  # noqa: PLC0415

    with then(services, as_of, now) as connection:
        days = [
            Day(uid=f"{ref}@{services.office.domain}", ref=ref, dialogue=dialogue, due_on=due_on)
            for ref, dialogue, due_on in due_days(connection)
        ]
    return calendar_bytes(days, name=services.settings.programme, now=now)
