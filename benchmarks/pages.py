"""Pages at a hundred thousand actions: twenty requests a second while sweeps run."""

import asyncio
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from time import perf_counter

import httpx
from ground import Ground
from measure import ALKAWARI, Process, Row, Sample
from plenty import DUE_ON, NOW, Size, fill, make_due
from sqlalchemy import insert, select, update

from config.settings import Settings
from config.wiring import Services, build
from engine.clock import SystemClock
from engine.party import Role
from engine.store.database import Database
from engine.store.tables import actions, roles
from web.app import new_app
from web.front import add_front, add_rest
from web.serve import Face, address, listen
from workflows.signing_in import link_for
from workflows.sweep import sweep

PATHS = (
    "/", "/actions", "/actions?condition=overdue", "/actions?text=market+lamp",
    "/actions?text=nowhere", "/board", "/dashboard", "/actions/REF",
)  # fmt: skip
RATE = 20
WHO = ("desk-1", "desk-2")
"""Two coordinators; we make the first one a manager of the whole programme as well."""

RUNGS = ("R1", "P3", "P2")
AT = f"--as-of={NOW.isoformat()}"
BESIDE, WITHIN = "beside", "within"
"""Where sweeps run: in a process of their own, or in that of the pages, as in `alkawari up`."""

NOISY = 20.0
"""After so many seconds a request counts as not answered."""


class _Standing:
    """The clock of the programme: it is always NOW."""

    def now(self) -> datetime:
        return NOW


@dataclass(slots=True)
class _Visits:
    """What came of the requests: seconds by path, and what was no good answer."""

    took: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


def under_load(ground: Ground, total: int, seconds: int) -> Iterator[Row]:
    """
    The 95th percentile of each page, with median, 99th and errors beside it.

    A time counts from when the request was to leave, so that one that waits its turn is not
    taken for a quick one.
    """
    url, size = ground.new(), Size(actions=total)
    database = Database(url)
    fill(database, size)
    with database.write() as connection:
        manager = {"person_id": size.people + 1, "role": Role.MANAGER, "dialogue_id": None}
        connection.execute(insert(roles), [manager])
    make_due(database, size, total // 10, RUNGS[:1])
    refs = _refs(database)
    database.close()
    try:
        for where in (None, BESIDE, WITHIN):
            with _served(url) as server:
                sweeps = _Sweeps(url, where, server)
                visits = asyncio.run(_visit(server.base, server.links, refs, seconds, sweeps.start))
                number = sweeps.stop()
            if where and not number:
                raise RuntimeError("no sweep ended meanwhile")
            beside = f"{number} sweeps {where} the process" if where else "no sweep"
            yield from _rows(f"{total:,} actions, {RATE}/s, {beside} ({ground.name})", visits)
    finally:
        ground.drop(url)


def _rows(figure: str, visits: _Visits) -> Iterator[Row]:
    every = [one for of_path in visits.took.values() for one in of_path]
    wrong = sum(len(found) for found in visits.errors.values())
    yield _row(figure, "all pages", every, wrong)
    for path in PATHS:
        yield _row(figure, path, visits.took[path], len(visits.errors[path]))
    for path, found in visits.errors.items():
        if found:
            print(f"  {path}: {', '.join(sorted(set(found)))}", file=sys.stderr)


def _row(figure: str, path: str, times: Sequence[float], wrong: int) -> Row:
    at = sorted(times) or [NOISY]
    p50, p95, p99 = (at[min(len(at) - 1, int(share * len(at)))] for share in (0.5, 0.95, 0.99))
    said = f"p95 of {len(times)}; p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, {wrong} errors"
    return Row(figure=figure, what=f"{path}: {said}", samples=[Sample(wall_s=p95)])


async def _visit(
    base: str,
    links: Sequence[str],
    refs: Mapping[str, Sequence[str]],
    seconds: int,
    begin: Callable[[], None],
) -> _Visits:
    """Requests leave at their times whether the one before is answered or not."""
    visits = _Visits()
    limits = httpx.Limits(max_connections=100)
    clients = [httpx.AsyncClient(base_url=base, timeout=NOISY, limits=limits) for _ in links]
    for client, link in zip(clients, links, strict=True):
        await client.post(link)
        for path in PATHS:  # what is read once for all is not what is measured
            await client.get(path.replace("REF", refs[WHO[0]][0]))
    begin()
    start = perf_counter()

    async def one(number: int) -> None:
        due, path = start + number / RATE, PATHS[number % len(PATHS)]
        who = number // len(PATHS) % len(clients)
        some = refs[WHO[who]]
        await asyncio.sleep(max(0.0, due - perf_counter()))
        try:
            answer = await clients[who].get(path.replace("REF", some[number % len(some)]))
        except httpx.HTTPError as error:
            visits.errors[path].append(type(error).__name__)
            return
        if answer.status_code != httpx.codes.OK:
            visits.errors[path].append(str(answer.status_code))
        visits.took[path].append(perf_counter() - due)

    await asyncio.gather(*(one(number) for number in range(RATE * seconds)))
    for client in clients:
        await client.aclose()
    return visits


class _Sweeps:
    """Sweeps of a tenth of the actions, one after the other until `stop`."""

    def __init__(self, url: str, where: str | None, server: "_Server") -> None:
        self._url, self._where, self._server = url, where, server
        self._done, self._swept = threading.Event(), 0
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        if self._where:
            self._thread.start()

    def stop(self) -> int:
        """How many there were."""
        self._done.set()
        if self._where:
            self._thread.join()
        return self._swept

    def _run(self) -> None:
        process = Process(environment={"ALKAWARI_DATABASE_URL": self._url})
        database = Database(self._url)
        while not self._done.is_set():
            self._due_again(database)
            if self._where == BESIDE:
                process.run(ALKAWARI, "sweep", AT, "--json")
            else:
                self._server.sweep()
            self._swept += 1
        database.close()

    def _due_again(self, database: Database) -> None:
        """Have the actions that are due reach another rung: one quick statement, as is no sweep."""
        day = DUE_ON[RUNGS[(self._swept + 1) % len(RUNGS)]]
        with database.write() as connection:
            connection.execute(
                update(actions)
                .where(actions.c.due_on.in_(DUE_ON.values()))
                .values(due_on=day, original_due_on=day, next_check_at=NOW)
            )


@dataclass(slots=True)
class _Server:
    """The pages in a process of their own, which sweeps when it is told to."""

    process: subprocess.Popen[str]
    base: str
    links: list[str]

    def sweep(self) -> None:
        assert self.process.stdin is not None  # noqa: S101 - asked for below
        assert self.process.stdout is not None  # noqa: S101
        self.process.stdin.write("sweep\n")
        self.process.stdin.flush()
        if self.process.stdout.readline() != "swept\n":
            raise RuntimeError("the sweep beside the pages failed")


@contextmanager
def _served(url: str) -> Iterator[_Server]:
    process = subprocess.Popen(
        [sys.executable, __file__, url],
        stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None  # noqa: S101 - asked for above
    try:
        base, *links = process.stdout.readline().split()
        yield _Server(process, base, links)
    finally:
        process.communicate("", timeout=60)


def _refs(database: Database) -> dict[str, list[str]]:
    """Actions of each coordinator's own dialogue."""
    with database.read() as connection:
        return {
            who: list(
                connection.scalars(
                    select(actions.c.ref).where(actions.c.dialogue_id == number).limit(97)
                )
            )
            for number, who in enumerate(WHO, 1)
        }


def serve(url: str) -> None:
    """The pages as `alkawari up` has them, until the input ends; "sweep" on a line sweeps."""
    services = build(Settings.model_construct(database_url=url), clock=_Standing())
    app = new_app()
    entrance, _sign_in = add_front(app, services)
    add_rest(entrance)
    with listen("127.0.0.1", 0) as listener:
        face = Face(app, listener)
        face.start()
        links = [link_for(services, who, SystemClock().now()) for who in WHO]
        print(address(listener), *links, flush=True)
        for _line in sys.stdin:
            _sweep(services)
            print("swept", flush=True)
        face.stop(2)


def _sweep(services: Services) -> None:
    thread = threading.Thread(target=sweep, args=(services, NOW))  # as the timetable does
    thread.start()
    thread.join()


if __name__ == "__main__":
    serve(sys.argv[1])
