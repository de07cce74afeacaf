"""The log of what was not foreseen says where it failed, and nothing of what people wrote."""

import pytest

from engine.traces import INNERMOST, trace_of

SECRET = "Sergeant Ada Okoro, 0801 234 5678"


def caught(fail):
    with pytest.raises(Exception) as caught:  # noqa: PT011 - of any kind
        fail()
    return caught.value


def deep(steps):
    if steps:
        deep(steps - 1)
    raise ValueError(SECRET)


def test_the_kind_and_the_place_are_told_and_the_words_are_not():
    said = trace_of(caught(lambda: deep(0)))
    assert said.startswith("ValueError at test_traces:")
    assert " deep < test_traces:" in said
    assert SECRET not in said


def test_the_steps_nearest_to_it_are_named():
    said = trace_of(caught(lambda: deep(50)))
    assert said.count(" deep") == INNERMOST


def test_what_it_came_from_is_told_too():
    def fail():
        try:
            deep(0)
        except ValueError as error:
            raise KeyError(SECRET) from error

    said = trace_of(caught(fail))
    assert said.startswith("KeyError from ValueError at ")
    assert SECRET not in said


def test_what_was_set_aside_on_purpose_is_not_told():
    def fail():
        try:
            deep(0)
        except ValueError:
            raise KeyError(SECRET) from None

    assert trace_of(caught(fail)).startswith("KeyError at ")


def test_an_error_that_was_never_raised_or_is_its_own_cause_is_told():
    lone = ValueError(SECRET)
    assert trace_of(lone) == "ValueError"
    lone.__cause__ = lone
    assert trace_of(lone) == "ValueError"
