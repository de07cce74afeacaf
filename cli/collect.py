"""The command that reads what came back by mail."""

from time import perf_counter

from cli.output import Refused, pairs, progress, say_json
from cli.session import AsOf, Json, opened


def collect(as_of: AsOf = "", as_json: Json = False) -> None:
    """Read the mailbox: answers, bounces, requests to stop."""
    from workflows import collect as story  # noqa: PLC0415 - only this command reads mail

    with opened(as_of) as (services, now), progress("reading mails", quiet=as_json):
        if services.new_inbox is None:
            raise Refused(
                "No mailbox is set (inbox.host and inbox.address), so there is nothing to read; "
                "docs/answers-by-mail.md says what it must be able to do."
            )
        started = perf_counter()
        done = story.collect(services, now)
        took_s = round(perf_counter() - started, 3)
    if as_json:
        say_json(dict(done.as_dict()))
    else:
        pairs("Collected", {"as_of": now.isoformat(), **done.as_dict(), "elapsed_s": took_s})
    if done.down:
        raise Refused(
            f"The mailbox cannot be read now ({done.down}); nothing is lost, it is tried again. "
            "See `alkawari doctor`."
        )
    if done.failed:
        raise Refused(
            f"{done.failed} mail(s) could not be taken in and stay unread in the mailbox; the log "
            "says why, and they are tried again."
        )
