"""What answers in people's own words come to: an action moves only where there is no doubt."""

# ruff: noqa: RUF001 - these are the letters that people type

from datetime import date

import pytest

from engine.action import Obstacle
from engine.answer import VERBS_FOR, Purpose, Verb
from engine.codes import code
from notifications.reply_days import days_in
from notifications.reply_phrases import OPENING, WHOLE
from notifications.reply_words import Asked, Understood, asks_to_stop, understand

TODAY = date(2026, 11, 23)
ONE = Asked(ref="SAA-07", purpose=Purpose.ANSWER)
TWO = Asked(ref="SAA-08", purpose=Purpose.ANSWER)


def answered(text: str, *asked: Asked) -> list[Understood]:
    return understand(text, asked or (ONE,), TODAY)


def verb_of(text: str, purpose: Purpose = Purpose.ANSWER) -> Verb:
    [only] = answered(text, Asked(ref="SAA-07", purpose=purpose))
    return only.answer.verb


@pytest.mark.parametrize(
    "text",
    [
        "Done", "done.", "It's done!", "Yes, it is done. We finished on Monday.", "Done on 3 March",
        "Hello Mr Ouédraogo,\nThe work is completed. Thank you.\n\nChief of post",
        "Fait", "C'est fait.", "C’est fait depuis hier, merci.", "fait hier",
        "Oui c'est fait le 20/11/2026",
        "Bonjour,\n\nNous avons terminé.\nCordialement", "Travaux terminés",
        "تم", "تم.", "نعم، تم", "السلام عليكم\nتم إنجاز العمل، شكرا", "لقد تمَّ ذلك",
        "An gama", "an gama aikin", "Mun gama jiya, na gode", "Sannu,\nAn kammala",
    ],
)  # fmt: skip
def test_done_is_understood_in_four_languages(text):
    assert verb_of(text) is Verb.DONE


@pytest.mark.parametrize(
    "text",
    [
        "not done", "Not done yet", "It is not done", "nothing is done", "undone", "Done?",
        "Done, but the wall is missing", "Almost done", "Half done", "It will be done tomorrow",
        "Done with the talks. The gate is not open yet.", "When it is done I will write",
        "If it is done, who pays?", "I have done nothing", "Is it done?",
        "pas fait", "Ce n'est pas fait", "C'est pas encore fait", "Presque terminé",
        "C'est fait à moitié", "C'est fait mais le mur manque", "Ce sera fait demain",
        "Rien n'est fait", "Nous avons fait la moitié",
        "لم يتم", "لم يتم بعد", "تم الاستلام", "سيتم غدا", "تم تقريبا", "تم لكن الجدار ناقص",
        "هل تم؟", "لا لم ننته",
        "ba a gama ba", "Ba mu gama ba tukuna", "an kusa gamawa", "Za mu gama gobe", "ban gama ba",
        "an gama amma bango ya rage",
        "ok", "merci", "Bonjour", "!!!", "12", "I am in Jos until Friday", "See attached",
    ],
)  # fmt: skip
def test_what_leaves_a_doubt_is_never_done(text):
    assert verb_of(text) is Verb.OTHER


def test_what_is_not_understood_is_kept_word_for_word():
    [only] = answered("Bonjour,\nLe maire est absent.\nCordialement")

    assert only.answer.note == "Bonjour,\nLe maire est absent.\nCordialement"


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("We need more time until 4 December, the road is closed", date(2026, 12, 4)),
        ("Please give us until 2026-12-04", date(2026, 12, 4)),
        ("Il nous faut plus de temps : jusqu'au 4 décembre 2026, il pleut", date(2026, 12, 4)),
        ("Un délai jusqu'au 4/12/2026 s'il vous plaît", date(2026, 12, 4)),
        ("نحتاج مزيدا من الوقت حتى ٤ ديسمبر ٢٠٢٦", date(2026, 12, 4)),
        ("Muna bukatar karin lokaci zuwa 4 ga Disamba", date(2026, 12, 4)),
    ],
)
def test_more_time_is_understood_with_its_day(text, until):
    [only] = answered(text)

    assert (only.answer.verb, only.answer.until) == (Verb.MORE_TIME, until)
    assert only.answer.note == text


@pytest.mark.parametrize(
    "text",
    [
        "more time until next week", "more time please", "until 4 December or 11 December",
        "plus de temps", "more time until 4/12", "no more time needed", "not until 4 December",
    ],
)  # fmt: skip
def test_a_day_that_is_not_plain_is_not_guessed(text):
    assert verb_of(text) is Verb.OTHER


@pytest.mark.parametrize(
    ("text", "obstacle"),
    [
        ("Blocked because there is no budget", Obstacle.MONEY),
        ("Nous sommes bloqués: il manque l'autorisation", Obstacle.PERMIT),
        ("هناك عائق: نزاع بين الطرفين", Obstacle.DISAGREEMENT),
        ("Akwai cikas: tsaro", Obstacle.SAFETY),
        ("Blocked, the road is under water", None),
        ("Blocked: no money and no permit", None),
    ],
)
def test_an_obstacle_is_understood_with_its_kind_where_one_is_named(text, obstacle):
    [only] = answered(text)

    assert (only.answer.verb, only.answer.obstacle) == (Verb.BLOCKED, obstacle)
    assert only.answer.note == text


@pytest.mark.parametrize("text", ["Not blocked", "Blocked no longer", "unblocked"])
def test_an_obstacle_that_is_gone_is_none(text):
    assert verb_of(text) is Verb.OTHER


@pytest.mark.parametrize(
    ("text", "verb"),
    [
        ("We cannot do it", Verb.CANNOT), ("C'est impossible.", Verb.CANNOT),
        ("لا نستطيع", Verb.CANNOT), ("Ba za mu iya ba", Verb.CANNOT),
        ("Not me, ask the mayor", Verb.NOT_ME), ("Ce n'est pas moi", Verb.NOT_ME),
        ("لست أنا", Verb.NOT_ME), ("Ba ni ba ne", Verb.NOT_ME),
        ("We need help", Verb.HELP), ("Besoin d'aide", Verb.HELP),
        ("نحتاج إلى مساعدة", Verb.HELP), ("Muna bukatar taimako", Verb.HELP),
    ],
)  # fmt: skip
def test_the_other_answers_are_understood_too(text, verb):
    assert verb_of(text) is verb


def test_an_answer_counts_for_what_was_asked_and_for_nothing_else():
    assert verb_of("Done", Purpose.CONFIRM) is Verb.OTHER
    assert verb_of("Confirmed") is Verb.OTHER
    assert verb_of("Je confirme, je l'ai vu hier", Purpose.CONFIRM) is Verb.CONFIRMED
    assert verb_of("Not yet", Purpose.CONFIRM) is Verb.NOT_YET
    assert verb_of("Noted, thank you", Purpose.ACKNOWLEDGE) is Verb.TAKEN_NOTE
    assert verb_of("Done", Purpose.ACKNOWLEDGE) is Verb.OTHER


def test_agreement_is_to_the_day_that_was_proposed_unless_another_is_named():
    asked = Asked(ref="SAA-07", purpose=Purpose.DECIDE, proposed_on=date(2026, 12, 4))

    assert answered("D'accord", asked)[0].answer.until == date(2026, 12, 4)
    assert answered("Agreed, 11 December", asked)[0].answer.until == date(2026, 12, 11)
    assert answered("Agreed, but not on a Friday", asked)[0].answer.verb is Verb.OTHER


def test_several_codes_are_several_answers_with_the_lines_below_each():
    text = "\n".join([
        "Good day,", f"{code('SAA-07', Verb.DONE, 'en')}: the gate is open", "since Monday",
        f"{code('SAA-08', Verb.MORE_TIME, 'fr')} 4/12/2026 parce qu'il pleut",
    ])  # fmt: skip

    done, later = answered(text, ONE, TWO)[:2]
    assert (done.ref, done.answer.verb, done.checked) == ("SAA-07", Verb.DONE, True)
    assert done.answer.note == "the gate is open\nsince Monday"
    assert (later.ref, later.answer.verb) == ("SAA-08", Verb.MORE_TIME)
    assert later.answer.until == date(2026, 12, 4)


def test_a_reference_before_free_words_says_what_they_are_about():
    found = answered("SAA-07: c'est fait\nSAA-08: pas encore fait", ONE, TWO)

    assert [(one.ref, one.answer.verb) for one in found] == [
        ("SAA-07", Verb.DONE),
        ("SAA-08", Verb.OTHER),
    ]


def test_a_bare_word_about_several_actions_is_a_note_on_all_of_them():
    [only] = answered("Done", ONE, TWO)

    assert (only.ref, only.answer.verb) == ("", Verb.OTHER)


def test_a_misread_code_is_a_note():
    right = code("SAA-07", Verb.DONE, "en")
    wrong = right[:-1] + ("B" if right[-1] != "B" else "C")

    [only] = answered(f"{wrong}: x", ONE, TWO)
    assert only.answer.verb is Verb.OTHER
    assert not only.checked


def test_a_code_without_its_check_character_is_doubted_where_its_words_deny_it():
    assert answered("SAA-07 DONE not at all")[0].answer.verb is Verb.OTHER
    assert (
        answered(f"{code('SAA-07', Verb.DONE, 'en')} it was not easy")[0].answer.verb is Verb.DONE
    )


def test_an_unknown_reference_without_a_check_character_is_no_code():
    [only] = answered("ABC-99 done", ONE, TWO)

    assert (only.ref, only.answer.verb, only.answer.note) == ("", Verb.OTHER, "ABC-99 done")


def test_no_text_is_no_answer():
    assert answered("") == []


def test_no_phrase_means_two_things_that_can_be_asked_at_once():
    for verbs in VERBS_FOR.values():
        seen = [p for verb in verbs for p in {*WHOLE.get(verb, ()), *OPENING.get(verb, ())}]
        assert len(seen) == len(set(seen))


@pytest.mark.parametrize("text", ["stop", "STOP.", "Please stop", "désabonner", "توقف", "a daina"])
def test_a_word_alone_can_ask_for_no_more(text):
    assert asks_to_stop(text)


@pytest.mark.parametrize("text", ["We had to stop the works", "", "Stop the bus at the gate"])
def test_the_word_within_a_sentence_asks_for_nothing(text):
    assert not asks_to_stop(text)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2026-12-04", [date(2026, 12, 4)]),
        ("4/12/2026, 4.12.2026 and 04-12-2026", [date(2026, 12, 4)]),
        ("12/25/2026", []),
        ("4/12", []),
        ("1er décembre", [date(2026, 12, 1)]),
        ("December 4, 2026", [date(2026, 12, 4)]),
        ("4 كانون الأول 2026", [date(2026, 12, 4)]),
        ("4 ga watan Disamba 2026", [date(2026, 12, 4)]),
        ("12 January", [date(2027, 1, 12)]),
        ("12 November", []),
        ("31 February 2027", []),
        ("29 February 2028", [date(2028, 2, 29)]),
        ("we may come in march", []),
        ("4 December and 11 December", [date(2026, 12, 4), date(2026, 12, 11)]),
        ("0000-00-00 99/99/9999 SAA-07 1/2/3/2026", []),
    ],
)
def test_days_are_read_where_they_can_mean_one_day_only(text, days):
    assert days_in(text, TODAY) == days
