"""Several actions changed at once: looked at first, then all of them or none."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import MONDAY, Programme, a_programme, a_row, at, day
from face_desk import Desk, on_both, url_for
from sqlalchemy import select

from engine.action import State
from engine.store.outbox_tables import holds

PICKS = re.compile(r'name="(pick-[^"]+)" value="(\d+)"')
LATER = {"deed": "reschedule", "days": "14", "reason": "rain; all agreed"}


@pytest.fixture
def programme(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(url_for(request), tmp_path)
    made.plan(
        a_row(due=day(10)),
        a_row(ref="SAA-02", action="Light the square", due=day(20), depends_on=["SAA-01"]),
        a_row(ref="SAA-03", action="Pay for lamps", state="proposed", agreed_on="", due=day(30)),
        now=at(MONDAY),
    )
    yield made
    made.close()


def picks(desk: Desk, *refs: str) -> dict[str, str]:
    """The ticks of these actions as the list offers them."""
    found = dict(PICKS.findall(desk.member("coord").get("/actions").text))
    return {name: version for name, version in found.items() if not refs or name[5:] in refs}


def state_of(desk: Desk) -> dict[str, tuple[object, object, int]]:
    found = [desk.programme.action(ref) for ref in ("SAA-01", "SAA-02", "SAA-03")]
    return {one.ref: (one.state, one.due_on, one.version) for one in found}


@on_both
def test_looking_writes_nothing_and_doing_writes_an_event_for_each(desk):
    visitor, ticked, before = desk.member("coord"), picks(desk), state_of(desk)
    assert len(ticked) == 3
    chosen = visitor.send("/bulk", **ticked)
    assert 'value="reschedule"' in chosen.text
    shown = visitor.send("/bulk", **ticked, **LATER, step="look")

    assert shown.status_code == 200
    assert state_of(desk) == before
    assert 'value="do"' in shown.text

    done = visitor.send("/bulk", **ticked, **LATER, step="do", back="/actions?state=agreed")
    assert done.headers["location"] == "/actions?state=agreed&changed=3"
    after = state_of(desk)
    assert [after[ref][1] for ref in sorted(after)] == [day(24), day(34), day(44)]
    assert all(desk.programme.history(ref)[-1] == "rescheduled" for ref in after)

    twice = visitor.send("/bulk", **ticked, **LATER, step="do")
    assert twice.status_code == 409
    assert state_of(desk) == after


def test_one_refusal_keeps_all_of_them_as_they_are(desk):
    visitor, ticked, before = desk.member("coord"), picks(desk), state_of(desk)
    agreed = {"deed": "agreed", "decided_on": MONDAY.isoformat()}
    refused = visitor.send("/bulk", **ticked, **agreed, step="do")

    assert refused.status_code == 409
    assert refused.text.count("From here it can become") == 2
    assert state_of(desk) == before
    fewer = visitor.send("/bulk", **picks(desk, "SAA-03"), **agreed, step="do")
    assert fewer.status_code == 303
    assert state_of(desk)["SAA-03"][0] is State.AGREED


@on_both
def test_what_one_change_sets_off_in_another_is_no_conflict(desk):
    """SAA-02 waits for SAA-01: its next event comes from the withdrawal of the first."""
    visitor = desk.member("coord")
    done = visitor.send(
        "/bulk", **picks(desk, "SAA-01", "SAA-02"), step="do",
        deed="withdrawn", reason="decided in the session", decided_on=MONDAY.isoformat(),
    )  # fmt: skip

    assert done.status_code == 303, done.text
    assert desk.programme.history("SAA-02")[-2:] == ["no_longer_waiting", "withdrawn"]


def test_somebody_who_was_faster_with_one_of_them_stops_all(desk):
    visitor, ticked = desk.member("coord"), picks(desk)
    desk.programme.move("SAA-01", State.REPORTED_DONE, "chief", at(MONDAY), note="it is open")
    before = state_of(desk)
    refused = visitor.send("/bulk", **ticked, **LATER, step="do")

    assert refused.status_code == 409
    assert "SAA-01 was changed by somebody else" in refused.text
    assert state_of(desk) == before
    assert "Look at them as they stand now" in refused.text
    version = desk.programme.action().version
    assert f'name="pick-SAA-01" value="{version}"' in refused.text  # no dead end


def test_messages_about_several_are_held_together(desk):
    visitor = desk.member("coord")
    sent = visitor.send(
        "/bulk", **picks(desk, "SAA-01", "SAA-02"), deed="hold", step="do", reason="a funeral"
    )

    assert sent.status_code == 303, sent.text
    assert len(desk.programme.rows(select(holds.c.id))) == 2


def test_only_a_coordinator_is_offered_it_and_only_their_actions_count(desk):
    for key in ("chief", "committee", "manager"):
        visitor = desk.member(key)
        assert "pick-" not in visitor.get("/actions").text
        assert visitor.send("/bulk", **{"pick-SAA-01": "1"}, **LATER).status_code == 403, key
    visitor = desk.member("coord")
    nothing = visitor.send("/bulk", **{"pick-NON-01": "1"}, **LATER, step="do")
    assert nothing.status_code == 422
    assert "at least one" in nothing.text


def test_what_is_missing_is_said_at_its_field_and_the_ticks_stay(desk):
    visitor, ticked = desk.member("coord"), picks(desk, "SAA-01")
    for typed, wrong in (
        ({"days": "14", "due_on": "2026-09-01", "reason": "r"}, "due_on"),
        ({"reason": "r"}, "due_on"),
        ({"days": "a lot", "reason": "r"}, "days"),
        ({"days": "99999999", "reason": "r"}, "days"),
        ({"days": "14"}, "reason"),
    ):
        answer = visitor.send("/bulk", **ticked, deed="reschedule", step="do", **typed)
        assert answer.status_code == 422, typed
        assert f'id="w-{wrong}"' in answer.text
        assert 'name="pick-SAA-01"' in answer.text
