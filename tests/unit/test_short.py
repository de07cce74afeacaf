"""Texts for phones: counted as networks count them, and safe on a locked screen."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from letters import ANSWER_URL, PLACES, a_letter, an_item, every_fact, golden_letters

from engine.action import Handling
from engine.codes import read_code
from notifications.language import LANGUAGES
from notifications.message import KINDS
from notifications.neutral import breaches
from notifications.short import GSM7, LONGEST_BUNDLE, LONGEST_ONE, UCS2, counted, short


@pytest.mark.parametrize(
    ("text", "encoding", "segments"),
    [
        ("", GSM7, 1),
        ("a" * 160, GSM7, 1),
        ("a" * 161, GSM7, 2),
        ("a" * 306, GSM7, 2),
        ("a" * 307, GSM7, 3),
        ("€" * 80, GSM7, 1),
        ("a" + "€" * 80, GSM7, 2),
        ("a" * 152 + "€" + "a" * 152, GSM7, 3),
        ("ت" * 70, UCS2, 1),
        ("ت" * 71, UCS2, 2),
        ("ت" * 134, UCS2, 2),
        ("ت" * 135, UCS2, 3),
    ],
)
def test_segments_are_counted_as_a_network_counts_them(
    text: str, encoding: str, segments: int
) -> None:
    made = counted(text)

    assert (made.encoding, made.segments) == (encoding, segments)


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("l\u2019été à Saaba", "l'été à Saaba"),
        ("forêt, ça, maïs, œuvre", "foret, ca, mais, oeuvre"),
        ("Ɓangaren da ya ɗauka, ƙarshe, \u2019yan, ƴa", "Bangaren da ya dauka, karshe, 'yan, ya"),
        ("Jumma\N{MODIFIER LETTER APOSTROPHE}a", "Jumma'a"),
        ("“a” « b » \u2013 c…", '"a" " b " - c...'),
        ("a\N{NO-BREAK SPACE}b\N{RIGHT-TO-LEFT MARK}c\u202ed", "a bcd"),
        ("Saaba 🎉", "Saaba"),
    ],
)
def test_french_and_hausa_stay_in_gsm7(written: str, sent: str) -> None:
    made = counted(written)

    assert (made.text, made.encoding) == (sent, GSM7)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_fits_two_segments_with_reference_day_and_code(kind: str, language: str) -> None:
    made = short(a_letter(an_item(kind, language), language=language))

    assert made.segments <= LONGEST_ONE
    assert made.encoding == (UCS2 if language == "ar" else GSM7)
    assert "SAA-07" in made.text
    assert breaches(made.text.replace(PLACES[language]["dialogue"], "", 1), ()) == ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_reminder_carries_a_code_that_can_be_sent_back_and_the_link(language: str) -> None:
    made = short(a_letter(an_item("reminder", language), language=language))

    said = made.text.split(": ")[-1].split(" http", maxsplit=1)[0]
    spoken = read_code(said)
    assert spoken is not None
    assert (spoken.ref, spoken.verb, spoken.checked) == ("SAA-07", "done", True)
    assert made.text.endswith(f" {ANSWER_URL}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_bundle_says_how_many_and_the_most_urgent_in_three_segments(language: str) -> None:
    items = [an_item("reminder", language, ref=f"SAA-{n:02}", urgency=n) for n in range(20)]

    made = short(a_letter(*items, language=language))

    assert made.segments <= LONGEST_BUNDLE
    assert "20" in made.text
    assert "SAA-19" in made.text
    assert "SAA-18" not in made.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_of_a_closed_item_a_phone_shows_the_reference_and_the_day(language: str) -> None:
    texts = {
        short(a_letter(an_item(kind, language, handling=Handling.CLOSED), language=language)).text
        for kind in KINDS
        if kind not in {"check", "courtesy", "due_today"}
    }

    assert len(texts) == 1
    assert "http" not in texts.pop()


def test_nobody_is_told_by_a_text_that_somebody_could_not() -> None:
    made = short(a_letter(every_fact("second_reminder")))

    assert "BLOCKED" not in made.text
    assert "CANNOT" not in made.text


def test_a_long_link_is_left_out_before_the_code() -> None:
    item = an_item(answer_url="https://dialogue.example/" + "x" * 250)

    made = short(a_letter(item))

    assert "SAA-07 DONE V" in made.text
    assert "http" not in made.text


def test_a_text_falls_back_to_a_language_that_has_words() -> None:
    assert short(a_letter(an_item(), language="tlh", fallback="fr")).text.startswith("Jos : Réf.")


@given(
    language=st.sampled_from(LANGUAGES),
    kind=st.sampled_from(KINDS),
    dialogue=st.text(max_size=300),
    ref=st.text(min_size=1, max_size=300),
    several=st.booleans(),
)
def test_no_name_however_long_or_odd_makes_a_text_longer(
    *, language: str, kind: str, dialogue: str, ref: str, several: bool
) -> None:
    item = an_item(kind, language, dialogue=dialogue, ref=ref, answer_url="")
    items = (item, replace(item, ref="SAA-09")) if several else (item,)

    made = short(a_letter(*items, language=language))

    assert made.segments <= (LONGEST_BUNDLE if several else LONGEST_ONE)
    assert made == counted(made.text)
    assert made.text.isprintable()


@pytest.mark.parametrize("name", golden_letters())
def test_no_title_party_person_or_story_stands_in_a_text(name: str) -> None:
    letter = golden_letters()[name]
    place = PLACES[name.rsplit(".", 1)[1]]

    text = short(letter).text

    for what in ("title", "party", "detail", "salutation", "coordinator", "programme"):
        assert counted(place[what]).text not in text
