"""Whether all sides are treated alike, and what comes to a halt in one place, from plain counts."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from statistics import median, quantiles
from typing import Final

from engine.action import Kind
from engine.party import Side

ENOUGH: Final = 5
"""So many late actions, escalations or claims a side needs before its share means anything."""

ENOUGH_FINISHED: Final = 8
"""So many finished actions of a kind before its pace is spoken of: a quarter is then two."""

LOPSIDED: Final = 2.0
"""One side gets this many times what another gets."""

TOGETHER: Final = 3
"""So many actions of one place that stand still at once, and at least half of what it owes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """
    What counts of one action on a day.

    `days_late` are working days after its due date, 0 for none and where others are waited for.
    `reminders` reached its party in the present run, however many of its persons. `escalated_after`
    are working days from the due date to the first escalation, None without one. `claimed`:
    reported as done at least once; `confirmed`: a verifier saw it. `took_days` are calendar days
    from the agreement to the confirmation, or to the day of the figures for what is not confirmed;
    None without an agreement.
    """

    ref: str
    dialogue: str
    party: str
    side: Side
    kind: Kind
    owed: bool
    days_late: int
    stalled: bool
    reminders: int
    escalated_after: int | None
    claimed: bool
    confirmed: bool
    took_days: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SideFigures:
    """
    One side, with the denominator of each share beside it.

    `reminders_per_10_days`: reminders for ten working days of lateness of what is late now.
    """

    side: Side
    owed: int
    late: int
    days_late: int
    reminders: int
    reminders_per_10_days: float | None
    escalated: int
    days_to_escalate: float | None
    claimed: int
    confirmed: int
    confirmed_share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """
    How long actions of a kind take, in calendar days from agreement to confirmation.

    Only finished ones are counted, so that what will take long is not in it yet: the median is
    too short rather than too long. None where fewer than `ENOUGH_FINISHED` are finished. `slower`
    are those at work for longer than three quarters of the finished ones took.
    """

    kind: Kind
    finished: int
    median_days: float | None
    upper_quarter_days: float | None
    slower: tuple[str, ...]


class Warned(StrEnum):
    """What a coordinator is warned of."""

    LOPSIDED_REMINDERS = "lopsided_reminders"
    LOPSIDED_ESCALATION = "lopsided_escalation"
    STANDSTILL = "standstill"


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyWarning:
    """One early warning with the numbers behind it; `about` is a side, party or dialogue."""

    what: Warned
    about: str
    against: str
    here: float
    there: float
    refs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fairness:
    """All of it for one programme or dialogue on one day."""

    as_of: date
    sides: tuple[SideFigures, ...]
    paces: tuple[Pace, ...]
    warnings: tuple[EarlyWarning, ...]


def fairness(tracks: Sequence[Track], as_of: date) -> Fairness:
    """The figures of these actions, and what is out of balance."""
    by_side: dict[Side, list[Track]] = defaultdict(list)
    for track in tracks:
        by_side[track.side].append(track)
    sides = tuple(_side(side, by_side[side]) for side in Side if by_side[side])
    return Fairness(
        as_of=as_of,
        sides=sides,
        paces=tuple(_pace(kind, tracks) for kind in Kind),
        warnings=(*_lopsided(sides), *_standstills(tracks)),
    )


def _side(side: Side, tracks: Sequence[Track]) -> SideFigures:
    late = [t for t in tracks if t.days_late > 0]
    days = sum(t.days_late for t in late)
    reminders = sum(t.reminders for t in late)
    waits = [t.escalated_after for t in tracks if t.escalated_after is not None]
    claimed = sum(t.claimed for t in tracks)
    confirmed = sum(t.confirmed for t in tracks if t.claimed)
    return SideFigures(
        side=side,
        owed=sum(t.owed for t in tracks),
        late=len(late),
        days_late=days,
        reminders=reminders,
        reminders_per_10_days=round(10 * reminders / days, 2) if len(late) >= ENOUGH else None,
        escalated=len(waits),
        days_to_escalate=median(waits) if len(waits) >= ENOUGH else None,
        claimed=claimed,
        confirmed=confirmed,
        confirmed_share=round(confirmed / claimed, 3) if claimed >= ENOUGH else None,
    )


def _pace(kind: Kind, tracks: Iterable[Track]) -> Pace:
    of_kind = [t for t in tracks if t.kind is kind and t.took_days is not None]
    took = [t.took_days or 0 for t in of_kind if t.confirmed]
    if len(took) < ENOUGH_FINISHED:
        return Pace(
            kind=kind, finished=len(took), median_days=None, upper_quarter_days=None, slower=()
        )
    upper = quantiles(took, n=4, method="inclusive")[2]
    slower = [t.ref for t in of_kind if t.owed and (t.took_days or 0) > upper]
    return Pace(
        kind=kind,
        finished=len(took),
        median_days=median(took),
        upper_quarter_days=upper,
        slower=tuple(sorted(slower)),
    )


def _lopsided(sides: Sequence[SideFigures]) -> Iterable[EarlyWarning]:
    reminded = [(s.side, s.reminders_per_10_days) for s in sides]
    yield from _out_of_balance(Warned.LOPSIDED_REMINDERS, reminded)
    waited = [(s.side, s.days_to_escalate) for s in sides]
    yield from _out_of_balance(Warned.LOPSIDED_ESCALATION, waited)


def _out_of_balance(
    what: Warned, found: Sequence[tuple[Side, float | None]]
) -> Iterable[EarlyWarning]:
    """
    The side that gets most against the one that gets least, if that is twice as much.

    Of those about which there is enough to say anything; nothing at all is the least there is.
    """
    ranked = sorted((value, side) for side, value in found if value is not None)
    if len(ranked) < 2:  # noqa: PLR2004 - one side alone is in balance with itself
        return
    (least, low), (most, high) = ranked[0], ranked[-1]
    if most > 0 and most >= LOPSIDED * least:
        yield EarlyWarning(what=what, about=high, against=low, here=most, there=least)


def _standstills(tracks: Sequence[Track]) -> Iterable[EarlyWarning]:
    owed: Counter[str] = Counter()
    still: dict[str, list[str]] = defaultdict(list)
    for track in tracks:
        if not track.owed:
            continue
        place = f"{track.dialogue}: {track.party}"
        for name in (track.dialogue, place):
            owed[name] += 1
            if track.stalled:
                still[name].append(track.ref)
    for name, refs in sorted(still.items()):
        if len(refs) >= TOGETHER and 2 * len(refs) >= owed[name]:
            yield EarlyWarning(
                what=Warned.STANDSTILL,
                about=name,
                against="",
                here=len(refs),
                there=owed[name],
                refs=tuple(sorted(refs)),
            )
