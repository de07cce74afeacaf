"""The committee's agenda: a look at its points, the page to print, the sheet to fill."""

import hashlib
import re
from base64 import b64encode
from collections import Counter
from datetime import date
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Response

from config.plan_days import FIRST_YEAR, LAST_YEAR
from engine.agenda import Section
from engine.permission import Deed
from notifications.agenda import heading, page
from notifications.language import LANGUAGES
from notifications.sheet import sheet_csv, sheet_xlsx
from web.answer_form import plain_digits
from web.face import NAMES, NOT_FOUND, OK, UNFIT, Entrance, Visit
from web.homes import chosen_of, homes_for
from workflows.agenda import AgendaAsked, Made, make_agenda

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_STYLE: Final = re.compile(r"<style>(.*?)</style>", re.DOTALL)


def add_agenda(entrance: Entrance) -> None:
    entrance.get("/agenda", Deed.SEE_AGENDA, look)
    entrance.get("/agenda/print", Deed.SEE_AGENDA, to_print)
    entrance.get("/agenda/sheet.csv", Deed.SEE_AGENDA, sheet)
    entrance.get("/agenda/sheet.xlsx", Deed.SEE_AGENDA, workbook)


def look(visit: Visit) -> Response:
    """What the next session has before it, and how to take it along."""
    homes = homes_for(visit, Deed.SEE_AGENDA)
    chosen = chosen_of(visit, homes, visit.query("dialogue"))
    if chosen is None:
        return visit.page("face_agenda_where.html", homes=homes)
    session_on, wrong = _day(visit)
    made = _made(visit, chosen, None if wrong else session_on)
    told = {"dialogue": chosen.code, "language": made.language}
    if session_on and not wrong:
        told["session"] = session_on.isoformat()
    return visit.page(
        "face_agenda.html", UNFIT if wrong else OK,
        chosen=chosen, several=len(homes) > 1, made=made, agenda=made.agenda, wrong=wrong,
        session_on=visit.query("session"), asked=urlencode(told),
        tongues=[(tag, NAMES[tag]) for tag in LANGUAGES],
        counts=Counter(point.section for point in made.agenda.points), sections=list(Section),
        headings={one: heading(one, made.agenda, visit.language) for one in Section},
    )  # fmt: skip


def to_print(visit: Visit) -> Response:
    """The page as it leaves the printer; its only style is its own, known by its hash."""
    made = _asked(visit)
    body = page(made.agenda, made.language)
    headers = {"content-security-policy": _policy(body)}
    return Response(body, media_type="text/html; charset=utf-8", headers=headers)


def sheet(visit: Visit) -> Response:
    made = _asked(visit)
    data = sheet_csv(made.agenda, made.language).encode()
    return _file(data, "text/csv; charset=utf-8", _name(made, "csv"))


def workbook(visit: Visit) -> Response:
    made = _asked(visit)
    return _file(sheet_xlsx(made.agenda, made.language, made.now), XLSX, _name(made, "xlsx"))


def _asked(visit: Visit) -> Made:
    chosen = chosen_of(visit, homes_for(visit, Deed.SEE_AGENDA), visit.query("dialogue"))
    if chosen is None:
        visit.refuse(NOT_FOUND)
    session_on, wrong = _day(visit)
    if wrong:
        visit.refuse(UNFIT, wrong)
    return _made(visit, chosen, session_on)


def _made(visit: Visit, chosen: Any, session_on: date | None) -> Made:  # noqa: ANN401 - a row
    language = visit.query("language")
    asked = AgendaAsked(
        dialogue=chosen.code,
        language=language if language in LANGUAGES else "",
        session_on=session_on,
    )
    return make_agenda(visit.services, asked, visit.now)


def _day(visit: Visit) -> tuple[date | None, str]:
    """The day of the session, if one is given, or what is wrong with it."""
    said = plain_digits(visit.query("session"))
    if not said:
        return None, ""
    try:
        found = date.fromisoformat(said)
    except ValueError:
        return None, visit.gettext("Write the day like 2026-12-04.")
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        return None, visit.gettext("This year cannot be meant.")
    return found, ""


def _policy(body: str) -> str:
    style = _STYLE.search(body)
    digest = b64encode(hashlib.sha256((style[1] if style else "").encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'"


def _name(made: Made, ending: str) -> str:
    """A file name that says neither a place nor what it is about."""
    return f"agenda-{made.agenda.code}-{made.agenda.today}.{ending}"


def _file(data: bytes, kind: str, name: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type=kind, headers=headers)
