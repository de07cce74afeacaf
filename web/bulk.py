"""Several actions changed at once after a session: chosen, looked at, then all of it or nothing."""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import Response

from engine.action import Action
from engine.errors import UnknownThing
from engine.permission import Deed
from engine.store.database import Connection
from engine.store.records import find_action
from engine.store.seen import partners_of
from web.bulk_forms import BulkForm, bulk_forms, more_errors
from web.face import CONFLICT, OK, PICKED, UNFIT, Entrance, Visit
from web.forms import Typed, read_fields
from web.refusals import refusal_words
from web.session import OURS
from workflows.bulk import Line, do_all
from workflows.record import Asked

MOST: Final = 100
"""So many at once; a page of the list has fewer."""

LIST: Final = "/actions"
_NUMBER: Final = re.compile("[0-9]{1,9}")


def add_bulk(entrance: Entrance) -> None:
    entrance.post("/bulk", Deed.RESCHEDULE, several)


def several(visit: Visit) -> Response:
    """One address for each step: choose the deed, fill it in, look at what it does, do it."""
    picked = _picked(visit)
    forms = bulk_forms(visit)
    form = next((one for one in forms if one.name == visit.typed("deed")), None)
    if not picked:
        said = visit.gettext("Choose at least one action in the list.")
        return _page(visit, [], None, Typed({}), said=said, status=UNFIT)
    if len(picked) > MOST:
        said = visit.gettext("Choose at most %(count)s actions.") % {"count": MOST}
        return _page(visit, [], None, Typed({}), said=said, status=UNFIT)
    if form is None:
        return _page(visit, picked, None, Typed({}))
    step = visit.typed("step")
    if step not in {"look", "do", "edit"}:
        return _page(visit, picked, form, Typed({f.name: f.first for f in form.fields}))
    typed = more_errors(form, read_fields(form.fields, visit.sent, visit.gettext), visit.gettext)
    if typed.errors or step == "edit":
        status = UNFIT if typed.errors and step != "edit" else OK
        return _page(visit, picked, form, typed, status=status)
    return _done(visit, picked, form, typed, keep=step == "do")


def _done(
    visit: Visit, picked: Sequence[tuple[Action, int]], form: BulkForm, typed: Typed, *, keep: bool
) -> Response:
    asked = [
        Asked(ref=action.ref, by=visit.member.key, version=version) for action, version in picked
    ]
    lines = do_all(visit.services, asked, form.each(typed), visit.now, keep=keep)
    refused = [line for line in lines if line.error]
    if keep and not refused:
        back = _back(visit)
        query = dict(parse_qsl(urlsplit(back).query))
        return visit.to(LIST, **query | {"changed": str(len(lines))})
    status = CONFLICT if keep else OK
    return _page(visit, picked, form, typed, lines=lines, status=status)


def _page(
    visit: Visit,
    picked: Sequence[tuple[Action, int]],
    form: BulkForm | None,
    typed: Typed,
    *,
    lines: Sequence[Line] = (),
    said: str = "",
    status: int = OK,
) -> Response:
    told = {
        action.ref: action.title
        for action, _version in picked
        if visit.member.may(Deed.READ_TITLE, action)
    }
    return visit.page(
        "face_bulk.html", status,
        picked=picked, titles=told, forms=bulk_forms(visit), form=form, typed=typed.texts,
        errors={} if lines else typed.errors, lines=lines, said=said, back=_back(visit),
        refused={line.ref: refusal_words(visit.language, line.error)
                 for line in lines if line.error},
        kept=status == CONFLICT, pick=PICKED,
        moved_on=any(action.version != version for action, version in picked),
    )  # fmt: skip


def _picked(visit: Visit) -> list[tuple[Action, int]]:
    """What was ticked, each with the version that was seen; what is not theirs to see is not."""
    wanted = {
        name.removeprefix(PICKED): int(value)
        for name, value in visit.sent.fields.items()
        if name.startswith(PICKED) and _NUMBER.fullmatch(value)
    }
    with visit.services.database.read() as connection:
        found = [
            (action, wanted[ref])
            for ref in sorted(wanted)[: MOST + 1]
            if (action := _theirs(visit, connection, ref)) is not None
        ]
    return sorted(found, key=lambda one: one[0].ref)


def _theirs(visit: Visit, connection: Connection, ref: str) -> Action | None:
    try:
        action = find_action(connection, ref)
    except UnknownThing:
        return None
    partners = partners_of(connection, [action.id]).get(action.id, ())
    return action if visit.member.may(Deed.RESCHEDULE, action, partners) else None


def _back(visit: Visit) -> str:
    """The list from which one came, with its filters; any other address is not followed."""
    asked = visit.typed("back")
    if not OURS.fullmatch(asked) or urlsplit(asked).path != LIST:
        return LIST
    kept = [(name, value) for name, value in parse_qsl(urlsplit(asked).query) if name != "changed"]
    return f"{LIST}?{urlencode(kept)}" if kept else LIST
