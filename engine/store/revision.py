"""Whether a database is of this version and holds its record; asked often, so quick."""

from sqlalchemy import inspect, text

from engine.errors import EngineError, RecordElsewhere
from engine.store.custody import refuse_elsewhere
from engine.store.database import Connection, Database

REVISIONS = ("2026_11_23_0730", "2026_11_23_1000")
"""Every migration, oldest first; a test compares them with the files."""


class OldSchema(EngineError):
    """The database is not of this version of the program."""

    def __init__(self, shown: str, found: str | None, wanted: str) -> None:
        self.found, self.wanted = found, wanted
        super().__init__(
            f"The database {shown} is at revision {found or 'none'} and this program needs "
            f"{wanted}: run `alkawari init` to bring it up to date."
        )


class NewerSchema(EngineError):
    """The database was migrated by a newer program."""

    def __init__(self, shown: str, found: str) -> None:
        super().__init__(
            f"The database {shown} was changed by a newer version of this program (revision "
            f"{found}): update the program before you use it."
        )


def newest() -> str:
    """The revision that this program needs."""
    return REVISIONS[-1]


def check(database: Database) -> None:
    """
    Raise OldSchema or NewerSchema unless the database is of this version.

    RecordElsewhere if it is, and its record has moved or is moving to another one.
    """
    check_version(database)
    with database.read() as connection:
        refuse_elsewhere(connection)


def check_version(database: Database) -> None:
    """Raise OldSchema or NewerSchema unless the database is of this version."""
    if not database.exists():
        raise OldSchema(database.shown, None, newest())
    with database.read() as connection:
        found = found_in(connection)
    _refuse_other(database, found)


def found_in(connection: Connection) -> str | None:
    """The revision of a database; None for one that is no database of ours, or not yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(_FOUND)
    return found


def check_again(database: Database) -> None:
    """
    Raise as `check` does, for a program that runs already; asked before each batch.

    Meanwhile a newer program may have changed the database, or the record may be about to move.
    What somebody has in hand may be brought to its end.
    """
    with database.read() as connection:
        found = connection.scalar(_FOUND)
        if found != newest():
            _refuse_other(database, found)
        refuse_elsewhere(connection)


def refuse_newer(database: Database, found: str | None) -> None:
    """Raise NewerSchema for a revision that this program does not know."""
    if found is not None and found not in REVISIONS:
        raise NewerSchema(database.shown, found)


def _refuse_other(database: Database, found: str | None) -> None:
    refuse_newer(database, found)
    if found != newest():
        raise OldSchema(database.shown, found, newest())


_FOUND = text("SELECT version_num FROM alembic_version")

UNFIT = (OldSchema, NewerSchema, RecordElsewhere)
"""What ends a program that works on a database: trying again does not help."""
