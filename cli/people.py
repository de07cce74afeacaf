"""Commands about the people: a new holder of a post, an absence, and what is on record of them."""

from typing import Annotated

import typer

from cli.output import say, say_json
from cli.session import AsOf, By, Json, cell, day, opened, text
from config.plan_cells import read_email, read_language, read_phone
from config.plan_columns import LONGEST_FUNCTION, LONGEST_WHY

Who = Annotated[str, typer.Argument(metavar="PERSON", help="Key or address of the person.")]


def holder(
    person: Who,
    by: By,
    email: Annotated[
        str, typer.Option(help="Address of the new holder.", callback=cell(read_email))
    ] = "",
    phone: Annotated[
        str, typer.Option(help="Telephone number of the new holder.", callback=cell(read_phone))
    ] = "",
    name: Annotated[
        str, typer.Option(help="Only if they wish it.", callback=text(LONGEST_FUNCTION))
    ] = "",
    language: Annotated[
        str, typer.Option(help="en, fr, ar or ha.", callback=cell(read_language))
    ] = "",
    as_of: AsOf = "",
) -> None:
    """Put a new holder into a post: its promises stay, and the new holder is told of each."""
    from workflows.persons import Holder, hand_over  # noqa: PLC0415

    new = Holder(email=email, phone=phone, name=name, language=language)
    with opened(as_of) as (services, now):
        after = hand_over(services, person, new, by=by, now=now)
    say(f"{after.key} has a new holder; the links of the former one are closed.")


def absence(
    person: Who,
    by: By,
    until: Annotated[
        str, typer.Option(metavar="DATE", help="Last day away; without it the person is back.")
    ] = "",
    as_of: AsOf = "",
) -> None:
    """Say until when a person is away; the alternate is written to meanwhile."""
    from workflows.persons import be_absent  # noqa: PLC0415

    until_on = day(until, "--until") if until else None
    with opened(as_of) as (services, now):
        after = be_absent(services, person, until_on, by=by, now=now)
    away = after.absent_until_on
    say(f"{after.key} is {f'away until {away}' if away else 'back'}.")


def erase(
    person: Who,
    by: By,
    reason: Annotated[str, typer.Option(help="Why.", callback=text(LONGEST_WHY))],
    as_of: AsOf = "",
    as_json: Json = False,
) -> None:
    """Erase a person's contact and words; the history and the counts stay as they are."""
    from workflows.persons import forget  # noqa: PLC0415

    with opened(as_of) as (services, now):
        done = forget(services, person, by=by, reason=reason, now=now)
    if as_json:
        say_json({"links": done.links, "answers": done.answers, "messages": done.messages})
    else:
        say(
            f"Erased: the contact, {done.links} links, the words of {done.answers} answers and the "
            f"text of {done.messages} messages. Backups and mailboxes are not reached from here."
        )


def about(person: Who) -> None:
    """Print everything on record about a person, as JSON."""
    from workflows.persons import about as story  # noqa: PLC0415

    with opened() as (services, _now):
        say_json(story(services, person))
