"""Who may do what: the table as it is printed, and the rules that no edit of it may break."""

import os
from itertools import pairwise, product
from pathlib import Path

import pytest
from builders import CHECKING, OWING, an_action

from engine.action import Handling
from engine.party import Role
from engine.permission import ON_ACTIONS, ON_DIALOGUES, ON_PROGRAMME, Deed, Member, Tie, may

WRITE = os.environ.get("ALKAWARI_GOLDEN") == "write"  # no test sees the environment
NOTHING = "\N{EN DASH}"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "permissions.md"
WRITES = set(ON_ACTIONS) - {
    Deed.COUNT, Deed.LIST, Deed.READ_TITLE, Deed.READ_STORY, Deed.READ_HISTORY,
}  # fmt: skip
TIES = {
    Tie.COORDINATES: "coordinator", Tie.SITS: "committee", Tie.MANAGES: "manager",
    Tie.AUDITS: "auditor", Tie.OWES: "party that owes it", Tie.VERIFIES: "party that confirms it",
    Tie.NAMED: "person it names", Tie.TAKES_PART: "other party",
}  # fmt: skip


def a_member(*grants: tuple[Role, int | None], **changes: object) -> Member:
    given: dict[str, object] = {"person_id": 1, "key": "x", "party_id": OWING}
    return Member(**{**given, **changes}, grants=frozenset(grants))  # type: ignore[arg-type]


def the_matrix() -> str:
    """The whole table as a page."""
    levels = {Handling.PUBLIC: "P", Handling.DIALOGUE: "D", Handling.RESTRICTED: "R",
              Handling.CLOSED: "C"}  # fmt: skip
    lines = [
        "# Who may do what",
        "",
        "Made from `engine/permission.py` by its test; whatever does not stand here is refused.",
        "Every face asks this one table: pages, API, downloads. What it permits the life cycle may",
        "still refuse (DESIGN §3): a claim is confirmed by another party, whoever asks.",
        "",
        "## With an action",
        "",
        "The letters are the handling levels at which it is permitted: **P**ublic, **D**ialogue,",
        "**R**estricted, **C**losed. A person can be several of these to one action.",
        "",
        "| deed | " + " | ".join(TIES.values()) + " |",
        "|---|" + "---|" * len(TIES),
    ]
    for deed, table in ON_ACTIONS.items():
        cells = [
            "".join(letter for level, letter in levels.items() if tie in table[level]) or NOTHING
            for tie in TIES
        ]
        lines.append(f"| `{deed}` | " + " | ".join(cells) + " |")
    for title, deeds in (("a dialogue", ON_DIALOGUES), ("the whole programme", ON_PROGRAMME)):
        used = [tie for tie in TIES if any(tie in ties for ties in deeds.values())]
        lines += ["", f"## With {title}", ""]
        if title != "a dialogue":
            lines += ["Only for a role that holds for the programme and not for one dialogue.", ""]
        lines += ["| deed | " + " | ".join(TIES[tie] for tie in used) + " |"]
        lines += ["|---|" + "---|" * len(used)]
        for deed, ties in deeds.items():
            marks = ["yes" if tie in ties else NOTHING for tie in used]
            lines.append(f"| `{deed}` | " + " | ".join(marks) + " |")
    return "\n".join(lines) + "\n"


def test_the_printed_table_is_the_one_that_holds():
    if WRITE:
        PAGE.write_text(the_matrix(), encoding="utf-8")

    assert PAGE.read_text(encoding="utf-8") == the_matrix()


def test_every_deed_stands_in_exactly_one_table():
    tables = (ON_ACTIONS, ON_DIALOGUES, ON_PROGRAMME)

    assert sorted(d for table in tables for d in table) == sorted(Deed)
    assert all(set(table) == set(Handling) for table in ON_ACTIONS.values())


@pytest.mark.parametrize("deed", list(Deed))
def test_whoever_is_nothing_to_it_may_do_nothing(deed):
    assert not may((), deed)
    assert not any(may((), deed, level) for level in Handling)


@pytest.mark.parametrize("deed", list(ON_ACTIONS))
def test_a_deed_with_an_action_is_refused_where_its_level_is_not_known(deed):
    assert not may(list(Tie), deed)


@pytest.mark.parametrize(("tie", "level"), list(product(Tie, Handling)))
def test_each_deed_needs_the_ones_before_it(tie, level):
    def permits(deed: Deed) -> bool:
        return may({tie}, deed, level)

    assert permits(Deed.COUNT) or not permits(Deed.LIST)
    assert permits(Deed.LIST) or not permits(Deed.READ_TITLE)
    assert permits(Deed.READ_TITLE) or not permits(Deed.READ_STORY)
    assert permits(Deed.LIST) or not permits(Deed.READ_HISTORY)
    assert all(permits(Deed.READ_STORY) for deed in WRITES if permits(deed))


@pytest.mark.parametrize("deed", list(ON_ACTIONS))
def test_a_stricter_level_never_permits_more(deed):
    levels = [ON_ACTIONS[deed][level] for level in Handling]

    assert all(later <= earlier for earlier, later in pairwise(levels))


def test_what_is_closed_is_for_its_coordinator_and_the_person_it_names():
    for deed in set(ON_ACTIONS) - {Deed.COUNT}:
        assert ON_ACTIONS[deed][Handling.CLOSED] <= {Tie.COORDINATES, Tie.NAMED}


def test_what_is_restricted_is_for_those_whose_it_is():
    own = {Tie.COORDINATES, Tie.OWES, Tie.VERIFIES, Tie.NAMED}
    for deed in set(ON_ACTIONS) - {Deed.COUNT}:
        assert ON_ACTIONS[deed][Handling.RESTRICTED] <= own


def test_auditors_and_managers_write_nothing():
    for deed, level in product(WRITES - {Deed.ACKNOWLEDGE}, Handling):
        assert not may({Tie.AUDITS, Tie.MANAGES}, deed, level)
    for deed in (Deed.WRITE_DOWN, Deed.IMPORT, Deed.PEOPLE, Deed.CHANGE_CALENDAR):
        assert not may({Tie.AUDITS, Tie.MANAGES}, deed)


def test_a_role_holds_in_its_dialogue_only():
    coordinator = a_member((Role.COORDINATOR, 1), party_id=None)

    assert coordinator.may(Deed.RELEASE, an_action(dialogue_id=1))
    assert not coordinator.may(Deed.LIST, an_action(dialogue_id=2, handling=Handling.PUBLIC))
    assert coordinator.dialogues(Deed.IMPORT) == {1}
    assert a_member((Role.COORDINATOR, None)).dialogues(Deed.IMPORT) is None
    assert a_member((Role.MANAGER, None)).dialogues(Deed.IMPORT) == frozenset()


def test_what_somebody_is_to_an_action_follows_from_party_role_and_name():
    action = an_action()
    focal = a_member((Role.FOCAL_POINT, 1))
    checker = a_member((Role.VERIFIER, 1), party_id=CHECKING)
    neighbour = a_member((Role.FOCAL_POINT, 1), party_id=77)
    former = a_member(party_id=OWING)

    assert focal.ties_to(action) == {Tie.TAKES_PART, Tie.OWES}
    assert checker.ties_to(action) == {Tie.TAKES_PART, Tie.VERIFIES}
    assert neighbour.ties_to(action) == {Tie.TAKES_PART}
    assert neighbour.ties_to(action, partners=(77,)) == {Tie.TAKES_PART, Tie.OWES}
    assert former.ties_to(an_action(focal_id=1)) == frozenset()
    assert Tie.NAMED in focal.ties_to(an_action(focal_id=1))


def test_another_focal_point_of_the_same_party_does_not_see_what_is_closed():
    action = an_action(handling=Handling.CLOSED, focal_id=1)

    assert a_member((Role.FOCAL_POINT, 1), person_id=1).may(Deed.READ_STORY, action)
    assert not a_member((Role.ALTERNATE, 1), person_id=2).may(Deed.LIST, action)


def test_only_a_role_for_the_programme_holds_the_programme():
    assert not a_member((Role.COORDINATOR, 1)).may_with_all(Deed.HOLD_PROGRAMME)
    assert a_member((Role.MANAGER, None)).may_with_all(Deed.HOLD_PROGRAMME)
    assert not a_member((Role.MANAGER, 1)).may_somewhere(Deed.HOLD_PROGRAMME)


def test_a_menu_offers_what_can_be_done_somewhere():
    focal, auditor = a_member((Role.FOCAL_POINT, 1)), a_member((Role.AUDITOR, None))

    assert focal.may_somewhere(Deed.REPORT)
    assert not focal.may_somewhere(Deed.SEE_TODAY)
    assert auditor.may_somewhere(Deed.VERIFY)
    assert not auditor.may_somewhere(Deed.MOVE)
