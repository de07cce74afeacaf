"""Signing in by a link that works once; sessions, their end, and who is kept out."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread

import httpx
import pytest
from builders import MONDAY, Programme, a_programme, a_row, at, plain
from face_desk import Desk

from web.session import Brake
from workflows.persons import Holder, hand_over

LINK = re.compile(r"(http://127\.0\.0\.1:\d+)(/sign-in/[\w-]+)")


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(database_url, tmp_path)
    made.plan(a_row(), now=at(MONDAY))
    yield made
    made.close()


def mailed(desk: Desk) -> list[tuple[str, str]]:
    """Recipient and link of each mail that left."""
    assert desk.entrance.doorman.wait(10)
    found = []
    for envelope in desk.programme.postbox.taken:
        found += [(envelope.recipient, m[2]) for m in LINK.finditer(plain(envelope.data))]
    return found


def test_somebody_who_is_known_gets_a_link_at_once_and_it_signs_in_once(desk):
    visitor = desk.stranger()
    asked = visitor.client.post("/sign-in", data={"address": "Coord@Saaba.example"})
    [(recipient, link)] = mailed(desk)

    assert asked.status_code == 200
    assert recipient.lower() == "coord@saaba.example"
    assert "Coordinator" in visitor.get(link).text
    assert visitor.get(link).status_code == 200  # a scanner that looks uses nothing up
    entered = visitor.client.post(link)
    assert entered.status_code == 303
    cookie = entered.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert visitor.get("/actions").status_code == 200
    assert desk.stranger().client.post(link).status_code == 404
    assert desk.stranger().get(link).status_code == 404


def test_nobody_learns_who_is_known(desk):
    known = desk.stranger().client.post("/sign-in", data={"address": "coord@saaba.example"})
    unknown = desk.stranger().client.post("/sign-in", data={"address": "nobody@saaba.example"})

    assert known.text.replace("coord@", "nobody@") == unknown.text
    assert len(mailed(desk)) == 1


def test_a_link_is_worth_nothing_after_a_quarter_of_an_hour(desk):
    link = desk.link("coord")
    desk.later(timedelta(minutes=16))

    assert desk.stranger().client.post(link).status_code == 404


def test_a_session_ends_after_half_a_day_without_use_and_after_a_week_with_it(desk):
    idle, busy = desk.member("coord"), desk.member("chief")
    for _step in range(16):
        desk.later(timedelta(hours=11))
        if busy.get("/actions").status_code != 200:
            break
        assert desk.entrance.doorman.wait(10)
    assert idle.get("/actions").status_code == 303
    assert busy.get("/actions").status_code == 303
    assert desk.clock.at > at(MONDAY) + timedelta(days=7)


def test_signing_out_ends_one_session_or_all(desk):
    here, there, third = (desk.member("coord") for _ in range(3))

    assert here.send("/sign-out").status_code == 303
    assert here.get("/actions").status_code == 303
    assert there.get("/actions").status_code == 200
    assert there.send("/sign-out", everywhere="yes").status_code == 303
    assert third.get("/actions").status_code == 303


def test_who_hands_a_post_over_is_signed_out_of_it(desk):
    former = desk.member("chief")
    new = Holder(email="new.chief@post.example")
    hand_over(desk.programme.services, "chief", new, by="coord", now=at(MONDAY))

    assert former.get("/actions").status_code == 303


def test_a_session_that_was_open_before_ends_when_somebody_signs_in_again(desk):
    visitor = desk.member("chief")
    old = visitor.client.cookies["alkawari"]
    visitor.client.post(desk.link("coord"), data={"token": visitor.word()})
    assert visitor.client.cookies["alkawari"] != old
    with httpx.Client(base_url=desk.url, cookies={"alkawari": old}) as thief:
        assert thief.get("/actions").status_code == 303


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}],
)
def test_a_form_of_another_site_is_refused(desk, headers):
    visitor = desk.member("coord")
    form = {"token": visitor.word()}

    assert visitor.client.post("/sign-out", data=form, headers=headers).status_code == 403
    assert visitor.client.post("/sign-out", data={"token": "guessed"}).status_code == 403
    assert visitor.client.post("/sign-out", data={}).status_code == 403
    assert visitor.get("/actions").status_code == 200


def test_strangers_are_led_to_the_sign_in_page_and_then_to_what_they_wanted(desk):
    visitor = desk.stranger()
    for path in ("/", "/actions/SAA-01", "/actions/NON-99", "/elsewhere"):
        answer = visitor.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    visitor.get("/actions?state=blocked")
    assert visitor.client.post(desk.link("coord")).headers["location"] == "/actions?state=blocked"


def test_what_was_typed_comes_back_when_the_session_is_over(desk):
    visitor = desk.stranger()
    answer = visitor.client.post("/actions/SAA-01/report", data={"note": "half of <it> is there"})

    assert answer.status_code == 401
    assert "half of &lt;it&gt; is there" in answer.text


def test_a_thousand_attempts_at_once_hurt_nobody(desk):
    member, statuses = desk.member("coord"), []
    start = Barrier(20)

    def attack(number: int) -> None:
        with httpx.Client(base_url=desk.url, timeout=60) as client:
            start.wait()
            for turn in range(50):
                form = {"address": f"someone{number}.{turn}@saaba.example"}
                statuses.append(client.post("/sign-in", data=form).status_code)

    threads = [Thread(target=attack, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) == {200, 429}
    assert statuses.count(200) == 10
    assert member.get("/actions").status_code == 200
    assert mailed(desk) == []


def test_guessing_links_is_slowed_down(desk):
    visitor = desk.stranger()
    statuses = [visitor.client.post(f"/sign-in/guess{n}").status_code for n in range(30)]

    assert statuses[:20] == [404] * 20
    assert set(statuses[20:]) == {429}


@pytest.mark.parametrize(
    "address", ["", "nobody", "a@b.example c@d.example", "x" * 300 + "@y.example"]
)
def test_what_is_no_address_is_said_to_be_none(desk, address):
    answer = desk.stranger().client.post("/sign-in", data={"address": address})

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


def test_a_brake_counts_for_each_key_by_itself_and_forgets():
    now = [0.0]
    brake = Brake(2, 60.0, lambda: now[0])

    assert [brake.permits("a") for _ in range(3)] == [True, True, False]
    assert brake.permits("b")
    now[0] = 61.0
    assert brake.permits("a")
