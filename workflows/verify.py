"""The history is whole: checked in the database, or offline in a bundle that was exported."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.errors import BadValue, UnknownThing
from engine.exported import Exported, Part, check_part, read_exported, unproved
from engine.fingerprint import PROGRAMME, Fingerprint
from engine.store.checkpoints import (
    codes,
    kept_checkpoints,
    last_event,
    log_of,
    names_of,
    snapshot,
)
from engine.store.database import Database
from engine.store.evidence import named_files
from engine.store.wholeness import broken_histories
from engine.verifying import (
    Broken,
    Checked,
    Log,
    check_checkpoints,
    check_fingerprint,
    sizes_wanted,
)
from workflows.handing_in import Unsound, unsound


@dataclass(frozen=True, slots=True)
class Verified:
    """What was looked at, what is not whole, and the fingerprint of it all."""

    events: int
    broken: tuple[Broken, ...]
    fingerprint: str
    checked: tuple[Checked, ...] = ()
    evidence: tuple[Unsound, ...] = ()

    @property
    def whole(self) -> bool:
        """Nothing is broken or missing, and the history begins as every fingerprint says."""
        matches = all(each.matches for each in self.checked)
        return not self.broken and not self.evidence and matches

    @property
    def sentence(self) -> str:
        """What is wrong first, for a person; "" when all is well."""
        if self.broken:
            first, more = self.broken[0], len(self.broken) - 1
            rest = f" ({more} more like it; --json lists them)" if more else ""
            return f"The history is not whole: {first.ref}: {first.what}{rest}."
        for each in self.checked:
            if not each.matches:
                return each.says
        if self.evidence:
            lost = self.evidence[0]
            return f"Evidence {lost.sha256[:16]} of {lost.ref} {lost.what}; look in a backup."
        return ""

    def as_dict(self) -> Mapping[str, object]:
        """The JSON of the `verify` command."""
        return {
            "events": self.events,
            "broken": [each.as_dict() for each in self.broken],
            "fingerprint": self.fingerprint,
            "checked": [each.as_dict() for each in self.checked],
            "evidence": [each.as_dict() for each in self.evidence],
        }


def verify(
    database: Database,
    fingerprints: Sequence[str] = (),
    dialogue: str | None = None,
    folder: Path | None = None,
) -> Verified:
    """
    Read every event of the programme (or of one dialogue) and say whether all is as recorded.

    With a `folder` also whether every file lies there that the history names as evidence.
    """
    given = [Fingerprint.read(text) for text in fingerprints]
    with snapshot(database) as connection:
        known, names = codes(connection), names_of(connection)
        dialogue_id, code = _chosen(known, names, dialogue)
        kept = [
            (known[point.dialogue_id].upper(), point.size, point.root)
            for point in kept_checkpoints(connection)
            if point.dialogue_id in known and dialogue_id in {None, point.dialogue_id}
        ]
        broken = list(broken_histories(connection, dialogue_id))
        log = Log(_wanted(given, kept))
        alone = {each.code for each in given} <= {code}
        one = dialogue_id if alone else None
        for row in log_of(connection, last_event(connection), one):
            log.take(known.get(row.dialogue_id, "?").upper(), row.hash)
        lost = tuple(unsound(folder, named_files(connection, dialogue_id))) if folder else ()
    broken += check_checkpoints(log, kept)
    return replace(_verified(log, code, broken, given, known.values()), evidence=lost)


def verify_bundle(
    path: Path, fingerprints: Sequence[str] = (), dialogue: str | None = None
) -> Verified:
    """The same for a file that `export --format json` wrote; needs no database, no settings."""
    given = [Fingerprint.read(text) for text in fingerprints]
    try:
        said: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadValue("--bundle", str(path), f"cannot be read ({error.strerror})") from None
    except ValueError:
        raise BadValue("--bundle", str(path), "is no JSON; name what `export` wrote") from None
    exported = read_exported(str(path), said)
    if exported.part:
        return _verified_part(exported, exported.part, given)
    _dialogue_id, code = _chosen(exported.codes, exported.names, dialogue or exported.dialogue)
    kept = [point for point in exported.checkpoints if code in {PROGRAMME, point[0]}]
    printed = [Fingerprint.read(text) for text in exported.fingerprints.values()]
    log = Log(_wanted([*given, *printed], kept))
    for own, entry in exported.log:
        log.take(own, entry)
    broken = list(exported.broken(None if code == PROGRAMME else code))
    broken += check_checkpoints(log, kept)
    broken += [
        Broken(each.code, each.size, "its fingerprint is not that of the events beside it")
        for each in printed
        if code in {PROGRAMME, each.code} and not log.fits(each)
    ]
    return _verified(log, code, broken, given, exported.codes.values())


def _verified_part(exported: Exported, part: Part, given: Sequence[Fingerprint]) -> Verified:
    """One action alone: its chain, and the proofs that it stands in the log of its dialogue."""
    return Verified(
        events=len(exported.log),
        broken=(*exported.broken(None), *unproved(exported, part)),
        fingerprint=exported.fingerprints.get(part.code, ""),
        checked=tuple(check_part(part, old) for old in given),
    )


def _verified(
    log: Log,
    code: str,
    broken: Sequence[Broken],
    given: Sequence[Fingerprint],
    known: Iterable[str],
) -> Verified:
    known = list(known)
    return Verified(
        events=log.size(code),
        broken=tuple(broken),
        fingerprint=str(log.fingerprint(code)),
        checked=tuple(check_fingerprint(log, old, known) for old in given),
    )


def _chosen(
    known: Mapping[int | None, str], names: Mapping[int | None, str], dialogue: str | None
) -> tuple[int | None, str]:
    """The dialogue of that name or code, any case; without one, the programme."""
    if not dialogue:
        return None, PROGRAMME
    folded = dialogue.casefold()
    for dialogue_id, code in known.items():
        if folded in {code.casefold(), names.get(dialogue_id, code).casefold()}:
            return dialogue_id, code.upper()
    raise UnknownThing("dialogue", dialogue, sorted(names.values()))


def _wanted(
    given: Sequence[Fingerprint], kept: Sequence[tuple[str, int, bytes]]
) -> dict[str, set[int]]:
    wanted = sizes_wanted(given)
    for code, size, _root in kept:
        wanted.setdefault(code, set()).add(size)
    return wanted
