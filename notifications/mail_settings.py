"""Where mail leaves, and as whom."""

import ipaddress
import re
import ssl
from dataclasses import dataclass, field
from math import isfinite
from typing import Literal

from engine.errors import BadValue
from notifications.envelope import check_sender

Security = Literal["none", "starttls", "tls"]

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\.?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")
_HELO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Za-z:.]+\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """
    The mail server and how to speak to it; BadValue, in one sentence, for what cannot work.

    `sender` is the address that we write from; the login `user` may be quite another name.
    `ca_file` names the only authorities to trust, empty for those of the system. Times are in
    seconds: `timeout_s` bounds every single wait but the last one, `dot_timeout_s` the wait for
    the server's word on a finished message (RFC 5321, 4.5.3.2.6, asks for ten minutes; keep it
    below the time for which a message is leased). A connection is given up after `recycle_after`
    messages, or `idle_s` without one.
    """

    host: str
    port: int
    sender: str
    security: Security = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)
    helo: str = ""
    ca_file: str = ""
    timeout_s: float = 30.0
    dot_timeout_s: float = 300.0
    recycle_after: int = 1000
    idle_s: float = 60.0

    def __post_init__(self) -> None:
        if not _HOST.fullmatch(self.host):
            raise BadValue("mail.host", self.host, "give a host name or an address of the server")
        if not 0 < self.port < 65_536:  # noqa: PLR2004 - ports have 16 bits
            raise BadValue("mail.port", self.port, "a port is a number from 1 to 65535")
        check_sender(self.sender)
        if self.helo and not _HELO.fullmatch(self.helo):
            raise BadValue("mail.helo", self.helo, "give the name of this machine, in ASCII")
        self._check_security()
        self._check_limits()

    @property
    def greeting(self) -> str:
        """The name that we give in EHLO: `helo`, else the sender's domain."""
        return self.helo or self.sender.rpartition("@")[2]

    @property
    def loopback(self) -> bool:
        """Whether the server is this machine, so that nothing crosses a wire."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host.rstrip(".").lower() == "localhost"

    def tls_context(self) -> ssl.SSLContext | None:
        """
        A context that checks certificate and host name; None where no TLS is wanted.

        Stock yagmail checks neither. BadValue if `ca_file` cannot be read.
        """
        if self.security == "none":
            return None
        try:
            return ssl.create_default_context(cafile=self.ca_file or None)
        except OSError as error:
            reason = f"cannot be read as certificates ({error.strerror or error})"
            raise BadValue("mail.ca_file", self.ca_file, reason) from error

    def _check_security(self) -> None:
        if self.security not in ("none", "starttls", "tls"):
            raise BadValue("mail.security", self.security, "choose none, starttls or tls")
        if bool(self.user) != bool(self.password):
            missing = "password" if self.user else "user"
            raise BadValue(f"mail.{missing}", "", "give both user and password, or neither")
        if any(sign in self.user + self.password for sign in "\r\n\0"):
            raise BadValue("mail.user", self.user, "user and password must each be one line")
        if self.security == "none" and self.password and not self.loopback:
            reason = "a password would cross the network readable; choose starttls or tls"
            raise BadValue("mail.security", self.security, reason)

    def _check_limits(self) -> None:
        for name in ("timeout_s", "dot_timeout_s", "idle_s"):
            seconds = getattr(self, name)
            if not (isfinite(seconds) and seconds > 0):
                raise BadValue(f"mail.{name}", seconds, "must be a number of seconds above 0")
        if self.recycle_after < 1:
            raise BadValue("mail.recycle_after", self.recycle_after, "must be 1 or more messages")
