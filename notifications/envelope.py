"""One message on its way to one recipient, and what became of it."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from engine.errors import BadValue

LONGEST_ADDRESS = 254  # RFC 5321, 4.5.3.1.3, less the two angle brackets
LONGEST_MESSAGE_ID = 200
LONGEST_TEXT = 300

_SENDER = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_MESSAGE_ID = re.compile(r"<[!-;=?A-~]+@[!-;=?A-~]+>")
_ADDRESS_IN_TEXT = re.compile(r"<?[^\s<>@]+@[^\s<>@]+>?")


class Outcome(StrEnum):
    """
    What became of one attempt.

    `sent`: the server took responsibility. `retry`: it certainly did not, try later.
    `rejected`: it never will. `unknown`: the connection went after the final dot; the message
    may or may not have been taken.
    """

    SENT = "sent"
    RETRY = "retry"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


class Phase(StrEnum):
    """
    How far a conversation with the mail server had come, in the order in which it goes.

    `gateway`: a text was offered to the gateway, and more is not known of that conversation.
    """

    ADDRESS = "address"
    CONNECT = "connect"
    TLS = "tls"
    AUTH = "auth"
    SIZE = "size"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"
    DOT = "dot"
    GATEWAY = "gateway"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """
    One message to one recipient; BadValue if it could not travel safely.

    `sender` is the address for bounces, `data` the message as RFC 5322 bytes. Both addresses are
    ASCII; `ascii_address` turns an international domain into that form.
    """

    sender: str
    recipient: str
    data: bytes
    message_id: str

    def __post_init__(self) -> None:
        if not isinstance(self.data, bytes):
            # A text that happened to be the path of a file must never end up as that file.
            raise BadValue("data", type(self.data).__name__, "a message is handed over as bytes")
        if not self.data:
            raise BadValue("data", self.data, "a message cannot be empty")
        check_sender(self.sender)
        if not _MESSAGE_ID.fullmatch(self.message_id) or len(self.message_id) > LONGEST_MESSAGE_ID:
            raise BadValue("message_id", self.message_id[:80], "must look like <name@domain>")
        if not self.recipient.isascii():
            raise BadValue("recipient", self.recipient[:80], "must be written in ASCII")
        ascii_address(self.recipient)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """
    What became of one attempt, how far it came, and what the server said.

    `code` is the server's reply code, None where no reply came. `text` is one printable line
    without addresses. `channel_down`: the fault lies with the connection, TLS, the login or the
    sender, not with this message, so it must not use up the message's attempts.
    """

    outcome: Outcome
    phase: Phase
    code: int | None = None
    text: str = ""
    channel_down: bool = False


def refused_address(error: BadValue) -> Result:
    """The result for a recipient for whom no envelope could be made: no connection was used."""
    return Result(outcome=Outcome.REJECTED, phase=Phase.ADDRESS, text=one_line(str(error)))


def check_sender(address: str) -> None:
    """Refuse (BadValue) an envelope sender that is not a plain ASCII address."""
    if not _SENDER.fullmatch(address) or len(address) > LONGEST_ADDRESS:
        raise BadValue("sender", address[:80], "must be a plain ASCII address such as a@b.example")


@lru_cache(maxsize=16_384)
def ascii_address(address: str) -> str:
    """
    The form of an address that travels in an envelope: an international domain becomes IDNA.

    BadValue for anything else than one plain address: a list, a display name, a line break, a
    mailbox that is not ASCII. Whether the domain exists is the mail server's business.
    """
    from email_validator import (  # noqa: PLC0415 - 40 ms that a run without mail need not pay
        EmailNotValidError,
        validate_email,
    )

    try:
        checked = validate_email(
            address,
            check_deliverability=False,
            allow_smtputf8=False,
            test_environment=True,  # whether .test leads anywhere is for the server to say
        )
    except EmailNotValidError as error:
        raise BadValue("recipient", address[:80], str(error).rstrip(".")) from error
    return checked.ascii_email or address


def one_line(reply: str | bytes) -> str:
    """A server's reply as one printable line of at most 300 characters, without addresses."""
    text = reply if isinstance(reply, str) else reply.decode("utf-8", "replace")
    if not text.isprintable():
        text = "".join(sign if sign.isprintable() else " " for sign in text)
    if "@" in text:
        text = _ADDRESS_IN_TEXT.sub("[address]", text)
    return " ".join(text.split())[:LONGEST_TEXT]
