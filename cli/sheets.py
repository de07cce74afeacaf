"""The command that takes in a filled sheet, or what was said over the telephone."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.output import Refused, say, say_json, several, table
from cli.session import AsOf, Json, day, opened, text
from engine.answer import Origin

LONGEST_KEY, LONGEST_WHO = 120, 160
"""Characters, as the database and a sheet take them."""


class HeardBy(StrEnum):
    """How what is typed was heard."""

    PAPER = "paper"
    PHONE = "phone"
    SITE = "site"
    SMS = "sms"


def answers(
    sheet: Annotated[str, typer.Argument(metavar="SHEET", help="CSV or XLSX; - for stdin.")],
    by: Annotated[
        str,
        typer.Option(metavar="COORDINATOR", help="Who types it.", callback=text(LONGEST_KEY)),
    ] = "",
    channel: Annotated[HeardBy, typer.Option(help="How it was heard.")] = HeardBy.PAPER,
    who: Annotated[
        str,
        typer.Option(help="Whose word it is, where a row says nobody.", callback=text(LONGEST_WHO)),
    ] = "",
    on: Annotated[
        str, typer.Option(metavar="DATE", help="When it was said, where a row does not say.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing.")] = False,
    as_of: AsOf = "",
    as_json: Json = False,
) -> None:
    """Take in a filled sheet of answers: all of it, or nothing and every error."""
    from config.sheet import read_sheet, read_typed  # noqa: PLC0415 - readers that others need not load
    from workflows.sheets import Typist, take_sheet  # noqa: PLC0415

    if sheet != "-" and not Path(sheet).is_file():
        raise Refused(f"answers {sheet!r}: there is no such file.")
    with opened(as_of) as (services, now):
        read = read_typed(sys.stdin.buffer.read()) if sheet == "-" else read_sheet(Path(sheet))
        said_on = day(on, "--on") if on else None
        typist = Typist(by=by, origin=Origin(channel.value), who=who, on=said_on)
        taken = take_sheet(services, read, typist, now, dry_run=dry_run)
    if as_json:
        say_json(taken.as_dict())
    elif not taken.errors:
        say(
            f"{'Would take' if dry_run else 'Took'} in {several(taken.rows, 'row')}: "
            f"{taken.applied} applied, "
            f"{taken.noted} noted for the coordinator, {taken.refused} that could not be applied, "
            f"{taken.again} that had come before."
        )
    for title, found in (("Nothing was taken in", taken.errors), ("Look at", taken.remarks)):
        if found and not as_json:
            table(
                title,
                ("row", "column", "value", "reason"),
                [(one.row, one.column, one.value, one.reason) for one in found],
                whole=("row",),
            )
    if taken.errors:
        first = taken.errors[0]
        raise Refused(
            f"{sheet}: {several(len(taken.errors), 'error')}, nothing was taken in; "
            f"the first is on row {first.row}, column {first.column or '-'}: {first.reason}."
        )
