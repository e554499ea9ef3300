"""Figures that hold what a network says of its own trust against what came true."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from firstlight.core.scores import Score
from firstlight.core.trust import ReliabilityBin, Trust
from firstlight.draw.style import (
    INK,
    PAPER,
    POSITIVE,
    QUIET,
    SMALL,
    add_panel,
    grid,
    new_figure,
)

SIDE = 3.0  # inches of a panel
LEFT, BETWEEN, BOTTOM = 0.9, 1.0, 0.65


def calibration_figure(trust: Trust) -> Figure:
    """Measured coverage against the level, and the histogram of ranks.

    Args:
        trust: of one target, with `coverage`, `ranks` or both.

    Returns:
        A figure with a panel for each: coverage with its sampling error beside the diagonal;
        how many true values fell into each tenth of what was predicted, on the band in which
        19 of 20 bins of an even histogram lie.

    Example:
        >>> from firstlight.core.trust import Coverage
        >>> trust = Trust("mass", coverage=(Coverage(0.9, Score(0.88), 0.1),), ranks=(5, 4, 6))
        >>> [axes.get_ylabel() for axes in calibration_figure(trust).axes]
        ['share that they held', 'images']
    """
    panels = [
        draw
        for draw, rows in ((_draw_coverage, trust.coverage), (_draw_ranks, trust.ranks))
        if rows
    ]
    figure = new_figure(LEFT + len(panels) * (SIDE + BETWEEN) - BETWEEN + 0.3, SIDE + 1.1)
    for k, draw in enumerate(panels):
        draw(figure, LEFT + k * (SIDE + BETWEEN), trust)
    return figure


def reliability_figure(bins: Sequence[ReliabilityBin]) -> Figure:
    """How often a classifier was right against how sure it was, and how often it was so sure.

    Args:
        bins: of the probability of the class that it named.

    Returns:
        A figure with two panels, one above the other.

    Example:
        >>> bins = [ReliabilityBin(0.5, 1.0, 9, 0.8, Score(0.7, 0.5, 0.9))]
        >>> [axes.get_ylabel() for axes in reliability_figure(bins).axes]
        ['share that was right', 'images']
    """
    figure = new_figure(LEFT + SIDE + 0.3, SIDE + 2.3)
    above = add_panel(figure, LEFT, BOTTOM + 1.2, SIDE, SIDE, ylabel="share that was right")
    below = add_panel(
        figure, LEFT, BOTTOM, SIDE, 0.95, xlabel="probability that it gave", ylabel="images"
    )
    sure = [row.confidence for row in bins]
    _beside_diagonal(above, sure, [row.accuracy for row in bins], "sure as it should be")
    above.set_xticklabels([])
    widths = [row.high - row.low for row in bins]
    below.bar(
        [row.low for row in bins], [row.count for row in bins], widths, align="edge",
        color=POSITIVE, edgecolor=PAPER, linewidth=0.5,
    )  # fmt: skip
    below.set_xlim(above.get_xlim())
    below.xaxis.set_major_formatter(PercentFormatter(1.0))
    grid(below)
    return figure


def _draw_coverage(figure: Figure, left: float, trust: Trust) -> None:
    words = {"xlabel": "share that intervals are to hold", "ylabel": "share that they held"}
    axes = add_panel(figure, left, BOTTOM, SIDE, SIDE, title="coverage", **words)
    levels = [row.level for row in trust.coverage]
    _beside_diagonal(axes, levels, [row.covered for row in trust.coverage], "as promised")


def _beside_diagonal(
    axes: Axes, wanted: Sequence[float], found: Sequence[Score], words: str
) -> None:
    """Shares with their intervals against the shares that they should be."""
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle="--", label=words)
    axes.plot(
        wanted, [score.value for score in found], "o-", color=POSITIVE, markersize=4.5,
        linewidth=1, label="measured",
    )  # fmt: skip
    ends = [
        (x, score.low, score.high)
        for x, score in zip(wanted, found, strict=True)
        if score.low is not None and score.high is not None
    ]
    if ends:
        axes.vlines(*zip(*ends, strict=True), color=POSITIVE, linewidth=1.8)
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0))
    grid(axes)
    axes.legend(frameon=False, fontsize=SMALL, labelcolor=INK, loc="upper left")


def _draw_ranks(figure: Figure, left: float, trust: Trust) -> None:
    words: dict[str, Any] = {
        "title": "where true values fell",
        "xlabel": "in the predicted distribution",
        "ylabel": "images",
    }
    axes = add_panel(figure, left, BOTTOM, SIDE, SIDE, **words)
    low, high = even_band(sum(trust.ranks), len(trust.ranks))
    edges = np.linspace(0, 1, len(trust.ranks) + 1)
    axes.stairs(trust.ranks, edges, fill=True, color=POSITIVE, alpha=0.75)
    # Over the bars, which would hide it.
    band: dict[str, Any] = {"facecolor": INK, "alpha": 0.2, "linewidth": 0}
    axes.axhspan(low, high, label="expected of an even one", **band)
    axes.set(xlim=(0, 1), ylim=(0, 1.25 * max(high, *trust.ranks)))
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.legend(frameon=False, fontsize=SMALL, labelcolor=INK, loc="upper left")


def even_band(count: int, bins: int) -> tuple[float, float]:
    """The counts between which 95 % of the bins of an even histogram lie.

    Each bin's count is then binomial; images are taken as independent of each other.

    Example:
        >>> even_band(1000, 10)
        (82.0, 119.0)
    """
    from scipy.special import bdtrik

    low, high = (float(np.ceil(bdtrik(share, count, 1 / bins))) for share in (0.025, 0.975))
    return low, high
