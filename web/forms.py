"""Forms in general: fields with their sort, what was typed read into values, errors by field."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from config.plan_days import FIRST_YEAR, LAST_YEAR
from web.answer_fields import Said, read_day
from web.answer_form import Sent, one_line, plain_digits

LONGEST: Final = {"line": 300, "area": 2000, "day": 10, "choice": 60, "number": 20}
COUNTED: Final = frozenset({"day", "number"})
"""Sorts that are read by their digits, which may be those of any script."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """
    One field of a form.

    `sort`: line, area, day, number, choice or tick. `options`: value and text of each choice.
    `first`: what stands there in an empty form.
    """

    name: str
    label: str
    sort: str = "line"
    needed: bool = True
    options: tuple[tuple[str, str], ...] = ()
    first: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Typed:
    """What came of a form: texts and days by name, and what is wrong with which field."""

    texts: Mapping[str, str]
    days: Mapping[str, date] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        return self.texts.get(name, "")

    def day(self, name: str) -> date | None:
        return self.days.get(name)


def read_fields(fields: Sequence[Field], sent: Sent, _: Said) -> Typed:
    """The values of these fields; each error is one sentence in the reader's language."""
    texts: dict[str, str] = {}
    days: dict[str, date] = {}
    errors: dict[str, str] = {}
    for one in fields:
        text = sent.get(one.name)
        if one.sort != "area":
            text = one_line(text)
        if one.sort in COUNTED:
            text = plain_digits(text)
        texts[one.name] = text
        if not text:
            if one.needed and one.sort != "tick":
                errors[one.name] = _missing(one, _)
        elif len(text) > LONGEST.get(one.sort, len(text)):
            errors[one.name] = _("This is too long: please keep it under %(count)s characters.") % {
                "count": LONGEST[one.sort]
            }
        elif one.sort == "choice" and text not in {value for value, _text in one.options}:
            errors[one.name] = _("Choose one of these.")
        elif one.sort == "day":
            found = read_day(text)
            if found is None:
                errors[one.name] = _("Write the day like 2026-12-04.")
            elif not FIRST_YEAR <= found.year <= LAST_YEAR:
                errors[one.name] = _("This year cannot be meant.")
            else:
                days[one.name] = found
    return Typed(texts, days, errors)


def _missing(one: Field, _: Said) -> str:
    if one.sort == "choice":
        return _("Choose one of these.")
    return _("Say which day.") if one.sort == "day" else _("Please write a few words here.")
