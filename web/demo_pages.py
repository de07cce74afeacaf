"""The pages of the demonstration: a board, a mailbox, a clock to move; no script needed."""

import re
import secrets
from typing import Annotated, Final

from fastapi import FastAPI, Form, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from engine.action import State
from engine.errors import EngineError, UnknownThing
from engine.store.listing import Wanted, dialogue_names, views
from web.answer_pages import add_answers
from web.api import add_api
from web.app import new_app, refusal
from web.calendar_feed import add_calendar_feed
from web.demo_action import whole
from web.demo_board import whose_turn
from web.demo_clock import Leap
from web.demo_front import add_demo_front
from web.demo_story import DID
from web.demo_world import World
from web.health import add_health
from web.pages import page

ALOOF: Final = {
    "content-security-policy": (
        "sandbox allow-top-navigation-by-user-activation; default-src 'none'; "
        "style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
    ),
    "x-frame-options": "SAMEORIGIN",
}
"""For the HTML of a mail: it may not run, load or send; a link that is pressed leads out of it."""

LEADS_OUT: Final = re.compile(r"<head[^>]*>", re.IGNORECASE)

OURS: Final = re.compile(r"/|/(demo|actions|board|mail|flows)(/\w[\w.-]*){0,2}")
"""The pages that a form may lead back to."""

REF: Final = re.compile(r"[\w.-]{1,40}")
SEE_OTHER, FORBIDDEN, NOT_FOUND, CONFLICT = 303, 403, 404, 409
LATEST = 8


def demo_app(world: World, host: str) -> FastAPI:
    """The face of `alkawari demo`."""
    app = new_app(host=host)
    add_health(app, world.service)
    add_answers(app, world.services)
    add_api(app, world.services)
    add_calendar_feed(app, world.services)
    pages = _Pages(world)
    app.get("/demo")(pages.overview)
    app.get("/demo/actions")(pages.actions)
    app.get("/demo/actions/{ref}")(pages.action)
    app.get("/mail")(pages.mail)
    app.get("/mail/{number}")(pages.letter)
    app.get("/mail/{number}/html")(pages.letter_html)
    app.get("/flows")(pages.flows)
    app.post("/clock")(pages.clock)
    app.post("/release")(pages.release)
    app.add_exception_handler(EngineError, _refused)
    add_demo_front(app, world, pages.word)
    return app


class _Pages:
    def __init__(self, world: World) -> None:
        self._world = world
        self.word = secrets.token_urlsafe(24)

    def overview(self, released: str = "") -> HTMLResponse:
        world = self._world
        return self._page(
            "demo_overview.html",
            "/demo",
            board=whose_turn(world.services, world.clock.now()),
            states=[state.value for state in State],
            letters=world.mailbox.letters[:LATEST],
            mails=len(world.mailbox.letters),
            happened=list(world.happened)[:LATEST],
            did=DID,
            released=released if REF.fullmatch(released) else "",
        )

    def actions(
        self,
        dialogue: str = "",
        state: str = "",
        overdue: Annotated[bool, Query()] = False,
    ) -> HTMLResponse:
        world = self._world
        wanted = Wanted(
            dialogue=dialogue or None,
            state=State(state) if state in set(State) else None,
            overdue=overdue,
        )
        with world.services.database.read() as connection:
            directory = world.services.directory(connection)
            found = list(views(directory, wanted, world.clock.now(), world.services.thresholds))
            names = dialogue_names(connection)
        return self._page(
            "demo_actions.html", "/demo/actions",
            found=found, names=names, states=list(State),
            dialogue=dialogue, state=state, overdue=overdue,
        )  # fmt: skip

    def action(self, ref: str) -> HTMLResponse:
        world = self._world
        try:
            found = whole(world.services, ref, world.clock.now())
        except UnknownThing:
            raise HTTPException(NOT_FOUND) from None
        return self._page("demo_action.html", f"/demo/actions/{found.view.action.ref}", found=found)

    def mail(self) -> HTMLResponse:
        letters = self._world.mailbox.letters
        return self._page("demo_mail.html", "/mail", letters=letters)

    def letter(self, number: int) -> HTMLResponse:
        found = self._world.mailbox.letter(number)
        if found is None:
            raise HTTPException(NOT_FOUND)
        return self._page(
            "demo_letter.html", f"/mail/{number}",
            letter=found, text=found.part("plain"), html=bool(found.part("html")),
        )  # fmt: skip

    def letter_html(self, number: int) -> Response:
        found = self._world.mailbox.letter(number)
        if found is None:
            raise HTTPException(NOT_FOUND)
        html = LEADS_OUT.sub(lambda head: head[0] + '<base target="_top">', found.part("html"), 1)
        return HTMLResponse(html, headers=ALOOF)

    def flows(self) -> HTMLResponse:
        service = self._world.service
        return self._page("demo_flows.html", "/flows", standing=service.standing, runs=service.runs)

    def clock(
        self,
        request: Request,
        leap: Annotated[Leap, Form()],
        token: Annotated[str, Form()],
        back: Annotated[str, Form()] = "/",
    ) -> Response:
        self._check(request, token)
        self._world.leap(leap)
        return RedirectResponse(back if OURS.fullmatch(back) else "/", SEE_OTHER)

    def release(
        self, request: Request, ref: Annotated[str, Form()], token: Annotated[str, Form()]
    ) -> Response:
        self._check(request, token)
        return RedirectResponse(f"/demo?released={self._world.release(ref)}", SEE_OTHER)

    def _page(self, template: str, path: str, **values: object) -> HTMLResponse:
        world = self._world
        now, journey = world.clock.now(), world.journey
        common = {
            "path": path,
            "now": now,
            "journey": journey,
            "done": journey.share_done(now) if journey else 0,
            "day_number": (now.date() - world.start_on).days + 1,
            "token": self.word,
        }
        return page(template, common | values)

    def _check(self, request: Request, token: str) -> None:
        """The form is ours: it holds the word that only our pages know, and came from them."""
        from_here = request.headers.get("sec-fetch-site", "same-origin") == "same-origin"
        if not from_here or not secrets.compare_digest(token.encode(), self.word.encode()):
            raise HTTPException(FORBIDDEN)


async def _refused(request: Request, error: Exception) -> Response:
    return refusal(request, CONFLICT, str(error))
