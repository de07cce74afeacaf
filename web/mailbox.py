"""A mail server inside the demonstration: real SMTP on the loopback, mails kept in memory."""

import asyncio
import itertools
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Final

from aiosmtpd.smtp import SMTP, Envelope, Session

from engine.clock import Clock

KEPT: Final = 1_000
"""Mails in memory; the oldest go first."""

LARGEST: Final = 1_000_000
START_S, STOP_S = 10.0, 2.0


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail as it arrived; `number` counts from 1."""

    number: int
    at: datetime
    sender: str
    recipients: tuple[str, ...]
    data: bytes

    @property
    def message(self) -> EmailMessage:
        """The mail taken apart."""
        return message_from_bytes(self.data, policy=policy.default)

    @property
    def subject(self) -> str:
        return str(self.message["subject"] or "(no subject)")

    @property
    def addressee(self) -> str:
        """The To header where there is one: it names the person, the envelope only an address."""
        return str(self.message["to"] or ", ".join(self.recipients))

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        return tuple((name, str(value)) for name, value in self.message.items())

    def part(self, kind: str) -> str:
        """The text of the `plain` or `html` part; empty where there is none."""
        found = self.message.get_body((kind,))
        return str(found.get_content()) if found else ""


class Mailbox:
    """Every mail that arrived, newest first, up to a bound."""

    def __init__(self, clock: Clock, kept: int = KEPT) -> None:
        self._clock = clock
        self._numbers = itertools.count(1)
        self._letters: deque[Letter] = deque(maxlen=kept)

    def add(self, sender: str, recipients: tuple[str, ...], data: bytes) -> Letter:
        letter = Letter(next(self._numbers), self._clock.now(), sender, recipients, data)
        self._letters.appendleft(letter)
        return letter

    @property
    def letters(self) -> tuple[Letter, ...]:
        return tuple(self._letters.copy())

    def letter(self, number: int) -> Letter | None:
        return next((kept for kept in self.letters if kept.number == number), None)


class _Handler:
    """What aiosmtpd calls for each mail."""

    def __init__(self, take: Callable[[str, tuple[str, ...], bytes], object]) -> None:
        self._take = take

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name for it
        data = envelope.original_content or b""
        self._take(envelope.mail_from or "", tuple(envelope.rcpt_tos), data)
        return "250 2.0.0 Taken"


class PostOffice:
    """The server, in a daemon thread; `port` is known once it started."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._handler = _Handler(mailbox.add)
        self._loop = asyncio.new_event_loop()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="post-office", daemon=True)
        self.host, self.port = "127.0.0.1", 0

    def start(self) -> None:
        """Listen on a free port of the loopback; OSError if there is none."""
        self._thread.start()
        if not self._up.wait(START_S) or not self.port:
            raise OSError("the mail server of the demonstration did not start")

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STOP_S)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            server = self._loop.run_until_complete(
                self._loop.create_server(self._conversation, self.host, 0)
            )
            self.port = server.sockets[0].getsockname()[1]
        finally:
            self._up.set()
        self._loop.run_forever()
        server.close()
        pending = asyncio.all_tasks(self._loop)
        for task in pending:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        self._loop.close()

    def _conversation(self) -> SMTP:
        return SMTP(
            self._handler, data_size_limit=LARGEST, enable_SMTPUTF8=True,
            hostname="localhost", ident="Alkawari demonstration", loop=self._loop,
        )  # fmt: skip
