"""What may travel, and how it looks on the wire."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadValue
from notifications.envelope import Envelope, ascii_address
from notifications.wire import canonical, stuffed

GOOD = {
    "sender": "bounce+1.ab@notify.example",
    "recipient": "chief@post.example",
    "data": b"Subject: x\r\n\r\ny\r\n",
    "message_id": "<rem.1@notify.example>",
}


@pytest.mark.parametrize(
    "changes",
    [
        {"sender": "a@x.example\r\nRCPT TO:<evil@x.example>"},
        {"sender": "a@x.example> SIZE=1"},
        {"sender": "é@x.example"},
        {"sender": ""},
        {"recipient": "a@x.example\r\nDATA"},
        {"recipient": "a@x.example\n"},
        {"recipient": "a@x.example, b@x.example"},
        {"recipient": "Ann <a@x.example>"},
        {"recipient": "a\0@x.example"},
        {"recipient": "a@société.example"},
        {"recipient": "@x.example"},
        {"data": "/etc/passwd"},
        {"data": b""},
        {"message_id": "<1@x.example>\r\nBcc: evil@x.example"},
        {"message_id": "1@x.example"},
        {"message_id": "<" + "1" * 300 + "@x.example>"},
    ],
)
def test_what_could_not_travel_safely_is_no_envelope(changes):
    with pytest.raises(BadValue):
        Envelope(**{**GOOD, **changes})


def test_an_international_domain_has_a_form_that_travels():
    address = ascii_address("chef@société.example")

    assert address == "chef@xn--socit-esab.example"
    assert Envelope(**{**GOOD, "recipient": address}).recipient == address


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"..", b"a", b" "])))
def test_the_wire_form_has_whole_line_ends_only_and_reads_back_unchanged(pieces):
    data = b"".join(pieces)

    message = canonical(data)
    assert re.sub(rb"\r\n", b"", message).translate(None, b"\r\n") == data.translate(None, b"\r\n")
    assert message.endswith(b"\r\n")
    assert message.count(b"\r\n") == message.count(b"\r") == message.count(b"\n")
    assert canonical(message) == message

    on_the_wire = stuffed(message)
    lines = on_the_wire.split(b"\r\n")
    assert b"." not in lines
    assert b"\r\n".join(line.removeprefix(b".") for line in lines) == message
