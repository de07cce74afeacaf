"""Limits by the minute that hold for all workers together, and cost nobody a message."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from builders import MONDAY, SENT, Postbox, Programme, a_programme, at
from crowd import crowded
from smtp_server import SmtpServer
from sqlalchemy import func, select
from text_builders import Handset

from config.settings import MailPart, TextsPart
from config.wiring import Services
from engine.store.outbox_tables import MessageStatus, NoticeStatus, deliveries, messages, notices
from engine.store.outbox_tables import paces as kept
from engine.store.pacing import put_back, reserve
from notifications.envelope import Envelope, Result
from notifications.mail_settings import MailSettings
from notifications.mailer import YagmailMailer
from workflows.deliverer import Delivered, Deliverer
from workflows.texts import TextDeliverer

NOW = at(MONDAY)
MINUTE = timedelta(minutes=1)


class Watch:
    """A clock that stands still until somebody moves it on."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path)
    yield made
    made.close()


def limited(services: Services, mail: int = 0, texts: int = 0) -> Services:
    parts = {"mail": MailPart(per_minute=mail), "texts": TextsPart(per_minute=texts)}
    return replace(services, settings=services.settings.model_copy(update=parts))


def by(worker: Deliverer, watch: Watch) -> Deliverer:
    """The worker with that clock for its places; leases stay on the real one."""
    worker._pacer._clock = watch
    return worker


def drained(worker: Deliverer, batch: int = 4) -> Delivered:
    total = Delivered()
    while (done := worker.batch(NOW, limit=batch)).handled:
        total += done
    return total


def test_a_minute_has_so_many_places_however_many_ask_at_once(programme):
    database = programme.services.database

    def ask(_number: int) -> int:
        with database.write() as connection:
            return reserve(connection, "server", NOW, 7, 50)

    with ThreadPoolExecutor(4) as pool:
        granted = list(pool.map(ask, range(12)))
    assert sum(granted) == 50
    assert sorted(granted) == [0] * 4 + [1] + [7] * 7


def test_the_next_minute_has_places_again_and_unused_ones_come_back(programme):
    with programme.services.database.write() as connection:
        assert reserve(connection, "server", NOW, 10, 10) == 10
        put_back(connection, "server", NOW, 3)
        assert reserve(connection, "server", NOW, 10, 10) == 3
        assert reserve(connection, "other", NOW, 10, 10) == 10
        assert reserve(connection, "server", NOW + MINUTE, 4, 10) == 4
        put_back(connection, "server", NOW, 4)  # too late: another minute has begun
        assert reserve(connection, "server", NOW + MINUTE, 10, 10) == 6


def test_a_clock_that_is_behind_counts_with_the_others_and_a_wild_one_stops_nobody(programme):
    with programme.services.database.write() as connection:
        assert reserve(connection, "server", NOW + MINUTE, 8, 10) == 8
        assert reserve(connection, "server", NOW, 8, 10) == 2
        assert reserve(connection, "server", NOW + timedelta(days=1), 10, 10) == 10
        assert reserve(connection, "server", NOW, 8, 10) == 8


def test_four_deliverers_keep_to_the_limit_of_a_server_and_lose_nothing(programme, tmp_path):
    crowded(programme, 25)
    programme.sweep(NOW)
    services, watch = limited(programme.services, mail=10), Watch()
    with SmtpServer(folder=tmp_path) as server:
        settings = MailSettings(
            host=server.host, port=server.port, sender="us@alkawari.example", security="none"
        )

        def work(_number: int) -> Delivered:
            mailer = YagmailMailer(settings)
            try:
                return drained(by(Deliverer(services, mailer), watch))
            finally:
                mailer.close()

        in_each_minute = []
        for _ in range(4):
            before = len(server.received())
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(work, range(4)))
            in_each_minute.append(len(server.received()) - before)
            watch.at += MINUTE
        mails = server.received()
    assert in_each_minute == [10, 10, 5, 0]
    assert max(Counter(mail["rcpt"] for mail in mails).values()) == 1
    assert attempts(programme) == [1] * 25


def attempts(programme: Programme) -> list[int]:
    rows = programme.rows(select(messages.c.attempt, messages.c.status))
    assert {row.status for row in rows} == {MessageStatus.SENT}
    return [row.attempt for row in rows]


class Slow(Postbox):
    """Takes so long for each message that the next minute has begun by then."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self.watch = watch

    def deliver(self, envelope: Envelope) -> Result:
        result = super().deliver(envelope)
        self.watch.at += MINUTE
        return result


def test_what_a_slow_server_leaves_over_waits_and_uses_up_no_attempt(programme):
    crowded(programme, 6)
    programme.sweep(NOW)
    services, watch = limited(programme.services, mail=4), Watch()
    slow = Slow(watch)
    worker = by(Deliverer(services, slow), watch)
    with programme.services.database.write() as connection:
        # Somebody else has been busy in the next minute already.
        name, _limit = worker.limit
        reserve(connection, "elsewhere", NOW, 1, 4)
        assert reserve(connection, name, NOW, 1, 4) == 1

    first = worker.batch(NOW, limit=4)

    assert first.sent == 3
    with programme.services.database.write() as connection:
        assert reserve(connection, name, watch.at, 3, 4) == 3
    second = worker.batch(NOW, limit=4)
    assert (second.sent, second.retry) == (1, 0)

    third = worker.batch(NOW + 5 * MINUTE, limit=4)
    assert third.sent == 2
    assert attempts(programme) == [1] * 6


def test_a_message_put_off_in_mid_batch_leaves_in_a_later_minute(programme):
    crowded(programme, 3)
    programme.sweep(NOW)
    services, watch = limited(programme.services, mail=3), Watch()

    class Crowding(Slow):
        def deliver(self, envelope: Envelope) -> Result:
            result = super().deliver(envelope)
            with services.database.write() as connection:
                reserve(connection, worker.limit[0], watch.at, 3, 3)  # another takes it all
            return result

    worker = by(Deliverer(services, Crowding(watch)), watch)

    first = worker.batch(NOW, limit=3)

    assert (first.sent, first.retry) == (1, 2)
    waiting = programme.rows(select(messages.c.attempt).where(messages.c.status == "retry"))
    assert [row.attempt for row in waiting] == [0, 0]
    watch.at += MINUTE
    postbox = Postbox()
    later = by(Deliverer(services, postbox), watch).batch(NOW + 2 * MINUTE, limit=10)
    assert later.sent == 2
    assert attempts(programme) == [1] * 3
    assert programme.rows(select(func.count()).select_from(deliveries))[0][0] == 3


def test_nothing_is_claimed_while_a_minute_is_used_up(programme):
    crowded(programme, 3)
    programme.sweep(NOW)
    services, watch = limited(programme.services, mail=2), Watch()
    worker = by(Deliverer(services, Postbox()), watch)
    with services.database.write() as connection:
        reserve(connection, worker.limit[0], NOW, 2, 2)
    assert worker.batch(NOW, limit=10) == Delivered()
    statuses = {row.status for row in programme.rows(select(notices.c.status))}
    assert NoticeStatus.PENDING in statuses
    assert NoticeStatus.BUNDLED not in statuses


def test_without_a_limit_nothing_is_written_about_it(programme):
    crowded(programme, 2)
    programme.sweep(NOW)
    assert programme.deliver(NOW).sent == 2
    assert programme.rows(select(kept)) == []


def test_texts_have_a_limit_of_their_own(programme):
    handset = Handset()
    services = limited(replace(programme.services, new_texter=lambda: handset), mail=1, texts=5)
    mail, texts = Deliverer(services, Postbox()), TextDeliverer(services, handset)
    assert (mail.limit[1], texts.limit[1]) == (1, 5)
    assert mail.limit[0] != texts.limit[0]


def test_a_person_gets_one_message_a_day_however_many_workers_there_are(programme):
    crowded(programme, 8)
    programme.sweep(NOW)
    postboxes: Sequence[Postbox] = [Postbox() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda box: drained(Deliverer(programme.services, box)), postboxes))
    told = Counter(address for box in postboxes for address in box.recipients)
    assert set(told.values()) == {1}, json.dumps(told)
    assert len(told) == 8
    assert SENT.outcome == "sent"
