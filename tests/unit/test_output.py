"""What commands say to people."""

import pytest

from cli.output import several


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (1_200, "1,200 rows")]
)
def test_one_thing_is_not_called_several(number: int, words: str) -> None:
    assert several(number, "row") == words


def test_a_plural_of_its_own_is_used() -> None:
    assert several(1, "person", "people") == "1 person"
    assert several(2, "person", "people") == "2 people"
