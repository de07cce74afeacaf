"""Everything out again, and in again: the same."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import MONDAY, PEOPLE, Programme, a_dialogue, a_programme, a_row, at, day

from config.plan_columns import COLUMNS, FROM_A_PLAN
from engine.action import Level, State
from engine.store.exporting import LEFT_OUT, everything, plan_rows
from engine.store.tables import METADATA
from workflows.intake import take_in

NOW = at(MONDAY)


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    (tmp_path / "one").mkdir()
    made = a_programme(database_url, tmp_path / "one")
    yield made
    made.close()


def exported(programme: Programme) -> str:
    sheet = io.StringIO()
    with programme.services.database.read() as connection:
        rows = list(plan_rows(connection))
    assert all(set(row) <= set(COLUMNS) for row in rows)
    writer = csv.DictWriter(sheet, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return sheet.getvalue()


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def in_again(text: str, folder: Path) -> tuple[str, Programme]:
    """The export of an empty programme into which that export was taken."""
    folder.mkdir()
    other = a_programme(f"sqlite:///{folder / 'other.db'}", folder)
    plan = folder / "export.csv"
    plan.write_text(text, encoding="utf-8")
    taken = take_in(other.services, plan, None, NOW)
    assert taken.errors == ()
    return exported(other), other


def every_state(programme: Programme) -> None:
    awkward = 'Say "yes"; then, on line two:\n=SUM(A1), é, عهد'
    programme.plan(
        a_row(ref="SAA-01", state="proposed", agreed_on=None, due=""),
        a_row(ref="SAA-02", state="agreed", action=awkward, commitment=awkward),
        a_row(ref="SAA-03", state="in_progress", handling="restricted", evidence="photographs"),
        a_row(ref="SAA-04", state="blocked", notes="the bank", review_on=day(9)),
        a_row(ref="SAA-05", state="reported_done", co_responsible=["Elders", "Region"]),
        a_row(ref="SAA-06", state="verified", depends_on=["SAA-02", "SAA-03"]),
        a_row(ref="SAA-07", state="in_force", kind="recurring", repeat="monthly", due=day(9)),
        a_row(ref="SAA-08", state="in_force", kind="standing",
              repeat="FREQ=WEEKLY;BYDAY=MO", due=day(7), handling="closed"),
        a_row(ref="SAA-09", responsible="Elders", verifier="", state="agreed"),
        now=NOW,
    )  # fmt: skip


def test_an_export_taken_into_an_empty_programme_exports_the_same(programme, tmp_path):
    every_state(programme)
    first = exported(programme)

    second, other = in_again(first, tmp_path / "two")

    assert rows_of(second) == rows_of(first)
    assert second == first
    assert {row["state"] for row in rows_of(first)} == {s.value for s in FROM_A_PLAN}
    other.close()


def test_an_export_taken_in_where_it_came_from_moves_nothing(programme, tmp_path):
    every_state(programme)
    text = exported(programme)
    plan = tmp_path / "export.csv"
    plan.write_text(text, encoding="utf-8")
    before = {ref: programme.action(ref) for ref in (f"SAA-{n:02}" for n in range(1, 10))}

    take_in(programme.services, plan, None, NOW)
    take_in(programme.services, plan, None, NOW)

    for ref, action in before.items():
        after = programme.action(ref)
        assert (after.state, after.due_on, after.due_rev, after.title) == (
            action.state,
            action.due_on,
            action.due_rev,
            action.title,
        )
    assert exported(programme) == text


def test_addresses_come_out_even_where_the_row_did_not_name_them(programme):
    programme.plan(a_row(), now=NOW)

    [row] = rows_of(exported(programme))

    assert row["responsible_email"] == "chief@post.example"
    assert row["alternate_email"] == "deputy@post.example"
    assert row["verifier_email"] == "mayor@hall.example"
    assert row["coordinator_email"] == "coord@saaba.example"
    assert (row["responsible_side"], row["verifier_side"]) == ("security", "authority")


def test_whoever_takes_an_export_in_elsewhere_reminds_the_same_people(programme, tmp_path):
    programme.plan(a_row(due=day(-60)), now=NOW)
    programme.run(NOW)

    _text, other = in_again(exported(programme), tmp_path / "two")
    other.run(NOW)

    assert sorted(other.postbox.recipients) == sorted(programme.postbox.recipients)
    other.close()


def test_a_party_reached_by_telephone_alone_keeps_its_number(programme, tmp_path):
    by_phone = [
        {**p, "email": "", "phone": "+226 00 00 00 01"} if p["key"] == "chief" else dict(p)
        for p in PEOPLE
    ]
    programme.plan(a_row(), now=NOW, dialogues={"SAA": a_dialogue(people=by_phone)})

    text, other = in_again(exported(programme), tmp_path / "two")

    assert rows_of(text)[0]["responsible_phone"] == "+22600000001"
    other.close()


def test_what_people_did_since_is_in_the_export(programme):
    programme.plan(a_row(ref="SAA-01"), a_row(ref="SAA-02"), now=NOW)
    programme.report("SAA-01", Level.COMPLETED, "chief", NOW)
    programme.move("SAA-02", State.WITHDRAWN, "coord", NOW, reason="no")

    assert [row["state"] for row in rows_of(exported(programme))] == ["reported_done", "withdrawn"]


def test_the_whole_record_is_one_json_value_with_every_table(programme):
    every_state(programme)
    programme.run(NOW)

    with programme.services.database.read() as connection:
        found = everything(connection, {})

    again = json.loads(json.dumps(found))
    assert set(again) == set(METADATA.tables) - LEFT_OUT | {"fingerprints"}
    assert len(again["actions"]) == 9
    assert all(isinstance(event["payload"], dict) for event in again["events"])
    assert all(len(event["hash"]) == 64 for event in again["events"])
