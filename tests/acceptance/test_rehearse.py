"""A coordinator sees what would be said, sends a rung up early, and has a hand on the brake."""

import json
import signal
from base64 import b64decode
from pathlib import Path

import pytest
from builders import plain
from command_line import CommandLine
from smtp_server import SmtpServer

from config.ladder import DEFAULT_FILE

SIX = ["at", "to", "action", "rung", "channel", "language"]
FROM = ("--as-of", "2026-03-02T08:00:00Z")


@pytest.fixture(autouse=True)
def a_stop_signal_as_ever():
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def alkawari(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    command = CommandLine(tmp_path, monkeypatch, capsys)
    command.settle_in()
    return command


@pytest.fixture
def patient(tmp_path: Path) -> Path:
    """The default ladder, but a second reminder and a stall review that come later."""
    text = DEFAULT_FILE.read_text(encoding="utf-8")
    for old, new in (("name: default", "name: patient"), ("days: 10\n", "days: 15\n"),
                     ("days: 20\n", "days: 26\n")):  # fmt: skip
        assert text.count(old) == 1
        text = text.replace(old, new)
    path = tmp_path / "patient.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def rehearsed(alkawari: CommandLine, until: str, *options: str) -> list[dict[str, str]]:
    return alkawari("rehearse", "--until", until, "--json", *FROM, *options).json


def test_who_is_told_what_when_and_in_which_language_if_nobody_acts(alkawari):
    lines = rehearsed(alkawari, "2026-05-31")

    assert all(list(line)[:6] == SIX for line in lines)
    assert lines == sorted(lines, key=lambda x: [x["at"], x["to"], x["action"], x["rung"]])
    of_the_deed = [(x["at"][:16], x["to"], x["rung"], x["language"]) for x in lines
                   if x["action"] == "JOS-01" and x["channel"] == "email"]  # fmt: skip
    assert of_the_deed[:4] == [
        ("2026-03-02T08:00", "residents@jos.example", "P3", "en"),
        ("2026-03-05T07:30", "residents@jos.example", "R1", "en"),
        ("2026-03-16T07:30", "coord@jos.example", "call:R2", "en"),
        ("2026-03-16T07:30", "residents@jos.example", "R2", "en"),
    ]


def test_it_happens_as_it_was_rehearsed_and_the_rehearsal_changes_nothing(alkawari, tmp_path):
    before = (alkawari("actions", "--json").json, alkawari("history", "JOS-01", "--json").json)
    lines = rehearsed(alkawari, "2026-03-20")
    assert (alkawari("actions", "--json").json, alkawari("history", "JOS-01", "--json").json) == (
        before
    )
    with SmtpServer(folder=tmp_path) as server:
        alkawari.set_mail_server(server.port)
        told = []
        for day in range(2, 21):
            for hour in ("00:00", "07:30", "08:00", "08:30"):
                now = f"2026-03-{day:02}T{hour}:00Z"
                if now < FROM[1]:
                    continue
                seen = len(server.received())
                assert alkawari("sweep", "--as-of", now).code == 0
                assert alkawari("deliver", "--as-of", now).code == 0
                new = server.received()[seen:]
                told += [(now[:16], letter["rcpt"]) for letter in new]

    assert sorted(told) == sorted(
        {(x["at"][:16], x["to"]) for x in lines if x["channel"] == "email"}
    )
    assert len(told) > 3


def test_people_read_it_as_tables(alkawari):
    shown = alkawari("rehearse", "--until", "2026-05-31", *FROM)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith("If nobody acts from 2026-03-02 08:00 UTC to 2026-05-31: ")
    for title in ("Who is told what", "Week by week", "What each person gets",
                  "Languages and channels", "Days respected"):  # fmt: skip
        assert title in shown.out
    facts = [line.split() for line in shown.out.splitlines()]
    assert ["messages", "on", "a", "rest", "day", "or", "feast", "0"] in facts
    assert ["most", "messages", "to", "one", "person", "on", "one", "day", "1"] in facts


def test_one_dialogue_alone(alkawari):
    lines = rehearsed(alkawari, "2026-05-31", "--dialogue", "jos")
    assert {line["dialogue"] for line in lines} == {"Jos"}
    assert alkawari("rehearse", "--until", "2026-05-31", "--dialogue", "Paris", *FROM).sentence


def test_two_ladders_side_by_side(alkawari, patient):
    options = ("--until", "2026-05-31", "--ladder", str(patient), "--against", "current", *FROM)
    found = alkawari("rehearse", *options, "--json").json

    assert "escalation" in found["summary"]
    moved = {(d["action"], d["rung"], d["change"]) for d in found["differences"]}
    assert {("JOS-01", "R2", "later"), ("JOS-01", "E1", "later")} <= moved
    assert not {rung for _ref, rung, _change in moved} & {"P1", "P2", "P3", "R1"}
    shown = alkawari("rehearse", *options)
    assert shown.out.lower().startswith(found["summary"])
    assert "By rung" in shown.out
    assert "By person" in shown.out


def test_a_case_that_is_running_keeps_its_ladder_unless_one_asks(alkawari, patient, tmp_path):
    with SmtpServer(folder=tmp_path) as server:
        alkawari.set_mail_server(server.port)
        for command in ("sweep", "deliver"):
            assert alkawari(command, *FROM).code == 0
    options = ("--until", "2026-05-31", "--ladder", str(patient), "--against", "current", *FROM)

    kept = alkawari("rehearse", *options, "--json").json
    assert kept["runs_under_way"] == 1
    assert "JOS-01" not in {d["action"] for d in kept["differences"]}
    every = alkawari("rehearse", *options, "--all-runs", "--json").json
    assert "JOS-01" in {d["action"] for d in every["differences"]}
    assert "1 case under way keep" in alkawari("rehearse", *options).out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--until", "2026-02-01"), "--until"),
        (("--until", "2040-01-01"), "--until"),
        (("--until", "soon"), "--until"),
        (("--until", "2026-05-31", "--against", "current"), "--ladder"),
        (("--until", "2026-05-31", "--all-runs"), "--ladder"),
        (("--until", "2026-05-31", "--ladder", "none.yaml"), "none.yaml"),
    ],
)
def test_what_cannot_be_rehearsed_is_refused_in_one_sentence(alkawari, options, said):
    assert said in alkawari("rehearse", *options, *FROM).sentence


class Story:
    """Jos, with a mail server: what arrives at an instant."""

    def __init__(self, alkawari: CommandLine, server: SmtpServer) -> None:
        self.alkawari, self.server = alkawari, server

    def pass_time(self, at: str) -> list[tuple[str, str]]:
        seen = len(self.server.received())
        for command in ("sweep", "deliver"):
            assert self.alkawari(command, "--as-of", at).code == 0
        return [(letter["rcpt"], plain(b64decode(letter["data"])))
                for letter in self.server.received()[seen:]]  # fmt: skip


@pytest.fixture
def story(alkawari, tmp_path):
    with SmtpServer(folder=tmp_path, keep=True) as server:
        alkawari.set_mail_server(server.port)
        yield Story(alkawari, server)


def test_a_coordinator_sends_a_rung_up_early_and_the_ladder_goes_on_from_there(alkawari, story):
    story.pass_time("2026-03-05T08:00Z")  # R1 reaches the residents
    ask = ("escalate", "JOS-01", "--by", "coord@jos.example", "--reason", "the mayor asked")
    early = alkawari(*ask, "--as-of", "2026-03-06T09:00Z").sentence
    assert "fair warning until 2026-03-10" in early

    done = alkawari(*ask, "--as-of", "2026-03-10T09:00Z", "--json").json["escalated"]
    assert (done["rung"], done["new"], done["waits_for"]) == ("E1", True, "")
    again = alkawari(*ask, "--as-of", "2026-03-10T09:01Z", "--json").json["escalated"]
    assert (again["rung"], again["new"]) == ("E1", False)
    arrived = story.pass_time("2026-03-10T09:05Z")
    assert [to for to, text in arrived if "JOS-01" in text] == ["coord@jos.example"]

    events = alkawari("history", "JOS-01", "--json").json
    [up] = [event for event in events if event["kind"] == "escalated"]
    assert up["payload"]["reason"] == "the mayor asked"
    # Nobody acknowledges it: the committee is next, long before its own day.
    rungs = [(x["at"][:10], x["rung"]) for x in alkawari(
        "rehearse", "--until", "2026-04-30", "--json", "--as-of", "2026-03-11T09:00Z").json
        if x["action"] == "JOS-01" and "E" in x["rung"]]  # fmt: skip
    assert [day for day, rung in rungs if rung.endswith("E2")] == ["2026-03-17"]
    assert not [day for day, rung in rungs if rung == "E1"]


def test_what_is_held_is_listed_and_on_resume_only_what_is_true_is_said(alkawari, story):
    story.pass_time("2026-03-04T08:00Z")
    hold = ("hold", "--dialogue", "Jos", "--by", "coord@jos.example")
    why = ("--reason", "a funeral in the ward", "--as-of", "2026-03-04T09:00Z")
    assert alkawari(*hold, *why).code == 0
    for day in ("05", "06", "09", "16"):
        assert story.pass_time(f"2026-03-{day}T08:00Z") == []

    [hold] = alkawari("hold", "--list", "--json", "--as-of", "2026-03-16T09:00Z").json
    assert {key: hold[key] for key in ("scope", "dialogue", "by", "reason", "until_on")} == {
        "scope": "dialogue", "dialogue": "Jos", "by": "coord@jos.example",
        "reason": "a funeral in the ward", "until_on": None,
    }  # fmt: skip
    kept = {(x["action"], x["rung"]) for x in hold["held"]}
    assert {("JOS-01", "R1"), ("JOS-03", "O1")} <= kept
    assert "funeral" in alkawari("hold", "--list").out
    told = alkawari("rehearse", "--until", "2026-04-30", "--as-of", "2026-03-16T09:00Z",
                    "--dialogue", "Jos", "--json").json  # fmt: skip
    assert [x for x in told if x["channel"] == "email"] == []

    # Meanwhile the deed was registered: of it only its verifier hears, once.
    alkawari("report", "JOS-01", "--by", "residents@jos.example", "--level", "completed",
             "--note", "registered", "--as-of", "2026-03-16T10:00Z")  # fmt: skip
    assert alkawari("resume", "--dialogue", "Jos", "--as-of", "2026-03-17T08:00Z").code == 0
    arrived = story.pass_time("2026-03-17T08:00Z")
    assert [to for to, text in arrived if "JOS-01" in text] == ["works@jos.example"]
    assert alkawari("hold", "--list", "--json").json == []


def test_what_waits_for_a_release_is_listed_until_it_is_released_or_refused(alkawari, story):
    story.pass_time("2026-03-05T08:00Z")
    ask = ("escalate", "JOS-01", "--by", "coord@jos.example", "--reason", "the governor asked")
    # The residents have no superior; nothing is sent to nobody.
    refused = alkawari(*ask, "--rung", "E3", "--as-of", "2026-03-10T09:00Z").sentence
    assert "has nobody" in refused
    assert alkawari("release", "--list", "--json").json == []
    assert alkawari("release", "--list").out == "Nothing waits for a release.\n"


def test_the_party_puts_a_reminder_off_and_is_left_alone_so_long(alkawari, story):
    story.pass_time("2026-03-02T08:00Z")
    ask = ("snooze", "JOS-01", "--by", "residents@jos.example", "--as-of", "2026-03-03T09:00Z")
    assert "at most" in alkawari(*ask, "--until", "2026-04-30").sentence
    assert alkawari(*ask, "--until", "2026-03-11").code == 0
    again = (*ask, "--until", "2026-03-13")
    assert alkawari(*again).code == 0
    assert "2 times" in alkawari(*ask, "--until", "2026-03-16").sentence

    options = ("--until", "2026-04-30", "--json", "--as-of", "2026-03-03T09:30Z")
    told = {x["rung"]: x["at"][:10] for x in alkawari("rehearse", *options).json
            if x["action"] == "JOS-01"}  # fmt: skip
    assert told["R1"] == "2026-03-13"
    assert told["E1"] == "2026-03-30"  # twenty working days late, as without the rest


@pytest.mark.parametrize(
    "arguments",
    [("hold",), ("hold", "--by", "coord"), ("hold", "--reason", "x"), ("release",),
     ("release", "JOS-01"), ("release", "--by", "coord"), ("escalate", "JOS-01")],
)  # fmt: skip
def test_without_list_the_brakes_need_to_know_who_and_why(alkawari, arguments):
    assert alkawari(*arguments).code == 2


def test_json_of_a_rehearsal_is_one_value(alkawari):
    said = alkawari("rehearse", "--until", "2026-03-10", "--json", *FROM)
    assert isinstance(json.loads(said.out), list)
