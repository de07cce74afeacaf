"""Whatever is asked wrongly is answered with one sentence, and nothing has changed."""

import json
import os
import re
import socket
import sqlite3
from pathlib import Path

import pytest
from command_line import CommandLine


@pytest.fixture
def alkawari(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    return CommandLine(tmp_path, monkeypatch, capsys)


@pytest.fixture
def jos(alkawari: CommandLine) -> CommandLine:
    alkawari.settle_in()
    return alkawari


REFUSED = [
    (("show", "NOPE"), "no action 'NOPE'"),
    (("history", "NOPE"), "no action 'NOPE'"),
    (("show", ""), "no action ''"),
    (("show", "x" * 100_000), "no action"),
    (("show", "JOS-01' OR '1'='1"), "no action"),
    (("actions", "--dialogue", "Nowhere"), "known: Jos, Saaba"),
    (("move", "NOPE", "blocked", "--by", "x"), "no action 'NOPE'"),
    (("move", "JOS-01", "in_progress", "--by", "nobody"), "no person 'nobody'"),
    (("move", "JOS-01", "in_progress", "--by", ""), "no person"),
    (("move", "JOS-01", "in_progress", "--by", "mairie@saaba.example"), "only its"),
    (("move", "JOS-01", "verified", "--by", "works@jos.example"), "from here it can become"),
    (("move", "JOS-01", "blocked", "--by", "residents@jos.example"), "say "),
    (("move", "JOS-01", "blocked", "--by", "x", "--review-on", "soon"), "2026-12-04"),
    (("move", "JOS-01", "superseded", "--by", "x", "--successor", "NOPE"), "no action 'NOPE'"),
    (("report", "JOS-01", "--by", "x", "--level", "minimum", "--note", "n"), "no person"),
    (("report", "JOS-01", "--by", "residents@jos.example", "--level", "minimum", "--note", " "),
     "in a few words"),
    (("report", "JOS-01", "--by", "residents@jos.example", "--level", "minimum", "--note",
      "n" * 100_000), "100,000 characters"),
    (("report", "JOS-01", "--by", "residents@jos.example", "--level", "minimum", "--note",
      "\x1b[31mred"), "control character"),
    (("reschedule", "JOS-01", "2026-02-30", "--by", "x", "--reason", "y"), "2026-12-04"),
    (("reschedule", "JOS-01", "9999-12-31", "--by", "x", "--reason", "y"), "year 9999"),
    (("reschedule", "JOS-01", "2026-12-04", "--by", "residents@jos.example", "--reason", "y"),
     "only its coordinator"),
    (("reschedule", "JOS-01", "2026-12-04", "--by", "coord@jos.example", "--reason", ""), "why"),
    (("acknowledge", "JOS-01", "--by", "stranger@jos.example"), "no person"),
    (("acknowledge", "SAA-01", "--by", "coord@saaba.example"), "nothing about it waits"),
    (("verify-done", "JOS-01", "--by", "works@jos.example", "--method", "m", "--seen", "s"),
     "from here it can become"),
    (("contact", "coord@jos.example", "--email", "x@jos.example\nBcc: y@jos.example"), "--email"),
    (("contact", "coord@jos.example", "--phone", "12"), "--phone"),
    (("contact", "nobody", "--phone", "+226 70 00 00 00"), "nobody"),
    (("contact", "coord@jos.example"), "give an e-mail address"),
    (("move", "SAA-01", "agreed", "--by", "coord@saaba.example", "--on", "2026-03-03",
      "--as-of", "2026-03-02"), "is still to come"),
    (("release", "JOS-01", "--by", "coord@jos.example"), "waits for a release"),
    (("resume",), "no hold"),
    (("hold", "--by", "x", "--reason", ""), "say why"),
    (("hold", "--by", "x", "--reason", "y", "--from", "2026-03-02", "--until", "2026-03-01"),
     "before the first day"),
    (("hold", "--by", "x", "--reason", "y", "--action", "NOPE"), "no action"),
    (("pause", "--by", "x", "--reason", "y", "--dialogue", "Nowhere"), "known: Jos, Saaba"),
    (("status", "--as-of", "tomorrow"), "2026-11-23T09:00:00Z"),
    (("status", "--as-of", "0000-00-00"), "2026-11-23T09:00:00Z"),
    (("status", "--as-of", "0001-01-01"), "year 1 "),
    (("status", "--as-of", "0001-01-01T00:00:00+14:00"), "2026-11-23T09:00:00Z"),
    (("status", "--as-of", "9999-12-31T23:59:59-12:00"), "2026-11-23T09:00:00Z"),
    (("sweep", "--as-of", "9999-12-31"), "year 9999"),
    (("deliver", "--as-of", "1"), "2026-11-23T09:00:00Z"),
    (("import", "nope.csv"), "no such file"),
    (("import", "nope.csv", "--json"), "no such file"),
    (("import", "."), "no such file"),
    (("import", "plan.csv", "--map", "nope.yaml"), "no such file"),
    (("export", "--format", "pdf"), "csv"),
    (("export", "--out", "."), "folder"),
    (("export", "--out", "nowhere/plan.csv"), "cannot be written"),
    (("export", "--out", "plan.csv/x"), "cannot be written"),
    (("--config", "nope.yaml", "status"), "alkawari init"),
    (("--config", ".", "status"), "no such file"),
]  # fmt: skip


def test_every_refusal_is_one_sentence_and_changes_nothing(jos: CommandLine) -> None:
    before = jos("export", "--format", "json").out

    for arguments, said in REFUSED:
        sentence = jos(*arguments).sentence
        assert said in sentence, (arguments, sentence)

    assert jos("export", "--format", "json").out == before


@pytest.mark.parametrize(
    "arguments",
    [
        (), ("nonsense",), ("status", "--nonsense"), ("show",), ("move", "JOS-01", "nowhere"),
        ("move", "JOS-01", "in_progress"), ("actions", "--state", "never"), ("up", "--port", "abc"),
        ("up", "--port", "99999999"), ("demo", "--port", "-1"), ("status", "--json=yes"),
        ("report", "JOS-01", "--by", "x", "--level", "full", "--note", "n"),
        ("show", "\udcff"), ("report", "--note", "\udc80"),
    ],
)  # fmt: skip
def test_wrong_usage_ends_with_two(alkawari: CommandLine, arguments: tuple[str, ...]) -> None:
    said = alkawari(*arguments)

    assert said.code == 2
    assert "Traceback" not in said.err + said.out


def test_before_init_every_command_says_that_init_comes_first(alkawari: CommandLine) -> None:
    for command in ("status", "actions", "sweep", "deliver", "export"):
        assert "alkawari init" in alkawari(command).sentence


def test_a_port_that_is_taken_is_one_sentence(jos: CommandLine) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        assert (
            str(taken.getsockname()[1]) in jos("up", "--port", str(taken.getsockname()[1])).sentence
        )


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ALKAWARI_MAIL__PORT", "abc", "mail.port"),
        ("ALKAWARI_MAIL__PORT", "0", "mail.port"),
        ("ALKAWARI_MAIL__PORT", "70000", "mail.port"),
        ("ALKAWARI_MAIL__SECURITY", "ssl", "mail.security"),
        ("ALKAWARI_MAIL__SENDER", "two@jos.example\nBcc: all@jos.example", "sender"),
        ("ALKAWARI_MAIL__SENDER", "", "mail.sender"),
        ("ALKAWARI_MAIL__NONSENSE", "1", "mail.nonsense"),
        ("ALKAWARI_MAIL", "nonsense", "mail"),
        ("ALKAWARI_DATBASE_URL", "sqlite:///x.db", "ALKAWARI_DATABASE_URL is meant"),
        ("ALKAWARI_DATABASE_URL", "nonsense", "sqlite:///"),
        ("ALKAWARI_DATABASE_URL", "mysql://localhost/x", "PostgreSQL"),
        ("ALKAWARI_DATABASE_URL", "sqlite://", "name a file"),
        ("ALKAWARI_DATABASE_URL", "sqlite:////nowhere/x.db", "does not exist"),
        ("ALKAWARI_DATABASE_URL", "postgresql://u:secret@127.0.0.1:1/x", "refused"),
        ("ALKAWARI_TIMEZONE", "Mars/Phobos", "time zone"),
        ("ALKAWARI_TIMEZONE", "", "time zone"),
        ("ALKAWARI_PLAN__TIMEZONE", "../../etc/passwd", "time zone"),
        ("ALKAWARI_DELIVERY__LEASE_S", "nan", "delivery.lease_s"),
        ("ALKAWARI_DELIVERY__LEASE_S", "3600", "delivery.lease_s"),
        ("ALKAWARI_DELIVERY__OPENS", "25:00", "delivery.opens"),
        ("ALKAWARI_DELIVERY__OPENS", "17:00", "delivery.opens"),
        ("ALKAWARI_DELAYS__SILENT_DAYS", "0", "delays.silent_days"),
        ("ALKAWARI_LADDER", "nowhere.yaml", "nowhere.yaml, line 1"),
        ("ALKAWARI_CONFIG", "nowhere.yaml", "alkawari init"),
    ],
)
def test_a_wrong_setting_is_one_sentence_with_its_name(
    jos: CommandLine, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    if "MAIL__" in name:
        monkeypatch.setenv("ALKAWARI_MAIL__HOST", "localhost")
        monkeypatch.setenv("ALKAWARI_MAIL__SENDER", "alkawari@jos.example")
    monkeypatch.setenv(name, value)

    sentence = jos("status").sentence

    assert said in sentence
    assert "secret" not in sentence


def test_a_password_in_the_environment_is_never_shown(
    jos: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALKAWARI_MAIL__PASSWORD", '{"not": ["a", "password"]}')
    monkeypatch.setenv("ALKAWARI_MAIL__HOST", "localhost")
    monkeypatch.setenv("ALKAWARI_MAIL__SENDER", "alkawari@jos.example")

    said = jos("doctor", "--json")

    assert "not" not in jos("status").sentence.replace("nothing", "")
    assert "password" not in said.out.replace("mail.password", "").replace("and password", "")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe\x00", "line 1"),
        (b"\x00\x00", "line 1"),
        (b"programme: [1", "line 2"),
        (b"- a\n- list\n", "lines such as"),
        (b"just words", "lines such as"),
        (b"mail: {}\nmail: {}\n", "line 2"),
        (b"mial: {host: x}\n", "mial"),
        (b"mail: {port: x}\n", "mail.port"),
        (b"mail: []\n", "mail"),
        (b"delays: {silent_days: -1}\n", "delays.silent_days"),
    ],
)
def test_a_settings_file_that_cannot_be_used_is_one_sentence(
    jos: CommandLine, tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "bad.yaml").write_bytes(content)

    sentence = jos("--config", "bad.yaml", "status").sentence

    assert "bad.yaml" in sentence
    assert said in sentence


def test_a_ladder_of_ones_own_is_found_beside_the_settings_and_its_errors_have_lines(
    jos: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "alkawari.yaml").write_text("ladder: ours.yaml\n", encoding="utf-8")
    good = "name: ours\nrungs:\n  - {name: A1, days: 1, to: focal_point, kind: reminder}\n"
    (tmp_path / "ours.yaml").write_text(good, encoding="utf-8")
    (tmp_path / "deeper").mkdir()
    monkeypatch.chdir(tmp_path / "deeper")
    at = ("--config", "../alkawari.yaml")

    reached = jos(*at, "actions", "--overdue", "--as-of", "2026-03-10", "--json").json
    said = []
    for wrong in (
        good.replace("focal_point", "everybody"),
        good.replace("kind: reminder", "kind: threat"),
        good + "  - {name: A2, days: -4, to: focal_point, kind: courtesy}\n",
        good.replace("days: 1", "days: one"),
        good.replace("name: A1", "nmae: A1"),
    ):
        (tmp_path / "ours.yaml").write_text(wrong, encoding="utf-8")
        said.append(jos(*at, "sweep").sentence)

    assert reached[0]["rung_reached"] == "A1"
    assert all(re.match(r"ours\.yaml, line [34]: ", sentence) for sentence in said), said


def test_a_database_that_is_none_is_one_sentence(alkawari: CommandLine, tmp_path: Path) -> None:
    alkawari("init")
    database = tmp_path / "alkawari-data" / "alkawari.db"
    for left in database.parent.glob("alkawari.db*"):
        left.unlink()
    database.write_bytes(os.urandom(5000))

    for command in ("init", "status", "sweep"):
        assert "not a database" in alkawari(command).sentence
    findings = json.loads(alkawari("doctor", "--json").out)
    assert [f["state"] for f in findings if f["check"] == "database"] == ["wrong"]


def test_a_folder_that_cannot_be_made_is_one_sentence(
    alkawari: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "alkawari-data").write_text("a file stands where the folder should be")

    assert "alkawari-data" in alkawari("init").sentence
    assert "alkawari-data" in alkawari("status").sentence


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder nobody can write to")
def test_a_folder_that_nobody_can_write_to_is_one_sentence(
    alkawari: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/proc")

    assert "alkawari.yaml" in alkawari("init").sentence


def test_a_database_of_a_newer_release_is_left_alone(jos: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "alkawari-data" / "alkawari.db"
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '2099_01_01_0000'")
    connection.close()

    assert "update the program" in jos("status").sentence
    assert "update the program" in jos("init").sentence


def test_settings_of_the_environment_win_over_the_file(
    jos: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    monkeypatch.setenv("ALKAWARI_DATABASE_URL", f"sqlite:///{tmp_path}/other/x.db")

    assert jos("init", "--json").json["created"] is True
    assert jos("status", "--json").json["total"] == 0
