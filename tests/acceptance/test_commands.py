"""Every command as somebody uses it who has read the README, from an empty folder on."""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from base64 import b64decode
from email import message_from_bytes, policy
from pathlib import Path

import pytest
import typer.main
from command_line import PLAN, CommandLine
from smtp_server import SmtpServer

from cli.main import assembled
from config.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

ACTION_KEYS = [
    "ref", "dialogue", "title", "state", "kind", "responsible", "due_on", "original_due_on",
    "effective_due_on", "overdue", "days_overdue", "rung_reached", "rung_sent", "conditions",
    "version",
]  # fmt: skip
NOON = "2026-03-10T12:00:00+00:00"


@pytest.fixture
def alkawari(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    return CommandLine(tmp_path, monkeypatch, capsys)


@pytest.fixture
def jos(alkawari: CommandLine) -> CommandLine:
    alkawari.settle_in()
    return alkawari


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def is_as_shown(shown: str, printed: str) -> bool:
    """Whether a text is the one that was printed; `...` stands for anything."""
    lines = [line.rstrip() for line in shown.strip().splitlines()]
    pattern = re.escape("\n".join(lines)).replace(re.escape("..."), ".*")
    text = "\n".join(line.rstrip() for line in printed.strip().splitlines())
    return re.fullmatch(pattern, text, re.DOTALL) is not None


def test_the_lines_of_the_readme_do_what_it_says(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [console] = blocks(readme, "console")
    steps = [step.partition("\n") for step in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]]
    [letter] = blocks(readme, "text")
    command = shutil.which("alkawari", path=Path(sys.executable).parent)
    assert command

    with SmtpServer(keep=True) as server:
        environment = {
            **os.environ, "COLUMNS": "80", "ALKAWARI_MAIL__HOST": "127.0.0.1",
            "ALKAWARI_MAIL__PORT": str(server.port), "ALKAWARI_MAIL__SECURITY": "none",
            "ALKAWARI_MAIL__SENDER": "alkawari@jos.example",
        }  # fmt: skip
        for line, _, shown in steps:
            program, *arguments = shlex.split(line)
            if program == "cat":
                (tmp_path / arguments[0]).write_text(shown, encoding="utf-8")
                continue
            assert program == "alkawari"
            done = subprocess.run(
                [command, *arguments],
                cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, (line, done.stderr)
            assert is_as_shown(shown, done.stdout), (line, done.stdout)
        [mail] = server.received()

    assert len(steps) == 8
    read = message_from_bytes(b64decode(mail["data"]), policy=policy.default)
    body = read.get_body(("plain",))
    assert body is not None
    subject, _, words = letter.partition("\n")
    assert subject == f"Subject: {read['subject']}"
    assert is_as_shown(f"...\n{words.strip()}\n...", body.get_content())


def test_the_readme_is_short_and_its_links_lead_somewhere() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    links = set(re.findall(r"\]\((?!http)([^)#]+)", readme)) - {"docs/demo.png"}

    assert len(readme.splitlines()) < 150
    assert not [link for link in links if not (ROOT / link).exists()]
    for script in ("bin/demo", "bin/test"):
        assert os.access(ROOT / script, os.X_OK)


def test_init_writes_settings_and_a_database_and_repeating_it_changes_nothing(
    alkawari: CommandLine, tmp_path: Path
) -> None:
    first = alkawari("init", "--json").json
    written = (tmp_path / "alkawari.yaml").read_bytes()
    again = alkawari("init", "--json").json

    assert list(first) == ["database", "created", "revision"]
    assert (first["created"], again["created"]) == (True, False)
    assert first["database"] == f"sqlite:///{tmp_path}/alkawari-data/alkawari.db"
    assert (tmp_path / "alkawari.yaml").read_bytes() == written
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["alkawari-data", "alkawari.yaml"]


def test_the_settings_file_that_init_writes_names_only_settings_that_exist(
    alkawari: CommandLine, tmp_path: Path
) -> None:
    alkawari("init")
    path = tmp_path / "alkawari.yaml"
    # With every line that is commented out taken in, it must still be understood.
    every = re.sub(r"^(\s*)# (\w+: )", r"\1\2", path.read_text("utf-8"), flags=re.MULTILINE)
    every = re.sub(r"^(database_url|ladder|  password): .*$", "", every, flags=re.MULTILINE)
    path.write_text(every, encoding="utf-8")

    assert alkawari("status", "--json").json["total"] == 0


def test_an_import_counts_its_rows_and_the_same_file_again_changes_nothing(
    alkawari: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "plan.csv").write_text(PLAN, encoding="utf-8")
    alkawari("init")
    keys = ["rows", "created", "updated", "unchanged", "errors"]

    dry = alkawari("import", "plan.csv", "--dry-run", "--json").json
    first = alkawari("import", "plan.csv", "--json").json
    again = alkawari("import", "plan.csv", "--json").json

    assert list(dry) == list(first) == list(again) == keys
    assert (dry["created"], first["created"], again["created"]) == (4, 4, 0)
    assert again["unchanged"] == again["rows"] == 4
    assert "4 rows" in alkawari("import", "plan.csv").out


def test_the_list_has_the_promised_keys_and_can_be_narrowed(jos: CommandLine) -> None:
    everything = jos("actions", "--as-of", "2026-03-10", "--json").json
    late = jos("actions", "--overdue", "--as-of", "2026-03-10", "--json").json

    assert [list(row) for row in everything] == [ACTION_KEYS] * 4
    assert [row["ref"] for row in late] == ["JOS-01"]
    assert late[0]["days_overdue"] == 6
    assert late[0]["rung_reached"] == "R1"
    assert late[0]["rung_sent"] is None
    assert len(jos("actions", "--dialogue", "jos", "--json").json) == 3
    assert len(jos("actions", "--dialogue", "Saaba", "--json").json) == 1
    assert [a["ref"] for a in jos("actions", "--state", "proposed", "--json").json] == ["SAA-01"]


def test_a_day_without_an_hour_means_noon_and_zones_are_understood(jos: CommandLine) -> None:
    for given, meant in (
        ("2026-03-10", NOON),
        ("2026-03-10T09:00:00Z", "2026-03-10T09:00:00+00:00"),
        ("2026-03-10T09:00:00+01:00", "2026-03-10T08:00:00+00:00"),
        ("2026-03-10T09:00", "2026-03-10T09:00:00+00:00"),
    ):
        assert jos("status", "--as-of", given, "--json").json["as_of"] == meant


def test_a_promise_goes_its_whole_way(jos: CommandLine) -> None:
    at = ("--as-of", "2026-03-10", "--json")
    works, residents = ("--by", "works@jos.example"), ("--by", "residents@jos.example")
    coordinator = ("--by", "coord@jos.example")

    assert jos("sweep", "--dry-run", *at).json["notices"] > 0
    swept = jos("sweep", *at).json
    again = jos("sweep", *at).json
    acknowledged = jos("acknowledge", "JOS-01", *residents, *at).json
    begun = jos("move", "JOS-01", "in_progress", *residents, *at).json
    some = jos("report", "JOS-01", *residents, "--level", "minimum", "--note", "Asked", *at).json
    moved = jos(
        "reschedule", "JOS-01", "2026-04-02", *coordinator, "--reason", "Both agreed", *at
    ).json
    blocked = jos(
        "move", "JOS-01", "blocked", *residents, "--obstacle", "permit", "--blocker", "Registrar",
        "--review-on", "2026-03-20", "--reason", "No seal", *at,
    ).json  # fmt: skip
    freed = jos("move", "JOS-01", "in_progress", *residents, *at).json
    done = jos("report", "JOS-01", *residents, "--level", "completed", "--note", "Deed", *at).json
    waits = jos("show", "JOS-02", *at).json["waiting"]
    verified = jos(
        "verify-done", "JOS-01", *works, "--method", "register", "--seen", "entry", *at
    ).json
    shown = jos("show", "JOS-01", *at).json
    events = jos("history", "JOS-01", "--json").json

    assert list(swept) == ["as_of", "examined", "moved", "notices", "by_rung", "elapsed_s"]
    assert swept["as_of"] == NOON
    assert swept["by_rung"]["R1"] == 1
    assert (again["examined"], again["notices"]) == (0, 0)
    assert [list(one) for one in (acknowledged, begun, some, moved, done)] == [ACTION_KEYS] * 5
    states = [one["state"] for one in (acknowledged, begun, some, moved, blocked, freed, done)]
    assert states == ["agreed", *["in_progress"] * 3, "blocked", "in_progress", "reported_done"]
    assert (moved["due_on"], moved["original_due_on"]) == ("2026-04-02", "2026-03-02")
    assert waits is True
    assert jos("show", "JOS-02", *at).json["waiting"] is False
    assert verified["state"] == "verified"
    assert shown["earlier_due_dates"] == ["2026-03-02"]
    assert {notice["rung"] for notice in shown["notices"]} == {"R1"}
    assert [event["seq"] for event in events] == list(range(1, verified["version"] + 1))
    assert list(events[0]) == ["seq", "kind", "at", "by", "payload", "hash"]
    assert {"imported", "notified", "acknowledged", "reported", "rescheduled", "blocked"} < {
        event["kind"] for event in events
    }


def test_a_write_that_saw_an_old_version_is_refused(jos: CommandLine) -> None:
    mine = ("--by", "residents@jos.example", "--version", "1")
    jos("move", "JOS-01", "in_progress", *mine)

    said = jos("report", "JOS-01", *mine, "--level", "minimum", "--note", "Asked").sentence

    assert "you saw version 1, it is now 2" in said


def test_delivery_tells_its_figures_and_a_missing_mail_server_is_a_refusal(
    jos: CommandLine,
) -> None:
    jos("sweep", "--as-of", "2026-03-10")
    without = jos("deliver", "--as-of", "2026-03-10", "--json")
    with SmtpServer() as server:
        jos.set_mail_server(server.port)
        sent = jos("deliver", "--as-of", "2026-03-10", "--json").json
        again = jos("deliver", "--as-of", "2026-03-10", "--json").json
        recipients = [mail["rcpt"] for mail in server.received()]

    keys = [
        "as_of",
        "sent",
        "retry",
        "rejected",
        "unknown",
        "struck",
        "held",
        "leased",
        "elapsed_s",
    ]
    assert without.code == 1
    assert list(json.loads(without.out)) == keys
    assert "mail.host" in without.err
    assert list(sent) == keys
    assert sent["sent"] == len(recipients) == len(set(recipients)) > 0
    assert again["sent"] == 0
    assert (
        jos("actions", "--overdue", "--as-of", "2026-03-10", "--json").json[0]["rung_sent"] == "R1"
    )


def test_the_counts_add_up(jos: CommandLine) -> None:
    counts = jos("status", "--as-of", "2026-03-10", "--json").json

    assert list(counts) == ["as_of", "total", "by_state", "conditions", "by_dialogue"]
    assert counts["total"] == sum(counts["by_state"].values()) == 4
    assert counts["conditions"]["overdue"] == 1
    assert set(counts["by_dialogue"]) == {"Jos", "Saaba"}
    assert sum(own["total"] for own in counts["by_dialogue"].values()) == 4


def test_what_was_exported_can_be_taken_in_elsewhere(
    jos: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet = jos("export", "--format", "csv")
    record = jos("export", "--format", "json").json
    jos("export", "--out", "out.csv")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    jos("init")

    taken = jos("import", "../out.csv", "--as-of", "2026-02-02", "--json").json
    again = jos("export")

    assert sheet.err == ""
    assert (tmp_path / "out.csv").read_text("utf-8") == sheet.out
    assert taken["created"] == 4
    assert "works@jos.example" in sheet.out
    assert again.out == sheet.out
    assert len(record["actions"]) == 4
    assert len(record["events"]) >= 4


def test_doctor_lists_what_is_wrong_and_what_to_do(
    alkawari: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = alkawari("doctor", "--json")
    alkawari("init")
    monkeypatch.setenv("ALKAWARI_MAIL__SENDER", "alkawari@jos.example")
    with SmtpServer() as server:
        alkawari.set_mail_server(server.port)
        after = alkawari("doctor", "--json").json
    gone = alkawari("doctor", "--json")
    assert gone.code == 1
    assert "is the server running" in gone.out
    monkeypatch.setenv("ALKAWARI_MAIL__PORT", "abc")
    broken = alkawari("doctor", "--json")

    assert (before.code, broken.code) == (1, 1)
    wrong = {f["check"]: f["advice"] for f in json.loads(before.out) if f["state"] == "wrong"}
    assert list(wrong) == ["database"]
    assert "alkawari init" in wrong["database"]
    assert [list(finding) for finding in after] == [["check", "state", "says", "advice"]] * len(
        after
    )
    assert not [finding for finding in after if finding["state"] == "wrong"]
    assert "mail.port" in json.loads(broken.out)[0]["says"]


def test_a_hold_keeps_messages_back_until_it_is_resumed(jos: CommandLine) -> None:
    why = ("--by", "coord@jos.example", "--reason", "a funeral")
    jos("sweep", "--as-of", "2026-03-10")
    with SmtpServer() as server:
        jos.set_mail_server(server.port)
        assert jos("hold", "--dialogue", "Jos", "--from", "2026-03-09", *why).code == 0
        held = jos("deliver", "--as-of", "2026-03-10", "--json").json
        assert "1 hold" in jos("resume", "--dialogue", "Jos", "--as-of", "2026-03-10").out
        after = jos("deliver", "--as-of", "2026-03-10", "--json").json

    assert (held["sent"], held["held"]) == (0, 2)
    assert after["sent"] > 0


@pytest.mark.parametrize(
    "command",
    [
        ("actions",), ("show", "JOS-01"), ("history", "JOS-01"), ("status",), ("doctor",),
        ("sweep", "--dry-run"),
    ],
)  # fmt: skip
def test_tables_fit_into_eighty_columns_and_break_no_reference_or_date(
    jos: CommandLine, command: tuple[str, ...]
) -> None:
    at = () if command[0] in {"history", "doctor"} else ("--as-of", "2026-03-10")
    said = jos(*command, *at)

    assert max(map(len, said.out.splitlines())) <= 80
    assert not re.search(r"\d{4}-\d\d?-?\s*$", said.out, re.MULTILINE)
    if command[0] == "actions":
        for word in ("JOS-01", "2026-03-02", "responsible", "conditions", "in_force"):
            assert re.search(rf"(^|\s){re.escape(word)}(\s|$)", said.out)


@pytest.mark.parametrize("columns", ["", "0", "-5", "abc", "99999999999999999999"])
def test_a_strange_width_of_the_terminal_is_no_matter(
    jos: CommandLine, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)

    assert "JOS-01" in jos("actions").out


def test_somebody_who_stops_reading_is_no_error(jos: CommandLine, tmp_path: Path) -> None:
    assert jos("status").code == 0
    command = Path(sys.executable).parent / "alkawari"
    with subprocess.Popen(
        [command, "export", "--format", "json"], cwd=tmp_path,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as running:  # fmt: skip
        assert running.stdout
        assert running.stderr
        running.stdout.close()
        complaint = running.stderr.read()

    assert running.returncode == 1
    assert complaint == b""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_can_complete_our_commands(tmp_path: Path, shell: str) -> None:
    command = Path(sys.executable).parent / "alkawari"
    asked = {
        "bash": {"COMP_WORDS": "alkawari resch", "COMP_CWORD": "1"},
        "zsh": {"_TYPER_COMPLETE_ARGS": "alkawari resch"},
        "fish": {
            "_TYPER_COMPLETE_ARGS": "alkawari resch",
            "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        },
    }[shell]
    environment = {**os.environ, "SHELL": f"/bin/{shell}"}

    script = subprocess.run(
        [command, "--show-completion", shell], cwd=tmp_path, env=environment,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    answer = subprocess.run(
        [command], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**environment, "_ALKAWARI_COMPLETE": f"complete_{shell}", **asked},
    )  # fmt: skip

    assert "_ALKAWARI_COMPLETE" in script.stdout
    assert "reschedule" in answer.stdout
    assert "Traceback" not in answer.stderr


def test_up_begins_answers_and_ends_well(jos: CommandLine, tmp_path: Path) -> None:
    assert jos("status").code == 0
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = Path(sys.executable).parent / "alkawari"
    running = subprocess.Popen(
        [command, "up", "--port", str(port)], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    try:
        first = running.stderr.readline() if running.stderr else ""
        with socket.create_connection(("127.0.0.1", port), timeout=10) as caller:
            caller.sendall(b"GET /healthz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
            answer = caller.recv(1000)
        running.send_signal(signal.SIGTERM)
        _, rest = running.communicate(timeout=60)
    finally:
        running.kill()
        running.wait()

    assert str(port) in first
    assert b" 200 " in answer.partition(b"\r\n")[0]
    assert running.returncode == 0, rest
    assert "Traceback" not in rest


def test_every_command_and_every_option_is_documented() -> None:
    page = (DOCS / "commands.md").read_text(encoding="utf-8")
    commands = typer.main.get_command(assembled()).commands  # type: ignore[attr-defined]
    missing = []
    for name, command in commands.items():
        section = page.partition(f"\n### `{name}`")[2].partition("\n### ")[0]
        if not section:
            missing.append(name)
            continue
        for option in command.params:
            for spelled in option.opts:
                told = spelled in COMMON or f"`{spelled}" in section
                if spelled.startswith("--") and not told:
                    missing.append(f"{name} {spelled}")

    assert not missing


COMMON = {"--json", "--as-of", "--version", "--by", "--help"}
"""Options that mean the same everywhere; the page tells them once."""


def test_every_setting_is_documented_with_its_default() -> None:
    text = (DOCS / "operating.md").read_text(encoding="utf-8")
    page = text.partition("\n## Settings\n")[2].partition("\n## ")[0]
    told = dict(re.findall(r"^\| `([\w.]+)` \| ([^|]*?) \| [^|]{8,} \|$", page, re.MULTILINE))

    def named(default: object) -> str:
        if default == "":
            return "*none*"
        return f"`{default}`"

    known = {}
    for name, field in Settings.model_fields.items():
        part = field.annotation
        if isinstance(part, type) and hasattr(part, "model_fields"):
            known |= {
                f"{name}.{inner}": named(one.default) for inner, one in part.model_fields.items()
            }
        else:
            known[name] = named(field.default)

    assert told == known
