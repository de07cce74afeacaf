"""What a mail server says about a message that it could not deliver."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message
from typing import Final

from notifications.reply_parts import Part, decoded, split, value_of, values_of

LONGEST_REASON: Final = 200
_TEXT: Final = 4000

_STATUS: Final = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_CODE: Final = re.compile(r"(?<![\d.])([45])\d\d[ -]")
_MESSAGE_ID: Final = re.compile(r"<[!-;=?A-~]{1,200}@[!-;=?A-~]{1,200}>")
_DAEMON: Final = re.compile(
    r"^(mailer-?daemon|postmaster|mail-?delivery|bounces?)([-+.@]|$)", re.IGNORECASE
)
_ADDRESS: Final = re.compile(r"[^\s<>@]{1,64}@[^\s<>@]{1,190}")
_FULL: Final = re.compile(
    r"quota|mailbox (is )?full|over ?quota|exceeded.{0,20}storage", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """
    A report of a mail server.

    `permanent`: it gave up; else it goes on trying, or the mail arrived. `status` is the code of
    RFC 3463 or empty, `reason` what it said, without addresses. `message_ids` are of what it could
    not deliver.
    """

    permanent: bool
    status: str
    reason: str
    message_ids: tuple[str, ...] = ()


def bounce_of(head: Message, parts: Sequence[Part], *, to_bounces: bool) -> Bounce | None:
    """
    The report that a mail is; None for anything else.

    `to_bounces`: it came to the address that only servers are told, so that it need not be a
    report in form.
    """
    about = _ids_within(parts)
    report = next((p for p in parts if p.kind == "message/delivery-status"), None)
    if report is not None:
        return _from_report(report, about)
    texts = [p for p in parts if p.kind in {"text/plain", "text/html"}][:1]
    said = " ".join(texts[0].text(_TEXT).split()) if texts else ""
    sender = value_of(head, "From")
    address = next(iter(_ADDRESS.findall(sender)), sender)
    if "X-Failed-Recipients" in head:  # Exim
        return _from_words(said, about)
    if not _DAEMON.search(address) and value_of(head, "Return-Path") != "<>":
        return None
    known = _STATUS.search(said) or _CODE.search(said) or _FULL.search(said)
    if to_bounces and (known or about):
        return _from_words(said, about)
    is_report = "report-type" in str(head.get("Content-Type", ""))
    return _from_words(said, about) if about and (known or is_report) else None


def _from_report(report: Part, about: tuple[str, ...]) -> Bounce:
    """RFC 3464: one group of fields for the message, then one for each recipient."""
    text = decoded(report.content()[: 4 * _TEXT], "").replace("\r\n", "\n")
    groups = [split(group.encode())[0] for group in text.strip().split("\n\n")[:20]]
    told = [group for group in groups if value_of(group, "Action")]
    worst = next((g for g in told if value_of(g, "Action").lower() == "failed"), None)
    shown = worst or next(iter(told), None)
    if shown is None:
        return Bounce(permanent=False, status="", reason="", message_ids=about)
    found = _STATUS.search(value_of(shown, "Status"))
    status = found[0] if found else ""
    said = " ".join(values_of(shown, "Diagnostic-Code")).partition(";")
    return Bounce(
        permanent=worst is not None,
        status=status,
        reason=_reason(status, said[2] or said[0]),
        message_ids=about,
    )


def _from_words(said: str, about: tuple[str, ...]) -> Bounce:
    """A report in a server's own words: it counts as final unless it says that it is not."""
    statuses = list(_STATUS.finditer(said))
    final = next((s[0] for s in statuses if s[1] == "5"), "")
    passing = next((s[0] for s in statuses if s[1] == "4"), "")
    code = _CODE.search(said)
    status = final or passing
    later = not final and (bool(passing) or (code is not None and code[1] == "4") or _waits(said))
    where = next((s.start() for s in statuses if s[0] == status), code.start() if code else 0)
    return Bounce(
        permanent=not later,
        status=status,
        reason=_reason(status, said[where:] if status or code else said),
        message_ids=about,
    )


def _waits(said: str) -> bool:
    """Whether a server says that it goes on trying."""
    lowered = said.lower()
    return (
        "delayed" in lowered or "will be retried" in lowered or "not yet been delivered" in lowered
    )


def _reason(status: str, said: str) -> str:
    """What the server said, in one line; a reader of notices sees it, so no address is in it."""
    bare = " ".join(_ADDRESS.sub("…", said[:2000]).replace("<…>", "…").split())
    if status and status not in bare:
        bare = f"{status} {bare}".strip()
    return bare[:LONGEST_REASON]


def _ids_within(parts: Sequence[Part]) -> tuple[str, ...]:
    """The Message-IDs of what a report carries back, whole or only its head."""
    found: dict[str, None] = {}
    for part in parts:
        if part.kind in {"message/rfc822", "message/global", "text/rfc822-headers"}:
            inner, _body = split(part.content().lstrip())
            found.update(dict.fromkeys(ids_in(value_of(inner, "Message-ID"))))
    if not found and parts:
        # Some servers put the message behind their own words, in the same text.
        for line in parts[0].text(16_000).splitlines()[:400]:
            name, _colon, value = line.strip().partition(":")
            if name.lower() == "message-id":
                found.update(dict.fromkeys(ids_in(value)))
    return tuple(found)[:5]


def ids_in(value: str) -> list[str]:
    """The Message-IDs in a header, in order."""
    return _MESSAGE_ID.findall(value)[:100]
