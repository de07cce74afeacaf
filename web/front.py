"""Every page for people, put together: what a new page has to be added to."""

from collections.abc import Callable

from fastapi import FastAPI, Response

from config.wiring import Services
from engine.clock import Clock
from web.action_page import add_action_page
from web.agenda_page import add_agenda
from web.allowed import SIGNED_IN
from web.board import add_board
from web.bulk import add_bulk
from web.calendar_forms import add_calendar_forms
from web.calendar_page import add_calendar
from web.clarify_page import add_clarify
from web.dependencies import add_dependencies
from web.evidence_page import add_evidence
from web.face import NOT_FOUND, Entrance, Visit
from web.holds import add_holds
from web.imports import add_imports
from web.overview import add_overview
from web.people import add_people
from web.sessions import add_sessions
from web.signin import SignIn
from web.today import add_today

Pages = Callable[[Entrance], None]

PAGES: tuple[Pages, ...] = (
    add_today,
    add_board,
    add_action_page,
    add_overview,
    add_people,
    add_bulk,
    add_dependencies,
    add_evidence,
    add_clarify,
    add_sessions,
    add_agenda,
    add_imports,
    add_holds,
    add_calendar,
    add_calendar_forms,
)
"""What adds pages behind the entrance, in no particular order."""


def add_front(
    app: FastAPI, services: Services, *, clock: Clock | None = None, demo: bool = False
) -> tuple[Entrance, SignIn]:
    """The pages for people who are signed in, and the way in; last of all `add_rest`."""
    entrance = Entrance(app, services, clock=clock, demo=demo)
    sign_in = SignIn(entrance)
    sign_in.add()
    for add in PAGES:
        add(entrance)
    return entrance, sign_in


def add_rest(entrance: Entrance) -> None:
    """
    Every other address: strangers are sent to the sign-in page, members are told there is nothing.

    Added after everything else, so that to a stranger what is there and what is not look the same.
    """
    entrance.get("/{rest:path}", SIGNED_IN, _nothing)
    entrance.post("/{rest:path}", SIGNED_IN, _nothing)


def _nothing(visit: Visit) -> Response:
    visit.refuse(NOT_FOUND)
