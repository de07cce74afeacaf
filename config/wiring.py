"""The composition root: settings in, everything that the stories need out."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import time
from pathlib import Path

from config.ladder import load_ladder
from config.settings import Settings
from engine.case import Delays
from engine.clock import Clock, SystemClock
from engine.conditions import Thresholds
from engine.errors import BadValue
from engine.ladder import DEFAULT, Ladder
from engine.store.database import Database
from notifications.bundle import Office
from notifications.mail_settings import MailSettings
from notifications.mailer import Mailer, YagmailMailer


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """
    Everything that a story is handed.

    `new_mailer` makes one mailer for one worker thread; None while no mail server is set.
    """

    settings: Settings
    database: Database
    ladder: Ladder
    clock: Clock
    delays: Delays
    thresholds: Thresholds
    office: Office
    hours: tuple[time, time]
    new_mailer: Callable[[], Mailer] | None

    def at(self, clock: Clock) -> "Services":
        """The same services by another clock."""
        return replace(self, clock=clock)


def build(settings: Settings, *, clock: Clock | None = None) -> Services:
    """Open the database and make ready what the settings describe; connects to nothing else."""
    mail = mail_settings(settings)
    return Services(
        settings=settings,
        database=Database(settings.database),
        ladder=_ladder(settings),
        clock=clock or SystemClock(),
        delays=_delays(settings),
        thresholds=_thresholds(settings),
        office=_office(settings),
        hours=_hours(settings),
        new_mailer=(lambda: YagmailMailer(mail)) if mail else None,
    )


def mail_settings(settings: Settings) -> MailSettings | None:
    """The mail server; None while none is set. BadValue for one that cannot work."""
    part = settings.mail
    if not part.host:
        return None
    if not part.sender:
        raise BadValue("mail.sender", "", "say which address mail is sent from")
    return MailSettings(
        host=part.host,
        port=part.port,
        sender=part.sender,
        security=part.security,
        user=part.user,
        password=part.password,
        helo=part.helo,
        ca_file=part.ca_file,
        timeout_s=part.timeout_s,
        dot_timeout_s=min(part.dot_timeout_s, settings.delivery.lease_s * 0.7),
    )


def _ladder(settings: Settings) -> Ladder:
    if not settings.ladder:
        return DEFAULT
    return load_ladder(Path(settings.ladder))


def _delays(settings: Settings) -> Delays:
    part = settings.delays
    return Delays(
        silent_days=part.silent_days,
        silent_blocked_days=part.silent_blocked_days,
        backlog_days=part.backlog_days,
        backlog_working_days=part.backlog_working_days,
        missed_after_working_days=part.missed_after_working_days,
        missed_in_a_row=part.missed_in_a_row,
    )


def _thresholds(settings: Settings) -> Thresholds:
    part = settings.delays
    return Thresholds(
        due_soon_working_days=part.due_soon_working_days,
        silent_days=part.silent_days,
        silent_blocked_days=part.silent_blocked_days,
        stalled_working_days=part.stalled_working_days,
        stalled_moves=part.stalled_moves,
        unacknowledged_working_days=part.unacknowledged_working_days,
        backlog_days=part.backlog_days,
    )


def _office(settings: Settings) -> Office:
    part = settings.mail
    sender = part.sender or "alkawari@localhost.localdomain"
    return Office(
        programme=settings.programme,
        sender=sender,
        sender_name=part.sender_name,
        reply_to=part.reply_to or sender,
    )


def _hours(settings: Settings) -> tuple[time, time]:
    part = settings.delivery
    try:
        opens, closes = time.fromisoformat(part.opens), time.fromisoformat(part.closes)
    except ValueError:
        raise BadValue("delivery.opens", f"{part.opens}-{part.closes}", "write HH:MM") from None
    if opens >= closes:
        raise BadValue("delivery.opens", part.opens, f"must be before {part.closes}")
    return opens, closes
