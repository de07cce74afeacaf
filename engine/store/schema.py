"""Makes a database, or brings an older one up to date."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, inspect, pool

from engine.errors import BadValue, EngineError
from engine.store import outbox_tables, tables
from engine.store.columns import METADATA
from engine.store.database import Database

MIGRATIONS = Path(__file__).parent / "migrations"
REGISTERED = (tables, outbox_tables)  # importing them fills METADATA
target_metadata = METADATA


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


@dataclass(frozen=True, slots=True)
class Upgraded:
    """What `upgrade` did: `created` is true for a database that was empty before."""

    database: str
    created: bool
    revision: str


def newest() -> str:
    """The revision that this program needs."""
    head = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    if head is None:
        raise BadValue("migrations", str(MIGRATIONS), "no migration is installed with the program")
    return head


def upgrade(database: Database) -> Upgraded:
    """Create every table, or run the migrations that are missing; safe to repeat."""
    with _quiet_engine(database).begin() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
        _refuse_newer(database, found)
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return Upgraded(database.shown, found is None, newest())


def check(database: Database) -> None:
    """Raise OldSchema or NewerSchema unless the database is of this version."""
    if not database.exists():
        raise OldSchema(database.shown, None, newest())
    with database.read() as connection:
        found = None
        if inspect(connection).has_table("alembic_version"):
            found = MigrationContext.configure(connection).get_current_revision()
    _refuse_newer(database, found)
    if found != newest():
        raise OldSchema(database.shown, found, newest())


def drift(connection: Connection) -> list[Any]:
    """Differences between the tables in the code and those in the database; empty when none."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, METADATA))


def _refuse_newer(database: Database, found: str | None) -> None:
    known = {script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}
    if found is not None and found not in known:
        raise NewerSchema(database.shown, found)


def _quiet_engine(database: Database) -> Engine:
    """An engine without foreign keys on SQLite: rebuilding a table would empty its children."""
    engine = create_engine(database.url, poolclass=pool.NullPool)
    if database.sqlite:

        @event.listens_for(engine, "connect")
        def prepare(connection: Any, _record: object) -> None:  # noqa: ANN401
            connection.isolation_level = None
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA foreign_keys=OFF")

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
