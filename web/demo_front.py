"""The pages for people in the demonstration: one button makes you one of them."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fastapi import FastAPI, Response

from engine.party import Role
from engine.store.contacts import find_person
from engine.store.database import Connection
from engine.store.directory import Directory
from engine.store.listing import all_dialogue_ids
from web.allowed import OPEN
from web.demo_world import World
from web.face import FORBIDDEN, NOT_FOUND, Visit
from web.front import add_front, add_rest
from web.session import drop_cookie
from web.signin import SignIn

SHOWN: Final = (Role.COORDINATOR, Role.MANAGER, Role.AUDITOR, Role.FOCAL_POINT)
"""The roles that somebody may try, and in which order they stand on the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Somebody whom a visitor may be: a function, what for, and where."""

    key: str
    function: str
    what: Role
    where: str


def add_demo_front(app: FastAPI, world: World, clock_word: str) -> None:
    """The same pages as in `alkawari up`, with a way in that needs no mailbox."""
    entrance, sign_in = add_front(app, world.services, demo=True)
    demo = _Demo(world, sign_in, clock_word)
    entrance.extras = demo.extra
    entrance.post("/demo/be", OPEN, demo.be)
    entrance.get("/demo/again", OPEN, demo.ask_again)
    entrance.post("/demo/again", OPEN, demo.start_again)
    add_rest(entrance)


class _Demo:
    def __init__(self, world: World, sign_in: SignIn, clock_word: str) -> None:
        self._world, self._sign_in, self._clock_word = world, sign_in, clock_word

    def extra(self, visit: Visit) -> Mapping[str, object]:
        """What the demonstration adds to every page: its clock, and on the way in its people."""
        now, journey = self._world.clock.now(), self._world.journey
        shown = visit.request.url.path == "/sign-in"
        return {
            "today": now.date(),
            "hour": f"{now:%H:%M}",
            "journey": journey,
            "done": journey.share_done(now) if journey else 0,
            "clock_word": self._clock_word,
            "people": self._figures() if shown else (),
        }

    def be(self, visit: Visit) -> Response:
        """Sign in as one of the people that the page offers, and as nobody else."""
        key = visit.typed("person")
        if key not in {figure.key for figure in self._figures()}:
            visit.refuse(NOT_FOUND)
        with self._world.services.database.read() as connection:
            person = find_person(connection, key)
        return self._sign_in.signed_in(visit, person.id)

    def ask_again(self, visit: Visit) -> Response:
        """What is lost by it, and the one button that does it."""
        return visit.page("face_demo_again.html", clock_word=self._clock_word)

    def start_again(self, visit: Visit) -> Response:
        """Throw everything away; the page that answers asks for the first one until it is there."""
        word = visit.typed("clock_word").encode()
        if not secrets.compare_digest(word, self._clock_word.encode()):
            visit.refuse(FORBIDDEN)
        answer = visit.page("face_demo_restarts.html")
        # The next question is one for the new process, which does not know this session.
        answer.headers["connection"] = "close"
        drop_cookie(answer, secure=visit.entrance.secure)
        self._world.start_again()
        return answer

    def _figures(self) -> list[Figure]:
        with self._world.services.database.read() as connection:
            return _figures(connection, self._world.services.directory(connection))


def _figures(connection: Connection, directory: Directory) -> list[Figure]:
    directory.ensure([])
    homes = all_dialogue_ids(connection)
    directory.ensure_dialogues(set(homes))
    found: dict[str, Figure] = {}
    for role in SHOWN:
        for home in homes:
            for person in directory.in_role(home, role)[:1]:
                everywhere = role in {Role.MANAGER, Role.AUDITOR}
                where = "" if everywhere else directory.dialogues[home].name
                figure = Figure(key=person.key, function=person.called, what=role, where=where)
                found.setdefault(person.key, figure)
    return list(found.values())
