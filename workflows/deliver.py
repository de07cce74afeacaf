"""
Delivery: hand over what may leave now, and remember what became of it.

A worker killed at any point loses nothing. A message whose reply was being awaited when it died is
handed over once more, with the same bytes and the same Message-ID.
"""

import logging
import os
import secrets
import socket
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic

from config.wiring import Services
from engine.clock import SystemClock
from engine.errors import BadValue
from engine.store.auditing import beat
from engine.store.channels import EMAIL, channel_state, keep_channel
from engine.store.directory import Directory
from engine.store.outbox import people_due, still_waiting
from engine.store.outbox_tables import MessageStatus, NoticeStatus
from engine.store.people import flag
from engine.store.sending import (
    Attempt,
    Claimed,
    enqueue,
    give_back,
    in_other_hands,
    reclaim,
    record,
    renew,
)
from notifications.backoff import next_attempt_at
from notifications.breaker import Breaker
from notifications.envelope import Envelope, Outcome, Result, refused_address
from notifications.mailer import Mailer
from workflows.bundling import Bundler
from workflows.second_look import second_look

log = logging.getLogger("alkawari.deliver")

RENEW_AFTER = 0.25
"""A lease older than this share of its length is renewed before the next message is tried."""


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


class Deliverer:
    """One worker with a mailer of its own; never shared by two threads."""

    def __init__(self, services: Services, mailer: Mailer) -> None:
        self.services, self.mailer = services, mailer
        self.name = f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(3)}"
        self._clock = SystemClock()
        self._lease = timedelta(seconds=services.settings.delivery.lease_s)

    def batch(self, now: datetime, *, limit: int) -> Delivered:
        """Take what may leave now for up to `limit` persons, and hand it over one by one."""
        breaker = self._breaker()
        if not breaker.permits(now):
            return Delivered(channel_down=breaker.reason)
        claimed, done = self._claim(now, limit)
        return done + self._send_all(claimed, now, breaker)

    def _claim(self, now: datetime, limit: int) -> tuple[list[Claimed], Delivered]:
        clock_now = self._clock.now()
        leased_until_at = clock_now + self._lease
        with self.services.database.write() as connection:
            bundler = Bundler(self.services, Directory(connection, self.services.ladder), now)
            again = reclaim(
                connection, now, clock_now,
                limit=limit, worker=self.name, leased_until_at=leased_until_at,
            )  # fmt: skip
            looked = second_look(bundler, again, self.name)
            person_ids = people_due(connection, now, limit - len(again))
            sorted_out = bundler.bundle(person_ids)
            fresh = enqueue(
                connection, sorted_out.drafts,
                now=now, worker=self.name, leased_until_at=leased_until_at,
            )  # fmt: skip
        handled = len(again) + len(person_ids)
        return looked.claimed + fresh, Delivered(
            struck=sorted_out.struck + looked.struck, handled=handled
        )

    def _send_all(self, claimed: Sequence[Claimed], now: datetime, breaker: Breaker) -> Delivered:
        total, taken_at = Delivered(), monotonic()
        left = list(claimed)
        while left:
            if monotonic() - taken_at > RENEW_AFTER * self._lease.total_seconds():
                left, taken_at = self._renewed(left), monotonic()
                if not left:
                    break
            message = left.pop(0)
            result = self._hand_over(message)
            total += self._remember(message, result, now)
            after = breaker.after(result, now)
            if after != breaker:
                breaker = after
                self._keep(breaker)
            if not breaker.permits(now):
                waiting = breaker.probe_at or now
                with self.services.database.write() as connection:
                    give_back(connection, [m.id for m in left], self.name, waiting)
                log.warning("mail cannot leave now (%s); it is tried again later", breaker.reason)
                return total + Delivered(retry=len(left), channel_down=breaker.reason)
        return total

    def _hand_over(self, message: Claimed) -> Result:
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

    def _remember(self, message: Claimed, result: Result, now: datetime) -> Delivered:
        attempt = _attempt(message, result, now)
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

    def _renewed(self, left: Sequence[Claimed]) -> list[Claimed]:
        until = self._clock.now() + self._lease
        with self.services.database.write() as connection:
            mine = renew(connection, [m.id for m in left], self.name, until)
        return [message for message in left if message.id in mine]

    def _breaker(self) -> Breaker:
        with self.services.database.read() as connection:
            return Breaker(**channel_state(connection, EMAIL))

    def _keep(self, breaker: Breaker) -> None:
        with self.services.database.write() as connection:
            keep_channel(
                connection,
                EMAIL,
                failures=breaker.failures,
                losses=breaker.losses,
                opened_at=breaker.opened_at,
                probe_at=breaker.probe_at,
                reason=breaker.reason,
            )


def deliver(
    services: Services, now: datetime, *, progress: Callable[[int], None] = lambda _n: None
) -> Delivered:
    """Everything that may leave now, over as many connections as the settings say."""
    connections = services.settings.delivery.connections
    if services.new_mailer is None:
        return Delivered(channel_down="no mail server is set (mail.host)")
    if connections == 1:
        done = _drain(services, now, progress)
        remember(services, done, now)
        return done
    with ThreadPoolExecutor(connections) as pool:
        parts = list(pool.map(lambda _n: _drain(services, now, progress), range(connections)))
    done = sum(parts, Delivered())
    remember(services, done, now)
    return done


def deliver_batch(services: Services, now: datetime, *, limit: int) -> Delivered:
    """What may leave now for up to `limit` persons, over one connection opened for it."""
    if services.new_mailer is None:
        return Delivered(channel_down="no mail server is set (mail.host)")
    mailer = services.new_mailer()
    try:
        worker, total = Deliverer(services, mailer), Delivered()
        size = services.settings.delivery.batch
        while total.handled < limit:
            done = worker.batch(now, limit=min(size, limit - total.handled))
            total += done
            if done.handled == 0 or done.channel_down:
                break
        return total
    finally:
        mailer.close()


def remember(services: Services, done: Delivered, now: datetime) -> None:
    """Leave word that delivery ran; the watchdog and `doctor` read it."""
    with services.database.write() as connection:
        beat(connection, "deliver", now, done.as_dict())


def figures(services: Services, done: Delivered) -> dict[str, object]:
    """The JSON of the `deliver` command, but for its times."""
    with services.database.read() as connection:
        waiting = still_waiting(connection)
        elsewhere = in_other_hands(connection, "", SystemClock().now())
    return {**done.as_dict(), "held": waiting, "leased": elsewhere}


def _drain(services: Services, now: datetime, progress: Callable[[int], None]) -> Delivered:
    total = Delivered()
    while True:
        done = deliver_batch(services, now, limit=1000)
        total += done
        progress(total.sent)
        if done.handled == 0 or done.channel_down:
            return total


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
            if result.outcome is Outcome.RETRY:
                again = MessageStatus.RETRY
            at = next_attempt_at(now, message.attempt + 1, message.mime_id)
            if result.channel_down:
                at = next_attempt_at(now, 1, message.mime_id)
            if at is None:
                return replace(
                    base, status=MessageStatus.FAILED, notice_status=NoticeStatus.UNDELIVERABLE
                )
            return replace(base, status=again, available_at=at)
