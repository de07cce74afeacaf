"""Commands for the database as a whole: move the record to another one, and copy it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from cli.output import Refused, say, say_json, several, table
from cli.session import Json, opened, settings
from engine.errors import BadValue
from engine.store.database import Database


def migrate_to(
    url: Annotated[
        str, typer.Argument(metavar="URL", help="An empty database: sqlite:///FILE, postgresql://…")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look only; change nothing.")] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help="Call the move to there off; the record is here again.")
    ] = False,
    lost: Annotated[
        bool, typer.Option("--lost", help="With --undo: that database is lost for good.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Move the whole record into another database; broken off, it goes on where it was."""
    from workflows.moving import foresee_move, move_record  # noqa: PLC0415 - Alembic, as `init`

    if lost and not undo:
        raise Refused("--lost goes with --undo: it says that the other database is lost for good.")
    where = settings()
    if not where.database_url and not where.data_folder.is_dir():
        reason = "there is no such folder yet, so there is no record to move"
        raise BadValue("data_folder", str(where.data_folder), reason)
    source, target = Database(where.database), Database(url)
    try:
        if undo:
            _undo(source, target, lost=lost, as_json=as_json)
            return
        began = perf_counter()
        if dry_run:
            moved = foresee_move(source, target)
        else:
            with _told(quiet=as_json) as tell:
                moved = move_record(source, target, tell=tell)
        elapsed = perf_counter() - began
    finally:
        source.close()
        target.close()
    figures = {**moved.as_dict(), "elapsed_s": round(elapsed, 3)}
    if as_json:
        say_json(figures)
        return
    if moved.before:
        say(f"This record was moved to {moved.target} before; set database_url to that.")
        return
    table(
        f"{'Would move' if dry_run else 'Moved'} to {moved.target}",
        ("table", "rows", *(() if dry_run else ("copied now",))),
        [
            (lot.table, lot.rows, *(() if dry_run else (lot.copied,)))
            for lot in moved.lots
            if lot.rows
        ],
    )
    if dry_run:
        say(f"{several(moved.rows, 'row')}; nothing was written.")
        return
    say(
        f"{several(moved.rows, 'row')} compared one by one, {several(moved.events, 'event')} read; "
        f"{moved.fingerprint}"
    )
    say(
        f"From now on the record is in {moved.target}: set database_url to that wherever Alkawari "
        f"runs. Evidence stays in {where.data_folder}."
    )


def backup(
    file: Annotated[Path, typer.Argument(help="An SQLite file that is not there yet.")],
    as_json: Json = False,
) -> None:
    """Copy the whole record into one file, while it is used; the copy begins paused."""
    from workflows.backing_up import back_up  # noqa: PLC0415 - as above

    with opened() as (services, now):
        with _told(quiet=as_json) as tell:
            done = back_up(services.database, file, now, tell=tell)
        folder = services.settings.data_folder
    if as_json:
        say_json(done.as_dict())
        return
    say(f"Wrote {done.file} ({done.bytes / 2**20:.1f} MB, {several(done.events, 'event')}, whole).")
    say(f"Fingerprint: {done.fingerprint}")
    say(
        "Who restores it finds it paused: what left since then is not known to it. Files handed in "
        f"as evidence are not in it; copy {folder / 'evidence'} after it."
    )


def _undo(source: Database, target: Database, *, lost: bool, as_json: bool) -> None:
    from workflows.moving import call_off  # noqa: PLC0415 - as above

    paused = call_off(source, target, lost=lost)
    if as_json:
        say_json({"database": source.shown, "released": True, "paused": paused})
        return
    say(f"The record is in {source.shown} again.")
    if paused:
        say(
            "What left from the lost database is not known here and may be said again, so every "
            "message waits: look at `alkawari sweep --dry-run`, then `alkawari resume`."
        )


@contextmanager
def _told(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """What is being done, on stderr, when somebody is looking."""
    if quiet or not sys.stderr.isatty():
        yield lambda _words: None
        return
    from rich.console import Console  # noqa: PLC0415 - only where somebody is looking

    with Console(stderr=True).status("beginning") as shown:
        yield shown.update
