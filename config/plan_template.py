"""An empty plan as a workbook with drop-downs, to be filled where there is no internet."""

from typing import Final

from config.plan_columns import COLUMNS, DAYS, FROM_A_PLAN, REQUIRED
from engine.action import Handling, Kind
from engine.party import Side
from notifications.language import LANGUAGES
from notifications.workbook import Sheet, workbook

CHOICES: Final = {
    "language": tuple(LANGUAGES),
    "responsible_language": tuple(LANGUAGES),
    "kind": tuple(Kind),
    "repeat": ("daily", "weekly", "monthly", "quarterly", "yearly"),
    "responsible_side": tuple(Side),
    "verifier_side": tuple(Side),
    "state": FROM_A_PLAN,
    "handling": tuple(Handling),
}

REMARKS: Final = {
    "ref": "Such as SAA-07. Empty: one is made.",
    "dialogue": "The name of the dialogue, written the same way in each row.",
    "country": "Two letters (BF, SN, NG): for public holidays.",
    "timezone": "Such as Africa/Ouagadougou.",
    "language": "Of the commitment and the dialogue: en, fr, ar or ha.",
    "rest_days": "sat,sun or fri or none.",
    "commitment": "What was agreed, in the words agreed in the room.",
    "action": "The step that is followed; say what, and not who is to blame.",
    "kind": "one_off has a due date; recurring and standing have a rule in repeat.",
    "repeat": "For recurring and standing: one of these words, or a rule of RFC 5545.",
    "responsible": "The party that owes the action: an institution or a group, not a person.",
    "responsible_side": "security, authority, community or other.",
    "responsible_email": "Of the function that speaks for the party.",
    "responsible_phone": "With the country code: +226 70 00 00 00.",
    "responsible_language": "In which that function is written to.",
    "alternate_email": "Who is written to when the first does not answer.",
    "co_responsible": "Other parties, separated by a semicolon.",
    "verifier": "The party that confirms; never the one that owes the action.",
    "verifier_side": "security, authority, community or other.",
    "verifier_email": "Never a mailbox of the responsible party.",
    "coordinator_email": "Who coordinates the dialogue.",
    "agreed_on": "The day of the agreement.",
    "due": "A whole date, such as 2026-12-04; a month alone is refused.",
    "review_on": "For a blocked action: when it is looked at again.",
    "state": "Empty: agreed with a due date or a rule, else proposed.",
    "evidence": "What will count as proof; agree on it now.",
    "handling": "Who may read it. Empty: dialogue.",
    "depends_on": "References that must be met first, separated by semicolons.",
    "notes": "For a blocked action: what stands in the way.",
}
"""What each column holds, in one sentence; docs/plan-files.md says more."""


def template() -> bytes:
    """The workbook: a sheet to fill, and one that explains each column."""
    explained = [
        (name, "must be filled" if name in REQUIRED else "", REMARKS[name]) for name in COLUMNS
    ]
    return workbook(
        [
            Sheet("plan", COLUMNS, choices=CHOICES, remarks=REMARKS, days=DAYS),
            Sheet("columns", ("column", "needed", "holds"), explained),
        ],
        "A plan for Alkawari",
    )
