"""
Links that sign somebody in, given out on a screen or mailed at once.

They do not go through the outbox: whoever asks is waiting, also at night, a link is worth nothing
after a quarter of an hour, and the outbox keeps bytes, in which a key has no place. What gets lost
is asked for again.
"""

import logging
import secrets
import threading
from datetime import datetime
from queue import Empty, Full, Queue
from typing import Final

from config.wiring import Services
from engine.clock import Clock, SystemClock
from engine.errors import BadValue
from engine.permission import Member
from engine.store.contacts import find_person
from engine.store.database import Connection
from engine.store.sign_ins import (
    LINK_LASTS,
    keep_sign_in,
    member,
    members_at,
    seen,
)
from notifications.envelope import Envelope, Outcome, ascii_address
from notifications.language import spoken
from notifications.mailer import Mailer
from notifications.sign_in import Door, SignInMail, sign_in_mail

log = logging.getLogger("alkawari.sign_in")

WAITING: Final = 200
"""So many requests wait at most; more at once is an attack, and whoever is real asks again."""

TRIES: Final = 2


def new_token() -> str:
    """128 bits and more that nobody guesses."""
    return secrets.token_urlsafe(24)


def link_for(services: Services, who: str, now: datetime) -> str:
    """The path that signs a person in, once. UnknownThing: nobody; BadValue: without a role."""
    with services.database.write() as connection:
        person = find_person(connection, who)
        found = member(connection, person.id)
        if found is None or not found.grants:
            raise BadValue("person", who, "has no role; give one in the plan's people")
        return _path(connection, found, now)


class Doorman:
    """
    Mails links to those who ask, and notes who was here: what a page must not wait for.

    One thread of its own, so that asking takes the same time whether an address is known or not.
    The links expire by the real clock.
    """

    def __init__(self, services: Services, clock: Clock | None = None) -> None:
        self._services, self._clock = services, clock or SystemClock()
        self._asked: Queue[str] = Queue(WAITING)
        self._seen: set[int] = set()
        self._changing = threading.Lock()
        self._thread: threading.Thread | None = None
        self._idle = threading.Event()
        self._idle.set()

    def ask(self, address: str) -> bool:
        """Let a link be mailed to that address if it is known; False: too many are waiting."""
        with self._changing:
            try:
                self._asked.put_nowait(address)
            except Full:
                return False
            self._awake()
        return True

    def note(self, session_id: int) -> None:
        """A session was used; written soon, together with others."""
        with self._changing:
            self._seen.add(session_id)
            self._awake()

    def wait(self, within_s: float) -> bool:
        """Wait until nothing is left to do; for tests and the end of the program."""
        return self._idle.wait(within_s)

    def _awake(self) -> None:
        self._idle.clear()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="doorman", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while True:
            with self._changing:
                ids, self._seen = self._seen, set()
                try:
                    asked = self._asked.get_nowait()
                except Empty:
                    asked = None
                if asked is None and not ids:
                    self._thread = None
                    self._idle.set()
                    return
            try:
                self._note_seen(ids)
                if asked is not None:
                    self._mail(asked)
            except Exception as error:  # noqa: BLE001 - one that failed must not keep others out
                # Its text may hold an address, which the log must not.
                log.warning("a sign-in could not be served (%s)", type(error).__name__)

    def _note_seen(self, ids: set[int]) -> None:
        if ids:
            with self._services.database.write() as connection:
                seen(connection, ids, self._clock.now())

    def _mail(self, address: str) -> None:
        services, now = self._services, self._clock.now()
        if services.new_mailer is None or not services.public_url:
            return
        with services.database.read() as connection:
            members = members_at(connection, address)
        if not members:
            return
        with services.database.write() as connection:
            doors = [
                Door(one.called, services.public_url + _path(connection, one, now))
                for one in members
            ]
        recipient, office = ascii_address(address), services.office
        message_id = f"<in.{secrets.token_hex(8)}@{office.domain}>"
        mail = SignInMail(
            language=spoken(members[0].language),
            programme=office.programme,
            sender=office.sender,
            sender_name=office.sender_name,
            to=recipient,
            reply_to=office.reply_to,
            message_id=message_id,
            sent_at=now,
            doors=doors,
            minutes=int(LINK_LASTS.total_seconds() // 60),
        )
        envelope = Envelope(
            sender=office.sender,
            recipient=recipient,
            data=sign_in_mail(mail),
            message_id=message_id,
        )
        mailer = services.new_mailer()
        try:
            _hand_over(mailer, envelope)
        finally:
            mailer.close()


def _hand_over(mailer: Mailer, envelope: Envelope) -> None:
    for _try in range(TRIES):
        result = mailer.deliver(envelope)
        if result.outcome is not Outcome.RETRY:
            break
    if result.outcome is not Outcome.SENT:
        log.warning("a sign-in link was not taken: %s (%s)", result.outcome, result.phase)


def _path(connection: Connection, one: Member, now: datetime) -> str:
    token = new_token()
    keep_sign_in(connection, token, one.person_id, now)
    return f"/sign-in/{token}"
