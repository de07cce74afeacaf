"""The brake: holds shown, put and lifted, and one press that stops every message at once."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from fastapi import Response

from engine.action import Action
from engine.errors import UnknownThing
from engine.permission import Deed
from engine.store.brakes import Brake, brakes
from engine.store.database import Connection
from engine.store.holds import holds_lifted
from engine.store.records import find_action
from engine.store.seen import dialogues_of, partners_of
from web.answer_form import one_line
from web.face import NOT_FOUND, OK, UNFIT, Entrance, Visit
from web.forms import Field, Typed, read_fields
from web.homes import named_of
from workflows import record

EVERYTHING: Final = "all"
"""What a form says for the whole programme; a dialogue is named by its code."""

LONGEST_REASON: Final = 300
LONGEST_ID: Final = 18
LIFTED_LATELY: Final = timedelta(days=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A hold as its row on the page; `scope` is what lifts it, empty for who may not."""

    brake: Brake
    scope: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifted:
    """A hold that is over: of which action or dialogue (neither: of all), and who ended it."""

    ref: str
    dialogue: str
    reason: str
    at: datetime
    by: str
    why: str


def add_holds(entrance: Entrance) -> None:
    entrance.get("/holds", Deed.HOLD_DIALOGUE, listed)
    entrance.post("/holds", Deed.HOLD_DIALOGUE, put)
    entrance.post("/holds/lift", Deed.HOLD_DIALOGUE, lift, carries=("ref",))
    entrance.get("/holds/pause", Deed.HOLD_DIALOGUE, ask_pause)
    entrance.post("/holds/pause", Deed.HOLD_DIALOGUE, pause)


def listed(visit: Visit) -> Response:
    """Every hold that this person has to know of, and a form for another one."""
    scopes = _scopes(visit)
    first = {"from_on": visit.now.date().isoformat(), "ref": visit.query("ref")}
    wished = scopes[0][0] if len(scopes) == 1 else _wished(visit)
    return _page(visit, Typed(first | {"scope": wished}))


def _wished(visit: Visit) -> str:
    """What a form says for the dialogue that the address names, by its code or its name."""
    home = named_of(_homes(visit), visit.query("scope"))
    return str(home.code) if home else visit.query("scope")


def put(visit: Visit) -> Response:
    """Begin a hold of an action, a dialogue, or everything."""
    fields = _fields(visit)
    typed = read_fields(fields, visit.sent, visit.gettext)
    errors = dict(typed.errors)
    first, last = typed.day("from_on"), typed.day("until_on")
    if first and last and last < first:
        errors["until_on"] = visit.gettext("This is before the first day.")
    elif last and last < visit.now.date() - timedelta(days=1):
        errors["until_on"] = visit.gettext("This day has passed already.")
    if len(typed.text("reason")) > LONGEST_REASON:
        errors["reason"] = visit.gettext("This is too long.")
    scope = _scope(visit, typed.text("scope"), typed.text("ref"), errors)
    if errors or first is None or scope is None:
        return _page(visit, Typed(typed.texts, typed.days, errors))
    _hold(visit, scope, first, last, typed.text("reason"))
    return visit.to("/holds")


def lift(visit: Visit) -> Response:
    """End one hold; what is still true, and kept back by no other, may leave again."""
    scope = _scope(visit, visit.typed("scope"), visit.typed("ref"), {})
    number = visit.typed("hold")
    if scope is None or not (number.isascii() and number.isdigit() and len(number) <= LONGEST_ID):
        visit.refuse(NOT_FOUND)
    with suppress(UnknownThing):  # somebody else has lifted it already, which is what was wanted
        record.resume(
            visit.services, scope, visit.now,
            by=visit.member.key, reason=one_line(visit.typed("reason"))[:LONGEST_REASON],
            number=int(number),
        )  # fmt: skip
    return visit.to("/holds")


def ask_pause(visit: Visit) -> Response:
    """What a pause does, and the one button that begins it."""
    typed = {"scope": _wished(visit)}
    return visit.page("face_pause.html", scopes=_scopes(visit), errors={}, typed=typed)


def pause(visit: Visit) -> Response:
    """Stop every message of a dialogue, or of all of them, from this moment on."""
    errors: dict[str, str] = {}
    scope = _scope(visit, visit.typed("scope"), "", errors)
    reason = one_line(visit.typed("reason")) or visit.gettext("Stopped at once")
    if len(reason) > LONGEST_REASON:
        errors["reason"] = visit.gettext("This is too long.")
    if errors or scope is None:
        errors = errors or {"scope": visit.gettext("Choose one of these.")}
        return visit.page(
            "face_pause.html", UNFIT,
            scopes=_scopes(visit), errors=errors, typed=dict(visit.sent.fields),
        )  # fmt: skip
    _hold(visit, scope, _first_day(visit, scope[0]), None, reason)
    return visit.to("/holds")


def _first_day(visit: Visit, dialogue_id: int | None) -> date:
    if dialogue_id is None:
        # West of Greenwich it may be yesterday yet, and a brake works at once everywhere.
        return visit.now.date() - timedelta(days=1)
    with visit.services.database.read() as connection:
        directory = visit.services.directory(connection)
        directory.ensure_dialogues({dialogue_id})
        return directory.today(dialogue_id, visit.now)


Scope = tuple[int | None, int | None]


def _hold(visit: Visit, scope: Scope, first: date, last: date | None, reason: str) -> None:
    record.hold(
        visit.services, scope, from_on=first, until_on=last, by=visit.member.key, reason=reason,
        now=visit.now,
    )  # fmt: skip


def _scope(visit: Visit, named: str, ref: str, errors: dict[str, str]) -> Scope | None:
    """The dialogue and action meant; None, with an error at its field, for what is not theirs."""
    if ref:
        action = _action(visit, ref)
        if action is None:
            errors["ref"] = visit.gettext("There is no action of this reference.")
            return None
        return (None, action.id)
    if named == EVERYTHING and visit.member.may_with_all(Deed.HOLD_PROGRAMME):
        return (None, None)
    home = next((row for row in _homes(visit) if row.code == named), None)
    if home is None:
        errors["scope"] = visit.gettext("Choose one of these.")
        return None
    return (home.id, None)


def _action(visit: Visit, ref: str) -> Action | None:
    with visit.services.database.read() as connection:
        try:
            action = find_action(connection, ref[:60])
        except UnknownThing:
            return None
        return action if _may_hold(visit, connection, action) else None


def _may_hold(visit: Visit, connection: Connection, action: Action) -> bool:
    partners = partners_of(connection, [action.id]).get(action.id, ())
    return visit.member.may(Deed.HOLD, action, partners)


def _homes(visit: Visit) -> list[Any]:
    mine = visit.member.dialogues(Deed.HOLD_DIALOGUE)
    with visit.services.database.read() as connection:
        rows = dialogues_of(connection, visit.member)
    return [row for row in rows if mine is None or row.id in mine]


def _scopes(visit: Visit) -> tuple[tuple[str, str], ...]:
    found = [(str(row.code), str(row.name)) for row in _homes(visit)]
    if visit.member.may_with_all(Deed.HOLD_PROGRAMME):
        found.append((EVERYTHING, visit.gettext("the whole programme")))
    return tuple(found)


def _fields(visit: Visit) -> tuple[Field, ...]:
    _ = visit.gettext
    return (
        Field(
            name="scope", label=_("Messages of which dialogue"), sort="choice", needed=False,
            options=_scopes(visit),
        ),
        Field(name="ref", label=_("Only about this action (its reference)"), needed=False),
        Field(name="from_on", label=_("First day"), sort="day"),
        Field(name="until_on", label=_("Last day"), sort="day", needed=False),
        Field(name="reason", label=_("Why do they have to wait?")),
    )  # fmt: skip


def _page(visit: Visit, typed: Typed) -> Response:
    codes = {row.name: row.code for row in _homes(visit)}
    with visit.services.database.read() as connection:
        found = brakes(visit.services.directory(connection), visit.now)
        shown = [one for brake in found if (one := _shown(visit, connection, brake, codes))]
        over = _lifted(visit, connection, codes)
    return visit.page(
        "face_holds.html", UNFIT if typed.errors else OK,
        shown=shown, over=over, fields=_fields(visit), typed=typed.texts, errors=typed.errors,
    )  # fmt: skip


def _shown(
    visit: Visit, connection: Connection, brake: Brake, codes: dict[str, str]
) -> Shown | None:
    """Of what is another dialogue's nothing is shown; of the programme's, who may lift it does."""
    if brake.action:
        action = find_action(connection, brake.action)
        return Shown(brake=brake, scope="ref") if _may_hold(visit, connection, action) else None
    if brake.dialogue:
        code = codes.get(brake.dialogue)
        # A sensitive day ends by itself: there is nothing to be lifted.
        return Shown(brake=brake, scope="" if brake.sensitive else code) if code else None
    mine = EVERYTHING if visit.member.may_with_all(Deed.HOLD_PROGRAMME) else ""
    return Shown(brake=brake, scope=mine)


def _lifted(visit: Visit, connection: Connection, codes: dict[str, str]) -> list[Lifted]:
    """What was lifted lately, with who did it and why."""
    found = []
    for row in holds_lifted(connection, visit.now - LIFTED_LATELY):
        if row.ref and not _may_hold(visit, connection, find_action(connection, row.ref)):
            continue
        if not row.ref and row.dialogue and row.dialogue not in codes:
            continue
        found.append(
            Lifted(
                ref=row.ref or "", dialogue=row.dialogue or "", reason=row.reason,
                at=row.lifted_at, by=row.function or row.lifted_by, why=row.lifted_for,
            )
        )  # fmt: skip
    return found
