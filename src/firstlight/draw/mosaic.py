"""Many images in one picture: one artist in place of many axes."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.draw.shades import is_map, shades_of

LARGEST_TILE = 128
FRAME = (213, 217, 220)


def displayed(images: NDArray[Any]) -> NDArray[np.uint8]:
    """Images as a screen shows them: `(N, h, w, 3)` uint8.

    `uint8` is shown as it is. One channel of numbers with a decimal point is a map, and gets the
    colours of `shades_of`. Any other type is stretched so that all but the lowest and the
    highest 1 % of the values of all images given have their own shade: one channel is grey, three
    are red, green and blue; of four the first three are shown (the last is transparency), of any
    other number the first.
    Images above 128 pixels are averaged down by a whole factor.

    Args:
        images: `(N, H, W, C)` of any number type.
    """
    channels = images.shape[3]
    shown = images[..., :3] if channels in (3, 4) else images[..., :1]
    shown = averaged(shown, LARGEST_TILE)
    if is_map(images):
        return shades_of(images).pixels(shown[..., 0])
    if images.dtype != np.uint8 and shown.size:
        # A single bright star must not turn everything else black.
        low, high = (float(end) for end in np.percentile(shown, [1, 99]))
        shown = ((shown.astype(np.float64) - low) * (255 / ((high - low) or 1))).clip(0, 255)
    shown = np.rint(shown).astype(np.uint8)
    return np.repeat(shown, 3, axis=3) if shown.shape[3] == 1 else shown


def averaged(images: NDArray[Any], largest: int) -> NDArray[Any]:
    """Images `(N, H, W, C)` averaged down by a whole factor to at most `largest` pixels a side.

    Example:
        >>> averaged(np.ones((1, 6, 4, 1), np.uint8), 3).shape
        (1, 3, 2, 1)
    """
    factor = ceil(max(images.shape[1:3]) / largest)
    if factor <= 1:
        return images
    height, width = (size // factor for size in images.shape[1:3])
    shown = images[:, : height * factor, : width * factor]
    blocks = shown.reshape(len(shown), height, factor, width, factor, shown.shape[3])
    return blocks.mean(axis=(2, 4), dtype=np.float32)


def framed(tiles: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Tiles `(N, h, w, 3)` with a thin grey edge around each: white ones can be told apart.

    Example:
        >>> framed(np.zeros((1, 2, 2, 3), np.uint8)).shape
        (1, 4, 4, 3)
    """
    count, height, width = tiles.shape[:3]
    frames = np.full((count, height + 2, width + 2, 3), FRAME, np.uint8)
    frames[:, 1:-1, 1:-1] = tiles
    return frames


def mosaic(
    tiles: NDArray[np.uint8], columns: int, gap: int, below: int
) -> tuple[NDArray[np.uint8], list[tuple[float, float]]]:
    """Tiles `(N, h, w, 3)` laid out in rows on white.

    Args:
        tiles: what `displayed` returns.
        columns: tiles in a row.
        gap: white pixels between two columns.
        below: white pixels under each row, for words.

    Returns:
        The picture, and for each tile the (x, y) of the middle of its lower edge.
    """
    count, height, width = tiles.shape[:3]
    rows = max(1, ceil(count / columns))
    picture = np.full(
        (rows * (height + below), columns * (width + gap) - gap, 3), 255, dtype=np.uint8
    )
    feet = []
    for k, tile in enumerate(tiles):
        row, column = divmod(k, columns)
        top, left = row * (height + below), column * (width + gap)
        picture[top : top + height, left : left + width] = tile
        feet.append((left + width / 2 - 0.5, top + height - 0.5))
    return picture, feet
