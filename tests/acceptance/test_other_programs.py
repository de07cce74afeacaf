"""Other programs as their authors meet them: keys, the commands of docs/api.md, webhooks."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from command_line import CommandLine, Said
from hook_receiver import a_receiver
from program import Program, eventually

DOCS = Path(__file__).resolve().parents[2] / "docs"
SOON = (date.today() + timedelta(days=60)).isoformat()  # noqa: DTZ011 - the program runs now
PLAN = (
    "ref,dialogue,action,responsible,responsible_email,coordinator_email,due,state\n"
    f"SAA-07,Saaba,Light the road,Town hall,hall@saaba.example,coord@saaba.example,{SOON},"
    "in_progress\n"
)


@pytest.fixture
def alkawari(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    made = CommandLine(tmp_path, monkeypatch, capsys)
    assert made("init").code == 0
    assert made.take_in(PLAN).code == 0
    return made


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Any]:
    born: list[Program] = []

    def start() -> Program:
        born.append(Program(tmp_path, len(born)))
        return born[-1]

    yield start
    for one in born:
        one.kill()


def commands() -> list[str]:
    return re.findall(r"```sh\n(.*?)```", (DOCS / "api.md").read_text("utf-8"), re.DOTALL)


def test_the_commands_of_the_page_work_as_they_stand_there(alkawari, up, tmp_path):
    made = alkawari("key", "create", "--for", "coord@saaba.example", "--scope", "admin", "--json")
    key = made.json["key"]
    program = up()
    answers = []
    for command in commands():
        done = subprocess.run(
            ["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True,
            env={**os.environ, "URL": program.url, "KEY": key},
        )  # fmt: skip
        answers.append(json.loads(done.stdout))

    assert len(answers) == 3
    assert answers[0] == {"data": [], "next": None}
    assert answers[1]["ref"] == "SAA-07"
    assert answers[2]["unchanged"] == 1


def test_a_key_is_shown_once_listed_by_its_beginning_and_ended_by_it(alkawari):
    said: Said = alkawari("key", "create", "--for", "coord@saaba.example", "--name", "a tracker")
    key = said.out.strip()
    [listed] = alkawari("key", "list", "--json").json

    assert "not shown again" in said.err
    assert key.startswith(listed["prefix"])
    assert key not in json.dumps(listed)
    assert (listed["name"], listed["scope"], listed["revoked_at"]) == ("a tracker", "read", None)
    assert listed["prefix"] in alkawari("key", "list").out
    assert alkawari("key", "revoke", listed["prefix"]).code == 0
    assert alkawari("key", "list", "--json").json[0]["revoked_at"]
    assert "no working key" in alkawari("key", "revoke", listed["prefix"]).sentence
    assert "one person" in alkawari("key", "create", "--for", "nobody").sentence
    assert "dialogue" in alkawari(
        "key", "create", "--for", "coord@saaba.example", "--dialogue", "Nowhere"
    ).sentence  # fmt: skip


def test_keys_and_secrets_are_not_in_an_export(alkawari):
    key = alkawari("key", "create", "--for", "coord@saaba.example", "--json").json["key"]
    secret = alkawari("webhook", "add", "https://listener.example/", "--json").json["secret"]
    written = alkawari("export", "--format", "json").out

    assert key[:12] not in written
    assert secret not in written
    assert "listener.example" not in written


def test_a_calendar_is_printed_and_ended(alkawari, up):
    first = alkawari("calendar", "hall@saaba.example").out.strip()
    second = alkawari("calendar", "hall@saaba.example").out.strip()
    program = up()
    paths = ["/calendar/" + address.rpartition("/")[2] for address in (first, second)]

    assert program.get(paths[0])[0] == 404
    with urlopen(program.url + paths[1], timeout=30) as answer:  # noqa: S310 - our own
        assert b"[Saaba] Ref. SAA-07" in answer.read()
    assert alkawari("calendar", "hall@saaba.example", "--revoke").code == 0
    assert program.get(paths[1])[0] == 404
    assert "to end" in alkawari("calendar", "hall@saaba.example", "--revoke").out


def test_a_webhook_hears_of_what_happens_while_it_runs_and_survives_a_kill(
    alkawari, up, monkeypatch
):
    monkeypatch.setenv("ALKAWARI_WEBHOOKS__ALLOW_PRIVATE", "true")
    with a_receiver() as receiver:
        added = alkawari("webhook", "add", receiver.url, "--json").json
        report = ("report", "SAA-07", "--by", "hall@saaba.example", "--level", "minimum")
        assert alkawari(*report, "--note", "begun").code == 0
        first = up()
        assert receiver.arrived.acquire(timeout=60)
        eventually(lambda: alkawari("webhook", "list", "--json").json[0]["waiting"] == 0)
        first.kill()
        assert alkawari(*report, "--note", "going on").code == 0
        up()
        eventually(lambda: {each["data"]["version"] for each in receiver.heard} == {2, 3})

    assert receiver.signed_by(added["secret"])
    assert {each["type"] for each in receiver.heard} == {"reported"}
    assert "begun" not in str(receiver.bodies)


def test_webhooks_are_listed_resumed_sent_and_removed(alkawari, monkeypatch):
    monkeypatch.setenv("ALKAWARI_WEBHOOKS__ALLOW_PRIVATE", "true")
    with a_receiver() as receiver:
        alkawari("webhook", "add", receiver.url, "--events", "reported_done", "--dialogue", "saaba")
        receiver.usual = 500
        alkawari("move", "SAA-07", "reported_done", "--by", "hall@saaba.example", "--note", "lit")
        assert alkawari("webhook", "send", "--json").json == {"sent": 0, "failed": 1, "stopped": 0}
        [listed] = alkawari("webhook", "list", "--json").json
        assert (listed["waiting"], listed["attempt"], listed["outcome"]) == (1, 1, "answered 500")
        receiver.usual = 200
        assert "tried again" in alkawari("webhook", "resume", "1").out
        assert "Posted 1 events" in alkawari("webhook", "send").out
    assert alkawari("webhook", "remove", "1").code == 0
    assert alkawari("webhook", "list", "--json").json == []
    assert "webhook" in alkawari("webhook", "remove", "1").sentence
    monkeypatch.delenv("ALKAWARI_WEBHOOKS__ALLOW_PRIVATE")
    assert "https" in alkawari("webhook", "add", "http://127.0.0.1:1/").sentence


def test_curl_is_here_for_the_page() -> None:
    assert shutil.which("curl")
