"""What the watchdog found, in a few words for whoever is told of it."""

from engine.watch import Watch
from notifications.language import spoken, words


def what_waits(language: str, watch: Watch) -> str:
    """What is still waiting, as the middle of a sentence; it names no person and no step."""
    _ = words(spoken(language)).gettext
    match watch:
        case Watch.UNREACHABLE:
            return _("somebody of the party who can be written to or called")
        case Watch.UNSAID:
            return _("messages that could have left a day ago")
        case Watch.UNLOOKED:
            return _("the program's own look at this step, and what it should have said about it")
        case Watch.UNCALLED:
            return _("a call that was asked for two weeks ago")
        case Watch.UNRELEASED:
            return _("a message that waits for its release and is given up if nobody gives it")
        case Watch.UNSENT:
            return _("messages that no server or gateway has taken for a day")
        case Watch.UNCOLLECTED:
            return _("answers that came by mail and were not read")
        case Watch.UNHEARD:
            return _("events for another program, which has not taken any for days")
