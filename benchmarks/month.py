"""A month of the sample programme: who got how many messages, and none when nobody may be told."""

import base64
import json
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import holidays as public_holidays
from measure import ROOT, Row, timed
from sqlalchemy import Select, select

sys.path.insert(0, str(ROOT / "tests"))

from sms_gateway import SmsGateway
from smtp_server import SmtpServer

from config.plan import SAMPLE_PROGRAMME
from config.settings import MailPart, Settings, TextsPart
from config.story import SAMPLE_STORY, read_story
from config.wiring import Services, build
from engine.errors import EngineError
from engine.store.outbox_tables import messages, notices
from engine.store.schema import upgrade
from engine.store.tables import actions, calendar_days, dialogues, parties, people, roles
from web.demo_story import act, happens_at
from workflows import record
from workflows.audit import audit
from workflows.deliver import deliver
from workflows.digest_round import send_digests
from workflows.intake import take_in
from workflows.sweep import sweep

START_ON = date(2026, 3, 9)
"""The end of Ramadan, Easter and the first of a month lie within the days that follow."""

DAYS = 31
STORY_AT = time(9, tzinfo=UTC)
EVERY = timedelta(minutes=30)
"""Both edges of every window fall on a tick: a minute too early or too late would be seen."""

OPENS, CLOSES = time(8, 30), time(16, 30)
PRAYER = time(12), time(15)
FRIDAY, SATURDAY = 4, 5

# Day after the start, how long, the dialogue and the action; neither: all that there is.
HOLDS = (
    (7, 2, "NIA", ""),
    (15, 5, "", "AIN-02"),
    (22, 1, "", ""),
    (24, 4, "SAA", ""),
)

MUST_BE_NONE = ("rest day", "feast", "hold", "hours", "second that day", "twice")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """One person as the plan has them."""

    key: str
    zone: ZoneInfo
    language: str
    dialogue_id: int | None
    country: str
    friday_pause: bool
    feasts: frozenset[date]


@dataclass(slots=True)
class Got:
    """What came to one person."""

    messages: int = 0
    by_channel: Counter[str] = field(default_factory=Counter)
    days: Counter[date] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message that a mailbox or a telephone took, at the instant of the virtual clock."""

    at: datetime
    to: str
    mark: str
    subject: str
    data: bytes


def month(keep: Path | None = None) -> Iterator[Row]:
    """Live it, print the table, and fail if anybody was told when nobody may be."""
    reports: list[Report] = []

    def lived() -> None:
        with tempfile.TemporaryDirectory(prefix="alkawari-month-") as folder:
            reports.append(_live(Path(folder), keep))

    sample = timed(lived)
    report = reports[0]
    print(report.table(), flush=True)
    if report.wrong:
        raise RuntimeError(f"messages that should not have been: {dict(report.wrong)}")
    yield Row(
        figure=f"{DAYS} days of the sample programme, {len(report.got)} people written to",
        what=f"swept and delivered {report.ticks:,} times, messages",
        samples=[sample], items=report.messages,
    )  # fmt: skip


class Report:
    """Counts what arrived, by the plan's own words and not by the program's calendar."""

    def __init__(self, services: Services, arrived: Sequence[Arrival], ticks: int) -> None:
        self.ticks = ticks
        self.got: dict[str, Got] = defaultdict(Got)
        self._readers = dict(_readers(services))
        # A mail is known by its Message-ID, a text by the mark that the gateway is handed.
        self._stored = {
            row.mime_id if row.channel == "email" else f"t{row.id}": row
            for row in _rows(services, _stored())
        }
        self._contents: dict[int, list[tuple[str, int, int]]] = defaultdict(list)
        for row in _rows(services, _contents()):
            self._contents[row.message_id].append((row.key, row.dialogue_id, row.action_id))
        self._codes = {row.code: row.id for row in _rows(services, select(dialogues))}
        self._refs = {row.ref: row.id for row in _rows(services, select(actions))}
        self.waited = Counter(
            why for row in _rows(services, _decided()) for why in self._waits(row)
        )
        self._seen: set[str] = set()
        self._letters: set[str] = set()
        for arrival in arrived:
            self._count(arrival)
        self.undelivered = [
            mark for mark, row in self._stored.items()
            if row.status == "sent" and mark not in self._letters
        ]  # fmt: skip

    @property
    def messages(self) -> int:
        return sum(got.messages for got in self.got.values())

    @property
    def wrong(self) -> Counter[str]:
        total = sum((got.wrong for got in self.got.values()), Counter[str]())
        if self.undelivered:
            total["recorded as sent and not arrived"] = len(self.undelivered)
        return total

    def _count(self, arrival: Arrival) -> None:
        stored = self._stored[arrival.mark]
        reader, got = self._readers[stored.person_id], self.got[stored.key]
        sort = "digest" if stored.sort == "digest" else stored.channel
        local = arrival.at.astimezone(reader.zone)
        got.messages += 1
        got.by_channel[sort] += 1
        got.days[local.date()] += 1
        for wrong in self._wrongs(arrival, reader, local):
            got.wrong[wrong] += 1
        if sort != "digest":
            day = f"{stored.key} {local.date()}"
            got.wrong["second that day"] += day in self._seen
            self._seen.add(day)

    def _wrongs(self, arrival: Arrival, reader: Reader, local: datetime) -> Iterator[str]:
        on, hour = local.date(), local.time()
        stored = self._stored[arrival.mark]
        if on.weekday() >= SATURDAY:
            yield "rest day"
        if on in reader.feasts:
            yield "feast"
        praying = reader.friday_pause and on.weekday() == FRIDAY and PRAYER[0] <= hour < PRAYER[1]
        if not OPENS <= hour < CLOSES or praying:
            yield "hours"
        said = self._contents[stored.id]
        if any(self._is_held(dialogue, action, on) for _key, dialogue, action in said):
            yield "hold"
        if not said and self._is_held(reader.dialogue_id, None, on):
            yield "hold"
        keys = {f"notice {key}" for key, _dialogue, _action in said}
        if keys & self._seen or arrival.mark in self._letters:
            yield "twice"
        self._seen |= keys
        self._letters.add(arrival.mark)

    def _waits(self, notice: Any) -> Iterator[str]:
        """Why a notice could not leave at once: without any, the zeros would show nothing."""
        reader = self._readers[notice.person_id]
        on = notice.created_at.astimezone(reader.zone).date()
        if self._is_held(notice.dialogue_id, notice.action_id, on):
            yield "hold"
        if on.weekday() >= SATURDAY:
            yield "rest day"
        if on in reader.feasts:
            yield "feast"

    def _is_held(self, dialogue_id: int | None, action_id: int | None, on: date) -> bool:
        for after, length, code, ref in HOLDS:
            first = START_ON + timedelta(days=after)
            if not first <= on < first + timedelta(days=length):
                continue
            if ref and self._refs[ref] == action_id:
                return True
            if code and self._codes[code] == dialogue_id:
                return True
            if not ref and not code:
                return True
        return False

    def table(self) -> str:
        """Who got what, in Markdown."""
        head = ["person", "language", "messages", "email", "sms", "digest", "most on one day"]
        head += MUST_BE_NONE
        lines = [head, ["---"] * len(head)]
        readers = {reader.key: reader for reader in self._readers.values()}
        total: Counter[str] = Counter()
        for key, reader in sorted(readers.items()):
            got = self.got.get(key, Got())
            most = max(got.days.values(), default=0)
            cells = [key, reader.language, str(got.messages)]
            cells += [str(got.by_channel[sort]) for sort in ("email", "sms", "digest")]
            cells += [str(most), *(str(got.wrong[wrong]) for wrong in MUST_BE_NONE)]
            lines.append(cells)
            total.update({reader.language: got.messages})
        sorts = sum((got.by_channel for got in self.got.values()), Counter[str]())
        lines.append(
            ["**all**", "", str(self.messages)]
            + [str(sorts[sort]) for sort in ("email", "sms", "digest")]
            + [str(max((max(got.days.values()) for got in self.got.values()), default=0))]
            + [str(self.wrong[wrong]) for wrong in MUST_BE_NONE]
        )
        text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return (
            f"{text}\n\nFrom {START_ON}, {DAYS} days. By language: {_listing(total)}.\n"
            f"Decided while it had to wait, and said later or no more: {_listing(self.waited)}.\n"
        )


def _live(folder: Path, keep: Path | None) -> Report:
    arrived: list[Arrival] = []
    with SmtpServer(folder=folder, trace=False, keep=True) as sink, SmsGateway() as gateway:
        services = build(_settings(folder, sink, gateway))
        upgrade(services.database)
        try:
            ticks = _days(services, sink, gateway, arrived)
            if keep:
                _keep(keep, arrived)
            return Report(services, arrived, ticks)
        finally:
            services.database.close()


def _days(services: Services, sink: SmtpServer, gateway: SmsGateway, arrived: list[Arrival]) -> int:
    now = datetime.combine(START_ON, time(), UTC)
    taken = take_in(services, SAMPLE_PROGRAMME, None, now, start=START_ON)
    if taken.errors:
        raise RuntimeError(taken.errors[0].reason)
    for after, length, code, ref in HOLDS:
        _hold(services, after, length, code, ref)
    steps = list(read_story(SAMPLE_STORY.read_text(encoding="utf-8")))
    until, ticks = now + timedelta(days=DAYS), 0
    mails = _Tail(sink.log)
    texts = 0
    while now < until:
        while steps and happens_at(steps[0], START_ON, STORY_AT) <= now:
            with suppress(EngineError):  # as in the demonstration: what is refused is not done
                act(services, steps.pop(0), START_ON, now)
        sweep(services, now)
        while send_digests(services, now).handled:
            pass
        deliver(services, now)
        if now.minute == 0:
            audit(services, now)
        arrived.extend(
            Arrival(now, mail["rcpt"], mail["message_id"], mail["subject"],
                    base64.b64decode(mail["data"]))
            for mail in mails.new()
        )  # fmt: skip
        for text in gateway.taken()[texts:]:
            texts += 1
            arrived.append(Arrival(now, text["to"], text["id"], "", text["text"].encode()))
        now, ticks = now + EVERY, ticks + 1
    return ticks


class _Tail:
    """What was written to a log of JSON lines since the last look."""

    def __init__(self, log: Path) -> None:
        self._log, self._at = log, 0

    def new(self) -> Iterator[dict[str, str]]:
        if not self._log.exists():
            return
        with self._log.open("rb") as file:
            file.seek(self._at)
            for line in file:
                self._at += len(line)
                yield json.loads(line)


def _hold(services: Services, after: int, length: int, code: str, ref: str) -> None:
    first = START_ON + timedelta(days=after)
    with services.database.read() as connection:
        dialogue = connection.scalar(select(dialogues.c.id).where(dialogues.c.code == code))
        action = connection.scalar(select(actions.c.id).where(actions.c.ref == ref))
    record.hold(
        services, (dialogue, action), from_on=first, until_on=first + timedelta(days=length - 1),
        by="month", reason="of the benchmark",
    )  # fmt: skip


def _settings(folder: Path, sink: SmtpServer, gateway: SmsGateway) -> Settings:
    """Settings of the month alone; what stands in the environment is somebody's own."""
    return Settings.model_construct(
        programme="Sample programme",
        data_folder=folder,
        public_url="http://127.0.0.1:8000",
        timezone="Africa/Dakar",
        mail=MailPart.model_construct(
            host=sink.host, port=sink.port, security="none", sender="reminders@alkawari.example"
        ),
        texts=TextsPart.model_construct(gateway=gateway.url),
    )


def _rows(services: Services, query: Select[Any]) -> Sequence[Any]:
    with services.database.read() as connection:
        return connection.execute(query).all()


def _stored() -> Select[Any]:
    m = messages.c
    return select(m.id, m.mime_id, m.person_id, m.sort, m.channel, m.status, people.c.key).join(
        people, people.c.id == m.person_id
    )


def _contents() -> Select[Any]:
    n = notices.c
    return (
        select(n.message_id, n.key, n.action_id, actions.c.dialogue_id)
        .join(actions, actions.c.id == n.action_id)
        .where(n.message_id.is_not(None), n.status == "sent")
    )


def _decided() -> Select[Any]:
    n = notices.c
    return select(n.person_id, n.action_id, n.created_at, actions.c.dialogue_id).join(
        actions, actions.c.id == n.action_id
    )


def _readers(services: Services) -> Iterator[tuple[int, Reader]]:
    """Everybody, with the feasts of their country as the package lists them and of their plan."""
    towns = {row.id: row for row in _rows(services, select(dialogues))}
    home = {row.id: row.dialogue_id for row in _rows(services, select(parties))}
    roled = {row.person_id: row.dialogue_id for row in _rows(services, select(roles))}
    own: dict[int, set[date]] = defaultdict(set)
    for row in _rows(services, select(calendar_days)):
        own[row.dialogue_id].add(row.day)
    for row in _rows(services, select(people)):
        town = towns.get(home.get(row.party_id) or roled.get(row.id))
        country = town.country if town else ""
        feasts = _listed(country) | own[town.id] if town else frozenset()
        yield row.id, Reader(
            key=row.key, zone=ZoneInfo(row.timezone or (town.timezone if town else "UTC")),
            language=row.language, dialogue_id=town.id if town else None, country=country,
            friday_pause=bool(town and town.friday_pause), feasts=frozenset(feasts),
        )  # fmt: skip


@cache
def _listed(country: str) -> frozenset[date]:
    return frozenset(public_holidays.country_holidays(country, years=START_ON.year))


def _listing(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "nothing"


def _keep(folder: Path, arrived: Sequence[Arrival]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, arrival in enumerate(arrived):
        ending = "eml" if arrival.subject else "txt"
        name = f"{number:03d}-{arrival.at:%m%d-%H%M}-{arrival.to}.{ending}"
        (folder / name).write_bytes(arrival.data)
