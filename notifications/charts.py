"""The pictures of a digest, drawn by matplotlib: PNG for mail, SVG for pages."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any, Final

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from notifications.digest_picture import Chart

WIDTH_IN: Final = 4.6
SHOWN_DPI: Final = 100
PNG_DPI: Final = 2 * SHOWN_DPI
"""Twice as many dots as are shown: telephones have them."""

INK, FAINT, PAPER, LINE = "#1d2328", "#5a646d", "#ffffff", "#c9d2d9"
_TEXT: Final = 10.0
_COLOURS: Final = 48
"""Of a picture of flat areas: enough for smooth letters at a third of the size."""

_STYLE: Final[Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": _TEXT,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "xtick.color": INK,
    "ytick.color": INK,
    "svg.hashsalt": "alkawari",
}


def chart_png(chart: Chart) -> bytes:
    """The picture for a mail: its own light ground and border, so that a dark page does no harm."""
    figure = _drawn(chart)
    raw = BytesIO()
    with rc_context(_STYLE):
        figure.savefig(raw, format="png", dpi=PNG_DPI, metadata={"Software": None})
    raw.seek(0)
    small = BytesIO()
    with Image.open(raw) as picture:
        flat = picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
        flat.save(small, format="PNG", optimize=True)
    return small.getvalue()


def chart_svg(chart: Chart) -> str:
    """The picture for a page; `alt` stands in it as its title."""
    figure = _drawn(chart)
    text = BytesIO()
    with rc_context(_STYLE):
        figure.savefig(text, format="svg", metadata={"Date": None, "Title": chart.alt})
    return text.getvalue().decode("utf-8")


def _drawn(chart: Chart) -> Figure:
    with rc_context(_STYLE):
        figure = Figure(figsize=(WIDTH_IN, _height(chart)), dpi=SHOWN_DPI, facecolor=PAPER,
                        edgecolor=LINE, linewidth=1.5)  # fmt: skip
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0.04, 0.04, 0.92, 0.92))
        _DRAW[chart.form](axes, chart)
        if chart.from_right:
            axes.invert_xaxis()
        return figure


def _height(chart: Chart) -> float:
    match chart.form:
        case "over_time":
            return 2.9
        case "shares":
            return 0.62 * len(chart.places) + 0.3
        case "pairs":
            return 0.86 * len(chart.places) + 0.3
        case _:
            return 0.5 * len(chart.places) + 0.3


def _over_time(axes: Axes, chart: Chart) -> None:
    """Columns of layers; each layer is named beside the last column, at its own height."""
    count = len(chart.places)
    base = [0] * count
    beside: list[tuple[float, str, str]] = []
    for layer in chart.layers:
        axes.bar(range(count), layer.values, 0.82, bottom=base, color=layer.colour,
                 edgecolor=PAPER, linewidth=0.6)  # fmt: skip
        if layer.values[-1]:
            middle = base[-1] + layer.values[-1] / 2
            beside.append((middle, f"{layer.label} {layer.values[-1]}", layer.colour))
        base = [low + value for low, value in zip(base, layer.values, strict=True)]
    top = max([*base, 1])
    room = 0.62 * count + 1.6
    axes.set_xlim(-0.6, count - 0.4 + room)
    axes.set_ylim(-0.12 * top, top * 1.06)
    for height, (middle, text, colour) in zip(
        _apart([middle for middle, _t, _c in beside], 0.105 * top), beside, strict=True
    ):
        start = count - 0.55
        axes.plot([start, start + 0.3], [middle, height], color=colour, linewidth=1.5)
        axes.text(start + 0.42, height, text, va="center", size=_TEXT - 0.5,
                  ha="right" if chart.from_right else "left")  # fmt: skip
    step = max(1, -(-count // 4))
    for place in range(count - 1, -1, -step):
        axes.text(place, -0.03 * top, chart.places[place], ha="center", va="top",
                  size=_TEXT - 1.5, color=FAINT)  # fmt: skip
    axes.axis("off")


def _apart(heights: Sequence[float], least: float) -> list[float]:
    """Rising heights moved as little as is needed so that none is nearer to the next."""
    placed: list[float] = []
    for height in heights:
        placed.append(max(height, placed[-1] + least) if placed else height)
    if placed and (over := placed[-1] - max(heights[-1], placed[0])) > 0:
        low = min(over, max(0.0, placed[0] - least / 2))
        placed = [height - low for height in placed]
    return placed


def _shares(axes: Axes, chart: Chart) -> None:
    """Bars of equal length, so that a large side and a small one can be compared."""
    count = len(chart.places)
    totals = [max(1, sum(layer.values[at] for layer in chart.layers)) for at in range(count)]
    left = [0.0] * count
    for layer in chart.layers:
        wide = [100 * value / total for value, total in zip(layer.values, totals, strict=True)]
        rows = [count - 1 - at for at in range(count)]
        axes.barh(rows, wide, 0.42, left=left, color=layer.colour, edgecolor=PAPER,
                  linewidth=0.8)  # fmt: skip
        for at, value in enumerate(layer.values):
            if wide[at] >= 5:  # noqa: PLR2004 - a narrower piece has no room for a number
                axes.text(left[at] + wide[at] / 2, rows[at], str(value), ha="center", va="center",
                          size=_TEXT - 0.5, color=_on(layer.colour))  # fmt: skip
        left = [low + value for low, value in zip(left, wide, strict=True)]
    _named(axes, chart, 0.24)
    axes.set_xlim(0, 100)
    axes.set_ylim(-0.4, count - 0.35)
    axes.axis("off")


def _pairs(axes: Axes, chart: Chart) -> None:
    count, most = len(chart.places), _most(chart)
    for at in range(count):
        row = count - 1 - at
        for number, layer in enumerate(chart.layers):
            low = row + 0.08 - 0.3 * number
            axes.barh(low, layer.values[at], 0.26, color=layer.colour)
            said = f" {layer.values[at]} {layer.label} "
            axes.text(layer.values[at], low, said, va="center", size=_TEXT - 1,
                      ha="right" if chart.from_right else "left")  # fmt: skip
    _named(axes, chart, 0.25)
    axes.set_xlim(0, most * 1.75)
    axes.set_ylim(-0.45, count - 0.4)
    axes.axis("off")


def _bars(axes: Axes, chart: Chart) -> None:
    [layer], count = chart.layers, len(chart.places)
    most = _most(chart)
    for at, value in enumerate(layer.values):
        row = count - 1 - at
        axes.text(0, row, f"{chart.places[at]}", va="center", size=_TEXT - 0.5,
                  ha="right" if chart.from_right else "left")  # fmt: skip
        axes.barh(row, value, 0.6, left=most * 1.1, color=layer.colour)
        axes.text(most * 1.1 + value, row, f" {value} ", va="center", weight="bold",
                  ha="right" if chart.from_right else "left")  # fmt: skip
    axes.set_xlim(0, most * 2.35)
    axes.set_ylim(-0.55, count - 0.45)
    axes.axis("off")


_DRAW: Final = {"over_time": _over_time, "shares": _shares, "pairs": _pairs, "bars": _bars}


def _named(axes: Axes, chart: Chart, above: float) -> None:
    """The word of each place stands above its bar, where there is room for it in any language."""
    count = len(chart.places)
    for at, place in enumerate(chart.places):
        axes.text(0, count - 1 - at + above, place, va="bottom", size=_TEXT - 0.5,
                  ha="right" if chart.from_right else "left")  # fmt: skip


def _most(chart: Chart) -> int:
    return max(1, *(value for layer in chart.layers for value in layer.values))


def _on(colour: str) -> str:
    """Ink or paper, whichever can be read on a colour."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    light = (299 * red + 587 * green + 114 * blue) / 1000
    return INK if light > 125 else PAPER  # noqa: PLR2004 - the usual measure of brightness
