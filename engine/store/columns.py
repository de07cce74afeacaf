"""Column types that read the same on SQLite and PostgreSQL, and the constraint names."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    DateTime,
    Dialect,
    Enum,
    Index,
    Integer,
    MetaData,
    event,
    text,
)
from sqlalchemy.types import TypeDecorator

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

BigId = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only in a column called INTEGER."""


class UtcInstant(TypeDecorator[datetime]):
    """An aware instant, kept in UTC; a naive one is refused before it reaches the database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; instants are aware and in UTC")
        moved = value.astimezone(UTC)
        return moved.replace(tzinfo=None) if dialect.name == "sqlite" else moved

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def index_where(name: str, *columns: str, where: str) -> Index:
    """
    An index of the rows that satisfy `where`, on either database.

    Said in the words of both (`sqlite_where`, `postgresql_where`) it would make every command load
    both dialects; only whoever makes tables needs to know it.
    """
    return Index(name, *columns, info={"where": where})


@event.listens_for(METADATA, "before_create")
def _narrow(metadata: MetaData, connection: Connection, /, **_others: object) -> None:
    # `_others` has a list of `tables` of its own: only those are made, but all may be told.
    for table in metadata.sorted_tables:
        for index in table.indexes:
            if "where" in index.info:
                options = index.dialect_options[connection.dialect.name]
                options["where"] = text(index.info["where"])


def word(kind: type[StrEnum], name: str) -> Enum:
    """A column that holds one word of `kind`, checked by the database; 24 characters at most."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        length=24,
        name=name,
        values_callable=_values,
    )


def _values(kind: Any) -> list[str]:  # noqa: ANN401 - SQLAlchemy hands the class over untyped
    return [member.value for member in kind]
