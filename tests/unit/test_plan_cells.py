from datetime import date

import pytest
from email_validator import validate_email
from hypothesis import given
from hypothesis import strategies as st

from config import plan_cells
from config.plan_cells import (
    read_country,
    read_email,
    read_language,
    read_phone,
    read_ref,
    read_rest_days,
    read_text,
    read_timezone,
    read_word,
)
from config.plan_days import last_day_of_month, read_day
from engine.action import Kind


def test_an_iso_day_is_a_day():
    assert read_day(" 2028-02-29 ") == date(2028, 2, 29)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("2026-02-30", "there is no such day in the calendar; that month ends on 2026-02-28"),
        ("2026-13-01", "there is no such day"),
        ("04/05/2026", "may be read in two ways; write 2026-05-04 or 2026-04-05"),
        ("04/04/2026", "write 2026-04-04"),
        ("25.12.2026", "write 2026-12-25"),
        ("31/02/2026", "there is no such day"),
        ("2026-05", "a month and not a day; write the day, such as 2026-05-31"),
        ("2026-5-4", "write 2026-05-04"),
        ("20260504", "write 2026-05-04"),
        ("4/5/26", "a year of two digits"),
        ("46146", "if 2026-05-04 is meant"),
        ("46146.5", "if 2026-05-04 is meant"),
        ("2026", "a year and not a day"),
        ("2026-05-04T10:00", "write 2026-05-04"),
        ("2026-05-04 10:00:00", "write 2026-05-04"),
        ("9999-12-31", "the year 9999 cannot be meant"),
        ("0001-01-01", "the year 1 cannot be meant"),
        ("4 mai 2026", "not a day; write it as YYYY-MM-DD"),
        ("\u0662\u0660\u0662\u0666-\u0660\u0665-\u0660\u0664", "not a day"),
    ],
)
def test_what_is_no_iso_day_is_refused_with_what_to_write(typed, said):
    with pytest.raises(ValueError, match=r"write|there is no|cannot be meant") as refused:
        read_day(typed)

    assert said in str(refused.value)


@given(st.text(max_size=20))
def test_no_text_is_ever_a_day_by_accident(text):
    try:
        day = read_day(text)
    except ValueError:
        return
    assert str(day) == text.strip()


def test_a_month_ends_on_its_last_day_leap_years_included():
    assert last_day_of_month("2024-02") == date(2024, 2, 29)
    with pytest.raises(ValueError, match="not a month"):
        last_day_of_month("2024-13")


@pytest.mark.parametrize(
    "address", ["chef.poste@saaba.example", "a@guédiawaye.example", "a@b.test"]
)
def test_a_sound_address_is_taken(address):
    assert read_email(f" {address} ") == address


def test_the_domain_of_an_address_is_written_small():
    assert read_email("Chef@SAABA.example") == "Chef@saaba.example"


@pytest.mark.parametrize(
    "address", ["chef", "chef@", "chef@saaba", "a b@saaba.example", "a..b@saaba.example", "@x.org",
                "a@b.example, c@d.example", "Chef <a@b.example>"],
)  # fmt: skip
def test_an_unsound_address_is_refused(address):
    with pytest.raises(ValueError, match="not an e-mail address"):
        read_email(address)


LABELS = st.text("az09-._", min_size=1, max_size=6)


@given(st.builds("{}@{}.{}".format, LABELS, LABELS, st.sampled_from(["example", "test", "ml"])))
def test_the_short_way_takes_no_address_that_the_long_way_refuses(address):
    if not plan_cells._PLAIN_EMAIL.fullmatch(address):
        return

    found = validate_email(address, check_deliverability=False, test_environment=True)

    assert found.normalized == read_email(address)


def test_a_telephone_number_becomes_plus_and_digits():
    assert read_phone("+226 00 00 03 01") == "+22600000301"
    assert read_phone("00226 (0) 00-00.03") == "+2260000003"


@pytest.mark.parametrize(
    "number", ["70000301", "+12", "+1234567890123456", "call me", "++226000000"]
)
def test_a_number_without_its_country_code_is_refused(number):
    with pytest.raises(ValueError, match="telephone number"):
        read_phone(number)


def test_codes_of_countries_zones_and_languages_are_checked():
    assert read_country("sn") == "SN"
    assert read_timezone("Africa/Dakar") == "Africa/Dakar"
    assert read_language("FR") == "fr"
    with pytest.raises(ValueError, match="for Senegal write SN"):
        read_country("Senegal")
    with pytest.raises(ValueError, match="write Africa/Dakar"):
        read_timezone("africa/dakar")
    with pytest.raises(ValueError, match="did you mean Africa/Ouagadougou"):
        read_timezone("Africa/Ougadougou")
    with pytest.raises(ValueError, match="en, fr, ar, ha"):
        read_language("wo")


def test_rest_days_are_weekdays_or_none():
    assert read_rest_days("sat,sun") == {5, 6}
    assert read_rest_days("Friday; Saturday") == {4, 5}
    assert read_rest_days("none") == frozenset()
    for unusable in ("t", "samedi", "none, sat", "mon tue wed thu fri sat sun"):
        with pytest.raises(ValueError, match="day"):
            read_rest_days(unusable)


def test_capitals_and_hyphens_do_not_matter_in_fixed_words():
    assert read_word("One-Off", Kind) is Kind.ONE_OFF
    with pytest.raises(ValueError, match="did you mean recurring"):
        read_word("recuring", Kind)


def test_marks_that_make_a_text_look_like_another_are_refused():
    for mark in ("\x00", "\x1b", "\u202e", "\u2066", "\ud800", "\x9b"):
        with pytest.raises(ValueError, match="take it out"):
            read_text(f"Repair{mark} the well", 100)


def test_text_is_trimmed_composed_and_measured():
    assert read_text("\u00a0Gue\u0301diawaye ", 10) == "Gu\u00e9diawaye"
    assert read_text("one\r\n two", 10) == "one two"
    assert read_text("one\ntwo", 10, lines=True) == "one\ntwo"
    with pytest.raises(ValueError, match="2,001 characters"):
        read_text("a" * 2_001, 2_000)


def test_a_reference_can_stand_in_a_link():
    assert read_ref("C01.1.1") == "C01.1.1"
    for unusable in ("SAA 07", "SAA/07", "#7", "-7", "S" * 41):
        with pytest.raises(ValueError, match="a reference begins"):
            read_ref(unusable)
