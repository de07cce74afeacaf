"""The ladder as people write it, and as an episode keeps it."""

import json
from dataclasses import replace

import pytest

from config.ladder import DEFAULT_FILE, KINDS, LARGEST, load_ladder
from engine.errors import BadLadder
from engine.ladder import DEFAULT, Addressee, Via
from engine.ladder_text import dump_ladder, ladder_from_json

R1 = """\
name: short
rungs:
  - name: R1
    days: 3
    to: focal_point
    kind: reminder
"""
HOSTILE = {
    "aliases": "name: &a short\nrungs: [*a, *a]\n",
    "bomb": "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nname: short\nrungs: *c\n",
    "depth": "name: short\nrungs: " + "[" * 5000,
    "tag": "name: !!python/object/apply:os.getcwd []\nrungs: [1]\n",
    "control": "name: a\x00b\n",
    "surrogate": "name: a\ud800b\n",
}


def refusal(text):
    with pytest.raises(BadLadder) as caught:
        load_ladder(text, "my-ladder.yaml")
    return caught.value


def test_the_file_that_is_handed_out_is_the_default_ladder():
    assert load_ladder(DEFAULT_FILE) == DEFAULT


def test_the_default_ladder_uses_every_kind_of_words():
    assert {rung.kind for rung in DEFAULT.rungs} == set(KINDS)


def test_what_a_file_leaves_out_takes_its_default():
    ladder = load_ladder(R1)

    assert (ladder.name, ladder.fair_warning, ladder.pause) == ("short", 3, 10)
    [rung] = ladder.rungs
    assert rung.to == (Addressee.FOCAL_POINT,)
    assert (rung.via, rung.call_task, rung.release, rung.monthly) == (
        Via.MESSAGE,
        False,
        False,
        False,
    )


def test_everything_that_can_be_set_is_read():
    ladder = load_ladder(
        "name: all\nfair_warning: 0\nacknowledge_within: 1\nacknowledgement_lasts: 2\npause: 3\n"
        "rungs:\n"
        "  - {name: R1, days: +2, to: [alternate, focal_point], kind: reminder, call_task: yes}\n"
        "  - {name: E1, days: 9, to: [superior], kind: superior, release: true, monthly: True}\n"
        "  - {name: E2, days: 12, to: manager, kind: manager, via: digest}\n"
    )

    first, second, third = ladder.rungs
    assert (ladder.fair_warning, ladder.acknowledge_within) == (0, 1)
    assert (ladder.acknowledgement_lasts, ladder.pause) == (2, 3)
    assert (first.days, first.call_task) == (2, True)
    assert first.to == (Addressee.ALTERNATE, Addressee.FOCAL_POINT)
    assert second.release
    assert second.monthly
    assert third.via is Via.DIGEST


def test_a_byte_order_mark_and_windows_line_ends_are_no_matter(tmp_path):
    file = tmp_path / "windows.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + R1.replace("\n", "\r\n").encode())

    assert load_ladder(file) == load_ladder(R1)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", 1, "a ladder is a mapping"),
        ("# nothing but a comment\n", 1, "a ladder is a mapping"),
        ("- R1\n- R2\n", 1, "a ladder is a mapping"),
        ("name: short\n", 1, "needs the key rungs"),
        (R1.replace("name: short\n", "\n"), 2, "needs the key name"),
        ("name: short\nrungs: []\n", 2, "at least one rung"),
        ("name: short\nrungs:\n", 2, "at least one rung"),
        ("name: short\nrungs: R1\n", 2, "each behind a dash"),
        ("name: short\nrungs:\n  - R1\n", 3, "a rung is a mapping"),
        (R1.replace("name: short", "nome: short"), 1, "no key 'nome'; known: name, rungs"),
        (R1 + "    too: manager\n", 7, "no key 'too'; known: name, days, to, kind"),
        (R1.replace("    kind: reminder\n", ""), 3, "a rung needs the key kind"),
        (R1.replace("short", "[a]"), 1, "name takes one value"),
        (R1.replace("short", '""'), 1, "name is empty"),
        (R1.replace("short", "two words"), 1, "letters, digits"),
        (R1.replace("R1", "R:1"), 3, "letters, digits"),
        (R1.replace("R1", "R" * 41), 3, "40 at most"),
        (R1.replace("3\n", "three\n"), 4, "days 'three' cannot be used; give a whole number"),
        (R1.replace("3\n", "3.5\n"), 4, "whole number"),
        (R1.replace("3\n", "1:30\n"), 4, "whole number"),
        (R1.replace("3\n", "010\n"), 4, "whole number"),
        (R1.replace("3\n", "true\n"), 4, "whole number"),
        (R1.replace("3\n", "99999\n"), 4, "from -1300 to 1300"),
        (R1.replace("3\n", "1" * 5000 + "\n"), 4, "whole number"),
        (R1.replace("3\n", "[3]\n"), 4, "days takes one value"),
        (R1.replace("3\n", "\n"), 4, "days is empty"),
        (R1.replace("focal_point", "mayor"), 5, "addressee 'mayor' is not known; use focal_point"),
        (R1.replace("focal_point", "[]"), 5, "name at least one addressee"),
        (R1.replace("focal_point", "[manager, manager]"), 5, "stands twice"),
        (R1.replace("focal_point", "[[manager]]"), 5, "one value"),
        (R1.replace("reminder", "threat"), 6, "kind 'threat' is not known; use courtesy"),
        (R1 + "    via: pigeon\n", 7, "via 'pigeon' is not known; use message, agenda, digest"),
        (R1 + "    via: agenda\n", 7, "via agenda reaches the committee alone"),
        (R1 + "    via: digest\n", 7, "via digest reaches the manager alone"),
        (R1 + "    release: perhaps\n", 7, "give true or false"),
        (R1.replace("days: 3", "days: 0"), 6, "reminder is said when a thing is late"),
        (R1.replace("days: 3", "days: -3"), 6, "reminder is said when a thing is late"),
        (R1.replace("reminder", "courtesy"), 6, "courtesy is said up to day 0, not 3"),
        (R1.replace("reminder", "due_today"), 6, "due_today is said on day 0, not 3"),
        ("pause: -1\n" + R1, 1, "pause '-1' cannot be used; give a whole number of working days"),
        ("fair_warning: -3\n" + R1, 1, "from 0 to"),
        ("acknowledge_within: -5\n" + R1, 1, "from 0 to"),
        ("acknowledgement_lasts: [1]\n" + R1, 1, "one value"),
        (R1 + "  - {name: R1, days: 5, to: manager, kind: manager}\n", 7, "R1 stands twice"),
        (
            R1 + "  - {name: E1, days: 3, to: manager, kind: manager}\n",
            7,
            "day 3 does not come after day 3 of R1",
        ),
        (
            R1 + "  - {name: E1, days: 2, to: manager, kind: manager}\n",
            7,
            "put the rungs in order",
        ),
        (R1.replace("focal_point", "coordinator"), 3, "no rung reminds the focal point"),
        (R1 + "name: again\n", 7, "stands twice"),
        (R1 + "    days: 4\n", 7, "stands twice"),
        (R1 + "---\nname: second\n", 7, "only one"),
        ("name: short\nrungs: [\n", 3, "expected"),
        ("name: 'short\nrungs: x\n", 3, "end of stream"),
        ("name: short\n\trungs: x\n", 2, "indented by spaces"),
    ],
)
def test_every_error_names_its_line_and_its_reason(text, line, reason):
    error = refusal(text)

    assert reason in error.reason
    assert (error.source, error.line) == ("my-ladder.yaml", line)
    assert str(error) == f"my-ladder.yaml, line {line}: {error.reason}."


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_file_is_refused(text):
    assert refusal(text).line <= 2


def test_a_merge_key_is_not_followed():
    assert "no key '<<'" in refusal(R1 + "    <<: {days: 9}\n").reason


def test_a_file_that_is_too_large_is_refused_unread(tmp_path):
    file = tmp_path / "large.yaml"
    file.write_bytes(R1.encode() + b"#" * LARGEST)

    with pytest.raises(BadLadder, match=r"large\.yaml, line 1: a ladder takes at most 256 kB"):
        load_ladder(file)
    with pytest.raises(BadLadder, match="at most 256 kB"):
        load_ladder(file.read_text())


def test_a_file_in_another_encoding_is_refused_with_the_line(tmp_path):
    file = tmp_path / "latin.yaml"
    file.write_bytes(R1.encode() + "# répété\n".encode("latin-1"))

    with pytest.raises(BadLadder, match=r"latin\.yaml, line 7: a byte is not UTF-8"):
        load_ladder(file)


def test_a_file_in_utf_16_is_refused(tmp_path):
    file = tmp_path / "wide.yaml"
    file.write_bytes(R1.encode("utf-16"))

    with pytest.raises(BadLadder, match="save the file as UTF-8"):
        load_ladder(file)


def test_a_file_that_is_not_there_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(BadLadder, match=r"none\.yaml, line 1: the file cannot be read"):
        load_ladder(tmp_path / "none.yaml")
    with pytest.raises(BadLadder, match="cannot be read"):
        load_ladder(tmp_path)


def test_a_frozen_ladder_comes_back_as_it_was():
    odd = replace(DEFAULT, name="naïf", pause=0, rungs=DEFAULT.rungs[3:])

    assert ladder_from_json(dump_ladder(DEFAULT)) == DEFAULT
    assert ladder_from_json(dump_ladder(odd)) == odd


def test_equal_ladders_freeze_to_the_same_sorted_text():
    text = dump_ladder(load_ladder(DEFAULT_FILE))

    assert text == dump_ladder(DEFAULT)
    assert "\n" not in text
    assert list(json.loads(text)) == sorted(json.loads(text))


def test_a_frozen_ladder_of_an_older_release_takes_the_defaults_of_new_keys():
    old = json.loads(dump_ladder(DEFAULT))
    del old["pause"]
    for rung in old["rungs"]:
        del rung["via"]

    read = ladder_from_json(json.dumps(old))

    assert read.pause == 10
    assert read.rung("E2").via is Via.MESSAGE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"name": "a"}',
        '{"name": "a", "rungs": {}}',
        '{"name": "a", "rungs": [1]}',
        '{"name": "a", "rungs": [{"name": "R1"}]}',
        '{"name": 1, "rungs": []}',
        '{"name": "a", "rungs": [], "pause": true}',
        '{"name": "a", "rungs": [], "pause": "10"}',
        '{"name": "a", "rungs": [], "extra": 1}',
        '{"name": "a", "rungs": [{"name": "R", "days": 1, "kind": "reminder", "to": "manager"}]}',
        '{"name": "a", "rungs": [{"name": "R", "days": 1, "kind": "reminder", "to": ["pope"]}]}',
        '{"name": "a", "rungs": [{"name": "R", "days": 1, "kind": "reminder", "to": [[]]}]}',
        "[" * 100_000,
    ],
)
def test_a_damaged_frozen_ladder_is_refused(text):
    with pytest.raises(BadLadder, match="frozen ladder, line 1"):
        ladder_from_json(text)


def test_a_frozen_ladder_out_of_order_is_refused():
    frozen = json.loads(dump_ladder(DEFAULT))
    frozen["rungs"].reverse()

    with pytest.raises(BadLadder, match="does not come after"):
        ladder_from_json(json.dumps(frozen))
