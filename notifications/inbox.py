"""The mailbox that answers and bounces come to: how it is reached, and what is asked of it."""

import ipaddress
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from engine.errors import BadValue
from notifications.envelope import ascii_address
from notifications.mail_settings import Security


@dataclass(frozen=True, slots=True)
class Place:
    """Up to where a mailbox was read; UIDs mean something only under one UIDVALIDITY."""

    validity: int
    uid: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """A mail as the server holds it; `whole`: `data` is all of its `size` bytes."""

    uid: int
    size: int
    data: bytes

    @property
    def whole(self) -> bool:
        return len(self.data) >= self.size


@dataclass(frozen=True, slots=True)
class Waiting:
    """What there is to be read: these mails now, and whether there are `more`."""

    validity: int
    uids: tuple[int, ...]
    more: bool


class InboxDown(OSError):
    """The mailbox cannot be read now; the text says where it failed and how."""

    @property
    def where(self) -> str:
        """How far it went: connect, tls, login, folder, or the command that failed."""
        return str(self).partition(":")[0]


class Inbox(Protocol):
    """A mailbox that is open; every method raises InboxDown when the connection does not hold."""

    def waiting(self, place: Place | None, today: date, most: int) -> Waiting: ...
    def fetch(self, uids: Sequence[int]) -> Iterator[Fetched]: ...
    def mark(self, uids: Sequence[int], *, seen: bool, flagged: bool = False) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxSettings:
    """The mailbox and how to reach it; BadValue, in one sentence, for what cannot work."""

    address: str
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    security: Security = "tls"
    folder: str = "INBOX"
    ca_file: str = ""
    timeout_s: float = 20.0

    def __post_init__(self) -> None:
        ascii_address(self.address)
        if "+" in self.address.rpartition("@")[0]:
            raise BadValue("inbox.address", self.address, "leave out the plus sign: we add ours")
        if not 0 < self.port < 65_536:  # noqa: PLR2004 - ports have 16 bits
            raise BadValue("inbox.port", self.port, "a port is a number from 1 to 65535")
        if not (self.user and self.password):
            missing = "password" if self.user else "user"
            raise BadValue(f"inbox.{missing}", "", "a mailbox is read with user and password")
        if any(sign in self.user + self.password + self.folder for sign in "\r\n\0"):
            raise BadValue("inbox.user", self.user, "user, password and folder are one line each")
        if self.security == "none" and not self.loopback:
            reason = "the password would cross the network readable; choose starttls or tls"
            raise BadValue("inbox.security", self.security, reason)

    @property
    def loopback(self) -> bool:
        """Whether the server is this machine."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host.rstrip(".").lower() == "localhost"

    def tls_context(self) -> ssl.SSLContext:
        """A context that checks certificate and host name; BadValue if `ca_file` is unreadable."""
        try:
            return ssl.create_default_context(cafile=self.ca_file or None)
        except OSError as error:
            reason = f"cannot be read as certificates ({error.strerror or error})"
            raise BadValue("inbox.ca_file", self.ca_file, reason) from error
