"""The people of some dialogues as rows: who they are, what for, and how much waits for them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    func,
    insert,
    or_,
    select,
    true,
    update,
)

from engine.action import LIVE, OWED, Action, State
from engine.party import Channel, Person, Role, Side
from engine.store.dialect import insert_missing
from engine.store.directory import PERSON_COLUMNS, person_from
from engine.store.records import action_from, select_actions
from engine.store.tables import actions, dialogues, parties, people, roles

P = people.c
Mine = Collection[int] | None
"""Some dialogues; None means every one."""

ASKED = OWED | {State.REPORTED_DONE, State.DISPUTED, State.IN_FORCE}
"""The states in which somebody of the party can be asked about an action."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A role; `dialogue` is empty for one that holds for the whole programme."""

    role: Role
    dialogue_id: int | None
    dialogue: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A person with where they stand; `home_id`: the dialogue of their party, if they have one."""

    person: Person
    party: str
    side: Side | None
    home_id: int | None
    home: str
    erased_at: datetime | None
    roles: tuple[Held, ...] = ()

    @property
    def places(self) -> frozenset[int | None]:
        """Wherever this person counts: their party's dialogue, and that of each role."""
        home = {self.home_id} if self.home_id is not None else set()
        return frozenset(home | {held.dialogue_id for held in self.roles})

    def has(self, role: Role) -> bool:
        """Whether this person has that role anywhere."""
        return any(held.role is role for held in self.roles)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which people to list; empty or None where it does not matter."""

    mine: Mine
    role: Role | None = None
    trouble: str = ""


def _select() -> Select[Any]:
    """Persons with their party and its dialogue."""
    return (
        select(
            *PERSON_COLUMNS, P.erased_at, parties.c.name.label("party"), parties.c.side,
            parties.c.dialogue_id.label("home_id"), dialogues.c.name.label("home"),
        )
        .select_from(people)
        .outerjoin(parties, parties.c.id == P.party_id)
        .outerjoin(dialogues, dialogues.c.id == parties.c.dialogue_id)
    )  # fmt: skip


def people_in(
    connection: Connection, sought: Sought, today: date, start: int, limit: int
) -> tuple[list[Known], int]:
    """People of these dialogues by dialogue, party and function; and how many there are in all."""
    where = and_(_theirs(sought.mine), _role(sought), _trouble(sought.trouble, today))
    total = connection.scalar(
        select(func.count())
        .select_from(people)
        .outerjoin(parties, parties.c.id == P.party_id)
        .where(where)
    )
    rows = connection.execute(
        _select()
        .where(where)
        .order_by(
            case((dialogues.c.name.is_(None), 1), else_=0), dialogues.c.name, parties.c.name, P.id
        )
        .offset(start)
        .limit(limit)
    ).all()
    return _known(connection, rows), int(total or 0)


def find_known(connection: Connection, person_id: int, mine: Mine) -> Known | None:
    """The person of that number, if they stand in one of these dialogues."""
    rows = connection.execute(_select().where(P.id == person_id, _theirs(mine))).all()
    found = _known(connection, rows)
    return found[0] if found else None


def at_party(connection: Connection, party_id: int) -> list[Known]:
    """Everybody of a party who was not erased."""
    rows = connection.execute(
        _select().where(P.party_id == party_id, P.erased_at.is_(None)).order_by(P.id)
    ).all()
    return _known(connection, rows)


def reached_at(connection: Connection, *, email: str = "", phone: str = "") -> list[Known]:
    """Everybody who is reached at that address or that number."""
    there = [P.email != "", func.lower(P.email) == email.lower()] if email else []
    called = [P.phone == phone] if phone else []
    if not there and not called:
        return []
    where = or_(*(and_(*some) for some in (there, called) if some))
    return _known(connection, connection.execute(_select().where(where).order_by(P.id)).all())


def _theirs(mine: Mine) -> ColumnElement[bool]:
    if mine is None:
        return true()
    held = select(roles.c.person_id).where(roles.c.dialogue_id.in_(mine))
    return or_(parties.c.dialogue_id.in_(mine), P.id.in_(held))


def _role(sought: Sought) -> ColumnElement[bool]:
    if sought.role is None:
        return true()
    held = select(roles.c.person_id).where(roles.c.role == sought.role.value)
    if sought.mine is not None:
        held = held.where(roles.c.dialogue_id.in_(sought.mine))
    return P.id.in_(held)


def _trouble(name: str, today: date) -> ColumnElement[bool]:
    """Whom a coordinator has to look after: nobody can write to them, or they are away."""
    text = and_(P.channel == Channel.SMS.value, P.phone != "")
    written = and_(P.flagged == "", or_(P.email != "", text))
    match name:
        case "unreachable":
            return and_(~written, P.phone == "", P.erased_at.is_(None))
        case "flagged":
            return and_(P.flagged != "", P.erased_at.is_(None))
        case "call":
            return and_(~written, P.phone != "", P.erased_at.is_(None))
        case "away":
            return P.absent_until_on >= today
        case "erased":
            return P.erased_at.is_not(None)
        case _:
            return true()


def _known(connection: Connection, rows: Sequence[Any]) -> list[Known]:
    held = roles_held(connection, [row.id for row in rows])
    width = len(PERSON_COLUMNS)
    return [
        Known(
            person=person_from(tuple(row)[:width]),
            party=row.party or "",
            side=row.side,
            home_id=row.home_id,
            home=row.home or "",
            erased_at=row.erased_at,
            roles=tuple(held.get(row.id, ())),
        )
        for row in rows
    ]


def roles_held(connection: Connection, person_ids: Collection[int]) -> Mapping[int, list[Held]]:
    """What each of these people is there for."""
    found: dict[int, list[Held]] = defaultdict(list)
    rows = connection.execute(
        select(roles.c.person_id, roles.c.role, roles.c.dialogue_id, dialogues.c.name)
        .outerjoin(dialogues, dialogues.c.id == roles.c.dialogue_id)
        .where(roles.c.person_id.in_(person_ids))
        .order_by(roles.c.id)
    )
    for person_id, role, dialogue_id, name in rows:
        held = Held(role=Role(role), dialogue_id=dialogue_id, dialogue=name or "")
        found[person_id].append(held)
    return found


def open_counts(connection: Connection, known: Collection[Known], mine: Mine) -> Mapping[int, int]:
    """About how many open actions each of these people is the one who is asked."""
    a = actions.c
    ids = [one.person.id for one in known]
    at = {one.person.party_id for one in known if one.person.party_id is not None}
    query = (
        select(a.focal_id, a.responsible_id, func.count())
        .where(
            or_(a.focal_id.in_(ids), and_(a.focal_id.is_(None), a.responsible_id.in_(at))),
            a.state.in_([state.value for state in ASKED]),
        )
        .group_by(a.focal_id, a.responsible_id)
    )
    if mine is not None:
        query = query.where(a.dialogue_id.in_(mine))
    first = _first_focal(connection, at)
    found: dict[int, int] = defaultdict(int)
    for focal_id, party_id, number in connection.execute(query):
        found[focal_id or first.get(party_id, 0)] += number
    return found


def _first_focal(connection: Connection, party_ids: Collection[int]) -> Mapping[int, int]:
    """For each party the focal point who is asked where an action names nobody."""
    rows = connection.execute(
        select(P.party_id, P.id)
        .join(roles, roles.c.person_id == P.id)
        .where(P.party_id.in_(party_ids), roles.c.role == Role.FOCAL_POINT.value)
        .order_by(roles.c.id.desc())
    )
    return dict(rows.tuples().all())


def open_actions(connection: Connection, known: Known, mine: Mine, limit: int) -> list[Action]:
    """Open actions about which this person is asked, the earliest due first."""
    a = actions.c
    person = known.person
    theirs = a.focal_id == person.id
    if person.party_id is not None:
        first = _first_focal(connection, [person.party_id])
        if first.get(person.party_id) == person.id:
            unnamed = and_(a.focal_id.is_(None), a.responsible_id == person.party_id)
            theirs = or_(theirs, unnamed)
    query = select_actions().where(theirs, a.state.in_([state.value for state in ASKED]))
    if mine is not None:
        query = query.where(a.dialogue_id.in_(mine))
    rows = connection.execute(query.order_by(a.due_on, a.id).limit(limit))
    return [action_from(row) for row in rows]


def put_reach(connection: Connection, person_id: int, language: str, channel: Channel) -> None:
    """In which language somebody is told, and by which channel."""
    connection.execute(
        update(people).where(P.id == person_id).values(language=language, channel=channel)
    )


def give_role(connection: Connection, person_id: int, role: Role, dialogue_id: int) -> None:
    """Let somebody be there for that; given twice, it is held once."""
    known = connection.scalar(
        select(roles.c.id).where(
            roles.c.person_id == person_id,
            roles.c.role == role.value,
            roles.c.dialogue_id == dialogue_id,
        )
    )
    if known is None:
        row = {"person_id": person_id, "role": role.value, "dialogue_id": dialogue_id}
        insert_missing(connection, roles, [row], ["person_id", "role", "dialogue_id"])


def add_person(connection: Connection, person: Mapping[str, object]) -> int:
    """Add a function to a party, under the first key of this beginning that is free."""
    wish = str(person["key"])
    taken = set(connection.scalars(select(P.key).where(P.key.startswith(wish, autoescape=True))))
    free = (f"{wish}-{number}" if number > 1 else wish for number in range(1, len(taken) + 2))
    key = next(name for name in free if name not in taken)
    connection.execute(insert(people).values(**{**person, "key": key}))
    return int(connection.scalar(select(P.id).where(P.key == key)) or 0)


def find_in_party(
    connection: Connection, party_id: int, function: str, email: str, phone: str
) -> int | None:
    """The one of a party with that function who is reached just so, if there is one."""
    same = select(P.id).where(
        P.party_id == party_id, P.function == function, P.email == email, P.phone == phone,
        P.erased_at.is_(None),
    )  # fmt: skip
    return connection.scalar(same.order_by(P.id).limit(1))


def live_ids_of(connection: Connection, party_id: int) -> list[int]:
    """The live actions that a party owes."""
    a = actions.c
    query = select(a.id).where(
        a.responsible_id == party_id, a.state.in_([state.value for state in LIVE])
    )
    return list(connection.scalars(query))
