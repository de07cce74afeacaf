"""The mail with the link that signs somebody in: short, neutral, the same for everybody."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from notifications.language import direction, isolated, words
from notifications.message import Message
from notifications.mime import to_bytes


@dataclass(frozen=True, slots=True)
class Door:
    """A link, and the function as which it signs in."""

    function: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInMail:
    """What the mail is made of; `to` is ASCII, `minutes` is how long the links work."""

    language: str
    programme: str
    sender: str
    sender_name: str
    to: str
    reply_to: str
    message_id: str
    sent_at: datetime
    doors: Sequence[Door]
    minutes: int


def sign_in_mail(mail: SignInMail) -> bytes:
    """The bytes that go over the wire."""
    _ = words(mail.language).gettext
    subject = _("Sign in")
    lines = [
        _("You asked to sign in. Open this link in the same browser:"),
        *(_door(mail.language, door, single=len(mail.doors) == 1) for door in mail.doors),
        _("It works once, for %(minutes)s minutes.") % {"minutes": mail.minutes},
        _("If you did not ask for it, do nothing: nobody gets in without this mail."),
    ]
    text = "\n\n".join(lines) + f"\n\n{mail.programme}\n"
    return to_bytes(
        Message(
            language=mail.language,
            subject=f"[{mail.programme}] {subject}",
            text=text,
            html=_html(mail, subject, lines),
            sender=mail.sender,
            sender_name=mail.sender_name,
            to=mail.to,
            reply_to=mail.reply_to,
            message_id=mail.message_id,
            sent_at=mail.sent_at,
            unsubscribe_mailto=f"mailto:{mail.reply_to}",
        )
    )


def _door(language: str, door: Door, *, single: bool) -> str:
    # The link has a line of its own without any mark, or it could not be opened.
    return door.url if single else f"{isolated(language, door.function)}\n{door.url}"


def _html(mail: SignInMail, subject: str, lines: Sequence[str]) -> str:
    known = {door.url for door in mail.doors}
    paragraphs = []
    for line in lines:
        parts = []
        for part in line.split("\n"):
            shown = escape(part)
            parts.append(f'<a href="{shown}">{shown}</a>' if part in known else shown)
        paragraphs.append(f"<p>{'<br>'.join(parts)}</p>")
    return (
        f'<!DOCTYPE html><html lang="{mail.language}" dir="{direction(mail.language)}">'
        f"<head><title>{escape(subject)}</title></head>"
        f"<body>{''.join(paragraphs)}<p>{escape(mail.programme)}</p></body></html>"
    )
