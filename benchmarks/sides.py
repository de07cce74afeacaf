"""Half a year of the sample programme in virtual time, and how each side was treated in it."""

import sys
import tempfile
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from measure import ROOT, Row, timed
from sqlalchemy import select

from engine.store.calls import open_calls
from engine.store.outbox_tables import NoticeStatus, notices
from engine.store.tables import actions

START, DAYS = date(2026, 1, 5), 180
PICTURE = ROOT / "docs" / "fairness.png"
MONTH = 30


class TakesAll:
    """A mail server that takes everything."""

    def deliver(self, envelope):
        from notifications.envelope import Outcome, Phase, Result

        del envelope
        return Result(outcome=Outcome.SENT, phase=Phase.DOT, code=250, text="taken")

    def close(self):
        pass


@dataclass
class Lived:
    """The figures at the end of each month, and what was said to coordinators."""

    months: list
    warned: list[str]
    refused: int = 0


def rows() -> Iterator[Row]:
    """Live it once; prints the tables and draws the picture."""
    seen: list[Lived] = []
    with tempfile.TemporaryDirectory() as folder:
        sample = timed(lambda: seen.append(live(Path(folder))))
    [lived] = seen
    print(months(lived))
    PICTURE.write_bytes(picture(lived))
    said = ", ".join(f"{count} {what}" for what, count in sorted(Counter(lived.warned).items()))
    print(f"\nEarly warnings: {said or 'none'}.")
    yield Row(
        figure=f"{DAYS} days of the sample programme, three stops a day",
        what="sweep, deliver, audit, as in the demonstration", samples=[sample],
    )  # fmt: skip


def live(folder: Path) -> Lived:
    """
    The story of the demonstration, and then nobody of the parties acts any more.

    Coordinators do what they are asked on the day itself, for every side alike: they telephone
    whom no letter reaches, and they release what waits for it.
    """
    from dataclasses import replace

    from config.plan import SAMPLE_PROGRAMME
    from config.settings import Settings
    from config.story import SAMPLE_STORY, read_story
    from config.wiring import build
    from engine.store.schema import upgrade
    from web.demo_clock import STORY_AT, stops
    from web.demo_story import happens_at
    from workflows.audit import audit
    from workflows.deliver import deliver
    from workflows.intake import take_in
    from workflows.sweep import sweep

    given = Settings(database_url=f"sqlite:///{folder / 'half-year.db'}", data_folder=folder)
    services = replace(build(given), new_mailer=TakesAll)
    upgrade(services.database)
    begin = datetime(START.year, START.month, START.day, tzinfo=UTC)
    taken = take_in(services, SAMPLE_PROGRAMME, None, begin, start=START)
    if taken.errors:
        raise RuntimeError(taken.errors[0].reason)
    steps = deque(read_story(SAMPLE_STORY.read_text(encoding="utf-8")))
    lived, today = Lived([], []), START
    hour = STORY_AT.replace(tzinfo=UTC)
    for at in stops(begin, begin + timedelta(days=DAYS)):
        while steps and happens_at(steps[0], START, hour) <= at:
            lived.refused += _act(services, steps.popleft(), at)
        sweep(services, at)
        deliver(services, at)
        _coordinate(services, at)
        if at.date() == today:
            continue
        today = at.date()
        audit(services, at)
        passed = (today - START).days
        if passed % MONTH == 0:
            lived.months.append(figures(services, at))
    with services.database.read() as connection:
        rungs = connection.scalars(
            select(notices.c.rung).where(notices.c.kind == "early_warning").order_by(notices.c.id)
        )
        lived.warned = [rung.removeprefix("warn:") for rung in rungs]
    services.database.close()
    return lived


def _act(services, step, at) -> int:
    from engine.errors import EngineError
    from web.demo_story import act

    try:
        act(services, step, START, at)
    except EngineError as error:
        print(f"  story line {step.line}: {error}", file=sys.stderr)
        return 1
    return 0


def _coordinate(services, at) -> None:
    """Whoever has a call task telephones, and whoever is asked releases."""
    from workflows import record
    from workflows.record import Asked

    with services.database.read() as connection:
        calls = _asked(services, connection, open_calls())
        waits = _asked(services, connection, notices.c.status == NoticeStatus.UNRELEASED.value)
    for ref, by in calls:
        record.log_call(services, Asked(ref=ref, by=by), "called", reached=True, now=at)
    for ref, by in waits:
        try:
            record.release(services, Asked(ref=ref, by=by), at)
        except Exception as error:  # noqa: BLE001 - what is no longer true cannot be released
            print(f"  {ref}: {error}", file=sys.stderr)


def _asked(services, connection, wanted) -> list[tuple[str, str]]:
    """The actions with such a notice, each with its coordinator."""
    from engine.store.records import find_action

    refs = connection.scalars(
        select(actions.c.ref).join(notices, notices.c.action_id == actions.c.id)
        .where(wanted).distinct().order_by(actions.c.ref)
    ).all()  # fmt: skip
    directory, found = services.directory(connection), []
    for ref in refs:
        action = find_action(connection, ref)
        directory.ensure([action])
        found.append((ref, directory.circle(action).coordinators[0].key))
    return found


def figures(services, at):
    """What `alkawari fairness` says at that instant."""
    from engine.fairness import fairness
    from engine.store.listing import Wanted
    from engine.store.tracks import tracks

    with services.database.read() as connection:
        directory = services.directory(connection)
        return fairness(tracks(directory, Wanted(), at, services.thresholds), at.date())


def months(lived: Lived) -> str:
    """Each side at the end of each month, in Markdown."""
    heads = (
        "as of", "side", "owed", "late", "days late", "reminders", "for ten days late",
        "went up", "after days", "claimed", "confirmed", "share",
    )  # fmt: skip
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for found in lived.months:
        lines += [
            f"| {found.as_of} | {s.side} | {s.owed} | {s.late} | {s.days_late} | {s.reminders} | "
            f"{_said(s.reminders_per_10_days)} | {s.escalated} | {_said(s.days_to_escalate)} | "
            f"{s.claimed} | {s.confirmed} | {_said(s.confirmed_share)} |"
            for s in found.sides
        ]
    return "\n".join(lines)


def picture(lived: Lived) -> bytes:
    """For each side its lateness at the end beside what was said about it."""
    from notifications.charts import chart_png
    from notifications.digest_picture import Chart, Layer
    from notifications.digest_terms import Speech

    last, names = lived.months[-1], Speech("en").sides()
    chart = Chart(
        name="fairness",
        form="pairs",
        alt="For each side: actions that are late, and the reminders about them.",
        places=tuple(names[s.side] for s in last.sides),
        layers=(
            Layer(label="late", colour="#e69f00", values=tuple(s.late for s in last.sides)),
            Layer(label="reminders", colour="#56b4e9",
                  values=tuple(s.reminders for s in last.sides)),
        ),
    )  # fmt: skip
    return chart_png(chart)


def _said(value) -> str:
    return "-" if value is None else f"{value:g}"
