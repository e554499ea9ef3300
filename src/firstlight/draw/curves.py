"""Curves of training: one run, or several in one figure."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from firstlight.draw.style import (
    DASHES,
    INK,
    POSITIVE,
    QUIET,
    SERIES,
    SMALL,
    add_panel,
    grid,
    label,
    new_figure,
)

Epochs = list[dict[str, Any]]
PANEL_WIDTH, PANEL_HEIGHT, BETWEEN = 3.7, 2.5, 0.95
VALIDATION = "validation_"
RING: dict[str, Any] = {"markersize": 9, "markerfacecolor": "none"}


def training_curves(epochs: Epochs) -> Figure:
    """Loss and metric over the epochs, on training and on validation images.

    Args:
        epochs: one dictionary an epoch, as in the run folder: `epoch` (from 1), `loss`, a
            metric such as `accuracy`, and `validation_loss`, `validation_accuracy`.

    Returns:
        A figure with one panel for the loss and one for each metric.

    Example:
        >>> figure = training_curves([{"epoch": 1, "loss": 0.3, "validation_loss": 0.2}])
        >>> [line.get_label() for line in figure.axes[0].lines]
        ['training', 'validation', 'lowest']
    """
    names = measured(epochs)
    figure = new_figure(_width(len(names)), PANEL_HEIGHT + 0.95)
    for k, name in enumerate(names):
        axes = _panel(figure, k, name, name)
        _draw(axes, epochs, name, label="training", color=QUIET, linestyle="--")
        _draw(axes, epochs, VALIDATION + name, label="validation", color=POSITIVE)
        if name == "loss":
            _mark_lowest(axes, epochs)
        _finish(axes)
    return figure


def comparison_figure(runs: dict[str, Epochs]) -> Figure:
    """The validation curves of several runs in one figure.

    Args:
        runs: the epochs of each run (see `training_curves`), by the run's name. A run that
            was trained without validation shows its training curve.

    Returns:
        A figure with one panel for the loss and one for each metric that any run has.

    Example:
        >>> one = [{"epoch": 1, "loss": 0.3, "validation_loss": 0.2}]
        >>> figure = comparison_figure({"small": one, "large": one})
        >>> [line.get_label() for line in figure.axes[0].lines]
        ['small', 'large']
    """
    names = list(dict.fromkeys(name for epochs in runs.values() for name in measured(epochs)))
    legend = 0.25 * len(runs)
    figure = new_figure(_width(len(names)), PANEL_HEIGHT + 0.95 + legend)
    for k, name in enumerate(names):
        axes = _panel(figure, k, name, f"{name} on validation images", raised=legend)
        for number, (run, epochs) in enumerate(runs.items()):
            color = SERIES[number % len(SERIES)]
            dashes = DASHES[number % len(DASHES)]
            has_validation = any(VALIDATION + name in epoch for epoch in epochs)
            key = VALIDATION + name if has_validation else name
            words = run if has_validation else f"{run} (training)"
            _draw(axes, epochs, key, label=label(words, 60), color=color, linestyle=dashes)
        _finish(axes, legend=False)
    handles, captions = figure.axes[0].get_legend_handles_labels()
    box = figure.legend(handles, captions, loc="lower left", frameon=False, fontsize=SMALL)
    for text in box.get_texts():
        text.set_parse_math(False)
    return figure


def measured(epochs: Epochs) -> list[str]:
    """What was measured, the loss first: every name that is also there for validation."""
    keys = dict.fromkeys(key for epoch in epochs for key in epoch)
    names = [key.removeprefix(VALIDATION) for key in keys if key.startswith(VALIDATION)]
    return ["loss", *(name for name in names if name != "loss")]


def _width(panels: int) -> float:
    return 0.2 + panels * (PANEL_WIDTH + BETWEEN)


def _panel(figure: Figure, position: int, name: str, title: str, raised: float = 0.0) -> Axes:
    left = 0.85 + position * (PANEL_WIDTH + BETWEEN)
    labels = {"title": title, "xlabel": "epoch", "ylabel": name}
    axes = add_panel(figure, left, 0.6 + raised, PANEL_WIDTH, PANEL_HEIGHT, **labels)
    if name == "accuracy":
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    else:
        # matplotlib's own would write a common factor over the panel's title.
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g}"))
    return axes


def _draw(axes: Axes, epochs: Epochs, key: str, **style: Any) -> None:
    """One curve; epochs without the value are left out."""
    points = [(epoch["epoch"], epoch[key]) for epoch in epochs if epoch.get(key) is not None]
    if points:
        x, y = zip(*points, strict=True)
        # Markers let a single epoch be seen; many would hide the line.
        marker = "o" if len(points) <= 30 else ""
        axes.plot(x, y, linewidth=1.6, marker=marker, markersize=3.5, **style)


def _mark_lowest(axes: Axes, epochs: Epochs) -> None:
    """A ring around the lowest validation loss: from there on, training only memorises."""
    key = VALIDATION + "loss"
    points = [(e[key], e["epoch"]) for e in epochs if e.get(key) is not None]
    if points:
        loss, epoch = min(points)
        axes.plot([epoch], [loss], "o", color=POSITIVE, label="lowest", **RING)


def _finish(axes: Axes, legend: bool = True) -> None:
    grid(axes)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, min_n_ticks=1))
    first, last = axes.get_xlim()
    if last - first < 1:
        axes.set_xlim(first - 0.5, last + 0.5)
    if legend and axes.lines:
        axes.legend(frameon=False, fontsize=SMALL, labelcolor=INK)
