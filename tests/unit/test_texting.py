"""Which gateways may carry texts, which numbers may be texted, and what a gateway's word means."""

import inspect
import re

import pytest
from apprise.manager_plugins import NotificationManager
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadValue
from notifications.envelope import Outcome
from notifications.phone import mobile_number, same_number
from notifications.text_settings import SCHEMES, TextSettings
from notifications.texting import AppriseTexter, TextMessage, judged

GATEWAY = "jsons://user:hunter2@gateway.example/send?:to={phone}"


@pytest.mark.parametrize(
    ("gateway", "says"),
    [
        ("mailto://user:hunter2@gmail.com?to={phone}", "all mail goes through mail.host"),
        ("ses://a@b.example/hunter2/{phone}", "all mail goes through mail.host"),
        ("windows://{phone}", "is no gateway for texts"),
        ("dbus://{phone}", "is no gateway for texts"),
        ("syslog://{phone}", "is no gateway for texts"),
        ("file:///etc/passwd?{phone}", "is no gateway for texts"),
        ("https://gateway.example/?to={phone}&key=hunter2", "is no gateway for texts"),
        ("hunter2", "write it as Apprise does"),
        ("jsons://gateway.example/send?key=hunter2", "where the recipient's number goes"),
        ("jsons://{phone}.gateway.example/hunter2", "begin with the gateway's host"),
        ("json://gateway.example/?:to={phone}&:k=hunter2", "choose jsons://"),
        ("jsons://gateway.example/?:to={phone}&verify=no&:k=hunter2", "verify=no"),
        ("jsons://gateway.example/?:to={phone} mailto://hunter2", "one line without spaces"),
        ("jsons://gateway.example/?:to={phone}\nhunter2", "one line without spaces"),
    ],
)
def test_a_gateway_that_may_not_be_used_is_refused_without_repeating_it(gateway, says):
    with pytest.raises(BadValue) as refused:
        TextSettings(gateway=gateway)

    assert says in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "192.168.1.20", "phone.lan", "localhost:1"])
def test_a_gateway_in_the_same_house_may_do_without_tls(host):
    assert TextSettings(gateway=f"json://{host}/?:to={{phone}}").scheme == "json"


def test_the_secret_of_a_gateway_is_in_no_repr():
    assert "hunter2" not in repr(TextSettings(gateway=GATEWAY))


def test_number_and_mark_are_filled_in_and_cannot_add_anything():
    settings = TextSettings(gateway="jsons://g.example/?:to={phone}&:raw={digits}&:id={id}")

    url = settings.url("+22670123456", "t7&verify=no")

    assert ":to=%2B22670123456&:raw=22670123456&:id=t7%26verify%3Dno" in url
    assert url.endswith("&cto=10&rto=25&redirect=no&retry=0")


@pytest.mark.parametrize("scheme", sorted(SCHEMES))
def test_every_gateway_allowed_speaks_http_and_says_what_it_was_answered(scheme):
    schemes = NotificationManager()
    assert scheme in schemes, "Apprise has no such gateway any more"
    source = inspect.getsource(inspect.getmodule(schemes[scheme]))

    assert "requests." in source
    assert "Socket Exception" in source
    assert re.search(r"error=(%s|\{)", source)
    assert "smtplib" not in source
    assert "subprocess" not in source


def test_a_gateway_that_apprise_cannot_make_sense_of_is_refused():
    with pytest.raises(BadValue, match="Apprise cannot use it"):
        AppriseTexter(TextSettings(gateway="twilio://nonsense/{phone}"))


@pytest.mark.parametrize(
    ("heard", "outcome", "down"),
    [
        (["Failed to send: Bad Request, error=400."], Outcome.REJECTED, False),
        (["Failed to send: error=422."], Outcome.REJECTED, False),
        (["Failed to send: Unauthorized, error=401."], Outcome.RETRY, True),
        (["Failed to send: error=302."], Outcome.RETRY, True),
        (["Failed to send: error=429."], Outcome.RETRY, True),
        (["Failed to send: error=503."], Outcome.RETRY, True),
        (["Failed to send: error=500."], Outcome.RETRY, False),
        (["Failed to send: error=504."], Outcome.UNKNOWN, False),
        (["Socket Exception: Max retries exceeded ... refused"], Outcome.RETRY, True),
        (["Socket Exception: Read timed out. (read timeout=25)"], Outcome.UNKNOWN, False),
        (["Socket Exception: Connection aborted."], Outcome.UNKNOWN, False),
        ([], Outcome.UNKNOWN, False),
    ],
)
def test_what_a_gateway_said_is_judged(heard, outcome, down):
    result = judged(heard)

    assert (result.outcome, result.channel_down) == (outcome, down)


def test_what_is_recorded_of_a_failure_holds_neither_address_nor_number():
    heard = (
        "Socket Exception: HTTPSConnectionPool(host='g.example'): Max retries exceeded with "
        "url: /send?to=%2B22670123456&key=hunter2 (Caused by SSLError)"
    )

    assert judged([heard]).text == "the gateway cannot be reached: its certificate is not trusted"


@pytest.mark.parametrize(
    ("raw", "country", "number"),
    [
        ("+226 70 12 34 56", "", "+22670123456"),
        ("70 12 34 56", "BF", "+22670123456"),
        ("0803 123 4567", "NG", "+2348031234567"),
        ("+221771234567", "BF", "+221771234567"),
    ],
)
def test_a_number_becomes_complete_with_the_country_of_the_dialogue(raw, country, number):
    assert mobile_number(raw, country) == number


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ("70 12 34 56", "no telephone number with its country code"),
        ("+22670", "too few or too many"),
        ("+226701234567890", "too few or too many"),
        ("call me", "no telephone number"),
        ("", "no telephone number"),
        ("+22620491234", "fixed line"),
        ("+442079460000 ext. 5", "too few or too many"),
    ],
)
def test_a_number_that_takes_no_texts_is_refused_without_repeating_it(raw, says):
    with pytest.raises(BadValue, match=says) as refused:
        mobile_number(raw)

    assert "1234" not in str(refused.value)


@given(st.text(max_size=60), st.sampled_from(["", "BF", "NG", "TN", "zz"]))
def test_whatever_stands_for_a_number_is_read_or_refused(raw, country):
    try:
        number = mobile_number(raw, country)
    except BadValue:
        return
    assert re.fullmatch(r"\+[1-9][0-9]{6,14}", number)
    assert mobile_number(number, country) == number


@pytest.mark.parametrize("given", ["+226 70-12-34-56", "0022670123456", "22670123456"])
def test_numbers_are_compared_by_their_digits(given):
    assert same_number(given) == "+22670123456"


def test_a_message_without_words_or_number_is_refused():
    for phone, text in (("+22670123456", " "), ("70123456", "words"), ("+0", "words")):
        with pytest.raises(BadValue):
            TextMessage(phone=phone, text=text, mark="t1")
