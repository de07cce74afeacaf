"""What a message looks like on the wire, and what a mail server's replies to it mean."""

import re

from notifications.envelope import Outcome, Phase, Result, one_line

DONE, GO_ON, LATER, NEVER = 2, 3, 4, 5  # the first digit of a reply: RFC 5321, 4.2.1
SERVICE_CLOSING = 421
SEND_THE_BODY = 354
TOO_BIG = 552
LOGIN_WANTED = frozenset({530, 534, 535, 538})  # RFC 4954, 6: our login is missing or refused

_ANY_LINE_END = re.compile(rb"\r\n|\r|\n")


def canonical(data: bytes) -> bytes:
    """The message with CR LF at the end of every line, the last one included."""
    lines = data.count(b"\r\n")
    if not lines == data.count(b"\n") == data.count(b"\r"):
        data = _ANY_LINE_END.sub(b"\r\n", data)
    return data if data.endswith(b"\r\n") else data + b"\r\n"


def stuffed(data: bytes) -> bytes:
    """A canonical message with a second dot on lines that start with one (RFC 5321, 4.5.2)."""
    if data.startswith(b"."):
        data = b"." + data
    return data.replace(b"\r\n.", b"\r\n..")


def kind(code: int) -> int:
    """The first digit of a reply code; 0 for what is no reply code at all."""
    return code // 100 if 200 <= code < 600 else 0  # noqa: PLR2004 - RFC 5321, 4.2.1


def usable_after(code: int) -> bool:
    """Whether the connection can carry another message after this refusal."""
    return kind(code) in (LATER, NEVER) and code != SERVICE_CLOSING


def refusal(phase: Phase, code: int, text: bytes) -> Result:
    """
    What a reply other than the hoped-for one means.

    4xx: later. 5xx for the recipient or the message: never. 5xx for the sender, or for want of a
    login: a setting is wrong, and no recipient may be blamed. Anything else is no answer at all.
    """
    said = kind(code)
    too_big = phase is Phase.MAIL and code == TOO_BIG
    channel_down = code in LOGIN_WANTED or (phase is Phase.MAIL and said == NEVER and not too_big)
    if said not in (LATER, NEVER):
        outcome = Outcome.UNKNOWN if phase is Phase.DOT else Outcome.RETRY
    elif said == NEVER and not channel_down:
        outcome = Outcome.REJECTED
    else:
        outcome = Outcome.RETRY
    return Result(
        outcome=outcome,
        phase=Phase.SIZE if too_big else phase,
        code=code if said else None,
        text=one_line(text),
        channel_down=channel_down,
    )


def lost(phase: Phase, error: OSError) -> Result:
    """What it means that the connection went: only after the final dot can it mean two things."""
    return Result(
        outcome=Outcome.UNKNOWN if phase is Phase.DOT else Outcome.RETRY,
        phase=phase,
        text=one_line(str(error)),
    )


def oversize(size: int, limit: int) -> Result:
    """The refusal that the server would give (RFC 1870, 6.1), known before a byte is sent."""
    text = f"{size} bytes are more than the {limit} that the server takes"
    return Result(outcome=Outcome.REJECTED, phase=Phase.SIZE, code=TOO_BIG, text=text)
