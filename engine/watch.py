"""What the watchdog looks for: each is something that a person must come to know of."""

from enum import StrEnum


class Watch(StrEnum):
    """
    What is later than it may be, or leads nowhere.

    `unreachable`: nobody can be written to or called about something owed. `unsaid`: a notice
    could have left a day ago. `unlooked`: an action should have been looked at, or a rung is
    reached and nothing was said. `uncalled`, `unreleased`: a call or a release is waited for.
    `unsent`: a channel has taken nothing for a day. `uncollected`: answers are not read. `unheard`:
    another program that listens was given up after days without an answer.
    """

    UNREACHABLE = "unreachable"
    UNSAID = "unsaid"
    UNLOOKED = "unlooked"
    UNCALLED = "uncalled"
    UNRELEASED = "unreleased"
    UNSENT = "unsent"
    UNCOLLECTED = "uncollected"
    UNHEARD = "unheard"


MACHINE = frozenset({Watch.UNSAID, Watch.UNLOOKED, Watch.UNSENT, Watch.UNCOLLECTED})
"""What no person is late with: while there is any of it, all is not well with the program."""
