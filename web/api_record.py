"""What other programs may record: each request counts once, by the version that it saw."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import Depends, FastAPI, Header, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from config.wiring import Services
from engine.action import Action, State
from engine.answer import Answer, Origin, Verb
from engine.errors import StaleVersion
from engine.lifecycle import Request as Move
from engine.permission import Deed
from engine.store.api_tables import Scope
from engine.store.records import find_action
from engine.store.requests import Joined, Replied, claim_name, find_reply, keep_reply
from web.api_caller import Caller
from web.api_problems import Problem, refuses
from web.api_values import (
    AcknowledgeAsked,
    AnswerAsked,
    ChangedValue,
    DisputeAsked,
    HeldValue,
    HoldAsked,
    MoveAsked,
    RefInPath,
    ReleaseAsked,
    ReportAsked,
    RescheduleAsked,
    ResumeAsked,
)
from workflows import record
from workflows.answers import Given, take_answer
from workflows.record import Asked

Name = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="A name of your own for this request: sent again, it counts once.",
    ),
]
Seen = Annotated[
    str | None,
    Header(alias="If-Match", description="The ETag that you saw, or `*` for whatever it is now."),
]

NAMED: Final = re.compile(r"[ -~]{1,200}")
ETAG: Final = re.compile(r'"([0-9]{1,9})"')

TAKES_NOTE: Final = frozenset({Verb.TAKEN_NOTE, Verb.OTHER})
DECIDES: Final = frozenset({Verb.AGREED, Verb.DECLINED})
WRITES: Final = refuses(409, 412, 428)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was recorded: the value that answers, and the version that an action then has."""

    value: BaseModel
    version: int | None = None


def once(
    caller: Caller,
    request: Request,
    name: str | None,
    sent: bytes,
    do: Callable[[Services], Done],
) -> JSONResponse:
    """
    Do what is asked unless it was done before under that name; then answer as then.

    What is done and what is answered are one transaction. What was refused left nothing behind,
    and is judged anew when it is sent again.
    """
    name = name_of(name)
    fingerprint = hashlib.sha256(
        f"{request.method} {request.url.path}\n{request.headers.get('if-match', '')}\n".encode()
        + sent
    ).digest()
    database, key_id = caller.services.database, caller.held.id
    with database.write() as connection:
        if not claim_name(connection, key_id, name, fingerprint, caller.now):
            before = find_reply(connection, key_id, name)
            return again(before, fingerprint)
        done = do(replace(caller.services, database=Joined(database, connection)))
        replied = Replied(
            fingerprint=fingerprint, status=200, version=done.version,
            body=done.value.model_dump_json(),
        )  # fmt: skip
        keep_reply(connection, key_id, name, replied)
    return _reply(replied)


def name_of(name: str | None) -> str:
    """What the caller calls the request; Problem if it has no name."""
    if name is None or not NAMED.fullmatch(name):
        raise Problem(
            400, "Idempotency-Key: send a name of your own for this request, 1 to 200 characters."
        )
    return name


def again(before: Replied | None, fingerprint: bytes) -> JSONResponse:
    """The answer to a request that was sent before; Problem if another one has its name."""
    if before is None:
        raise Problem(503, "The same request is just being done: ask again.")
    if before.fingerprint != fingerprint:
        raise Problem(
            422, "Idempotency-Key: another request was sent under this name; give this one its own."
        )
    return _reply(before, replayed=True)


def _reply(replied: Replied, *, replayed: bool = False) -> JSONResponse:
    headers = {"idempotency-replayed": "true"} if replayed else {}
    if replied.version is not None:
        headers["etag"] = f'"{replied.version}"'
    return JSONResponse(json.loads(replied.body), replied.status, headers)


def seen_version(given: str | None) -> int | None:
    """The version in If-Match; None for `*`. Problem if it says none."""
    if given is None:
        raise Problem(
            428, "If-Match: send the ETag of the action as you saw it, or * for whatever it is now."
        )
    if given.strip() == "*":
        return None
    found = ETAG.fullmatch(given.strip())
    if found is None:
        raise Problem(400, 'If-Match: write the ETag of the action, such as "7", or *.')
    return int(found[1])


Change = Callable[[Services, Asked], Action]


class _Writer:
    """The writes of one action, all of one form."""

    def __init__(
        self, caller: Caller, request: Request, name: str | None, seen: str | None
    ) -> None:
        self.caller, self.request, self.name = caller, request, name
        self.seen = seen

    def change(self, ref: str, deed: Deed, sent: BaseModel, change: Change) -> JSONResponse:
        """Change one action, if the person may and the version is the newest."""
        self.caller.needs(Scope.WRITE)
        version = seen_version(self.seen)

        def do(services: Services) -> Done:
            asked = self._asked(services, ref, deed, version)
            return changed(change(services, asked))

        return once(self.caller, self.request, self.name, _bytes(sent), do)

    def answer(self, ref: str, sent: AnswerAsked) -> JSONResponse:
        """Take an answer in; for a coordinator with a source it is somebody else's."""
        self.caller.needs(Scope.WRITE)
        version, name = seen_version(self.seen), name_of(self.name)
        said = sent.model_dump(exclude={"source", "origin"})

        def do(services: Services) -> Done:
            asked = self._asked(services, ref, _deed_of(sent), version)
            given = Given(
                key=f"api:{self.caller.held.id}:{hashlib.sha256(name.encode()).hexdigest()[:40]}",
                ref=asked.ref, by=asked.by, answer=Answer(**said),
                origin=Origin(sent.origin) if sent.source else Origin.LINK,
                source=sent.source, typed=bool(sent.source),
            )  # fmt: skip
            taken = take_answer(services, given, self.caller.now)
            done = changed(taken.action)
            return replace(
                done, value=done.value.model_copy(update={"outcome": taken.outcome.value})
            )

        return once(self.caller, self.request, self.name, _bytes(sent), do)

    def _asked(self, services: Services, ref: str, deed: Deed, version: int | None) -> Asked:
        with services.database.read() as connection:
            action = self.caller.reading(connection).action(ref, deed)
            # Locked, so that it is judged as it stands and by nobody else meanwhile.
            action = find_action(connection, action.ref, lock=True)
        if version not in {None, action.version}:
            raise StaleVersion(action.ref, version or 0, action.version)
        return Asked(ref=action.ref, by=self.caller.member.key, version=action.version)


def _deed_of(sent: AnswerAsked) -> Deed:
    """What an answer is an instance of: somebody's own, a decision, or the word of another."""
    if sent.source:
        return Deed.RECORD
    if sent.verb in TAKES_NOTE:
        return Deed.ACKNOWLEDGE
    return Deed.RESCHEDULE if sent.verb in DECIDES else Deed.REPORT


def _bytes(sent: BaseModel) -> bytes:
    return sent.model_dump_json().encode()


def changed(after: Action) -> Done:
    """The answer to a change of an action."""
    value = ChangedValue(ref=after.ref, state=after.state, version=after.version)
    return Done(value=value, version=after.version)


def add_recording(app: FastAPI, door: Callable[..., Caller]) -> None:
    """The addresses under an action that change it."""

    def writer(
        caller: Annotated[Caller, Depends(door)],
        request: Request,
        name: Name = None,
        seen: Seen = None,
    ) -> _Writer:
        return _Writer(caller, request, name, seen)

    To = Annotated[_Writer, Depends(writer)]  # noqa: N806 - a type
    tags: list[Any] = ["record"]

    @app.post("/actions/{ref}/move", responses=WRITES, tags=tags, response_model=ChangedValue)
    def move(to: To, ref: RefInPath, sent: MoveAsked) -> JSONResponse:
        """Move an action to another state."""

        def change(services: Services, asked: Asked) -> Action:
            said = sent.model_dump(exclude={"successor"})
            with services.database.read() as connection:
                sight = to.caller.reading(connection)
                successor = sight.action(sent.successor).id if sent.successor else None
            wanted = Move(**said, successor_id=successor)
            return record.ask_move(services, asked, wanted, to.caller.now)

        return to.change(ref, Deed.MOVE, sent, change)

    @app.post("/actions/{ref}/report", responses=WRITES, tags=tags, response_model=ChangedValue)
    def report(to: To, ref: RefInPath, sent: ReportAsked) -> JSONResponse:
        """Record how far an action has come."""
        return to.change(
            ref, Deed.REPORT, sent,
            lambda services, asked: record.ask_report(
                services, asked, sent.level, sent.note, to.caller.now
            ),
        )  # fmt: skip

    @app.post("/actions/{ref}/reschedule", responses=WRITES, tags=tags, response_model=ChangedValue)
    def reschedule(to: To, ref: RefInPath, sent: RescheduleAsked) -> JSONResponse:
        """Move a due date; the original stays on record."""
        return to.change(
            ref, Deed.RESCHEDULE, sent,
            lambda services, asked: record.ask_reschedule(
                services, asked, sent.due_on, sent.reason, to.caller.now
            ),
        )  # fmt: skip

    @app.post(
        "/actions/{ref}/acknowledge", responses=WRITES, tags=tags, response_model=ChangedValue
    )
    def acknowledge(to: To, ref: RefInPath, sent: AcknowledgeAsked) -> JSONResponse:
        """Record that somebody who was told has taken note."""
        return to.change(
            ref, Deed.ACKNOWLEDGE, sent,
            lambda services, asked: record.ask_acknowledge(
                services, asked, sent.note, to.caller.now
            ),
        )  # fmt: skip

    @app.post("/actions/{ref}/dispute", responses=WRITES, tags=tags, response_model=ChangedValue)
    def dispute(to: To, ref: RefInPath, sent: DisputeAsked) -> JSONResponse:
        """Record that somebody contests what is said of an action."""
        wanted = Move(to=State.DISPUTED, reason=sent.reason)
        return to.change(
            ref, Deed.MOVE, sent,
            lambda services, asked: record.ask_move(services, asked, wanted, to.caller.now),
        )  # fmt: skip

    @app.post("/actions/{ref}/release", responses=WRITES, tags=tags, response_model=ChangedValue)
    def release(to: To, ref: RefInPath, sent: ReleaseAsked) -> JSONResponse:
        """Let the sensitive rung of an action leave, or refuse it."""
        return to.change(
            ref, Deed.RELEASE, sent,
            lambda services, asked: record.release(
                services, asked, to.caller.now, refuse=sent.refuse
            ),
        )  # fmt: skip

    @app.post("/actions/{ref}/answers", responses=WRITES, tags=tags, response_model=ChangedValue)
    def answer(to: To, ref: RefInPath, sent: AnswerAsked) -> JSONResponse:
        """Say something back about an action, as by a link."""
        return to.answer(ref, sent)


def add_brakes(app: FastAPI, door: Callable[..., Caller]) -> None:
    """The addresses that keep messages back and let them go."""
    responses, tags = refuses(409), ["record"]
    tagged: list[Any] = list(tags)

    @app.post("/holds", responses=responses, tags=tagged, response_model=HeldValue)
    def hold(
        caller: Annotated[Caller, Depends(door)],
        request: Request,
        sent: HoldAsked,
        name: Name = None,
    ) -> JSONResponse:
        """Keep messages back; without days that is the panic pause: at once, until resumed."""

        def do(services: Services) -> Done:
            scope, called = _scope(caller, services, sent.action, sent.dialogue)
            record.hold(
                services,
                scope,
                # West of Greenwich it may be yesterday yet, and a brake works at once everywhere.
                from_on=sent.from_on or caller.now.date() - timedelta(days=1),
                until_on=sent.until_on,
                by=caller.member.key,
                reason=sent.reason,
                now=caller.now,
            )
            return Done(value=HeldValue(scope=called))

        return once(caller, request, name, _bytes(sent), do)

    @app.post("/holds/resume", responses=responses, tags=tagged, response_model=HeldValue)
    def resume(
        caller: Annotated[Caller, Depends(door)],
        request: Request,
        sent: ResumeAsked,
        name: Name = None,
    ) -> JSONResponse:
        """End the holds of exactly that scope; what is still true may leave again."""

        def do(services: Services) -> Done:
            scope, called = _scope(caller, services, sent.action, sent.dialogue)
            ended = record.resume(
                services, scope, caller.now, by=caller.member.key, reason=sent.reason
            )
            return Done(value=HeldValue(scope=called, ended=ended))

        return once(caller, request, name, _bytes(sent), do)


def _scope(
    caller: Caller, services: Services, ref: str | None, dialogue: str | None
) -> tuple[tuple[int | None, int | None], str]:
    """Which messages are meant; Problem if the caller may not stop them."""
    caller.needs(Scope.WRITE)
    if ref and dialogue:
        raise Problem(422, "Name an action or a dialogue, not both.")
    with services.database.read() as connection:
        sight = caller.reading(connection)
        if ref:
            action = sight.action(ref, Deed.HOLD)
            return (action.dialogue_id, action.id), action.ref
        caller.needs(Scope.ADMIN)
        if dialogue:
            home = sight.one_dialogue(dialogue)
            if caller.member.may_in(Deed.HOLD_DIALOGUE, home.id):
                return (home.id, None), home.code
        elif caller.member.may_with_all(Deed.HOLD_PROGRAMME):
            return (None, None), "the whole programme"
    raise Problem(403, "Whom this key is for may not stop these messages.")
