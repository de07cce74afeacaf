"""Files that somebody broke: one sentence with the place, exit 1, and nothing was changed."""

from collections.abc import Callable
from pathlib import Path

import pytest
from crash_points import NOW, Programme
from smtp_server import SmtpServer

from config.ladder import DEFAULT_FILE

HALF = DEFAULT_FILE.read_bytes()[: DEFAULT_FILE.stat().st_size // 2]
BROKEN: dict[str, bytes] = {
    "empty": b"",
    "a list": b"- one\n- two\n",
    "bytes of a picture": b"\x89PNG\r\n\x1a\n\x00\x00\xff\xfe",
    "half a line": b"mail: {host: 'x",
    "tabs": b"rungs:\n\t- name: P1\n",
    "an alias bomb": b"a: &a [x, x]\nb: &b [*a, *a]\nname: *b\nrungs: *b\n",
}


def refused(programme: Programme, *words: str) -> str:
    """The sentence with which a command refuses; it must be one, and no stack of calls."""
    ran = programme.here(*words)
    lines = ran.err.strip().splitlines()
    assert ran.code == 1, ran
    assert len(lines) == 1, ran.err
    assert lines[0].endswith(".")
    assert len(lines[0]) < 400
    return lines[0]


def untouched(programme: Programme) -> bool:
    return programme.count("notices") == 0 and programme.count("actions") == 3


@pytest.fixture
def small(on_sqlite: Callable[..., Programme]) -> Programme:
    return on_sqlite(people=3, swept=False)


@pytest.mark.parametrize("how", [name for name in BROKEN if name != "empty"])
def test_a_broken_settings_file_is_said(small, tmp_path, how):
    (tmp_path / "alkawari.yaml").write_bytes(BROKEN[how])
    assert "alkawari.yaml" in refused(small, "sweep", "--as-of", NOW)
    (tmp_path / "alkawari.yaml").unlink()
    assert untouched(small)


@pytest.mark.parametrize("how", [*BROKEN, "cut off"])
def test_a_broken_ladder_file_is_said(small, tmp_path, how):
    (tmp_path / "ladder.yaml").write_bytes(BROKEN.get(how, HALF))
    small.settings["ALKAWARI_LADDER"] = str(tmp_path / "ladder.yaml")
    assert "ladder.yaml" in refused(small, "sweep", "--as-of", NOW)
    assert untouched(small)


@pytest.mark.parametrize("name", ["plan.csv", "plan.yaml", "plan.xlsx"])
@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_plan_file_is_said(small, tmp_path, how, name):
    (tmp_path / name).write_bytes(BROKEN[how])
    assert name in refused(small, "import", name)
    assert untouched(small)


def test_a_ladder_that_breaks_while_it_runs_does_not_stop_what_was_decided(small, tmp_path):
    """The rungs of an open run are frozen in the database: only a new sweep needs the file."""
    small.sweep()
    file = tmp_path / "ladder.yaml"
    file.write_bytes(HALF)
    small.settings["ALKAWARI_LADDER"] = str(file)
    with SmtpServer(folder=Path(tmp_path)) as server:
        small.mail_to(server)
        assert "ladder.yaml" in refused(small, "deliver", "--as-of", NOW)
        file.unlink()
        del small.settings["ALKAWARI_LADDER"]
        assert small.deliver().said["sent"] == 3


@pytest.mark.parametrize("how", ["bytes of a picture", "a list"])
def test_a_database_file_that_is_none_is_said(small, tmp_path, how):
    (tmp_path / "other.db").write_bytes(BROKEN[how] * 300)
    small.url = f"sqlite:///{tmp_path / 'other.db'}"
    refused(small, "sweep", "--as-of", NOW)
    refused(small, "deliver", "--as-of", NOW)
    assert (tmp_path / "other.db").read_bytes() == BROKEN[how] * 300
