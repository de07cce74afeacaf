"""Hands texts to the gateway, one recipient at a time, and says what became of each."""

import logging
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from engine.errors import BadValue
from notifications.envelope import Outcome, Phase, Result
from notifications.text_settings import TextSettings

log = logging.getLogger("alkawari.texts")

HANDED_OVER: Final = "handed over to the gateway"
"""All that Apprise lets us know: neither a receipt nor the gateway's own number of the message."""

SAMPLE: Final = "+22670123456"
"""A number to try a gateway's address with; nothing is sent to it."""

GRACE_S: Final = 5.0
"""What a handing over may take beyond its two timeouts before it is left alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextMessage:
    """One text to one number (`+` and digits); `mark` is the same however often it is tried."""

    phone: str = field(repr=False)
    text: str = field(repr=False)
    mark: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\+[1-9][0-9]{6,14}", self.phone):
            raise BadValue("phone", "…", "must be + and 7 to 15 digits")
        if not self.text.strip():
            raise BadValue("text", "…", "a text cannot be empty")


class Texter(Protocol):
    """Hands over one text at a time; whatever the gateway does is a Result, not an error."""

    def deliver(self, message: TextMessage) -> Result: ...


def unreachable(settings: TextSettings) -> str:
    """Why the gateway cannot be reached; nothing is sent. Empty if it can, or nobody knows."""
    if settings.address is None:
        return ""
    try:
        with socket.create_connection(settings.address, settings.connect_timeout_s) as plain:
            if settings.encrypted:
                context = ssl.create_default_context()
                context.wrap_socket(plain, server_hostname=settings.address[0]).close()
    except OSError as error:
        # Not its words: some hold the address.
        return error.strerror or type(error).__name__
    return ""


class AppriseTexter:
    """
    Hands texts over through Apprise: one recipient and one attempt per call, nothing kept.

    BadValue for a gateway address that Apprise cannot use.
    """

    def __init__(self, settings: TextSettings) -> None:
        self._settings = settings
        with _listening():
            usable = self._gateway(SAMPLE, "sample") is not None
        if not usable:
            reason = f"{settings.scheme}: Apprise cannot use it; see its page on that gateway"
            raise BadValue("texts.gateway", "…", reason)

    def deliver(self, message: TextMessage) -> Result:
        """Hand over one text, once; returns within the timeouts whatever the gateway does."""
        if not isinstance(message, TextMessage):
            raise BadValue("message", type(message).__name__, "only a TextMessage can be sent")
        longest_s = self._settings.connect_timeout_s + self._settings.read_timeout_s + GRACE_S
        done = _within(longest_s, lambda: self._hand_over(message))
        return done or _unknown("the gateway did not answer in time")

    def _hand_over(self, message: TextMessage) -> Result:
        with _listening() as heard:
            gateway = self._gateway(message.phone, message.mark)
            if gateway is None:
                return _refused(None, "the gateway's form of numbers has no place for this one")
            if gateway.notify(body=message.text):
                return Result(outcome=Outcome.SENT, phase=Phase.GATEWAY, text=HANDED_OVER)
            return judged(heard)

    def _gateway(self, phone: str, mark: str) -> Any:  # noqa: ANN401 - Apprise's own classes
        import apprise  # noqa: PLC0415 - 0.3 s that a run without texts need not pay

        asset = apprise.AppriseAsset(
            app_id="Alkawari",
            async_mode=False,
            http_redirects=False,
            storage_mode=apprise.PersistentStoreMode.MEMORY,
        )
        # Not `add`, which would take several addresses out of one line.
        gateway = apprise.Apprise.instantiate(self._settings.url(phone, mark), asset=asset)
        if gateway is not None:
            # One recipient per call leaves nothing to throttle; Apprise would sleep in our thread.
            gateway.request_rate_per_sec = 0
        return gateway


_CODE: Final = re.compile(r"\berror=(\d{3})\b")
_NEVER_CONNECTED: Final = "Max retries exceeded"
_WHY_NOT: Final = (
    ("ConnectTimeout", "no connection in time"),
    ("SSLError", "its certificate is not trusted"),
    ("NameResolution", "its name is not known"),
    ("refused", "connection refused"),
)
_BUSY: Final = frozenset({429, 503})
_MAYBE: Final = frozenset({408, 504})
_OURS: Final = frozenset({401, 402, 403, 404, 405, 407})
"""Login, credit, address: the fault is with our setting or account, with no text and no number."""


def judged(heard: list[str]) -> Result:
    """
    What a handing over that failed came to, from what Apprise said while it tried.

    Apprise itself answers only yes or no. Its gateways all log the reply's code, or the error of
    the connection; without either nobody can know whether the text left, and it is `unknown`.
    """
    said = "\n".join(heard)
    codes = _CODE.findall(said)
    if codes:
        return _answered(int(codes[-1]))
    if _NEVER_CONNECTED in said:
        why = next((words for sign, words in _WHY_NOT if sign in said), "no connection")
        return _down(None, f"the gateway cannot be reached: {why}")
    return _unknown("the connection to the gateway broke off, or it gave no reason")


def _answered(code: int) -> Result:
    if code in _MAYBE:
        return _unknown(f"the gateway answered {code}: it may have taken the text", code)
    if code in _BUSY:
        return _down(code, "the gateway is busy")
    if code in _OURS or code < 400:  # noqa: PLR2004 - a redirection, which we do not follow
        return _down(code, "the gateway does not take our requests: login, credit or address")
    if code < 500:  # noqa: PLR2004 - the codes of HTTP
        return _refused(code, "the gateway refuses this text or this number")
    return Result(outcome=Outcome.RETRY, phase=Phase.GATEWAY, code=code, text="the gateway failed")


def _refused(code: int | None, text: str) -> Result:
    return Result(outcome=Outcome.REJECTED, phase=Phase.GATEWAY, code=code, text=text)


def _down(code: int | None, text: str) -> Result:
    return Result(
        outcome=Outcome.RETRY, phase=Phase.GATEWAY, code=code, text=text, channel_down=True
    )


def _unknown(text: str, code: int | None = None) -> Result:
    return Result(outcome=Outcome.UNKNOWN, phase=Phase.GATEWAY, code=code, text=text)


def _within(longest_s: float, work: Callable[[], Result]) -> Result | None:
    """
    The result of some work, or None if it takes longer than that.

    A timeout of a request bounds each wait for a byte, not their sum: a gateway that dribbles would
    keep us for ever.
    """
    done: list[Result] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except Exception as error:  # noqa: BLE001 - the modules of a hundred gateways; raised or judged below
            failed.append(error)

    thread = threading.Thread(target=run, name="text", daemon=True)
    thread.start()
    thread.join(longest_s)
    if failed:
        # Its words may hold the gateway's address, and with it the secret.
        log.error("the gateway's module failed (%s)", type(failed[0]).__name__)
        return _unknown(f"the gateway's module failed ({type(failed[0]).__name__})")
    return done[0] if done else None


class _Ear(logging.Handler):
    """
    Hears what Apprise says in this thread, and lets nobody else hear it.

    Its log holds numbers and addresses with secrets; it is kept in memory until it was judged.
    """

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.heard = threading.local()

    def emit(self, record: logging.LogRecord) -> None:
        lines: list[str] | None = getattr(self.heard, "lines", None)
        if lines is not None:
            lines.append(record.getMessage())


_EAR: Final = _Ear()


@contextmanager
def _listening() -> Iterator[list[str]]:
    said = logging.getLogger("apprise")
    if _EAR not in said.handlers:
        said.addHandler(_EAR)
        said.setLevel(logging.DEBUG)
        said.propagate = False
        # At DEBUG it would write each request's address, and some gateways have the number there.
        logging.getLogger("urllib3").setLevel(logging.WARNING)
    lines: list[str] = []
    _EAR.heard.lines = lines
    try:
        yield lines
    finally:
        _EAR.heard.lines = None
