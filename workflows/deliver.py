"""Delivery as a story: everything that may leave now, over all its channels at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Final

from config.wiring import Services
from engine.store.auditing import beat
from engine.store.outbox import still_waiting
from engine.store.revision import check_again
from engine.store.sending import in_other_hands
from workflows.deliverer import Delivered, Deliverer
from workflows.texts import TextDeliverer

__all__ = [
    "Delivered", "Deliverer", "deliver", "deliver_batch", "deliver_texts", "figures", "remember",
    "workers",
]  # fmt: skip

TEXTS_IN_A_BATCH: Final = 20
"""Persons; a gateway takes its time with each, and mail should not wait for it."""

Work = Callable[[datetime, int], Delivered]


def deliver(
    services: Services, now: datetime, *, progress: Callable[[int], None] = lambda _n: None
) -> Delivered:
    """Everything that may leave now, over as many connections as the settings say."""
    works = workers(services)
    if len(works) == 1:
        done = _drain(works[0], now, progress)
    else:
        with ThreadPoolExecutor(max(len(works), 1)) as pool:
            parts = list(pool.map(lambda work: _drain(work, now, progress), works))
        done = sum(parts, Delivered())
    if services.new_mailer is None:
        done += Delivered(channel_down=NO_MAIL)
    if works:
        remember(services, done, now)
    return done


NO_MAIL: Final = "no mail server is set (mail.host)"


def workers(services: Services) -> list[Work]:
    """One piece of work for each connection: what one channel waits for is not the other's."""
    found: list[Work] = []
    if services.new_mailer is not None:
        mail = partial(_mail, services)
        found += [mail] * services.settings.delivery.connections
    if services.new_texter is not None:
        texts = partial(_texts, services)
        found += [texts] * services.settings.texts.at_once
    return found


def _mail(services: Services, now: datetime, limit: int) -> Delivered:
    return deliver_batch(services, now, limit=limit)


def _texts(services: Services, now: datetime, limit: int) -> Delivered:
    return deliver_texts(services, now, limit=min(limit, TEXTS_IN_A_BATCH))


def deliver_batch(services: Services, now: datetime, *, limit: int) -> Delivered:
    """What may leave now by mail for up to `limit` persons, over one connection opened for it."""
    if services.new_mailer is None:
        return Delivered(channel_down=NO_MAIL)
    mailer = services.new_mailer()
    try:
        worker, total = Deliverer(services, mailer), Delivered()
        size = services.settings.delivery.batch
        while total.handled < limit:
            check_again(services.database)
            done = worker.batch(now, limit=min(size, limit - total.handled))
            total += done
            if done.handled == 0 or done.channel_down:
                break
        return total
    finally:
        mailer.close()


def deliver_texts(services: Services, now: datetime, *, limit: int) -> Delivered:
    """The texts that may leave now for up to `limit` persons."""
    if services.new_texter is None:
        return Delivered()
    check_again(services.database)
    return TextDeliverer(services, services.new_texter()).batch(now, limit=limit)


def remember(services: Services, done: Delivered, now: datetime) -> None:
    """Leave word that delivery ran; the watchdog and `doctor` read it."""
    with services.database.write() as connection:
        beat(connection, "deliver", now, done.as_dict())


def figures(services: Services, done: Delivered) -> dict[str, object]:
    """The JSON of the `deliver` command, but for its times."""
    with services.database.read() as connection:
        waiting = still_waiting(connection)
        elsewhere = in_other_hands(connection)
    return {**done.as_dict(), "held": waiting, "leased": elsewhere}


def _drain(work: Work, now: datetime, progress: Callable[[int], None]) -> Delivered:
    total = Delivered()
    while True:
        done = work(now, 1000)
        total += done
        progress(total.sent)
        if done.handled == 0 or done.channel_down:
            return total
