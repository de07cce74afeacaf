"""The figures of the dashboard: counted by the database, and the same as any digest's."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from builders import Programme, a_programme, at, day
from half_year import TODAY, a_busy_half_year
from sqlalchemy import func, select

from engine.action import Handling, Kind, Level, State
from engine.conditions import Condition
from engine.digest import AGES, TOLD, DigestKind, Figures, Place
from engine.digest_record import as_record
from engine.party import Side
from engine.store.counting import count
from engine.store.dashboard import figures_now, figures_then, slow_figures
from engine.store.dashboard_lists import Narrow, Part, narrowed
from engine.store.tables import actions, dialogues
from workflows.digests import make_digest

NOT_COUNTED = {"changes", "lists", "since_at", "since_on"}
"""What only a digest tells."""


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path)
    a_busy_half_year(made)
    yield made
    made.close()


def counted(programme: Programme, part: Part, now: datetime) -> Figures:
    services = programme.services
    with services.database.read() as connection:
        directory = services.directory(connection)
        slow = slow_figures(directory, part, now)
        return figures_now(directory, part, now, services.thresholds, slow, "UTC")[0]


def looked_up(programme: Programme, part: Part, at: datetime) -> Figures:
    services = programme.services
    with services.database.read() as connection:
        directory = services.directory(connection)
        return figures_then(directory, part, at, services.thresholds, "UTC")


def told(figures: Figures) -> dict[str, Any]:
    return {name: value for name, value in as_record(figures).items() if name not in NOT_COUNTED}


def ids(programme: Programme) -> dict[str, int]:
    return {row.name: row.id for row in programme.rows(select(dialogues))}


def test_counted_for_now_they_are_those_of_the_managers_digest(programme):
    digest = make_digest(programme.services, DigestKind.MANAGER, as_of=TODAY).figures

    found = told(counted(programme, Part(), TODAY))

    assert found == told(digest)
    assert found["apart"] == 3
    assert sum(1 for number in found["conditions"].values() if number) > 5
    assert len(found["series"]) > 5
    assert sum(share["reminders"] for share in found["by_side"]) > 20


def test_the_command_status_says_the_same_but_that_it_knows_what_is_closed(programme):
    services = programme.services
    with services.database.read() as connection:
        directory = services.directory(connection)
        everything = count(directory, TODAY, services.thresholds)
        open_only = count(
            directory, TODAY, services.thresholds, where=actions.c.handling != Handling.CLOSED.value
        )
    figures = counted(programme, Part(), TODAY)

    assert figures.total == everything.total == 40
    assert {s: n for s, n in figures.by_state.items() if n} == open_only.by_state
    assert {s.name: s.total for s in figures.by_dialogue} == {
        name: counts["total"] for name, counts in open_only.by_dialogue.items()
    }
    told_by_both = [c for c in TOLD if c is not Condition.AT_RISK]
    assert all(figures.conditions[c] == open_only.conditions[c] for c in told_by_both)


@pytest.mark.parametrize(
    "part",
    [
        Part(side=Side.SECURITY),
        Part(kind=Kind.ONE_OFF),
        Part(kind=Kind.RECURRING),
        Part(side=Side.COMMUNITY, kind=Kind.ONE_OFF),
    ],
)
def test_a_part_counted_for_now_is_that_part_of_the_history(programme, part):
    assert told(counted(programme, part, TODAY)) == told(looked_up(programme, part, TODAY))


def test_some_dialogues_tell_nothing_of_what_is_closed(programme):
    part = Part(dialogue_ids=frozenset({ids(programme)["Saaba"]}))
    digest = make_digest(
        programme.services, DigestKind.MANAGER, as_of=TODAY, dialogue="SAA"
    ).figures

    found = counted(programme, part, TODAY)

    assert told(found) == told(digest)
    assert (found.total, found.apart) == (27, None)


def test_a_past_day_is_that_of_the_digest_made_for_it(programme):
    then = at(day(-70), 23)

    digest = make_digest(programme.services, DigestKind.MANAGER, as_of=then).figures

    assert told(looked_up(programme, Part(), then)) == told(digest)


def test_behind_each_number_stand_exactly_so_many_actions(programme):
    """Every cell of the figures, asked for as a list: the same count, and no closed one in it."""
    figures = counted(programme, Part(), TODAY)
    services = programme.services
    asked: list[tuple[int, Narrow]] = [
        *((figures.by_state[state], Narrow(state=state)) for state in State),
        *((figures.conditions[c], Narrow(condition=c)) for c in TOLD),
        *((figures.every.places[place], Narrow(place=place)) for place in Place),
        *((figures.levels[level]["reported"], Narrow(reported=level)) for level in Level),
        *((figures.levels[level]["verified"], Narrow(verified=level)) for level in Level),
        *((figures.ages[name], Narrow(age=name)) for _most, name in AGES),
        *(
            (share.places[place], Narrow(side=Side(share.name), place=place))
            for share in figures.by_side
            for place in Place
        ),
        *((s.stalled, Narrow(side=Side(s.name), condition=Condition.STALLED))
          for s in figures.by_side),
    ]  # fmt: skip
    with services.database.read() as connection:
        directory = services.directory(connection)
        for number, narrow in asked:
            own = Narrow(**{f: getattr(narrow, f) for f in narrow.__slots__} | {"counted": True})
            where = narrowed(directory, own, TODAY, services.thresholds)
            assert number == connection.scalar(
                select(func.count()).select_from(actions).where(where)
            ), own
    assert sum(1 for number, _narrow in asked if number) > 30


def test_ages_and_states_add_up_to_their_totals(programme):
    figures = counted(programme, Part(), TODAY)

    assert sum(figures.ages.values()) == figures.conditions[Condition.STALLED]
    assert sum(figures.by_state.values()) == figures.every.total == 37
    sums = Counter[str]()
    for share in figures.by_side:
        sums.update(share.places)
    assert dict(sums) == dict(figures.every.places)
