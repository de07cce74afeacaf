"""Pages at a hundred thousand actions: twenty requests a second while sweeps run beside them."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from time import perf_counter

import httpx
from ground import Ground
from measure import ALKAWARI, Process, Row, Sample
from plenty import NOW, Size, fill, make_due
from sqlalchemy import insert

from config.settings import Settings
from config.wiring import build
from engine.clock import SystemClock
from engine.party import Role
from engine.store.database import Database
from engine.store.tables import roles
from web.app import new_app
from web.front import add_front, add_rest
from web.serve import Face, address, listen
from workflows.signing_in import link_for

PATHS = ("/dashboard", "/actions", "/")
RATE = 20
WHO = "desk-1"
"""The coordinator of one dialogue, whom we make a manager of the whole programme as well."""

RUNGS = (("R1",), ("P3",), ("P2",))
AT = f"--as-of={NOW.isoformat()}"


class _Standing:
    """The clock of the programme: it is always NOW."""

    def now(self) -> datetime:
        return NOW


def under_load(ground: Ground, total: int, seconds: int) -> Iterator[Row]:
    """Median, 95th and 99th percentile of each page; a page that is no 200 ends the benchmark."""
    url, size = ground.new(), Size(actions=total)
    database = Database(url)
    fill(database, size)
    with database.write() as connection:
        manager = {"person_id": size.people + 1, "role": Role.MANAGER, "dialogue_id": None}
        connection.execute(insert(roles), [manager])
    database.close()
    server = subprocess.Popen(
        [sys.executable, __file__, url], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None  # noqa: S101 - asked for above
        base, link = server.stdout.readline().split()
        done, swept = threading.Event(), [0]
        sweeper = threading.Thread(target=_sweeps, args=(url, size, done, swept))
        took = asyncio.run(_visit(base, link, seconds, sweeper.start))
        done.set()
        sweeper.join()
    finally:
        server.communicate("", timeout=20)
        ground.drop(url)
    if not swept[0]:
        raise RuntimeError("no sweep ended meanwhile")
    figure = f"pages of {total:,} actions, {RATE} requests/s, {swept[0]} sweeps ({ground.name})"
    every = [one for of_path in took.values() for one in of_path]
    for path, times in (*took.items(), ("all of them", every)):
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
            at = sorted(times)[min(len(times) - 1, int(share * len(times)))]
            what = f"{path}: {name} of {len(times)}"
            yield Row(figure=figure, what=what, samples=[Sample(wall_s=at)])


async def _visit(
    base: str, link: str, seconds: int, begin: Callable[[], None]
) -> dict[str, list[float]]:
    """Requests leave at their times whether the one before is answered or not."""
    took: dict[str, list[float]] = {path: [] for path in PATHS}
    async with httpx.AsyncClient(base_url=base, timeout=60, limits=httpx.Limits()) as client:
        await client.post(link)
        for path in PATHS:
            began = perf_counter()
            (await client.get(path)).raise_for_status()
            print(f"  first {path}: {perf_counter() - began:.3f} s", file=sys.stderr)
        begin()
        start = perf_counter()

        async def one(number: int) -> None:
            due, path = start + number / RATE, PATHS[number % len(PATHS)]
            await asyncio.sleep(max(0.0, due - perf_counter()))
            answer = await client.get(path)
            if answer.status_code != httpx.codes.OK:
                raise RuntimeError(f"{path}: {answer.status_code}")
            took[path].append(perf_counter() - due)

        await asyncio.gather(*(one(number) for number in range(RATE * seconds)))
    return took


def _sweeps(url: str, size: Size, done: threading.Event, swept: list[int]) -> None:
    process, number = Process(environment={"ALKAWARI_DATABASE_URL": url}), 0
    while not done.is_set():
        database = Database(url)
        make_due(database, size, size.actions // 10, RUNGS[number % len(RUNGS)])
        database.close()
        process.run(ALKAWARI, "sweep", AT, "--json")
        number += 1
        swept[0] = number


def serve(url: str) -> None:
    """The pages as `alkawari up` has them, in a process of their own, until its input ends."""
    settings = Settings.model_construct(database_url=url)
    services = build(settings, clock=_Standing())
    app = new_app()
    entrance, _sign_in = add_front(app, services)
    add_rest(entrance)
    with listen("127.0.0.1", 0) as listener:
        face = Face(app, listener)
        face.start()
        print(address(listener), link_for(services, WHO, SystemClock().now()), flush=True)
        sys.stdin.read()
        face.stop(2)


if __name__ == "__main__":
    serve(sys.argv[1])
