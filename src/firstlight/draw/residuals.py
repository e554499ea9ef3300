"""The figure of errors in bins of the target and of each other column."""

from __future__ import annotations

from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from firstlight.core.trust import Bin, Trust
from firstlight.core.verdicts import by_column
from firstlight.draw.style import (
    INK,
    POSITIVE,
    QUIET,
    SMALL,
    add_panel,
    grid,
    label,
    new_figure,
    with_unit,
)

PANELS_IN_A_ROW = 3
WIDTH, HEIGHT = 2.5, 2.1  # inches of a panel
ACROSS, DOWN = 3.1, 3.0  # inches from one panel to the next


def residuals_figure(trust: Trust, unit: str = "") -> Figure:
    """Bias with its interval and rmse, in bins of the target and of each other column.

    Args:
        trust: of one target, with bins.
        unit: that of the target.

    Returns:
        A figure with one panel for each column, all on the same scale.

    Example:
        >>> from firstlight.core.scores import Score
        >>> bins = (Bin("mass", 0, 1, 9, Score(0.1, 0, 0.2), 0.3),)
        >>> residuals_figure(Trust("mass", bins), "kg").axes[0].get_xlabel()
        'mass (kg)'
    """
    columns = by_column(trust.bins)
    across = min(PANELS_IN_A_ROW, len(columns))
    down = ceil(len(columns) / across)
    figure = new_figure(0.75 + ACROSS * across, 0.35 + DOWN * down)
    ends = [end for row in trust.bins for end in (row.bias.low, row.bias.high, row.rmse)]
    reach = [end for end in (*ends, *(row.bias.value for row in trust.bins)) if end is not None]
    low, high = min(0.0, *reach), max(0.0, *reach)
    edge = 0.08 * (high - low) or 1.0
    for k, (column, bins) in enumerate(columns.items()):
        row, place = divmod(k, across)
        axes = add_panel(
            figure,
            0.9 + ACROSS * place,
            0.65 + DOWN * (down - 1 - row),
            WIDTH,
            HEIGHT,
            xlabel=with_unit(label(column, 30), unit if column == trust.target else ""),
            ylabel=with_unit("predicted minus true", unit) if place == 0 else "",
        )
        _draw(axes, bins)
        axes.set_ylim(low - edge, high + edge)
    figure.axes[0].legend(
        frameon=False, fontsize=SMALL, labelcolor=INK, loc="lower left", ncols=2,
        bbox_to_anchor=(-0.03, 1.0), borderaxespad=0.0,
    )  # fmt: skip
    return figure


def _draw(axes: Axes, bins: list[Bin]) -> None:
    lows, highs = np.array([row.low for row in bins]), np.array([row.high for row in bins])
    middles = (lows + highs) / 2
    bias = np.array([row.bias.value for row in bins])
    below = [row.bias.value if row.bias.low is None else row.bias.low for row in bins]
    above = [row.bias.value if row.bias.high is None else row.bias.high for row in bins]
    rmse = [row.rmse for row in bins]
    axes.axhline(0, color=QUIET, linewidth=1, linestyle="--")
    axes.plot(middles, bias, "o", color=POSITIVE, markersize=4.5, label="bias with its interval")
    axes.vlines(middles, below, above, color=POSITIVE, linewidth=1.6)
    axes.plot(
        middles, rmse, color=INK, linewidth=1.2, linestyle=":", marker="s", markersize=3.5,
        label="rmse",
    )  # fmt: skip
    grid(axes)
    if len(bins) <= 6 and len({round(float(x), 9) for x in middles}) == len(bins):
        # A column of a few values: a tick at each of them.
        axes.set_xticks(middles, [f"{x:.4g}" for x in middles])
