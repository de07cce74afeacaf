"""The command that compares the sides: the same counts and denominators for each."""

from dataclasses import asdict
from typing import Annotated

import typer

from cli.output import say, say_json, table
from cli.session import AsOf, Json, opened, then
from engine.errors import UnknownThing
from engine.fairness import ENOUGH, ENOUGH_FINISHED, EarlyWarning, Fairness, Warned


def fairness(
    dialogue: Annotated[str | None, typer.Option(help="Name or code of one dialogue.")] = None,
    as_of: AsOf = "",
    as_json: Json = False,
) -> None:
    """Compare the sides: reminders for lateness, time to escalate, share confirmed, pace."""
    from engine.fairness import fairness as reckon  # noqa: PLC0415
    from engine.store.listing import Wanted, dialogue_ids, dialogue_names  # noqa: PLC0415
    from engine.store.tracks import tracks  # noqa: PLC0415

    with opened(as_of) as (services, now), then(services, as_of, now) as connection:
        if dialogue and not dialogue_ids(connection, dialogue):
            raise UnknownThing("dialogue", dialogue, dialogue_names(connection))
        directory = services.directory(connection)
        found = tracks(directory, Wanted(dialogue=dialogue), now, services.thresholds)
    figures = reckon(found, now.date())
    if as_json:
        say_json(asdict(figures) | {"as_of": figures.as_of.isoformat()})
    else:
        _show(figures)


def _show(figures: Fairness) -> None:
    table(
        f"Each side, as of {figures.as_of}",
        ("side", "owed", "late", "days late", "reminders", "per 10 days", "escalated",
         "after days", "claimed", "confirmed", "share"),
        [
            (s.side, s.owed, s.late, s.days_late, s.reminders, _said(s.reminders_per_10_days),
             s.escalated, _said(s.days_to_escalate), s.claimed, s.confirmed,
             _said(s.confirmed_share))
            for s in figures.sides
        ],
    )  # fmt: skip
    table(
        "Pace, in days from agreement to confirmation",
        ("kind", "finished", "median", "three quarters within", "slower than that"),
        [
            (p.kind, p.finished, _said(p.median_days), _said(p.upper_quarter_days),
             ", ".join(p.slower) or "-")
            for p in figures.paces
        ],
    )  # fmt: skip
    say(
        f"A share or median stands only where there are at least {ENOUGH} "
        f"({ENOUGH_FINISHED} for the pace); '-' means too little data to say anything."
    )
    for warning in figures.warnings:
        say(_sentence(warning))


def _sentence(warning: EarlyWarning) -> str:
    match warning.what:
        case Warned.LOPSIDED_REMINDERS:
            return (
                f"Lopsided: {warning.about} gets {warning.here} reminders for ten days of "
                f"lateness, {warning.against} {warning.there}."
            )
        case Warned.LOPSIDED_ESCALATION:
            return (
                f"Lopsided: {warning.against} is escalated after {warning.there:g} working days, "
                f"{warning.about} after {warning.here:g}."
            )
        case Warned.STANDSTILL:
            return (
                f"Several stand still at once: {warning.about}, {warning.here:g} of "
                f"{warning.there:g} owed ({', '.join(warning.refs)})."
            )


def _said(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"
