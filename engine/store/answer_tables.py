"""The tables of what people say back: links, answers, evidence, what came in, and digests."""

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from engine.answer import Origin, Purpose, Verb
from engine.bearing import Bearing
from engine.store.columns import METADATA, BigId, UtcInstant, word


class AnswerOutcome(StrEnum):
    """
    What has become of an answer.

    `applied` changed the action; `noted` was recorded for a person to read; `refused` could not be
    taken, with the reason.
    """

    APPLIED = "applied"
    NOTED = "noted"
    REFUSED = "refused"


links = Table(
    "links",
    METADATA,
    Column("id", BigId, primary_key=True),
    # Of the token; who reads the table cannot answer for anybody.
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    Column("action_id", BigId, ForeignKey("actions.id"), nullable=False),
    Column("person_id", BigId, ForeignKey("people.id"), nullable=False),
    Column("purpose", word(Purpose, "purpose"), nullable=False),
    Column("notice_id", BigId, ForeignKey("notices.id")),
    # The answer that a coordinator is asked to decide about, for `decide`.
    Column("answer_id", BigId, ForeignKey("answers.id")),
    Column("state_version", Integer, nullable=False),
    Column("created_at", UtcInstant, nullable=False),
    Column("expires_at", UtcInstant, nullable=False),
    Column("used_at", UtcInstant),
    Column("revoked_at", UtcInstant),
    Index("ix_links_person_action", "person_id", "action_id"),
    sqlite_autoincrement=True,
)

answers = Table(
    "answers",
    METADATA,
    Column("id", BigId, primary_key=True),
    # Of what carried it (a link, a mail's Message-ID and line, a sheet's row): it counts once.
    Column("key", String(200), nullable=False, unique=True),
    Column("action_id", BigId, ForeignKey("actions.id"), nullable=False),
    # Whose answer it is; empty where nobody on record said it.
    Column("person_id", BigId, ForeignKey("people.id")),
    Column("by", String(120), nullable=False),
    Column("verb", word(Verb, "verb"), nullable=False),
    Column("origin", word(Origin, "origin"), nullable=False),
    # Names that were typed stand here and not in the history: they can be erased.
    Column("source", String(200), nullable=False, server_default=""),
    Column("note", Text, nullable=False, server_default=""),
    Column("details", Text, nullable=False, server_default="{}"),
    Column("at", UtcInstant, nullable=False),
    Column("outcome", word(AnswerOutcome, "outcome"), nullable=False),
    Column("said", String(400), nullable=False, server_default=""),
    Index("ix_answers_action_id", "action_id"),
    sqlite_autoincrement=True,
)

evidence = Table(
    "evidence",
    METADATA,
    Column("id", BigId, primary_key=True),
    Column("action_id", BigId, ForeignKey("actions.id"), nullable=False),
    Column("answer_id", BigId, ForeignKey("answers.id")),
    # The file lies in the data folder under its SHA-256; it is kept once however often it came.
    Column("sha256", LargeBinary(32), nullable=False),
    Column("name", String(120), nullable=False),
    Column("media_type", String(80), nullable=False),
    Column("size", Integer, nullable=False),
    Column("bearing", word(Bearing, "bearing"), nullable=False, server_default="unsaid"),
    Column("note", Text, nullable=False, server_default=""),
    Column("by", String(120), nullable=False),
    Column("at", UtcInstant, nullable=False),
    UniqueConstraint("action_id", "sha256"),
)

inbound = Table(
    "inbound",
    METADATA,
    Column("id", BigId, primary_key=True),
    # Of the mail or text as its server calls it: what was read once is not read again.
    Column("key", String(200), nullable=False, unique=True),
    Column("origin", word(Origin, "origin"), nullable=False),
    Column("became", String(16), nullable=False),
    Column("reason", String(200), nullable=False, server_default=""),
    Column("at", UtcInstant, nullable=False),
)

mailboxes = Table(
    "mailboxes",
    METADATA,
    Column("id", BigId, primary_key=True),
    # User, server and folder: another mailbox is read from its own beginning.
    Column("name", String(200), nullable=False, unique=True),
    Column("validity", BigInteger, nullable=False),
    Column("last_uid", BigInteger, nullable=False),
    Column("at", UtcInstant, nullable=False),
)

subscriptions = Table(
    "subscriptions",
    METADATA,
    Column("id", BigId, primary_key=True),
    Column("person_id", BigId, ForeignKey("people.id"), nullable=False),
    Column("digest", String(16), nullable=False),
    Column("every", String(16), nullable=False),
    Column("workbook", Boolean(name="workbook"), nullable=False, server_default=text("false")),
    UniqueConstraint("person_id", "digest"),
)

digests = Table(
    "digests",
    METADATA,
    Column("id", BigId, primary_key=True),
    # Kind, person and day: one digest is made once, however often the story is told.
    Column("key", String(120), nullable=False, unique=True),
    Column("digest", String(16), nullable=False),
    Column("person_id", BigId, ForeignKey("people.id")),
    Column("dialogue_id", BigId, ForeignKey("dialogues.id")),
    Column("as_of_at", UtcInstant, nullable=False),
    Column("day", Date, nullable=False),
    Column("figures", Text, nullable=False),
    Column("fingerprint", String(200), nullable=False, server_default=""),
    Column("message_id", BigId, ForeignKey("messages.id")),
    Column("created_at", UtcInstant, nullable=False),
    Index("ix_digests_day", "digest", "day"),
    sqlite_autoincrement=True,
)

__all__ = [
    "AnswerOutcome",
    "answers",
    "digests",
    "evidence",
    "inbound",
    "links",
    "mailboxes",
    "subscriptions",
]
