"""What other programs may look at: dialogues, actions with all that is known of them, counts."""

import json
from collections.abc import Callable
from itertools import islice
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, FastAPI, Query, Response

from engine.action import State
from engine.history import Event
from engine.permission import Deed, Tie
from engine.store.answers import answers_about
from engine.store.counting import count
from engine.store.database import Connection
from engine.store.listing import View, Wanted, view_of, views
from engine.store.records import history_of
from engine.store.seen import (
    commitments_seen,
    digests_of,
    id_of,
    number_in,
    parties_in,
    refs_of,
    words_of,
)
from engine.store.telling import told_about
from web.api_caller import Caller
from web.api_problems import refuses
from web.api_values import (
    LIMIT,
    MOST,
    ActionPage,
    ActionValue,
    AnswerList,
    AnswerValue,
    CommitmentPage,
    CommitmentValue,
    DialogueList,
    DialogueValue,
    DigestPage,
    DigestValue,
    EventList,
    EventValue,
    NoticeList,
    NoticeValue,
    PartyList,
    PartyValue,
    RefInPath,
    StatusValue,
    StoryValue,
    WholeAction,
)
from workflows.clarify import clarifications_of

Limit = Annotated[int, Query(ge=1, le=MOST, description="How many at once.")]
Number = Annotated[int, Query(ge=0, le=2**62, description="Where the page before ended.")]
OfDialogue = Annotated[
    str | None, Query(max_length=120, description="Name or code of a dialogue, any case.")
]
AfterRef = Annotated[
    str | None,
    Query(pattern=r"^\w[\w.\-]{0,39}$", description="Reference at which the page before ended."),
]


def add_looking(app: FastAPI, door: Callable[..., Caller]) -> None:
    """The addresses that only read."""

    @app.get("/dialogues", responses=refuses(), tags=["look"])
    def dialogues(caller: Annotated[Caller, Depends(door)]) -> DialogueList:
        """The dialogues in which the person of the key has a role."""
        with caller.services.database.read() as connection:
            found = caller.reading(connection).dialogues.values()
        return DialogueList(
            data=[
                DialogueValue(
                    code=row.code, name=row.name, country=row.country, timezone=row.timezone,
                    languages=row.languages.split(","),
                )
                for row in found
            ]
        )  # fmt: skip

    @app.get("/parties", responses=refuses(), tags=["look"])
    def parties(caller: Annotated[Caller, Depends(door)], dialogue: OfDialogue = None) -> PartyList:
        """The parties of those dialogues; no persons, no addresses."""
        with caller.services.database.read() as connection:
            rows = parties_in(connection, caller.reading(connection).chosen(dialogue))
        return PartyList(
            data=[
                PartyValue(name=r.name, dialogue=r.dialogue, side=r.side, superior=r.superior)
                for r in rows
            ]
        )

    _add_actions(app, door)
    _add_commitments(app, door)

    @app.get("/status", responses=refuses(), tags=["look"])
    def status(
        caller: Annotated[Caller, Depends(door)], dialogue: OfDialogue = None
    ) -> StatusValue:
        """How many actions stand where, in the dialogues whose figures the person may see."""
        with caller.services.database.read() as connection:
            return _status(caller, connection, dialogue)

    @app.get("/digests", responses=refuses(), tags=["look"])
    def digests(
        caller: Annotated[Caller, Depends(door)], before: Number = 0, limit: Limit = LIMIT
    ) -> DigestPage:
        """The digests that were made for the person of the key, newest first."""
        with caller.services.database.read() as connection:
            rows = digests_of(connection, caller.member.person_id, before, limit + 1)
        data = [
            DigestValue(
                id=row.id, kind=row.digest, dialogue=row.name, as_of=row.as_of_at, day=row.day,
                fingerprint=row.fingerprint, figures=json.loads(row.figures or "{}"),
            )
            for row in rows[:limit]
        ]  # fmt: skip
        last = data[-1].id if len(rows) > limit else None
        return DigestPage(data=data, next=_next("digests", {}, last, limit, word="before"))


def _add_actions(app: FastAPI, door: Callable[..., Caller]) -> None:
    @app.get("/actions", responses=refuses(), tags=["look"])
    def actions(
        caller: Annotated[Caller, Depends(door)],
        dialogue: OfDialogue = None,
        state: State | None = None,
        overdue: Annotated[bool, Query(description="Only what is overdue.")] = False,
        after: AfterRef = None,
        limit: Limit = LIMIT,
    ) -> ActionPage:
        """The actions that the person of the key may know of, page by page."""
        with caller.services.database.read() as connection:
            sight = caller.reading(connection)
            chosen = sight.chosen(dialogue)
            wanted = Wanted(
                state=state, overdue=overdue, where=sight.where_in(chosen),
                after_id=id_of(connection, after) if after else 0,
                at_once=max(limit + 1, 20),
            )  # fmt: skip
            directory = caller.services.directory(connection)
            thresholds = caller.services.thresholds
            found = list(islice(views(directory, wanted, caller.now, thresholds), limit + 1))
            page = found[:limit]
            titled = sight.readable([view.action for view in page], Deed.READ_TITLE)
            data = [_listed(view, titled=view.action.id in titled) for view in page]
        asked = {"dialogue": dialogue, "state": state, "overdue": "true" if overdue else None}
        last = page[-1].action.ref if len(found) > limit else None
        return ActionPage(data=data, next=_next("actions", asked, last, limit))

    @app.get("/actions/{ref}", responses=refuses(), tags=["look"])
    def action(
        caller: Annotated[Caller, Depends(door)], ref: RefInPath, response: Response
    ) -> WholeAction:
        """One action; its ETag is the version that a write has to name in If-Match."""
        with caller.services.database.read() as connection:
            whole = whole_action(caller, connection, ref)
        response.headers["etag"] = f'"{whole.version}"'
        return whole

    @app.get("/actions/{ref}/history", responses=refuses(), tags=["look"])
    def history(caller: Annotated[Caller, Depends(door)], ref: RefInPath) -> EventList:
        """Everything that happened to an action; each hash carries the one before it."""
        with caller.services.database.read() as connection:
            found = caller.reading(connection).action(ref, Deed.READ_HISTORY)
            return EventList(data=[_event(each) for each in history_of(connection, found.id)])

    @app.get("/actions/{ref}/notices", responses=refuses(), tags=["look"])
    def notices(caller: Annotated[Caller, Depends(door)], ref: RefInPath) -> NoticeList:
        """Who was told what about an action, and what became of it."""
        with caller.services.database.read() as connection:
            found = caller.reading(connection).action(ref, Deed.READ_STORY)
            told = told_about(connection, found.id)
        return NoticeList(data=[NoticeValue(**each) for each in told])

    @app.get("/actions/{ref}/answers", responses=refuses(), tags=["look"])
    def answers(caller: Annotated[Caller, Depends(door)], ref: RefInPath) -> AnswerList:
        """What was said back about an action, by whatever way it came."""
        with caller.services.database.read() as connection:
            sight = caller.reading(connection)
            found = sight.action(ref, Deed.READ_STORY)
            said = answers_about(connection, found.id)
        coordinates = Tie.COORDINATES in caller.member.ties_in(found.dialogue_id)
        return AnswerList(
            data=[
                AnswerValue(
                    verb=kept.verb, origin=kept.origin, by=kept.by, at=kept.at, note=kept.note,
                    details=dict(kept.details), outcome=kept.outcome, said=kept.said,
                    source=kept.source if coordinates else None,
                )
                for kept in said
            ]
        )  # fmt: skip


def _add_commitments(app: FastAPI, door: Callable[..., Caller]) -> None:
    @app.get("/commitments", responses=refuses(), tags=["look"])
    def commitments(
        caller: Annotated[Caller, Depends(door)],
        dialogue: OfDialogue = None,
        after: Number = 0,
        limit: Limit = LIMIT,
    ) -> CommitmentPage:
        """What was agreed, as far as the title of an action of it may be read."""
        with caller.services.database.read() as connection:
            sight = caller.reading(connection)
            where = sight.where_in(sight.chosen(dialogue), Deed.READ_TITLE)
            rows = commitments_seen(connection, where, after, limit + 1)
            refs = refs_of(connection, [row.id for row in rows], where)
        data = [
            CommitmentValue(
                id=row.id, dialogue=row.dialogue, text=row.text, language=row.language,
                agreed_on=row.agreed_on, actions=refs.get(row.id, []),
            )
            for row in rows[:limit]
        ]  # fmt: skip
        last = data[-1].id if len(rows) > limit else None
        return CommitmentPage(
            data=data, next=_next("commitments", {"dialogue": dialogue}, last, limit)
        )


def whole_action(caller: Caller, connection: Connection, ref: str) -> WholeAction:
    """One action with its story, as far as the caller may read it."""
    sight = caller.reading(connection)
    found = sight.action(ref)
    directory = caller.services.directory(connection)
    view = view_of(directory, found, caller.now, caller.services.thresholds)
    listed = _listed(view, titled=sight.may(Deed.READ_TITLE, found))
    story = None
    if sight.may(Deed.READ_STORY, found):
        moved = [e for e in history_of(connection, found.id) if e.kind == "rescheduled"]
        verifier = directory.parties.get(found.verifier_id) if found.verifier_id else None
        story = StoryValue(
            commitment=words_of(connection, found), agreed_on=found.agreed_on,
            verifier=verifier.name if verifier else None,
            reported_level=found.reported_level, verified_level=found.verified_level,
            waiting=found.waiting, obstacle=found.obstacle, blocker=found.blocker,
            review_on=found.review_on, repeat=found.repeat, evidence=found.evidence,
            notes=found.notes,
            earlier_due_dates=[json.loads(event.payload)["from"] for event in moved],
            days_over_original=view.standing.days_over_original,
            clarifications=[
                dict(each.as_dict()) for each in clarifications_of(connection, directory, found)
            ],
        )  # fmt: skip
    return WholeAction(**listed.model_dump(), story=story)


def _listed(view: View, *, titled: bool) -> ActionValue:
    shown: dict[str, Any] = {**view.as_dict(), "handling": view.action.handling}
    if not titled:
        shown |= {"title": None, "responsible": None}
    return ActionValue(**shown)


def _event(event: Event) -> EventValue:
    return EventValue(
        seq=event.seq, kind=event.kind, at=event.at, by=event.by,
        payload=json.loads(event.payload), hash=event.hash.hex(),
    )  # fmt: skip


def _status(caller: Caller, connection: Connection, dialogue: str | None) -> StatusValue:
    sight = caller.reading(connection)
    chosen = [
        number for number in sight.chosen(dialogue)
        if caller.member.may_in(Deed.SEE_FIGURES, number)
    ]  # fmt: skip
    directory, limits = caller.services.directory(connection), caller.services.thresholds
    cells = sight.open_or_seen(chosen)
    shown = count(directory, caller.now, limits, only=chosen, where=cells)
    total = number_in(connection, chosen)
    return StatusValue(
        as_of=caller.now, total=total, by_state=dict(shown.by_state),
        conditions=dict(shown.conditions),
        by_dialogue={name: dict(own) for name, own in shown.by_dialogue.items()},
    )  # fmt: skip


def _next(
    what: str, asked: dict[str, Any], last: object, limit: int, *, word: str = "after"
) -> str | None:
    if last is None:
        return None
    given = {name: value for name, value in asked.items() if value is not None}
    return f"/api/v1/{what}?{urlencode({**given, word: last, 'limit': limit})}"
