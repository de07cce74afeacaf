"""Letters in words: golden pages for every kind and language, and what may not go missing."""

import os
import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import UndefinedError
from letters import (
    a_letter,
    an_item,
    every_fact,
    golden_letters,
    no_fact,
)

from engine.action import Handling, Level, Obstacle, State
from notifications import compose as composing
from notifications.compose import compose, missing, reply_markers
from notifications.language import FIRST_STRONG_ISOLATE, LANGUAGES, POP_ISOLATE
from notifications.layout import WIDTH
from notifications.message import KINDS, Message

GOLDEN = Path(__file__).parent / "golden"
WRITE = os.environ.get("ALKAWARI_GOLDEN") == "write"


@pytest.mark.parametrize("name", golden_letters())
def test_every_kind_reads_in_every_language_as_it_was_approved(name: str) -> None:
    message = compose(golden_letters()[name])

    _agrees(GOLDEN / f"{name}.eml", _readable(message))
    _agrees(GOLDEN / f"{name}.html", message.html)


def test_there_is_no_golden_page_that_nothing_makes() -> None:
    made = set(golden_letters())

    assert {path.name.rsplit(".", 1)[0] for path in GOLDEN.iterdir()} == made


@pytest.mark.parametrize("language", LANGUAGES)
def test_english_and_french_have_words_for_every_kind(language: str) -> None:
    assert missing(language) == []


def test_a_language_without_words_misses_every_kind_and_the_words_around_them() -> None:
    assert missing("tlh") == ["message", *KINDS]


def test_the_answer_line_is_known_for_every_complete_language() -> None:
    markers = reply_markers()

    for language in LANGUAGES:
        message = compose(a_letter(an_item(language=language), language=language))
        assert message.text.split("\n", 1)[0] in markers


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("facts", [every_fact, no_fact])
@pytest.mark.parametrize("handling", Handling)
def test_a_kind_has_words_with_all_its_facts_and_with_the_fewest(
    kind: str, language: str, facts, handling: Handling
) -> None:
    item = replace(facts(kind, language), handling=handling)

    message = compose(a_letter(item, language=language))

    assert "None" not in message.text
    assert "{" not in message.text
    assert "  - " not in message.text
    assert max(map(len, message.text.splitlines())) <= WIDTH


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("state", State)
def test_every_state_level_and_obstacle_has_a_word(language: str, state: State) -> None:
    for level in Level:
        for obstacle in Obstacle:
            item = replace(
                every_fact("reminder", language),
                state=state,
                reported_level=level,
                obstacle=obstacle,
            )
            text = compose(a_letter(item, language=language)).text

            assert "_" not in text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_mail_says_by_when_how_to_answer_why_and_how_to_stop(
    kind: str, language: str
) -> None:
    by = {
        "en": "Friday, 4 December 2026",
        "fr": "vendredi 4 décembre 2026",
        "ar": "الجمعة، 4 ديسمبر 2026",
        "ha": "Jumma\N{MODIFIER LETTER APOSTROPHE}a, 4 ga Disamba 2026",
    }[language]
    why = {
        "en": "Why you receive",
        "fr": "Pourquoi vous recevez",
        "ar": "سبب تلقيكم",
        "ha": "Dalilin da kuka samu",
    }[language]

    message = compose(a_letter(an_item(kind, language), language=language))

    said = " ".join(message.text.split())
    for wanted in (by, why, "SAA-07", "+226 70 00 00 01", "stop+7f3a@dialogue.example"):
        assert wanted in said.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize("name", golden_letters())
def test_text_and_html_say_the_same_words(name: str) -> None:
    letter = golden_letters()[name]
    items = tuple(replace(item, answer_url="") for item in letter.items)

    message = compose(replace(letter, items=items))

    text = [word for word in message.text.split() if set(word) != {"-"}]
    assert _words_of(message.html) == [word for word in map(_unmarked, text) if word]


def test_a_title_cannot_write_html() -> None:
    hostile = "<script>alert(1)</script> & <b>bold</b>"

    message = compose(a_letter(an_item(title=hostile)))

    assert hostile in message.text
    assert "<script" not in message.html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &lt;b&gt;" in message.html


def test_a_title_cannot_be_a_template_or_break_its_line() -> None:
    hostile = "{{ item.ref }} {% raw %}\r\n\r\n- one\u202e more\x00 line"

    message = compose(a_letter(an_item(title=hostile)))

    assert "“{{ item.ref }} {% raw %} - one more line”" in message.text


def test_joined_letters_and_emoji_of_a_title_are_kept() -> None:
    title = "می‌خواهم 👩\u200d🌾"

    message = compose(a_letter(an_item(title=title)))

    assert title in message.text
    assert title in message.html


def test_a_template_that_asks_for_a_fact_that_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "en.txt").write_text("{% block body %}{{ item.titel }}{% endblock %}")
    template = composing._words("en").from_string((tmp_path / "en.txt").read_text())

    with pytest.raises(UndefinedError):
        composing.said(template, "body", {"item": an_item()})


def test_a_subject_is_not_given_the_item() -> None:
    template = composing._words("en").from_string("{% block subject %}{{ item }}{% endblock %}")

    with pytest.raises(UndefinedError):
        composing.heading("en", an_item(), a_letter(), template, "subject")


@pytest.mark.parametrize(
    ("language", "fallback", "written_in"),
    [
        ("fr", "en", "fr"),
        ("fr-BF", "en", "fr"),
        ("FR_sn", "en", "fr"),
        ("tlh", "fr", "fr"),
        ("tlh", "qya", "en"),
        ("../../etc", "fr", "fr"),
        ("", "", "en"),
    ],
)
def test_a_person_without_translation_reads_the_language_of_the_dialogue_then_english(
    language: str, fallback: str, written_in: str
) -> None:
    message = compose(a_letter(an_item(), language=language, fallback=fallback))

    assert message.language == written_in
    assert f'<html lang="{written_in}" dir="ltr">' in message.html


def test_a_bundle_tells_each_reason_once_and_keeps_the_order_given() -> None:
    letter = a_letter(an_item(ref="SAA-09"), an_item(ref="SAA-02"), an_item("call_task"))

    text = compose(letter).text

    assert text.index("SAA-09") < text.index("SAA-02") < text.index("SAA-07")
    assert text.count("you speak for the party") == 1
    assert "you coordinate the Jos dialogue" in " ".join(text.split())


def test_the_most_urgent_item_stands_first() -> None:
    letter = a_letter(an_item(ref="SAA-02"), an_item(ref="SAA-09", urgency=5))

    text = compose(letter).text

    assert text.index("SAA-09") < text.index("SAA-02")


@pytest.mark.parametrize(
    ("kinds", "language", "subject"),
    [
        (("reminder",), "en", "[Jos] Ref. SAA-07: update requested by 4 December"),
        (
            ("reminder",),
            "fr",
            "[Saaba] Réf. SAA-07\N{NO-BREAK SPACE}: mise à jour demandée avant le 4 décembre",
        ),
        (
            ("reminder", "courtesy"),
            "en",
            "[Jos] 2 references: reply requested by 4 December",
        ),
        (("courtesy", "due_today"), "en", "[Jos] 2 references: for your information"),
        (("courtesy",), "en", "[Jos] Ref. SAA-07: planned for 15 December"),
    ],
)
def test_the_subject_asks_with_reference_and_day(
    kinds: tuple[str, ...], language: str, subject: str
) -> None:
    items = [an_item(kind, language) for kind in kinds]

    assert compose(a_letter(*items, language=language)).subject == subject


def test_the_earliest_day_asked_for_stands_in_the_subject_of_a_bundle() -> None:
    early = an_item(answer_by=date(2026, 12, 2))

    subject = compose(a_letter(an_item(), early)).subject

    assert subject == "[Jos] 2 references: reply requested by 2 December"


def test_a_bundle_of_several_dialogues_counts_them() -> None:
    letter = a_letter(an_item(), an_item(dialogue="Saaba"))

    assert compose(letter).subject.startswith("[2 dialogues] 2 references: ")


def test_a_dialogue_with_a_hostile_name_makes_one_plain_short_line() -> None:
    name = "Jos] Ref. X\r\nBcc: x@y.example " + "n" * 200

    subject = compose(a_letter(an_item(dialogue=name))).subject

    assert subject.startswith("[Jos Ref. X Bcc: x@y.example nnn")
    assert "\n" not in subject
    assert subject.index("]") <= 61


def test_the_coordinator_is_not_told_to_telephone_the_coordinator() -> None:
    letter = a_letter(an_item("stall_review"), to="Coordination@dialogue.example")

    assert "telephone" not in compose(letter).text


def test_french_writes_the_first_of_the_month_as_an_ordinal() -> None:
    item = an_item("reminder", "fr", answer_by=date(2026, 12, 1))

    message = compose(a_letter(item, language="fr"))

    assert message.subject.endswith("avant le 1er décembre")
    assert "mardi 1er décembre 2026" in " ".join(message.text.split())


def test_french_punctuation_never_hangs_alone_on_the_next_line() -> None:
    for name, letter in golden_letters().items():
        if name.endswith(".fr"):
            assert re.search(r"[ \n][:;?!»]|«[ \n]", compose(letter).text) is None


def test_html_fetches_nothing_runs_nothing_and_stays_small() -> None:
    for letter in golden_letters().values():
        html = compose(letter).html

        assert re.search(r"src=|url\(|<img|<script|<link|<form|@import|http-equiv", html) is None
        assert set(re.findall(r"https?://[^\"/]+", html)) <= {"https://dialogue.example"}
        assert len(html.encode()) < 6_500 * len(letter.items)


def test_on_a_dark_screen_every_colour_is_set_anew() -> None:
    html = compose(a_letter(an_item())).html
    dark = html[html.index("@media") : html.index("</style>")]

    coloured = set(re.findall(r'class="([a-z ]+)" [^>]*[;"](?:color|background):', html))
    named = set(re.findall(r"\.([a-z]+)", dark))
    assert {names.split()[0] for names in coloured} - {"do"} <= named
    assert all("!important" in rule for rule in re.findall(r"\{ (.*?) \}", dark))


def test_a_letter_without_items_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to say"):
        compose(a_letter())


def test_a_kind_without_a_folder_is_refused() -> None:
    with pytest.raises(ValueError, match="no template folder 'poem'"):
        compose(a_letter(an_item(kind="poem")))


def _readable(message: Message) -> str:
    head = (
        f"From: {message.sender_name} <{message.sender}>\nTo: {message.to}\n"
        f"Subject: {message.subject}\n"
    )
    return f"{head}\n{message.text}"


def _agrees(path: Path, made: str) -> None:
    if WRITE:
        path.parent.mkdir(exist_ok=True)
        path.write_text(made, encoding="utf-8")

    assert path.read_text(encoding="utf-8") == made


def _unmarked(word: str) -> str:
    return word.replace(FIRST_STRONG_ISOLATE, "").replace(POP_ISOLATE, "")


def _words_of(html: str) -> list[str]:
    reader = _Reader()
    reader.feed(html)
    return "".join(reader.seen).split()


class _Reader(HTMLParser):
    """Collects what a person sees."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.hidden = False

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - the parser's signature
        self.hidden = tag in {"style", "title"}
        self._part(tag)

    def handle_endtag(self, tag: str) -> None:
        self.hidden = False
        self._part(tag)

    def _part(self, tag: str) -> None:
        if tag != "bdi":
            self.seen.append(" ")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.seen.append(data)
