"""Any number of actions in the project's own tables, the same for the same seed."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, insert, text, update

from engine.action import Handling, Kind, Level, Obstacle, State
from engine.history import GENESIS, link, payload_text
from engine.party import Channel, Role, Side
from engine.replay import columns_set, with_set
from engine.store.database import Database
from engine.store.records import ACTION_FIELDS, EVENT_COLUMNS, read_actions, select_actions
from engine.store.schema import upgrade
from engine.store.searching import complete_words
from engine.store.tables import actions, commitments, dialogues, events, parties, people, roles
from engine.store.writing import write_many
from engine.verifying import words_hash

NOW = datetime(2026, 11, 25, 10, tzinfo=UTC)
TODAY = NOW.date()
STARTED = datetime(2026, 9, 1, 9, tzinfo=UTC)

# All on UTC, and without a feast in the days that matter here, so that one SQL statement can
# reckon the same days as the calendars do.
PLACES = (
    ("BF", "Africa/Ouagadougou"),
    ("SN", "Africa/Dakar"),
    ("CI", "Africa/Abidjan"),
    ("ML", "Africa/Bamako"),
    ("TG", "Africa/Lome"),
)

DUE_ON = {"P2": date(2026, 11, 30), "P3": date(2026, 11, 25), "R1": date(2026, 11, 20)}
"""The due date that makes each of these rungs fall on TODAY."""

_AT_REST = (
    (State.VERIFIED, 20),
    (State.NOT_IMPLEMENTED, 5),
    (State.WITHDRAWN, 5),
    (State.AGREED, 25),
    (State.IN_PROGRESS, 35),
    (State.BLOCKED, 4),
    (State.REPORTED_DONE, 3),
    (State.PROPOSED, 3),
)
_CLOSED = frozenset({State.VERIFIED, State.NOT_IMPLEMENTED, State.WITHDRAWN, State.PROPOSED})
_WORDS = (
    "repair the lamp at the market gate", "publish the patrol hours", "open the second entrance",
    "meet the traders each month", "answer complaints within two weeks", "clear the drain",
    "train the new stewards", "put up the notice board", "agree on the route of the parade",
)  # fmt: skip
BLOCK = 10_000

LANGUAGE, COMMITTED = "en", "The street is lit and safe after dark."
WORDS_HASH = words_hash(LANGUAGE, COMMITTED)

_ANSWERS = (
    ("reported", payload_text({"level": "minimum", "note": "The parts are ordered; we wait for "
                               "the electrician of the town hall, who comes next week.",
                               "set": {"answered_on": "2026-10-05", "reported_level": "minimum",
                                       "substance_on": "2026-10-05"}})),
    ("acknowledged", payload_text({"channel": "email", "set": {"answered_on": "2026-10-05"}})),
    ("rescheduled", payload_text({"from": "2026-11-02", "to": "2026-12-04",
                                  "reason": "agreed in the session of October",
                                  "set": {"due_on": "2026-12-04", "due_rev": 1}})),
)  # fmt: skip
"""What parties and coordinators say of an action in the course of months."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """
    How much there is; the people share the actions evenly.

    `events` is the length of each action's history (0: `record` writes it when all else is done),
    and `languages` those of the dialogues.
    """

    actions: int
    people: int = 200
    dialogues: int = 20
    seed: int = 1
    events: int = 1
    languages: tuple[str, ...] = ("en", "fr")


def realistic(total: int) -> Size:
    """A grown programme: 1,000 dialogues in four languages, 20 people and 30 events an action."""
    return Size(
        actions=total, people=max(2_000, total // 50), dialogues=1_000, events=30,
        languages=("fr", "en", "ha", "ar"),
    )  # fmt: skip


def fill(database: Database, size: Size) -> None:
    """
    Make the tables and fill them; nothing is due at NOW until `make_due` says so.

    A block of actions is made one by one, and copied until there are enough: the chains of the
    copies have the right size, but do not verify.
    """
    upgrade(database)
    with database.write() as connection:
        _surroundings(connection, size)
        block = min(size.actions, BLOCK)
        rows = list(_block(size, block))
        connection.execute(insert(actions), rows)
        if size.events:
            connection.execute(insert(events), [_first(row) for row in rows])
        for offset in range(block, size.actions, block):
            count = min(block, size.actions - offset)
            _copy(connection, offset, count)
        for seq in range(2, size.events + 1):
            _grow_older(connection, seq)
        complete_words(connection)
        _after_explicit_ids(connection, database)
    database.checkpoint()
    _analyzed(database)


def make_due(database: Database, size: Size, count: int, rungs: Sequence[str] = ("R1",)) -> None:
    """Have `count` actions, strewn over the whole table, reach one of these rungs at NOW."""
    choice = random.Random(size.seed)  # noqa: S311 - not for secrets
    ids = choice.sample(range(1, size.actions + 1), count)
    rows = [
        {
            "b_id": action_id,
            "due_on": DUE_ON[rungs[number % len(rungs)]],
            # Each person has the same number of things due, whatever else is theirs.
            "person": 1 + number % size.people,
            "at": NOW - timedelta(minutes=number % 600),
        }
        for number, action_id in enumerate(sorted(ids))
    ]
    with database.write() as connection:
        homes = _homes(size)
        for row in rows:
            row["party"], row["dialogue"] = row["person"], homes[row["person"]]
            row["commitment"] = row["dialogue"]
            row["verifier"] = size.people + row["dialogue"]
        table = actions.c
        connection.execute(
            actions.update()
            .where(table.id == bindparam("b_id"))
            .values(
                due_on=bindparam("due_on"), original_due_on=bindparam("due_on"),
                state=State.IN_PROGRESS,
                focal_id=bindparam("person"), responsible_id=bindparam("party"),
                dialogue_id=bindparam("dialogue"), commitment_id=bindparam("commitment"),
                verifier_id=bindparam("verifier"),
                substance_on=date(2026, 11, 10), review_on=None, obstacle=None,
                next_check_at=bindparam("at"),
            ),
            rows,
        )  # fmt: skip
    database.checkpoint()
    _analyzed(database)


def record(database: Database) -> None:
    """Give every action a history that verifies: one event that says what it is."""
    sealed = update(actions).where(actions.c.id == bindparam("b_id"))
    sealed = sealed.values(head_hash=bindparam("b_head"))
    last = 0
    while True:
        page = select_actions().where(actions.c.id > last).order_by(actions.c.id).limit(BLOCK)
        with database.write() as connection:
            found = read_actions(connection, page)
            if not found:
                break
            last = found[-1].id
            first = [_first({n: getattr(one, n) for n in ACTION_FIELDS}) for one in found]
            write_many(connection, _EVENT, EVENT_COLUMNS, [tuple(e.values()) for e in first])
            heads = [(e["action_id"], e["hash"]) for e in first]
            write_many(connection, sealed, ("b_id", "b_head"), heads)
    database.checkpoint()


_EVENT = insert(events)


def _homes(size: Size) -> dict[int, int]:
    """The dialogue of each party and of its focal point, which share a number."""
    return {number: 1 + (number - 1) % size.dialogues for number in range(1, size.people + 1)}


def _surroundings(connection: Connection, size: Size) -> None:
    numbers = range(1, size.dialogues + 1)
    connection.execute(
        insert(dialogues),
        [
            {"id": n, "code": f"D{n}", "name": f"Locality {n}", "country": PLACES[n % 5][0],
             "timezone": PLACES[n % 5][1], "rest_days": "5,6",
             "languages": size.languages[n % len(size.languages)],
             "friday_pause": False}
            for n in numbers
        ],
    )  # fmt: skip
    homes = _homes(size)
    desks = {n: size.people + n for n in numbers}
    spoken = {n: size.languages[n % len(size.languages)] for n in numbers}
    connection.execute(
        insert(parties),
        [
            {"id": n, "dialogue_id": home, "name": f"Party {n}", "side": list(Side)[n % 4]}
            for n, home in homes.items()
        ]
        + [
            {"id": desk, "dialogue_id": n, "name": "Coordination", "side": Side.OTHER}
            for n, desk in desks.items()
        ],
    )
    connection.execute(
        insert(people),
        [_person(n, f"focal-{n}", "Chief of post", spoken[home]) for n, home in homes.items()]
        + [_person(desk, f"desk-{n}", "Coordinator", spoken[n]) for n, desk in desks.items()],
    )
    connection.execute(
        insert(roles),
        [
            {"person_id": n, "role": Role.FOCAL_POINT, "dialogue_id": home}
            for n, home in homes.items()
        ]
        + [
            {"person_id": desk, "role": Role.COORDINATOR, "dialogue_id": n}
            for n, desk in desks.items()
        ],
    )
    connection.execute(
        insert(commitments),
        [
            {"id": n, "dialogue_id": n, "text": COMMITTED,
             "language": LANGUAGE, "agreed_on": STARTED.date(), "text_hash": WORDS_HASH}
            for n in numbers
        ],
    )  # fmt: skip


def _person(number: int, key: str, function: str, language: str) -> dict[str, Any]:
    return {
        "id": number, "key": key, "party_id": number, "function": function, "name": "",
        "email": f"{key}@post.example", "phone": "", "language": language,
        "channel": Channel.EMAIL, "timezone": "", "flagged": "",
    }  # fmt: skip


def _block(size: Size, count: int) -> Iterator[dict[str, Any]]:
    choice = random.Random(size.seed)  # noqa: S311 - not for secrets
    states, weights = zip(*_AT_REST, strict=True)
    homes = _homes(size)
    for number in range(1, count + 1):
        state = choice.choices(states, weights)[0]
        person = 1 + number % size.people
        home = homes[person]
        due_on = TODAY + timedelta(days=choice.randrange(60, 400))
        checked_on = due_on - timedelta(days=14)
        row: dict[str, Any] = {
            "id": number, "ref": f"ACT-{number}", "dialogue_id": home, "commitment_id": home,
            "title": f"{choice.choice(_WORDS).capitalize()} ({number})", "kind": Kind.ONE_OFF,
            "responsible_id": person, "focal_id": person, "verifier_id": size.people + home,
            "state": state, "version": 1, "handling": Handling.DIALOGUE, "due_on": due_on,
            "original_due_on": due_on, "agreed_on": STARTED.date(), "state_version": 1,
            "reported_level": choice.choice(list(Level)[:3]),
            "verified_level": Level.NOT_INITIATED, "state_since_on": date(2026, 11, 10),
            "substance_on": date(2026, 11, 10), "answered_on": date(2026, 11, 10),
            "reported_on": TODAY if state is State.REPORTED_DONE else None,
            "obstacle": Obstacle.MONEY if state is State.BLOCKED else None, "episode": 1,
            "review_on": due_on if state is State.BLOCKED else None,
            "next_check_at": None if state in _CLOSED
            else datetime.combine(checked_on, time(), UTC),
        }  # fmt: skip
        row["head_hash"] = _first(row)["hash"]
        yield row


def _first(row: dict[str, Any]) -> dict[str, Any]:
    said = payload_text(with_set({}, columns_set(row, None) | {"text_hash": WORDS_HASH}))
    digest = link(GENESIS, row["id"], 1, "imported", STARTED, "import", said)
    return {"action_id": row["id"], "seq": 1, "kind": "imported", "at": STARTED, "by": "import",
            "payload": said, "hash": digest}  # fmt: skip


def _copy(connection: Connection, offset: int, count: int) -> None:
    names = [f'"{column.name}"' for column in actions.columns]
    chosen = [
        {'"id"': "id + :offset", '"ref"': "'ACT-' || CAST(id + :offset AS VARCHAR(12))"}.get(n, n)
        for n in names
    ]
    connection.execute(
        text(
            f"INSERT INTO actions ({', '.join(names)}) "
            f"SELECT {', '.join(chosen)} FROM actions WHERE id <= :count"
        ),
        {"offset": offset, "count": count},
    )
    connection.execute(
        text(
            'INSERT INTO events (action_id, seq, kind, at, "by", payload, hash) '
            'SELECT action_id + :offset, 1, kind, at, "by", payload, hash '
            "FROM events WHERE action_id <= :count"
        ),
        {"offset": offset, "count": count},
    )


def _grow_older(connection: Connection, seq: int) -> None:
    """One more event for every action: an answer as parties give them; of the right size only."""
    kind, said = _ANSWERS[seq % len(_ANSWERS)]
    connection.execute(
        text(
            'INSERT INTO events (action_id, seq, kind, at, "by", payload, hash) '
            'SELECT action_id, :seq, :kind, :at, "by", :payload, hash FROM events WHERE seq = 1'
        ).bindparams(bindparam("at", type_=events.c.at.type)),
        {"seq": seq, "kind": kind, "at": STARTED + timedelta(days=seq), "payload": said},
    )
    connection.execute(actions.update().values(version=seq))


def _after_explicit_ids(connection: Connection, database: Database) -> None:
    """PostgreSQL's sequences do not see ids that were given."""
    if database.sqlite:
        return
    for table in (dialogues, parties, people, commitments, actions):
        sequence = f"pg_get_serial_sequence('{table.name}', 'id')"
        connection.execute(text(f"SELECT setval({sequence}, max(id)) FROM {table.name}"))


def _analyzed(database: Database) -> None:
    """Statistics as a database has them that has been running for a while."""
    if not database.sqlite:
        with database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(
                text("VACUUM ANALYZE")
            )
