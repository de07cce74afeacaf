"""Every knob: its name, its default and its reason."""

import os
import re
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from config.environment import PREFIX, merged, said_in_environment
from config.yaml_lines import BadYaml, Items, Text, read_yaml
from engine.errors import BadValue

CONFIG_NAME = "alkawari.yaml"

NO_SETTINGS: Final = frozenset(
    {"ALKAWARI_CONFIG", "ALKAWARI_DEBUG", "ALKAWARI_TEST_POSTGRES", "ALKAWARI_SHARED_DATA"}
)
"""Variables with our prefix that say something else: the last two are for the tests."""


SECRETS: Final = frozenset({"password", "gateway", "secret", "auth", "server_database_url"})
"""Settings that no message may repeat."""


def _known_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError("is no time zone; write it like Africa/Ouagadougou") from None
    return value


Zone = Annotated[str, AfterValidator(_known_zone)]


def _api_address(value: str) -> str:
    given = value.strip().rstrip("/")
    if given and not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]+)*/api", given):
        raise ValueError("is no address of a Prefect server; write it like http://host:4200/api")
    return given


def _name_and_password(value: str) -> str:
    if value and not re.fullmatch(r"[^\s:]+:\S+", value):
        raise ValueError("write name:password")
    return value


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MailPart(_Part):
    """
    Where mail leaves. Without a host nothing leaves; notices wait in the outbox.

    `per_minute`: so many messages may be handed to this server in each minute of the clock, by all
    workers together; 0: as many as it takes. What is over it waits.
    """

    host: str = ""
    port: int = 587
    security: Literal["none", "starttls", "tls"] = "starttls"
    user: str = ""
    password: str = Field(default="", repr=False)
    sender: str = ""
    sender_name: str = "Alkawari"
    reply_to: str = ""
    helo: str = ""
    ca_file: str = ""
    timeout_s: float = 20.0
    dot_timeout_s: float = 40.0
    per_minute: int = Field(default=0, ge=0)


class InboxPart(_Part):
    """
    Where answers and bounces come in. Without an address replies go to the coordinator.

    `address` is the mailbox's own; each message gets a reply address of its own made from it
    (`answers+CODE@…`), so the mailbox must take such addresses, as most do.
    """

    address: str = ""
    host: str = ""
    port: int = 993
    security: Literal["none", "starttls", "tls"] = "tls"
    user: str = ""
    password: str = Field(default="", repr=False)
    folder: str = "INBOX"
    ca_file: str = ""
    timeout_s: float = Field(default=20.0, gt=0)
    at_once: int = Field(default=200, ge=1)


class RetentionPart(_Part):
    """How long is kept what is not the history, in days; 0: for ever."""

    bodies_days: int = Field(default=180, ge=0)
    contacts_days: int = Field(default=365, ge=0)


class TextsPart(_Part):
    """
    Where texts to phones leave, and how the texts that come back are known to be the gateway's.

    `gateway` is an Apprise URL with `{phone}`; without it persons of channel sms are called.
    Without `secret` no text is taken in. The `…_field` names say where sender, words and number of
    a text stand in what the gateway posts, with a dot for what lies inside of something.
    """

    gateway: str = Field(default="", repr=False)
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 25.0
    at_once: int = Field(default=2, ge=1, le=16)
    per_minute: int = Field(default=0, ge=0)
    secret: str = Field(default="", repr=False)
    from_field: str = "from"
    text_field: str = "text"
    id_field: str = "id"


class AnswersPart(_Part):
    """How long an answer link is good for, and where it leads."""

    link_days: int = Field(default=14, ge=1, le=90)


class DigestsPart(_Part):
    """Who gets a digest how often, unless they say otherwise; `at` is in the programme's zone."""

    coordinator: Literal["weekly", "monthly", "never"] = "weekly"
    manager: Literal["weekly", "monthly", "never"] = "monthly"
    at: str = Field(default="07:30", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")


class DeliveryPart(_Part):
    """How messages are taken in hand."""

    lease_s: float = Field(default=60.0, gt=0, le=60)
    batch: int = Field(default=50, ge=1, le=1000)
    connections: int = Field(default=1, ge=1, le=16)
    per_action_and_week: int = Field(default=2, ge=1)
    opens: str = "08:30"
    closes: str = "16:30"


class ApiPart(_Part):
    """What other programs may ask; the budget is of each key."""

    per_minute: int = Field(default=600, ge=1)


class WebhooksPart(_Part):
    """
    How other programs are told of events.

    Without `allow_private` none is called whose address leads to this machine or its own network,
    or without TLS. A receiver that has failed for `give_up_days` is not called any more.
    """

    allow_private: bool = False
    timeout_s: float = Field(default=10.0, gt=0, le=30)
    give_up_days: int = Field(default=5, ge=1, le=60)


class DelaysPart(_Part):
    """Waits that are not rungs of the ladder (DESIGN §3 and §5)."""

    silent_days: int = Field(default=45, ge=1)
    silent_blocked_days: int = Field(default=30, ge=1)
    backlog_days: int = Field(default=15, ge=1)
    backlog_working_days: int = Field(default=10, ge=1)
    missed_after_working_days: int = Field(default=10, ge=1)
    missed_in_a_row: int = Field(default=2, ge=1)
    due_soon_working_days: int = Field(default=10, ge=0)
    stalled_working_days: int = Field(default=20, ge=1)
    stalled_moves: int = Field(default=2, ge=1)
    unacknowledged_working_days: int = Field(default=10, ge=1)
    release_days: int = Field(default=10, ge=1)


class PrefectPart(_Part):
    """
    The Prefect server that hands out work to `alkawari worker`; none for `alkawari up` alone.

    Never taken from a profile of Prefect's own, which may lead to somebody else's server.
    `server_database_url` and `keep_days` are for that server only: `deploy --server-env`.
    """

    api_url: Annotated[str, AfterValidator(_api_address)] = ""
    auth: Annotated[str, AfterValidator(_name_and_password)] = Field(default="", repr=False)
    ca_file: str = ""
    pool: str = Field(default="alkawari", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,59}$")
    away_after_s: float = Field(default=60.0, ge=1)
    server_database_url: str = Field(default="", repr=False)
    keep_days: int = Field(default=3, ge=1)


class PlanPart(_Part):
    """What a plan that does not say it means."""

    timezone: Zone = "UTC"
    country: str = ""
    language: str = "en"


class Settings(_Part):
    """
    Settings from `alkawari.yaml` and, above it, from the environment.

    `ALKAWARI_DATABASE_URL` sets `database_url`, `ALKAWARI_MAIL__HOST` sets `mail.host`, and so on.
    """

    programme: str = "Alkawari"
    timezone: Zone = "UTC"
    data_folder: Path = Path("alkawari-data")
    database_url: str = ""
    ladder: str = ""
    heartbeat_url: str = ""
    public_url: str = ""
    mail: MailPart = MailPart()
    inbox: InboxPart = InboxPart()
    texts: TextsPart = TextsPart()
    answers: AnswersPart = AnswersPart()
    retention: RetentionPart = RetentionPart()
    digests: DigestsPart = DigestsPart()
    delivery: DeliveryPart = DeliveryPart()
    delays: DelaysPart = DelaysPart()
    api: ApiPart = ApiPart()
    webhooks: WebhooksPart = WebhooksPart()
    prefect: PrefectPart = PrefectPart()
    plan: PlanPart = PlanPart()

    @property
    def database(self) -> str:
        """The database's address; the embedded default lies in the data folder."""
        return self.database_url or f"sqlite:///{self.data_folder / 'alkawari.db'}"


def load_settings(config: Path | None) -> Settings:
    """
    Read the settings; `config` is a file, or None for `alkawari.yaml` here if there is one.

    BadValue, in one sentence with the name of the setting, for anything that cannot be used.
    """
    path = config or Path(CONFIG_NAME)
    if config is not None and not path.is_file():
        raise BadValue("--config", str(path), "there is no such file; `alkawari init` writes one")
    source = path if path.is_file() else None

    if source:
        _refuse_other_yaml(source)
    _refuse_unknown_variables()
    try:
        in_file = yaml.safe_load(source.read_text(encoding="utf-8")) if source else None
        settings = Settings.model_validate(merged(in_file or {}, _said_in_environment()))
    except ValidationError as error:
        raise _one_sentence(error, source) from None
    except (yaml.YAMLError, ValueError, OSError) as error:
        reason = " ".join(str(error).split())
        raise BadValue(str(source or "environment"), "settings", reason) from None
    if source is None:
        return settings
    beside = source.resolve().parent
    # An absolute path stays what it is when it is joined to a folder.
    found: dict[str, object] = {"data_folder": beside / settings.data_folder}
    if settings.ladder:
        found["ladder"] = str(beside / settings.ladder)
    for name in ("mail", "inbox", "prefect"):
        part = getattr(settings, name)
        if part.ca_file:
            found[name] = part.model_copy(update={"ca_file": str(beside / part.ca_file)})
    return settings.model_copy(update=found)


def _said_in_environment() -> dict[str, Any]:
    fields = Settings.model_fields.items()
    sections = {name for name, field in fields if isinstance(field.default, _Part)}
    return said_in_environment(sections, NO_SETTINGS)


def _refuse_other_yaml(source: Path) -> None:
    """BadYaml, with the line, unless the file is a mapping; an empty one is all defaults."""
    tree = read_yaml(source)
    if isinstance(tree, Items) or (isinstance(tree, Text) and tree.text):
        raise BadYaml(source.name, tree.line, "settings are lines such as `programme: Alkawari`")


def _refuse_unknown_variables() -> None:
    """A name that was mistyped in the environment would otherwise be left out in silence."""
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    for given in os.environ:
        name = given.upper()
        if not name.startswith(PREFIX) or name in NO_SETTINGS:
            continue
        if name.partition("__")[0] not in known:
            close = get_close_matches(name, sorted(known), n=1, cutoff=0.7)
            hint = f"perhaps {close[0]} is meant" if close else "docs/operating.md has them all"
            raise BadValue("environment", given, f"is no setting of ours; {hint}")


def _one_sentence(error: ValidationError, source: Path | None) -> BadValue:
    first: Any = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    reason = str(first["msg"]).removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        reason = "is no setting of ours; see docs/operating.md for their names"
    where = f"{source.name} or " if source else ""
    hidden = name.rpartition(".")[2] in SECRETS
    shown = "…" if hidden else first.get("input")
    return BadValue(f"Setting {name} ({where}environment)", shown, reason[:1].lower() + reason[1:])


TEMPLATE = """\
# Settings of Alkawari. Every line may be left out; a value set in the environment wins:
# ALKAWARI_MAIL__HOST for mail.host, ALKAWARI_DATABASE_URL for database_url.

programme: Alkawari        # the name that stands in messages
timezone: UTC              # of the timetable
data_folder: alkawari-data # beside this file: database, Prefect's own data

# database_url: postgresql://alkawari@localhost/alkawari   # instead of SQLite in the data folder

mail:
  host: ""                 # without a host nothing leaves; notices wait in the outbox
  port: 587
  security: starttls       # none (loopback only with a password), starttls or tls
  user: ""
  # password: better in the environment, as ALKAWARI_MAIL__PASSWORD
  sender: ""               # the address that we write from
  sender_name: Alkawari
  reply_to: ""             # who reads answers where a dialogue has no coordinator with an address

# public_url: https://alkawari.example   # how people reach our pages: mails then carry links

inbox:                     # where answers come in; without it replies go to the coordinator
  address: ""              # a mailbox that takes name+anything@ too
  host: ""
  port: 993
  security: tls            # none (loopback only), starttls or tls
  user: ""
  # password: better in the environment, as ALKAWARI_INBOX__PASSWORD

# Texts to phones, through Apprise: docs/phones.md. Keep both in the environment, as
# ALKAWARI_TEXTS__GATEWAY (such as jsons://gateway.example/send) and ALKAWARI_TEXTS__SECRET.

plan:                      # what a plan that does not say it means
  timezone: UTC
  country: ""              # ISO code for public holidays; empty for none
  language: en

prefect:                   # only for several machines: docs/operating.md
  api_url: ""              # of the server that hands out work, such as http://host:4200/api
                           # its name and password in the environment, as ALKAWARI_PREFECT__AUTH

# ladder: ladder.yaml      # a ladder of your own; docs/operating.md shows its form
# heartbeat_url: ""        # called by the audit while all is well
"""
