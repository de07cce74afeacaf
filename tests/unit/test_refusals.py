"""What the engine refuses is said in every language, and stays plain English elsewhere."""

import ast
import copy
import pickle
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from config.plan_cells import read_word
from engine.action import Kind, State
from engine.errors import (
    N_,
    BadValue,
    CircularDependency,
    ForbiddenMove,
    StaleVersion,
    UnknownThing,
    reason_of,
)
from notifications.language import LANGUAGES, words
from web.refusals import refusal_words, sentence

ROOT = Path(__file__).resolve().parents[2]
MET_ON_PAGES = (
    "engine/lifecycle.py", "engine/reporting.py", "engine/clarifying.py", "engine/consent.py",
    "engine/escalate.py", "engine/answering.py", "workflows/answers.py", "workflows/record.py",
    "workflows/evidence.py", "workflows/persons.py",
    "workflows/reaching.py", "workflows/bulk.py", "workflows/clarify.py",
    "workflows/digest_round.py", "workflows/upload.py", "web/deeds.py",
    "workflows/planting.py", "config/plan_cells.py", "config/plan_checks.py",
    "config/plan_days.py", "config/plan_files.py", "config/plan_rows.py",
)  # fmt: skip
"""The modules whose refusals somebody at a page can meet."""

LAST = {"ForbiddenMove": 3, "BadValue": 2}
OTHERS = [language for language in LANGUAGES if language != "en"]


def calls(path: str, *names: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if named and node.func.id in names:
            yield node


def patterns() -> list[str]:
    return sorted({
        str(call.args[0].value)
        for path in MET_ON_PAGES
        for call in calls(path, "N_")
        if isinstance(call.args[0], ast.Constant)
    })  # fmt: skip


@pytest.mark.parametrize("path", MET_ON_PAGES)
def test_every_reason_can_be_translated(path: str) -> None:
    for call in calls(path, *LAST):
        assert isinstance(call.func, ast.Name)
        reason = call.args[LAST[call.func.id]]
        plain = isinstance(reason, ast.Constant | ast.JoinedStr)
        assert not plain, f"{path}:{call.lineno}: write N_(…) around the reason"


@pytest.mark.parametrize("language", OTHERS)
def test_every_reason_is_translated(language: str) -> None:
    _ = words(language).gettext

    assert len(patterns()) > 60
    assert [pattern for pattern in patterns() if _(pattern) == pattern] == []


def test_a_reason_is_english_for_commands_and_keeps_its_days() -> None:
    reason = N_("is before the first day, %(day)s", day=date(2026, 6, 1))

    assert reason == "is before the first day, 2026-06-01"
    assert str(BadValue("until", "x", reason)).endswith("2026-06-01.")
    assert refusal_words("en", BadValue("until", "x", reason)) == (
        "Is before the first day, 1 June 2026."
    )


def test_words_of_the_program_are_those_of_the_page() -> None:
    why = N_("from here it can become %(states)s", states=(State.IN_PROGRESS, State.REPORTED_DONE))
    error = ForbiddenMove("SAA-01", "agreed", "verified", why)

    assert "in_progress, reported_done" in str(error)
    assert refusal_words("en", error).endswith("in progress, reported done.")
    said = refusal_words("ar", error)
    assert not any(letter.isascii() and letter.isalpha() for letter in said)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_sort_of_error_is_one_sentence(language: str) -> None:
    for error in (
        StaleVersion("SAA-01", 1, 2),
        UnknownThing("action", "SAA-99", ["SAA-01"]),
        CircularDependency(["SAA-01", "SAA-02", "SAA-01"]),
        BadValue("x", "y", N_("has gone by already")),
    ):
        said = refusal_words(language, error)
        assert said.endswith(".")
        assert language == "en" or said != refusal_words("en", error)


def test_a_part_of_a_sentence_is_translated_with_it_and_a_copy_of_it_too() -> None:
    with pytest.raises(ValueError, match="did you mean recurring") as refused:
        read_word("recuring", Kind)
    reason = reason_of(refused.value)
    for made in (reason, copy.deepcopy(reason), pickle.loads(pickle.dumps(reason))):  # noqa: S301
        assert made == "not one of one_off, recurring, standing; did you mean recurring?"
        said = sentence("ha", made)
        assert "ko ana nufin recurring?" in said
        assert "did you mean" not in said
    assert reason_of(ValueError()) == ""


def test_what_nobody_translated_is_still_told() -> None:
    said = refusal_words("fr", BadValue("x", "y", "a reason of tomorrow 100 %"))

    assert "a reason of tomorrow 100 %" in said
    assert said != "a reason of tomorrow 100 %"
