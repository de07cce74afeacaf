"""Commands that run the programme: set up, take in, sweep, deliver, export, brakes."""

from datetime import timedelta
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from cli.brakes import Listing, needed, show_holds
from cli.output import Refused, pairs, progress, say, say_json, several, table
from cli.session import AsOf, Json, config_path, day, instant, opened, settings, text
from config.settings import CONFIG_NAME, TEMPLATE
from engine.errors import BadValue, UnknownThing
from engine.store.database import Database
from engine.store.listing import dialogue_ids, dialogue_names
from engine.store.records import find_action

LONGEST_REASON, LONGEST_KEY = 400, 120
"""Characters, as the database takes them."""

Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0: any free one.")]
Reason = Annotated[str, typer.Option(help="Why.", callback=text(LONGEST_REASON))]
ScopeRef = Annotated[str, typer.Option("--action", metavar="REF", help="Only this action.")]
ScopeDialogue = Annotated[str, typer.Option("--dialogue", help="Only this dialogue.")]
Who = Annotated[
    str,
    typer.Option("--by", metavar="PERSON", help="Who asks for it.", callback=text(LONGEST_KEY)),
]


def init(as_json: Json = False) -> None:
    """Write a commented alkawari.yaml and create or migrate the database."""
    from engine.store.schema import upgrade  # noqa: PLC0415 - Alembic, which only this command needs

    path = config_path() or Path(CONFIG_NAME)
    written = not path.exists()
    if written:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TEMPLATE, encoding="utf-8")
    where = settings()
    if not where.database_url:
        where.data_folder.mkdir(parents=True, exist_ok=True)
    database = Database(where.database)
    try:
        done = upgrade(database)
    finally:
        database.close()
    if as_json:
        say_json({"database": done.database, "created": done.created, "revision": done.revision})
        return
    say(f"{'Wrote' if written else 'Kept'} {path}.")
    say(f"{'Created' if done.created else 'Checked'} {done.database} (revision {done.revision}).")


def take_in(
    file: Annotated[Path, typer.Argument(help="CSV, XLSX or YAML plan.")],
    map_file: Annotated[Path | None, typer.Option("--map", help="Names your own columns.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing.")] = False,
    as_of: AsOf = "",
    as_json: Json = False,
) -> None:
    """Take in a plan: all of it, or nothing and every error; a whole record restores it."""
    if file.suffix.lower() == ".json":
        _restore(file, as_json=as_json)
        return
    from workflows.intake import take_in as story  # noqa: PLC0415 - parsers that others need not load

    with opened(as_of) as (services, now), progress("reading", quiet=as_json):
        taken = story(services, file, map_file, now, dry_run=dry_run)
    if as_json:
        say_json(taken.as_dict())
    elif taken.errors:
        table(
            f"{file}: {several(len(taken.errors), 'error')}, nothing was taken in",
            ("line", "column", "value", "reason"),
            [(e.row, e.column, e.value, e.reason) for e in taken.errors],
        )
    else:
        say(
            f"{'Would take' if dry_run else 'Took'} in {several(taken.rows, 'row')}: "
            f"{taken.created} new, {taken.updated} changed, {taken.unchanged} as they were."
        )
    if taken.errors:
        first = taken.errors[0]
        raise Refused(
            f"{file}: {several(len(taken.errors), 'error')}, nothing was taken in; "
            f"the first is on line {first.row}, column {first.column or '-'}: {first.reason}."
        )


def _restore(file: Path, *, as_json: bool) -> None:
    from workflows.restoring import restore_record  # noqa: PLC0415

    with opened() as (services, _now):
        done = restore_record(services, file)
    if as_json:
        say_json({"rows": done.actions, "created": done.actions, "updated": 0, "unchanged": 0,
                  "errors": []})  # fmt: skip
        return
    say(f"Restored {done.actions} actions with {done.events} events; {done.fingerprint}")


def sweep(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing.")] = False,
    shard: Annotated[
        str, typer.Option(metavar="I/N", help="Only this share of the dialogues, such as 1/4.")
    ] = "",
    as_of: AsOf = "",
    as_json: Json = False,
) -> None:
    """Find what is due now, decide, and queue."""
    from engine.shard import Shard  # noqa: PLC0415
    from workflows import sweep as story  # noqa: PLC0415 - only this command needs the rules

    share = Shard.parse(shard) if shard else None
    if share and dry_run:
        raise BadValue("shard", shard, "a dry run looks at all of them; leave one of both out")
    with opened(as_of) as (services, now), progress("looking at actions", quiet=as_json) as told:
        started = perf_counter()
        if dry_run:
            swept = story.rehearse_sweep(services, now)
        else:
            swept = story.sweep(services, now, shard=share, progress=told)
        figures = {
            "as_of": now.isoformat(),
            **swept.as_dict(),
            "elapsed_s": round(perf_counter() - started, 3),
        }
    if as_json:
        say_json(figures)
    else:
        pairs("Would do" if dry_run else "Swept", figures)
    if swept.refused:
        raise Refused(
            f"{swept.refused} action(s) could not be looked at; the log says which and why, and "
            "they are tried again tomorrow."
        )


def deliver(as_of: AsOf = "", as_json: Json = False) -> None:
    """Hand over what may leave now."""
    from workflows import deliver as story  # noqa: PLC0415 - mail is loaded where it is sent

    with opened(as_of) as (services, now), progress("delivering", quiet=as_json) as told:
        started = perf_counter()
        done = story.deliver(services, now, progress=told)
        figures = {
            "as_of": now.isoformat(),
            **story.figures(services, done),
            "elapsed_s": round(perf_counter() - started, 3),
        }
    if as_json:
        say_json(figures)
    else:
        pairs("Delivered", figures)
    if done.channel_down:
        raise Refused(
            f"Mail cannot leave now ({done.channel_down}); nothing is lost, what waits is tried "
            "again. See `alkawari doctor`."
        )


def hold(
    context: typer.Context,
    by: Who = "",
    reason: Reason = "",
    action: ScopeRef = "",
    dialogue: ScopeDialogue = "",
    since: Annotated[str, typer.Option("--from", metavar="DATE", help="First day.")] = "",
    until: Annotated[str, typer.Option(metavar="DATE", help="Last day; none: until resumed.")] = "",
    listing: Listing = False,
    as_of: AsOf = "",
    as_json: Json = False,
) -> None:
    """Keep messages back: of one action, one dialogue, or all of them; --list shows which wait."""
    if listing:
        show_holds(as_of, as_json=as_json)
        return
    needed(context, "by", "reason")
    _put_hold(by, reason, action, dialogue, since=since, until=until, as_of=as_of)


def _put_hold(
    by: str, reason: str, action: str, dialogue: str, *,
    since: str = "", until: str = "", as_of: str = "",
) -> None:  # fmt: skip
    from workflows import record  # noqa: PLC0415

    with opened(as_of) as (services, now):
        scope, named = _scope(services.database, action, dialogue)
        record.hold(
            services,
            scope,
            # West of Greenwich it may be yesterday yet, and a brake works at once everywhere.
            from_on=day(since, "--from") if since else now.date() - timedelta(days=1),
            until_on=day(until, "--until") if until else None,
            by=by,
            reason=reason,
            now=now,
        )
    say(f"Messages of {named} wait{f' until {until}' if until else ' until they are resumed'}.")


def pause(
    by: Who,
    reason: Reason,
    action: ScopeRef = "",
    dialogue: ScopeDialogue = "",
    as_of: AsOf = "",
) -> None:
    """Stop every message at once, until `resume`."""
    _put_hold(by, reason, action, dialogue, as_of=as_of)


def resume(
    action: ScopeRef = "",
    dialogue: ScopeDialogue = "",
    by: Who = "",
    reason: Reason = "",
    as_of: AsOf = "",
) -> None:
    """End a hold or pause; what is still true may leave again."""
    from workflows import record  # noqa: PLC0415

    with opened(as_of) as (services, now):
        scope, named = _scope(services.database, action, dialogue)
        ended = record.resume(services, scope, now, by=by, reason=reason)
    say(f"Ended {ended} hold(s); messages of {named} may leave again.")


def doctor(as_json: Json = False) -> None:
    """Look for what is wrong and say what to do."""
    from workflows.doctor import examine  # noqa: PLC0415

    findings = examine(config_path())
    if as_json:
        say_json([finding.as_dict() for finding in findings])
    else:
        table("Findings", ("check", "state", "what it says", "what to do"),
              [(f.check, f.state, f.says, f.advice) for f in findings])  # fmt: skip
    if any(finding.state == "wrong" for finding in findings):
        raise Refused("Something is wrong; the list says what and what to do.")


def up(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Port = 8000,
) -> None:
    """Run it all: the timetable with its flows, and the web face."""
    from web.serve import run_up  # noqa: PLC0415 - a web server that no other command needs

    where = settings()
    instant("", where)
    run_up(where, host, port)


def demo(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Port = 8000,
) -> None:
    """Show it all on a sample programme, with a mailbox page and a clock to move."""
    from web.demo import run_demo  # noqa: PLC0415

    run_demo(host, port)


def _scope(
    database: Database, ref: str, dialogue: str
) -> tuple[tuple[int | None, int | None], str]:
    with database.read() as connection:
        if ref:
            action = find_action(connection, ref)
            return (action.dialogue_id, action.id), action.ref
        if dialogue:
            found = dialogue_ids(connection, dialogue)
            if not found:
                raise UnknownThing("dialogue", dialogue, dialogue_names(connection))
            return (found[0], None), dialogue
    return (None, None), "the whole programme"
