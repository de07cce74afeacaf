"""A session with its commitments written down in one form, looked at, and recorded whole."""

from datetime import date
from typing import Any, Final

from fastapi import Response

from config.plan_cells import LANGUAGES
from engine.action import Handling
from engine.permission import Deed
from engine.store.held_sessions import (
    find_session_of,
    sessions_held,
    steps_of_session,
    words_agreed,
)
from engine.store.seen import parties_in
from web.face import NAMES, NOT_FOUND, OK, UNFIT, Entrance, Visit
from web.homes import chosen_of, homes_for
from web.sessions_form import REPEATS, Draft, field_errors, first_draft, read_draft, read_records
from workflows.newcomers import COORDINATION
from workflows.session_record import Recorded, record_session

SHOWN: Final = 100
_LONGEST_NUMBER: Final = 12


def add_sessions(entrance: Entrance) -> None:
    entrance.get("/sessions", Deed.WRITE_DOWN, listed)
    entrance.get("/sessions/new", Deed.WRITE_DOWN, ask)
    entrance.post("/sessions/new", Deed.WRITE_DOWN, take)
    entrance.get("/sessions/{number}", Deed.WRITE_DOWN, look)


def listed(visit: Visit) -> Response:
    """The sessions on record, newest first."""
    with visit.services.database.read() as connection:
        homes = visit.member.dialogues(Deed.WRITE_DOWN)
        rows = sessions_held(connection, homes, SHOWN)
    return visit.page("face_sessions.html", rows=rows, shown=SHOWN)


def look(visit: Visit) -> Response:
    """One session: the words agreed, their hashes, and what became of them."""
    number = visit.path("number")
    if not number.isdecimal() or len(number) > _LONGEST_NUMBER:
        visit.refuse(NOT_FOUND)
    with visit.services.database.read() as connection:
        found = find_session_of(connection, int(number))
        if found is None or not visit.member.may_in(Deed.WRITE_DOWN, found.dialogue_id):
            visit.refuse(NOT_FOUND)
        agreed, steps = words_agreed(connection, found.id), steps_of_session(connection, found.id)
    return visit.page(
        "face_session.html", held=found, agreed=agreed, steps=steps, fresh=visit.query("fresh")
    )


def ask(visit: Visit) -> Response:
    """An empty form; who writes for several dialogues says first for which."""
    homes = homes_for(visit, Deed.WRITE_DOWN)
    chosen = chosen_of(visit, homes, visit.query("dialogue"))
    if chosen is None:
        return visit.page("face_session_where.html", homes=homes)
    return _form(visit, chosen, first_draft(_today(visit, chosen.id)), {})


def take(visit: Visit) -> Response:
    """One more row, a look at it all, or the record itself; whatever it is, nothing is lost."""
    homes = homes_for(visit, Deed.WRITE_DOWN)
    chosen = chosen_of(visit, homes, visit.typed("dialogue"))
    if chosen is None:
        visit.refuse(NOT_FOUND)
    draft, wish = read_draft(visit.sent), visit.typed("do")
    if wish == "edit":
        return _form(visit, chosen, draft, {})
    if wish not in {"", "look", "record"}:
        full = visit.gettext("No more fits into one form: import a plan.")
        errors = {} if draft.add(wish) else {"": full}
        return _form(visit, chosen, draft, errors)
    return _judge(visit, chosen, draft, recording=wish == "record")


def _judge(visit: Visit, chosen: Any, draft: Draft, *, recording: bool) -> Response:  # noqa: ANN401
    today = _today(visit, chosen.id)
    read = read_records(draft, chosen.name, today, visit.gettext)
    errors, done = read.errors, None
    if read.records and read.held_on is not None:
        done = record_session(
            visit.services, chosen.id, read.held_on, read.records, visit.member.key, visit.now,
            dry_run=not recording or bool(errors),
        )  # fmt: skip
        errors = field_errors(read, done.taken.errors, visit.language, visit.gettext)
    if errors or done is None:
        return _form(visit, chosen, draft, errors)
    if recording:
        return visit.to(f"/sessions/{done.keeper.session_id}", fresh="1")
    return _preview(visit, chosen, draft, read.held_on, done)


def _preview(
    visit: Visit,
    chosen: Any,  # noqa: ANN401 - a row of the store
    draft: Draft,
    held_on: date | None,
    done: Recorded,
) -> Response:
    return visit.page(
        "face_session_look.html",
        chosen=chosen, held_on=held_on, draft=draft, seen=_by_spoken(draft, done),
        new_parties=done.keeper.parties, unchanged=done.taken.unchanged, tongues=NAMES,
    )  # fmt: skip


def _by_spoken(draft: Draft, done: Recorded) -> list[tuple[Any, list[Any]]]:
    """Each commitment with its actions as they will stand; those on record already are left out."""
    lines = {(line.title, line.responsible.casefold()): line for line in done.keeper.lines}
    found = []
    for spoken in draft.spoken:
        if not spoken.empty:
            keys = [
                (" ".join(step.typed["action"].split()),
                 " ".join(step.typed["responsible"].split()).casefold())
                for step in spoken.steps if not step.empty
            ]  # fmt: skip
            found.append((spoken, [lines[key] for key in keys if key in lines]))
    return found


def _form(
    visit: Visit,
    chosen: Any,  # noqa: ANN401 - a row of the store
    draft: Draft,
    errors: dict[str, str],
) -> Response:
    with visit.services.database.read() as connection:
        names = [row.name for row in parties_in(connection, [chosen.id])]
    several = len(homes_for(visit, Deed.WRITE_DOWN)) > 1
    own = [tag for tag in chosen.languages.split(",") if tag in LANGUAGES]
    tongues = [*own, *(tag for tag in LANGUAGES if tag not in own)]
    _ = visit.gettext
    repeats = dict(
        zip(
            REPEATS,
            (_("once"), _("each week"), _("each month"), _("each three months"), _("each year")),
            strict=True,
        )
    )
    return visit.page(
        "face_session_new.html", UNFIT if errors else OK,
        chosen=chosen, draft=draft, errors=errors, repeats=repeats,
        parties=[name for name in names if name != COORDINATION], handlings=list(Handling),
        tongues=[(tag, NAMES[tag]) for tag in tongues], several=several,
    )  # fmt: skip


def _today(visit: Visit, dialogue_id: int) -> date:
    with visit.services.database.read() as connection:
        directory = visit.services.directory(connection)
        directory.ensure_dialogues({dialogue_id})
        return directory.today(dialogue_id, visit.now)
