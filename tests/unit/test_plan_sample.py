from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest

from config.plan import SAMPLE_PROGRAMME, read_plan
from config.plan_values import Plan, PlanDialogue, PlanPerson, PlanRow
from config.story import SAMPLE_STORY, Deed, StoryStep, read_story
from config.yaml_lines import BadYaml
from engine.action import MET, OWED, Action, Handling, Kind, State
from engine.dialogue import SATURDAY_AND_SUNDAY
from engine.ladder import DEFAULT
from engine.lifecycle import Actor, Facts, Request, move, permitted
from engine.party import Role, Side

STARTS = [date(2026, 11, 23), date(2027, 2, 20), date(2028, 2, 29)]  # a Saturday among them
START = STARTS[0]


@pytest.fixture(scope="module")
def programme() -> Plan:
    return read_plan(SAMPLE_PROGRAMME, start=START)


@pytest.fixture(scope="module")
def story() -> tuple[StoryStep, ...]:
    return read_story(SAMPLE_STORY.read_text(encoding="utf-8"))


def rows_of(plan: Plan, dialogue: PlanDialogue) -> list[PlanRow]:
    return [row for row in plan.rows if row.dialogue == dialogue.name]


@pytest.mark.parametrize("start", STARTS)
def test_the_sample_can_be_read_on_any_day(start):
    plan = read_plan(SAMPLE_PROGRAMME, start=start)

    assert not plan.errors
    assert len(plan.dialogues) == 6


def test_without_a_start_the_sample_is_refused():
    assert read_plan(SAMPLE_PROGRAMME).errors


def test_the_sample_has_every_state_a_plan_may_have_and_every_kind(programme):
    assert {row.state for row in programme.rows} == {
        State.PROPOSED, State.AGREED, State.IN_PROGRESS, State.BLOCKED, State.REPORTED_DONE,
        State.VERIFIED, State.IN_FORCE,
    }  # fmt: skip
    assert {row.kind for row in programme.rows} == set(Kind)
    assert {row.handling for row in programme.rows} == set(Handling)


def test_every_rung_of_the_ladder_has_an_action_on_it(programme):
    reached: set[str] = set()
    for row in programme.rows:
        if row.due and row.kind is Kind.ONE_OFF and row.state in OWED:
            days = _working_days_since(row.due)
            on = [rung.name for rung in DEFAULT.rungs if rung.days <= days]
            reached.update(on[-1:])

    assert reached == {rung.name for rung in DEFAULT.rungs}


def _working_days_since(due: date) -> int:
    first, last, sign = (due, START, 1) if due <= START else (START, due, -1)
    days = (first + timedelta(days=at) for at in range(1, (last - first).days + 1))
    return sign * sum(day.weekday() not in SATURDAY_AND_SUNDAY for day in days)


def test_every_locality_has_what_a_demonstration_must_show(programme, story):
    disputed = {step.ref for step in story if step.do is Deed.DISPUTE}
    for dialogue in programme.dialogues:
        rows = rows_of(programme, dialogue)
        feasts = {override.on for override in dialogue.overrides}

        assert any(row.state is State.VERIFIED for row in rows)
        assert any(row.due and row.due < START and row.state in OWED for row in rows) or any(
            row.due == START for row in rows
        )
        assert any(row.review_on and row.review_on > START for row in rows)
        assert any(row.handling is Handling.CLOSED for row in rows)
        assert {Kind.RECURRING, Kind.STANDING} <= {row.kind for row in rows}
        assert any(row.due in feasts for row in rows)
        assert disputed & {row.ref for row in rows}
        waits_for = {row.ref: row.depends_on for row in rows}
        assert any(waits_for.get(second) for row in rows for second in row.depends_on)


def test_everybody_is_a_function_with_an_example_address(programme):
    people = [*programme.people, *(one for each in programme.dialogues for one in each.people)]

    assert all(person.function and not person.name for person in people)
    assert all(person.email.endswith(".example") for person in people if person.email)
    assert {person.language for person in people} == {"en", "fr", "ar", "ha"}
    assert {role for person in people for role in person.roles} == set(Role)
    assert any(not person.email and not person.phone for person in people)


def test_the_story_is_told_to_its_end_by_people_who_may(programme, story):
    actions = {row.ref: _action(at, row) for at, row in enumerate(programme.rows, 1)}
    rows = {row.ref: row for row in programme.rows}
    people = _people(programme)

    for step in story:
        row, action = rows[step.ref], actions[step.ref]
        today = START + timedelta(days=step.day)
        if step.do in {Deed.MOVE, Deed.DISPUTE}:
            to = State.DISPUTED if step.do is Deed.DISPUTE else step.state
            assert to in permitted(action), step
            moved = move(action, _request(to, step), _actor(step.by, row, people), _facts(), today)
            actions[step.ref] = replace(action, **moved.changes)
        elif step.do is Deed.RESCHEDULE:
            assert step.to.on(START) > today
        assert not step.person or step.person in people

    ends = {ref: action.state for ref, action in actions.items()}
    for ref in ("GUE-02", "GUE-03", "JOS-02", "JOS-03", "SAA-02", "SAA-03", "SAA-07"):
        assert ends[ref] in MET
    assert ends["JOS-07"] is State.WITHDRAWN
    assert Counter(ends.values())[State.DISPUTED] == 1


def _people(plan: Plan) -> dict[str, tuple[int, PlanPerson]]:
    everybody = [*plan.people, *(one for each in plan.dialogues for one in each.people)]
    return {person.key: (at, person) for at, person in enumerate(everybody, 1)}


def _action(at: int, row: PlanRow) -> Action:
    return Action(
        id=at, ref=row.ref, dialogue_id=1, commitment_id=1, title=row.action, kind=row.kind,
        responsible_id=1, verifier_id=2, state=row.state, version=1, head_hash=b"",
        due_on=row.due, repeat=row.repeat,
        agreed_on=None if row.state is State.PROPOSED else row.agreed_on or START,
    )  # fmt: skip


def _request(to: State, step: StoryStep) -> Request:
    return Request(
        to=to, reason=step.reason, note=step.note, method=step.method, seen=step.seen,
        level=step.level, obstacle=step.obstacle, blocker=step.blocker,
        review_on=step.review.on(START) if step.review else None,
        decided_on=step.decided.on(START) if step.decided else None,
    )  # fmt: skip


def _actor(key: str, row: PlanRow, people: dict[str, tuple[int, PlanPerson]]) -> Actor:
    number, person = people[key]
    party = {row.responsible: 1, row.verifier: 2}.get(person.party)
    allowed = {1: {Role.FOCAL_POINT, Role.ALTERNATE}, 2: {Role.VERIFIER}}.get(party, set())
    roles = {role for role in person.roles if role is Role.COORDINATOR or role in allowed}
    return Actor(person_id=number, key=key, party_id=party, side=Side.OTHER, roles=frozenset(roles))


def _facts() -> Facts:
    return Facts(responsible_ids=frozenset({1}), sides=frozenset({Side.AUTHORITY}))


STEP = "- {day: 3, do: report, ref: SAA-02, by: saa-ils, level: minimum, note: done}\n"


def test_a_step_is_read_with_its_line():
    (step,) = read_story("\n" + STEP)

    assert (step.line, step.day, step.do, step.ref) == (2, 3, Deed.REPORT, "SAA-02")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("day: 3", 1, "a story is a list"),
        ("- words", 1, "a step is a mapping"),
        ("- {day: 1}", 1, "a step needs `do`"),
        (STEP.replace("report", "tell"), 1, "not one of move, report"),
        (STEP.replace("level: minimum, ", ""), 1, "report needs 'level'"),
        (STEP.replace("minimum", "half"), 1, "not one of not_initiated"),
        (STEP.replace("note: done", "note: ~"), 1, "report needs 'note'"),
        (STEP.replace("note", "notes"), 1, "report has no 'notes'; did you mean note?"),
        (STEP.replace("day: 3", "day: -3"), 1, "whole number of days"),
        (STEP + STEP.replace("day: 3", "day: 2"), 2, "day 2 is told after day 3"),
        (STEP + "- {day: 4, do: reschedule, ref: A, by: b, reason: c, to: soon}", 2, "to: write"),
        (STEP + "- {day: 4, do: dispute, ref: A, by: b, reason: [c]}", 2, "reason is one text"),
        (STEP + "- [", 3, "expected"),
    ],
)
def test_a_story_that_cannot_be_told_is_refused_with_its_line(text, line, said):
    with pytest.raises(BadYaml) as refused:
        read_story(text)

    assert refused.value.line == line
    assert said in str(refused.value)
