"""What people did: moves, reports, new dates, acknowledgements, calls and releases, recorded."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from config.wiring import Services
from engine.action import OWED, Action, Level
from engine.case import Case, anchor_of, is_past, working_days_since
from engine.consent import CONSENTED, DECIDING, REFUSED, RELEASED, Agreed, agree
from engine.consent import refuse as refuse_rungs
from engine.errors import N_, BadValue, ForbiddenMove, StaleVersion, UnknownThing
from engine.escalate import Escalated, Wish
from engine.escalate import escalate as judge_escalation
from engine.ladder import Consent
from engine.lifecycle import Actor, Facts, Moved, Request, move
from engine.party import Person, Role
from engine.reporting import Report, acknowledge, report, reschedule
from engine.snooze import snooze
from engine.store.acting import actor_for, apply, facts_about, looked_at
from engine.store.brakes import rests_of
from engine.store.calls import count_call, open_call, settle_task
from engine.store.contacts import correct_contact, find_person
from engine.store.database import Connection
from engine.store.directory import Directory
from engine.store.holds import HELD, RESUMED, lift_holds, put_hold
from engine.store.people_lists import reached_at
from engine.store.records import actions_by_id, append, find_action
from engine.store.releases import asked_of, keep_back, let_leave, waiting_rungs
from engine.store.sweeping import frozen, queue, said_about
from notifications.envelope import ascii_address


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who asks for a change of which action; `version` is the one they saw, None for the newest."""

    ref: str
    by: str
    version: int | None = None


Change = Callable[[Action, Actor, Facts, date], Moved]


def ask_move(services: Services, asked: Asked, request: Request, now: datetime) -> Action:
    """Move an action. ForbiddenMove, StaleVersion or UnknownThing if that cannot be."""
    return _change(
        services, asked, now, lambda action, actor, facts, today: move(
            action, request, actor, facts, today
        ),
    )  # fmt: skip


def ask_report(services: Services, asked: Asked, level: Level, note: str, now: datetime) -> Action:
    """Record how far an action has come."""

    def change(action: Action, actor: Actor, facts: Facts, today: date, until: date) -> Moved:
        given = Report(level=level, note=note)
        return report(action, given, actor, facts, today, until)

    return _change(services, asked, now, with_pause=change)


def ask_reschedule(
    services: Services, asked: Asked, due_on: date, reason: str, now: datetime
) -> Action:
    """Move a due date; the original and every earlier one stay on record."""
    return _change(
        services, asked, now,
        lambda action, actor, _facts, today: reschedule(action, due_on, reason, actor, today),
    )  # fmt: skip


def ask_acknowledge(services: Services, asked: Asked, note: str, now: datetime) -> Action:
    """Record that somebody who was told has taken note."""
    return _change(
        services, asked, now,
        lambda action, actor, _facts, today: acknowledge(action, note, actor, today),
    )  # fmt: skip


def log_call(services: Services, asked: Asked, note: str, reached: bool, now: datetime) -> Action:
    """Record a telephone call; one that reached the party counts as a delivered reminder."""
    with services.database.write() as connection:
        return log_call_in(services, connection, asked, note, reached, now)


def log_call_in(
    services: Services,
    connection: Connection,
    asked: Asked,
    note: str,
    reached: bool,
    now: datetime,
) -> Action:
    """The same in the caller's transaction."""
    action, directory, actor, _facts, today = at_work(services, connection, asked, now)
    if Role.COORDINATOR not in actor.roles:
        raise ForbiddenMove(
            action.ref, action.state, "called about", N_("only its coordinator logs calls")
        )
    task = open_call(connection, action)
    about = task.about_id if task else directory.circle(action).focal
    about_id = about if isinstance(about, int) else about and about.id
    looks = looked_at(action.state, now, waiting=action.waiting)
    changes: dict[str, object] = {"next_check_at": looks}
    if reached:
        changes |= {"substance_on": today}
    payload = {"note": note, "reached": reached, "person_id": about_id}
    after = append(
        connection, action, changes, kind="called", at=now, by=actor.key, payload=payload
    )
    if reached and about_id:
        run, stands_for = f"e{action.episode}", _reminder_due(directory, action, today)
        if task:
            settle_task(connection, action, task, now)
            rung = task.rung.removeprefix("call:")
            count_call(connection, action, task.cause, about_id, rung, now, today)
        if stands_for and (task is None or task.cause != run):
            count_call(connection, action, run, about_id, stands_for, now, today)
    return after


def correct(services: Services, who: str, email: str, phone: str, now: datetime) -> Person:
    """Correct how a person is reached. BadValue for an address that cannot be one."""
    if not email and not phone:
        raise BadValue("contact", who, N_("give an e-mail address or a telephone number"))
    if email:
        ascii_address(email)
    with services.database.write() as connection:
        person = find_person(connection, who)
        return correct_contact(connection, person, email=email, phone=phone, now=now)


def sharing(services: Services, person: Person, email: str, phone: str) -> list[str]:
    """The keys of everybody else who is reached at that address or that number."""
    with services.database.read() as connection:
        found = reached_at(connection, email=email, phone=phone)
    return [one.person.key for one in found if one.person.id != person.id]


def release(services: Services, asked: Asked, now: datetime, *, refuse: str = "") -> Action:
    """
    Agree that the sensitive rung of an action leaves, or refuse it with a reason; recorded.

    It leaves once everybody whose consent its rung asks for has agreed; one refusal keeps it back.
    """
    with services.database.write() as connection:
        action, directory, actor, facts, _today = at_work(services, connection, asked, now)
        if DECIDING.isdisjoint(actor.roles):
            why = N_("only its coordinator releases, or who else its ladder names")
            raise ForbiddenMove(action.ref, action.state, "released", why)
        rungs = waiting_rungs(connection, action, now)
        if not rungs:
            raise BadValue("release", action.ref, N_("nothing of it waits for a release"))
        waiting = asked_of(connection, directory, action, rungs, facts)
        if refuse:
            kept = refuse_rungs(action, waiting, actor)
            keep_back(connection, action, kept, f"refused: {refuse}", now)
            payload: dict[str, object] = {"rungs": kept, "reason": refuse}
            return append(
                connection, action, {}, kind=REFUSED, at=now, by=actor.key, payload=payload
            )
        return _agreed(connection, directory, action, agree(action, waiting, actor), actor, now)


def _agreed(
    connection: Connection,
    directory: Directory,
    action: Action,
    done: Agreed,
    actor: Actor,
    now: datetime,
) -> Action:
    """Record whose word was given, and let leave what nobody's is missing for."""
    shared = {
        each.rung: done.voices[each.rung]
        for each in done.asking
        if each.rule is not Consent.COORDINATOR
    }
    if shared:
        missing = {each.rung: each.missing for each in done.asking if each.rung in shared}
        payload: dict[str, object] = {"voices": shared, "missing": missing, "run": action.episode}
        action = append(
            connection, action, {}, kind=CONSENTED, at=now, by=actor.key, payload=payload
        )
    if not done.complete:
        return action
    let_leave(connection, directory, action, done.complete, now)
    payload = {"rungs": done.complete}
    return append(connection, action, {}, kind=RELEASED, at=now, by=actor.key, payload=payload)


def escalate(
    services: Services, asked: Asked, wish: Wish, now: datetime
) -> tuple[Action, Escalated]:
    """Send the next rung up at once; asked twice, it goes once. ForbiddenMove if it may not go."""
    with services.database.write() as connection:
        action, directory, actor, _facts, today = at_work(services, connection, asked, now)
        ladder = directory.ladder_for(action)
        case = Case(
            action=action,
            ladder=ladder,
            calendar=directory.calendars[action.dialogue_id],
            circle=directory.circle(action).on(today),
            said=said_about(connection, [action], directory).get(action.id, ()),
        )
        judged = judge_escalation(case, wish, actor, today)
        if not judged.new:
            return action, judged
        decision = judged.decision
        changes = {**decision.changes, "next_check_at": now}
        if decision.opens:
            changes["ladder_id"] = frozen(connection, ladder, directory)
        [(kind, payload)] = decision.events
        after = append(
            connection, action, changes, kind=kind, at=now, by=actor.key, payload=payload
        )
        queue(connection, action, decision, now)
        return after, judged


def ask_snooze(services: Services, asked: Asked, until_on: date, now: datetime) -> Action:
    """Let reminders about an action rest for a while, on the word of whoever owes it."""
    with services.database.write() as connection:
        action, directory, actor, _facts, today = at_work(services, connection, asked, now)
        calendar, ladder = directory.calendars[action.dialogue_id], directory.ladder_for(action)
        already = rests_of(connection, action)
        moved = snooze(action, until_on, actor, today, calendar, ladder, already)
        return apply(connection, directory, action, moved, actor, now=now, today=today)


def hold(
    services: Services,
    scope: tuple[int | None, int | None],
    *,
    from_on: date,
    until_on: date | None,
    by: str,
    reason: str,
    now: datetime | None = None,
) -> None:
    """
    Keep back every message about (dialogue, action); neither: the whole programme.

    Put twice by the same person with the same words, it is one hold.
    That of an action stands in its history, without the reason: not everybody who reads the history
    may know that.
    """
    if not reason.strip():
        raise BadValue("reason", reason, N_("say why the messages have to wait"))
    if until_on is not None and until_on < from_on:
        raise BadValue(
            "until", until_on.isoformat(), N_("is before the first day, %(day)s", day=from_on)
        )
    now, (dialogue_id, action_id) = now or services.clock.now(), scope
    with services.database.write() as connection:
        new = put_hold(
            connection, dialogue_id=dialogue_id, action_id=action_id,
            from_on=from_on, until_on=until_on, by=by, reason=reason, now=now,
        )  # fmt: skip
        if not new:
            return
        payload: dict[str, object] = {"since": from_on}
        if until_on is not None:
            payload["until"] = until_on
        _note(connection, action_id, HELD, payload, by, now)


def resume(
    services: Services,
    scope: tuple[int | None, int | None],
    now: datetime,
    *,
    by: str = "",
    reason: str = "",
    number: int | None = None,
) -> int:
    """End the holds of exactly that scope, or one of them; returns how many there were."""
    dialogue_id, action_id = scope
    with services.database.write() as connection:
        ended = lift_holds(
            connection, dialogue_id=dialogue_id, action_id=action_id, now=now, by=by, reason=reason,
            number=number,
        )  # fmt: skip
        if ended:
            _note(connection, action_id, RESUMED, {}, by, now)
    if not ended:
        raise UnknownThing("hold", "of that scope")
    return ended


def _note(
    connection: Connection,
    action_id: int | None,
    kind: str,
    payload: dict[str, object],
    by: str,
    now: datetime,
) -> None:
    """What happened to the messages of one action, in its history."""
    if action_id is not None:
        [action] = actions_by_id(connection, {action_id})
        locked = find_action(connection, action.ref, lock=True)
        append(connection, locked, {}, kind=kind, at=now, by=by, payload=payload)


def _change(
    services: Services,
    asked: Asked,
    now: datetime,
    change: Change | None = None,
    *,
    with_pause: Callable[[Action, Actor, Facts, date, date], Moved] | None = None,
) -> Action:
    with services.database.write() as connection:
        if with_pause is None:
            assert change is not None  # noqa: S101 - one of the two is always given
            return change_in(services, connection, asked, now, change)
        action, directory, actor, facts, today = at_work(services, connection, asked, now)
        calendar = directory.calendars[action.dialogue_id]
        until = calendar.plus(today, directory.ladder_for(action).pause)
        moved = with_pause(action, actor, facts, today, until)
        return apply(connection, directory, action, moved, actor, now=now, today=today)


def change_in(
    services: Services, connection: Connection, asked: Asked, now: datetime, change: Change
) -> Action:
    """One change in the caller's transaction."""
    action, directory, actor, facts, today = at_work(services, connection, asked, now)
    moved = change(action, actor, facts, today)
    return apply(connection, directory, action, moved, actor, now=now, today=today)


def at_work(
    services: Services, connection: Connection, asked: Asked, now: datetime
) -> tuple[Action, Directory, Actor, Facts, date]:
    """The action, locked and of the version that was seen, and who asks."""
    action = find_action(connection, asked.ref, lock=True)
    if asked.version is not None and asked.version != action.version:
        raise StaleVersion(action.ref, asked.version, action.version)
    directory = services.directory(connection)
    directory.ensure([action])
    facts = facts_about(connection, directory, action)
    actor = actor_for(connection, directory, action, facts, asked.by)
    return action, directory, actor, facts, directory.today(action.dialogue_id, now)


def _reminder_due(directory: Directory, action: Action, today: date) -> str:
    """The reminder that a call today stands for; none before the action is late."""
    calendar = directory.calendars[action.dialogue_id]
    anchor = anchor_of(action, calendar)
    late = action.state in OWED and not action.waiting and is_past(action, calendar, today)
    if anchor is None or not late:
        return ""
    elapsed = working_days_since(calendar, anchor, today)
    reminders = [rung for rung in directory.ladder_for(action).rungs if rung.reminds]
    reached = [rung for rung in reminders if rung.days <= elapsed]
    return next((rung.name for rung in reached[-1:] or reminders[:1]), "")
