"""When a message is tried again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadValue
from notifications.backoff import ATTEMPTS, next_attempt_at

NOW = datetime(2024, 3, 1, 9, 0, tzinfo=UTC)
attempts = st.integers(1, ATTEMPTS - 1)


def minutes(attempt: int, key: str = "m1") -> float:
    again = next_attempt_at(NOW, attempt, key)
    assert again is not None
    return (again - NOW) / timedelta(minutes=1)


@given(attempts, st.text())
def test_no_wait_is_shorter_than_greylisting_or_longer_than_six_hours(attempt, key):
    assert 5 <= minutes(attempt, key) <= 360


@pytest.mark.parametrize(
    ("attempt", "least"), [(1, 5), (2, 15), (3, 45), (4, 135), (5, 300), (6, 300), (7, 300)]
)
def test_each_wait_is_three_times_the_last_until_five_hours(attempt, least):
    assert least <= minutes(attempt) < least * 1.2


@given(attempts, st.text())
def test_the_same_message_always_waits_equally_long(attempt, key):
    assert next_attempt_at(NOW, attempt, key) == next_attempt_at(NOW, attempt, key)


def test_messages_that_failed_together_come_back_apart():
    waits = sorted(minutes(1, f"m{number}") for number in range(200))

    assert len(set(waits)) == 200
    assert waits[0] < 5.2
    assert waits[-1] > 5.8


def test_a_message_fails_when_its_attempts_are_used_up():
    assert next_attempt_at(NOW, ATTEMPTS - 1, "m1") is not None
    assert next_attempt_at(NOW, ATTEMPTS, "m1") is None
    assert next_attempt_at(NOW, ATTEMPTS + 5, "m1") is None
    assert next_attempt_at(NOW, 3, "m1", attempts=3) is None


@pytest.mark.parametrize("attempt", [0, -1])
def test_attempts_are_counted_from_one(attempt):
    with pytest.raises(BadValue, match="from 1"):
        next_attempt_at(NOW, attempt, "m1")


def test_a_naive_instant_is_refused():
    with pytest.raises(BadValue, match="time zone"):
        next_attempt_at(NOW.replace(tzinfo=None), 1, "m1")
