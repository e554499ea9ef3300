"""Figures of the classes that a network named: right and wrong ones, and the worst mistakes."""

from __future__ import annotations

from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from firstlight.core.picking import worst_mistakes
from firstlight.core.reports import Report
from firstlight.core.stored import ImageArray
from firstlight.draw.mosaic import displayed, mosaic
from firstlight.draw.style import (
    INK,
    NEGATIVE,
    POSITIVE,
    QUIET,
    SMALL,
    add_panel,
    bare,
    label,
    new_figure,
    write,
)

MISTAKES_SHOWN = 18
NUMBERS_UP_TO = 25
NAMES_UP_TO = 60


def confusion_figure(report: Report) -> Figure:
    """The confusion matrix: right answers in blue on the diagonal, mistakes in orange.

    A cell's strength is its share of the true class on the diagonal, and its share of the
    most frequent mistake elsewhere (by the square root, so that rare mistakes can be seen).

    Args:
        report: a report of `classify`.

    Returns:
        A figure with one picture of `(K, K)` cells, rows true, columns predicted.

    Example:
        >>> from firstlight.core.reports import Predictions
        >>> answers = Predictions(np.array(["a"]), np.array([[1, 0]], np.float32), "classify")
        >>> report = Report("classify", "pets, test", 1, {}, answers, np.array([0]),
        ...     classes=("cat", "dog"), confusion=np.array([[1, 0], [0, 0]]))
        >>> confusion_figure(report).axes[0].get_xlabel()
        'predicted'
    """
    confusion, names = report.confusion, [label(name) for name in report.classes]
    if confusion is None:
        raise ValueError("a report of measure has no confusion matrix")
    classes = len(names)
    side = min(7.0, max(2.4, 0.48 * classes))
    margin = 0.55 + 0.085 * max(map(len, names))
    figure = new_figure(side + margin + 0.4, side + margin + 0.55)
    axes = add_panel(
        figure,
        margin,
        margin,
        side,
        side,
        title=f"right {int(confusion.trace()):,}, wrong {report.count - int(confusion.trace()):,}",
        xlabel="predicted",
        ylabel="true",
    )
    axes.imshow(_confusion_colours(confusion), aspect="equal", interpolation="nearest")
    ticks = range(classes) if classes <= NAMES_UP_TO else []
    shown = names if classes <= NAMES_UP_TO else []
    turned = 90 if max(map(len, names)) > 3 else 0
    size = SMALL if classes <= NUMBERS_UP_TO else 6
    axes.set_xticks(ticks, shown, rotation=turned, parse_math=False, fontsize=size)
    axes.set_yticks(ticks, shown, parse_math=False, fontsize=size)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if classes <= NUMBERS_UP_TO:
        _write_counts(axes, confusion)
    return figure


def _confusion_colours(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """(K, K, 3) colours from white to blue (diagonal) or orange (elsewhere)."""
    right = np.eye(len(confusion), dtype=bool)
    of_class = confusion / confusion.sum(axis=1, keepdims=True).clip(1)
    most = max(1, int(confusion[~right].max(initial=0)))
    strength = np.where(right, of_class, 0.85 * np.sqrt(confusion / most))
    colour = np.where(right[..., None], to_rgb(POSITIVE), to_rgb(NEGATIVE))
    return 1 - strength[..., None] * (1 - colour)


def _write_counts(axes: Axes, confusion: NDArray[np.int64]) -> None:
    """The count in every cell that has one, in white on the dark cells."""
    of_class = confusion / confusion.sum(axis=1, keepdims=True).clip(1)
    size = SMALL if len(confusion) <= 15 and confusion.max() < 10_000 else 6
    for true, predicted in np.argwhere(confusion):
        dark = true == predicted and of_class[true, predicted] > 0.6
        write(
            axes,
            predicted,
            true,
            f"{confusion[true, predicted]}",
            color="white" if dark else INK,
            size=size,
        )


def mistakes_figure(report: Report, images: ImageArray) -> Figure:
    """The worst mistakes: each image with its true class, the predicted one and how sure.

    Args:
        report: a report of `classify`.
        images: `(N, H, W, C)`, the images that the report was made from, in its order.

    Returns:
        A figure with one picture of up to 18 images, the most certain mistake first.

    Example:
        >>> from firstlight.core.reports import Predictions
        >>> answers = Predictions(np.array(["a"]), np.array([[1, 0]], np.float32), "classify")
        >>> report = Report("classify", "pets, test", 1, {}, answers, np.array([1]),
        ...     classes=("cat", "dog"))
        >>> figure = mistakes_figure(report, np.zeros((1, 8, 8, 1), np.uint8))
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['true dog', 'said cat, 100.0 %']
    """
    worst = worst_mistakes(report)[:MISTAKES_SHOWN]
    if len(worst) == 0:
        figure = new_figure(6, 1)
        figure.text(0.5, 0.5, "no mistakes", ha="center", va="center", color=QUIET)
        return figure
    columns = min(6, len(worst))
    tiles = displayed(images[worst])
    inch = tiles.shape[2] / 1.15  # a tile is 1.15 inches wide
    gap, below = ceil(0.3 * inch), ceil(0.55 * inch)
    picture, feet = mosaic(tiles, columns, gap, below)
    across, down = picture.shape[1] / inch, picture.shape[0] / inch
    figure = new_figure(max(across, 2.0) + 0.6, down + 0.3)
    axes = add_panel(figure, 0.3, 0.1, across, down)
    bare(axes)
    axes.imshow(picture, interpolation="nearest", aspect="auto")
    for position, (x, y) in zip(worst, feet, strict=True):
        values = report.predictions.values[position]
        true, said = int(report.targets[position]), int(values.argmax())
        write(axes, x, y + 0.14 * inch, f"true {label(report.classes[true])}")
        sure = f"said {label(report.classes[said], 10)}, {100 * values[said]:.1f} %"
        write(axes, x, y + 0.32 * inch, sure, color=NEGATIVE)
    return figure
