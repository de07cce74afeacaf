"""Every state, every move, every role: what DESIGN §3 allows happens, and nothing else."""

from itertools import product

import pytest
from builders import (
    CHECKING,
    COORDINATOR,
    FOCAL,
    MONDAY,
    OWING,
    VERIFIER,
    an_action,
    an_actor,
    changed,
    day,
    facts,
)

from engine.action import LIVE, OWED, Action, Kind, Level, Obstacle, State
from engine.errors import ForbiddenMove
from engine.lifecycle import (
    MOVES,
    Actor,
    Facts,
    Request,
    freed,
    move,
    permitted,
)
from engine.lifecycle import (
    VERIFIER as VERIFIERS,
)
from engine.party import Role, Side

TODAY = MONDAY

S = State
OWN = frozenset({Role.FOCAL_POINT, Role.ALTERNATE, Role.COORDINATOR})
LEAD = frozenset({Role.COORDINATOR})
CHECK = frozenset({Role.VERIFIER})

# DESIGN §3, typed in again by hand: (from, to) → who may. It is not made from MOVES.
ALLOWED: dict[tuple[State, State], frozenset[Role]] = {
    (S.PROPOSED, S.AGREED): LEAD,
    (S.AGREED, S.IN_PROGRESS): OWN,
    (S.AGREED, S.BLOCKED): OWN,
    (S.IN_PROGRESS, S.BLOCKED): OWN,
    (S.BLOCKED, S.IN_PROGRESS): OWN,
    (S.AGREED, S.REPORTED_DONE): OWN,
    (S.IN_PROGRESS, S.REPORTED_DONE): OWN,
    (S.REPORTED_DONE, S.VERIFIED): CHECK,
    (S.REPORTED_DONE, S.IN_FORCE): CHECK,
    (S.REPORTED_DONE, S.IN_PROGRESS): CHECK,
    (S.DISPUTED, S.IN_PROGRESS): LEAD,
    (S.DISPUTED, S.VERIFIED): LEAD,
    (S.IN_FORCE, S.IN_PROGRESS): CHECK,
    (S.VERIFIED, S.IN_PROGRESS): LEAD,
    (S.WITHDRAWN, S.IN_PROGRESS): LEAD,
    (S.NOT_IMPLEMENTED, S.IN_PROGRESS): LEAD,
    **{(s, S.DISPUTED): LEAD | CHECK
       for s in (S.PROPOSED, S.AGREED, S.IN_PROGRESS, S.BLOCKED, S.REPORTED_DONE, S.VERIFIED,
                 S.IN_FORCE)},
    **{(s, S.SUPERSEDED): LEAD for s in (S.AGREED, S.IN_PROGRESS, S.BLOCKED)},
    **{(s, S.WITHDRAWN): LEAD for s in (S.AGREED, S.IN_PROGRESS, S.BLOCKED)},
    **{(s, S.NOT_IMPLEMENTED): LEAD
       for s in (S.PROPOSED, S.AGREED, S.IN_PROGRESS, S.BLOCKED, S.REPORTED_DONE, S.DISPUTED,
                 S.IN_FORCE)},
}  # fmt: skip
ONE_OFF_ONLY = {State.VERIFIED}
LASTING_ONLY = {State.IN_FORCE}


def asking(to: State, **changes: object) -> Request:
    """A request that says everything that any move could need."""
    given: dict[str, object] = {
        "to": to,
        "reason": "as the committee decided",
        "note": "the gate is open",
        "review_on": day(14),
        "obstacle": Obstacle.MONEY,
        "blocker": "the credit line",
        "method": "a visit",
        "seen": "the gate",
        "level": Level.INTERMEDIATE,
        "decided_on": TODAY,
        "successor_id": 99,
    }
    return Request(**{**given, **changes})  # type: ignore[arg-type]


def standing_in(state: State, kind: Kind = Kind.ONE_OFF, **changes: object) -> Action:
    given: dict[str, object] = {"state": state, "kind": kind}
    if kind is not Kind.ONE_OFF:
        given["repeat"] = "monthly"
    if state is State.DISPUTED:
        given["former_state"] = State.IN_PROGRESS
    if state is State.REPORTED_DONE:
        given |= {"reported_by_id": FOCAL.id, "reported_on": TODAY}
    return an_action(**{**given, **changes})


def actor_in(role: Role) -> Actor:
    return an_actor(role)


def may(kind: Kind, state: State, to: State, role: Role) -> bool:
    if kind is Kind.ONE_OFF and to in LASTING_ONLY:
        return False
    if kind is not Kind.ONE_OFF and to in ONE_OFF_ONLY:
        return False
    return role in ALLOWED.get((state, to), frozenset())


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("state", State)
def test_a_move_is_made_exactly_where_the_design_allows_it_to_that_role(state, kind):
    action = standing_in(state, kind)
    wrong = []
    for to, role in product(State, Role):
        try:
            move(action, asking(to), actor_in(role), facts(), TODAY)
        except ForbiddenMove:
            made = False
        else:
            made = True
        if made != may(kind, state, to, role):
            wrong.append((to, role, made))

    assert wrong == []


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("state", State)
def test_a_refusal_names_exactly_the_states_that_can_be_reached(state, kind):
    action = standing_in(state, kind)
    reachable = [to for to in State if any(may(kind, state, to, role) for role in Role)]

    assert list(permitted(action)) == reachable
    refused = next(to for to in State if to not in reachable)
    with pytest.raises(ForbiddenMove) as refusal:
        move(action, asking(refused), actor_in(Role.COORDINATOR), facts(), TODAY)
    sentence = str(refusal.value)
    assert sentence.startswith(f"SAA-01 is {state} and cannot become {refused}: ")
    assert f"from here it can become {', '.join(reachable) or 'nothing'}" in sentence


@pytest.mark.parametrize("former", [*sorted(LIVE - {State.DISPUTED}), State.VERIFIED])
def test_a_dispute_gives_back_the_state_from_before(former):
    kind = Kind.RECURRING if former is State.IN_FORCE else Kind.ONE_OFF
    action = standing_in(State.DISPUTED, kind, former_state=former)

    done = move(action, asking(former), actor_in(Role.COORDINATOR), facts(), TODAY)

    assert done.changes["state"] is former
    assert done.event == "resolved"


def test_a_dispute_does_not_give_back_a_state_that_was_not_there():
    action = standing_in(State.DISPUTED, former_state=State.BLOCKED)

    with pytest.raises(ForbiddenMove):
        move(action, asking(State.REPORTED_DONE), actor_in(Role.COORDINATOR), facts(), TODAY)


@pytest.mark.parametrize(
    ("to", "state", "kind", "missing", "says"),
    [
        (S.AGREED, S.PROPOSED, Kind.ONE_OFF, {"decided_on": None}, "date"),
        (S.BLOCKED, S.IN_PROGRESS, Kind.ONE_OFF, {"obstacle": None}, "obstacle"),
        (S.BLOCKED, S.IN_PROGRESS, Kind.ONE_OFF, {"blocker": " "}, "blocker"),
        (S.BLOCKED, S.IN_PROGRESS, Kind.ONE_OFF, {"review_on": None}, "review-on"),
        (S.BLOCKED, S.IN_PROGRESS, Kind.ONE_OFF, {"review_on": TODAY}, "not after today"),
        (S.REPORTED_DONE, S.AGREED, Kind.ONE_OFF, {"note": " ", "reason": ""}, "note"),
        (S.VERIFIED, S.REPORTED_DONE, Kind.ONE_OFF, {"method": ""}, "method"),
        (S.VERIFIED, S.REPORTED_DONE, Kind.ONE_OFF, {"seen": " "}, "seen"),
        (S.IN_FORCE, S.REPORTED_DONE, Kind.STANDING, {"seen": ""}, "seen"),
        (S.IN_PROGRESS, S.REPORTED_DONE, Kind.ONE_OFF, {"reason": ""}, "reason"),
        (S.IN_PROGRESS, S.REPORTED_DONE, Kind.ONE_OFF, {"level": None}, "level"),
        (S.DISPUTED, S.VERIFIED, Kind.ONE_OFF, {"reason": " "}, "reason"),
        (S.IN_PROGRESS, S.DISPUTED, Kind.ONE_OFF, {"decided_on": None}, "date"),
        (S.IN_PROGRESS, S.DISPUTED, Kind.ONE_OFF, {"reason": ""}, "reason"),
        (S.VERIFIED, S.DISPUTED, Kind.ONE_OFF, {"decided_on": None}, "date"),
        (S.SUPERSEDED, S.AGREED, Kind.ONE_OFF, {"successor_id": None}, "successor"),
        (S.SUPERSEDED, S.AGREED, Kind.ONE_OFF, {"successor_id": 1}, "its own place"),
        (S.SUPERSEDED, S.AGREED, Kind.ONE_OFF, {"reason": ""}, "reason"),
        (S.WITHDRAWN, S.BLOCKED, Kind.ONE_OFF, {"reason": ""}, "reason"),
        (S.NOT_IMPLEMENTED, S.PROPOSED, Kind.ONE_OFF, {"reason": ""}, "reason"),
        (S.IN_PROGRESS, S.NOT_IMPLEMENTED, Kind.ONE_OFF, {"reason": ""}, "reason"),
        (S.IN_PROGRESS, S.IN_FORCE, Kind.RECURRING, {"reason": ""}, "reason"),
    ],
)
def test_a_move_without_what_it_needs_is_refused_and_says_what_is_missing(
    to, state, kind, missing, says
):
    action = standing_in(state, kind)
    roles = Role.VERIFIER if ALLOWED[state, to] >= CHECK else Role.COORDINATOR
    move(action, asking(to), actor_in(roles), facts(), TODAY)  # complete, it is made

    with pytest.raises(ForbiddenMove, match=says):
        move(action, asking(to, **missing), actor_in(roles), facts(), TODAY)


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"verifier_id": None}, "verifier"),
        ({"verifier_id": OWING}, "verifier of another party"),
        ({"due_on": None}, "due date"),
        ({"kind": Kind.RECURRING, "repeat": ""}, "rule"),
    ],
)
def test_nothing_is_agreed_without_verifier_of_another_party_and_date_or_rule(columns, says):
    action = standing_in(State.PROPOSED, **columns)

    with pytest.raises(ForbiddenMove, match=says):
        move(action, asking(State.AGREED), actor_in(Role.COORDINATOR), facts(), TODAY)


def test_a_co_responsible_party_cannot_be_the_verifier():
    shared = facts(responsible_ids=frozenset({OWING, CHECKING}))

    with pytest.raises(ForbiddenMove, match="another party"):
        move(standing_in(State.PROPOSED), asking(State.AGREED), actor_in(Role.COORDINATOR),
             shared, TODAY)  # fmt: skip


def test_agreeing_records_the_day_of_the_session():
    action = standing_in(State.PROPOSED, agreed_on=None)

    done = move(
        action, asking(State.AGREED, decided_on=day(-2)), an_actor(Role.COORDINATOR), facts(), TODAY
    )

    assert done.changes["agreed_on"] == day(-2)
    assert done.changes["answered_on"] is None


def test_an_unmet_dependency_names_the_blocker_but_not_the_obstacle():
    action = standing_in(State.IN_PROGRESS)
    waits = facts(unmet=("SAA-00",))

    done = move(action, asking(State.BLOCKED, blocker=""), actor_in(Role.FOCAL_POINT), waits, TODAY)
    assert done.changes["obstacle"] is Obstacle.MONEY
    with pytest.raises(ForbiddenMove, match="obstacle"):
        move(action, asking(State.BLOCKED, blocker="", obstacle=None),
             actor_in(Role.FOCAL_POINT), waits, TODAY)  # fmt: skip


def test_leaving_a_block_takes_obstacle_blocker_and_review_date_away():
    blocked = standing_in(State.BLOCKED, obstacle=Obstacle.MONEY, blocker="bank", review_on=day(5))

    done = move(blocked, asking(State.IN_PROGRESS), actor_in(Role.FOCAL_POINT), facts(), TODAY)

    assert (done.changes["obstacle"], done.changes["blocker"], done.changes["review_on"]) == (
        None,
        "",
        None,
    )


def test_a_block_that_a_dispute_gives_back_is_the_block_it_was():
    block = {"obstacle": Obstacle.PERMIT, "blocker": "the prefecture", "review_on": day(20)}
    action = standing_in(State.BLOCKED, **block)

    disputed = changed(
        action,
        move(action, asking(State.DISPUTED), actor_in(Role.VERIFIER), facts(), TODAY).changes,
    )
    bare = Request(to=State.BLOCKED, reason="the block stands", decided_on=TODAY)
    given_back = changed(
        disputed, move(disputed, bare, actor_in(Role.COORDINATOR), facts(), TODAY).changes
    )

    assert {name: getattr(given_back, name) for name in block} == block


def test_whoever_reported_it_done_cannot_confirm_it():
    action = standing_in(State.REPORTED_DONE, reported_by_id=VERIFIER.id)

    with pytest.raises(ForbiddenMove, match="reported it done"):
        move(action, asking(State.VERIFIED), actor_in(Role.VERIFIER), facts(), TODAY)


@pytest.mark.parametrize("to", [State.VERIFIED, State.IN_PROGRESS])
def test_nobody_of_the_responsible_party_judges_its_claim_even_as_a_verifier(to):
    inside = an_actor(Role.VERIFIER, party_id=OWING, person_id=77)

    with pytest.raises(ForbiddenMove, match="owes it"):
        move(standing_in(State.REPORTED_DONE), asking(to), inside, facts(), TODAY)


def test_a_decided_dispute_leaves_the_claim_with_the_person_who_made_it():
    action = standing_in(
        State.DISPUTED, former_state=State.REPORTED_DONE, reported_by_id=VERIFIER.id
    )

    back = changed(
        action,
        move(
            action, asking(State.REPORTED_DONE), an_actor(Role.COORDINATOR), facts(), TODAY
        ).changes,
    )

    assert back.reported_by_id == VERIFIER.id
    with pytest.raises(ForbiddenMove, match="reported it done"):
        move(back, asking(State.VERIFIED), actor_in(Role.VERIFIER), facts(), TODAY)


def a_joint_claim() -> tuple[Action, Facts]:
    shared = facts(
        responsible_ids=frozenset({OWING, 8}),
        sides=frozenset({Side.SECURITY, Side.COMMUNITY}),
    )
    return standing_in(State.REPORTED_DONE), shared


def test_a_joint_action_waits_for_one_confirmation_from_each_side():
    action, shared = a_joint_claim()
    first = an_actor(Role.VERIFIER, person_id=20, party_id=8, side=Side.COMMUNITY)
    second = an_actor(Role.VERIFIER, person_id=21, party_id=OWING, side=Side.SECURITY)

    half = move(action, asking(State.VERIFIED), first, shared, TODAY)
    assert "state" not in half.changes
    assert half.event == "confirmed"
    assert half.confirmation is Side.COMMUNITY
    assert half.payload["waiting_for"] == [Side.SECURITY]

    confirmed = facts(
        responsible_ids=shared.responsible_ids,
        sides=shared.sides,
        confirmed=frozenset({Side.COMMUNITY}),
    )
    whole = move(action, asking(State.VERIFIED), second, confirmed, TODAY)
    assert whole.changes["state"] is State.VERIFIED
    with pytest.raises(ForbiddenMove, match="this side has confirmed"):
        move(action, asking(State.VERIFIED), first, confirmed, TODAY)


def test_the_reporter_does_not_confirm_a_joint_action_for_their_side():
    action, shared = a_joint_claim()
    reporter = an_actor(Role.VERIFIER, person_id=FOCAL.id, party_id=OWING, side=Side.SECURITY)

    with pytest.raises(ForbiddenMove, match="reported it done"):
        move(action, asking(State.VERIFIED), reporter, shared, TODAY)


def test_two_parties_of_one_side_are_not_joint_and_neither_confirms():
    action = standing_in(State.REPORTED_DONE)
    shared = facts(responsible_ids=frozenset({OWING, 8}))
    other = an_actor(Role.VERIFIER, person_id=20, party_id=8, side=Side.SECURITY)

    with pytest.raises(ForbiddenMove, match="owes it"):
        move(action, asking(State.VERIFIED), other, shared, TODAY)


def test_a_claim_raises_the_reported_level_and_a_confirmation_the_verified_one():
    action = an_action(reported_level=Level.MINIMUM)
    claimed = changed(
        action,
        move(
            action, asking(State.REPORTED_DONE), actor_in(Role.FOCAL_POINT), facts(), TODAY
        ).changes,
    )
    assert (claimed.reported_level, claimed.verified_level) == (
        Level.COMPLETED,
        Level.NOT_INITIATED,
    )
    assert (claimed.reported_by_id, claimed.reported_on) == (FOCAL.id, TODAY)

    seen = move(claimed, asking(State.VERIFIED), actor_in(Role.VERIFIER), facts(), TODAY)
    assert changed(claimed, seen.changes).verified_level is Level.COMPLETED


def test_what_is_sent_back_is_as_far_as_the_verifier_saw():
    action = standing_in(State.REPORTED_DONE, reported_level=Level.COMPLETED)

    done = move(action, asking(State.IN_PROGRESS, level=Level.MINIMUM), actor_in(Role.VERIFIER),
                facts(), TODAY)  # fmt: skip
    back = changed(action, done.changes)

    assert done.event == "sent_back"
    assert back.verified_level is Level.MINIMUM
    assert (back.reported_by_id, back.reported_on) == (None, None)


def test_what_nobody_agreed_to_does_not_get_under_way_by_a_dispute_or_a_closure():
    disputed = standing_in(State.DISPUTED, former_state=State.PROPOSED, agreed_on=None)
    closed = standing_in(State.NOT_IMPLEMENTED, agreed_on=None)

    assert permitted(disputed) == (State.PROPOSED, State.NOT_IMPLEMENTED)
    assert permitted(closed) == ()
    with pytest.raises(ForbiddenMove, match="closed for good"):
        move(closed, asking(State.IN_PROGRESS), an_actor(Role.COORDINATOR), facts(), TODAY)


@pytest.mark.parametrize("state", [S.VERIFIED, S.WITHDRAWN, S.NOT_IMPLEMENTED])
def test_what_was_closed_can_be_reopened_and_says_so(state):
    done = move(standing_in(state), asking(State.IN_PROGRESS), an_actor(Role.COORDINATOR), facts(),
                TODAY)  # fmt: skip

    assert done.event == "reopened"
    assert done.payload["reason"]


RUN = {"episode": 4, "ladder_id": 2, "anchor_on": day(-9), "paused_until_on": day(3),
       "acknowledged_on": day(-1)}  # fmt: skip


@pytest.mark.parametrize(
    ("state", "to", "role"),
    [
        (S.IN_PROGRESS, S.BLOCKED, Role.FOCAL_POINT),
        (S.IN_PROGRESS, S.DISPUTED, Role.VERIFIER),
        (S.IN_PROGRESS, S.WITHDRAWN, Role.COORDINATOR),
        (S.IN_PROGRESS, S.SUPERSEDED, Role.COORDINATOR),
        (S.IN_PROGRESS, S.NOT_IMPLEMENTED, Role.COORDINATOR),
        (S.AGREED, S.REPORTED_DONE, Role.FOCAL_POINT),
        (S.REPORTED_DONE, S.IN_PROGRESS, Role.VERIFIER),
        (S.BLOCKED, S.IN_PROGRESS, Role.FOCAL_POINT),
    ],
)
def test_a_block_a_dispute_a_closure_or_a_claim_ends_the_run_of_the_ladder(state, to, role):
    action = standing_in(state, **RUN)

    after = changed(action, move(action, asking(to), actor_in(role), facts(), TODAY).changes)

    assert (after.episode, after.ladder_id, after.anchor_on) == (5, None, TODAY)
    assert (after.paused_until_on, after.acknowledged_on) == (None, None)


def test_setting_to_work_does_not_end_the_run():
    action = standing_in(State.AGREED, **RUN)

    done = move(action, asking(State.IN_PROGRESS), actor_in(Role.FOCAL_POINT), facts(), TODAY)
    after = changed(action, done.changes)

    assert {name: getattr(after, name) for name in RUN} == RUN


def test_nothing_but_reporting_is_for_the_alternate_what_it_is_for_the_focal_point():
    focal = {(s, m.to) for m in MOVES for s in m.sources if Role.FOCAL_POINT in m.who}
    alternate = {(s, m.to) for m in MOVES for s in m.sources if Role.ALTERNATE in m.who}

    assert focal == alternate
    assert all(s in OWED for s, _to in focal)


def test_committee_members_and_managers_move_nothing():
    assert all(m.who.isdisjoint({Role.COMMITTEE, Role.MANAGER}) for m in MOVES)


def test_only_a_verifier_confirms():
    confirming = [
        m for m in MOVES if m.to in {S.VERIFIED, S.IN_FORCE} and S.DISPUTED not in m.sources
    ]

    assert [m.who for m in confirming] == [VERIFIERS, VERIFIERS]


def test_what_is_freed_says_no_more_than_is_true():
    action = standing_in(State.BLOCKED, review_on=day(3), obstacle=Obstacle.OTHER)

    done = freed(action, TODAY)

    assert (done.changes["state"], done.event) == (State.IN_PROGRESS, "freed")
    assert "verified" not in str(done.payload["reason"])


def test_a_move_changes_neither_the_original_date_nor_the_date():
    for (state, to), roles in ALLOWED.items():
        action = standing_in(state)
        role = min(roles)
        if not may(Kind.ONE_OFF, state, to, role):
            continue
        done = move(action, asking(to), an_actor(role, person_id=50, party_id=50), facts(), TODAY)
        assert done.changes.keys().isdisjoint({"due_on", "original_due_on", "due_rev"})


def test_the_coordinator_speaks_for_the_party_on_their_word():
    done = move(standing_in(State.IN_PROGRESS), asking(State.REPORTED_DONE),
                an_actor(Role.COORDINATOR), facts(), TODAY)  # fmt: skip

    assert done.changes["reported_by_id"] == COORDINATOR.id
