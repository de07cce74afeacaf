"""Envelopes, mailers and certificates for tests of the mail transport."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from smtp_server import SmtpServer

from notifications.envelope import Envelope
from notifications.mailer import MailSettings, YagmailMailer

SENDER = "bounce+1@notify.example"


def an_envelope(
    number: int = 1, recipient: str = "chief@post.example", body: str = "Good morning."
) -> Envelope:
    message_id = f"<rem.{number}@notify.example>"
    text = (
        f"From: Dialogue <{SENDER}>\r\nTo: {recipient}\r\nSubject: [Saaba] {recipient} {number}\r\n"
        f"Message-ID: {message_id}\r\n\r\n{body}\r\n"
    )
    return Envelope(
        sender=SENDER, recipient=recipient, data=text.encode("ascii"), message_id=message_id
    )


def settings_for(server: SmtpServer, **changes: Any) -> MailSettings:
    given = {"host": server.host, "port": server.port, "security": "none", "sender": SENDER}
    return MailSettings(**{**given, **changes})


@contextmanager
def mailer_to(server: SmtpServer, **changes: Any) -> Iterator[YagmailMailer]:
    mailer = YagmailMailer(settings_for(server, **changes))
    try:
        yield mailer
    finally:
        mailer.close()
