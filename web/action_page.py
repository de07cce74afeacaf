"""The page of one action, its forms, and what is shown when somebody else was faster."""

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from fastapi import Response

from engine.action import Action
from engine.answer import VERBS_FOR, Origin, Purpose, Verb
from engine.bearing import contradicted
from engine.case import Circle
from engine.errors import EngineError, StaleVersion, UnknownThing
from engine.history import Event
from engine.lifecycle import Actor, Facts
from engine.party import Person, Role
from engine.permission import Deed
from engine.store.acting import actor_for, facts_about
from engine.store.answers import answers_about
from engine.store.brakes import brakes
from engine.store.database import Connection
from engine.store.directory import Directory
from engine.store.evidence import Evidence, evidence_about
from engine.store.hanging import hangs_together
from engine.store.listing import View, view_of
from engine.store.people_lists import find_known
from engine.store.records import find_action, history_of
from engine.store.seen import partners_of, words_of
from engine.store.telling import told_about
from web.answer_fields import FIELDS, LEVELS, LONGEST, METHODS, NEEDED, read_answer
from web.deeds import Form, Setting, forms
from web.face import CONFLICT, FORBIDDEN, NOT_FOUND, OK, UNFIT, Entrance, Visit
from web.forms import read_fields
from web.history_words import Told, timeline
from web.people_forms import read_contact
from web.refusals import refusal_words
from web.seen_refs import unmet_refs, unseen_refs
from web.shared_contact import already_of, with_tick
from web.steps import Next, Step, case_of, earlier_of, next_of, steps_of
from workflows.answers import Given, take_answer
from workflows.clarify import clarifications_of, waits_for
from workflows.record import Asked

PROXIES: Final = (Origin.PHONE, Origin.PAPER, Origin.SITE)
RECORDED: Final = (*VERBS_FOR[Purpose.ANSWER], *VERBS_FOR[Purpose.CONFIRM])
_NUMBER: Final = re.compile("[0-9]{1,9}")
_KEY: Final = re.compile(r"[\w-]{16,60}")
RECENT: Final = 40


def add_action_page(entrance: Entrance) -> None:
    entrance.get("/actions/{ref}", Deed.LIST, look)
    entrance.get("/actions/{ref}/history", Deed.READ_HISTORY, whole_history)
    entrance.get("/actions/{ref}/evidence/{number}", Deed.READ_STORY, evidence)
    entrance.get("/actions/{ref}/do/{deed}", Deed.LIST, form)
    entrance.post("/actions/{ref}/do/{deed}", Deed.LIST, send)
    entrance.get("/actions/{ref}/record/{verb}", Deed.RECORD, ask_answer)
    entrance.post("/actions/{ref}/record/{verb}", Deed.RECORD, take)


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """An action with what its page is made of."""

    action: Action
    view: View
    directory: Directory
    facts: Facts
    actor: Actor
    circle: Circle
    zone: str
    today: date
    partners: tuple[int, ...]

    @property
    def shared(self) -> list[str]:
        """The parties that owe it too."""
        return [self.directory.parties[party_id].name for party_id in self.partners]


def about_action(visit: Visit, connection: Connection, deed: Deed = Deed.LIST) -> About:
    try:
        action = find_action(connection, visit.path("ref")[:60])
    except UnknownThing:
        visit.refuse(NOT_FOUND)
    partners = tuple(partners_of(connection, [action.id]).get(action.id, ()))
    visit.must(deed, action, partners)
    directory = visit.services.directory(connection)
    directory.ensure([action])
    facts = facts_about(connection, directory, action)
    return About(
        action=action,
        view=view_of(directory, action, visit.now, visit.services.thresholds),
        directory=directory,
        facts=facts,
        actor=actor_for(connection, directory, action, facts, visit.member.key),
        circle=directory.circle(action),
        zone=directory.dialogues[action.dialogue_id].timezone,
        today=directory.today(action.dialogue_id, visit.now),
        partners=partners,
    )


def look(visit: Visit) -> Response:
    """Everything about one action that this person may read, and what they can do with it."""
    with visit.services.database.read() as connection:
        at = about_action(visit, connection)
        action, member, directory = at.action, visit.member, at.directory

        def may(deed: Deed) -> bool:
            return member.may(deed, action, at.partners)

        story = may(Deed.READ_STORY)
        events = history_of(connection, action.id) if may(Deed.READ_HISTORY) else ()
        added = clarifications_of(connection, directory, action) if story else ()
        unmet = unmet_refs(visit, connection, action)
        case = case_of(connection, directory, action)
        ladder: tuple[Step, ...] = steps_of(case, at.today) if story else ()
        following: Next | None = None
        if story:
            following = next_of(case, directory, at.today, visit.services.delays)
        values: dict[str, Any] = {
            "title": action.title if may(Deed.READ_TITLE) else None,
            "story": story,
            "words": words_of(connection, action) if story else "",
            "clarified": added,
            "waits_for_me": waits_for(directory, action, at.facts, at.actor, added),
            "contradicted": story and contradicted(action, events),
            "adds": may(Deed.REPORT),
            "earlier": earlier_of(events) if story else (),
            "ladder": ladder,
            "following": following,
            "answers": answers_about(connection, action.id) if story else [],
            "files": evidence_about(connection, action.id) if story else [],
            "notices": told_about(connection, action.id) if may(Deed.RECORD) else [],
            "events": timeline(
                events[-RECENT:],
                directory,
                visit.language,
                story=story,
                unseen=unseen_refs(visit, connection, events[-RECENT:]),
            ),
            "more_events": max(0, len(events) - RECENT),
            "verifier": _party(directory, action.verifier_id),
            "forms": _forms(visit, connection, at),
            "verbs": _verbs(at) if may(Deed.RECORD) else (),
            "holds": _holds(directory, action, visit.now) if may(Deed.HOLD) else (),
            "turn": _turn(at, unmet),
            "unmet": unmet,
            "hangs": hangs_together(connection, action.id),
        }
    done = visit.query("done")
    return visit.page("face_action.html", at=at, done=done[:40], **values)


def whole_history(visit: Visit) -> Response:
    """Every event, oldest last, with the marks by which they are chained."""
    with visit.services.database.read() as connection:
        at = about_action(visit, connection, Deed.READ_HISTORY)
        story = visit.member.may(Deed.READ_STORY, at.action, at.partners)
        events = history_of(connection, at.action.id)
        unseen = unseen_refs(visit, connection, events)
        lines = timeline(events, at.directory, visit.language, story=story, unseen=unseen)
    return visit.page("face_history.html", at=at, lines=lines)


def evidence(visit: Visit) -> Response:
    """A file that was handed in, to be saved and never to be shown by this site."""
    with visit.services.database.read() as connection:
        at = about_action(visit, connection, Deed.READ_STORY)
        pieces = evidence_about(connection, at.action.id)
    number = visit.path("number")
    piece = next((p for p in pieces if str(p.id) == number), None)
    if piece is None:
        visit.refuse(NOT_FOUND)
    return _file(visit, at.action, piece)


def _file(visit: Visit, action: Action, piece: Evidence) -> Response:
    path = visit.services.settings.data_folder / "evidence" / piece.sha256.hex()
    try:
        data = path.read_bytes()
    except OSError:
        visit.refuse(NOT_FOUND, visit.gettext("The file is not in the data folder any more."))
    if hashlib.sha256(data).digest() != piece.sha256:
        said = visit.gettext("The file in the data folder is not the one that was handed in.")
        visit.refuse(CONFLICT, said)
    ending = piece.name.rpartition(".")[2]
    safe = f"{action.ref}-{piece.id}" + (f".{ending}" if ending.isalnum() else "")
    return Response(
        data, media_type="application/octet-stream",
        headers={"content-disposition": f'attachment; filename="{safe}"'},
    )  # fmt: skip


def form(visit: Visit) -> Response:
    """The form of one deed, empty, or begun by what stands in the address."""
    with visit.services.database.read() as connection:
        at = about_action(visit, connection)
        wanted = _wanted(visit, _forms(visit, connection, at))
    begun = {f.name: visit.query(f.name) or f.first for f in wanted.fields}
    return _form_page(visit, at, wanted, begun, {})


def send(visit: Visit) -> Response:
    """Do it; what cannot be done shows the form again with everything that was typed."""
    with visit.services.database.read() as connection:
        at = about_action(visit, connection)
        found = _forms(visit, connection, at)
        events = history_of(connection, at.action.id)
    seen_version = _version(visit, at)
    wanted = next((f for f in found if f.name == visit.path("deed")), None)
    if wanted is None and seen_version == at.action.version:
        visit.refuse(FORBIDDEN)
    if wanted is None:
        return _changed(visit, at, events, seen_version, None, visit.sent.fields)
    typed = read_fields(wanted.fields, visit.sent, visit.gettext)
    if wanted.contact_of:
        typed = read_contact(typed, visit.gettext)
    if typed.errors:
        return _form_page(visit, at, wanted, typed.texts, typed.errors, status=UNFIT)
    if wanted.contact_of and (theirs := already_of(visit, typed, wanted.contact_of)):
        ticked = replace(wanted, fields=with_tick(visit, wanted.fields))
        return _form_page(visit, at, ticked, typed.texts, theirs, status=UNFIT)
    asked = Asked(ref=at.action.ref, by=visit.member.key, version=seen_version)
    try:
        wanted.run(visit, asked, typed)
    except StaleVersion:
        with visit.services.database.read() as connection:
            at = about_action(visit, connection)
            events = history_of(connection, at.action.id)
        return _changed(visit, at, events, seen_version, wanted, typed.texts)
    except EngineError as error:
        said = refusal_words(visit.language, error)
        return _form_page(visit, at, wanted, typed.texts, {"": said}, status=UNFIT)
    return visit.to(f"/actions/{at.action.ref}", done=wanted.name)


def _form_page(
    visit: Visit,
    at: About,
    wanted: Form,
    typed: Mapping[str, str],
    errors: Mapping[str, str],
    *,
    status: int = OK,
    changes: Sequence[Told] = (),
) -> Response:
    told = visit.member.may(Deed.READ_TITLE, at.action, at.partners)
    return visit.page(
        "face_deed.html", status,
        at=at, form=wanted, typed=typed, errors=errors, changes=changes,
        title=at.action.title if told else None,
    )  # fmt: skip


def _changed(
    visit: Visit,
    at: About,
    events: Sequence[Event],
    version: int,
    wanted: Form | None,
    typed: Mapping[str, str],
) -> Response:
    """What happened since the page was opened, and the form again if it still makes sense."""
    story = visit.member.may(Deed.READ_STORY, at.action, at.partners)
    lines = timeline(
        [event for event in events if event.seq > version], at.directory, visit.language,
        story=story,
    )  # fmt: skip
    if wanted is not None:
        return _form_page(visit, at, wanted, typed, {}, status=CONFLICT, changes=lines)
    return visit.page("face_changed.html", CONFLICT, at=at, changes=lines, typed=visit.written)


def ask_answer(visit: Visit) -> Response:
    """The form for what somebody said on the phone, on paper or on the spot."""
    with visit.services.database.read() as connection:
        at = about_action(visit, connection, Deed.RECORD)
    return _answer_page(visit, at, _verb(visit, at), {}, {})


def take(visit: Visit) -> Response:
    """Record an answer on somebody's word; sent twice, it counts once."""
    with visit.services.database.read() as connection:
        at = about_action(visit, connection, Deed.RECORD)
    verb = _verb(visit, at)
    read = read_answer(verb, visit.sent, at.today, visit.gettext)
    errors = dict(read.errors)
    origin, who, key = (visit.typed(name) for name in ("origin", "who", "key"))
    if origin not in set(PROXIES):
        errors["origin"] = visit.gettext("Choose one of these.")
    speakers = {person.key for person in _speakers(at, verb)}
    if who and who not in speakers:
        errors["who"] = visit.gettext("Choose one of these.")
    if verb in VERBS_FOR[Purpose.CONFIRM] and not who:
        errors["who"] = visit.gettext("Choose one of these.")
    if errors or not _KEY.fullmatch(key):
        return _answer_page(visit, at, verb, visit.sent.fields, errors, status=UNFIT)
    given = Given(
        key=f"page:{visit.member.person_id}:{key}",
        ref=at.action.ref,
        by=visit.member.key,
        answer=read.answer,
        origin=Origin(origin),
        source=read.source,
        word_of=who,
        typed=True,
        state_version=_version(visit, at),
    )
    try:
        take_answer(visit.services, given, visit.now)
    except StaleVersion:
        with visit.services.database.read() as connection:
            events = history_of(connection, at.action.id)
        return _changed(visit, at, events[-3:], 0, None, visit.sent.fields)
    except EngineError as error:
        said = refusal_words(visit.language, error)
        fields = visit.sent.fields
        return _answer_page(visit, at, verb, fields, {"": said}, status=UNFIT)
    return visit.to(f"/actions/{at.action.ref}", done="record")


def _answer_page(
    visit: Visit,
    at: About,
    verb: Verb,
    typed: Mapping[str, str],
    errors: Mapping[str, str],
    *,
    status: int = OK,
) -> Response:
    known = {*FIELDS[verb], *LONGEST, "origin", "who", "until", "obstacle", "level", "method",
             "done_on", "seen_on"}  # fmt: skip
    return visit.page(
        "face_record.html", status,
        at=at, verb=verb, order=[name for name in FIELDS[verb] if name != "file"],
        needed=NEEDED.get(verb, frozenset()), typed={name: typed.get(name, "") for name in known},
        errors={name: errors.get(name, "") for name in (*known, "")},
        origins=PROXIES, speakers=_speakers(at, verb), levels=LEVELS, methods=METHODS,
        must_name=verb in VERBS_FOR[Purpose.CONFIRM],
        key=typed.get("key") or secrets.token_urlsafe(15),
    )  # fmt: skip


def _verb(visit: Visit, at: About) -> Verb:
    text = visit.path("verb")
    if text not in {verb.value for verb in _verbs(at)}:
        visit.refuse(NOT_FOUND)
    return Verb(text)


def _verbs(at: About) -> tuple[Verb, ...]:
    """What somebody could have said of an action that stands as this one does."""
    if at.action.state.value in {"agreed", "in_progress", "blocked"}:
        return VERBS_FOR[Purpose.ANSWER]
    if at.action.state.value in {"reported_done", "in_force"}:
        return VERBS_FOR[Purpose.CONFIRM]
    return ()


def _speakers(at: About, verb: Verb) -> tuple[Any, ...]:
    """Whose word it can be."""
    if verb in VERBS_FOR[Purpose.CONFIRM]:
        return at.circle.verifiers
    return tuple(filter(None, (at.circle.focal, *at.circle.alternates)))


def _forms(visit: Visit, connection: Connection, at: About) -> list[Form]:
    """The forms that the life cycle offers and the handling level permits."""
    notices = told_about(connection, at.action.id)
    coordinates = Role.COORDINATOR in at.actor.roles
    contact = _contact(visit, connection, at.circle.focal)
    setting = Setting(
        action=at.action,
        actor=at.actor,
        facts=at.facts,
        language=visit.language,
        say=visit.gettext,
        releasable=any(notice["status"] == "unreleased" for notice in notices),
        held=coordinates and bool(_holds(at.directory, at.action, visit.now)),
        contact=contact.key if contact else "",
        contact_id=contact.id if contact else 0,
    )
    member = visit.member
    return [f for f in forms(setting) if member.may(f.deed, at.action, at.partners)]


def _contact(visit: Visit, connection: Connection, focal: Person | None) -> Person | None:
    """Whose contact may be corrected here, if anybody's."""
    known = find_known(connection, focal.id, None) if focal else None
    return known.person if known and visit.member.answers_for(known.places) else None


def _wanted(visit: Visit, found: Sequence[Form]) -> Form:
    wanted = next((f for f in found if f.name == visit.path("deed")), None)
    if wanted is None:
        visit.refuse(NOT_FOUND, visit.gettext("That cannot be done with it as it stands now."))
    return wanted


def _version(visit: Visit, at: About) -> int:
    """The version of the page that was looked at; a form without one is of none."""
    text = visit.typed("version")
    del at
    return int(text) if _NUMBER.fullmatch(text) else 0


def _holds(directory: Directory, action: Action, now: datetime) -> list[Any]:
    return [b for b in brakes(directory, now) if b.action == action.ref and b.in_force]


def _party(directory: Directory, party_id: int | None) -> str:
    party = directory.parties.get(party_id or 0)
    return party.name if party else ""


def _turn(at: About, unmet: Sequence[str]) -> tuple[str, str]:
    """Whose turn it is: a word for why, and the party or function."""
    action, state = at.action, at.action.state.value
    if action.waiting and state in {"agreed", "in_progress", "blocked"}:
        return "waits", ", ".join(filter(None, unmet))
    if state in {"agreed", "in_progress"}:
        return "owes", at.view.responsible
    if state == "blocked":
        return "blocked", action.blocker or at.view.responsible
    if state == "reported_done":
        return "confirms", _party(at.directory, action.verifier_id)
    if state in {"disputed", "proposed"}:
        return state, ", ".join(person.function for person in at.circle.coordinators)
    return "over", ""
