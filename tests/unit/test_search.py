"""What somebody types is found however it was written."""

import pytest

from engine.search import MOST_WORDS, folded, words_wanted


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("Éclairage du marché", "eclairage du MARCHE"),
        ("Œuvrer ensemble", "oeuvrer"),
        ("L\N{RIGHT SINGLE QUOTATION MARK}entrée", "l'entree"),
        ("Ƙofar ɗakin taro", "kofar dakin taro"),
        ("إنارة السوق", "انارة السوق"),
        ("مدرسة", "مدرسه"),
        ("مستشفى", "مستشفي"),
        ("شـــارع", "شارع"),
        ("كَتَبَ", "كتب"),
        ("Porte ٣٤", "porte 34"),
        ("STRASSE", "straße"),
        ("SAA-07", "saa-07"),
    ],
)
def test_spellings_of_the_same_words_are_compared_as_one(written, typed):
    assert folded(typed) in folded(written)


def test_other_words_stay_other_words():
    assert folded("marché") != folded("marche à pied")
    assert folded("سوق") != folded("شوق")


def test_a_search_is_its_words_and_not_more_of_them_than_somebody_types():
    assert words_wanted("  Lampe  du MARCHÉ ") == ["lampe", "du", "marche"]
    assert words_wanted(" \t ") == []
    assert len(words_wanted("a " * 500)) == MOST_WORDS


def test_folding_takes_any_text():
    override = "\N{RIGHT-TO-LEFT OVERRIDE}"
    for text in ("", "\0", f"{override}x", "\N{COMBINING ACUTE ACCENT}", "🏮 lampe", "ﷺ"):
        assert folded(folded(text)) == folded(text)
