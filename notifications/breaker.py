"""Whether the mail channel is worth trying now."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from notifications.envelope import Outcome, Phase, Result, one_line

FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)
LOSSES = 3
"""So many lost connections in a row, without any reply between, count as a broken channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """
    A circuit breaker; the plain `Breaker()` is closed: everything may pass.

    It opens when the channel is down, or when connections are lost three times running. From
    `probe_at` on one message may try again; while that fails the wait doubles, from 30 seconds
    to 15 minutes. Any answer about a message closes it. `reason` is what to tell the operator.
    """

    failures: int = 0
    losses: int = 0
    opened_at: datetime | None = None
    probe_at: datetime | None = None
    reason: str = ""

    def permits(self, now: datetime) -> bool:
        """Whether a message may be tried now; true also when the clock was set back meanwhile."""
        if self.opened_at is None or self.probe_at is None:
            return True
        return not self.opened_at <= now < self.probe_at

    def after(self, result: Result, now: datetime) -> Self:
        """The breaker once this result is known."""
        if result.phase is Phase.ADDRESS:
            return self  # the channel was not used
        if result.channel_down:
            return self._opened(result, now)
        if result.code is not None or result.outcome is Outcome.SENT:
            return type(self)()
        return self._lost(result, now)

    def _lost(self, result: Result, now: datetime) -> Self:
        losses = self.losses + 1
        if losses >= LOSSES:
            return self._opened(result, now, losses)
        return type(self)(
            failures=self.failures,
            losses=losses,
            opened_at=self.opened_at,
            probe_at=self.probe_at,
            reason=self.reason,
        )

    def _opened(self, result: Result, now: datetime, losses: int = 0) -> Self:
        doublings = min(self.failures, 10)  # far beyond the longest wait; keeps the power small
        wait = min(FIRST_WAIT * 2**doublings, LONGEST_WAIT)
        code = f"{result.code} " if result.code is not None else ""
        return type(self)(
            failures=self.failures + 1,
            losses=losses or self.losses,
            opened_at=now,
            probe_at=now + wait,
            reason=one_line(f"{result.phase}: {code}{result.text}"),
        )
