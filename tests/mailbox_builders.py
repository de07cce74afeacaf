"""A programme with a mailbox that tests put mails into and break as they like."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from email import message_from_bytes
from pathlib import Path
from typing import Any

from builders import MONDAY, Programme, a_dialogue, a_programme, a_row, at, day
from reply_builders import CHIEF, INBOX
from sqlalchemy import select

from engine.store.answer_tables import AnswerOutcome, answers, inbound
from engine.store.tables import people
from notifications.inbox import Fetched, InboxDown, Place, Waiting
from workflows.collect import Collected, collect

NOW, LATER = at(MONDAY), at(MONDAY, 14)


@dataclass
class FakeMailbox:
    """A mailbox in memory that forgets nothing and breaks when it is told to."""

    mails: dict[int, bytes] = field(default_factory=dict)
    flags: dict[int, set[str]] = field(default_factory=dict)
    validity: int = 7
    refuses: str = ""
    breaks_at: int = 0
    marks_nothing: bool = False
    largest: int = 10**9
    opened: int = 0

    def put(self, *mails: bytes) -> None:
        for mail in mails:
            self.mails[max(self.mails, default=0) + 1] = mail
            self.flags[max(self.mails)] = set()

    def open(self) -> "FakeMailbox":
        self.opened += 1
        if self.refuses:
            raise InboxDown(self.refuses)
        return self

    def waiting(self, place: Place | None, today: date, most: int) -> Waiting:
        assert today
        known = place is not None and place.validity == self.validity
        after = place.uid if known and place else 0
        new = [uid for uid in self.mails if uid > after]
        unread = [uid for uid in self.mails if "seen" not in self.flags[uid]]
        uids = list(dict.fromkeys([*new, *unread]))
        return Waiting(self.validity, tuple(uids[:most]), len(uids) > most)

    def fetch(self, uids: Sequence[int]) -> Iterator[Fetched]:
        for uid in uids:
            if uid == self.breaks_at:
                raise InboxDown("fetch: the connection went")
            if uid in self.mails:
                data = self.mails[uid]
                yield Fetched(uid, len(data), data[: self.largest])

    def mark(self, uids: Sequence[int], *, seen: bool, flagged: bool = False) -> None:
        if self.marks_nothing:
            raise InboxDown("store: the connection went")
        for uid in uids:
            self.flags[uid] = {"seen"} if seen else set()
            if flagged:
                self.flags[uid].add("flagged")

    def close(self) -> None:
        pass


@dataclass
class Saaba:
    """A programme with a mailbox."""

    programme: Programme
    mailbox: FakeMailbox

    def collect(self, now: datetime = LATER) -> Collected:
        return collect(self.programme.services, now)

    def heard(self, *mails: bytes, now: datetime = LATER) -> Collected:
        self.mailbox.put(*mails)
        return self.collect(now)

    def code_for(self, address: str = CHIEF) -> str:
        """The code in the newest message to somebody."""
        [*_, envelope] = [e for e in self.programme.postbox.taken if e.recipient == address]
        assert envelope.sender.startswith("answers+b")
        return envelope.sender.removeprefix("answers+b").partition("@")[0]

    def id_for(self, address: str = CHIEF) -> str:
        [*_, envelope] = [e for e in self.programme.postbox.taken if e.recipient == address]
        return str(message_from_bytes(envelope.data)["Message-ID"])

    def answers(self) -> list[tuple[str, str, AnswerOutcome, str]]:
        rows = self.programme.rows(
            select(answers.c.by, answers.c.verb, answers.c.outcome, answers.c.note).order_by(
                answers.c.id
            )
        )
        return [tuple(row) for row in rows]

    def became(self) -> list[str]:
        return [r.became for r in self.programme.rows(select(inbound).order_by(inbound.c.id))]

    def person(self, key: str) -> Any:
        [row] = self.programme.rows(select(people).where(people.c.key == key))
        return row

    def kinds_for(self, who: str, ref: str = "SAA-01") -> list[str]:
        return [row.kind for row in self.programme.notices(ref) if row.who == who]


@contextmanager
def a_mailbox(database_url: str, folder: Path) -> Iterator[Saaba]:
    """A programme on that database, and a mailbox that is empty."""
    programme = a_programme(
        database_url, folder,
        inbox={"address": INBOX, "host": "imap.programme.example", "user": "u", "password": "p"},
    )  # fmt: skip
    mailbox = FakeMailbox()
    programme.services = replace(programme.services, new_inbox=mailbox.open)
    yield Saaba(programme, mailbox)
    programme.close()


def reminded(saaba: Saaba, *rows: dict[str, Any], **dialogue: Any) -> None:
    rows = rows or (a_row(due=day(-5)),)
    dialogues = {"SAA": a_dialogue(**dialogue)}
    saaba.programme.plan(*rows, now=NOW, dialogues=dialogues)
    saaba.programme.run(NOW)
