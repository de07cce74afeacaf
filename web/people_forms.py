"""What can be done about a person, each with exactly the fields that it needs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from config.plan_cells import read_email, read_phone
from config.plan_columns import LONGEST_FUNCTION
from engine.digest import DigestKind
from engine.party import Channel, Role
from engine.store.database import Connection
from engine.store.digests import dialogues_read, subscription
from engine.store.people_lists import Known, at_party
from notifications.digest import MONTHLY, NEVER, WEEKLY
from web.answer_fields import Said
from web.answer_form import plain_digits
from web.face import NAMES, Visit
from web.forms import Field, Typed
from workflows import persons, reaching
from workflows.digest_round import SENT, subscribed
from workflows.record import correct

SOMEBODY_NEW: Final = "new"
STAND_IN: Final = "alternate"
EVERY: Final = (WEEKLY, MONTHLY, NEVER)

Run = Callable[[Visit, Known, Typed], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonForm:
    """
    A deed as a form; `why` says in one sentence what it does.

    `gone` and `stays`: what is lost by it and what is not, for a deed that cannot be undone.
    """

    name: str
    label: str
    why: str
    run: Run
    fields: tuple[Field, ...] = ()
    weight: str = "plain"
    gone: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()


def forms_for(visit: Visit, connection: Connection, known: Known) -> list[PersonForm]:
    """The forms about a person, the most usual first; of somebody erased only a new holder."""
    holder = _holder(visit)
    if known.erased_at is not None:
        return [holder]
    found = [_contact(visit), _absence(visit)]
    if known.person.absent_until_on and known.person.is_absent(visit.now.date()):
        found.append(_back(visit))
    found += [holder, _reach(visit, known)]
    if known.person.party_id is not None:
        found.append(_stand_in(visit, connection, known))
    found += _digests(visit, connection, known)
    return [*found, _erase(visit)]


def _contact(visit: Visit) -> PersonForm:
    _ = visit.gettext
    return PersonForm(
        name="contact", label=_("Correct the contact"), weight="main",
        why=_("How this person is reached. Leave empty what stays."),
        fields=(
            Field(name="email", label=_("E-mail address"), needed=False),
            Field(name="phone", label=_("Telephone number"), needed=False,
                  hint=_("with its country code, like +226 70 00 00 00")),
        ),
        run=lambda visit, known, typed: correct(
            visit.services, known.person.key, typed.text("email"), typed.text("phone"), visit.now
        ),
    )  # fmt: skip


def _absence(visit: Visit) -> PersonForm:
    _ = visit.gettext
    return PersonForm(
        name="absence", label=_("Away for a while"),
        why=_("Until and on that day the one who stands in is written to."),
        fields=(Field(name="until_on", label=_("Last day away"), sort="day"),),
        run=lambda visit, known, typed: persons.be_absent(
            visit.services, known.person.key, typed.day("until_on"),
            by=visit.member.key, now=visit.now,
        ),
    )  # fmt: skip


def _back(visit: Visit) -> PersonForm:
    _ = visit.gettext
    return PersonForm(
        name="back", label=_("Is back"), why=_("From now on this person is written to again."),
        run=lambda visit, known, _typed: persons.be_absent(
            visit.services, known.person.key, None, by=visit.member.key, now=visit.now
        ),
    )  # fmt: skip


def _holder(visit: Visit) -> PersonForm:
    _ = visit.gettext

    def run(visit: Visit, known: Known, typed: Typed) -> object:
        holder = persons.Holder(
            email=typed.text("email"), phone=typed.text("phone"),
            name=typed.text("name"), language=typed.text("language"),
        )  # fmt: skip
        return persons.hand_over(
            visit.services, known.person.key, holder, by=visit.member.key, now=visit.now
        )

    return PersonForm(
        name="holder", label=_("Somebody else holds the post"), run=run,
        why=_("All promises of the post stay, and the new holder is told of each. Nothing is kept "
              "of the former contact, and its links and sign-ins end."),
        fields=(
            Field(name="email", label=_("E-mail address"), needed=False),
            Field(name="phone", label=_("Telephone number"), needed=False,
                  hint=_("with its country code, like +226 70 00 00 00")),
            Field(name="name", label=_("Name, only if they wish it"), needed=False),
            _language(_, needed=False),
        ),
    )  # fmt: skip


def _reach(visit: Visit, known: Known) -> PersonForm:
    _ = visit.gettext
    names = channel_words(_)
    return PersonForm(
        name="reach", label=_("Language and channel"),
        why=_("In which language and how this person is told."),
        fields=(
            _language(_, first=known.person.language),
            Field(name="channel", label=_("How are they told?"), sort="choice",
                  options=tuple((channel.value, names[channel]) for channel in Channel),
                  first=known.person.channel),
        ),
        run=lambda visit, known, typed: reaching.set_reach(
            visit.services, known.person.key, typed.text("language"),
            Channel(typed.text("channel")), by=visit.member.key, now=visit.now,
        ),
    )  # fmt: skip


def _stand_in(visit: Visit, connection: Connection, known: Known) -> PersonForm:
    _ = visit.gettext
    others = [
        one for one in at_party(connection, known.person.party_id or 0)
        if one.person.id != known.person.id and not one.has(Role.ALTERNATE)
    ]  # fmt: skip

    def run(visit: Visit, known: Known, typed: Typed) -> object:
        chosen = typed.text("who")
        given = reaching.StandIn(
            key="" if chosen == SOMEBODY_NEW else chosen,
            function=typed.text("function"), email=typed.text("email"),
            phone=typed.text("phone"), language=typed.text("language"),
        )  # fmt: skip
        return reaching.stand_in(
            visit.services, known.person.key, given, by=visit.member.key, now=visit.now
        )

    return PersonForm(
        name=STAND_IN, label=_("Name who stands in"), run=run,
        why=_("Is written to with the second reminder, and instead while this person is away."),
        fields=(
            Field(name="who", label=_("Who stands in?"), sort="choice", first=SOMEBODY_NEW,
                  options=(*((one.person.key, one.person.function) for one in others),
                           (SOMEBODY_NEW, _("a function that is not here yet")))),
            Field(name="function", label=_("The new function"), needed=False,
                  hint=_("such as: Deputy chief of post")),
            Field(name="email", label=_("E-mail address"), needed=False),
            Field(name="phone", label=_("Telephone number"), needed=False,
                  hint=_("with its country code, like +226 70 00 00 00")),
            _language(_, needed=False),
        ),
    )  # fmt: skip


def _digests(visit: Visit, connection: Connection, known: Known) -> list[PersonForm]:
    """How often each digest comes that this person gets."""
    _, part = visit.gettext, visit.services.settings.digests
    usual = {DigestKind.MANAGER: part.manager, DigestKind.COORDINATOR: part.coordinator}
    often = {WEEKLY: _("every week"), MONTHLY: _("every month"), NEVER: _("never")}
    labels = {
        DigestKind.MANAGER: _("How often the manager's digest comes"),
        DigestKind.COORDINATOR: _("How often the coordinator's digest comes"),
    }

    def runs(kind: DigestKind) -> Run:
        def run(visit: Visit, known: Known, typed: Typed) -> object:
            with visit.services.database.read() as reading:
                workbook = subscription(reading, known.person.id, kind).workbook
            every = typed.text("every")
            return subscribed(visit.services, known.person.key, kind, every, workbook=workbook)

        return run

    found = []
    for kind in SENT:
        if kind in labels and dialogues_read(connection, known.person.id, kind) is not None:
            own = subscription(connection, known.person.id, kind).every or usual[kind]
            every = Field(
                name="every", label=_("How often"), sort="choice", first=own,
                options=tuple((one, often[one]) for one in EVERY),
            )  # fmt: skip
            found.append(
                PersonForm(
                    name=f"digest-{kind}", label=labels[kind], weight="rare", run=runs(kind),
                    fields=(every,),
                    why=_("They can choose it themselves too, under “Digests”."),
                )
            )  # fmt: skip
    return found


def _erase(visit: Visit) -> PersonForm:
    _ = visit.gettext
    return PersonForm(
        name="erase", label=_("Erase this person"), weight="rare",
        why=_("This cannot be undone. If they asked for a copy, take it first."),
        gone=(
            _("name, address and telephone number"),
            _("links and sign-ins"),
            _("the words of their answers, and the text of messages to them"),
        ),
        stays=(
            _("the post itself, with its promises"),
            _("what happened, and every count"),
            _("what others wrote; backups; mails in other mailboxes"),
        ),
        fields=(
            Field(name="reason", label=_("Who asked for it, or why?")),
            Field(name="sure", label=_("Yes, erase it for good"), sort="tick"),
        ),
        run=lambda visit, known, typed: persons.forget(
            visit.services, known.person.key,
            by=visit.member.key, reason=typed.text("reason"), now=visit.now,
        ),
    )  # fmt: skip


def _language(_: Said, *, needed: bool = True, first: str = "") -> Field:
    return Field(
        name="language", label=_("Language"), sort="choice", needed=needed, first=first,
        options=tuple(NAMES.items()),
    )  # fmt: skip


def writes_contact(form: PersonForm, typed: Typed) -> bool:
    """Whether an address or number that was typed becomes somebody's."""
    names = {field.name for field in form.fields}
    return "email" in names and ("who" not in names or typed.text("who") == SOMEBODY_NEW)


def read_contact(typed: Typed, _: Said) -> Typed:
    """An address and a number in the form in which they are kept; errors where they are none."""
    texts, errors = dict(typed.texts), dict(typed.errors)
    for name, read, said in (
        ("email", read_email, _("This is no e-mail address.")),
        ("phone", read_phone, _("Write the number with its country code, like +226 70 00 00 00.")),
    ):
        if texts.get(name) and name not in errors:
            try:
                texts[name] = read(plain_digits(texts[name]))
            except ValueError:
                errors[name] = said
    return Typed(texts, typed.days, errors)


def more_errors(form: PersonForm, typed: Typed, _: Said) -> tuple[Typed, dict[str, str]]:
    """Addresses and numbers in the form in which they are kept, and what else is missing."""
    typed = read_contact(typed, _)
    texts, errors = dict(typed.texts), dict(typed.errors)
    names = {field.name for field in form.fields}
    new = "who" not in names or texts.get("who") == SOMEBODY_NEW
    if "email" in names and new and not texts.get("email") and not texts.get("phone"):
        errors.setdefault("email", _("Give an address or a telephone number."))
    if "function" in names and new:
        if not texts.get("function"):
            errors.setdefault("function", _("Please write a few words here."))
        elif len(texts["function"]) > LONGEST_FUNCTION:
            errors["function"] = _("This is too long.")
    if len(texts.get("name", "")) > LONGEST_FUNCTION:
        errors["name"] = _("This is too long.")
    if "sure" in names and not texts.get("sure"):
        errors["sure"] = _("Say that you mean it.")
    return Typed(texts, typed.days, errors), errors


def channel_words(_: Said) -> Mapping[str, str]:
    """How somebody is told."""
    return {
        Channel.EMAIL: _("by mail"),
        Channel.SMS: _("by text"),
        Channel.CALL: _("by a telephone call"),
        Channel.PAGE: _("on these pages"),
    }


def trouble_words(_: Said) -> Mapping[str, str]:
    """Whom a coordinator has to look after."""
    return {
        "flagged": _("address does not work"),
        "unreachable": _("out of reach"),
        "call": _("telephone only"),
        "away": _("away"),
        "erased": _("erased"),
    }


def reach_words(_: Said, known: Known, *, texting: bool) -> str:
    """What is wrong with how somebody is reached; empty if a message can reach them."""
    person = known.person
    if known.erased_at is not None:
        return _("erased")
    if person.flagged:
        return _("address does not work")
    by_text = person.channel is Channel.SMS and person.phone and texting
    if by_text or person.email:
        return ""
    if person.phone:
        return _("telephone only")
    return "" if person.channel is Channel.PAGE else _("out of reach")


def done_words(_: Said) -> Mapping[str, str]:
    """What is said after a deed."""
    return {
        "contact": _("The contact is corrected."),
        "absence": _("The absence is on record."),
        "back": _("The absence has ended."),
        "holder": _("The post has a new holder, who is told of each promise."),
        "reach": _("Language and channel are kept."),
        "alternate": _("Somebody stands in now."),
        "digest-manager": _("Your wish is kept."),
        "digest-coordinator": _("Your wish is kept."),
        "erase": _("What said who this person is has been erased."),
    }
