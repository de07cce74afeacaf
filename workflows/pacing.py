"""A worker's part of what a mail server or gateway takes in a minute."""

from datetime import datetime, timedelta

from engine.clock import Clock
from engine.store.database import Database
from engine.store.pacing import put_back, reserve

MINUTE = timedelta(minutes=1)


class Pacer:
    """
    Places in the minute that the clock shows, reserved in the database for a whole batch at once.

    A place is good for its minute only, and what is reserved by a worker that dies is lost with
    that minute: fewer may leave then, never more. Without a limit (0) nothing is asked or written.
    """

    def __init__(self, database: Database, name: str, per_minute: int, clock: Clock) -> None:
        self._database, self._name, self._clock = database, name, clock
        self.per_minute = per_minute
        self._minute_at: datetime | None = None

    def reserve(self, wanted: int) -> int:
        """Places for up to so many messages, in this minute."""
        if not self.per_minute:
            return wanted
        self._minute_at = _minute_of(self._clock.now())
        with self._database.write() as connection:
            return reserve(connection, self._name, self._minute_at, wanted, self.per_minute)

    def put_back(self, unused: int) -> None:
        """Let others have the places that are not needed."""
        if self.per_minute and unused and self._minute_at is not None:
            with self._database.write() as connection:
                put_back(connection, self._name, self._minute_at, unused)

    def still(self, left: int) -> int:
        """How many of the messages in hand may leave now: all of them, until the minute is over."""
        if not self.per_minute or self._minute_at == _minute_of(self._clock.now()):
            return left
        return self.reserve(left)

    @property
    def wait(self) -> timedelta:
        """How long it is until the next minute."""
        now = self._clock.now()
        return _minute_of(now) + MINUTE - now


def _minute_of(instant: datetime) -> datetime:
    return instant.replace(second=0, microsecond=0)
