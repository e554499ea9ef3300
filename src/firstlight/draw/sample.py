"""Training images with their labels or values, and one of them with its colour bar."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from firstlight.core.dataset import Dataset, Images
from firstlight.draw.mosaic import displayed, mosaic
from firstlight.draw.shades import Shades, is_map, shades_of
from firstlight.draw.style import add_panel, bare, label, write

ROWS, COLUMNS = 3, 8
TILE, BELOW, GAP = 0.66, 0.32, 0.14  # inches
LEFT, TOP = 0.35, 0.45


def sample_height(dataset: Dataset) -> float:
    """Inches that `draw_sample` needs."""
    height, width, _ = dataset.image_shape
    rows = ceil(min(len(dataset.train), ROWS * COLUMNS) / COLUMNS)
    return max(3.0, TOP + rows * (TILE * height / width + BELOW) + 0.15)


def draw_sample(figure: Figure, bottom: float, dataset: Dataset) -> None:
    """Draw above the height `bottom` (inches)."""
    shown = chosen(dataset)
    images = shown.images[:]
    tiles = displayed(images)
    inch = tiles.shape[2] / TILE  # pixels of the picture in one inch
    columns = min(COLUMNS, len(tiles))
    picture, feet = mosaic(tiles, columns, round(GAP * inch), round(BELOW * inch))
    across, down = picture.shape[1] / inch, picture.shape[0] / inch
    top = bottom + sample_height(dataset) - TOP
    title = "training images"
    if dataset.task == "measure":
        title += f" from the smallest to the largest {label(dataset.target_names[0], 40)}"
    axes = add_panel(figure, LEFT, top - down, across, down, title=title)
    bare(axes)
    axes.imshow(picture, interpolation="nearest", aspect="auto")
    for k, (x, y) in enumerate(feet):
        write(axes, x, y + 0.13 * inch, label(target_words(dataset, shown.targets[k]), 10))
    example = min(1, len(shown) - 1)
    one = shown.select(np.array([example]))
    # Maps share one scale, so that the bar is true for all of them.
    shades = shades_of(images if is_map(images) else one.images[:])
    _draw_example(figure, dataset, one, shades, top - 2.0)


def chosen(dataset: Dataset) -> Images:
    """Up to 24 training images: the first of each class in turn, or evenly over the first target.

    Only training images: nothing should be decided by looking at the test images.
    """
    train, wanted = dataset.train, ROWS * COLUMNS
    if dataset.task == "classify":
        order = train.targets.argsort(kind="stable")
        ordered = train.targets[order]
        place_in_class = np.arange(len(order)) - np.searchsorted(ordered, ordered)
        return train.select(order[np.lexsort((ordered, place_in_class))][:wanted])
    order = train.targets[:, 0].argsort(kind="stable")
    positions = np.linspace(0, len(order) - 1, min(wanted, len(order))).round().astype(int)
    return train.select(order[positions])


def target_words(dataset: Dataset, target: Any) -> str:
    """A label's class name, or the first value."""
    return dataset.classes[target] if dataset.task == "classify" else f"{target[0]:.3g}"


def _draw_example(
    figure: Figure, dataset: Dataset, one: Images, shades: Shades, bottom: float
) -> None:
    """One image with its pixel coordinates and what its colours mean."""
    image: NDArray[Any] = one.images[0]
    name = "label" if dataset.task == "classify" else dataset.target_names[0]
    words = f"{label(name, 20)} {label(target_words(dataset, one.targets[0]))}"
    axes = add_panel(figure, 7.15, bottom, 2.0, 2.0, title=words)
    axes.set_anchor("NW")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    if image.shape[2] >= 3:
        axes.imshow(displayed(image[np.newaxis])[0], extent=(0, image.shape[1], image.shape[0], 0))
        return
    values = image[..., 0]
    low, high, colours = shades.low, shades.high, shades.colours
    axes.imshow(values, cmap=colours, vmin=low, vmax=high, interpolation="nearest")
    shades.draw_bar(figure, 9.25, bottom, 2.0, dataset.pixel_unit)
