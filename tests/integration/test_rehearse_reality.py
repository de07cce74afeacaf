"""Rehearsal and reality: half a year with random answers, held against each other line by line."""

import base64
import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from builders import MONDAY, PEOPLE, Programme, a_dialogue, a_programme, a_row, at, day, plain
from smtp_server import SmtpServer
from sqlalchemy import select

from engine.action import Level, Obstacle, State
from engine.errors import EngineError
from engine.store.copying import LEFT_BEHIND, throw_away_copy
from engine.store.outbox_tables import NoticeStatus, messages, notices
from engine.store.tables import actions, people
from notifications.envelope import Outcome, Phase, Result
from notifications.mail_settings import MailSettings
from notifications.mailer import YagmailMailer
from notifications.texting import TextMessage
from workflows import record
from workflows.deliver import deliver_batch, deliver_texts
from workflows.rehearse import Line, Wanted, rehearse
from workflows.sweep import sweep_batch

TICKS = tuple(
    time.fromisoformat(text)
    # Midnights and windows of Greenwich, Lagos and Kathmandu, the end of a Friday's prayer, and
    # some hours at which nothing begins. They are not asked from the rehearsal: what it finds
    # between them would be a difference.
    for text in ("00:00", "02:45", "07:30", "08:30", "10:10", "14:00", "15:00", "18:15", "23:00")
)
"""When reality works each day, UTC."""

DAYS = 182

JOS_PEOPLE = (
    {"key": "jcoord", "function": "Coordinator", "role": "coordinator",
     "email": "coord@jos.example"},
    {"key": "works", "function": "Works", "party": "Works", "role": ["focal_point", "verifier"],
     "email": "works@jos.example", "timezone": "Asia/Kathmandu"},
    {"key": "residents", "function": "Secretary", "party": "Residents", "channel": "sms",
     "role": ["focal_point", "verifier"], "phone": "+234 803 123 4567"},
    {"key": "women", "function": "Convener", "party": "Women", "phone": "+234 000 000 0202",
     "role": ["focal_point", "verifier"], "channel": "call"},
)  # fmt: skip


def the_plan(programme: Programme) -> None:
    """Two dialogues that share their manager; one of each kind, state and trouble."""
    jos = a_dialogue(
        name="Jos", country="NG", timezone="Africa/Lagos", friday_pause=True,
        parties=[{"name": "Works"}, {"name": "Residents"}, {"name": "Women"}],
        people=[dict(person) for person in JOS_PEOPLE],
    )  # fmt: skip
    saaba = a_dialogue(people=[dict(person) for person in PEOPLE], country="BF")
    of_jos = {"dialogue": "JOS", "responsible": "Works", "verifier": "Residents"}
    programme.plan(
        a_row(ref="SAA-01", due=day(12)),
        a_row(ref="SAA-02", due=day(-50)),
        a_row(ref="SAA-03", due=day(30), state="agreed", depends_on=["SAA-01"]),
        a_row(ref="SAA-04", kind="recurring", repeat="monthly", due=day(3), state="in_force"),
        a_row(ref="SAA-05", state="blocked", notes="the bank", review_on=day(9), due=day(2)),
        a_row(ref="SAA-06", state="reported_done"),
        a_row(ref="SAA-07", due=day(20), handling="closed"),
        a_row(ref="JOS-01", due=day(4), **of_jos),
        a_row(ref="JOS-02", due=day(-15), **{**of_jos, "responsible": "Women"}),
        a_row(ref="JOS-03", due=day(25), co_responsible=["Women"], **of_jos),
        a_row(ref="JOS-04", kind="standing", repeat="weekly", due=day(1), state="in_force",
              **{**of_jos, "responsible": "Residents", "verifier": "Works"}),
        now=at(MONDAY),
        dialogues={"SAA": saaba, "JOS": jos},
    )  # fmt: skip


class Phones:
    """A gateway that takes every text and keeps it."""

    def __init__(self) -> None:
        self.taken: list[TextMessage] = []

    def deliver(self, message: TextMessage) -> Result:
        self.taken.append(message)
        return Result(outcome=Outcome.SENT, phase=Phase.GATEWAY, text="handed over")


class Reality:
    """The real sweep and delivery to a real mail server, by a clock that is put forward."""

    def __init__(self, programme: Programme, server: SmtpServer, phones: Phones) -> None:
        self.programme, self.server, self.phones = programme, server, phones
        self.letters = 0
        self.arrived: list[tuple[datetime, str, str]] = []

    def work(self, now: datetime) -> None:
        """All that is to be done at one instant."""
        services, worked = self.programme.services, True
        while worked:
            worked = bool(sweep_batch(services, now).handled)
            worked |= bool(deliver_batch(services, now, limit=500).handled)
            worked |= bool(deliver_texts(services, now, limit=500).handled)
        for letter in self.server.received()[self.letters :]:
            self.letters += 1
            text = plain(base64.b64decode(letter["data"]))
            self.arrived.append((now, letter["rcpt"], text))
        self.arrived += [(now, text.phone, text.text) for text in self.phones.taken]
        self.phones.taken.clear()

    def go(self, since: datetime, until: datetime) -> None:
        """Work at `since` and at each tick after it and before `until`."""
        self.work(since)
        on = since.date()
        while on <= until.date():
            for tick in TICKS:
                now = datetime.combine(on, tick, UTC)
                if since < now < until:
                    self.work(now)
            on += timedelta(days=1)

    def told(self) -> dict[int, tuple[datetime, str, str, str, str]]:
        """(at, to, action, rung, channel) of what was told, and of what waits for a release."""
        n = notices.c
        rows = self.programme.rows(
            select(n.id, n.status, n.closed_at, n.due_at, n.rung, actions.c.ref, people.c.key,
                   messages.c.recipient, messages.c.channel)
            .join(actions, actions.c.id == n.action_id)
            .join(people, people.c.id == n.person_id)
            .outerjoin(messages, messages.c.id == n.message_id)
        )  # fmt: skip
        found = {}
        for row in rows:
            match row.status:
                case NoticeStatus.SENT:
                    found[row.id] = row.closed_at, row.recipient, row.ref, row.rung, row.channel
                case NoticeStatus.POSTED:
                    found[row.id] = row.closed_at, row.key, row.ref, row.rung, "page"
                case NoticeStatus.UNRELEASED:
                    found[row.id] = row.due_at, row.key, row.ref, row.rung, ""
        return found


def as_told(lines: tuple[Line, ...], until: datetime) -> list[tuple[datetime, str, str, str, str]]:
    return sorted((x.at, x.to, x.action, x.rung, x.channel) for x in lines if x.at < until)


@contextmanager
def reality(folder: Path, url: str) -> Iterator[Reality]:
    folder.mkdir(exist_ok=True)
    programme = a_programme(url, folder)
    with SmtpServer(folder=folder, keep=True, trace=False) as server:
        mail = MailSettings(
            host="127.0.0.1", port=server.port, sender="notify@alkawari.example", security="none"
        )
        phones = Phones()
        programme.services = replace(
            programme.services, new_mailer=lambda: YagmailMailer(mail), new_texter=lambda: phones
        )
        the_plan(programme)
        yield Reality(programme, server, phones)
    programme.close()


class Anybody:
    """Somebody does something, or tries to; what the life cycle refuses has not happened."""

    def __init__(self, programme: Programme, seed: int) -> None:
        self.programme, self.dice = programme, random.Random(seed)  # noqa: S311 - dice
        self.refs = [row.ref for row in programme.rows(select(actions.c.ref))]

    def later(self, now: datetime) -> datetime:
        """The next instant at which somebody acts: by day or night, on any day of the week."""
        on = now.date() + timedelta(days=self.dice.randint(3, 24))
        return datetime.combine(
            on, self.dice.choice((time(6), time(9, 20), time(13), time(20))), UTC
        )

    def act(self, now: datetime) -> None:
        for _ in range(self.dice.randint(1, 3)):
            with suppress(EngineError):
                self._act(self.dice.choice(self.refs), now)

    def _act(self, ref: str, now: datetime) -> None:
        dice, services, today = self.dice, self.programme.services, now.date()
        coordinator = "coord" if ref.startswith("SAA") else "jcoord"
        asked = self.programme.asked(ref, coordinator)
        action = self.programme.action(ref)
        soon = today + timedelta(days=dice.randint(1, 40))
        match dice.randint(0, 12):
            case 0 | 1:
                self.programme.report(ref, dice.choice(list(Level)), coordinator, now)
            case 2:
                record.ask_acknowledge(services, asked, "seen", now)
            case 3 | 4:
                record.ask_reschedule(services, asked, soon, "agreed by both", now)
            case 5:
                self.programme.move(ref, State.BLOCKED, coordinator, now, obstacle=Obstacle.MONEY,
                                    blocker="the bank", review_on=soon)  # fmt: skip
            case 6:
                self.programme.move(ref, State.DISPUTED, coordinator, now, reason="not so")
            case 7:
                self.programme.move(ref, State.IN_PROGRESS, coordinator, now, reason="decided",
                                    decided_on=today, level=Level.MINIMUM)  # fmt: skip
            case 8:
                record.log_call(services, asked, "spoken to", reached=True, now=now)
            case 9:
                record.release(services, asked, now)
            case 10:
                whole = dice.choice((None, action.id))
                until = soon if whole is None else None
                record.hold(services, (action.dialogue_id, whole), from_on=today, until_on=until,
                            by=coordinator, reason="a funeral")  # fmt: skip
            case 11 | 12:
                record.resume(services, (action.dialogue_id, action.id), now)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_is_rehearsed_is_what_happens_line_by_line_for_half_a_year(tmp_path, seed):
    with reality(tmp_path, f"sqlite:///{tmp_path / 'real.db'}") as real:
        live_through(real, seed, DAYS)


def test_the_same_on_postgresql(tmp_path, postgres_url):
    with reality(tmp_path, postgres_url) as real:
        live_through(real, 4, DAYS // 4)


def live_through(real: Reality, seed: int, days: int) -> int:
    """Answer at random, rehearse, live until the next answer, compare; returns the lines seen."""
    programme, seen = real.programme, 0
    anybody = Anybody(programme, seed)
    now, end = at(MONDAY), at(day(days))
    while now < end:
        until = min(anybody.later(now), end)
        rehearsed = rehearse(programme.services, Wanted(until_on=until.date()), now)
        mails, before = len(real.arrived), real.told()
        real.go(now, until)
        expected = sorted(line for key, line in real.told().items() if key not in before)
        assert as_told(rehearsed.lines, until) == expected, (seed, now.isoformat())
        arrived = real.arrived[mails:]
        by_mail = [x for x in rehearsed.lines if x.at < until and x.channel in {"email", "sms"}]
        assert {(moment, who) for moment, who, _text in arrived} == {(x.at, x.to) for x in by_mail}
        assert len(arrived) == len({(x.at, x.to) for x in by_mail})
        for line in by_mail:
            [text] = [t for moment, who, t in arrived if (moment, who) == (line.at, line.to)]
            # A text is too short to name everything.
            assert line.action in text or line.channel == "sms"
        seen += len(expected)
        anybody.act(until)
        now = until
    assert seen > days / 3
    return seen


def test_a_rehearsal_changes_nothing_in_the_real_database(tmp_path):
    with reality(tmp_path, f"sqlite:///{tmp_path / 'real.db'}") as real:
        database = real.programme.services.database
        before = dump(database)
        found = rehearse(real.programme.services, Wanted(until_on=date(2027, 5, 31)), at(MONDAY))

        assert len(found.lines) > 50
        assert dump(database) == before
        assert real.server.received() == []
        assert real.phones.taken == []
        assert {line.channel for line in found.lines} == {"email", "sms", "page", ""}


def test_a_copy_holds_no_words_no_history_and_no_tokens_and_is_gone_at_the_end(tmp_path):
    with reality(tmp_path, f"sqlite:///{tmp_path / 'real.db'}") as real:
        real.work(at(MONDAY))
        with throw_away_copy(real.programme.services.database) as copy:
            path = Path(copy.url.database)
            assert path.parent.stat().st_mode & 0o077 == 0
            held = dump(copy)
            text = path.read_bytes()
        assert not path.parent.exists()
        for name in LEFT_BEHIND:
            assert held[name] == []
        original = dump(real.programme.services.database)
        assert [len(held[name]) for name in ("notices", "messages", "actions", "people")] == [
            len(original[name]) for name in ("notices", "messages", "actions", "people")
        ]
        for words in (b"Open the second gate", b"Good day"):
            assert words not in text


def dump(database) -> dict[str, list]:
    from engine.store.columns import METADATA

    with database.read() as connection:
        return {t.name: connection.execute(select(t)).all() for t in METADATA.sorted_tables}
