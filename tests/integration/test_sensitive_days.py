"""Sensitive days: what is said waits for their end, and only what is still true is said then."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from builders import MONDAY, PEOPLE, Programme, a_dialogue, a_programme, a_row, at, day
from face_desk import open_face

from config.plan import read_plan
from engine.action import Level
from engine.errors import BadValue, UnknownThing
from engine.sensitive import Quiet, SensitiveDay
from engine.store.outbox_tables import NoticeStatus
from engine.store.sensitive import sensitive_of
from workflows import quiet
from workflows.audit import audit
from workflows.rehearse import Wanted, rehearse

NOW = at(MONDAY)
CHIEF = "chief@post.example"


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path)
    yield made
    made.close()


def a_day(first: int, last: int | None = None, **changes: object) -> SensitiveDay:
    given: dict[str, object] = {
        "name": "Election", "from_on": day(first), "until_on": day(first if last is None else last),
        "by": "coord", "reason": "nobody may be seen to press anybody",
    }  # fmt: skip
    return SensitiveDay(**{**given, **changes})  # type: ignore[arg-type]


def keep(programme: Programme, *args: int, **changes: object) -> int:
    return quiet.keep(programme.services, "Saaba", a_day(*args, **changes)).id


def test_a_reminder_waits_for_the_end_of_the_quiet_and_is_said_once(programme):
    programme.plan(a_row(due=day(-5)), now=NOW)
    keep(programme, 0, 2)
    for offset in range(3):
        programme.run(at(day(offset)))
    assert programme.postbox.recipients == []

    programme.run(at(day(3)))

    assert programme.postbox.recipients == [CHIEF]
    assert programme.deliver(at(day(3), 10)).sent == 0


def test_what_is_no_longer_true_is_struck_and_never_said(programme):
    programme.plan(a_row(due=day(-5)), now=NOW)
    keep(programme, 0, 2)
    programme.run(at(day(0)))
    programme.report("SAA-01", Level.INTERMEDIATE, "chief", at(day(1)))
    for offset in range(1, 4):
        programme.run(at(day(offset)))

    assert programme.postbox.recipients == []
    [row] = [row for row in programme.notices() if row.rung == "R1"]
    assert row.status is NoticeStatus.STRUCK


def test_the_dialogue_next_door_hears_as_ever(programme):
    other = a_dialogue(
        name="Jos", people=[{**dict(person), "key": f"j-{person['key']}"} for person in PEOPLE]
    )
    programme.plan(
        a_row(due=day(-5)), a_row(ref="JOS-01", dialogue="JOS", due=day(-5)),
        now=NOW, dialogues={"SAA": a_dialogue(), "JOS": other},
    )  # fmt: skip
    keep(programme, 0, 2)

    programme.run(NOW)

    assert [key for _rung, key in programme.said()] != []
    assert programme.postbox.recipients == [CHIEF]  # of Jos


def test_on_a_day_for_escalations_reminders_leave_and_what_goes_up_waits(programme):
    programme.plan(a_row(due=day(-60)), now=NOW)
    keep(programme, 0, 9, what=Quiet.ESCALATIONS)
    for offset in range(10):
        programme.run(at(day(offset)))
    assert CHIEF in programme.postbox.recipients
    assert goes_up(programme) == {"pending"}

    programme.run(at(day(10)))

    assert goes_up(programme) == {"sent"}


def goes_up(programme: Programme) -> set[str]:
    return {str(row.status) for row in programme.notices() if row.rung == "E1"}


def test_a_letter_under_way_stops_for_a_day_that_is_put_now(programme):
    from builders import RETRY

    programme.plan(a_row(due=day(-5)), now=NOW)
    programme.postbox.answers = [RETRY]
    programme.run(NOW)
    keep(programme, 0, 2)

    for offset in range(3):
        programme.run(at(day(offset), 12))
    assert programme.postbox.recipients == []
    programme.run(at(day(3)))
    assert programme.postbox.recipients == [CHIEF]


def test_a_person_far_to_the_east_is_not_written_to_while_it_is_that_day_at_home(programme):
    """In Tonga Thursday has begun at half past eight when it is Wednesday evening in Saaba."""
    people = [
        {**person, "timezone": "Pacific/Tongatapu"} if person["key"] == "chief" else person
        for person in PEOPLE
    ]
    programme.plan(a_row(due=day(-5)), now=NOW, dialogues={"SAA": a_dialogue(people=people)})
    keep(programme, 0, 2)
    programme.sweep(NOW)

    for hour in range(20, 24):
        programme.deliver(datetime(2026, 6, 3, hour, tzinfo=UTC))
    assert programme.postbox.recipients == []
    programme.deliver(datetime(2026, 6, 4, 0, tzinfo=UTC))
    assert programme.postbox.recipients == [CHIEF]


def test_a_yearly_day_keeps_quiet_in_later_years(programme):
    keep_from = date(2020, 6, 1)
    programme.plan(a_row(due=day(-5)), now=NOW)
    keep(programme, 0, from_on=keep_from, until_on=keep_from, yearly=True)

    programme.run(NOW)

    assert programme.postbox.recipients == []


def test_a_quiet_is_nothing_that_is_late(programme):
    programme.plan(a_row(due=day(-5)), now=NOW)
    keep(programme, 0, 9)
    programme.run(NOW)

    for offset in range(1, 9):
        programme.run(at(day(offset)))
        assert not audit(programme.services, at(day(offset), 17)).watched.found


def test_a_rehearsal_knows_it(programme):
    programme.plan(a_row(due=day(-5)), now=NOW)
    keep(programme, 0, 2)

    done = rehearse(programme.services, Wanted(until_on=day(4)), NOW)

    assert [line.day for line in done.lines if line.to == CHIEF] == [day(3)]
    assert done.quiet == (f"Saaba, {day(0)} to {day(2)}: Election (nothing leaves)",)


def test_taken_out_again_what_waited_leaves_and_the_day_stays_on_record(programme):
    programme.plan(a_row(due=day(-5)), now=NOW)
    number = keep(programme, 0, 9)
    programme.run(NOW)
    [shown] = quiet.shown(programme.services, "Saaba", NOW)
    assert (shown.in_force, [held.rung for held in shown.held]) == (True, ["R1"])

    quiet.end(programme.services, number, "coord", "it was put off", at(day(0), 10))
    programme.run(at(day(0), 10))

    assert programme.postbox.recipients == [CHIEF]
    assert quiet.shown(programme.services, "", NOW) == []
    with pytest.raises(UnknownThing):
        quiet.end(programme.services, number, "coord", "twice", NOW)
    assert keep(programme, 0, 9) > number


def test_the_board_says_that_a_dialogue_is_kept_quiet_and_offers_nothing_to_lift(programme):
    programme.plan(a_row(due=day(-5)), now=NOW)
    keep(programme, 0, 2)
    programme.run(NOW)

    with open_face(programme) as desk:
        coord = desk.member("coord")
        assert "No message about" in coord.get("/actions").text
        page = coord.get("/holds").text

    assert "Election: nobody may be seen to press anybody" in page
    assert "1 message waits" in page
    assert "/holds/lift" not in page


def test_the_same_day_twice_is_refused(programme):
    programme.plan(a_row(), now=NOW)
    keep(programme, 0, 9)

    with pytest.raises(BadValue, match="on record already"):
        keep(programme, 0, 9)


PLANNED = {
    "sensitive_days": [
        {"from": "2026-06-01", "to": "2026-06-03", "name": "Election", "who": "coord",
         "why": "campaign"},
        {"from": "2020-04-07", "name": "Remembrance", "yearly": "yes", "what": "escalations",
         "who": "coord", "why": "the dead are mourned"},
    ]
}  # fmt: skip


def test_a_plan_brings_them_once_and_not_again_once_they_were_taken_out(programme):
    for _ in range(2):
        programme.plan(a_row(due=day(-5)), now=NOW, dialogues={"SAA": a_dialogue(**PLANNED)})
    with programme.services.database.read() as connection:
        found = sensitive_of(connection)
    assert [(kept.day.name, kept.day.yearly, kept.day.what) for kept in found] == [
        ("Remembrance", True, Quiet.ESCALATIONS),
        ("Election", False, Quiet.ALL),
    ]

    quiet.end(programme.services, found[1].id, "coord", "it was put off", NOW)
    programme.plan(a_row(due=day(-5)), now=NOW, dialogues={"SAA": a_dialogue(**PLANNED)})

    assert [one.kept.day.name for one in quiet.shown(programme.services, "", NOW)] == [
        "Remembrance"
    ]


@pytest.mark.parametrize(
    ("said", "column"),
    [
        ("{to: 2026-06-03, name: x, who: y, why: z}", "from"),
        ("{from: 2026-06-03, to: 2026-06-01, name: x, who: y, why: z}", "to"),
        ("{from: 2026-06-03, name: x, who: y}", "why"),
        ("{from: 2026-06-03, name: x, who: y, why: z, what: nothing}", "what"),
        ("{from: 03/06/2026, name: x, who: y, why: z}", "from"),
        ("{from: 2026-06-03, name: x, who: y, why: z, on: 1}", "on"),
    ],
)
def test_what_a_plan_cannot_mean_is_refused_with_its_line(tmp_path, said, column):
    path = tmp_path / "plan.yaml"
    path.write_text(
        "dialogues:\n  SAA:\n    name: Saaba\n    sensitive_days:\n"
        f"      - {said}\n"
        "actions:\n  - {dialogue: SAA, action: a, responsible: b}\n"
    )

    errors = read_plan(path).errors

    assert [(error.row, error.column) for error in errors] == [(5, column)]
