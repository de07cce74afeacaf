"""The escalation policy: which rung comes when, and to whom."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from engine.party import Role


class Addressee(StrEnum):
    """Whom a rung is for: a role at the action, or the superior of the responsible party."""

    FOCAL_POINT = Role.FOCAL_POINT.value
    ALTERNATE = Role.ALTERNATE.value
    COORDINATOR = Role.COORDINATOR.value
    VERIFIER = Role.VERIFIER.value
    COMMITTEE = Role.COMMITTEE.value
    MANAGER = Role.MANAGER.value
    SUPERIOR = "superior"


class Via(StrEnum):
    """
    How a rung reaches its addressees.

    `message`: written, in the person's channel. `agenda`: an item for the committee's next
    session. `digest`: a section of the manager's digest. The last two are posted to the board
    at once and leave with that paper; they are never a message of their own.
    """

    MESSAGE = "message"
    AGENDA = "agenda"
    DIGEST = "digest"


class Consent(StrEnum):
    """
    Who must agree before a sensitive rung leaves.

    `coordinator`: a coordinator of the dialogue. `committee`: a member of its steering committee.
    `both_sides`: for each side of the table that the action touches, a coordinator or a member of
    the committee who sits on that side.
    """

    COORDINATOR = "coordinator"
    COMMITTEE = "committee"
    BOTH_SIDES = "both_sides"


OWING = frozenset({Addressee.FOCAL_POINT, Addressee.ALTERNATE})
"""The addressees who speak for the party that owes the action."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """
    One step of the ladder.

    `days` are working days after the effective due date (negative: before it), or after the
    episode's anchor if that is later. `call_task` also asks the coordinator to telephone.
    `release` waits for the approval of whoever `consent` names, a coordinator where nothing is
    said; either of the two brings the other. `monthly` says it again each month. From these
    follow: `courtesy`, said before or on the due date, when nothing is late yet; `escalates`, it
    goes to somebody other than the party that owes; `reminds`, a reminder after the due date to
    that party, which is what fair warning asks for.
    """

    name: str
    days: int
    to: tuple[Addressee, ...]
    kind: str
    via: Via = Via.MESSAGE
    call_task: bool = False
    release: bool = False
    monthly: bool = False
    consent: Consent | None = None

    courtesy: bool = field(init=False, compare=False, repr=False)
    escalates: bool = field(init=False, compare=False, repr=False)
    reminds: bool = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        # Asked a dozen times for each action that a sweep looks at, so worked out once.
        courtesy, escalates = self.days <= 0, OWING.isdisjoint(self.to)
        object.__setattr__(self, "courtesy", courtesy)
        object.__setattr__(self, "escalates", escalates)
        object.__setattr__(self, "reminds", not courtesy and not escalates)
        if self.release and self.consent is None:
            object.__setattr__(self, "consent", Consent.COORDINATOR)
        object.__setattr__(self, "release", self.consent is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """
    Rungs in rising order of `days`, and the delays between them, all in working days.

    `fair_warning`: how long before a rung goes up a reminder must have reached the responsible
    party. `acknowledge_within`: an escalation without an acknowledgement for so long brings the
    next rung. `acknowledgement_lasts`: then it expires unless something was reported. `pause`:
    how long a report without movement keeps the ladder still. From these follow `days`, those of
    the rungs, `places`, the place of each rung by its name, and `upward`, the names of the rungs
    that escalate.
    """

    name: str
    rungs: tuple[Rung, ...]
    fair_warning: int = 3
    acknowledge_within: int = 5
    acknowledgement_lasts: int = 10
    pause: int = 10
    days: tuple[int, ...] = field(init=False, compare=False, repr=False)
    places: Mapping[str, int] = field(init=False, compare=False, repr=False)
    upward: frozenset[str] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "days", tuple(rung.days for rung in self.rungs))
        places = {rung.name: place for place, rung in enumerate(self.rungs)}
        object.__setattr__(self, "places", places)
        upward = frozenset(rung.name for rung in self.rungs if rung.escalates)
        object.__setattr__(self, "upward", upward)
        for position, rung in enumerate(self.rungs):
            if any(other.name == rung.name for other in self.rungs[:position]):
                raise ValueError(f"rung {rung.name} stands twice in ladder {self.name}")
            if position and rung.days <= self.rungs[position - 1].days:
                raise ValueError(f"rung {rung.name} does not come after the one before it")

    def rung(self, name: str) -> Rung:
        """The rung of that name; KeyError if this ladder has none."""
        for rung in self.rungs:
            if rung.name == name:
                return rung
        raise KeyError(name)


DEFAULT = Ladder(
    name="default",
    rungs=(
        Rung(name="P1", days=-10, to=(Addressee.FOCAL_POINT,), kind="courtesy"),
        Rung(name="P2", days=-3, to=(Addressee.FOCAL_POINT,), kind="courtesy"),
        Rung(name="P3", days=0, to=(Addressee.FOCAL_POINT,), kind="due_today"),
        Rung(name="R1", days=3, to=(Addressee.FOCAL_POINT,), kind="reminder"),
        Rung(
            name="R2",
            days=10,
            to=(Addressee.FOCAL_POINT, Addressee.ALTERNATE),
            kind="second_reminder",
            call_task=True,
        ),
        Rung(name="E1", days=20, to=(Addressee.COORDINATOR,), kind="stall_review"),
        Rung(name="E2", days=30, to=(Addressee.COMMITTEE,), kind="agenda", via=Via.AGENDA),
        Rung(name="E3", days=45, to=(Addressee.SUPERIOR,), kind="superior", release=True),
        Rung(
            name="E4",
            days=60,
            to=(Addressee.MANAGER,),
            kind="manager",
            monthly=True,
        ),
    ),
)
