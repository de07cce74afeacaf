"""Whether a database is of this version of the program; asked at every start, so quick."""

from sqlalchemy import inspect, text

from engine.errors import EngineError
from engine.store.database import Database

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
    """Raise OldSchema or NewerSchema unless the database is of this version."""
    if not database.exists():
        raise OldSchema(database.shown, None, newest())
    with database.read() as connection:
        found = None
        if inspect(connection).has_table("alembic_version"):
            found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    refuse_newer(database, found)
    if found != newest():
        raise OldSchema(database.shown, found, newest())


def refuse_newer(database: Database, found: str | None) -> None:
    """Raise NewerSchema for a revision that this program does not know."""
    if found is not None and found not in REVISIONS:
        raise NewerSchema(database.shown, found)
