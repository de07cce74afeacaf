"""A file handed in beside an action by somebody who takes part in it; it is kept, never opened."""

from pathlib import Path
from typing import Final

from fastapi import Response

from engine.bearing import Bearing
from engine.errors import EngineError
from engine.permission import Deed
from engine.store.evidence import Evidence
from web.action_page import About, about_action
from web.face import OK, UNFIT, Entrance, Visit
from web.forms import Field, Typed, read_fields
from web.refusals import refusal_words
from workflows.evidence import LARGEST
from workflows.handing_in import Handed, hand_in_bytes
from workflows.record import Asked

MB: Final = 2**20
NAMELESS: Final = "file"


def add_evidence(entrance: Entrance) -> None:
    entrance.get("/actions/{ref}/hand-in", Deed.REPORT, ask)
    entrance.post("/actions/{ref}/hand-in", Deed.REPORT, take)


def ask(visit: Visit) -> Response:
    """What kind of file, how it bears on what was reported, and what it shows."""
    at = _at(visit)
    return _page(visit, at, Typed({"bearing": visit.query("bearing")}))


def take(visit: Visit) -> Response:
    """Keep the file; a refusal keeps the words, but a file has to be chosen again."""
    at = _at(visit)
    _ = visit.gettext
    typed = read_fields(_fields(visit), visit.sent, _)
    errors, upload = dict(typed.errors), visit.sent.upload
    if upload is None:
        errors["file"] = _("Choose a file.")
    elif not upload.whole or len(upload.data) > LARGEST:
        errors["file"] = _too_large(visit)
    if errors or upload is None:
        return _page(visit, at, Typed(typed.texts, typed.days, errors), status=UNFIT)
    handed = Handed(
        path=Path(upload.name.replace("\\", "/").rpartition("/")[2] or NAMELESS),
        bearing=Bearing(typed.text("bearing")),
        note=typed.text("note"),
    )
    asked = Asked(ref=at.action.ref, by=visit.member.key)
    try:
        _after, kept = hand_in_bytes(visit.services, asked, handed, upload.data, visit.now)
    except EngineError as error:
        errors["file"] = refusal_words(visit.language, error)
        return _page(visit, at, Typed(typed.texts, typed.days, errors), status=UNFIT)
    if _left_out(handed, kept):
        errors["file"] = _(
            "This file is here already, as it was handed in first; what you wrote is not on record."
        )
        return _page(visit, at, Typed(typed.texts, typed.days, errors), status=UNFIT)
    return visit.to(f"/actions/{at.action.ref}", done="hand-in")


def _left_out(handed: Handed, kept: Evidence) -> bool:
    """Whether a file that was there before stayed as it was, so that something typed is lost."""
    said = handed.bearing is not Bearing.UNSAID and kept.bearing is not handed.bearing
    return said or bool(handed.note and kept.note != handed.note)


def _at(visit: Visit) -> About:
    with visit.services.database.read() as connection:
        return about_action(visit, connection, Deed.REPORT)


def _too_large(visit: Visit) -> str:
    return visit.gettext("Keep it under %(size)s MB.") % {"size": LARGEST // MB}


def _fields(visit: Visit) -> tuple[Field, ...]:
    _ = visit.gettext
    return (
        Field(
            name="bearing", label=_("What does it show?"), sort="choice",
            options=(
                (Bearing.SUPPORTS, _("that it is so")),
                (Bearing.CONTRADICTS, _("that it is not so")),
                (Bearing.UNSAID, _("I would rather not say")),
            ),
        ),
        Field(name="note", label=_("What is to be seen on it?"), needed=False),
    )  # fmt: skip


def _page(visit: Visit, at: About, typed: Typed, *, status: int = OK) -> Response:
    told = visit.member.may(Deed.READ_TITLE, at.action, at.partners)
    return visit.page(
        "face_hand_in.html", status,
        at=at, title=at.action.title if told else None, fields=_fields(visit),
        typed=typed.texts, errors=typed.errors, size=LARGEST // MB,
    )  # fmt: skip
