"""Frozen words, and what both sides add to them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import MONDAY, Programme, a_programme, a_row, at, day

from engine.errors import BadValue, ForbiddenMove, StaleVersion
from engine.party import Side
from engine.store.listing import view_of
from engine.store.past import reading
from workflows.clarify import add_words, clarifications_of, give_assent
from workflows.record import Asked
from workflows.verify import verify

NOW = at(MONDAY)
WORDS = "The second gate is open on market days too."


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path)
    made.plan(
        a_row(ref="SAA-01"),
        a_row(ref="SAA-02", state="proposed", agreed_on=None),
        a_row(ref="SAA-03", co_responsible=["Elders"]),
        now=NOW,
    )
    yield made
    made.close()


def add(programme: Programme, ref: str, by: str, on: int = 1, words: str = WORDS):
    return add_words(programme.services, Asked(ref=ref, by=by), words, "", at(day(on)))


def agree(programme: Programme, ref: str, by: str, on: int = 2, number: int | None = None):
    return give_assent(programme.services, Asked(ref=ref, by=by), number, at(day(on)))


def known(programme: Programme, ref: str = "SAA-01", now=None):
    services = programme.services
    with reading(services.database, now) as connection:
        from engine.store.records import find_action

        directory = services.directory(connection)
        action = find_action(connection, ref)
        directory.ensure([action])
        return clarifications_of(connection, directory, action)


def test_a_clarification_holds_when_each_side_has_assented(programme):
    before = programme.action("SAA-01")
    add(programme, "SAA-01", "coord")
    [open_one] = known(programme)
    agree(programme, "SAA-01", "chief", 2)
    [half] = known(programme)
    agree(programme, "SAA-01", "mayor", 3)
    [whole] = known(programme)

    assert (open_one.words, open_one.language, open_one.in_force) == (WORDS, "en", False)
    assert open_one.missing == (Side.AUTHORITY, Side.SECURITY)
    assert (half.missing, whole.missing) == ((Side.AUTHORITY,), ())
    assert whole.in_force
    after = programme.action("SAA-01")
    assert (after.title, after.commitment_id, after.state) == (
        before.title, before.commitment_id, before.state
    )  # fmt: skip
    assert programme.history("SAA-01") == ["imported", "clarified", "assented", "assented"]
    assert verify(programme.services.database).whole


def test_whoever_writes_it_assents_for_their_own_side(programme):
    add(programme, "SAA-01", "chief")

    assert known(programme)[0].missing == (Side.AUTHORITY,)


def test_of_a_joint_action_every_side_that_owes_or_checks_it_is_asked(programme):
    add(programme, "SAA-03", "coord")

    [found] = known(programme, "SAA-03")

    assert set(found.missing) == {Side.SECURITY, Side.AUTHORITY, Side.COMMUNITY}


def test_an_assent_goes_to_the_newest_that_waits_or_to_the_one_that_is_named(programme):
    first = add(programme, "SAA-01", "coord").version
    second = add(programme, "SAA-01", "coord", words="And on Sundays.").version
    agree(programme, "SAA-01", "chief")
    agree(programme, "SAA-01", "mayor", number=first)

    missing = {each.number: each.missing for each in known(programme)}

    assert missing == {first: (Side.SECURITY,), second: (Side.AUTHORITY,)}


def test_a_past_day_knows_only_what_had_been_assented_to(programme):
    add(programme, "SAA-01", "coord", 1)
    agree(programme, "SAA-01", "chief", 2)
    agree(programme, "SAA-01", "mayor", 3)

    assert [len(known(programme, now=at(day(on), 10))) for on in (0, 1)] == [0, 1]
    assert [known(programme, now=at(day(on), 10))[0].in_force for on in (2, 3)] == [False, True]


def test_what_cannot_be_is_refused_and_leaves_nothing(programme):
    before = programme.history("SAA-01")
    with pytest.raises(ForbiddenMove, match="nothing is agreed"):
        add(programme, "SAA-02", "coord")
    with pytest.raises(ForbiddenMove, match="parties to it"):
        add(programme, "SAA-01", "elder")
    with pytest.raises(BadValue, match="in which words"):
        add(programme, "SAA-01", "coord", words="  ")
    with pytest.raises(BadValue, match="no clarification waits"):
        agree(programme, "SAA-01", "chief")
    with pytest.raises(ForbiddenMove, match="a party that it binds"):
        agree(programme, "SAA-01", "coord")
    add(programme, "SAA-01", "chief")
    with pytest.raises(BadValue, match="no clarification waits"):
        agree(programme, "SAA-01", "chief")
    with pytest.raises(StaleVersion):
        add_words(programme.services, Asked(ref="SAA-01", by="coord", version=1), WORDS, "", NOW)

    assert programme.history("SAA-01") == [*before, "clarified"]


def test_a_clarification_moves_no_reminder(programme):
    before = programme.action("SAA-01").next_check_at
    add(programme, "SAA-01", "coord")

    after = programme.action("SAA-01")
    services = programme.services
    with services.database.read() as connection:
        view = view_of(services.directory(connection), after, at(day(1)), services.thresholds)

    assert after.next_check_at == before
    assert view.action.version == 2
