"""The people of the sample programme do what the story tells, as anybody would: through records."""

from datetime import date, datetime, time, timedelta
from typing import Final

from config.relative_days import RelativeDay
from config.story import Deed, StoryStep
from config.wiring import Services
from engine.action import Level, State
from engine.lifecycle import Request
from engine.store.records import find_action
from workflows import record
from workflows.record import Asked

DID: Final = {
    Deed.REPORT: "reported how far it is",
    Deed.RESCHEDULE: "agreed a new date",
    Deed.ACKNOWLEDGE: "took note",
    Deed.DISPUTE: "recorded a dispute",
    Deed.CALL: "logged a telephone call",
}


def happens_at(step: StoryStep, start_on: date, hour: time) -> datetime:
    """The instant at which a step happens, or the start of its day for those of the first day."""
    at = time(0) if step.day == 0 else hour
    return datetime.combine(start_on + timedelta(days=step.day), at, hour.tzinfo)


def act(services: Services, step: StoryStep, start_on: date, now: datetime) -> None:
    """Do it. EngineError, with its sentence, where the life cycle refuses."""
    asked = Asked(ref=step.ref, by=step.by)

    def on(when: RelativeDay | None) -> date | None:
        return when.on(start_on) if when else None

    match step.do:
        case Deed.MOVE:
            request = Request(
                to=step.state or State.IN_PROGRESS,
                reason=step.reason,
                note=step.note,
                review_on=on(step.review),
                obstacle=step.obstacle,
                blocker=step.blocker,
                method=step.method,
                seen=step.seen,
                level=step.level,
                decided_on=on(step.decided),
                successor_id=_id_of(services, step.successor),
            )
            record.ask_move(services, asked, request, now)
        case Deed.DISPUTE:
            request = Request(to=State.DISPUTED, reason=step.reason)
            record.ask_move(services, asked, request, now)
        case Deed.REPORT:
            level = step.level or Level.NOT_INITIATED
            record.ask_report(services, asked, level, step.note, now)
        case Deed.RESCHEDULE:
            due_on = on(step.to) or start_on
            record.ask_reschedule(services, asked, due_on, step.reason, now)
        case Deed.ACKNOWLEDGE:
            record.ask_acknowledge(services, asked, step.note, now)
        case Deed.CALL:
            record.log_call(services, asked, step.note, reached=True, now=now)


def _id_of(services: Services, ref: str) -> int | None:
    if not ref:
        return None
    with services.database.read() as connection:
        return find_action(connection, ref).id
