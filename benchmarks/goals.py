"""What the design asks for (its section 12), beside what was measured."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from measure import Fact, Row

GROUNDS = ("SQLite", "PostgreSQL")


@dataclass(frozen=True, slots=True)
class Found:
    """What was measured of one goal, in words, and whether it is reached."""

    said: str
    reached: bool


@dataclass(frozen=True, slots=True)
class Goal:
    """One line of the design. `judge` says nothing where the rows for it were not measured."""

    figure: str
    to_reach: str
    judge: Callable[[Sequence[Row | Fact]], Found | None]


def compared(rows: Sequence[Row | Fact]) -> str:
    """The goals whose rows were measured, in Markdown."""
    lines = ["| figure | to reach | measured | reached |", "| --- | --- | --- | --- |"]
    for goal in GOALS:
        if found := goal.judge(rows):
            reached = "yes" if found.reached else "**no**"
            lines.append(f"| {goal.figure} | {goal.to_reach} | {found.said} | {reached} |")
    return "\n".join(lines)


def _rows(rows: Sequence[Row | Fact], figure: str, what: str) -> list[Row]:
    return [
        row
        for row in rows
        if isinstance(row, Row) and row.figure.startswith(figure) and row.what.startswith(what)
    ]


def _seconds_at_most(
    figure: str, what: str, limit: float
) -> Callable[[Sequence[Row | Fact]], Found | None]:
    def judge(rows: Sequence[Row | Fact]) -> Found | None:
        measured = _rows(rows, figure, what)
        if not measured:
            return None
        slowest = max(row.median_s for row in measured)
        several = ", ".join(f"{row.median_s:.4g} s" for row in measured)
        return Found(several + _beside(measured[0]), slowest <= limit)

    return judge


def _rate_at_least(
    figure: str, what: str, limit: float
) -> Callable[[Sequence[Row | Fact]], Found | None]:
    def judge(rows: Sequence[Row | Fact]) -> Found | None:
        measured = _rows(rows, figure, what)
        if not measured:
            return None
        rates = [row.items / row.median_s for row in measured]
        said = ", ".join(f"{rate:,.0f}/s" for rate in rates)
        return Found(said + _beside(measured[0]), max(rates) >= limit)

    return judge


def _ratio_at_most(
    figure: str, what: str, limit: float
) -> Callable[[Sequence[Row | Fact]], Found | None]:
    def judge(rows: Sequence[Row | Fact]) -> Found | None:
        for row in _rows(rows, figure, what):
            if row.reference:
                ratio = row.median_s / row.reference.median_s
                return Found(f"{ratio:.2f} x ({row.items / row.median_s:,.0f}/s)", ratio <= limit)
        return None

    return judge


def _growth_at_most(figure: str, limit: float) -> Callable[[Sequence[Row | Fact]], Found | None]:
    def judge(rows: Sequence[Row | Fact]) -> Found | None:
        measured = _rows(rows, figure, "sweep")
        if not measured:
            return None
        growth = measured[-1].median_s / measured[0].median_s
        times = " to ".join(f"{row.median_s:.3f} s" for row in (measured[0], measured[-1]))
        return Found(f"{growth:.2f} x ({times})", growth <= limit)

    return judge


def _memory_at_most(what: str, limit: float) -> Callable[[Sequence[Row | Fact]], Found | None]:
    def judge(rows: Sequence[Row | Fact]) -> Found | None:
        for fact in rows:
            if isinstance(fact, Fact) and fact.what.startswith(what):
                return Found(fact.said, float(fact.said.split()[0]) < limit)
        return None

    return judge


def _flat_memory(figure: str, limit: float) -> Callable[[Sequence[Row | Fact]], Found | None]:
    def judge(rows: Sequence[Row | Fact]) -> Found | None:
        peaks = [
            (row.items, max(sample.rss_mb or 0 for sample in row.samples))
            for row in _rows(rows, figure, "alkawari import")
        ]
        if not peaks:
            return None
        said = ", ".join(f"{peak:.0f} MB at {items:,}" for items, peak in peaks)
        return Found(said, peaks[-1][1] <= limit * peaks[0][1])

    return judge


def _page_at_most(ground: str, limit: float) -> Callable[[Sequence[Row | Fact]], Found | None]:
    def judge(rows: Sequence[Row | Fact]) -> Found | None:
        for row in _rows(rows, "100,000 actions", "all pages"):
            if f"({ground})" in row.figure and "beside the process" in row.figure:
                return Found(f"{row.median_s:.3f} s", row.median_s < limit)
        return None

    return judge


def _beside(row: Row) -> str:
    if row.reference is None:
        return ""
    return f" ({row.median_s / row.reference.median_s:.2f} x {row.reference.what})"


def _on_each(make: Callable[[str], Goal]) -> Iterator[Goal]:
    yield from (make(ground) for ground in GROUNDS)


GOALS: Sequence[Goal] = (
    Goal("reminder run, 10,000 actions, 200 people", "≤ 1.1 s",
         _seconds_at_most("reminder run, 1,000 due of 10,000", "sweep + deliver", 1.1)),
    Goal("the same, 10,000 people", "≥ 600 mails/s",
         _rate_at_least("reminder run, 10,000 due", "sweep + deliver", 600)),
    *_on_each(lambda name: Goal(f"sweep, 10,000 due of 1,000,000, {name}", "≤ 2 x set-based SQL",
                                _ratio_at_most(f"sweep, {name}", "sweep,", 2))),
    *_on_each(lambda name: Goal(f"1,000 due of 10,000 and of 1,000,000, {name}", "grows ≤ 1.6 x",
                                _growth_at_most(f"growth, {name}", 1.6))),
    *_on_each(lambda name: Goal(f"nothing due, 10,000 and 1,000,000, {name}", "< 5 ms, flat",
                                _seconds_at_most(f"nothing due, {name}", "sweep", 0.005))),
    Goal("delivery of finished messages, one connection", "≥ 60 % of raw bytes (1.67 x)",
         _ratio_at_most("delivery of", "our mailer", 1 / 0.6)),
    *_on_each(lambda name: Goal(f"`alkawari status`, 100,000 actions, {name}", "< 0.6 s",
                                _seconds_at_most(f"status of 100,000 actions ({name}",
                                                 "alkawari status", 0.6))),
    *_on_each(lambda name: Goal(f"pages, 100,000 actions, a sweep beside, {name}", "p95 < 0.1 s",
                                _page_at_most(name, 0.1))),
    Goal("memory of `alkawari up`, idle", "< 450 MB", _memory_at_most("idle", 450)),
    Goal("memory of `alkawari up`, sweeping", "< 600 MB", _memory_at_most("most while", 600)),
    *_on_each(lambda name: Goal(f"import, {name}", "≥ 5,000 rows/s",
                                _rate_at_least(f"import ({name}", "alkawari import", 5000))),
    *_on_each(lambda name: Goal(f"memory of the import, {name}", "flat (at most doubled)",
                                _flat_memory(f"import ({name}", 2))),
)  # fmt: skip
