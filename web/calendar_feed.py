"""A person's own due dates as a calendar that other programs read, at an address nobody guesses."""

import hashlib
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse

from config.wiring import Services
from engine.store.feeds import FeedDay, days_of, whose_feed
from notifications.ics import Day, calendar_bytes
from web.answer_limits import Guesses, client_of
from web.api_limits import Budget

PER_MINUTE: Final = 30
NOT_MODIFIED, NOT_FOUND, TOO_OFTEN = 304, 404, 429
LONGEST_TOKEN: Final = 64

HEADERS: Final = {
    # Whoever keeps a copy asks each time whether it is still right, and keeps it to itself.
    "cache-control": "private, no-cache",
    "content-disposition": 'attachment; filename="calendar.ics"',
}


def add_calendar_feed(app: FastAPI, services: Services) -> None:
    """`/calendar/TOKEN.ics`, for whoever knows the token."""
    feed = _Feed(services)
    app.api_route("/calendar/{token}.ics", methods=["GET", "HEAD"])(feed.look)
    app.api_route("/calendar/{rest:path}", methods=["GET", "HEAD"])(feed.nothing)


class _Feed:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._guesses = Guesses()
        self._budget = Budget(PER_MINUTE)

    def nothing(self, request: Request) -> Response:
        return self._gone(request)

    def look(self, request: Request, token: str) -> Response:
        if len(token) > LONGEST_TOKEN:
            return self._gone(request)
        with self._services.database.read() as connection:
            person = whose_feed(connection, token)
            days = days_of(connection, person) if person else []
        if person is None:
            return self._gone(request)
        if wait := self._budget.spend(person.id):
            return _later(wait)
        headers = {**HEADERS, "etag": self._tag(days)}
        if headers["etag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=NOT_MODIFIED, headers=headers)
        domain = self._services.office.domain
        body = calendar_bytes(
            [
                Day(uid=f"{day.ref}@{domain}", ref=day.ref, dialogue=day.dialogue,
                    due_on=day.due_on)
                for day in days
            ],
            name=self._services.settings.programme,
            now=self._services.clock.now(),
        )  # fmt: skip
        return Response(body, media_type="text/calendar", headers=headers)

    def _tag(self, days: list[FeedDay]) -> str:
        """Weak, because the instant at which a calendar was made stands in it as well."""
        said = "\n".join(f"{d.ref} {d.dialogue} {d.due_on}" for d in days)
        of = f"{self._services.settings.programme}\n{said}"
        return f'W/"{hashlib.sha256(of.encode()).hexdigest()[:32]}"'

    def _gone(self, request: Request) -> Response:
        """The same for every address that opens nothing, whatever the reason."""
        peer = request.client.host if request.client else ""
        client = client_of(peer, request.headers.get("x-forwarded-for", ""))
        if wait := self._guesses.wait_s(client):
            return _later(wait)
        self._guesses.missed(client)
        return PlainTextResponse("There is no such calendar.\n", NOT_FOUND)


def _later(wait: int) -> Response:
    headers = {"retry-after": str(wait)}
    return PlainTextResponse(f"Wait {wait} seconds.\n", TOO_OFTEN, headers)
