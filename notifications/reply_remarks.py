"""What a coordinator reads beside somebody's mail: why it was not applied, what was not kept."""

from collections.abc import Callable
from enum import StrEnum
from typing import Final

from notifications.language import isolated, words
from notifications.neutral import plain

_MB: Final = 2**20
_LONGEST_NAME: Final = 60


class Refused(StrEnum):
    """Why a file was not kept."""

    LARGE = "large"
    SORT = "sort"
    FULL = "full"


def no_words(language: str) -> str:
    """In place of an answer that has none."""
    _: Callable[[str], str] = words(language).gettext
    return _("The answer had no words of its own above what it quoted.")


def of_a_stranger(language: str, *, files: bool) -> str:
    """Why what somebody wrote had no effect."""
    _: Callable[[str], str] = words(language).gettext
    said = _("Nothing was done: this did not come from the address that was written to.")
    kept = _("Its files were not kept.")
    return f"{said} {kept}" if files else said


def file_refused(language: str, name: str, why: Refused) -> str:
    """Which file was not kept, and why."""
    _: Callable[[str], str] = words(language).gettext
    said = {
        Refused.LARGE: _("A file was not kept because it is too large: %(name)s"),
        Refused.SORT: _("A file was not kept because it is of no sort that is taken: %(name)s"),
        Refused.FULL: _("A file was not kept because there are too many already: %(name)s"),
    }[why]
    return said % {"name": isolated(language, plain(name)[:_LONGEST_NAME])}


def mail_cut(language: str, size: int) -> str:
    """That only the beginning of a mail was read."""
    _: Callable[[str], str] = words(language).gettext
    said = _("The mail was too large (%(size)s MB): its files were not read.")
    return said % {"size": max(1, round(size / _MB))}
