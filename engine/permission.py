"""Who may do what: one table for every face, and whatever does not stand in it is refused."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from engine.action import Action, Handling
from engine.party import Role


class Tie(StrEnum):
    """
    What somebody is to an action, or to a dialogue where no action is meant.

    `owes`: speaks for a party that owes it. `verifies`: belongs to the party that confirms it.
    `named`: is the one person whom it names. `takes_part`: speaks for any party of its dialogue.
    """

    COORDINATES = "coordinates"
    SITS = "sits"
    MANAGES = "manages"
    AUDITS = "audits"
    OWES = "owes"
    VERIFIES = "verifies"
    NAMED = "named"
    TAKES_PART = "takes_part"


class Deed(StrEnum):
    """What somebody does with an action, a dialogue or the programme."""

    # with an action; its handling level decides as well
    COUNT = "count"
    LIST = "list"
    READ_TITLE = "read_title"
    READ_STORY = "read_story"
    READ_HISTORY = "read_history"
    MOVE = "move"
    REPORT = "report"
    RESCHEDULE = "reschedule"
    ACKNOWLEDGE = "acknowledge"
    RECORD = "record"
    CALL = "call"
    RELEASE = "release"
    ESCALATE = "escalate"
    HOLD = "hold"
    # with a dialogue
    SEE_TODAY = "see_today"
    SEE_FIGURES = "see_figures"
    WRITE_DOWN = "write_down"
    IMPORT = "import"
    EXPORT = "export"
    REHEARSE = "rehearse"
    VERIFY = "verify"
    SEE_AGENDA = "see_agenda"
    SEE_CALENDAR = "see_calendar"
    CHANGE_CALENDAR = "change_calendar"
    PEOPLE = "people"
    HOLD_DIALOGUE = "hold_dialogue"
    # with the whole programme
    HOLD_PROGRAMME = "hold_programme"
    KEYS = "keys"


Table = Mapping[Handling, frozenset[Tie]]

_OWN: Final = frozenset({Tie.COORDINATES, Tie.OWES, Tie.VERIFIES, Tie.NAMED})
_ROOM: Final = _OWN | {Tie.SITS, Tie.TAKES_PART}
_TWO: Final = frozenset({Tie.COORDINATES, Tie.NAMED})
_LOOKS_ON: Final = frozenset({Tie.MANAGES, Tie.AUDITS})

_LISTED: Final[Table] = {
    Handling.PUBLIC: _ROOM | _LOOKS_ON,
    Handling.DIALOGUE: _ROOM | _LOOKS_ON,
    Handling.RESTRICTED: _OWN,
    Handling.CLOSED: _TWO,
}
_TITLED: Final[Table] = {**_LISTED, Handling.DIALOGUE: _ROOM}
_STORY: Final[Table] = {**_TITLED, Handling.PUBLIC: _ROOM | {Tie.MANAGES}}
_HISTORY: Final[Table] = {
    Handling.PUBLIC: _ROOM | _LOOKS_ON,
    Handling.DIALOGUE: _ROOM | {Tie.AUDITS},
    Handling.RESTRICTED: _OWN,
    Handling.CLOSED: _TWO,
}
_COUNTERS: Final = frozenset({Tie.COORDINATES, Tie.SITS, *_LOOKS_ON})


def _by(*ties: Tie) -> Table:
    """Those of the readers of its story who have one of these ties."""
    return {level: _STORY[level] & frozenset(ties) for level in Handling}


_COORDINATOR: Final = _by(Tie.COORDINATES)

ON_ACTIONS: Final[Mapping[Deed, Table]] = {
    # Everything counts in the totals of whoever answers for them; a count of one is never shown.
    Deed.COUNT: {level: _LISTED[level] | _COUNTERS for level in Handling},
    Deed.LIST: _LISTED,
    Deed.READ_TITLE: _TITLED,
    Deed.READ_STORY: _STORY,
    Deed.READ_HISTORY: _HISTORY,
    Deed.MOVE: _by(Tie.COORDINATES, Tie.OWES, Tie.VERIFIES, Tie.NAMED),
    Deed.REPORT: _by(Tie.COORDINATES, Tie.OWES, Tie.VERIFIES, Tie.NAMED),
    Deed.RESCHEDULE: _COORDINATOR,
    Deed.ACKNOWLEDGE: _by(*Tie),
    Deed.RECORD: _COORDINATOR,
    Deed.CALL: _COORDINATOR,
    Deed.RELEASE: _COORDINATOR,
    Deed.ESCALATE: _COORDINATOR,
    Deed.HOLD: _COORDINATOR,
}
"""For each deed and handling level the ties that permit it; the life cycle may still say no."""

ON_DIALOGUES: Final[Mapping[Deed, frozenset[Tie]]] = {
    Deed.SEE_TODAY: frozenset({Tie.COORDINATES}),
    Deed.SEE_FIGURES: frozenset({Tie.COORDINATES, Tie.SITS, Tie.MANAGES}),
    Deed.WRITE_DOWN: frozenset({Tie.COORDINATES}),
    Deed.IMPORT: frozenset({Tie.COORDINATES}),
    Deed.EXPORT: frozenset({Tie.COORDINATES, Tie.SITS, Tie.MANAGES}),
    Deed.REHEARSE: frozenset({Tie.COORDINATES, Tie.MANAGES}),
    Deed.VERIFY: frozenset({Tie.COORDINATES, Tie.SITS, Tie.MANAGES, Tie.AUDITS}),
    Deed.SEE_AGENDA: frozenset({Tie.COORDINATES, Tie.SITS}),
    Deed.SEE_CALENDAR: frozenset({Tie.COORDINATES, Tie.SITS, Tie.MANAGES, Tie.TAKES_PART}),
    Deed.CHANGE_CALENDAR: frozenset({Tie.COORDINATES}),
    Deed.PEOPLE: frozenset({Tie.COORDINATES}),
    Deed.HOLD_DIALOGUE: frozenset({Tie.COORDINATES}),
}
"""What is done with a dialogue as a whole; of what is shown, each action decides for itself."""

ON_PROGRAMME: Final[Mapping[Deed, frozenset[Tie]]] = {
    Deed.HOLD_PROGRAMME: frozenset({Tie.COORDINATES, Tie.MANAGES}),
    Deed.KEYS: frozenset({Tie.COORDINATES, Tie.MANAGES}),
}
"""What needs a role that holds for the whole programme."""

_ROLE_TIES: Final[Mapping[Role, Tie]] = {
    Role.COORDINATOR: Tie.COORDINATES,
    Role.COMMITTEE: Tie.SITS,
    Role.MANAGER: Tie.MANAGES,
    Role.AUDITOR: Tie.AUDITS,
    Role.FOCAL_POINT: Tie.TAKES_PART,
    Role.ALTERNATE: Tie.TAKES_PART,
    Role.VERIFIER: Tie.TAKES_PART,
}
_SPEAKS: Final = frozenset({Role.FOCAL_POINT, Role.ALTERNATE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """
    Somebody who is known, with what they are there for.

    `grants`: each role with the dialogue where it holds, None for the whole programme.
    """

    person_id: int
    key: str
    party_id: int | None
    grants: frozenset[tuple[Role, int | None]]
    called: str = ""
    language: str = "en"

    def roles_in(self, dialogue_id: int) -> frozenset[Role]:
        """The roles that hold in a dialogue."""
        return frozenset(role for role, where in self.grants if where in {None, dialogue_id})

    def ties_in(self, dialogue_id: int) -> frozenset[Tie]:
        """What this person is to a dialogue."""
        return frozenset(_ROLE_TIES[role] for role in self.roles_in(dialogue_id))

    @property
    def programme_ties(self) -> frozenset[Tie]:
        """What this person is to the whole programme."""
        return frozenset(_ROLE_TIES[role] for role, where in self.grants if where is None)

    @property
    def all_ties(self) -> frozenset[Tie]:
        """What this person is anywhere; for menus, never for a decision about something."""
        return frozenset(_ROLE_TIES[role] for role, _where in self.grants)

    def ties_to(self, action: Action, partners: Collection[int] = ()) -> frozenset[Tie]:
        """What this person is to an action; `partners` are the parties that owe it too."""
        held = self.roles_in(action.dialogue_id)
        ties = set(self.ties_in(action.dialogue_id))
        speaks = bool(held & _SPEAKS)
        if speaks and self.party_id in {action.responsible_id, *partners}:
            ties.add(Tie.OWES)
        if self.party_id is not None and held and self.party_id == action.verifier_id:
            ties.add(Tie.VERIFIES)
        if held and self.person_id == action.focal_id:
            ties |= {Tie.OWES, Tie.NAMED}
        return frozenset(ties)

    def may(self, deed: Deed, action: Action, partners: Collection[int] = ()) -> bool:
        """Whether this person may do that with that action."""
        return may(self.ties_to(action, partners), deed, action.handling)

    def may_in(self, deed: Deed, dialogue_id: int) -> bool:
        """Whether this person may do that with that dialogue."""
        return may(self.ties_in(dialogue_id), deed)

    def may_with_all(self, deed: Deed) -> bool:
        """Whether this person may do that with the whole programme."""
        return may(self.programme_ties, deed)

    def may_somewhere(self, deed: Deed) -> bool:
        """Whether there can be anything with which this person may do that."""
        if deed in ON_PROGRAMME:
            return self.may_with_all(deed)
        ties = self.all_ties
        if Tie.TAKES_PART in ties:  # may owe or verify something, and be named by it
            ties |= {Tie.OWES, Tie.VERIFIES, Tie.NAMED}
        if deed in ON_DIALOGUES:
            return may(ties, deed)
        return any(may(ties, deed, level) for level in Handling)

    def dialogues(self, deed: Deed) -> frozenset[int] | None:
        """The dialogues with which this person may do that; None: with every one."""
        if may(self.programme_ties, deed):
            return None
        homes = {where for _role, where in self.grants if where is not None}
        return frozenset(home for home in homes if self.may_in(deed, home))

    def answers_for(self, places: Collection[int | None]) -> bool:
        """
        Whether this person may change somebody who stands in these dialogues; None: the programme.

        In every one of them: whoever writes the address of a post can sign in as its holder.
        """
        mine = self.dialogues(Deed.PEOPLE)
        return mine is None or (bool(places) and all(place in mine for place in places))


def may(ties: Collection[Tie], deed: Deed, handling: Handling | None = None) -> bool:
    """
    Whether these ties permit a deed; of an action its handling level must be given.

    What the table does not name is refused, also a deed with an action of which no level is known.
    """
    if handling is not None:
        permitted = ON_ACTIONS.get(deed, {}).get(handling, frozenset())
    else:
        permitted = ON_DIALOGUES.get(deed) or ON_PROGRAMME.get(deed) or frozenset()
    return not permitted.isdisjoint(ties)
