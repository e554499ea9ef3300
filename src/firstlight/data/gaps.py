"""Pixels without a number: found, counted, and refused or filled by one rule for all formats."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.core.errors import DataError

LARGEST = np.finfo(np.float32).max
FILLED = "the mean of the other pixels of the same image and channel (--gaps mean)"


def gaps_in(pixels: NDArray[Any]) -> NDArray[np.bool_]:
    """Where pixels are NaN, infinite, or more than float32 can hold.

    Example:
        >>> gaps_in(np.array([1.0, np.nan, np.inf]))
        array([False,  True,  True])
    """
    # NaN compares as False, so it is found together with what float32 cannot hold.
    found: NDArray[np.bool_] = ~((pixels >= -LARGEST) & (pixels <= LARGEST))
    return found


def without_gaps(pixels: NDArray[Any], rule: str) -> tuple[NDArray[Any], int]:
    """One picture without gaps, and how many there were.

    Args:
        pixels: `(H, W, C)` floats.
        rule: `refuse`, or `mean`: fill with the mean of the other pixels of the same channel.

    Returns:
        `(H, W, C)` in the type of `pixels` (`pixels` itself without gaps), and the count.

    Raises:
        DataError: there are gaps and the rule is `refuse`, or a channel has nothing else. The
            words follow the picture's name.

    Example:
        >>> filled, count = without_gaps(np.array([[[1.0], [np.nan], [3.0]]]), "mean")
        >>> filled.ravel(), count
        (array([1., 2., 3.]), 1)
    """
    gaps = gaps_in(pixels)
    count = int(gaps.sum())
    if not count:
        return pixels, 0
    if rule == "refuse":
        row, column = np.argwhere(gaps)[0][:2]
        raise DataError(
            f"holds {count:,} pixels without a number, NaN or infinity (first at row {row}, "
            f"column {column}): --gaps mean fills them with the mean of the others"
        )
    good = ~gaps
    if not good.any(axis=(0, 1)).all():
        raise DataError("holds no pixel with a number, or a channel without one")
    means = np.mean(pixels, axis=(0, 1), where=good, dtype=np.float64, keepdims=True)
    return np.where(gaps, means, pixels).astype(pixels.dtype), count


def gaps_note(counts: Iterable[int]) -> tuple[str, ...]:
    """What to tell the user about gaps that were filled: one count for each image.

    Example:
        >>> gaps_note([0, 2, 1])[0][:58]
        '3 pixels without a number in 2 images were filled with the'
    """
    found = [int(count) for count in counts if count]
    if not found:
        return ()
    total = sum(found)
    pixels, images = "pixel" + "s" * (total > 1), "image" + "s" * (len(found) > 1)
    were = "were" if total > 1 else "was"
    return (
        f"{total:,} {pixels} without a number in {len(found):,} {images} {were} filled with "
        f"{FILLED}.",
    )
