"""What a layer answers, and its filters, as small pictures pixel by pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from firstlight.core.insight import Filters, LayerAnswer
from firstlight.draw.mosaic import averaged
from firstlight.draw.shades import shades_over

MAPS = 32  # of a layer
NUMBERS = 256  # of a layer without places


def map_pixels(answer: LayerAnswer, largest: int | None = None) -> tuple[NDArray[np.uint8], str]:
    """A layer's feature maps as pictures, or its numbers as cells of one pixel.

    Args:
        answer: the first 32 maps or 256 numbers are shown.
        largest: the most pixels along a side of a map; larger maps are averaged down.

    Returns:
        `(N, h, w, 3)`, all on one scale, and what their colours mean.

    Example:
        >>> pixels, words = map_pixels(LayerAnswer("conv", "Conv2D", np.ones((4, 4, 40))))
        >>> pixels.shape, words
        ((32, 4, 4, 3), 'Colours: white 0, dark blue 1. The first 32 of 40 maps.')
    """
    shades = shades_over(answer.values)
    words = shades.in_words()
    if not answer.has_places:
        if answer.values.size > NUMBERS:
            words += f" The first {NUMBERS} of {answer.values.size:,} numbers."
        return shades.pixels(answer.values.ravel()[:NUMBERS])[:, None, None, :], words
    count = answer.values.shape[2]
    if count > MAPS:
        words += f" The first {MAPS} of {count:,} maps."
    maps = answer.values.transpose(2, 0, 1)[:MAPS]
    if largest is not None:
        maps = averaged(maps[..., None], largest)[..., 0]
    return shades.pixels(maps), words


def filter_pixels(filters: Filters) -> tuple[NDArray[np.uint8], str]:
    """The first 32 filters of a convolution: of each the channel with the largest weights.

    Returns:
        `(N, height, width, 3)`, all on one scale, and what is shown.

    Example:
        >>> one = Filters("conv", "Conv2D", np.ones((3, 3, 1, 4), np.float32), np.zeros(4))
        >>> filter_pixels(one)[0].shape
        (4, 3, 3, 3)
    """
    shown = strongest(filters.weights[..., :MAPS])
    shades = shades_over(shown, both=True)
    words = f"Weights: {shades.in_words()[9:]}"
    if filters.weights.shape[2] > 1:
        words += " Of each filter, the channel with the largest weights."
    return shades.pixels(shown), words


def strongest(weights: NDArray[np.float32], by: NDArray[np.float32] | None = None) -> NDArray:
    """`(F, h, w)` of `(h, w, C, F)`: of each filter the channel with the largest weights.

    Args:
        weights: of the filters.
        by: other weights of the same shape by which the channels are chosen.

    Example:
        >>> weights = np.array([1.0, -2.0, 3.0, 0.0], np.float32).reshape(1, 1, 2, 2)
        >>> strongest(weights).ravel().tolist()
        [3.0, -2.0]
    """
    channels = np.square(weights if by is None else by).sum(axis=(0, 1)).argmax(axis=0)
    return weights.transpose(3, 2, 0, 1)[np.arange(weights.shape[3]), channels]
