"""A digest put into words: as a mail with its pictures, as a file, as text, as a workbook."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.digest import DigestKind, Figures
from notifications.digest_coordinator import coordinator_blocks
from notifications.digest_manager import manager_blocks
from notifications.digest_sheet import Sheet, as_file, as_html, as_text
from notifications.digest_terms import Speech
from notifications.language import direction, month, spoken
from notifications.message import Message
from notifications.mime import Enclosure, to_bytes
from notifications.neutral import plain

WEEKLY, MONTHLY, NEVER = "weekly", "monthly", "never"

PNG = "image/png"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """
    One digest for one reader, before it is put into words.

    `unreachable` is None for a past day, of which that is not known. `stop_address` is where to
    write to get it no more, empty where it was asked for by hand; `every` how often it comes.
    """

    figures: Figures
    language: str
    programme: str
    every: str
    fingerprint: str = ""
    unreachable: int | None = None
    stop_address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Who writes to whom, and under which Message-ID."""

    sender: str
    sender_name: str
    to: str
    reply_to: str
    message_id: str
    sent_at: datetime
    unsubscribe_mailto: str


def sheet(edition: Edition) -> Sheet:
    """The digest in the words of its language."""
    language = spoken(edition.language)
    speech, figures = Speech(language), edition.figures
    of_manager = figures.frame.kind is DigestKind.MANAGER
    blocks = manager_blocks if of_manager else coordinator_blocks
    return Sheet(
        language=language,
        direction=direction(language),
        title=_title(edition, speech),
        subtitle=_subtitle(edition, speech),
        blocks=blocks(figures, speech, edition.unreachable),
        foot=_foot(edition, speech),
    )


def subject(edition: Edition) -> str:
    """Neutral: the programme or the one dialogue in brackets, what it is, and its day."""
    figures, speech = edition.figures, Speech(spoken(edition.language))
    names = figures.frame.dialogues
    own = figures.frame.kind is not DigestKind.MANAGER and len(names) == 1
    bracket = plain(names[0] if own else edition.programme).replace("[", "").replace("]", "")
    return f"[{bracket[:60].rstrip()}] {_title(edition, speech)}"


def digest_text(edition: Edition) -> str:
    """The digest as text."""
    return as_text(sheet(edition))


def digest_page(edition: Edition) -> str:
    """The digest as one HTML file, its pictures inside."""
    written = sheet(edition)
    return as_file(written, _pictures(written))


def digest_mail(edition: Edition, envelope: Envelope, *, workbook: bytes = b"") -> bytes:
    """The digest as a mail: text, HTML with its pictures, and the workbook if there is one."""
    written = sheet(edition)
    pictures = _pictures(written)
    nonce = envelope.message_id.strip("<>")
    message = Message(
        language=written.language,
        subject=subject(edition),
        text=as_text(written),
        html=as_html(written, {name: f"cid:{name}.{nonce}" for name in pictures}),
        sender=envelope.sender,
        sender_name=envelope.sender_name,
        to=envelope.to,
        reply_to=envelope.reply_to,
        message_id=envelope.message_id,
        sent_at=envelope.sent_at,
        unsubscribe_mailto=envelope.unsubscribe_mailto,
    )
    related = [
        Enclosure(name=f"{name}.png", media_type=PNG, data=data, cid=f"{name}.{nonce}")
        for name, data in pictures.items()
    ]
    attached: Sequence[Enclosure] = ()
    if workbook:
        attached = [Enclosure(name=f"digest-{edition.figures.frame.day}.xlsx", data=workbook)]
    return to_bytes(message, related=related, attached=attached)


def _pictures(written: Sheet) -> dict[str, bytes]:
    if not written.charts:
        return {}
    from notifications.charts import chart_png  # noqa: PLC0415 - matplotlib, only to draw

    return {chart.name: chart_png(chart) for chart in written.charts}


def _title(edition: Edition, speech: Speech) -> str:
    frame = edition.figures.frame
    if edition.every == MONTHLY:
        said = month(speech.language, frame.day)
        return speech.gettext("Monthly digest, %(month)s", month=said)
    return speech.gettext("Weekly digest, %(day)s", day=speech.day(frame.day))


def _subtitle(edition: Edition, speech: Speech) -> str:
    frame = edition.figures.frame
    named = edition.programme if frame.whole else speech.gettext(", ").join(frame.dialogues)
    return f"{speech.plain(plain(named))} · {speech.day(frame.day)}"


def _foot(edition: Edition, speech: Speech) -> tuple[str, ...]:
    gettext, at = speech.gettext, edition.figures.frame.as_of_at.astimezone(UTC)
    foot = [
        gettext(
            "Counted from the history as it stood on %(day)s at %(time)s UTC; it can be counted "
            "again for that instant at any time.",
            day=speech.day(at.date()), time=f"{at:%H:%M}",
        ),
    ]  # fmt: skip
    if edition.fingerprint:
        foot.append(
            gettext(
                "Fingerprint of the history: %(fingerprint)s. Keep it: with it anybody can prove "
                "later that nothing before was changed or taken away.",
                fingerprint=speech.plain(edition.fingerprint),
            )
        )
    if edition.stop_address:
        foot.append(
            gettext(
                "To get this digest no more, write “stop” to %(address)s. Your coordinator or the "
                "programme can have it sent weekly or monthly instead.",
                address=speech.plain(edition.stop_address),
            )
        )
    return tuple(foot)
