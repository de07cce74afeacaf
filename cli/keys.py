"""Commands for other programs: keys of the API, webhooks, and the calendar of a person."""

from datetime import UTC, datetime, time
from typing import Annotated

import typer

from cli.output import complain, say, say_json, table
from cli.session import AsOf, Json, day, opened, text
from config.plan_columns import LONGEST_DIALOGUE
from config.wiring import Services
from engine.errors import UnknownThing
from engine.store.api_tables import Scope
from engine.store.contacts import find_person
from engine.store.database import Connection
from engine.store.keys import PREFIX_LENGTH, Listed, NewKey, all_keys, make_key
from engine.store.keys import revoke_key as end
from engine.store.listing import dialogue_ids, dialogue_names

key = typer.Typer(help="Keys with which other programs use the API.", no_args_is_help=True)
webhook = typer.Typer(help="Addresses that are told of events.", no_args_is_help=True)

Person = Annotated[str, typer.Argument(metavar="PERSON", help="Key or address of the person.")]
OfDialogue = Annotated[
    str, typer.Option("--dialogue", help="Only this dialogue.", callback=text(LONGEST_DIALOGUE))
]


@key.command("create")
def create_key(
    person: Annotated[str, typer.Option("--for", metavar="PERSON", help="Whose roles apply.")],
    scope: Annotated[Scope, typer.Option(help="How much it may do.")] = Scope.READ,
    name: Annotated[
        str, typer.Option(help="What uses it, for the list.", callback=text(LONGEST_DIALOGUE))
    ] = "",
    dialogue: OfDialogue = "",
    expires: Annotated[
        str, typer.Option(metavar="DATE", help="First day on which it opens nothing.")
    ] = "",
    as_of: AsOf = "",
    as_json: Json = False,
) -> None:
    """Make a key and print it, this once."""
    ends_at = datetime.combine(day(expires, "--expires"), time(), UTC) if expires else None
    with opened(as_of) as (services, now), services.database.write() as connection:
        new = NewKey(
            name=name, person=find_person(connection, person), scope=scope,
            dialogue_id=_dialogue(connection, dialogue), expires_at=ends_at,
        )  # fmt: skip
        made = make_key(connection, new, now)
    if as_json:
        say_json({"key": made, "prefix": made[:PREFIX_LENGTH], "scope": scope})
        return
    say(made)
    complain("Keep it now: it is not shown again, and only its hash is stored.")


@key.command("list")
def list_keys(as_json: Json = False) -> None:
    """Every key that was made: its beginning, whose roles it has, and when it was used."""
    with opened() as (services, _now), services.database.read() as connection:
        found = all_keys(connection)
    rows = [
        {
            "prefix": k.prefix, "name": k.name, "for": k.person, "scope": k.scope.value,
            "dialogue": k.dialogue, "created_at": _text(k.created_at),
            "expires_at": _text(k.expires_at), "revoked_at": _text(k.revoked_at),
            "used_at": _text(k.used_at),
        }
        for k in found
    ]  # fmt: skip
    if as_json:
        say_json(rows)
        return
    table(
        f"Keys: {len(rows)}",
        ("begins with", "used by", "for", "may", "dialogue", "used on", "state"),
        [
            (k.prefix, k.name, k.person, k.scope.value, k.dialogue, _day(k.used_at), _stands(k))
            for k in found
        ],
        whole=("begins with",),
    )


@key.command("revoke")
def revoke_key(
    prefix: Annotated[str, typer.Argument(help="How the key begins, such as alk_1a2b3c4d.")],
    as_of: AsOf = "",
) -> None:
    """End a key at once."""
    with opened(as_of) as (services, now), services.database.write() as connection:
        end(connection, prefix, now)
    say(f"{prefix[:PREFIX_LENGTH]} opens nothing any more.")


@webhook.command("add")
def add_webhook(
    url: Annotated[str, typer.Argument(help="Where events are posted, such as https://…")],
    events: Annotated[
        str, typer.Option(help="Kinds of events or states, with commas; none: all of them.")
    ] = "",
    dialogue: OfDialogue = "",
    as_of: AsOf = "",
    as_json: Json = False,
) -> None:
    """Tell an address of what happens from now on, and print the secret that signs it."""
    from workflows.hooks import add_hook  # noqa: PLC0415

    with opened(as_of) as (services, now):
        number, secret = add_hook(services, url, events, dialogue, now)
    if as_json:
        say_json({"id": number, "secret": secret})
        return
    say(f"Webhook {number}; its receiver checks signatures with this secret:")
    say(secret)


@webhook.command("list")
def list_webhooks(as_json: Json = False) -> None:
    """Every webhook, and how it fares."""
    from engine.store.hooks import all_hooks  # noqa: PLC0415

    with opened() as (services, _now), services.database.read() as connection:
        rows = [
            {
                "id": h.id, "url": h.url, "events": h.events, "dialogue": h.dialogue,
                "waiting": h.waiting, "attempt": h.attempt, "next_at": _text(h.next_at),
                "outcome": h.outcome, "stopped_at": _text(h.stopped_at),
            }
            for h in all_hooks(connection)
        ]  # fmt: skip
    if as_json:
        say_json(rows)
        return
    table(
        f"Webhooks: {len(rows)}",
        ("id", "address", "events", "dialogue", "waiting", "last", "given up on"),
        [
            (row["id"], row["url"], row["events"] or "all", row["dialogue"], row["waiting"],
             row["outcome"], str(row["stopped_at"] or "")[:10])
            for row in rows
        ],
    )  # fmt: skip


@webhook.command("remove")
def remove_webhook(
    number: Annotated[int, typer.Argument(metavar="ID", help="As `webhook list` shows it.")],
) -> None:
    """Tell an address of nothing more."""
    from engine.store.hooks import remove_hook  # noqa: PLC0415

    with opened() as (services, _now), services.database.write() as connection:
        remove_hook(connection, number)
    say(f"Webhook {number} is gone.")


@webhook.command("resume")
def resume_webhook(
    number: Annotated[int, typer.Argument(metavar="ID", help="As `webhook list` shows it.")],
) -> None:
    """Try an address again at once, with everything that it has missed."""
    from engine.store.hooks import resume_hook  # noqa: PLC0415

    with opened() as (services, _now), services.database.write() as connection:
        resume_hook(connection, number)
    say(f"Webhook {number} is tried again.")


@webhook.command("send")
def send_webhooks(as_of: AsOf = "", as_json: Json = False) -> None:
    """Post what waits now; `up` does it by itself every minute."""
    from workflows.hooks import send_hooks  # noqa: PLC0415

    with opened(as_of) as (services, now):
        done = send_hooks(services, now)
    if as_json:
        say_json(done.as_dict())
    else:
        say(f"Posted {done.sent} events, {done.failed} attempts failed, {done.stopped} given up.")


def calendar(
    person: Person,
    revoke: Annotated[bool, typer.Option("--revoke", help="End the address.")] = False,
    as_of: AsOf = "",
) -> None:
    """Print a new address of a person's own calendar; the one before ends."""
    from engine.store.feeds import close_feeds, open_feed  # noqa: PLC0415

    with opened(as_of) as (services, now), services.database.write() as connection:
        whose = find_person(connection, person)
        if revoke:
            ended = close_feeds(connection, whose, now)
            said = f"{whose.key} has no calendar address {'any more' if ended else 'to end'}."
        else:
            said = f"{_reached(services)}/calendar/{open_feed(connection, whose, now)}.ics"
    say(said)


def _reached(services: Services) -> str:
    return services.public_url or "http://127.0.0.1:8000"


def _dialogue(connection: Connection, name: str) -> int | None:
    if not name:
        return None
    found = dialogue_ids(connection, name)
    if not found:
        raise UnknownThing("dialogue", name, dialogue_names(connection))
    return found[0]


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _day(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d}" if at else ""


def _stands(key: Listed) -> str:
    if key.revoked_at:
        return f"revoked {_day(key.revoked_at)}"
    return f"until {_day(key.expires_at)}" if key.expires_at else "works"
