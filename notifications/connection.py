"""One conversation with a mail server, message after message, over yagmail."""

import os
import socket
import ssl
from base64 import b64encode
from contextlib import suppress
from time import monotonic
from typing import Any

import yagmail

from engine.errors import BadValue
from notifications.envelope import Envelope, Outcome, Phase, Result, one_line
from notifications.mail_settings import MailSettings
from notifications.wire import (
    DONE,
    GO_ON,
    SEND_THE_BODY,
    SERVICE_CLOSING,
    canonical,
    kind,
    lost,
    oversize,
    refusal,
    stuffed,
    usable_after,
)

PARTING_S = 2.0


class LoginRefused(OSError):
    """The server did not let us in; `smtp_code` is its reply code, None where it gave none."""

    def __init__(self, code: int | None, text: str) -> None:
        super().__init__(text)
        self.smtp_code = code


class Connection(yagmail.SMTP):  # type: ignore[misc]  # yagmail ships no types
    """
    yagmail's connection, TLS and `send()`, with the conversation per message in our own hands.

    Stock yagmail connects anew for every message, repeats a message whose reply was lost (two
    copies), trusts any certificate, attaches a file whose path the text equals, and speaks from
    `__del__`. So these methods are replaced here; `phase` always tells how far we are.
    """

    smtp: Any

    def __init__(self, settings: MailSettings) -> None:
        context = settings.tls_context()
        implicit = settings.security == "tls"
        super().__init__(
            user=settings.sender,
            password=settings.password,
            host=settings.host,
            port=settings.port,
            smtp_ssl=implicit,
            smtp_starttls={"context": context} if settings.security == "starttls" else False,
            smtp_skip_login=True,  # its login takes the sender's name and tries every mechanism
            soft_email_validation=False,  # an Envelope has been checked, and better
            timeout=settings.timeout_s,
            local_hostname=settings.greeting,
            **({"context": context} if implicit else {}),
        )
        self.settings = settings
        self.phase = Phase.CONNECT
        self._process = 0
        self._carried = 0
        self._last_used_s = 0.0
        self._one_by_one = False
        self._silent = False

    def set_logging(self, *_: object, **__: object) -> None:
        """Keep yagmail's log, which holds addresses, off: the delivery's result is the record."""
        super().set_logging(None)

    def login(self) -> None:
        """Connect, secure and log in, unless that is done already; OSError with `phase` set."""
        self._give_up_what_is_worn()
        if self._open:
            return

        self.phase = Phase.CONNECT
        self._process, self._carried, self._last_used_s = os.getpid(), 0, monotonic()
        try:
            super().login()
            # Without this, Nagle's algorithm costs 40 ms per digest over TLS.
            self.smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.smtp.ehlo_or_helo_if_needed()
            if self.settings.user:
                self.phase = Phase.AUTH
                self._authenticate()
        except (OSError, ValueError) as error:
            reached = self.smtp is not None or isinstance(error, ssl.SSLError)
            if self.phase is Phase.CONNECT and reached:
                self.phase = Phase.TLS
            raise

    def prepare_send(
        self,
        to: str | None = None,
        subject: object = None,
        contents: object = None,
        *rest: object,
    ) -> tuple[list[str], Envelope]:
        """Take an Envelope and nothing else: yagmail would open a text that names a file."""
        if not isinstance(contents, Envelope) or to != contents.recipient:
            raise BadValue("message", type(contents).__name__, "only an Envelope can be sent")
        if subject is not None or any(rest[:4]):  # attachments, cc, bcc, headers
            raise BadValue("message", contents.message_id, "an Envelope is sent as it is")
        return [contents.recipient], contents

    def close(self) -> None:
        """Take leave, waiting at most two seconds."""
        if self._open and self._process == os.getpid():
            with suppress(OSError):
                self.smtp.sock.settimeout(PARTING_S / 2)  # one half to say it, one to hear it
                self.smtp.docmd("QUIT")
        self.drop()

    def drop(self) -> None:
        """Close the socket without a word."""
        if self.smtp is not None:
            self.smtp.close()
            self.smtp = None

    def __del__(self) -> None:
        """Say nothing: the garbage collector may run in a fork, or at exit with a hung server."""

    @property
    def _open(self) -> bool:
        return self.smtp is not None and self.smtp.sock is not None

    def _give_up_what_is_worn(self) -> None:
        if self._process != os.getpid():
            self.drop()  # after a fork it is the parent's conversation
        elif self._open and (
            self._carried >= self.settings.recycle_after
            or monotonic() - self._last_used_s > self.settings.idle_s
        ):
            self.close()

    def _authenticate(self) -> None:
        """One try with one mechanism: stock yagmail tries all of them, which locks accounts."""
        user, password = self.settings.user.encode(), self.settings.password.encode()
        offered = str(self.smtp.esmtp_features.get("auth", "")).upper().split()
        if "PLAIN" in offered:
            token = b64encode(b"\0" + user + b"\0" + password).decode()
            code, text = self.smtp.docmd("AUTH", f"PLAIN {token}")
        elif "LOGIN" in offered:
            code, text = self.smtp.docmd("AUTH", f"LOGIN {b64encode(user).decode()}")
            if kind(code) == GO_ON:
                code, text = self.smtp.docmd(b64encode(password).decode())
        else:
            raise LoginRefused(None, "the server offers no login by PLAIN or LOGIN here")
        if kind(code) != DONE:
            raise LoginRefused(code, one_line(text))

    def _attempt_send(self, _recipients: list[str], envelope: Envelope) -> Result:
        """One attempt; a second one only where a kept connection had died before it began."""
        data = canonical(envelope.data)
        result = self._converse(envelope, data)
        if self._was_stale:
            self.login()
            result = self._converse(envelope, data)
        self._carried += 1
        self._last_used_s = monotonic()
        return result

    @property
    def _was_stale(self) -> bool:
        """Whether a kept connection had ended before anything of this message was taken."""
        ended = not self._open and not self._silent  # who waited in vain does not wait twice
        return self._carried > 0 and ended and self.phase is Phase.MAIL

    def _converse(self, envelope: Envelope, data: bytes) -> Result:
        announced = str(self.smtp.esmtp_features.get("size", "")).strip()
        limit = int(announced) if announced.isdecimal() else 0
        if 0 < limit < len(data):
            self.phase = Phase.SIZE
            return oversize(len(data), limit)

        self.phase, self._silent = Phase.MAIL, False
        try:
            return self._announce(envelope, len(data)) or self._hand_over(data)
        except OSError as error:
            self.drop()
            self._silent = isinstance(error, TimeoutError) or isinstance(
                error.__context__, TimeoutError
            )
            self._suspect_the_parcel()
            return lost(self.phase, error)

    def _announce(self, envelope: Envelope, size: int) -> Result | None:
        """
        MAIL, RCPT and DATA; the refusal if there is one.

        With a server that offers PIPELINING (RFC 2920) they go in one parcel, which saves two
        round trips. The replies are read one by one all the same, and nothing is handed over
        before the last of them has come.
        """
        option = f" SIZE={size}" if "size" in self.smtp.esmtp_features else ""
        commands = (
            (Phase.MAIL, f"MAIL FROM:<{envelope.sender}>{option}\r\n".encode("ascii")),
            (Phase.RCPT, f"RCPT TO:<{envelope.recipient}>\r\n".encode("ascii")),
            (Phase.DATA, b"DATA\r\n"),
        )
        parcel = "pipelining" in self.smtp.esmtp_features and not self._one_by_one
        if parcel:
            self.smtp.send(b"".join(command for _, command in commands))
        for position, (phase, command) in enumerate(commands, start=1):
            self.phase = phase
            if not parcel:
                self.smtp.send(command)
            code, text = self.smtp.getreply()
            welcome = code == SEND_THE_BODY if phase is Phase.DATA else kind(code) == DONE
            if not welcome:
                self._clear_up(code, unread=len(commands) - position if parcel else 0)
                return refusal(phase, code, text)
        return None

    def _hand_over(self, data: bytes) -> Result:
        """The body, then the dot: only from the dot on can a lost connection mean two things."""
        self.phase = Phase.BODY
        self.smtp.send(stuffed(data))
        self.smtp.send(b".\r\n")

        self.phase = Phase.DOT
        self.smtp.sock.settimeout(self.settings.dot_timeout_s)
        code, text = self.smtp.getreply()
        if kind(code) == DONE or usable_after(code):
            self.smtp.sock.settimeout(self.settings.timeout_s)
        else:
            self.drop()
        if kind(code) == DONE:
            return Result(outcome=Outcome.SENT, phase=Phase.DOT, code=code, text=one_line(text))
        return refusal(Phase.DOT, code, text)

    def _clear_up(self, code: int, unread: int) -> None:
        """After a refusal: make the connection fit for the next message, or drop it."""
        if not usable_after(code):
            self.drop()
            return
        try:
            for _ in range(unread):
                code, _text = self.smtp.getreply()
                if code in (SERVICE_CLOSING, SEND_THE_BODY):  # it waits for a body for nobody
                    self.drop()
                    return
            if kind(self.smtp.rset()[0]) != DONE:
                self.drop()
        except OSError:
            self.drop()

    def _suspect_the_parcel(self) -> None:
        """
        Ask one by one from now on, if the connection went while a parcel was being answered.

        A rude server hangs up on a parcel, and its refusal goes with the connection. A kept
        connection that is gone at MAIL was only idle for too long, and proves nothing.
        """
        idle = self.phase is Phase.MAIL and self._carried > 0
        if self.phase in (Phase.MAIL, Phase.RCPT, Phase.DATA) and not idle:
            self._one_by_one = True
