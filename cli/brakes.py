"""Hands on the brake: escalate now, and what is held or waits for a release."""

from typing import Annotated

import typer

from cli.output import say, say_json, table
from cli.session import AsOf, By, Json, Version, opened, text
from config.wiring import Services
from engine.action import Action

Listing = Annotated[bool, typer.Option("--list", help="Only show what waits now, and why.")]


def needed(context: typer.Context, *names: str) -> None:
    """Wrong usage (exit 2) unless each of these was given; --list alone goes without them."""
    for name in names:
        source = context.get_parameter_source(name)
        if source is None or source.name == "DEFAULT":
            raise typer.BadParameter(f"give {name.upper() if name == 'ref' else f'--{name}'} too")


def escalate(
    ref: Annotated[str, typer.Argument(help="The action's reference, such as SAA-07.")],
    by: By,
    reason: Annotated[str, typer.Option(help="Why now.", callback=text())],
    rung: Annotated[str, typer.Option(help="This rung instead of the next one.")] = "",
    despite: Annotated[
        str,
        typer.Option(
            metavar="WHY",
            help="Why without fair warning, during a pause, or without a release.",
            callback=text(),
        ),
    ] = "",
    version: Version = None,
    as_of: AsOf = "",
    as_json: Json = False,
) -> None:
    """Send the next rung that goes up at once; the ladder goes on from there."""
    from engine.escalate import Wish  # noqa: PLC0415
    from engine.store.listing import view_of  # noqa: PLC0415
    from workflows import record  # noqa: PLC0415

    with opened(as_of) as (services, now):
        asked = record.Asked(ref=ref, by=by, version=version)
        wish = Wish(reason=reason, rung=rung, despite=despite)
        after, done = record.escalate(services, asked, wish, now)
        to = [f"{person.function} ({person.key})" for person in done.persons]
        waits = done.new and any(notice.release for notice in done.decision.notices)
        if as_json:
            with services.database.read() as connection:
                directory = services.directory(connection)
                view = view_of(directory, after, now, services.thresholds)
            say_json({
                **view.as_dict(),
                "escalated": {"rung": done.rung.name, "to": to, "new": done.new,
                              "waits_for": "release" if waits else ""},
            })  # fmt: skip
            return
    if not done.new:
        say(f"{after.ref}: {done.rung.name} to {', '.join(to)} was said already; nothing changed.")
    elif waits:
        say(f"{after.ref}: {done.rung.name} to {', '.join(to)} waits for `alkawari release`.")
    else:
        say(f"{after.ref}: {done.rung.name} to {', '.join(to)} leaves at their next window.")


def show_holds(as_of: str, *, as_json: bool) -> None:
    """Every hold that nobody has lifted, and what it keeps back."""
    from engine.store.brakes import brakes  # noqa: PLC0415

    with opened(as_of) as (services, now), services.database.read() as connection:
        found = brakes(services.directory(connection), now)
    if as_json:
        say_json([brake.as_dict() for brake in found])
        return
    if not found:
        say("Nothing is on hold.")
        return
    table(
        "On hold",
        ("what", "from", "until", "by", "why", "keeps back"),
        [
            (b.action or b.dialogue or "the whole programme", b.from_on,
             (b.until_on or "resumed") if b.in_force else f"{b.until_on or ''} (not today)",
             b.by, b.reason, len(b.kept))
            for b in found
        ],
        whole=("from",),
    )  # fmt: skip
    rows = {
        (kept.action, kept.rung, f"{kept.to} ({kept.person})", f"{kept.decided_at:%Y-%m-%d}")
        for brake in found
        for kept in brake.kept
    }
    if rows:
        columns = ("action", "rung", "to", "decided")
        table("Kept back", columns, sorted(rows), whole=("action", "rung", "decided"))


def show_releases(as_of: str, *, as_json: bool) -> None:
    """What waits until whoever its rung names lets it leave."""
    from engine.store.brakes import unreleased  # noqa: PLC0415

    with opened(as_of) as (services, _now), services.database.read() as connection:
        days = services.settings.delays.release_days
        found = unreleased(services.directory(connection), days)
    if as_json:
        say_json([each.as_dict() for each in found])
        return
    if not found:
        say("Nothing waits for a release.")
        return
    table(
        "Waiting for a release",
        ("action", "rung", "to", "asked", "agreed", "missing", "struck on"),
        [
            (each.kept.action, each.kept.rung, f"{each.kept.to} ({each.kept.person})",
             f"{each.asked_at:%Y-%m-%d}", each.asking.agreed or "-", each.asking.missing,
             each.lapses_on)
            for each in found
        ],
        whole=("action", "rung", "asked", "struck on"),
    )  # fmt: skip


def say_missing(services: Services, action: Action) -> None:
    """Whose word a rung of this action still waits for."""
    from engine.store.releases import asked_of, rungs_asked  # noqa: PLC0415

    with services.database.read() as connection:
        directory = services.directory(connection)
        directory.ensure([action])
        waiting = asked_of(connection, directory, action, rungs_asked(connection, action))
    for each in waiting:
        say(f"{each.rung} still waits for the word of: {', '.join(each.missing)}.")
