"""Whether the mail channel is worth trying now."""

from datetime import UTC, datetime, timedelta
from functools import reduce

import pytest

from notifications.breaker import LOSSES, Breaker
from notifications.envelope import Outcome, Phase, Result

NOW = datetime(2024, 3, 1, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)

DOWN = Result(outcome=Outcome.RETRY, phase=Phase.AUTH, code=535, text="5.7.8 no", channel_down=True)
SENT = Result(outcome=Outcome.SENT, phase=Phase.DOT, code=250, text="queued")
LOST = Result(outcome=Outcome.RETRY, phase=Phase.RCPT, text="connection closed")
UNKNOWN = Result(outcome=Outcome.UNKNOWN, phase=Phase.DOT, text="timed out")
REFUSED = Result(outcome=Outcome.REJECTED, phase=Phase.RCPT, code=550, text="nobody")
MALFORMED = Result(outcome=Outcome.REJECTED, phase=Phase.ADDRESS, text="no such form")


def after(*results: Result) -> Breaker:
    return reduce(lambda breaker, result: breaker.after(result, NOW), results, Breaker())


def test_a_new_breaker_lets_everything_pass():
    assert Breaker().permits(NOW)


def test_a_broken_channel_is_left_alone_for_thirty_seconds():
    breaker = after(DOWN)

    assert not breaker.permits(NOW)
    assert not breaker.permits(NOW + 29 * SECOND)
    assert breaker.permits(NOW + 30 * SECOND)
    assert breaker.reason == "auth: 535 5.7.8 no"


def test_the_wait_doubles_up_to_a_quarter_of_an_hour():
    waits = [(after(*[DOWN] * times).probe_at - NOW) // SECOND for times in range(1, 9)]

    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]
    assert (after(*[DOWN] * 5000).probe_at - NOW) // SECOND == 900


@pytest.mark.parametrize("answer", [SENT, REFUSED])
def test_any_answer_about_a_message_closes_the_breaker(answer):
    assert after(DOWN, DOWN, answer) == Breaker()


def test_a_malformed_address_says_nothing_about_the_channel():
    assert after(DOWN, MALFORMED) == after(DOWN)
    assert after(LOST, LOST, MALFORMED, LOST).opened_at == NOW


def test_three_lost_connections_in_a_row_open_the_breaker():
    assert LOSSES == 3
    assert after(LOST, UNKNOWN).permits(NOW)
    assert not after(LOST, UNKNOWN, LOST).permits(NOW)
    assert after(LOST, LOST, SENT, LOST).permits(NOW)


def test_a_probe_whose_connection_is_lost_too_waits_longer():
    breaker = after(LOST, LOST, LOST, LOST)

    assert breaker.probe_at == NOW + 60 * SECOND


def test_a_clock_set_back_does_not_keep_the_channel_shut():
    assert after(DOWN).permits(NOW - timedelta(hours=1))
