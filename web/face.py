"""The way in for people: who they are, what they may open, and how they are told no."""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Final, NoReturn
from urllib.parse import quote, urlencode

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from config.wiring import Services
from engine.action import Action
from engine.clock import Clock, SystemClock
from engine.errors import BadValue, EngineError, ForbiddenMove, StaleVersion, UnknownThing
from engine.permission import Deed, Member
from engine.store.sign_ins import SEEN_EVERY, Session, find_session
from engine.traces import trace_of
from notifications.language import LANGUAGES, direction, jinja_environment, spoken, words
from web.allowed import OPEN, SIGNED_IN, Need
from web.answer_form import Sent, TooMuch, one_line, read_form
from web.face_words import add_words
from web.held import held_now
from web.once import Once, mark_of
from web.refusals import refusal_words
from web.session import (
    LANGUAGE_NAME,
    OURS,
    WANTED_NAME,
    WANTED_S,
    from_here,
    page_word,
    same_word,
    session_token,
)
from workflows.signing_in import Doorman

log = logging.getLogger("alkawari.web")

NAMES: Final = {"en": "English", "fr": "Français", "ar": "العربية", "ha": "Hausa"}
OK, SEE_OTHER, BAD, UNKNOWN = 200, 303, 400, 401
FORBIDDEN, NOT_FOUND, CONFLICT = 403, 404, 409
TOO_MUCH, UNFIT, SLOW, FAILED = 413, 422, 429, 500
CARRIED: Final = frozenset(
    {
        "back", "clock_word", "deed", "dialogue", "digest", "hold", "kept", "key", "month", "next",
        "number", "seen", "token", "version",
    }
)  # fmt: skip
"""Fields that a page carries and nobody sees."""

CHOSEN: Final = frozenset(
    {
        "all", "bearing", "change", "channel", "do", "every", "everywhere", "language", "leap",
        "level", "method", "obstacle", "origin", "person", "reached", "role", "scope", "shared",
        "step", "sure", "what", "who", "workbook", "yearly",
    }
)  # fmt: skip
"""Fields in which something is pressed, ticked or chosen; no words are lost with them."""

PICKED: Final = "pick-"
"""How the name of a tick begins that stands before one of several actions."""

A_YEAR_S: Final = 365 * 24 * 3600


class Refused(Exception):
    """A page says no: `status`, and one sentence for whoever asked (empty: the usual one)."""

    def __init__(self, status: int, said: str = "") -> None:
        self.status, self.said = status, said
        super().__init__(said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request of one person: everything that a page is handed."""

    request: Request
    entrance: "Entrance"
    language: str
    now: datetime
    session: Session | None = None
    token: str = ""
    sent: Sent = field(default_factory=lambda: Sent({}))
    carried: frozenset[str] = CARRIED

    @property
    def services(self) -> Services:
        return self.entrance.services

    @property
    def member(self) -> Member:
        """Who it is; only pages that anybody may see are opened by nobody."""
        if self.session is None:
            raise Refused(UNKNOWN)
        return self.session.member

    def gettext(self, message: str) -> str:
        return words(self.language).gettext(message)

    def path(self, name: str) -> str:
        """A part of the address; a null byte, which PostgreSQL refuses, is in none of ours."""
        return str(self.request.path_params.get(name, "")).replace(
            "\0", "\N{REPLACEMENT CHARACTER}"
        )

    def query(self, name: str) -> str:
        """What stands behind the question mark, of a length that can be meant."""
        return one_line(self.request.query_params.get(name, ""))[:200]

    def typed(self, name: str) -> str:
        """A field of the form, cleaned."""
        return self.sent.get(name)

    @property
    def written(self) -> list[str]:
        """What this person has written into the form, so that a refusal can give it back."""
        return [
            text
            for name, text in self.sent.fields.items()
            if text and name not in self.carried | CHOSEN and not name.startswith(PICKED)
        ]

    def must(self, deed: Deed, action: Action, partners: tuple[int, ...] = ()) -> None:
        """
        Refuse what this person may not do with this action.

        An action that they may not even see in a list is one that does not exist for them.
        """
        if not self.member.may(Deed.LIST, action, partners):
            raise Refused(NOT_FOUND)
        if not self.member.may(deed, action, partners):
            raise Refused(FORBIDDEN)

    def must_in(self, deed: Deed, dialogue_id: int) -> None:
        """Refuse what this person may not do with this dialogue."""
        if not self.member.may_in(deed, dialogue_id):
            raise Refused(FORBIDDEN)

    def page(self, template: str, status: int = 200, **values: object) -> HTMLResponse:
        """A page in the visitor's language; `values` are what its template asks for."""
        return self.entrance.page(self, template, status, values)

    def to(self, path: str, **query: str) -> Response:
        """Lead on to another of our pages."""
        asked = urlencode({name: value for name, value in query.items() if value})
        return RedirectResponse(f"{path}?{asked}" if asked else path, SEE_OTHER)

    def refuse(self, status: int, said: str = "") -> NoReturn:
        raise Refused(status, said)


Handler = Callable[[Visit], Response]


class Entrance:
    """
    Where pages for people are added.

    `clock` is the real one, by which sessions end; the pages go by the clock of the services, which
    a demonstration puts forward.
    """

    def __init__(
        self, app: FastAPI, services: Services, *, clock: Clock | None = None, demo: bool = False
    ) -> None:
        self.app, self.services, self.demo = app, services, demo
        self.clock = clock or SystemClock()
        self.doorman = Doorman(services, self.clock)
        self.extras: Callable[[Visit], Mapping[str, object]] = lambda _visit: {}
        self._paths: set[str] = set()
        self._once = Once()
        app.add_exception_handler(HTTPException, self._http)
        app.add_exception_handler(Exception, self._broken)

    @property
    def secure(self) -> bool:
        """Whether people come by https, so that cookies may be bound to it."""
        return self.services.public_url.startswith("https://")

    def get(self, path: str, need: Need, handler: Handler) -> None:
        """A page to look at; looking changes nothing."""
        self._add(path, ["GET", "HEAD"], need, handler)

    def post(
        self, path: str, need: Need, handler: Handler, *, carries: Collection[str] = ()
    ) -> None:
        """
        A form that is sent; its word is checked before the handler sees it.

        `carries`: fields that are hidden in this form, while others are to be typed in another.
        """
        self._add(path, ["POST"], need, handler, CARRIED.union(carries))

    def has(self, path: str) -> bool:
        """Whether there is such a page; the menu shows no other."""
        return path in self._paths

    def _add(
        self,
        path: str,
        methods: list[str],
        need: Need,
        handler: Handler,
        carried: frozenset[str] = CARRIED,
    ) -> None:
        async def route(request: Request) -> Response:
            return await self._open(request, need, handler, carried)

        route.need = need  # type: ignore[attr-defined] # read by web/allowed.py and its test
        self._paths.add(path)
        self.app.add_api_route(
            path, route, methods=methods, include_in_schema=False, response_model=None
        )

    async def _open(
        self, request: Request, need: Need, handler: Handler, carried: frozenset[str]
    ) -> Response:
        sent = Sent({})
        if request.method == "POST":
            if not from_here(request):
                return await run_in_threadpool(self._no, request, FORBIDDEN, sent)
            try:
                sent = await read_form(request)
            except TooMuch:
                return await run_in_threadpool(self._no, request, TOO_MUCH, sent)
        visit = partial(self._visit, request, sent, carried)
        return await run_in_threadpool(self._answer, visit, need, handler)

    def _no(self, request: Request, status: int, sent: Sent) -> Response:
        return self._refusal(self._visit(request, sent), status)

    def _answer(self, begin: Callable[[], Visit], need: Need, handler: Handler) -> Response:
        visit = begin()
        request = visit.request
        try:
            self._check(visit, need)
            answer = self._handled(visit, handler)
        except Refused as refused:
            if refused.status == UNKNOWN and request.method != "POST":
                return self._to_sign_in(visit)
            answer = self._refusal(visit, refused.status, refused.said)
        except EngineError as error:
            said = refusal_words(visit.language, error)
            answer = self._refusal(visit, _status_of(error), said)
        except Exception as error:
            # What it says may hold what was typed, which the log must not.
            place = request.url.path.split("/")[1] or "the first page"
            log.error("%s failed (%s)", place, trace_of(error))  # noqa: TRY400
            log.debug("what was not foreseen:", exc_info=error)
            answer = self._refusal(visit, FAILED)
        if request.query_params.get("lang") in LANGUAGES:
            answer.set_cookie(
                LANGUAGE_NAME, visit.language, max_age=A_YEAR_S, secure=self.secure, samesite="lax"
            )
        return answer

    def _handled(self, visit: Visit, handler: Handler) -> Response:
        if visit.request.method != "POST" or visit.session is None:
            return handler(visit)
        mark = mark_of(_asked(visit.request), visit.sent)
        return self._once.answer(visit.session.id, mark, lambda: handler(visit))

    def _to_sign_in(self, visit: Visit) -> Response:
        answer, wanted = visit.to("/sign-in"), _asked(visit.request)
        if OURS.fullmatch(wanted) and wanted != "/":
            answer.set_cookie(
                WANTED_NAME, wanted, max_age=WANTED_S, path="/",
                secure=self.secure, httponly=True, samesite="lax",
            )  # fmt: skip
        return answer

    def _visit(self, request: Request, sent: Sent, carried: frozenset[str] = CARRIED) -> Visit:
        token, session = session_token(request, secure=self.secure), None
        clock_now = self.clock.now()
        if token:
            with self.services.database.read() as connection:
                session = find_session(connection, token, clock_now)
            if session and not session.seen_at <= clock_now < session.seen_at + SEEN_EVERY:
                self.doorman.note(session.id)
        return Visit(
            request=request,
            entrance=self,
            language=_language(request, session.member.language if session else ""),
            now=self.services.clock.now(),
            session=session,
            token=token if session else "",
            sent=sent,
            carried=carried,
        )

    def _check(self, visit: Visit, need: Need) -> None:
        if need != OPEN:
            member = visit.member
            if isinstance(need, Deed) and not member.may_somewhere(need):
                raise Refused(FORBIDDEN)
        word_needed = visit.request.method == "POST" and visit.session is not None
        if word_needed and not same_word(visit.token, visit.typed("token")):
            raise Refused(FORBIDDEN, visit.gettext("This form is no longer good; send it again."))

    def _refusal(self, visit: Visit, status: int, said: str = "") -> Response:
        """The page that says no, with what was typed, so that it can be copied."""
        return visit.page("face_refused.html", status, said=said, typed=visit.written, code=status)

    async def _http(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else BAD
        return await run_in_threadpool(self._no, request, status, Sent({}))

    async def _broken(self, request: Request, _error: Exception) -> Response:
        return await run_in_threadpool(self._no, request, FAILED, Sent({}))

    def page(
        self, visit: Visit, template: str, status: int, values: Mapping[str, object]
    ) -> HTMLResponse:
        """A page with what every page shows."""
        common = {
            "visit": visit,
            "member": visit.session.member if visit.session else None,
            "programme": self.services.settings.programme,
            "here": visit.request.url.path,
            "has": self.has,
            "word": page_word(visit.token) if visit.token else "",
            "languages": [(tag, NAMES[tag], direction(tag)) for tag in LANGUAGES],
            "lang_link": _lang_link(visit.request),
            "demo": self.demo,
            "extra": self.extras(visit),
            "kept_back": held_now(
                self.services.database, visit.session.member if visit.session else None, visit.now
            ),
            "Deed": Deed,
        }
        text = _environment(visit.language).get_template(template).render({**common, **values})
        return HTMLResponse(text, status, headers={"content-language": visit.language})


def _status_of(error: EngineError) -> int:
    match error:
        case UnknownThing():
            return NOT_FOUND
        case StaleVersion():
            return CONFLICT
        case ForbiddenMove() | BadValue():
            return UNFIT
        case _:
            return UNFIT


def _language(request: Request, own: str) -> str:
    """What was chosen by hand, else the person's own, else what the browser speaks."""
    said = request.headers.get("accept-language", "")[:200].split(",")
    tags = (tag.partition(";")[0].strip() for tag in said)
    chosen = (request.query_params.get("lang", ""), request.cookies.get(LANGUAGE_NAME, ""))
    return spoken(*chosen, own, *tags)


def _lang_link(request: Request) -> str:
    """The present page in another language: the tag is put behind it."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
    where = request.url.path if request.method == "GET" else "/"
    return f"{quote(where)}?{urlencode([*kept, ('lang', '')])}"


def _asked(request: Request) -> str:
    query = request.url.query
    return request.url.path + (f"?{query}" if query else "")


@lru_cache
def _environment(language: str) -> Environment:
    loader = FileSystemLoader(Path(__file__).parent / "templates")
    return add_words(jinja_environment(language, loader), language)


__all__ = ["OPEN", "SIGNED_IN", "Entrance", "Handler", "Refused", "Visit"]
