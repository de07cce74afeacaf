"""What the database counts is what the rules say, action by action."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from builders import MONDAY, Programme, a_dialogue, a_programme, a_row, an_action, at, day
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select

from engine.action import Action, Handling, Kind, Obstacle, State
from engine.conditions import Condition
from engine.store.counting import Counts, count
from engine.store.directory import Directory
from engine.store.listing import Wanted, views
from engine.store.tables import actions, dependencies, dialogues, events, parties, people

CALENDARS: dict[str, dict[str, Any]] = {
    "SAA": {"name": "Saaba", "rest_days": "sat,sun", "country": "BF"},
    "JOS": {"name": "Jos", "rest_days": "none", "timezone": "Africa/Lagos"},
    "KTM": {"name": "Kathmandu", "rest_days": "sat", "timezone": "Asia/Kathmandu"},
    "TUN": {"name": "Tunis", "rest_days": "fri,sat", "country": "TN", "timezone": "Africa/Tunis"},
}
CHANNELS: tuple[dict[str, str], ...] = (
    {"email": "a@b.example", "phone": "", "flagged": ""},
    {"email": "a@b.example", "phone": "", "flagged": "550"},
    {"email": "", "phone": "", "flagged": ""},
    {"email": "", "phone": "+226 00 00 00 01", "flagged": ""},
)


def several(code: str) -> dict[str, Any]:
    """A dialogue whose second party has two focal points."""
    people_of = [
        {"key": f"{code}-{key}", "function": key, "party": party, "role": "focal_point",
         "email": f"{key}@{code.lower()}.example"}
        for key, party in (("one", "Post"), ("two", "Hall"), ("three", "Hall"))
    ]  # fmt: skip
    return a_dialogue(
        parties=[{"name": "Post"}, {"name": "Hall"}, {"name": "Elders"}],
        people=people_of,
        **CALENDARS[code],
    )


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path)
    rows = [
        a_row(ref=f"{code}-01", dialogue=code, responsible="Post", verifier="Elders")
        for code in CALENDARS
    ]
    made.plan(*rows, now=at(MONDAY), dialogues={code: several(code) for code in CALENDARS})
    yield made
    made.close()


near = st.integers(-75, 75).map(day)
maybe = st.none() | near


@st.composite
def some_actions(draw: st.DrawFn) -> list[dict[str, Any]]:
    found = []
    for _ in range(draw(st.integers(1, 7))):
        state = draw(st.sampled_from(State))
        found.append(
            {
                "state": state,
                "due_on": draw(maybe),
                "original_due_on": draw(maybe),
                "due_rev": draw(st.integers(0, 3)),
                "agreed_on": draw(maybe),
                "answered_on": draw(maybe),
                "substance_on": draw(maybe),
                "reported_on": draw(maybe),
                "review_on": draw(maybe) if state is State.BLOCKED else None,
                "obstacle": Obstacle.OTHER if state is State.BLOCKED else None,
                "anchor_on": draw(maybe),
                "waiting": draw(st.booleans()),
                "handling": draw(st.sampled_from(Handling)),
                "home": draw(st.integers(0, len(CALENDARS) - 1)),
                "party": draw(st.integers(0, 1)),
                "own_focal": draw(st.booleans()),
                "needs": draw(st.none() | st.integers(0, 6)),
            }
        )
    return found


@st.composite
def channels(draw: st.DrawFn) -> list[dict[str, str]]:
    return [draw(st.sampled_from(CHANNELS)) for _ in range(3 * len(CALENDARS))]


def put(
    programme: Programme, given_rows: list[dict[str, Any]], reach: list[dict[str, str]]
) -> None:
    """Leave exactly these actions in the programme, and let its people be reached so."""
    with programme.services.database.write() as connection:
        connection.execute(delete(dependencies))
        first = connection.scalar(select(actions.c.commitment_id).limit(1))
        homes = connection.scalars(select(dialogues.c.id).order_by(dialogues.c.id)).all()
        where = {(row.dialogue_id, row.name): row.id for row in connection.execute(select(parties))}
        focal = list(
            connection.execute(
                select(people.c.id, people.c.party_id)
                .where(people.c.function.in_(["one", "two", "three"]))
                .order_by(people.c.id)
            )
        )
        for person, channel in zip(focal, reach, strict=True):
            connection.execute(people.update().where(people.c.id == person.id).values(**channel))
        connection.execute(delete(actions).where(actions.c.id > 1000))
        connection.execute(actions.update().values(state=State.VERIFIED))
        ids = range(1001, 1001 + len(given_rows))
        for action_id, given_row in zip(ids, given_rows, strict=True):
            home = homes[given_row["home"]]
            party = where[home, ("Post", "Hall")[given_row["party"]]]
            members = [person.id for person in focal if person.party_id == party]
            values = asdict(an_action(id=action_id, ref=f"X-{action_id}", head_hash=bytes(32)))
            values |= {k: v for k, v in given_row.items() if k in values}
            values |= {
                "dialogue_id": home,
                "commitment_id": first,
                "responsible_id": party,
                "verifier_id": where[home, "Elders"],
                "focal_id": members[-1] if given_row["own_focal"] else None,
                "kind": Kind.ONE_OFF,
            }
            connection.execute(insert(actions).values(**values))
        for action_id, given_row in zip(ids, given_rows, strict=True):
            needs = given_row["needs"]
            if needs is None or needs >= len(given_rows) or ids[needs] == action_id:
                continue
            # Of another dialogue a dependency is read by that dialogue's own calendar, and
            # counting takes the one of the waiting action: only those of one are compared.
            if given_rows[needs]["home"] == given_row["home"]:
                edge = {"action_id": action_id, "needs_id": ids[needs]}
                connection.execute(insert(dependencies).values(**edge))


def both(programme: Programme, now: datetime) -> tuple[Counts, Counts]:
    """What the database counts, and the same counted one by one by the rules."""
    limits = programme.services.thresholds
    with programme.services.database.read() as connection:
        counted = count(Directory(connection, programme.services.ladder), now, limits)
        seen = list(views(Directory(connection, programme.services.ladder), Wanted(), now, limits))
    found = Counter(condition for view in seen for condition in view.standing.conditions)
    names = {row.name for row in programme.rows(select(dialogues.c.name))}
    by_dialogue: dict[str, Counter[str]] = {name: Counter() for name in names}
    for view in seen:
        mine = by_dialogue[view.dialogue.name]
        mine[view.action.state.value] += 1
        mine["total"] += 1
        mine["overdue"] += view.standing.overdue
    ruled = Counts(
        total=len(seen),
        by_state=dict(sorted(Counter(v.action.state.value for v in seen).items())),
        conditions={condition.value: found[condition] for condition in Condition},
        by_dialogue={name: dict(counts) for name, counts in sorted(by_dialogue.items())},
    )
    return counted, ruled


def without_zeros(counts: Counts) -> dict[str, Any]:
    plain = asdict(counts)
    plain["by_dialogue"] = {
        name: {key: number for key, number in of.items() if number}
        for name, of in plain["by_dialogue"].items()
    }
    return plain


def test_counting_in_the_database_is_counting_by_the_rules(programme):
    @settings(max_examples=60)
    @given(some_actions(), channels(), st.integers(-40, 40), st.integers(0, 23))
    def agrees(rows, reach, offset, hour):
        put(programme, rows, reach)
        counted, ruled = both(programme, at(day(offset), hour))
        assert without_zeros(counted) == without_zeros(ruled)

    agrees()


@pytest.mark.parametrize(
    ("column", "condition", "state"),
    [
        ("due_on", Condition.OVERDUE, State.IN_PROGRESS),
        ("due_on", Condition.DUE_SOON, State.AGREED),
        ("due_on", Condition.STALLED, State.IN_PROGRESS),
        ("substance_on", Condition.SILENT, State.IN_PROGRESS),
        ("substance_on", Condition.SILENT, State.BLOCKED),
        ("reported_on", Condition.VERIFICATION_BACKLOG, State.REPORTED_DONE),
        ("agreed_on", Condition.UNACKNOWLEDGED, State.AGREED),
    ],
)
def test_every_boundary_day_is_counted_as_the_rules_count_it(programme, column, condition, state):
    base = {"home": 0, "party": 0, "own_focal": True, "needs": None, "state": state,
            "answered_on": None, "due_on": day(400), "original_due_on": day(400),
            "substance_on": MONDAY, "review_on": day(400)}  # fmt: skip
    rows = [{**base, column: day(-n), "home": n % 4} for n in range(-20, 70)]
    put(programme, rows, [CHANNELS[0]] * 12)

    for offset in range(8):
        counted, ruled = both(programme, at(day(offset)))
        assert counted.conditions == ruled.conditions
        assert 0 < counted.conditions[condition.value] < len(rows)


def test_a_day_is_the_day_of_the_dialogue_and_not_of_greenwich(programme):
    row = {"home": 2, "party": 0, "own_focal": True, "needs": None, "due_on": day(1)}  # Kathmandu
    put(programme, [row], [CHANNELS[0]] * 12)
    midnight = datetime.combine(day(2), time.min, ZoneInfo("Asia/Kathmandu"))

    before, _ = both(programme, midnight - timedelta(seconds=1))
    after, _ = both(programme, midnight)

    assert (before.conditions["overdue"], after.conditions["overdue"]) == (0, 1)


def test_an_empty_programme_is_counted_too(database_url, tmp_path):
    empty = a_programme(database_url, tmp_path)

    counted, ruled = both(empty, at(MONDAY))

    assert counted == ruled
    assert counted.total == 0
    empty.close()


def test_a_list_of_what_is_overdue_is_as_long_as_its_count(programme):
    rows = [{"home": n % 4, "party": 0, "own_focal": True, "needs": None, "due_on": day(-n)}
            for n in range(-5, 30)]  # fmt: skip
    put(programme, rows, [CHANNELS[0]] * 12)
    now = at(day(3))
    counted, _ = both(programme, now)

    with programme.services.database.read() as connection:
        directory = Directory(connection, programme.services.ladder)
        listed = list(views(directory, Wanted(overdue=True), now, programme.services.thresholds))

    assert len(listed) == counted.conditions["overdue"] > 0
    assert all(isinstance(view.action, Action) for view in listed)
    assert events.name == "events"
