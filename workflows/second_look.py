"""Messages that are to be tried again, looked at once more before they leave."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from engine.store.outbox import Waiting, bundled_in, settle
from engine.store.outbox_tables import NoticeStatus
from engine.store.sending import Claimed, give_back, move_day, rewrite, strike_message
from workflows.bundling import FAR_AWAY, Bundler

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
    inside = bundled_in(connection, [message.id for message in again])
    bundler.load([notice for notices in inside.values() for notice in notices])
    for message in again:
        notices = inside.get(message.id, [])
        true = [notice for notice in notices if not bundler.why_not(notice)[0]]
        untrue = [notice.id for notice in notices if notice not in true]
        looked.struck += settle(
            connection, untrue, NoticeStatus.STRUCK, "no longer true when tried again", now
        )
        if not true:
            strike_message(connection, message.id)
            continue
        if not _may_leave(bundler, message, true, worker):
            continue
        changed = bool(untrue) or _moved(bundler, message)
        fresh = _fresh(bundler, message, true) if changed else message
        if fresh is None:
            give_back(connection, [message], worker, now + TRY_AGAIN_AFTER)
        else:
            looked.claimed.append(fresh)
    return looked


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


def _moved(bundler: Bundler, message: Claimed) -> bool:
    """Whether the person has another working address by now."""
    person = bundler.directory.people[message.person_id]
    return person.reachable and person.email.casefold() != message.recipient.casefold()


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
    return rewrite(bundler.connection, message, draft) if draft else None
