"""Rows that wait outside the memory come back as they were put there."""

from pathlib import Path

import pytest

from config import plan_aside
from config.plan import plan_aside as opened_aside
from config.plan import read_plan

HEADER = "ref,dialogue,action,responsible,co_responsible,state,due,rest_days,notes\n"


def a_plan(folder: Path, count: int, *, wrong: int = 0) -> Path:
    rows = [
        f"SAA-{n},Saaba,Ouvrir la porte {n},Police,Mairie; Église {n % 3},"
        f"{'verified' if n % 2 else 'agreed'},{'never' if n == wrong else '2026-12-04'},"
        f'"fri, sat","é {n}"\n'
        for n in range(1, count + 1)
    ]
    path = folder / "plan.csv"
    path.write_text(HEADER + "".join(rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("count", [0, 1, 6, 7, 20])
def test_rows_are_read_again_and_again_as_they_were(tmp_path, monkeypatch, count):
    monkeypatch.setattr(plan_aside, "PIECE", 7)
    path = a_plan(tmp_path, count)
    whole = read_plan(path)

    with opened_aside(path) as aside:
        assert tuple(aside.rows) == whole.rows
        assert tuple(aside.rows) == whole.rows
        assert [row.given for row in aside.rows] == [row.given for row in whole.rows]
        assert len(aside.rows) == count
        assert (aside.errors, aside.dialogues, aside.refs) == (
            whole.errors, whole.dialogues, whole.refs,
        )  # fmt: skip


def test_a_row_with_an_error_is_left_out_of_both(tmp_path, monkeypatch):
    monkeypatch.setattr(plan_aside, "PIECE", 3)
    path = a_plan(tmp_path, 8, wrong=5)
    whole = read_plan(path)

    with opened_aside(path) as aside:
        assert [error.row for error in aside.errors] == [6]
        assert tuple(aside.rows) == whole.rows
        assert len(aside.rows) == len(whole.rows) == 7


def test_a_large_plan_leaves_the_memory_and_comes_back(tmp_path, monkeypatch):
    monkeypatch.setattr(plan_aside, "_IN_MEMORY", 100)
    monkeypatch.setattr(plan_aside, "PIECE", 2)
    path = a_plan(tmp_path, 30)

    with opened_aside(path) as aside:
        assert tuple(aside.rows) == read_plan(path).rows
