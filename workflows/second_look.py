"""Messages that are to be tried again, looked at once more before they leave."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from engine.errors import BadValue
from engine.party import Channel
from engine.store.database import Connection
from engine.store.digests import About, about, subscription
from engine.store.outbox import Waiting, bundled_in, settle
from engine.store.outbox_tables import MessageSort, NoticeStatus
from engine.store.second_looks import move_day, rewrite, strike_message, unbundle
from engine.store.sending import Claimed, give_back
from workflows.bundling import FAR_AWAY, Bundler
from workflows.digest_hours import waits_until

NEVER = "never"
HOLD_AGAIN_AFTER = timedelta(minutes=15)
TRY_AGAIN_AFTER = timedelta(days=1)


@dataclass(slots=True)
class Looked:
    """The messages that go out again now, and how many notices were struck."""

    claimed: list[Claimed] = field(default_factory=list)
    struck: int = 0


def second_look(bundler: Bundler, again: Sequence[Claimed], worker: str) -> Looked:
    """
    Sort out messages that were tried before.

    A message that may have arrived keeps its bytes and Message-ID. One that certainly did not is
    written anew if a part of it is no longer true, and given up if none of it is.
    """
    looked = Looked()
    if not again:
        return looked
    connection, now = bundler.connection, bundler.now
    digests = [message for message in again if message.sort is MessageSort.DIGEST]
    _digests(bundler, digests, looked, worker)
    again = [message for message in again if message.sort is MessageSort.REMINDER]
    inside = bundled_in(connection, [message.id for message in again])
    bundler.load([notice for notices in inside.values() for notice in notices])
    for message in again:
        notices = inside.get(message.id, [])
        true = [notice for notice in notices if not bundler.why_not(notice)[0]]
        untrue = [notice.id for notice in notices if notice not in true]
        over = [n for n in true if message.certain and bundler.release_is_over(n)]
        bundler.ask_again(over)
        true = [notice for notice in true if notice not in over]
        looked.struck += settle(
            connection, untrue, NoticeStatus.STRUCK, "no longer true when tried again", now
        )
        if not true:
            strike_message(connection, message.id)
            continue
        if _lost_its_channel(bundler, message):
            unbundle(connection, message.id, now)  # what it said waits, to be said otherwise
            continue
        if not _may_leave(bundler, message, true, worker):
            continue
        changed = bool(untrue or over) or _moved(bundler, message, true[0])
        fresh = _fresh(bundler, message, true) if changed else message
        if fresh is None:
            give_back(connection, [message], worker, now + TRY_AGAIN_AFTER)
        elif fresh.channel != message.channel:
            give_back(connection, [fresh], worker, now)  # for those who serve that channel
        else:
            looked.claimed.append(fresh)
    return looked


def _digests(bundler: Bundler, digests: Sequence[Claimed], looked: Looked, worker: str) -> None:
    """
    A digest that may have arrived is not sent again: the next one says what it said.

    Nor is one that its reader does not want any more.
    """
    connection, now = bundler.connection, bundler.now
    known = about(connection, [message.id for message in digests])
    for message in digests:
        digest = known.get(message.id)
        if not message.certain or digest is None or _is_unwanted(connection, digest):
            strike_message(connection, message.id)
            continue
        until = waits_until(bundler.services, bundler.directory, bundler.holds, digest, now)
        if until is None:
            looked.claimed.append(message)
        else:
            give_back(connection, [message], worker, until)


def _is_unwanted(connection: Connection, digest: About) -> bool:
    return subscription(connection, digest.person_id, digest.kind).every == NEVER


def _may_leave(bundler: Bundler, message: Claimed, notices: Sequence[Waiting], worker: str) -> bool:
    """Within the window, free of holds, and the only message of its day; else put back."""
    connection, now, first = bundler.connection, bundler.now, notices[0]
    person = bundler.directory.people[message.person_id]
    if any(bundler.hold_on(notice) for notice in notices):
        give_back(connection, [message], worker, now + HOLD_AGAIN_AFTER)
        return False
    opens_at = bundler.window(person, first).next_open(now)
    if opens_at is None or opens_at > now:
        give_back(connection, [message], worker, opens_at or now + FAR_AWAY)
        return False
    today = bundler.local_day(person, first, now)
    if not move_day(connection, message.id, message.person_id, today):
        tomorrow = bundler.morning(person, first, today, 1)
        opens_at = bundler.window(person, first).next_open(tomorrow)
        give_back(connection, [message], worker, opens_at or now + FAR_AWAY)
        return False
    return True


def _lost_its_channel(bundler: Bundler, message: Claimed) -> bool:
    """Whether a text has nobody to carry it any more, or nobody who wants it as a text."""
    person = bundler.directory.people[message.person_id]
    if message.channel != Channel.SMS or person.channel is Channel.SMS:
        return False
    return not (message.certain and person.reachable)


def _moved(bundler: Bundler, message: Claimed, notice: Waiting) -> bool:
    """Whether the person has another working address by now, or another channel."""
    person = bundler.directory.people[message.person_id]
    if not person.reachable:
        return False
    if person.written_by != message.channel:
        return True
    try:
        return bundler.recipient(person, notice).casefold() != message.recipient.casefold()
    except BadValue:
        return True


def _fresh(bundler: Bundler, message: Claimed, notices: Sequence[Waiting]) -> Claimed | None:
    """
    The message without what is no longer true; its old bytes if they may have arrived.

    None if it cannot be written.
    """
    if not message.certain:
        return message
    person = bundler.directory.people[message.person_id]
    today = bundler.local_day(person, notices[0], bundler.now)
    draft = bundler.drafted(person, notices, today, message.mime_id)
    return rewrite(bundler.connection, message, draft, bundler.now) if draft else None
