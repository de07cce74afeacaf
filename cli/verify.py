"""The command that checks whether anybody rewrote the history."""

from pathlib import Path
from typing import Annotated

import typer

from cli.output import Refused, say, say_json, table
from cli.session import Json, opened


def verify(
    fingerprint: Annotated[
        list[str] | None,
        typer.Option(help="An old one, as it stands under a digest; may be given several times."),
    ] = None,
    dialogue: Annotated[str, typer.Option(help="Name or code of one dialogue.")] = "",
    bundle: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What `export --format json` wrote; needs no database."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check that nobody rewrote the history."""
    from workflows import verify as story  # noqa: PLC0415 - only this command reads every event

    if bundle is not None:
        done = story.verify_bundle(bundle, fingerprint or (), dialogue or None)
    else:
        with opened() as (services, _now):
            files = services.settings.data_folder / "evidence"
            done = story.verify(services.database, fingerprint or (), dialogue or None, files)
    if as_json:
        say_json(done.as_dict())
    elif done.broken:
        table(
            f"{done.events} events, {len(done.broken)} histories are not whole",
            ("where", "event", "what"),
            [(each.ref, each.seq, each.what) for each in done.broken],
            whole=("where", "event"),
        )
    else:
        say(f"{done.events} events; every history is whole.")
    if not as_json:
        for lost in done.evidence:
            say(f"Evidence {lost.sha256} ({lost.ref}, event {lost.seq}) {lost.what}.")
        for each in done.checked:
            say(f"{each.fingerprint}: {each.says}")
        say(f"Fingerprint: {done.fingerprint}")
    if not done.whole:
        raise Refused(done.sentence)
