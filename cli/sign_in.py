"""A link that signs somebody in: for the first coordinator, while no mail leaves yet."""

from typing import Annotated

import typer

from cli.output import say, say_json
from cli.session import Json, opened
from config.wiring import DEFAULT_PORT

Who = Annotated[str, typer.Argument(metavar="PERSON", help="Key or address of the person.")]


def sign_in(person: Who, as_json: Json = False) -> None:
    """Print a link that signs a person in, once, within a quarter of an hour."""
    from engine.clock import SystemClock  # noqa: PLC0415
    from workflows.signing_in import link_for  # noqa: PLC0415

    with opened() as (services, _now):
        base = services.public_url or f"http://127.0.0.1:{DEFAULT_PORT}"
        link = base + link_for(services, person, SystemClock().now())
    if as_json:
        say_json({"person": person, "link": link, "minutes": 15})
    else:
        say(f"{link}\nIt works once, for 15 minutes; whoever has it is {person}.")
