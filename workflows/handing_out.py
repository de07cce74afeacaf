"""The record as one value that can be handed out and checked by others."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from engine.errors import UnknownThing
from engine.store.checkpoints import fingerprints_at, fingerprints_unwritten, snapshot
from engine.store.database import Connection, Database
from engine.store.exporting import everything, one_action, one_dialogue
from engine.store.listing import dialogue_ids, dialogue_names
from engine.store.past import is_past, reading
from engine.store.records import find_action


def record_of(
    database: Database, at: datetime | None, *, dialogue: str = "", ref: str = ""
) -> dict[str, Any]:
    """Everything, or the history of one dialogue or action with what is needed to check it."""
    with _moment(database, at) as (connection, past):
        chosen: int | None = None
        action = find_action(connection, ref) if ref else None
        if action:
            chosen = action.dialogue_id
        elif dialogue:
            found = dialogue_ids(connection, dialogue)
            if not found:
                raise UnknownThing("dialogue", dialogue, dialogue_names(connection))
            chosen = found[0]
        if at and past:
            # What was printed then; a history cut at an instant has no fingerprint of its own.
            printed = fingerprints_at(connection, at, chosen)
        else:
            printed = fingerprints_unwritten(connection, chosen)
        if action:
            return one_action(connection, action, printed)
        if chosen:
            return one_dialogue(connection, chosen, printed)
        return everything(connection, printed)


@contextmanager
def _moment(database: Database, at: datetime | None) -> Iterator[tuple[Connection, bool]]:
    with snapshot(database) as connection:
        if at is None or not is_past(connection, at):
            yield connection, False
            return
    with reading(database, at) as connection:
        yield connection, True
