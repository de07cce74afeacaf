"""Whether all sides are treated alike: the same counts and denominators, and early warnings."""

from typing import Final

from fastapi import Response

from engine.fairness import ENOUGH, ENOUGH_FINISHED, Fairness, fairness
from engine.permission import Deed
from engine.store.dashboard_lists import open_ones, refs_seen
from engine.store.listing import Wanted
from engine.store.seen import dialogues_of
from engine.store.tracks import tracks
from web.errands import Errands
from web.face import Entrance, Visit

KEPT_S: Final = 120.0


def add_fairness(entrance: Entrance, errands: Errands) -> None:
    pages = _Page(errands)
    entrance.get("/fairness", Deed.SEE_FIGURES, pages.show)


class _Page:
    def __init__(self, errands: Errands) -> None:
        self._errands = errands

    def show(self, visit: Visit) -> Response:
        mine = visit.member.dialogues(Deed.SEE_FIGURES)
        services, now = visit.services, visit.now
        with services.database.read() as connection:
            rows = dialogues_of(connection, visit.member)
        ids = {row.name: row.id for row in rows if mine is None or row.id in mine}
        dialogue = next((n for n in ids if n.casefold() == visit.query("dialogue").casefold()), "")
        within = frozenset({ids[dialogue]}) if dialogue else mine

        def reckon() -> Fairness:
            with services.database.read() as connection:
                directory = services.directory(connection)
                wanted = Wanted(where=open_ones(within))
                return fairness(tracks(directory, wanted, now, services.thresholds), now.date())

        errand = self._errands.ask(("fairness", within, now.date()), reckon, keep_s=KEPT_S)
        if not errand.done.is_set():
            said = visit.gettext("The sides are being compared; one moment.")
            return visit.page("face_patience.html", said=said)
        found: Fairness = errand.result()
        return visit.page(
            "face_fairness.html",
            found=found, names=tuple(ids), dialogue=dialogue, enough=ENOUGH,
            enough_finished=ENOUGH_FINISHED, listed=_listed(visit, found),
        )  # fmt: skip


def _listed(visit: Visit, found: Fairness) -> set[str]:
    """The references in it that this person may have."""
    refs = {ref for warning in found.warnings for ref in warning.refs}
    refs |= {ref for pace in found.paces for ref in pace.slower}
    with visit.services.database.read() as connection:
        return refs_seen(connection, visit.member, refs)
