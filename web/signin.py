"""Signing in by a link that works once, and signing out."""

from typing import Final

from fastapi import Response
from fastapi.responses import RedirectResponse

from engine.errors import BadValue
from engine.permission import Deed, Member
from engine.store.sign_ins import (
    begin_session,
    end_session,
    end_sessions,
    member,
    person_of_link,
    use_link,
)
from web.allowed import OPEN, SIGNED_IN
from web.answer_limits import Guesses, client_of
from web.face import NOT_FOUND, SEE_OTHER, SLOW, UNFIT, Entrance, Visit
from web.session import OURS, WANTED_NAME, Brake, drop_cookie, put_cookie
from workflows.signing_in import new_token

ASKED_BY_CLIENT: Final = (10, 600.0)
ASKED_FOR_ADDRESS: Final = (3, 900.0)
ASKED_IN_ALL: Final = (300, 600.0)
"""Times and seconds: what one client, one address and everybody together may ask."""

LONGEST_ADDRESS: Final = 254
HEADERS: Final = {"referrer-policy": "no-referrer", "x-robots-tag": "noindex, nofollow"}
HOME: Final = ((Deed.SEE_TODAY, "/"), (Deed.SEE_FIGURES, "/dashboard"), (Deed.VERIFY, "/verify"))
"""The first page of whoever signs in, by what they may do; else the list."""


class SignIn:
    """The pages; `brakes` stand in the memory of this process."""

    def __init__(self, entrance: Entrance) -> None:
        self._in = entrance
        self._by_client = Brake(*ASKED_BY_CLIENT)
        self._for_address = Brake(*ASKED_FOR_ADDRESS)
        self._in_all = Brake(*ASKED_IN_ALL)
        self._guesses = Guesses()

    def add(self) -> None:
        add = self._in
        add.get("/sign-in", OPEN, self.ask)
        add.post("/sign-in", OPEN, self.asked)
        add.get("/sign-in/{link}", OPEN, self.door)
        add.post("/sign-in/{link}", OPEN, self.enter)
        add.post("/sign-out", SIGNED_IN, self.leave)

    def ask(self, visit: Visit) -> Response:
        """Where to write one's address; in a demonstration, whom to be."""
        return visit.page("face_sign_in.html", address="", wrong="", mails=self._mails)

    def asked(self, visit: Visit) -> Response:
        """A link is on its way, or not: nobody learns from this page who is known."""
        address = visit.typed("address")
        if "@" not in address or len(address) > LONGEST_ADDRESS or len(address.split()) != 1:
            wrong = visit.gettext("Write one address, such as name@place.example.")
            values = {"address": address[:LONGEST_ADDRESS], "wrong": wrong, "mails": self._mails}
            return visit.page("face_sign_in.html", UNFIT, **values)
        if not (self._by_client.permits(_client(visit)) and self._in_all.permits("")):
            return self._slow(visit)
        # Too often for one address: said to nobody, since that would tell whose it is.
        wanted = self._mails and self._for_address.permits(address.lower())
        if wanted and not self._in.doorman.ask(address):
            return self._slow(visit)
        return visit.page("face_sign_in_sent.html", address=address)

    def door(self, visit: Visit) -> Response:
        """A button, because mail scanners open links: looking signs nobody in."""
        waits = self._guesses.wait_s(_client(visit))
        if waits:
            return self._slow(visit)
        with visit.services.database.read() as connection:
            person_id = person_of_link(connection, visit.path("link"), self._in.clock.now())
            who = member(connection, person_id) if person_id else None
        if who is None:
            self._guesses.missed(_client(visit))
        status = 200 if who else NOT_FOUND
        answer = visit.page("face_sign_in_link.html", status, who=who, link=visit.path("link"))
        answer.headers.update(HEADERS)
        return answer

    def enter(self, visit: Visit) -> Response:
        """Use the link up and begin a session; one that was open in this browser ends."""
        if self._guesses.wait_s(_client(visit)):
            return self._slow(visit)
        clock_now = self._in.clock.now()
        with visit.services.database.write() as connection:
            person_id = use_link(connection, visit.path("link"), clock_now)
        if person_id is None:
            self._guesses.missed(_client(visit))
            answer = visit.page("face_sign_in_link.html", NOT_FOUND, who=None, link="")
            answer.headers.update(HEADERS)
            return answer
        return self.signed_in(visit, person_id)

    def signed_in(self, visit: Visit, person_id: int) -> Response:
        """A new session for that person, in this browser."""
        token, clock_now = new_token(), self._in.clock.now()
        with visit.services.database.write() as connection:
            if visit.session is not None:
                end_session(connection, visit.session.id, clock_now)
            begin_session(connection, token, person_id, clock_now)
            who = member(connection, person_id)
        if who is None:
            raise BadValue("person", person_id, "is not there any more")
        wanted = visit.request.cookies.get(WANTED_NAME, "")
        there = wanted if OURS.fullmatch(wanted) else first_page(self._in, who)
        answer = RedirectResponse(there, SEE_OTHER, headers=HEADERS)
        answer.delete_cookie(WANTED_NAME, path="/")
        put_cookie(answer, token, secure=self._in.secure)
        return answer

    def leave(self, visit: Visit) -> Response:
        """Sign out, here or everywhere."""
        clock_now = self._in.clock.now()
        assert visit.session is not None  # noqa: S101 - the page is for people who are signed in
        with visit.services.database.write() as connection:
            if visit.typed("everywhere"):
                end_sessions(connection, visit.member.person_id, clock_now)
            else:
                end_session(connection, visit.session.id, clock_now)
        answer = visit.to("/sign-in")
        drop_cookie(answer, secure=self._in.secure)
        return answer

    @property
    def _mails(self) -> bool:
        """Whether links can be mailed at all: with a mail server, and an address to put in them."""
        services = self._in.services
        return services.new_mailer is not None and bool(services.public_url)

    def _slow(self, visit: Visit) -> Response:
        answer = visit.page("face_refused.html", SLOW, said="", typed=[], code=SLOW)
        answer.headers["retry-after"] = "600"
        return answer


def first_page(entrance: Entrance, who: Member) -> str:
    """Where somebody begins."""
    for deed, path in HOME:
        if entrance.has(path) and who.may_somewhere(deed):
            return path
    return "/actions"


def _client(visit: Visit) -> str:
    peer = visit.request.client.host if visit.request.client else ""
    return client_of(peer, visit.request.headers.get("x-forwarded-for", ""))
