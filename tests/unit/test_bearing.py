"""Files that support or contradict: what the history says of them, and until when they speak."""

import json

import pytest
from builders import an_action, at, day

from engine.action import Handling, State
from engine.bearing import Bearing, contradicted, on_record
from engine.history import Event


def handed(seq: int, bearing: Bearing, kind: str = "evidence_added") -> Event:
    payload = json.dumps({"sha256": "ab" * 32, "bearing": bearing})
    return Event(1, seq, kind, at(day(0)), "chief", payload, b"")


def test_a_contradiction_stands_until_somebody_moves_the_action():
    claimed = an_action(state=State.REPORTED_DONE, state_version=4)

    assert contradicted(claimed, [handed(5, Bearing.CONTRADICTS)])
    assert contradicted(claimed, [handed(5, Bearing.UNSAID),
                                  handed(6, Bearing.CONTRADICTS, "evidence_weighed")])  # fmt: skip
    assert not contradicted(an_action(state_version=6), [handed(5, Bearing.CONTRADICTS)])


def test_a_later_file_in_favour_does_not_take_a_contradiction_away():
    files = [handed(5, Bearing.CONTRADICTS), handed(6, Bearing.SUPPORTS)]

    assert contradicted(an_action(state_version=4), files)


def test_a_dispute_leaves_it_standing():
    disputed = an_action(state=State.DISPUTED, state_version=6)

    assert contradicted(disputed, [handed(5, Bearing.CONTRADICTS)])
    assert not contradicted(disputed, [handed(5, Bearing.SUPPORTS)])


@pytest.mark.parametrize(
    ("handling", "named"),
    [(Handling.PUBLIC, True), (Handling.DIALOGUE, True), (Handling.RESTRICTED, False),
     (Handling.CLOSED, False)],
)  # fmt: skip
def test_the_history_holds_the_name_of_a_file_only_where_all_may_read_it(handling, named):
    said = on_record(
        an_action(handling=handling), b"\xab" * 32, "witness-amina.jpg", "image/jpeg", 9,
        Bearing.SUPPORTS,
    )  # fmt: skip

    assert ("name" in said) is named
    assert ("amina" in json.dumps(said)) is named
    assert said["sha256"] == "ab" * 32
