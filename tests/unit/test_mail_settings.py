"""Which mail settings are refused before anything is sent."""

import pytest

from engine.errors import BadValue
from notifications.mail_settings import MailSettings

GOOD = {"host": "mail.notify.example", "port": 587, "sender": "bounce@notify.example"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"host": ""}, "mail.host '': give a host name"),
        ({"host": "mail example"}, "mail.host"),
        ({"host": "mail\r\n"}, "mail.host"),
        ({"port": 0}, "from 1 to 65535"),
        ({"port": 65_536}, "from 1 to 65535"),
        ({"sender": "apikey"}, "plain ASCII address"),
        ({"sender": "Ann <a@x.example>"}, "plain ASCII address"),
        ({"helo": "böx"}, "in ASCII"),
        ({"security": "ssl"}, "choose none, starttls or tls"),
        ({"user": "u"}, "both user and password"),
        ({"password": "p"}, "both user and password"),
        ({"user": "u\n", "password": "p"}, "one line"),
        ({"security": "none", "user": "u", "password": "p"}, "readable"),
        ({"timeout_s": 0}, "seconds above 0"),
        ({"timeout_s": float("inf")}, "seconds above 0"),
        ({"dot_timeout_s": -1}, "seconds above 0"),
        ({"idle_s": float("nan")}, "seconds above 0"),
        ({"recycle_after": 0}, "1 or more"),
    ],
)
def test_settings_that_cannot_work_are_refused_in_one_sentence(changes, reason):
    with pytest.raises(BadValue, match=reason) as caught:
        MailSettings(**{**GOOD, **changes})

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_a_password_may_go_in_the_clear_to_this_machine_only(host):
    settings = MailSettings(
        **{**GOOD, "host": host, "security": "none", "user": "u", "password": "p"}
    )

    assert settings.loopback


def test_a_password_is_never_shown():
    settings = MailSettings(**GOOD, user="u", password="s3cret")

    assert "s3cret" not in repr(settings)
    with pytest.raises(BadValue) as caught:
        MailSettings(**GOOD, user="u", password="s3cret\n")
    assert "s3cret" not in str(caught.value)


def test_the_greeting_is_our_own_name_or_the_senders_domain():
    assert MailSettings(**GOOD).greeting == "notify.example"
    assert MailSettings(**GOOD, helo="box.notify.example").greeting == "box.notify.example"


def test_encryption_is_asked_for_unless_told_otherwise():
    assert MailSettings(**GOOD).security == "starttls"
