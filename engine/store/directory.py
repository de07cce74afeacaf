"""Dialogues, their calendars and the people around each action, read once and kept for one pass."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, or_, select

from engine.action import Action, State
from engine.calendar import DayOverride, WorkingCalendar
from engine.case import Circle
from engine.dialogue import Dialogue
from engine.ladder import Ladder
from engine.ladder_text import ladder_from_json
from engine.party import Channel, Party, Person, Role
from engine.store.tables import (
    action_parties,
    calendar_days,
    dialogues,
    ladders,
    parties,
    people,
    roles,
)

PERSON_COLUMNS = (
    people.c.id,
    people.c.key,
    people.c.party_id,
    people.c.function,
    people.c.name,
    people.c.email,
    people.c.phone,
    people.c.language,
    people.c.channel,
    people.c.timezone,
    people.c.flagged,
    people.c.absent_until_on,
)

PERSON_FIELDS = tuple(column.key for column in PERSON_COLUMNS)


def person_from(row: Row[tuple[object, ...]] | Sequence[object]) -> Person:
    """The person in a row that was selected as PERSON_COLUMNS."""
    return Person(**dict(zip(PERSON_FIELDS, row, strict=True)))


@lru_cache(maxsize=4096)
def _calendar(
    country: str, rest_days: frozenset[int], overrides: tuple[DayOverride, ...]
) -> WorkingCalendar:
    """Calendars are alike for many dialogues and live as long as the process."""
    return WorkingCalendar(country, rest_days, overrides)


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=4096)
def _day(zone: str, now: datetime) -> date:
    return now.astimezone(_zone(zone)).date()


@lru_cache(maxsize=4096)
def _midnight(zone: str, day: date) -> datetime:
    return datetime.combine(day, time.min, _zone(zone)).astimezone(UTC)


@lru_cache(maxsize=256)
def _ladder(text: str) -> Ladder:
    return ladder_from_json(text)


@dataclass(slots=True)
class Directory:
    """
    The parts of the database that many actions share.

    `ensure` loads what a batch of actions needs and is not here yet; everything else only looks up.
    The batches of one pass may share a directory, each with its own `connection`: then what was
    read for the first of them is not read again. Nothing that was written in a transaction that
    was rolled back may stay in it. `texting`: there is a gateway for texts; without one a person
    of that channel is written to by mail or, without an address, called.
    """

    connection: Connection
    default_ladder: Ladder
    texting: bool = False
    dialogues: dict[int, Dialogue] = field(default_factory=dict)
    calendars: dict[int, WorkingCalendar] = field(default_factory=dict)
    parties: dict[int, Party] = field(default_factory=dict)
    home_of: dict[int, int] = field(default_factory=dict)
    people: dict[int, Person] = field(default_factory=dict)
    ladders: dict[int, Ladder] = field(default_factory=dict)
    dialogue_ladders: dict[int, int] = field(default_factory=dict)
    _roles: dict[tuple[int | None, Role], list[int]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _members: dict[tuple[int, Role], list[int]] = field(default_factory=lambda: defaultdict(list))
    _circles: dict[tuple[int, int, int | None, int | None], Circle] = field(default_factory=dict)
    _partners: dict[int, tuple[int, ...]] = field(default_factory=dict)
    _programme_loaded: bool = False

    def ensure(self, actions: Iterable[Action]) -> None:
        """Load the dialogues, parties and people of these actions."""
        actions = list(actions)
        if any(self._is_newer(action) for action in actions):
            self._forget()
        if not self._programme_loaded:
            self._load_roles(None)
            self._programme_loaded = True
        self.ensure_dialogues({a.dialogue_id for a in actions})
        self.ensure_people({a.focal_id for a in actions if a.focal_id})
        self._ensure_partners({a.id for a in actions if a.state is State.REPORTED_DONE})
        missing = {a.ladder_id for a in actions if a.ladder_id} - self.ladders.keys()
        if missing:
            rows = self.connection.execute(
                select(ladders.c.id, ladders.c.text).where(ladders.c.id.in_(missing))
            )
            self.ladders |= {ladder_id: _ladder(text) for ladder_id, text in rows}

    def ensure_dialogues(self, dialogue_ids: set[int]) -> None:
        """Load dialogues with their calendars, parties, roles and the persons in those roles."""
        missing = dialogue_ids - self.dialogues.keys()
        if not missing:
            return
        self._circles.clear()
        overrides: dict[int, list[DayOverride]] = defaultdict(list)
        for row in self.connection.execute(
            select(calendar_days)
            .where(calendar_days.c.dialogue_id.in_(missing), calendar_days.c.removed_at.is_(None))
            .order_by(calendar_days.c.id)
        ):
            overrides[row.dialogue_id].append(
                DayOverride(
                    day=row.day,
                    change=row.change,
                    to=row.moved_to,
                    name=row.name,
                    by=row.by,
                    reason=row.reason,
                )
            )
        for row in self.connection.execute(select(dialogues).where(dialogues.c.id.in_(missing))):
            dialogue = dialogue_from(row)
            self.dialogues[row.id] = dialogue
            self.calendars[row.id] = _calendar(
                dialogue.country, dialogue.rest_days, tuple(overrides[row.id])
            )
            if row.ladder_id:
                self.dialogue_ladders[row.id] = row.ladder_id
        self._load_dialogue_ladders()
        for row in self.connection.execute(
            select(parties).where(parties.c.dialogue_id.in_(missing))
        ):
            self.home_of[row.id] = row.dialogue_id
            self.parties[row.id] = Party(
                id=row.id, name=row.name, side=row.side, superior_id=row.superior_id
            )
        self._load_roles(missing)

    def _ensure_partners(self, action_ids: set[int]) -> None:
        """Who shares the responsibility: asked only where a confirmation is due."""
        if not action_ids:
            return
        shared: dict[int, list[int]] = defaultdict(list)
        rows = self.connection.execute(
            select(action_parties).where(action_parties.c.action_id.in_(action_ids))
        )
        for row in rows:
            shared[row.action_id].append(row.party_id)
        self._partners |= {action_id: tuple(shared[action_id]) for action_id in action_ids}

    def ensure_people(self, person_ids: set[int]) -> None:
        """Load persons by id; no circle can have held those who were not here yet."""
        self._read(person_ids - self.people.keys())

    def read_people(self, person_ids: Collection[int]) -> None:
        """Load persons by id, also those who are here already: an address may have changed."""
        if person_ids:
            self._read(person_ids)
            self._circles.clear()

    def _read(self, person_ids: Collection[int]) -> None:
        if person_ids:
            asked = select(*PERSON_COLUMNS).where(people.c.id.in_(person_ids))
            rows = self.connection.execute(asked).all()
            self.people |= {row[0]: self._person(row) for row in rows}

    def today(self, dialogue_id: int, now: datetime) -> date:
        """The day that it is in a dialogue."""
        return _day(self.dialogues[dialogue_id].timezone, now)

    def midnight(self, dialogue_id: int, day: date) -> datetime:
        """The instant at which a day begins in a dialogue, in UTC."""
        return _midnight(self.dialogues[dialogue_id].timezone, day)

    def ladder_for(self, action: Action) -> Ladder:
        """The ladder frozen for the open run, else the dialogue's, else the default."""
        if action.ladder_id:
            return self.ladders[action.ladder_id]
        own = self.dialogue_ladders.get(action.dialogue_id)
        return self.ladders[own] if own else self.default_ladder

    def circle(self, action: Action) -> Circle:
        """The persons around an action, by what they are there for."""
        key = (action.dialogue_id, action.responsible_id, action.focal_id, action.verifier_id)
        if key not in self._circles:
            self._circles[key] = self._circle(action)
        circle, partners = self._circles[key], self._partners.get(action.id)
        return replace(circle, verifiers=self._each_side(action, partners)) if partners else circle

    def _each_side(self, action: Action, partners: tuple[int, ...]) -> tuple[Person, ...]:
        """Who confirms: of what parties of several sides owe together, one person of each party."""
        owing = (action.responsible_id, *partners)
        if len({self.parties[party_id].side for party_id in owing}) == 1:
            return self._verifiers(action.verifier_id)
        return tuple(p for party_id in owing for p in self._at(party_id, Role.FOCAL_POINT)[:1])

    def _circle(self, action: Action) -> Circle:
        dialogue_id, party_id = action.dialogue_id, action.responsible_id
        party = self.parties[party_id]
        focal = self.people.get(action.focal_id) if action.focal_id else None
        if focal is None:
            focal = next(iter(self._at(party_id, Role.FOCAL_POINT)), None)
        return Circle(
            focal=focal,
            alternates=tuple(
                p for p in self._at(party_id, Role.ALTERNATE) if not focal or p.id != focal.id
            ),
            coordinators=self.in_role(dialogue_id, Role.COORDINATOR),
            verifiers=self._verifiers(action.verifier_id),
            committee=self.in_role(dialogue_id, Role.COMMITTEE),
            superiors=self._at(party.superior_id, Role.FOCAL_POINT) if party.superior_id else (),
            managers=self.in_role(dialogue_id, Role.MANAGER),
        )

    def home_of_party(self, party_id: int) -> int:
        """The dialogue of a party that need not have been read yet."""
        found = self.connection.scalar(
            select(parties.c.dialogue_id).where(parties.c.id == party_id)
        )
        return int(found or 0)

    def in_role(self, dialogue_id: int, role: Role) -> tuple[Person, ...]:
        """Who has a role in a dialogue, its own persons before the programme's."""
        ids = [*self._roles.get((dialogue_id, role), ()), *self._roles.get((None, role), ())]
        return tuple(self.people[person_id] for person_id in dict.fromkeys(ids))

    def roles_of(self, person_id: int, dialogue_id: int) -> frozenset[Role]:
        """What a person is there for in a dialogue."""
        return frozenset(
            role
            for (where, role), ids in self._roles.items()
            if where in {dialogue_id, None} and person_id in ids
        )

    def _person(self, row: Row[tuple[object, ...]] | Sequence[object]) -> Person:
        """The person in a row, by a channel that exists."""
        person = person_from(row)
        if self.texting or person.channel is not Channel.SMS:
            return person
        return replace(person, channel=Channel.EMAIL if person.email else Channel.CALL)

    def _is_newer(self, action: Action) -> bool:
        """Whether it speaks of a party that its dialogue did not have when that was read."""
        return action.dialogue_id in self.dialogues and (
            action.responsible_id not in self.parties
            or (action.verifier_id is not None and action.verifier_id not in self.parties)
        )

    def _forget(self) -> None:
        """Read everything again at the next question."""
        for known in (
            self.dialogues, self.calendars, self.parties, self.home_of, self.people,
            self.dialogue_ladders, self._roles, self._members, self._circles,
        ):  # fmt: skip
            known.clear()
        self._programme_loaded = False

    def _verifiers(self, party_id: int | None) -> tuple[Person, ...]:
        if party_id is None:
            return ()
        members = self._at(party_id, Role.VERIFIER)
        return (
            members or self._at(party_id, Role.FOCAL_POINT) or self._at(party_id, Role.COORDINATOR)
        )

    def _at(self, party_id: int, role: Role) -> tuple[Person, ...]:
        return tuple(self.people[i] for i in self._members.get((party_id, role), ()))

    def _load_roles(self, dialogue_ids: set[int] | None) -> None:
        where = (
            roles.c.dialogue_id.is_(None)
            if dialogue_ids is None
            else or_(roles.c.dialogue_id.in_(dialogue_ids))
        )
        rows = self.connection.execute(
            select(roles.c.dialogue_id, roles.c.role, *PERSON_COLUMNS)
            .join(people, people.c.id == roles.c.person_id)
            .where(where)
            .order_by(roles.c.id)
        )
        for dialogue_id, role, *rest in rows:
            person = self.people.setdefault(rest[0], self._person(rest))
            self._roles[dialogue_id, role].append(person.id)
            if person.party_id is not None:
                self._members[person.party_id, role].append(person.id)

    def _load_dialogue_ladders(self) -> None:
        missing = set(self.dialogue_ladders.values()) - self.ladders.keys()
        if missing:
            rows = self.connection.execute(
                select(ladders.c.id, ladders.c.text).where(ladders.c.id.in_(missing))
            )
            self.ladders |= {ladder_id: _ladder(text) for ladder_id, text in rows}


def dialogue_from(row: Row[tuple[object, ...]]) -> Dialogue:
    """The dialogue in a row of the whole table."""
    return Dialogue(
        id=row.id,
        code=row.code,
        name=row.name,
        country=row.country,
        timezone=row.timezone,
        languages=tuple(row.languages.split(",")),
        rest_days=frozenset(int(day) for day in row.rest_days.split(",") if day),
        friday_pause=row.friday_pause,
    )
