"""
The flows as a worker that is not ours finds them, such as Prefect's own process worker.

Importing this module binds them to the settings of the environment (`ALKAWARI_CONFIG` and the
others), which are read when the first story begins.
"""

import os
import threading
from functools import cache
from pathlib import Path

from config.settings import load_settings
from config.wiring import Services, build
from engine.shard import Shard
from engine.store.revision import check
from workflows.flows import audit, bind_to, collect, deliver, digest, hooks, sweep
from workflows.service import stories
from workflows.timetable import Telling

__all__ = ["audit", "collect", "deliver", "digest", "hooks", "sweep"]


@cache
def _services() -> Services:
    given = os.environ.get("ALKAWARI_CONFIG")
    services = build(load_settings(Path(given) if given else None))
    check(services.database)
    return services


def telling(name: str, shard: str) -> Telling:
    """A telling of that story by the settings of this process."""
    services = _services()
    share = Shard.parse(shard) if shard else None
    found = {story.name: story for story in stories(services, threading.Event(), share)}
    return Telling(found[name], services.clock)


bind_to(telling)
