"""Commands for evidence: hand a file in, list what lies beside an action, take one out."""

from pathlib import Path
from typing import Annotated

import typer

from cli.output import Refused, say, say_json, table
from cli.session import AsOf, By, Json, Version, opened, text

app = typer.Typer(no_args_is_help=True, help="Files that show how it is, kept by their hash.")

Ref = Annotated[str, typer.Argument(help="The action's reference, such as SAA-07.")]


@app.command()
def add(
    ref: Ref,
    file: Annotated[Path, typer.Argument(help="A photograph, PDF, text or sheet.")],
    by: By,
    supports: Annotated[bool, typer.Option("--supports", help="It shows that it is so.")] = False,
    contradicts: Annotated[
        bool, typer.Option("--contradicts", help="It shows that it is not so.")
    ] = False,
    note: Annotated[str, typer.Option(help="What it shows.", callback=text(400))] = "",
    version: Version = None,
    as_of: AsOf = "",
    as_json: Json = False,
) -> None:
    """Keep a file beside an action; its hash goes into the history."""
    from engine.bearing import Bearing  # noqa: PLC0415
    from workflows.handing_in import Handed, hand_in  # noqa: PLC0415
    from workflows.record import Asked  # noqa: PLC0415

    if supports and contradicts:
        raise typer.BadParameter("give --supports or --contradicts, not both")
    bearing = Bearing.UNSAID
    if supports or contradicts:
        bearing = Bearing.SUPPORTS if supports else Bearing.CONTRADICTS
    handed = Handed(path=file, bearing=bearing, note=note)
    with opened(as_of) as (services, now):
        asked = Asked(ref=ref, by=by, version=version)
        after, kept = hand_in(services, asked, handed, now)
    if as_json:
        say_json({"ref": after.ref, "version": after.version, **kept.as_dict()})
        return
    say(f"{after.ref}: kept as {kept.sha256.hex()} (version {after.version}).")
    if kept.bearing is Bearing.CONTRADICTS:
        say(
            "The coordinator is told. If it is right: "
            f"`alkawari dispute {after.ref} --by {by} --reason ...`"
        )


@app.command("list")
def listed(ref: Ref, as_json: Json = False) -> None:
    """What was handed in about an action, oldest first."""
    from engine.store.evidence import evidence_about  # noqa: PLC0415
    from engine.store.records import find_action  # noqa: PLC0415

    with opened() as (services, _now), services.database.read() as connection:
        action = find_action(connection, ref)
        found = evidence_about(connection, action.id)
    if as_json:
        say_json([kept.as_dict() for kept in found])
        return
    if not found:
        say(f"Nothing was handed in about {action.ref}.")
        return
    table(
        f"Evidence about {action.ref}",
        ("sha256", "bears", "what", "bytes", "name", "by", "when (UTC)", "note"),
        [
            (kept.sha256.hex()[:16], kept.bearing, kept.media_type, kept.size, kept.name, kept.by,
             f"{kept.at:%Y-%m-%d %H:%M}", kept.note)
            for kept in found
        ],
        whole=("sha256", "bears", "when (UTC)"),
    )  # fmt: skip


@app.command()
def get(
    sha: Annotated[str, typer.Argument(help="Its SHA-256, or eight signs of its beginning.")],
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="A file that is new.")] = None,
    as_json: Json = False,
) -> None:
    """Write a file out, after its hash was checked; it is never opened here."""
    from workflows.handing_in import take_out  # noqa: PLC0415

    if out is None:
        raise Refused("Say with --out where the file is to be written.")
    with opened() as (services, _now):
        kept = take_out(services, sha, out)
    if as_json:
        say_json({"out": str(out), **kept.as_dict()})
    else:
        say(f"Wrote {out}: {kept.media_type}, {kept.size} bytes, sha256 {kept.sha256.hex()}.")
