"""The words of digests in one language: what each figure is called, and how numbers are said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from engine.action import Level, State
from engine.digest import Entry, Listed, Place
from engine.party import Side
from notifications.language import (
    day,
    direction,
    isolated,
    number,
    percent,
    quoted,
    short,
    words,
)

MOST_REFS, MOST_ROWS = 12, 15
"""What a list names at most; a digest must stay under the size at which mailboxes cut it."""

COLOURS: Final[Mapping[Place, str]] = {
    Place.CONFIRMED: "#0072b2",
    Place.TO_CONFIRM: "#56b4e9",
    Place.ON_TIME: "#009e73",
    Place.PAST_DAY: "#e69f00",
    Place.SEEN_DIFFERENTLY: "#cc79a7",
    Place.NOT_AGREED: "#d9dde0",
    Place.ENDED: "#8a9299",
}
"""Okabe and Ito's, which people who do not see all colours tell apart; no red for anybody."""

OBSTACLE_COLOUR: Final = "#f0e442"


@dataclass(frozen=True, slots=True)
class Speech:
    """Says things in one language; a message that has no translation is said in English."""

    language: str

    @property
    def from_right(self) -> bool:
        return direction(self.language) == "rtl"

    def gettext(self, message: str, **said: str) -> str:
        return words(self.language).gettext(message) % said if said else words(
            self.language
        ).gettext(message)  # fmt: skip

    def ngettext(self, one: str, many: str, num: int, **said: str) -> str:
        form = words(self.language).ngettext(one, many, num)
        return form % {"num": self.number(num), **said}

    def number(self, value: float) -> str:
        return number(self.language, value)

    def of(self, part: int, whole: int) -> str:
        """`12 (31%)`: a count with its share beside it; nothing has none."""
        share = f" ({percent(self.language, part / whole)})" if part and whole else ""
        return f"{self.number(part)}{share}"

    def day(self, value: date) -> str:
        return day(self.language, value)

    def short(self, value: date) -> str:
        return short(self.language, value)

    def plain(self, text: str) -> str:
        """A name or title of somebody's, which cannot turn around what stands beside it."""
        return isolated(self.language, text)

    def refs(self, listed: Listed) -> str:
        """The references that may be named, and how many more there are."""
        shown = [self.plain(entry.ref) for entry in listed.entries[:MOST_REFS]]
        more = listed.count - len(shown)
        if more and shown:
            shown.append(self.ngettext("%(num)s more", "%(num)s more", more))
        return self.gettext(", ").join(shown)

    def named(self, entry: Entry) -> str:
        """The reference, with the title where the reader may have it."""
        return " ".join(filter(None, (self.plain(entry.ref), self.title(entry))))

    def title(self, entry: Entry) -> str:
        """The title in quotes, or nothing."""
        return quoted(self.language, entry.title) if entry.title else ""

    def pair(self, what: str, value: str) -> str:
        """A word and its value."""
        return self.gettext("%(what)s: %(value)s", what=what, value=value)

    def more(self, listed: Listed, shown: Sequence[object]) -> str:
        """How many of a list are not named; empty if all are."""
        left = listed.count - len(shown)
        if not left:
            return ""
        return self.ngettext("%(num)s is not listed here.", "%(num)s are not listed here.", left)

    def places(self) -> dict[Place, str]:
        """Each place as the head of a row."""
        gettext = self.gettext
        return {
            Place.CONFIRMED: gettext("Confirmed"),
            Place.TO_CONFIRM: gettext("Waiting for confirmation"),
            Place.ON_TIME: gettext("Under way, within the agreed day"),
            Place.PAST_DAY: gettext("Past the agreed day"),
            Place.SEEN_DIFFERENTLY: gettext("Seen differently"),
            Place.NOT_AGREED: gettext("Not agreed yet"),
            Place.ENDED: gettext("Replaced, withdrawn or closed"),
        }

    def short_places(self) -> dict[Place, str]:
        """Each place where there is little room."""
        gettext = self.gettext
        return {
            Place.CONFIRMED: gettext("confirmed"),
            Place.TO_CONFIRM: gettext("to be confirmed"),
            Place.ON_TIME: gettext("under way"),
            Place.PAST_DAY: gettext("past the day"),
            Place.SEEN_DIFFERENTLY: gettext("seen differently"),
            Place.NOT_AGREED: gettext("not agreed yet"),
            Place.ENDED: gettext("closed"),
        }

    def states(self) -> dict[State, str]:
        gettext = self.gettext
        return {
            State.VERIFIED: gettext("Done and confirmed"),
            State.IN_FORCE: gettext("In force, confirmed"),
            State.REPORTED_DONE: gettext("Reported as done"),
            State.IN_PROGRESS: gettext("Under way"),
            State.AGREED: gettext("Agreed, not begun"),
            State.BLOCKED: gettext("Waiting for an obstacle to be lifted"),
            State.DISPUTED: gettext("Seen differently by participants"),
            State.PROPOSED: gettext("Proposed, not agreed yet"),
            State.SUPERSEDED: gettext("Replaced by another step"),
            State.WITHDRAWN: gettext("Withdrawn"),
            State.NOT_IMPLEMENTED: gettext("Closed without being carried out"),
        }

    def levels(self) -> dict[Level, str]:
        gettext = self.gettext
        return {
            Level.NOT_INITIATED: gettext("Not begun"),
            Level.MINIMUM: gettext("Begun"),
            Level.INTERMEDIATE: gettext("Well under way"),
            Level.COMPLETED: gettext("Completed"),
        }

    def sides(self) -> dict[Side, str]:
        gettext = self.gettext
        return {
            Side.SECURITY: gettext("Security forces"),
            Side.AUTHORITY: gettext("Authorities"),
            Side.COMMUNITY: gettext("Communities"),
            Side.OTHER: gettext("Others"),
        }

    def changes(self) -> dict[str, str]:
        gettext = self.gettext
        return {
            "confirmed": gettext("Newly confirmed"),
            "to_confirm": gettext("Newly reported as done"),
            "level_up": gettext("Came further, as reported"),
            "seen_differently": gettext("Newly seen differently"),
            "blocked": gettext("Met an obstacle"),
            "moved": gettext("Got another date"),
            "past_day": gettext("Passed their agreed day"),
            "ended": gettext("Replaced, withdrawn or closed"),
            "new": gettext("New in this digest"),
        }
