"""Numbers as colours: one scale for all maps that are shown together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from firstlight.core.notebook import short
from firstlight.draw.style import BLUES, BOTH_SIGNS, QUIET, SMALL, label, place


@dataclass(frozen=True)
class Shades:
    """Which colour a number gets: `colours` from `low` to `high`, the ends for what lies outside.

    Attributes:
        low, high: in the unit of the pixels.
        colours: from white to blue, or where numbers have both signs from orange over white at 0.
    """

    low: float
    high: float
    colours: Colormap

    def pixels(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        """`(..., 3)` uint8 colours of numbers `(...)`."""
        placed = (values.astype(np.float64) - self.low) / ((self.high - self.low) or 1)
        return np.asarray(self.colours(placed, bytes=True)[..., :3], np.uint8)

    def is_dark(self, value: float) -> bool:
        """Whether white letters are easier to read than dark ones on a number's colour."""
        red, green, blue = self.pixels(np.array([value]))[0].tolist()
        return 0.299 * red + 0.587 * green + 0.114 * blue < 140

    def in_words(self, unit: str = "") -> str:
        """What the colours mean.

        Example:
            >>> shades_of(np.array([-2.0, 1.0]).reshape(2, 1, 1, 1)).in_words("mK")
            'Colours: orange -1.97 mK, white 0, blue 1.97 mK.'
        """
        low, high = short(self.low, unit), short(self.high, unit)
        if self.colours is BOTH_SIGNS:
            return f"Colours: orange {low}, white 0, blue {high}."
        return f"Colours: white {low}, dark blue {high}."

    def draw_bar(
        self, figure: Figure, left: float, bottom: float, height: float, unit: str = ""
    ) -> None:
        """The bar that says which number a colour is, at a place in inches."""
        bar = figure.add_axes(place(figure, left, bottom, 0.1, height))
        figure.colorbar(ScalarMappable(Normalize(self.low, self.high), self.colours), cax=bar)
        bar.tick_params(labelsize=SMALL, labelcolor=QUIET, color=QUIET, length=2)
        title = bar.set_title(label(unit) or "value", fontsize=SMALL, color=QUIET)
        title.set_parse_math(False)
        bar.spines[:].set_visible(False)


def shades_of(images: NDArray[Any]) -> Shades:
    """The scale that all but the lowest and the highest 1 % of the pixels share.

    Where numbers have both signs, 0 is white and both sides reach equally far.

    Args:
        images: `(N, H, W, C)` of any number type; bytes are shown from 0 to 255.

    Example:
        >>> shades = shades_of(np.zeros((1, 2, 2, 1), np.uint8))
        >>> shades.low, shades.high
        (0.0, 255.0)
    """
    if images.dtype == np.uint8 or images.size == 0:
        return Shades(0.0, 255.0, BLUES)
    # A single bright star must not turn everything else white.
    low, high = (float(end) for end in np.percentile(images, [1, 99]))
    if low < 0 < high:
        reach = max(-low, high)
        return Shades(-reach, reach, BOTH_SIGNS)
    return Shades(low, high, BLUES)


def shades_over(values: NDArray[Any], both: bool = False) -> Shades:
    """The scale that reaches to the largest number: of weights and feature maps.

    Args:
        values: any shape.
        both: give negative numbers their half where there are none, too.

    Example:
        >>> shades_over(np.array([-2.0, 1.0])).high, shades_over(np.array([0.0, 3.0])).low
        (2.0, 0.0)
    """
    reach = float(np.abs(values).max(initial=0.0)) or 1.0
    if both or values.min(initial=0.0) < 0:
        return Shades(-reach, reach, BOTH_SIGNS)
    return Shades(0.0, reach, BLUES)


def is_map(images: NDArray[Any]) -> bool:
    """Whether pixels are measured numbers: one channel, with a decimal point.

    Example:
        >>> is_map(np.zeros((1, 2, 2, 1), np.float32)), is_map(np.zeros((1, 2, 2, 1), np.uint8))
        (True, False)
    """
    return images.shape[3] == 1 and images.dtype.kind == "f"
