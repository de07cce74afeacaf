"""A coordinator's day: what waits for them, each thing with its one button."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from fastapi import Response

from engine.action import Action, State
from engine.conditions import Condition
from engine.party import Person
from engine.permission import Deed
from engine.store.board import Filter, counts_by_state, page_of
from engine.store.directory import Directory
from engine.store.listing import all_dialogue_ids
from engine.store.today import calls_to_make, dates_asked, notes_for, releases_waiting
from web.allowed import SIGNED_IN
from web.face import Entrance, Visit
from web.signin import first_page

SHOWN: Final = 12
"""So many of each group; the rest is one press away."""


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
        directory = services.directory(connection)
        directory.ensure([])
        directory.ensure_dialogues(set(homes))
        asked_of = None if mine is None else homes
        lines = _Lines(visit, directory)
        state_lists = {
            state: page_of(
                directory,
                member,
                asked_of,
                Filter(state=state),
                now,
                services.thresholds,
                size=SHOWN,
            )
            for state in (State.DISPUTED, State.REPORTED_DONE)
        }
        unreached = page_of(
            directory, member, asked_of, Filter(condition=Condition.UNREACHABLE), now,
            services.thresholds, size=SHOWN,
        )  # fmt: skip
        late = page_of(
            directory, member, asked_of, Filter(condition=Condition.OVERDUE), now,
            services.thresholds, size=SHOWN,
        )  # fmt: skip
        values: dict[str, Any] = {
            "calls": [lines.about(a) for a in calls_to_make(connection, homes)],
            "releases": [
                (lines.about(r.action), r.rung, r.to) for r in releases_waiting(connection, homes)
            ],
            "dates": [
                lines.about(d.action, detail=d.note, day=d.until)
                for d in dates_asked(connection, homes, now)
            ],
            "disputes": [lines.about(row.view.action) for row in state_lists[State.DISPUTED].rows],
            "claims": [
                lines.about(row.view.action, verifier=True)
                for row in state_lists[State.REPORTED_DONE].rows
            ],
            "unreached": [lines.about(row.view.action) for row in unreached.rows],
            "notes": [
                (lines.about(note.action), note.kind, note.at)
                for note in notes_for(connection, member.person_id, homes, now)
            ],
            "late": late,
            "states": counts_by_state(connection, member, asked_of),
            "numbers": {
                "disputed": state_lists[State.DISPUTED].count,
                "reported_done": state_lists[State.REPORTED_DONE].count,
                "unreachable": unreached.count,
                "overdue": late.count,
            },
        }
        day = directory.today(homes[0], now) if homes else now.date()
        names = [directory.dialogues[home].name for home in homes]
    return visit.page("face_today.html", day=day, names=names, shown=SHOWN, **values)


class _Lines:
    def __init__(self, visit: Visit, directory: Directory) -> None:
        self._visit, self._directory = visit, directory

    def about(
        self, action: Action, *, detail: str = "", day: date | None = None, verifier: bool = False
    ) -> Line:
        directory = self._directory
        directory.ensure([action])
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
