"""The four pictures of a manager's digest: what they show, and how it is said without them."""

from collections.abc import Iterable, Mapping
from typing import Final

from engine.action import Level, State
from engine.digest import AGES, Figures, Place
from engine.party import Side
from notifications.digest_picture import Chart, Layer
from notifications.digest_terms import COLOURS, OBSTACLE_COLOUR, Speech

_REPORTED, _VERIFIED, _LATE = "#56b4e9", "#0072b2", "#e69f00"

_STAGES: Final = (
    ("confirmed", (State.VERIFIED, State.IN_FORCE), COLOURS[Place.CONFIRMED]),
    ("to_confirm", (State.REPORTED_DONE,), COLOURS[Place.TO_CONFIRM]),
    ("under_way", (State.AGREED, State.IN_PROGRESS), COLOURS[Place.ON_TIME]),
    ("obstacle", (State.BLOCKED,), OBSTACLE_COLOUR),
    ("differently", (State.DISPUTED,), COLOURS[Place.SEEN_DIFFERENTLY]),
    ("not_agreed", (State.PROPOSED,), COLOURS[Place.NOT_AGREED]),
    ("ended", (State.SUPERSEDED, State.WITHDRAWN, State.NOT_IMPLEMENTED), COLOURS[Place.ENDED]),
)


def charts(figures: Figures, speech: Speech) -> dict[str, Chart]:
    """The pictures by name; one that would be empty is left out."""
    drawn = (
        _over_time(figures, speech) if len(figures.series) > 1 else None,
        _levels(figures, speech) if any(map(_rated, figures.levels.values())) else None,
        _ages(figures, speech) if sum(figures.ages.values()) else None,
        _sides(figures, speech) if figures.by_side else None,
    )
    return {chart.name: chart for chart in drawn if chart}


def _rated(level: Mapping[str, int]) -> int:
    return level["reported"]


def _over_time(figures: Figures, speech: Speech) -> Chart:
    gettext = speech.gettext
    said = {
        "confirmed": gettext("confirmed"),
        "to_confirm": gettext("to be confirmed"),
        "under_way": gettext("agreed or under way"),
        "obstacle": gettext("with an obstacle"),
        "differently": gettext("seen differently"),
        "not_agreed": gettext("not agreed yet"),
        "ended": gettext("closed"),
    }
    layers = [
        Layer(
            label=said[name],
            colour=colour,
            values=tuple(
                sum(point.by_state.get(state, 0) for state in states) for point in figures.series
            ),
        )
        for name, states, colour in _STAGES
    ]
    layers = [layer for layer in layers if any(layer.values)]
    first, last = figures.series[0], figures.series[-1]
    alt = gettext(
        "Where the actions stood over time. %(first)s: %(then)s. %(last)s: %(now)s.",
        first=speech.day(first.on),
        then=_summed(speech, ((layer.label, layer.values[0]) for layer in layers)),
        last=speech.day(last.on),
        now=_summed(speech, ((layer.label, layer.values[-1]) for layer in layers)),
    )
    return Chart(
        name="over-time",
        form="over_time",
        alt=alt,
        places=tuple(f"{point.on:%d/%m}" for point in figures.series),
        layers=tuple(layers),
        from_right=speech.from_right,
    )


def _levels(figures: Figures, speech: Speech) -> Chart:
    gettext, named = speech.gettext, speech.levels()
    layers = tuple(
        Layer(
            label=label,
            colour=colour,
            values=tuple(figures.levels[level][sort] for level in Level),
        )
        for sort, label, colour in (
            ("reported", gettext("reported"), _REPORTED),
            ("verified", gettext("confirmed"), _VERIFIED),
        )
    )
    alt = gettext(
        "How much is there. Reported by those who took it on: %(reported)s. "
        "Confirmed by others: %(verified)s.",
        reported=_summed(speech, zip(named.values(), layers[0].values, strict=True)),
        verified=_summed(speech, zip(named.values(), layers[1].values, strict=True)),
    )
    return Chart(
        name="levels",
        form="pairs",
        alt=alt,
        places=tuple(named[level] for level in Level),
        layers=layers,
        from_right=speech.from_right,
    )


def ages_said(speech: Speech) -> dict[str, str]:
    """What each span of working days is called."""
    spans, low = {}, 0
    for most, name in AGES:
        if most is None:
            spans[name] = speech.gettext("more than %(days)s", days=speech.number(low))
        else:
            spans[name] = speech.gettext(
                "%(first)s to %(last)s", first=speech.number(low + 1 if low else 0),
                last=speech.number(most),
            )  # fmt: skip
            low = most
    return spans


def _ages(figures: Figures, speech: Speech) -> Chart:
    spans = ages_said(speech)
    values = tuple(figures.ages[name] for name in spans)
    return Chart(
        name="ages",
        form="bars",
        alt=speech.gettext(
            "For how many working days what stands still has waited: %(ages)s.",
            ages=_summed(speech, zip(spans.values(), values, strict=True)),
        ),
        places=tuple(spans.values()),
        layers=(Layer(label="", colour=_LATE, values=values),),
        from_right=speech.from_right,
    )


def _sides(figures: Figures, speech: Speech) -> Chart:
    """Only where something is at it, a place gets a colour."""
    sides, places = speech.sides(), speech.places()
    layers = tuple(
        Layer(
            label=places[place],
            colour=colour,
            values=tuple(share.places[place] for share in figures.by_side),
        )
        for place, colour in COLOURS.items()
        if figures.every.places[place]
    )
    names = [sides[Side(share.name)] for share in figures.by_side]
    alt = ". ".join(
        speech.pair(name, _summed(speech, ((layer.label, layer.values[at]) for layer in layers)))
        for at, name in enumerate(names)
    )
    return Chart(
        name="sides",
        form="shares",
        alt=f"{alt}.",
        places=tuple(
            f"{name} ({speech.number(share.total)})"
            for name, share in zip(names, figures.by_side, strict=True)
        ),
        layers=layers,
        from_right=speech.from_right,
    )


def _summed(speech: Speech, pairs: Iterable[tuple[str, int]]) -> str:
    said = [f"{label} {speech.number(value)}" for label, value in pairs if value]
    return speech.gettext(", ").join(said) or speech.number(0)
