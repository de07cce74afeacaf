"""The pages of the demonstration, its clock, its mailbox and its people, without a browser."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import httpx
import pytest
from mail_builders import an_envelope

from engine.clock import FixedClock
from engine.store.directory import Directory
from engine.store.listing import Wanted, views
from notifications.envelope import Outcome
from notifications.mailer import MailSettings, YagmailMailer
from web.demo_clock import DemoClock, Leap, first_instant, stops
from web.demo_pages import demo_app
from web.demo_world import World
from web.mailbox import Mailbox, PostOffice
from web.serve import Face, address, listen

MONDAY = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
WEEKS = 13


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Populated, and a fortnight on; Prefect and the timetable are not started."""
    made = World(tmp_path_factory.mktemp("world"))
    made.populate()
    for _week in range(2):
        assert made.leap(Leap.WEEK, patience_s=60)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def client(world: World) -> Iterator[httpx.Client]:
    with listen("127.0.0.1", 0) as listener:
        face = Face(demo_app(world, "127.0.0.1"), listener)
        face.start()
        with httpx.Client(base_url=address(listener), timeout=60) as made:
            yield made
        face.stop(5)


def token_of(client: httpx.Client) -> str:
    found = re.search(r'name="token" value="([^"]+)"', client.get("/demo").text)
    assert found
    return found[1]


def test_a_demonstration_starts_on_a_working_day_at_half_past_nine():
    saturday = datetime(2026, 11, 28, 23, 0, tzinfo=UTC)
    assert first_instant(saturday) == datetime(2026, 11, 30, 9, 30, tzinfo=UTC)
    assert first_instant(MONDAY + timedelta(hours=9)) == MONDAY


def test_the_clock_goes_forward_only():
    clock = DemoClock(MONDAY, FixedClock(MONDAY - timedelta(days=400)))
    clock.put_forward(MONDAY + timedelta(days=3))
    clock.put_forward(MONDAY)

    assert clock.now() == MONDAY + timedelta(days=3)


@pytest.mark.parametrize("leap", list(Leap))
def test_a_journey_stops_in_every_block_of_working_hours_and_at_its_end(leap):
    until = MONDAY + leap.length
    found = list(stops(MONDAY, until))

    assert found[-1] == until
    assert all(earlier < later for earlier, later in pairwise(found))
    assert all(MONDAY < at <= until for at in found)
    days = leap.length.days
    assert len(found) == 3 * days + 1


def test_what_the_mailer_hands_over_arrives_in_the_mailbox_byte_for_byte():
    mailbox = Mailbox(FixedClock(MONDAY), kept=2)
    post = PostOffice(mailbox)
    post.start()
    settings = MailSettings(
        host=post.host, port=post.port, security="none", sender="bounce+1@notify.example"
    )
    mailer = YagmailMailer(settings)
    envelopes = [an_envelope(n, f"person{n}@club.example", "Bonjour.") for n in range(3)]
    results = [mailer.deliver(envelope) for envelope in envelopes]
    mailer.close()
    post.stop()

    assert [result.outcome for result in results] == [Outcome.SENT] * 3
    assert [letter.number for letter in mailbox.letters] == [3, 2]  # the oldest went first
    newest = mailbox.letters[0]
    assert newest.data == envelopes[2].data
    assert newest.recipients == ("person2@club.example",)
    assert newest.part("plain").strip() == "Bonjour."
    assert newest.at == MONDAY
    assert mailbox.letter(1) is None


def test_a_form_of_another_site_changes_nothing(client, world):
    before = world.clock.now()
    wrong = {"leap": "week", "token": "guessed"}
    foreign = {"leap": "week", "token": token_of(client)}

    assert client.post("/clock", data={"leap": "week"}).status_code == 400
    assert client.post("/clock", data=wrong).status_code == 403
    sent = client.post("/clock", data=foreign, headers={"sec-fetch-site": "cross-site"})
    assert sent.status_code == 403
    assert client.post("/release", data={"ref": "SOG-04", "token": "guessed"}).status_code == 403
    assert client.get("/clock").status_code == 303  # as every page that is not there
    assert world.clock.now() - before < timedelta(minutes=30)


def test_a_name_that_was_pointed_at_this_machine_gets_no_answer(client):
    answer = client.get("/", headers={"host": "rebound.example:8000"})

    assert answer.status_code == 421
    assert "SAA-02" not in answer.text


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "/\\evil.example", "/clock", "/mail/../x"]
)
def test_a_form_leads_back_to_our_own_pages_only(client, back):
    sent = client.post("/clock", data={"leap": "hour", "token": token_of(client), "back": back})

    assert sent.status_code == 303
    assert sent.headers["location"] == "/"


def test_pages_carry_no_script_no_style_of_their_own_and_no_foreign_address(client):
    paths = [
        "/demo",
        "/demo/actions",
        "/demo/actions/SOG-04",
        "/mail",
        "/mail/1",
        "/flows",
        "/none",
    ]
    for path in paths:
        answer = client.get(path)
        assert "script" not in answer.text
        assert " style=" not in answer.text
        assert not re.search(
            r"""(?:src|href|action)=["'](?!/)""", answer.text.replace("#main", "/")
        )
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
    style = client.get("/static/style.css").text
    assert "url(" not in style
    assert "@import" not in style
    assert client.get("/docs").headers["location"] == "/sign-in"
    assert client.get("/openapi.json").headers["location"] == "/sign-in"


def test_what_others_wrote_is_shown_and_never_obeyed(client, world):
    data = (
        b"From: a@b.example\r\nTo: c@d.example\r\nSubject: <img src=x onerror=alert(1)>\r\n"
        b"Content-Type: text/html; charset=utf-8\r\n\r\n<b>hello</b><script>alert(1)</script>\r\n"
    )
    letter = world.mailbox.add("a@b.example", ("<i>@d.example",), data)

    for path in ("/demo", "/mail", f"/mail/{letter.number}"):
        text = client.get(path).text
        assert "<img src=x" not in text
        assert "&lt;img src=x" in text
        assert "<i>@d.example" not in text
    inside = client.get(f"/mail/{letter.number}/html")
    assert "<b>hello</b>" in inside.text
    assert inside.headers["content-security-policy"].startswith(
        "sandbox allow-top-navigation-by-user-activation; default-src 'none'"
    )
    assert inside.headers["x-frame-options"] == "SAMEORIGIN"
    assert "<script" not in client.get("/demo/actions", params={"dialogue": "<script>"}).text


def test_what_is_not_there_is_said_so(client):
    for path in ("/demo/actions/NON-99", "/mail/99999", "/mail/99999/html"):
        assert client.get(path).status_code == 404
    assert client.get("/mail/first").status_code == 400
    assert (
        client.get("/demo/actions", params={"state": "sleeping", "overdue": "on"}).status_code
        == 200
    )


def test_the_same_release_cannot_be_given_twice(client, world):
    waiting = re.search(r'name="ref" value="([^"]+)"', client.get("/demo").text)
    while not waiting:
        assert world.leap(Leap.WEEK, patience_s=60)
        waiting = re.search(r'name="ref" value="([^"]+)"', client.get("/demo").text)
    form = {"ref": waiting[1], "token": token_of(client)}

    first = client.post("/release", data=form)
    assert first.status_code == 303
    assert f"{waiting[1]} was released" in client.get(first.headers["location"]).text
    again = client.post("/release", data=form)
    assert again.status_code == 409
    assert "nothing of it waits for a release" in again.text


def test_restricted_and_closed_titles_are_marked(client):
    text = client.get("/demo/actions", params={"dialogue": "Sogoniko"}).text

    assert re.search(r"SOG-04.*?chip mark[^>]*>restricted", text, re.DOTALL)
    assert re.search(r"SOG-06.*?chip mark[^>]*>closed", text, re.DOTALL)


def test_earlier_due_dates_stay_on_the_page(client):
    text = client.get("/demo/actions/JOS-02").text

    assert "Earlier dates" in text
    assert re.search(r"<s>[^<]*2\d{3}</s>", text)


def test_readiness_and_metrics_speak_of_the_world_without_naming_anybody(client):
    ready = client.get("/readyz").json()
    metrics = client.get("/metrics").text

    assert ready["database"] == "answers"
    assert ready["deliver"]["mail"] == "leaves"
    assert re.search(r'alkawari_messages\{status="sent"\} [1-9]', metrics)
    assert "alkawari_prefect_ready 0" in metrics
    assert "SOG" not in metrics


def test_the_whole_story_is_accepted_and_every_page_can_be_shown_to_its_end(client, world):
    """Last, because the clock of the world goes one way."""
    while (world.clock.now().date() - world.start_on).days < 7 * WEEKS:
        assert world.leap(Leap.WEEK, patience_s=120)
        assert client.get("/demo").status_code == 200
    with world.services.database.read() as connection:
        directory = Directory(connection, world.services.ladder)
        now = world.clock.now()
        refs = [v.action.ref for v in views(directory, Wanted(), now, world.services.thresholds)]

    assert [done for done in world.happened if done.refused] == []
    assert len(world.happened) > 40
    assert [run for run in world.service.runs if run.error] == []
    for ref in refs:
        assert client.get(f"/demo/actions/{ref}").status_code == 200
    for letter in world.mailbox.letters:
        assert client.get(f"/mail/{letter.number}").status_code == 200
