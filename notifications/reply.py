"""A mail that came in: who wrote it, what sort of mail it is, and what it says."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message
from email.utils import getaddresses
from enum import StrEnum
from typing import Final

from notifications.reply_bounce import Bounce, bounce_of, ids_in
from notifications.reply_parts import Part, parts_of, value_of, values_of
from notifications.reply_text import from_html, own_words
from notifications.reply_words import asks_to_stop

LONGEST_TEXT: Final = 64 * 1024
MOST_ATTACHMENTS: Final = 10
SMALL_PICTURE: Final = 30 * 1024
"""A picture inside of a text that is smaller belongs to a signature."""

_DELIVERED_TO: Final = (
    "Delivered-To",
    "X-Original-To",
    "Envelope-To",
    "X-Delivered-To",
    "To",
    "Cc",
)
_NO_FILES: Final = frozenset(
    {"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature",
     "text/calendar", "message/delivery-status", "text/rfc822-headers", "multipart/alternative"}
)  # fmt: skip
_STOP_SUBJECT: Final = re.compile(r"^\W*stop\W{1,3}(\d{1,18})\W*$", re.IGNORECASE)
_VERDICT: Final = re.compile(r"\b(dmarc|spf|dkim)\s*=\s*([a-z]+)", re.IGNORECASE)
_AWAY: Final = (
    "out of office", "out of the office", "automatic reply", "auto-reply", "autoreply",
    "auto reply", "away from my mail", "automatische antwort", "absence du bureau",
    "réponse automatique", "absence :", "absent du bureau", "message d'absence",
    "message d\u2019absence", "en congé",
    "رد تلقائي", "الرد التلقائي", "خارج المكتب", "غير موجود بالمكتب",
    "amsa ta atomatik", "amsawa ta atomatik", "ba na ofis", "bana ofis",
)  # fmt: skip


class Sort(StrEnum):
    """What sort of mail it is."""

    BOUNCE = "bounce"
    STOP = "stop"
    REPLY = "reply"
    AUTOMATIC = "automatic"
    MAILING_LIST = "list"
    OWN = "own"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a mail; `data` is None where it was not read to its end."""

    name: str
    data: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """
    A mail as it was read.

    `key` is the same for every copy of it. `sender` is the address in From, empty where there is
    none or more than one. `code` is the one-time code in the address it came to; `answers` are the
    Message-IDs that it answers, nearest first. `doubted`: our mail server found that From may be
    forged. `stop_of` is the person whose reminders a stop request names. `text` holds the writer's
    own words.
    """

    key: str
    sort: Sort
    reason: str = ""
    sender: str = ""
    subject: str = ""
    code: str = ""
    message_id: str = ""
    answers: tuple[str, ...] = ()
    text: str = ""
    attachments: tuple[Attachment, ...] = ()
    bounce: Bounce | None = None
    stop_of: int | None = None
    doubted: bool = False
    whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """How our mailbox is addressed and which marker lines our mails carry."""

    inbox: str
    sender: str
    markers: Sequence[str]

    def read(self, raw: bytes, *, whole: bool = True) -> Received:
        """Read a mail; never fails, whatever it holds. `whole`: all of it was fetched."""
        head, parts = parts_of(raw)
        what, code = self._addressed(head)
        sender = _sender(head)
        bounce = bounce_of(head, parts, to_bounces=what == "b")
        text = self._text(parts)
        stop_of = _stop_of(head)
        sort, reason = Sort.BOUNCE, ""
        if bounce is None:
            sort, reason = self._sorted(head, sender)
            if sort is Sort.REPLY and (what == "s" or stop_of is not None or asks_to_stop(text)):
                sort = Sort.STOP
        return Received(
            key=_key(head, raw),
            sort=sort,
            reason=reason,
            sender=sender,
            subject=value_of(head, "Subject")[:200],
            code=code,
            message_id=next(iter(ids_in(value_of(head, "Message-ID"))), ""),
            answers=_answered(head),
            text=text,
            attachments=_attachments(parts, whole=whole) if sort is Sort.REPLY else (),
            bounce=bounce,
            stop_of=stop_of,
            doubted=_doubted(head),
            whole=whole,
        )

    def _addressed(self, head: Message) -> tuple[str, str]:
        """`r`, `b` or `s` and the code, from whichever address names our mailbox with one."""
        name, _at, domain = self.inbox.casefold().rpartition("@")
        ours = re.compile(
            rf"(?<![\w.+-]){re.escape(name)}\+([rbs])([0-9a-f]{{8,32}})@{re.escape(domain)}(?![\w.-])"
        )
        for header in _DELIVERED_TO:
            for value in values_of(head, header):
                if hit := ours.search(value.casefold()):
                    return hit[1], hit[2]
        return "", ""

    def _sorted(self, head: Message, sender: str) -> tuple[Sort, str]:
        """What no person wrote is told by its head, as RFC 3834 has it, and by older habits."""
        if sender and self._is_ours(sender):
            return Sort.OWN, "from our own address"
        if any(self._is_ours(loop.strip("<> ")) for loop in values_of(head, "X-Loop")):
            return Sort.OWN, "X-Loop"
        submitted = value_of(head, "Auto-Submitted").partition(";")[0].strip().casefold()
        if submitted and submitted != "no":
            return Sort.AUTOMATIC, "Auto-Submitted"
        if "List-Id" in head or "List-Post" in head:
            return Sort.MAILING_LIST, "List-Id"
        precedence = value_of(head, "Precedence").casefold()
        if precedence == "list":
            return Sort.MAILING_LIST, "Precedence"
        if precedence in {"bulk", "junk", "auto_reply"}:
            return Sort.AUTOMATIC, "Precedence"
        for header in ("X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress"):
            if value_of(head, header).casefold() not in {"", "no", "none"}:
                return Sort.AUTOMATIC, header
        if value_of(head, "Return-Path") == "<>":
            return Sort.AUTOMATIC, "empty Return-Path"
        subject = value_of(head, "Subject").casefold()
        if any(sign in subject for sign in _AWAY):
            return Sort.AUTOMATIC, "subject"
        return Sort.REPLY, ""

    def _is_ours(self, address: str) -> bool:
        """Our sender or our mailbox, with or without something behind a plus sign."""
        name, _at, domain = address.casefold().rpartition("@")
        plain = f"{name.partition('+')[0]}@{domain}"
        return plain in {self.inbox.casefold(), self.sender.casefold()}

    def _text(self, parts: Sequence[Part]) -> str:
        """The plain text, or that of the page where there is none."""
        texts = [p for p in parts if not p.attached]
        for kind in ("text/plain", "text/html"):
            for part in texts:
                if part.kind != kind:
                    continue
                said = part.text(LONGEST_TEXT)
                if kind == "text/html":
                    said = from_html(said)
                if said.strip():
                    return own_words(said, self.markers)
        return ""


def _key(head: Message, raw: bytes) -> str:
    """
    What a mail is known by.

    Of its Message-ID and of what it says, not of the ways that it took: a copy that a server makes
    when it is moved is the same mail, and a program that gives two mails one id loses neither.
    """
    digest = hashlib.blake2b(digest_size=20)
    for header in ("Message-ID", "From", "Date", "Subject"):
        digest.update(f"{value_of(head, header)}\n".encode("utf-8", "replace"))
    digest.update(_body(raw).replace(b"\r", b"").strip())
    return f"mail:{digest.hexdigest()}"


def _body(raw: bytes) -> bytes:
    ends = [at for at in (raw.find(b"\n\n"), raw.find(b"\r\n\r\n")) if at >= 0]
    return raw[min(ends) :] if ends else raw


def _sender(head: Message) -> str:
    found = {
        address.casefold()
        for _name, address in getaddresses([v[:1000] for v in values_of(head, "From")])
        if "@" in address
    }
    return found.pop() if len(found) == 1 else ""


def _answered(head: Message) -> tuple[str, ...]:
    nearest = ids_in(value_of(head, "In-Reply-To"))
    further = list(reversed(ids_in(value_of(head, "References"))))
    return tuple(dict.fromkeys([*nearest, *further]))[:20]


def _stop_of(head: Message) -> int | None:
    hit = _STOP_SUBJECT.match(value_of(head, "Subject"))
    return int(hit[1]) if hit else None


def _doubted(head: Message) -> bool:
    """Whether our mail server says that From cannot be trusted; that it can, it cannot prove."""
    for value in values_of(head, "Authentication-Results"):
        said: dict[str, set[str]] = {}
        for method, verdict in _VERDICT.findall(value):
            said.setdefault(method.lower(), set()).add(verdict.lower())
        if "fail" in said.get("dmarc", ()):
            return True
        if not said.get("dmarc") and "fail" in said.get("spf", ()):
            return "pass" not in said.get("dkim", ())
    return False


def _attachments(parts: Sequence[Part], *, whole: bool) -> tuple[Attachment, ...]:
    """The files of a mail, without what belongs to its letter-paper."""
    found: list[Attachment] = []
    for part in parts:
        is_text = part.kind in {"text/plain", "text/html"}
        if part.kind in _NO_FILES or (is_text and not part.attached):
            continue
        if part.head.get_content_maintype() == "multipart":
            continue  # one that could not be taken apart
        data = part.content()
        if part.inline and len(data) < SMALL_PICTURE:
            continue
        complete = whole or part.whole
        found.append(Attachment(part.name or part.kind, data if complete else None))
    return tuple(found[:MOST_ATTACHMENTS])
