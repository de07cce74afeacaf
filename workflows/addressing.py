"""Where a message to a person goes, and what happens where it cannot go anywhere."""

from engine.errors import BadValue
from engine.party import Channel, Person
from notifications.envelope import ascii_address, refused_address
from notifications.phone import mobile_number

FOR_THE_BOARD = frozenset(
    {
        "call_task", "cannot", "contact", "dispute", "early_warning", "help", "new_date",
        "nobody", "note", "watchdog", "wrong_person",
    }
)  # fmt: skip
"""What somebody has to do something about: without an address it stands on the board."""


def recipient_of(person: Person, country: str = "") -> str:
    """The address or number that a message goes to; BadValue if it cannot be one."""
    if person.written_by is Channel.SMS:
        return mobile_number(person.phone, country)
    ascii_address(person.email)
    return person.email


def unwritable(person: Person, country: str = "") -> str:
    """Why no message can be addressed to this person; empty while one can."""
    try:
        recipient_of(person, country)
    except BadValue as error:
        if person.written_by is Channel.SMS:
            return f"the number {error.reason}"
        return refused_address(error).text
    return ""
