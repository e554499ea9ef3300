"""How the numbers to measure are spread: in each part, and for each value of another number."""

from __future__ import annotations

from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from firstlight.core.dataset import Dataset
from firstlight.draw.style import (
    DASHES,
    INK,
    NEGATIVE,
    POSITIVE,
    QUIET,
    SMALL,
    add_panel,
    grid,
    label,
    with_unit,
)

PART_COLOURS = {"train": POSITIVE, "validation": NEGATIVE, "test": QUIET}
TARGETS_HEIGHT = 3.0  # inches
BINS = 20
FEW = 8  # values of a column, from 2 on
PANELS_IN_A_ROW = 4
ACROSS, DOWN = 2.35, 2.2  # inches from one panel to the next


def draw_targets(figure: Figure, bottom: float, dataset: Dataset) -> None:
    """Draw how the first three targets are spread in each part, above the height `bottom`."""
    for k, name in enumerate(dataset.target_names[:3]):
        labels = {"title": "", "ylabel": ""}
        if k == 0:
            labels = {"title": "targets in each part", "ylabel": "share of images"}
        words = label(with_unit(name, dataset.target_units[k]), 34)
        axes = add_panel(figure, 0.85 + 2.6 * k, bottom + 0.65, 2.0, 1.9, xlabel=words, **labels)
        edges = np.histogram_bin_edges(dataset.train.targets[:, k], BINS)
        for (part, images), dashes in zip(dataset.parts(), DASHES, strict=False):
            counts, _ = np.histogram(images.targets[:, k], edges)
            share, colour = counts / max(len(images), 1), PART_COLOURS[part]
            axes.stairs(share, edges, color=colour, linestyle=dashes, linewidth=1.4, label=part)
        grid(axes)
    legend_beside(axes)


def legend_beside(axes: Axes) -> None:
    """The legend to the right of axes."""
    box = axes.legend(frameon=False, fontsize=SMALL, loc="upper left", borderaxespad=0.0)
    box.set_bbox_to_anchor((1.02, 1.0))


def few_values(dataset: Dataset) -> dict[str, NDArray[np.float64]]:
    """The columns that take two to eight values in the training images: the values of each."""
    found = {name: np.unique(column) for name, column in dataset.train.columns.items()}
    return {name: values for name, values in found.items() if 2 <= len(values) <= FEW}


def columns_height(dataset: Dataset) -> float:
    """Inches that `draw_by_columns` needs."""
    return 0.75 + DOWN * sum(_rows(values) for values in few_values(dataset).values())


def draw_by_columns(figure: Figure, bottom: float, dataset: Dataset) -> None:
    """Draw the first target of the training images for each value of a column, above `bottom`.

    One row of panels (of eight values two) a column, all with the same bins and height.
    """
    train = dataset.train
    target = train.targets[:, 0]
    edges = np.histogram_bin_edges(target, BINS)
    words = label(with_unit(dataset.target_names[0], dataset.target_units[0]), 34)
    above = bottom + columns_height(dataset) - 0.65
    for name, values in few_values(dataset).items():
        column = train.columns[name]
        counts = [np.histogram(target[column == value], edges)[0] for value in values]
        highest = 1.08 * max(int(count.max()) for count in counts)
        for k, (value, count) in enumerate(zip(values, counts, strict=True)):
            row, place = divmod(k, PANELS_IN_A_ROW)
            axes = add_panel(
                figure,
                0.85 + ACROSS * place,
                above - DOWN * (row + 1) + 0.7,
                ACROSS - 0.5,
                DOWN - 0.95,
                title=f"{label(name)} {value:.4g}: {count.sum():,} images",
                xlabel=words if row == _rows(values) - 1 else "",
                ylabel="images" if place == 0 else "",
            )
            axes.stairs(count, edges, fill=True, color=POSITIVE)
            axes.set_ylim(0, highest)
            grid(axes)
        above -= DOWN * _rows(values)
    across, up = figure.get_size_inches()
    top = bottom + columns_height(dataset) - 0.3
    title = f"{dataset.target_names[0]} for each {', '.join(few_values(dataset))}"
    text = figure.text(0.35 / across, top / up, label(title, 90))
    text.set(fontsize=10, color=INK, parse_math=False)


def _rows(values: NDArray[np.float64]) -> int:
    return ceil(len(values) / PANELS_IN_A_ROW)
