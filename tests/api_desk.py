"""A programme behind its API, and programs that hold keys of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from builders import MONDAY, Programme, a_dialogue, a_programme, a_row, at, day

from engine.clock import FixedClock
from engine.store.api_tables import Scope
from engine.store.contacts import find_person
from engine.store.keys import NewKey, make_key
from web.api import add_api
from web.app import new_app
from web.calendar_feed import add_calendar_feed
from web.serve import Face, address, listen

NOW = at(MONDAY)


@dataclass
class Desk:
    """A programme of two dialogues and whoever asks for something there."""

    programme: Programme
    url: str
    names: Iterator[int] = field(default_factory=count)
    clients: list[httpx.Client] = field(default_factory=list)

    @property
    def services(self) -> Any:
        return self.programme.services

    def key(
        self, person: str = "coord", scope: Scope = Scope.WRITE, *, dialogue_id: int | None = None,
        expires_at: Any = None,
    ) -> str:  # fmt: skip
        with self.services.database.write() as connection:
            new = NewKey(
                name="test", person=find_person(connection, person), scope=scope,
                dialogue_id=dialogue_id, expires_at=expires_at,
            )  # fmt: skip
            return make_key(connection, new, NOW)

    def client(self, key: str = "") -> httpx.Client:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        made = httpx.Client(base_url=self.url, headers=headers, timeout=60)
        self.clients.append(made)
        return made

    def by(self, person: str = "coord", scope: Scope = Scope.WRITE, **given: Any) -> httpx.Client:
        return self.client(self.key(person, scope, **given))

    def post(self, client: httpx.Client, path: str, json: Any = None, **headers: str) -> Any:
        """A write with a name of its own, on whatever version there is."""
        given = {"idempotency-key": f"name-{next(self.names)}", "if-match": "*"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        return client.post(f"/api/v1{path}", json=json, headers=given)


@contextmanager
def a_desk(url: str, folder: Path, **settings: Any) -> Iterator[Desk]:
    """Saaba with actions of every handling level, and Jos with one."""
    programme = a_programme(url, folder, **settings)
    people = [
        {"key": "jcoord", "function": "Coordinator", "role": "coordinator",
         "email": "coord@jos.example"},
        {"key": "jchief", "function": "Chief", "party": "Police division",
         "role": ["focal_point", "verifier"], "email": "chief@jos.example"},
    ]  # fmt: skip
    jos = a_dialogue(
        name="Jos", people=people, parties=[{"name": "Police division", "side": "security"}]
    )
    programme.plan(
        a_row(ref="SAA-01", commitment="A gate that faces no church", evidence="photograph"),
        a_row(ref="SAA-02", action="Light the road", handling="public"),
        a_row(ref="SAA-03", action="What nobody else reads", handling="restricted"),
        a_row(ref="SAA-04", action="What two persons read", handling="closed"),
        a_row(ref="SAA-05", action="Keep a register", responsible="Town hall",
              verifier="Elders", state="agreed"),
        a_row(ref="JOS-01", dialogue="JOS", action="Build the post",
              responsible="Police division", verifier=""),
        now=at(day(-5)), dialogues={"SAA": a_dialogue(), "JOS": jos},
    )  # fmt: skip
    programme.services = programme.services.at(FixedClock(NOW))
    app = new_app()
    add_api(app, programme.services)
    add_calendar_feed(app, programme.services)
    with listen("127.0.0.1", 0) as listener:
        face = Face(app, listener)
        face.start()
        desk = Desk(programme, address(listener))
        try:
            yield desk
        finally:
            for client in desk.clients:
                client.close()
            face.stop(5)
            programme.close()
