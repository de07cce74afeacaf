"""Escalate now: a coordinator sends the next rung that goes up before its day has come."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from engine.action import OWED
from engine.case import Case, Decision, Said, notice_of
from engine.climb import acknowledged_until, fair_from, persons_of
from engine.errors import N_, BadValue, ForbiddenMove
from engine.ladder import Consent, Ladder, Rung
from engine.lifecycle import Actor
from engine.party import Person, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """
    What the coordinator asks for: why, and perhaps which rung instead of the next one.

    `despite` says why what would keep the rung back (fair warning, a pause, an acknowledgement, its
    release) shall not. Whom the handling level keeps out stays out, and a hold still holds.
    """

    reason: str
    rung: str = ""
    despite: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalated:
    """The rung, to whom it goes, and what is to be written; nothing is if it was said before."""

    rung: Rung
    persons: tuple[Person, ...]
    decision: Decision

    @property
    def new(self) -> bool:
        """Whether this call sent it; asked twice, it goes once."""
        return bool(self.decision.notices)


def escalate(case: Case, wish: Wish, actor: Actor, today: date) -> Escalated:
    """The next rung up, or the one that was named, at once; once for each run of the ladder."""
    action = case.action
    if Role.COORDINATOR not in actor.roles:
        raise ForbiddenMove(
            action.ref, action.state, "escalated", N_("only its coordinator may send it up")
        )
    if action.state not in OWED or action.waiting:
        why = (
            N_("it waits for another action")
            if action.waiting
            else N_("nobody owes it as it stands")
        )
        raise ForbiddenMove(action.ref, action.state, "escalated", why)
    if not wish.reason.strip():
        raise BadValue("reason", wish.reason, N_("say why it goes up before its day"))
    said = [entry for entry in case.said if entry.cause == f"e{action.episode}"]
    rung = _named(case, wish.rung) if wish.rung else _next(case, said, today)
    persons = persons_of(case, rung)
    if not persons:
        why = N_("rung %(rung)s has nobody whom its handling level lets know of it", rung=rung.name)
        raise ForbiddenMove(action.ref, action.state, "escalated", why)
    spoken = {(entry.rung, entry.person_id) for entry in said}
    fresh = tuple(person for person in persons if (rung.name, person.id) not in spoken)
    decision = Decision()
    if fresh:
        if not wish.despite.strip():
            _refuse_early(case, said, today)
        _decide(case, wish, rung, fresh, decision)
    return Escalated(rung=rung, persons=persons, decision=decision)


def _named(case: Case, name: str) -> Rung:
    going_up = [rung for rung in case.ladder.rungs if rung.escalates]
    for rung in going_up:
        if rung.name.casefold() == name.casefold():
            return rung
    known = ", ".join(rung.name for rung in going_up) or "none"
    why = N_("does not go up in this ladder; these do: %(known)s", known=known)
    raise BadValue("rung", name, why)


def _next(case: Case, said: Sequence[Said], today: date) -> Rung:
    """The rung above the last that went up; that one itself while it is still on its way."""
    ladder, up = case.ladder, [entry for entry in said if entry.rung in case.ladder.upward]
    last = max((ladder.places[entry.rung] for entry in up), default=-1)
    if last >= 0:
        highest = ladder.rungs[last]
        days = [entry.reached_on for entry in up if entry.rung == highest.name]
        # Asked twice in a day, or before anybody has read it, it must not climb two rungs.
        if any(day is None or day >= today for day in days):
            return highest
    for rung in _above(ladder, last):
        if rung.escalates:
            return rung
    action = case.action
    raise ForbiddenMove(action.ref, action.state, "escalated", N_("the ladder ends here"))


def _above(ladder: Ladder, place: int) -> tuple[Rung, ...]:
    return ladder.rungs[place + 1 :]


def _refuse_early(case: Case, said: Sequence[Said], today: date) -> None:
    """ForbiddenMove, with the day from which it may go, while something keeps a rung back."""
    action, why = case.action, ""
    answered_until, fair = acknowledged_until(case), fair_from(case, said)
    if action.paused_until_on and today < action.paused_until_on:
        why = N_(
            "a report keeps the ladder still until %(day)s; say why it goes despite that",
            day=action.paused_until_on,
        )
    elif answered_until and today < answered_until:
        why = N_(
            "somebody acknowledged it, which is good until %(day)s; say why it goes despite that",
            day=answered_until,
        )
    elif fair is None:
        why = N_(
            "no reminder has reached the party yet (a logged call counts); say why it goes despite"
            " that"
        )
    elif today < fair:
        why = N_("the party has fair warning until %(day)s; say why it goes despite that", day=fair)
    if why:
        raise ForbiddenMove(action.ref, action.state, "escalated", why)


def _decide(
    case: Case, wish: Wish, rung: Rung, persons: tuple[Person, ...], decision: Decision
) -> None:
    action, cause = case.action, f"e{case.action.episode}"
    for person in persons:
        notice = notice_of(case, rung.kind, rung.name, cause, person, rung=rung)
        if wish.despite and rung.consent is Consent.COORDINATOR:
            # Who answers for it sends it: nobody else is asked to release it again. What needs
            # the word of others still does.
            notice = replace(notice, release=False)
        decision.notices.append(notice)
    decision.opens = action.ladder_id is None
    payload: dict[str, object] = {
        "rung": rung.name,
        "reason": wish.reason,
        "notices": sorted(f"{n.rung}:{n.person_id}" for n in decision.notices),
    }
    if wish.despite:
        payload["despite"] = wish.despite
        if action.paused_until_on:
            decision.changes["paused_until_on"] = None
        if action.acknowledged_on:
            decision.changes["acknowledged_on"] = None
    decision.events.append(("escalated", payload))
