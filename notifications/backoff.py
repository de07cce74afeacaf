"""When a message that could not be delivered is tried again."""

from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import accumulate, repeat

from engine.errors import BadValue

ATTEMPTS = 8
FIRST = timedelta(minutes=5)  # greylisting servers refuse whatever comes back sooner
FACTOR = 3
LONGEST = timedelta(hours=5)
JITTER = 0.2  # so the longest wait of all is six hours


def next_attempt_at(
    now: datetime, attempt: int, key: str, attempts: int = ATTEMPTS
) -> datetime | None:
    """
    The instant of the next attempt after the `attempt`-th (counted from 1) came to nothing.

    The waits are 5, 15, 45, 135, then 300 minutes, each up to a fifth longer, so that messages
    that failed together do not come back together; the same key and attempt always wait equally
    long. None when `attempts` are used up: the message has failed. BadValue for a naive `now`
    or an `attempt` below 1.
    """
    if now.tzinfo is None:
        raise BadValue("now", now.isoformat(), "an instant needs its time zone")
    if attempt < 1:
        raise BadValue("attempt", attempt, "attempts are counted from 1")
    if attempt >= attempts:
        return None
    return now + _wait(attempt) * (1 + JITTER * _share(f"{key}:{attempt}"))


def _wait(attempt: int) -> timedelta:
    waits = accumulate(repeat(FACTOR, attempt - 1), _longer, initial=FIRST)
    return max(waits)


def _longer(wait: timedelta, factor: int) -> timedelta:
    return min(wait * factor, LONGEST)


def _share(text: str) -> float:
    """A number from 0 up to 1 that looks random and depends on the text alone."""
    return int.from_bytes(blake2b(text.encode(), digest_size=6).digest()) / 2**48
