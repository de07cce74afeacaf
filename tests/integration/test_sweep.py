"""The sweep on a real database: exactly once, however often and whenever it runs."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from builders import (
    MONDAY,
    PEOPLE,
    REJECTED,
    Programme,
    a_copy,
    a_dialogue,
    a_programme,
    a_row,
    at,
    day,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from engine.action import OWED, Level, Obstacle, State
from engine.errors import BadValue
from engine.ladder import DEFAULT, Ladder
from engine.store.listing import view_of
from engine.store.outbox_tables import NoticeStatus, notices
from engine.store.tables import actions, events, ladders
from engine.store.wholeness import broken_histories
from workflows import record
from workflows.sweep import rehearse_sweep

NOW = at(MONDAY)
PATIENT = replace(DEFAULT, acknowledge_within=1000)


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path, ladder=PATIENT)
    yield made
    made.close()


def everything(programme: Programme) -> tuple[list, ...]:
    """All that a sweep can write, but for its heartbeat."""
    return tuple(programme.rows(select(table)) for table in (actions, events, notices, ladders))


def test_a_second_sweep_at_the_same_instant_writes_nothing(programme):
    programme.plan(
        a_row(ref="SAA-01", due=day(-60)),
        a_row(ref="SAA-02", state="reported_done"),
        a_row(ref="SAA-03", state="blocked", notes="the bank", review_on=day(5), due=day(2)),
        a_row(ref="SAA-04", kind="recurring", repeat="weekly", due=day(-30), state="in_force"),
        a_row(ref="SAA-05", depends_on=["SAA-01"]),
        now=NOW,
    )
    programme.sweep(NOW)
    before = everything(programme)

    again = programme.sweep(NOW)

    assert (again.examined, again.notices, again.moved) == (0, 0, 0)
    assert everything(programme) == before


def test_an_import_of_things_long_overdue_is_said_once_and_goes_up_three_working_days_later(
    programme,
):
    programme.plan(a_row(due=day(-90)), now=NOW)

    for offset in range(3):
        programme.run(at(day(offset)))
    assert sorted(programme.said()) == [("R2", "chief"), ("R2", "deputy"), ("call:R2", "coord")]

    programme.run(at(day(3)))
    assert sorted(programme.said())[:4] == [
        ("E1", "coord"),
        ("E2", "committee"),
        ("E3", "region"),
        ("E4", "manager"),
    ]


def test_fair_warning_counts_from_delivery_and_not_from_decision(programme):
    programme.plan(a_row(due=day(-90)), now=NOW)
    programme.sweep(NOW)

    for offset in range(1, 8):
        programme.sweep(at(day(offset)))  # a mail server that is away for a week
    assert {rung for rung, _who in programme.said()} == {"R2", "call:R2"}
    programme.deliver(at(day(8)))
    programme.sweep(at(day(10)))
    assert {rung for rung, _who in programme.said()} == {"R2", "call:R2"}
    programme.sweep(at(day(11)))
    assert ("E1", "coord") in programme.said()


def test_after_an_address_bounced_the_party_is_called_and_nothing_goes_up_before_a_call(programme):
    programme.postbox.for_address = {
        "chief@post.example": REJECTED,
        "deputy@post.example": REJECTED,
    }
    programme.plan(a_row(), now=NOW)
    for offset in range(50):
        programme.run(at(day(offset)))

    assert programme.said()[0] == ("P3", "chief")
    assert programme.said().count(("contact", "coord")) == 2
    calls = [said for said in programme.said() if said[0].startswith("call:")]
    assert calls == [("call:R1", "coord"), ("call:R2", "coord")]
    assert not any(rung.startswith("E") for rung, _who in programme.said())


def test_a_reminder_that_bounces_is_made_good_by_a_call_task(programme):
    programme.plan(a_row(), now=NOW)
    programme.run(NOW)
    programme.postbox.for_address = {"chief@post.example": REJECTED}

    programme.run(at(day(3)))
    programme.run(at(day(4)))

    assert programme.said()[1:] == [("R1", "chief"), ("contact", "coord"), ("call:R1", "coord")]


def test_only_what_was_released_reaches_the_superior(programme):
    programme.plan(a_row(due=day(-90)), now=NOW)
    for offset in range(14):
        programme.run(at(day(offset)))
    assert "liaison@region.example" not in programme.postbox.recipients

    record.release(programme.services, programme.asked("SAA-01"), at(day(14)))
    programme.run(at(day(14)))

    assert programme.postbox.recipients.count("liaison@region.example") == 1
    assert programme.history()[-1] == "released"


def test_what_was_refused_never_reaches_the_superior(programme):
    programme.plan(a_row(due=day(-90)), now=NOW)
    for offset in range(4):
        programme.run(at(day(offset)))

    record.release(programme.services, programme.asked("SAA-01"), at(day(4)), refuse="they met")
    for offset in range(4, 20):
        programme.run(at(day(offset)))

    assert "liaison@region.example" not in programme.postbox.recipients
    [row] = [row for row in programme.notices() if row.rung == "E3"]
    assert (row.status, row.outcome) == (NoticeStatus.STRUCK, "refused: they met")


def test_what_is_no_longer_true_cannot_be_released(programme):
    programme.plan(a_row(due=day(-90)), now=NOW)
    for offset in range(4):
        programme.run(at(day(offset)))
    programme.report("SAA-01", Level.INTERMEDIATE, "chief", at(day(4)))

    with pytest.raises(BadValue, match="nothing of it waits"):
        record.release(programme.services, programme.asked("SAA-01"), at(day(4)))


def test_a_running_case_keeps_the_ladder_that_it_started_with(programme):
    programme.plan(a_row(ref="SAA-01"), a_row(ref="SAA-02", due=day(1)), now=NOW)
    programme.run(at(day(0)))  # SAA-01 has heard P3; both have heard something
    quick = replace(PATIENT, rungs=tuple(
        replace(r, days=1) if r.name == "R1" else r for r in PATIENT.rungs
    ))  # fmt: skip
    programme.services = replace(programme.services, ladder=quick)
    programme.report(
        "SAA-02", Level.INTERMEDIATE, "chief", at(day(0), 10)
    )  # a new run, a new ladder

    for offset in range(1, 4):
        programme.run(at(day(offset)))

    when = {row.key.split(":")[0] + row.rung: row.created_at.date() for ref in ("SAA-01", "SAA-02")
            for row in programme.notices(ref) if row.rung == "R1"}  # fmt: skip
    first, second = programme.action("SAA-01").id, programme.action("SAA-02").id
    assert when == {f"{first}R1": day(3), f"{second}R1": day(2)}
    assert len(programme.rows(select(ladders))) == 2


def test_a_lapse_by_itself_is_recorded_and_starts_the_ladder_anew(programme):
    programme.plan(a_row(kind="recurring", repeat="monthly", due=day(2), state="in_force"), now=NOW)

    for offset in range(60):
        programme.run(at(day(offset)))

    lapsed = programme.action()
    assert lapsed.state is State.IN_PROGRESS
    history = programme.history()
    assert history.count("occurrence_missed") == 2
    assert history.count("lapsed") == 1
    assert ("L1", "coord") in programme.said()
    assert [rung for rung, who in programme.said() if who == "chief"] == ["O1", "O1", "R1"]


def test_a_block_past_its_review_date_is_told_to_the_coordinator_once(programme):
    programme.plan(a_row(due=day(60)), now=NOW)
    programme.move("SAA-01", State.BLOCKED, "chief", NOW, obstacle=Obstacle.MONEY,
                   blocker="the bank", review_on=day(9))  # fmt: skip

    for offset in range(13):
        programme.run(at(day(offset)))

    assert programme.said() == [("E1", "coord")]
    [row] = programme.notices()
    assert (row.kind, row.created_at.date()) == ("review_due", day(10))


def test_one_action_that_cannot_be_decided_about_does_not_silence_the_others(programme, caplog):
    programme.plan(
        a_row(ref="SAA-01", kind="recurring", repeat="weekly", due=day(0), state="in_force"),
        a_row(ref="SAA-02", due=day(-20)),
        now=NOW,
    )
    with programme.services.database.write() as connection:
        connection.execute(
            actions.update().where(actions.c.ref == "SAA-01").values(repeat="FREQ=NEVER")
        )

    swept = programme.sweep(NOW)

    assert swept.refused == 1
    assert "SAA-01 could not be looked at" in caplog.text
    assert ("R2", "chief") in programme.said("SAA-02")
    assert programme.action("SAA-01").next_check_at == NOW + timedelta(days=1)
    assert programme.action("SAA-01").version == 1


def test_a_rehearsal_says_what_a_sweep_would_do_and_writes_nothing(programme):
    programme.plan(a_row(ref="SAA-01", due=day(-60)), a_row(ref="SAA-02"), now=NOW)
    before = everything(programme)

    rehearsed = rehearse_sweep(programme.services, NOW)

    assert everything(programme) == before
    assert programme.sweep(NOW).as_dict() == rehearsed.as_dict()


def test_the_rung_reached_and_the_rung_sent_are_two_things(programme):
    from engine.store.directory import Directory

    programme.plan(a_row(due=day(-60)), now=NOW)
    programme.run(NOW)

    with programme.services.database.read() as connection:
        directory = Directory(connection, programme.services.ladder)
        view = view_of(directory, programme.action(), NOW, programme.services.thresholds)

    assert (view.rung_reached, view.rung_sent) == ("E2", "R2")  # 42 working days late


def test_a_day_begins_at_midnight_where_the_dialogue_is(programme):
    programme.plan(a_row(), now=at(day(-20)), dialogues={
        "SAA": a_dialogue(timezone="Asia/Kathmandu", rest_days="none")
    })  # fmt: skip
    programme.sweep(at(day(-20)))

    midnight = datetime.combine(day(-10), datetime.min.time(), NOW.tzinfo) - timedelta(
        hours=5, minutes=45
    )
    assert programme.action().next_check_at == midnight
    programme.sweep(midnight - timedelta(microseconds=1))
    assert programme.said() == []
    programme.sweep(midnight)
    assert programme.said() == [("P1", "chief")]


def test_a_clock_that_is_set_back_says_nothing_twice(programme):
    programme.plan(a_row(due=day(-60)), now=NOW)
    programme.run(at(day(1), 10))
    said = programme.said()

    for instant in (at(day(1), 9), NOW, at(day(-3)), at(day(1), 10)):
        programme.run(instant)

    assert programme.said() == said


# -- any sequence of instants


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A programme of every kind in every state, from which each example starts."""
    folder = tmp_path_factory.mktemp("prepared")
    path = folder / "prepared.db"
    programme = a_programme(f"sqlite:///{path}", folder)
    mute = [{**p, "email": "", "phone": "+226 00 00 00 01"} if p["key"] == "elder" else dict(p)
            for p in PEOPLE]  # fmt: skip
    programme.plan(
        a_row(ref="SAA-01", due=day(-90)),
        a_row(ref="SAA-02", due=day(-8), state="agreed"),
        a_row(ref="SAA-03", due=day(20), handling="closed"),
        a_row(ref="SAA-04", due=day(12), responsible="Elders"),
        a_row(ref="SAA-05", due=day(-50), responsible="Elders", verifier="Town hall"),
        a_row(ref="SAA-06", due=day(30), depends_on=["SAA-01"]),
        a_row(ref="SAA-07", due=day(-3), state="blocked", notes="the bank", review_on=day(9)),
        a_row(ref="SAA-08", state="reported_done"),
        a_row(ref="SAA-09", kind="recurring", repeat="weekly", due=day(3), state="in_force"),
        a_row(ref="SAA-10", kind="standing", repeat="monthly", due=day(1), state="in_force",
              responsible="Town hall", verifier="Police post"),
        a_row(ref="SAA-11", due=day(400)),
        a_row(ref="SAA-12", state="proposed", due="", agreed_on=None),
        now=NOW,
        dialogues={"SAA": a_dialogue(people=mute)},
    )  # fmt: skip
    programme.services.database.checkpoint()
    programme.close()
    return path


REFS = [f"SAA-{n:02}" for n in range(1, 13)]
LAST = 75


def highest(programme: Programme, ladder: Ladder) -> dict[tuple[str, str, str], str]:
    """For each action, run and person the highest rung of lateness that was decided."""
    order = [rung.name for rung in ladder.rungs if not rung.courtesy]
    found: dict[tuple[str, str, str], str] = {}
    for ref in REFS:
        for row in programme.notices(ref):
            if row.cause.startswith("e") and row.rung in order:
                key = (ref, row.cause, row.who)
                found[key] = max(found.get(key, row.rung), row.rung, key=order.index)
    return found


@pytest.fixture(scope="module")
def continuous(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Programme:
    """The same programme, swept on each of the days, by a ladder that waits for nobody's word."""
    programme = a_copy(prepared, tmp_path_factory.mktemp("continuous"), 0)
    programme.services = replace(programme.services, ladder=PATIENT)
    for offset in range(LAST + 1):
        programme.run(at(day(offset)))
    return programme


class Numbers:
    last = 0


@settings(max_examples=12)
@given(offsets=st.lists(st.integers(0, LAST - 8), max_size=6), hour=st.sampled_from([9, 13, 23]))
def test_sweeping_at_any_instants_ends_where_sweeping_daily_would_have_ended(
    prepared, continuous, offsets, hour
):
    """
    No key twice (the database refuses it, and the count of rows equals the count of keys).
    No sweep leaves an action to be looked at at or before its instant.
    What leaves is true on its day: nothing about a closed action but to the two, nothing before
    its rung's day. At the end, after some daily runs that give fair warning its time, each person
    has heard for each action and run the same highest rung of lateness as by daily sweeps; runs
    that a lapse began start on the day of the sweep that saw it, so those are compared by state.
    """
    Numbers.last += 1
    programme = a_copy(prepared, prepared.parent, Numbers.last)
    programme.services = replace(programme.services, ladder=PATIENT)
    try:
        for offset in sorted(offsets):
            now = at(day(offset), hour)
            programme.run(now)
            due = programme.rows(select(actions.c.ref).where(actions.c.next_check_at <= now))
            assert due == []
            before = everything(programme)
            programme.sweep(now)
            assert everything(programme) == before
        for offset in range(LAST - 7, LAST + 1):
            programme.run(at(day(offset)))

        keys = [row.key for ref in REFS for row in programme.notices(ref)]
        assert len(keys) == len(set(keys))
        assert {row.who for row in programme.notices("SAA-03")} <= {"chief", "coord"}
        assert programme.notices("SAA-06") == programme.notices("SAA-12") == []
        steady = [ref for ref in REFS if ref not in {"SAA-09", "SAA-10"}]
        ours, theirs = highest(programme, PATIENT), highest(continuous, PATIENT)
        assert {k: v for k, v in ours.items() if k[0] in steady} == {
            k: v for k, v in theirs.items() if k[0] in steady
        }
        for ref in ("SAA-09", "SAA-10"):
            assert programme.action(ref).state is continuous.action(ref).state
        with programme.services.database.read() as connection:
            assert list(broken_histories(connection)) == []
    finally:
        programme.close()


def test_nothing_is_said_that_is_not_true_on_its_day(continuous):
    """Each rung of lateness of each action was decided on or after its day, by daily sweeps."""
    from engine.store.directory import Directory

    with continuous.services.database.read() as connection:
        directory = Directory(connection, PATIENT)
        for ref in REFS:
            action = continuous.action(ref)
            directory.ensure([action])
            calendar = directory.calendars[action.dialogue_id]
            for row in continuous.notices(ref):
                rung = next((r for r in PATIENT.rungs if r.name == row.rung), None)
                if rung is None or row.cause != "e1" or action.due_on is None:
                    continue
                if action.episode != 1 or action.state not in OWED:
                    continue
                anchor = calendar.on_or_after(action.due_on)
                reached_on = calendar.plus(anchor, rung.days) if rung.days else anchor
                assert row.created_at.date() >= reached_on, (ref, row.rung)
