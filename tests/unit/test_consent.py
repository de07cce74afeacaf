"""Who has to agree to a sensitive rung: by the ladder, in its frozen text, and by word of mouth."""

import json
from dataclasses import replace
from datetime import date

import pytest
from builders import EVERY_DAY, MON_TO_FRI, an_action, an_actor, at, day

from config.ladder import load_ladder
from engine.consent import agree, asking, is_over, refuse, rule_of
from engine.errors import BadLadder, BadValue, ForbiddenMove
from engine.history import Event
from engine.ladder import DEFAULT, Consent
from engine.ladder_text import dump_ladder, ladder_from_json
from engine.party import Role, Side

LADDER = """\
name: ours
rungs:
  - {name: R1, days: 3, to: focal_point, kind: reminder}
  - {name: E3, days: 9, to: superior, kind: superior, %s}
"""
SIDES = frozenset({Side.SECURITY, Side.COMMUNITY})


def ladder_with(said: str):
    return load_ladder(LADDER % said, "ours.yaml")


def happened(seq: int, kind: str, **payload: object) -> Event:
    return Event(1, seq, kind, at(day(0)), "somebody", json.dumps(payload), b"")


def asked(rule: str, *events: Event, sides=SIDES, **changes):
    action = an_action(**changes)
    return asking(action, ["E3"], ladder_with(rule), sides, events)


def test_the_default_ladder_asks_the_coordinator_alone():
    assert [(rung.name, rung.consent) for rung in DEFAULT.rungs if rung.release] == [
        ("E3", Consent.COORDINATOR)
    ]


@pytest.mark.parametrize("rule", Consent)
def test_a_consent_makes_its_rung_wait_and_outlives_freezing(rule):
    ladder = ladder_with(f"consent: {rule}")

    assert ladder.rung("E3").release
    assert rule_of(ladder, "E3") is rule
    assert ladder_from_json(dump_ladder(ladder)) == ladder


def test_release_and_the_coordinators_consent_are_one_thing_also_when_frozen():
    plain, said = ladder_with("release: true"), ladder_with("consent: coordinator")

    assert plain == said
    assert dump_ladder(plain) == dump_ladder(said)
    assert "consent" not in dump_ladder(plain)  # an older program reads it


def test_two_ladders_that_ask_others_are_two():
    committee = ladder_with("consent: committee")

    assert dump_ladder(committee) != dump_ladder(ladder_with("release: true"))


@pytest.mark.parametrize("frozen", ['"nobody"', "true", "null", "1", '["coordinator"]'])
def test_a_frozen_consent_that_is_none_is_refused(frozen):
    text = dump_ladder(ladder_with("consent: committee")).replace('"committee"', frozen)

    with pytest.raises(BadLadder):
        ladder_from_json(text)


@pytest.mark.parametrize(
    "said",
    [
        "consent: everybody",
        "consent: [committee]",
        "consent: ''",
        "release: no, consent: committee",
    ],
)
def test_what_no_consent_can_be_is_refused_with_its_line(said):
    with pytest.raises(BadLadder) as caught:
        ladder_with(said)

    assert caught.value.line == 4
    assert "consent" in str(caught.value)


def test_a_coordinator_alone_is_no_committee():
    waiting = asked("consent: committee")

    with pytest.raises(ForbiddenMove, match="member of its committee"):
        agree(an_action(), waiting, an_actor(Role.COORDINATOR))
    assert agree(an_action(), waiting, an_actor(Role.COMMITTEE)).complete == ("E3",)


def test_each_side_has_to_agree_and_one_side_twice_is_once():
    police = an_actor(Role.COMMITTEE, side=Side.SECURITY)
    residents = an_actor(Role.COORDINATOR, side=Side.COMMUNITY)

    first = agree(an_action(), asked("consent: both_sides"), police)
    assert (first.voices, first.complete) == ({"E3": "security"}, ())
    [half] = asked(
        "consent: both_sides", happened(9, "consented", voices={"E3": "security"}, run=1)
    )
    assert (half.agreed, half.missing) == (("security",), ("community",))
    with pytest.raises(BadValue, match="security has agreed"):
        agree(an_action(), [half], police)
    assert agree(an_action(), [half], residents).complete == ("E3",)


@pytest.mark.parametrize("roles", [(Role.FOCAL_POINT,), (Role.VERIFIER,), (Role.MANAGER,), ()])
def test_whoever_owes_verifies_or_manages_has_no_say(roles):
    actor = an_actor(*roles, side=Side.SECURITY)

    for rule in Consent:
        with pytest.raises(ForbiddenMove):
            agree(an_action(), asked(f"consent: {rule}"), actor)
        with pytest.raises(ForbiddenMove):
            refuse(an_action(), asked(f"consent: {rule}"), actor)


def test_a_side_that_the_action_does_not_touch_has_no_say():
    with pytest.raises(ForbiddenMove, match="of security and of community"):
        agree(
            an_action(), asked("consent: both_sides"),
            an_actor(Role.COMMITTEE, side=Side.AUTHORITY),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "extra"),
    [
        ("released", {"rungs": ["E3"]}),
        ("release_lapsed", {"rungs": ["E3"]}),
        ("release_expired", {"rungs": ["E3"]}),
        ("release_refused", {"rungs": ["E3"], "reason": "no"}),
    ],
)
def test_what_was_agreed_does_not_count_after_it_was_used_or_lapsed(kind, extra):
    said = happened(9, "consented", voices={"E3": "security"}, run=1)

    [again] = asked("consent: both_sides", said, happened(10, kind, **extra))

    assert again.agreed == ()


def test_what_was_agreed_in_an_earlier_run_does_not_count():
    said = happened(9, "consented", voices={"E3": "security"}, run=1)

    [again] = asked("consent: both_sides", said, episode=2)

    assert again.agreed == ()


def test_one_refusal_is_enough_and_the_coordinator_can_always_refuse():
    waiting = asked("consent: both_sides")

    assert refuse(an_action(), waiting, an_actor(Role.COORDINATOR)) == ("E3",)
    assert refuse(an_action(), waiting, an_actor(Role.COMMITTEE, side=Side.COMMUNITY)) == ("E3",)


def test_a_release_is_over_after_so_many_working_days():
    friday = date(2026, 6, 5)

    assert not is_over(friday, date(2026, 6, 19), MON_TO_FRI, 10)
    assert is_over(friday, date(2026, 6, 22), MON_TO_FRI, 10)
    assert is_over(friday, date(2026, 6, 16), EVERY_DAY, 10)


def test_a_rung_of_no_ladder_waits_for_the_coordinator():
    assert rule_of(replace(DEFAULT, name="x"), "gone") is Consent.COORDINATOR
