"""A plan taken in by the browser: sent, looked at change by change, and only then recorded."""

from typing import Final

from fastapi import Response

from engine.errors import BadValue
from engine.permission import Deed
from web.answer_fields import read_day
from web.face import FORBIDDEN, NOT_FOUND, OK, UNFIT, Entrance, Visit
from web.face_words import NOTHING, a_short_day, word
from web.forms import LONGEST
from web.history_words import ISO_DAY
from web.refusals import sentence
from workflows.upload import ENDINGS, LARGEST, Looked, find, keep, look, tidy

SHOWN: Final = 200
"""So many changes, and so many errors, stand on the page; the counts are of all of them."""

WORDED: Final = frozenset({"state", "kind", "handling"})


def add_imports(entrance: Entrance) -> None:
    entrance.get("/import", Deed.IMPORT, ask)
    entrance.post("/import", Deed.IMPORT, send)
    entrance.post("/import/confirm", Deed.IMPORT, confirm, carries=("name",))


def ask(visit: Visit) -> Response:
    """Where a plan is chosen; after one was taken in, what that did."""
    counts = {name: visit.query(name) for name in ("created", "updated", "unchanged")}
    done = counts if all(text.isdecimal() for text in counts.values()) else None
    return _form(visit, done=done)


def send(visit: Visit) -> Response:
    """Put the file by, and show what it would do; nothing is written."""
    tidy(visit.services)
    upload = visit.sent.upload
    if upload is None:
        return _form(visit, wrong=visit.gettext("Choose a file first."))
    try:
        kept = keep(
            visit.services, _session_id(visit), upload.name, upload.data, whole=upload.whole
        )
    except BadValue as error:
        return _form(visit, wrong=sentence(visit.language, error.reason))
    return _look(visit, kept, upload.name)


def confirm(visit: Visit) -> Response:
    """Record what was looked at; if it does not fit any more, say why and write nothing."""
    kept, name = visit.typed("kept"), visit.typed("name")
    path = find(visit.services, _session_id(visit), kept)
    if path is None:
        said = visit.gettext("This file is not here any more; choose it once more.")
        return _form(visit, wrong=said)
    done = look(
        visit.services, path, visit.member.key, visit.member.dialogues(Deed.IMPORT), visit.now,
        recording=True,
    )  # fmt: skip
    path.unlink(missing_ok=True)
    if done.taken.errors:
        return _shown(visit, done, "", name)
    counts = done.taken
    return visit.to(
        "/import",
        created=str(counts.created), updated=str(counts.updated), unchanged=str(counts.unchanged),
    )  # fmt: skip


def _session_id(visit: Visit) -> int:
    if visit.session is None:
        visit.refuse(FORBIDDEN)
    return visit.session.id


def _look(visit: Visit, kept: str, name: str) -> Response:
    path = find(visit.services, _session_id(visit), kept)
    if path is None:
        visit.refuse(NOT_FOUND)
    found = look(
        visit.services, path, visit.member.key, visit.member.dialogues(Deed.IMPORT), visit.now
    )
    if found.taken.errors:
        path.unlink(missing_ok=True)
    return _shown(visit, found, kept, name)


def _shown(visit: Visit, found: Looked, kept: str, name: str) -> Response:
    lines = found.foresight.lines
    return visit.page(
        "face_import_look.html", UNFIT if found.taken.errors else OK,
        taken=found.taken, kept=kept,
        errors=[
            (one, sentence(visit.language, one.reason)) for one in found.taken.errors[:SHOWN]
        ],
        name=name[: LONGEST["line"]], new=[line for line in lines if line.new][:SHOWN],
        changed=[(line, _said(visit, line.said)) for line in lines if not line.new][:SHOWN],
        foresight=found.foresight, cut=found.foresight.cut or len(lines) > SHOWN,
    )  # fmt: skip


def _said(visit: Visit, said: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    names = _labels(visit)
    return [
        (names.get(name, name.replace("_", " ")), _text(visit, name, was), _text(visit, name, now))
        for name, was, now in said
    ]


def _text(visit: Visit, name: str, text: str) -> str:
    if not text:
        return NOTHING
    if name in WORDED:
        return word(visit.language, text)
    found = read_day(text) if ISO_DAY.fullmatch(text) else None
    return a_short_day(visit.language, found) if found else text


def _labels(visit: Visit) -> dict[str, str]:
    _ = visit.gettext
    return {
        "title": _("What is to be done"),
        "responsible_id": _("Who does it"),
        "verifier_id": _("Who confirms it"),
        "handling": _("Who may read it"),
        "evidence": _("What will show it"),
        "notes": _("Notes"),
        "repeat": _("How often"),
        "due_on": _("By which day"),
        "agreed_on": _("Agreed on"),
        "review_on": _("Looked at again on"),
        "co_responsible": _("Together with"),
        "depends_on": _("Waits for"),
    }


def _form(visit: Visit, *, wrong: str = "", done: dict[str, str] | None = None) -> Response:
    whole = visit.member.dialogues(Deed.IMPORT) is None
    endings = ENDINGS if whole else tuple(end for end in ENDINGS if not end.startswith(".y"))
    return visit.page(
        "face_import.html", UNFIT if wrong else OK,
        wrong=wrong, done={name: int(text[:9]) for name, text in done.items()} if done else None,
        endings=endings, most=LARGEST // 2**20,
    )  # fmt: skip
