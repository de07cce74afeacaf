"""A programme whose pages are served for real, and people who are signed in to them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from builders import MONDAY, Programme, at
from fastapi import FastAPI

from engine.clock import SystemClock
from web.app import new_app
from web.face import Entrance
from web.front import add_front, add_rest
from web.serve import Face, address, listen
from workflows.signing_in import link_for

NOW = at(MONDAY)
WORD = re.compile(r'name="token" value="([^"]+)"')
SEEN = re.compile(r'name="seen" value="([^"]+)"')
"""What a form about a person carries, so that it is not done to somebody who was changed since."""

on_both = pytest.mark.usefixtures("database_url")
"""Once on each database; what writes in its own way."""


def url_for(request: pytest.FixtureRequest) -> str:
    """Where the database of a test is: SQLite, but for tests that are marked `on_both`."""
    both = "database_url" in request.fixturenames
    return str(request.getfixturevalue("database_url" if both else "sqlite_url"))


class Hands:
    """A clock that stands where it is put."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


@dataclass(slots=True)
class Visitor:
    """A browser without a screen; `follow_redirects` is off, so that each answer is seen."""

    client: httpx.Client

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.client.get(path, **options)

    def word(self, path: str = "/actions") -> str:
        """The word that the forms of this session carry."""
        found = WORD.search(self.get(path).text)
        assert found, f"no form on {path}"
        return found[1]

    def send(self, path: str, **typed: Any) -> httpx.Response:
        """Send a form with the session's word in it."""
        return self.client.post(path, data={"token": self.word()} | typed)


@dataclass(slots=True)
class Desk:
    """The pages of a programme on the loopback; `clock` is by which sessions end."""

    programme: Programme
    url: str
    app: FastAPI
    entrance: Entrance
    clock: Hands
    open_clients: list[httpx.Client] = field(default_factory=list)

    def stranger(self) -> Visitor:
        client = httpx.Client(base_url=self.url, timeout=60)
        self.open_clients.append(client)
        return Visitor(client)

    def link(self, who: str) -> str:
        """The path of a link that signs somebody in."""
        return link_for(self.programme.services, who, self.clock.now())

    def member(self, who: str) -> Visitor:
        """Somebody who came in by a link, as people do."""
        visitor = self.stranger()
        answer = visitor.client.post(self.link(who))
        assert answer.status_code == 303, answer.text
        return visitor

    def later(self, length: timedelta) -> None:
        self.clock.at += length


@contextmanager
def open_face(programme: Programme, *, now: datetime = NOW, **options: Any) -> Iterator[Desk]:
    """All pages for people, as `alkawari up` serves them; it is `now` in the programme."""
    hands = Hands(SystemClock().now())
    programme.services = replace(
        programme.services, clock=Hands(now), public_url="http://127.0.0.1", **options
    )
    app = new_app()
    entrance, _sign_in = add_front(app, programme.services, clock=hands)
    add_rest(entrance)
    with listen("127.0.0.1", 0) as listener:
        programme.services = replace(programme.services, public_url=address(listener))
        entrance.services = entrance.doorman._services = programme.services
        face = Face(app, listener)
        face.start()
        desk = Desk(programme, address(listener), app, entrance, hands)
        yield desk
        for client in desk.open_clients:
            client.close()
        entrance.doorman.wait(10)
        face.stop(5)
