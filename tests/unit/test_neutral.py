"""Nothing that could get a person hurt stands in a subject, whatever the facts are."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.action import Handling, Level, Obstacle, State
from notifications.compose import compose
from notifications.language import LANGUAGES
from notifications.message import KINDS, CallFacts, Contact, Item, Letter
from notifications.neutral import breaches, permitted, plain

HIDDEN = (Handling.RESTRICTED, Handling.CLOSED)

# Words that occur nowhere in the templates, so that finding one is finding the fact.
SECRETS = {
    "title": "Zorbalo informs on Koglweogo, 500 000 FCFA",
    "party": "Quezzal gendarmerie",
    "person": "Wilfrixo Adama",
    "detail": "Yondrake was beaten at Place Vexx",
    "called": "Captain Hyrzal",
}


def an_item(**changes: object) -> Item:
    plain_item = Item(
        kind="reminder",
        ref="SAA-07",
        dialogue="Saaba",
        title=SECRETS["title"],
        handling=Handling.DIALOGUE,
        party=SECRETS["party"],
        state=State.BLOCKED,
        answer_by=date(2026, 12, 4),
        due_on=date(2026, 11, 26),
        effective_due_on=date(2026, 11, 26),
        original_due_on=date(2026, 11, 1),
        days_overdue=45,
        review_on=date(2026, 11, 30),
        obstacle=Obstacle.MONEY,
        reported_level=Level.MINIMUM,
        reported_on=date(2026, 11, 2),
        call=CallFacts(function=SECRETS["called"], phone="+226 25 00 00 07"),
        detail=SECRETS["detail"],
    )
    return replace(plain_item, **changes)


def a_letter(*items: Item, language: str = "en") -> Letter:
    return Letter(
        language=language,
        salutation=SECRETS["person"],
        items=items,
        day=date(2026, 12, 1),
        contact=Contact(function="Coordinator", phone="+226 70 00 00 01"),
        programme="Justice and Security Dialogues",
        sender="notes@dialogue.example",
        sender_name="Dialogue of Saaba",
        to="office@town.example",
        reply_to="r+7f3a@dialogue.example",
        message_id="<a7.3@dialogue.example>",
        sent_at=datetime(2026, 12, 1, 9, 30, tzinfo=UTC),
        unsubscribe_mailto="mailto:stop+7f3a@dialogue.example",
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("handling", Handling)
@pytest.mark.parametrize("kind", KINDS)
def test_no_subject_names_a_title_a_party_a_person_or_a_judgement(
    kind: str, handling: Handling, language: str
) -> None:
    item = an_item(kind=kind, handling=handling)

    for items in ((item,), (item, replace(item, ref="SAA-08"))):
        message = compose(a_letter(*items, language=language))
        assert breaches(message.subject, SECRETS.values()) == ()


@given(
    kind=st.sampled_from(KINDS),
    language=st.sampled_from(LANGUAGES),
    handling=st.sampled_from(Handling),
    state=st.sampled_from(State),
    others=st.lists(st.sampled_from(KINDS), max_size=2),
    hostile=st.text(min_size=0, max_size=200),
    breaker=st.sampled_from(["", "\r\nBcc: ", "{{ ", "{% ", "]", "<b>", "\u202e"]),
)
def test_a_subject_does_not_depend_on_what_people_wrote(
    *,
    kind: str,
    language: str,
    handling: Handling,
    state: State,
    others: list[str],
    hostile: str,
    breaker: str,
) -> None:
    wild = breaker + hostile
    kinds = (kind, *others)
    tame = [an_item(kind=each, handling=handling, state=state) for each in kinds]
    hostiles = [
        replace(
            item,
            title=wild,
            party=wild,
            detail=wild,
            call=CallFacts(function=wild, phone=wild),
        )
        for item in tame
    ]

    expected = compose(a_letter(*tame, language=language)).subject
    letter = replace(a_letter(*hostiles, language=language), salutation=wild, programme=wild)

    assert compose(letter).subject == expected


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("handling", HIDDEN)
@pytest.mark.parametrize("kind", KINDS)
def test_restricted_and_closed_titles_and_stories_appear_nowhere(
    kind: str, handling: Handling, language: str
) -> None:
    message = compose(a_letter(an_item(kind=kind, handling=handling), language=language))

    for part in (message.subject, message.text, message.html):
        said = " ".join(part.split())
        for secret in ("Zorbalo", "Koglweogo", "FCFA", "Yondrake", "Vexx"):
            assert secret not in said


@given(
    kind=st.sampled_from(KINDS),
    handling=st.sampled_from(HIDDEN),
    title=st.text(st.sampled_from("ζξψ♞☂ᚠ&<>'\" \n"), min_size=3).filter(
        lambda t: t.strip("& \n\"'<>")
    ),
)
def test_a_hidden_title_of_any_shape_appears_nowhere(
    kind: str, handling: Handling, title: str
) -> None:
    message = compose(a_letter(an_item(kind=kind, handling=handling, title=title)))

    for letter in set("ζξψ♞☂ᚠ") & set(title):
        assert letter not in message.subject + message.text + message.html


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_closed_item_is_its_reference_and_the_day_of_the_answer(kind: str, language: str) -> None:
    item = an_item(kind=kind, handling=Handling.CLOSED)

    message = compose(a_letter(item, language=language))

    said = " ".join(message.text.split())
    for fact in ("Quezzal", "Hyrzal", "26 nov", "26 Nov", "+226 25", "45", "2 Nov", "2 nov"):
        assert fact not in said
    assert "SAA-07" in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_closed_mails_are_alike_whatever_they_are_about(language: str) -> None:
    texts = {
        compose(a_letter(an_item(kind=kind, handling=Handling.CLOSED), language=language)).text
        for kind in KINDS
    }

    assert len(texts) == 1


@pytest.mark.parametrize("handling", [Handling.PUBLIC, Handling.DIALOGUE])
def test_what_the_dialogue_may_read_is_in_the_body(handling: Handling) -> None:
    assert SECRETS["title"] in compose(a_letter(an_item(handling=handling))).text


@pytest.mark.parametrize(
    ("subject", "forbidden", "found"),
    [
        ("[Jos] Ref. SAA-07: update requested by 4 December", ["Town hall"], ()),
        ("[Jos] Ref. SAA-07: the TOWN  hall", ["town hall"], ("town hall",)),
        ("[Jos] Ref. SAA-07: mairie de saâba", ["Mairie de Saaba"], ("Mairie de Saaba",)),
        ("[Jos] alignment", ["Ali"], ()),
        ("[Jos] with Ali, today", ["Ali"], ("Ali",)),
        ("[Ali] update", ["Ali"], ()),
        ("[Jos] Ref. [Ali] update", ["Ali"], ("Ali",)),
        ("[Jos] SAA-07 is overdue", [], ("overdue",)),
        ("[Jos] SAA-07 en  retard", [], ("en retard",)),
        ("[Jos] Réf. bloquée", [], ("bloquee",)),
        ("[Jos] 500 FCFA and €3", [], ("fcfa", "€")),
        ("[سبها] متأخر", [], ("متاخر",)),
        ("\u200f[Jos] والشرطة", [], ("والشرطة",)),
        ("[سبها] المرجع للمال", [], ("للمال",)),
        ("[سبها] مالك الدار، كمال", [], ()),
        ("[Jos] \u2019yan sanda, kuɗi", [], ("yan sanda", "kudi")),
        ("[Jos] related plates", [], ()),
        ("[Jos] update", ["", "  "], ()),
    ],
)
def test_breaches_are_whole_words_however_they_are_written(
    subject: str, forbidden: list[str], found: tuple[str, ...]
) -> None:
    assert breaches(subject, forbidden) == found


def test_an_item_that_may_be_told_whole_is_told_whole() -> None:
    for handling in (Handling.PUBLIC, Handling.DIALOGUE):
        item = an_item(handling=handling)

        assert permitted(item) == item


def test_a_restricted_item_keeps_its_dates_and_its_party() -> None:
    kept = permitted(an_item(handling=Handling.RESTRICTED))

    assert kept == an_item(handling=Handling.RESTRICTED, title=None, detail="", obstacle=None)


@given(text=st.text())
def test_plain_text_is_one_line_and_stays_as_it_is(text: str) -> None:
    once = plain(text)

    assert plain(once) == once
    assert once.splitlines() in ([], [once])
    once.encode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\r\nb\tc", "a b c"),
        ("a\u202eb\u2066c", "abc"),
        ("  a   b ", "a b"),
        ("می‌خواهم 👩\u200d🌾", "می‌خواهم 👩\u200d🌾"),
        ("\ud800a", "a"),
    ],
)
def test_controls_go_and_letters_stay(text: str, shown: str) -> None:
    assert plain(text) == shown
