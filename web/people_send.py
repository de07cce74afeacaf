"""A deed about a person asked for and done; what cannot be done keeps what was typed."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from fastapi import Response

from engine.errors import EngineError
from engine.store.people_lists import Known
from web.face import CONFLICT, OK, UNFIT, Visit
from web.forms import read_fields
from web.people_forms import STAND_IN, PersonForm, channel_words, more_errors, writes_contact
from web.refusals import refusal_words
from web.shared_contact import already_of, with_tick


def ask(visit: Visit, known: Known, form: PersonForm) -> Response:
    """The form of one deed, as it is before anybody typed."""
    return _page(visit, known, form, {f.name: f.first for f in form.fields}, {})


def send(visit: Visit, known: Known, form: PersonForm) -> Response:
    """Do it; if somebody else changed this person meanwhile, show what stands there now."""
    typed, errors = more_errors(
        form, read_fields(form.fields, visit.sent, visit.gettext), visit.gettext
    )
    if visit.typed("seen") != seen_of(known):
        return _page(visit, known, form, typed.texts, errors, status=CONFLICT)
    if errors:
        return _page(visit, known, form, visit.sent.fields, errors, status=UNFIT)
    if writes_contact(form, typed):
        beside = form.name == STAND_IN
        if said := already_of(visit, typed, known.person.id, beside=beside):
            asked = replace(form, fields=with_tick(visit, form.fields))
            return _page(visit, known, asked, visit.sent.fields, said, status=UNFIT)
    try:
        form.run(visit, known, typed)
    except EngineError as error:
        said = {"": refusal_words(visit.language, error)}
        return _page(visit, known, form, typed.texts, said, status=UNFIT)
    return visit.to(f"/people/{known.person.id}", done=form.name)


def seen_of(known: Known) -> str:
    """A mark of what stands there: a form made for something else is not carried out."""
    text = repr((known.person, known.erased_at, known.roles))
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _page(
    visit: Visit,
    known: Known,
    form: PersonForm,
    typed: Mapping[str, str],
    errors: Mapping[str, str],
    *,
    status: int = OK,
) -> Response:
    return visit.page(
        "face_person_deed.html", status,
        known=known, form=form, typed=typed, errors=errors, seen=seen_of(known),
        faster=status == CONFLICT, channels=channel_words(visit.gettext),
    )  # fmt: skip
