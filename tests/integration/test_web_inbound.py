"""The address at which a gateway posts texts: signed, fresh, small, seldom, and once."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from builders import MONDAY, Programme, a_programme, a_row, at, day
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from text_builders import CHIEF_PHONE, by_text, with_phones

from config.settings import TextsPart
from engine.action import State
from engine.answer import Verb
from engine.clock import FixedClock
from engine.codes import code
from engine.store.answer_tables import inbound
from web.app import new_app
from web.inbound import LONGEST_BODY, PER_SENDER, SKEW_S, add_inbound, heard_in, signatures
from web.serve import Face, address, listen

SECRET = "sixteen letters!"
DONE = code("SAA-01", Verb.DONE, "en")


@pytest.fixture
def programme(sqlite_url: str, tmp_path: Path) -> Iterator[Programme]:
    made = a_programme(sqlite_url, tmp_path, texts=TextsPart(secret=SECRET))
    by_text(made)
    made.plan(a_row(due=day(-5)), now=at(MONDAY), dialogues=with_phones())
    made.run(at(MONDAY))
    made.services = replace(made.services, clock=FixedClock(at(MONDAY, 10)))
    yield made
    made.close()


@contextmanager
def served(programme: Programme) -> Iterator[httpx.Client]:
    app = new_app()
    add_inbound(app, programme.services)
    with listen("127.0.0.1", 0) as listener:
        face = Face(app, listener)
        face.start()
        try:
            with httpx.Client(base_url=address(listener), timeout=60) as client:
                yield client
        finally:
            face.stop(5)


@pytest.fixture
def client(programme: Programme) -> Iterator[httpx.Client]:
    with served(programme) as client:
        yield client


def signed(body: bytes, *, at: float | None = None, way: int = 0, secret: str = SECRET) -> dict:
    stamp = str(int(time.time() if at is None else at))
    return {"x-timestamp": stamp, "x-signature": signatures(secret, body, stamp)[way]}


def post(client: httpx.Client, fields: Any, **how: Any) -> int:
    body = json.dumps(fields).encode()
    headers = {"content-type": "application/json", **signed(body, **how)}
    return client.post("/in/sms", content=body, headers=headers).status_code


def a_text(text: str = DONE, **changes: str) -> dict[str, str]:
    return {"from": CHIEF_PHONE, "text": text, "id": "m1", **changes}


@pytest.mark.parametrize("way", [0, 1])
def test_a_signed_text_is_taken_and_answered_by_nothing(programme, client, way):
    body = json.dumps(a_text()).encode()

    answer = client.post("/in/sms", content=body, headers=signed(body, way=way))

    assert (answer.status_code, answer.content) == (204, b"")
    assert programme.action().state is State.REPORTED_DONE


def test_a_form_is_taken_too(programme, client):
    body = urlencode(a_text()).encode()
    headers = {"content-type": "application/x-www-form-urlencoded", **signed(body)}

    assert client.post("/in/sms", content=body, headers=headers).status_code == 204
    assert programme.action().state is State.REPORTED_DONE


@pytest.mark.parametrize(
    "how",
    [
        {"secret": "another secret!!"},
        {"off": -SKEW_S - 60},
        {"off": SKEW_S + 60},
        {"off": -1_700_000_000},
    ],
)
def test_what_is_not_signed_now_by_who_knows_the_secret_is_refused(programme, client, how):
    off = how.pop("off", None)
    if off is not None:
        how["at"] = time.time() + off

    assert post(client, a_text(), **how) == 401

    assert programme.action().state is State.IN_PROGRESS
    assert programme.rows(select(inbound)) == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-timestamp": "now", "x-signature": "é"},
        {"x-timestamp": "٣", "x-signature": ""},
        {"x-timestamp": "9" * 400, "x-signature": "0" * 64},
        {"x-signature": "sha256="},
    ],
)
def test_headers_that_make_no_sense_are_refused(client, headers):
    sent = {name: value.encode() for name, value in headers.items()}

    assert client.post("/in/sms", content=b"{}", headers=sent).status_code == 401


def test_a_changed_body_is_refused(client):
    body = json.dumps(a_text()).encode()

    headers = signed(body)
    assert client.post("/in/sms", content=body + b" ", headers=headers).status_code == 401


def test_a_copy_of_a_request_changes_nothing(programme, client):
    body = json.dumps(a_text()).encode()
    headers = signed(body)
    client.post("/in/sms", content=body, headers=headers)
    version = programme.action().version

    assert client.post("/in/sms", content=body, headers=headers).status_code == 204
    assert programme.action().version == version
    assert len(programme.rows(select(inbound))) == 1


def test_without_ids_the_same_words_of_one_day_count_once(programme, client):
    for later in (0, 60):
        fields = {"from": CHIEF_PHONE, "text": DONE}
        assert post(client, fields, at=time.time() - 100 + later) == 204

    assert len(programme.rows(select(inbound))) == 1


def test_a_long_body_is_refused_before_it_is_read_whole(client):
    def endless() -> Iterator[bytes]:
        for _ in range(LONGEST_BODY // 1000 + 2):
            yield b"x" * 1000

    assert client.post("/in/sms", content=endless()).status_code == 413


def test_who_posts_too_often_without_a_signature_waits_and_the_gateway_does_not(client):
    refused = [client.post("/in/sms", content=b"{}").status_code for _ in range(30)]

    assert refused[-1] == 429
    assert post(client, a_text()) == 204


def test_one_number_cannot_flood(client):
    statuses = [post(client, a_text("hello", id=f"m{n}")) for n in range(PER_SENDER + 2)]

    assert statuses[-1] == 429


@pytest.mark.parametrize(
    "fields",
    [
        {}, [], "text", {"from": CHIEF_PHONE}, {"text": DONE},
        {"from": "Orange", "text": "x"}, {"from": {}, "text": DONE},
    ],
)  # fmt: skip
def test_what_lacks_sender_or_words_is_refused(client, fields):
    assert post(client, fields) == 400


def test_fields_may_lie_inside_of_others():
    part = TextsPart(
        secret=SECRET, from_field="payload.phoneNumber", text_field="payload.message", id_field="id"
    )
    body = json.dumps(
        {"event": "sms:received", "id": "E1", "payload": {"message": DONE, "phoneNumber": "123456"}}
    )

    heard = heard_in(part, body.encode(), "application/json", "1")

    assert heard is not None
    assert (heard.sender, heard.text, heard.key) == ("+123456", DONE, "sms:E1")


@given(st.binary(max_size=300), st.sampled_from(["application/json", "", "text/plain; x"]))
def test_no_body_breaks_the_reader(body, kind):
    heard_in(TextsPart(secret=SECRET), body, kind, "1795429408")


def test_nested_deep_is_no_trouble():
    assert heard_in(TextsPart(), b"[" * 9000, "application/json", "1") is None


def test_without_a_secret_there_is_no_such_address(sqlite_url, tmp_path):
    programme = a_programme(sqlite_url, tmp_path)
    with served(programme) as client:
        assert client.post("/in/sms", content=b"{}").status_code == 404
    programme.close()
