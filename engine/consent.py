"""Who has agreed that a sensitive rung may leave, and whose word is still missing."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from engine.action import Action
from engine.calendar import WorkingCalendar
from engine.errors import N_, BadValue, ForbiddenMove
from engine.history import Event
from engine.ladder import Consent, Ladder
from engine.lifecycle import Actor
from engine.party import Role, Side

CONSENTED: Final = "consented"
RELEASED: Final = "released"
REFUSED: Final = "release_refused"
LAPSED: Final = "release_lapsed"
EXPIRED: Final = "release_expired"

_ENDS: Final = frozenset({RELEASED, REFUSED, LAPSED, EXPIRED})
"""After one of these what was agreed before does not count any more."""

DECIDING: Final = frozenset({Role.COORDINATOR, Role.COMMITTEE})
"""Who can have a say in any release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A rung that waits for a release: who has to agree, who has, and who has not yet."""

    rung: str
    rule: Consent
    agreed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    def as_dict(self) -> Mapping[str, object]:
        """Plain values for tables and JSON."""
        return {
            "rung": self.rung,
            "consent": self.rule.value,
            "agreed": list(self.agreed),
            "missing": list(self.missing),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """
    What a word changes: by rung the voice with which it was given, and what may leave now.

    `asking` is how each of those rungs stands after it.
    """

    voices: Mapping[str, str]
    asking: tuple[Asking, ...]

    @property
    def complete(self) -> tuple[str, ...]:
        """The rungs that nobody's word is missing for any more."""
        return tuple(each.rung for each in self.asking if not each.missing)


def asking(
    action: Action,
    rungs: Iterable[str],
    ladder: Ladder,
    sides: Collection[Side],
    events: Iterable[Event],
) -> tuple[Asking, ...]:
    """How each of these rungs stands; `sides` are those of the table that the action touches."""
    said = _said(action, events)
    found = []
    for name in rungs:
        rule = rule_of(ladder, name)
        needed = _needed(rule, sides)
        found.append(
            Asking(
                rung=name,
                rule=rule,
                agreed=tuple(voice for voice in needed if voice in said.get(name, ())),
                missing=tuple(voice for voice in needed if voice not in said.get(name, ())),
            )
        )
    return tuple(found)


def rule_of(ladder: Ladder, name: str) -> Consent:
    """Whose release a rung waits for."""
    known = next((rung.consent for rung in ladder.rungs if rung.name == name), None)
    return known or Consent.COORDINATOR


def agree(action: Action, waiting: Collection[Asking], actor: Actor) -> Agreed:
    """
    What the word of this person is worth for the rungs that wait.

    ForbiddenMove if it is worth nothing, BadValue if it was given before.
    """
    spoken = [(each, _voice(each.rule, actor)) for each in waiting]
    heard = [(each, voice) for each, voice in spoken if voice in {*each.agreed, *each.missing}]
    if not heard:
        raise ForbiddenMove(action.ref, action.state, "released", _only(waiting))
    fresh = [(each, voice) for each, voice in heard if voice in each.missing]
    if not fresh:
        first, voice = heard[0]
        reason = N_(
            "%(voice)s has agreed to %(rung)s already; missing: %(missing)s",
            voice=voice, rung=first.rung, missing=tuple(first.missing),
        )  # fmt: skip
        raise BadValue("release", action.ref, reason)
    return Agreed(
        voices={each.rung: voice for each, voice in fresh},
        asking=tuple(
            Asking(
                rung=each.rung,
                rule=each.rule,
                agreed=(*each.agreed, voice),
                missing=tuple(other for other in each.missing if other != voice),
            )
            for each, voice in fresh
        ),
    )


def refuse(action: Action, waiting: Collection[Asking], actor: Actor) -> tuple[str, ...]:
    """The rungs that the word of this person keeps back; a coordinator's keeps back all."""
    if Role.COORDINATOR in actor.roles:
        return tuple(each.rung for each in waiting)
    found = tuple(
        each.rung for each in waiting if _voice(each.rule, actor) in {*each.agreed, *each.missing}
    )
    if not found:
        raise ForbiddenMove(action.ref, action.state, "refused a release", _only(waiting))
    return found


def is_over(since_on: date, today: date, calendar: WorkingCalendar, working_days: int) -> bool:
    """Whether more than so many working days have passed since a release was given or asked for."""
    return calendar.between(since_on, today) > working_days


def _needed(rule: Consent, sides: Collection[Side]) -> tuple[str, ...]:
    if rule is not Consent.BOTH_SIDES:
        return (rule.value,)
    return tuple(side.value for side in Side if side in sides)


def _voice(rule: Consent, actor: Actor) -> str:
    """With which voice a person speaks under a rule; empty for one who has no say."""
    match rule:
        case Consent.COORDINATOR:
            return rule.value if Role.COORDINATOR in actor.roles else ""
        case Consent.COMMITTEE:
            return rule.value if Role.COMMITTEE in actor.roles else ""
        case Consent.BOTH_SIDES:
            return "" if DECIDING.isdisjoint(actor.roles) else actor.side.value


def _only(waiting: Collection[Asking]) -> str:
    """Who could give the word that is asked for."""
    first = next(iter(waiting))
    match first.rule:
        case Consent.COORDINATOR:
            return N_("only its coordinator releases")
        case Consent.COMMITTEE:
            return N_("%(rung)s needs the word of a member of its committee", rung=first.rung)
        case Consent.BOTH_SIDES:
            sides = " and of ".join((*first.agreed, *first.missing))
            return N_(
                "%(rung)s needs a coordinator or committee member of %(sides)s",
                rung=first.rung, sides=sides,
            )  # fmt: skip


def _said(action: Action, events: Iterable[Event]) -> Mapping[str, set[str]]:
    """By rung the voices that agreed in the present run and still count."""
    found: dict[str, set[str]] = {}
    for event in events:
        if event.kind == CONSENTED:
            payload = json.loads(event.payload)
            if payload["run"] == action.episode:
                for rung, voice in payload["voices"].items():
                    found.setdefault(rung, set()).add(voice)
        elif event.kind in _ENDS:
            for rung in json.loads(event.payload)["rungs"]:
                found.pop(rung, None)
    return found
