"""What several owe together, and what others wait for: a confirmation a side, a lapse for all."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import MONDAY, Programme, a_programme, a_row, at, day

from engine.action import Level, State

NOW = at(MONDAY)
SEEN = {"method": "a visit", "seen": "both keep watch"}


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path)
    yield made
    made.close()


def test_each_side_of_a_joint_action_is_asked_and_confirms(programme):
    programme.plan(a_row(co_responsible=["Elders"]), now=NOW)
    programme.report("SAA-01", Level.COMPLETED, "deputy", NOW)

    programme.run(NOW)
    assert [who for rung, who in programme.said() if rung == "V1"] == ["chief", "elder"]

    programme.move("SAA-01", State.VERIFIED, "elder", at(day(1)), **SEEN)
    assert programme.action().state is State.REPORTED_DONE
    programme.move("SAA-01", State.VERIFIED, "chief", at(day(1)), **SEEN)
    assert programme.action().state is State.VERIFIED
    assert programme.history()[-2:] == ["confirmed", "verified"]


def test_what_depends_on_an_action_that_lapses_by_itself_waits_again(programme):
    programme.plan(
        a_row(kind="recurring", repeat="monthly", due=day(2), state="in_force"),
        a_row(ref="SAA-02", depends_on=["SAA-01"], due=day(200)),
        now=NOW,
    )
    assert not programme.action("SAA-02").waiting

    for offset in range(60):
        programme.run(at(day(offset)))

    assert programme.action("SAA-01").state is State.IN_PROGRESS
    assert programme.action("SAA-02").waiting
    assert programme.history("SAA-02")[-1] == "waiting"
