"""Commands that record what people did."""

from datetime import datetime
from typing import Annotated

import typer

from cli.brakes import Listing, needed, say_missing, show_releases
from cli.output import say, say_json
from cli.session import AsOf, By, Json, Version, cell, day, opened, text
from config.plan_cells import read_email, read_phone
from config.wiring import Services
from engine.action import Action, Level, Obstacle, State
from engine.errors import BadValue
from engine.lifecycle import Request
from engine.store.listing import view_of
from engine.store.records import find_action
from workflows import record
from workflows.record import Asked

LONGEST_METHOD, LONGEST_BLOCKER, LONGEST_WHO = 200, 400, 160
"""Characters, as the database takes them."""

Ref = Annotated[str, typer.Argument(help="The action's reference, such as SAA-07.")]
Reason = Annotated[str, typer.Option(help="Why, and who agreed.", callback=text())]
Note = Annotated[str, typer.Option(help="What was done or said.", callback=text())]
Method = Annotated[str, typer.Option(help="How it was checked.", callback=text(LONGEST_METHOD))]
Seen = Annotated[str, typer.Option(help="What was seen.", callback=text())]
Blocker = Annotated[
    str, typer.Option(help="Who or what it waits for.", callback=text(LONGEST_BLOCKER))
]
On = Annotated[str, typer.Option("--on", metavar="DATE", help="When it was decided or seen.")]


def move(
    ref: Ref,
    state: Annotated[State, typer.Argument(help="The state to move to.")],
    by: By,
    reason: Reason = "",
    note: Note = "",
    review_on: Annotated[str, typer.Option(metavar="DATE", help="When to look again.")] = "",
    obstacle: Annotated[Obstacle | None, typer.Option(help="What stands in the way.")] = None,
    blocker: Blocker = "",
    method: Method = "",
    seen: Seen = "",
    level: Annotated[Level | None, typer.Option(help="How much of it is there.")] = None,
    on: On = "",
    successor: Annotated[str, typer.Option(metavar="REF", help="What takes its place.")] = "",
    version: Version = None,
    as_of: AsOf = "",
    as_json: Json = False,
) -> None:
    """Move an action to another state."""
    with opened(as_of) as (services, now):
        if state is State.BLOCKED:
            obstacle, blocker = _what_blocks(reason, note, obstacle, blocker)
        request = Request(
            to=state,
            reason=reason,
            note=note,
            review_on=day(review_on, "--review-on") if review_on else None,
            obstacle=obstacle,
            blocker=blocker,
            method=method,
            seen=seen,
            level=level,
            decided_on=day(on, "--on") if on else None,
            successor_id=_id_of(services, successor) if successor else None,
        )
        after = record.ask_move(services, Asked(ref=ref, by=by, version=version), request, now)
        _answer(services, after, now, as_json=as_json)


def _what_blocks(
    reason: str, note: str, obstacle: Obstacle | None, blocker: str
) -> tuple[Obstacle | None, str]:
    """`--reason money` names the obstacle; a reason in words says what it waits for."""
    word = reason.strip().lower()
    named = word in set(Obstacle)
    if obstacle is None and word:
        obstacle = Obstacle(word) if named else Obstacle.OTHER
    return obstacle, blocker or note or ("" if named else reason)


def verify_done(
    ref: Ref,
    by: By,
    method: Method,
    seen: Seen,
    on: On = "",
    version: Version = None,
    as_of: AsOf = "",
    as_json: Json = False,
) -> None:
    """Confirm that what was reported done is there."""
    with opened(as_of) as (services, now):
        with services.database.read() as connection:
            one_off = find_action(connection, ref).kind == "one_off"
        request = Request(
            to=State.VERIFIED if one_off else State.IN_FORCE,
            method=method,
            seen=seen,
            decided_on=day(on, "--on") if on else None,
        )
        after = record.ask_move(services, Asked(ref=ref, by=by, version=version), request, now)
        _answer(services, after, now, as_json=as_json)


def dispute(
    ref: Ref, by: By, reason: Reason, version: Version = None, as_of: AsOf = "",
    as_json: Json = False,
) -> None:  # fmt: skip
    """Record that somebody contests what is said of an action."""
    with opened(as_of) as (services, now):
        request = Request(to=State.DISPUTED, reason=reason)
        after = record.ask_move(services, Asked(ref=ref, by=by, version=version), request, now)
        _answer(services, after, now, as_json=as_json)


def report(
    ref: Ref,
    by: By,
    level: Annotated[Level, typer.Option(help="How much of it is there.")],
    note: Note,
    version: Version = None,
    as_of: AsOf = "",
    as_json: Json = False,
) -> None:
    """Record how far an action has come; `completed` is a claim that somebody else confirms."""
    with opened(as_of) as (services, now):
        asked = Asked(ref=ref, by=by, version=version)
        after = record.ask_report(services, asked, level, note, now)
        _answer(services, after, now, as_json=as_json)


def reschedule(
    ref: Ref,
    due: Annotated[str, typer.Argument(metavar="DATE", help="The new date.")],
    by: By,
    reason: Reason,
    version: Version = None,
    as_of: AsOf = "",
    as_json: Json = False,
) -> None:
    """Move a due date; the original stays on record."""
    with opened(as_of) as (services, now):
        asked = Asked(ref=ref, by=by, version=version)
        after = record.ask_reschedule(services, asked, day(due, "DATE"), reason, now)
        _answer(services, after, now, as_json=as_json)


def acknowledge(
    ref: Ref, by: By, note: Note = "", version: Version = None, as_of: AsOf = "",
    as_json: Json = False,
) -> None:  # fmt: skip
    """Record that somebody who was told has taken note."""
    with opened(as_of) as (services, now):
        asked = Asked(ref=ref, by=by, version=version)
        _answer(services, record.ask_acknowledge(services, asked, note, now), now, as_json=as_json)


def snooze(
    ref: Ref,
    by: By,
    until: Annotated[str, typer.Option(metavar="DATE", help="When reminders come again.")],
    version: Version = None,
    as_of: AsOf = "",
    as_json: Json = False,
) -> None:
    """Let reminders rest for a while, within limits; for the party that owes the action."""
    with opened(as_of) as (services, now):
        asked = Asked(ref=ref, by=by, version=version)
        after = record.ask_snooze(services, asked, day(until, "--until"), now)
        _answer(services, after, now, as_json=as_json)


def call(
    ref: Ref,
    by: By,
    note: Note = "",
    unreached: Annotated[bool, typer.Option("--unreached", help="Nobody answered.")] = False,
    answer: Annotated[
        str, typer.Option(metavar="CODE", help="What was answered: `DONE V the lamps are up`.")
    ] = "",
    who: Annotated[str, typer.Option(help="Who said it.", callback=text(LONGEST_WHO))] = "",
    as_of: AsOf = "",
    as_json: Json = False,
) -> None:
    """Log a telephone call; one that reached the party counts as a delivered reminder."""
    if answer and unreached:
        raise BadValue("--answer", answer[:40], "nobody answered: leave out --unreached")
    with opened(as_of) as (services, now):
        asked = Asked(ref=ref, by=by)
        if answer:
            after = _answered(services, asked, note, answer, who, now)
        else:
            after = record.log_call(services, asked, note, not unreached, now)
        _answer(services, after, now, as_json=as_json)


def contact(
    person: Annotated[str, typer.Argument(help="Key or address of the person.")],
    email: Annotated[
        str, typer.Option(help="The address that works.", callback=cell(read_email))
    ] = "",
    phone: Annotated[
        str, typer.Option(help="The telephone number.", callback=cell(read_phone))
    ] = "",
    as_of: AsOf = "",
) -> None:
    """Correct how a person is reached; an address marked as not working is tried again."""
    with opened(as_of) as (services, now):
        after = record.correct(services, person, email, phone, now)
        others = record.sharing(services, after, email, phone)
    say(f"{after.key}: {after.email or 'no address'}, {after.phone or 'no telephone'}.")
    if others:
        say(f"That is where {', '.join(others)} is reached too: make sure that they share it.")


def release(
    context: typer.Context,
    ref: Annotated[str, typer.Argument(help="The action's reference, such as SAA-07.")] = "",
    by: By = "",
    refuse: Annotated[
        str, typer.Option(metavar="REASON", help="Refuse it, and why.", callback=text())
    ] = "",
    listing: Listing = False,
    as_of: AsOf = "",
    as_json: Json = False,
) -> None:
    """Let the sensitive rung of an action leave, or refuse it; --list shows which wait."""
    if listing:
        show_releases(as_of, as_json=as_json)
        return
    needed(context, "ref", "by")
    with opened(as_of) as (services, now):
        after = record.release(services, Asked(ref=ref, by=by), now, refuse=refuse)
        _answer(services, after, now, as_json=as_json)
        if not as_json:
            say_missing(services, after)


def _answered(
    services: Services, asked: Asked, note: str, answer: str, who: str, now: datetime
) -> Action:
    """A call with the answer that was read out in it; its code may begin with the reference."""
    from config.sheet import read_said  # noqa: PLC0415 - only a call with an answer needs it
    from workflows.sheets import call_and_answer  # noqa: PLC0415

    return call_and_answer(services, asked, note, read_said(asked.ref, answer, who), now)


def _id_of(services: Services, ref: str) -> int:
    with services.database.read() as connection:
        return find_action(connection, ref).id


def _answer(services: Services, after: Action, now: datetime, *, as_json: bool) -> None:
    with services.database.read() as connection:
        view = view_of(services.directory(connection), after, now, services.thresholds)
    if as_json:
        say_json(view.as_dict())
    else:
        say(f"{after.ref} is {after.state} (version {after.version}).")
