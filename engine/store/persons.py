"""Everything on record about one person, and the ways in which it changes or goes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, delete, func, or_, select, update

from engine.action import LIVE, Action
from engine.case import URGENCY
from engine.party import Channel, Person
from engine.store.answer_tables import answers, links, subscriptions
from engine.store.api_tables import api_keys, feeds
from engine.store.dialect import insert_missing
from engine.store.outbox_tables import (
    MessageStatus,
    NoticeStatus,
    deliveries,
    messages,
    notices,
)
from engine.store.records import action_from, select_actions
from engine.store.sending import UNDER_WAY
from engine.store.sign_ins import end_sessions
from engine.store.tables import actions, dialogues, parties, people, roles

ERASED: Final = "erased"
NOBODY: Final = "erased@invalid.invalid"


@dataclass(frozen=True, slots=True)
class Erased:
    """How many rows gave up what they held of a person."""

    links: int
    answers: int
    messages: int


def actions_owed_by(connection: Connection, person: Person) -> list[Action]:
    """The live actions for which this person may have to speak."""
    theirs = actions.c.focal_id == person.id
    if person.party_id is not None:
        theirs = or_(theirs, actions.c.responsible_id == person.party_id)
    live = actions.c.state.in_([state.value for state in LIVE])
    rows = connection.execute(select_actions().where(theirs, live).order_by(actions.c.id))
    return [action_from(row) for row in rows]


def put_holder(
    connection: Connection, person: Person, *, email: str, phone: str, name: str, language: str
) -> None:
    """Write the contact of a new holder over that of the former one; nothing of it is kept."""
    channel = Channel.EMAIL if email else Channel.CALL
    connection.execute(
        update(people)
        .where(people.c.id == person.id)
        .values(
            email=email,
            phone=phone,
            name=name,
            language=language or person.language,
            channel=channel,
            flagged="",
            absent_until_on=None,
            erased_at=None,
        )
    )


def put_absence(connection: Connection, person: Person, until_on: date | None) -> None:
    """Until when somebody is away; None: back."""
    connection.execute(
        update(people).where(people.c.id == person.id).values(absent_until_on=until_on)
    )


def look_at_theirs(connection: Connection, action_ids: Sequence[int], now: datetime) -> None:
    """Have the sweep look again at what it looks at anyway."""
    connection.execute(
        update(actions)
        .where(actions.c.id.in_(action_ids), actions.c.next_check_at.is_not(None))
        .values(next_check_at=now)
    )


def tell_holder(
    connection: Connection, person: Person, owed: Sequence[Action], now: datetime
) -> None:
    """Queue one notice for each promise that came with the post."""
    rows = [
        {
            "key": f"holder:{person.id}:{action.id}:{now.date().isoformat()}",
            "action_id": action.id,
            "person_id": person.id,
            "about_id": None,
            "kind": "inherited",
            "rung": "holder",
            "cause": f"p{person.id}",
            "status": NoticeStatus.PENDING if person.reachable else NoticeStatus.POSTED,
            "urgency": URGENCY["inherited"],
            "created_at": now,
            "due_at": now,
            "closed_at": None if person.reachable else now,
        }
        for action in owed
    ]
    insert_missing(connection, notices, rows, ["key"])


def erase(connection: Connection, person: Person, now: datetime) -> Erased:
    """
    Blank everything that says who this person is; the function, the counts and the history stay.

    What is under way to them is struck.
    """
    connection.execute(
        update(people)
        .where(people.c.id == person.id)
        .values(
            name="", email="", phone="", flagged=ERASED, channel=Channel.PAGE,
            absent_until_on=None, erased_at=now,
        )
    )  # fmt: skip
    end_sessions(connection, person.id, now)
    gone = connection.execute(delete(links).where(links.c.person_id == person.id)).rowcount
    connection.execute(delete(subscriptions).where(subscriptions.c.person_id == person.id))
    said = connection.execute(
        update(answers)
        .where(answers.c.person_id == person.id)
        .values(source="", details="{}", note=ERASED)
    ).rowcount
    of_theirs = messages.c.person_id == person.id
    connection.execute(
        update(messages)
        .where(of_theirs, messages.c.status.in_([status.value for status in UNDER_WAY]))
        .values(status=MessageStatus.STRUCK, leased_until_at=None)
    )
    connection.execute(
        update(notices)
        .where(
            notices.c.person_id == person.id,
            notices.c.status.in_([NoticeStatus.PENDING.value, NoticeStatus.BUNDLED.value,
                                  NoticeStatus.HELD.value, NoticeStatus.UNRELEASED.value]),
        )
        .values(status=NoticeStatus.STRUCK, outcome=ERASED, closed_at=now)
    )  # fmt: skip
    tried = select(messages.c.id).where(of_theirs)
    connection.execute(
        update(deliveries).where(deliveries.c.message_id.in_(tried)).values(text=ERASED)
    )
    sent = connection.execute(
        update(messages).where(of_theirs).values(body=b"", recipient=NOBODY, subject=ERASED)
    ).rowcount
    return Erased(links=gone, answers=said, messages=sent)


def empty_bodies(connection: Connection, before: datetime) -> int:
    """Give up the bytes of messages that were finished before an instant; returns how many."""
    finished = messages.c.status.not_in([status.value for status in UNDER_WAY])
    return connection.execute(
        update(messages)
        .where(finished, messages.c.created_at < before, func.length(messages.c.body) > 0)
        .values(body=b"")
    ).rowcount


def people_at_sunset(connection: Connection, before_on: date) -> list[int]:
    """
    The persons who speak only for parties of dialogues in which all has been over since that day.

    Who coordinates or manages is not among them: they answer for what was.
    """
    live = select(actions.c.dialogue_id).where(
        or_(
            actions.c.state.in_([state.value for state in LIVE]),
            actions.c.state_since_on >= before_on,
            actions.c.state_since_on.is_(None),
        )
    )
    over = select(dialogues.c.id).where(
        dialogues.c.id.not_in(live),
        dialogues.c.id.in_(select(actions.c.dialogue_id)),
    )
    rows = connection.scalars(
        select(people.c.id)
        .join(parties, parties.c.id == people.c.party_id)
        .where(
            parties.c.dialogue_id.in_(over),
            people.c.erased_at.is_(None),
            or_(people.c.email != "", people.c.phone != "", people.c.name != ""),
            people.c.id.not_in(
                select(roles.c.person_id).where(roles.c.role.in_(["coordinator", "manager"]))
            ),
        )
        .order_by(people.c.id)
    )
    return list(rows)


def record_of(connection: Connection, person: Person) -> dict[str, Any]:
    """Everything on record about a person, as plain values: what they may ask to see."""
    p = people.c
    home = connection.execute(
        select(parties.c.name, dialogues.c.name.label("dialogue"))
        .join(dialogues, dialogues.c.id == parties.c.dialogue_id)
        .where(parties.c.id == person.party_id)
    ).first()
    itself = connection.execute(select(people).where(p.id == person.id)).mappings().one()
    held = connection.execute(
        select(roles.c.role, dialogues.c.name)
        .outerjoin(dialogues, dialogues.c.id == roles.c.dialogue_id)
        .where(roles.c.person_id == person.id)
        .order_by(roles.c.id)
    )
    told = connection.execute(
        select(
            actions.c.ref, notices.c.kind, notices.c.rung, notices.c.status, notices.c.created_at,
            notices.c.closed_at,
        )
        .join(actions, actions.c.id == notices.c.action_id)
        .where(notices.c.person_id == person.id)
        .order_by(notices.c.id)
    )  # fmt: skip
    sent = connection.execute(
        select(messages.c.day, messages.c.channel, messages.c.recipient, messages.c.subject,
               messages.c.status)
        .where(messages.c.person_id == person.id)
        .order_by(messages.c.id)
    )  # fmt: skip
    said = connection.execute(
        select(
            actions.c.ref, answers.c.verb, answers.c.origin, answers.c.source, answers.c.note,
            answers.c.details, answers.c.at,
        )
        .join(actions, actions.c.id == answers.c.action_id)
        .where(answers.c.person_id == person.id)
        .order_by(answers.c.id)
    )  # fmt: skip
    open_links = connection.scalar(
        select(func.count())
        .select_from(links)
        .where(
            links.c.person_id == person.id, links.c.used_at.is_(None), links.c.revoked_at.is_(None)
        )
    )
    keyed = connection.execute(
        select(
            api_keys.c.prefix, api_keys.c.name, api_keys.c.scope, api_keys.c.created_at,
            api_keys.c.used_at, api_keys.c.revoked_at,
        )
        .where(api_keys.c.person_id == person.id)
        .order_by(api_keys.c.id)
    )  # fmt: skip
    calendar = connection.scalar(
        select(feeds.c.id).where(feeds.c.person_id == person.id, feeds.c.revoked_at.is_(None))
    )
    return {
        "person": {name: _plain(value) for name, value in itself.items() if name != "id"},
        "party": home.name if home else "",
        "dialogue": home.dialogue if home else "",
        "roles": [{"role": _plain(role), "dialogue": where or ""} for role, where in held],
        "notices": _rows(told.mappings().all()),
        "messages": _rows(sent.mappings().all()),
        "answers": _rows(said.mappings().all()),
        "unused_links": open_links or 0,
        "keys": _rows(keyed.mappings().all()),
        "calendar": calendar is not None,
    }


def _rows(rows: Sequence[Mapping[Any, Any]]) -> list[dict[str, object]]:
    return [{str(name): _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: object) -> object:
    if isinstance(value, date):  # instants too
        return value.isoformat()
    return str(value) if isinstance(value, str) else value
