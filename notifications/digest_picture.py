"""What the pictures of a digest show, before anything is drawn (drawing takes a while to load)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One sort of things in a picture: its word, its colour, and a number for each place."""

    label: str
    colour: str
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """
    What to draw, in words of one language; `alt` says the same numbers in a sentence or two.

    `form`: `over_time` (layers upon each other, a column for each of `places`), `shares` (a bar for
    each place, divided among the layers), `pairs` (for each place a bar of each layer) or `bars`.
    """

    name: str
    form: str
    alt: str
    places: tuple[str, ...]
    layers: tuple[Layer, ...]
    from_right: bool = False
