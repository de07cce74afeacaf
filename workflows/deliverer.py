"""
One worker of delivery: take what may leave now in hand, hand it over, remember what became of it.

A worker killed at any point loses nothing. A message whose reply was being awaited when it died is
handed over once more, with the same bytes and the same Message-ID.
"""

import logging
import os
import secrets
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Event, Thread
from time import monotonic
from typing import ClassVar

from config.wiring import Services
from engine.clock import SystemClock
from engine.errors import BadValue
from engine.store.channels import EMAIL, SMS, channel_state, keep_channel
from engine.store.database import Connection
from engine.store.digests import begin
from engine.store.directory import Directory
from engine.store.holds import newest_hold
from engine.store.outbox import people_due
from engine.store.outbox_tables import MessageSort, MessageStatus, NoticeStatus
from engine.store.people import flag
from engine.store.sending import (
    Attempt,
    Claimed,
    enqueue,
    give_back,
    reclaim,
    record,
    renew,
)
from notifications.backoff import next_attempt_at
from notifications.breaker import Breaker
from notifications.envelope import Envelope, Outcome, Phase, Result, refused_address
from notifications.mailer import Mailer
from workflows.bundling import Bundler
from workflows.cycles import no_search_for_cycles
from workflows.pacing import Pacer
from workflows.second_look import second_look

log = logging.getLogger("alkawari.deliver")

READ_AGAIN_S = 5.0
"""How old dialogues, calendars and coordinators may be, within one pass; each pass begins anew."""

RENEW_AFTER = 0.25
"""A lease older than this share of its length is renewed before the next message is tried."""

LONGEST_HOLD = 10
"""For so many leases one message may be in hand; a server that dribbles is left after that."""


PACE_NAME = 160
"""As long a name of a server is kept."""

LOST_TWICE = Result(
    outcome=Outcome.UNKNOWN, phase=Phase.DOT, code=None,
    text="the worker that handed it over did not come back, for the second time",
)  # fmt: skip

FEEL_BRAKE_S = 1.0
"""How long after a hold or pause a message that is in hand already may still leave, at most."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a pass did, in messages (`struck` in notices); passes add up."""

    sent: int = 0
    retry: int = 0
    rejected: int = 0
    unknown: int = 0
    struck: int = 0
    handled: int = 0
    channel_down: str = ""

    def __add__(self, other: "Delivered") -> "Delivered":
        return Delivered(
            self.sent + other.sent,
            self.retry + other.retry,
            self.rejected + other.rejected,
            self.unknown + other.unknown,
            self.struck + other.struck,
            self.handled + other.handled,
            other.channel_down or self.channel_down,
        )

    def as_dict(self) -> Mapping[str, object]:
        """Plain values for tables and JSON."""
        return {
            "sent": self.sent,
            "retry": self.retry,
            "rejected": self.rejected,
            "unknown": self.unknown,
            "struck": self.struck,
        }


class Worker:
    """
    What every worker does, whatever it hands messages over to; never shared by two threads.

    It keeps to the messages of its `channel`. With nothing that carries texts there is one channel
    for everybody, and mail is asked to take what waits.
    """

    channel: ClassVar[str] = EMAIL

    def __init__(self, services: Services, *, bundler: type[Bundler] = Bundler) -> None:
        self.services, self._bundler = services, bundler
        self.name = f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(3)}"
        self._clock = SystemClock()
        self._lease = timedelta(seconds=services.settings.delivery.lease_s)
        self._leased_at = self._in_hand_since = monotonic()
        self._clock_leased_at = self._clock.now()
        self._directory: Directory | None = None
        self._hold_seen, self._brake_felt = 0, monotonic()
        self._read_at_s = 0.0
        server, per_minute = self.limit
        self._pacer = Pacer(services.database, server, per_minute, self._clock)

    @property
    def limit(self) -> tuple[str, int]:
        """Whose limit this worker keeps to, and how much that is in a minute; 0: no limit."""
        mail = self.services.settings.mail
        return f"{mail.host}:{mail.port}"[-PACE_NAME:], mail.per_minute

    def batch(self, now: datetime, *, limit: int) -> Delivered:
        """Take what may leave now for up to `limit` persons, and hand it over one by one."""
        breaker = self._breaker()
        if not breaker.permits(now):
            return Delivered(channel_down=breaker.reason)
        room = self._pacer.reserve(limit)
        if room == 0:
            log.info("%s: the limit of this minute is used up", self.channel)
            return Delivered()
        with no_search_for_cycles():
            claimed, done = self._claim(now, room)
        self._pacer.put_back(room - len(claimed))
        return done + self._send_all(claimed, now, breaker)

    def _claim(self, now: datetime, limit: int) -> tuple[list[Claimed], Delivered]:
        with self.services.database.write() as connection:
            # Not before: the wait for another writer's transaction must not use the lease up.
            self._clock_leased_at, self._leased_at = self._clock.now(), monotonic()
            clock_now = self._clock_leased_at
            leased_until_at = clock_now + self._lease
            directory, self._directory = self._fresh(connection), None
            self._hold_seen, self._brake_felt = newest_hold(connection), monotonic()
            bundler = self._bundler(self.services, directory, now)
            again = reclaim(
                connection, now, clock_now,
                # What failed before must not keep what is new waiting.
                limit=-(-limit // 2), worker=self.name, leased_until_at=leased_until_at,
                texts=self._texts,
            )  # fmt: skip
            handled = len(again)
            again = self._counted(connection, again, now)
            looked = second_look(bundler, again, self.name)
            person_ids = people_due(connection, now, limit - handled, texts=self._texts)
            sorted_out = bundler.bundle(person_ids)
            fresh = enqueue(
                connection, sorted_out.drafts,
                now=now, worker=self.name, leased_until_at=leased_until_at,
            )  # fmt: skip
        self._directory = directory
        return looked.claimed + fresh, Delivered(
            rejected=len(sorted_out.misaddressed),
            unknown=handled - len(again),
            struck=sorted_out.struck + looked.struck,
            handled=handled + len(person_ids),
        )

    def _counted(
        self, connection: Connection, again: Sequence[Claimed], now: datetime
    ) -> list[Claimed]:
        """
        Without the reminders with which a worker was lost that knew they had cost one before.

        Such a message may bring every worker down, or be one whose outcome cannot be written; so
        this counts as an attempt, and they come to an end. The next batch takes it.
        """
        deadly = [
            m for m in again if m.lost and m.begun and m.sort is MessageSort.REMINDER
        ]  # fmt: skip
        for message in deadly:
            attempt = _attempt(message, LOST_TWICE, now)
            if attempt.available_at:
                attempt = replace(attempt, available_at=now)
            record(connection, message, attempt, now, self.name)
            if attempt.notice_status is NoticeStatus.UNDELIVERABLE:
                flag(connection, message.person_id, message.id, attempt.text, now)
        return [message for message in again if message not in deadly]

    def _fresh(self, connection: Connection) -> Directory:
        """Dialogues and calendars as read not long ago; whom we write to is read every time."""
        if self._directory is None or monotonic() - self._read_at_s > READ_AGAIN_S:
            self._read_at_s = monotonic()
            return self.services.directory(connection)
        self._directory.connection = connection
        return self._directory

    def _send_all(self, claimed: Sequence[Claimed], now: datetime, breaker: Breaker) -> Delivered:
        with self._kept(claimed):
            return self._send_each(claimed, now, breaker)

    def _send_each(self, claimed: Sequence[Claimed], now: datetime, breaker: Breaker) -> Delivered:
        total, left = Delivered(), list(claimed)
        while left:
            if self._lease_is_old():
                left = self._renewed(left)
                if not left:
                    break
            fits = self._pacer.still(len(left))
            if fits < len(left):
                late, left = left[fits:], left[:fits]
                total += self._put_off(late, now)
                continue
            if self._braked():
                with self.services.database.write() as connection:
                    give_back(connection, left, self.name, now)
                break
            message, self._in_hand_since = left.pop(0), monotonic()
            if message.sort is MessageSort.DIGEST or not message.certain:
                with self.services.database.write() as connection:
                    begin(connection, message.id, now)
            result = self.weighed(self.hand_over(message), message)
            total += self._remember(message, result, now)
            after = breaker.after(result, now)
            if after != breaker:
                breaker = after
                self._keep(breaker)
            if not breaker.permits(now):
                waiting = breaker.probe_at or now
                with self.services.database.write() as connection:
                    give_back(connection, left, self.name, waiting)
                log.warning(
                    "%s cannot leave now (%s); it is tried again later",
                    self.channel, breaker.reason,
                )  # fmt: skip
                return total + Delivered(retry=len(left), channel_down=breaker.reason)
        return total

    def _put_off(self, late: Sequence[Claimed], now: datetime) -> Delivered:
        """What a slow server left over of one minute, and the next has no room for."""
        with self.services.database.write() as connection:
            give_back(connection, late, self.name, now + self._pacer.wait)
        return Delivered(retry=len(late))

    def _braked(self) -> bool:
        """Whether somebody put a hold since these were taken in hand; asked once a second."""
        if monotonic() - self._brake_felt < FEEL_BRAKE_S:
            return False
        self._brake_felt = monotonic()
        with self.services.database.read() as connection:
            return newest_hold(connection) != self._hold_seen

    def hand_over(self, message: Claimed) -> Result:
        """Hand one message over, once."""
        raise NotImplementedError

    def weighed(self, result: Result, message: Claimed) -> Result:  # noqa: ARG002 - for channels that know less
        """What a result means for its message, if that depends on what came before."""
        return result

    def _remember(self, message: Claimed, result: Result, now: datetime) -> Delivered:
        attempt = self.attempt(message, result, now)
        with self.services.database.write() as connection:
            kept = record(connection, message, attempt, now, self.name)
            if kept and attempt.notice_status is NoticeStatus.UNDELIVERABLE:
                flag(connection, message.person_id, message.id, attempt.text, now)
        if not kept:
            log.warning("message %s was taken over by another worker", message.id)
        return Delivered(
            sent=result.outcome is Outcome.SENT,
            retry=result.outcome is Outcome.RETRY,
            rejected=result.outcome is Outcome.REJECTED,
            unknown=result.outcome is Outcome.UNKNOWN,
        )

    def attempt(self, message: Claimed, result: Result, now: datetime) -> Attempt:
        """What follows from a result: done, again later, or never."""
        return _attempt(message, result, now)

    @property
    def _texts(self) -> bool | None:
        """Whether this worker takes texts, or everything but texts; None: whatever there is."""
        if self.services.new_texter is None:
            return None
        return self.channel == SMS

    def _lease_is_old(self) -> bool:
        """
        Whether to renew before the next message: time has passed, or the clock was moved.

        After a jump, or a machine's sleep, others may take our leases for run out; what they took
        over is then left to them.
        """
        passed_s = monotonic() - self._leased_at
        shown_s = (self._clock.now() - self._clock_leased_at).total_seconds()
        allowed_s = RENEW_AFTER * self._lease.total_seconds()
        return passed_s > allowed_s or abs(shown_s - passed_s) > allowed_s

    def _renewed(self, left: Sequence[Claimed]) -> list[Claimed]:
        self._clock_leased_at, self._leased_at = self._clock.now(), monotonic()
        mine = self._lengthen(left)
        return [message for message in left if message.id in mine]

    def _lengthen(self, messages: Sequence[Claimed]) -> set[int]:
        with self.services.database.write() as connection:
            until = self._clock.now() + self._lease
            return renew(connection, [m.id for m in messages], self.name, until)

    @contextmanager
    def _kept(self, claimed: Sequence[Claimed]) -> Iterator[None]:
        """
        Lengthen the leases while the server is waited for.

        Each of its replies may take as long as the timeout allows, and all of them together longer
        than a lease. A killed worker lengthens nothing, one that was stopped finds out when it
        goes on.
        """
        over, lease_s = Event(), self._lease.total_seconds()

        def keep() -> None:
            while not over.wait(lease_s / 3):
                if monotonic() - self._in_hand_since > LONGEST_HOLD * lease_s:
                    return
                try:
                    self._lengthen(claimed)
                except Exception as error:  # noqa: BLE001 - the main thread meets it too, and says it
                    log.warning("leases could not be renewed (%s)", type(error).__name__)

        keeper = Thread(target=keep, name="leases", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            over.set()
            keeper.join()

    def _breaker(self) -> Breaker:
        with self.services.database.read() as connection:
            return Breaker(**channel_state(connection, self.channel))

    def _keep(self, breaker: Breaker) -> None:
        with self.services.database.write() as connection:
            keep_channel(
                connection,
                self.channel,
                failures=breaker.failures,
                losses=breaker.losses,
                opened_at=breaker.opened_at,
                probe_at=breaker.probe_at,
                reason=breaker.reason,
            )


class Deliverer(Worker):
    """A worker with a mailer of its own."""

    def __init__(
        self, services: Services, mailer: Mailer, *, bundler: type[Bundler] = Bundler
    ) -> None:
        super().__init__(services, bundler=bundler)
        self.mailer = mailer

    def hand_over(self, message: Claimed) -> Result:
        try:
            envelope = Envelope(
                sender=message.sender,
                recipient=message.recipient,
                data=message.body,
                message_id=message.mime_id,
            )
        except BadValue as error:
            return refused_address(error)
        return self.mailer.deliver(envelope)


def _attempt(message: Claimed, result: Result, now: datetime) -> Attempt:
    """What follows from a result: done, again later, or never."""
    base = Attempt(
        outcome=result.outcome,
        phase=result.phase,
        code=result.code,
        text=result.text,
        status=MessageStatus.SENT,
        counted=not result.channel_down,
    )
    match result.outcome:
        case Outcome.SENT:
            return replace(base, notice_status=NoticeStatus.SENT)
        case Outcome.REJECTED:
            return replace(
                base, status=MessageStatus.REJECTED, notice_status=NoticeStatus.UNDELIVERABLE
            )
        case Outcome.RETRY | Outcome.UNKNOWN:
            again = MessageStatus.UNKNOWN
            if result.outcome is Outcome.RETRY and message.certain:
                again = MessageStatus.RETRY
            at = next_attempt_at(now, message.attempt + 1, message.mime_id)
            if result.channel_down:
                at = next_attempt_at(now, 1, message.mime_id)
            if at is None:
                return replace(
                    base, status=MessageStatus.FAILED, notice_status=NoticeStatus.UNDELIVERABLE
                )
            return replace(base, status=again, available_at=at)
