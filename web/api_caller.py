"""Who asks: the key in the request, its person, and what that person may see and do."""

import logging
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Final

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from config.wiring import Services
from engine.action import Action
from engine.permission import Deed, Member
from engine.store.api_tables import Scope
from engine.store.database import Connection
from engine.store.keys import Held, find_key, touch, wants_touch
from engine.store.requests import DatabaseFault
from engine.store.seen import (
    Condition,
    countable,
    dialogues_of,
    find_seen,
    partners_of,
    seen,
)
from web.answer_limits import Guesses, client_of
from web.api_limits import Budget
from web.api_problems import NO_KEY, Problem

log = logging.getLogger("alkawari.api")

BEARER: Final = HTTPBearer(
    auto_error=False, scheme_name="key", description="`alkawari key create` makes a key."
)

UNAUTHORISED, FORBIDDEN, NOT_FOUND, TOO_OFTEN = 401, 403, 404, 429


@dataclass(frozen=True)
class Caller:
    """The program that asks, by its key; everything it may see comes from here."""

    services: Services
    held: Held
    now: datetime

    @property
    def member(self) -> Member:
        """Whose roles apply."""
        return self.held.member

    def needs(self, scope: Scope) -> None:
        """Problem unless the key reaches so far."""
        if not self.held.scope.covers(scope):
            raise Problem(
                FORBIDDEN, f"This key is for `{self.held.scope}`, and that needs `{scope}`."
            )

    def reading(self, connection: Connection) -> "Sight":
        """What this caller sees in a transaction."""
        return Sight(self.member, connection)


class Sight:
    """What a person sees in one transaction."""

    def __init__(self, member: Member, connection: Connection) -> None:
        self.member, self.connection = member, connection

    @cached_property
    def dialogues(self) -> dict[int, Any]:
        """The dialogues in which the person has a role, by number."""
        return {row.id: row for row in dialogues_of(self.connection, self.member)}

    def chosen(self, name: str | None) -> dict[int, Any]:
        """Those of that name or code; all of them without one."""
        if name is None:
            return self.dialogues
        folded = name.strip().casefold()
        return {
            number: row
            for number, row in self.dialogues.items()
            if folded in {row.name.casefold(), row.code.casefold()}
        }

    def where(self, deed: Deed = Deed.LIST) -> Condition:
        """The condition on what the person may do that with."""
        return self.where_in(self.dialogues, deed)

    def where_in(self, dialogue_ids: Collection[int], deed: Deed = Deed.LIST) -> Condition:
        """The same in some of the dialogues."""
        everywhere = any(where is None for _role, where in self.member.grants)
        every = everywhere and len(dialogue_ids) == len(self.dialogues)
        return seen(self.member, deed, None if every else dialogue_ids)

    def open_or_seen(self, dialogue_ids: Collection[int]) -> Condition:
        """The condition on what may stand in a cell of figures."""
        return countable(self.member, dialogue_ids)

    def one_dialogue(self, name: str) -> Any:  # noqa: ANN401 - a row, which only the store knows
        """The dialogue of that name or code; Problem if the person sees none."""
        found = list(self.chosen(name).values())
        if not found:
            raise Problem(NOT_FOUND, "There is no such dialogue that this key may see.")
        return found[0]

    def action(self, ref: str, deed: Deed = Deed.LIST) -> Action:
        """An action that the person sees; Problem if there is none, or it is not for that."""
        found = find_seen(self.connection, ref, self.where())
        if found is None:
            raise Problem(NOT_FOUND, "There is no such action that this key may see.")
        if not self.may(deed, found):
            raise Problem(
                FORBIDDEN,
                f"{found.ref}: whom this key is for may not do that with it (`{deed}`).",
            )
        return found

    def may(self, deed: Deed, action: Action) -> bool:
        """Whether the person may do that with that action."""
        partners = partners_of(self.connection, [action.id]).get(action.id, ())
        return self.member.may(deed, action, partners)

    def readable(self, actions: list[Action], deed: Deed) -> set[int]:
        """The numbers of those of these actions with which the person may do that."""
        partners = partners_of(self.connection, [action.id for action in actions])
        return {
            action.id
            for action in actions
            if self.member.may(deed, action, partners.get(action.id, ()))
        }


class Door:
    """Knows callers by their keys, and slows down who tries keys or asks too often."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._guesses = Guesses()
        self._budget = Budget(services.settings.api.per_minute)

    def __call__(
        self,
        request: Request,
        given: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)],
    ) -> Caller:
        if given is None:
            raise Problem(UNAUTHORISED, NO_KEY)
        now = self._services.clock.now()
        with self._services.database.read() as connection:
            held = find_key(connection, given.credentials, now)
            unused = held is not None and wants_touch(connection, held.id, now)
        if held is None:
            raise self._unknown(request)
        if wait := self._budget.spend(held.id):
            raise later(wait, "This key asks too often")
        if unused:
            # Nobody is refused because that could not be written down.
            with suppress(DatabaseFault), self._services.database.write() as connection:
                touch(connection, held.id, now)
        return Caller(self._services, held, now)

    def _unknown(self, request: Request) -> Problem:
        """Who asks with a key that works is never kept waiting by others at the same address."""
        peer = request.client.host if request.client else ""
        client = client_of(peer, request.headers.get("x-forwarded-for", ""))
        if wait := self._guesses.wait_s(client):
            return later(wait, "Too many keys were tried from here")
        self._guesses.missed(client)
        return Problem(UNAUTHORISED, "This key is not known here, or it has ended.")


def later(wait: int, why: str) -> Problem:
    """What is said to whoever has to wait."""
    return Problem(TOO_OFTEN, f"{why}: wait {wait} seconds.", headers={"retry-after": str(wait)})
