"""Days, numbers, plurals and directions of four languages, and catalogues without a hole."""

import re
from configparser import ConfigParser
from datetime import date
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po
from jinja2 import DictLoader, UndefinedError

from notifications import language as languages
from notifications.language import (
    CATALOGUE,
    LANGUAGES,
    LOCALES,
    counted,
    day,
    direction,
    isolated,
    jinja_environment,
    number,
    phone,
    quoted,
    reviewers,
    short,
    spoken,
    untranslated,
    words,
)
from notifications.layout import TEMPLATES

ROOT = Path(__file__).resolve().parents[2]
TRANSLATED = [language for language in LANGUAGES if language != "en"]
FOURTH = date(2026, 12, 4)
NAMED = re.compile(r"%\((\w+)\)[sd]|%[sd]")


@pytest.mark.parametrize(
    ("language", "full", "brief"),
    [
        ("en", "Friday, 4 December 2026", "4 December"),
        ("fr", "vendredi 4 décembre 2026", "4 décembre"),
        ("ar", "الجمعة، 4 ديسمبر 2026", "4 ديسمبر"),
        ("ha", "Jumma\N{MODIFIER LETTER APOSTROPHE}a, 4 ga Disamba 2026", "4 ga Disamba"),
    ],
)
def test_a_day_is_written_as_people_of_the_language_write_it(
    language: str, full: str, brief: str
) -> None:
    assert (day(language, FOURTH), short(language, FOURTH)) == (full, brief)


def test_the_first_of_a_month_is_an_ordinal_in_french_alone() -> None:
    first = date(2026, 12, 1)

    assert short("fr", first) == "1er décembre"
    assert short("ar", first) == "1 ديسمبر"


def test_arabic_of_the_maghreb_has_its_own_months_and_latin_digits() -> None:
    assert short("ar", date(2026, 7, 25)) == "25 جويلية"
    assert number("ar", 1234) == "1.234"


@pytest.mark.parametrize(
    ("language", "direct"), [("en", "ltr"), ("fr", "ltr"), ("ar", "rtl"), ("ha", "ltr")]
)
def test_arabic_goes_from_right_to_left(language: str, direct: str) -> None:
    assert direction(language) == direct


def test_the_first_language_that_is_spoken_is_taken() -> None:
    assert spoken("tlh", "fr-BF", "en") == "fr"
    assert spoken("AR_TN") == "ar"
    assert spoken("", "tlh") == "en"


def test_arabic_counts_in_six_forms() -> None:
    forms = {form: form for form in ("zero", "one", "two", "few", "many", "other")}

    counts = [counted("ar", value, **forms) for value in (0, 1, 2, 3, 11, 100)]

    assert counts == list(forms)


def test_a_form_that_a_language_does_not_have_need_not_be_given() -> None:
    assert counted("en", 3, one="one step", other="%s steps") == "3 steps"
    assert counted("ha", 1, one="mataki ɗaya", other="matakai %s") == "mataki ɗaya"
    assert counted("fr", 0, one="%s action", other="%s actions") == "0 action"


def test_a_telephone_number_is_neither_broken_nor_turned_around() -> None:
    assert phone("fr", "+226 70 00") == "+226\N{NO-BREAK SPACE}70\N{NO-BREAK SPACE}00"
    assert phone("ar", "+226 70").strip("\N{LEFT-TO-RIGHT MARK}") == "+226\N{NO-BREAK SPACE}70"
    assert phone("ar", "+226 70").startswith("\N{LEFT-TO-RIGHT MARK}")
    assert phone("ar", "") == ""


@pytest.mark.parametrize(
    ("language", "text", "marked"),
    [
        ("en", "Open the gate", False),
        ("fr", "Éclairer la route", False),
        ("ha", "ƙaramar hukuma", False),
        ("en", "فتح الباب", True),
        ("ar", "فتح الباب", False),
        ("ar", "SAA-07", True),
        ("ar", "Mairie", True),
        ("ar", "!؟", False),
    ],
)
def test_marks_of_direction_stand_only_where_they_are_needed(
    language: str, text: str, *, marked: bool
) -> None:
    assert (isolated(language, text) != text) is marked


def test_pages_of_a_language_have_its_words_its_filters_and_its_direction() -> None:
    page = (
        '<p dir="{{ direction }}" lang="{{ language }}">{{ at|day }} {{ "SAA-07"|code("done") }} '
        '{{ _("Hello, %(name)s", name="<b>") }} {{ ngettext("%(num)s x", "%(num)s xs", 2) }}</p>'
    )

    made = jinja_environment("fr", DictLoader({"p": page})).get_template("p").render(at=FOURTH)

    assert made == (
        '<p dir="ltr" lang="fr">vendredi 4 décembre 2026 SAA-07 FAIT V Hello, &lt;b&gt; 2 xs</p>'
    )


def test_a_page_that_asks_for_what_nobody_gave_is_refused() -> None:
    page = jinja_environment("en", DictLoader({"p": "{{ titel }}"})).get_template("p")

    with pytest.raises(UndefinedError):
        page.render()


@cache
def said_in_the_program() -> Catalog:
    """What `pybabel extract` finds: every key that is looked up in a catalogue."""
    config = ConfigParser()
    config.read(ROOT / "babel.cfg")
    methods, options = [], {}
    for section in config.sections():
        method, pattern = section.split(":", 1)
        methods.append((pattern.strip(), method.strip()))
        options[pattern.strip()] = dict(config[section])
    found = Catalog()
    for name, line, key, comments, context in extract_from_dir(
        ROOT,
        method_map=methods,
        options_map=options,
        keywords=DEFAULT_KEYWORDS,
        directory_filter=lambda path: Path(path).name in _LOOKED_INTO or _is_below(path),
    ):
        found.add(key, locations=[(name, line)], auto_comments=comments, context=context)
    return found


_LOOKED_INTO = {"web", "notifications", "engine", "config", "workflows"}


def _is_below(path: str) -> bool:
    return Path(path).relative_to(ROOT).parts[0] in _LOOKED_INTO


@cache
def catalogue(language: str) -> Catalog:
    with (LOCALES / language / CATALOGUE).open("rb") as file:
        return read_po(file, locale=language)


def keys(message: Message) -> tuple[str, ...]:
    return message.id if isinstance(message.id, tuple) else (message.id,)


def forms(message: Message) -> tuple[str, ...]:
    return message.string if isinstance(message.string, tuple) else (message.string,)


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_of_the_program_is_in_the_catalogue(language: str) -> None:
    known = {message.id for message in catalogue(language)}
    lacking = [
        f"{message.locations[0][0]}:{message.locations[0][1]}: {message.id!r}"
        for message in said_in_the_program()
        if message.id and message.id not in known
    ]

    assert not lacking, f"add these to {language}/{CATALOGUE}:\n" + "\n".join(lacking)


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_of_the_catalogue_is_translated_and_sure(language: str) -> None:
    assert untranslated(language) == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_catalogue_holds_nothing_that_nobody_says(language: str) -> None:
    said = {message.id for message in said_in_the_program()}

    assert [message.id for message in catalogue(language) if message.id not in said] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_has_all_plural_forms_and_the_same_blanks(language: str) -> None:
    found = catalogue(language)
    wrong = []
    for message in found:
        if not message.id:
            continue
        wanted = set(NAMED.findall(keys(message)[-1]))
        singular = set(NAMED.findall(keys(message)[0]))
        right_count = len(forms(message)) == (found.num_plurals if message.pluralizable else 1)
        blanks = [set(NAMED.findall(form)) for form in forms(message)]
        # "one action" may do without the number that "%(num)s actions" needs.
        fitting = all(wanted - {"num"} <= blank <= wanted | singular for blank in blanks)
        if not (right_count and fitting):
            wrong.append(message.id)

    assert not wrong


@pytest.mark.parametrize("language", TRANSLATED)
def test_spaces_at_the_ends_are_kept(language: str) -> None:
    for message in catalogue(language):
        if message.id:
            for form in forms(message):
                assert form == form.strip() or keys(message)[0] != keys(message)[0].strip()


def test_a_key_without_translation_is_said_in_english() -> None:
    assert words("ar").gettext("no such key") == "no such key"
    assert words("tlh").ngettext("one", "many", 2) == "many"


def test_a_language_is_marked_until_a_native_speaker_went_through_it() -> None:
    signed = reviewers()

    assert set(signed) == set(LANGUAGES)
    page = (ROOT / "docs" / "languages.md").read_text(encoding="utf-8")
    for language, by in signed.items():
        [row] = [line for line in page.splitlines() if line.startswith(f"| `{language}` ")]
        assert (by or "nobody yet") in row


def test_every_folder_of_words_has_every_language() -> None:
    lacking = [
        f"{folder.name}/{language}.txt"
        for folder in TEMPLATES.iterdir()
        if folder.is_dir() and (folder / "en.txt").is_file()
        for language in LANGUAGES
        if not (folder / f"{language}.txt").is_file()
    ]

    assert not lacking


def test_catalogues_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = words("fr")
    monkeypatch.setattr(languages, "LOCALES", Path("nowhere"))

    assert words("fr-BF") is first


@pytest.mark.parametrize(
    ("language", "shown"),
    [("en", "“Open the gate”"), ("fr", "«\N{NO-BREAK SPACE}Open the gate\N{NO-BREAK SPACE}»"),
     ("ar", "«\N{FIRST STRONG ISOLATE}Open the gate\N{POP DIRECTIONAL ISOLATE}»"),
     ("ha", "“Open the gate”")],
)  # fmt: skip
def test_a_title_stands_in_the_marks_of_the_language(language: str, shown: str) -> None:
    assert quoted(language, "Open the gate") == shown
