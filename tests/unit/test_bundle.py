"""One letter from several notices: what goes into it, in which order, and what is kept out."""

from datetime import UTC, datetime

import pytest
from builders import COORDINATOR, FOCAL, MON_TO_FRI, MONDAY, an_action, day

from engine.action import Action, Handling, Obstacle, State
from engine.dialogue import Dialogue
from engine.party import Party, Person, Side
from notifications.bundle import Office, Topic, item, letter
from notifications.compose import compose
from notifications.message import Letter

SAABA = Dialogue(
    id=1,
    code="SAA",
    name="Saaba",
    country="BF",
    timezone="Africa/Ouagadougou",
    languages=("fr", "en"),
)
POST = Party(id=1, name="Police post of the market", side=Side.SECURITY)
OFFICE = Office(
    programme="Alkawari",
    sender="notify@alkawari.example",
    sender_name="Alkawari",
    reply_to="office@alkawari.example",
)
NOW = datetime(2026, 6, 5, 9, 0, tzinfo=UTC)
TITLE, OBSTACLE = "Hand back the seized motorcycles", "the commander of the second brigade"


def a_topic(action: Action | None = None, **changes) -> Topic:
    given = {
        "kind": "reminder",
        "rung": "R1",
        "urgency": 50,
        "action": action or an_action(title=TITLE),
        "dialogue": SAABA,
        "calendar": MON_TO_FRI,
        "party": POST,
        "today": day(4),
    }
    return Topic(**{**given, **changes})


def a_letter(*topics: Topic, person: Person = FOCAL, coordinator: Person | None = COORDINATOR):
    return letter(person, topics, coordinator, OFFICE, today=day(4), now=NOW, nonce="abc123")


def everything_said(written: Letter) -> str:
    message = compose(written)
    said = f"{message.subject}\n{message.text}\n{message.html}"
    return said.replace("\N{NO-BREAK SPACE}", " ")


def test_the_most_urgent_notice_stands_first_and_equals_go_by_reference():
    written = a_letter(
        a_topic(an_action(ref="SAA-09"), urgency=50),
        a_topic(an_action(ref="SAA-03"), urgency=50),
        a_topic(an_action(ref="SAA-05"), kind="call_task", rung="call:R2", urgency=65),
    )

    assert [i.ref for i in written.items] == ["SAA-05", "SAA-03", "SAA-09"]


@pytest.mark.parametrize(
    ("handling", "title", "party"),
    [
        (Handling.PUBLIC, TITLE, POST.name),
        (Handling.DIALOGUE, TITLE, POST.name),
        (Handling.RESTRICTED, None, POST.name),
        (Handling.CLOSED, None, None),
    ],
)
def test_the_handling_level_decides_what_a_mail_may_name(handling, title, party):
    found = item(a_topic(an_action(title=TITLE, handling=handling)))

    assert (found.title, found.party) == (title, party)


@pytest.mark.parametrize("kind", ["reminder", "call_task", "review_due", "verification", "nobody"])
def test_of_a_closed_action_no_mail_says_what_who_or_why(kind):
    action = an_action(
        title=TITLE,
        handling=Handling.CLOSED,
        state=State.BLOCKED,
        obstacle=Obstacle.SAFETY,
        blocker=OBSTACLE,
        review_on=day(2),
    )
    about = FOCAL if kind == "call_task" else None

    said = everything_said(a_letter(a_topic(action, kind=kind, about=about), person=COORDINATOR))

    assert "SAA-01" in said
    for secret in (TITLE, POST.name, OBSTACLE):
        assert secret not in said


def test_of_a_restricted_action_no_mail_says_what_or_why():
    action = an_action(title=TITLE, handling=Handling.RESTRICTED, state=State.BLOCKED,
                       obstacle=Obstacle.SAFETY, blocker=OBSTACLE, review_on=day(2))  # fmt: skip

    said = everything_said(a_letter(a_topic(action, kind="review_due")))

    assert TITLE not in said
    assert OBSTACLE not in said


def test_a_subject_says_neither_title_nor_party_nor_lateness():
    subject = compose(a_letter(a_topic())).subject

    assert subject.startswith("[Saaba] Ref. SAA-01: ")
    for word in (TITLE, POST.name, "overdue", "late", "failed"):
        assert word not in subject


def test_days_overdue_are_working_days_and_none_before_the_date():
    assert item(a_topic(today=day(8))).days_overdue == 6  # a Monday after a week-end
    assert item(a_topic(today=MONDAY)).days_overdue == 0
    assert item(a_topic(an_action(state=State.REPORTED_DONE), today=day(8))).days_overdue == 0


def test_an_answer_is_asked_within_five_working_days_and_by_the_date_before_it():
    assert item(a_topic(today=day(4))).answer_by == day(11)
    soon = a_topic(an_action(due_on=day(12)), kind="courtesy", rung="P2", today=day(4))
    assert item(soon).answer_by == day(14)  # a Saturday, so the Monday after it


def test_the_name_of_a_rung_is_shown_without_its_mark():
    assert item(a_topic(rung="call:R2")).rung == "R2"
    assert item(a_topic(rung="none:E2")).rung == "E2"


def test_one_action_has_a_thread_and_a_bundle_has_none():
    alone, again = a_letter(a_topic()), a_letter(a_topic(rung="R2"))
    both = a_letter(a_topic(), a_topic(an_action(id=2, ref="SAA-02")))

    assert alone.thread_id == again.thread_id
    assert alone.thread_id.startswith("<a.")
    assert both.thread_id == ""
    assert "SAA" not in alone.thread_id


def test_message_ids_differ_by_person_day_and_nonce():
    first = a_letter(a_topic())

    assert first.message_id == f"<{FOCAL.id}.20260605.abc123@alkawari.example>"
    assert a_letter(a_topic(), person=COORDINATOR).message_id != first.message_id


def test_answers_go_to_the_coordinator_and_the_coordinators_own_to_the_office():
    assert a_letter(a_topic()).reply_to == COORDINATOR.email
    assert a_letter(a_topic(), person=COORDINATOR).reply_to == OFFICE.reply_to
    assert a_letter(a_topic(), coordinator=None).reply_to == OFFICE.reply_to


def test_whom_to_telephone_is_named_by_function():
    about = Person(id=9, key="chief", party_id=1, function="Chief of post", name="Amadou Example",
                   phone="+226 00 00 00 01")  # fmt: skip
    written = a_letter(a_topic(kind="call_task", rung="call:R2", about=about), person=COORDINATOR)

    said = everything_said(written)

    assert "Chief of post" in said
    assert "+226 00 00 00 01" in said
    assert "Amadou" not in said
