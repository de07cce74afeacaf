"""Releases: who must agree, that they lapse, and that nothing leaves by the way around them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from builders import MONDAY, PEOPLE, RETRY, Programme, a_dialogue, a_programme, a_row, at, day
from sqlalchemy import select

from engine.action import Level
from engine.errors import BadValue, ForbiddenMove
from engine.escalate import Wish
from engine.ladder import DEFAULT, Consent, Ladder
from engine.store.brakes import unreleased
from engine.store.outbox_tables import NoticeStatus, messages
from workflows import record
from workflows.audit import audit
from workflows.record import Asked
from workflows.releasing import Lapses, lapse_releases

NOW = at(MONDAY)
SUPERIOR = "liaison@region.example"
MEMBERS = (
    {"key": "for-forces", "function": "Member for the forces", "party": "Police post",
     "role": "committee", "email": "forces@committee.example"},
    {"key": "for-hall", "function": "Member for the hall", "party": "Town hall",
     "role": "committee", "email": "hall@committee.example"},
    {"key": "for-elders", "function": "Member for the elders", "party": "Elders",
     "role": "committee", "email": "elders@committee.example"},
)  # fmt: skip


def asking(rule: Consent) -> Ladder:
    return replace(DEFAULT, name="ours", rungs=tuple(
        replace(rung, consent=rule) if rung.name == "E3" else rung for rung in DEFAULT.rungs
    ))  # fmt: skip


def late(made: Programme, **row: object) -> Programme:
    """Late for ninety days, and so far that the superior's rung waits since Thursday."""
    people = [*map(dict, PEOPLE), *map(dict, MEMBERS)]
    made.plan(a_row(due=day(-90), **row), now=NOW, dialogues={"SAA": a_dialogue(people=people)})
    for offset in range(4):
        made.run(at(day(offset)))
    assert waits(made) == ["E3"]
    return made


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path)
    yield made
    made.close()


@pytest.fixture
def both_sides(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path, ladder=asking(Consent.BOTH_SIDES))
    yield late(made)
    made.close()


def waits(programme: Programme) -> list[str]:
    with programme.services.database.read() as connection:
        found = unreleased(programme.services.directory(connection), 10)
    return [each.kept.rung for each in found]


def asked(programme: Programme):
    with programme.services.database.read() as connection:
        [found] = unreleased(programme.services.directory(connection), 10)
    return found


def the_rung(programme: Programme):
    [row] = [row for row in programme.notices() if row.rung == "E3"]
    return row


def release(programme: Programme, by: str, now, **said: str):
    return record.release(programme.services, Asked(ref="SAA-01", by=by), now, **said)


def hold(programme: Programme, until: int | None) -> None:
    record.hold(
        programme.services, (None, None), from_on=day(3),
        until_on=None if until is None else day(until), by="coord", reason="a funeral",
    )  # fmt: skip


def test_what_was_released_and_waits_too_long_needs_a_new_release(programme):
    late(programme)
    hold(programme, until=24)
    release(programme, "coord", at(day(4)))  # a Friday
    for offset in range(4, 26):
        programme.run(at(day(offset)))

    assert SUPERIOR not in programme.postbox.recipients
    assert the_rung(programme).status is NoticeStatus.UNRELEASED
    assert programme.history()[-1] == "release_lapsed"

    release(programme, "coord", at(day(28)))
    programme.run(at(day(28)))
    assert programme.postbox.recipients.count(SUPERIOR) == 1


def test_a_release_holds_for_ten_working_days(programme):
    late(programme)
    hold(programme, until=17)
    release(programme, "coord", at(day(4)))
    for offset in range(4, 19):
        programme.run(at(day(offset)))

    assert programme.postbox.recipients.count(SUPERIOR) == 1  # the tenth, a Friday


def test_the_audit_lets_it_lapse_although_nothing_could_leave(programme):
    late(programme)
    hold(programme, until=None)
    release(programme, "coord", at(day(4)))
    programme.run(at(day(5)))

    assert lapse_releases(programme.services, at(day(18))) == Lapses()
    assert lapse_releases(programme.services, at(day(21))) == Lapses(lapsed=1)
    assert lapse_releases(programme.services, at(day(21))) == Lapses()
    assert waits(programme) == ["E3"]
    record.resume(programme.services, (None, None), at(day(22)))
    programme.run(at(day(22)))
    assert SUPERIOR not in programme.postbox.recipients


def test_a_message_that_could_not_leave_for_so_long_does_not_leave_with_an_old_release(programme):
    late(programme)
    release(programme, "coord", at(day(4)))
    programme.postbox.for_address = {SUPERIOR: RETRY}
    programme.run(at(day(4)))
    programme.postbox.for_address = {}
    hold(programme, until=24)
    for offset in range(7, 30):
        programme.run(at(day(offset)))

    assert SUPERIOR not in programme.postbox.recipients
    assert the_rung(programme).status is NoticeStatus.UNRELEASED
    with programme.services.database.read() as connection:
        statuses = connection.scalars(
            select(messages.c.status).where(messages.c.recipient == SUPERIOR)
        ).all()
    assert [str(status) for status in statuses] == ["struck"]


def test_nobody_answers_and_after_twice_the_time_it_is_given_up(programme):
    late(programme)
    for offset in range(4, 34):
        programme.run(at(day(offset)))
        audit(programme.services, at(day(offset), 12))

    row = the_rung(programme)
    assert (row.status, row.outcome) == (
        NoticeStatus.STRUCK, "nobody released it within 20 working days",
    )  # fmt: skip
    assert programme.history().count("release_expired") == 1
    told = [rung for rung, who in programme.said() if rung == "watch:unreleased" and who == "coord"]
    assert len(told) == 3  # in the third week, the fourth and the fifth; the day after, no more
    with pytest.raises(BadValue, match="nothing of it waits"):
        release(programme, "coord", at(day(34)))


def test_what_is_no_longer_true_goes_without_a_word(programme):
    late(programme)
    programme.report("SAA-01", Level.INTERMEDIATE, "chief", at(day(4)))

    assert lapse_releases(programme.services, at(day(4))) == Lapses()
    assert the_rung(programme).status is NoticeStatus.STRUCK
    assert "release_expired" not in programme.history()


def test_two_sides_agree_and_then_it_leaves(both_sides):
    release(both_sides, "for-hall", at(day(4)))
    both_sides.run(at(day(4)))

    found = asked(both_sides)
    assert (found.asking.agreed, found.asking.missing) == (("authority",), ("security",))
    assert SUPERIOR not in both_sides.postbox.recipients
    assert both_sides.history()[-1] == "consented"

    release(both_sides, "for-forces", at(day(4), 10))
    both_sides.run(at(day(4), 10))
    assert both_sides.postbox.recipients.count(SUPERIOR) == 1
    assert both_sides.history().count("consented") == 2
    assert both_sides.history().count("released") == 1


@pytest.mark.parametrize("by", ["chief", "mayor", "elder", "region", "for-elders", "manager"])
def test_nobody_else_has_a_say(both_sides, by):
    before = both_sides.history()

    with pytest.raises(ForbiddenMove):
        release(both_sides, by, at(day(4)))
    with pytest.raises(ForbiddenMove):
        release(both_sides, by, at(day(4)), refuse="no")
    assert both_sides.history() == before


def test_a_coordinator_does_not_speak_for_the_sides_but_can_say_no(both_sides):
    with pytest.raises(ForbiddenMove, match="of security and of authority"):
        release(both_sides, "coord", at(day(4)))

    release(both_sides, "for-hall", at(day(4)))
    release(both_sides, "coord", at(day(4)), refuse="they meet on Monday")

    assert the_rung(both_sides).status is NoticeStatus.STRUCK
    for offset in range(5, 15):
        both_sides.run(at(day(offset)))
    assert SUPERIOR not in both_sides.postbox.recipients


def test_escalating_now_does_not_go_around_those_who_must_agree(both_sides):
    programme = both_sides
    programme.report("SAA-01", Level.INTERMEDIATE, "chief", at(day(4)))  # a new run
    for offset in range(5, 13):
        programme.run(at(day(offset)))

    _action, done = record.escalate(
        programme.services, Asked(ref="SAA-01", by="coord"),
        Wish(reason="it burns", rung="E3", despite="it burns"), at(day(14)),
    )  # fmt: skip
    programme.run(at(day(14)))

    assert done.new
    assert SUPERIOR not in programme.postbox.recipients
    assert waits(programme) == ["E3"]


def test_a_consent_of_before_a_lapse_does_not_count_after_it(both_sides):
    hold(both_sides, until=None)
    release(both_sides, "for-hall", at(day(4)))
    release(both_sides, "for-forces", at(day(4)))
    assert lapse_releases(both_sides.services, at(day(21))).lapsed == 1

    release(both_sides, "for-hall", at(day(22)))

    found = asked(both_sides)
    assert (found.asking.agreed, found.asking.missing) == (("authority",), ("security",))


def test_a_ladder_that_asks_fewer_does_not_change_a_running_case(both_sides):
    both_sides.services = replace(both_sides.services, ladder=DEFAULT)

    with pytest.raises(ForbiddenMove):
        release(both_sides, "coord", at(day(4)))


def test_the_committee_alone_is_enough_where_the_ladder_says_so(database_url, tmp_path):
    made = a_programme(database_url, tmp_path, ladder=asking(Consent.COMMITTEE))
    late(made)
    with pytest.raises(ForbiddenMove, match="member of its committee"):
        release(made, "coord", at(day(4)))

    release(made, "for-elders", at(day(4)))
    made.run(at(day(4)))

    assert made.postbox.recipients.count(SUPERIOR) == 1
    made.close()


def test_a_list_says_until_when_it_is_waited_for(programme):
    late(programme)

    found = asked(programme)

    assert found.asked_at.date() == day(3)
    assert found.lapses_on == day(3) + timedelta(days=29)  # 21 working days
