"""The figures of a digest: what they add up to, and what they never give away."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from typing import Any

import pytest
from builders import MON_TO_FRI, MONDAY, an_action, day
from hypothesis import given
from hypothesis import strategies as st

from engine.action import Handling, Level, State
from engine.conditions import Around, Condition, Thresholds, standing
from engine.digest import (
    PLACES,
    SMALLEST,
    DigestKind,
    Figures,
    Frame,
    Material,
    Place,
    Point,
    Seen,
    figures,
)
from engine.digest_record import as_record, record_text
from engine.party import Side

TODAY = day(70)
AT = datetime(2026, 8, 10, 9, tzinfo=UTC)


def seen(number: int = 1, **changes: Any) -> Seen:
    """An action as a digest sees it; `side`, `dialogue`, `waiting` and `today` are beside it."""
    side = changes.pop("side", Side.SECURITY)
    dialogue = changes.pop("dialogue", "Saaba")
    today = changes.pop("today", TODAY)
    action = an_action(id=number, ref=f"SAA-{number:02}", **changes)
    return Seen(
        action=action,
        standing=standing(action, MON_TO_FRI, Around(), today, Thresholds()),
        calendar=MON_TO_FRI,
        today=today,
        dialogue=dialogue,
        party="Police post",
        side=side,
    )


def frame(kind: DigestKind = DigestKind.MANAGER, *, whole: bool = True) -> Frame:
    return Frame(
        kind=kind, as_of_at=AT, since_at=AT - timedelta(days=30), day=TODAY,
        since_on=TODAY - timedelta(days=30), dialogues=("Saaba",), whole=whole,
    )  # fmt: skip


def counted(
    now: Sequence[Seen], then: Sequence[Seen] = (), *, kind: DigestKind = DigestKind.MANAGER,
    whole: bool = True, **material: Any,
) -> Figures:  # fmt: skip
    given_ = {"seen": {one.action.id: one for one in now},
              "then": {one.action.id: one for one in then}}  # fmt: skip
    return figures(frame(kind, whole=whole), Material(**given_, **material))


@st.composite
def programmes(draw: st.DrawFn, handling: Sequence[Handling] = tuple(Handling)) -> list[Seen]:
    days = st.integers(-60, 120).map(day)
    return [
        seen(
            number,
            state=draw(st.sampled_from(State)),
            handling=draw(st.sampled_from(list(handling))),
            side=draw(st.sampled_from(Side)),
            dialogue=draw(st.sampled_from(["Saaba", "Jos", "Niamey V"])),
            due_on=draw(st.none() | days),
            original_due_on=draw(st.none() | days),
            due_rev=draw(st.integers(0, 3)),
            waiting=draw(st.booleans()),
            review_on=draw(st.none() | days),
            reported_on=draw(st.none() | days),
            reported_level=draw(st.sampled_from(Level)),
            verified_level=draw(st.sampled_from(Level)),
        )
        for number in range(1, draw(st.integers(0, 12)) + 1)
    ]


@given(programmes())
def test_every_number_adds_up_to_the_total(now: list[Seen]) -> None:
    found = counted(now)

    every = found.every
    assert found.total == every.total + (found.apart or 0)
    assert sum(every.places.values()) == every.total == sum(found.by_state.values())
    for shares in (found.by_dialogue, found.by_side):
        assert sum(share.total for share in shares) == every.total
        for share in shares:
            assert sum(share.places.values()) == share.total
        for place in Place:
            assert sum(s.places[place] for s in shares) == every.places[place]
        for beside in ("due_soon", "blocked", "stalled", "waiting", "reminders"):
            assert sum(getattr(s, beside) for s in shares) == getattr(every, beside)
    rated = every.total - every.places[Place.NOT_AGREED] - every.places[Place.ENDED]
    for sort in ("reported", "verified"):
        assert sum(level[sort] for level in found.levels.values()) == rated
    stalled = found.conditions[Condition.STALLED]
    assert sum(found.ages.values()) == found.lists["stalled"].count == stalled == every.stalled


@given(programmes(), st.sampled_from([DigestKind.MANAGER, DigestKind.COORDINATOR]))
def test_a_list_names_no_more_than_it_counts(now: list[Seen], kind: DigestKind) -> None:
    found = counted(now, kind=kind)

    for listed in (*found.lists.values(), *found.changes.values()):
        assert len(listed.entries) <= listed.count


@given(programmes(), programmes())
def test_what_changed_carries_the_places_of_then_over_to_now(
    now: list[Seen], then: list[Seen]
) -> None:
    found, before = counted(now, then), counted(then)
    known = {one.action.id: one for one in then}

    for name, place in (("confirmed", Place.CONFIRMED), ("ended", Place.ENDED)):
        came = found.changes[name].count
        stayed_or_new = [
            one for one in now
            if one.place is place and one.action.handling is not Handling.CLOSED
            and (one.action.id not in known or known[one.action.id].place is place)
        ]  # fmt: skip
        assert found.every.places[place] == came + len(stayed_or_new)
    assert before.unchanged == (not before.every.total)  # all of it is new to a first digest


@given(programmes([Handling.PUBLIC, Handling.DIALOGUE, Handling.RESTRICTED]), st.data())
def test_closed_actions_move_one_number_and_only_from_three_on(
    open_ones: list[Seen], data: st.DataObject
) -> None:
    hidden = data.draw(programmes([Handling.CLOSED]))
    hidden = [replace(one, action=replace(one.action, id=1000 + one.action.id)) for one in hidden]
    ids = [one.action.id for one in (*open_ones, *hidden)]

    without = as_record(counted(open_ones, open_ones))
    around = {"calls": ids, "releases": ids, "posted": ids, "asked": dict.fromkeys(ids, TODAY),
              "reminders": dict.fromkeys(ids, 7)}  # fmt: skip
    kept = {i: v for i, v in around["reminders"].items() if i < 1000}  # type: ignore[attr-defined]
    plain = as_record(counted(open_ones, open_ones, **{**around, "reminders": kept}))
    mixed = as_record(counted([*open_ones, *hidden], [*open_ones, *hidden], **around))

    if len(hidden) < SMALLEST:
        assert mixed == plain
        assert mixed["apart"] == "<3"
    else:
        assert mixed | {"apart": "<3", "total": plain["total"]} == plain
        assert mixed["apart"] == len(hidden)
        assert mixed["total"] == plain["total"] + len(hidden)
    assert without["total"] == plain["total"]


@given(programmes())
def test_no_difference_of_printed_numbers_is_one_or_two_closed_actions(now: list[Seen]) -> None:
    """Whatever is subtracted, the closed ones of a dialogue, side or state do not come out."""
    closed = [one for one in now if one.action.handling is Handling.CLOSED]
    if not 0 < len(closed) < SMALLEST:
        return
    found = counted(now)
    bare = counted([one for one in now if one not in closed])

    marginals = [
        found.total,
        *found.by_state.values(),
        *(share.total for share in (*found.by_dialogue, *found.by_side)),
    ]
    alone = [
        bare.total,
        *bare.by_state.values(),
        *(share.total for share in (*bare.by_dialogue, *bare.by_side)),
    ]
    assert [a - b for a, b in combinations(marginals, 2)] == [
        a - b for a, b in combinations(alone, 2)
    ]


def test_a_digest_of_some_dialogues_says_nothing_of_closed_actions() -> None:
    hidden = [seen(n, handling=Handling.CLOSED) for n in range(1, 6)]

    some, whole = counted(hidden, whole=False), counted(hidden)

    assert (some.total, as_record(some)["apart"]) == (0, None)
    assert (whole.total, as_record(whole)["apart"]) == (5, 5)


@pytest.mark.parametrize(
    ("kind", "handling", "ref", "title"),
    [
        (DigestKind.MANAGER, Handling.PUBLIC, True, True),
        (DigestKind.MANAGER, Handling.DIALOGUE, True, False),
        (DigestKind.MANAGER, Handling.RESTRICTED, False, False),
        (DigestKind.MANAGER, Handling.CLOSED, False, False),
        (DigestKind.COORDINATOR, Handling.PUBLIC, True, True),
        (DigestKind.COORDINATOR, Handling.DIALOGUE, True, True),
        (DigestKind.COORDINATOR, Handling.RESTRICTED, True, False),
        (DigestKind.COORDINATOR, Handling.CLOSED, False, False),
    ],
)
def test_each_reader_gets_the_names_that_the_handling_level_allows(
    kind: DigestKind, handling: Handling, *, ref: bool, title: bool
) -> None:
    now = [seen(handling=handling, due_rev=2)]
    before = [seen(handling=handling, due_rev=1)]

    text = record_text(counted(now, before, kind=kind, calls=[1], releases=[1], posted=[1]))

    assert ("SAA-01" in text) is ref
    assert ("Open the second gate" in text) is title


def test_every_state_has_its_place() -> None:
    assert set(PLACES) == set(State)


@pytest.mark.parametrize(
    ("then", "now", "change"),
    [
        ({}, {"state": State.REPORTED_DONE}, "to_confirm"),
        ({"state": State.REPORTED_DONE}, {"state": State.VERIFIED}, "confirmed"),
        ({}, {"state": State.DISPUTED}, "seen_differently"),
        ({}, {"state": State.WITHDRAWN}, "ended"),
        ({}, {"due_rev": 1}, "moved"),
        ({}, {"reported_level": Level.MINIMUM}, "level_up"),
        ({}, {"state": State.BLOCKED, "review_on": day(90)}, "blocked"),
        ({"due_on": day(60), "today": day(50)}, {"due_on": day(60)}, "past_day"),
    ],
)
def test_a_change_is_told_once_under_its_name(
    then: dict[str, Any], now: dict[str, Any], change: str
) -> None:
    ahead = {"due_on": day(100)}

    found = counted([seen(**{**ahead, **now})], [seen(**{**ahead, **then})])

    assert {name: listed.count for name, listed in found.changes.items() if listed.count} == {
        change: 1
    }
    assert not found.unchanged


def test_an_action_that_the_digest_before_did_not_know_is_new_and_nothing_else() -> None:
    found = counted([seen(state=State.VERIFIED)])

    assert [name for name, listed in found.changes.items() if listed.count] == ["new"]


def test_what_stands_still_is_as_old_as_the_day_first_agreed() -> None:
    moved = seen(due_on=day(60), original_due_on=MONDAY, due_rev=2)
    blocked = seen(2, state=State.BLOCKED, due_on=day(90), original_due_on=day(90),
                   review_on=day(63))  # fmt: skip

    found = counted([moved, blocked])

    assert [(e.ref, e.days) for e in found.lists["stalled"].entries] == [
        ("SAA-01", MON_TO_FRI.between(MONDAY, TODAY)),
        ("SAA-02", MON_TO_FRI.between(day(63), TODAY)),
    ]
    assert found.ages == {"20": 1, "60": 1, "120": 0, "more": 0}


def test_the_record_is_plain_and_the_same_each_time() -> None:
    now = [seen(1), seen(2, state=State.VERIFIED, side=Side.AUTHORITY)]
    points = (Point(on=date(2026, 8, 10), by_state={"verified": 1}),)

    texts = {record_text(counted(list(order), series=points)) for order in (now, now[::-1])}

    [text] = texts
    record = json.loads(text)
    assert record["kind"] == "manager"
    assert record["as_of_at"] == "2026-08-10T09:00:00+00:00"
    assert record["series"] == [{"by_state": {"verified": 1}, "on": "2026-08-10"}]
