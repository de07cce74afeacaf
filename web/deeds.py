"""What can be done with an action, each with exactly the fields that it needs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from config.wiring import Services
from engine.action import MET, OWED, Action, Level, Obstacle, State
from engine.errors import N_, BadValue
from engine.escalate import Wish
from engine.lifecycle import MOVES, Actor, Facts, Request, permitted
from engine.party import Role
from engine.permission import Deed
from engine.store.records import find_action
from web.answer_fields import METHODS, Said
from web.answer_form import one_line
from web.face import Visit
from web.face_words import method_words, word
from web.forms import Field, Typed
from workflows import record
from workflows.record import Asked

ON_THEIR_WORD: Final = frozenset({State.BLOCKED, State.REPORTED_DONE})
"""States into which a coordinator brings an action by recording what the party said."""

Run = Callable[[Visit, Asked, Typed], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """
    A deed as a form; `why` says in one sentence what it does.

    `contact_of`: the person whose address and number are typed, by number.
    """

    name: str
    label: str
    deed: Deed
    why: str
    run: Run
    fields: tuple[Field, ...] = ()
    weight: str = "plain"
    contact_of: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What the forms of an action depend on, besides the action itself."""

    action: Action
    actor: Actor
    facts: Facts
    language: str
    say: Said
    releasable: bool = False
    held: bool = False
    contact: str = ""
    contact_id: int = 0
    options: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)


def forms(at: Setting) -> list[Form]:
    """The forms that this person could send about this action now, the most usual first."""
    found = [*_moves(at), *_reports(at)]
    if Role.COORDINATOR in at.actor.roles:
        found += _coordination(at)
    return found


def _moves(at: Setting) -> list[Form]:
    """One for each state that the life cycle lets this person choose from here."""
    found, known = [], _fields(at)
    for to in permitted(at.action):
        row = next((m for m in MOVES if at.action.state in m.sources and m.to is to), None)
        who = row.who if row else frozenset({Role.COORDINATOR})
        needs = row.needs if row else ("reason", "decided_on")
        if who.isdisjoint(at.actor.roles) or (row and _same_hands(at, to, needs)):
            continue
        if to in ON_THEIR_WORD and not at.actor.roles & {Role.FOCAL_POINT, Role.ALTERNATE}:
            continue  # a coordinator records whose word it is
        fields = tuple(f for need in needs for f in known.get(need, ()))
        found.append(
            Form(
                name=f"move-{to}",
                label=_move_label(at, to),
                deed=Deed.MOVE,
                why=_move_why(at, to),
                fields=fields,
                run=_mover(to),
                weight=_weight(to),
            )
        )
    return found


def _weight(to: State) -> str:
    if to in {State.SUPERSEDED, State.WITHDRAWN, State.NOT_IMPLEMENTED}:
        return "rare"
    main = {State.AGREED, State.IN_PROGRESS, State.REPORTED_DONE, *MET}
    return "main" if to in main else "plain"


def _same_hands(at: Setting, to: State, needs: tuple[str, ...]) -> bool:
    """Whoever claims does not confirm; the rule itself says the rest when it is tried."""
    del to
    return "other_hands" in needs and at.actor.person_id == at.action.reported_by_id


def _mover(to: State) -> Run:
    def run(visit: Visit, asked: Asked, typed: Typed) -> object:
        obstacle, level = typed.text("obstacle"), typed.text("level")
        request = Request(
            to=to,
            reason=typed.text("reason"),
            note=typed.text("note"),
            review_on=typed.day("review_on"),
            obstacle=Obstacle(obstacle) if obstacle else None,
            blocker=typed.text("blocker"),
            method=typed.text("method"),
            seen=typed.text("seen"),
            level=Level(level) if level else None,
            decided_on=typed.day("decided_on"),
            successor_id=_successor(visit, asked, typed.text("successor")),
        )
        return record.ask_move(visit.services, asked, request, visit.now)

    return run


def _successor(visit: Visit, asked: Asked, ref: str) -> int | None:
    """The action that takes the place; one of another dialogue, or unseen, is none."""
    if not ref:
        return None
    with visit.services.database.read() as connection:
        mine, other = find_action(connection, asked.ref), find_action(connection, ref)
    if other.dialogue_id != mine.dialogue_id:
        raise BadValue("successor", ref, N_("is of another dialogue"))
    return other.id


def _reports(at: Setting) -> list[Form]:
    _, action = at.say, at.action
    speaks = at.actor.roles & {Role.FOCAL_POINT, Role.ALTERNATE, Role.COORDINATOR}
    if not speaks or action.state not in OWED | {State.IN_FORCE}:
        return []
    levels = tuple((level.value, word(at.language, level)) for level in Level)
    found = [
        Form(
            name="report", label=_("Report progress"), deed=Deed.REPORT, weight="main",
            why=_("How much of it is there. All of it is a claim that another party confirms."),
            fields=(
                Field(name="level", label=_("How much of it is there?"), sort="choice",
                      options=levels, first=action.reported_level),
                Field(name="note", label=_("What was done, in a few words"), sort="area"),
            ),
            run=lambda visit, asked, typed: record.ask_report(
                visit.services, asked, Level(typed.text("level")), typed.text("note"), visit.now
            ),
        )
    ]  # fmt: skip
    if action.state in OWED:
        found.append(
            Form(
                name="acknowledge", label=_("Take note"), deed=Deed.ACKNOWLEDGE, weight="rare",
                why=_("Says that you know of it; reminders to others wait a while."),
                fields=(Field(name="note", label=_("A note, if you like"), needed=False),),
                run=lambda visit, asked, typed: record.ask_acknowledge(
                    visit.services, asked, typed.text("note"), visit.now
                ),
            )
        )  # fmt: skip
    return found


def _coordination(at: Setting) -> list[Form]:
    _, action = at.say, at.action
    why = Field(name="reason", label=_("Why?"), sort="area")
    found: list[Form] = []
    if action.state in OWED | {State.PROPOSED}:
        found.append(
            Form(
                name="reschedule", label=_("Agree another date"), deed=Deed.RESCHEDULE,
                why=_("The first date and every earlier one stay on record."),
                fields=(
                    Field(name="due_on", label=_("The new date"), sort="day"),
                    Field(name="reason", label=_("Why, and who agreed?"), sort="area"),
                ),
                run=_reschedule,
            )
        )  # fmt: skip
    if action.state in OWED | {State.IN_FORCE, State.REPORTED_DONE, State.DISPUTED}:
        found.append(
            Form(
                name="call", label=_("Log a call"), deed=Deed.CALL,
                why=_("A call that reached somebody counts as a reminder."),
                fields=(
                    Field(name="reached", label=_("Did you reach somebody?"), sort="choice",
                          options=(("yes", _("yes")), ("no", _("no")))),
                    Field(name="note", label=_("What was said"), sort="area", needed=False),
                ),
                run=lambda visit, asked, typed: record.log_call(
                    visit.services, asked, typed.text("note"), typed.text("reached") == "yes",
                    visit.now,
                ),
            )
        )  # fmt: skip
    if at.releasable:
        found += [
            Form(
                name="release", label=_("Release"), deed=Deed.RELEASE, weight="main",
                why=_("What waits for you leaves at the reader's next hour."),
                run=lambda visit, asked, _typed: record.release(visit.services, asked, visit.now),
            ),
            Form(
                name="refuse", label=_("Refuse the release"), deed=Deed.RELEASE,
                why=_("It does not leave; the reason stays on record."), fields=(why,),
                run=lambda visit, asked, typed: record.release(
                    visit.services, asked, visit.now, refuse=typed.text("reason")
                ),
            ),
        ]  # fmt: skip
    if action.state in OWED:
        found.append(
            Form(
                name="escalate", label=_("Send it up now"), deed=Deed.ESCALATE, weight="rare",
                why=_("The next step of the ladder leaves before its day."),
                fields=(
                    why,
                    Field(name="despite", label=_("Why without fair warning, if there was none?"),
                          needed=False),
                ),
                run=lambda visit, asked, typed: record.escalate(
                    visit.services, asked,
                    Wish(reason=typed.text("reason"), despite=typed.text("despite")), visit.now,
                ),
            )
        )  # fmt: skip
    found.append(_hold_form(at, why))
    if at.contact:
        found.append(
            Form(
                name="contact", label=_("Correct the contact"), deed=Deed.RECORD, weight="rare",
                why=_("How the party's focal point is reached. Leave empty what stays."),
                fields=(
                    Field(name="email", label=_("E-mail address"), needed=False),
                    Field(name="phone", label=_("Telephone number"), needed=False),
                ),
                run=lambda visit, _asked, typed: record.correct(
                    visit.services, at.contact, typed.text("email"), typed.text("phone"), visit.now
                ),
                contact_of=at.contact_id,
            )
        )  # fmt: skip
    return found


def _reschedule(visit: Visit, asked: Asked, typed: Typed) -> object:
    due_on = typed.day("due_on")
    assert due_on is not None  # noqa: S101 - the field is needed
    return record.ask_reschedule(visit.services, asked, due_on, typed.text("reason"), visit.now)


def _hold_form(at: Setting, why: Field) -> Form:
    _, action = at.say, at.action
    if at.held:
        return Form(
            name="resume", label=_("End the hold"), deed=Deed.HOLD,
            why=_("Messages about it may leave again."),
            run=lambda visit, asked, _typed: record.resume(
                visit.services, (None, action.id), visit.now,
                by=asked.by, reason=one_line(visit.typed("reason"))[:300],
            ),
        )  # fmt: skip
    return Form(
        name="hold", label=_("Hold messages"), deed=Deed.HOLD,
        why=_("Nothing about it leaves: a funeral, an election, something that could hurt."),
        fields=(
            Field(name="until_on", label=_("Until and on which day? Empty: until you end it."),
                  sort="day", needed=False),
            why,
        ),
        run=lambda visit, asked, typed: _hold(visit.services, visit, asked, typed, action),
    )  # fmt: skip


def _hold(services: Services, visit: Visit, asked: Asked, typed: Typed, action: Action) -> None:
    with services.database.read() as connection:
        directory = services.directory(connection)
        directory.ensure([action])
        today = directory.today(action.dialogue_id, visit.now)
    record.hold(
        services, (None, action.id),
        from_on=today, until_on=typed.day("until_on"), by=asked.by, reason=typed.text("reason"),
        now=visit.now,
    )  # fmt: skip


def _move_label(at: Setting, to: State) -> str:
    _, state = at.say, at.action.state
    if state is State.DISPUTED and to is not State.NOT_IMPLEMENTED:
        return _("Decided: %(state)s") % {"state": word(at.language, to)}
    if (
        state in {State.VERIFIED, State.WITHDRAWN, State.NOT_IMPLEMENTED}
        and to is State.IN_PROGRESS
    ):
        return _("Open it again")
    return {
        State.AGREED: _("Agreed in the session"),
        State.IN_PROGRESS: {
            State.AGREED: _("Work has begun"),
            State.BLOCKED: _("Work goes on"),
            State.REPORTED_DONE: _("Not all of it is there yet"),
            State.IN_FORCE: _("Holds no longer"),
        }.get(state, _("Work goes on")),
        State.BLOCKED: _("Something is in the way"),
        State.REPORTED_DONE: _("It is done"),
        State.VERIFIED: _("Confirm it"),
        State.IN_FORCE: _("Confirm it"),
        State.DISPUTED: _("Somebody sees it differently"),
        State.SUPERSEDED: _("Another action takes its place"),
        State.WITHDRAWN: _("The committee withdraws it"),
        State.NOT_IMPLEMENTED: _("Close it without being carried out"),
    }.get(to, word(at.language, to))


def _move_why(at: Setting, to: State) -> str:
    _ = at.say
    return {
        State.DISPUTED: _("Reminders about it stop; the committee decides."),
        State.REPORTED_DONE: _("A claim; another party confirms it."),
        State.BLOCKED: _("Say what is in the way, who can lift it, and when to look again."),
        State.VERIFIED: _("Say how it was checked and what was seen."),
        State.IN_FORCE: _("Say how it was checked and what was seen."),
    }.get(to, "")


def _fields(at: Setting) -> dict[str, tuple[Field, ...]]:
    """The fields that answer each need of the life cycle; a need without any asks nothing here."""
    _, language = at.say, at.language
    levels = tuple((x.value, word(language, x)) for x in Level if x is not Level.COMPLETED)
    obstacles = tuple((x.value, word(language, x)) for x in Obstacle)
    ways = tuple((way, method_words(language)[way]) for way in METHODS)
    return {
        "reason": (Field(name="reason", label=_("Why?"), sort="area"),),
        "note": (Field(name="note", label=_("What was done, in a few words"), sort="area"),),
        "decided_on": (
            Field(name="decided_on", label=_("On which day was it decided?"), sort="day"),
        ),
        "level": (
            Field(name="level", label=_("How much of it is there?"), sort="choice", options=levels),
        ),
        "successor": (
            Field(name="successor", label=_("Reference of the action that takes its place")),
        ),
        "review_on": (Field(name="review_on", label=_("When to look at it again?"), sort="day"),),
        "obstacle": (
            Field(name="obstacle", label=_("What is in the way?"), sort="choice",
                  options=obstacles),
        ),
        "blocker": (
            Field(name="blocker", label=_("Who or what is it waiting for?"),
                  needed=not at.facts.unmet),
        ),
        "confirmation": (
            Field(name="method", label=_("How was it checked?"), sort="choice", options=ways),
            Field(name="seen", label=_("What was seen?"), sort="area"),
        ),
    }  # fmt: skip
