"""Commands for the days on which nobody works: what a dialogue knows better than its country."""

from datetime import date, datetime, timedelta
from typing import Annotated, Final

import typer

from cli.output import say, say_json, table
from cli.session import AsOf, By, Json, day, opened, text
from config.plan_columns import LONGEST_DIALOGUE, LONGEST_WHY
from engine.calendar import DayOverride
from engine.store.calendar_days import ChangedDay

LARGEST_NUMBER = 2**31 - 1


app = typer.Typer(
    no_args_is_help=True,
    help="Days off of a dialogue: holidays added, taken out, confirmed, moved.",
)

AHEAD: Final = timedelta(days=400)
"""So far ahead estimated feasts are listed."""

Dialogue = Annotated[str, typer.Option(help="Name or code of the dialogue.")]
Reason = Annotated[str, typer.Option(help="Why, and who announced it.", callback=text(LONGEST_WHY))]
Name = Annotated[str, typer.Option(help="What day it is.", callback=text(LONGEST_DIALOGUE))]
On = Annotated[str, typer.Option("--on", metavar="DATE", help="The day.")]


@app.command()
def add(
    dialogue: Dialogue, on: On, name: Name, by: By, reason: Reason, as_of: AsOf = "",
    as_json: Json = False,
) -> None:  # fmt: skip
    """Nobody works on a day that is no holiday of the country."""
    given = DayOverride(day=day(on, "--on"), change="add", name=name, by=by, reason=reason)
    _change(dialogue, given, as_of, as_json=as_json)


@app.command()
def remove(
    dialogue: Dialogue, on: On, by: By, reason: Reason, as_of: AsOf = "", as_json: Json = False
) -> None:
    """The holiday of a day is not kept: people work on it."""
    given = DayOverride(day=day(on, "--on"), change="remove", by=by, reason=reason)
    _change(dialogue, given, as_of, as_json=as_json)


@app.command()
def move(
    dialogue: Dialogue,
    on: On,
    to: Annotated[str, typer.Option(metavar="DATE", help="Where it is kept; the same confirms.")],
    by: By,
    reason: Reason,
    name: Annotated[
        str, typer.Option(help="Which, if there are several.", callback=text(LONGEST_DIALOGUE))
    ] = "",
    as_of: AsOf = "",
    as_json: Json = False,
) -> None:
    """A holiday is kept on another day; moved to its own day, an estimate is confirmed."""
    given = DayOverride(
        day=day(on, "--on"), change="move", to=day(to, "--to"), name=name, by=by, reason=reason
    )
    _change(dialogue, given, as_of, as_json=as_json)


@app.command()
def undo(
    number: Annotated[
        int, typer.Argument(help="Its number in the list.", min=1, max=LARGEST_NUMBER)
    ],
    by: By,
    reason: Reason,
    as_of: AsOf = "",
    as_json: Json = False,
) -> None:
    """Take a change back; it stays on record."""
    from workflows.calendar import undo_change  # noqa: PLC0415

    with opened(as_of) as (services, now):
        done = undo_change(services, number, by, reason, now)
    if as_json:
        say_json(_plain(done))
        return
    say(f"Change {number} holds no longer.")


@app.command("list")
def listed(
    dialogue: Annotated[str, typer.Option(help="Name or code of one dialogue.")] = "",
    as_of: AsOf = "",
    as_json: Json = False,
) -> None:
    """The changes on record, and the feasts ahead whose date is an estimate yet."""
    from workflows.calendar import changes_of, estimates_of  # noqa: PLC0415

    with opened(as_of) as (services, now):
        changes = changes_of(services, dialogue)
        ahead = estimates_of(services, dialogue, now.date(), now.date() + AHEAD)
    if as_json:
        say_json({
            "changes": [_plain(one) for one in changes],
            "estimated": [
                {"dialogue": home, "day": on.isoformat(), "name": name} for home, on, name in ahead
            ],
        })  # fmt: skip
        return
    if changes:
        table(
            "Changes of the calendars",
            ("#", "dialogue", "day", "change", "name", "by", "why", "taken back"),
            [
                (one.id, one.dialogue, one.given.day, _said(one.given), one.given.name,
                 one.given.by, one.given.reason, _taken_back(one.removed_at, one.removed_by))
                for one in changes
            ],
            whole=("#", "day"),
        )  # fmt: skip
    else:
        say("No calendar was changed.")
    if ahead:
        columns = ("dialogue", "day", "name")
        table("Feasts by estimate: confirm each once it is announced", columns, ahead,
              whole=("day",))  # fmt: skip


def _change(dialogue: str, given: DayOverride, as_of: str, *, as_json: bool) -> None:
    from workflows.calendar import change_day  # noqa: PLC0415

    with opened(as_of) as (services, now):
        done = change_day(services, dialogue, given, now)
    if as_json:
        say_json(_plain(done))
        return
    say(f"{done.given.name}, {done.given.day}: {_said(done.given)} in {done.dialogue} "
        f"(number {done.id}).")  # fmt: skip


def _said(given: DayOverride) -> str:
    if given.change == "move":
        return "confirmed" if given.to == given.day else f"kept on {given.to}"
    return {"add": "a day off", "remove": "a working day"}[given.change]


def _taken_back(at: datetime | None, by: str) -> str:
    return f"{at:%Y-%m-%d} by {by}" if at else ""


def _plain(one: ChangedDay) -> dict[str, object]:
    given = one.given
    return {
        "number": one.id,
        "dialogue": one.dialogue,
        "day": given.day.isoformat(),
        "change": given.change,
        "to": _iso(given.to),
        "name": given.name,
        "by": given.by,
        "reason": given.reason,
        "put_at": _iso(one.put_at),
        "removed_at": _iso(one.removed_at),
        "removed_by": one.removed_by,
        "removed_for": one.removed_for,
    }


def _iso(value: date | datetime | None) -> str | None:
    return value.isoformat() if value else None
