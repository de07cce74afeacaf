"""Cookies, words that only our forms know, and brakes for whoever tries too often."""

import hashlib
import hmac
import re
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request, Response

from engine.store.sign_ins import LONGEST

PLAIN_NAME: Final = "alkawari"
SECURE_NAME: Final = "__Host-alkawari"
"""Browsers take a cookie of this form only over https, for this host and every path."""

LANGUAGE_NAME: Final = "alkawari-language"
WANTED_NAME: Final = "alkawari-wanted"
"""Holds the page that somebody opened before they were asked to sign in."""

WANTED_S: Final = 1800
OURS: Final = re.compile(r"/(?!/)[\w./?=&%+~-]{0,300}", re.ASCII)
"""Where somebody may be led after signing in: a page of ours."""
SAME_SITE: Final = frozenset({"same-origin", "none"})
KEYS_KEPT: Final = 4096


def session_token(request: Request, *, secure: bool) -> str:
    """The token in the cookie, or nothing."""
    return request.cookies.get(SECURE_NAME if secure else PLAIN_NAME, "")


def put_cookie(answer: Response, token: str, *, secure: bool) -> None:
    """Give the browser its session; scripts and other sites' forms do not get it."""
    answer.set_cookie(
        SECURE_NAME if secure else PLAIN_NAME, token,
        max_age=int(LONGEST.total_seconds()), path="/",
        secure=secure, httponly=True, samesite="lax",
    )  # fmt: skip


def drop_cookie(answer: Response, *, secure: bool) -> None:
    """Take the session away from the browser."""
    name = SECURE_NAME if secure else PLAIN_NAME
    answer.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="lax")


def form_word(token: str) -> str:
    """The word that every form of a session carries; no other site or session knows it."""
    return hmac.new(token.encode(), b"form", hashlib.sha256).hexdigest()[:32]


def page_word(token: str) -> str:
    """The same with an ending of its own for each page, by which its sendings are told apart."""
    return f"{form_word(token)}.{secrets.token_urlsafe(6)}"


def same_word(token: str, word: str) -> bool:
    """Whether a form carries the word of this session."""
    given = word.partition(".")[0].encode("utf-8", "replace")
    return hmac.compare_digest(form_word(token).encode(), given)


def from_here(request: Request) -> bool:
    """Whether a form was sent from our own page, as far as browsers tell."""
    site = request.headers.get("sec-fetch-site", "")
    if site and site not in SAME_SITE:
        return False
    origin = request.headers.get("origin", "")
    if site == "same-origin" and origin == "null":
        return True  # of a page that names no referrer, such as that of a sign-in link
    return not origin or urlsplit(origin).netloc == request.headers.get("host", "")


class Brake:
    """So many times in so many seconds for each key; in memory, and bounded."""

    def __init__(
        self, times: int, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._times, self._seconds, self._clock = times, seconds, clock
        self._of: OrderedDict[str, deque[float]] = OrderedDict()
        self._changing = threading.Lock()

    def permits(self, key: str) -> bool:
        """Count one more; False when that is one too many."""
        now = self._clock()
        with self._changing:
            past = self._of.setdefault(key, deque(maxlen=self._times))
            self._of.move_to_end(key)
            while len(self._of) > KEYS_KEPT:
                self._of.popitem(last=False)
            if len(past) == self._times and past[0] + self._seconds > now:
                return False
            past.append(now)
            return True
