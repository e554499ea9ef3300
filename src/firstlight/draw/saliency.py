"""Where in an image an answer comes from, beside what shuffled weights make of it."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from firstlight.core.insight import Look, Saliency
from firstlight.core.notebook import readable
from firstlight.draw.mosaic import displayed
from firstlight.draw.style import (
    LINE,
    NEGATIVE,
    POSITIVE,
    add_panel,
    bare,
    label,
    new_figure,
)

WIDTH = 9.9
SIDE = 2.6  # inches
NAMES = {"grad_cam": "Grad-CAM", "integrated_gradients": "integrated gradients"}


def saliency_figure(look: Look) -> Figure:
    """The image, and for each method its map with the trained and with shuffled weights.

    Blue speaks for the class (or raises the number), orange against it; over a pale image.

    Args:
        look: with `image` and `saliency`.

    Returns:
        A row of three panels for each method; two where no check was made.

    Example:
        >>> ones = np.ones((4, 4), np.float32)
        >>> found = Saliency("integrated_gradients", 0, ones, difference=16.0)
        >>> look = Look("digits", np.zeros((4, 4, 1), np.uint8), "a.png", None, {"7": 0.9}, {},
        ...     "7", (), (), None, (found,), None, (), ())
        >>> [axes.get_title(loc="left") for axes in saliency_figure(look).axes]
        ['a.png', 'integrated gradients: 7']
    """
    step = SIDE + 0.6
    height = step * len(look.saliency) + 0.1
    figure = new_figure(WIDTH, height)
    pixels = displayed(look.image[None])[0]
    for row, found in enumerate(look.saliency):
        bottom = height - (row + 1) * step + 0.15
        titles = (
            label(look.image_name, 30) if row == 0 else "",
            f"{NAMES[found.method]}: {label(look.of)}",
            "with shuffled weights, correlation "
            + ("–" if found.check is None else f"{found.check.correlation:.2f}"),
        )
        maps = (None, found.values, None if found.check is None else found.check.example)
        for k, (title, values) in enumerate(zip(titles, maps, strict=True)):
            if values is None and (row or k):
                continue
            axes = add_panel(figure, 0.35 + k * (SIDE + 0.6), bottom, SIDE, SIDE, title=title)
            bare(axes)
            axes.set_anchor("NW")
            _draw(axes, pixels, values)
    return figure


def _draw(axes: Axes, pixels: NDArray[np.uint8], values: NDArray[np.float32] | None) -> None:
    """The image, or a map over it, with a thin frame."""
    for side in axes.spines.values():
        side.set_visible(True)
        side.set_color(LINE)
    axes.imshow(pixels if values is None else map_over(pixels, values), interpolation="nearest")


def map_over(pixels: NDArray[np.uint8], values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A saliency map over a pale image: blue speaks for the answer, orange against it.

    Args:
        pixels: `(h, w, 3)` the image as `displayed` shows it.
        values: `(H, W)` the map; where it has more pixels than the image, those count.

    Returns:
        `(H, W, 3)`.

    Example:
        >>> map_over(np.zeros((2, 2, 3), np.uint8), np.ones((4, 4), np.float32)).shape
        (4, 4, 3)
    """
    # Black ink on white and white ink on black both end up as pale grey shapes.
    grey = pixels.mean(axis=2) / 255
    dark = grey if grey.mean() < 0.5 else 1 - grey
    rows, columns = (
        np.arange(size) * shown // size
        for size, shown in zip(values.shape, dark.shape, strict=True)
    )
    under = 1 - 0.16 * dark[np.ix_(rows, columns)][..., None]
    strength = 0.9 * np.abs(values)[..., None] / (float(np.abs(values).max()) or 1.0)
    colour = np.where(values[..., None] >= 0, to_rgb(POSITIVE), to_rgb(NEGATIVE))
    mixed = (1 - strength) * under + strength * colour
    return np.rint(255 * mixed).astype(np.uint8)


def reading(found: Saliency) -> str:
    """How a map is to be read, in a sentence or two."""
    if found.method == "grad_cam":
        return (
            f"Grad-CAM weighs the feature maps of {found.layer} by how much each of them raises "
            "the answer on average. It is as coarse as these maps, and blurs where a dense layer "
            "behind them treats places differently."
        )
    difference, shares = readable(found.difference or 0.0), readable(float(found.values.sum()))
    return (
        "Integrated gradients share out the difference between the answer for this image and that "
        f"for an empty one, {difference}, among the pixels: the shares add up to {shares}."
    )
