"""The same counts for every side, warnings with their numbers, and silence where data is thin."""

from typing import Any

import pytest
from builders import MONDAY
from hypothesis import given
from hypothesis import strategies as st

from engine.action import Kind
from engine.fairness import ENOUGH, ENOUGH_FINISHED, Fairness, Track, Warned, fairness
from engine.party import Side


def a_track(**changes: Any) -> Track:
    given_: dict[str, Any] = {
        "ref": "SAA-01",
        "dialogue": "Saaba",
        "party": "Police post",
        "side": Side.SECURITY,
        "kind": Kind.ONE_OFF,
        "owed": True,
        "days_late": 0,
        "stalled": False,
        "reminders": 0,
        "escalated_after": None,
        "claimed": False,
        "confirmed": False,
        "took_days": 30,
    }
    return Track(**{**given_, **changes})


def several(number: int, **changes: Any) -> list[Track]:
    return [a_track(ref=f"SAA-{at:02}", **changes) for at in range(number)]


def reckoned(*tracks: Track) -> Fairness:
    return fairness(tracks, MONDAY)


def test_reminders_are_measured_by_lateness_and_not_by_heads():
    police = several(5, days_late=20, reminders=2)
    residents = several(5, side=Side.COMMUNITY, days_late=10, reminders=1)
    found = reckoned(*police, *residents)
    assert [(s.side, s.reminders_per_10_days) for s in found.sides] == [
        (Side.SECURITY, 1.0), (Side.COMMUNITY, 1.0),
    ]  # fmt: skip
    assert found.warnings == ()


def test_one_side_that_is_reminded_twice_as_much_is_told_with_both_numbers():
    police = several(5, days_late=10, reminders=3)
    residents = several(5, side=Side.COMMUNITY, days_late=10, reminders=1)
    (warning,) = reckoned(*police, *residents).warnings
    assert (warning.what, warning.about, warning.against) == (
        Warned.LOPSIDED_REMINDERS, "security", "community",
    )  # fmt: skip
    assert (warning.here, warning.there) == (3.0, 1.0)


def test_a_side_that_is_late_and_never_reminded_is_the_least_there_is():
    police = several(5, days_late=10, reminders=1)
    residents = several(5, side=Side.COMMUNITY, days_late=10)

    (warning,) = reckoned(*police, *residents).warnings

    assert (warning.about, warning.against) == ("security", "community")
    assert (warning.here, warning.there) == (1.0, 0.0)


def test_nobody_is_reminded_more_than_others_where_nobody_is():
    late = several(5, days_late=10), several(5, side=Side.COMMUNITY, days_late=10)

    assert reckoned(*late[0], *late[1]).warnings == ()


def test_a_side_that_is_escalated_twice_as_soon_is_told():
    police = several(5, escalated_after=40)
    residents = several(5, side=Side.COMMUNITY, escalated_after=20)
    (warning,) = reckoned(*police, *residents).warnings
    assert warning.what is Warned.LOPSIDED_ESCALATION
    assert (warning.here, warning.there) == (40, 20)


def test_of_too_few_nothing_is_said():
    few = ENOUGH - 1
    police = several(few, days_late=10, reminders=9, escalated_after=1, claimed=True)
    residents = several(few, side=Side.COMMUNITY, days_late=10, escalated_after=9)
    found = reckoned(*police, *residents)
    assert found.warnings == ()
    for side in found.sides:
        assert side.reminders_per_10_days is None
        assert side.days_to_escalate is None
        assert side.confirmed_share is None


def test_the_share_confirmed_counts_claims_and_not_actions():
    tracks = [
        *several(3, claimed=True, confirmed=True, owed=False),
        *several(2, claimed=True),
        *several(9),
    ]
    (side,) = reckoned(*tracks).sides
    assert (side.claimed, side.confirmed, side.confirmed_share) == (5, 3, 0.6)


def test_several_that_stand_still_in_one_place_are_told_with_their_references():
    tracks = [*several(3, stalled=True, days_late=25), *several(3)]
    warnings = [w for w in reckoned(*tracks).warnings if w.what is Warned.STANDSTILL]
    assert [(w.about, w.here, w.there) for w in warnings] == [
        ("Saaba", 3, 6), ("Saaba: Police post", 3, 6),
    ]  # fmt: skip
    assert warnings[0].refs == ("SAA-00", "SAA-01", "SAA-02")
    assert not reckoned(*tracks, a_track(ref="X")).warnings


def test_pace_is_that_of_the_finished_ones_of_a_kind():
    done = [a_track(ref=f"D{n}", took_days=10 * n, confirmed=True, owed=False) for n in range(1, 9)]
    late = [a_track(ref="LATE", took_days=200), a_track(ref="SOON", took_days=20)]
    one_off = reckoned(*done, *late).paces[0]
    assert (one_off.finished, one_off.median_days, one_off.upper_quarter_days) == (8, 45, 62.5)
    assert one_off.slower == ("LATE",)


def test_no_pace_is_told_of_too_few():
    done = several(ENOUGH_FINISHED - 1, confirmed=True, owed=False)
    assert reckoned(*done).paces[0].median_days is None


@given(
    st.lists(
        st.builds(
            a_track,
            side=st.sampled_from(list(Side)),
            kind=st.sampled_from(list(Kind)),
            owed=st.booleans(),
            days_late=st.integers(0, 300),
            stalled=st.booleans(),
            reminders=st.integers(0, 20),
            escalated_after=st.none() | st.integers(1, 90),
            claimed=st.booleans(),
            confirmed=st.booleans(),
            took_days=st.none() | st.integers(0, 900),
        ),
        max_size=60,
    )
)
def test_sides_add_up_to_the_whole(tracks):
    found = fairness(tracks, MONDAY)
    assert sum(s.owed for s in found.sides) == sum(t.owed for t in tracks)
    assert sum(s.late for s in found.sides) == sum(t.days_late > 0 for t in tracks)
    assert all(0 <= (s.confirmed_share or 0) <= 1 for s in found.sides)
    assert len(found.paces) == len(Kind)


def test_nothing_at_all_is_no_error():
    assert reckoned().sides == ()
    with pytest.raises(AttributeError):
        reckoned().sides = ()  # type: ignore[misc]
