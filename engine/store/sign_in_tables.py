"""The tables of who is signed in: links that sign somebody in once, and the sessions they begin."""

from sqlalchemy import Column, ForeignKey, LargeBinary, Table

from engine.store.columns import METADATA, BigId, UtcInstant

sign_ins = Table(
    "sign_ins",
    METADATA,
    Column("id", BigId, primary_key=True),
    # Of the token; who reads the table cannot sign in as anybody.
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    Column("person_id", BigId, ForeignKey("people.id"), nullable=False, index=True),
    Column("created_at", UtcInstant, nullable=False),
    Column("expires_at", UtcInstant, nullable=False),
    Column("used_at", UtcInstant),
    sqlite_autoincrement=True,
)

web_sessions = Table(
    "web_sessions",
    METADATA,
    Column("id", BigId, primary_key=True),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    Column("person_id", BigId, ForeignKey("people.id"), nullable=False, index=True),
    Column("created_at", UtcInstant, nullable=False),
    Column("seen_at", UtcInstant, nullable=False),
    Column("expires_at", UtcInstant, nullable=False),
    Column("revoked_at", UtcInstant),
    sqlite_autoincrement=True,
)
