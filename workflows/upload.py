"""A plan that was sent in: kept between the look at it and its recording, then thrown away."""

import os
import re
import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from config.plan import read_plan
from config.plan_values import Plan, RowError
from config.wiring import Services
from engine.errors import N_, BadValue
from engine.store.foreseen import homes_of
from engine.store.intake import known_refs, rows_of
from workflows.foresee import Foresight
from workflows.intake import Taken, take_in

ENDINGS: Final = (".csv", ".xlsx", ".md", ".markdown", ".yaml", ".yml")
WHOLE_PROGRAMME: Final = frozenset({".yaml", ".yml"})
"""Such a plan may hold people and roles of the whole programme."""

LARGEST: Final = 5 * 1024 * 1024
KEPT_S: Final = 3600.0

_NAME: Final = re.compile(r"[0-9]{1,18}-[\w-]{43}\.[a-z]{2,8}")


@dataclass(frozen=True, slots=True)
class Looked:
    """What an import would do, or did; with errors it does nothing."""

    taken: Taken
    foresight: Foresight


def keep(services: Services, session_id: int, name: str, data: bytes, *, whole: bool = True) -> str:
    """
    Put a plan by for the session that sent it; returns the name that it has from now on.

    BadValue for a file that is no plan by its name, too large, or empty.
    """
    ending = Path(name.replace("\\", "/")).suffix.lower()
    if ending not in ENDINGS:
        raise BadValue(
            "plan", name[-60:], N_("send a file that ends in %(known)s", known=tuple(ENDINGS))
        )
    if not whole or len(data) > LARGEST:
        raise BadValue("plan", name[-60:], N_("keep it under %(size)s MB", size=LARGEST // 2**20))
    if not data:
        raise BadValue("plan", name[-60:], N_("the file is empty"))
    folder = _folder(services)
    folder.mkdir(parents=True, exist_ok=True)
    kept = f"{session_id}-{secrets.token_urlsafe(32)}{ending}"
    handle = os.open(folder / kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    return kept


def find(services: Services, session_id: int, kept: str) -> Path | None:
    """The file that this session put by; None for another's, or one that is gone."""
    if not _NAME.fullmatch(kept) or not kept.startswith(f"{session_id}-"):
        return None
    path = _folder(services) / kept
    return path if path.is_file() else None


def tidy(services: Services, older_than_s: float = KEPT_S) -> None:
    """Throw away what nobody came back for; by the machine's clock, which dated the files."""
    folder = _folder(services)
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        try:
            if time.time() - path.stat().st_mtime > older_than_s:
                path.unlink()
        except FileNotFoundError:
            continue  # somebody else was tidying up too


def allowed(services: Services, path: Path, dialogue_ids: Collection[int] | None) -> list[RowError]:
    """What in a plan is not for a coordinator of these dialogues (None: of all) to bring in."""
    if dialogue_ids is None:
        return []
    if path.suffix in WHOLE_PROGRAMME:
        reason = N_("a plan as YAML needs a coordinator of the whole programme; send CSV or XLSX")
        return [RowError(row=0, column="", value="", reason=reason)]
    with services.database.read() as connection:
        names = rows_of(connection, "dialogues", ("id", "code", "name"))
        refs = known_refs(connection)
        own = {
            name.casefold() for number, *both in names for name in both if number in dialogue_ids
        }
        plan: Plan = read_plan(path, known_refs=refs)
        homes = homes_of(connection, {row.ref for row in plan.rows if row.ref})
    foreign = N_("you coordinate no dialogue of this name")
    found = [
        RowError(row=row.row, column="dialogue", value=row.dialogue, reason=foreign)
        for row in plan.rows
        if row.dialogue.casefold() not in own
    ]
    taken = N_("this reference stands for an action of another dialogue")
    return found + [
        RowError(row=row.row, column="ref", value=row.ref, reason=taken)
        for row in plan.rows
        if homes.get(row.ref, next(iter(dialogue_ids), 0)) not in dialogue_ids
    ]


def look(
    services: Services,
    path: Path,
    by: str,
    dialogue_ids: Collection[int] | None,
    now: datetime,
    *,
    recording: bool = False,
) -> Looked:
    """Take a plan in, or only see what it would change. With errors nothing is written."""
    foresight = Foresight()
    errors = allowed(services, path, dialogue_ids)
    if errors:
        return Looked(Taken(0, 0, 0, 0, tuple(errors)), foresight)
    taken = take_in(services, path, None, now, dry_run=not recording, by=by, onlooker=foresight)
    return Looked(taken, foresight)


def _folder(services: Services) -> Path:
    return services.settings.data_folder / "uploads"
