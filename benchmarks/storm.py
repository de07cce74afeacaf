"""
Kills everything, again and again, while a programme runs, and reckons what people were told.

Two sweepers, four deliverers, an importer, `alkawari up` and two workers of a Prefect server work
on one PostgreSQL and write to one mail server; two of the deliverers and one sweeper reach the
database over a wire that is cut. Every few seconds chance kills one of them, a process of
PostgreSQL, all of PostgreSQL or the mail server, or fills the disk. Then it is quiet, and what was
received is held against what the plan says must be said.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from threading import Event, Thread

sys.path.insert(0, str(Path(__file__).resolve().parent))

import storm_ledger
from measure import ALKAWARI, machine
from storm_parts import Book, Cluster, Loop, cluster, free_port, small_disk
from storm_plan import Shape, write_background, write_chunk
from storm_post import Post
from wire import Wire

SENDER = "reminders@programme.example"
PREFECT = ALKAWARI.with_name("prefect")
SWEEPERS, DELIVERERS = 2, 4
LANES = 2
"""Deliveries that the Prefect workers run side by side."""

DISK_MB = 2000
# How often chance picks what. A mail server that is down costs half a minute each time, since the
# breaker waits; a server that starts over costs every command at once.
WEIGHTS = {
    "deliverer": 8.0, "sweeper": 4.0, "importer": 2.0, "up": 1.0,
    "PostgreSQL backend": 1.2, "PostgreSQL server": 0.6, "mail server": 0.9,
    "wire cut": 0.8, "frozen": 0.8, "disk full": 0.5, "Prefect server": 0.7, "Prefect worker": 2.0,
}  # fmt: skip
EVERY_S = (2.0, 5.0)
QUIET_S = 900.0
"""So long the loops may take, once nothing is killed any more, until nothing is left to do."""

LATER = (1, 3, 8, 20, 26, 30, 44, 52)
"""Hours after the storm at which what waits for its back-off or its day is handed over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line said."""

    minutes: float
    actions: int
    due: int
    seed: int
    latency: float
    up: int
    workers: int


class Storm:
    """The parts, and the hand that strikes them."""

    def __init__(self, options: Options, ground: Cluster, folder: Path) -> None:
        self.options, self.ground, self.folder = options, ground, folder
        self.chance = Random(options.seed)  # noqa: S311 - chance, not secrets
        self.book = Book()
        self.post = Post(folder / "ledger.jsonl", options.latency)
        self.wire = Wire(ground.port)
        self.shape = Shape(
            actions=options.actions, due=options.due, today=datetime.now(UTC).date(),
            chunks=max(2, round(options.minutes * 2)),
        )  # fmt: skip
        self.over = Event()
        self.loops: list[Loop] = []
        self.may_copy = 0
        """How many messages may have been under way when something was killed, in all."""
        self.prefect: Mapping[str, str] = {}
        if options.workers:
            self.prefect = {
                "ALKAWARI_PREFECT__API_URL": f"http://127.0.0.1:{free_port()}/api",
                "ALKAWARI_PREFECT__SERVER_DATABASE_URL": ground.server.create().replace(
                    "+psycopg", ""
                ),
            }

    # ------------------------------------------------------------------ before

    def prepare(self) -> None:
        """The database with everything that is not due, and the mail server."""
        path = self.folder / "background.csv"
        write_background(self.shape, path)
        self.post.start()
        setting_up = self._loop("setting up", 0, [])
        for command in (["init"], ["import", str(path), "--json"]):
            if setting_up.once(command):
                raise RuntimeError(f"{command[0]}: {self.book.refusals or self.book.odd}")
        if self.prefect:
            self._prepare_prefect(setting_up)

    def _prepare_prefect(self, setting_up: Loop) -> None:
        """The server by the variables that `deploy --server-env` says, and its deployments."""
        home = self.folder / "data-prefect"
        environment = {**self._environment(wired=False, number=0),
                       "ALKAWARI_DATA_FOLDER": str(home)}  # fmt: skip
        said = subprocess.run(
            [ALKAWARI, "deploy", "--server-env", "--json"], env={**os.environ, **environment},
            cwd=self.folder, check=True, capture_output=True, text=True,
        )  # fmt: skip
        server = Loop(
            "Prefect server", 0, ["server", "start"], json.loads(said.stdout), self.folder,
            self.book, lambda: 1.0, PREFECT,
        )  # fmt: skip
        self.loops.append(server)
        server.start()
        for _ in range(60):
            if setting_up.once(["deploy", "--lanes", str(LANES)]) == 0:
                return
            time.sleep(2)
        raise RuntimeError(f"deploy: {self.book.refusals}")

    def _environment(self, *, wired: bool, number: int) -> Mapping[str, str]:
        url = self.ground.url
        if wired:
            url = url.replace(f":{self.ground.port}/", f":{self.wire.port}/")
        return {
            "ALKAWARI_DATABASE_URL": url,
            "ALKAWARI_DATA_FOLDER": str(self.folder / f"data-{number}"),
            "ALKAWARI_MAIL__HOST": "127.0.0.1",
            "ALKAWARI_MAIL__PORT": str(self.post.port),
            "ALKAWARI_MAIL__SECURITY": "none",
            "ALKAWARI_MAIL__SENDER": SENDER,
            # Whatever the hour is: the storm is not about windows.
            "ALKAWARI_DELIVERY__OPENS": "00:00",
            "ALKAWARI_DELIVERY__CLOSES": "23:59",
            "ALKAWARI_DIGESTS__COORDINATOR": "never",
            "ALKAWARI_DIGESTS__MANAGER": "never",
            **self.prefect,
        }

    def _loop(
        self, role: str, number: int, arguments: list[str],
        pause: Callable[[], float] = lambda: 1.0, *, wired: bool = False,
    ) -> Loop:  # fmt: skip
        environment = self._environment(wired=wired, number=len(self.loops))
        return Loop(role, number, arguments, environment, self.folder, self.book, pause)

    # ------------------------------------------------------------------ the storm

    def rage(self) -> None:
        """Start everything and strike until the time is over."""
        pauses = Random(self.options.seed + 1)  # noqa: S311
        self.wire.heal()
        for n in range(SWEEPERS):
            pause = lambda: pauses.uniform(2, 5)  # noqa: E731 - said once
            self.loops.append(self._loop("sweeper", n, ["sweep", "--json"], pause, wired=n == 1))
        for n in range(DELIVERERS):
            pause = lambda: pauses.uniform(0.2, 2)  # noqa: E731
            self.loops.append(self._loop("deliverer", n, ["deliver", "--json"], pause,
                                         wired=n % 2 == 1))  # fmt: skip
        for n in range(self.options.up):
            self.loops.append(self._loop("up", n, ["up", "--port", "0"]))
        for n in range(self.options.workers):
            self.loops.append(self._loop("Prefect worker", n, ["worker"]))
        for loop in self.loops:
            if not loop.is_alive():
                loop.start()
        feeder = Thread(target=self._feed, name="feeder", daemon=True)
        feeder.start()
        self._strike()
        feeder.join()

    def _feed(self) -> None:
        """Hand the plan in, chunk by chunk, each until it was taken."""
        importer = self._loop("importer", 0, [])
        self.importer = importer
        share = self.options.minutes * 60 * 0.85 / self.shape.chunks
        began = time.monotonic()
        for chunk in range(len(self.shape.numbers)):
            self.over.wait(max(0.0, began + chunk * share - time.monotonic()))
            path = self.folder / f"chunk-{chunk}.csv"
            write_chunk(self.shape, chunk, path)
            while importer.once(["import", str(path), "--json"]):
                time.sleep(1)

    def _strike(self) -> None:
        until = time.monotonic() + self.options.minutes * 60
        told = time.monotonic()
        while time.monotonic() < until:
            time.sleep(self.chance.uniform(*EVERY_S))
            what = self.chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
            hit = self._hit(what)
            if hit:
                self.book.kills[what] += 1
                self.may_copy += hit
            if time.monotonic() - told > 30:
                told = time.monotonic()
                self._tell()
        self.over.set()

    def _hit(self, what: str) -> int:
        """Break one thing; how many messages may have been awaiting their reply, at most."""
        writers = self._writers()
        match what:
            case "PostgreSQL backend":
                return writers * self.ground.kill_backend(self.chance)
            case "PostgreSQL server":
                self.ground.restart(self.chance)
                return writers
            case "mail server":
                self.post.kill()
                time.sleep(self.chance.uniform(0.2, 3))
                self.post.start()
                return writers
            case "wire cut":
                self._cut()
                return DELIVERERS // 2
            case "frozen":
                return self._freeze()
            case "disk full":
                return writers * self.ground.fill_disk(self.chance.uniform(1, 5))
            case "Prefect worker":
                return LANES * self._kill_one(what)
            case "importer":
                importer = getattr(self, "importer", None)
                return int(importer is not None and importer.kill())
            case role:
                return int(self._kill_one(role))

    def _kill_one(self, role: str) -> bool:
        candidates = [loop for loop in self.loops if loop.role == role and loop.alive]
        return bool(candidates) and self.chance.choice(candidates).kill()

    def _writers(self) -> int:
        """How many may be writing to somebody now."""
        alive = [loop.role for loop in self.loops if loop.alive]
        lanes = LANES if "Prefect worker" in alive else 0
        return alive.count("deliverer") + alive.count("up") + lanes

    def _cut(self) -> None:
        """The network between some workers and the database: silent for a while, then gone."""
        self.wire.stall()
        time.sleep(self.chance.uniform(2, 12))
        self.wire.drop()
        time.sleep(self.chance.uniform(0.5, 5))
        self.wire.heal()

    def _freeze(self) -> int:
        """A deliverer that stands still, as long as a lease at times, and goes on."""
        candidates = [loop for loop in self.loops if loop.role == "deliverer" and loop.alive]
        if not candidates:
            return 0
        loop, seconds = self.chance.choice(candidates), self.chance.choice([2.0, 5.0, 75.0])
        if not loop.kill(signal.SIGSTOP):
            return 0

        def wake() -> None:
            time.sleep(seconds)
            loop.kill(signal.SIGCONT)

        Thread(target=wake, daemon=True).start()
        return 1

    def _tell(self) -> None:
        letters, _torn = self.post.received()
        print(f"  {sum(self.book.kills.values())} kills, {len(letters)} messages; {self._left()}",
              file=sys.stderr, flush=True)  # fmt: skip

    # ------------------------------------------------------------------ after

    def calm(self) -> float:
        """Kill nothing more; how long it took until nothing was left to do at once."""
        began = time.monotonic()
        while (left := self._left()) != storm_ledger.NOTHING_LEFT:
            if time.monotonic() - began > QUIET_S:
                print(f"not quiet after {QUIET_S:.0f} s: {left}", file=sys.stderr)
                break
            time.sleep(1)
        took = time.monotonic() - began
        for loop in self.loops:
            loop.end(now=loop.role not in {"sweeper", "deliverer"})
        for loop in self.loops:
            loop.join(120)
        return took

    def _left(self) -> storm_ledger.Left | None:
        return storm_ledger.left(self.ground)

    def hand_over_the_rest(self) -> None:
        """What waits for its back-off or for tomorrow, by a clock that is put forward."""
        rest = self._loop("afterwards", 0, [])
        now = datetime.now(UTC)
        for hours in LATER:
            at = (now + timedelta(hours=hours)).isoformat()
            for command in ("sweep", "deliver"):
                rest.once([command, "--json", "--as-of", at])
            if not storm_ledger.open_messages(self.ground):
                break

    def flow_runs(self) -> Mapping[str, int]:
        """What became of the runs that the Prefect server handed out."""
        if not self.prefect:
            return {}
        rows = self.ground.ask(
            "SELECT f.name || ' ' || lower(r.state_type::text), count(*) FROM flow_run r"
            " JOIN flow f ON f.id = r.flow_id WHERE r.state_type <> 'SCHEDULED' GROUP BY 1",
            self.prefect["ALKAWARI_PREFECT__SERVER_DATABASE_URL"],
        )
        return {str(name): int(str(count)) for name, count in rows}


def run(options: Options) -> bool:
    """One storm; prints its table, and says whether every promise was kept."""
    print(f"seed {options.seed}; {machine()}", flush=True)
    with tempfile.TemporaryDirectory(prefix="alkawari-storm-") as name:
        Path(name).chmod(0o755)  # so that PostgreSQL's own user finds its disk
        with small_disk(Path(name) / "disk", DISK_MB) as disk, cluster(disk) as ground:
            return _storm(options, ground, Path(name))


def _storm(options: Options, ground: Cluster, folder: Path) -> bool:
    storm = Storm(options, ground, folder)
    try:
        storm.prepare()
        print(f"prepared: {options.actions:,} actions", file=sys.stderr)
        storm.rage()
        quiet_s = storm.calm()
        storm.hand_over_the_rest()
        found = storm_ledger.reckon(
            ground, storm.post, storm.shape, folder, storm.may_copy, storm.book.odd
        )
        shares = storm_ledger.shares(ground, storm.book.role_of)
        flow_runs = storm.flow_runs()
    finally:
        for loop in storm.loops:
            loop.end()
            loop.kill()
        storm.post.kill()
        storm.wire.drop()
    print(_table(storm, found, quiet_s))
    print(f"\nWho handed the messages over: {_counted(shares)}")
    print(f"What became of Prefect's runs: {_counted(flow_runs)}")
    return found.whole


def _table(storm: Storm, found: storm_ledger.Found, quiet_s: float) -> str:
    kills: Counter[str] = storm.book.kills
    lines = ["", "| what was struck | times |", "|---|---|"]
    lines += [f"| {what} | {kills[what]} |" for what in WEIGHTS]
    lines += [f"| together | {sum(kills.values())} |", "", *found.lines]
    lines += ["", f"Quiet again {quiet_s:.0f} s after the last blow. {machine()}."]
    lines += ["", "Runs that came to their end: " + _counted(storm.book.runs)]
    lines += ["", "Runs that were refused, and what they said:", ""]
    lines += [f"- {count} times: {said}" for said, count in storm.book.refusals.most_common(25)]
    lines += ["", *(f"ODD: {text}" for text in storm.book.odd[:5])]
    return "\n".join(lines)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="storm", description=(__doc__ or "").strip())
    parser.add_argument("--minutes", type=float, default=10.0, help="how long it storms")
    parser.add_argument("--actions", type=int, default=100_000)
    parser.add_argument("--due", type=int, default=20_000, help="of which so many fall due")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    parser.add_argument("--latency", type=float, default=0.05, help="of the mail server, in s")
    parser.add_argument("--up", type=int, default=1, help="`alkawari up` beside the loops")
    parser.add_argument("--workers", type=int, default=2, help="`alkawari worker`; 0: no Prefect")
    parser.add_argument("--quick", action="store_true", help="a minute, a tenth of the size")
    given = parser.parse_args(words)
    smaller = 10 if given.quick else 1
    options = Options(
        minutes=given.minutes / smaller, actions=given.actions // smaller,
        due=given.due // smaller, seed=given.seed, latency=given.latency, up=given.up,
        workers=given.workers,
    )  # fmt: skip
    sys.exit(0 if run(options) else 1)


if __name__ == "__main__":
    main()
