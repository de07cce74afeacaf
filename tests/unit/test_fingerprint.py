"""Fingerprints as they are printed, copied from paper and typed in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadValue
from engine.fingerprint import ALPHABET, Fingerprint

ROOTS = st.binary(min_size=32, max_size=32)
PRINTED = "SAA·42·zzzz-zzzz-zzzz-zzzz-zzzz-zzzz-zz"


def test_a_fingerprint_says_whose_it_is_and_how_long_the_history_was():
    text = str(Fingerprint.of("Saa", 42, bytes([255]) * 32))

    assert text.startswith(PRINTED)
    assert len(text) == len("SAA·42·") + 7 * 4 + 6


@given(code=st.text("ABCXYZ019", min_size=1, max_size=8), size=st.integers(0, 10**9), root=ROOTS)
def test_what_was_printed_reads_back(code, size, root):
    printed = Fingerprint.of(code, size, root)

    assert Fingerprint.read(str(printed)) == printed
    assert printed.fits(root)


@pytest.mark.parametrize(
    "typed",
    [
        lambda text: text.upper(),
        lambda text: text.replace("·", " ").replace("-", " "),
        lambda text: text.replace("·", "-"),
        lambda text: text.replace("·", ".").replace("-", ""),
        lambda text: text.replace("0", "o").replace("1", "l"),
        lambda text: f"  {text}\n",
        lambda text: text.replace("·42·", "·0042·"),
    ],
)
def test_it_may_be_typed_in_many_ways(typed):
    printed = Fingerprint.of("SAA", 42, bytes(range(32)))

    assert Fingerprint.read(typed(str(printed))) == printed


@given(root=ROOTS, place=st.integers(0, 27), sign=st.sampled_from(ALPHABET))
def test_a_slip_of_the_hand_is_told_apart_from_a_changed_history(root, place, sign):
    signs = list("".join(str(Fingerprint.of("SAA", 42, root)).split("·")[2].split("-")))
    if signs[place] == sign:
        return
    signs[place] = sign
    try:
        read = Fingerprint.read(f"SAA·42·{''.join(signs)}")
    except BadValue:
        return
    # Two signs of check catch all but one slip in 1,024; such a one is another fingerprint.
    assert not read.fits(root)


@pytest.mark.parametrize(
    "text",
    ["", "SAA", "SAA·42", "SAA·x·abcd", "42", f"{PRINTED}00", PRINTED[:-3], "SAA·43·" + "z" * 28],
)
def test_what_is_no_fingerprint_is_refused_with_a_sentence(text):
    with pytest.raises(BadValue, match="fingerprint"):
        Fingerprint.read(text)
