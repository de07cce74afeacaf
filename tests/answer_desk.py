"""A programme whose answer pages are served for real, and links into them as mails would carry."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import httpx
from builders import MONDAY, Programme, at
from sqlalchemy import select

from engine.answer import Purpose
from engine.store.answer_tables import answers, links
from engine.store.answers import NewLink, keep_links, token_hash
from engine.store.columns import METADATA
from engine.store.tables import people
from web.answer_limits import Guesses
from web.answer_pages import add_answers
from web.app import new_app
from web.serve import Face, address, listen

NOW = at(MONDAY)


class Hands:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at


@dataclass(slots=True)
class Desk:
    """Where answers come in: the programme, its clock, and a browser without a screen."""

    programme: Programme
    client: httpx.Client
    clock: Hands
    guesses: Guesses
    url: str
    tokens: list[str] = field(default_factory=list)

    def link(
        self, who: str = "chief", purpose: Purpose = Purpose.ANSWER, ref: str = "SAA-01",
        answer_id: int | None = None,
    ) -> str:  # fmt: skip
        """The token of a new link, as a mail would carry it."""
        action = self.programme.action(ref)
        (person_id,) = self.programme.rows(select(people.c.id).where(people.c.key == who))[0]
        token = secrets.token_urlsafe(16)
        new = NewLink(
            token_hash=token_hash(token), action_id=action.id, person_id=person_id,
            purpose=purpose, notice_id=None, answer_id=answer_id,  # type: ignore[arg-type] # a mail's has one
            state_version=action.state_version, expires_at=self.clock.at + timedelta(days=14),
        )  # fmt: skip
        with self.programme.services.database.write() as connection:
            keep_links(connection, [new], self.clock.at)
        self.tokens.append(token)
        return token

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.client.get(f"/answer/{path}", **options)

    def fill(self, token: str, verb: str, **typed: Any) -> dict[str, Any]:
        """The hidden fields of the page, and what somebody types."""
        page = self.get(f"{token}/{verb}").text
        hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)
        return dict(hidden) | typed

    def send(self, token: str, verb: str, **typed: Any) -> httpx.Response:
        return self.client.post(f"/answer/{token}/{verb}", data=self.fill(token, verb, **typed))

    def follow(self, token: str, verb: str, **typed: Any) -> httpx.Response:
        """Send the form, and look at the page that it leads to."""
        sent = self.send(token, verb, **typed)
        assert sent.status_code == 303, sent.text
        return self.client.get(sent.headers["location"])

    def kept(self) -> list[Any]:
        return self.programme.rows(select(answers).order_by(answers.c.id))

    def link_row(self, token: str) -> Any:
        query = select(links).where(links.c.token_hash == token_hash(token))
        return self.programme.rows(query)[0]

    def everything(self) -> dict[str, list[Any]]:
        """The whole database."""
        return {
            table.name: sorted(map(repr, self.programme.rows(select(table))))
            for table in METADATA.sorted_tables
        }


@contextmanager
def open_desk(programme: Programme) -> Iterator[Desk]:
    """The answer pages of a programme behind a real server on the loopback."""
    clock, guesses = Hands(), Guesses()
    programme.services = replace(programme.services, clock=clock)
    app = new_app()
    add_answers(app, programme.services, guesses)
    with listen("127.0.0.1", 0) as listener:
        face = Face(app, listener)
        face.start()
        with httpx.Client(base_url=address(listener), timeout=60) as client:
            yield Desk(programme, client, clock, guesses, address(listener))
        face.stop(5)


def seen(page: httpx.Response) -> str:
    """What somebody reads on a page, on one line."""
    body = page.text.partition("<body>")[2]
    text = re.sub(r"<[^>]+>", " ", body)
    return " ".join(text.replace("&#39;", "'").replace("&#34;", '"').split())
