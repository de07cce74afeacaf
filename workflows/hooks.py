"""Events handed to other programs, in their order: at least once each, and never in a hurry."""

import base64
import logging
import os
import secrets
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from config.wiring import Services
from engine.clock import SystemClock
from engine.errors import BadValue, UnknownThing
from engine.history import instant_text
from engine.store.checkpoints import snapshot
from engine.store.hooks import (
    Happened,
    Hook,
    any_hook_waits,
    claim_hook,
    failed,
    happened_after,
    keep_hook,
    let_go,
    passed,
)
from engine.store.listing import dialogue_ids, dialogue_names
from notifications.backoff import next_attempt_at
from notifications.hook import (
    SECRET_MARK,
    HookSettings,
    HttpPoster,
    Post,
    Posted,
    Poster,
    body_of,
    usable,
)

log = logging.getLogger("alkawari.hooks")

AT_ONCE: Final = 100
"""Events that one hook is told before another has its turn."""

LEASE: Final = timedelta(seconds=60)
"""Longer than any attempt may take; after it another worker goes on."""

NO_END: Final = 10_000
"""Attempts end by days, not by their number."""

LONGEST_WANTED: Final = 2000


@dataclass(frozen=True, slots=True)
class Hooked:
    """What a pass did: events that were taken, attempts that failed, hooks that were given up."""

    sent: int = 0
    failed: int = 0
    stopped: int = 0
    seen: int = 0

    @property
    def handled(self) -> int:
        """0 when nothing was left to do."""
        return self.seen

    def as_dict(self) -> Mapping[str, object]:
        """Plain values for tables and JSON."""
        return {"sent": self.sent, "failed": self.failed, "stopped": self.stopped}

    def __add__(self, other: "Hooked") -> "Hooked":
        return Hooked(*(a + b for a, b in zip(_parts(self), _parts(other), strict=True)))


def _parts(hooked: Hooked) -> tuple[int, ...]:
    return tuple(asdict(hooked).values())


def hook_settings(services: Services) -> HookSettings:
    """How receivers may be called."""
    part = services.settings.webhooks
    return HookSettings(allow_private=part.allow_private, timeout_s=part.timeout_s)


def add_hook(
    services: Services, url: str, wanted: str, dialogue: str, now: datetime
) -> tuple[int, str]:
    """Remember a webhook; returns its number and its secret. BadValue for a bad address."""
    usable(url, hook_settings(services))
    words = list(dict.fromkeys(word.strip().lower() for word in wanted.split(",") if word.strip()))
    if len(wanted) > LONGEST_WANTED or not all(word.replace("_", "").isalnum() for word in words):
        raise BadValue("events", wanted[:60], "write kinds or states with commas between them")
    secret = SECRET_MARK + base64.b64encode(secrets.token_bytes(32)).decode()
    with services.database.write() as connection:
        home = dialogue_ids(connection, dialogue) if dialogue else []
        if dialogue and not home:
            raise UnknownThing("dialogue", dialogue, dialogue_names(connection))
        number = keep_hook(
            connection, url=url, secret=secret, events_wanted=words,
            dialogue_id=home[0] if home else None, now=now,
        )  # fmt: skip
    return number, secret


def send_hooks(services: Services, now: datetime, *, poster: Poster | None = None) -> Hooked:
    """Post everything that waits now."""
    total = Hooked()
    while (done := send_batch(services, now, poster=poster)).handled:
        total += done
    return total


def send_batch(
    services: Services,
    now: datetime,
    *,
    poster: Poster | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> Hooked:
    """Tell one hook some of what it does not know yet."""
    if stopping():
        return Hooked()
    worker = f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"
    with services.database.read() as connection:
        # Most of the time there is nothing, and looking must not lock anything.
        if not any_hook_waits(connection, now):
            return Hooked()
    with services.database.write() as connection:
        hook = claim_hook(connection, worker, now, _real(), _real() + LEASE)
    if hook is None:
        return Hooked()
    try:
        with snapshot(services.database) as connection:
            found = happened_after(connection, hook.last_event_id, AT_ONCE)
    except BadValue:
        # Somebody has been writing for long; what they write is told of at the next tick.
        with services.database.write() as connection:
            let_go(connection, hook, worker)
        return Hooked()
    telling = _Telling(services, hook, worker, poster or HttpPoster(hook_settings(services)), now)
    return telling.tell(found, stopping)


class _Telling:
    """One hook in hand, being told of events in their order."""

    def __init__(
        self, services: Services, hook: Hook, worker: str, poster: Poster, now: datetime
    ) -> None:
        self.services, self.hook, self.worker = services, hook, worker
        self.poster, self.now = poster, now

    def tell(self, found: Sequence[Happened], stopping: Callable[[], bool]) -> Hooked:
        """Post what is for this hook until an attempt fails; what follows waits behind it."""
        sent, unsaid = 0, 0
        for event in found:
            if stopping():
                break
            if not event.is_for(self.hook):
                unsaid = event.id
                continue
            posted = self.poster.post(self._post(event))
            if not posted.taken:
                return self._failed(posted, sent)
            sent, unsaid = sent + 1, 0
            if not self._passed(event.id, posted.said):
                break
        if unsaid:
            self._passed(unsaid, "")
        with self.services.database.write() as connection:
            let_go(connection, self.hook, self.worker)
        return Hooked(sent=sent, seen=len(found))

    def _post(self, event: Happened) -> Post:
        """An event as it leaves: its name is the same however often it is posted."""
        name = f"event-{event.id}"
        data = {
            "ref": event.ref,
            "dialogue": event.dialogue,
            "version": event.version,
            "state": event.state,
        }
        return Post(
            url=self.hook.url,
            secret=self.hook.secret,
            name=name,
            at_s=int(_real().timestamp()),
            body=body_of(name, event.kind, instant_text(event.at), data),
        )

    def _passed(self, event_id: int, said: str) -> bool:
        with self.services.database.write() as connection:
            return passed(connection, self.hook, self.worker, event_id, said, _real() + LEASE)

    def _failed(self, posted: Posted, sent: int) -> Hooked:
        """Try again later, or give the receiver up; a broken one begins anew after a success."""
        hook = self.hook if not sent else replace(self.hook, attempt=0, failing_since_at=None)
        since = hook.failing_since_at or self.now
        days = timedelta(days=self.services.settings.webhooks.give_up_days)
        attempt = hook.attempt + 1
        over = posted.gone or self.now - since >= days
        next_at = None if over else next_attempt_at(self.now, attempt, f"hook{hook.id}", NO_END)
        with self.services.database.write() as connection:
            failed(
                connection, hook, self.worker, outcome=posted.said, now=self.now, next_at=next_at
            )
        log.warning("webhook %d %s; %s", hook.id, posted.said,
                    "it is given up" if over else f"attempt {attempt}, again later")  # fmt: skip
        return Hooked(sent=sent, failed=1, stopped=int(over), seen=1)


def _real() -> datetime:
    """The instant by the machine's own clock: leases and signatures know no other."""
    return SystemClock().now()
