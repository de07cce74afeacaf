"""A copy of the whole record in one file, taken while it is used; it begins paused."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from engine.errors import BadValue
from engine.store.checkpoints import snapshot
from engine.store.database import Database
from engine.store.fence import record_tables
from engine.store.moving import copy_file, copy_table, number_on
from engine.store.schema import upgrade
from workflows.moving import CannotMove, pause_all
from workflows.verify import verify


@dataclass(frozen=True, slots=True, kw_only=True)
class BackedUp:
    """What was written; the fingerprint is that of the copy."""

    file: str
    bytes: int
    events: int
    fingerprint: str

    def as_dict(self) -> Mapping[str, object]:
        """Plain values for tables and JSON."""
        return asdict(self)


def back_up(
    source: Database,
    path: Path,
    now: datetime,
    *,
    tell: Callable[[str], None] = lambda _words: None,
) -> BackedUp:
    """
    Write an SQLite file with everything up to one moment; nobody has to stop for it.

    The copy is paused: what leaves after that moment is not known to it, and would leave again. Its
    whole history is read before it gets its name.
    """
    if path.exists():
        raise BadValue("backup", str(path), "is there already; name a new file")
    if not path.parent.is_dir():
        raise BadValue("backup", str(path), f"there is no folder {path.parent}")
    partial = path.with_name(f"{path.name}.part")
    try:
        _forget(partial)
        partial.touch(mode=0o600)  # names and addresses of people are in it
        found = _written(source, partial, now, tell)
        partial.replace(path)
    except OSError as error:
        raise BadValue("backup", str(path), f"cannot be written ({error.strerror})") from None
    finally:
        _forget(partial)
    events, fingerprint = found
    return BackedUp(
        file=str(path), bytes=path.stat().st_size, events=events, fingerprint=fingerprint
    )


def _written(
    source: Database, partial: Path, now: datetime, tell: Callable[[str], None]
) -> tuple[int, str]:
    if source.sqlite:
        copy_file(source, partial)
    copy = Database(f"sqlite:///{partial}")
    try:
        if not source.sqlite:
            upgrade(copy)
            with snapshot(source) as reading:
                for table in record_tables():
                    tell(table.name)
                    copy_table(reading, copy, table, lambda _rows: None)
                    number_on(reading, copy, table)
                    copy.checkpoint()
        with copy.write() as writing:
            reason = f"a copy of {now:%Y-%m-%d %H:%M} UTC; what left after it is not known here"
            pause_all(writing, now, reason)
        tell("reading the whole history")
        found = verify(copy)
        if not found.whole:
            raise CannotMove(f"{found.sentence} No copy was kept.")
    finally:
        copy.close()
    return found.events, found.fingerprint


def _forget(partial: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        partial.with_name(f"{partial.name}{ending}").unlink(missing_ok=True)
