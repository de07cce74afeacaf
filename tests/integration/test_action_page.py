"""A coordinator's pages: the day, the list, an action and its forms, and what goes wrong."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from builders import MONDAY, Programme, a_programme, a_row, at, day
from face_desk import Desk, open_face

from engine.action import Level, State
from engine.answer import Answer, Origin, Verb
from workflows.answers import Given, take_answer
from workflows.evidence import examined, store

HOSTILE = "<script>alert(1)</script> \u202e reversed \ufeff"


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path)
    made.plan(
        a_row(due=day(-40), agreed_on=day(-90).isoformat()),
        a_row(ref="SAA-02", action="Light the square", due=day(30)),
        a_row(ref="SAA-03", action="Close the gate", state="agreed", due=day(20)),
        now=at(MONDAY),
    )
    yield made
    made.close()


def version(desk: Desk, ref: str = "SAA-02") -> str:
    return str(desk.programme.action(ref).version)


def test_a_day_shows_each_thing_with_its_one_button(desk):
    programme = desk.programme
    programme.run(at(MONDAY))
    programme.move("SAA-02", State.REPORTED_DONE, "chief", at(MONDAY), note="lamps are up")
    ask = Answer(verb=Verb.MORE_TIME, until=day(50), note="no cement")
    given = Given(key="link:1", ref="SAA-03", by="chief", answer=ask, origin=Origin.LINK)
    take_answer(programme.services, given, at(MONDAY))
    text = desk.member("coord").get("/").text

    assert re.search(r'id="calls".*?/actions/SAA-01/do/call', text, re.DOTALL)
    assert re.search(r'id="dates".*?SAA-03/do/reschedule\?due_on=2026-07-21', text, re.DOTALL)
    assert re.search(r'id="claims".*?/actions/SAA-02/record/confirmed', text, re.DOTALL)
    assert re.search(r'id="late".*?SAA-01', text, re.DOTALL)
    assert "no cement" in text


def test_who_coordinates_nothing_begins_with_the_list(desk):
    assert desk.member("chief").get("/").headers["location"] == "/actions"


def test_a_call_is_logged_and_leaves_the_day(desk):
    desk.programme.run(at(MONDAY))
    visitor = desk.member("coord")
    sent = visitor.send(
        "/actions/SAA-01/do/call", reached="yes", note="he will look",
        version=version(desk, "SAA-01"),
    )  # fmt: skip

    assert sent.headers["location"] == "/actions/SAA-01?done=call"
    assert "he will look" in visitor.get("/actions/SAA-01").text
    assert 'id="calls"' not in visitor.get("/").text


def test_a_date_is_moved_and_the_first_one_stays_on_the_page(desk):
    visitor = desk.member("coord")
    page = visitor.get(f"/actions/SAA-02/do/reschedule?due_on={day(45)}").text
    assert f'value="{day(45)}"' in page
    visitor.send(
        "/actions/SAA-02/do/reschedule", due_on=day(45).isoformat(), reason="all sides agreed",
        version=version(desk),
    )  # fmt: skip
    text = visitor.get("/actions/SAA-02").text

    assert desk.programme.action("SAA-02").due_on == day(45)
    assert re.search(r"<s class=\"quiet\">1 July 2026</s>", text)
    assert "all sides agreed" in text


def test_a_block_needs_what_the_rule_needs_and_keeps_what_was_typed(desk):
    visitor = desk.member("chief")
    sent = visitor.send(
        "/actions/SAA-02/do/move-blocked", obstacle="permit", blocker="", review_on="tomorrow",
        version=version(desk),
    )  # fmt: skip
    assert sent.status_code == 422
    assert 'value="tomorrow"' in sent.text
    assert re.search(r'<option value="permit" selected>', sent.text)
    assert sent.text.count('class="wrong"') >= 3
    past = visitor.send(
        "/actions/SAA-02/do/move-blocked", obstacle="permit", blocker="the prefect",
        review_on=day(-1).isoformat(), version=version(desk),
    )  # fmt: skip
    assert past.status_code == 422
    assert "is not after today" in past.text
    assert 'value="the prefect"' in past.text
    done = visitor.send(
        "/actions/SAA-02/do/move-blocked", obstacle="permit", blocker="the prefect",
        review_on=day(10).isoformat(), version=version(desk),
    )  # fmt: skip
    assert done.status_code == 303
    assert desk.programme.action("SAA-02").state is State.BLOCKED


def test_a_claim_is_confirmed_by_another_party(desk):
    chief, mayor = desk.member("chief"), desk.member("mayor")
    chief.send("/actions/SAA-02/do/move-reported_done", note="done", version=version(desk))
    assert desk.programme.action("SAA-02").state is State.REPORTED_DONE
    assert "move-verified" not in chief.get("/actions/SAA-02").text
    form = {"method": "visit", "seen": "three lamps", "version": version(desk)}
    assert chief.send("/actions/SAA-02/do/move-verified", **form).status_code == 403
    assert mayor.send("/actions/SAA-02/do/move-verified", **form).status_code == 303
    assert desk.programme.action("SAA-02").state is State.VERIFIED


def test_a_coordinator_records_whose_word_it_is(desk):
    desk.programme.move("SAA-02", State.REPORTED_DONE, "chief", at(MONDAY), note="done")
    visitor = desk.member("coord")
    page = visitor.get("/actions/SAA-02/record/confirmed").text
    form = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    form |= {"who": "mayor", "origin": "phone", "seen": "three lamps", "method": "visit"}
    unnamed = visitor.client.post("/actions/SAA-02/record/confirmed", data=form | {"who": ""})
    assert unnamed.status_code == 422
    first = visitor.client.post("/actions/SAA-02/record/confirmed", data=form)
    again = visitor.client.post("/actions/SAA-02/record/confirmed", data=form)

    assert first.status_code == 303
    assert again.status_code in {303, 404}  # the same form twice says nothing twice
    assert desk.programme.action("SAA-02").state is State.VERIFIED
    assert desk.programme.history("SAA-02").count("verified") == 1
    assert "three lamps" in visitor.get("/actions/SAA-02").text


def test_somebody_who_was_slower_sees_what_changed_and_loses_nothing(desk):
    slow, seen = desk.member("coord"), version(desk)
    desk.programme.report("SAA-02", Level.MINIMUM, "chief", at(MONDAY))
    sent = slow.send(
        "/actions/SAA-02/do/reschedule", due_on=day(50).isoformat(), reason="my long reason",
        version=seen,
    )  # fmt: skip

    assert sent.status_code == 409
    assert "Progress reported" in sent.text
    assert "my long reason" in sent.text
    assert f'name="version" value="{version(desk)}"' in sent.text
    assert desk.programme.action("SAA-02").due_on == day(30)
    desk.programme.move("SAA-02", State.DISPUTED, "coord", at(MONDAY), reason="seen otherwise")
    gone = slow.send(
        "/actions/SAA-02/do/reschedule", due_on=day(50).isoformat(), reason="my long reason",
        version=seen,
    )  # fmt: skip
    assert gone.status_code == 409
    assert "Disputed" in gone.text
    assert "my long reason" in gone.text


def test_a_form_without_a_version_is_out_of_date(desk):
    sent = desk.member("coord").send(
        "/actions/SAA-02/do/reschedule", due_on=day(50).isoformat(), reason="why"
    )

    assert sent.status_code == 409


def test_a_hold_is_begun_shown_and_ended(desk):
    visitor = desk.member("coord")
    visitor.send("/actions/SAA-02/do/hold", reason="a funeral", version=version(desk))
    assert "a funeral" in visitor.get("/actions/SAA-02").text
    assert visitor.send("/actions/SAA-02/do/resume", version=version(desk)).status_code == 303
    assert "a funeral" not in visitor.get("/actions/SAA-02").text


def test_what_waits_is_released_once(desk):
    programme = desk.programme
    for step in range(60):
        programme.run(at(MONDAY + timedelta(days=step)))
    with open_face(programme, now=at(day(60))) as later:
        visitor = later.member("coord")
        text = visitor.get("/").text
        assert re.search(r'id="releases".*?action="/actions/SAA-01/do/release"', text, re.DOTALL)
        first = visitor.send("/actions/SAA-01/do/release", version=version(desk, "SAA-01"))
        assert first.status_code == 303
        again = visitor.send("/actions/SAA-01/do/release", version=version(desk, "SAA-01"))
        assert again.status_code == 403
        assert 'id="releases"' not in visitor.get("/").text


@pytest.mark.parametrize("typed", [HOSTILE, "x" * 3000, "\0null", "مرحبا " * 50])
def test_whatever_is_typed_is_shown_and_never_obeyed(desk, typed):
    visitor = desk.member("chief")
    sent = visitor.send(
        "/actions/SAA-02/do/report", level="minimum", note=typed, version=version(desk)
    )
    text = sent.text + visitor.get("/actions/SAA-02").text

    assert sent.status_code in {303, 422}
    assert "<script>alert" not in text
    assert "\u202e" not in text
    assert "\0" not in text


def test_ten_megabytes_are_not_read_to_the_end(desk):
    visitor = desk.member("chief")
    sent = visitor.send("/actions/SAA-02/do/report", note="x" * 10_000_000)

    assert sent.status_code == 413
    assert visitor.get("/actions/SAA-02").status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/actions?state=sleeping&condition=x&side=y", "/actions?after=../../x",
     "/actions?after=2026-99-99.1", "/actions?text=%25_%5C'%22", "/board?dialogue=%00",
     "/actions?lang=xx", "/actions?after=.999999999999999999"],
)  # fmt: skip
def test_an_address_that_means_nothing_shows_a_list(desk, path):
    assert desk.member("coord").get(path).status_code == 200


@pytest.mark.parametrize(
    "path", ["/actions/%00", "/actions/" + "x" * 500, "/actions/SAA-02/do/nothing",
             "/actions/SAA-02/record/sing", "/actions/SAA-02/evidence/99", "/actions/SAA-02/x/y"],
)  # fmt: skip
def test_what_is_not_there_is_said_so(desk, path):
    answer = desk.member("coord").get(path)

    assert answer.status_code == 404
    assert "<h1>" in answer.text


def test_filters_narrow_the_list_down(desk):
    visitor = desk.member("coord")

    def refs(query: str) -> set[str]:
        return set(re.findall(r'class="ref" href="/actions/([\w-]+)"', visitor.get(query).text))

    assert refs("/actions") == {"SAA-01", "SAA-02", "SAA-03"}
    assert refs("/actions?condition=overdue") == {"SAA-01"}
    assert refs("/actions?state=agreed&dialogue=saaba") == {"SAA-03"}
    assert refs("/actions?text=square") == {"SAA-02"}
    assert refs("/actions?side=community") == set()


def test_pages_follow_one_another_without_a_gap(tmp_path, sqlite_url):
    programme = a_programme(sqlite_url, tmp_path)
    rows = [
        a_row(ref=f"SAA-{n:03}", action=f"Step {n}", due=None if n % 7 == 0 else day(n % 11),
              state="proposed" if n % 7 == 0 else "in_progress")
        for n in range(1, 131)
    ]  # fmt: skip
    programme.plan(*rows, now=at(MONDAY))
    with open_face(programme) as desk:
        visitor, path, found = desk.member("coord"), "/actions", []
        while path:
            text = visitor.get(path).text
            found += re.findall(r'class="ref" href="/actions/([\w-]+)"', text)
            following = re.search(r'href="([^"]+)" rel="next"', text)
            path = following[1].replace("&amp;", "&") if following else ""
    programme.close()

    assert len(found) == len(set(found)) == 130


def test_evidence_is_saved_and_never_shown_by_our_site(desk):
    data = b"%PDF-1.4 nothing"
    piece, _kept = examined(data, "<b>report</b>.pdf")
    store(desk.programme.services, data, piece)
    given = Given(
        key="link:2", ref="SAA-02", by="chief", answer=Answer(verb=Verb.DONE, note="see"),
        origin=Origin.LINK, evidence=(piece,),
    )  # fmt: skip
    take_answer(desk.programme.services, given, at(MONDAY))
    visitor = desk.member("coord")
    link = re.search(r'href="(/actions/SAA-02/evidence/\d+)"', visitor.get("/actions/SAA-02").text)
    assert link
    answer = visitor.get(link[1])

    assert answer.content == data
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    assert "<" not in answer.headers["content-disposition"]
    other = link[1].replace("SAA-02", "SAA-01")
    assert visitor.get(other).status_code == 404


def test_pages_carry_no_script_no_style_of_their_own_and_stay_small(desk):
    visitor = desk.member("coord")
    for path in ("/", "/actions", "/board", "/actions/SAA-01", "/actions/SAA-01/do/hold"):
        for language in ("en", "ar"):
            answer = visitor.get(f"{path}?lang={language}")
            assert answer.status_code == 200
            assert "<script" not in answer.text
            assert " style=" not in answer.text
            assert len(answer.content) < 50_000
            direction = "rtl" if language == "ar" else "ltr"
            assert f'<html lang="{language}" dir="{direction}">' in answer.text
            assert "no-store" in answer.headers["cache-control"]


def test_a_language_that_was_chosen_stays(desk):
    visitor = desk.member("coord")
    visitor.get("/actions?lang=fr")

    assert '<html lang="fr"' in visitor.get("/actions").text
