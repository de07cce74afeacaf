"""Shares of the dialogues: how they are written, and that they leave nobody out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadValue
from engine.shard import MOST_SHARDS, Shard


@pytest.mark.parametrize(("text", "share"), [("1/4", Shard(0, 4)), (" 4 / 4 ", Shard(3, 4))])
def test_people_count_shares_from_one(text, share):
    assert Shard.parse(text) == share
    assert str(share) == text.replace(" ", "")


@pytest.mark.parametrize(
    "text", ["", "1", "0/4", "5/4", "1/0", "-1/4", "1/4/2", "a/b", "1/9999", "²/4"]
)
def test_what_is_no_share_is_refused_with_an_example(text):
    with pytest.raises(BadValue, match=r"^shard .*(1/|1 to 1024)"):
        Shard.parse(text)


@given(of=st.integers(1, MOST_SHARDS), dialogue=st.integers(1, 10**12))
def test_every_dialogue_belongs_to_exactly_one_share(of, dialogue):
    assert sum(Shard(index, of).holds(dialogue) for index in range(of)) == 1
