"""The figure of a learning-rate range test."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from firstlight.core.range_test import RangeTest
from firstlight.draw.style import INK, NEGATIVE, POSITIVE, QUIET, SMALL, add_panel, grid, new_figure

WIDTH, HEIGHT = 5.2, 3.0
# The curve after the beginning's loss, which may end in the thousands, would flatten the rest.
HEADROOM = 1.3


def range_test_figure(test: RangeTest) -> Figure:
    """The loss over the learning rate, with the suggestion.

    Args:
        test: what `firstlight.lr` returns.

    Returns:
        A figure with one panel; the learning rate grows by factors from left to right. What
        rises far above the loss of the beginning is cut off.

    Example:
        >>> test = RangeTest((0.1, 1.0), (2.0, 1.0), (1.9, 1.1), 1.0, 0.1, 0.1, "", "")
        >>> [line.get_label() for line in range_test_figure(test).axes[0].lines]
        ['one batch', 'smoothed', 'lowest', 'suggested: 0.1']
    """
    figure = new_figure(WIDTH + 1.05, HEIGHT + 1.0)
    labels = {"title": "loss while the learning rate grows", "xlabel": "learning rate"}
    axes = add_panel(figure, 0.85, 0.6, WIDTH, HEIGHT, ylabel="loss", **labels)
    axes.set_xscale("log")
    axes.plot(test.rates, test.losses, color=QUIET, linewidth=0.7, alpha=0.6, label="one batch")
    axes.plot(test.rates, test.smoothed, color=POSITIVE, linewidth=1.8, label="smoothed")
    at = test.rates.index(test.lowest)
    axes.plot(
        [test.lowest], [test.smoothed[at]], "o", color=POSITIVE, markersize=9,
        markerfacecolor="none", label="lowest",
    )  # fmt: skip
    axes.axvline(
        test.suggestion,
        color=NEGATIVE,
        linestyle="--",
        linewidth=1.4,
        label=f"suggested: {test.suggestion:g}",
    )
    low, start = min(test.smoothed), test.smoothed[0]
    axes.set_ylim(max(0.0, low - 0.1 * (start - low)), low + HEADROOM * (start - low))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g}"))
    grid(axes)
    axes.legend(frameon=False, fontsize=SMALL, labelcolor=INK, loc="lower left")
    return figure
