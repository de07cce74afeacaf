"""Clarifications of words that are frozen: what was added later, and who assented to it."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.action import Action
from engine.errors import N_, BadValue, ForbiddenMove
from engine.history import Event
from engine.lifecycle import Actor
from engine.party import Party, Side

CLARIFIED, ASSENTED = "clarified", "assented"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clarification:
    """
    Words added to what was agreed; `number` is that of the event that holds them.

    In force once each voice has assented; whoever wrote them has, if theirs is one of them.
    """

    number: int
    words: str
    language: str
    by: str
    at: datetime
    assented: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def in_force(self) -> bool:
        """Each voice has assented."""
        return not self.missing

    def as_dict(self) -> Mapping[str, object]:
        """Plain values for tables and JSON."""
        return {
            "number": self.number,
            "words": self.words,
            "language": self.language,
            "by": self.by,
            "at": self.at.isoformat(),
            "assented": list(self.assented),
            "missing": list(self.missing),
            "in_force": self.in_force,
        }


def voices(bound: Collection[Party]) -> dict[int, str]:
    """
    For each party that made an agreement the voice it speaks with: that of its side.

    Where all of them sit on one side, or nobody said where they sit, each speaks for itself.
    """
    one_side = len({party.side for party in bound}) == 1
    return {party.id: party.name if one_side else party.side.value for party in bound}


def clarifications(
    events: Iterable[Event], spoken_for: Mapping[int, str]
) -> tuple[Clarification, ...]:
    """Every clarification of an action, oldest first; `spoken_for` are the `voices` it needs."""
    said: dict[int, tuple[Event, Mapping[str, str]]] = {}
    assents: dict[int, set[str | None]] = {}
    for event in events:
        if event.kind == CLARIFIED:
            payload = json.loads(event.payload)
            said[event.seq] = (event, payload)
            assents[event.seq] = {spoken_for.get(payload["party_id"])}
        elif event.kind == ASSENTED:
            payload = json.loads(event.payload)
            assents[payload["clarification"]].add(spoken_for.get(payload["party_id"]))
    needed = sorted(set(spoken_for.values()))
    return tuple(
        Clarification(
            number=number,
            words=payload["words"],
            language=payload["language"],
            by=event.by,
            at=event.at,
            assented=tuple(voice for voice in needed if voice in assents[number]),
            missing=tuple(voice for voice in needed if voice not in assents[number]),
        )
        for number, (event, payload) in said.items()
    )


def clarify(action: Action, words: str, language: str, actor: Actor) -> dict[str, object]:
    """What the event says that adds words to what was agreed; the agreed ones stay as they are."""
    if action.agreed_on is None:
        why = N_("nothing is agreed yet; change its words instead")
        raise ForbiddenMove(action.ref, action.state, "clarified", why)
    if not actor.roles:
        why = N_("only its coordinator and the parties to it may do that")
        raise ForbiddenMove(action.ref, action.state, "clarified", why)
    if not words.strip():
        raise BadValue("text", words, N_("say in which words it is to be understood"))
    return {"words": words, "language": language, "party_id": actor.party_id}


def assent(
    action: Action,
    known: Sequence[Clarification],
    number: int | None,
    actor: Actor,
    spoken_for: Mapping[int, str],
) -> dict[str, object]:
    """What the event says by which somebody assents to a clarification for their party."""
    voice = spoken_for.get(actor.party_id) if actor.party_id else None
    if not actor.roles or voice is None:
        why = N_("only somebody of a party that it binds can assent")
        raise ForbiddenMove(action.ref, action.state, "assented to", why)
    waiting = [each for each in known if voice in each.missing]
    if number is not None:
        waiting = [each for each in waiting if each.number == number]
    if not waiting:
        wanted = "" if number is None else f" {number}"
        spoken = Side(voice) if voice in set(Side) else voice
        why = N_("no clarification%(number)s waits for %(voice)s", number=wanted, voice=spoken)
        raise BadValue("assent", action.ref, why)
    return {"clarification": waiting[-1].number, "party_id": actor.party_id}
