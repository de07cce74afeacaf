"""What people do, written down: moves and all that they set off, on a real database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import (
    MONDAY,
    PEOPLE,
    Programme,
    a_dialogue,
    a_programme,
    a_row,
    at,
    day,
)
from sqlalchemy import select

from engine.action import Level, Obstacle, State
from engine.errors import (
    BadValue,
    ForbiddenMove,
    StaleVersion,
    UnknownThing,
)
from engine.party import Side
from engine.store.tables import commitments, confirmations, events, occurrences
from engine.store.tables import sessions as session_rows
from workflows import record
from workflows.record import Asked

NOW = at(MONDAY)
SEEN = {"method": "a visit", "seen": "the gate is open"}
A_BLOCK = {"obstacle": Obstacle.MONEY, "blocker": "the bank", "review_on": day(20)}


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path)
    yield made
    made.close()


def test_from_proposal_to_verification_with_an_event_for_each_step(programme):
    programme.plan(a_row(state="proposed", agreed_on=None), now=NOW)

    programme.move("SAA-01", State.AGREED, "coord", NOW, decided_on=MONDAY)
    programme.report("SAA-01", Level.MINIMUM, "chief", at(day(1)))
    programme.report("SAA-01", Level.COMPLETED, "chief", at(day(2)))
    done = programme.move("SAA-01", State.VERIFIED, "mayor", at(day(3)), **SEEN)

    assert done.state is State.VERIFIED
    assert programme.history() == ["imported", "agreed", "reported", "reported_done", "verified"]
    assert done.version == 5
    assert done.next_check_at is None
    [row] = programme.rows(select(confirmations))
    assert (row.side, row.method, row.seen) == (Side.AUTHORITY, "a visit", "the gate is open")


def test_agreeing_writes_down_the_session_and_freezes_the_commitment(programme):
    programme.plan(a_row(state="proposed", agreed_on=None), now=NOW)

    programme.move("SAA-01", State.AGREED, "coord", NOW, decided_on=day(-3))

    [session] = programme.rows(select(session_rows))
    [text] = programme.rows(select(commitments))
    assert (session.held_on, text.session_id, text.agreed_on) == (day(-3), session.id, day(-3))
    assert text.text_hash


def test_a_stale_version_is_refused_and_nothing_is_written(programme):
    programme.plan(a_row(), now=NOW)
    seen = programme.action().version
    programme.report("SAA-01", Level.MINIMUM, "chief", NOW)
    before = programme.action()

    with pytest.raises(StaleVersion, match=f"you saw version {seen}, it is now {before.version}"):
        record.ask_reschedule(
            programme.services, Asked(ref="SAA-01", by="coord", version=seen), day(30), "late", NOW
        )

    assert programme.action() == before
    assert programme.history() == ["imported", "reported"]


def test_a_refused_move_writes_nothing(programme):
    programme.plan(a_row(), now=NOW)
    before = programme.action()

    with pytest.raises(ForbiddenMove):
        programme.move("SAA-01", State.VERIFIED, "chief", NOW, **SEEN)

    assert programme.action() == before


@pytest.mark.parametrize("who", ["nobody", "", "nobody@post.example"])
def test_somebody_unknown_does_nothing(programme, who):
    programme.plan(a_row(), now=NOW)

    with pytest.raises(UnknownThing):
        programme.move("SAA-01", State.REPORTED_DONE, who, NOW, note="done")


@pytest.mark.parametrize("who", ["chief", "CHIEF@post.example", "police post"])
def test_a_person_is_found_by_key_address_or_party(programme, who):
    programme.plan(a_row(), now=NOW)

    done = programme.move("saa-01", State.REPORTED_DONE, who, NOW, note="done")

    assert done.state is State.REPORTED_DONE


def test_the_verifying_party_cannot_report_and_the_responsible_one_cannot_confirm(programme):
    programme.plan(a_row(), now=NOW)
    with pytest.raises(ForbiddenMove):
        programme.report("SAA-01", Level.MINIMUM, "mayor", NOW)
    programme.report("SAA-01", Level.COMPLETED, "deputy", NOW)

    for who in ("chief", "deputy", "coord", "elder", "committee"):
        with pytest.raises(ForbiddenMove):
            programme.move("SAA-01", State.VERIFIED, who, NOW, **SEEN)


def test_the_coordination_that_reported_does_not_confirm(programme):
    programme.plan(a_row(verifier=""), now=NOW)
    programme.report("SAA-01", Level.COMPLETED, "coord", NOW)

    with pytest.raises(ForbiddenMove, match="reported it done"):
        programme.move("SAA-01", State.VERIFIED, "coord", NOW, **SEEN)


def test_a_joint_action_is_confirmed_once_by_each_side(programme):
    programme.plan(a_row(co_responsible=["Elders"]), now=NOW)
    programme.report("SAA-01", Level.COMPLETED, "chief", NOW)

    half = programme.move("SAA-01", State.VERIFIED, "elder", NOW, **SEEN)
    assert half.state is State.REPORTED_DONE
    with pytest.raises(ForbiddenMove, match="this side"):
        programme.move("SAA-01", State.VERIFIED, "elder", NOW, **SEEN)
    whole = programme.move("SAA-01", State.VERIFIED, "deputy", at(day(1)), **SEEN)

    assert whole.state is State.VERIFIED
    sides = {row.side for row in programme.rows(select(confirmations))}
    assert sides == {Side.COMMUNITY, Side.SECURITY}


def test_confirmations_of_a_claim_that_was_sent_back_do_not_count_for_the_next(programme):
    programme.plan(a_row(co_responsible=["Elders"]), now=NOW)
    programme.report("SAA-01", Level.COMPLETED, "chief", NOW)
    programme.move("SAA-01", State.VERIFIED, "elder", NOW, **SEEN)
    programme.move("SAA-01", State.IN_PROGRESS, "deputy", NOW, reason="no", level=Level.MINIMUM)
    programme.report("SAA-01", Level.COMPLETED, "chief", NOW)

    still = programme.move("SAA-01", State.VERIFIED, "deputy", NOW, **SEEN)

    assert still.state is State.REPORTED_DONE


def test_a_new_date_keeps_the_original_and_every_earlier_one(programme):
    programme.plan(a_row(), now=NOW)
    asked = programme.asked("SAA-01")

    for number in (30, 60):
        record.ask_reschedule(programme.services, asked, day(number), "agreed by all", NOW)

    action = programme.action()
    assert (action.original_due_on, action.due_on, action.due_rev) == (MONDAY, day(60), 2)
    payloads = programme.rows(select(events.c.payload).where(events.c.kind == "rescheduled"))
    assert [(MONDAY.isoformat() in p.payload, day(30).isoformat() in p.payload) for p in payloads]


# -- disputes, occurrences, calls


def test_a_block_survives_a_dispute(programme):
    programme.plan(a_row(), now=NOW)
    programme.move("SAA-01", State.BLOCKED, "chief", NOW, **A_BLOCK)
    programme.move("SAA-01", State.DISPUTED, "mayor", NOW, reason="not so")

    back = programme.move(
        "SAA-01", State.BLOCKED, "coord", NOW, reason="it stands", decided_on=MONDAY
    )

    assert (back.obstacle, back.blocker, back.review_on) == (
        Obstacle.MONEY,
        "the bank",
        day(20),
    )


def recurring(**changes):
    return a_row(**{"kind": "recurring", "repeat": "monthly", "due": day(2), "state": "in_force",
                    **changes})  # fmt: skip


def test_an_occurrence_reported_twice_is_kept_once(programme):
    programme.plan(recurring(), now=NOW)

    programme.report("SAA-01", Level.COMPLETED, "chief", at(day(2)))
    programme.report("SAA-01", Level.COMPLETED, "chief", at(day(2)))

    rows = programme.rows(select(occurrences.c.due_on, occurrences.c.outcome))
    assert [tuple(row) for row in rows] == [(day(2), "kept")]
    assert programme.action().due_on == day(32)


def test_an_occurrence_that_was_not_held_is_not_kept(programme):
    programme.plan(recurring(), now=NOW)

    programme.report("SAA-01", Level.NOT_INITIATED, "chief", at(day(2)))

    assert programme.rows(select(occurrences)) == []
    assert programme.action().due_on == day(2)


def test_a_dispute_leaves_the_coming_occurrence_where_it_was(programme):
    programme.plan(recurring(due=day(20)), now=NOW)
    programme.move("SAA-01", State.DISPUTED, "mayor", NOW, reason="not so")

    back = programme.move(
        "SAA-01", State.IN_FORCE, "coord", at(day(1)), reason="it holds", decided_on=MONDAY
    )

    assert back.due_on == day(20)


def test_coming_into_force_starts_from_the_next_occurrence(programme):
    programme.plan(recurring(due=day(2), state="in_progress"), now=NOW)
    programme.report("SAA-01", Level.COMPLETED, "chief", NOW)

    done = programme.move("SAA-01", State.IN_FORCE, "mayor", at(day(1)), **SEEN)

    assert (done.state, done.due_on, done.original_due_on) == (State.IN_FORCE, day(32), day(2))


@pytest.mark.parametrize("state", ["in_force", "reported_done"])
def test_a_call_about_what_is_watched_does_not_end_the_watching(programme, state):
    row = recurring() if state == "in_force" else a_row(state=state)
    programme.plan(row, now=NOW)

    after = record.log_call(
        programme.services, programme.asked("SAA-01"), "spoke", reached=True, now=NOW
    )

    assert after.next_check_at == NOW


def test_a_call_before_the_action_is_late_does_not_stand_for_a_later_reminder(programme):
    programme.plan(a_row(due=day(21)), now=NOW)
    record.log_call(
        programme.services, programme.asked("SAA-01"), "all is well", reached=True, now=NOW
    )
    assert programme.said() == []

    for offset in range(60):
        programme.run(at(day(offset)))

    assert [r for r, who in programme.said() if who == "chief"] == ["P1", "P2", "P3", "R1", "R2"]


def test_a_call_that_reached_the_party_stands_for_the_reminder_and_warns_fairly(programme):
    by_phone = {"email": "", "phone": "+226 00 00 00 01"}
    people = [{**p, **by_phone} if p["key"] in {"chief", "deputy"} else p for p in PEOPLE]
    programme.plan(a_row(due=day(-60)), now=NOW, dialogues={"SAA": a_dialogue(people=list(people))})
    for offset in range(4):
        programme.run(at(day(offset)))
    assert programme.said() == [("call:R2", "coord")]

    record.log_call(
        programme.services, programme.asked("SAA-01"), "told", reached=True, now=at(day(4))
    )
    for offset in (4, 7, 8):
        programme.run(at(day(offset)))
    assert ("E1", "coord") not in programme.said()
    programme.run(at(day(9)))
    assert ("E1", "coord") in programme.said()
    assert programme.said().count(("call:R2", "coord")) == 1


def test_a_call_that_reached_nobody_warns_nobody(programme):
    programme.plan(a_row(due=day(-60)), now=NOW)
    programme.sweep(NOW)

    record.log_call(
        programme.services, programme.asked("SAA-01"), "no answer", reached=False, now=NOW
    )

    assert [row.kind for row in programme.notices()].count("call") == 0
    assert {row.outcome for row in programme.notices()} == {""}


def test_nobody_is_asked_to_make_a_call_that_was_made(programme):
    programme.plan(a_row(due=day(-60)), now=NOW)
    programme.sweep(NOW)

    record.log_call(programme.services, programme.asked("SAA-01"), "told", reached=True, now=NOW)
    programme.deliver(NOW)

    assert "coord@saaba.example" not in programme.postbox.recipients


def test_a_call_counts_for_the_run_that_is_open_not_for_one_that_is_over(programme):
    programme.plan(a_row(due=day(-60)), now=NOW)
    programme.run(NOW)
    programme.report("SAA-01", Level.INTERMEDIATE, "chief", at(day(1)))

    record.log_call(
        programme.services, programme.asked("SAA-01"), "told", reached=True, now=at(day(7))
    )

    called = [row for row in programme.notices() if row.kind == "call"]
    assert [(row.cause, row.rung) for row in called] == [("e2", "R1")]


@pytest.mark.parametrize("who", ["chief", "mayor", "manager"])
def test_only_the_coordinator_logs_calls_and_releases(programme, who):
    programme.plan(a_row(), now=NOW)
    asked = programme.asked("SAA-01", by=who)

    with pytest.raises(ForbiddenMove):
        record.log_call(programme.services, asked, "x", reached=True, now=NOW)
    with pytest.raises(ForbiddenMove):
        record.release(programme.services, asked, NOW)


def test_the_superior_can_acknowledge_what_went_to_them(programme):
    programme.plan(a_row(), now=NOW)

    after = record.ask_acknowledge(
        programme.services, programme.asked("SAA-01", by="region"), "I will call", NOW
    )

    assert after.acknowledged_on == MONDAY
    with pytest.raises(ForbiddenMove):
        record.ask_acknowledge(programme.services, programme.asked("SAA-01", by="elder"), "", NOW)


def test_a_hold_needs_a_reason_and_days_that_follow_each_other(programme):
    with pytest.raises(BadValue, match="reason"):
        record.hold(programme.services, (None, None), from_on=MONDAY, until_on=None, by="coord",
                    reason=" ")  # fmt: skip
    with pytest.raises(BadValue, match="until"):
        record.hold(programme.services, (None, None), from_on=MONDAY, until_on=day(-1), by="coord",
                    reason="feast")  # fmt: skip
    with pytest.raises(UnknownThing):
        record.resume(programme.services, (None, None), NOW)
