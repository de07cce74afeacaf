"""The history on the command line: other days, fingerprints, files that are checked offline."""

import json
import sqlite3
from pathlib import Path

import pytest
from command_line import CommandLine

WORKS = ("--by", "works@jos.example")
RESIDENTS = ("--by", "residents@jos.example")
FEBRUARY, MARCH, APRIL = "2026-02-20", "2026-03-10", "2026-04-10"


@pytest.fixture
def jos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    command = CommandLine(tmp_path, monkeypatch, capsys)
    command.settle_in()
    return command


def lived(jos: CommandLine) -> dict[str, tuple[object, object, str]]:
    """What the lists, the counts and the export said in February and in March."""
    said = {}
    for on in (FEBRUARY, MARCH):
        jos("sweep", "--as-of", on)
        jos("report", "JOS-01", *RESIDENTS, "--level", "minimum", "--note", "asked", "--as-of", on)
        said[on] = (
            jos("actions", "--as-of", on, "--json").json,
            jos("status", "--as-of", on, "--json").json,
            jos("export", "--as-of", on).out,
        )
    jos("report", "JOS-01", *RESIDENTS, "--level", "completed", "--note", "Deed", "--as-of", APRIL)
    jos("verify-done", "JOS-01", *WORKS, "--method", "register", "--seen", "entry",
        "--as-of", APRIL)  # fmt: skip
    jos("sweep", "--as-of", APRIL)
    return said


def test_a_past_day_is_answered_as_it_was_then(jos: CommandLine) -> None:
    said = lived(jos)

    for on, (actions, status, plan) in said.items():
        assert jos("actions", "--as-of", on, "--json").json == actions
        assert jos("status", "--as-of", on, "--json").json == status
        assert jos("export", "--as-of", on).out == plan
    shown = jos("show", "JOS-01", "--as-of", MARCH, "--json").json
    now = jos("show", "JOS-01", "--as-of", "2026-05-01", "--json").json
    assert (shown["state"], now["state"]) == ("in_progress", "verified")
    # Before anything was recorded the present is looked at as if it were then.
    assert jos("status", "--as-of", "2026-01-01", "--json").json["total"] == 4


def test_one_command_shows_that_nothing_was_changed(jos: CommandLine) -> None:
    first = jos("verify", "--json").json
    lived(jos)
    jos_only = jos("verify", "--dialogue", "Jos", "--json").json

    done = jos("verify", "--fingerprint", first["fingerprint"],
               "--fingerprint", jos_only["fingerprint"], "--json").json  # fmt: skip

    assert list(done) == ["events", "broken", "fingerprint", "checked", "evidence"]
    assert (first["events"], first["broken"]) == (5, [])
    assert [each["matches"] for each in done["checked"]] == [True, True]
    assert done["fingerprint"].startswith("PROGRAMME·")
    assert jos_only["fingerprint"].startswith("JOS·")
    assert "every history is whole" in jos("verify").out


@pytest.mark.parametrize("chosen", [(), ("--dialogue", "Jos"), ("--action", "JOS-01")])
def test_a_file_is_checked_far_from_the_database(
    jos: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chosen: tuple[str, ...]
) -> None:
    lived(jos)
    held = jos("verify", "--dialogue", "Jos", "--json").json["fingerprint"]
    file = tmp_path / "history.json"
    jos("export", "--format", "json", *chosen, "--out", str(file))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)

    whole = jos("verify", "--bundle", str(file), "--fingerprint", held, "--json").json
    said = json.loads(file.read_text(encoding="utf-8"))
    said["events"][-1]["by"] = "somebody else"
    file.write_text(json.dumps(said), encoding="utf-8")
    forged = jos("verify", "--bundle", str(file), "--fingerprint", held)

    assert (whole["broken"], whole["checked"][0]["matches"]) == ([], True)
    assert forged.code == 1
    assert "does not follow from the one before it" in forged.complaint
    assert list(elsewhere.iterdir()) == []


def test_a_change_behind_the_programs_back_ends_with_one_sentence(jos: CommandLine) -> None:
    lived(jos)
    [file] = jos.folder.rglob("alkawari.db")
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE actions SET due_on = '2027-01-01' WHERE ref = 'JOS-02'")

    done = jos("verify", "--json")

    assert done.code == 1
    assert [(b["ref"], b["what"]) for b in json.loads(done.out)["broken"]] == [
        ("JOS-02", "changed without an event for it: due_on")
    ]
    assert "JOS-02: changed without an event for it: due_on" in done.complaint


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("verify", "--fingerprint", "JOS·3·nonsense"), "mistyped"),
        (("verify", "--dialogue", "nowhere"), "Jos"),
        (("verify", "--bundle", "nowhere.json"), "cannot be read"),
        (("export", "--dialogue", "Jos"), "--format json"),
        (("export", "--format", "json", "--dialogue", "nowhere"), "Jos"),
        (("export", "--format", "json", "--action", "nowhere"), "JOS-01"),
        (("assent", "JOS-01", "--by", "works@jos.example"), "no clarification waits"),
        (("clarify", "SAA-01", "--by", "coord@saaba.example", "--text", "x"), "nothing is agreed"),
    ],
)
def test_what_cannot_be_is_refused_with_one_sentence(
    jos: CommandLine, arguments: tuple[str, ...], says: str
) -> None:
    assert says in jos(*arguments).sentence


def test_words_are_added_and_assented_to(jos: CommandLine) -> None:
    words = ("--text", "The deed of the land, not that of the house")
    added = jos("clarify", "JOS-01", *RESIDENTS, *words, "--as-of", MARCH, "--json").json
    given = jos("assent", "JOS-01", *WORKS, "--as-of", MARCH, "--json").json
    shown = jos("show", "JOS-01", "--as-of", MARCH, "--json").json

    assert list(added) == ["ref", "version", "clarifications"]
    assert given["clarifications"] == shown["clarifications"]
    assert shown["clarifications"][0]["in_force"] is True
    assert "Clarifications" in jos("show", "JOS-01").out
    assert jos("history", "JOS-01", "--json").json[-1]["kind"] in {"clarified", "assented"}
    assert jos("verify").code == 0
