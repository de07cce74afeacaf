"""What the watchdog finds in the database, and the notices that it leaves about it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import Connection, String, cast, exists, func, literal, or_, select, update

from engine.action import OWED, Action
from engine.case import URGENCY
from engine.party import Person
from engine.store.calls import open_calls
from engine.store.channels import EMAIL, SMS
from engine.store.counting import unreachable
from engine.store.dialect import insert_missing
from engine.store.hooks import stopped_hooks
from engine.store.outbox_tables import MessageStatus, NoticeStatus, channels, messages, notices
from engine.store.records import action_from, append, find_action, select_actions
from engine.store.tables import actions
from engine.watch import Watch

MOST: Final = 500
"""Of each sort so many are looked at, oldest first: after them the next ones come up."""

WATCHDOG: Final = "watchdog"
_STUCK: Final = [MessageStatus.RETRY.value, MessageStatus.UNKNOWN.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """
    One thing that somebody must come to know of, said of one action.

    `thing` tells it from others of its sort: what is found again under the same name is the same.
    `about_id` is the person concerned; `channel` the one that does not work.
    """

    watch: Watch
    thing: str
    action_id: int
    about_id: int | None = None
    channel: str = ""

    @property
    def cause(self) -> str:
        return f"x{self.watch}:{self.thing}"


@dataclass(frozen=True, slots=True)
class Unsaid:
    """A notice that waits although its time has come."""

    action_id: int
    person_id: int
    dialogue_id: int
    due_at: datetime


def out_of_reach(connection: Connection) -> list[Found]:
    """Owed actions about which nobody can be written to or called: one for each person or party."""
    thing = func.coalesce(actions.c.focal_id, -actions.c.responsible_id)
    rows = connection.execute(
        select(thing, func.min(actions.c.id), func.max(actions.c.focal_id))
        .where(unreachable())
        .group_by(thing)
        .order_by(func.min(actions.c.id))
        .limit(MOST)
    )
    return [
        Found(watch=Watch.UNREACHABLE, thing=str(key), action_id=action_id, about_id=focal_id)
        for key, action_id, focal_id in rows
    ]


def unsaid(connection: Connection, before: datetime) -> list[Unsaid]:
    """Notices that could have been taken up before that instant, longest waiting first."""
    n = notices.c
    rows = connection.execute(
        select(n.action_id, n.person_id, actions.c.dialogue_id, n.due_at)
        .join(actions, actions.c.id == n.action_id)
        .where(n.status == NoticeStatus.PENDING.value, n.due_at < before, n.kind != WATCHDOG)
        .order_by(n.due_at)
        .limit(MOST)
    )
    return [Unsaid(*row) for row in rows]


def unlooked(connection: Connection, before: datetime) -> list[Found]:
    """The action of each dialogue whose look is the most overdue, or that nobody would look at."""
    asleep = (
        actions.c.state.in_([state.value for state in OWED])
        & ~actions.c.waiting
        & actions.c.due_on.is_not(None)
        & actions.c.next_check_at.is_(None)
    )
    rows = connection.execute(
        select(actions.c.dialogue_id, func.min(actions.c.id))
        .where(or_(actions.c.next_check_at < before, asleep))
        .group_by(actions.c.dialogue_id)
    )
    return [_of_dialogue(Watch.UNLOOKED, *row) for row in rows]


def unspoken(connection: Connection, due_before: date, today: date) -> list[Action]:
    """Actions long past their day about which nothing was said in this run of the ladder."""
    a, n = actions.c, notices.c
    run = literal("e") + cast(a.episode, String)
    said = exists(select(n.id).where(n.action_id == a.id, n.cause == run))
    rows = connection.execute(
        select_actions()
        .where(
            a.state.in_([state.value for state in OWED]),
            ~a.waiting,
            a.due_on < due_before,
            or_(a.anchor_on.is_(None), a.anchor_on < due_before),
            or_(a.paused_until_on.is_(None), a.paused_until_on < today),
            ~said,
        )
        .order_by(a.id)
        .limit(MOST)
    )
    return [action_from(row) for row in rows]


def uncalled(connection: Connection, before: datetime) -> list[Found]:
    """Calls that were asked for before that instant and that nobody logged."""
    n = notices.c
    rows = connection.execute(
        select(n.action_id, func.max(n.about_id))
        .where(open_calls(), n.created_at < before)
        .group_by(n.action_id)
        .order_by(func.min(n.id))
        .limit(MOST)
    )
    return [_of_action(Watch.UNCALLED, *row) for row in rows]


def unsent(connection: Connection, before: datetime) -> list[Found]:
    """Channels that are left alone because they do not work, with messages older than that."""
    found = []
    down = connection.scalars(select(channels.c.name).where(channels.c.opened_at.is_not(None)))
    for channel in sorted(set(down) & {EMAIL, SMS}):
        rows = connection.execute(
            select(actions.c.dialogue_id, func.min(actions.c.id))
            .join(notices, notices.c.action_id == actions.c.id)
            .join(messages, messages.c.id == notices.c.message_id)
            .where(
                messages.c.status.in_(_STUCK),
                messages.c.channel == channel,
                messages.c.created_at < before,
            )
            .group_by(actions.c.dialogue_id)
        )
        found += [
            Found(
                watch=Watch.UNSENT, thing=f"{channel}:{dialogue_id}", action_id=action_id,
                channel=channel,
            )
            for dialogue_id, action_id in rows
        ]  # fmt: skip
    return found


def uncollected(connection: Connection, since: datetime) -> list[Found]:
    """The dialogues that were written to lately, and so may have answered."""
    n = notices.c
    newest = (
        select(actions.c.dialogue_id, func.max(n.id).label("id"))
        .join(actions, actions.c.id == n.action_id)
        .where(n.status == NoticeStatus.SENT.value, n.closed_at >= since)
        .group_by(actions.c.dialogue_id)
        .subquery()
    )
    rows = connection.execute(
        select(newest.c.dialogue_id, n.action_id).join(newest, newest.c.id == n.id)
    )
    return [_of_dialogue(Watch.UNCOLLECTED, *row) for row in rows]


def unheard(connection: Connection) -> list[Found]:
    """Programs that are told of nothing more, because they took nothing for days."""
    return [
        Found(watch=Watch.UNHEARD, thing=str(hook_id), action_id=action_id)
        for hook_id, action_id in stopped_hooks(connection)
    ]


def _of_dialogue(watch: Watch, dialogue_id: int, action_id: int) -> Found:
    return Found(watch=watch, thing=str(dialogue_id), action_id=action_id)


def _of_action(watch: Watch, action_id: int, about_id: int | None) -> Found:
    return Found(watch=watch, thing=str(action_id), action_id=action_id, about_id=about_id)


def settle_gone(connection: Connection, found: Iterable[Found], now: datetime) -> None:
    """Take back what waits to be said about things that are well again."""
    causes = {one.cause for one in found}
    waiting = connection.execute(
        select(notices.c.id, notices.c.cause).where(
            notices.c.kind == WATCHDOG,
            notices.c.status.in_([NoticeStatus.PENDING.value, NoticeStatus.HELD.value]),
        )
    )
    gone = [notice_id for notice_id, cause in waiting if cause not in causes]
    if gone:
        connection.execute(
            update(notices)
            .where(notices.c.id.in_(gone))
            .values(status=NoticeStatus.STRUCK, outcome="well again", closed_at=now)
        )


def tell_of(
    connection: Connection, found: Found, persons: Collection[Person], week: str, now: datetime
) -> bool:
    """
    Tell these persons of one thing, once in that week, and record it; False if they know.

    Whoever cannot be written to, or only by the channel that does not work, finds it on the board.
    """
    ref = connection.scalar(select(actions.c.ref).where(actions.c.id == found.action_id))
    # Locked before it is asked what was said: two watchdogs at once say it once.
    action = find_action(connection, str(ref), lock=True)
    keys = {f"{found.cause}:{week}:{person.id}": person for person in persons}
    known = set(connection.scalars(select(notices.c.key).where(notices.c.key.in_(keys))))
    rows = [_row(found, key, person, now) for key, person in keys.items() if key not in known]
    if not rows:
        return False
    insert_missing(connection, notices, rows, ["key"])
    append(
        connection, action, {}, kind="watched", at=now, by=WATCHDOG,
        payload={"what": found.watch},
    )  # fmt: skip
    return True


def _row(found: Found, key: str, person: Person, now: datetime) -> dict[str, object]:
    by = person.written_by
    posted = by is None or by == found.channel
    return {
        "key": key,
        "action_id": found.action_id,
        "person_id": person.id,
        "about_id": found.about_id,
        "kind": WATCHDOG,
        "rung": f"watch:{found.watch}",
        "cause": found.cause,
        "status": NoticeStatus.POSTED if posted else NoticeStatus.PENDING,
        "urgency": URGENCY[WATCHDOG],
        "created_at": now,
        "due_at": now,
        "closed_at": now if posted else None,
    }
