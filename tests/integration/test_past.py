"""As of any day: what the history says of an instant is what was said then."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from builders import MONDAY, Programme, a_copy, a_programme, a_row, at, day
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from engine.action import Action, Level, Obstacle, State
from engine.errors import EngineError
from engine.replay import MACHINERY
from engine.store.counting import count
from engine.store.directory import Directory
from engine.store.exporting import plan_rows
from engine.store.listing import Wanted, views
from engine.store.past import actions_at, events_between, is_past, reading
from engine.store.records import select_actions
from engine.store.tables import action_parties, dependencies
from engine.store.wholeness import broken_histories
from workflows import record

NOW = at(MONDAY)
REFS = ("SAA-01", "SAA-02", "SAA-03", "SAA-04")
WHO = ("coord", "chief", "mayor", "elder")
SEEN = {"method": "a visit", "seen": "the gate is open"}
ROWS = (
    a_row(ref="SAA-01", due=day(3)),
    a_row(ref="SAA-02", depends_on=["SAA-01"], co_responsible=["Elders"], state="agreed"),
    a_row(ref="SAA-03", kind="recurring", repeat="monthly", due=day(2), state="in_force"),
    a_row(ref="SAA-04", state="proposed", due=day(20), agreed_on=None),
)


def said(programme: Programme, now, *, in_the_past: bool) -> dict[str, object]:
    """Everything that lists, counts, exports and tables say as of that instant."""
    services = programme.services
    with reading(services.database, now if in_the_past else None) as connection:
        directory = Directory(connection, services.ladder)
        return {
            "actions": [v.as_dict() for v in views(directory, Wanted(), now, services.thresholds)],
            "overdue": [
                v.action.ref
                for v in views(directory, Wanted(overdue=True), now, services.thresholds)
            ],
            "status": count(directory, now, services.thresholds),
            "plan": list(plan_rows(connection)),
            "columns": [
                {c.name: v for c, v in zip(select_actions().selected_columns, row, strict=True)
                 if c.name not in MACHINERY - {"version", "head_hash"}}
                for row in connection.execute(select_actions().order_by("id"))
            ],
            "needs": sorted(tuple(row) for row in connection.execute(select(dependencies))),
            "shares": sorted(tuple(row) for row in connection.execute(select(action_parties))),
        }  # fmt: skip


def without_machinery(action: Action) -> Action:
    return replace(action, next_check_at=None)


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path)
    yield made
    made.close()


def a_life(programme: Programme) -> list[tuple[object, dict[str, object]]]:
    """Half a year of two actions, with what was said after each step."""
    shots = []

    def shoot(now) -> None:
        shots.append((now, said(programme, now, in_the_past=False)))

    programme.plan(*ROWS, now=NOW)
    shoot(NOW)
    programme.run(at(day(8)))
    shoot(at(day(8)))
    programme.report("SAA-01", Level.MINIMUM, "chief", at(day(9)))
    shoot(at(day(9)))
    record.ask_reschedule(
        programme.services, programme.asked("SAA-01"), day(40), "rain", at(day(10))
    )
    shoot(at(day(10)))
    programme.plan(a_row(ref="SAA-05", due=day(30)), now=at(day(11)))
    programme.move("SAA-01", State.SUPERSEDED, "coord", at(day(12)), reason="a better one",
                   successor_id=programme.action("SAA-05").id)  # fmt: skip
    shoot(at(day(12)))
    programme.run(at(day(60)))
    shoot(at(day(60)))
    programme.report("SAA-05", Level.COMPLETED, "chief", at(day(61)))
    programme.move("SAA-05", State.VERIFIED, "mayor", at(day(62)), **SEEN)
    shoot(at(day(62)))
    programme.run(at(day(150)))
    shoot(at(day(150)))
    return shots


def test_lists_counts_and_exports_of_a_past_day_are_those_of_that_day(programme):
    shots = a_life(programme)

    for now, then in shots:
        assert said(programme, now, in_the_past=True) == then, now
    refs = [[one["ref"] for one in then["actions"]] for _now, then in shots]
    assert ["SAA-05" in each for each in refs] == [False] * 4 + [True] * 4


def test_the_events_alone_say_how_an_action_stood(programme):
    shots = a_life(programme)

    with programme.services.database.read() as connection:
        for now, then in shots:
            past = actions_at(connection, now)
            assert [a.version for a in past.values()] == [c["version"] for c in then["columns"]]
            assert [a.state for a in past.values()] == [c["state"] for c in then["columns"]]
        stored = {a.id: without_machinery(a) for a in map(programme.action, (*REFS, "SAA-05"))}
        assert actions_at(connection, at(day(200))) == stored
        assert actions_at(connection, at(day(200)), dialogue_id=99) == {}


def test_before_the_record_began_the_present_is_looked_at_as_if_it_were_then(programme):
    programme.plan(*ROWS, now=NOW)
    before = NOW - timedelta(days=90)

    then = said(programme, before, in_the_past=True)

    assert then["status"].total == len(ROWS)
    assert then["overdue"] == []
    with programme.services.database.read() as connection:
        assert not is_past(connection, before)


def test_a_letter_that_left_later_had_not_left_then(programme):
    programme.plan(a_row(), now=at(day(-20)))
    decided_at = at(day(3), 6)  # before the window opens: decided, and said hours later
    programme.sweep(decided_at)
    then = said(programme, decided_at, in_the_past=False)
    assert then["actions"][0]["rung_sent"] is None

    programme.deliver(at(day(3), 9))

    assert said(programme, decided_at, in_the_past=True) == then
    assert said(programme, at(day(3), 9), in_the_past=True)["actions"][0]["rung_sent"] == "R1"


def test_what_was_not_there_yet_is_not_shown_for_a_day_of_the_record(programme):
    programme.plan(*ROWS, now=NOW)
    programme.plan(a_row(ref="SAA-99"), now=at(day(30)))

    then = said(programme, at(day(10)), in_the_past=True)

    assert then["status"].total == len(ROWS)


def test_an_instant_after_the_last_event_reads_the_tables_themselves(programme):
    programme.plan(*ROWS, now=NOW)
    services = programme.services

    with services.database.read() as connection:
        assert not is_past(connection, NOW)
        assert not is_past(connection, NOW - timedelta(microseconds=1))
    with reading(services.database, at(day(300))) as connection:
        found = [row.next_check_at for row in connection.execute(select_actions())]
    assert any(found)  # the history does not know when the sweep looks again


def test_the_present_is_as_it_was_after_somebody_looked_at_the_past(programme):
    a_life(programme)
    now = at(day(151))
    before = said(programme, now, in_the_past=False)

    said(programme, NOW, in_the_past=True)

    assert said(programme, now, in_the_past=False) == before


def test_a_clock_that_was_set_back_takes_nothing_apart(programme):
    programme.plan(a_row(), now=at(day(5)))
    programme.report("SAA-01", Level.MINIMUM, "chief", at(day(7)))
    programme.report("SAA-01", Level.INTERMEDIATE, "chief", at(day(6)))

    with programme.services.database.read() as connection:
        [then] = actions_at(connection, at(day(6), 10)).values()
        [earlier] = actions_at(connection, at(day(5), 10)).values()

    assert (then.reported_level, then.version) == (Level.INTERMEDIATE, 3)
    assert earlier.version == 1


def test_what_happened_between_two_instants_is_told_once_and_in_order(programme):
    a_life(programme)

    with programme.services.database.read() as connection:
        everything = events_between(connection, NOW - timedelta(days=1), at(day(200)))
        halves = (
            *events_between(connection, NOW - timedelta(days=1), at(day(10))),
            *events_between(connection, at(day(10)), at(day(200))),
        )
        elsewhere = events_between(connection, NOW - timedelta(days=1), at(day(200)), 99)

    assert everything == halves
    assert elsewhere == ()
    assert [e.kind for e in everything][:4] == ["imported"] * 4


def a_step(what: str) -> st.SearchStrategy:
    return st.tuples(st.just(what), st.sampled_from(REFS), st.sampled_from(WHO), st.integers(0, 30))


STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(list(State)), st.sampled_from(REFS), st.sampled_from(WHO),
                  st.integers(0, 9)),
        st.tuples(st.sampled_from(list(Level)), st.sampled_from(REFS), st.sampled_from(WHO),
                  st.integers(0, 9)),
        a_step("reschedule"), a_step("call"), a_step("release"), a_step("sweep"), a_step("sweep"),
        a_step("import"),
    ),
    min_size=3, max_size=14,
)  # fmt: skip


def step(programme: Programme, what, ref: str, who: str, number: int, now) -> None:
    asked, services = programme.asked(ref, who), programme.services
    match what:
        case State():
            others = [other for other in REFS if other != ref]
            programme.move(
                ref, what, who, now, reason="as decided", note="seen", obstacle=Obstacle.PERMIT,
                review_on=now.date() + timedelta(days=number + 1), blocker="the prefecture",
                level=Level.MINIMUM, decided_on=now.date(), **SEEN,
                successor_id=programme.action(others[number % 3]).id,
            )  # fmt: skip
        case Level():
            programme.report(ref, what, who, now)
        case "reschedule":
            on = now.date() + timedelta(days=number)
            record.ask_reschedule(services, asked, on, "agreed", now)
        case "call":
            record.log_call(services, asked, "x", reached=number % 2 == 0, now=now)
        case "release":
            record.release(services, asked, now, refuse="" if number % 2 else "not now")
        case "import":
            row = a_row(
                ref=ref, action=f"Title {number}", due=day(number), notes=f"n{number % 3}",
                handling=("dialogue", "public")[number % 2],
                co_responsible=["Elders"] * (number % 2),
                depends_on=["SAA-01"] if ref != "SAA-01" and number % 3 else [],
            )  # fmt: skip
            row = {k: v for k, v in row.items() if k not in {"kind", "repeat", "state"}}
            if ref == "SAA-03":
                row = {**row, "kind": "recurring", "repeat": "monthly"}
            programme.plan(row, now=now)
        case _:
            programme.run(now)


@given(steps=STEPS)
@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_happens_the_past_stays_as_it_was_said(tmp_path, steps):
    original = tmp_path / "first.db"
    if not original.exists():
        first = a_programme(f"sqlite:///{original}", tmp_path)
        first.plan(*ROWS, now=NOW)
        first.services.database.checkpoint()
        first.close()
    number = len(list(tmp_path.glob("copy-*.db")))
    programme = a_copy(original, tmp_path, number)
    now, shots = NOW, []
    try:
        for what, ref, who, later in steps:
            now += timedelta(days=later, minutes=1)
            with suppress(EngineError, AssertionError):  # refused: then nothing may have changed
                step(programme, what, ref, who, later, now)
            shots.append((now, said(programme, now, in_the_past=False)))
        for then_at, then in shots:
            assert said(programme, then_at, in_the_past=True) == then
        with programme.services.database.read() as connection:
            assert list(broken_histories(connection)) == []
    finally:
        programme.close()
