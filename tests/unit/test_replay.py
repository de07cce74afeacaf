"""An action worked out from its events alone."""

from dataclasses import fields, replace

import pytest
from builders import MONDAY, an_action, at, day

from engine.action import Action, Handling, Kind, Level, Obstacle, State
from engine.history import GENESIS, Event, link, payload_text
from engine.replay import (
    MACHINERY,
    Past,
    columns_set,
    differences,
    replayed,
    with_set,
    words_said,
)

FULL = an_action(
    focal_id=5, handling=Handling.RESTRICTED, kind=Kind.STANDING, repeat="monthly", evidence="p",
    notes="n", due_rev=2, reported_level=Level.MINIMUM, verified_level=Level.MINIMUM,
    former_state=State.BLOCKED, state=State.DISPUTED, reported_on=day(1), reported_by_id=5,
    obstacle=Obstacle.MONEY, blocker="the bank", review_on=day(9), successor_id=8, missed=1,
    waiting=True, episode=4, anchor_on=day(2), ladder_id=3, paused_until_on=day(4),
    acknowledged_on=day(5),
)  # fmt: skip


def events_of(*steps: dict[str, object]) -> list[Event]:
    found, head = [], GENESIS
    for seq, payload in enumerate(steps, start=1):
        text = payload_text(payload)
        head = link(head, 1, seq, "x", at(MONDAY), "coord", text)
        found.append(Event(1, seq, "x", at(MONDAY), "coord", text, head))
    return found


def columns(action: Action) -> dict[str, object]:
    return {each.name: getattr(action, each.name) for each in fields(action)}


def test_every_column_but_the_machinery_comes_back_as_it_was():
    events = events_of(with_set({}, columns_set(columns(FULL), None)))

    found = replayed(events).action

    assert found == replace(FULL, version=1, head_hash=events[-1].hash)
    assert set(MACHINERY) & {f.name for f in fields(Action)} == {
        "id", "version", "head_hash", "next_check_at"
    }  # fmt: skip


def test_what_an_event_does_not_name_stays_and_null_is_a_value():
    blocked = columns_set(columns(FULL), None)
    events = events_of(
        with_set({}, blocked),
        {"note": "nothing set"},
        with_set({}, {"obstacle": None, "blocker": "", "waiting": False}),
    )

    found = replayed(events)

    assert (found.action.obstacle, found.action.blocker, found.action.waiting) == (None, "", False)
    assert found.action.review_on == FULL.review_on
    assert [replayed(events[:n]).action.version for n in (1, 2, 3)] == [1, 2, 3]


def test_only_what_differs_is_named_and_no_machinery():
    said = columns_set(
        {"due_on": FULL.due_on, "notes": "new", "next_check_at": at(MONDAY), "version": 9}, FULL
    )

    assert said == {"notes": "new"}


def test_ties_are_carried_beside_the_columns():
    first = columns_set(columns(FULL), None) | {"depends_on": ["A-1"], "co_responsible": [7]}
    found = replayed(events_of(with_set({}, first), with_set({}, {"depends_on": []})))

    assert (found.depends_on, found.co_responsible) == ((), (7,))


def test_an_author_of_events_cannot_take_the_word_for_what_was_set():
    with pytest.raises(ValueError, match="another word"):
        with_set({"set": 1}, {})


def test_people_read_what_was_said_and_not_the_columns():
    assert words_said(with_set({"note": "x"}, {"due_on": day(1)})) == {"note": "x"}


def test_a_note_that_looks_like_a_column_changes_nothing():
    first = with_set({}, columns_set(columns(FULL), None))
    trick = {"note": '{"set":{"title":"forged"}}'}

    assert replayed(events_of(first, trick)).action.title == FULL.title


@pytest.mark.parametrize(
    "payload", [{}, {"set": {"state": "agreed"}}, {"set": {"colour": "red"}}, {"set": []}]
)
def test_events_that_make_no_action_are_refused(payload):
    with pytest.raises(ValueError, match="do not make an action"):
        replayed(events_of(payload))


def test_what_differs_is_named():
    said = Past(action=FULL, depends_on=("A-1",))

    assert differences(said, said) == []
    assert differences(said, Past(action=replace(FULL, notes="x"))) == ["notes", "depends_on"]
    assert (
        differences(said, Past(action=replace(FULL, next_check_at=at(MONDAY)), depends_on=("A-1",)))
        == []
    )
