"""What the pages of the demonstration show of the programme: whose turn it is, and the counts."""

from dataclasses import dataclass
from datetime import datetime

from config.wiring import Services
from engine.action import OWED, State
from engine.store.calls import OPEN
from engine.store.counting import Counts, count
from engine.store.database import Connection
from engine.store.directory import Directory
from engine.store.listing import View, Wanted, all_dialogue_ids, views
from engine.store.outbox_tables import NoticeStatus
from engine.store.telling import board

MANY = 500


@dataclass(frozen=True, slots=True)
class Turn:
    """Somebody's turn: the action, and who or what it waits for, part by part."""

    view: View
    asked: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Everything that waits for somebody, the most urgent first, and how many stand where."""

    counts: Counts
    releases: tuple[Turn, ...]
    calls: tuple[Turn, ...]
    overdue: tuple[Turn, ...]
    blocked: tuple[Turn, ...]
    confirm: tuple[Turn, ...]
    disputed: tuple[Turn, ...]
    functions: dict[str, str]


def whose_turn(services: Services, now: datetime) -> Board:
    """The board as it stands."""
    with services.database.read() as connection:
        directory = services.directory(connection)
        directory.ensure_dialogues(set(all_dialogue_ids(connection)))
        found = {v.action.ref: v for v in views(directory, Wanted(), now, services.thresholds)}
        in_state = _by_state(found)
        late = [view for view in found.values() if view.standing.overdue]
        late.sort(key=lambda view: (view.action.waiting, -view.standing.days_overdue))
        return Board(
            counts=count(directory, now, services.thresholds),
            releases=tuple(_releases(connection, found, now)),
            calls=tuple(_calls(connection, directory, found, now)),
            overdue=tuple(Turn(view, (view.responsible,)) for view in late),
            blocked=tuple(
                Turn(view, (view.responsible, *filter(None, (view.action.blocker,))))
                for view in in_state.get(State.BLOCKED, ())
            ),
            confirm=tuple(
                Turn(view, _verifier(directory, view))
                for view in in_state.get(State.REPORTED_DONE, ())
            ),
            disputed=tuple(
                Turn(view, _coordinator(directory, view))
                for view in in_state.get(State.DISPUTED, ())
            ),
            functions=functions(directory),
        )


def functions(directory: Directory) -> dict[str, str]:
    """What each known person is, by the key that stands in the history."""
    return {person.key: person.called for person in directory.people.values()}


def _by_state(found: dict[str, View]) -> dict[State, list[View]]:
    sorted_out: dict[State, list[View]] = {}
    for view in found.values():
        sorted_out.setdefault(view.action.state, []).append(view)
    return sorted_out


def _releases(connection: Connection, found: dict[str, View], now: datetime) -> list[Turn]:
    waiting: dict[str, list[str]] = {}
    for row in board(connection, MANY, now):
        if row.status is NoticeStatus.UNRELEASED:
            waiting.setdefault(row.ref, []).append(row.function)
    return [Turn(found[ref], tuple(dict.fromkeys(to))) for ref, to in waiting.items()]


def _calls(
    connection: Connection, directory: Directory, found: dict[str, View], now: datetime
) -> list[Turn]:
    """One call for each action that still owes something, however often it was asked for."""
    refs = dict.fromkeys(
        row.ref
        for row in board(connection, MANY, now)
        if row.kind == "call_task" and row.outcome != "called" and row.status in OPEN
    )
    turns = []
    for ref in refs:
        view = found[ref]
        focal = directory.circle(view.action).focal
        if view.action.state in OWED and focal is not None:
            number = focal.phone or "no number known"
            turns.append(Turn(view, (focal.called, view.responsible, number)))
    return turns


def _verifier(directory: Directory, view: View) -> tuple[str, ...]:
    verifier = directory.parties.get(view.action.verifier_id or 0)
    return (verifier.name,) if verifier else ()


def _coordinator(directory: Directory, view: View) -> tuple[str, ...]:
    return tuple(person.called for person in directory.circle(view.action).coordinators)
