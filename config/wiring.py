"""The composition root: settings in, everything that the stories need out."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import time
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from config.ladder import load_ladder
from config.settings import Settings
from engine.case import Delays
from engine.clock import Clock, SystemClock
from engine.conditions import Thresholds
from engine.errors import BadValue
from engine.ladder import DEFAULT, Ladder
from engine.store.database import Connection, Database
from engine.store.directory import Directory
from notifications.bundle import Office
from notifications.inbox import Inbox, InboxSettings
from notifications.mail_settings import MailSettings
from notifications.mailer import Mailer, YagmailMailer
from notifications.text_settings import TextSettings
from notifications.texting import AppriseTexter, Texter

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
DEFAULT_PORT: Final = 8000
"""Where `up` listens unless told otherwise."""

SHORTEST_SECRET: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """
    Everything that a story is handed.

    `new_mailer` makes one mailer for one worker thread; None while no mail server is set.
    `new_texter` is the same for texts and their gateway. `new_inbox` opens the mailbox that answers
    come to; None while none is set.
    `public_url` is how recipients reach our pages, without a slash at its end; empty: mails carry
    no links.
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
    public_url: str = ""
    new_texter: Callable[[], Texter] | None = None
    new_inbox: Callable[[], Inbox] | None = None

    def directory(self, connection: Connection) -> Directory:
        """What many actions share, with everybody's channel as it can be served here."""
        return Directory(connection, self.ladder, texting=self.new_texter is not None)

    def at(self, clock: Clock) -> "Services":
        """The same services by another clock."""
        return replace(self, clock=clock)


def build(settings: Settings, *, clock: Clock | None = None) -> Services:
    """Open the database and make ready what the settings describe; connects to nothing else."""
    mail, texts = mail_settings(settings), text_settings(settings)
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
        public_url=_public_url(settings),
        new_texter=(lambda: AppriseTexter(texts)) if texts else None,
        new_inbox=_inbox(settings),
    )


def _public_url(settings: Settings) -> str:
    """What was set; on a machine that mails only itself, the address at which `up` listens."""
    given = settings.public_url.strip().rstrip("/")
    if given:
        parts = urlsplit(given)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query:
            raise BadValue("public_url", given, "write it like https://alkawari.example")
        return given
    if settings.mail.host in LOOPBACK:
        return f"http://127.0.0.1:{DEFAULT_PORT}"
    return ""


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


def text_settings(settings: Settings) -> TextSettings | None:
    """The gateway for texts; None while none is set. BadValue for one that cannot work."""
    part = settings.texts
    if part.secret and len(part.secret) < SHORTEST_SECRET:
        reason = f"must have {SHORTEST_SECRET} characters or more, or anybody could sign with it"
        raise BadValue("texts.secret", "…", reason)
    if not part.gateway.strip():
        return None
    return TextSettings(
        gateway=part.gateway.strip(),
        connect_timeout_s=part.connect_timeout_s,
        read_timeout_s=part.read_timeout_s,
    )


def inbox_settings(settings: Settings) -> InboxSettings | None:
    """The mailbox that answers come to; None while none is set. BadValue if it cannot work."""
    part = settings.inbox
    if not part.host:
        return None
    if not part.address:
        raise BadValue("inbox.address", "", "say which address the mailbox has")
    return InboxSettings(
        address=part.address,
        host=part.host,
        port=part.port,
        user=part.user,
        password=part.password,
        security=part.security,
        folder=part.folder,
        ca_file=part.ca_file,
        timeout_s=part.timeout_s,
    )


def _inbox(settings: Settings) -> Callable[[], Inbox] | None:
    given = inbox_settings(settings)
    if given is None:
        return None

    def opened() -> Inbox:
        from notifications.imap import ImapInbox  # noqa: PLC0415 - only who reads mail needs it

        return ImapInbox(given)

    return opened


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
        inbox=settings.inbox.address,
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
