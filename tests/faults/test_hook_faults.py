"""Receivers of webhooks that hang, fail, redirect or are not where they seem; and our own death."""

import ipaddress
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from builders import MONDAY, Programme, a_programme, a_row, at, day
from hook_receiver import Receiver, a_receiver
from sqlalchemy import select

from config.settings import WebhooksPart
from engine.action import Level
from engine.errors import BadValue
from engine.store.api_tables import webhooks
from engine.store.hooks import all_hooks, resume_hook
from engine.store.records import append, find_action
from notifications.hook import HookSettings, HttpPoster, Post, is_public, usable
from workflows.hooks import add_hook, send_batch, send_hooks

NOW = at(MONDAY)
ROOT = Path(__file__).resolve().parents[2]


def hooked(url: str, folder: Path) -> Programme:
    part = WebhooksPart(allow_private=True, timeout_s=0.5)
    made = a_programme(url, folder, webhooks=part)
    made.plan(a_row(), a_row(ref="SAA-02", handling="closed"), a_row(ref="SAA-03"), now=at(day(-9)))
    return made


@pytest.fixture
def programme(database_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = hooked(database_url, tmp_path)
    yield made
    made.close()


@pytest.fixture
def on_postgres(postgres_url: str, tmp_path: Path) -> Iterator[Programme]:
    """On SQLite only one writes at a time."""
    made = hooked(postgres_url, tmp_path)
    yield made
    made.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as made:
        yield made


def happen(programme: Programme, times: int = 3) -> None:
    for number in range(times):
        ref = ("SAA-01", "SAA-03")[number % 2]
        programme.report(ref, Level.MINIMUM, "chief", NOW + timedelta(minutes=number))


def send(programme: Programme, at_instant=NOW):
    return send_hooks(programme.services, at_instant)


def hook_of(programme: Programme):
    [found] = programme.rows(select(webhooks))
    return found


def test_events_arrive_once_in_order_signed_and_without_words(programme, receiver):
    _number, secret = add_hook(programme.services, receiver.url, "", "", NOW)
    happen(programme)
    programme.report("SAA-02", Level.MINIMUM, "chief", NOW)
    done, again = send(programme), send(programme)

    assert (done.sent, again.sent) == (3, 0)
    assert [each["data"]["ref"] for each in receiver.heard] == ["SAA-01", "SAA-03", "SAA-01"]
    assert [each["type"] for each in receiver.heard] == ["reported"] * 3
    assert set(receiver.heard[0]["data"]) == {"ref", "dialogue", "version", "state"}
    assert b"gate" not in b"".join(receiver.bodies)
    assert all(receiver.signed_by(secret, number) for number in range(3))
    assert receiver.headers[0]["webhook-id"] == receiver.heard[0]["id"]


def test_nothing_of_before_is_told_and_only_what_was_asked_for(programme, receiver):
    happen(programme, 1)
    add_hook(programme.services, receiver.url, "reported_done, disputed", "saaba", NOW)
    happen(programme, 2)
    programme.report("SAA-01", Level.COMPLETED, "chief", NOW)
    done = send(programme)

    assert done.sent == 1
    assert receiver.heard[0]["data"]["state"] == "reported_done"
    with programme.services.database.read() as connection:
        assert all_hooks(connection)[0].waiting == 0


@pytest.mark.parametrize("answer", [500, 503, 404, 302, 307, 0, -1, -2])
def test_a_receiver_that_fails_is_tried_later_and_misses_nothing(programme, receiver, answer):
    add_hook(programme.services, receiver.url, "", "", NOW)
    happen(programme)
    receiver.answers = [204, answer]
    first = send(programme)
    at_once = send(programme)
    later = send(programme, NOW + timedelta(minutes=7))

    assert (first.sent, first.failed) == (1, 1)
    assert (at_once.sent, at_once.failed) == (0, 0)
    assert later.sent == 2
    assert receiver.names == [receiver.names[0], receiver.names[1], *receiver.names[1:2],
                              receiver.names[-1]]  # fmt: skip
    assert len(set(receiver.names)) == 3
    assert hook_of(programme).attempt == 0


def test_a_receiver_that_is_not_there_waits_for_nobody_else(programme, receiver):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{unused.getsockname()[1]}/"
    add_hook(programme.services, dead, "", "", NOW)
    add_hook(programme.services, receiver.url, "", "", NOW)
    happen(programme)
    done = send(programme)

    assert (done.sent, done.failed) == (3, 1)
    assert len(receiver.heard) == 3


def test_who_fails_for_days_is_given_up_and_the_managers_are_told(programme, receiver):
    from workflows.watchdog import watch

    number, _secret = add_hook(programme.services, receiver.url, "", "", NOW)
    happen(programme)
    receiver.usual = 500
    now = NOW
    while not hook_of(programme).stopped_at:
        send(programme, now)
        now += timedelta(hours=6)
        assert now < NOW + timedelta(days=8)
    assert now - NOW >= timedelta(days=5)
    watch(programme.services, now)
    told = [row for row in programme.notices() if row.rung == "watch:unheard"]
    assert [row.who for row in told] == ["manager"]

    receiver.usual = 204
    assert send(programme, now).sent == 0
    with programme.services.database.write() as connection:
        resume_hook(connection, number)
    assert send(programme, now).sent > 0


def test_who_is_gone_is_given_up_at_once(programme, receiver):
    add_hook(programme.services, receiver.url, "", "", NOW)
    happen(programme)
    receiver.usual = 410

    assert send(programme).stopped == 1
    assert send(programme, NOW + timedelta(days=1)).failed == 0


def test_a_hook_is_in_one_pair_of_hands(programme, receiver):
    add_hook(programme.services, receiver.url, "", "", NOW)
    happen(programme)
    seen = []

    class Meddler:
        def post(self, post):
            seen.append(send_batch(programme.services, NOW).handled)
            return HttpPoster(HookSettings(allow_private=True)).post(post)

    send_hooks(programme.services, NOW, poster=Meddler())

    assert seen == [0, 0, 0]
    assert len(receiver.heard) == 3


def test_an_event_that_is_still_being_written_is_not_passed_over(on_postgres, receiver):
    """On PostgreSQL a transaction may take a number and be seen after one with a higher number."""
    programme = on_postgres
    add_hook(programme.services, receiver.url, "", "", NOW)
    with programme.services.database.write() as connection:
        action = find_action(connection, "SAA-01", lock=True)
        append(connection, action, {}, kind="noted", at=NOW, by="chief", payload={})
        programme.report("SAA-03", Level.MINIMUM, "chief", NOW)
        assert send(programme).sent == 0
    assert send(programme).sent == 2

    assert [each["type"] for each in receiver.heard] == ["noted", "reported"]


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path[:0] = [{tests!r}]
from config.settings import Settings
from config.wiring import build
from engine.clock import SystemClock
from notifications.hook import HttpPoster
from workflows.hooks import hook_settings, send_hooks
services = build(Settings(database_url={url!r}, data_folder=Path({folder!r}),
                          webhooks={{"allow_private": True}}))
poster = HttpPoster(hook_settings(services))
class Dying:
    def post(self, post):
        done = poster.post(post)
        if post.name == {last!r}:
            os.kill(os.getpid(), signal.SIGKILL)
        return done
send_hooks(services, services.clock.now(), poster=Dying())
"""


def test_killed_after_a_post_it_repeats_that_one_and_loses_none(programme, receiver, tmp_path):
    add_hook(programme.services, receiver.url, "", "", NOW)
    happen(programme)
    from engine.store.tables import events

    ids = sorted(row.id for row in programme.rows(select(events.c.id)))[-3:]
    url = programme.services.settings.database_url
    code = KILLED.format(
        tests=str(ROOT / "tests"), url=url, folder=str(tmp_path), last=f"event-{ids[1]}"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=os.environ, check=False)
    assert done.returncode == -signal.SIGKILL
    assert send(programme).sent == 0  # its lease runs yet
    with programme.services.database.write() as connection:
        connection.execute(webhooks.update().values(leased_until_at=NOW))
    send(programme)

    assert receiver.names == [f"event-{n}" for n in (ids[0], ids[1], ids[1], ids[2])]


@pytest.mark.parametrize(
    "url",
    [
        "http://receiver.example/", "ftp://receiver.example/", "https:///path", "https://",
        "https://127.0.0.1/", "https://10.1.2.3/", "https://[::1]/", "https://169.254.169.254/",
        "https://[::ffff:10.0.0.1]/", "https://[64:ff9b::a00:1]/", "https://user:pw@a.example/",
        "https://a.example/ b", "https://a.example:0/", "https://a.example:99999/",
        "https://a.example/#x", "https://é.example/", "https://a.example/" + "x" * 2000,
        "https://[fd00::1]/", "https://0.0.0.0/", "https://224.0.0.1/", "https://100.64.0.1/",
    ],
)  # fmt: skip
def test_an_address_that_leads_to_us_is_refused(url):
    with pytest.raises(BadValue, match="url"):
        usable(url, HookSettings())


@pytest.mark.parametrize("address", ["2002:a00:1::", "2001:0:a00:1::", "::ffff:127.0.0.1"])
def test_an_address_that_hides_one_of_ours_is_not_public(address):
    assert not is_public(ipaddress.ip_address(address))
    assert is_public(ipaddress.ip_address("2606:4700::1111"))


def test_a_name_that_leads_to_us_is_refused_when_it_is_called(monkeypatch, receiver):
    port = int(receiver.url.rpartition(":")[2])
    asked = []

    def resolves(host, port, **_given):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolves)
    post = Post(
        url=f"https://rebound.example:{port}/", secret="whsec_AAAA", name="event-1", at_s=1,
        body=b"{}",
    )  # fmt: skip
    posted = HttpPoster(HookSettings()).post(post)

    assert not posted.taken
    assert "network of our own" in posted.said
    assert asked == ["rebound.example"]
    assert receiver.heard == []


def test_tls_is_verified_by_the_name_that_was_asked_for(monkeypatch):
    import ssl

    import trustme

    authority = trustme.CA()
    good = authority.issue_cert("receiver.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    good.configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)

    with a_receiver(lambda sock: context.wrap_socket(sock, server_side=True)) as receiver:
        port = int(receiver.url.rpartition(":")[2])
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: found)
        poster = HttpPoster(HookSettings(allow_private=True), trusting)
        posts = [
            Post(url=f"https://{name}:{port}/", secret="whsec_AAAA", name="event-1", at_s=1,
                 body=b"{}")
            for name in ("receiver.example", "other.example")
        ]  # fmt: skip
        assert poster.post(posts[0]).taken
        refused = poster.post(posts[1])

    assert not refused.taken
    assert "SSLCertVerificationError" in refused.said
    assert len(receiver.heard) == 1
