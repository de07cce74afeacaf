"""While Prefect is being imported in a thread, pages and stories use the database as always."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from threading import Thread
from time import sleep

from sqlalchemy import select

from engine.action import State
from engine.clock import SystemClock
from engine.store.tables import actions, dialogues
from workflows.orchestrator import Orchestrator

ROOT = Path(__file__).parents[2]
SLOWLY_S = 0.005
"""So long each part of SQLAlchemy takes to load; on a busy machine the whole takes a second."""


class Slowly:
    """Asked first for every module; it knows none, and takes its time with SQLAlchemy's."""

    def find_spec(self, name, _path=None, _target=None):
        if name.startswith("sqlalchemy."):
            sleep(SLOWLY_S)


def build() -> None:
    """A statement of the kinds that failed: a state, an empty list, and a join."""
    wanted = select(actions.c.ref).join(dialogues, dialogues.c.id == actions.c.dialogue_id)
    str(wanted.where(actions.c.ref.not_in(()), actions.c.state == State.AGREED))


def script(home: Path) -> None:
    """Build statements until what Prefect brings in has been brought in by another thread."""
    Orchestrator(home, [], SystemClock())
    sys.meta_path.insert(0, Slowly())
    other = Thread(target=import_module, args=("prefect.server.database.orm_models",))
    other.start()
    built = 0
    while other.is_alive():
        build()
        built += 1
        other.join(SLOWLY_S / 5)
    print(built)


def test_statements_are_built_while_prefect_is_imported(tmp_path):
    run = subprocess.run(
        [sys.executable, __file__, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PREFECT_HOME": str(tmp_path)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) > 10


if __name__ == "__main__":
    script(Path(sys.argv[1]))
