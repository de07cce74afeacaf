"""The people of a dialogue: who holds each post, how they are reached, what waits for them."""

import json
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Response

from engine.party import Role
from engine.permission import Deed
from engine.store.database import Connection
from engine.store.listing import View, views_of
from engine.store.people_lists import (
    Known,
    Sought,
    at_party,
    find_known,
    open_actions,
    open_counts,
    people_in,
)
from engine.store.seen import dialogues_of
from web.face import FORBIDDEN, NAMES, NOT_FOUND, OK, Entrance, Visit
from web.homes import named_of
from web.people_forms import (
    PersonForm,
    channel_words,
    done_words,
    forms_for,
    reach_words,
    trouble_words,
)
from web.people_send import ask, send
from workflows.persons import about

PAGE: Final = 50
SHOWN: Final = 40
FURTHEST: Final = 100_000
LONGEST_NUMBER: Final = 9


def add_people(entrance: Entrance) -> None:
    entrance.get("/people", Deed.PEOPLE, listed)
    entrance.get("/people/{number}", Deed.PEOPLE, look)
    entrance.get("/people/{number}/record.json", Deed.PEOPLE, record)
    entrance.get("/people/{number}/do/{deed}", Deed.PEOPLE, _ask)
    entrance.post("/people/{number}/do/{deed}", Deed.PEOPLE, _send)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A person as a line of the list; `works` is empty where a message can reach them."""

    known: Known
    works: str
    waiting: int


def listed(visit: Visit) -> Response:
    """Everybody of one's dialogues; nobody is searched by name, for addresses of pages are kept."""
    mine = visit.member.dialogues(Deed.PEOPLE)
    with visit.services.database.read() as connection:
        homes = [
            row for row in dialogues_of(connection, visit.member) if mine is None or row.id in mine
        ]
        home = named_of(homes, visit.query("dialogue"))
        asked, within = _asked(visit, home, mine)
        start = _start(visit.query("from"))
        sought = Sought(
            mine=within,
            role=Role(asked["role"]) if "role" in asked else None,
            trouble=asked.get("trouble", ""),
        )
        found, total = people_in(connection, sought, visit.now.date(), start, PAGE)
        counts = open_counts(connection, found, mine)
        texting = visit.services.directory(connection).texting
    lines = [
        Line(
            known=one,
            works=reach_words(visit.gettext, one, texting=texting),
            waiting=counts.get(one.person.id, 0),
        )
        for one in found
    ]
    following = ""
    if start + len(found) < total:
        following = "/people?" + urlencode({**asked, "from": start + PAGE})
    return visit.page(
        "face_people.html", NOT_FOUND if asked.get("dialogue") and home is None else OK,
        lines=lines, nowhere=asked["dialogue"] if "dialogue" in asked and home is None else "",
        total=total, homes=[row.name for row in homes],
        asked={"dialogue": "", "role": "", "trouble": ""} | asked, filtered=bool(asked),
        roles=list(Role), troubles=trouble_words(visit.gettext), start=start,
        first="/people?" + urlencode(asked), following=following,
        tongues=NAMES, channels=channel_words(visit.gettext), today=visit.now.date(),
    )  # fmt: skip


def look(visit: Visit) -> Response:
    """One person: the function first, then the name if there is one, and what can be changed."""
    mine = visit.member.dialogues(Deed.PEOPLE)
    with visit.services.database.read() as connection:
        known = theirs(visit, connection)
        forms = forms_of(visit, connection, known)
        found = open_actions(connection, known, mine, SHOWN + 1)
        directory = visit.services.directory(connection)
        views: list[View] = views_of(directory, found[:SHOWN], visit.now, visit.services.thresholds)
        told = [v.action for v in views if visit.member.may(Deed.READ_TITLE, v.action)]
        beside = at_party(connection, known.person.party_id) if known.person.party_id else []
        works = reach_words(visit.gettext, known, texting=directory.texting)
        waiting = open_counts(connection, [known], mine).get(known.person.id, 0)
    done = visit.query("done")
    return visit.page(
        "face_person.html",
        known=known, works=works, forms=forms, views=views, waiting=waiting,
        titles={action.id: action.title for action in told},
        roles=[held for held in known.roles if mine is None or held.dialogue_id in mine],
        more_roles=sum(mine is not None and held.dialogue_id not in mine for held in known.roles),
        beside=[one for one in beside if one.person.id != known.person.id],
        tongues=NAMES, channels=channel_words(visit.gettext), today=visit.now.date(),
        may_change=visit.member.answers_for(known.places),
        done=done_words(visit.gettext).get(done, ""),
    )  # fmt: skip


def record(visit: Visit) -> Response:
    """Everything on record about a person, for whoever asks to see it."""
    with visit.services.database.read() as connection:
        known = theirs(visit, connection)
    if not visit.member.answers_for(known.places):
        visit.refuse(
            FORBIDDEN, visit.gettext("This person also stands in dialogues that are not yours.")
        )
    text = json.dumps(about(visit.services, known.person.key), ensure_ascii=False, indent=2)
    name = f"person-{known.person.id}.json"
    return Response(
        text + "\n", media_type="application/json",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )  # fmt: skip


def _ask(visit: Visit) -> Response:
    with visit.services.database.read() as connection:
        known = theirs(visit, connection)
        forms = forms_of(visit, connection, known)
    return ask(visit, known, _wanted(visit, forms))


def _send(visit: Visit) -> Response:
    with visit.services.database.read() as connection:
        known = theirs(visit, connection)
        forms = forms_of(visit, connection, known)
    return send(visit, known, _wanted(visit, forms))


def theirs(visit: Visit, connection: Connection) -> Known:
    """The person of the address, if they stand in a dialogue of this coordinator's."""
    text = visit.path("number")
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER else 0
    known = find_known(connection, number, visit.member.dialogues(Deed.PEOPLE)) if number else None
    if known is None:
        visit.refuse(NOT_FOUND)
    return known


def forms_of(visit: Visit, connection: Connection, known: Known) -> list[PersonForm]:
    """What this coordinator can do about a person."""
    return forms_for(visit, connection, known) if visit.member.answers_for(known.places) else []


def _wanted(visit: Visit, forms: list[PersonForm]) -> PersonForm:
    wanted = next((form for form in forms if form.name == visit.path("deed")), None)
    if wanted is None:
        visit.refuse(NOT_FOUND)
    return wanted


def _asked(
    visit: Visit,
    home: Any,  # noqa: ANN401 - a row of the store, or None
    mine: frozenset[int] | None,
) -> tuple[dict[str, str], frozenset[int] | None]:
    """What the address asks for, and the dialogues that leaves; words not ours are not asked."""
    asked: dict[str, str] = {}
    within = mine
    if visit.query("dialogue"):
        asked["dialogue"] = home.name if home else visit.query("dialogue")
        within = frozenset({home.id} if home else ())
    if visit.query("role") in set(Role):
        asked["role"] = visit.query("role")
    if visit.query("trouble") in trouble_words(visit.gettext):
        asked["trouble"] = visit.query("trouble")
    return asked, within


def _start(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER else 0
    return min(number, FURTHEST)
