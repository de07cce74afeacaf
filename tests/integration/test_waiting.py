"""Dependencies, written down: who waits for whom, and when nobody waits any more."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import (
    MONDAY,
    PARTIES,
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
    CircularDependency,
)
from engine.store.acting import refuse_circle
from engine.store.intake import depend
from engine.store.tables import dependencies

NOW = at(MONDAY)
SEEN = {"method": "a visit", "seen": "the gate is open"}
A_BLOCK = {"obstacle": Obstacle.MONEY, "blocker": "the bank", "review_on": day(20)}


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path)
    yield made
    made.close()


def land_and_station(programme: Programme, **changes) -> None:
    programme.plan(
        a_row(ref="SAA-01"),
        a_row(ref="SAA-02", depends_on=["SAA-01"], **changes),
        now=NOW,
    )


def test_an_action_waits_for_its_dependency_and_is_freed_when_that_is_verified(programme):
    land_and_station(programme)
    assert programme.action("SAA-02").waiting
    assert programme.action("SAA-02").next_check_at is None

    programme.report("SAA-01", Level.COMPLETED, "chief", at(day(9)))
    assert programme.action("SAA-02").waiting
    programme.move("SAA-01", State.VERIFIED, "mayor", at(day(9)), **SEEN)

    freed = programme.action("SAA-02")
    assert (freed.waiting, freed.anchor_on) == (False, day(9))
    assert freed.next_check_at == at(day(9))
    assert programme.history("SAA-02") == ["imported", "waiting", "no_longer_waiting"]


def test_whoever_waited_long_is_not_called_silent_when_it_is_over(programme):
    land_and_station(programme, due=day(300).isoformat())
    programme.move("SAA-01", State.WITHDRAWN, "coord", at(day(90)), reason="not needed")

    programme.run(at(day(90)))
    programme.run(at(day(91)))

    assert programme.said("SAA-02") == []


@pytest.mark.parametrize("end", ["withdrawn", "not_implemented"])
def test_a_dependency_that_will_never_be_holds_nobody(programme, end):
    land_and_station(programme)

    programme.move("SAA-01", State(end), "coord", NOW, reason="the committee chose otherwise")

    assert not programme.action("SAA-02").waiting


def test_a_dependency_that_is_reopened_holds_again(programme):
    land_and_station(programme)
    programme.report("SAA-01", Level.COMPLETED, "chief", NOW)
    programme.move("SAA-01", State.VERIFIED, "mayor", NOW, **SEEN)

    programme.move("SAA-01", State.IN_PROGRESS, "coord", NOW, reason="it fell down")

    waits = programme.action("SAA-02")
    assert (waits.waiting, waits.next_check_at) == (True, None)


def test_a_block_by_a_dependency_goes_by_itself_when_the_last_one_is_met(programme):
    programme.plan(
        a_row(ref="SAA-01"),
        a_row(ref="SAA-02"),
        a_row(ref="SAA-03", depends_on=["SAA-01", "SAA-02"]),
        now=NOW,
    )
    programme.move(
        "SAA-03", State.BLOCKED, "chief", NOW, obstacle=Obstacle.OTHER, review_on=day(20)
    )

    programme.move("SAA-01", State.WITHDRAWN, "coord", NOW, reason="no")
    assert programme.action("SAA-03").state is State.BLOCKED
    programme.move("SAA-02", State.WITHDRAWN, "coord", NOW, reason="no")

    freed = programme.action("SAA-03")
    assert (freed.state, freed.waiting, freed.review_on) == (State.IN_PROGRESS, False, None)
    assert programme.history("SAA-03")[-1] == "freed"


def test_a_block_by_something_named_does_not_go_by_itself(programme):
    land_and_station(programme)
    programme.move("SAA-02", State.BLOCKED, "chief", NOW, **A_BLOCK)

    programme.move("SAA-01", State.WITHDRAWN, "coord", NOW, reason="no")

    assert programme.action("SAA-02").state is State.BLOCKED
    assert not programme.action("SAA-02").waiting


def test_a_claim_or_dispute_of_what_waits_is_looked_at_all_the_same(programme):
    land_and_station(programme)

    claimed = programme.report("SAA-02", Level.COMPLETED, "chief", NOW)
    assert claimed.next_check_at == NOW
    programme.sweep(NOW)
    assert programme.said("SAA-02") == [("V1", "mayor")]

    disputed = programme.move("SAA-02", State.DISPUTED, "mayor", NOW, reason="not so")
    assert disputed.next_check_at == NOW


def test_a_dependency_that_was_met_during_a_dispute_holds_nobody_after_it(programme):
    land_and_station(programme)
    programme.move("SAA-02", State.DISPUTED, "mayor", NOW, reason="not so")
    programme.move("SAA-01", State.WITHDRAWN, "coord", NOW, reason="no")

    back = programme.move(
        "SAA-02", State.IN_PROGRESS, "coord", NOW, reason="go on", decided_on=MONDAY
    )

    assert (back.waiting, back.next_check_at) == (False, NOW)


def test_a_dependency_reopened_during_a_dispute_holds_after_it(programme):
    land_and_station(programme)
    programme.move("SAA-01", State.WITHDRAWN, "coord", NOW, reason="no")
    programme.move("SAA-02", State.DISPUTED, "mayor", NOW, reason="not so")
    programme.move("SAA-01", State.IN_PROGRESS, "coord", NOW, reason="after all")

    back = programme.move(
        "SAA-02", State.IN_PROGRESS, "coord", NOW, reason="go on", decided_on=MONDAY
    )

    assert (back.waiting, back.next_check_at) == (True, None)


def test_what_waited_for_a_superseded_action_waits_for_its_successor(programme):
    programme.plan(
        a_row(ref="SAA-01"), a_row(ref="SAA-02", depends_on=["SAA-01"]), a_row(ref="SAA-09"),
        now=NOW,
    )  # fmt: skip
    successor = programme.action("SAA-09")

    programme.move(
        "SAA-01", State.SUPERSEDED, "coord", NOW, reason="new site", successor_id=successor.id
    )

    [edge] = programme.rows(select(dependencies))
    assert edge.needs_id == successor.id
    assert programme.action("SAA-02").waiting


def test_a_successor_that_is_met_already_holds_nobody(programme):
    programme.plan(
        a_row(ref="SAA-01"), a_row(ref="SAA-02", depends_on=["SAA-01"]),
        a_row(ref="SAA-09", state="verified"), now=NOW,
    )  # fmt: skip
    successor = programme.action("SAA-09")

    programme.move(
        "SAA-01", State.SUPERSEDED, "coord", NOW, reason="new site", successor_id=successor.id
    )

    assert not programme.action("SAA-02").waiting


def test_a_successor_does_not_wait_for_what_it_replaces(programme):
    programme.plan(a_row(ref="SAA-01"), a_row(ref="SAA-02", depends_on=["SAA-01"]), now=NOW)
    successor = programme.action("SAA-02")

    programme.move(
        "SAA-01", State.SUPERSEDED, "coord", NOW, reason="new site", successor_id=successor.id
    )

    assert programme.rows(select(dependencies)) == []
    assert not programme.action("SAA-02").waiting


def test_a_succession_that_closes_a_circle_is_refused_with_its_path_and_undone(programme):
    programme.plan(
        a_row(ref="SAA-01"), a_row(ref="SAA-02", depends_on=["SAA-01"]),
        a_row(ref="SAA-09", depends_on=["SAA-02"]), now=NOW,
    )  # fmt: skip
    successor = programme.action("SAA-09")

    with pytest.raises(CircularDependency, match=r"SAA-0[29] → SAA-0[29] → SAA-0[29]\."):
        programme.move(
            "SAA-01", State.SUPERSEDED, "coord", NOW, reason="x", successor_id=successor.id
        )

    assert programme.action("SAA-01").state is State.IN_PROGRESS
    assert len(programme.rows(select(dependencies))) == 2


def test_a_circle_through_another_dialogue_is_a_circle(programme):
    other = {"name": "Jos", "timezone": "Africa/Lagos", "languages": ["en"],
             "parties": [dict(p) for p in PARTIES],
             "people": [{**p, "key": f"jos-{p['key']}"} for p in PEOPLE]}  # fmt: skip
    programme.plan(
        a_row(ref="SAA-01"), a_row(ref="JOS-01", dialogue="JOS"),
        now=NOW, dialogues={"SAA": a_dialogue(), "JOS": other},
    )  # fmt: skip
    saaba, jos = programme.action("SAA-01"), programme.action("JOS-01")

    with programme.services.database.write() as connection:
        depend(connection, [(saaba.id, jos.id), (jos.id, saaba.id)])
        with pytest.raises(CircularDependency, match="SAA-01"):
            refuse_circle(connection, saaba.dialogue_id)
        connection.rollback()
