"""The command that makes a digest: a coordinator's, a committee's (the agenda) or a manager's."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.output import say
from cli.session import AsOf, Json, day, opened
from engine.digest import DigestKind


class Every(StrEnum):
    """How often somebody gets a digest."""

    WEEKLY = "weekly"
    MONTHLY = "monthly"
    NEVER = "never"


class Read(StrEnum):
    """The digests that are sent."""

    COORDINATOR = DigestKind.COORDINATOR.value
    MANAGER = DigestKind.MANAGER.value


def digest(
    kind: Annotated[
        DigestKind | None, typer.Argument(help="coordinator, committee or manager.")
    ] = None,
    person: Annotated[str, typer.Option("--for", metavar="PERSON", help="Key or address.")] = "",
    dialogue: Annotated[str, typer.Option(help="Name or code of the dialogue.")] = "",
    language: Annotated[str, typer.Option(help="en, fr, ar or ha.")] = "",
    out: Annotated[Path | None, typer.Option(help="A file; its ending says the form.")] = None,
    session: Annotated[
        str, typer.Option(metavar="DATE", help="Day of the committee's session; else a blank.")
    ] = "",
    since: Annotated[
        str,
        typer.Option(metavar="DATE", help="What was confirmed after it; else the last session."),
    ] = "",
    until: Annotated[
        str, typer.Option(metavar="DATE", help="What is due by it; else a month ahead.")
    ] = "",
    archive: Annotated[
        bool, typer.Option("--list", help="List the digests that were sent instead.")
    ] = False,
    send: Annotated[
        bool, typer.Option("--send", help="Make and queue those that are due instead.")
    ] = False,
    as_of: AsOf = "",
    as_json: Json = False,
) -> None:
    """Show where things stand: to a coordinator, a committee or a manager."""
    if archive or send:
        from cli.digest_readers import digests_sent, send_due  # noqa: PLC0415 - as below

        if send:
            send_due(as_of, as_json=as_json)
        else:
            digests_sent(as_json=as_json)
        return
    if kind is None:
        raise typer.BadParameter("say for whom: coordinator, committee or manager")
    if kind is DigestKind.COMMITTEE:
        from cli.agenda import agenda  # noqa: PLC0415 - pages that other commands need not load
        from workflows.agenda import AgendaAsked  # noqa: PLC0415

        asked = AgendaAsked(
            dialogue=dialogue,
            language=language,
            session_on=day(session, "--session") if session else None,
            since=day(since, "--since") if since else None,
            until=day(until, "--until") if until else None,
        )
        agenda(asked, out, as_of, as_json=as_json)
        return
    from cli.digest_readers import reader_digest  # noqa: PLC0415 - words that help need not load

    reader_digest(kind, person, dialogue, language, out, as_of, as_json=as_json)


def subscribe(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="Key or address.")],
    kind: Annotated[Read, typer.Argument(metavar="DIGEST", help="coordinator or manager.")],
    every: Annotated[Every, typer.Argument(help="weekly, monthly or never.")],
    workbook: Annotated[
        bool, typer.Option("--workbook/--no-workbook", help="With the figures as a workbook.")
    ] = False,
) -> None:
    """Say how often somebody gets a digest."""
    from workflows.digest_round import subscribed  # noqa: PLC0415

    with opened() as (services, _now):
        who = subscribed(services, person, DigestKind(kind), every, workbook=workbook)
    attached = ", with a workbook" if workbook and every is not Every.NEVER else ""
    say(f"{who.key} gets the {kind} digest {every}{attached}.")
