"""Codes that are read aloud: what is misheard or swapped is noticed, and every language is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.answer import Verb
from engine.codes import WORDS, check_character, code, fold, read_code, verb_of
from engine.errors import BadValue

REFS = ("SAA-07", "JOS-112", "DAK-3", "NIA-45", "SAA-70", "KAD-21", "X1")
SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SAID = [verb for verb in Verb if verb is not Verb.OTHER]


def test_a_sign_taken_for_another_never_goes_through():
    for ref in REFS:
        for verb in Verb:
            right = check_character(ref, verb)
            for at, sign in enumerate(ref):
                for other in SIGNS.replace(sign, "") if sign != "-" else "":
                    misheard = ref[:at] + other + ref[at + 1 :]
                    assert check_character(misheard, verb) != right, (ref, misheard, verb)


def test_one_verb_taken_for_another_never_goes_through():
    for ref in REFS:
        assert len({check_character(ref, verb) for verb in Verb}) == len(Verb)


def test_hardly_any_swap_of_neighbours_goes_through():
    swaps = missed = 0
    for number in range(1, 400):
        ref = f"SAA{number:03}"
        for at in range(len(ref) - 1):
            swapped = ref[:at] + ref[at + 1] + ref[at] + ref[at + 2 :]
            if swapped != ref:
                swaps += 1
                missed += check_character(swapped, Verb.DONE) == check_character(ref, Verb.DONE)
    assert swaps > 1000
    assert missed / swaps < 0.02


@pytest.mark.parametrize("language", sorted(WORDS))
def test_a_code_is_read_back_in_every_language(language):
    for verb in SAID:
        spoken = read_code(code("SAA-07", verb, language))
        assert spoken is not None
        assert (spoken.ref, spoken.verb, spoken.checked, spoken.rest) == ("SAA-07", verb, True, "")


def test_no_word_means_two_things():
    meant: dict[str, Verb] = {}
    for words in WORDS.values():
        assert set(words) == set(SAID)
        for verb, word in words.items():
            assert meant.setdefault(fold(word), verb) is verb, word


@pytest.mark.parametrize(
    ("said", "verb", "rest"),
    [
        ("saa-07 done v: the lamps are up", Verb.DONE, "the lamps are up"),
        ("SAA-07: DONE V the lamps are up", Verb.DONE, "the lamps are up"),
        ("  Saa-07   fait   V", Verb.DONE, ""),
        ("SAA-07 not yet the wall is missing", Verb.NOT_YET, "the wall is missing"),
        ("SAA-07 pas encore", Verb.NOT_YET, ""),
        ("SAA-07 Confirmé j'ai vu", Verb.CONFIRMED, "j'ai vu"),
        ("SAA-07 DONE a wall was built", Verb.DONE, "a wall was built"),
        ("SAA-07 تم V", Verb.DONE, ""),
        ("SAA-07 لم أر", Verb.NOT_SEEN, ""),
        ("SAA-07 an gama", Verb.DONE, ""),
    ],
)
def test_people_write_codes_in_their_own_way(said, verb, rest):
    spoken = read_code(said)
    assert spoken is not None
    assert (spoken.ref.upper(), spoken.verb, spoken.rest) == ("SAA-07", verb, rest)


def test_a_wrong_check_character_is_refused_with_what_to_do():
    with pytest.raises(BadValue, match="ask for it again"):
        read_code("SAA-07 DONE W")
    with pytest.raises(BadValue, match="ask for it again"):
        read_code("SAA-70 DONE V the lamps are up")


@pytest.mark.parametrize(
    "said", ["", "   ", "Good day", "done", "SAA-07", "SAA-07 perhaps", "- - -"]
)
def test_what_is_no_code_is_none(said):
    assert read_code(said) is None


def test_a_word_of_no_language_is_no_verb():
    assert verb_of("perhaps") is None
    assert verb_of("") is None


@given(st.text(max_size=3000))
def test_nothing_that_is_typed_breaks_it(line):
    try:
        spoken = read_code(line)
    except BadValue:
        return
    assert spoken is None or spoken.verb in Verb
