"""Who has to wait after too many guesses, and what a typed text loses."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.answer_form import clean
from web.answer_limits import CLIENTS_KEPT, Guesses, client_of


def test_misses_are_forgotten_and_never_fill_the_memory():
    now = [0.0]
    guesses = Guesses(lambda: now[0], per_client=3, for_all=10)
    for _miss in range(3):
        guesses.missed("one")
        now[0] += 10
    assert guesses.wait_s("one") == 570
    assert guesses.wait_s("another") == 0

    for number in range(10):
        guesses.missed(f"many-{number}")
    assert guesses.wait_s("many-3") == 600  # too many in all: who has missed once waits
    assert guesses.wait_s("clean") == 0

    now[0] += 600
    assert guesses.wait_s("one") == guesses.wait_s("many-3") == 0
    for number in range(2 * CLIENTS_KEPT):
        guesses.missed(f"crowd-{number}")
    assert len(guesses._of) == CLIENTS_KEPT


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "1.2.3.4", "203.0.113.9"),
        ("127.0.0.1", "1.2.3.4, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "nonsense", "127.0.0.1"),
        ("2001:db8:1:2:3::4", "", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "", "203.0.113.9"),
        ("", "", "unknown"),
    ],
)
def test_a_guess_counts_for_the_address_that_it_came_from(peer, forwarded, client):
    assert client_of(peer, forwarded) == client


@given(st.text())
def test_cleaning_twice_changes_no_more_and_leaves_no_mark_that_turns(text):
    once = clean(text)

    assert clean(once) == once
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", once)
