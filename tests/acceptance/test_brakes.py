"""Sensitive days, consent and evidence as a coordinator uses them: by the command."""

import json
from pathlib import Path

import pytest
from command_line import CommandLine
from pictures import a_jpeg

LADDER = """\
name: ours
rungs:
  - {name: R1, days: 3, to: focal_point, kind: reminder}
  - {name: E3, days: 9, to: superior, kind: superior, consent: both_sides}
"""
PLAN = """\
dialogues:
  SAA:
    name: Saaba
    timezone: Africa/Ouagadougou
    languages: [en]
    parties:
      - {name: Police post, side: security, superior: Region}
      - {name: Region, side: security}
      - {name: Town hall, side: authority}
    people:
      - {key: coord, function: Coordinator, role: coordinator, email: coord@saaba.example}
      - {key: chief, function: Chief, party: Police post, role: focal_point, phone: "+22670123401"}
      - {key: mayor, function: Mayor, party: Town hall, role: [focal_point, verifier],
         email: mayor@hall.example}
      - {key: region, function: Liaison, party: Region, role: focal_point, email: r@region.example}
      - {key: forces, function: Member, party: Police post, role: committee, email: f@c.example}
      - {key: hall, function: Member, party: Town hall, role: committee, email: h@c.example}
    sensitive_days:
      - {from: 2026-03-09, to: 2026-03-10, name: Election, who: coord, why: campaign}
actions:
  - {ref: SAA-01, dialogue: SAA, action: Open the gate, responsible: Police post,
     verifier: Town hall, due: 2026-01-05, state: in_progress}
"""
NOON = "2026-03-09T12:00:00Z"


@pytest.fixture
def saaba(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    (tmp_path / "ladder.yaml").write_text(LADDER)
    (tmp_path / "plan.yaml").write_text(PLAN)
    (tmp_path / "alkawari.yaml").write_text("ladder: ladder.yaml\n")
    alkawari = CommandLine(tmp_path, monkeypatch, capsys)
    assert alkawari("init").code == 0
    assert alkawari("import", "plan.yaml", "--as-of", "2026-02-02").code == 0
    return alkawari


def test_a_dialogue_is_kept_quiet_and_speaks_again(saaba: CommandLine) -> None:
    [day] = saaba("sensitive-days", "list", "--as-of", NOON, "--json").json
    assert (day["name"], day["in_force"], day["next_on"]) == ("Election", True, "2026-03-09")
    assert saaba("show", "SAA-01", "--as-of", NOON, "--json").json["quiet_until"] == "2026-03-10"

    added = saaba(
        "sensitive-days", "add", "--dialogue", "saa", "--name", "Trial", "--from", "2026-03-11",
        "--what", "escalations", "--by", "coord", "--reason", "the court sits", "--json",
    ).json  # fmt: skip
    assert (added["number"], added["until_on"], added["yearly"]) == (2, "2026-03-11", False)
    assert saaba("show", "SAA-01", "--as-of", NOON, "--json").json["quiet_until"] == "2026-03-11"

    gone = saaba("sensitive-days", "remove", "2", "--by", "coord", "--reason", "put off")
    assert gone.code == 0
    assert len(saaba("sensitive-days", "list", "--json").json) == 1
    assert "no sensitive day" in saaba(
        "sensitive-days", "remove", "2", "--by", "coord", "--reason", "again"
    ).sentence  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--from", "2026-03-11", "--to", "2026-03-01"), "is before the first day"),
        (("--from", "11/03/2026"), "is no day"),
        (("--from", "2026-03-11", "--to", "2029-03-11"), "put a hold instead"),
        (("--from", "9999-01-01"), "cannot be meant"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(saaba, arguments, said):
    done = saaba(
        "sensitive-days", "add", "--dialogue", "Saaba", "--name", "x", "--by", "coord",
        "--reason", "y", *arguments,
    )  # fmt: skip

    assert said in done.sentence


def test_days_off_are_added_taken_out_moved_and_taken_back(saaba: CommandLine) -> None:
    said = ("--dialogue", "saa", "--by", "coord", "--reason", "the commune says so")
    added = saaba("days-off", "add", "--on", "2026-03-12", "--name", "Harvest", *said, "--json")
    assert (added.json["change"], added.json["by"], added.json["to"]) == ("add", "coord", None)
    again = saaba("days-off", "add", "--on", "2026-03-12", "--name", "Harvest", *said)
    assert "nobody works on it already" in again.sentence
    moved = saaba("days-off", "move", "--on", "2026-03-12", "--to", "2026-03-13", *said)
    assert moved.out == "Harvest, 2026-03-12: kept on 2026-03-13 in Saaba (number 2).\n"
    gone = saaba("days-off", "remove", "--on", "2026-03-13", *said)
    assert "a working day" in gone.out
    assert "no holiday is kept on it" in saaba(
        "days-off", "remove", "--on", "2026-03-13", *said
    ).sentence  # fmt: skip

    undone = saaba("days-off", "undo", "3", "--by", "coord", "--reason", "put off", "--json").json
    assert (undone["number"], undone["removed_for"]) == (3, "put off")

    listed = saaba("days-off", "list", "--dialogue", "Saaba", "--json").json
    assert [one["removed_by"] for one in listed["changes"]] == ["", "", "coord"]
    assert "no changed day" in saaba(
        "days-off", "undo", "3", "--by", "coord", "--reason", "again"
    ).sentence  # fmt: skip
    assert "Harvest" in saaba("days-off", "list").out


def test_nobody_agrees_on_a_date_that_is_over(saaba: CommandLine) -> None:
    told = ("--by", "coord", "--reason", "all agree", "--as-of", NOON)
    refused = saaba("reschedule", "SAA-01", "2026-03-08", *told)
    assert "that day lies behind us: agree on 2026-03-09 or a later day" in refused.sentence
    assert saaba("reschedule", "SAA-01", "2026-03-09", *told).code == 0


def test_who_ends_a_hold_of_an_action_stands_in_its_history_and_not_why(saaba: CommandLine) -> None:
    held = ("--action", "SAA-01", "--by", "coord", "--reason", "he was threatened")
    assert saaba("pause", *held).code == 0
    assert saaba("resume", *held).code == 0
    events = saaba("history", "SAA-01", "--json").json[-2:]
    assert [(event["kind"], event["by"]) for event in events] == [
        ("held", "coord"), ("resumed", "coord"),
    ]  # fmt: skip
    assert "threatened" not in json.dumps(events)
    assert saaba("verify").code == 0


def test_two_sides_release_one_after_the_other(saaba: CommandLine) -> None:
    saaba("sweep", "--as-of", "2026-03-11T09:00:00Z")
    saaba("call", "SAA-01", "--by", "coord", "--note", "soon", "--as-of", "2026-03-11T10:00:00Z")
    saaba("sweep", "--as-of", "2026-03-16T09:00:00Z")
    at = ("--as-of", "2026-03-16T10:00:00Z")

    assert (
        "of security and of authority" in saaba("release", "SAA-01", "--by", "coord", *at).sentence
    )
    half = saaba("release", "SAA-01", "--by", "hall", *at)
    assert "E3 still waits for the word of: security." in half.out
    [waits] = saaba("release", "--list", "--json").json
    assert (waits["consent"], waits["agreed"], waits["missing"]) == (
        "both_sides", ["authority"], ["security"],
    )  # fmt: skip
    [shown] = saaba("show", "SAA-01", "--json").json["releases"]
    assert shown["missing"] == ["security"]

    assert saaba("release", "SAA-01", "--by", "forces", *at).code == 0
    assert saaba("release", "--list", "--json").json == []
    kinds = [event["kind"] for event in saaba("history", "SAA-01", "--json").json]
    assert kinds[-3:] == ["consented", "consented", "released"]


def test_evidence_goes_in_by_its_hash_and_comes_out_as_it_was(saaba: CommandLine) -> None:
    photo = saaba.folder / "gate.jpg"
    photo.write_bytes(a_jpeg())
    kept = saaba(
        "evidence", "add", "saa-01", "gate.jpg", "--by", "mayor", "--contradicts",
        "--note", "it is shut", "--json",
    ).json  # fmt: skip

    assert saaba("show", "SAA-01", "--json").json["contradicted"] is True
    assert [each["sha256"] for each in saaba("evidence", "list", "SAA-01", "--json").json] == [
        kept["sha256"]
    ]
    saaba("evidence", "get", kept["sha256"][:12], "--out", "out.jpg")
    assert (saaba.folder / "out.jpg").read_bytes() == photo.read_bytes()
    assert saaba("verify", "--json").json["evidence"] == []

    [path] = (saaba.folder / "alkawari-data" / "evidence").iterdir()
    path.unlink()
    done = saaba("verify", "--json")
    assert done.code == 1
    [lost] = json.loads(done.out)["evidence"]
    assert (lost["ref"], lost["what"]) == ("SAA-01", "is missing")


def test_an_address_that_is_somebody_elses_is_taken_and_said(saaba: CommandLine) -> None:
    alone = saaba("contact", "mayor", "--email", "hall@town.example")
    assert "reached too" not in alone.out
    shared = saaba("contact", "region", "--email", "HALL@town.example")
    assert shared.code == 0
    assert "That is where mayor is reached too: make sure that they share it." in shared.out


def test_evidence_is_not_for_and_against(saaba: CommandLine) -> None:
    (saaba.folder / "a.txt").write_text("seen")

    done = saaba("evidence", "add", "SAA-01", "a.txt", "--by", "mayor", "--supports",
                 "--contradicts")  # fmt: skip

    assert done.code == 2
    assert saaba("evidence", "get", "00000000").code in {1, 2}
