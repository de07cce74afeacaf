"""Makes a database, or brings an older one up to date."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, create_engine, event, pool

from engine.store import answer_tables, api_tables, custody, outbox_tables, sign_in_tables, tables
from engine.store.columns import METADATA
from engine.store.database import Database
from engine.store.revision import newest, refuse_newer

MIGRATIONS = Path(__file__).parent / "migrations"
# Importing them fills METADATA.
REGISTERED = (tables, outbox_tables, answer_tables, api_tables, sign_in_tables, custody)
target_metadata = METADATA


@dataclass(frozen=True, slots=True)
class Upgraded:
    """What `upgrade` did: `created` is true for a database that was empty before."""

    database: str
    created: bool
    revision: str


def upgrade(database: Database) -> Upgraded:
    """Create every table, or run the migrations that are missing; safe to repeat."""
    with _quiet_engine(database).begin() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
        refuse_newer(database, found)
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return Upgraded(database.shown, found is None, newest())


def drift(connection: Connection) -> list[Any]:
    """Differences between the tables in the code and those in the database; empty when none."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, METADATA))


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
