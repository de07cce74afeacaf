"""One event posted to one address: signed, never to a machine of our own, and never for long."""

import base64
import hashlib
import hmac
import http.client
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import SplitResult, urlsplit

from engine.errors import BadValue

SECRET_MARK: Final = "whsec_"  # noqa: S105 - what secrets of this form begin with
LONGEST_URL: Final = 2000
GONE: Final = 410
_TUNNELS: Final = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
"""Networks whose addresses hold one of IPv4, which may be of our own network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookSettings:
    """How receivers are called; `allow_private` also takes our own network, and plain http."""

    allow_private: bool = False
    timeout_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What is posted: where, the event's name, the instant of the attempt, and the bytes."""

    url: str
    secret: str
    name: str
    at_s: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of an attempt; `gone`: the receiver wants to hear nothing more."""

    taken: bool
    said: str
    gone: bool = False


class Poster(Protocol):
    """Posts events; a fake in tests."""

    def post(self, post: Post) -> Posted: ...


class Refused(Exception):
    """The address may not be called; the text says why."""


def body_of(name: str, kind: str, at: str, data: Mapping[str, object]) -> bytes:
    """The bytes of an event, in the form of Standard Webhooks."""
    value = {"id": name, "type": kind, "timestamp": at, "data": dict(data)}
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def signature(secret: str, name: str, at_s: int, body: bytes) -> str:
    """What proves where a post comes from: HMAC-SHA256 over name, instant and bytes."""
    key = base64.b64decode(secret.removeprefix(SECRET_MARK))
    signed = f"{name}.{at_s}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def usable(url: str, settings: HookSettings) -> SplitResult:
    """The parts of an address that may be called. BadValue, with the reason, for another."""
    shown = url[:60]
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise BadValue("url", shown, f"write it in at most {LONGEST_URL} ASCII characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadValue("url", shown, "is no web address") from None
    allowed = {"https", "http"} if settings.allow_private else {"https"}
    if parts.scheme not in allowed or not parts.hostname or port == 0:
        raise BadValue("url", shown, f"write it like {max(allowed)}://receiver.example/path")
    if parts.username is not None or parts.fragment:
        raise BadValue("url", shown, "leave out user, password and #; events are signed instead")
    with suppress(ValueError):
        address = ipaddress.ip_address(parts.hostname)
        if not (settings.allow_private or is_public(address)):
            raise BadValue("url", shown, "leads into a network of our own")
    return parts


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address is one of the internet, also where it hides one of IPv4."""
    if isinstance(address, ipaddress.IPv6Address):
        inside = address.ipv4_mapped or address.sixtofour
        if inside is not None:
            return is_public(inside)
        if address.teredo is not None or any(address in tunnel for tunnel in _TUNNELS):
            return False
    return address.is_global and not address.is_multicast


class HttpPoster:
    """Posts over HTTP; follows no redirect, uses no proxy, keeps nothing of what comes back."""

    def __init__(self, settings: HookSettings, context: ssl.SSLContext | None = None) -> None:
        self._settings = settings
        self._context = context or ssl.create_default_context()

    def post(self, post: Post) -> Posted:
        """One attempt; every failure is an answer, nothing is raised."""
        try:
            status = self._status(post)
        except (BadValue, Refused) as error:
            return Posted(taken=False, said=str(error))
        except (OSError, http.client.HTTPException, ValueError) as error:
            return Posted(taken=False, said=f"cannot be reached ({type(error).__name__})")
        taken = 200 <= status < 300  # noqa: PLR2004 - HTTP
        return Posted(taken=taken, said=f"answered {status}", gone=status == GONE)

    def _status(self, post: Post) -> int:
        parts = usable(post.url, self._settings)
        host, tls = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if tls else 80)
        # The name is not asked for again: what was looked at is what is called.
        sock = socket.create_connection((self._address(host, port), port), self._settings.timeout_s)
        # Each step has its own time, and a receiver that drips bytes would never use it up.
        deadline = threading.Timer(self._settings.timeout_s, lambda: _cut(sock))
        deadline.daemon = True
        try:
            if tls:
                sock = self._context.wrap_socket(
                    sock, server_hostname=host, do_handshake_on_connect=False
                )
            deadline.start()
            if isinstance(sock, ssl.SSLSocket):
                sock.do_handshake()
            return self._ask(sock, parts, post)
        finally:
            deadline.cancel()
            sock.close()

    def _ask(self, sock: socket.socket, parts: SplitResult, post: Post) -> int:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80)
        connection.sock = sock
        host = parts.hostname or ""
        named = f"[{host}]" if ":" in host else host
        connection.putrequest("POST", _path(parts), skip_host=True, skip_accept_encoding=True)
        connection.putheader("host", f"{named}:{parts.port}" if parts.port else named)
        for name, value in _headers(post).items():
            connection.putheader(name, value)
        connection.endheaders(post.body)
        with connection.getresponse() as response:
            return response.status

    def _address(self, host: str, port: int) -> str:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(entry[4][0]) for entry in found]
        if not self._settings.allow_private:
            for address in addresses:
                if not is_public(ipaddress.ip_address(address.partition("%")[0])):
                    raise Refused("leads into a network of our own and is not called")
        return addresses[0]


def _headers(post: Post) -> dict[str, str]:
    return {
        "content-type": "application/json",
        "user-agent": "Alkawari",
        "webhook-id": post.name,
        "webhook-timestamp": str(post.at_s),
        "webhook-signature": signature(post.secret, post.name, post.at_s, post.body),
        "connection": "close",
        "content-length": str(len(post.body)),
    }


def _path(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _cut(sock: socket.socket) -> None:
    with suppress(OSError):
        # Of the plain socket: that of TLS would wait for the other side to say goodbye.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
