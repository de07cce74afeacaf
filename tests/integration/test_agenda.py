"""A committee's agenda on both databases: what is on it, of today and of an earlier day."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import MONDAY, Programme, a_programme, a_row, at, day
from sqlalchemy import func, select

from config.sheet import read_typed
from engine.action import Handling, State
from engine.agenda import Section
from engine.answer import Verb
from engine.codes import code
from engine.errors import BadValue, UnknownThing
from engine.fingerprint import Fingerprint
from engine.store.tables import events
from notifications.agenda import page
from notifications.sheet import sheet_csv
from workflows.agenda import AgendaAsked, Made, make_agenda
from workflows.sheets import Typist, take_sheet

NOW = at(MONDAY)


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path)
    made.plan(
        a_row(due=day(10)),
        a_row(ref="SAA-02", action="Light the market", due=day(12)),
        a_row(ref="SAA-03", action="Walk together", responsible="Town hall", verifier="Elders",
              due=day(-55)),
        a_row(ref="SAA-04", action="Mend the road", due=day(90)),
        a_row(ref="SAA-05", action="Hidden words", handling="restricted", due=day(9)),
        a_row(ref="SAA-06", action="Closed words", handling="closed", due=day(9)),
        a_row(ref="SAA-07", action="Not agreed", state="proposed", due=day(100)),
        now=at(day(-60)),
    )  # fmt: skip
    yield made
    made.close()


def agenda(programme: Programme, now: Any = NOW, **asked: Any) -> Made:
    return make_agenda(programme.services, AgendaAsked(**asked), now)


def sections(made: Made) -> dict[str, Section]:
    return {point.ref: point.section for point in made.agenda.points}


def put_in(programme: Programme, line: str, now: Any = NOW) -> None:
    taken = take_sheet(programme.services, read_typed(line.encode()), Typist(), now)
    assert not taken.errors


def test_every_point_stands_under_its_heading(programme):
    put_in(programme, f"{code('SAA-01', Verb.DONE, 'en')} open")
    put_in(programme, f"{code('SAA-02', Verb.MORE_TIME, 'en')} {day(30)} the mason is ill")

    made = agenda(programme)

    assert sections(made) == {
        "SAA-03": Section.STALLED, "SAA-02": Section.DATE_ASKED, "SAA-01": Section.TO_CONFIRM,
        "SAA-07": Section.PROPOSED, "SAA-05": Section.BY_REFERENCE,
    }  # fmt: skip
    assert made.agenda.later == 1
    asked = next(point for point in made.agenda.points if point.ref == "SAA-02")
    assert asked.asked == day(30)
    assert asked.boxes[:2] == (Verb.AGREED, Verb.DECLINED)
    [hidden] = [point for point in made.agenda.points if point.ref == "SAA-05"]
    assert (hidden.title, hidden.party, hidden.due_on, hidden.state) == ("", "", None, None)


def test_nothing_of_what_few_may_read_is_on_the_page_or_the_sheet(programme):
    made = agenda(programme)

    for told in (page(made.agenda, "en"), sheet_csv(made.agenda, "en"), str(made.as_dict())):
        assert "Hidden words" not in told
        assert "Closed words" not in told
        assert "SAA-06" not in told
        assert "SAA-05" in told


def test_what_the_ladder_brings_to_the_committee_comes_first(programme):
    for offset in range(-60, 1, 2):
        programme.run(at(day(offset)))

    made = agenda(programme)

    assert sections(made)["SAA-03"] is Section.BROUGHT
    assert made.agenda.points[0].ref == "SAA-03"
    put_in(programme, f"{code('SAA-03', Verb.DONE, 'en')} they walk")
    assert sections(agenda(programme))["SAA-03"] is Section.TO_CONFIRM


def test_a_date_that_was_agreed_is_asked_no_more_and_the_earlier_ones_are_shown(programme):
    put_in(programme, f"{code('SAA-02', Verb.MORE_TIME, 'en')} {day(30)} the mason is ill")
    put_in(programme, f"{code('SAA-02', Verb.AGREED, 'en')} {day(28)}", at(day(1)))

    [point] = [p for p in agenda(programme, at(day(2))).agenda.points if p.ref == "SAA-02"]

    assert (point.section, point.asked) == (Section.COMING, None)
    assert (point.due_on, point.earlier) == (day(28), (day(12),))


def test_what_was_confirmed_since_the_last_session_stands_at_the_end(programme):
    programme.move("SAA-01", State.REPORTED_DONE, "chief", at(day(-3)), note="open")
    programme.move("SAA-01", State.VERIFIED, "mayor", at(day(-2)), method="visit", seen="open")

    made = agenda(programme, since=day(-2))
    later = agenda(programme, since=day(-3))

    assert "SAA-01" not in sections(made)
    assert sections(later)["SAA-01"] is Section.CONFIRMED
    assert later.agenda.points[-1].boxes == ()
    assert made.agenda.since == day(-2)
    assert agenda(programme).agenda.since == day(-40)  # the session in which it was all agreed


def test_an_agenda_of_an_earlier_day_is_the_one_that_was_made_then(programme):
    then = agenda(programme)
    put_in(programme, f"{code('SAA-01', Verb.DONE, 'en')} open", at(day(1)))
    put_in(programme, f"{code('SAA-02', Verb.MORE_TIME, 'en')} {day(30)} ill", at(day(2)))

    again = agenda(programme)

    assert again.as_dict() == then.as_dict()
    assert page(again.agenda, "fr") == page(then.agenda, "fr")
    assert sections(agenda(programme, at(day(3))))["SAA-01"] is Section.TO_CONFIRM


def test_the_fingerprint_at_its_foot_is_that_of_the_history(programme):
    made = agenda(programme)

    printed = Fingerprint.read(made.agenda.fingerprint)
    [(happened,)] = programme.rows(select(func.count()).select_from(events))
    assert (printed.code, printed.size) == ("SAA", happened)


def test_a_dialogue_or_language_that_is_not_there_is_named(programme):
    with pytest.raises(UnknownThing, match="Saaba"):
        agenda(programme, dialogue="Jos")
    with pytest.raises(BadValue, match="en, fr, ar, ha"):
        agenda(programme, language="de")


def test_an_agenda_in_the_language_that_was_asked_for(programme):
    assert agenda(programme).language == "en"
    assert agenda(programme, language="ar").language == "ar"


def test_handling_is_never_carried_to_the_figures(programme):
    told = agenda(programme).as_dict()["points"]

    assert Handling.RESTRICTED not in {str(point) for point in told}
    [hidden] = [point for point in told if point["ref"] == "SAA-05"]
    assert set(hidden) == {"ref", "section", "codes"}
