"""The tables of programs that ask and listen: keys, their requests, webhooks and calendar feeds."""

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from engine.store.columns import METADATA, BigId, UtcInstant, index_where, word


class Scope(StrEnum):
    """
    How much a key may do, beside what its person may do.

    `read` looks, `write` records as well, `admin` also takes plans in and stops messages of more
    than one action.
    """

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"

    def covers(self, wanted: "Scope") -> bool:
        """Whether a key of this scope may do what needs that one."""
        order = list(Scope)
        return order.index(self) >= order.index(wanted)


api_keys = Table(
    "api_keys",
    METADATA,
    Column("id", BigId, primary_key=True),
    Column("name", String(120), nullable=False),
    # The beginning of the key, by which people tell keys apart; it opens nothing.
    Column("prefix", String(16), nullable=False, unique=True),
    # Of the whole key: who reads the table cannot use it.
    Column("key_hash", LargeBinary(32), nullable=False, unique=True),
    Column("person_id", BigId, ForeignKey("people.id"), nullable=False),
    Column("scope", word(Scope, "scope"), nullable=False),
    # A key without a dialogue reaches as far as its person's roles.
    Column("dialogue_id", BigId, ForeignKey("dialogues.id")),
    Column("created_at", UtcInstant, nullable=False),
    Column("expires_at", UtcInstant),
    Column("revoked_at", UtcInstant),
    Column("used_at", UtcInstant),
    Index("ix_api_keys_person_id", "person_id"),
)

api_requests = Table(
    "api_requests",
    METADATA,
    Column("id", BigId, primary_key=True),
    Column("api_key_id", BigId, ForeignKey("api_keys.id"), nullable=False),
    # What the caller calls the request: sent twice, it counts once.
    Column("name", String(200), nullable=False),
    Column("fingerprint", LargeBinary(32), nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("version", Integer),
    Column("body", Text, nullable=False),
    Column("at", UtcInstant, nullable=False),
    UniqueConstraint("api_key_id", "name"),
    Index("ix_api_requests_at", "at"),
)

webhooks = Table(
    "webhooks",
    METADATA,
    Column("id", BigId, primary_key=True),
    Column("url", String(2000), nullable=False),
    # Both sides sign with it, so it cannot be hashed.
    Column("secret", String(120), nullable=False),
    # Kinds of events, or the state that an action came to; empty: all.
    Column("events", String(2000), nullable=False, server_default=""),
    Column("dialogue_id", BigId, ForeignKey("dialogues.id")),
    Column("created_at", UtcInstant, nullable=False),
    # Everything up to this event was handed over, or was not for this hook.
    Column("last_event_id", BigInteger, nullable=False),
    Column("attempt", SmallInteger, nullable=False, server_default="0"),
    Column("next_at", UtcInstant),
    Column("failing_since_at", UtcInstant),
    Column("outcome", String(200), nullable=False, server_default=""),
    Column("claimed_by", String(64), nullable=False, server_default=""),
    Column("leased_until_at", UtcInstant),
    Column("stopped_at", UtcInstant),
    index_where("ix_webhooks_open", "id", where="stopped_at IS NULL"),
)  # fmt: skip

feeds = Table(
    "feeds",
    METADATA,
    Column("id", BigId, primary_key=True),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    Column("person_id", BigId, ForeignKey("people.id"), nullable=False),
    Column("created_at", UtcInstant, nullable=False),
    Column("revoked_at", UtcInstant),
    Index("ix_feeds_person_id", "person_id"),
)
