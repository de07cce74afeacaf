"""TLS and login: who is trusted, and what is never said in the clear."""

import socket
from datetime import UTC, datetime

import pytest
import trustme
from mail_builders import SENDER, an_envelope, mailer_to
from smtp_server import SmtpServer

from engine.errors import BadValue
from notifications.envelope import Outcome, Phase
from notifications.mailer import MailSettings, YagmailMailer

BOTH_WAYS = pytest.mark.parametrize(
    ("served", "security"), [("starttls", "starttls"), ("implicit", "tls")]
)


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def trusted(authority, tmp_path_factory):
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


def pem(certificate):
    return certificate.private_key_and_cert_chain_pem.bytes()


@BOTH_WAYS
def test_a_verified_connection_logs_in_by_a_name_that_is_not_the_sender(
    served, security, authority, trusted
):
    cert = pem(authority.issue_cert("127.0.0.1"))

    with SmtpServer(tls=served, cert=cert, user="apikey", password="s3cret") as server:
        login = {"user": "apikey", "password": "s3cret", "ca_file": trusted}
        with mailer_to(server, security=security, **login) as mailer:
            results = [mailer.deliver(an_envelope(number)) for number in (1, 2)]

        assert [result.outcome for result in results] == [Outcome.SENT] * 2
        assert [entry["mail_from"] for entry in server.received()] == [SENDER] * 2
        assert (server.connections, len(server.said("AUTH"))) == (1, 1)


@BOTH_WAYS
@pytest.mark.parametrize("fault", ["expired", "other host", "unknown authority"])
def test_a_certificate_that_does_not_hold_is_refused_before_anything_is_said(
    fault, served, security, authority, trusted
):
    certificate = {
        "expired": lambda: authority.issue_cert(
            "127.0.0.1", not_after=datetime(2020, 1, 1, tzinfo=UTC)
        ),
        "other host": lambda: authority.issue_cert("mail.elsewhere.example"),
        "unknown authority": lambda: trustme.CA().issue_cert("127.0.0.1"),
    }[fault]()

    with SmtpServer(tls=served, cert=pem(certificate), user="u", password="p") as server:
        login = {"user": "u", "password": "p", "ca_file": trusted}
        with mailer_to(server, security=security, **login) as mailer:
            result = mailer.deliver(an_envelope())

        assert (result.outcome, result.phase) == (Outcome.RETRY, Phase.TLS)
        assert result.channel_down
        assert "certificate verify failed" in result.text
        assert server.said("AUTH") == server.said("MAIL") == server.received() == []


def test_a_server_that_hides_starttls_is_told_nothing(trusted):
    with SmtpServer(user="u", password="p") as server:
        login = {"user": "u", "password": "p", "ca_file": trusted}
        with mailer_to(server, security="starttls", **login) as mailer:
            result = mailer.deliver(an_envelope())

        assert (result.outcome, result.phase, result.channel_down) == ("retry", "tls", True)
        assert "STARTTLS" in result.text
        assert server.said("AUTH") == server.said("MAIL") == server.received() == []


def test_starttls_refused_for_now_breaks_the_channel_not_the_message(authority, trusted):
    cert = pem(authority.issue_cert("127.0.0.1"))
    refusal = [{"at": "starttls", "reply": "454 4.7.0 not now", "times": 1}]

    with (
        SmtpServer(refusal, tls="starttls", cert=cert) as server,
        mailer_to(server, security="starttls", ca_file=trusted) as mailer,
    ):
        first, second = mailer.deliver(an_envelope(1)), mailer.deliver(an_envelope(2))

    assert (first.outcome, first.phase, first.code) == (Outcome.RETRY, Phase.TLS, 454)
    assert first.channel_down
    assert second.outcome is Outcome.SENT


@pytest.mark.parametrize("mechanisms", ["PLAIN LOGIN", "PLAIN", "LOGIN"])
def test_a_wrong_password_is_tried_once_and_breaks_the_channel(mechanisms):
    with SmtpServer(user="u", password="right", auth=mechanisms) as server:
        with mailer_to(server, user="u", password="wrong") as mailer:
            result = mailer.deliver(an_envelope())

        assert (result.outcome, result.phase, result.code) == (Outcome.RETRY, Phase.AUTH, 535)
        assert result.channel_down
        assert "wrong" not in result.text
        assert len(server.said("AUTH")) == 1
        assert server.said("MAIL") == []


@pytest.mark.parametrize("mechanisms", ["PLAIN", "LOGIN", "CRAM-MD5 LOGIN"])
def test_a_password_may_hold_letters_of_any_script(mechanisms):
    login = {"user": "boîte", "password": "clé-مفتاح"}

    with SmtpServer(**login, auth=mechanisms) as server, mailer_to(server, **login) as mailer:
        assert mailer.deliver(an_envelope()).outcome is Outcome.SENT


def test_a_server_without_a_login_we_know_breaks_the_channel():
    with SmtpServer(user="u", password="p", auth="CRAM-MD5") as server:
        with mailer_to(server, user="u", password="p") as mailer:
            result = mailer.deliver(an_envelope())

        assert (result.phase, result.code, result.channel_down) == (Phase.AUTH, None, True)
        assert server.said("AUTH") == []


def test_a_login_refused_for_now_breaks_the_channel():
    refusal = [{"at": "auth", "reply": "454 4.7.0 try later", "times": 1}]

    login = {"user": "u", "password": "p"}

    with SmtpServer(refusal, **login) as server, mailer_to(server, **login) as mailer:
        first, second = mailer.deliver(an_envelope(1)), mailer.deliver(an_envelope(2))

    assert (first.outcome, first.phase, first.code) == (Outcome.RETRY, Phase.AUTH, 454)
    assert first.channel_down
    assert second.outcome is Outcome.SENT


def test_a_server_that_is_not_there_breaks_the_channel():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    mailer = YagmailMailer(
        MailSettings(host="127.0.0.1", port=port, security="none", sender="a@x.example")
    )

    result = mailer.deliver(an_envelope())
    mailer.close()

    assert (result.outcome, result.phase, result.code) == (Outcome.RETRY, Phase.CONNECT, None)
    assert result.channel_down


@pytest.mark.parametrize("content", [None, "", "not a certificate"])
def test_authorities_that_cannot_be_read_are_refused_at_once(content, tmp_path):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content, "utf-8")
    settings = MailSettings(host="h.example", port=25, sender="a@x.example", ca_file=str(path))

    with pytest.raises(BadValue, match="cannot be read as certificates"):
        YagmailMailer(settings)
