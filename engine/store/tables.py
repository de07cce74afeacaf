"""Every table on one screen after another; indexes exist for the questions named beside them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
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
    text,
)

from engine.action import Handling, Kind, Level, Obstacle, State
from engine.party import Channel, Role, Side
from engine.store.columns import METADATA, BigId, UtcInstant, index_where, word

dialogues = Table(
    "dialogues",
    METADATA,
    Column("id", BigId, primary_key=True),
    Column("code", String(8), nullable=False, unique=True),
    Column("name", String(120), nullable=False, unique=True),
    Column("country", String(2), nullable=False, server_default=""),
    Column("timezone", String(64), nullable=False),
    Column("languages", String(64), nullable=False),
    Column("rest_days", String(16), nullable=False),
    Column("friday_pause", Boolean(name="friday_pause"), nullable=False),
    Column("ladder_id", BigId, ForeignKey("ladders.id")),
)

calendar_days = Table(
    "calendar_days",
    METADATA,
    Column("id", BigId, primary_key=True),
    Column("dialogue_id", BigId, ForeignKey("dialogues.id"), nullable=False, index=True),
    Column("day", Date, nullable=False),
    Column("change", String(8), nullable=False),
    Column("moved_to", Date),
    Column("name", String(120), nullable=False),
    Column("by", String(120), nullable=False),
    Column("reason", String(400), nullable=False),
    # When somebody put it; empty of what a plan brought.
    Column("put_at", UtcInstant),
    # Who took it back, when and why; it stays on record.
    Column("removed_at", UtcInstant),
    Column("removed_by", String(120), nullable=False, server_default=""),
    Column("removed_for", String(400), nullable=False, server_default=""),
    CheckConstraint("change IN ('add', 'remove', 'move')", name="change"),
)

sessions = Table(
    "sessions",
    METADATA,
    Column("id", BigId, primary_key=True),
    Column("dialogue_id", BigId, ForeignKey("dialogues.id"), nullable=False),
    Column("held_on", Date, nullable=False),
    Column("note", Text, nullable=False, server_default=""),
    UniqueConstraint("dialogue_id", "held_on"),
)

parties = Table(
    "parties",
    METADATA,
    Column("id", BigId, primary_key=True),
    Column("dialogue_id", BigId, ForeignKey("dialogues.id"), nullable=False),
    Column("name", String(300), nullable=False),
    Column("side", word(Side, "side"), nullable=False),
    Column("superior_id", BigId, ForeignKey("parties.id")),
    UniqueConstraint("dialogue_id", "name"),
)

people = Table(
    "people",
    METADATA,
    Column("id", BigId, primary_key=True),
    Column("key", String(120), nullable=False, unique=True),
    Column("party_id", BigId, ForeignKey("parties.id"), index=True),
    Column("function", String(200), nullable=False),
    Column("name", String(200), nullable=False, server_default=""),
    Column("email", String(254), nullable=False, server_default="", index=True),
    Column("phone", String(32), nullable=False, server_default=""),
    Column("language", String(8), nullable=False),
    Column("channel", word(Channel, "channel"), nullable=False),
    Column("timezone", String(64), nullable=False, server_default=""),
    Column("flagged", String(300), nullable=False, server_default=""),
    Column("absent_until_on", Date),
    Column("erased_at", UtcInstant),
)

roles = Table(
    "roles",
    METADATA,
    Column("id", BigId, primary_key=True),
    Column("person_id", BigId, ForeignKey("people.id"), nullable=False),
    Column("role", word(Role, "role"), nullable=False),
    # A role without a dialogue holds for the whole programme.
    Column("dialogue_id", BigId, ForeignKey("dialogues.id"), index=True),
    UniqueConstraint("person_id", "role", "dialogue_id"),
)

ladders = Table(
    "ladders",
    METADATA,
    Column("id", BigId, primary_key=True),
    Column("sha256", LargeBinary(32), nullable=False, unique=True),
    Column("name", String(120), nullable=False),
    Column("text", Text, nullable=False),
)

commitments = Table(
    "commitments",
    METADATA,
    Column("id", BigId, primary_key=True),
    Column("dialogue_id", BigId, ForeignKey("dialogues.id"), nullable=False, index=True),
    Column("text", Text, nullable=False),
    Column("language", String(8), nullable=False),
    Column("session_id", BigId, ForeignKey("sessions.id")),
    Column("agreed_on", Date),
    Column("text_hash", LargeBinary(32), nullable=False),
)

actions = Table(
    "actions",
    METADATA,
    Column("id", BigId, primary_key=True),
    Column("ref", String(40), nullable=False, unique=True),
    Column("dialogue_id", BigId, ForeignKey("dialogues.id"), nullable=False),
    Column("commitment_id", BigId, ForeignKey("commitments.id"), nullable=False),
    Column("title", Text, nullable=False),
    Column("kind", word(Kind, "kind"), nullable=False),
    Column("responsible_id", BigId, ForeignKey("parties.id"), nullable=False),
    Column("state", word(State, "state"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("head_hash", LargeBinary(32), nullable=False),
    Column("focal_id", BigId, ForeignKey("people.id")),
    Column("verifier_id", BigId, ForeignKey("parties.id")),
    Column("handling", word(Handling, "handling"), nullable=False),
    Column("repeat", String(200), nullable=False, server_default=""),
    Column("evidence", Text, nullable=False, server_default=""),
    Column("notes", Text, nullable=False, server_default=""),
    Column("due_on", Date),
    Column("original_due_on", Date),
    Column("due_rev", SmallInteger, nullable=False, server_default="0"),
    Column("agreed_on", Date),
    Column("reported_level", word(Level, "reported_level"), nullable=False),
    Column("verified_level", word(Level, "verified_level"), nullable=False),
    Column("former_state", word(State, "former_state")),
    Column("state_version", Integer, nullable=False, server_default="0"),
    Column("state_since_on", Date),
    Column("substance_on", Date),
    Column("answered_on", Date),
    Column("reported_on", Date),
    Column("reported_by_id", BigId, ForeignKey("people.id")),
    Column("obstacle", word(Obstacle, "obstacle")),
    Column("blocker", String(400), nullable=False, server_default=""),
    Column("review_on", Date),
    Column("successor_id", BigId, ForeignKey("actions.id")),
    Column("missed", SmallInteger, nullable=False, server_default="0"),
    Column("waiting", Boolean(name="waiting"), nullable=False, server_default=text("false")),
    Column("episode", Integer, nullable=False, server_default="1"),
    Column("anchor_on", Date),
    Column("ladder_id", BigId, ForeignKey("ladders.id")),
    Column("paused_until_on", Date),
    Column("acknowledged_on", Date),
    Column("next_check_at", UtcInstant),
    # Of the plan's row as last read: the same file read twice changes nothing.
    Column("plan_digest", LargeBinary(32)),
    CheckConstraint("length(title) BETWEEN 1 AND 2000", name="title_length"),
    # What is due next: the sweep's only question. Closed actions are not in it.
    index_where("ix_actions_next_check_at", "next_check_at", where="next_check_at IS NOT NULL"),
    # The same of each dialogue, for shares and turns.
    index_where("ix_actions_turn", "dialogue_id", "next_check_at",
                where="next_check_at IS NOT NULL"),
    # A dialogue's list, columns and counts, without a look at the rows themselves.
    Index("ix_actions_dialogue_state_due_on", "dialogue_id", "state", "due_on", "id", "handling",
          "focal_id", "verifier_id"),
    # The order of every list: what has no date comes last.
    Index("ix_actions_due_on", "due_on", "id", "state", "handling", "dialogue_id",
          "responsible_id", "focal_id", "verifier_id"),
    # Columns of the board, and how many stand where for whom.
    Index("ix_actions_state_due_on", "state", "due_on", "id", "handling", "dialogue_id",
          "focal_id", "verifier_id"),
    Index("ix_actions_responsible_id", "responsible_id"),
)  # fmt: skip

# Folded as `engine/search.py` says, and narrow, so that a search reads little.
action_words = Table(
    "action_words",
    METADATA,
    Column("action_id", BigId, ForeignKey("actions.id"), primary_key=True),
    Column("ref", Text, nullable=False),
    Column("title", Text, nullable=False),
)

action_parties = Table(
    "action_parties",
    METADATA,
    Column("action_id", BigId, ForeignKey("actions.id"), primary_key=True),
    Column("party_id", BigId, ForeignKey("parties.id"), primary_key=True),
)

dependencies = Table(
    "dependencies",
    METADATA,
    Column("action_id", BigId, ForeignKey("actions.id"), primary_key=True),
    Column("needs_id", BigId, ForeignKey("actions.id"), primary_key=True, index=True),
    CheckConstraint("action_id <> needs_id", name="not_itself"),
)

confirmations = Table(
    "confirmations",
    METADATA,
    Column("id", BigId, primary_key=True),
    Column("action_id", BigId, ForeignKey("actions.id"), nullable=False),
    Column("state_version", Integer, nullable=False),
    Column("side", word(Side, "side"), nullable=False),
    Column("person_id", BigId, ForeignKey("people.id"), nullable=False),
    Column("confirmed_on", Date, nullable=False),
    Column("method", String(200), nullable=False),
    Column("seen", Text, nullable=False),
    UniqueConstraint("action_id", "state_version", "side"),
)

occurrences = Table(
    "occurrences",
    METADATA,
    Column("id", BigId, primary_key=True),
    Column("action_id", BigId, ForeignKey("actions.id"), nullable=False),
    Column("due_on", Date, nullable=False),
    Column("outcome", String(8), nullable=False),
    Column("settled_on", Date, nullable=False),
    UniqueConstraint("action_id", "due_on"),
    CheckConstraint("outcome IN ('kept', 'missed')", name="outcome"),
)

events = Table(
    "events",
    METADATA,
    Column("id", BigId, primary_key=True),
    Column("action_id", BigId, ForeignKey("actions.id"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("at", UtcInstant, nullable=False),
    Column("by", String(120), nullable=False),
    Column("payload", Text, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    UniqueConstraint("action_id", "seq"),
    # Whether anything happened after an instant, and what happened between two.
    Index("ix_events_at", "at"),
    sqlite_autoincrement=True,
)

checkpoints = Table(
    "checkpoints",
    METADATA,
    Column("id", BigId, primary_key=True),
    # A checkpoint without a dialogue holds for the whole programme.
    Column("dialogue_id", BigId, ForeignKey("dialogues.id")),
    Column("size", BigInteger, nullable=False),
    Column("last_event_id", BigInteger, nullable=False),
    Column("root", LargeBinary(32), nullable=False),
    # The roots of the full subtrees: enough to go on from here without reading what came before.
    Column("peaks", LargeBinary, nullable=False),
    Column("at", UtcInstant, nullable=False),
    UniqueConstraint("dialogue_id", "size"),
    sqlite_autoincrement=True,
)
