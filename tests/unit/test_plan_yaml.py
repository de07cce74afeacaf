from datetime import date
from pathlib import Path

import pytest

from config.plan import read_plan
from config.plan_values import DayChange, Plan, PlanParty
from config.relative_days import RelativeDay
from config.yaml_lines import BadYaml, parse_yaml
from engine.action import State
from engine.party import Channel, Role, Side

START = date(2026, 11, 23)  # a Monday

DIALOGUE = """
dialogues:
  JOS:
    name: Jos
    country: NG
    timezone: Africa/Lagos
    languages: [en, ha]
    rest_days: [sun]
    friday_pause: no
    parties:
      - {name: Works, side: authority}
      - {name: Police, side: security, superior: Area command}
      - {name: Area command}
    people:
      - {key: w, function: Supervisor, party: Works, role: [focal_point, verifier],
         email: works@jos.example, language: ha}
      - {key: w2, function: Deputy, party: Works, role: alternate, email: deputy@jos.example}
      - {key: p, function: Officer, party: Police, role: "focal_point, verifier",
         phone: +234 000 000 01, channel: sms}
      - {key: c, function: Coordinator, role: coordinator, email: coordinator@jos.example}
    overrides:
      - {add: 2026-12-01, name: Market day, who: c, why: closed}
      - {move: {days: 3}, to: {days: 4}, who: c, why: seen late}
"""


def a_plan(tmp_path: Path, text: str, start: date | None = START) -> Plan:
    path = tmp_path / "plan.yaml"
    path.write_text(text, encoding="utf-8")
    return read_plan(path, start=start)


def told(plan: Plan) -> list[tuple[int, str]]:
    return [(error.row, error.column) for error in plan.errors]


def test_what_an_action_leaves_open_its_dialogue_fills(tmp_path):
    plan = a_plan(
        tmp_path,
        DIALOGUE + "actions:\n  - {dialogue: JOS, action: Paint, responsible: Works,\n"
        "     verifier: Police, due: {workdays: 6}}\n",
    )

    assert not plan.errors
    row = plan.rows[0]
    assert (row.dialogue, row.state) == ("Jos", State.AGREED)
    assert row.due == date(2026, 11, 30)  # Saturday is worked there, Sunday is not
    assert (row.responsible_email, row.responsible_language) == ("works@jos.example", "ha")
    assert row.alternate_email == "deputy@jos.example"
    assert (row.responsible_side, row.verifier_side) == (Side.AUTHORITY, Side.SECURITY)
    assert row.coordinator_email == "coordinator@jos.example"


def test_an_action_with_its_own_contact_keeps_it(tmp_path):
    plan = a_plan(
        tmp_path,
        DIALOGUE + "actions:\n  - {dialogue: Jos, action: Paint, responsible: Works,\n"
        "     responsible_phone: +234 000 000 09}\n",
    )

    row = plan.rows[0]
    assert (row.responsible_email, row.responsible_language) == ("", "")
    assert row.responsible_phone == "+23400000009"


def test_a_dialogue_is_read_with_its_parties_people_and_days(tmp_path):
    dialogue = a_plan(tmp_path, DIALOGUE).dialogues[0]

    assert (dialogue.code, dialogue.rest_days, dialogue.languages) == ("JOS", {6}, ("en", "ha"))
    assert dialogue.parties[1] == PlanParty(
        name="Police", side=Side.SECURITY, superior="Area command"
    )
    assert dialogue.people[0].roles == dialogue.people[2].roles == (Role.FOCAL_POINT, Role.VERIFIER)
    assert dialogue.people[2].channel is Channel.SMS
    assert [(one.change, one.on, one.to) for one in dialogue.overrides] == [
        (DayChange.ADD, date(2026, 12, 1), None),
        (DayChange.MOVE, date(2026, 11, 26), date(2026, 11, 27)),
    ]


def test_norway_is_a_country_and_noughts_are_kept(tmp_path):
    plan = a_plan(
        tmp_path,
        "actions:\n- {ref: 007, dialogue: Oslo, country: NO, action: yes, responsible: Works}\n",
    )

    assert not plan.errors
    assert (plan.rows[0].ref, plan.rows[0].country, plan.rows[0].action) == ("007", "NO", "yes")


def test_every_error_has_the_line_of_its_value(tmp_path):
    plan = a_plan(
        tmp_path,
        "actions:\n"
        "- dialogue: Jos\n"
        "  action: Paint\n"
        "  due: 2026-02-30\n"
        "  stat: agreed\n"
        "- action: [Seal]\n"
        "  responsible: Works\n"
        "  depends_on: [X-1, {a: b}]\n"
        "- just words\n",
    )

    assert sorted(told(plan)) == [
        (2, "responsible"), (4, "due"), (5, "stat"), (6, "action"), (6, "dialogue"),
        (8, "depends_on"), (8, "depends_on"), (9, "actions"),
    ]  # fmt: skip


def test_days_counted_from_the_start_need_a_start(tmp_path):
    text = "actions:\n- {dialogue: J, action: a, responsible: W, due: {days: 5}}\n"

    assert a_plan(tmp_path, text).rows[0].due == date(2026, 11, 28)
    assert told(a_plan(tmp_path, text, start=None)) == [(2, "due")]
    assert told(a_plan(tmp_path, text.replace("days: 5", "weeks: 5"))) == [(2, "due")]
    assert told(a_plan(tmp_path, text.replace("days: 5", "days: 1e9"))) == [(2, "due")]


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        ("country: NG", "country: XX", "country"),
        ("country: NG", "continent: Africa", "continent"),
        ("    name: Jos\n", "    name:\n", "name"),
        ("  JOS:", "  J-OS:", "dialogues"),
        ("[sun]", "[sonntag]", "rest_days"),
        ("friday_pause: no", "friday_pause: maybe", "friday_pause"),
        ("side: authority", "side: town", "side"),
        ("superior: Area command", "superior: Area comand", "superior"),
        ("party: Police", "party: Polise", "party"),
        ("role: alternate", "role: deputy", "role"),
        ("role: coordinator, ", "", "role"),
        ("key: w2", "key: w", "key"),
        ("email: works@jos.example", "email: works", "email"),
        ("add: 2026-12-01", "add: tomorrow", "add"),
        ("add: 2026-12-01", "add: 2026-12-01, remove: 2026-12-02", "overrides"),
        ("add: 2026-12-01", "move: 2026-12-01", "to"),
        (", why: closed", "", "why"),
    ],
)
def test_a_dialogue_that_cannot_be_read_is_told_at_its_line(tmp_path, old, new, column):
    text = DIALOGUE.replace(old, new, 1)
    assert text != DIALOGUE
    at = next(
        number
        for number, (ours, theirs) in enumerate(
            zip(DIALOGUE.splitlines(), text.splitlines(), strict=True), 1
        )
        if ours != theirs
    )

    plan = a_plan(tmp_path, text)

    assert (at, column) in told(plan)


def test_a_dialogue_that_the_file_does_not_describe_is_told(tmp_path):
    text = DIALOGUE + "actions:\n  - {dialogue: Joss, action: Paint, responsible: Works}\n"

    error = a_plan(tmp_path, text).errors[0]

    assert error.column == "dialogue"
    assert "did you mean" in error.reason


def test_a_party_that_its_dialogue_does_not_have_is_told(tmp_path):
    action = (
        "  - {dialogue: JOS, action: Paint, responsible: Work, co_responsible: [Police, Poets]}"
    )

    errors = a_plan(tmp_path, f"{DIALOGUE}actions:\n{action}\n").errors

    assert [error.column for error in errors] == ["responsible", "co_responsible"]
    assert errors[0].reason == "Jos has no party Work; did you mean Works?"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: 1\na: 2", 2, "stands twice"),
        ("a: &x 1\nb: *x", 2, "aliases"),
        ("[" * 5_000, 1, "nested more than"),
        ("a: b: c", 1, "mapping values"),
        ("[a]: b", 1, "a key must be one word"),
        ("a: 'x\x07'", 1, "control characters"),
        ('a: "\ud800"', 1, "half of a pair"),
        ("a\n---\nb", 2, "a second document"),
    ],
)
def test_yaml_that_cannot_be_used_is_refused_with_its_line(text, line, said):
    with pytest.raises(BadYaml, match=said) as refused:
        parse_yaml(text, "x.yaml")

    assert refused.value.line == line


def test_the_example_of_the_documentation_can_be_read(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "plan-files.md").read_text(encoding="utf-8")
    example = page[page.index("dialogues:\n") : page.index("```\n\nRoles are")]

    plan = a_plan(tmp_path, example, start=None)

    assert not plan.errors
    assert len(plan.rows) == 2
    assert plan.rows[0].verifier_email == ""
    assert plan.people[0].roles == (Role.MANAGER,)


def test_a_plan_in_broken_yaml_is_one_error(tmp_path):
    assert told(a_plan(tmp_path, "actions: [\n")) == [(2, "")]
    assert told(a_plan(tmp_path, "- x")) == [(1, "")]
    assert told(a_plan(tmp_path, "")) == [(1, "")]
    assert told(a_plan(tmp_path, "action: []")) == [(1, "action")]
    (tmp_path / "plan.yml").write_bytes(b"actions:\n- {dialogue: Gu\xe9}")
    assert told(read_plan(tmp_path / "plan.yml")) == [(2, "")]


def test_working_days_leave_out_rest_days_in_both_directions():
    assert RelativeDay(-1, workdays=True).on(START) == date(2026, 11, 20)
    assert RelativeDay(5, workdays=True).on(START) == date(2026, 11, 30)
    assert RelativeDay(0, workdays=True).on(START) == START
    assert RelativeDay(5, workdays=True).on(START, frozenset()) == date(2026, 11, 28)
