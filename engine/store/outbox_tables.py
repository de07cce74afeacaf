"""The tables of what is said: notices, messages, attempts, holds and the state of channels."""

from enum import StrEnum

from sqlalchemy import (
    Boolean,
    Column,
    Date,
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

from engine.sensitive import Quiet
from engine.store.columns import METADATA, BigId, UtcInstant, index_where, word


class NoticeStatus(StrEnum):
    """
    What has become of a notice.

    `pending` waits for its window; `unreleased` waits for a coordinator; `held` waits for a hold to
    end; `bundled` is in a message under way; `sent` was handed over; `posted` stands on the board;
    `struck` was no longer true when it would have left; `undeliverable` could not reach anybody.
    """

    PENDING = "pending"
    UNRELEASED = "unreleased"
    HELD = "held"
    BUNDLED = "bundled"
    SENT = "sent"
    POSTED = "posted"
    STRUCK = "struck"
    UNDELIVERABLE = "undeliverable"


class MessageStatus(StrEnum):
    """
    What has become of a message.

    `claimed` is in a worker's hands until its lease ends; `retry` and `unknown` are tried again;
    `sent`, `rejected`, `failed` and `struck` are final.
    """

    CLAIMED = "claimed"
    RETRY = "retry"
    UNKNOWN = "unknown"
    SENT = "sent"
    REJECTED = "rejected"
    FAILED = "failed"
    STRUCK = "struck"


class MessageSort(StrEnum):
    """What a message is: a `reminder` bundle, at most one a day, or a `digest`."""

    REMINDER = "reminder"
    DIGEST = "digest"


TOLD = ("help", "cannot", "wrong_person", "note", "watchdog", "nobody", "stopped", "contact")
"""The kinds of notices that ask a coordinator to look, and have no button of their own."""

_QUOTED = ", ".join(f"'{kind}'" for kind in TOLD)

notices = Table(
    "notices",
    METADATA,
    Column("id", BigId, primary_key=True),
    # Made of ids, rung, episode and ISO dates only: what must be said once has one key.
    Column("key", String(160), nullable=False, unique=True),
    Column("action_id", BigId, ForeignKey("actions.id")),
    # The action's dialogue, for nothing but turns; 0: nobody said.
    Column("dialogue_id", BigId, nullable=False, server_default="0"),
    Column("person_id", BigId, ForeignKey("people.id"), nullable=False),
    Column("about_id", BigId, ForeignKey("people.id")),
    Column("kind", String(24), nullable=False),
    Column("rung", String(24), nullable=False),
    Column("cause", String(40), nullable=False),
    Column("status", word(NoticeStatus, "status"), nullable=False),
    Column("urgency", SmallInteger, nullable=False),
    Column("created_at", UtcInstant, nullable=False),
    Column("due_at", UtcInstant, nullable=False),
    Column("message_id", BigId, ForeignKey("messages.id"), index=True),
    # When a coordinator let a sensitive rung leave: it does not hold for ever.
    Column("released_at", UtcInstant),
    Column("closed_at", UtcInstant),
    Column("outcome", String(300), nullable=False, server_default=""),
    index_where("ix_notices_due_at", "due_at", "person_id", where="status = 'pending'"),
    # The same of each dialogue, so that they take turns.
    index_where("ix_notices_turn", "dialogue_id", "due_at", "person_id",
                where="status = 'pending'"),
    index_where("ix_notices_person_pending", "person_id", where="status = 'pending'"),
    Index("ix_notices_action_id", "action_id", "cause"),
    # What waits for a coordinator: calls, releases, and what somebody was told lately.
    index_where("ix_notices_open_calls", "action_id",
                where="kind = 'call_task' AND outcome <> 'called'"),
    index_where("ix_notices_unreleased", "action_id", where="status = 'unreleased'"),
    index_where("ix_notices_told", "person_id", "created_at", where=f"kind IN ({_QUOTED})"),
    # Whether anything was said after an instant.
    index_where("ix_notices_closed_at", "closed_at", where="closed_at IS NOT NULL"),
    sqlite_autoincrement=True,
)  # fmt: skip

messages = Table(
    "messages",
    METADATA,
    Column("id", BigId, primary_key=True),
    Column("mime_id", String(120), nullable=False, unique=True),
    Column("person_id", BigId, ForeignKey("people.id"), nullable=False),
    Column("day", Date, nullable=False),
    Column("sort", word(MessageSort, "sort"), nullable=False, server_default="reminder"),
    Column("channel", String(8), nullable=False, server_default="email"),
    # In the reply address and the envelope sender: by it an answer or a bounce finds its message.
    Column("reply_code", String(24), unique=True),
    # When a digest was about to be handed over: one that may have arrived is not sent again.
    Column("begun_at", UtcInstant),
    Column("sender", String(254), nullable=False),
    Column("recipient", String(254), nullable=False),
    Column("subject", String(400), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("status", word(MessageStatus, "status"), nullable=False),
    Column("available_at", UtcInstant, nullable=False),
    Column("claimed_by", String(64), nullable=False, server_default=""),
    Column("leased_until_at", UtcInstant),
    Column("attempt", SmallInteger, nullable=False, server_default="0"),
    Column("created_at", UtcInstant, nullable=False),
    Column("sent_at", UtcInstant),
    # The daily budget, kept by the database however many workers there are.
    UniqueConstraint("person_id", "day", "sort"),
    index_where("ix_messages_open", "available_at",
                where="status IN ('claimed', 'retry', 'unknown')"),
    sqlite_autoincrement=True,
)  # fmt: skip

deliveries = Table(
    "deliveries",
    METADATA,
    Column("id", BigId, primary_key=True),
    Column("message_id", BigId, ForeignKey("messages.id"), nullable=False, index=True),
    Column("attempt", SmallInteger, nullable=False),
    Column("at", UtcInstant, nullable=False),
    Column("outcome", String(12), nullable=False),
    Column("phase", String(12), nullable=False),
    Column("code", SmallInteger),
    Column("text", String(300), nullable=False),
    Column("worker", String(64), nullable=False),
    sqlite_autoincrement=True,
)

holds = Table(
    "holds",
    METADATA,
    Column("id", BigId, primary_key=True),
    # Both empty: the whole programme.
    Column("dialogue_id", BigId, ForeignKey("dialogues.id")),
    Column("action_id", BigId, ForeignKey("actions.id")),
    Column("from_on", Date, nullable=False),
    Column("until_on", Date),
    Column("by", String(120), nullable=False),
    Column("reason", String(400), nullable=False),
    Column("put_at", UtcInstant),
    # Who let the messages go again, when and why; it stays on record.
    Column("lifted_at", UtcInstant),
    Column("lifted_by", String(120), nullable=False, server_default=""),
    Column("lifted_for", String(400), nullable=False, server_default=""),
)

sensitive_days = Table(
    "sensitive_days",
    METADATA,
    Column("id", BigId, primary_key=True),
    Column("dialogue_id", BigId, ForeignKey("dialogues.id"), nullable=False, index=True),
    Column("from_on", Date, nullable=False),
    Column("until_on", Date, nullable=False),
    Column("yearly", Boolean(name="yearly"), nullable=False),
    Column("what", word(Quiet, "what"), nullable=False),
    Column("name", String(120), nullable=False),
    Column("by", String(120), nullable=False),
    Column("reason", String(400), nullable=False),
    # Who took it out again, when and why; it stays on record.
    Column("removed_at", UtcInstant),
    Column("removed_by", String(120), nullable=False, server_default=""),
    Column("removed_for", String(400), nullable=False, server_default=""),
)

channels = Table(
    "channels",
    METADATA,
    Column("name", String(16), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("losses", Integer, nullable=False),
    Column("opened_at", UtcInstant),
    Column("probe_at", UtcInstant),
    Column("reason", String(300), nullable=False),
)

# How much of a server's limit is used up in the minute that is named.
paces = Table(
    "paces",
    METADATA,
    Column("name", String(160), primary_key=True),
    Column("minute_at", UtcInstant, nullable=False),
    Column("taken", Integer, nullable=False),
)

heartbeats = Table(
    "heartbeats",
    METADATA,
    Column("story", String(24), primary_key=True),
    Column("at", UtcInstant, nullable=False),
    Column("tally", Text, nullable=False),
)
