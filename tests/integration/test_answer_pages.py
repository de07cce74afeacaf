"""The answer pages as their readers use them: what is asked, what is recorded, what comes next."""

import re
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from answer_desk import NOW, Desk, open_desk, seen
from builders import a_programme, a_row, at, day
from pictures import a_png

from engine.action import Level, State
from engine.answer import VERBS_FOR, Purpose
from engine.codes import read_code
from engine.store.evidence import evidence_about
from notifications.language import LANGUAGES

PNG = a_png(200)


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    programme = a_programme(database_url, tmp_path)
    programme.plan(
        a_row(),
        a_row(ref="SAA-02", action="Keep watch together", co_responsible=["Elders"]),
        a_row(ref="SAA-03", kind="recurring", repeat="monthly", due=day(2), state="in_force"),
        a_row(ref="SAA-04", kind="standing", repeat="monthly", due=day(2), state="in_force"),
        now=at(day(-20)),
    )
    with open_desk(programme) as opened:
        yield opened
    programme.close()


def test_the_page_says_what_is_asked_of_whom_and_by_when(desk):
    page = desk.get(desk.link())

    assert page.status_code == 200
    for word in ("Open the second gate", "SAA-01", "Saaba", "Police post", "Chief of post",
                 "Monday, 1 June 2026", "15 June"):  # fmt: skip
        assert word in seen(page)
    offered = re.findall(r'href="/answer/[\w-]+/(\w+)"', page.text)
    assert offered == [str(verb) for verb in VERBS_FOR[Purpose.ANSWER]]


def test_looking_a_hundred_times_changes_nothing(desk):
    tokens = {purpose: desk.link(purpose=purpose) for purpose in Purpose}
    before = desk.everything()

    for _time in range(10):
        for purpose, token in tokens.items():
            for path in ("", *(f"/{verb}" for verb in VERBS_FOR[purpose]), "/thanks", "/dance"):
                desk.get(f"{token}{path}")
                desk.client.head(f"/answer/{token}{path}")

    assert desk.everything() == before


def test_done_is_recorded_and_the_verifier_is_asked_next(desk):
    token = desk.link()
    page = desk.follow(
        token, "done", note="The gate is open", done_on=day(-2).isoformat(), source="Sgt O., guard"
    )

    assert desk.programme.action().state is State.REPORTED_DONE
    assert "Thank you" in seen(page)
    assert "Town hall is asked to look at it" in seen(page)
    (kept,) = desk.kept()
    assert (kept.note, kept.source, kept.origin) == ("The gate is open", "Sgt O., guard", "link")
    assert "Sgt O." not in str(desk.everything()["events"])
    assert day(-2).isoformat() in str(desk.everything()["events"])
    code = re.search(r'class="code"><bdi dir="ltr">([^<]+)', page.text)
    assert code
    spoken = read_code(code[1])
    assert spoken
    assert spoken.checked


def test_a_file_is_kept_as_evidence_of_what_was_done(desk):
    token = desk.link()
    typed = desk.fill(token, "done", note="See the photograph")
    sent = desk.client.post(
        f"/answer/{token}/done", data=typed, files={"file": ("../gate.php", PNG, "text/html")}
    )

    assert sent.status_code == 303
    with desk.programme.services.database.read() as connection:
        (piece,) = evidence_about(connection, desk.programme.action().id)
    assert (piece.name, piece.media_type, piece.by) == ("gate.png", "image/png", "chief")
    assert piece.answer_id == desk.kept()[0].id
    stored = desk.programme.folder / "evidence" / piece.sha256.hex()
    assert stored.read_bytes() == PNG
    asked = desk.get(desk.link("mayor", Purpose.CONFIRM))
    assert "1 file was handed in" in seen(asked)


def test_more_time_is_asked_and_the_coordinator_decides(desk):
    until = day(30)
    page = desk.follow(desk.link(), "more_time", until=until.isoformat(), note="the rains")
    assert "until Wednesday, 1 July 2026" in seen(page)
    assert "The coordinator decides" in seen(page)

    token = desk.link("coord", Purpose.DECIDE, answer_id=desk.kept()[0].id)
    asked = desk.get(token)
    assert "until Wednesday, 1 July 2026" in seen(asked)
    assert "the rains" in seen(asked)
    assert f'value="{until.isoformat()}"' in desk.get(f"{token}/agreed").text
    page = desk.follow(token, "agreed", until=until.isoformat())

    assert desk.programme.action().due_on == until
    assert "The new day is Wednesday, 1 July 2026" in seen(page)


def test_the_date_can_be_declined_with_a_reason(desk):
    desk.follow(desk.link(), "more_time", until=day(30).isoformat(), note="the rains")
    token = desk.link("coord", Purpose.DECIDE, answer_id=desk.kept()[0].id)

    assert desk.send(token, "declined", note=" ").status_code == 422
    desk.follow(token, "declined", note="The road is dry")

    assert desk.programme.history()[-1] == "more_time_declined"
    assert desk.programme.action().due_on == day(0)


def test_blocked_says_who_is_asked_and_when_it_is_looked_at_again(desk):
    token = desk.link()
    form = seen(desk.get(f"{token}/blocked"))
    assert "the coordinator and the programme. Looked at again on 29 June" in form
    assert "the coordinator and the committee. Looked at again on 15 June" in form

    page = desk.follow(
        token, "blocked", obstacle="permit", note="No signature", blocker="The prefecture"
    )

    action = desk.programme.action()
    assert (action.state, action.blocker) == (State.BLOCKED, "The prefecture")
    assert action.review_on == date(2026, 6, 15)
    assert "Asked for help: the coordinator. It is looked at again on Monday, 15 June" in seen(page)


def test_a_long_obstacle_fits_beside_the_action_and_is_whole_in_the_answer(desk):
    long = "a wall " * 200
    desk.follow(desk.link(), "blocked", obstacle="other", note=long)

    assert len(desk.programme.action().blocker) == 400
    assert desk.kept()[0].note == long.strip()


@pytest.mark.parametrize(
    ("verb", "typed", "event"),
    [
        ("help", {}, "help_asked"),
        ("cannot", {"note": "The post was moved"}, "cannot_said"),
        ("not_me", {"named": "The town hall's engineer"}, "not_theirs_said"),
    ],
)
def test_the_other_answers_reach_the_coordinator(desk, verb, typed, event):
    page = desk.follow(desk.link(), verb, **typed)

    assert desk.programme.history()[-1] == event
    assert "coordinator" in seen(page)
    told = [n for n in desk.programme.notices() if n.who == "coord"]
    assert [n.kind for n in told] == [
        {"cannot": "cannot", "not_me": "wrong_person"}.get(verb, "help")
    ]


def test_whoever_says_not_me_loses_their_other_links_about_it(desk):
    first, second, other = desk.link(), desk.link(), desk.link(ref="SAA-02")
    desk.follow(first, "not_me", named="The engineer")

    assert desk.get(second).status_code == 410
    assert "closed" in seen(desk.get(second))
    assert desk.get(other).status_code == 200
    assert "The engineer" not in str(desk.everything()["events"])


def test_a_verifier_confirms_what_was_reported(desk):
    desk.follow(desk.link(), "done", note="The gate is open since Friday")
    token = desk.link("mayor", Purpose.CONFIRM)
    asked = desk.get(token)
    assert "reported as done on Monday, 1 June 2026" in seen(asked)
    assert "The gate is open since Friday" in seen(asked)

    page = desk.follow(
        token, "confirmed", seen="Both wings stand open", method="visit", seen_on=day(0).isoformat()
    )

    assert desk.programme.action().state is State.VERIFIED
    assert "Nothing more is needed" in seen(page)


def test_a_verifier_says_what_is_missing(desk):
    desk.follow(desk.link(), "done", note="Open")
    token = desk.link("mayor", Purpose.CONFIRM)
    page = desk.follow(token, "not_yet", level="intermediate", note="One wing is stuck")

    action = desk.programme.action()
    assert (action.state, action.verified_level) == (State.IN_PROGRESS, Level.INTERMEDIATE)
    assert "goes back to the party" in seen(page)


def test_a_verifier_who_cannot_look_says_so(desk):
    desk.follow(desk.link(), "done", note="Open")
    desk.follow(desk.link("mayor", Purpose.CONFIRM), "not_seen")

    assert desk.programme.action().state is State.REPORTED_DONE
    assert desk.programme.history()[-1] == "not_seen_said"


def test_each_side_of_a_joint_action_confirms_and_sees_who_is_missing(desk):
    desk.programme.report("SAA-02", Level.COMPLETED, "deputy", NOW)
    saw = {"seen": "Both keep watch", "method": "visit"}
    first, again = (desk.link("elder", Purpose.CONFIRM, "SAA-02") for _ in range(2))
    assert "Still to confirm: Police post , Elders" in seen(desk.get(first))

    page = desk.follow(first, "confirmed", **saw)
    assert "Still to confirm: Police post ." in seen(page)
    twice = desk.get(again)
    assert twice.status_code == 409
    assert "Your side has confirmed it already" in seen(twice)
    assert "Police post" in seen(twice)
    desk.follow(desk.link("chief", Purpose.CONFIRM, "SAA-02"), "confirmed", **saw)

    assert desk.programme.action("SAA-02").state is State.VERIFIED


def test_of_what_is_in_force_only_keeping_it_up_is_asked(desk):
    token = desk.link(ref="SAA-03")
    assert re.findall(r'href="/answer/[\w-]+/(\w+)"', desk.get(token).text) == ["done"]
    desk.clock.at = at(day(3))

    page = desk.follow(token, "done", note="Both patrols went")

    assert desk.programme.history("SAA-03")[-1] == "occurrence_reported"
    assert "keeping it up" in seen(page)


def test_a_verifier_says_whether_a_rule_still_holds(desk):
    token = desk.link("mayor", Purpose.CHECK, "SAA-04")
    page = seen(desk.get(token))
    for words in ("Does it still hold?", "It still holds", "It no longer holds"):
        assert words in page
    assert "It still holds." in seen(desk.follow(token, "done", note="The gate is open at night"))

    token = desk.link("mayor", Purpose.CHECK, "SAA-04")
    page = desk.follow(token, "not_yet", level="minimum", note="Shut since Friday")
    assert "It no longer holds." in seen(page)
    assert desk.programme.action("SAA-04").state is State.IN_PROGRESS
    assert desk.programme.history("SAA-04")[-1] == "lapsed"


@pytest.mark.parametrize(
    ("verb", "typed"), [("taken_note", {}), ("other", {"note": "I call them"})]
)
def test_an_escalation_is_acknowledged_with_or_without_words(desk, verb, typed):
    desk.follow(desk.link("coord", Purpose.ACKNOWLEDGE), verb, **typed)

    assert desk.programme.history()[-1] == {"taken_note": "acknowledged"}.get(verb, "noted")


def test_a_dispute_too_can_be_taken_note_of_without_a_word(desk):
    desk.programme.move("SAA-01", State.DISPUTED, "coord", NOW, reason="The gate is shut")
    desk.follow(desk.link("coord", Purpose.ACKNOWLEDGE), "taken_note")

    assert desk.programme.history()[-1] == "noted"


def test_two_presses_of_the_button_have_one_effect_and_one_page(desk):
    token = desk.link()
    typed = desk.fill(token, "done", note="Open")
    gate = threading.Barrier(4)
    came: list[tuple[int, str]] = []

    def press() -> None:
        gate.wait()
        sent = desk.client.post(f"/answer/{token}/done", data=typed)
        came.append((sent.status_code, sent.headers["location"]))

    pressing = [threading.Thread(target=press) for _ in range(4)]
    for thread in pressing:
        thread.start()
    for thread in pressing:
        thread.join()

    assert set(came) == {(303, f"/answer/{token}/thanks")}
    assert len(desk.kept()) == 1
    assert desk.programme.history().count("reported_done") == 1
    assert "Thank you" in seen(desk.get(f"{token}/thanks"))


def test_a_link_that_was_used_shows_what_was_said_and_takes_nothing_more(desk):
    token = desk.link()
    typed = desk.fill(token, "done", note="Open, says the guard")
    desk.client.post(f"/answer/{token}/done", data=typed)
    before = desk.everything()

    again = desk.client.post(f"/answer/{token}/cannot", data=typed)
    page = desk.get(token)

    assert again.status_code == 303
    assert desk.everything() == before
    assert "answered already" in seen(page)
    assert "It is reported as done. Recorded on Monday, 1 June 2026 at 09:00" in seen(page)
    assert "says the guard" not in page.text
    desk.clock.at = at(day(2))
    assert "What happens next" not in seen(desk.get(token))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_small_and_works_without_script_in_every_language(desk, language):
    style = len(desk.client.get("/static/answer.css").content)
    mark = len(desk.client.get("/static/mark.svg").content)
    desk.follow(desk.link(), "done", note="x" * 2000)
    done = desk.tokens[-1]
    desk.follow(desk.link(ref="SAA-02"), "more_time", until="2026-07-01", note="rain")
    asked = desk.kept()[-1].id
    tokens = {
        Purpose.ANSWER: desk.link(ref="SAA-02"),
        Purpose.CONFIRM: desk.link("mayor", Purpose.CONFIRM),
        Purpose.DECIDE: desk.link("coord", Purpose.DECIDE, "SAA-02", answer_id=asked),
        Purpose.CHECK: desk.link("mayor", Purpose.CHECK, "SAA-04"),
        Purpose.ACKNOWLEDGE: desk.link("coord", Purpose.ACKNOWLEDGE),
    }
    heaviest = 0
    paths = [f"{done}/thanks", "guess"]
    paths += [f"{t}/{v}" for p, t in tokens.items() for v in ("", *VERBS_FOR[p])]

    for path in paths:
        page = desk.get(path.rstrip("/"), params={"lang": language})
        way = "rtl" if language == "ar" else "ltr"
        assert f'<html lang="{language}" dir="{way}">' in page.text
        heaviest = max(heaviest, len(page.content) + style + mark)
        assert heaviest < 15_000
        assert "<script" not in page.text
        assert " style=" not in page.text
        assert "None" not in page.text
        assert not re.search(r'(?:src|href|action)="(?![/#?])', page.text)


def test_the_language_that_was_chosen_stays_until_the_thanks(desk):
    token = desk.link()
    page = desk.get(token, params={"lang": "fr"}).text
    assert f'href="/answer/{token}/done?lang=fr"' in page
    sent = desk.client.post(
        f"/answer/{token}/done", params={"lang": "fr"}, data=desk.fill(token, "done", note="Fait")
    )

    assert sent.headers["location"] == f"/answer/{token}/thanks?lang=fr"
    assert "SAA-01 FAIT" in seen(desk.client.get(sent.headers["location"]))


def test_a_link_is_good_for_its_fourteen_days_and_then_says_so(desk):
    token = desk.link()
    desk.clock.at = NOW + timedelta(days=14)
    page = desk.get(token)

    assert page.status_code == 410
    assert "It was good until Monday, 15 June 2026" in seen(page)
    assert "Open the second gate" not in page.text
