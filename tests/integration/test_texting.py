"""Texts through Apprise to a gateway that does what a script tells it to, in its own process."""

import logging
from io import StringIO

import pytest
from sms_gateway import SmsGateway

from notifications.envelope import Outcome, Phase
from notifications.text_settings import TextSettings
from notifications.texting import AppriseTexter, TextMessage

RULES = [
    {"match": "1$", "status": 400},
    {"match": "2$", "status": 500},
    {"match": "3$", "drop": True, "take": True},
    {"match": "4$", "delay": 30, "take": True},
    {"match": "5$", "status": 401},
    {"match": "6$", "status": 302},
]


def texter_to(gateway: SmsGateway, **changes: float) -> AppriseTexter:
    given = {"connect_timeout_s": 1.0, "read_timeout_s": 0.5, **changes}
    return AppriseTexter(TextSettings(gateway=gateway.url, **given))


def a_text(last: int, text: str = "[Saaba] SAA-07: réponse demandée ✓ تم") -> TextMessage:
    return TextMessage(phone=f"+2267012345{last}", text=text, mark=f"t{last}")


def test_a_text_arrives_as_it_was_written_with_its_mark():
    with SmsGateway() as gateway:
        result = texter_to(gateway).deliver(a_text(0))

        assert (result.outcome, result.phase) == (Outcome.SENT, Phase.GATEWAY)
        assert result.text == "handed over to the gateway"
        [taken] = gateway.taken()
        assert taken["to"] == "+22670123450"
        assert taken["text"] == a_text(0).text
        assert taken["id"] == "t0"


@pytest.mark.parametrize(
    ("last", "outcome", "code", "down"),
    [
        (1, Outcome.REJECTED, 400, False),
        (2, Outcome.RETRY, 500, False),
        (3, Outcome.UNKNOWN, None, False),
        (4, Outcome.UNKNOWN, None, False),
        (5, Outcome.RETRY, 401, True),
        (6, Outcome.RETRY, 302, True),
    ],
)
def test_what_the_gateway_does_is_told_apart(last, outcome, code, down):
    with SmsGateway(RULES) as gateway:
        result = texter_to(gateway).deliver(a_text(last))

    assert (result.outcome, result.code, result.channel_down) == (outcome, code, down)


def test_a_gateway_that_is_not_there_is_the_channels_fault():
    with SmsGateway() as gateway:
        texter = texter_to(gateway)
        gateway.stop()

        result = texter.deliver(a_text(0))

    assert (result.outcome, result.channel_down) == (Outcome.RETRY, True)


def test_a_text_goes_out_once_per_call_whatever_happens():
    with SmsGateway([{"drop": True, "take": True}]) as gateway:
        texter_to(gateway).deliver(a_text(0))

        assert len(gateway.taken()) == 1


def test_nothing_is_said_in_the_log_that_holds_a_number_or_a_secret():
    # Not caplog, which also listens to loggers that pass nothing on.
    heard = StringIO()
    ear, root = logging.StreamHandler(heard), logging.getLogger()
    level = root.level
    root.addHandler(ear)
    root.setLevel(logging.DEBUG)
    try:
        with SmsGateway(RULES) as gateway:
            texter = texter_to(gateway)
            for last in range(7):
                texter.deliver(a_text(last))
            logging.getLogger("alkawari").debug("the ear hears")
    finally:
        root.removeHandler(ear)
        root.setLevel(level)

    assert "the ear hears" in heard.getvalue()
    for secret in ("2267012345", "SAA-07", "/send"):
        assert secret not in heard.getvalue()
