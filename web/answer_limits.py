"""Slows down whoever tries addresses of answer pages in the hope that one exists."""

import ipaddress
import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

PERIOD_S: Final = 600.0
PER_CLIENT: Final = 20
FOR_ALL: Final = 400
CLIENTS_KEPT: Final = 4096

LOCAL: Final = frozenset({"127.0.0.1", "::1"})


class Guesses:
    """
    Misses of the last ten minutes, by client and in all; in memory, and bounded.

    Whoever has missed too often waits. While too many miss in all, everybody waits who has missed
    at all: a link that was mailed works at its first opening even then, so that nobody can close
    the pages for others by guessing.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        per_client: int = PER_CLIENT,
        for_all: int = FOR_ALL,
    ) -> None:
        self._clock, self._per_client = clock, per_client
        self._all: deque[float] = deque(maxlen=for_all)
        self._of: OrderedDict[str, deque[float]] = OrderedDict()
        self._changing = threading.Lock()

    def wait_s(self, client: str) -> int:
        """For how many seconds this client gets no page; 0 for almost everybody."""
        with self._changing:
            missed = self._of.get(client)
            if not missed:
                return 0
            waits = [self._left(missed)]
            if self._recent(missed):
                waits.append(self._left(self._all))
            return math.ceil(max(waits))

    def missed(self, client: str) -> None:
        """Remember that this client asked for a page that is not there."""
        now = self._clock()
        with self._changing:
            self._all.append(now)
            self._of.setdefault(client, deque(maxlen=self._per_client)).append(now)
            self._of.move_to_end(client)
            while len(self._of) > CLIENTS_KEPT:
                self._of.popitem(last=False)

    def _left(self, missed: deque[float]) -> float:
        """Until the oldest of a full row of misses is forgotten."""
        if len(missed) < (missed.maxlen or 0):
            return 0.0
        return max(0.0, missed[0] + PERIOD_S - self._clock())

    def _recent(self, missed: deque[float]) -> bool:
        return missed[-1] + PERIOD_S > self._clock()


def client_of(peer: str, forwarded: str) -> str:
    """
    Whom a request counts for: an address, of IPv6 the network of one subscriber.

    A proxy on this machine says for whom it asks, in the last entry of X-Forwarded-For; from
    anybody else that header is worth nothing.
    """
    said = forwarded.rpartition(",")[2].strip() if peer in LOCAL else ""
    for text in (said, peer):
        try:
            address = ipaddress.ip_address(text.partition("%")[0])
        except ValueError:
            continue
        if isinstance(address, ipaddress.IPv6Address):
            mapped = address.ipv4_mapped
            return str(mapped or ipaddress.ip_network((address.packed, 64), strict=False))
        return str(address)
    return "unknown"
