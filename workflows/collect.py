"""
The mailbox read: answers taken in, bounces believed, everything else left to a person or to rest.

Every mail is one transaction with a key of its own. A reader killed at any point, or two of them at
once, take nothing in twice and lose nothing: a mail is marked as read only after that.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from config.wiring import Services
from engine.errors import EngineError
from engine.store.auditing import beat
from engine.store.channels import channel_state, keep_channel
from engine.store.inbound import forget_failed, keep_place, known_keys, note_failed, place_of
from engine.traces import trace_of
from notifications.breaker import Breaker
from notifications.compose import reply_markers
from notifications.envelope import Outcome, Phase, Result
from notifications.inbox import Fetched, Inbox, InboxDown, Place
from notifications.reply import Reader
from workflows.heard_mails import Became, HeardMail, take_mail

log = logging.getLogger("alkawari.collect")

INBOX: Final = "inbox"
"""What the mailbox is called among the channels."""

NO_INBOX: Final = "no mailbox is set (inbox.host)"

_COUNTED_AS: Final = {
    Became.ANSWER: "answers",
    Became.NOTE: "answers",
    Became.STRANGER: "answers",
    Became.STOP: "answers",
    Became.BOUNCE: "bounces",
    Became.LATE: "bounces",
}


@dataclass(frozen=True, slots=True)
class Collected:
    """
    What a pass did, in mails; passes add up.

    `answers` are mails in which somebody said something that was taken in or handed on, `bounces`
    those that changed what is known of an address. `failed` ones are tried again. `handled` is 0
    when nothing is left to read. `down` says why the mailbox could not be read.
    """

    answers: int = 0
    bounces: int = 0
    ignored: int = 0
    failed: int = 0
    handled: int = 0
    down: str = ""

    def __add__(self, other: "Collected") -> "Collected":
        return Collected(
            self.answers + other.answers,
            self.bounces + other.bounces,
            self.ignored + other.ignored,
            self.failed + other.failed,
            self.handled + other.handled,
            other.down or self.down,
        )

    def as_dict(self) -> Mapping[str, object]:
        """Plain values for tables and JSON."""
        return {"answers": self.answers, "bounces": self.bounces, "ignored": self.ignored}


def collect(services: Services, now: datetime) -> Collected:
    """Everything that lies in the mailbox now."""
    total = Collected()
    while True:
        done = collect_batch(services, now, limit=services.settings.inbox.at_once)
        total += done
        if done.handled == 0:
            break
    remember(services, total, now)
    return total


def collect_batch(services: Services, now: datetime, *, limit: int) -> Collected:
    """At most `limit` mails, over one connection opened for them."""
    if services.new_inbox is None:
        return Collected(down=NO_INBOX)
    with services.database.read() as connection:
        breaker = Breaker(**channel_state(connection, INBOX))
    if not breaker.permits(now):
        return Collected(down=breaker.reason)
    try:
        inbox = services.new_inbox()
        try:
            done = _Reading(services, inbox, now).read(limit)
        finally:
            inbox.close()
    except InboxDown as error:
        _keep(services, breaker.after(_failure(error), now))
        log.warning("the mailbox cannot be read (%s); it is tried again by itself", error)
        return Collected(down=str(error))
    if breaker.opened_at is not None:
        _keep(services, Breaker())
    return done


def remember(services: Services, done: Collected, now: datetime) -> None:
    """Leave word that the mailbox was read; `doctor` looks for it."""
    if not done.down:
        with services.database.write() as connection:
            beat(connection, "collect", now, done.as_dict())


class _Reading:
    """One connection to the mailbox, and what was read over it."""

    def __init__(self, services: Services, inbox: Inbox, now: datetime) -> None:
        self.services, self.inbox, self.now = services, inbox, now
        part = services.settings.inbox
        self.name = f"{part.user}@{part.host}:{part.port}/{part.folder}"[:200]
        self.reader = Reader(
            inbox=part.address, sender=services.office.sender, markers=reply_markers()
        )

    def read(self, limit: int) -> Collected:
        with self.services.database.read() as connection:
            before = place_of(connection, self.name)
        place = Place(*before) if before else None
        waiting = self.inbox.waiting(place, self.now.date(), limit)
        done = Collected()
        for fetched in self.inbox.fetch(waiting.uids):
            done += self._take(fetched)
        if waiting.uids:
            # Not before all were taken in: what comes after a break is found by its number.
            with self.services.database.write() as connection:
                keep_place(connection, self.name, waiting.validity, max(waiting.uids), self.now)
        taken = done.answers + done.bounces + done.ignored
        return replace(done, handled=taken if waiting.more else 0)

    def _take(self, fetched: Fetched) -> Collected:
        """One mail: read before or now taken in, then marked; one that fails stays unread."""
        received = self.reader.read(fetched.data, whole=fetched.whole)
        with self.services.database.read() as connection:
            if known_keys(connection, [received.key]):
                self.inbox.mark([fetched.uid], seen=True)
                return Collected()
        try:
            became = take_mail(self.services, HeardMail(received, fetched.size), self.now)
        except (InboxDown, KeyboardInterrupt):
            raise
        except Exception as error:  # noqa: BLE001 - one mail must not silence those behind it
            # What it says may hold names, which the log must not.
            log.error("a mail could not be taken in (%s); it is tried again", trace_of(error))  # noqa: TRY400
            reason = str(error) if isinstance(error, EngineError) else type(error).__name__
            with self.services.database.write() as connection:
                note_failed(connection, received.key, reason, self.now)
            self.inbox.mark([fetched.uid], seen=False)
            return Collected(failed=1)
        with self.services.database.write() as connection:
            forget_failed(connection, received.key)
        self.inbox.mark([fetched.uid], seen=True, flagged=became is Became.UNPLACED)
        if became is Became.AGAIN:
            return Collected()
        counted = _COUNTED_AS.get(became, "ignored")
        return Collected(**{counted: 1})  # type: ignore[arg-type] # each of these is a number


def _failure(error: InboxDown) -> Result:
    """As the mailer would put it, so that one rule says how long a broken channel rests."""
    phase = {"login": Phase.AUTH, "tls": Phase.TLS}.get(error.where, Phase.CONNECT)
    return Result(
        outcome=Outcome.RETRY,
        phase=phase,
        text=str(error).partition(": ")[2] or error.where,
        channel_down=True,
    )


def _keep(services: Services, breaker: Breaker) -> None:
    with services.database.write() as connection:
        keep_channel(
            connection,
            INBOX,
            failures=breaker.failures,
            losses=breaker.losses,
            opened_at=breaker.opened_at,
            probe_at=breaker.probe_at,
            reason=breaker.reason,
        )
