"""The figure of measured values: predicted against true, and their differences below."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from firstlight.core.reports import Report
from firstlight.draw.style import (
    NEGATIVE,
    POSITIVE,
    QUIET,
    SMALL,
    add_panel,
    label,
    new_figure,
    with_unit,
)

BARS_SHOWN = 200  # more error bars than this hide each other
BARS_LEVEL = 0.68
SIDE, BELOW = 3.9, 1.3  # inches of the panels


def predicted_against_true(report: Report, target: int = 0) -> Figure:
    """Predicted values of one target against the true ones, and their differences below.

    With error bars (its 68 % intervals, or its spread where it gives no intervals) 200 images
    are shown, drawn at random with a fixed seed; else all. Images that do not look like those
    trained on are orange.

    Args:
        report: a report of `measure`.
        target: which target.

    Returns:
        A figure with two panels, one above the other, over the same true values.

    Example:
        >>> from firstlight.core.reports import Predictions
        >>> answers = Predictions(np.array(["a", "b"]), np.array([[1], [2]], np.float32),
        ...     "measure", target_names=("mass",), target_units=("kg",))
        >>> report = Report("measure", "x", 2, {}, answers, np.array([[1], [3]], np.float32))
        >>> [axes.get_ylabel() for axes in predicted_against_true(report).axes]
        ['predicted mass (kg)', 'predicted minus true']
    """
    predictions = report.predictions
    name = predictions.target_names[target]
    words = with_unit(label(name, 30), predictions.target_units[target])
    true = report.targets[:, target].astype(np.float64)
    value = predictions.values[:, target].astype(np.float64)
    ends, bars = _error_bars(report, target)
    count, shown = len(true), np.arange(len(true))
    notes = []
    if ends is not None:
        notes.append(f"Error bars: {bars}.")
        if count > BARS_SHOWN:
            shown = np.random.default_rng(0).choice(count, BARS_SHOWN, replace=False)
            notes[0] += f" {BARS_SHOWN} of {count:,} images, drawn at random."
    if predictions.unlike is not None and predictions.unlike[shown].any():
        notes.append("Orange: images unlike the training images.")
    foot = 0.1 + 0.2 * len(notes) if notes else 0.0
    figure = new_figure(SIDE + 1.15, SIDE + BELOW + 1.3 + foot)
    above = add_panel(
        figure,
        0.9,
        BELOW + 0.8 + foot,
        SIDE,
        SIDE,
        title=_fit(report, name),
        ylabel=f"predicted {words}",
    )
    below = add_panel(
        figure, 0.9, 0.6 + foot, SIDE, BELOW, xlabel=f"true {words}", ylabel="predicted minus true"
    )
    drawn = np.concatenate([true[shown], value[shown]])
    low, high = float(drawn.min()), float(drawn.max())
    edge = 0.04 * (high - low) or 1.0
    limits = (low - edge, high + edge)
    above.plot(limits, limits, color=QUIET, linewidth=1, linestyle="--", label="perfect")
    above.set(xlim=limits, ylim=limits, xticklabels=[])
    below.axhline(0, color=QUIET, linewidth=1, linestyle="--")
    for axes, middle in ((above, 0.0), (below, true)):
        _draw(axes, report, shown, true, value - middle, None if ends is None else ends - middle)
    below.set_xlim(limits)
    # One image far off must not press all the others flat; it still shows above.
    reach = 1.25 * float(np.percentile(np.abs(value - true), 99)) or 1.0
    below.set_ylim(-reach, reach)
    text = figure.text(0.15 / figure.get_figwidth(), 0.1 / figure.get_figheight(), "\n".join(notes))
    text.set(fontsize=SMALL, color=QUIET, parse_math=False)
    return figure


def _error_bars(report: Report, target: int) -> tuple[NDArray[np.float64] | None, str]:
    """The `(2, N)` ends of the error bars of a target, and what they are."""
    predictions = report.predictions
    found = predictions.interval(BARS_LEVEL)
    if found is not None:
        level, ends = found
        return ends[:, target].T.astype(np.float64), f"{100 * level:g} % intervals"
    if predictions.spread is not None:
        value, spread = predictions.values[:, target], predictions.spread[:, target]
        return np.stack([value - spread, value + spread]).astype(np.float64), "the spread it gives"
    return None, ""


def _draw(
    axes: Axes,
    report: Report,
    shown: NDArray[np.int64],
    true: NDArray[Any],
    height: NDArray[Any],
    ends: NDArray[Any] | None,
) -> None:
    """Dots of the images shown, those that look odd last and in orange."""
    if ends is not None:
        axes.vlines(true[shown], ends[0, shown], ends[1, shown], color=POSITIVE, alpha=0.3)
    unlike = report.predictions.unlike
    odd = np.zeros(len(true), bool) if unlike is None else unlike
    # The more points, the fainter each, so that their density can be seen.
    alpha = float(np.clip(30 / np.sqrt(len(shown)), 0.15, 0.8))
    usual = shown[~odd[shown]]
    style: dict[str, Any] = {"markersize": 4, "markeredgewidth": 0}
    axes.plot(true[usual], height[usual], "o", color=POSITIVE, alpha=alpha, label="images", **style)
    if odd[shown].any():
        strange = shown[odd[shown]]
        words = "unlike the training images"
        axes.plot(true[strange], height[strange], "o", color=NEGATIVE, label=words, **style)


def _fit(report: Report, name: str) -> str:
    """The scores of one target, as far as the report has them."""
    found = ((kind, report.score_of(kind, name)) for kind in ("rmse", "r2"))
    units = {"rmse": report.unit_of(f"rmse of {name}"), "r2": ""}
    return ", ".join(
        f"{kind} {score.value:.3g} {label(units[kind])}".rstrip()
        for kind, score in found
        if score is not None
    )
