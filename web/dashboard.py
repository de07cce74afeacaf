"""Where things stand, for managers and coordinators: figures, pictures, and both as files."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from fastapi import Response

from engine.action import Kind
from engine.digest import Figures
from engine.party import Side
from engine.permission import Deed
from engine.store.checkpoints import snapshot
from engine.store.dashboard import figures_then
from engine.store.dashboard_lists import Part
from engine.store.seen import dialogues_of
from notifications.digest_manager import summary
from notifications.digest_terms import Speech
from notifications.workbook import Sheet, harmless, workbook
from web.answer_form import plain_digits
from web.dashboard_kept import Kept
from web.dashboard_view import MOST_DIALOGUES, Links, Table, View, rows_of, view_of
from web.errands import Errands
from web.face import Entrance, Visit

PAST_KEPT_S: Final = 3600.0
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
NOTHING: Final = {"dialogue": "", "side": "", "kind": "", "as_of": ""}
EARLIEST: Final = date(2000, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the address asks for: a part of the programme, today or a past day."""

    part: Part
    names: tuple[str, ...]
    kept: Mapping[str, str]
    day: date | None

    @property
    def all_kept(self) -> dict[str, str]:
        """The filters as they stand in the address."""
        return dict(self.kept) | ({"as_of": self.day.isoformat()} if self.day else {})


def add_dashboard(entrance: Entrance, errands: Errands) -> None:
    pages = _Pages(entrance, errands)
    entrance.get("/dashboard", Deed.SEE_FIGURES, pages.dashboard)
    entrance.get("/dashboard.csv", Deed.EXPORT, pages.as_csv)
    entrance.get("/dashboard.xlsx", Deed.EXPORT, pages.as_workbook)


class _Pages:
    def __init__(self, entrance: Entrance, errands: Errands) -> None:
        self._entrance, self._errands = entrance, errands
        self._kept: Kept | None = None

    def dashboard(self, visit: Visit) -> Response:
        asked = _asked(visit, Deed.SEE_FIGURES)
        found = self._figures(visit, asked)
        if found is None:
            said = visit.gettext("That day is read from the history; one moment.")
            return visit.page("face_patience.html", said=said)
        figures, unreachable = found
        speech = Speech(visit.language)
        return visit.page(
            "face_dashboard.html",
            figures=figures, view=_view(visit, asked, figures, unreachable),
            lead=summary(figures, speech), names=asked.names, asked=NOTHING | asked.all_kept,
            sides=list(Side), kinds=list(Kind), today=_today(visit), past=asked.day is not None,
            filtered=bool(asked.all_kept), as_of=_said_at(visit, figures.frame.as_of_at),
            exports=visit.member.may_somewhere(Deed.EXPORT),
        )  # fmt: skip

    def as_csv(self, visit: Visit) -> Response:
        """What is on the page, a line for each number; nothing that a spreadsheet would run."""
        figures, view = self._on_screen(visit)
        text, gettext = io.StringIO(), visit.gettext
        writer = csv.writer(text)
        writer.writerow([gettext("Table"), gettext("Line"), gettext("Column"), gettext("Number")])
        for table, line, head, number in rows_of(view.tables):
            writer.writerow([harmless(table), harmless(line), harmless(head), f"{number:g}"])
        # The mark by which a spreadsheet sees that this is no Latin-1.
        return _file(
            figures, "csv", "text/csv; charset=utf-8", b"\xef\xbb\xbf" + text.getvalue().encode()
        )

    def as_workbook(self, visit: Visit) -> Response:
        figures, view = self._on_screen(visit)
        sheets = [_sheet(table, at) for at, table in enumerate(view.tables, 1)]
        return _file(figures, "xlsx", XLSX, workbook(sheets, figures.frame.day.isoformat()))

    def _on_screen(self, visit: Visit) -> tuple[Figures, View]:
        asked = _asked(visit, Deed.EXPORT)
        found = self._figures(visit, asked, patience_s=60.0)
        if found is None:
            visit.refuse(503)
        return found[0], _view(visit, asked, *found, most=len(found[0].by_dialogue))

    def _figures(
        self, visit: Visit, asked: Asked, patience_s: float = 1.0
    ) -> tuple[Figures, int | None] | None:
        """The figures, or None while those of a past day are still being read."""
        if asked.day is None:
            if self._kept is None:
                self._kept = Kept(self._entrance.services)
            return self._kept.figures(asked.part, visit.now)
        services, part, at = visit.services, asked.part, _end_of(asked.day, visit)

        def look_up() -> Figures:
            with snapshot(services.database, settled=False) as connection:
                directory = services.directory(connection)
                zone = services.settings.timezone
                return figures_then(directory, part, at, services.thresholds, zone)

        errand = self._errands.ask(
            ("dashboard", part, at), look_up, keep_s=PAST_KEPT_S, patience_s=patience_s
        )
        return (errand.result(), None) if errand.done.is_set() else None


def _view(
    visit: Visit,
    asked: Asked,
    figures: Figures,
    unreachable: int | None,
    most: int = MOST_DIALOGUES,
) -> View:
    links = Links(kept=asked.kept, lists=asked.day is None)
    return view_of(figures, Speech(visit.language), links, unreachable, most)


def _asked(visit: Visit, deed: Deed) -> Asked:
    """What the address asks for; what is no word of ours, or not theirs to see, is not asked."""
    mine = visit.member.dialogues(deed)
    with visit.services.database.read() as connection:
        rows = dialogues_of(connection, visit.member)
    ids = {row.name: row.id for row in rows if mine is None or row.id in mine}
    kept, part = {}, {"dialogue_ids": mine}
    named = visit.query("dialogue").casefold()
    for name, dialogue_id in ids.items():
        if name.casefold() == named:
            kept["dialogue"], part["dialogue_ids"] = name, frozenset({dialogue_id})
    side = next((one for one in Side if one == visit.query("side")), None)
    kind = next((one for one in Kind if one == visit.query("kind")), None)
    kept |= {name: one.value for name, one in (("side", side), ("kind", kind)) if one}
    return Asked(
        part=Part(dialogue_ids=part["dialogue_ids"], side=side, kind=kind),
        names=tuple(ids), kept=kept, day=_past_day(visit),
    )  # fmt: skip


def _past_day(visit: Visit) -> date | None:
    """The day asked for, if it is a past one; any other is today."""
    try:
        day = date.fromisoformat(plain_digits(visit.query("as_of")))
    except ValueError:
        return None
    return day if EARLIEST <= day < _today(visit) else None


def _zone(visit: Visit) -> ZoneInfo:
    return ZoneInfo(visit.services.settings.timezone)


def _today(visit: Visit) -> date:
    return visit.now.astimezone(_zone(visit)).date()


def _end_of(day: date, visit: Visit) -> datetime:
    """The last instant of a day of the programme."""
    midnight = datetime.combine(day + timedelta(days=1), time(), _zone(visit))
    return midnight.astimezone(ZoneInfo("UTC")) - timedelta(microseconds=1)


def _said_at(visit: Visit, at: datetime) -> str:
    there = at.astimezone(_zone(visit))
    return f"{Speech(visit.language).day(there.date())}, {there:%H:%M}"


def _sheet(table: Table, at: int) -> Sheet:
    rows = [(line.label, *(cell.number for cell in line.cells)) for line in table.lines]
    safe = "".join(" " if sign in "[]:*?/\\'" else sign for sign in table.title)
    return Sheet(name=f"{at} {safe}"[:31].strip(), columns=table.head, rows=rows)


def _file(figures: Figures, ending: str, kind: str, data: bytes) -> Response:
    name = f"figures-{figures.frame.day}.{ending}"
    return Response(
        data, media_type=kind, headers={"content-disposition": f'attachment; filename="{name}"'}
    )
