"""A committee's agenda, made from what is on record now, or was at an earlier instant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from config.wiring import Services
from engine.action import LIVE, OWED, Action, Handling, State
from engine.agenda import Section, Span, boxes, section_of
from engine.dialogue import Dialogue
from engine.errors import BadValue, UnknownThing
from engine.store.agenda import (
    DayAsked,
    brought_to_committee,
    days_of,
    last_session_on,
    sides_of,
    waited_for,
)
from engine.store.checkpoints import fingerprint, fingerprint_at
from engine.store.database import Connection
from engine.store.directory import Directory
from engine.store.listing import View, Wanted, all_dialogue_ids, dialogue_ids, dialogue_names, views
from engine.store.past import is_past, reading
from notifications.agenda import Agenda, Point, choice
from notifications.language import LANGUAGES, spoken

DAYS_AHEAD: Final = 30
"""How far an agenda looks ahead and back where no session says otherwise: a month."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgendaAsked:
    """
    Which agenda: an empty dialogue is the only one there is, an empty language the dialogue's own.

    `session_on` is printed where it is known. `since` and `until` bound what was done lately and
    what is due soon; None takes the last session on record, and a month.
    """

    dialogue: str = ""
    language: str = ""
    session_on: date | None = None
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An agenda with its language and the instant for which it was made."""

    agenda: Agenda
    language: str
    now: datetime

    def as_dict(self) -> dict[str, object]:
        """The JSON of `digest committee`."""
        agenda = self.agenda
        return {
            "as_of": self.now.isoformat(),
            "dialogue": agenda.dialogue,
            "language": self.language,
            "session_on": agenda.session_on,
            "since": agenda.since,
            "until": agenda.until,
            "sections": {
                section: len(points) for section in Section if (points := agenda.under(section))
            },
            "points": [self._point(point) for point in agenda.points],
            "later": agenda.later,
            "fingerprint": agenda.fingerprint,
        }

    def _point(self, point: Point) -> dict[str, object]:
        codes = [f"{point.ref} {choice(point.ref, verb, self.language)}" for verb in point.boxes]
        told: dict[str, object] = {"ref": point.ref, "section": point.section, "codes": codes}
        if point.section is Section.BY_REFERENCE:
            return told
        return told | {
            "title": point.title,
            "party": point.party,
            "state": point.state,
            "due_on": point.due_on,
            "earlier_due_on": list(point.earlier),
            "asked_on": point.asked,
        }


def make_agenda(services: Services, asked: AgendaAsked, now: datetime) -> Made:
    """The agenda of one dialogue as things stand, or stood, at that instant."""
    if asked.language and asked.language not in LANGUAGES:
        raise BadValue("--language", asked.language, f"write one of {', '.join(LANGUAGES)}")
    with services.database.read() as connection:
        dialogue_id = _dialogue_id(connection, asked.dialogue)
        past = is_past(connection, now)
    # First, in a transaction of its own: it waits for those that are writing events.
    sealed = _sealed(services, dialogue_id, now, past=past)
    with reading(services.database, now if past else None) as connection:
        directory = services.directory(connection)
        directory.ensure_dialogues({dialogue_id})
        dialogue = directory.dialogues[dialogue_id]
        language = asked.language or spoken(*dialogue.languages)
        agenda = _Agenda(services, connection, directory, dialogue, now).make(asked, sealed)
    return Made(agenda=agenda, language=language, now=now)


def _dialogue_id(connection: Connection, named: str) -> int:
    found = dialogue_ids(connection, named) if named else all_dialogue_ids(connection)
    if named and not found:
        raise UnknownThing("dialogue", named, dialogue_names(connection))
    if len(found) != 1:
        known = ", ".join(dialogue_names(connection)[:8]) or "none yet"
        raise BadValue("--dialogue", named, f"say which dialogue's agenda; known: {known}")
    return found[0]


def _sealed(services: Services, dialogue_id: int, now: datetime, *, past: bool) -> str:
    if past:
        with services.database.read() as connection:
            return fingerprint_at(connection, dialogue_id, now)
    with services.database.write() as connection:
        return fingerprint(connection, dialogue_id, now)


class _Agenda:
    def __init__(
        self,
        services: Services,
        connection: Connection,
        directory: Directory,
        dialogue: Dialogue,
        now: datetime,
    ) -> None:
        self.services, self.connection, self.directory = services, connection, directory
        self.dialogue, self.now = dialogue, now

    def make(self, asked: AgendaAsked, sealed: str) -> Agenda:
        today = self.directory.today(self.dialogue.id, self.now)
        around = timedelta(days=DAYS_AHEAD)
        last_on = last_session_on(self.connection, self.dialogue.id, today)
        span = Span(
            since=asked.since or last_on or today - around,
            until=asked.until or (asked.session_on or today) + around,
        )
        seen = self._seen()
        listed = [view.action for view, _section in self._placed(seen, span)]
        points = sorted(
            (self._point(view, section) for view, section in self._placed(seen, span)), key=_place
        )
        return Agenda(
            dialogue=self.dialogue.name,
            code=self.dialogue.code,
            today=today,
            since=span.since,
            until=span.until,
            session_on=asked.session_on,
            points=tuple(points),
            later=_later([view.action for view in seen], listed),
            sides=sides_of(self.connection, self.dialogue.id),
            fingerprint=sealed,
        )

    def _seen(self) -> list[View]:
        wanted = Wanted(dialogue=self.dialogue.code)
        seen = list(views(self.directory, wanted, self.now, self.services.thresholds))
        ids = [view.action.id for view in seen]
        self.brought = brought_to_committee(self.connection, [view.action for view in seen])
        self.days = days_of(self.connection, ids)
        self.needs = waited_for(self.connection, ids)
        return seen

    def _placed(self, seen: Sequence[View], span: Span) -> list[tuple[View, Section]]:
        placed = (
            (
                view,
                section_of(
                    view.action,
                    view.standing.conditions,
                    span,
                    brought=view.action.id in self.brought,
                    date_asked=self._asked(view.action) is not None,
                ),
            )
            for view in seen
        )
        return [(view, section) for view, section in placed if section is not None]

    def _asked(self, action: Action) -> date | None:
        return self.days.get(action.id, DayAsked()).asked if action.state in OWED else None

    def _point(self, view: View, section: Section) -> Point:
        action = view.action
        asked = self._asked(action)
        ticked = boxes(action, date_asked=asked is not None)
        if action.handling not in {Handling.PUBLIC, Handling.DIALOGUE}:
            return Point(ref=action.ref, section=section, boxes=ticked, handling=action.handling)
        verifier = self.directory.parties.get(action.verifier_id or 0)
        return Point(
            ref=action.ref,
            section=section,
            boxes=() if section is Section.CONFIRMED else ticked,
            title=action.title,
            party=view.responsible,
            verifier=verifier.name if verifier else "",
            state=action.state,
            due_on=action.due_on,
            earlier=self.days.get(action.id, DayAsked()).earlier,
            asked=asked,
            since_on=action.state_since_on,
            review_on=action.review_on,
            obstacle=action.obstacle,
            level=action.reported_level,
            waits_for=tuple(self.needs.get(action.id, ())) if action.waiting else (),
            handling=action.handling,
        )


def _later(seen: Sequence[Action], listed: Sequence[Action]) -> int:
    """What was agreed and is not on the agenda yet; what few may know of is not counted."""
    told = {action.id for action in listed}
    live = LIVE - {State.PROPOSED}
    return sum(
        action.state in live and action.id not in told and action.handling is not Handling.CLOSED
        for action in seen
    )


def _place(point: Point) -> tuple[int, date, str]:
    # By reference where nothing else may be told: a place in the order of dates would tell.
    due_on = None if point.section is Section.BY_REFERENCE else point.due_on
    return (list(Section).index(point.section), due_on or date.max, point.ref)
