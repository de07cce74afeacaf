"""Letters for tests of words: every kind in every language, with all facts or the fewest."""

from dataclasses import replace
from datetime import UTC, date, datetime

from engine.action import Handling, Level, Obstacle, State
from notifications.language import LANGUAGES
from notifications.message import KINDS, CallFacts, Contact, Item, Letter

PLACES = {
    "en": {
        "title": "Open the second gate of the market on market days",
        "party": "Town hall of Jos North",
        "dialogue": "Jos",
        "salutation": "Secretary, town hall of Jos North",
        "coordinator": "Coordinator of the dialogue",
        "detail": "the key is with the contractor",
        "called": "Secretary",
        "programme": "Justice and Security Dialogues",
        "sender_name": "Dialogue of Jos",
    },
    "fr": {
        "title": "Éclairer la route entre le lycée et le marché",
        "party": "Mairie de Saaba",
        "dialogue": "Saaba",
        "salutation": "Secrétaire général, mairie de Saaba",
        "coordinator": "Coordinatrice du dialogue",
        "detail": "le devis est attendu",
        "called": "Secrétaire général",
        "programme": "Dialogues Justice et Sécurité",
        "sender_name": "Dialogue de Saaba",
    },
    "ar": {
        "title": "فتح مدخل ثان لسوق الأسبوع",
        "party": "بلدية الرديف",
        "dialogue": "الرديف",
        "salutation": "الكاتب العام، بلدية الرديف",
        "coordinator": "منسقة الحوار",
        "detail": "ينتظر عرض الأسعار",
        "called": "الكاتب العام",
        "programme": "حوارات العدالة والأمن",
        "sender_name": "حوار الرديف",
    },
    "ha": {
        "title": "A sa fitila a hanyar makaranta zuwa kasuwa",
        "party": "Ƙaramar Hukumar Jos ta Arewa",
        "dialogue": "Jos",
        "salutation": "Sakatare, Ƙaramar Hukumar Jos ta Arewa",
        "coordinator": "Mai gudanar da tattaunawa",
        "detail": "ɗan kwangila yana da mabuɗi",
        "called": "Sakatare",
        "programme": "Tattaunawar Adalci da Tsaro",
        "sender_name": "Tattaunawar Jos",
    },
}
ANSWER_URL = "https://dialogue.example/answer/4jXc0p2yJm1K7w9d3QvZ8A"

STATES = {
    "courtesy": State.AGREED,
    "review_due": State.BLOCKED,
    "verification": State.REPORTED_DONE,
    "verification_backlog": State.REPORTED_DONE,
    "check": State.IN_FORCE,
    "dispute": State.DISPUTED,
    "help": State.BLOCKED,
}
DUE = {"courtesy": date(2026, 12, 15), "due_today": date(2026, 12, 1), "check": None}
DETAILED = {
    *("stall_review", "verification", "dispute", "review_due", "agenda", "manager"),
    *("new_date", "help", "cannot", "wrong_person", "note", "watchdog"),
}
LATE = {"stall_review": 20, "agenda": 30, "superior": 45, "manager": 60}


def an_item(kind: str = "reminder", language: str = "en", **changes: object) -> Item:
    place = PLACES[language]
    reported = kind.startswith("verification")
    due_on = DUE.get(kind, date(2026, 11, 26))
    plain = Item(
        kind=kind,
        ref="SAA-07",
        dialogue=place["dialogue"],
        title=place["title"],
        handling=Handling.DIALOGUE,
        party=place["party"],
        state=STATES.get(kind, State.IN_PROGRESS),
        answer_by=date(2026, 12, 4),
        due_on=due_on,
        effective_due_on=due_on,
        original_due_on=due_on,
        days_overdue=LATE.get(kind, 0),
        review_on=date(2026, 11, 30) if kind in {"review_due", "help"} else None,
        obstacle=Obstacle.PERMIT if kind in {"review_due", "help"} else None,
        reported_level=Level.COMPLETED if reported else None,
        reported_on=date(2026, 11, 24) if reported else None,
        call=CallFacts(function=place["called"], phone="+226 25 00 00 07")
        if kind in {"call_task", "contact", "stopped", "wrong_person"}
        else None,
        detail=place["detail"] if kind in DETAILED else "",
        proposed_on=date(2026, 12, 18) if kind == "new_date" else None,
        answer_url=ANSWER_URL,
        answer_url_until=date(2026, 12, 15),
    )
    return replace(plain, **changes)


def a_letter(*items: Item, language: str = "en", **changes: object) -> Letter:
    place = PLACES.get(language, PLACES["en"])
    plain = Letter(
        language=language,
        salutation=place["salutation"],
        items=items,
        day=date(2026, 12, 1),
        contact=Contact(
            function=place["coordinator"],
            email="coordination@dialogue.example",
            phone="+226 70 00 00 01",
        ),
        programme=place["programme"],
        sender="notes@dialogue.example",
        sender_name=place["sender_name"],
        to="office@town.example",
        reply_to="r+7f3a@dialogue.example",
        message_id="<a7.3@dialogue.example>",
        thread_id="<a7@dialogue.example>",
        sent_at=datetime(2026, 12, 1, 9, 30, tzinfo=UTC),
        unsubscribe_mailto="mailto:stop+7f3a@dialogue.example?subject=stop",
    )
    return replace(plain, **changes)


def every_fact(kind: str, language: str = "en") -> Item:
    return an_item(
        kind,
        language,
        due_on=date(2026, 11, 28),
        effective_due_on=date(2026, 11, 30),
        original_due_on=date(2026, 10, 1),
        days_overdue=1,
        review_on=date(2026, 11, 30),
        obstacle=Obstacle.OTHER,
        reported_level=Level.MINIMUM,
        reported_on=date(2026, 11, 2),
        call=CallFacts(function="chief of post"),
        detail="a word",
        proposed_on=date(2026, 12, 20),
        answer_url=ANSWER_URL,
        answer_url_until=date(2026, 12, 15),
    )


def no_fact(kind: str, language: str = "en") -> Item:
    return an_item(
        kind,
        language,
        due_on=None,
        effective_due_on=None,
        original_due_on=None,
        party=None,
        days_overdue=0,
        review_on=None,
        obstacle=None,
        reported_level=None,
        reported_on=None,
        call=None,
        detail="",
        proposed_on=None,
        answer_url="",
        answer_url_until=None,
    )


def golden_letters() -> dict[str, Letter]:
    letters = {
        f"{kind}.{language}": a_letter(an_item(kind, language), language=language)
        for kind in KINDS
        for language in LANGUAGES
    }
    for language in LANGUAGES:
        kept = an_item("reminder", language, handling=Handling.RESTRICTED)
        letters[f"restricted.{language}"] = a_letter(kept, language=language)
        shut = an_item("stall_review", language, handling=Handling.CLOSED)
        letters[f"closed.{language}"] = a_letter(shut, language=language)
        moved = every_fact("second_reminder", language)
        several = (
            replace(moved, ref="SAA-03"),
            an_item("reminder", language),
            an_item("reminder", language, ref="SAA-09"),
            an_item("courtesy", language, ref="SAA-11", title=None, handling=Handling.RESTRICTED),
        )
        letters[f"bundle.{language}"] = a_letter(*several, language=language, thread_id="")
    return letters
