"""An early warning with the numbers behind it, in the words of whoever is told of it."""

from collections.abc import Mapping
from typing import Any

from engine.fairness import Warned
from engine.party import Side
from notifications.digest_terms import Speech
from notifications.language import spoken


def warned_of(language: str, said: Mapping[str, Any]) -> str:
    """One sentence; `said` is what the event about the warning holds."""
    speech = Speech(spoken(language))
    here, there = speech.number(said["here"]), speech.number(said["there"])
    match Warned(said["what"]):
        case Warned.LOPSIDED_REMINDERS:
            return speech.gettext(
                "Reminders for ten working days of lateness: %(most)s %(here)s, "
                "%(least)s %(there)s.",
                most=_side(speech, said["about"]), here=here,
                least=_side(speech, said["against"]), there=there,
            )  # fmt: skip
        case Warned.LOPSIDED_ESCALATION:
            return speech.gettext(
                "Working days until something goes up: %(late)s %(here)s, %(soon)s %(there)s.",
                late=_side(speech, said["about"]), here=here,
                soon=_side(speech, said["against"]), there=there,
            )  # fmt: skip
        case Warned.STANDSTILL:
            return speech.gettext(
                "Standing still at once: %(still)s of %(owed)s (%(where)s): %(refs)s.",
                still=here, owed=there, where=said["about"], refs=", ".join(said["refs"]),
            )  # fmt: skip


def _side(speech: Speech, side: str) -> str:
    return speech.sides()[Side(side)]


def speaks_against(language: str) -> str:
    """That a file was handed in which contradicts the record, and what can be done about it."""
    return Speech(spoken(language)).gettext(
        "A file was handed in that speaks against what is on record. If it is right, open a "
        "dispute, so that the committee looks at it."
    )
