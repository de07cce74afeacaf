"""Mails as people, programs and servers send them back, for tests; each call says what matters."""

# ruff: noqa: RUF001 - these are the letters that people and programs type

from email.message import EmailMessage
from email.utils import make_msgid
from pathlib import Path
from typing import Any

MAILS = Path(__file__).parent / "mails"
INBOX, SENDER = "answers@programme.example", "notify@programme.example"
CODE = "0123456789abcdef"
CHIEF = "chief@post.example"

OUR_MARKERS = (
    "— Please write your answer above this line —",
    "— Merci d’écrire votre réponse au-dessus de cette ligne —",
    "— يرجى كتابة ردكم فوق هذا السطر —",
)

QUOTED = """\
> — Please write your answer above this line —
>
> Good day,
>
> SAA-01: Open the second gate
"""


def recorded(name: str) -> bytes:
    """A mail that a real server made, as it was received."""
    return (MAILS / f"{name}.eml").read_bytes()


def a_reply(
    text: str = "Done",
    *,
    html: str = "",
    sender: str = f"Chief of post <{CHIEF}>",
    what: str = "r",
    code: str = CODE,
    to: str = "",
    answers: str = "",
    subject: str = "Re: [Saaba] Ref. SAA-01: update requested by 4 December",
    files: tuple[tuple[str, bytes, str], ...] = (),
    **headers: str,
) -> bytes:
    """What a mail program makes of an answer; `headers` with underscores for dashes."""
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = to or f"answers+{what}{code}@programme.example"
    mail["Subject"] = subject
    mail["Date"] = "Mon, 23 Nov 2026 10:00:00 +0000"
    mail["Message-ID"] = make_msgid(domain="post.example")
    if answers:
        mail["In-Reply-To"] = answers
        mail["References"] = answers
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    if text:
        mail.set_content(text)
    if html and text:
        mail.add_alternative(html, subtype="html")
    elif html:
        mail.set_content(html, subtype="html")
    for name, data, kind in files:
        main, sub = kind.split("/")
        mail.add_attachment(data, maintype=main, subtype=sub, filename=name)
    return mail.as_bytes()


def raw(head: str, body: str | bytes = "", *, charset: str = "utf-8") -> bytes:
    """A mail written down by hand, with the line ends of the wire."""
    data = body if isinstance(body, bytes) else body.encode(charset)
    return (
        head.strip("\n").replace("\n", "\r\n").encode()
        + b"\r\n\r\n"
        + data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    )


def a_bounce(**changes: Any) -> bytes:
    """A report after RFC 3464, as most servers send it."""
    said = {
        "to": f"answers+b{CODE}@programme.example",
        "sender": "MAILER-DAEMON@mx.post.example",
        "action": "failed",
        "status": "5.1.1",
        "diagnostic": f"smtp; 550 5.1.1 <{CHIEF}>: Recipient address rejected: unknown user",
        "message_id": "",
        **changes,
    }
    original = f"Message-ID: {said['message_id']}\n" if said["message_id"] else ""
    return raw(
        f"""
Return-Path: <>
From: Mail Delivery System <{said["sender"]}>
To: {said["to"]}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Message-ID: <{abs(hash(str(sorted(said.items()))))}@mx.post.example>
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"
""",
        f"""This is a MIME-encapsulated message.

--b1
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.post.example

Final-Recipient: rfc822; {CHIEF}
Action: {said["action"]}
Status: {said["status"]}
Diagnostic-Code: {said["diagnostic"]}

--b1
Content-Type: text/rfc822-headers

From: Alkawari <{SENDER}>
To: {CHIEF}
{original}Subject: [Saaba] Ref. SAA-01

--b1--
""",
    )
