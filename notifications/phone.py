"""Telephone numbers as texts need them: complete, and able to take a text."""

from functools import lru_cache
from typing import Final

from engine.errors import BadValue

_NO_TEXTS: Final = {
    "FIXED_LINE": "is that of a fixed line, which takes no texts",
    "PREMIUM_RATE": "is that of a paid service",
    "SHARED_COST": "is that of a paid service",
    "UAN": "is that of a company's switchboard",
    "VOICEMAIL": "is that of a voice mailbox",
}


@lru_cache(maxsize=16_384)
def mobile_number(raw: str, country: str = "") -> str:
    """
    A number as `+` and digits (ITU-T E.164), if a text can be sent to it.

    `country` is the dialogue's, for a number that was written as people dial it there. BadValue for
    anything else; its sentence never repeats the number, since it ends up in lists and logs.
    """
    import phonenumbers  # noqa: PLC0415 - 60 ms that a run without texts need not pay

    try:
        number = phonenumbers.parse(raw, country.upper() or None)
    except phonenumbers.NumberParseException:
        raise BadValue("phone", "…", "is no telephone number with its country code") from None
    if not phonenumbers.is_possible_number(number) or number.extension:
        raise BadValue("phone", "…", "has too few or too many digits for its country")
    kind = phonenumbers.PhoneNumberType.to_string(phonenumbers.number_type(number))
    if kind in _NO_TEXTS:
        raise BadValue("phone", "…", f"{_NO_TEXTS[kind]}: it has to be called")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def same_number(raw: str) -> str:
    """A number as it is compared: what a gateway or a plan wrote, as `+` and digits."""
    digits = "".join(sign for sign in raw if sign.isascii() and sign.isdecimal())
    return f"+{digits.removeprefix('00')}" if digits else ""
