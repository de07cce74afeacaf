"""A year of `alkawari rehearse`, and how often rehearsal and reality agree."""

import json
import sys
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from ground import Files
from measure import ALKAWARI, ROOT, Process, Row, Sample
from plenty import NOW, TODAY, Size, fill
from sqlalchemy import bindparam

from engine.action import State
from engine.store.database import Database
from engine.store.tables import actions

YEAR = 365
UNTIL = f"--until={(TODAY + timedelta(days=YEAR)).isoformat()}"


def year(files: Files, size: Size, runs: int) -> Iterator[Row]:
    """Everything that would be said about so many actions within a year, whole processes."""
    url = files.new()
    database = Database(url)
    fill(database, size)
    _strew(database, size)
    database.close()
    process = Process(environment={"ALKAWARI_DATABASE_URL": url}, memory=True)
    said: list[int] = []

    def rehearsed() -> Sample:
        at = f"--as-of={NOW.isoformat()}"
        sample = process.run(ALKAWARI, "rehearse", UNTIL, at, "--json")
        said.append(len(json.loads(process.said)))
        return sample

    samples = [rehearsed() for _ in range(runs)]
    if len(set(said)) != 1 or not said[0]:
        raise RuntimeError(f"rehearsals of one plan differ: {said}")
    yield Row(
        figure=f"a year of {size.actions:,} actions, {size.people:,} people",
        what="alkawari rehearse --json, lines", samples=samples, items=said[0],
    )  # fmt: skip


def agreement(lives: int) -> Iterator[Row]:
    """Half years with random answers, lived and rehearsed; it fails at the first other line."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "integration")]
    from measure import timed
    from test_rehearse_reality import DAYS, live_through, reality

    lines, samples = 0, []
    for seed in range(100, 100 + lives):
        seen: list[int] = []

        def live(seed: int = seed, seen: list[int] = seen) -> None:
            with tempfile.TemporaryDirectory() as folder:
                url = f"sqlite:///{Path(folder) / 'real.db'}"
                with reality(Path(folder), url) as real:
                    seen.append(live_through(real, seed, DAYS))

        samples.append(timed(live))
        lines += seen[0]
        print(f"  seed {seed}: {seen[0]} lines agree", file=sys.stderr, flush=True)
    yield Row(
        figure=f"{lives} half years with random answers",
        what=f"{lines:,} lines, rehearsed as they happened", samples=samples,
    )  # fmt: skip


def _strew(database: Database, size: Size) -> None:
    """Have every action that is owed fall due on some day of the year."""
    rows = [
        {"b_id": number, "day": TODAY + timedelta(days=number * 37 % YEAR), "at": NOW}
        for number in range(1, size.actions + 1)
    ]
    with database.write() as connection:
        state = actions.c.state
        owed = (state == State.AGREED.value) | (state == State.IN_PROGRESS.value)
        connection.execute(
            actions.update()
            .where(actions.c.id == bindparam("b_id"), owed)
            .values(
                due_on=bindparam("day"), original_due_on=bindparam("day"),
                next_check_at=bindparam("at"),
            ),
            rows,
        )  # fmt: skip
    database.checkpoint()
