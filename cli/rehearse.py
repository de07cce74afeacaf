"""The command that shows what would be said, before anything is."""

import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from cli.output import Refused, progress, say_json
from cli.session import AsOf, Json, day, opened
from config.ladder import load_ladder

CURRENT = "current"
"""What --against calls the ladder that is in use."""


def rehearse(
    until: Annotated[str, typer.Option(metavar="DATE", help="The last day.")],
    ladder: Annotated[
        Path | None, typer.Option(help="A ladder to try instead of the present one.")
    ] = None,
    against: Annotated[
        str, typer.Option(metavar="FILE", help="Compare --ladder with this one, or `current`.")
    ] = "",
    all_runs: Annotated[
        bool, typer.Option("--all-runs", help="--ladder also for the cases that are running.")
    ] = False,
    dialogue: Annotated[str, typer.Option(help="Only this one, by name or code.")] = "",
    whole: Annotated[bool, typer.Option("--all", help="Show every line, however many.")] = False,
    as_of: AsOf = "",
    as_json: Json = False,
) -> None:
    """If nobody acts: who is told what, when, in which language. Changes nothing."""
    # Mail and its rules, which other commands need not load.
    from cli.rehearse_tables import show, show_both  # noqa: PLC0415
    from workflows.rehearse import Wanted  # noqa: PLC0415
    from workflows.rehearse import rehearse as story  # noqa: PLC0415
    from workflows.rehearse_against import compare  # noqa: PLC0415

    if ladder is None and (against or all_runs):
        raise Refused("--against and --all-runs speak of another ladder: name it with --ladder.")
    # Whoever ends it early must not leave the copy lying about.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    with opened(as_of) as (services, now), progress("rehearsing", quiet=as_json) as told:
        wanted = Wanted(
            until_on=day(until, "--until"),
            ladder=load_ladder(ladder) if ladder else None,
            all_runs=all_runs,
            dialogue=dialogue,
        )
        found, compared = story(services, wanted, now, progress=told), None
        if against:
            old = services.ladder if against == CURRENT else load_ladder(Path(against))
            before = story(services, replace(wanted, ladder=old), now, progress=told)
            compared = compare(before.lines, found.lines)
    if compared is not None and as_json:
        say_json({**compared.as_dict(), "runs_under_way": found.runs_under_way})
    elif compared is not None:
        show_both(compared, found, wanted, whole=whole)
    elif as_json:
        say_json([line.as_dict() for line in found.lines])
    else:
        show(found, wanted, whole=whole)
