"""If nobody acts: the messages of the next sixty days, played on a copy; two ladders compared."""

import secrets
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from fastapi import Response

from config.ladder import load_ladder
from config.wiring import Services
from engine.errors import EngineError
from engine.permission import Deed
from engine.store.dashboard_lists import refs_seen
from engine.store.listing import dialogue_names
from engine.store.seen import dialogues_of
from notifications.language import weekdays
from web.errands import Errands
from web.face import NOT_FOUND, UNFIT, Entrance, Visit
from workflows.rehearse import Line, Rehearsed, Wanted, rehearse
from workflows.rehearse_against import Change, compare
from workflows.rehearse_figures import Week, loads, messages_of, on_days_off, weeks

AHEAD: Final = timedelta(days=60)
KEPT_S: Final = 600.0
COMPARED_KEPT_S: Final = 1800.0
LARGEST_LADDER: Final = 64_000
MOST_SHOWN: Final = 60
MOST_LOADS: Final = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One message of the calendar, or one thing that waits for a release or stands on the board."""

    at: datetime
    hour: str
    person: str
    channel: str
    language: str
    waits: bool
    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A day of the calendar."""

    day: date
    told: tuple[Told, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A day of the sixty: its messages, how full it is from 0 to 3, and the Monday of its week."""

    on: date
    messages: int
    full: int
    week: date
    inside: bool


def add_rehearsal(entrance: Entrance, errands: Errands) -> None:
    pages = _Pages(errands)
    entrance.get("/rehearsal", Deed.REHEARSE, pages.show)
    entrance.post("/rehearsal", Deed.REHEARSE, pages.try_ladder)
    entrance.get("/rehearsal/ladder/{key}", Deed.REHEARSE, pages.compared)


class _Pages:
    def __init__(self, errands: Errands) -> None:
        self._errands = errands

    def show(self, visit: Visit) -> Response:
        """The calendar; played at most once in some minutes, whoever looks."""
        services, now = visit.services, visit.now
        until_on = _until(visit)
        errand = self._errands.ask(
            ("rehearsal", until_on),
            lambda: rehearse(services, Wanted(until_on=until_on), now),
            keep_s=KEPT_S,
        )
        if not errand.done.is_set():
            said = visit.gettext("The next sixty days are being played on a copy; one moment.")
            return visit.page("face_patience.html", said=said)
        return self._page(visit, errand.result())

    def try_ladder(self, visit: Visit) -> Response:
        """Hold an own ladder against the present one; it is read, played and forgotten."""
        upload, services, now = visit.sent.upload, visit.services, visit.now
        refused = ""
        if upload is None or not upload.data:
            refused = visit.gettext("Choose a file first.")
        elif not upload.whole or len(upload.data) > LARGEST_LADDER:
            refused = visit.gettext("That file is too large for a ladder.")
        else:
            try:
                text = upload.data.decode("utf-8")
                ladder = load_ladder(text, visit.gettext("Your file"))
            except UnicodeDecodeError:
                refused = visit.gettext("That file is no text.")
            except EngineError as error:
                refused = str(error)
        if refused:
            return visit.page("face_ladder_refused.html", UNFIT, refused=refused)
        wanted = Wanted(until_on=_until(visit), ladder=ladder, all_runs=bool(visit.typed("all")))
        key = secrets.token_urlsafe(16)
        self._errands.ask(
            ("ladders", visit.member.person_id, key),
            lambda: _both(services, wanted, now),
            keep_s=COMPARED_KEPT_S,
        )
        return visit.to(f"/rehearsal/ladder/{key}")

    def compared(self, visit: Visit) -> Response:
        """What another ladder would change; only for whoever asked, and only for a while."""
        errand = self._errands.find(("ladders", visit.member.person_id, visit.path("key")))
        if errand is None:
            visit.refuse(NOT_FOUND, visit.gettext("This comparison is not kept any more."))
        if not errand.done.wait(1.0):
            said = visit.gettext("Both ladders are being played; one moment.")
            return visit.page("face_patience.html", said=said)
        before, after = errand.result()
        mine = _mine(visit)
        lines = _of(before.lines, mine), _of(after.lines, mine)
        found = compare(*lines)
        shown = found.differences[:MOST_SHOWN]
        people = sorted(found.people, key=lambda side: -abs(side.after - side.before))
        functions = {line.person: line.function for line in (*lines[0], *lines[1])}
        moved = {c: sum(d.change is c for d in found.differences if d.escalates) for c in Change}
        return visit.page(
            "face_ladders.html",
            found=found, shown=shown, functions=functions, moved=moved, rehearsed=after,
            listed=_listed(visit, (difference.action for difference in shown)),
            people=people[:MOST_LOADS],
        )  # fmt: skip

    def _page(self, visit: Visit, found: Rehearsed) -> Response:
        mine = _mine(visit)
        own = sorted(
            {line.dialogue for line in found.lines if mine is None or line.dialogue in mine}
        )
        dialogue = next((n for n in own if n.casefold() == visit.query("dialogue").casefold()), "")
        lines = _of(found.lines, {dialogue} if dialogue else mine)
        calendar = weeks(lines)
        week = _week(visit, calendar)
        within = [line for line in lines if week and 0 <= (line.day - week.from_on).days < 7]  # noqa: PLR2004 - a week
        carried = loads(lines)
        return visit.page(
            "face_rehearsal.html",
            found=found, names=own, dialogue=dialogue, weeks=calendar, week=week,
            grid=_grid(visit, lines, found.until_on), days_of_week=weekdays(visit.language),
            days=_days(visit, within), hidden=max(0, len(_grouped(within)) - MOST_SHOWN),
            messages=len(messages_of(lines)), off=len(on_days_off(lines)),
            loads=carried[:MOST_LOADS], more_loads=len(carried) - MOST_LOADS,
            most_a_day=max((load.most_on_a_day for load in carried), default=0),
            waiting=sum(bool(line.waits_for) for line in lines),
        )  # fmt: skip


def _both(services: Services, wanted: Wanted, now: datetime) -> tuple[Rehearsed, Rehearsed]:
    before = rehearse(services, Wanted(until_on=wanted.until_on), now)
    return before, rehearse(services, wanted, now)


def _until(visit: Visit) -> date:
    zone = ZoneInfo(visit.services.settings.timezone)
    return (visit.now.astimezone(zone) + AHEAD).date()


def _mine(visit: Visit) -> set[str] | None:
    """The names of the dialogues that this person may rehearse, None for all of them."""
    mine = visit.member.dialogues(Deed.REHEARSE)
    if mine is None:
        return None
    with visit.services.database.read() as connection:
        every = dialogue_names(connection)
        rows = dialogues_of(connection, visit.member)
    # A name that a foreign dialogue has as well would let its lines through.
    return {row.name for row in rows if row.id in mine and every.count(row.name) == 1}


def _of(lines: Sequence[Line], names: set[str] | None) -> list[Line]:
    return [line for line in lines if names is None or line.dialogue in names]


def _week(visit: Visit, calendar: Sequence[Week]) -> Week | None:
    """The week asked for, else the first."""
    asked = visit.query("week")
    return next((w for w in calendar if w.from_on.isoformat() == asked), next(iter(calendar), None))


def _grid(visit: Visit, lines: Sequence[Line], until_on: date) -> list[list[Cell]]:
    """The sixty days as whole weeks, begun on the day on which the language begins a week."""
    today = visit.now.astimezone(ZoneInfo(visit.services.settings.timezone)).date()
    sent = Counter(message.day for message in messages_of(lines))
    most = max(sent.values(), default=0)
    begin = today - timedelta((today.weekday() - weekdays(visit.language)[0][0]) % 7)
    cells = [
        Cell(
            on=on,
            messages=sent[on],
            full=-(-3 * sent[on] // most) if most else 0,
            week=on - timedelta(on.weekday()),
            inside=today <= on <= until_on,
        )
        for on in (begin + timedelta(number) for number in range((until_on - begin).days + 7))
    ]
    rows = [cells[at : at + 7] for at in range(0, len(cells) - 6, 7)]
    return [row for row in rows if any(cell.inside for cell in row)]


Key = tuple[date, datetime, str, str, bool]


def _grouped(lines: Iterable[Line]) -> dict[Key, list[Line]]:
    """What one person is told at one instant belongs together."""
    found: dict[Key, list[Line]] = defaultdict(list)
    for line in lines:
        found[line.day, line.at, line.person, line.channel, bool(line.waits_for)].append(line)
    return found


def _days(visit: Visit, lines: Sequence[Line]) -> list[Shown]:
    """The calendar of a week; an action that this person may not see in a list stays unnamed."""
    groups = sorted(_grouped(lines).items())[:MOST_SHOWN]
    listed = _listed(visit, (line.action for _key, together in groups for line in together))
    days: dict[date, list[Told]] = defaultdict(list)
    for (day, at, _person, channel, waits), together in groups:
        days[day].append(
            Told(
                at=at,
                hour=together[0].hour,
                person=together[0].function,
                channel=channel,
                language=together[0].language,
                waits=waits,
                items=tuple(
                    (line.rung, line.action if line.action in listed else "") for line in together
                ),
            )
        )
    return [Shown(day=day, told=tuple(told)) for day, told in days.items()]


def _listed(visit: Visit, refs: Iterable[str]) -> set[str]:
    with visit.services.database.read() as connection:
        return refs_seen(connection, visit.member, refs)
