"""Hands finished messages to the mail server, one after another, and says what became of each."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Protocol

from engine.errors import BadValue
from notifications.envelope import Envelope, Outcome, Phase, Result, one_line
from notifications.mail_settings import MailSettings

__all__ = ["MailSettings", "Mailer", "SharedMailer", "YagmailMailer"]


class Mailer(Protocol):
    """Hands over one message at a time; whatever the server does is a Result, not an error."""

    def deliver(self, envelope: Envelope) -> Result: ...

    def close(self) -> None: ...


class SharedMailer(RuntimeError):
    """Two threads used one mailer at the same time; nothing of the second call was sent."""

    def __init__(self) -> None:
        super().__init__(
            "A mailer was used by two threads at once: give each worker a mailer of its own."
        )


class YagmailMailer:
    """
    Delivers through yagmail: one verified connection for many messages, one attempt per call.

    It connects at the first message, again when the connection is gone, and keeps no message:
    what is to be tried again is the outbox's business. BadValue if `ca_file` cannot be read.
    """

    def __init__(self, settings: MailSettings) -> None:
        from notifications.connection import (  # noqa: PLC0415 - yagmail costs a sweep 70-140 ms
            Connection,
        )

        self._connection = Connection(settings)
        self._busy = Lock()

    def deliver(self, envelope: Envelope) -> Result:
        """
        Hand over one message, once.

        BadValue for anything that is not an Envelope; SharedMailer if another thread is at it.
        """
        if not isinstance(envelope, Envelope):
            raise BadValue("message", type(envelope).__name__, "only an Envelope can be sent")
        with self._alone():
            try:
                result: Result = self._connection.send(envelope.recipient, None, envelope)
            except (OSError, UnicodeError) as error:
                self._connection.drop()
                return _channel_down(self._connection.phase, error)
            except BaseException:
                # Stopped in mid-sentence: the next message must not go on from there.
                self._connection.drop()
                raise
        return result

    def try_out(self) -> Result | None:
        """Connect, secure and log in, and send nothing; None when all of it went well."""
        with self._alone():
            try:
                self._connection.login()
            except (OSError, UnicodeError) as error:
                self._connection.drop()
                return _channel_down(self._connection.phase, error)
        return None

    def close(self) -> None:
        """Take leave of the server, within two seconds; a later message connects again."""
        with self._alone():
            self._connection.close()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._busy.acquire(blocking=False):
            raise SharedMailer
        try:
            yield
        finally:
            self._busy.release()


def _channel_down(phase: Phase, error: OSError | UnicodeError) -> Result:
    """The server could not be reached, trusted or logged in to: no message is to blame."""
    code = getattr(error, "smtp_code", None)
    text = getattr(error, "smtp_error", None) or str(error)
    return Result(
        outcome=Outcome.RETRY,
        phase=phase,
        code=code if isinstance(code, int) and code > 0 else None,
        text=one_line(text),
        channel_down=True,
    )
