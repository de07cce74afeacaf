"""The round of digests: who is to get one today, each once, queued for the hours of its reader."""

import logging
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

from config.wiring import Services
from engine.calendar import WorkingCalendar
from engine.clock import SystemClock
from engine.digest import DigestKind
from engine.digest_record import record_text
from engine.errors import N_, BadValue, EngineError
from engine.party import Channel, Person
from engine.store.contacts import find_person
from engine.store.database import Connection
from engine.store.digests import (
    Kept,
    Subscription,
    about,
    dialogues_read,
    has_message,
    keep,
    made,
    readers,
    sent_as,
    subscribe,
    subscription,
)
from engine.store.directory import Directory
from engine.store.holds import holds_in_force
from engine.store.outbox_tables import MessageSort
from engine.store.sending import Draft, enqueue, give_back
from engine.store.sensitive import quiet_holds
from engine.traces import trace_of
from notifications.digest import (
    MONTHLY,
    NEVER,
    WEEKLY,
    Edition,
    Envelope,
    digest_mail,
    subject,
)
from workflows.addressing import unwritable
from workflows.bundling import FAR_AWAY
from workflows.digest_hours import held, home_of, reader_calendar, reader_window
from workflows.digests import Digest, make_digest

log = logging.getLogger("alkawari.digest")

SENT: tuple[DigestKind, ...] = (DigestKind.MANAGER, DigestKind.COORDINATOR)
"""The digests that are sent by themselves; a committee's is printed before its session."""

AT_ONCE = 20
"""Digests in one batch: each takes a good part of a second to draw."""

MADE_GOOD_FOR = {WEEKLY: 3, MONTHLY: 10}
"""For so many days after its own a digest that did not leave is still made; then the next comes."""

WORKER = "digests"


@dataclass(frozen=True, slots=True)
class Rounded:
    """What a round did: digests queued, and readers whose digest could not be made."""

    queued: int = 0
    failed: int = 0
    handled: int = 0

    def __add__(self, other: "Rounded") -> "Rounded":
        return Rounded(
            self.queued + other.queued, self.failed + other.failed, self.handled + other.handled
        )

    def as_dict(self) -> Mapping[str, object]:
        """Plain values for tables and JSON."""
        return {"queued": self.queued, "failed": self.failed}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    """A digest to make: its reader, and the day of the round that it belongs to."""

    key: str
    kind: DigestKind
    person: Person
    day: date
    workbook: bool
    leaves_at: datetime


def send_digests(services: Services, now: datetime, limit: int = AT_ONCE) -> Rounded:
    """
    Make and queue what is due, at most `limit`; safe to repeat, on any number of machines.

    `handled` is 0 when nothing was left to do. A digest that cannot be made keeps nobody else from
    getting theirs; it is tried again at the next round.
    """
    queued = failed = 0
    for due in _due(services, now):
        if queued >= min(limit, AT_ONCE):
            break
        try:
            queued += _queue(services, due, now)
        except Exception as error:  # noqa: BLE001 - see above
            # What it says may hold names, which the log must not.
            log.error(  # noqa: TRY400
                "the %s digest of person %s could not be made (%s); it is tried again",
                due.kind, due.person.id, trace_of(error),
            )  # fmt: skip
            failed += 1
    return Rounded(queued=queued, failed=failed, handled=queued)


def subscribed(
    services: Services, who: str, kind: DigestKind, every: str, *, workbook: bool
) -> Person:
    """Let somebody have a digest weekly, monthly or never. BadValue for one who gets none."""
    if every not in {WEEKLY, MONTHLY, NEVER}:
        raise BadValue("EVERY", every, N_("write weekly, monthly or never"))
    with services.database.write() as connection:
        person = find_person(connection, who)
        if kind not in SENT or dialogues_read(connection, person.id, kind) is None:
            raise BadValue(
                "PERSON", person.key, N_("is no %(kind)s and gets no such digest", kind=kind)
            )
        subscribe(connection, person.id, kind, Subscription(every, workbook))
        return person


def stop_digest(connection: Connection, message_id: int) -> bool:
    """Let a stop request in answer to a digest end it; False if the message was none."""
    digest = about(connection, [message_id]).get(message_id)
    if digest is None:
        return False
    own = subscription(connection, digest.person_id, digest.kind)
    subscribe(connection, digest.person_id, digest.kind, Subscription(NEVER, own.workbook))
    return True


def _due(services: Services, now: datetime) -> Iterator[_Due]:
    zone = ZoneInfo(services.settings.timezone)
    today = now.astimezone(zone).date()
    for kind in SENT:
        with services.database.read() as connection:
            directory = Directory(connection, services.ladder)
            holds = (*holds_in_force(connection), *quiet_holds(connection, today))
            found = readers(connection, kind)
            read = {person.id: dialogues_read(connection, person.id, kind) for person, _s in found}
            directory.ensure_dialogues({i for ids in read.values() for i in ids or ()})
            keys = [_key(kind, who, day) for who, _said in found for day in _starts(today)]
            done = made(connection, keys)
        for person, said in found:
            usual = services.settings.digests
            every = said.every or (
                usual.manager if kind is DigestKind.MANAGER else usual.coordinator
            )
            ids = read[person.id] or []
            only = ids[0] if len(ids) == 1 else None
            if every == NEVER or not _writable(person) or held(holds, only, today):
                continue
            calendar = reader_calendar(directory, only or home_of(directory, person))
            day = _round_day(every, today, calendar)
            begins = datetime.combine(day, _at(services), zone).astimezone(UTC)
            key = _key(kind, person, _start(every, today))
            late = (today - day).days
            if key in done or now < begins or late >= MADE_GOOD_FOR[every]:
                continue
            window = reader_window(services, directory, person)
            opens_at = window.next_open(now)
            yield _Due(
                key=key, kind=kind, person=person, day=today, workbook=said.workbook,
                leaves_at=opens_at or now + FAR_AWAY,
            )  # fmt: skip


def _queue(services: Services, due: _Due, now: datetime) -> int:
    """Make it, put it into words, and let the database say whether we were the first."""
    try:
        digest = make_digest(services, due.kind, as_of=now, person=due.person.key)
    except EngineError:
        return 0  # whose role was taken away meanwhile
    reply_code = secrets.token_hex(8) if services.office.inbox else ""
    mail = _written(services, due, digest, reply_code)
    kept = Kept(
        key=due.key,
        kind=due.kind,
        person_id=due.person.id,
        dialogue_id=digest.dialogue_id,
        as_of_at=now,
        day=due.day,
        figures=record_text(digest.figures),
        fingerprint=digest.fingerprint,
    )
    day = due.leaves_at.date()
    with services.database.write() as connection:
        if has_message(connection, due.person.id, day) or not keep(connection, kept, now):
            return 0
        draft = Draft(
            person_id=due.person.id,
            day=day,
            mime_id=mail.message_id,
            sender=services.office.inbox_for("b", reply_code)
            if reply_code
            else services.office.sender,
            recipient=due.person.email,
            subject=mail.subject,
            body=mail.body,
            notice_ids=(),
            reply_code=reply_code or None,
            sort=MessageSort.DIGEST,
        )
        until = SystemClock().now() + timedelta(seconds=services.settings.delivery.lease_s)
        queued = enqueue(connection, [draft], now=now, worker=WORKER, leased_until_at=until)
        sent_as(connection, due.key, queued[0].id)
        give_back(connection, queued, WORKER, due.leaves_at)
    return 1


@dataclass(frozen=True, slots=True)
class _Mail:
    message_id: str
    subject: str
    body: bytes


def as_mail(services: Services, digest: Digest, edition: Edition) -> bytes:
    """A digest as the mail in which its reader would get it."""
    day = digest.figures.frame.day
    return _mail(services, digest, edition, f"{day:%Y%m%d}", workbook=False).body


def _written(services: Services, due: _Due, digest: Digest, reply_code: str) -> _Mail:
    office = services.office
    stop = office.inbox_for("s", reply_code) if reply_code else office.reply_to
    edition = digest.edition(services, stop_address=stop)
    mark = f"{due.day:%Y%m%d}.{secrets.token_hex(5)}"
    return _mail(services, digest, edition, mark, reply_code, workbook=due.workbook)


def _mail(
    services: Services,
    digest: Digest,
    edition: Edition,
    mark: str,
    reply_code: str = "",
    *,
    workbook: bool,
) -> _Mail:
    office, person = services.office, digest.person
    assert person is not None  # noqa: S101 - a mail is always to somebody
    message_id = f"<d{person.id}.{mark}@{office.domain}>"
    envelope = Envelope(
        sender=office.sender,
        sender_name=office.sender_name,
        to=person.email,
        reply_to=office.inbox_for("r", reply_code) if reply_code else office.reply_to,
        message_id=message_id,
        sent_at=digest.figures.frame.as_of_at,
        unsubscribe_mailto=f"mailto:{edition.stop_address or office.reply_to}"
        f"?subject={quote(f'stop {person.id}')}",
    )
    book = b""
    if workbook:
        from notifications.digest_book import digest_book  # noqa: PLC0415 - only where it is asked for

        book = digest_book(digest.figures, edition.language)
    return _Mail(message_id, subject(edition), digest_mail(edition, envelope, workbook=book))


def _writable(person: Person) -> bool:
    return person.written_by is Channel.EMAIL and not unwritable(person)


def _round_day(every: str, today: date, calendar: WorkingCalendar) -> date:
    """The first working day of the week or month that is running."""
    return calendar.on_or_after(_start(every, today))


def _start(every: str, today: date) -> date:
    """The Monday of the week, or the first of the month."""
    return today.replace(day=1) if every == MONTHLY else today - timedelta(days=today.weekday())


def _starts(today: date) -> tuple[date, date]:
    return _start(WEEKLY, today), _start(MONTHLY, today)


def _key(kind: DigestKind, person: Person, start: date) -> str:
    return f"{kind}:{person.id}:{start.isoformat()}"


def _at(services: Services) -> time:
    return time.fromisoformat(services.settings.digests.at)
