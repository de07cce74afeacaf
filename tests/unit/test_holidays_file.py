"""What was read of the holidays package is kept in a file, and never believed too much."""

import json
from datetime import date
from pathlib import Path

import pytest

from config import holidays_file
from config.holidays_file import FILE_NAME, kept_holidays
from engine import listed_days
from engine.errors import BadValue
from engine.listed_days import ListedDay, known_decades, read_so_far


@pytest.fixture(autouse=True)
def knows_nothing(monkeypatch):
    monkeypatch.setattr(listed_days, "_decades", {})
    monkeypatch.setattr(listed_days, "_listed", {})


@pytest.fixture
def as_a_new_process(monkeypatch):
    def begin() -> None:
        monkeypatch.setattr(listed_days, "_decades", {})
        monkeypatch.setattr(listed_days, "_listed", {})

    return begin


def read_burkina(folder: Path) -> listed_days.Listed:
    with kept_holidays(folder):
        assert 202 in known_decades("BF")
        return listed_days.listed_days("BF", 202)


def test_a_later_run_has_it_from_the_file_and_not_from_the_package(
    tmp_path, as_a_new_process, monkeypatch
):
    first = read_burkina(tmp_path)
    as_a_new_process()
    monkeypatch.setattr(listed_days, "_read_days", None)
    monkeypatch.setattr(listed_days, "_read_decades", None)

    assert read_burkina(tmp_path) == first
    assert first[date(2026, 12, 25)] == (ListedDay("Jour de Noël", "Jour de Noël", False),)  # noqa: FBT003
    assert any(day.estimated for there in first.values() for day in there)


def test_the_file_grows_by_what_is_new_and_keeps_what_it_had(tmp_path, as_a_new_process):
    read_burkina(tmp_path)
    as_a_new_process()
    with kept_holidays(tmp_path):
        listed_days.listed_days("SN", 202)
    as_a_new_process()
    with kept_holidays(tmp_path):
        assert set(read_so_far()[1]) == {("BF", 202), ("SN", 202)}


def test_a_file_of_another_release_is_made_anew(tmp_path, as_a_new_process, monkeypatch):
    with monkeypatch.context() as another_release:
        another_release.setattr(holidays_file, "version", lambda _name: "0.1")
        read_burkina(tmp_path)
    as_a_new_process()
    with kept_holidays(tmp_path):
        assert read_so_far() == ({}, {})
        listed_days.listed_days("BF", 202)

    assert json.loads((tmp_path / FILE_NAME).read_bytes())["source"][1] != "0.1"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"source": 1}', '{"source": [1, "x"], "decades": 3}', "\x00", "null"]
)
def test_a_file_that_cannot_be_read_is_no_obstacle(tmp_path, text, monkeypatch):
    monkeypatch.setattr(holidays_file, "version", lambda _name: "x")
    (tmp_path / FILE_NAME).write_text(text, encoding="utf-8")

    assert read_burkina(tmp_path)
    assert json.loads((tmp_path / FILE_NAME).read_bytes())["listed"]


def test_without_a_folder_or_leave_to_write_nothing_is_kept(tmp_path):
    assert read_burkina(tmp_path / "none")
    (tmp_path / FILE_NAME).mkdir()
    with kept_holidays(tmp_path):
        listed_days.listed_days("SN", 202)

    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_a_country_that_is_refused_is_not_kept(tmp_path):
    with pytest.raises(BadValue), kept_holidays(tmp_path):
        known_decades("XX")

    assert not (tmp_path / FILE_NAME).exists()
