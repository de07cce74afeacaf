"""From a reminder to a mailbox, from a reply to the history: all of it on real servers."""

import email
from base64 import b64decode
from email import policy
from email.message import EmailMessage
from email.utils import make_msgid
from pathlib import Path

import pytest
from command_line import CommandLine
from imap_server import PASSWORD, USER, ImapServer
from smtp_server import SmtpServer

WHO = "residents@jos.example"
MORNING, NOON, NEXT_DAY = "2026-03-10T09:00:00Z", "2026-03-10T12:00:00Z", "2026-03-11T09:00:00Z"


@pytest.fixture
def alkawari(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    imap_server: ImapServer,
) -> CommandLine:  # fmt: skip
    for name, value in {
        "ADDRESS": "answers@programme.example", "HOST": "127.0.0.1",
        "PORT": str(imap_server.tls_port), "SECURITY": "tls", "USER": USER,
        "PASSWORD": PASSWORD, "CA_FILE": str(imap_server.ca_file),
    }.items():  # fmt: skip
        monkeypatch.setenv(f"ALKAWARI_INBOX__{name}", value)
    return CommandLine(tmp_path, monkeypatch, capsys)


def received(server: SmtpServer, rcpt: str) -> EmailMessage:
    """The newest mail to somebody, as their program shows it."""
    [*_, newest] = [mail for mail in server.received() if mail["rcpt"] == rcpt]
    return email.message_from_bytes(b64decode(newest["data"]), policy=policy.default)  # type: ignore[return-value]


def reply_to(mail: EmailMessage, words: str) -> bytes:
    """What a mail program makes of a click on "reply"."""
    reply = EmailMessage()
    reply["From"] = str(mail["To"])
    reply["To"] = str(mail["Reply-To"])
    reply["Subject"] = f"Re: {mail['Subject']}"
    reply["Message-ID"] = make_msgid(domain="jos.example")
    reply["In-Reply-To"] = str(mail["Message-ID"])
    reply["References"] = f"{mail.get('References', '')} {mail['Message-ID']}".strip()
    body = mail.get_body(("plain",))
    assert body
    quoted = "\n".join(f"> {line}" for line in body.get_content().splitlines())
    reply.set_content(f"{words}\n\nOn 10/03/2026 10:00, Alkawari wrote:\n{quoted}\n")
    return reply.as_bytes(policy=policy.SMTP)


def test_a_reminder_is_answered_by_reply_and_the_verifier_is_asked(alkawari, imap_server):
    alkawari.settle_in()
    with SmtpServer(keep=True) as smtp:
        alkawari.set_mail_server(smtp.port)
        alkawari("sweep", "--as-of", MORNING)
        assert alkawari("deliver", "--as-of", MORNING, "--json").json["sent"]
        # The letter speaks of two actions, so the answer names the one that it is about.
        letter = received(smtp, WHO)
        imap_server.put(reply_to(letter, "JOS-01: done, the deed is with the registrar."))

        figures = alkawari("collect", "--as-of", NOON, "--json").json
        assert figures == {"answers": 1, "bounces": 0, "ignored": 0}
        assert alkawari("show", "JOS-01", "--json").json["state"] == "reported_done"
        *_, last = alkawari("history", "JOS-01", "--json").json
        assert (last["kind"], last["payload"]["origin"]) == ("reported_done", "mail")
        assert "the deed is with the registrar" in last["payload"]["note"]

        again = alkawari("collect", "--as-of", NOON, "--json").json
        assert again == {"answers": 0, "bounces": 0, "ignored": 0}

        alkawari("sweep", "--as-of", NEXT_DAY)
        alkawari("deliver", "--as-of", NEXT_DAY)
        asked = received(smtp, "works@jos.example")
        assert "JOS-01" in str(asked.get_body(("plain",)))


def test_a_bounce_ends_at_the_coordinator(alkawari, imap_server):
    alkawari.settle_in()
    with SmtpServer(keep=True) as smtp:
        alkawari.set_mail_server(smtp.port)
        alkawari("sweep", "--as-of", MORNING)
        alkawari("deliver", "--as-of", MORNING)
        [sent] = [mail for mail in smtp.received() if mail["rcpt"] == WHO]
        bounce = (Path(__file__).parents[1] / "mails" / "postfix-unknown-user.eml").read_bytes()
        ours = sent["mail_from"].encode()
        imap_server.put(
            bounce.replace(b"answers+b0123456789abcdef@programme.example", ours).replace(
                b"\n", b"\r\n"
            )
        )

        assert alkawari("collect", "--as-of", NOON, "--json").json["bounces"] == 1
        alkawari("sweep", "--as-of", NEXT_DAY)
        alkawari("deliver", "--as-of", NEXT_DAY)

        text = str(received(smtp, "coord@jos.example").get_body(("plain",)))
        assert "unknown user" in text


def test_collect_says_what_is_missing_and_what_is_down(
    alkawari, imap_server, monkeypatch: pytest.MonkeyPatch
):
    alkawari.settle_in()
    imap_server.stop()

    down = alkawari("collect", "--json")
    assert (down.code, "cannot be read now (connect:" in down.err) == (1, True)
    monkeypatch.setenv("ALKAWARI_INBOX__HOST", "")
    assert "No mailbox is set" in alkawari("collect").sentence
