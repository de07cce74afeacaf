"""Digests made: the figures of any instant from the history, and what goes with them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from config.wiring import Services
from engine.action import OWED, Handling
from engine.digest import DigestKind, Figures, Frame, Seen, figures
from engine.errors import BadValue, UnknownThing
from engine.party import Person
from engine.store.checkpoints import fingerprint, fingerprint_at, snapshot
from engine.store.contacts import find_person
from engine.store.database import Connection
from engine.store.digests import dialogues_read, last_made_at, subscription
from engine.store.directory import Directory
from engine.store.figures import Asked, material
from engine.store.listing import all_dialogue_ids, dialogue_ids, dialogue_names
from engine.store.past import is_past
from notifications.digest import MONTHLY, NEVER, WEEKLY, Edition

BACK: Final = {WEEKLY: relativedelta(days=7), MONTHLY: relativedelta(months=1)}
"""Since when a digest tells of changes where there was none before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """A digest that was made; `dialogue_id` is of the one dialogue that it is about, if one."""

    figures: Figures
    fingerprint: str
    unreachable: int | None
    person: Person | None
    dialogue_id: int | None
    every: str

    def edition(self, services: Services, language: str = "", stop_address: str = "") -> Edition:
        """The same for its reader, ready to be put into words."""
        own = self.person.language if self.person else services.settings.plan.language
        return Edition(
            figures=self.figures,
            language=language or own,
            programme=services.office.programme,
            every=self.every,
            fingerprint=self.fingerprint,
            unreachable=self.unreachable,
            stop_address=stop_address,
        )


@dataclass(frozen=True, slots=True)
class _Scope:
    ids: list[int]
    whole: bool

    @property
    def only(self) -> int | None:
        """The one dialogue that it is about."""
        return self.ids[0] if len(self.ids) == 1 and not self.whole else None


def make_digest(
    services: Services,
    kind: DigestKind,
    *,
    as_of: datetime,
    person: str = "",
    dialogue: str = "",
) -> Digest:
    """
    The digest of an instant: now, or any past one, from the history alone.

    `person` (a key or an address) gets the dialogues in which they are coordinator or manager,
    `dialogue` narrows it to one; a manager's without either is of the whole programme. UnknownThing
    or BadValue for names that are none, and for somebody who gets no such digest.
    """
    with services.database.read() as connection:
        reader = find_person(connection, person) if person else None
        scope = _scope(connection, kind, reader, dialogue)
        past = is_past(connection, as_of)
        every = how_often(services, connection, kind, reader)
        since_at = _since(connection, kind, reader, as_of, every)
    sealed = "" if past else _sealed(services, scope.only, as_of)
    with snapshot(services.database, settled=False) as connection:
        directory = services.directory(connection)
        directory.ensure_dialogues(set(scope.ids))
        asked = Asked(
            kind=kind,
            person_id=reader.id if reader else None,
            whole=scope.whole,
            dialogue_ids=frozenset(scope.ids),
            as_of_at=as_of,
            since_at=since_at,
        )
        found = material(connection, directory, asked, services.thresholds)
        unreachable = None if past else _out_of_reach(directory, found.seen.values())
        zone = ZoneInfo(
            directory.dialogues[scope.only].timezone if scope.only else services.settings.timezone
        )
        if past:
            sealed = fingerprint_at(connection, scope.only, as_of)
    frame = Frame(
        kind=kind,
        as_of_at=as_of,
        since_at=since_at,
        day=as_of.astimezone(zone).date(),
        since_on=since_at.astimezone(zone).date(),
        dialogues=tuple(sorted({one.dialogue for one in found.seen.values()})),
        whole=scope.whole,
    )
    return Digest(
        figures=figures(frame, found),
        fingerprint=sealed,
        unreachable=unreachable,
        person=reader,
        dialogue_id=scope.only,
        every=every,
    )


def how_often(
    services: Services, connection: Connection, kind: DigestKind, reader: Person | None
) -> str:
    """What somebody asked for, else what the settings say."""
    own = subscription(connection, reader.id, kind).every if reader else ""
    part = services.settings.digests
    return own or (part.manager if kind is DigestKind.MANAGER else part.coordinator)


def _since(
    connection: Connection,
    kind: DigestKind,
    reader: Person | None,
    as_of: datetime,
    every: str,
) -> datetime:
    """The instant of the digest before; where there was none, one week or month earlier."""
    last = last_made_at(connection, kind, reader.id, as_of) if reader else None
    usual = WEEKLY if kind is DigestKind.COORDINATOR else MONTHLY
    return last or as_of - BACK[usual if every == NEVER else every]


def _scope(
    connection: Connection, kind: DigestKind, reader: Person | None, dialogue: str
) -> _Scope:
    every = all_dialogue_ids(connection)
    read: list[int] | None = []
    if reader:
        read = dialogues_read(connection, reader.id, kind)
        if read is None:
            raise BadValue("--for", reader.key, f"is no {kind} and gets no such digest")
    ids = read or every
    if dialogue:
        named = dialogue_ids(connection, dialogue)
        if not named:
            raise UnknownThing("dialogue", dialogue, dialogue_names(connection))
        if not set(named) <= set(ids):
            raise BadValue("--dialogue", dialogue, "is none of the dialogues of that person")
        return _Scope(named, whole=False)
    if kind is DigestKind.COORDINATOR and not reader:
        raise BadValue("--for", "", "say whose week, or name a --dialogue")
    return _Scope(ids, whole=not read and kind is DigestKind.MANAGER)


def _sealed(services: Services, dialogue_id: int | None, now: datetime) -> str:
    """The fingerprint of everything up to now, with a checkpoint by which it can be proved."""
    with services.database.write() as connection:
        return fingerprint(connection, dialogue_id, now)


def _out_of_reach(directory: Directory, seen: Iterable[Seen]) -> int:
    """Owed actions whose focal point can be neither written to nor called."""
    owed = [
        one.action
        for one in seen
        if one.action.state in OWED and one.action.handling is not Handling.CLOSED
    ]
    directory.ensure(owed)
    focals = (directory.circle(action).focal for action in owed)
    return sum(not (focal and (focal.reachable or focal.phone)) for focal in focals)
