"""Commands that add to words that are frozen."""

from typing import Annotated

import typer

from cli.output import pairs, say_json
from cli.session import AsOf, By, Json, Version, opened, text
from config.wiring import Services
from engine.action import Action
from workflows import clarify as story
from workflows.record import Asked

Ref = Annotated[str, typer.Argument(help="The action's reference, such as SAA-07.")]


def clarify(
    ref: Ref,
    by: By,
    words: Annotated[
        str, typer.Option("--text", help="How it is to be understood.", callback=text())
    ],
    language: Annotated[str, typer.Option(help="Of these words; else that of the agreed.")] = "",
    version: Version = None,
    as_of: AsOf = "",
    as_json: Json = False,
) -> None:
    """Add words to what was agreed; they hold once each side has assented."""
    with opened(as_of) as (services, now):
        asked = Asked(ref=ref, by=by, version=version)
        after = story.add_words(services, asked, words, language, now)
        _answer(services, after, as_json=as_json)


def assent(
    ref: Ref,
    by: By,
    number: Annotated[
        int | None, typer.Option(help="Which clarification; else the newest that waits.")
    ] = None,
    version: Version = None,
    as_of: AsOf = "",
    as_json: Json = False,
) -> None:
    """Assent to a clarification for one's side."""
    with opened(as_of) as (services, now):
        asked = Asked(ref=ref, by=by, version=version)
        after = story.give_assent(services, asked, number, now)
        _answer(services, after, as_json=as_json)


def _answer(services: Services, action: Action, *, as_json: bool) -> None:
    with services.database.read() as connection:
        directory = services.directory(connection)
        directory.ensure([action])
        found = [each.as_dict() for each in story.clarifications_of(connection, directory, action)]
    if as_json:
        say_json({"ref": action.ref, "version": action.version, "clarifications": found})
        return
    for each in found:
        pairs(f"{action.ref}, clarification {each['number']}", each)
