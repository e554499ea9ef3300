"""A drawing as an image like those that a network was trained on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from firstlight.data.fit import fit

SIDE, BOX, CENTRE = 28, 20, 14  # pixels of MNIST's digits
SHARE = 0.95  # of the images that have to be placed so
LEAST_PIXEL = 1e-9


def is_dark(images: NDArray[np.uint8]) -> bool:
    """Whether images `(N, H, W, 1)` show bright things on a dark ground.

    Example:
        >>> is_dark(np.zeros((1, 8, 8, 1), np.uint8)), is_dark(np.full((1, 8, 8, 1), 255, np.uint8))
        (True, False)
    """
    return float(images.mean(dtype=np.float64)) < 127.5


def placed_like_digits(ink: NDArray[np.uint8]) -> bool:
    """Whether images `(N, H, W, 1)` stand in their frames as MNIST's digits do.

    These have 28 x 28 pixels, their longer side is 20, and their centre of mass, rounded, lies in
    the middle (LeCun, Cortes & Burges, The MNIST database of handwritten digits,
    yann.lecun.com/exdb/mnist). So it is with 95 % of the images at least.

    Args:
        ink: 0 where nothing is drawn.

    Example:
        >>> import firstlight as fl
        >>> digits = fl.load("mnist").test.images[:100]
        >>> placed_like_digits(digits), placed_like_digits(digits[:, ::-1] // 2 + 9)
        (True, False)
    """
    if ink.shape[1:] != (SIDE, SIDE, 1):
        return False
    sides = [_extent(ink[..., 0].max(axis=axis) > 0) for axis in (2, 1)]
    centres = np.array([_centre(one) for one in ink[..., 0]])
    middle = (np.abs(centres - CENTRE) <= 0.5).all(axis=1)
    return float(((np.maximum(*sides) == BOX) & middle).mean()) >= SHARE


def as_digit(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A drawing placed as MNIST's digits are; see `placed_like_digits`.

    It is cut out, scaled with antialiasing and its proportions kept until its longer side has 20
    pixels, and moved by whole pixels until its centre of mass lies in the middle of 28 x 28.

    Args:
        ink: `(H, W)`, 0 where nothing is drawn.

    Returns:
        `(28, 28)`; empty where nothing is drawn.

    Example:
        >>> ink = np.zeros((100, 100), np.uint8)
        >>> ink[10:50, 5:15] = 255
        >>> rows, columns = np.nonzero(as_digit(ink))
        >>> [int(end) for end in (rows.min(), rows.max(), columns.min(), columns.max())]
        [5, 24, 12, 16]
    """
    image = np.zeros((SIDE, SIDE), np.uint8)
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return image
    cut = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    longest = max(cut.shape)
    height, width = (max(1, round(side * BOX / longest)) for side in cut.shape)
    scaled = fit(cut[:, :, None], height, width, "stretch")[:, :, 0]
    # Rounded half up; a drawing that is heavy on one side stops at the edge.
    top, left = (
        min(max(0, int(CENTRE - centre + 0.5)), SIDE - side)
        for centre, side in zip(_centre(scaled), scaled.shape, strict=True)
    )
    image[top : top + height, left : left + width] = scaled
    return image


def _centre(ink: NDArray[np.uint8]) -> tuple[float, float]:
    """Row and column of the centre of mass."""
    weights = ink.astype(np.float64)
    total = max(weights.sum(), LEAST_PIXEL)
    return (
        float(weights.sum(axis=1) @ np.arange(ink.shape[0]) / total),
        float(weights.sum(axis=0) @ np.arange(ink.shape[1]) / total),
    )


def _extent(drawn: NDArray[np.bool_]) -> NDArray[np.int64]:
    """From the first to the last line of each image `(N, L)` in which anything is drawn."""
    found: NDArray[np.int64] = drawn.shape[1] - drawn[:, ::-1].argmax(1) - drawn.argmax(1)
    return np.where(drawn.any(axis=1), found, 0)
