"""A plan sent in by another program: all of it or nothing, once, or only looked at."""

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import Depends, FastAPI, File, Form, UploadFile
from fastapi.responses import JSONResponse

from config.plan import read_plan
from engine.permission import Deed
from engine.store.api_tables import Scope
from engine.store.intake import known_refs
from engine.store.requests import Replied, claim_name, find_reply, keep_reply
from web.api_caller import Caller
from web.api_problems import Problem, problem, refuses
from web.api_record import Name, again, name_of
from web.api_values import ImportedValue
from workflows.intake import take_in

SHEETS: Final = (".csv", ".xlsx")
PLANS: Final = (*SHEETS, ".yaml", ".yml")


def add_import(app: FastAPI, door: Callable[..., Caller]) -> None:
    """The address that takes a plan."""
    tags: list[Any] = ["record"]

    @app.post("/import", responses=refuses(), tags=tags, response_model=ImportedValue)
    def take(
        caller: Annotated[Caller, Depends(door)],
        plan: Annotated[UploadFile, File(description="A plan: CSV, XLSX or YAML.")],
        column_map: Annotated[
            UploadFile | None, File(alias="map", description="Which columns mean what, as YAML.")
        ] = None,
        dry_run: Annotated[bool, Form(description="Change nothing.")] = False,
        name: Name = None,
    ) -> JSONResponse:
        """Take in a plan: all of it, or nothing and every error; sent twice it changes nothing."""
        caller.needs(Scope.ADMIN)
        sent = _Sent(caller, name_of(name), dry_run=dry_run)
        with tempfile.TemporaryDirectory(prefix="alkawari-import-") as folder:
            path = _kept(plan, Path(folder), "plan", PLANS)
            map_path = _kept(column_map, Path(folder), "map", PLANS[-2:]) if column_map else None
            sent.read(path, map_path)
            return sent.take(path, map_path)


def _kept(given: UploadFile, folder: Path, name: str, endings: tuple[str, ...]) -> Path:
    """The file that was sent, under a name of ours; only its ending is what it was."""
    ending = Path(given.filename or "").suffix.lower()
    if ending not in endings:
        raise Problem(422, f"{name}: send a file that ends in {' or '.join(endings)}.")
    path = folder / f"{name}{ending}"
    path.write_bytes(given.file.read())
    return path


class _Sent:
    """One plan that was sent."""

    def __init__(self, caller: Caller, name: str, *, dry_run: bool) -> None:
        self.caller, self.name, self.dry_run = caller, name, dry_run
        self.fingerprint = b""

    def read(self, path: Path, map_path: Path | None) -> None:
        """Judge whether this person may send this plan; Problem if not."""
        digest = hashlib.sha256(f"import {self.dry_run}\n{path.suffix}\n".encode())
        for each in (path, map_path):
            data = each.read_bytes() if each else b""
            digest.update(len(data).to_bytes(8, "big") + data)
        self.fingerprint = digest.digest()
        allowed = self.caller.member.dialogues(Deed.IMPORT)
        if allowed is None and self.caller.held.dialogue_id is None:
            return
        if path.suffix not in SHEETS:
            # Such a plan may hold people and roles of the whole programme.
            raise Problem(403, "A plan as YAML needs a coordinator of the whole programme.")
        with self.caller.services.database.read() as connection:
            sight = self.caller.reading(connection)
            own = [row for number, row in sight.dialogues.items() if number in (allowed or ())]
            refs = known_refs(connection)
        names = {row.name.casefold() for row in own} | {row.code.casefold() for row in own}
        plan = read_plan(path, map_path, known_refs=refs)
        if any(row.dialogue.casefold() not in names for row in plan.rows):
            raise Problem(403, "The plan names a dialogue whose coordinator this key is not for.")

    def take(self, path: Path, map_path: Path | None) -> JSONResponse:
        """Take it in, or say what is wrong with each row."""
        services, key_id = self.caller.services, self.caller.held.id
        with services.database.read() as connection:
            before = find_reply(connection, key_id, self.name)
        if before is not None:
            return again(before, self.fingerprint)
        # A plan that was taken in already changes nothing, so the answer may be kept afterwards.
        done = take_in(services, path, map_path, self.caller.now, dry_run=self.dry_run)
        errors = [asdict(error) for error in done.errors]
        if errors:
            said = f"Nothing was taken in: {len(errors)} things in the plan cannot be used."
            return problem(Problem(422, said, errors=errors[:200]))
        value = ImportedValue(**done.as_dict())
        replied = Replied(
            fingerprint=self.fingerprint, status=200, version=None, body=value.model_dump_json()
        )
        with services.database.write() as connection:
            if claim_name(connection, key_id, self.name, self.fingerprint, self.caller.now):
                keep_reply(connection, key_id, self.name, replied)
        return JSONResponse(value.model_dump())
