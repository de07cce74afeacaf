"""Puts values into pages: every value escaped, days and words written for people."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Final

from babel.dates import format_date, format_datetime
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

LOCALE: Final = "en_GB"
_ANSWER: Final = re.compile(r"https?://[\w.:\[\]-]+(/answer/[\w-]+(?:/\w+)?)")
NOTHING: Final = "\N{EN DASH}"

WORDS: Final[Mapping[str, str]] = {
    "proposed": "proposed",
    "agreed": "agreed",
    "in_progress": "in progress",
    "blocked": "blocked",
    "reported_done": "reported done",
    "verified": "verified",
    "in_force": "in force",
    "disputed": "disputed",
    "superseded": "superseded",
    "withdrawn": "withdrawn",
    "not_implemented": "not implemented",
    "unreleased": "waits for release",
    "posted": "on the board",
    "struck": "no longer true, not sent",
    "pending": "waits for its hour",
    "held": "on hold",
    "bundled": "leaving now",
    "undeliverable": "could not be delivered",
    "one_off": "once, by a date",
    "recurring": "again each period",
    "standing": "a rule that goes on holding",
}


def words(name: object) -> str:
    """A word of the program as people read it."""
    text = str(name)
    return WORDS.get(text, text.replace("_", " "))


def day(value: date | None) -> str:
    """A day, such as Tue 24 Nov 2026."""
    return format_date(value, "EEE d MMM y", locale=LOCALE) if value else NOTHING


def short_day(value: date | None) -> str:
    """A day of a year that is clear from what stands beside it."""
    return format_date(value, "d MMM", locale=LOCALE) if value else NOTHING


def instant(value: datetime | None) -> str:
    """An instant in UTC."""
    return format_datetime(value, "EEE d MMM y, HH:mm", locale=LOCALE) if value else NOTHING


def clock_time(value: datetime) -> str:
    """The hour of an instant in UTC."""
    return format_datetime(value, "HH:mm", locale=LOCALE)


def linked(text: str) -> Markup:
    """A text with the addresses of our answer pages made into links; the rest is only shown."""
    return Markup(_ANSWER.sub(r'<a href="\1">\g<0></a>', str(escape(text))))  # noqa: S704 - escaped


_ENVIRONMENT: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_ENVIRONMENT.filters |= {
    "words": words,
    "day": day,
    "short_day": short_day,
    "instant": instant,
    "clock_time": clock_time,
    "linked": linked,
}


def page(template: str, values: Mapping[str, object], status: int = 200) -> HTMLResponse:
    """A page from its template; a value that the template asks for and nobody gave is an error."""
    return HTMLResponse(_ENVIRONMENT.get_template(template).render(values), status_code=status)
