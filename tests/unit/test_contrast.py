"""Colours that a program cannot see on the page, because the stylesheet mixes them there."""

import re
from pathlib import Path

import pytest

import web.app

STYLE = (Path(web.app.__file__).parent / "static" / "style.css").read_text("utf-8")
LIGHT, DARK = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)[:2]
CHIP = 0.7
"""So much of a state's colour is in its chip; the rest is black."""


def colours(scheme: str) -> dict[str, tuple[float, float, float]]:
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", scheme))
    return {name: rgb(value) for name, value in found.items()}


def rgb(value: str) -> tuple[float, float, float]:
    digits = value.strip("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    red, green, blue = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    return red, green, blue


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """As WCAG 2.2 reckons it."""

    def light(colour: tuple[float, ...]) -> float:
        parts = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in colour]
        return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), parts, strict=True))

    darker, lighter = sorted((light(one), light(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_the_word_in_a_chip_can_be_read(scheme):
    assert f"background: color-mix(in srgb, var(--chip, var(--s-closed)) {CHIP:.0%}, #000)" in STYLE
    states = {n: c for n, c in colours(scheme).items() if n.startswith("s-")}
    assert len(states) == 9
    for name, colour in states.items():
        assert contrast(rgb("#fff"), tuple(CHIP * part for part in colour)) >= 4.5, name


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_where_the_keyboard_stands_can_be_seen(scheme):
    """A ring of two colours: one for cards and paper, one for the bar above."""
    assert "outline: 3px solid var(--link)" in STYLE
    known = colours(LIGHT) | colours(scheme)
    assert contrast(known["link"], known["card"]) >= 3
    assert contrast(known["link"], known["paper"]) >= 3
    assert contrast(known["ring"], known["accent"]) >= 3
