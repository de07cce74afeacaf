"""The answer pages: looking changes nothing, sending acts once, and nothing typed is lost."""

import logging
import re
from typing import Final
from urllib.parse import urlsplit

from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from config.wiring import Services
from engine.answer import Answer, Origin, Verb
from engine.asking import Door
from engine.errors import BadValue, EngineError, StaleVersion
from engine.traces import trace_of
from notifications.language import LANGUAGES, spoken, words
from web.answer_fields import FIELDS, read_answer
from web.answer_form import Sent, TooMuch, read_form
from web.answer_limits import Guesses, client_of
from web.answer_page import CONFLICT, FAILED, HEADERS, UNFIT, Pages
from web.answer_question import Question, key_of, question
from workflows.answers import Given, take_answer
from workflows.evidence import examined, store

log = logging.getLogger("alkawari.answers")

THANKS: Final = "thanks"
SEE_OTHER: Final = 303
LOOKING: Final = ["GET", "HEAD"]
_NUMBER: Final = re.compile("[0-9]{1,9}")


def add_answers(app: FastAPI, services: Services, guesses: Guesses | None = None) -> None:
    """The addresses under /answer/; each answers for itself, signed in or not."""
    pages = _Answers(services, guesses or Guesses())
    app.api_route("/answer/{token}", methods=LOOKING)(pages.look)
    app.api_route("/answer/{token}/{verb}", methods=LOOKING)(pages.look)
    app.post("/answer/{token}/{verb}")(pages.send)
    app.api_route("/answer", methods=[*LOOKING, "POST"])(pages.nothing)
    app.api_route("/answer/{rest:path}", methods=[*LOOKING, "POST"])(pages.nothing)


class _Answers:
    def __init__(self, services: Services, guesses: Guesses) -> None:
        self._services, self._guesses = services, guesses
        self._pages = Pages(services.settings.programme)

    def nothing(self, request: Request) -> Response:
        found = self._found(request, "")
        return found if isinstance(found, Response) else self._gone(request)

    def look(self, request: Request, token: str, verb: str = "") -> Response:
        found = self._found(request, token)
        if isinstance(found, Response):
            return found
        language, chosen = _language(request, found)
        if found.door is Door.USED:
            thanks = verb == THANKS
            now = self._services.clock.now()
            return self._pages.thanks(found, language, now, thanks=thanks)
        if found.door is not Door.OPEN:
            return self._pages.closed(found.door, language, found)
        if verb in found.verbs:
            return self._pages.form(found, token, Verb(verb), language, chosen)
        unknown = verb not in {"", THANKS}
        return self._pages.ask(found, token, language, chosen, unknown=unknown)

    async def send(self, request: Request, token: str, verb: str) -> Response:
        found = await run_in_threadpool(self._found, request, token)
        if isinstance(found, Response):
            return found
        language, _chosen = _language(request, found)
        if not _from_here(request):
            return self._pages.closed("foreign", language)
        try:
            sent = await read_form(request)
        except TooMuch:
            return self._pages.closed("too_much", language)
        return await run_in_threadpool(self._send, request, token, verb, found, sent)

    def _send(
        self, request: Request, token: str, verb: str, found: Question, sent: Sent
    ) -> Response:
        language, chosen = _language(request, found)
        if found.door is not Door.OPEN:
            return self._closed(found, token, sent, language, chosen)
        if verb not in found.verbs:
            return self._pages.ask(found, token, language, chosen, unknown=True)
        meant = Verb(verb)
        read = read_answer(meant, sent, found.today, words(language).gettext)
        if read.errors:
            return self._pages.form(
                found, token, meant, language, chosen,
                sent=sent, errors=read.errors, status=UNFIT,
            )  # fmt: skip
        try:
            self._take(found, read.answer, read.source, sent)
        except (EngineError, OSError) as error:
            return self._refused(request, token, meant, sent, error)
        except Exception as error:  # noqa: BLE001 - what was typed must come back, whatever failed
            # What it says may hold what was typed, which the log must not.
            log.error("an answer could not be taken (%s)", trace_of(error))  # noqa: TRY400
            return self._pages.form(
                found, token, meant, language, chosen,
                sent=sent, notice="failed", status=FAILED,
            )  # fmt: skip
        return _to_thanks(token, chosen)

    def _take(self, found: Question, answer: Answer, source: str, sent: Sent) -> None:
        pieces = []
        if sent.upload is not None and "file" in FIELDS[answer.verb]:
            piece, freed = examined(sent.upload.data, sent.upload.name)
            store(self._services, freed, piece)
            pieces.append(piece)
        given = Given(
            key=key_of(found.link),
            ref=found.action.ref,
            by=found.person.key,
            answer=answer,
            origin=Origin.LINK,
            source=source,
            link_id=found.link.id,
            state_version=_version(sent, found),
            evidence=tuple(pieces),
        )
        take_answer(self._services, given, self._services.clock.now())

    def _refused(
        self, request: Request, token: str, verb: Verb, sent: Sent, error: Exception
    ) -> Response:
        """Look again at what stands there now: it may have changed while the form was open."""
        found = question(self._services, token, self._services.clock.now())
        if found is None:
            return self._gone(request)
        language, chosen = _language(request, found)
        if found.door is not Door.OPEN or verb not in found.verbs:
            return self._closed(found, token, sent, language, chosen)
        errors = {}
        if isinstance(error, BadValue) and error.field == "evidence":
            errors["file"] = words(language).gettext("This file cannot be kept.")
        notice = "stale" if isinstance(error, StaleVersion) else "refused"
        if isinstance(error, OSError):
            log.error("evidence could not be stored (%s)", type(error).__name__)
            notice = "failed"
        return self._pages.form(
            found, token, verb, language, chosen, sent=sent, errors=errors,
            notice="" if errors else notice, status=FAILED if notice == "failed" else CONFLICT,
        )  # fmt: skip

    def _closed(
        self, found: Question, token: str, sent: Sent, language: str, chosen: str
    ) -> Response:
        """A form that came too late; one that came twice sees what the first one did."""
        if found.door is Door.USED:
            return _to_thanks(token, chosen)
        typed = tuple(text for name in _TYPED if (text := sent.get(name)))
        why = found.door if found.door is not Door.OPEN else Door.SETTLED
        return self._pages.closed(why, language, found, typed=typed)

    def _found(self, request: Request, token: str) -> Question | Response:
        """What is behind the address; a page for whoever guesses, the same for every guess."""
        peer = request.client.host if request.client else ""
        client = client_of(peer, request.headers.get("x-forwarded-for", ""))
        wait_s = self._guesses.wait_s(client)
        if wait_s:
            language = _asked_language(request)
            return self._pages.closed("slow", language, retry_after_s=wait_s)
        found = question(self._services, token, self._services.clock.now())
        if found is None:
            self._guesses.missed(client)
            return self._gone(request)
        return found

    def _gone(self, request: Request) -> Response:
        return self._pages.closed("gone", _asked_language(request))


_TYPED: Final = ("note", "seen", "blocker", "named", "until", "source")


def _to_thanks(token: str, chosen: str) -> Response:
    return RedirectResponse(f"/answer/{token}/{THANKS}{chosen}", SEE_OTHER, headers=HEADERS)


def _language(request: Request, found: Question) -> tuple[str, str]:
    """The language of the page, and the query that keeps it where it was chosen by hand."""
    wanted = request.query_params.get("lang", "")
    if wanted in LANGUAGES:
        return wanted, f"?lang={wanted}"
    return found.language, ""


def _asked_language(request: Request) -> str:
    """Of somebody who is not known: what was chosen, else what their browser speaks."""
    said = request.headers.get("accept-language", "")[:200].split(",")
    tags = (tag.partition(";")[0].strip() for tag in said)
    return spoken(request.query_params.get("lang", ""), *tags)


def _version(sent: Sent, found: Question) -> int:
    """The version of the page that was looked at; of a form without one, that of the link."""
    text = sent.get("version")
    return int(text) if _NUMBER.fullmatch(text) else found.link.state_version


def _from_here(request: Request) -> bool:
    """
    Whether a form was sent from our own page, as far as browsers tell.

    The token is what lets somebody act, and no other page knows it; this is one wall more. Our
    pages send no referrer, so browsers call their origin `null`.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = request.headers.get("origin", "null")
    return origin == "null" or urlsplit(origin).netloc == request.headers.get("host", "")
