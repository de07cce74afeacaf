"""Actions, persons, cases and small programmes for tests; each call says only what matters."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import yaml

from config.settings import Settings
from config.wiring import Services, build
from engine.action import OWED, Action, Kind, Level, State
from engine.calendar import WorkingCalendar
from engine.case import Case, Circle, Decision, Delays, Notice, Said
from engine.decide import decide
from engine.ladder import DEFAULT, Ladder
from engine.lifecycle import Actor, Facts, Request
from engine.party import Person, Role, Side
from engine.store.schema import upgrade
from notifications.envelope import Envelope, Outcome, Phase, Result
from workflows import record
from workflows.deliver import Delivered, deliver
from workflows.intake import Taken, take_in
from workflows.record import Asked
from workflows.sweep import Swept, sweep

EVERY_DAY = WorkingCalendar("", frozenset())
"""All days work, so that days can be counted on fingers."""

MON_TO_FRI = WorkingCalendar("", frozenset({5, 6}))

MONDAY = date(2026, 6, 1)
"""A Monday from which tests count; no clock is asked."""

OWING, CHECKING, COORDINATION = 1, 2, 3
"""Ids of the party that owes, the party that verifies, and the coordination."""


def day(offset: int) -> date:
    return MONDAY + timedelta(days=offset)


def at(on: date, hour: int = 9, minute: int = 0) -> datetime:
    return datetime.combine(on, time(hour, minute), UTC)


def a_person(person_id: int = 1, **changes: Any) -> Person:
    given: dict[str, Any] = {
        "id": person_id,
        "key": f"person-{person_id}",
        "party_id": OWING,
        "function": "Chief of post",
        "email": f"person{person_id}@post.example",
    }
    return Person(**{**given, **changes})


FOCAL = a_person(1)
ALTERNATE = a_person(2)
COORDINATOR = a_person(3, party_id=COORDINATION)
VERIFIER = a_person(4, party_id=CHECKING)
COMMITTEE = a_person(5, party_id=COORDINATION)
SUPERIOR = a_person(6, party_id=9)
MANAGER = a_person(7, party_id=None)


def a_circle(**changes: Any) -> Circle:
    given: dict[str, Any] = {
        "focal": FOCAL,
        "alternates": (ALTERNATE,),
        "coordinators": (COORDINATOR,),
        "verifiers": (VERIFIER,),
        "committee": (COMMITTEE,),
        "superiors": (SUPERIOR,),
        "managers": (MANAGER,),
    }
    return Circle(**{**given, **changes})


def an_action(**changes: Any) -> Action:
    """In progress, due on MONDAY, agreed thirty days before and spoken of on that Monday."""
    given: dict[str, Any] = {
        "id": 1,
        "ref": "SAA-01",
        "dialogue_id": 1,
        "commitment_id": 1,
        "title": "Open the second gate",
        "kind": Kind.ONE_OFF,
        "responsible_id": OWING,
        "verifier_id": CHECKING,
        "state": State.IN_PROGRESS,
        "version": 3,
        "head_hash": bytes(32),
        "due_on": MONDAY,
        "original_due_on": changes.get("due_on", MONDAY),
        "agreed_on": day(-30),
        "answered_on": day(-29),
        "substance_on": MONDAY,
        "state_since_on": day(-30),
        "state_version": 2,
    }
    return Action(**{**given, **changes})


def changed(action: Action, changes: Mapping[str, object]) -> Action:
    """The action after these changes, its version one higher."""
    after = dict(changes)
    if after.get("state", action.state) is not action.state:
        after["state_version"] = action.version + 1
    return replace(action, **{"version": action.version + 1, **after})  # type: ignore[arg-type]


def a_case(**changes: Any) -> Case:
    """A case whose action, circle and rest can be given whole, or the action by its columns."""
    of_case = {name for f in fields(Case) if (name := f.name) in changes}
    given: dict[str, Any] = {
        "action": an_action(**{k: v for k, v in changes.items() if k not in of_case}),
        "ladder": DEFAULT,
        "calendar": EVERY_DAY,
        "circle": a_circle(),
    }
    return Case(**{**given, **{name: changes[name] for name in of_case}})


def an_actor(*roles: Role, **changes: Any) -> Actor:
    """Somebody in these roles, of the party and side that go with the first of them."""
    home = {Role.VERIFIER: (VERIFIER.id, CHECKING, Side.COMMUNITY),
            Role.FOCAL_POINT: (FOCAL.id, OWING, Side.SECURITY),
            Role.ALTERNATE: (ALTERNATE.id, OWING, Side.SECURITY)}  # fmt: skip
    person, party, side = home.get(
        roles[0] if roles else Role.COORDINATOR, (COORDINATOR.id, COORDINATION, Side.OTHER)
    )
    given: dict[str, Any] = {
        "person_id": person,
        "key": f"person-{person}",
        "party_id": party,
        "side": side,
        "roles": frozenset(roles),
    }
    return Actor(**{**given, **changes})


def facts(**changes: Any) -> Facts:
    given: dict[str, Any] = {
        "responsible_ids": frozenset({OWING}),
        "sides": frozenset({Side.SECURITY}),
    }
    return Facts(**{**given, **changes})


class Chronicle:
    """
    One action looked at day by day, without a database: what is decided is applied and kept.

    `arrives` says how many days after its decision a notice reaches its person, None for never.
    What waits for a release arrives only by `reached`.
    """

    def __init__(
        self,
        case: Case,
        delays: Delays | None = None,
        *,
        arrives: Callable[[Notice], int | None] | None = None,
    ) -> None:
        self.case, self.delays = case, delays or Delays()
        self.arrives = arrives or (lambda _notice: 0)
        self.told: list[tuple[date, str, int]] = []
        self.notices: list[Notice] = []
        self.passed_over: list[str] = []
        self._on_the_way: list[tuple[date, Said]] = []

    @property
    def action(self) -> Action:
        return self.case.action

    def look(self, today: date) -> Decision:
        self._arrive(today)
        decision = decide(self.case, today, self.delays)
        keys = [notice.key for notice in (*self.notices, *decision.notices)]
        if len(keys) != len(set(keys)):
            raise AssertionError(f"said twice: {sorted(k for k in keys if keys.count(k) > 1)}")
        for notice in decision.notices:
            self.notices.append(notice)
            self.told.append((today, notice.rung, notice.person_id))
            said = Said(notice.cause, notice.rung, notice.person_id, None, notice.about_id)
            self.case = replace(self.case, said=(*self.case.said, said))
            later = None if notice.release else self.arrives(notice)
            if later is not None:
                self._on_the_way.append((today + timedelta(days=later), said))
        self._arrive(today)
        self.passed_over += decision.passed_over
        after = changed(self.action, decision.changes) if decision.changes else self.action
        if decision.opens:
            after = replace(after, ladder_id=1)
        self.case = replace(self.case, action=after)
        return decision

    def look_daily(self, first: date, last: date) -> None:
        """Look on each day from the first to the last, both included."""
        while first <= last:
            self.look(first)
            first += timedelta(days=1)

    def follow(self, first: date, last: date) -> None:
        """Look only when the last look asked for it, as the sweep does."""
        again: date | None = first
        while again is not None and again <= last:
            following = self.look(again).next_on
            if following is not None and following <= again:
                raise AssertionError(f"on {again} it asked to be looked at on {following}")
            again = following

    def reached(self, rung: str, person_id: int, on: date, cause: str = "") -> None:
        """A notice that was said before reaches its person now."""
        cause = cause or f"e{self.action.episode}"
        said = tuple(
            replace(s, reached_on=on)
            if (s.cause, s.rung, s.person_id) == (cause, rung, person_id)
            else s
            for s in self.case.said
        )
        self.case = replace(self.case, said=said)

    def change(self, **changes: object) -> None:
        self.case = replace(self.case, action=changed(self.action, changes))

    def days_of(self, rung: str, person_id: int | None = None) -> list[date]:
        return [on for on, name, who in self.told if name == rung and person_id in {None, who}]

    def rungs_of(self, person_id: int) -> list[str]:
        return [name for _on, name, who in self.told if who == person_id]

    def _arrive(self, today: date) -> None:
        here = [entry for entry in self._on_the_way if entry[0] <= today]
        for on, said in here:
            self._on_the_way.remove((on, said))
            known = list(self.case.said)
            known[known.index(said)] = replace(said, reached_on=on)
            self.case = replace(self.case, said=tuple(known))


class Postbox:
    """A mail server's stand-in: it answers as it is told and keeps what it took."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []
        self.tried: list[Envelope] = []
        self.answers: list[Result] = []
        self.for_address: dict[str, Result] = {}

    def deliver(self, envelope: Envelope) -> Result:
        self.tried.append(envelope)
        result = self.for_address.get(envelope.recipient, SENT)
        if self.answers:
            result = self.answers.pop(0)
        if result.outcome is Outcome.SENT:
            self.taken.append(envelope)
        return result

    def close(self) -> None:
        pass

    @property
    def recipients(self) -> list[str]:
        return [envelope.recipient for envelope in self.taken]

    def texts(self, recipient: str) -> list[str]:
        """Each message to one address with its headers, decoded, in the order of arrival."""
        return [plain(e.data) for e in self.taken if e.recipient == recipient]


SENT = Result(outcome=Outcome.SENT, phase=Phase.DOT, code=250, text="taken")
RETRY = Result(outcome=Outcome.RETRY, phase=Phase.RCPT, code=450, text="later")
REJECTED = Result(outcome=Outcome.REJECTED, phase=Phase.RCPT, code=550, text="no such mailbox")
UNKNOWN = Result(outcome=Outcome.UNKNOWN, phase=Phase.DOT, text="the connection went")


def plain(data: bytes) -> str:
    """The subject and the readable text of a message."""
    from email import message_from_bytes, policy

    message = message_from_bytes(data, policy=policy.default)
    body = message.get_body(("plain",))
    return f"{message['Subject']}\n{body.get_content() if body else ''}"


PEOPLE: Sequence[Mapping[str, Any]] = (
    {"key": "coord", "function": "Coordinator", "role": "coordinator",
     "email": "coord@saaba.example"},
    {"key": "chief", "function": "Chief of post", "party": "Police post",
     "role": ["focal_point", "verifier"], "email": "chief@post.example"},
    {"key": "deputy", "function": "Deputy", "party": "Police post", "role": "alternate",
     "email": "deputy@post.example"},
    {"key": "mayor", "function": "Deputy mayor", "party": "Town hall",
     "role": ["focal_point", "verifier"], "email": "mayor@hall.example"},
    {"key": "elder", "function": "Elder", "party": "Elders", "role": ["focal_point", "verifier"],
     "email": "elder@elders.example"},
    {"key": "region", "function": "Liaison", "party": "Region", "role": "focal_point",
     "email": "liaison@region.example"},
    {"key": "committee", "function": "Committee member", "role": "committee",
     "email": "committee@saaba.example"},
)  # fmt: skip

PARTIES: Sequence[Mapping[str, Any]] = (
    {"name": "Police post", "side": "security", "superior": "Region"},
    {"name": "Region", "side": "security"},
    {"name": "Town hall", "side": "authority"},
    {"name": "Elders", "side": "community"},
)


def a_dialogue(**changes: Any) -> dict[str, Any]:
    """Saaba: Greenwich time, no holidays, Saturday and Sunday free; everybody has an address."""
    given: dict[str, Any] = {
        "name": "Saaba",
        "timezone": "Africa/Ouagadougou",
        "languages": ["en"],
        "rest_days": ["sat", "sun"],
        "parties": [dict(party) for party in PARTIES],
        "people": [dict(person) for person in PEOPLE],
    }
    return {**given, **changes}


def a_row(**changes: Any) -> dict[str, Any]:
    """An agreed action of the police post, verified by the town hall, due on MONDAY."""
    given: dict[str, Any] = {
        "ref": "SAA-01",
        "dialogue": "SAA",
        "action": "Open the second gate",
        "responsible": "Police post",
        "verifier": "Town hall",
        "agreed_on": day(-40).isoformat(),
        "due": MONDAY.isoformat(),
        "state": "in_progress",
    }
    said = {k: v.isoformat() if isinstance(v, date) else v for k, v in changes.items()}
    return {k: v for k, v in {**given, **said}.items() if v not in ("", None)}


class _InFull(yaml.SafeDumper):
    def ignore_aliases(self, _data: Any) -> bool:
        return True


@dataclass(slots=True)
class Programme:
    """A small programme in a database of its own, with a postbox instead of a mail server."""

    services: Services
    folder: Path
    postbox: Postbox = field(default_factory=Postbox)
    plans: int = 0

    def plan(
        self, *rows: Mapping[str, Any], now: datetime, dialogues: Mapping[str, Any] | None = None
    ) -> Taken:
        """Take these rows in as a plan file; all of them or none."""
        self.plans += 1
        path = self.folder / f"plan-{self.plans}.yaml"
        manager = {"key": "manager", "function": "Manager", "role": "manager",
                   "email": "manager@programme.example", "timezone": "UTC"}  # fmt: skip
        plan = {
            "people": [manager],
            "dialogues": dialogues or {"SAA": a_dialogue()},
            "actions": [dict(row) for row in rows],
        }
        path.write_text(
            yaml.dump(plan, Dumper=_InFull, allow_unicode=True, sort_keys=False), encoding="utf-8"
        )
        taken = take_in(self.services, path, None, now)
        if taken.errors:
            raise AssertionError(str(taken.errors))
        return taken

    def sweep(self, now: datetime) -> Swept:
        return sweep(self.services, now)

    def deliver(self, now: datetime) -> Delivered:
        return deliver(self.services, now)

    def run(self, now: datetime) -> None:
        """A sweep and a delivery at the same instant, until both have nothing left to do."""
        for _ in range(6):
            swept, delivered = self.sweep(now), self.deliver(now)
            if not swept.handled and not delivered.handled:
                return

    def move(self, ref: str, to: State, by: str, now: datetime, **said: Any) -> Action:
        return record.ask_move(self.services, Asked(ref=ref, by=by), Request(to=to, **said), now)

    def report(self, ref: str, level: Level, by: str, now: datetime) -> Action:
        return record.ask_report(self.services, Asked(ref=ref, by=by), level, "seen", now)

    def asked(self, ref: str, by: str = "coord") -> Asked:
        return Asked(ref=ref, by=by)

    def action(self, ref: str = "SAA-01") -> Action:
        from engine.store.records import find_action

        with self.services.database.read() as connection:
            return find_action(connection, ref)

    def rows(self, query: Any) -> list[Any]:
        with self.services.database.read() as connection:
            return list(connection.execute(query))

    def notices(self, ref: str = "SAA-01") -> list[Any]:
        """Every notice about an action: rung, key of the person, status, cause, outcome, key."""
        from sqlalchemy import select

        from engine.store.outbox_tables import notices
        from engine.store.tables import actions, people

        n = notices.c
        return self.rows(
            select(n.rung, people.c.key.label("who"), n.status, n.cause, n.outcome, n.key, n.kind,
                   n.due_at, n.created_at)
            .join(people, people.c.id == n.person_id)
            .join(actions, actions.c.id == n.action_id)
            .where(actions.c.ref == ref)
            .order_by(n.id)
        )  # fmt: skip

    def said(self, ref: str = "SAA-01") -> list[tuple[str, str]]:
        """(rung, person) of every notice about an action."""
        return [(row.rung, row.who) for row in self.notices(ref)]

    def history(self, ref: str = "SAA-01") -> list[str]:
        """The kinds of an action's events, oldest first."""
        from engine.store.records import history_of

        with self.services.database.read() as connection:
            return [event.kind for event in history_of(connection, self.action(ref).id)]

    def close(self) -> None:
        self.services.database.close()


def a_programme(
    url: str, folder: Path, *, ladder: Ladder | None = None, **settings: Any
) -> Programme:
    """An empty programme in that database, which is made if it is not there."""
    given = Settings(
        database_url=url,
        data_folder=folder,
        mail={"host": "", "sender": "notify@alkawari.example"},  # type: ignore[arg-type]
        **settings,
    )
    services = build(given)
    upgrade(services.database)
    programme = Programme(services, folder)
    mailer = programme.postbox
    programme.services = replace(
        services, new_mailer=lambda: mailer, ladder=ladder or services.ladder
    )
    return programme


def a_copy(original: Path, folder: Path, number: int) -> Programme:
    """A programme in a copy of an SQLite file: quicker than making the tables anew."""
    copied = folder / f"copy-{number}.db"
    shutil.copy(original, copied)
    services = build(Settings(database_url=f"sqlite:///{copied}", data_folder=folder))
    programme = Programme(services, folder)
    mailer = programme.postbox
    programme.services = replace(services, new_mailer=lambda: mailer)
    return programme


def keeps_the_rules_of_next_check(action: Action) -> bool:
    """After a change somebody looks at an action exactly if something can still be due for it."""
    waits = action.waiting and action.state in OWED
    watched = OWED | {State.REPORTED_DONE, State.DISPUTED, State.IN_FORCE}
    return (action.next_check_at is not None) == (action.state in watched and not waits)
