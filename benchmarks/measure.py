"""Runs contenders in turn and says how long each took, with its spread and its reference."""

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from time import perf_counter

ROOT = Path(__file__).resolve().parent.parent
ALKAWARI = Path(sys.executable).parent / "alkawari"

_FOLDER = tempfile.TemporaryDirectory(prefix="alkawari-bench-data-")
"""The data folder of every command, in which one finds what another read of the holidays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One run: the seconds that count, and what the processes of it used."""

    wall_s: float
    cpu_s: float | None = None
    rss_mb: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """
    The runs of one contender.

    `items` is how many things one run handled, for the rate. `reference` is the row of the same
    runs that this one is compared with.
    """

    figure: str
    what: str
    samples: Sequence[Sample]
    items: int = 0
    reference: "Row | None" = None

    @property
    def median_s(self) -> float:
        return statistics.median(sample.wall_s for sample in self.samples)

    def cells(self) -> tuple[str, ...]:
        walls = [sample.wall_s for sample in self.samples]
        cpu = [sample.cpu_s for sample in self.samples if sample.cpu_s is not None]
        rss = [sample.rss_mb for sample in self.samples if sample.rss_mb is not None]
        ratio = f"{self.median_s / self.reference.median_s:.2f}" if self.reference else ""
        return (
            self.figure,
            self.what,
            _seconds(self.median_s),
            f"{_seconds(min(walls))} to {_seconds(max(walls))}",
            str(len(walls)),
            f"{self.items / self.median_s:,.0f}" if self.items else "",
            ratio,
            _seconds(statistics.median(cpu)) if cpu else "",
            f"{max(rss):.0f}" if rss else "",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something that is no time: how large, how many."""

    figure: str
    what: str
    said: str

    def cells(self) -> tuple[str, ...]:
        return (self.figure, self.what, self.said, "", "", "", "", "", "")


HEADINGS = ("figure", "what", "median s", "fastest to slowest", "runs", "per s", "to reference",
            "CPU s", "peak MB")  # fmt: skip


def table(rows: Sequence[Row | Fact]) -> str:
    """The rows in Markdown."""
    lines = [HEADINGS, tuple("---" for _ in HEADINGS), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def in_turn(
    runs: int, contenders: Mapping[str, Callable[[], Sample]]
) -> dict[str, tuple[Sample, ...]]:
    """
    Each contender `runs` times, one after the other, and every second round backwards.

    So a machine that grows slower or faster meanwhile favours nobody. A first round, which warms
    caches, does not count.
    """
    found: dict[str, list[Sample]] = {name: [] for name in contenders}
    for run in contenders.values():
        run()
    for number in range(runs):
        names = list(contenders) if number % 2 == 0 else list(reversed(contenders))
        for name in names:
            found[name].append(contenders[name]())
            print(f"  {name}: {found[name][-1].wall_s:.3f} s", file=sys.stderr, flush=True)
    return {name: tuple(samples) for name, samples in found.items()}


def timed(work: Callable[[], object]) -> Sample:
    """One call in this process."""
    cpu, wall = os.times(), perf_counter()
    work()
    wall_s, after = perf_counter() - wall, os.times()
    return Sample(wall_s=wall_s, cpu_s=after.user + after.system - cpu.user - cpu.system)


@dataclass(slots=True)
class Process:
    """
    Whole processes, from their start to their end; `said` is the last one's stdout.

    With `memory` the peak is asked for while one runs: what the system says of it afterwards
    includes the process that started it.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    memory: bool = False
    said: str = ""

    def inherited(self) -> dict[str, str]:
        """The environment of a process: ours without our settings, and its own."""
        ours = {k: v for k, v in os.environ.items() if not k.startswith(("ALKAWARI_", "PY"))}
        return ours | {"ALKAWARI_DATA_FOLDER": _FOLDER.name} | dict(self.environment)

    def run(self, *command: str | Path) -> Sample:
        """One process; RuntimeError if it fails."""
        wall = perf_counter()
        with subprocess.Popen(
            [str(part) for part in command],
            env=self.inherited(),
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        ) as process:
            over, peaks = Event(), [0.0]
            watcher = Thread(target=_watch, args=(process.pid, over, peaks))
            if self.memory:
                watcher.start()
            self.said = process.stdout.read() if process.stdout else ""
            over.set()
            _pid, code, usage = os.wait4(process.pid, 0)
            wall_s = perf_counter() - wall
            process.returncode = os.waitstatus_to_exitcode(code)
        if process.returncode:
            raise RuntimeError(f"{' '.join(map(str, command))} ended with {process.returncode}")
        return Sample(
            wall_s=wall_s,
            cpu_s=usage.ru_utime + usage.ru_stime,
            rss_mb=max(peaks) if self.memory else None,
        )


def _watch(pid: int, over: Event, peaks: list[float]) -> None:
    status = Path(f"/proc/{pid}/status")
    while not over.wait(0.05):
        with suppress(OSError, ValueError):
            said = dict(line.split(":", 1) for line in status.read_text().splitlines())
            peaks.append(int(said.get("VmHWM", "0 kB").split()[0]) / 1024)


def added(samples: Sequence[Sample]) -> Sample:
    """Runs one after the other as one: times add up, memory does not."""
    return Sample(
        wall_s=sum(sample.wall_s for sample in samples),
        cpu_s=sum(sample.cpu_s or 0.0 for sample in samples),
        rss_mb=max((s.rss_mb for s in samples if s.rss_mb is not None), default=None),
    )


def machine() -> str:
    """What the figures were taken on, in one line."""
    cores = len(os.sched_getaffinity(0))
    load = ", ".join(f"{number:.2f}" for number in os.getloadavg())
    return f"{cores} cores, load {load}, Python {sys.version.split()[0]}"


def _seconds(value: float) -> str:
    return f"{value:.4f}" if value < 0.1 else f"{value:.2f}"
