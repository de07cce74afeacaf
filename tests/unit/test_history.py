"""The chain of events: whole while nobody touches it, and telling where somebody did."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.action import State
from engine.history import (
    GENESIS,
    Break,
    Event,
    chained,
    first_break,
    instant_text,
    link,
    payload_text,
)

AT = datetime(2026, 6, 1, 9, 30, 15, 250, tzinfo=UTC)


def a_chain(length: int = 4) -> list[Event]:
    chain: list[Event] = []
    before = GENESIS
    for seq in range(1, length + 1):
        event = Event(7, seq, "reported", AT, "chief", payload_text({"n": seq}), b"")
        before = chained(before, event)
        chain.append(replace(event, hash=before))
    return chain


def test_a_chain_nobody_touched_is_whole():
    chain = a_chain()

    assert first_break(chain, chain[-1].hash, 4) is None
    assert first_break([], GENESIS, 0) is None


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "verified"},
        {"at": AT + timedelta(microseconds=1)},
        {"by": "mayor"},
        {"payload": payload_text({"n": 99})},
        {"action_id": 8},
        {"hash": bytes(32)},
    ],
)
def test_any_change_of_any_event_is_found_where_it_is(place, changes):
    chain = a_chain()
    head = chain[-1].hash
    chain[place] = replace(chain[place], **changes)

    found = first_break(chain, head, 4)
    assert found.seq == place + 1
    assert found.what.startswith(f"event {place + 1} ")


@pytest.mark.parametrize("place", range(3))
def test_an_event_taken_out_is_missed(place):
    chain = a_chain()
    head = chain[-1].hash
    del chain[place]

    assert first_break(chain, head, 4) == Break(place + 1, f"event {place + 1} is missing")


def test_a_tail_that_was_cut_off_or_put_on_is_found():
    chain = a_chain()

    cut, longer = first_break(chain[:3], chain[3].hash, 4), first_break(chain, chain[3].hash, 3)
    assert cut == Break(4, "event 4 and those after it are missing")
    assert longer == Break(4, "event 4 was added behind the action's back")


def test_a_chain_written_anew_does_not_fit_the_head_that_the_action_remembers():
    forged = a_chain()
    forged[-1] = replace(forged[-1], by="mayor")
    forged[-1] = replace(forged[-1], hash=chained(forged[-2].hash, forged[-1]))

    assert "the one that the action remembers" in first_break(forged, a_chain()[-1].hash, 4).what


def test_no_two_different_events_share_a_text():
    # Were the fields only joined, "ab" + "c" and "a" + "bc" would be one event.
    assert link(GENESIS, 1, 1, "ab", AT, "c", "{}") != link(GENESIS, 1, 1, "a", AT, "bc", "{}")


def test_the_hash_can_be_worked_out_from_the_description_alone():
    fields = ("1", "7", "1", "agreed", "2026-06-01T09:30:15.000250Z", "coord", "{}")
    raw = bytes(32) + b"".join(len(f.encode()).to_bytes(8, "big") + f.encode() for f in fields)

    assert link(GENESIS, 7, 1, "agreed", AT, "coord", "{}") == hashlib.sha256(raw).digest()


def test_the_canonical_text_is_compact_sorted_and_readable():
    text = payload_text(
        {"to": State.AGREED, "on": date(2026, 6, 1), "at": AT, "note": "é", "h": b"\1"}
    )

    assert text == (
        '{"at":"2026-06-01T09:30:15.000250Z","h":"01","note":"é","on":"2026-06-01","to":"agreed"}'
    )


def test_an_instant_reads_the_same_in_every_zone():
    kathmandu = timezone(timedelta(hours=5, minutes=45))

    assert instant_text(AT.astimezone(kathmandu)) == instant_text(AT)


def test_a_value_without_a_canonical_text_is_refused():
    with pytest.raises(TypeError, match="canonical"):
        payload_text({"who": object()})


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=20) | st.integers() | st.none()))
def test_a_payload_reads_back_as_it_was_and_its_text_does_not_depend_on_order(payload):
    text = payload_text(payload)

    assert json.loads(text) == payload
    assert payload_text(dict(reversed(payload.items()))) == text
