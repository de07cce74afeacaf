"""Whether the history is whole, asked with the fingerprints that somebody kept."""

from typing import Final

from fastapi import Response

from engine.errors import BadValue
from engine.fingerprint import Fingerprint
from engine.permission import Deed
from engine.store.dashboard import last_event_id
from engine.store.seen import dialogues_of
from web.errands import Errands
from web.face import UNFIT, Entrance, Visit
from workflows.verify import Verified, verify

MOST: Final = 50
LONGEST: Final = 8_000
KEPT_S: Final = 600.0

LISTED: Final = 100
"""So many broken histories are listed; a restore gone wrong may break all of them."""


def add_verify(entrance: Entrance, errands: Errands) -> None:
    pages = _Pages(errands)
    entrance.get("/verify", Deed.VERIFY, pages.ask)
    entrance.post("/verify", Deed.VERIFY, pages.answer)


class _Pages:
    def __init__(self, errands: Errands) -> None:
        self._errands = errands

    def ask(self, visit: Visit) -> Response:
        """An empty form; with `for` in the address, what came of an answer that took long."""
        if visit.query("whole"):
            return self._look(visit, "", ())
        return _page(visit, "", None)

    def answer(self, visit: Visit) -> Response:
        text = visit.typed("fingerprints")[:LONGEST]
        lines = [line.strip() for line in text.splitlines() if line.strip()][:MOST]
        wrong = [(line, reason) for line in lines if (reason := _wrong(line))]
        if wrong:
            return _page(visit, text, None, wrong=wrong, status=UNFIT)
        return self._look(visit, text, tuple(lines))

    def _look(self, visit: Visit, text: str, lines: tuple[str, ...]) -> Response:
        services = visit.services
        with services.database.read() as connection:
            head = last_event_id(connection)
        errand = self._errands.ask(
            ("verify", lines, head),
            lambda: verify(services.database, lines),
            keep_s=KEPT_S,
            patience_s=20.0 if lines else 1.0,
        )
        if not errand.done.is_set():
            said = visit.gettext("The whole history is being read; one moment.")
            if lines:  # what was typed cannot be sent again by a page that refreshes itself
                return _page(visit, text, None, waiting=True)
            return visit.page("face_patience.html", said=said)
        return _page(visit, text, errand.result())


def _wrong(line: str) -> str:
    try:
        Fingerprint.read(line)
    except BadValue as error:
        return error.reason
    return ""


def _page(
    visit: Visit,
    text: str,
    found: Verified | None,
    *,
    wrong: list[tuple[str, str]] | None = None,
    waiting: bool = False,
    status: int = 200,
) -> Response:
    with visit.services.database.read() as connection:
        mine = {row.code.upper() for row in dialogues_of(connection, visit.member)}
    named = [each for each in found.broken if _may_name(visit, each.ref, mine)] if found else []
    everywhere = visit.member.dialogues(Deed.VERIFY) is None
    return visit.page(
        "face_verify.html", status,
        text=text, found=found, wrong=wrong or [], waiting=waiting,
        broken=named[:LISTED], unlisted=len(named[LISTED:]), everywhere=everywhere,
        elsewhere=len(found.broken) - len(named) if found else 0,
    )  # fmt: skip


def _may_name(visit: Visit, ref: str, mine: set[str]) -> bool:
    """A reference is named to whoever has to do with its dialogue; the rest is counted."""
    return visit.member.dialogues(Deed.VERIFY) is None or ref.partition("-")[0].upper() in mine
