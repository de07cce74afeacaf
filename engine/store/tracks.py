"""What fairness is measured by: for each action its lateness, and what was said about it."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from itertools import islice

from sqlalchemy import Connection, func, select

from engine.action import MET, OWED, Action, State
from engine.conditions import Condition, Thresholds
from engine.fairness import Track
from engine.store.directory import Directory
from engine.store.listing import PAGE, View, Wanted, views
from engine.store.outbox_tables import NoticeStatus, notices
from engine.store.tables import events

REMINDING = ("reminder", "second_reminder", "silence", "call")
"""A call that reached the party stands for the written reminder, and so it is counted."""

ESCALATING = ("stall_review", "agenda", "superior", "manager")
_LEFT = [NoticeStatus.SENT.value, NoticeStatus.POSTED.value]


def tracks(directory: Directory, wanted: Wanted, now: datetime, limits: Thresholds) -> list[Track]:
    """Every action wanted, as it stands at that instant."""
    found: list[Track] = []
    seen = views(directory, wanted, now, limits)
    while piece := list(islice(seen, PAGE)):
        found += _tracks(directory, piece, now)
    return found


def _tracks(directory: Directory, piece: Sequence[View], now: datetime) -> list[Track]:
    connection, ids = directory.connection, [view.action.id for view in piece]
    reminded = _reminded(connection, ids, now)
    escalated = _first_escalations(connection, ids, now)
    claimed = _claimed(connection, ids, now)
    confirmed = _confirmed_at(connection, ids)
    return [_track(directory, view, now, reminded, escalated, claimed, confirmed) for view in piece]


def _track(
    directory: Directory,
    view: View,
    now: datetime,
    reminded: dict[tuple[int, str], int],
    escalated: dict[int, datetime],
    claimed: Collection[int],
    confirmed: dict[int, datetime],
) -> Track:
    action, stands = view.action, view.standing
    party = directory.parties[action.responsible_id]
    today = directory.today(action.dialogue_id, now)
    is_confirmed = action.state in MET
    until = today
    if is_confirmed and action.id in confirmed:
        until = directory.today(action.dialogue_id, confirmed[action.id])
    after = None
    if action.id in escalated and stands.effective_due_on:
        said_on = directory.today(action.dialogue_id, escalated[action.id])
        if said_on > stands.effective_due_on:
            calendar = directory.calendars[action.dialogue_id]
            after = calendar.between(stands.effective_due_on, said_on)
    return Track(
        ref=action.ref,
        dialogue=view.dialogue.name,
        party=party.name,
        side=party.side,
        kind=action.kind,
        owed=action.state in OWED,
        days_late=stands.days_overdue if _its_own(action, today) else 0,
        stalled=Condition.STALLED in stands.conditions,
        reminders=reminded.get((action.id, f"e{action.episode}"), 0),
        escalated_after=after,
        claimed=action.id in claimed or is_confirmed,
        confirmed=is_confirmed,
        took_days=(until - action.agreed_on).days if action.agreed_on else None,
    )


def _its_own(action: Action, today: date) -> bool:
    """
    Whether a lateness is the party's own, so that it is reminded of it.

    Who waits for another action is not late, and a block is not asked about before its review.
    """
    if action.state is State.BLOCKED:
        return action.review_on is not None and today > action.review_on
    return not action.waiting


def _reminded(
    connection: Connection, action_ids: Collection[int], now: datetime
) -> dict[tuple[int, str], int]:
    """
    For an action and a run of the ladder: how many reminders reached its party.

    One that goes to two persons of a party is one, else whoever has an alternate counts double.
    """
    n = notices.c
    rows = connection.execute(
        select(n.action_id, n.cause, func.count(n.rung.distinct()))
        .where(
            n.action_id.in_(action_ids),
            n.kind.in_(REMINDING),
            n.status.in_(_LEFT),
            n.closed_at <= now,
        )
        .group_by(n.action_id, n.cause)
    )
    return {(action_id, cause): count for action_id, cause, count in rows}


def _first_escalations(
    connection: Connection, action_ids: Collection[int], now: datetime
) -> dict[int, datetime]:
    n = notices.c
    rows = connection.execute(
        select(n.action_id, func.min(n.closed_at))
        .where(
            n.action_id.in_(action_ids),
            n.kind.in_(ESCALATING),
            n.status.in_(_LEFT),
            n.closed_at <= now,
        )
        .group_by(n.action_id)
    )
    return dict(rows.tuples().all())


def _claimed(connection: Connection, action_ids: Collection[int], now: datetime) -> set[int]:
    rows = connection.scalars(
        select(events.c.action_id)
        .where(
            events.c.action_id.in_(action_ids),
            events.c.kind == "reported_done",
            events.c.at <= now,
        )
        .distinct()
    )
    return set(rows)


def _confirmed_at(connection: Connection, action_ids: Collection[int]) -> dict[int, datetime]:
    """When each was last confirmed."""
    rows = connection.execute(
        select(events.c.action_id, func.max(events.c.at))
        .where(events.c.action_id.in_(action_ids), events.c.kind.in_(["verified", "in_force"]))
        .group_by(events.c.action_id)
    )
    return dict(rows.tuples().all())
