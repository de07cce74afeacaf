"""Commands for the sensitive days of a dialogue, on which it is kept quiet."""

from typing import Annotated

import typer

from cli.output import say, say_json, table
from cli.session import AsOf, By, Json, day, opened, text
from config.plan_columns import LONGEST_DIALOGUE, LONGEST_WHY
from engine.sensitive import Quiet, SensitiveDay
from engine.store.sensitive import KeptQuiet

app = typer.Typer(
    no_args_is_help=True, help="Days on which nothing is said about a dialogue, and why."
)

Dialogue = Annotated[str, typer.Option(help="Name or code of the dialogue.")]


@app.command()
def add(
    dialogue: Dialogue,
    name: Annotated[str, typer.Option(help="What day it is.", callback=text(LONGEST_DIALOGUE))],
    since: Annotated[str, typer.Option("--from", metavar="DATE", help="The first day.")],
    by: By,
    reason: Annotated[str, typer.Option(help="Why.", callback=text(LONGEST_WHY))],
    until: Annotated[
        str, typer.Option("--to", metavar="DATE", help="The last; else one day.")
    ] = "",
    yearly: Annotated[bool, typer.Option("--yearly", help="It comes again each year.")] = False,
    what: Annotated[
        Quiet, typer.Option(help="What is not said: all, or only escalations.")
    ] = Quiet.ALL,
    as_json: Json = False,
) -> None:
    """Keep a dialogue quiet on a day or span; what waits is said afterwards, if still true."""
    from workflows.quiet import keep  # noqa: PLC0415

    from_on = day(since, "--from")
    given = SensitiveDay(
        name=name, from_on=from_on, until_on=day(until, "--to") if until else from_on,
        by=by, reason=reason, yearly=yearly, what=what,
    )  # fmt: skip
    with opened() as (services, _now):
        kept = keep(services, dialogue, given)
    if as_json:
        say_json(_plain(kept))
        return
    wait = "Escalations wait" if what is Quiet.ESCALATIONS else "Messages wait"
    say(f"{wait} on {_days(given)}, {given.name}, in {kept.dialogue} (number {kept.id}).")


@app.command("list")
def listed(
    dialogue: Annotated[str, typer.Option(help="Name or code of one dialogue.")] = "",
    as_of: AsOf = "",
    as_json: Json = False,
) -> None:
    """The sensitive days on record, and what they keep back today."""
    from workflows.quiet import shown  # noqa: PLC0415

    with opened(as_of) as (services, now):
        found = shown(services, dialogue, now)
    if as_json:
        say_json([
            {**_plain(one.kept), "next_on": one.next_on.isoformat() if one.next_on else None,
             "in_force": one.in_force, "held": [held.as_dict() for held in one.held]}
            for one in found
        ])  # fmt: skip
        return
    if not found:
        say("No day is sensitive.")
        return
    table(
        "Sensitive days",
        ("#", "dialogue", "days", "name", "what waits", "next", "by", "why", "keeps back"),
        [
            (one.kept.id, one.kept.dialogue, _days(one.kept.day), one.kept.day.name,
             one.kept.day.what, "today" if one.in_force else one.next_on or "over",
             one.kept.day.by, one.kept.day.reason, len(one.held))
            for one in found
        ],
        whole=("#", "days", "next"),
    )  # fmt: skip


@app.command()
def remove(
    number: Annotated[int, typer.Argument(help="Its number in the list.")],
    by: By,
    reason: Annotated[str, typer.Option(help="Why.", callback=text(LONGEST_WHY))],
    as_of: AsOf = "",
) -> None:
    """Take a sensitive day out again; it stays on record, and what waited may leave."""
    from workflows.quiet import end  # noqa: PLC0415

    with opened(as_of) as (services, now):
        end(services, number, by, reason, now)
    say(f"Sensitive day {number} is none any more.")


def _days(given: SensitiveDay) -> str:
    days = f"{given.from_on}"
    if given.until_on != given.from_on:
        days = f"{days} to {given.until_on}"
    return f"{days}, each year" if given.yearly else days


def _plain(kept: KeptQuiet) -> dict[str, object]:
    given = kept.day
    return {
        "number": kept.id,
        "dialogue": kept.dialogue,
        "name": given.name,
        "from_on": given.from_on.isoformat(),
        "until_on": given.until_on.isoformat(),
        "yearly": given.yearly,
        "what": given.what.value,
        "by": given.by,
        "reason": given.reason,
    }
