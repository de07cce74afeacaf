"""What was received in a storm, held against what the plan says, and against a calm twin."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text
from storm_parts import Cluster
from storm_plan import Due, Shape, expected, write_chunk
from storm_post import Letter, Post

from config.settings import Settings
from config.wiring import build
from engine.store.database import Database
from engine.store.schema import upgrade
from engine.store.wholeness import broken_histories
from workflows.intake import take_in
from workflows.sweep import sweep

COORDINATORS = "@hall.example"
"""Nothing of the plan is for them; a watchdog that is struck as well may tell them of the storm."""

OPEN = "status IN ('claimed', 'retry', 'unknown')"


@dataclass(frozen=True, slots=True)
class Left:
    """What could be done at once and is not done yet."""

    actions: int
    notices: int
    messages: int


NOTHING_LEFT = Left(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Found:
    """The reckoning: its lines, and whether every promise was kept."""

    lines: Sequence[str]
    whole: bool


def left(ground: Cluster) -> Left | None:
    """What is due and not done; None while the database is down."""
    rows = ground.ask(
        "SELECT (SELECT count(*) FROM actions WHERE next_check_at <= now()),"
        " (SELECT count(*) FROM notices WHERE status = 'pending' AND due_at <= now()),"
        f" (SELECT count(*) FROM messages WHERE {OPEN} AND"
        " (status = 'claimed' OR available_at <= now()))"
    )
    return Left(*(int(str(count)) for count in rows[0])) if rows else None


def open_messages(ground: Cluster) -> int:
    """What has not left yet, whatever it waits for."""
    rows = ground.ask(
        f"SELECT (SELECT count(*) FROM messages WHERE {OPEN})"
        " + (SELECT count(*) FROM notices WHERE status IN ('pending', 'bundled'))"
    )
    return int(str(rows[0][0]))


def shares(ground: Cluster, role_of: Mapping[int, str]) -> Counter[str]:
    """How many messages each sort of process handed over; a worker's name has its number in it."""
    found: Counter[str] = Counter()
    for worker, count in ground.ask(
        "SELECT worker, count(*) FROM deliveries WHERE outcome = 'sent' GROUP BY 1"
    ):
        number = str(worker).split(":")[1]
        found[role_of.get(int(number), "somebody else")] += int(str(count))
    return found


def reckon(
    ground: Cluster, post: Post, shape: Shape, folder: Path, may_copy: int, odd: Sequence[str]
) -> Found:
    """The ledger of expected against received, and the state of the database."""
    everything, torn = post.received()
    letters = [letter for letter in everything if not letter.rcpt.endswith(COORDINATORS)]
    wanted = expected(shape)
    said = _said(letters)
    copies = len(letters) - len({letter.message_id for letter in letters})
    prints: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for letter in letters:
        prints[letter.message_id].add((letter.sha256, letter.rcpt))
    checks = [
        ("never told", len(wanted - said.keys()), 0),
        ("told twice (two Message-IDs)", sum(len(said[d]) > 1 for d in wanted & said.keys()), 0),
        ("told what the plan does not say", len(said.keys() - wanted), 0),
        ("letters that say nothing due", sum(not letter.says for letter in letters), 0),
        ("copies whose bytes differ", sum(len(found) > 1 for found in prints.values()), 0),
        ("same letter again (same Message-ID and bytes)", copies, may_copy),
        *_kept(ground, {letter.message_id for letter in everything}),
        ("decisions other than of a calm twin", len(_decided(ground.url) ^ _twin(shape, folder)),
         0),
        ("commands that ended otherwise than by one sentence", len(odd), 0),
    ]  # fmt: skip
    lines = [
        "| reckoned | found | at most |", "|---|---|---|",
        f"| things that must be told | {len(wanted)} | |",
        f"| told exactly once | {sum(len(said.get(d, ())) == 1 for d in wanted)} | |",
        f"| messages received | {len(letters)} | |",
        f"| beside them: to coordinators, by the watchdog | {len(everything) - len(letters)} | |",
        f"| lines of the ledger that a kill cut off | {torn} | |",
        *(f"| {what} | {found} | {most} |" for what, found, most in checks),
    ]  # fmt: skip
    again = Counter(letter.message_id for letter in letters)
    lines += [
        "",
        "Letters by how often they were received: "
        + ", ".join(
            f"{times}: {count}" for times, count in sorted(Counter(again.values()).items())
        ),
    ]
    others = [letter for letter in everything if letter not in letters]
    lines += [f"to a coordinator: {letter}" for letter in others[:3]]
    lines += [f"not in the plan: {due}" for due in list(said.keys() - wanted)[:3]]
    for due in sorted(wanted - said.keys(), key=lambda d: d.ref)[:5]:
        lines.append(f"never told: {due}")
    for due in [d for d in wanted & said.keys() if len(said[d]) > 1][:5]:
        lines.append(f"told twice: {due}: {sorted(said[due])}")
    return Found(lines, all(found <= most for _what, found, most in checks))


def _said(letters: Sequence[Letter]) -> dict[Due, set[str]]:
    """By which Message-IDs each thing was said to whom."""
    said: dict[Due, set[str]] = defaultdict(set)
    for letter in letters:
        for ref, reminder in letter.says:
            said[Due(letter.rcpt, ref, reminder)].add(letter.message_id)
    return said


def _kept(ground: Cluster, received: set[str]) -> list[tuple[str, int, int]]:
    """The database's own account."""
    sent = {str(row[0]) for row in ground.ask("SELECT mime_id FROM messages WHERE status = 'sent'")}
    unsent = ground.ask(
        "SELECT count(*) FROM notices n JOIN people p ON p.id = n.person_id"
        f" WHERE n.status <> 'sent' AND p.email NOT LIKE '%{COORDINATORS}'"
    )
    database = Database(ground.url)
    with database.read() as connection:
        broken = len(list(broken_histories(connection)))
    database.close()
    return [
        ("messages marked sent and not received", len(sent - received), 0),
        ("messages received and not marked sent", len(received - sent), 0),
        ("notices that are not marked sent", int(str(unsent[0][0])), 0),
        ("histories that do not verify", broken, 0),
    ]


def _decided(url: str) -> set[tuple[str, ...]]:
    """Every notice, and how often it was written into the history, by words and not by numbers."""
    database = Database(url)
    with database.read() as connection:
        rows = connection.execute(
            text(
                "SELECT a.ref, p.email, n.rung, n.kind, n.cause,"
                " (SELECT count(*) FROM events e WHERE e.action_id = a.id AND e.kind = 'notified')"
                " FROM notices n JOIN actions a ON a.id = n.action_id"
                f" JOIN people p ON p.id = n.person_id WHERE p.email NOT LIKE '%{COORDINATORS}'"
            )
        ).all()
    database.close()
    return {tuple(str(value) for value in row) for row in rows}


def _twin(shape: Shape, folder: Path) -> set[tuple[str, ...]]:
    """What one undisturbed sweep over the same plan decides, on SQLite."""
    url = f"sqlite:///{folder / 'twin.db'}"
    database = Database(url)
    upgrade(database)
    database.close()
    services = build(Settings(database_url=url))
    now = datetime.combine(shape.today, datetime.min.time(), UTC).replace(hour=12)
    for chunk in range(len(shape.numbers)):
        path = folder / f"twin-{chunk}.csv"
        write_chunk(shape, chunk, path)
        if take_in(services, path, None, now).errors:
            raise RuntimeError(f"{path} has errors")
    sweep(services, now)
    services.database.close()
    return _decided(url)
