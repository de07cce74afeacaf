"""The digests that somebody got, as they were, and how often they want them."""

import json
from email import message_from_bytes, policy
from typing import Any, Final

from fastapi import Response

from engine.digest import DigestKind
from engine.permission import Deed
from engine.store.digests import dialogues_read, letter_of, subscription
from engine.store.seen import digests_of
from notifications.digest import MONTHLY, NEVER, WEEKLY
from web.face import NOT_FOUND, Entrance, Visit
from workflows.digest_round import SENT, subscribed

PAGE: Final = 24
LARGEST_ID: Final = 18
EVERY: Final = (WEEKLY, MONTHLY, NEVER)


def add_digests(entrance: Entrance) -> None:
    entrance.get("/digests", Deed.SEE_FIGURES, archive)
    entrance.post("/digests", Deed.SEE_FIGURES, choose)
    entrance.get("/digests/{number}", Deed.SEE_FIGURES, letter)
    entrance.get("/digests/{number}/figures.json", Deed.SEE_FIGURES, figures)
    entrance.get("/digests/{number}/mail.eml", Deed.SEE_FIGURES, mail)


def archive(visit: Visit) -> Response:
    """One's own digests, the newest first."""
    who, services = visit.member.person_id, visit.services
    part = services.settings.digests
    usual = {DigestKind.MANAGER: part.manager, DigestKind.COORDINATOR: part.coordinator}
    with services.database.read() as connection:
        rows = digests_of(connection, who, _number(visit.query("before")), PAGE + 1)
        wanted = [
            (kind, own.every or usual[kind], own.workbook)
            for kind in SENT
            if dialogues_read(connection, who, kind) is not None
            for own in [subscription(connection, who, kind)]
        ]
    return visit.page(
        "face_digests.html",
        rows=rows[:PAGE], more=rows[PAGE - 1].id if len(rows) > PAGE else 0,
        wanted=wanted, every=EVERY, saved=bool(visit.query("saved")),
    )  # fmt: skip


def choose(visit: Visit) -> Response:
    """Have a digest weekly, monthly or never; only one's own."""
    kind = next((one for one in SENT if one == visit.typed("digest")), None)
    if kind is None:
        visit.refuse(NOT_FOUND)
    subscribed(
        visit.services, visit.member.key, kind, visit.typed("every"),
        workbook=bool(visit.typed("workbook")),
    )  # fmt: skip
    return visit.to("/digests", saved="yes")


def letter(visit: Visit) -> Response:
    row = _row(visit)
    said = ""
    if row.body:
        body = message_from_bytes(row.body, policy=policy.default).get_body(("plain",))
        said = body.get_content() if body else ""
    return visit.page("face_digest.html", row=row, said=said, figures=json.loads(row.figures))


def figures(visit: Visit) -> Response:
    """The figures as they were archived, byte for byte."""
    row = _row(visit)
    return _file(row.figures.encode(), "application/json", f"digest-{row.day}.json")


def mail(visit: Visit) -> Response:
    """The mail as it was sent, byte for byte."""
    row = _row(visit)
    if not row.body:
        visit.refuse(NOT_FOUND)
    return _file(row.body, "message/rfc822", f"digest-{row.day}.eml")


def _row(visit: Visit) -> Any:  # noqa: ANN401 - a row, whose type says nothing
    number = _number(visit.path("number"))
    with visit.services.database.read() as connection:
        row = letter_of(connection, visit.member.person_id, number) if number else None
    if row is None:
        visit.refuse(NOT_FOUND)
    return row


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= LARGEST_ID else 0


def _file(data: bytes, kind: str, name: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type=kind, headers=headers)
