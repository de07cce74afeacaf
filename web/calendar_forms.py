"""What a coordinator writes into a calendar: days off, feasts confirmed or moved, quiet days."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final, Literal, NoReturn

from fastapi import Response

from engine.calendar import DayOverride, Feast
from engine.changed_day import LONGEST_NAME
from engine.errors import BadValue, UnknownThing
from engine.permission import Deed
from engine.sensitive import Quiet, SensitiveDay
from engine.store.calendar_days import changed_days
from engine.store.sensitive import sensitive_of
from web.answer_fields import read_day
from web.answer_form import plain_digits
from web.calendar_page import FIRST_YEAR, LAST_YEAR, calendar_address
from web.face import CONFLICT, NOT_FOUND, OK, UNFIT, Entrance, Visit
from web.face_words import a_day
from web.forms import Field, Typed, read_fields
from web.homes import chosen_of, homes_for
from web.refusals import refusal_words
from workflows import calendar, quiet

LONGEST_REASON: Final = 400
_LONGEST_NUMBER: Final = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One form of the calendar: what it says above, its fields, and what stands fast in it."""

    action: str
    head: str
    why: str
    fields: tuple[Field, ...]
    button: str
    fixed: Mapping[str, str] = field(default_factory=dict)
    change: Literal["add", "remove", "move"] = "add"


def add_calendar_forms(entrance: Entrance) -> None:
    entrance.get("/days/off", Deed.CHANGE_CALENDAR, ask_off)
    entrance.post("/days/off", Deed.CHANGE_CALENDAR, take_off)
    entrance.get("/days/off/{number}", Deed.CHANGE_CALENDAR, ask_undo)
    entrance.post("/days/off/{number}", Deed.CHANGE_CALENDAR, undo)
    entrance.get("/days/quiet", Deed.CHANGE_CALENDAR, ask_quiet)
    entrance.post("/days/quiet", Deed.CHANGE_CALENDAR, take_quiet)
    entrance.get("/days/quiet/{number}", Deed.CHANGE_CALENDAR, ask_end)
    entrance.post("/days/quiet/{number}", Deed.CHANGE_CALENDAR, end)


def ask_off(visit: Visit) -> Response:
    """A day off more or less, or a feast whose day is known now: what the address begins with."""
    home = _home(visit, visit.query("dialogue"))
    sheet = _off_sheet(visit, home, visit.query)
    first = {"on": visit.query("on"), "to": visit.query("on"), "name": visit.query("name")}
    return _page(visit, home, sheet, Typed(first))


def take_off(visit: Visit) -> Response:
    """Put the change on record, or show the form again with everything that was typed."""
    home = _home(visit, visit.typed("dialogue"))
    sheet = _off_sheet(visit, home, visit.typed)
    typed, change = _read(visit, sheet), sheet.change
    on = typed.day("on") or _meant(visit.typed("on"))
    if typed.errors or on is None:
        return _page(visit, home, sheet, typed)
    given = DayOverride(
        day=on,
        change=change,
        to=typed.day("to") if change == "move" else None,
        name=typed.text("name") or sheet.fixed.get("name", ""),
        by=visit.member.key,
        reason=typed.text("reason"),
    )
    try:
        done = calendar.change_day(visit.services, home.code, given, visit.now)
    except BadValue as error:
        if _stands(visit, home, given):
            return _back(visit, home, given.to or given.day)
        return _refused(visit, home, sheet, typed, error)
    return _back(visit, home, done.given.to or done.given.day)


def ask_undo(visit: Visit) -> Response:
    """Whether a change shall hold no longer."""
    home, one = _changed(visit)
    if one.removed_at is not None:
        _refuse_gone(visit)
    return _page(visit, home, _undo_sheet(visit, one), Typed({}))


def undo(visit: Visit) -> Response:
    """Take it back, with the reason; it stays on record."""
    home, one = _changed(visit)
    sheet = _undo_sheet(visit, one)
    typed = _read(visit, sheet)
    if typed.errors:
        return _page(visit, home, sheet, typed)
    by, reason = visit.member.key, typed.text("reason")
    try:
        calendar.undo_change(visit.services, one.id, by, reason, visit.now)
    except UnknownThing:
        if (one.removed_by, one.removed_for) != (by, reason):
            _refuse_gone(visit)
    return _back(visit, home, one.given.to or one.given.day)


def ask_quiet(visit: Visit) -> Response:
    """An empty form for a sensitive day."""
    home = _home(visit, visit.query("dialogue"))
    first = {"from_on": visit.query("on"), "what": Quiet.ALL.value}
    return _page(visit, home, _quiet_sheet(visit), Typed(first))


def take_quiet(visit: Visit) -> Response:
    """Keep the dialogue quiet on these days."""
    home, sheet = _home(visit, visit.typed("dialogue")), _quiet_sheet(visit)
    typed = _read(visit, sheet)
    first = typed.day("from_on")
    if typed.errors or first is None:
        return _page(visit, home, sheet, typed)
    try:
        given = SensitiveDay(
            name=typed.text("name"),
            from_on=first,
            until_on=typed.day("until_on") or first,
            by=visit.member.key,
            reason=typed.text("reason"),
            yearly=bool(typed.text("yearly")),
            what=Quiet(typed.text("what")),
        )
        if not _quiet_already(visit, home, given):
            quiet.keep(visit.services, home.code, given)
    except BadValue as error:
        return _refused(visit, home, sheet, typed, error)
    return _back(visit, home, first)


def ask_end(visit: Visit) -> Response:
    """Whether a sensitive day shall be none any more."""
    home, kept = _kept(visit)
    if kept.removed_at is not None:
        _refuse_gone(visit)
    return _page(visit, home, _end_sheet(visit, kept), Typed({}))


def end(visit: Visit) -> Response:
    """Take it out, with the reason; what waited may leave."""
    home, kept = _kept(visit)
    sheet = _end_sheet(visit, kept)
    typed = _read(visit, sheet)
    if typed.errors:
        return _page(visit, home, sheet, typed)
    by, reason = visit.member.key, typed.text("reason")
    try:
        quiet.end(visit.services, kept.id, by, reason, visit.now)
    except UnknownThing:
        if (kept.removed_by, kept.removed_for) != (by, reason):
            _refuse_gone(visit)
    return _back(visit, home, kept.day.from_on)


def _off_sheet(visit: Visit, home: Any, asked: Callable[[str], str]) -> Sheet:  # noqa: ANN401
    """The form for what the address, or the form before it, asks for."""
    _, change, day = visit.gettext, asked("change"), _meant(plain_digits(asked("on")))
    why = Field(name="reason", label=_("Why, and who announced or decided it?"), sort="area")
    if change in {"move", "remove"} and day is not None:
        # What is meant may be said by the address; what it is called stands in the calendar.
        there = _feasts(visit, home, day)
        called = [one.name for one in there if change == "move" and one.is_called(asked("name"))]
        name = "; ".join(called or [one.name for one in there])
        fixed = {"change": change, "on": day.isoformat(), "name": "".join(called[:1])}
        told = {"name": name or _("The holiday"), "day": a_day(visit.language, day)}
        if change == "move":
            to = Field(name="to", label=_("On which day is it kept?"), sort="day")
            return Sheet(
                action="/days/off", head=_("When is the feast?"), fields=(to, why), fixed=fixed,
                why=_("%(name)s is listed for %(day)s. Leave that day to confirm it.") % told,
                button=_("Put it on record"), change="move",
            )  # fmt: skip
        return Sheet(
            action="/days/off", head=_("People work on this holiday"), fields=(why,), fixed=fixed,
            why=_("%(name)s, %(day)s, becomes a working day in this dialogue.") % told,
            button=_("Put it on record"), change="remove",
        )  # fmt: skip
    return Sheet(
        action="/days/off", head=_("One more day off"), fixed={"change": "add"},
        why=_("Nobody works on it: no message leaves, and it does not count as a working day."),
        fields=(
            Field(name="on", label=_("Which day?"), sort="day"),
            Field(name="name", label=_("What day is it?")), why,
        ),
        button=_("Put it on record"),
    )  # fmt: skip


def _undo_sheet(visit: Visit, one: Any) -> Sheet:  # noqa: ANN401 - a change on record
    _ = visit.gettext
    told = {"name": one.given.name, "day": a_day(visit.language, one.given.day)}
    return Sheet(
        action=f"/days/off/{one.id}", head=_("Take the change back"),
        why=_("%(name)s, %(day)s: the list of the country holds again.") % told,
        fields=(Field(name="reason", label=_("Why?"), sort="area"),),
        button=_("Take it back"),
    )  # fmt: skip


def _quiet_sheet(visit: Visit) -> Sheet:
    _ = visit.gettext
    return Sheet(
        action="/days/quiet", head=_("Keep the dialogue quiet"),
        why=_("People work on it, but a message from us would do harm: an election, a trial, a "
              "day of mourning. What is still true is said afterwards."),
        fields=(
            Field(name="name", label=_("What day is it?")),
            Field(name="from_on", label=_("First day"), sort="day"),
            Field(name="until_on", label=_("Last day, if there are several"), sort="day",
                  needed=False),
            Field(name="yearly", label=_("It comes again each year"), sort="tick", needed=False),
            Field(name="what", label=_("What waits?"), sort="choice", options=(
                (Quiet.ALL.value, _("every message about this dialogue")),
                (Quiet.ESCALATIONS.value, _("only what goes up to superiors and managers")),
            )),
            Field(name="reason", label=_("Why?"), sort="area"),
        ),
        button=_("Keep it quiet"),
    )  # fmt: skip


def _end_sheet(visit: Visit, kept: Any) -> Sheet:  # noqa: ANN401 - a sensitive day on record
    _ = visit.gettext
    told = {"name": kept.day.name, "day": a_day(visit.language, kept.day.from_on)}
    return Sheet(
        action=f"/days/quiet/{kept.id}", head=_("No longer a quiet day"),
        why=_("%(name)s, %(day)s: what waits may leave at its next hour.") % told,
        fields=(Field(name="reason", label=_("Why?"), sort="area"),),
        button=_("Take it out"),
    )  # fmt: skip


def _read(visit: Visit, sheet: Sheet) -> Typed:
    typed = read_fields(sheet.fields, visit.sent, visit.gettext)
    errors = dict(typed.errors)
    for name, longest in (("reason", LONGEST_REASON), ("name", LONGEST_NAME)):
        if name not in errors and len(typed.text(name)) > longest:
            said = visit.gettext("This is too long: please keep it under %(count)s characters.")
            errors[name] = said % {"count": longest}
    for name, day in typed.days.items():
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            errors[name] = visit.gettext("This year cannot be meant.")
    first, last = typed.day("from_on"), typed.day("until_on")
    if first and last and last < first:
        errors["until_on"] = visit.gettext("This is before the first day.")
    return Typed(typed.texts, typed.days, errors)


def _refused(visit: Visit, home: Any, sheet: Sheet, typed: Typed, error: BadValue) -> Response:  # noqa: ANN401
    """What the rules refuse, at the field that it is about, else above them all."""
    names = {one.name for one in sheet.fields}
    named = {"day": "on", "to": "until_on" if "until_on" in names else "to"}
    at = named.get(error.field, error.field)
    errors = {at if at in names else "": refusal_words(visit.language, error)}
    return _page(visit, home, sheet, Typed(typed.texts, typed.days, errors))


def _page(visit: Visit, home: Any, sheet: Sheet, typed: Typed) -> Response:  # noqa: ANN401
    fields = [one for one in sheet.fields if one.sort != "tick"]
    return visit.page(
        "face_calendar_form.html", UNFIT if typed.errors else OK,
        home=home, sheet=sheet, fields=fields, typed=typed.texts, errors=typed.errors,
        ticks=[one for one in sheet.fields if one.sort == "tick"],
        back=calendar_address(home.code, _month_of(typed, sheet, visit)),
    )  # fmt: skip


def _month_of(typed: Typed, sheet: Sheet, visit: Visit) -> date:
    """The month to go back to: that of the day which the form is about."""
    texts = (sheet.fixed.get("on", ""), typed.text("on"), typed.text("from_on"))
    days = (_meant(text) for text in texts)
    return next((day for day in days if day is not None), visit.now.date())


def _meant(text: str) -> date | None:
    """The day of that text, if it is one of a year that can be meant."""
    day = read_day(text)
    return day if day and FIRST_YEAR <= day.year <= LAST_YEAR else None


def _back(visit: Visit, home: Any, day: date) -> Response:  # noqa: ANN401 - a row of the store
    return visit.to("/calendar", dialogue=home.code, month=f"{day:%Y-%m}", done="1")


def _home(visit: Visit, name: str) -> Any:  # noqa: ANN401 - a row of the store
    """The dialogue that the form is about."""
    homes = homes_for(visit, Deed.CHANGE_CALENDAR)
    chosen = chosen_of(visit, homes, name)
    if chosen is None:
        visit.refuse(NOT_FOUND)
    return chosen


def _of(visit: Visit, dialogue_id: int) -> Any:  # noqa: ANN401 - a row of the store
    homes = homes_for(visit, Deed.CHANGE_CALENDAR)
    found = next((row for row in homes if row.id == dialogue_id), None)
    if found is None:
        visit.refuse(NOT_FOUND)
    return found


def _feasts(visit: Visit, home: Any, day: date) -> tuple[Feast, ...]:  # noqa: ANN401 - as above
    """The holidays that the dialogue's calendar knows on that day."""
    with visit.services.database.read() as connection:
        directory = visit.services.directory(connection)
        directory.ensure_dialogues({home.id})
        return directory.calendars[home.id].feasts(day)


def _stands(visit: Visit, home: Any, given: DayOverride) -> bool:  # noqa: ANN401 - as above
    """Whether the same person put just that on record before: the form was sent twice."""
    with visit.services.database.read() as connection:
        known = changed_days(connection, [home.id])
    return any(
        one.removed_at is None
        and replace(one.given, name="") == replace(given, name="")
        and (given.change != "add" or one.given.name == given.name)
        for one in known
    )


def _quiet_already(visit: Visit, home: Any, given: SensitiveDay) -> bool:  # noqa: ANN401 - as above
    with visit.services.database.read() as connection:
        return any(kept.day == given for kept in sensitive_of(connection, [home.id]))


def _refuse_gone(visit: Visit) -> NoReturn:
    visit.refuse(CONFLICT, visit.gettext("It was taken back already; nothing was written."))


def _number(visit: Visit) -> int:
    text = visit.path("number")
    if not text.isdecimal() or len(text) > _LONGEST_NUMBER:
        visit.refuse(NOT_FOUND)
    return int(text)


def _changed(visit: Visit) -> tuple[Any, Any]:
    number = _number(visit)
    with visit.services.database.read() as connection:
        known = changed_days(connection)
    one = next((c for c in known if c.id == number), None)
    if one is None:
        visit.refuse(NOT_FOUND)
    return _of(visit, one.dialogue_id), one


def _kept(visit: Visit) -> tuple[Any, Any]:
    number = _number(visit)
    with visit.services.database.read() as connection:
        known = sensitive_of(connection, ended=True)
    kept = next((one for one in known if one.id == number), None)
    if kept is None:
        visit.refuse(NOT_FOUND)
    return _of(visit, kept.dialogue_id), kept
