"""Where texts leave: the gateway, and which kinds of gateway are allowed."""

import ipaddress
import re
from dataclasses import dataclass, field
from math import isfinite
from typing import Final
from urllib.parse import quote, urlsplit

from engine.errors import BadValue

SCHEMES: Final = frozenset(
    {
        # SMS
        "46elks", "atalk", "bulksms", "bulkvs", "burstsms", "clickatell", "clicksend", "d7sms",
        "eight00com", "elks", "exotel", "httpsms", "kavenegar", "msg91", "msgbird", "nexmo",
        "notifyre", "octopush", "plivo", "serwersms", "seven", "sfr", "sinch", "smsc", "smseagle",
        "smseagles", "sns", "twilio", "voipms", "vonage",
        # WhatsApp, Signal, Threema, Telegram
        "evolution", "evolutions", "signal", "signals", "tgram", "threema", "whatsapp",
        # any other gateway that takes a request
        "form", "forms", "json", "jsons", "xml", "xmls",
    }
)  # fmt: skip
"""
Apprise's names of the gateways that are allowed.

Each speaks HTTP and says in its log what the gateway answered (a test holds it). The rest of
Apprise's hundred services show things on this machine, run programs, or send mail past yagmail.
"""

_MAILS: Final = frozenset(
    {"mailto", "mailtos", "ses", "smtp2go", "mailgun", "sendgrid", "sparkpost"}
)
_READABLE: Final = frozenset({"evolution", "form", "json", "signal", "smseagle", "xml"})
_HOST_FIRST: Final = _READABLE | {f"{name}s" for name in _READABLE}
_SCHEME: Final = re.compile(r"([A-Za-z0-9]+)://")
_UNVERIFIED: Final = re.compile(r"[?&]verify=(?!y|1|t)", re.IGNORECASE)
_NAMES_NOBODY_ELSE_HAS: Final = (".local", ".lan", ".internal", ".home.arpa")

PHONE, DIGITS, MARK = "{phone}", "{digits}", "{id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSettings:
    """
    The gateway and how long it may take; BadValue, in one sentence, for what cannot work.

    `gateway` is an Apprise URL with `{phone}` (`+226…`) or `{digits}` (`226…`) where the recipient
    stands. `{id}`, if it is there, stays the same however often one message is handed over, so that
    a gateway can know a copy. It holds a secret: it is in no repr, log or error.
    """

    gateway: str = field(repr=False)
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 25.0

    def __post_init__(self) -> None:
        if not self.gateway.isprintable() or " " in self.gateway:
            raise _bad("must be one line without spaces")
        _check_scheme(self.scheme)
        if PHONE not in self.gateway and DIGITS not in self.gateway:
            raise _bad("say with {phone} where the recipient's number goes")
        if _UNVERIFIED.search(self.gateway):
            raise _bad("verify=no would hand texts to whoever answers; leave it out")
        if self.scheme in _HOST_FIRST:
            self._check_host()
        for name in ("connect_timeout_s", "read_timeout_s"):
            seconds = getattr(self, name)
            if not (isfinite(seconds) and seconds > 0):
                raise BadValue(f"texts.{name}", seconds, "must be a number of seconds above 0")

    @property
    def scheme(self) -> str:
        """Apprise's name of the gateway; all of the setting that may be shown."""
        match = _SCHEME.match(self.gateway)
        return match[1].lower() if match else ""

    @property
    def loopback(self) -> bool:
        """Whether the gateway is this machine, so that nothing crosses a wire."""
        if self.scheme not in _HOST_FIRST:
            return False
        host = urlsplit(self.gateway).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port, where the setting itself says them; Apprise knows those of the others."""
        if self.scheme not in _HOST_FIRST:
            return None
        parts = urlsplit(self.gateway)
        return parts.hostname or "", parts.port or (443 if self.encrypted else 80)

    @property
    def encrypted(self) -> bool:
        """Whether what is handed over crosses the network unreadable."""
        return self.scheme not in _READABLE

    def url(self, phone: str, mark: str) -> str:
        """The gateway's address for one recipient; its timeouts are ours."""
        filled = self.gateway.replace(PHONE, quote(phone, safe=""))
        filled = filled.replace(DIGITS, phone.removeprefix("+")).replace(MARK, quote(mark, safe=""))
        joint = "&" if "?" in filled else "?"
        return (
            f"{filled}{joint}cto={self.connect_timeout_s:g}&rto={self.read_timeout_s:g}"
            "&redirect=no&retry=0"
        )

    def _check_host(self) -> None:
        try:
            host = urlsplit(self.gateway).hostname or ""
        except ValueError:
            host = ""
        if not host or "{" in host:
            raise _bad("begin with the gateway's host, such as jsons://gateway.example/send")
        if self.scheme in _READABLE and not _near(host):
            reason = f"texts would cross the network readable; choose {self.scheme}s://"
            raise _bad(reason)


def _near(host: str) -> bool:
    """Whether a host is this machine or one in the same house."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith(_NAMES_NOBODY_ELSE_HAS)
    return address.is_loopback or address.is_private


def _check_scheme(scheme: str) -> None:
    if not scheme:
        raise _bad("write it as Apprise does, such as jsons://gateway.example/send?:to={phone}")
    if scheme in _MAILS:
        raise _bad(f"{scheme}: sends mail, and all mail goes through mail.host")
    if scheme not in SCHEMES:
        raise _bad(f"{scheme}: is no gateway for texts that is allowed; docs/phones.md lists them")


def _bad(reason: str) -> BadValue:
    return BadValue("texts.gateway", "…", reason)
