"""A coordinator's day: what waits for them, each thing with its one button."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from fastapi import Response

from engine.action import Action, State
from engine.conditions import Condition
from engine.party import Person
from engine.permission import Deed
from engine.store.board import COUNTED, Filter, counts_by_state, first_of
from engine.store.directory import Directory
from engine.store.listing import all_dialogue_ids, views_of
from engine.store.today import MOST, calls_to_make, dates_asked, notes_for, releases_waiting
from web.allowed import SIGNED_IN
from web.face import Entrance, Visit
from web.signin import first_page

SHOWN: Final = 12
"""So many of each group; the rest is one press away."""

LISTED: Final = {
    "disputed": Filter(state=State.DISPUTED),
    "reported_done": Filter(state=State.REPORTED_DONE),
    "unreachable": Filter(condition=Condition.UNREACHABLE),
    "overdue": Filter(condition=Condition.OVERDUE),
}
"""The groups that are lists as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing to do: the action, whom it is about, what is said of it, and the form it opens."""

    action: Action
    dialogue: str
    title: str | None
    who: Person | None = None
    party: str = ""
    detail: str = ""
    day: date | None = None


def add_today(entrance: Entrance) -> None:
    entrance.get("/", SIGNED_IN, today)


def today(visit: Visit) -> Response:
    """The day of a coordinator; whoever coordinates nothing begins elsewhere."""
    if not visit.member.may_somewhere(Deed.SEE_TODAY):
        start = first_page(visit.entrance, visit.member)
        return visit.to(start if start != "/" else "/actions")
    services, member, now = visit.services, visit.member, visit.now
    with services.database.read() as connection:
        mine = member.dialogues(Deed.SEE_TODAY)
        homes = sorted(all_dialogue_ids(connection) if mine is None else mine)
        asked_of = None if mine is None else homes
        directory = services.directory(connection)
        directory.ensure_dialogues(set(homes))
        lists = first_of(
            directory, member, asked_of, LISTED, now, services.thresholds, size=SHOWN, counted=True
        )
        calls = calls_to_make(connection, homes)
        releases = releases_waiting(connection, homes)
        dates = dates_asked(connection, homes, now)
        notes = notes_for(connection, member.person_id, homes, now)
        lines = _Lines(visit, directory)
        listed = [action for found, _number in lists.values() for action in found]
        told_of = [
            *(one.action for one in releases),
            *(one.action for one in dates),
            *(one.action for one in notes),
        ]
        # Who is around all of these is read at once.
        directory.ensure([*calls, *listed, *told_of])
        values: dict[str, Any] = {
            "calls": [lines.about(action) for action in calls],
            "releases": [(lines.about(one.action), one.rung, one.to) for one in releases],
            "dates": [lines.about(one.action, detail=one.note, day=one.until) for one in dates],
            "disputes": [lines.about(action) for action in lists["disputed"][0]],
            "claims": [lines.about(action, verifier=True) for action in lists["reported_done"][0]],
            "unreached": [lines.about(action) for action in lists["unreachable"][0]],
            "notes": [(lines.about(note.action), note.kind, note.at) for note in notes],
            "late": [
                (lines.about(view.action), view)
                for view in views_of(directory, lists["overdue"][0], now, services.thresholds)
            ],
            "states": counts_by_state(connection, member, asked_of),
            "numbers": {name: number for name, (_found, number) in lists.items()},
        }
        day = directory.today(homes[0], now) if homes else now.date()
        names = [directory.dialogues[home].name for home in homes]
    return visit.page(
        "face_today.html", day=day, names=names, shown=SHOWN, more_than=COUNTED, most=MOST, **values
    )


class _Lines:
    def __init__(self, visit: Visit, directory: Directory) -> None:
        self._visit, self._directory = visit, directory

    def about(
        self, action: Action, *, detail: str = "", day: date | None = None, verifier: bool = False
    ) -> Line:
        directory = self._directory
        circle = directory.circle(action)
        party_id = action.verifier_id if verifier else action.responsible_id
        told = self._visit.member.may(Deed.READ_TITLE, action)
        return Line(
            action=action,
            dialogue=directory.dialogues[action.dialogue_id].name,
            title=action.title if told else None,
            who=next(iter(circle.verifiers), None) if verifier else circle.focal,
            party=directory.parties[party_id].name if party_id in directory.parties else "",
            detail=detail,
            day=day,
        )
