"""Where the parts of a chart lie; templates draw them as inline SVG.

Our own, since what a plotting library draws cannot follow the reader's light or dark page by CSS variables, and weighs
more than the grader (altair with its engine, matplotlib) or brings a script (pygal). Lengths across are percents, so a
chart fits any width while its letters keep their size; lengths down are pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grader.presentation.class_stats import Bin

PLOT_TOP = 40.0  # room for the mark of the median and the numbers above the bars
PLOT_HEIGHT = 130.0


class Bar(NamedTuple):
    """A column of a histogram: x and width in percent, y and height in pixels; `middle` of it in percent."""

    x: float
    width: float
    y: float
    height: float
    middle: float
    low: int
    high: int
    number: int


class Histogram(NamedTuple):
    """Columns over a base line at `base` pixels, and their edges: percent across and the number to write there."""

    bars: tuple[Bar, ...]
    edges: tuple[tuple[float, int], ...]
    base: float
    height: float


class Part(NamedTuple):
    """A part of a stacked bar: x and width in percent."""

    name: str
    x: float
    width: float


def histogram(bins: Sequence[Bin]) -> Histogram:
    """Return the columns for `bins`, the highest as high as the plot; an empty bin has a column of no height."""
    most = max((b.count for b in bins), default=0) or 1
    base = PLOT_TOP + PLOT_HEIGHT
    step = 100 / max(1, len(bins))
    bars = tuple(
        Bar(
            x=round(n * step + step * 0.08, 2),
            width=round(step * 0.84, 2),
            y=round(base - b.count / most * PLOT_HEIGHT, 1),
            height=round(b.count / most * PLOT_HEIGHT, 1),
            middle=round((n + 0.5) * step, 2),
            low=b.low,
            high=b.high,
            number=b.count,
        )
        for n, b in enumerate(bins)
    )
    edges = (*((round(n * step, 2), b.low) for n, b in enumerate(bins)), (100.0, bins[-1].high if bins else 100))
    return Histogram(bars=bars, edges=edges, base=base, height=base + 24)


def stack(counts: Sequence[tuple[str, int]]) -> tuple[Part, ...]:
    """Return one bar parted by `counts` (name, how many); what is 0 has no part."""
    whole = sum(count for _, count in counts)
    parts = []
    before = 0
    for name, count in counts:
        if count:
            parts.append(Part(name, round(100 * before / whole, 3), round(100 * count / whole, 3)))
        before += count
    return tuple(parts)
