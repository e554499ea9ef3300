"""A kernel at work: patch times weights, number by number, and the answer that it gives."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch, Rectangle
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from firstlight.core.insight import KernelAtWork
from firstlight.draw.shades import Shades, shades_over
from firstlight.draw.style import (
    INK,
    LINE,
    NEGATIVE,
    PAPER,
    POSITIVE,
    QUIET,
    SMALL,
    add_panel,
    bare,
    label,
    new_figure,
    write,
)

WIDTH = 9.9
MAP = 2.7  # inches
CELLS = 1.5
CHANNELS = 3  # shown one by one; the others are added up
NUMBERS_UP_TO = 5  # cells along a side into which their numbers are written
PADDING = "#E3E6E8"


def kernel_figure(work: KernelAtWork) -> Figure:
    """How one number of a convolution's answer comes about.

    Above, the channel of the input that counts most with the kernel's place in it, and the
    filter's whole answer with the number's place in it. Below, for the channels that count most,
    the patch times the weights, cell by cell, and at the foot the sum. Grey cells are padding.

    Args:
        work: from `firstlight.explain.kernel_at_work`.

    Example:
        >>> one, at = np.ones((1, 1, 1), np.float32), np.zeros(1, np.int64)
        >>> work = KernelAtWork("conv", 0, 0, 0, one, one[0], at, at, at, one, one, 0.0, "relu")
        >>> kernel_figure(work).axes[1].get_title(loc="left")
        'filter 0 answers'
    """
    shown = work.largest_channels[:CHANNELS]
    height = 0.4 + MAP + 0.8 + len(shown) * (CELLS + 0.42) + 0.3
    figure = new_figure(WIDTH, height)
    top = height - 0.4 - MAP
    first, second = _maps(figure, work, int(shown[0]), top)
    _rays(figure, work, first, second)
    reach = max(float(np.abs(work.weights).max()), 1e-12)
    largest = max(float(np.abs(work.products).max()), 1e-12)
    patches = shades_over(work.patch)
    for row, channel in enumerate(shown.tolist()):
        bottom = top - 0.8 - (row + 1) * (CELLS + 0.42) + 0.42
        _products(figure, work, channel, bottom, (patches, reach, largest))
    _sum(figure, work, shown)
    return figure


def _maps(figure: Figure, work: KernelAtWork, place: int, bottom: float) -> tuple[Axes, Axes]:
    """The channel that counts most, and the filter's answer."""
    channel = int(work.channels[place])
    count = work.received.shape[2]
    which = f", channel {channel} of {count}" if count > 1 else ""
    received = work.received[..., channel]
    pictures = (
        (f"{label(work.layer, 30)} receives{which}", received, 0.35),
        (f"filter {work.filter} answers", work.answer, WIDTH - MAP - 1.9),
    )
    panels = []
    for title, values, left in pictures:
        axes = add_panel(figure, left, bottom, MAP, MAP, title=title)
        bare(axes)
        axes.set_anchor("NW")
        shades = shades_over(values)
        axes.imshow(values, cmap=shades.colours, vmin=shades.low, vmax=shades.high)
        axes.add_patch(_box(-0.5, -0.5, values.shape[1], values.shape[0], LINE, 0.8))
        axes.set_xlabel(shades.in_words().removeprefix("Colours: "), loc="left", fontsize=SMALL)
        panels.append(axes)
    rows, columns = work.rows, work.columns
    left, top = float(columns[0]) - 0.5, float(rows[0]) - 0.5
    across, down = float(columns[-1] - columns[0] + 1), float(rows[-1] - rows[0] + 1)
    panels[0].add_patch(_marker(left, top, across, down))
    panels[1].add_patch(_marker(work.column - 0.5, work.row - 0.5, 1, 1))
    return panels[0], panels[1]


def _box(left: float, top: float, width: float, height: float, colour: str, line: float) -> Any:
    return Rectangle((left, top), width, height, fill=False, edgecolor=colour, linewidth=line)


def _marker(left: float, top: float, width: float, height: float) -> Any:
    """A box that is seen on dark and on light, and may reach over the edge."""
    box = _box(left, top, width, height, INK, 1.6)
    box.set_path_effects([withStroke(linewidth=4, foreground=PAPER)])
    box.set_clip_on(False)
    return box


def _rays(figure: Figure, work: KernelAtWork, received: Axes, answer: Axes) -> None:
    """Thin lines from the kernel's place to the number that it makes."""
    right = float(work.columns[-1]) + 0.5
    for row, side in ((float(work.rows[0]) - 0.5, -0.5), (float(work.rows[-1]) + 0.5, 0.5)):
        figure.add_artist(
            ConnectionPatch(
                xyA=(right, row),
                coordsA=received.transData,
                xyB=(work.column - 0.5, work.row + side),
                coordsB=answer.transData,
                color=QUIET,
                linewidth=0.8,
            )
        )


def _products(
    figure: Figure,
    work: KernelAtWork,
    channel: int,
    bottom: float,
    scales: tuple[Shades, float, float],
) -> None:
    """One channel: patch times weights is products, and their sum."""
    patches, reach, largest = scales
    title = "patch" if len(work.channels) == 1 else f"patch, channel {work.channels[channel]}"
    pictures: tuple[tuple[str, NDArray[Any], Shades | None], ...] = (
        (title, work.patch[..., channel], patches),
        ("times weights", work.weights[..., channel], None),
        ("are products", work.products[..., channel], None),
    )
    for k, (words, values, shades) in enumerate(pictures):
        left = 0.35 + k * (CELLS + 0.75)
        axes = add_panel(figure, left, bottom, CELLS, CELLS, title=words)
        bare(axes)
        axes.set_anchor("NW")
        used = shades or shades_over(np.array([-1.0, 1.0]) * (reach if k == 1 else largest))
        _cells(axes, values, used, work.inside if k != 1 else None)
        if k:
            sign = "×" if k == 1 else "="
            y = (bottom + CELLS / 2) / figure.get_size_inches()[1]
            figure.text((left - 0.4) / WIDTH, y, sign, fontsize=15, color=INK, ha="center")
    total = float(work.channel_sums[channel])
    y = (bottom + CELLS / 2) / figure.get_size_inches()[1]
    x = (0.35 + 3 * (CELLS + 0.75) - 0.35) / WIDTH
    colour = POSITIVE if total >= 0 else NEGATIVE
    figure.text(x, y, "add up to", fontsize=10, color=QUIET, va="center")
    figure.text(x + 0.75 / WIDTH, y, f"{total:.4g}", fontsize=15, color=colour, va="center")


def _cells(
    axes: Axes, values: NDArray[Any], shades: Shades, inside: NDArray[np.bool_] | None
) -> None:
    """Numbers as coloured cells, written into them where they are few; padding in grey."""
    axes.imshow(values, cmap=shades.colours, vmin=shades.low, vmax=shades.high)
    height, width = values.shape
    written = max(height, width) <= NUMBERS_UP_TO
    for row, column in np.ndindex(height, width):
        padded = inside is not None and not inside[row, column]
        if padded:
            corner = (column - 0.5, row - 0.5)
            axes.add_patch(Rectangle(corner, 1, 1, facecolor=PADDING, edgecolor="none"))
        if written:
            value = float(values[row, column])
            dark = not padded and shades.is_dark(value)
            words = "0" if padded else f"{value:.2f}".replace("-0.00", "0.00")
            write(axes, column, row, words, "white" if dark else INK, 6.5)
    axes.add_patch(_box(-0.5, -0.5, width, height, LINE, 0.8))


def _sum(figure: Figure, work: KernelAtWork, shown: NDArray[np.int64]) -> None:
    """The calculation in one line."""
    sums = work.channel_sums
    parts = [f"{sums[channel]:.4g}" for channel in shown.tolist()]
    others = len(sums) - len(shown)
    if others:
        rest = float(sums.sum() - sums[shown].sum())
        parts.append(f"{rest:.4g} of {others} other channel{'s' if others > 1 else ''}")
    words = " + ".join(parts).replace("+ -", "- ")
    words += f" + bias {work.bias:.4g}".replace("+ bias -", "- bias ")
    words += f" = {work.total:.4g}"
    if work.activation != "linear":
        words += f";  {label(work.activation)} makes it {work.value:.4g}"
    x, y = 0.35 / WIDTH, 0.2 / figure.get_size_inches()[1]
    text = figure.text(x, y, words, fontsize=11.5, color=INK, fontweight="bold")
    text.set_parse_math(False)
