"""The sweep beside one hand-written set-based transaction that writes the same rows."""

import hashlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ground import Ground
from measure import ALKAWARI, Process, Row, Sample, in_turn, timed
from plenty import NOW, Size, fill, make_due
from sqlalchemy import select, text

from config.settings import Settings
from config.wiring import Services, build
from engine.ladder import DEFAULT
from engine.ladder_text import dump_ladder
from engine.store.database import Database
from engine.store.outbox_tables import notices
from engine.store.tables import actions, events, ladders
from workflows.sweep import sweep, sweep_batch

RUNGS = ("P2", "P3", "R1", "R1")

# The same days that the calendars give: see PLACES in plenty.py.
SET_BASED = (
    """
    CREATE TEMPORARY TABLE due AS
    SELECT id, dialogue_id, version + 1 AS seq, focal_id AS person_id,
           CASE due_on WHEN :p2_on THEN 'P2' WHEN :p3_on THEN 'P3' ELSE 'R1' END AS rung,
           CASE due_on WHEN :p2_on THEN 'courtesy' WHEN :p3_on THEN 'due_today'
                       ELSE 'reminder' END AS kind,
           CASE due_on WHEN :p2_on THEN 10 WHEN :p3_on THEN 20 ELSE 50 END AS urgency,
           CASE due_on WHEN :p2_on THEN :p3_at WHEN :p3_on THEN :r1_at
                       ELSE :r2_at END AS next_at
    FROM actions WHERE next_check_at <= :now
    """,
    """
    INSERT INTO ladders (sha256, name, text) VALUES (:digest, 'default', :ladder)
    ON CONFLICT (sha256) DO NOTHING
    """,
    """
    INSERT INTO events (action_id, seq, kind, at, "by", payload, hash)
    SELECT id, seq, 'notified', :now, 'sweep',
           '{"notices":["' || rung || ':' || person_id || '"],"passed_over":["P1:' || person_id
           || CASE rung WHEN 'P2' THEN '' ELSE '","P2:' || person_id END
           || CASE rung WHEN 'R1' THEN '","P3:' || person_id ELSE '' END || '"],"set":{"ladder_id":'
           || (SELECT id FROM ladders WHERE sha256 = :digest) || '}}', :hash
    FROM due
    """,
    """
    INSERT INTO notices (key, action_id, dialogue_id, person_id, kind, rung, cause, status,
                         urgency, created_at, due_at)
    SELECT id || ':e1:' || rung || ':' || person_id, id, dialogue_id, person_id, kind, rung, 'e1',
           'pending', urgency, :now, :now
    FROM due WHERE true
    ON CONFLICT (key) DO NOTHING
    """,
    """
    UPDATE actions SET version = due.seq, head_hash = :hash, next_check_at = due.next_at,
           ladder_id = (SELECT id FROM ladders WHERE sha256 = :digest)
    FROM due WHERE due.id = actions.id
    """,
    "DROP TABLE due",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Base:
    """A filled database that is copied for every run."""

    url: str
    size: Size
    due: int


def rows(ground: Ground, total: int, due: int, runs: int) -> Iterator[Row]:
    """`due` of `total`; growth; nothing due."""
    sizes = sorted({10_000, max(10_000, total // 10), total})
    small = min(1_000, due)
    for size in sizes:
        url = _filled(ground, size)
        if size == total:
            yield from _beside_sql(ground, _with_due(ground, url, size, due), runs)
        base = _with_due(ground, url, size, small)
        found = in_turn(runs, {"sweep": lambda base=base: _swept(ground, base)})
        yield Row(
            figure=f"growth, {ground.name}", what=f"sweep, {small:,} due of {size:,}",
            samples=found["sweep"], items=small,
        )  # fmt: skip
        ground.drop(base.url)
        if size in {sizes[0], sizes[-1]}:
            yield _idle(ground, url, size)
        ground.drop(url)


def several(ground: Ground, total: int, due: int, runs: int) -> Iterator[Row]:
    """The same work by one, two and four sweeps at once, with and without shares."""
    url = _filled(ground, total)
    base = _with_due(ground, url, total, due)
    ground.drop(url)
    contenders = {"1 sweep": [""]}
    for count in (2, 4):
        contenders[f"{count} sweeps"] = [""] * count
        contenders[f"{count} sweeps, each its share"] = [
            f"--shard={number}/{count}" for number in range(1, count + 1)
        ]
    found = in_turn(
        runs,
        {name: lambda shards=shards: _at_once(ground, base, shards)
         for name, shards in contenders.items()},
    )  # fmt: skip
    ground.drop(base.url)
    reference: Row | None = None
    for name, samples in found.items():
        row = Row(
            figure=f"several sweeps, {ground.name}, {due:,} due of {total:,}", what=name,
            samples=samples, items=due, reference=reference,
        )  # fmt: skip
        reference = reference or row
        yield row


def _at_once(ground: Ground, base: Base, shards: list[str]) -> Sample:
    url = ground.copy(base.url)
    commands = [["sweep", *([shard] if shard else [])] for shard in shards]
    said = at_once({"ALKAWARI_DATABASE_URL": url}, commands)
    database = Database(url)
    _expect(database, base.due)
    database.close()
    ground.drop(url)
    if sum(each["notices"] for each in said) != base.due:
        raise RuntimeError(f"{said} do not add up to {base.due}")
    return Sample(wall_s=max(each["elapsed_s"] for each in said))


def at_once(environment: dict[str, str], commands: list[list[str]]) -> list[dict[str, Any]]:
    """These commands at the same time; what each said, with the seconds that its story took."""
    work = Process(environment=environment)
    processes = [
        subprocess.Popen(
            [str(ALKAWARI), *command, f"--as-of={NOW.isoformat()}", "--json"],
            env=work.inherited(), stdout=subprocess.PIPE, text=True,
        )
        for command in commands
    ]  # fmt: skip
    said = [process.communicate()[0] for process in processes]
    if any(process.returncode for process in processes):
        raise RuntimeError(f"one of {commands} failed")
    return [json.loads(text) for text in said]


def _filled(ground: Ground, total: int) -> str:
    url = ground.new()
    database = Database(url)
    fill(database, Size(actions=total))
    database.close()
    return url


def _with_due(ground: Ground, url: str, total: int, due: int) -> Base:
    other = ground.copy(url)
    database = Database(other)
    make_due(database, Size(actions=total), due, RUNGS)
    database.close()
    return Base(other, Size(actions=total), due)


def _beside_sql(ground: Ground, base: Base, runs: int) -> Iterator[Row]:
    _check_alike(ground, base)
    found = in_turn(
        runs,
        {
            "set-based SQL": lambda: _set_based(ground, base),
            "sweep": lambda: _swept(ground, base),
        },
    )
    of = f"{base.due:,} due of {base.size.actions:,}"
    reference = Row(
        figure=f"sweep, {ground.name}", what=f"set-based SQL, {of}",
        samples=found["set-based SQL"], items=base.due,
    )  # fmt: skip
    yield reference
    yield Row(
        figure=reference.figure, what=f"sweep, {of}", samples=found["sweep"], items=base.due,
        reference=reference,
    )  # fmt: skip
    ground.drop(base.url)


def _swept(ground: Ground, base: Base) -> Sample:
    with _copied(ground, base) as (services, _url):
        sample = timed(lambda: sweep(services, NOW))
        _expect(services.database, base.due)
    return sample


def _set_based(ground: Ground, base: Base) -> Sample:
    with _copied(ground, base) as (services, _url):
        sample = timed(lambda: _run_sql(services.database))
        _expect(services.database, base.due)
    return sample


def _run_sql(database: Database) -> None:
    instant = _instants(database)
    ladder = dump_ladder(DEFAULT)
    given: dict[str, Any] = {
        **instant,
        "p2_on": "2026-11-30", "p3_on": "2026-11-25",
        "ladder": ladder, "digest": hashlib.sha256(ladder.encode()).digest(), "hash": bytes(32),
    }  # fmt: skip
    with database.write() as connection:
        for statement in SET_BASED:
            if not database.sqlite:
                statement = _typed(statement)  # noqa: PLW2901
            wanted = {name: value for name, value in given.items() if f":{name}" in statement}
            connection.execute(text(statement), wanted)
    database.checkpoint()


def _typed(statement: str) -> str:
    """PostgreSQL wants to know the type of a bare parameter."""
    for name in ("p3_at", "r1_at", "r2_at", "now"):
        statement = statement.replace(f":{name}", f"CAST(:{name} AS timestamptz)")
    for name in ("p2_on", "p3_on"):
        statement = statement.replace(f":{name}", f"CAST(:{name} AS date)")
    return statement


def _instants(database: Database) -> dict[str, Any]:
    tail = ".000000" if database.sqlite else "+00"
    return {
        "now": f"2026-11-25 10:00:00{tail}",
        "p3_at": f"2026-11-30 00:00:00{tail}",
        "r1_at": f"2026-11-30 00:00:00{tail}",
        "r2_at": f"2026-12-04 00:00:00{tail}",
    }


class _copied:  # noqa: N801 - reads as a verb
    """A fresh copy of a database, opened, with one read done; gone afterwards."""

    def __init__(self, ground: Ground, base: Base) -> None:
        self.ground, self.url = ground, ground.copy(base.url)

    def __enter__(self) -> tuple[Services, str]:
        self.services = build(Settings(database_url=self.url))
        with self.services.database.read() as connection:
            connection.execute(select(actions.c.id).limit(1)).all()
        return self.services, self.url

    def __exit__(self, *_: object) -> None:
        self.services.database.close()
        self.ground.drop(self.url)


def _expect(database: Database, count: int) -> None:
    with database.read() as connection:
        found = len(connection.execute(select(notices.c.id)).all())
    if found != count:
        raise RuntimeError(f"{found} notices were written instead of {count}")


def _check_alike(ground: Ground, base: Base) -> None:
    """Both contenders write the same notices, events and columns, but for the hashes."""
    seen = []
    for work in (lambda s: sweep(s, NOW), lambda s: _run_sql(s.database)):
        with _copied(ground, base) as (services, _url):
            work(services)
            seen.append(_written(services.database))
    for ours, theirs in zip(*seen, strict=True):
        if ours != theirs:
            odd = next(pair for pair in zip(ours, theirs, strict=False) if pair[0] != pair[1])
            raise RuntimeError(f"the sweep and the SQL wrote different rows, such as {odd}")


def _written(database: Database) -> tuple[list[tuple[Any, ...]], ...]:
    n, e, a = notices.c, events.c, actions.c
    queries = (
        select(n.key, n.action_id, n.dialogue_id, n.person_id, n.kind, n.rung, n.cause, n.status,
               n.urgency, n.created_at, n.due_at, n.closed_at, n.outcome).order_by(n.key),
        select(e.action_id, e.seq, e.kind, e.at, e.by, e.payload).where(e.seq > 1)
        .order_by(e.action_id),
        select(a.id, a.version, a.next_check_at, ladders.c.sha256)
        .join(ladders, ladders.c.id == a.ladder_id).order_by(a.id),
    )  # fmt: skip
    with database.read() as connection:
        return tuple([tuple(row) for row in connection.execute(query)] for query in queries)


def _idle(ground: Ground, url: str, total: int) -> Row:
    """What a sweep costs that finds nothing: one batch, after a first one has warmed up."""
    services = build(Settings(database_url=url))
    sweep_batch(services, NOW)
    samples = tuple(timed(lambda: sweep_batch(services, NOW)) for _ in range(50))
    services.database.close()
    return Row(
        figure=f"nothing due, {ground.name}", what=f"sweep, 0 due of {total:,}", samples=samples
    )
