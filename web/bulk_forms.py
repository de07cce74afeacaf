"""The deeds that a coordinator does with several actions at once, with the fields of each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from engine.action import State
from engine.lifecycle import Request
from web.answer_fields import Said
from web.face import Visit
from web.forms import Field, Typed
from workflows.bulk import Each, holding, moving, rescheduling

FURTHEST_DAYS: Final = 3650


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkForm:
    """A deed for several actions; `each` makes of what was typed what is done with each of them."""

    name: str
    label: str
    why: str
    each: Callable[[Typed], Each]
    fields: tuple[Field, ...] = ()


def bulk_forms(visit: Visit) -> tuple[BulkForm, ...]:
    """What is needed after a session, the most usual first."""
    _ = visit.gettext
    why = Field(name="reason", label=_("Why?"), sort="area")
    return (
        BulkForm(
            name="reschedule", label=_("Agree another date"),
            why=_("The first date and every earlier one stay on record."),
            fields=(
                Field(name="due_on", label=_("To this day"), sort="day", needed=False),
                Field(name="days", label=_("Or by so many days"), sort="number", needed=False,
                      hint=_("such as 14; with a minus sign earlier")),
                Field(name="reason", label=_("Why, and who agreed?"), sort="area"),
            ),
            each=lambda typed: rescheduling(
                typed.day("due_on"), int(typed.text("days") or 0), typed.text("reason")
            ),
        ),
        BulkForm(
            name="agreed", label=_("Agreed in the session"),
            why=_("The words are frozen, and reminders begin."),
            fields=(
                Field(name="decided_on", label=_("On which day was it decided?"), sort="day"),
            ),
            each=lambda typed: moving(
                Request(to=State.AGREED, decided_on=typed.day("decided_on"))
            ),
        ),
        BulkForm(
            name="begun", label=_("Work has begun"),
            why=_("You write down what the parties said of actions that are agreed."),
            fields=(Field(name="note", label=_("A note"), needed=False),),
            each=lambda typed: moving(Request(to=State.IN_PROGRESS, note=typed.text("note"))),
        ),
        BulkForm(
            name="withdrawn", label=_("The committee withdraws it"),
            why=_("Nobody is reminded any more; the history stays."),
            fields=(
                why,
                Field(name="decided_on", label=_("On which day was it decided?"), sort="day"),
            ),
            each=lambda typed: moving(
                Request(to=State.WITHDRAWN, reason=typed.text("reason"),
                        decided_on=typed.day("decided_on"))
            ),
        ),
        BulkForm(
            name="hold", label=_("Hold messages"),
            why=_("Nothing about it leaves: a funeral, an election, something that could hurt."),
            fields=(
                Field(name="until_on", sort="day", needed=False,
                      label=_("Until and on which day? Empty: until you end it.")),
                why,
            ),
            each=lambda typed: holding(typed.day("until_on"), typed.text("reason")),
        ),
    )  # fmt: skip


def more_errors(form: BulkForm, typed: Typed, _: Said) -> Typed:
    """A day or a number of days, and not both."""
    if form.name != "reschedule":
        return typed
    errors = dict(typed.errors)
    days, due_on = typed.text("days"), typed.text("due_on")
    if bool(days) == bool(due_on):
        errors.setdefault("due_on", _("Give a day, or a number of days, and not both."))
    elif days and not _is_number(days):
        errors["days"] = _("Write a whole number of days, such as 14.")
    return Typed(typed.texts, typed.days, errors)


def _is_number(text: str) -> bool:
    digits = text.removeprefix("-").removeprefix("+")
    plain = digits.isascii() and digits.isdigit() and len(digits) <= len(str(FURTHEST_DAYS))
    return plain and 0 < int(digits) <= FURTHEST_DAYS
