"""What a data set looks like before anything is trained: samples, balance, pixels, targets."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from firstlight.core.dataset import Dataset
from firstlight.core.exploration import Exploration
from firstlight.draw.sample import draw_sample, sample_height
from firstlight.draw.style import (
    BLUES,
    INK,
    LINE,
    PAPER,
    POSITIVE,
    QUIET,
    add_panel,
    grid,
    label,
    new_figure,
    write,
)
from firstlight.draw.targets import (
    PART_COLOURS,
    TARGETS_HEIGHT,
    columns_height,
    draw_by_columns,
    draw_targets,
    few_values,
    legend_beside,
)

WIDTH = 9.9
ONE_HOT_ROWS, ONE_HOT_COLUMNS = 6, 16
CLASSES_NAMED = 40

# Draws a section into a figure, above a height in inches.
Section = Callable[[Figure, float], None]


def exploration_figures(exploration: Exploration, dataset: Dataset) -> dict[str, Figure]:
    """The figures of `firstlight explore`.

    Args:
        exploration: the data set in numbers.
        dataset: the same data set; training images and labels are drawn from it.

    Returns:
        `sample` (training images with their labels or values, and one with its colour bar),
        `balance` (images of each class in each part, or histograms of the targets), `pixels`
        (as stored, normalised and standardised), for classes `one-hot` (labels beside their
        one-hot rows), for values `columns` where another number of the images takes few values
        (the first target for each redshift), and `sheet` (all of them in one figure).

    Example:
        >>> from firstlight.data import explore_dataset, load_dataset
        >>> digits = load_dataset("mnist")
        >>> list(exploration_figures(explore_dataset(digits), digits))
        ['sample', 'balance', 'pixels', 'one-hot', 'sheet']
    """
    sections: dict[str, tuple[Section, float]] = {
        "sample": (partial(draw_sample, dataset=dataset), sample_height(dataset)),
        "balance": (partial(draw_targets, dataset=dataset), TARGETS_HEIGHT),
        "pixels": (partial(_pixels, exploration=exploration), 3.0),
    }
    if dataset.task == "classify":
        rows = min(len(dataset.classes), CLASSES_NAMED)
        counts = partial(_class_counts, exploration=exploration)
        sections["balance"] = (counts, 1.15 + 0.22 * max(rows, 4))
        sections["one-hot"] = (partial(_one_hot, dataset=dataset), _one_hot_height(dataset))
    elif few_values(dataset):
        sections["columns"] = (partial(draw_by_columns, dataset=dataset), columns_height(dataset))
    figures = {}
    for name, (draw, height) in sections.items():
        figures[name] = new_figure(WIDTH, height)
        draw(figures[name], 0.0)
    bottom = sum(height for _, height in sections.values())
    sheet = new_figure(WIDTH, bottom + 0.45, label(dataset.name, 60))
    for draw, height in sections.values():
        bottom -= height
        draw(sheet, bottom)
    return figures | {"sheet": sheet}


def _class_counts(figure: Figure, bottom: float, exploration: Exploration) -> None:
    """A bar for each class, its parts one after the other."""
    classes = exploration.classes
    named = [label(name) for name in classes] if len(classes) <= CLASSES_NAMED else []
    left = 0.55 + 0.075 * max(map(len, named), default=0)
    height = 0.22 * max(4, min(len(classes), CLASSES_NAMED))
    labels = {"title": "images of each class", "xlabel": "images"}
    axes = add_panel(figure, left, bottom + 0.7, WIDTH - left - 1.5, height, **labels)
    done = np.zeros(len(classes))
    for part in exploration.parts:
        colour = PART_COLOURS[part.part]
        axes.barh(range(len(classes)), part.class_counts, 0.72, done, color=colour, label=part.part)
        done += part.class_counts
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_yticks(range(len(named)), named, parse_math=False)
    axes.set_ylim(len(classes) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    legend_beside(axes)


def _pixels(figure: Figure, bottom: float, exploration: Exploration) -> None:
    """The same training pixels as stored, normalised and standardised."""
    train = next(part for part in exploration.parts if part.part == "train")
    stored = f"{train.dtype}, {label(exploration.pixel_unit)}".removesuffix(", ")
    forms = {
        f"pixels as stored ({stored})": exploration.histograms.stored,
        "normalised": exploration.histograms.normalised,
        "standardised": exploration.histograms.standardised,
    }
    whole_numbers = np.issubdtype(np.dtype(train.dtype), np.integer)
    low, high = train.minimum, train.maximum
    if whole_numbers:
        low, high = 0.0, float(np.iinfo(train.dtype).max)
    span = (high - low) or 1.0
    statistics = [
        (train.mean, train.std),
        ((train.mean - low) / span, train.std / span),
        (0.0, 1.0 if train.std else 0.0),
    ]
    for k, (title, histogram) in enumerate(forms.items()):
        words = "mean {:.3g}, standard deviation {:.3g}".format(*statistics[k])
        ylabel = "share of pixels" if k == 0 else ""
        axes = add_panel(
            figure,
            0.85 + 3.05 * k,
            bottom + 0.7,
            2.4,
            1.8,
            title=title,
            xlabel=words,
            ylabel=ylabel,
        )
        counts = np.array(histogram.counts)
        axes.stairs(counts / counts.sum(), histogram.edges, fill=True, color=POSITIVE)
        if k == 0 and whole_numbers:
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
        axes.set_yscale("log")
        axes.yaxis.set_minor_locator(NullLocator())
        grid(axes)


def _one_hot_height(dataset: Dataset) -> float:
    rows = min(ONE_HOT_ROWS, len(dataset.classes))
    return 0.3 * rows + (1.75 if _longest(dataset) > 3 else 1.0)


def _longest(dataset: Dataset) -> int:
    return max(len(name) for name in dataset.classes[:ONE_HOT_COLUMNS])


def _one_hot(figure: Figure, bottom: float, dataset: Dataset) -> None:
    """Labels beside the row of numbers that the loss compares with the network's answer."""
    columns = min(len(dataset.classes), ONE_HOT_COLUMNS)
    rows = min(ONE_HOT_ROWS, len(dataset.classes))
    one_hot = np.eye(rows, columns, dtype=int)
    labels = [f"label {label(name)}" for name in dataset.classes[:rows]]
    left = 0.5 + 0.08 * max(map(len, labels))
    axes = add_panel(figure, left, bottom + 0.25, 0.42 * columns, 0.3 * rows)
    axes.imshow(one_hot, cmap=BLUES, vmin=0, vmax=1.5, aspect="auto", interpolation="nearest")
    for row, column in np.ndindex(one_hot.shape):
        one = one_hot[row, column] == 1
        write(axes, column, row, "1" if one else "0", color=PAPER if one else QUIET)
    names = [label(name, 12) for name in dataset.classes[:columns]]
    axes.xaxis.tick_top()
    turned = 90 if _longest(dataset) > 3 else 0
    axes.set_xticks(range(columns), names, rotation=turned, parse_math=False)
    axes.set_yticks(range(rows), labels, parse_math=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    more = "" if columns == len(dataset.classes) else f" (the first {columns} of the classes)"
    some = "the" if rows == len(dataset.classes) else "the first"
    title = f"labels of {some} classes, and the same as one-hot rows{more}"
    height = figure.get_size_inches()[1]
    top = (bottom + _one_hot_height(dataset) - 0.3) / height
    figure.text(0.35 / WIDTH, top, title, fontsize=10, color=INK)
