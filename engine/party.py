"""Who takes part: parties, the persons who speak for them, and what each may do."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Side(StrEnum):
    """Which side of the table a party sits on."""

    SECURITY = "security"
    AUTHORITY = "authority"
    COMMUNITY = "community"
    OTHER = "other"


class Role(StrEnum):
    """What a person is there for; per dialogue, or for the whole programme."""

    FOCAL_POINT = "focal_point"
    ALTERNATE = "alternate"
    COORDINATOR = "coordinator"
    VERIFIER = "verifier"
    COMMITTEE = "committee"
    MANAGER = "manager"
    AUDITOR = "auditor"


class Channel(StrEnum):
    """How a person is told. `page` waits on the web board; `call` is made by a coordinator."""

    EMAIL = "email"
    SMS = "sms"
    CALL = "call"
    PAGE = "page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """An institution or group. `superior_id` is the party above it in its chain of command."""

    id: int
    name: str
    side: Side = Side.OTHER
    superior_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """
    A function at a party (“chief of post”); the name is optional.

    `flagged` holds why the address does not work, or is empty while it does.
    `timezone` is empty for a person who lives in the dialogue's time zone. Until and on
    `absent_until_on` somebody else stands in, where there is somebody.
    """

    id: int
    key: str
    party_id: int | None
    function: str
    name: str = ""
    email: str = ""
    phone: str = ""
    language: str = "en"
    channel: Channel = Channel.EMAIL
    timezone: str = ""
    flagged: str = ""
    absent_until_on: date | None = None

    def is_absent(self, today: date) -> bool:
        """Whether somebody else should be written to today."""
        return self.absent_until_on is not None and today <= self.absent_until_on

    @property
    def written_by(self) -> Channel | None:
        """
        The channel by which a written message can reach this person; None if there is none.

        Whether texts can leave at all is the directory's business: it knows nobody by `sms` while
        there is no gateway.
        """
        if self.flagged:
            return None
        if self.channel is Channel.SMS and self.phone:
            return Channel.SMS
        return Channel.EMAIL if self.email else None

    @property
    def reachable(self) -> bool:
        """Whether a written message can reach this person (a call needs a coordinator)."""
        return self.written_by is not None

    @property
    def called(self) -> str:
        """The name where there is one, else the function."""
        return self.name or self.function
